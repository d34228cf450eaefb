//! Whether the system trusts a chain.

use std::env;
use std::path::Path;
use std::process::Command;

use certctl::served::{Roots, Untrusted};
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair,
    NameConstraints, SanType, date_time_ymd,
};

use super::{der, self_signed};
use crate::oracle;

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: Vec<u8>,
}

fn authority(name: &str, above: Option<&Authority>, change: impl FnOnce(&mut CertificateParams)) -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2040, 1, 1));
    change(&mut params);
    let certificate = match above {
        Some(above) => params.signed_by(&key, &above.issuer).unwrap(),
        None => params.self_signed(&key).unwrap(),
    };
    Authority { der: certificate.der().to_vec(), issuer: Issuer::new(params, key) }
}

/// A leaf of the year 2026.
fn leaf(above: &Authority, change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
    let mut params = CertificateParams::new(vec!["www.example.com".to_owned(), "*.example.org".to_owned()]).unwrap();
    params.subject_alt_names.push(SanType::IpAddress([192, 0, 2, 1].into()));
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2027, 1, 1));
    change(&mut params);
    params.signed_by(&KeyPair::generate().unwrap(), &above.issuer).unwrap().der().to_vec()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-11-22T00:00:00Z")
}

#[test]
fn a_chain_and_its_names() {
    let root = authority("Root", None, |_| ());
    let middle = authority("Middle", Some(&root), |_| ());
    let leaf = leaf(&middle, |_| ());
    let roots = Roots::of([root.der.as_slice(), b"no certificate"]);
    let chain = [leaf.clone(), middle.der.clone()];
    for name in [None, Some("www.example.com"), Some("WWW.Example.com."), Some("a.example.org"), Some("192.0.2.1")] {
        assert_eq!(roots.verify(&chain, name, now()), Ok(()), "{name:?}");
    }
    for name in ["example.com", "example.org", "a.b.example.org", "192.0.2.2", "", "a b", "*.example.com"] {
        let wrong = Untrusted::WrongName { name: name.to_owned() };
        assert_eq!(roots.verify(&chain, Some(name), now()), Err(wrong));
    }
    let other = authority("Other", None, |_| ());
    // In any order, with what has nothing to do with it, and with the root.
    for chain in [
        vec![leaf.clone(), other.der.clone(), middle.der.clone(), middle.der.clone(), root.der.clone()],
        vec![leaf.clone(), root.der.clone(), middle.der.clone(), b"no certificate".to_vec()],
    ] {
        assert_eq!(roots.verify(&chain, None, now()), Ok(()));
    }
}

#[test]
fn why_a_chain_is_not_trusted() {
    let root = authority("Root", None, |_| ());
    let middle = authority("Middle", Some(&root), |_| ());
    let old = authority("Old", Some(&root), |params| params.not_after = date_time_ymd(2026, 2, 3));
    let narrow = authority("Narrow", Some(&root), |params| {
        let permitted = vec![GeneralSubtree::DnsName("example.net".to_owned())];
        params.name_constraints = Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: vec![] });
    });
    let not_ca = authority("Not", Some(&root), |params| params.is_ca = IsCa::ExplicitNoCa);
    let stranger = authority("Middle", None, |_| ());
    let roots = Roots::of([root.der.as_slice()]);
    let good = leaf(&middle, |_| ());
    let mut damaged = good.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let client = leaf(&middle, |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);

    let expired = Untrusted::Expired { not_after: at("2027-01-01T00:00:00Z") };
    let old_expired = Untrusted::Expired { not_after: at("2026-02-03T00:00:00Z") };
    let early = Untrusted::NotYetValid { not_before: at("2026-01-01T00:00:00Z") };
    let cases = [
        ("nothing", vec![], now(), Untrusted::Empty),
        ("a missing intermediate", vec![good.clone()], now(), Untrusted::UnknownIssuer),
        ("one signed by a stranger", vec![leaf(&stranger, |_| ()), stranger.der], now(), Untrusted::UnknownIssuer),
        ("expired", vec![good.clone(), middle.der.clone()], at("2027-01-01T00:00:01Z"), expired),
        ("an expired intermediate", vec![leaf(&old, |_| ()), old.der], now(), old_expired),
        ("not yet valid", vec![good.clone(), middle.der.clone()], at("2025-12-31T23:59:59Z"), early.clone()),
        ("long ago", vec![good, middle.der.clone()], at("1960-01-01T00:00:00Z"), early),
        ("damaged", vec![damaged, middle.der.clone()], now(), Untrusted::BadSignature),
        ("for clients", vec![client, middle.der.clone()], now(), Untrusted::NotForServers),
        ("DER", vec![b"no certificate".to_vec()], now(), Untrusted::Unreadable { reason: "wrong DER".to_owned() }),
    ];
    for (what, chain, now, wanted) in cases {
        assert_eq!(roots.verify(&chain, None, now), Err(wanted), "{what}");
    }
    for (chain, wanted) in [
        (vec![middle.der], "ca used as end entity"),
        (vec![leaf(&narrow, |_| ()), narrow.der], "name constraint violation"),
        (vec![leaf(&not_ca, |_| ()), not_ca.der], "end entity used as ca"),
    ] {
        let why = roots.verify(&chain, None, now()).unwrap_err();
        assert_eq!(why, Untrusted::Rule { reason: wanted.to_owned() });
        assert_eq!(why.to_string(), format!("a rule for chains is broken: {wanted}"));
    }
    assert_eq!(
        Roots::of([]).verify(&[leaf(&root, |_| ())], None, now()),
        Err(Untrusted::UnknownIssuer),
        "no roots at all"
    );
}

/// Such a chain is neither trusted nor said to be wrong.
#[test]
fn a_signature_that_cannot_be_verified() {
    if !oracle::has("openssl") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let not_ca = ["-addext", "basicConstraints=critical,CA:FALSE"];
    let kinds: [&[&str]; 2] = [&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"], &["-newkey", "ed448"]];
    for kind in kinds {
        let (leaf, _) = self_signed(dir.path(), "leaf", &[kind, &not_ca].concat());
        let leaf = der(&leaf);
        let roots = Roots::of([leaf.as_slice()]);
        assert_eq!(roots.verify(&[leaf], None, Timestamp::now()), Err(Untrusted::UnsupportedSignature), "{kind:?}");
    }
}

const CHAIN: &str = "CERTCTL_TEST_SERVED_CHAIN";

/// The child's side of the next test. Does nothing in an ordinary run.
#[test]
fn verify_as_told() {
    let Ok(leaf) = env::var(CHAIN) else { return };
    let verdict = match Roots::system() {
        Ok(roots) => roots.verify(&[std::fs::read(leaf).unwrap()], None, now()).map_err(|why| why.to_string()),
        Err(error) => Err(error.to_string()),
    };
    eprintln!("RESULT {}", verdict.err().unwrap_or_else(|| "trusted".to_owned()));
}

#[test]
fn the_variables_name_the_roots() {
    let dir = tempfile::tempdir().unwrap();
    let root = authority("Root", None, |_| ());
    let other = authority("Other", None, |_| ());
    let at = |name: &str| dir.path().join(name);
    let write =
        |name: &str, der: &[u8]| std::fs::write(at(name), crate::sandbox::pki::pem("CERTIFICATE", der)).unwrap();
    std::fs::create_dir(at("several")).unwrap();
    std::fs::create_dir(at("none")).unwrap();
    write("root", &root.der);
    write("other", &other.der);
    write("several/a", &other.der);
    write("several/b", &root.der);
    std::fs::write(at("empty"), "").unwrap();
    std::fs::write(at("leaf"), leaf(&root, |_| ())).unwrap();
    let verify = |variables: &[(&str, &Path)]| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "served::trust::verify_as_told", "--nocapture", "--test-threads=1"]);
        command.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR").env(CHAIN, at("leaf"));
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        said.lines().find_map(|line| Some(line.split_once("RESULT ")?.1.to_owned())).unwrap_or(said)
    };
    for variables in [
        &[("SSL_CERT_FILE", at("root"))][..],
        &[("SSL_CERT_DIR", at("several"))],
        &[("SSL_CERT_FILE", at("other")), ("SSL_CERT_DIR", at("several"))],
    ] {
        let variables: Vec<_> = variables.iter().map(|(name, path)| (*name, path.as_path())).collect();
        assert_eq!(verify(&variables), "trusted", "{variables:?}");
    }
    let unknown = verify(&[("SSL_CERT_FILE", &at("other"))]);
    assert!(unknown.contains("does not lead to a trusted root"), "{unknown}");
    for (variable, path) in [("SSL_CERT_FILE", "missing"), ("SSL_CERT_FILE", "empty"), ("SSL_CERT_DIR", "none")] {
        let said = verify(&[(variable, &at(path))]);
        assert!(said.contains("no trusted root certificates"), "{variable}={path}: {said}");
    }
}
