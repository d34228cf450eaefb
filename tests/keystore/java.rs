//! Key stores between Java and here: its own classes in one run for all of them, and keytool.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use certctl::digest::hex;
use certctl::keystore::{Budget, KeystoreError, Kind, Strength, jks, pkcs12};
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

use super::{CREATED, Owner};
use crate::oracle;

/// What Stores.java prints for these jobs; `None` where there is no Java.
fn java(jobs: &[String]) -> Option<String> {
    if !oracle::has("java") || !oracle::has("javac") {
        return None;
    }
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keystore/Stores.java");
    let mut java = Command::new("java")
        .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dsun.jnu.encoding=UTF-8"])
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = java.stdin.take().unwrap();
    let lines: String = jobs.iter().map(|job| format!("{job}\n")).collect();
    // The jobs are all read before much is printed; a thread keeps that from mattering.
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = java.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    writer.join().unwrap().unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}

fn hexadecimal(chain: &[Vec<u8>]) -> String {
    chain.iter().map(|der| hex(der)).collect::<Vec<_>>().join(",")
}

fn owners() -> Vec<(&'static str, Owner)> {
    let special = |algorithm, count| Owner::new(&KeyPair::generate_for(algorithm).unwrap(), count);
    vec![
        ("RSA", Owner::rsa()),
        ("EC", Owner::ec()),
        ("EC", special(&PKCS_ECDSA_P384_SHA384, 1)),
        ("Ed25519", special(&PKCS_ED25519, 0)),
    ]
}

/// Alias and password. Java takes other passwords than ASCII for its own kind of key store alone.
const NAMES: &[(&str, &str)] = &[
    ("www.example.com", "correct horse"),
    ("UPPER and Lower", "x"),
    ("Zertifikat für Ä", "0123456789012345678901234567890123456789012345678901234567890123456789"),
    ("证书 \u{1f511}", " ~!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}"),
];
const NOT_ASCII: &[(&str, &str)] = &[("a", "pässwörter"), ("b", "密码 \u{1f511}")];

type Make = fn(&Owner, &str, &str) -> Vec<u8>;
const MAKERS: [(&str, Make); 3] = [
    ("PKCS12", |owner, alias, password| {
        owner.entry(alias, |entry| pkcs12(entry, password, Strength::Modern)).unwrap().to_vec()
    }),
    ("PKCS12", |owner, alias, password| {
        owner.entry(alias, |entry| pkcs12(entry, password, Strength::Legacy)).unwrap().to_vec()
    }),
    ("JKS", |owner, alias, password| owner.entry(alias, |entry| jks(entry, password)).unwrap().to_vec()),
];

#[test]
fn java_reads_what_is_written_here() {
    let dir = tempfile::tempdir().unwrap();
    let (mut jobs, mut wanted) = (Vec::new(), Vec::new());
    for (kind, make) in MAKERS {
        let names = NAMES.iter().chain(NOT_ASCII);
        for ((_, owner), (alias, password)) in owners().iter().cycle().zip(names) {
            let path = dir.path().join(jobs.len().to_string());
            fs::write(&path, make(owner, alias, password)).unwrap();
            let path = path.display();
            jobs.push(format!("read\t{kind}\t{path}\t{password}"));
            let (key, chain) = (hex(&owner.plain_key()), hexadecimal(&owner.chain));
            let created = if kind == "JKS" { CREATED.as_millisecond() } else { 0 };
            wanted.push(match kind == "JKS" || password.is_ascii() {
                true => format!("{path}\t{}\t{key}\t{chain}\t{created}", alias.to_lowercase()),
                false => "refused".to_owned(),
            });
        }
        jobs.push(format!("read\t{kind}\t{}\twrong", dir.path().join((jobs.len() - 1).to_string()).display()));
        wanted.push("refused".to_owned());
    }
    let Some(told) = java(&jobs) else { return };
    assert_eq!(told.lines().count(), wanted.len(), "{told}");
    for ((told, wanted), job) in told.lines().zip(&wanted).zip(&jobs) {
        assert!(
            told == wanted || wanted == "refused" && told.contains("\trefused\tjava.io.IOException"),
            "{job}: {told}"
        );
    }
}

#[test]
fn what_java_writes_opens() {
    let dir = tempfile::tempdir().unwrap();
    let (mut jobs, mut written) = (Vec::new(), Vec::new());
    for (kind, store, legacy) in [("PKCS12", Kind::Pkcs12, ""), ("PKCS12", Kind::Pkcs12, "1"), ("JKS", Kind::Jks, "")] {
        for ((algorithm, owner), (alias, password)) in owners().into_iter().zip(NAMES).chain(
            [("EC", Owner::ec()), ("EC", Owner::ec())].into_iter().zip(NOT_ASCII.iter().filter(|_| kind == "JKS")),
        ) {
            let path = dir.path().join(jobs.len().to_string());
            let (key, chain) = (hex(&owner.plain_key()), hexadecimal(&owner.chain));
            let at = path.display();
            jobs.push(format!("write\t{kind}\t{at}\t{password}\t{alias}\t{algorithm}\t{key}\t{chain}\t{legacy}"));
            written.push((path, store, Some(*alias), *password, owner));
        }
        if legacy == "1" {
            // What Java takes for no password at all, where others put two zero bytes.
            let (path, owner) = (dir.path().join(jobs.len().to_string()), Owner::ec());
            let (key, chain) = (hex(&owner.plain_key()), hexadecimal(&owner.chain));
            jobs.push(format!("write\t{kind}\t{}\t\0\tempty\tEC\t{key}\t{chain}\t{legacy}", path.display()));
            written.push((path, store, Some("empty"), "", owner));
        }
        let (path, owner) = (dir.path().join(jobs.len().to_string()), Owner::ec());
        let chain = hexadecimal(&owner.chain);
        jobs.push(format!("write\t{kind}\t{}\tx\ttrusted\t\t\t{chain}\t{legacy}", path.display()));
        written.push((path, store, None, "x", owner));
    }
    if java(&jobs).is_none() {
        return;
    }
    for (path, kind, alias, password, owner) in written {
        let bytes = fs::read(&path).unwrap();
        assert_eq!(Kind::of(&bytes), Some(kind), "{alias:?}");
        let mut opened = kind.open(&bytes, password, &mut Budget::default()).unwrap();
        assert_eq!(
            kind.open(&bytes, "wrong", &mut Budget::default()).err(),
            Some(KeystoreError::WrongPassword),
            "{alias:?}"
        );
        if let Some(alias) = alias {
            assert!(owner.is_in(&opened), "{alias}");
            // Java's own kind has it in lower case, and so does Java's PKCS#12.
            assert_eq!(opened.keys[0].alias, Some(alias.to_lowercase()));
        } else {
            assert!(opened.keys.is_empty());
            let mut chain = owner.chain;
            chain.sort();
            opened.certificates.sort();
            assert_eq!(opened.certificates, chain);
        }
    }
}

#[test]
fn keytool_lists_what_is_written_here() {
    if !oracle::has("keytool") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let list = |path: PathBuf, password: &Path| {
        let (path, password) = (path.display().to_string(), password.display().to_string());
        oracle::run(
            "keytool",
            &["-J-XX:TieredStopAtLevel=1", "-list", "-v", "-keystore", &path, "-storepass:file", &password],
        )
    };
    let password = dir.path().join("password");
    fs::write(&password, "correct horse\n").unwrap();
    for (algorithm, owner) in owners().into_iter().take(2) {
        for (number, (kind, make)) in MAKERS.into_iter().enumerate() {
            let path = dir.path().join(format!("{algorithm}{number}"));
            fs::write(&path, make(&owner, "Www.Example.com", "correct horse")).unwrap();
            let told = list(path, &password);
            for line in [
                &format!("Keystore type: {kind}"),
                "Your keystore contains 1 entry",
                "Alias name: www.example.com",
                "Entry type: PrivateKeyEntry",
                "Certificate chain length: 3",
            ] {
                assert!(told.lines().any(|told| told == line), "{line} in {told}");
            }
        }
    }
}

#[test]
fn what_keytool_writes_opens() {
    if !oracle::has("keytool") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("password"), "correct horse\n").unwrap();
    let keytool = |arguments: &str| {
        let at = dir.path().display().to_string();
        let arguments: Vec<_> = arguments.split_whitespace().map(|word| word.replace('@', &at)).collect();
        let arguments: Vec<_> =
            ["-J-XX:TieredStopAtLevel=1"].into_iter().chain(arguments.iter().map(String::as_str)).collect();
        oracle::run("keytool", &arguments)
    };
    let secrets = "-storepass:file @/password";
    keytool(&format!("-genkeypair -alias One -keyalg EC -dname CN=one -keystore @/p12 {secrets}"));
    keytool(&format!("-genkeypair -alias Two -keyalg EC -dname CN=two -keystore @/p12 {secrets}"));
    let both = "-srcstorepass:file @/password -deststorepass:file @/password";
    keytool(&format!("-importkeystore -srckeystore @/p12 -destkeystore @/jks -deststoretype JKS {both}"));
    let mut all = Vec::new();
    for (name, kind) in [("p12", Kind::Pkcs12), ("jks", Kind::Jks)] {
        let bytes = fs::read(dir.path().join(name)).unwrap();
        assert_eq!(Kind::of(&bytes), Some(kind));
        let opened = kind.open(&bytes, "correct horse", &mut Budget::default()).unwrap();
        let mut keys: Vec<_> = opened.keys.into_iter().map(|key| (key.alias.unwrap(), key.der.to_vec())).collect();
        keys.sort();
        assert_eq!(keys.iter().map(|(alias, _)| alias.as_str()).collect::<Vec<_>>(), ["one", "two"], "{name}");
        let mut certificates = opened.certificates;
        certificates.sort();
        all.push((keys, certificates));
    }
    assert_eq!(all[0], all[1], "both hold the same");
    // Java's stronger kind is told apart, and refused by its name.
    keytool(&format!("-importkeystore -srckeystore @/p12 -destkeystore @/jceks -deststoretype JCEKS {both}"));
    let bytes = fs::read(dir.path().join("jceks")).unwrap();
    assert_eq!(Kind::of(&bytes), Some(Kind::Jceks));
    let refused = KeystoreError::Unsupported { what: "JCEKS".to_owned() };
    assert_eq!(Kind::Jceks.open(&bytes, "correct horse", &mut Budget::default()).err(), Some(refused));
}
