//! SM2 dual certificates, made by OpenSSL, from the clouds to the disk.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Certctl, Run, snapshot};
use crate::oracle;
use crate::sandbox::{Account, Certificate, Cloud, Options, Sandbox};

pub(super) const SIGNING: [(&str, u32); 2] = [("sign-cert.pem", 0o644), ("sign-privkey.pem", 0o600)];
pub(super) const ENCRYPTION: [(&str, u32); 2] = [("enc-cert.pem", 0o644), ("enc-privkey.pem", 0o600)];
const USUAL: [(&str, u32); 5] = [
    ("cert.pem", 0o644),
    ("chain.pem", 0o644),
    ("fullchain.pem", 0o644),
    ("metadata.json", 0o644),
    ("privkey.pem", 0o600),
];

/// A cloud that has such certificates, in each way that it hands them out.
struct Scene {
    provider: &'static str,
    cloud: Cloud,
    sandbox: Sandbox,
    directory: tempfile::TempDir,
}

impl Scene {
    fn all() -> Vec<Self> {
        let archives = Options { huawei_v3: false, ..Options::default() };
        [
            ("tencent", Cloud::Tencent, Options::default()),
            ("huawei", Cloud::Huawei, Options::default()),
            ("huawei", Cloud::Huawei, archives),
        ]
        .into_iter()
        .filter_map(|(provider, cloud, options)| Self::new(provider, cloud, options))
        .collect()
    }

    /// None where the openssl of this machine does not know SM2.
    fn new(provider: &'static str, cloud: Cloud, options: Options) -> Option<Self> {
        let sandbox = Sandbox::start(options);
        is_there(&sandbox).then(|| Self { provider, cloud, sandbox, directory: tempfile::tempdir().unwrap() })
    }

    fn held(&self, label: &str) -> Certificate {
        self.sandbox.certificate(self.cloud, Account::Sm2, label)
    }

    fn certctl(&self, args: &[&str]) -> Run {
        Certctl::of(&self.sandbox, Account::Sm2).args(args).run()
    }

    fn download(&self, certificate: &Certificate, more: &[&str]) -> Run {
        let dir = self.directory.path().to_str().unwrap();
        let args = ["download", "-p", self.provider, &certificate.id, "-d", dir, "-o", "json"];
        self.certctl(&[&args, more].concat())
    }

    fn home(&self, certificate: &Certificate) -> std::path::PathBuf {
        self.directory.path().join(&certificate.domain)
    }
}

/// Whether the machine can make such certificates.
pub(super) fn is_there(sandbox: &Sandbox) -> bool {
    oracle::is_there(!sandbox.certificates(Cloud::Tencent, Account::Sm2).is_empty(), "openssl with SM2")
}

/// Asserts that a certificate directory has the usual files, these, and nothing else.
#[track_caller]
pub(super) fn has_files(home: &Path, more: &[(&str, u32)]) {
    let mut wanted: Vec<_> = USUAL.iter().chain(more).map(|(name, mode)| ((*name).to_owned(), *mode)).collect();
    wanted.sort();
    let facts = |directory: &Path| {
        let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let files = entries.filter(|path| path.is_file());
        let mut found: Vec<_> =
            files.map(|path| (name(&path), path.metadata().unwrap().permissions().mode() & 0o7777)).collect();
        found.retain(|(name, _)| !name.starts_with('.'));
        found.sort();
        found
    };
    assert_eq!(facts(home), wanted, "links");
    assert_eq!(facts(&home.join("current")), wanted, "files");
}

/// Asserts that both halves of this certificate are in place, and that OpenSSL finds them right.
#[track_caller]
pub(super) fn holds_both(home: &Path, certificate: &Certificate) {
    has_files(home, &[SIGNING, ENCRYPTION].concat());
    let issued = certificate.issued.clone().unwrap();
    let encryption = issued.encryption.unwrap();
    let read = |name: &str| fs::read_to_string(home.join(name)).unwrap();
    for (file, want) in [
        ("cert.pem", &issued.leaf),
        ("sign-cert.pem", &issued.leaf),
        ("fullchain.pem", &(issued.leaf.clone() + &issued.chain.concat())),
        ("privkey.pem", &issued.key),
        ("sign-privkey.pem", &issued.key),
        ("enc-cert.pem", &encryption.certificate),
        ("enc-privkey.pem", &encryption.key),
    ] {
        assert_eq!(read(file), *want, "{file}");
    }
    let root = tempfile::NamedTempFile::new().unwrap();
    fs::write(root.path(), &issued.root).unwrap();
    let (root, chain) = (root.path().to_str().unwrap(), home.join("chain.pem").display().to_string());
    // OpenSSL knows the signers' identity for the certificate at hand alone, so it goes from link to link.
    let verify = ["verify", "-vfyopt", "distid:1234567812345678", "-x509_strict"];
    oracle::run("openssl", &[&verify[..], &["-CAfile", root, &chain]].concat());
    for (half, usage) in [("sign", "Digital Signature, Non Repudiation"), ("enc", "Key Encipherment")] {
        let file = |name: &str| home.join(format!("{half}-{name}")).display().to_string();
        let (leaf, key) = (file("cert.pem"), file("privkey.pem"));
        oracle::run("openssl", &[&verify[..], &["-partial_chain", "-trusted", &chain, &leaf]].concat());
        let of_leaf = oracle::run("openssl", &["x509", "-in", &leaf, "-noout", "-pubkey"]);
        assert_eq!(of_leaf, oracle::run("openssl", &["pkey", "-in", &key, "-pubout"]), "{half}");
        let text = oracle::run("openssl", &["x509", "-in", &leaf, "-noout", "-ext", "keyUsage"]);
        assert!(text.contains(usage), "{half}: {text}");
    }
}

fn outcome(run: &Run) -> Value {
    run.json()["results"][0]["outcome"].clone()
}

#[test]
fn both_halves_are_written() {
    for scene in Scene::all() {
        let dual = scene.held("dual");
        let run = scene.download(&dual, &[]).exits(0);
        assert_eq!((outcome(&run), run.stderr.as_str()), ("created".into(), ""));
        holds_both(&scene.home(&dual), &dual);
        let metadata: Value =
            serde_json::from_slice(&fs::read(scene.home(&dual).join("metadata.json")).unwrap()).unwrap();
        assert_eq!(metadata["key_algorithm"], "SM2");
        assert_eq!(metadata["files"].as_object().unwrap().len(), 8);
        assert_eq!(metadata["files"]["enc-privkey.pem"]["mode"], "0600");
        let before = snapshot(&scene.home(&dual).join("versions"));
        let run = scene.download(&dual, &[]).exits(0);
        assert_eq!((outcome(&run), run.stderr.as_str()), ("unchanged".into(), ""));
        assert_eq!(snapshot(&scene.home(&dual).join("versions")), before);
        // Every other format has the signing half.
        scene.download(&dual, &["--format", "combined,der"]).exits(0);
        let read = |name: &str| fs::read(scene.home(&dual).join(name)).unwrap();
        assert_eq!(read("combined.pem"), [read("fullchain.pem"), read("sign-privkey.pem")].concat());
        let issued = dual.issued.clone().unwrap();
        let der = |pem: &str| pem.lines().filter(|line| !line.starts_with('-')).collect::<String>();
        let base64 = |name: &str| STANDARD.encode(read(name));
        assert_eq!((base64("cert.der"), base64("privkey.der")), (der(&issued.leaf), der(&issued.key)));
    }
}

#[test]
fn a_single_certificate_has_no_halves() {
    for scene in Scene::all() {
        let single = scene.held("single");
        let run = scene.download(&single, &[]).exits(0);
        assert_eq!((outcome(&run), run.stderr.as_str()), ("created".into(), ""));
        has_files(&scene.home(&single), &[]);
    }
}

#[test]
fn an_envelope_is_told_and_not_written() {
    for scene in Scene::all() {
        let held = scene.held("enveloped");
        for want in ["created", "unchanged"] {
            let run = scene.download(&held, &[]).exits(0);
            assert_eq!(outcome(&run), want);
            let start = format!("certctl: warning: {} ({} {}): ", held.domain, scene.provider, held.id);
            assert!(run.stderr.starts_with(&start) && run.stderr.lines().count() == 1, "{}", run.stderr);
            assert!(run.stderr.contains("a digital envelope") && run.stderr.contains("enc-privkey.pem is not written"));
            has_files(&scene.home(&held), &[SIGNING.as_slice(), &ENCRYPTION[..1]].concat());
        }
    }
}

#[test]
fn what_is_not_whole_is_refused() {
    for scene in Scene::all() {
        for (label, code, exit, words) in [
            ("own csr", "no_private_key", 4, &["a digital envelope", "CSR"][..]),
            (
                "no signing key",
                "no_private_key",
                4,
                &["the encryption half", "the signing half's private key is missing"],
            ),
            ("wrong encryption key", "key_mismatch", 6, &["the private key (SM2)", "nothing on disk was changed"]),
        ] {
            let run = scene.download(&scene.held(label), &[]).exits(exit).says(words);
            assert_eq!(run.json()["results"][0]["error"]["code"], code, "{label}");
        }
        assert_eq!(snapshot(scene.directory.path()), []);
    }
}

/// One more call, for SM2 certificates alone, and only where the archive leaves the half out.
#[test]
fn tencent_is_asked_for_the_other_half() {
    let Some(scene) = Scene::new("tencent", Cloud::Tencent, Options::default()) else { return };
    for (label, details) in [("dual", 0), ("enveloped", 1), ("half archive", 1), ("single", 1)] {
        let seen = scene.sandbox.requests(Cloud::Tencent).len();
        let held = scene.held(label);
        scene.download(&held, &[]).exits(0);
        let tally = scene.sandbox.tally(Cloud::Tencent, seen);
        let of = |operation: &str| tally.get(operation).copied().unwrap_or_default();
        assert_eq!((of("DownloadCertificate"), of("DescribeCertificateDetail")), (1, details), "{label}: {tally:?}");
        if label == "half archive" {
            holds_both(&scene.home(&held), &held);
        }
    }
}

#[test]
fn no_key_is_shown() {
    for scene in Scene::all() {
        for label in ["dual", "enveloped", "wrong encryption key", "half archive"] {
            let held = scene.sandbox.certificates(scene.cloud, Account::Sm2);
            let Some(held) = held.into_iter().find(|certificate| certificate.label == label) else { continue };
            let described = scene.certctl(&["describe", "-p", scene.provider, &held.id, "-o", "json", "-vvv"]).exits(0);
            let downloaded = scene.download(&held, &["-vvv"]);
            let encryption = held.material().unwrap().encryption.unwrap();
            let key = encryption.key.lines().find(|line| !line.starts_with('-')).unwrap();
            for text in [&described.stdout, &described.stderr, &downloaded.stdout, &downloaded.stderr] {
                assert!(!text.contains("PRIVATE KEY-") && !text.contains(&key[..40]), "{label}: {text}");
            }
        }
    }
}
