//! What the accounts hold, cloud by cloud the same cast under other domains and ids.

mod certificate;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub(crate) use certificate::{Certificate, Disorder, Material, Status, Trouble};

use super::Cloud;
use super::pki::{Authority, Depth, KeyKind, Wanted};
use super::sealed::{Form, Seal};

/// Everyday certificates and every harmless peculiarity.
pub(crate) fn healthy(cloud: Cloud, authority: &Authority) -> Vec<Certificate> {
    let mut cast = Cast::new(cloud, authority);
    let hosts = [
        "www", "api", "shop", "mail", "cdn", "m", "pay", "static", "img", "admin", "blog", "docs", "login", "gateway",
        "git", "wiki", "crm", "vpn", "data", "test",
    ];
    for host in hosts {
        cast.one("plain", &[host]);
    }
    for (label, key) in [
        ("rsa 2048 pkcs1", KeyKind::Rsa2048Pkcs1),
        ("rsa 2048 pkcs8", KeyKind::Rsa2048Pkcs8),
        ("rsa 4096", KeyKind::Rsa4096Pkcs1),
        ("p256 sec1", KeyKind::P256Sec1),
        ("p384", KeyKind::P384Pkcs8),
        ("ed25519", KeyKind::Ed25519),
    ] {
        cast.make(label, &[&label.replace(' ', "-")], |sketch| sketch.key = key);
    }
    cast.one("wildcard", &["*.", ""]);
    cast.one("wildcard only", &["*.apps"]);
    cast.one("multi domain", &["a.multi", "b.multi", "c.multi", "d.multi", "*.e.multi"]);
    let many: Vec<String> = (0..60).map(|n| format!("n{n}.many")).collect();
    cast.one("many domains", &many.iter().map(String::as_str).collect::<Vec<_>>());
    cast.make("idn", &["xn--fsqu00a"], |sketch| sketch.listed = Some("例子"));
    cast.make("non-ascii", &["alias"], |sketch| {
        sketch.alias = Some("证书 №7 «ß» 🔐");
        sketch.description = Some("生产环境，请勿删除\n第二行\t\"quoted\" \\ / <b>&amp;</b>");
    });
    cast.make("upper case", &["UPPER"], |_| {});
    cast.make("cn only", &["cn-only"], |sketch| sketch.san = false);
    cast.make("deep chain", &["deep"], |sketch| sketch.depth = Depth::Four);
    cast.make("root issued", &["rooted"], |sketch| {
        sketch.depth = Depth::Root;
        // Without it nobody could tell that nothing is missing.
        sketch.disorder = Disorder::RootIncluded;
    });
    for (label, disorder) in [
        ("chain reversed", Disorder::Reversed),
        ("root included", Disorder::RootIncluded),
        ("chain doubled", Disorder::Doubled),
    ] {
        cast.make(label, &[&label.replace(' ', "-")], |sketch| {
            sketch.depth = Depth::Four;
            sketch.disorder = disorder;
        });
    }
    cast.make("expiring", &["soon"], |sketch| sketch.days = (-362, 3));
    cast.make("uploaded", &["uploaded"], |sketch| sketch.uploaded = true);
    cast.make("uploaded", &["uploaded-too"], |sketch| sketch.uploaded = true);

    // A renewal is a new certificate with a new id; the old one stays in the list, and often in date.
    cast.make("renewed old", &["renewed"], |sketch| sketch.days = (-300, 65));
    cast.make("renewed new", &["renewed"], |sketch| sketch.days = (-2, 196));
    cast.make("renewed short", &["short"], |sketch| sketch.days = (-1, 46));
    cast.make("renewed long", &["short"], |sketch| sketch.days = (-200, 198));
    cast.make("renewed expired", &["again"], |sketch| {
        sketch.days = (-400, -35);
        sketch.status = Status::Expired;
    });
    cast.make("renewed", &["again"], |sketch| sketch.days = (-40, 158));

    for (label, status, days) in [
        ("expired", Status::Expired, (-400, -2)),
        ("expired", Status::Expired, (-800, -435)),
        ("revoked", Status::Revoked, (-100, 265)),
        ("canceled", Status::Canceled, (-50, 315)),
    ] {
        cast.make(label, &[label], |sketch| (sketch.status, sketch.days) = (status, days));
    }
    for (label, status) in
        [("pending", Status::Pending), ("pending", Status::Pending), ("failed", Status::Failed), ("odd", Status::Odd)]
    {
        cast.make(label, &[label], |sketch| (sketch.status, sketch.issue) = (status, false));
    }
    cast.certificates
}

/// For accounts whose peculiarity is not what they hold.
pub(crate) fn small(cloud: Cloud, authority: &Authority) -> Vec<Certificate> {
    let mut cast = Cast::new(cloud, authority);
    for host in ["one", "two", "three"] {
        cast.one("plain", &[host]);
    }
    cast.certificates
}

/// Everything that goes wrong, and one certificate that is fine.
pub(crate) fn troubled(cloud: Cloud, authority: &Authority) -> Vec<Certificate> {
    let mut cast = Cast::new(cloud, authority);
    cast.one("plain", &["fine"]);
    for (label, trouble) in [
        ("no key", Trouble::NoKey),
        ("wrong key", Trouble::WrongKey),
        ("missing intermediate", Trouble::MissingIntermediate),
        ("content null", Trouble::ContentNull),
        ("not pem", Trouble::NotPem),
        ("download refused", Trouble::DownloadRefused),
        ("all null", Trouble::AllNull),
        ("null row", Trouble::NullRow),
    ] {
        cast.make(label, &[&label.replace(' ', "-")], |sketch| sketch.trouble = Some(trouble));
    }
    // Tencent always hands out an archive, Huawei in version 2.
    for (label, trouble) in [
        ("not a zip", Trouble::NotAZip),
        ("zip slip", Trouble::ZipSlip),
        ("absolute entry", Trouble::AbsoluteEntry),
        ("bomb", Trouble::Bomb),
        ("encrypted zip", Trouble::EncryptedZip),
        ("broken base64", Trouble::BrokenBase64),
    ] {
        if matches!(cloud, Cloud::Tencent | Cloud::Huawei) {
            cast.make(label, &[&label.replace(' ', "-")], |sketch| sketch.trouble = Some(trouble));
        }
    }
    cast.make("not yet valid", &["tomorrow"], |sketch| sketch.days = (1, 366));
    cast.make("expired but issued", &["yesterday"], |sketch| sketch.days = (-366, -1));
    cast.make("evil alias", &["evil-alias"], |sketch| {
        let evil = "a\u{1b}[31mb\u{9b}2Jc\u{7}\r\nd\u{202e}e\u{7f}";
        (sketch.alias, sketch.description) = (Some(evil), Some(evil));
    });
    cast.make("evil id", &["evil-id"], |_| {});
    cast.certificates.last_mut().unwrap().id = "x\ncertctl: error: \u{1b}[2Jy\u{9b}".to_owned();
    cast.make("evil listing", &["evil-listing"], |sketch| sketch.listed = Some("../../etc/x"));
    let endless = "a".repeat(300);
    for evil in
        ["../../etc/x", "/etc/x", "..", "a/b", "..\\..\\x", "-rf", "a\nb", "\u{1b}[31mred", ".", " ", "a\0b", &endless]
    {
        let names = [evil];
        cast.make("evil name", &[], |sketch| sketch.verbatim = &names);
    }
    cast.make("duplicate", &["duplicate"], |_| {});
    let twin = cast.certificates.last().unwrap().clone();
    cast.certificates.push(twin);
    cast.certificates
}

/// Keys that are encrypted, and certificates that only a key store holds, if the cloud can hand out such.
pub(crate) fn sealed(cloud: Cloud, authority: &Authority) -> Vec<Certificate> {
    let mut cast = Cast::new(cloud, authority);
    let mut one = |label: &'static str, key, seal: Option<(Form, bool)>| {
        cast.make(label, &[&label.replace(' ', "-")], |sketch| (sketch.key, sketch.seal) = (key, seal));
    };
    one("plain", KeyKind::P256Pkcs8, None);
    one("pkcs8", KeyKind::P256Pkcs8, Some((Form::Pkcs8, true)));
    one("traditional", KeyKind::Rsa2048Pkcs1, Some((Form::Traditional, true)));
    one("pkcs8 untold", KeyKind::Rsa2048Pkcs8, Some((Form::Pkcs8, false)));
    one("traditional untold", KeyKind::P384Sec1, Some((Form::Traditional, false)));
    if matches!(cloud, Cloud::Jdcloud | Cloud::Tencent | Cloud::Huawei) {
        one("pfx", KeyKind::P256Sec1, Some((Form::Pfx, true)));
        one("jks", KeyKind::Rsa2048Pkcs1, Some((Form::Jks, true)));
        one("pfx untold", KeyKind::Rsa2048Pkcs8, Some((Form::Pfx, false)));
        one("jks untold", KeyKind::P384Pkcs8, Some((Form::Jks, false)));
    }
    cast.certificates
}

/// SM2 certificates; none where this machine cannot make them.
pub(crate) fn sm2(cloud: Cloud, authority: &Authority) -> Vec<Certificate> {
    let mut cast = Cast::new(cloud, authority);
    for (label, host, trouble) in [
        ("dual", "www", None),
        ("single", "single", Some(Trouble::NoEncryptionHalf)),
        ("enveloped", "enveloped", Some(Trouble::Enveloped)),
        ("own csr", "own-csr", Some(Trouble::OwnCsr)),
        ("no signing key", "no-signing-key", Some(Trouble::NoKey)),
        ("wrong encryption key", "wrong-encryption-key", Some(Trouble::WrongEncryptionKey)),
        ("half archive", "half-archive", Some(Trouble::HalfArchive)),
    ] {
        let is_known_here = trouble != Some(Trouble::HalfArchive) || cloud == Cloud::Tencent;
        if is_known_here && authority.sm2().is_some() {
            cast.make(label, &[host], |sketch| (sketch.key, sketch.trouble) = (KeyKind::Sm2, trouble));
        }
    }
    cast.certificates
}

/// So many of different names, cheap to make and to read.
pub(crate) fn bulk(cloud: Cloud, authority: &Authority, count: usize) -> Vec<Certificate> {
    let mut cast = Cast::new(cloud, authority);
    for n in 1..=count {
        cast.make("bulk", &[&format!("bulk-{n:04}")], |sketch| {
            (sketch.key, sketch.depth, sketch.days) = (KeyKind::P256Pkcs8, Depth::One, (-30, 150));
        });
    }
    cast.certificates
}

/// One more, for these names, the account's `n`th.
pub(crate) fn single(cloud: Cloud, authority: &Authority, names: &[&str], days: (i64, i64), n: usize) -> Certificate {
    let mut cast = Cast { made: n, ..Cast::new(cloud, authority) };
    cast.make("single", &[], |sketch| (sketch.days, sketch.verbatim) = (days, names));
    cast.certificates.remove(0)
}

/// One more, with nothing but a common name, the account's `n`th.
pub(crate) fn nameless(cloud: Cloud, authority: &Authority, common_name: &str, n: usize) -> Certificate {
    let mut cast = Cast { made: n, ..Cast::new(cloud, authority) };
    let names = [common_name];
    cast.make("nameless", &[], |sketch| (sketch.san, sketch.verbatim) = (false, &names));
    cast.certificates.remove(0)
}

/// The account's `n`th, which renews another one.
pub(crate) fn renewal(
    cloud: Cloud,
    authority: &Authority,
    old: &Certificate,
    n: usize,
    from: Option<Timestamp>,
    trouble: Option<Trouble>,
) -> Certificate {
    let (old_from, old_to) = old.validity.unwrap();
    let after = |time: Timestamp, seconds| time.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    // Each of many renewals within ten minutes is to be newer than the one before, and none to lie in the future.
    let from = from.unwrap_or_else(|| after(now, -10 * 60).max(after(old_from, 1)));
    let day_less = after(old_to, -24 * 60 * 60);
    let to = if day_less > now { day_less } else { after(now, 47 * 24 * 60 * 60) };
    let wanted = Wanted { validity: (from, to), ..old.wanted.clone().unwrap() };
    Certificate {
        id: id(cloud, n),
        resource_id: super::accounts::hex(32),
        status: Status::Issued,
        validity: Some((from, to)),
        issued: Some(authority.issue(&wanted)),
        wanted: Some(wanted),
        trouble,
        seal: old.seal.as_ref().map(|seal| Arc::new(seal.anew())),
        variant: n,
        ..old.clone()
    }
}

/// A certificate about to be made.
struct Sketch<'s> {
    key: KeyKind,
    depth: Depth,
    days: (i64, i64),
    status: Status,
    issue: bool,
    san: bool,
    uploaded: bool,
    disorder: Disorder,
    trouble: Option<Trouble>,
    /// What is under a password, and whether that is told.
    seal: Option<(Form, bool)>,
    alias: Option<&'s str>,
    description: Option<&'s str>,
    /// The main domain's host part, as the list shows it.
    listed: Option<&'s str>,
    /// More names, as they are.
    verbatim: &'s [&'s str],
}

struct Cast<'a> {
    cloud: Cloud,
    authority: &'a Authority,
    now: Timestamp,
    /// How many the account has ever held.
    made: usize,
    certificates: Vec<Certificate>,
}

impl<'a> Cast<'a> {
    fn new(cloud: Cloud, authority: &'a Authority) -> Self {
        // Half an hour off any whole day from now, or the days left would change while a test runs.
        let now = Timestamp::from_second(Timestamp::now().as_second() - 1800).unwrap();
        Self { cloud, authority, now, made: 0, certificates: Vec::new() }
    }

    fn one(&mut self, label: &'static str, hosts: &[&str]) {
        self.make(label, hosts, |_| {});
    }

    fn make<'s>(&mut self, label: &'static str, hosts: &[&str], sketched: impl FnOnce(&mut Sketch<'s>)) {
        let n = self.made;
        self.made += 1;
        let mut sketch = Sketch {
            key: KeyKind::ALL[n % KeyKind::ALL.len()],
            depth: if n.is_multiple_of(3) { Depth::Two } else { Depth::One },
            days: (-(10 + n as i64), 187 - n as i64),
            status: Status::Issued,
            issue: true,
            san: true,
            uploaded: false,
            disorder: Disorder::None,
            trouble: None,
            seal: None,
            alias: None,
            description: None,
            listed: None,
            verbatim: &[],
        };
        sketched(&mut sketch);

        let base = self.cloud.domain();
        let within = |host: &&str| match *host {
            "" => base.to_owned(),
            "*." => format!("*.{base}"),
            host => format!("{host}.{base}"),
        };
        let mut names: Vec<String> = hosts.iter().map(within).collect();
        names.extend(sketch.verbatim.iter().map(ToString::to_string));
        let at = |days: i64| self.now.checked_add(SignedDuration::from_hours(24 * days)).unwrap();
        let validity = (at(sketch.days.0), at(sketch.days.1));
        let common_name = names.first().cloned().unwrap_or_default();
        let wanted = sketch.issue.then(|| Wanted {
            // A common name holds 64 characters at most.
            common_name: common_name.chars().take(64).collect(),
            names: if sketch.san { names.clone() } else { Vec::new() },
            validity,
            key: sketch.key,
            depth: sketch.depth,
        });
        let issued = wanted.as_ref().map(|wanted| self.authority.issue(wanted));
        let domain = match sketch.listed {
            Some(listed) if listed.starts_with('.') => listed.to_owned(),
            Some(listed) => format!("{listed}.{base}"),
            None => common_name,
        };
        if let Some(main) = names.first_mut() {
            main.clone_from(&domain);
        }
        self.certificates.push(Certificate {
            id: id(self.cloud, n),
            resource_id: super::accounts::hex(32),
            label,
            alias: sketch.alias.map_or_else(|| format!("{label} {n}"), str::to_owned),
            description: sketch.description.map(str::to_owned),
            domain,
            names,
            status: sketch.status,
            validity: sketch.issue.then_some(validity),
            key: sketch.key,
            wanted,
            issued,
            trouble: sketch.trouble,
            disorder: sketch.disorder,
            uploaded: sketch.uploaded,
            seal: sketch.seal.map(|(form, is_told)| Arc::new(Seal::new(form, is_told))),
            variant: n,
        });
    }
}

/// An id in the cloud's own style; every seventh is an odd one.
fn id(cloud: Cloud, n: usize) -> String {
    let odd = n % 7 == 6;
    let some = |count: usize, one: fn() -> char| std::iter::repeat_with(one).take(count).collect::<String>();
    match cloud {
        Cloud::Jdcloud if odd => format!("{}", 100_000 + n),
        Cloud::Jdcloud => format!("cert-{}", some(10, || fastrand::digit(36))),
        Cloud::Tencent if odd => format!("0{}-_", some(5, || fastrand::digit(10))),
        Cloud::Tencent => some(8, fastrand::alphanumeric),
        Cloud::Huawei if odd => format!("scs-{}", uuid::Uuid::new_v4()),
        Cloud::Huawei => format!("scs{}", 1_500_000_000_000_u64 + fastrand::u64(..200_000_000_000)),
        Cloud::Ctyun if odd => format!("90071992547409{n:05}"),
        Cloud::Ctyun => format!("{}", 28 + n * 13),
        Cloud::Ccms => super::accounts::hex(32),
    }
}
