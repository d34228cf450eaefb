//! The four clouds simulated on loopback, for certctl's tests and for rehearsals without an account.
//!
//! Written from the clouds' documents, never from certctl's code: what it accepts and sends is the independent judge
//! of certctl's signers and parsers. So nothing of the `certctl` crate is used in here.
//!
//! - [`server`] and [`socket`]: one port a cloud; what goes wrong below HTTP.
//! - `jdcloud`, `tencent`, `huawei`, `ctyun`, `ccms`: routes and replies, a [`Service`] each.
//! - [`signature`]: whether a request is signed by one of the accounts.
//! - [`accounts`] and [`catalogue`]: who there is, and which certificates they hold.
//! - [`pki`], [`sm2`] and [`archive`]: what a certificate and a download are made of.
//! - [`sealed`]: what of it is under a password.
//! - [`fault`]: what can be made to go wrong at run time; [`broken`]: below HTTP and in it; [`edit`]: in what is said.

#![allow(clippy::unwrap_used, reason = "a simulator for tests: what cannot be set up must stop it")]

pub(crate) mod accounts;
mod ambient;
pub(crate) mod archive;
pub(crate) mod broken;
pub(crate) mod catalogue;
pub(crate) mod ccms;
pub(crate) mod ctyun;
pub(crate) mod edit;
pub(crate) mod fault;
pub(crate) mod huawei;
pub(crate) mod jdcloud;
pub(crate) mod pki;
pub(crate) mod sealed;
pub(crate) mod server;
pub(crate) mod signature;
pub(crate) mod sm2;
pub(crate) mod socket;
pub(crate) mod tencent;
pub(crate) mod wire;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Runtime;

pub(crate) use self::accounts::Account;
use self::accounts::Holder;
pub(crate) use self::ambient::{AMBIENT, cargo};
pub(crate) use self::catalogue::{Certificate, Trouble};
pub(crate) use self::fault::{Fault, Plan};
use self::pki::Authority;
use self::server::{Call, Served};
use self::signature::{Key, Refusal};
use self::wire::{Received, Reply};

/// A simulated service. CTyun has two: ECX, and CCMS under the same access keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub(crate) enum Cloud {
    Jdcloud,
    Tencent,
    Huawei,
    Ctyun,
    Ccms,
}

/// What a cloud's file gives: pure functions of what came in.
pub(crate) struct Service {
    /// The operation's name, empty if there is none such.
    operation: fn(&Received) -> String,
    verify: for<'k> fn(&Received, &'k [Key], Timestamp) -> Result<&'k Key, Refusal>,
    refuse: fn(&Refusal) -> Reply,
    answer: fn(&Call<'_>) -> Reply,
    /// An HTTP error status in the cloud's own words.
    failure: fn(u16) -> Reply,
    /// Too many requests, in the cloud's own words.
    busy: fn() -> Reply,
    /// Where a listing has its rows.
    listing: edit::Shape,
    /// How often an operation may be called in a second, where the cloud says so.
    per_second: fn(&str) -> Option<u32>,
}

impl Cloud {
    pub(crate) const ALL: [Self; 5] = [Self::Jdcloud, Self::Tencent, Self::Huawei, Self::Ctyun, Self::Ccms];

    fn service(self) -> &'static Service {
        match self {
            Self::Jdcloud => &jdcloud::SERVICE,
            Self::Tencent => &tencent::SERVICE,
            Self::Huawei => &huawei::SERVICE,
            Self::Ctyun => &ctyun::SERVICE,
            Self::Ccms => &ccms::SERVICE,
        }
    }

    /// The service whose access keys these are.
    fn keys_of(self) -> Self {
        if self == Self::Ccms { Self::Ctyun } else { self }
    }

    /// All certificates of the cloud are for names below it.
    pub(crate) fn domain(self) -> &'static str {
        match self {
            Self::Jdcloud => "jdcloud.example",
            Self::Tencent => "tencent.example",
            Self::Huawei => "huawei.example",
            Self::Ctyun => "ctyun.example",
            Self::Ccms => "ccms.example",
        }
    }

    /// The environment variables that give certctl access key, secret key, session token and endpoint.
    fn variables(self) -> [Option<&'static str>; 4] {
        match self.keys_of() {
            Self::Jdcloud => [
                Some("JDCLOUD_ACCESS_KEY_ID"),
                Some("JDCLOUD_SECRET_ACCESS_KEY"),
                Some("JDCLOUD_SESSION_TOKEN"),
                Some("CERTCTL_JDCLOUD_ENDPOINT"),
            ],
            Self::Tencent => [
                Some("TENCENTCLOUD_SECRET_ID"),
                Some("TENCENTCLOUD_SECRET_KEY"),
                Some("TENCENTCLOUD_TOKEN"),
                Some("CERTCTL_TENCENT_ENDPOINT"),
            ],
            Self::Huawei => [
                Some("HUAWEICLOUD_SDK_AK"),
                Some("HUAWEICLOUD_SDK_SK"),
                Some("HUAWEICLOUD_SDK_SECURITY_TOKEN"),
                Some("CERTCTL_HUAWEI_ENDPOINT"),
            ],
            Self::Ctyun | Self::Ccms => [Some("CTYUN_AK"), Some("CTYUN_SK"), None, Some("CERTCTL_CTYUN_ENDPOINT")],
        }
    }
}

/// How the clouds are to be.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// HTTPS, with server certificates of the sandbox's own authority.
    pub(crate) tls: bool,
    /// What is wrong with those certificates.
    pub(crate) server: pki::Server,
    /// The greatest page, where it is not to be the cloud's own.
    pub(crate) page_caps: Vec<(Cloud, usize)>,
    pub(crate) jd_forms: jdcloud::Forms,
    /// Otherwise version 3 answers 404 with APIGW.0101.
    pub(crate) huawei_v3: bool,
    pub(crate) huawei_v2_archive: archive::Kind,
    pub(crate) ctyun_form: ctyun::Form,
    /// Which service `CERTCTL_CTYUN_ENDPOINT` names: ECX, or CCMS.
    pub(crate) ctyun_product: Cloud,
    /// How much later than they do a cloud says its certificates begin and end.
    pub(crate) late_dates: Vec<(Cloud, SignedDuration)>,
    /// How far the clouds' clocks are ahead of ours.
    pub(crate) clock_offset: SignedDuration,
    /// How long every reply takes.
    pub(crate) latency: Duration,
    /// How many certificates [`Account::Bulk`] has at each cloud.
    pub(crate) bulk: usize,
    /// Whether the documented request rates are enforced: not by default, as one process after another, each with
    /// its own idea of the rate, passes them.
    pub(crate) rates: bool,
    /// Where a line is written for each request, before it is answered.
    pub(crate) log: Option<Arc<File>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tls: false,
            server: pki::Server::Good,
            page_caps: Vec::new(),
            jd_forms: jdcloud::Forms::default(),
            huawei_v3: true,
            huawei_v2_archive: archive::Kind::Zip,
            ctyun_form: ctyun::Form::Both,
            ctyun_product: Cloud::Ctyun,
            late_dates: Vec::new(),
            clock_offset: SignedDuration::ZERO,
            latency: Duration::ZERO,
            bulk: 0,
            rates: false,
            log: None,
        }
    }
}

/// A request that came in.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// As on the wire.
    pub(crate) path: String,
    pub(crate) query: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Empty if the cloud has none such.
    pub(crate) operation: String,
    pub(crate) account: Option<Account>,
    /// What the signature check said; a fault may have overridden it.
    pub(crate) verdict: Result<(), Refusal>,
    pub(crate) fault: Option<Fault>,
    /// The reply's HTTP status.
    pub(crate) status: u16,
    /// The reply's body as the cloud meant it: what a fault does to it comes later.
    pub(crate) reply: hyper::body::Bytes,
    pub(crate) at: Timestamp,
}

/// All clouds, running on threads of their own until this is dropped.
pub(crate) struct Sandbox {
    clouds: HashMap<Cloud, (Arc<Served>, SocketAddr)>,
    options: Arc<Options>,
    root_pem: String,
    directory: tempfile::TempDir,
    runtime: Option<Runtime>,
}

impl Sandbox {
    pub(crate) fn start(options: Options) -> Self {
        let options = Arc::new(options);
        let authority = Arc::new(Authority::new(Timestamp::now()));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let tls = options.tls.then(|| authority.acceptor(options.server));

        let mut clouds: HashMap<Cloud, (Arc<Served>, SocketAddr)> = HashMap::new();
        for cloud in Cloud::ALL {
            let accounts = Account::ALL.into_iter().filter(|account| account.exists_at(cloud));
            let mut holders: Vec<Holder> =
                accounts.map(|account| Holder::new(cloud, account, Arc::clone(&authority), options.bulk)).collect();
            if let Some((keys, _)) = clouds.get(&cloud.keys_of()) {
                holders.iter_mut().zip(&keys.holders).for_each(|(holder, same)| holder.key = same.key.clone());
            }
            let served = Arc::new(Served::new(cloud, holders, Arc::clone(&options)));
            let address = server::serve(&runtime, Arc::clone(&served), tls.clone()).unwrap();
            clouds.insert(cloud, (served, address));
        }
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("root.pem"), authority.root_pem()).unwrap();
        let root_pem = authority.root_pem().to_owned();
        Self { clouds, options, root_pem, directory, runtime: Some(runtime) }
    }

    fn served(&self, cloud: Cloud) -> &Served {
        &self.clouds[&cloud].0
    }

    fn holder(&self, cloud: Cloud, account: Account) -> Option<&Holder> {
        self.served(cloud).holders.iter().find(|holder| holder.account == account)
    }

    pub(crate) fn address(&self, cloud: Cloud) -> SocketAddr {
        self.clouds[&cloud].1
    }

    /// Scheme, host and port.
    pub(crate) fn url(&self, cloud: Cloud) -> String {
        format!("{}://{}", if self.options.tls { "https" } else { "http" }, self.address(cloud))
    }

    /// What makes certctl talk to the healthy accounts.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        self.environment_of(Account::Healthy)
    }

    /// What makes certctl talk to these accounts. A cloud that knows no such account gets no credentials, but an
    /// endpoint all the same: whatever else certctl may find must not leave this machine.
    pub(crate) fn environment_of(&self, account: Account) -> Vec<(String, String)> {
        // Nor may a config file of the machine's lead certctl to a real account.
        let mut variables = vec![("CERTCTL_CONFIG".to_owned(), "/dev/null".to_owned())];
        for cloud in [Cloud::Jdcloud, Cloud::Tencent, Cloud::Huawei, self.options.ctyun_product] {
            let [.., endpoint] = cloud.variables();
            variables.extend(endpoint.map(|name| (name.to_owned(), self.url(cloud))));
            let Some(holder) = self.holder(cloud, account) else { continue };
            let token = holder.key.token.as_ref().map(|token| token.value.clone());
            let [access_key, secret_key] =
                [&holder.key.access_key, &holder.key.secret_key].map(|key| Some(key.clone()));
            let values = [access_key, secret_key, token];
            for (name, value) in cloud.variables().into_iter().zip(values) {
                variables.extend(name.zip(value).map(|(name, value)| (name.to_owned(), value)));
            }
            if cloud == Cloud::Huawei {
                variables.push(("HUAWEICLOUD_SDK_PROJECT_ID".to_owned(), holder.project_id.clone()));
            }
        }
        if self.options.ctyun_product == Cloud::Ccms {
            variables.push(("CERTCTL_CTYUN_PRODUCT".to_owned(), "ccms".to_owned()));
        }
        if self.options.tls {
            variables.push(("SSL_CERT_FILE".to_owned(), self.root_path().display().to_string()));
        }
        variables
    }

    /// The code that JD Cloud's operation protection wants of [`Account::Mfa`].
    pub(crate) fn mfa(&self) -> String {
        self.holder(Cloud::Jdcloud, Account::Mfa).and_then(|holder| holder.key.mfa.clone()).unwrap()
    }

    /// For `openssl verify`.
    pub(crate) fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// The same, and the roots of SM2 certificates that the account holds.
    pub(crate) fn roots_pem(&self, account: Account) -> String {
        let held = Cloud::ALL.into_iter().flat_map(|cloud| self.certificates(cloud, account));
        let mut roots: Vec<String> = held.filter_map(|certificate| Some(certificate.issued?.root)).collect();
        roots.push(self.root_pem.clone());
        roots.sort_unstable();
        roots.dedup();
        roots.concat()
    }

    pub(crate) fn root_path(&self) -> PathBuf {
        self.directory.path().join("root.pem")
    }

    /// From now on, until it has happened as often as it is meant to, or until it is cleared.
    pub(crate) fn fault(&self, cloud: Cloud, plan: impl Into<Plan>) {
        self.served(cloud).change(|faults| faults.add(plan.into()));
    }

    pub(crate) fn clear(&self, cloud: Cloud) {
        self.served(cloud).change(fault::Faults::clear);
    }

    /// What came in so far, in order.
    pub(crate) fn requests(&self, cloud: Cloud) -> Vec<Request> {
        self.served(cloud).log_since(0)
    }

    /// How many requests came in so far.
    pub(crate) fn seen(&self, cloud: Cloud) -> usize {
        self.served(cloud).seen()
    }

    /// What came in since the first `seen` requests.
    pub(crate) fn requests_since(&self, cloud: Cloud, seen: usize) -> Vec<Request> {
        self.served(cloud).log_since(seen)
    }

    /// How often each operation was called since the first `seen` requests.
    pub(crate) fn tally(&self, cloud: Cloud, seen: usize) -> BTreeMap<String, usize> {
        let mut tally = BTreeMap::new();
        for request in self.requests_since(cloud, seen) {
            *tally.entry(request.operation).or_default() += 1;
        }
        tally
    }

    /// What an account holds; empty if the cloud knows no such account.
    pub(crate) fn certificates(&self, cloud: Cloud, account: Account) -> Vec<Certificate> {
        self.holder(cloud, account).map(|holder| holder.certificates().to_vec()).unwrap_or_default()
    }

    /// The first of an account's certificates that is there for this.
    pub(crate) fn certificate(&self, cloud: Cloud, account: Account, label: &str) -> Certificate {
        let found = self.certificates(cloud, account).into_iter().find(|certificate| certificate.label == label);
        found.unwrap_or_else(|| panic!("{cloud:?} {account:?} has no {label}"))
    }

    /// The account gets a new certificate for the same names under a new id. Its validity starts later and ends
    /// earlier than its predecessor's, which stays.
    pub(crate) fn renew(&self, cloud: Cloud, account: Account, id: &str) -> Certificate {
        self.held(cloud, account).renew(id, None, None)
    }

    /// The same, and what is handed out is broken.
    pub(crate) fn renew_with(&self, cloud: Cloud, account: Account, id: &str, trouble: Trouble) -> Certificate {
        self.held(cloud, account).renew(id, None, Some(trouble))
    }

    /// The same as [`Self::renew`], and its validity starts then.
    pub(crate) fn renew_from(&self, cloud: Cloud, account: Account, id: &str, from: Timestamp) -> Certificate {
        self.held(cloud, account).renew(id, Some(from), None)
    }

    /// The account gets a certificate for these names, which need not be below the cloud's domain, from and to these
    /// days from now.
    pub(crate) fn issue(&self, cloud: Cloud, account: Account, names: &[&str], days: (i64, i64)) -> Certificate {
        self.held(cloud, account).issue(names, days)
    }

    /// The same, with nothing but a common name.
    pub(crate) fn issue_without_names(&self, cloud: Cloud, account: Account, common_name: &str) -> Certificate {
        self.held(cloud, account).issue_without_names(common_name)
    }

    /// From now on no list and no call knows the certificate.
    pub(crate) fn withdraw(&self, cloud: Cloud, account: Account, id: &str) {
        self.held(cloud, account).withdraw(id);
    }

    fn held(&self, cloud: Cloud, account: Account) -> &Holder {
        self.holder(cloud, account).unwrap_or_else(|| panic!("{cloud:?} has no {account:?}"))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Connections that hang are not waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
