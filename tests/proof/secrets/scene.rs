//! The clouds, a config whose accounts get their credentials from everywhere, and every place in which a secret could
//! turn up.

use std::collections::HashSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use super::needles::Needles;
use crate::cli::Certctl;
use crate::sandbox::{Account, Certificate, Cloud, Options, Sandbox};

/// Account, cloud, and the certificate that a sync brings.
pub(super) const ACCOUNTS: [(&str, &str, Cloud, Account); 4] = [
    ("jd", "jdcloud", Cloud::Jdcloud, Account::Session),
    ("tx", "tencent", Cloud::Tencent, Account::Session),
    ("hw", "huawei", Cloud::Huawei, Account::Session),
    // CTyun has no temporary credentials.
    ("ct", "ctyun", Cloud::Ctyun, Account::Empty),
];

/// The files in which a key is the purpose.
const KEY_FILES: [&str; 7] =
    ["privkey.pem", "privkey.der", "combined.pem", "secret.yaml", "keystore.p12", "keystore.jks", "keystore.pass"];

/// Secrets that no cloud checks.
const MFA: &str = "mfa-canary-5f2a8c91d04e";
pub(super) const KEYSTORE_PASSWORD: &str = "keystore-canary-77b1e0c3a5";
const KEY_PASSWORD: &str = "key-password-canary-19e6b2d8";

pub(super) struct Scene {
    pub(super) sandbox: Sandbox,
    pub(super) directory: tempfile::TempDir,
    pub(super) needles: Needles,
    /// One certificate of each account.
    pub(super) held: Vec<Certificate>,
    environment: Vec<(String, String)>,
    /// The files with secrets that the user has made.
    own: HashSet<PathBuf>,
}

impl Scene {
    pub(super) fn new() -> Self {
        Self::with(Options::default())
    }

    pub(super) fn with(options: Options) -> Self {
        let sandbox = Sandbox::start(options);
        let mut needles = Needles::default();
        let held = ACCOUNTS.iter().map(|(name, _, cloud, account)| {
            let certificate = if *account == Account::Empty {
                sandbox.issue(*cloud, *account, &["one.ctyun.example"], (-10, 80))
            } else {
                sandbox.certificates(*cloud, *account).remove(0)
            };
            needles.secret_key_of(name, &certificate);
            certificate
        });
        let held = held.collect();
        let mut scene = Self {
            sandbox,
            directory: tempfile::tempdir().unwrap(),
            needles,
            held,
            environment: Vec::new(),
            own: HashSet::new(),
        };
        scene.credentials();
        scene.write("probe", PROBE);
        fs::create_dir(scene.path("seen")).unwrap();
        scene.configure("");
        scene
    }

    /// A credential of an account, by the variable that usually has it.
    pub(super) fn credential(&self, account: Account, variable: &str) -> String {
        let variables = self.sandbox.environment_of(account);
        variables.into_iter().find(|(name, _)| name == variable).map(|(_, value)| value).unwrap_or_default()
    }

    fn credentials(&mut self) {
        let names = [
            (Account::Session, "JDCLOUD_ACCESS_KEY_ID"),
            (Account::Session, "JDCLOUD_SECRET_ACCESS_KEY"),
            (Account::Session, "JDCLOUD_SESSION_TOKEN"),
            (Account::Session, "TENCENTCLOUD_SECRET_ID"),
            (Account::Session, "TENCENTCLOUD_SECRET_KEY"),
            (Account::Session, "TENCENTCLOUD_TOKEN"),
            (Account::Session, "HUAWEICLOUD_SDK_AK"),
            (Account::Session, "HUAWEICLOUD_SDK_SK"),
            (Account::Session, "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
            (Account::Empty, "CTYUN_AK"),
            (Account::Empty, "CTYUN_SK"),
        ];
        for (account, name) in names {
            self.needles.text(name, &self.credential(account, name));
        }
        for (name, secret) in [("MFA", MFA), ("KEYSTORE", KEYSTORE_PASSWORD), ("PASSWORD", KEY_PASSWORD)] {
            self.needles.text(name, secret);
        }
        let session = |name| self.credential(Account::Session, name);
        let own = [
            ("TX_ID", session("TENCENTCLOUD_SECRET_ID")),
            ("TX_KEY", session("TENCENTCLOUD_SECRET_KEY")),
            ("TX_TOKEN", session("TENCENTCLOUD_TOKEN")),
            ("CT_AK", self.credential(Account::Empty, "CTYUN_AK")),
            // Variables that no account uses are withheld from others all the same.
            ("HUAWEICLOUD_SDK_SK", session("HUAWEICLOUD_SDK_SK")),
            ("JDCLOUD_SECRET_ACCESS_KEY", session("JDCLOUD_SECRET_ACCESS_KEY")),
            ("CERTCTL_JDCLOUD_MFA", MFA.to_owned()),
            ("STORE_PASSWORD", KEYSTORE_PASSWORD.to_owned()),
            ("KEY_PASSWORD", KEY_PASSWORD.to_owned()),
            // What libraries read: how much they say, and where TLS secrets go.
            ("RUST_LOG", "trace".to_owned()),
            ("RUST_BACKTRACE", "full".to_owned()),
            ("RUST_LIB_BACKTRACE", "1".to_owned()),
            ("RUST_LOG_STYLE", "always".to_owned()),
            ("RUST_MIN_STACK", "4000000".to_owned()),
            ("SSLKEYLOGFILE", self.text("seen/keylog")),
            ("TOKIO_CONSOLE_BIND", "127.0.0.1:0".to_owned()),
            ("DEBUG", "*".to_owned()),
            ("TMPDIR", self.text("tmp")),
            ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
            ("CERTCTL_CONFIG", self.text("certctl.toml")),
            ("PROBES", self.text("seen")),
        ];
        let tls = self.sandbox.environment().into_iter().filter(|(name, _)| name == "SSL_CERT_FILE");
        let environment = own.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(tls).collect();
        self.environment = environment;
        fs::create_dir(self.path("tmp")).unwrap();
        let vault = serde_json::json!({
            "access_key": self.credential(Account::Session, "HUAWEICLOUD_SDK_AK"),
            "secret_key": self.credential(Account::Session, "HUAWEICLOUD_SDK_SK"),
            "session_token": self.credential(Account::Session, "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
        });
        self.own("vault.json", &vault.to_string());
        self.own("ct.key", &format!("{}\n", self.credential(Account::Empty, "CTYUN_SK")));
    }

    /// A file with secrets of the user's.
    pub(super) fn own(&mut self, name: &str, text: &str) {
        self.write(name, text);
        self.own.insert(self.path(name));
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), Permissions::from_mode(0o600)).unwrap();
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// A command that looks at itself, as the config has it.
    fn probe(&self, word: &str) -> String {
        format!("['/bin/sh', '{}', '{word}']", self.text("probe"))
    }

    /// The accounts' tables, each secret in another kind of place.
    pub(super) fn accounts(&self) -> String {
        let url = |cloud| self.sandbox.url(cloud);
        let session = |name| self.credential(Account::Session, name);
        let [jd, tx, hw, ct] = ACCOUNTS.map(|(_, _, cloud, _)| url(cloud));
        let (id, key, token) =
            (session("JDCLOUD_ACCESS_KEY_ID"), session("JDCLOUD_SECRET_ACCESS_KEY"), session("JDCLOUD_SESSION_TOKEN"));
        format!(
            "[accounts.jd]\nprovider = 'jdcloud'\nendpoint = '{jd}'\naccess_key = '{id}'\nsecret_key = '{key}'\n\
             session_token = '{token}'\nmfa = '{MFA}'\n\
             [accounts.tx]\nprovider = 'tencent'\nendpoint = '{tx}'\nrequests_per_second = 1000\n\
             access_key = {{ env = 'TX_ID' }}\nsecret_key = {{ env = 'TX_KEY' }}\n\
             session_token = {{ env = 'TX_TOKEN' }}\n\
             [accounts.hw]\nprovider = 'huawei'\nendpoint = '{hw}'\n\
             credentials_command = ['/bin/sh', '{}', 'vault', '{}']\n\
             [accounts.ct]\nprovider = 'ctyun'\nendpoint = '{ct}'\n\
             access_key = {{ env = 'CT_AK' }}\nsecret_key = {{ file = '{}' }}\n",
            self.text("probe"),
            self.text("vault.json"),
            self.text("ct.key")
        )
    }

    /// Writes the config: all formats of each account's certificate, and every kind of command.
    pub(super) fn configure(&mut self, more: &str) {
        let table = |((account, ..), certificate): (&(_, _, _, _), &Certificate)| {
            format!(
                "[[certificates]]\nname = '{}'\naccount = '{account}'\ncheck = {}\nhook = {}\n\
                 formats = ['pem', 'combined', 'pkcs12', 'jks', 'der', 'k8s-secret']\n\
                 keystore_password = {{ env = 'STORE_PASSWORD' }}\nkey_password = {{ env = 'KEY_PASSWORD' }}\n{more}\n",
                certificate.domain,
                self.probe("check"),
                self.probe("hook"),
            )
        };
        let tables: String = ACCOUNTS.iter().zip(&self.held).map(table).collect();
        let hooks = ["before", "after", "failed"].map(|word| format!("{word} = {}\n", self.probe(word)));
        self.own(
            "certctl.toml",
            &format!("dir = '{}'\n{}{tables}[hooks]\n{}", self.text("certs"), self.accounts(), hooks.concat()),
        );
    }

    /// The next sync has something to do.
    pub(super) fn forget(&self) {
        let _ = fs::remove_dir_all(self.path("certs"));
    }

    pub(super) fn certctl(&self, args: &[&str]) -> Certctl {
        Certctl::with(self.environment.clone()).directory(self.directory.path()).args(args)
    }

    /// Runs it and searches what it says. Returns its exit code.
    #[track_caller]
    pub(super) fn run(&self, certctl: Certctl) -> i32 {
        self.judge(certctl, &self.needles)
    }

    /// The same of a run whose stdout may hold private keys.
    #[track_caller]
    pub(super) fn run_for_the_key(&self, certctl: Certctl) -> i32 {
        self.judge(certctl, &self.needles.only(|name| !name.starts_with("the key of")))
    }

    #[track_caller]
    fn judge(&self, certctl: Certctl, of_stdout: &Needles) -> i32 {
        let mut command = certctl.into_command();
        let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
        of_stdout.absent(&stdout, &format!("stdout of {command:?}"));
        self.needles.absent(&stderr, &format!("stderr of {command:?}"));
        status.code().unwrap_or(-1)
    }

    /// Searches every file of every directory that certctl touched, and what its children saw. Returns how many.
    #[track_caller]
    pub(super) fn search_files(&self) -> usize {
        let mut count = 0;
        for (path, _, mode, .., bytes) in crate::cli::snapshot(self.directory.path()) {
            let is_file = mode & 0o170_000 == 0o100_000;
            if !is_file || self.own.contains(&path) {
                continue;
            }
            count += 1;
            let name = path.file_name().unwrap().to_str().unwrap();
            let is_key_file = path.starts_with(self.path("certs")) && KEY_FILES.contains(&name);
            assert!(!is_key_file || mode & 0o077 == 0, "{} has mode {mode:o}", path.display());
            let needles = if is_key_file { &self.needles.only(|name| !is_key_of(name)) } else { &self.needles };
            needles.absent(&bytes, &path.display().to_string());
            self.needles.absent(path.to_str().unwrap().as_bytes(), "the name of a file");
        }
        count
    }

    /// Searches the requests that the clouds have had: a secret key signs, it is never sent. Returns how many.
    #[track_caller]
    pub(super) fn search_requests(&self) -> usize {
        // What names the user or proves a session is sent, on purpose.
        let sent = ["JDCLOUD_ACCESS_KEY_ID", "TENCENTCLOUD_SECRET_ID", "HUAWEICLOUD_SDK_AK", "CTYUN_AK", "MFA"];
        let needles = self.needles.only(|name| !name.ends_with("TOKEN") && !sent.contains(&name));
        let requests: Vec<_> = ACCOUNTS.iter().flat_map(|(_, _, cloud, _)| self.sandbox.requests(*cloud)).collect();
        for request in &requests {
            let headers: String = request.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
            let text = format!("{} {}?{}\n{headers}\n", request.method, request.path, request.query);
            needles.absent(text.as_bytes(), "a request");
            needles.absent(&request.body, "a request's body");
        }
        requests.len()
    }
}

fn is_key_of(name: &str) -> bool {
    name.starts_with("the key of")
}

impl Needles {
    fn secret_key_of(&mut self, account: &str, certificate: &Certificate) {
        let material = certificate.issued.as_ref().unwrap();
        let public = format!("{}{}", material.leaf, material.chain.concat());
        self.key(&format!("the key of {account}"), &material.key, &public);
    }
}

/// Notes what a child of certctl can see: its environment and arguments, and certctl's own arguments. As a vault, it
/// prints credentials then.
const PROBE: &str = r#"
{ cat /proc/self/environ; cat /proc/$$/environ; cat /proc/$$/cmdline; cat /proc/$PPID/cmdline; ls -l /proc/$$/fd; } \
    > "$PROBES/$1.$$" 2>&1
while test -e "$PROBES/../gate-$1"; do sleep 0.02; done
if test "$1" = vault; then cat "$2"; else env; echo "$@"; fi
test ! -e "$PROBES/../refuse-$1"
"#;

/// Where certctl can be told to be more or less talkative.
pub(super) const VERBOSITIES: [&[&str]; 5] = [&["-q"], &[], &["-v"], &["-vv"], &["-vvv"]];

/// With text and with JSON.
pub(super) fn every_verbosity() -> Vec<Vec<&'static str>> {
    let formats = ["text", "json"];
    let with = |more: &&'static [&'static str]| formats.map(|format| [*more, &["--log-format", format]].concat());
    VERBOSITIES.iter().flat_map(with).collect()
}

/// Whether a path is there at all.
pub(super) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
