//! OpenSSL, bsdtar and unar as oracles: they read what we read, and what we write.

use std::path::Path;
use std::process::Command;

use certctl::bundle::{Bundle, BundleError, Certificate};
use certctl::format::{self, Recipe};
use rars::ArchiveVersion;

use super::archives::{rar_of, tencent, zip_of};
use super::assemble;
use super::pki::{Node, OID_P256, OID_P384, Pki, Wish, ec_parts, key_pair, pem, pkcs8, rsa, rsa_pkcs1, sec1};

/// Whether the tool is there. CERTCTL_REQUIRE_ORACLES makes a missing one a failure.
fn has(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").output().is_ok();
    assert!(found || std::env::var_os("CERTCTL_REQUIRE_ORACLES").is_none(), "{tool} is missing");
    if !found {
        eprintln!("skipped: {tool} is missing");
    }
    found
}

/// What the tool prints, run in `directory`.
fn run(directory: &Path, command: &str) -> String {
    let mut words = command.split(' ');
    let output = Command::new(words.next().unwrap()).args(words).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn write(directory: &Path, bundle: &Bundle) {
    for file in format::files(bundle, &Recipe::default()).unwrap() {
        std::fs::write(directory.join(file.name), &file.bytes).unwrap();
    }
}

#[test]
fn key_and_certificate_agree_for_every_kind() {
    if !has("openssl") {
        return;
    }
    let pki = Pki::new();
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("root.pem"), pki.root.pem()).unwrap();
    let mut cases = Vec::new();
    for size in ["2048", "4096", "8192"] {
        let (der, public) = rsa(&format!("rsa-{size}.pem"));
        cases.push((format!("RSA {size}"), pki.leaf_for(&public), pem("PRIVATE KEY", &der)));
        cases.push((format!("RSA {size}, PKCS#1"), pki.leaf_for(&public), pem("RSA PRIVATE KEY", &rsa_pkcs1(&der))));
    }
    for (name, oid) in [("EC P-256", OID_P256), ("EC P-384", OID_P384)] {
        let pair = key_pair(name);
        let (scalar, _) = ec_parts(pair.serialized_der());
        let leaf = pki.leaf_for(&pair);
        cases.push((name.to_owned(), leaf.clone(), pem("PRIVATE KEY", pair.serialized_der())));
        cases.push((format!("{name}, SEC1"), leaf.clone(), pem("EC PRIVATE KEY", &sec1(&scalar, Some(oid), None))));
        cases.push((format!("{name}, no curve"), leaf, pem("EC PRIVATE KEY", &sec1(&scalar, None, None))));
    }
    let pair = key_pair("Ed25519");
    let seed = &pair.serialized_der()[14..50][2..34];
    let first = pkcs8(&[&[0x06, 3, 0x2b, 0x65, 0x70]], &[&[4, 32], seed].concat());
    cases.push(("Ed25519".to_owned(), pki.leaf_for(&pair), pem("PRIVATE KEY", &first)));
    for (case, leaf, key) in cases {
        let given = pem("CERTIFICATE", &leaf) + &pki.intermediate.pem();
        let bundle = assemble(&[given.replace('\n', "\r\n"), key.replace('\n', "\r\n")], &["www.example.com"]);
        write(directory.path(), &bundle.unwrap_or_else(|error| panic!("{case}: {error}")));
        let ours = run(directory.path(), "openssl x509 -in cert.pem -noout -pubkey");
        assert_eq!(ours, run(directory.path(), "openssl pkey -in privkey.pem -pubout"), "{case}");
        run(directory.path(), "openssl verify -CAfile root.pem -untrusted fullchain.pem cert.pem");
        let again = run(directory.path(), "openssl x509 -in cert.pem");
        assert_eq!(again, std::fs::read_to_string(directory.path().join("cert.pem")).unwrap(), "{case}");
    }
}

#[test]
fn keys_that_only_openssl_makes() {
    if !has("openssl") {
        return;
    }
    let make = |curve: &str| {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path();
        run(at, &format!("openssl ecparam -name {curve} -genkey -noout -out key.pem"));
        run(at, "openssl req -x509 -new -key key.pem -subj /CN=www.example.com -days 9 -out cert.pem");
        run(at, "openssl pkcs8 -topk8 -nocrypt -in key.pem -out pkcs8.pem");
        run(at, "openssl ec -in key.pem -no_public -out bare.pem");
        run(at, "openssl ec -in key.pem -conv_form compressed -out compressed.pem");
        run(at, "openssl ecparam -name P-521 -genkey -out other.pem");
        directory
    };
    let p521 = make("P-521");
    let read = |name: &str| std::fs::read_to_string(p521.path().join(name)).unwrap();
    for key in ["key.pem", "pkcs8.pem", "compressed.pem"] {
        let bundle = assemble(&[read("cert.pem"), read(key)], &["www.example.com"]).unwrap();
        assert_eq!(bundle.key().to_pem().as_slice(), read(key).as_bytes(), "{key}");
        assert_eq!(bundle.leaf().key_algorithm, "EC P-521", "{key}");
    }
    let error = assemble(&[read("cert.pem"), read("bare.pem")], &[]).unwrap_err();
    assert_eq!(error, BundleError::UncheckableKey { algorithm: "EC P-521".to_owned() });
    let error = assemble(&[read("cert.pem"), read("other.pem")], &[]).unwrap_err();
    assert!(matches!(error, BundleError::KeyMismatch { .. }), "{error}");

    // ring verifies no signature of this size.
    let at = p521.path();
    run(at, "openssl req -x509 -newkey rsa:1024 -noenc -keyout key.pem -subj /CN=www.example.com -out cert.pem");
    assert_eq!(assemble(&[read("cert.pem"), read("key.pem")], &[]).unwrap().leaf().key_algorithm, "RSA 1024");
}

#[test]
fn facts_agree() {
    if !has("openssl") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut wish = Wish::ca("Root");
    wish.params.distinguished_name.push(rcgen::DnType::OrganizationName, "例子, Ltd");
    wish.params.distinguished_name.push(rcgen::DnType::CountryName, "CN");
    let node = Node::self_signed(wish, key_pair("EC P-384"));
    let seen = Certificate::parse(&node.der).unwrap();
    std::fs::write(directory.path().join("cert.pem"), seen.to_pem()).unwrap();
    let said = |what: &str| {
        let line = run(directory.path(), &format!("openssl x509 -in cert.pem -noout {what}"));
        line.trim().split_once('=').unwrap().1.to_lowercase().replace(':', "")
    };
    assert_eq!(said("-serial"), seen.serial);
    assert_eq!(said("-fingerprint -sha1"), seen.fingerprint_sha1);
    assert_eq!(said("-fingerprint -sha256"), seen.fingerprint_sha256);
    assert_eq!(seen.subject, "CN=Root, O=例子, Ltd, C=CN");
    let end = run(directory.path(), "openssl x509 -in cert.pem -noout -enddate -dateopt iso_8601");
    assert_eq!(end.trim().replace("notAfter=", "").replace(' ', "T"), seen.not_after.to_string());
}

#[test]
fn archives_are_what_other_programs_read() {
    let pki = Pki::new();
    let files = tencent(&pki);
    let directory = tempfile::tempdir().unwrap();
    for (name, archive) in [
        ("a.zip", zip_of(&files)),
        ("rar4.rar", rar_of(ArchiveVersion::Rar40, false, false, &files)),
        ("rar5.rar", rar_of(ArchiveVersion::Rar50, false, false, &files)),
    ] {
        std::fs::write(directory.path().join(name), archive).unwrap();
        if has("bsdtar") {
            let listed = run(directory.path(), &format!("bsdtar -tf {name}"));
            assert_eq!(listed.lines().count(), files.len(), "{name}: {listed}");
            let key = run(directory.path(), &format!("bsdtar -xOf {name} Nginx/2_www.example.com.key"));
            assert_eq!(key, pki.leaf.key_pem().replace('\n', "\r\n"), "{name}");
        }
        // unar 1.10 takes the service record that rars puts first for an encryption header in RAR 5.
        if name != "rar5.rar" && has("lsar") {
            let tested = run(directory.path(), &format!("lsar -t {name}"));
            assert!(tested.contains("14 passed, 0 failed"), "{name}: {tested}");
        }
    }
}
