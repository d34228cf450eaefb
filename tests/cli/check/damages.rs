//! What can happen to a certificate directory.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rcgen::KeyPair;

use super::{NAME, Pki, set_mode};

/// Something that happens to a certificate directory; the codes of what is found, and words of the messages.
pub(super) type Damage = (&'static str, fn(&Path), &'static [&'static str], &'static [&'static str]);

pub(super) const DAMAGES: &[Damage] = &[
    (
        "a file missing",
        |c| fs::remove_file(c.join("current/fullchain.pem")).unwrap(),
        &["missing_file"],
        &["fullchain.pem is missing"],
    ),
    (
        "the key missing",
        |c| fs::remove_file(c.join("current/privkey.pem")).unwrap(),
        &["missing_file"],
        &["privkey.pem is missing"],
    ),
    (
        "a key store missing",
        |c| fs::remove_file(c.join("current/keystore.p12")).unwrap(),
        &["missing_file"],
        &["keystore.p12 is missing"],
    ),
    ("a byte changed, which is no matter", |c| append(c, "chain.pem", "\n"), &["hash"], &["chain.pem has other bytes"]),
    ("a byte changed, in the middle", |c| flip(c, "cert.pem"), &["hash", "not_pem"], &["cert.pem"]),
    ("cut off", |c| cut(c, "fullchain.pem"), &["hash", "not_pem"], &["fullchain.pem"]),
    ("no PEM", |c| write(c, "privkey.pem", "hello"), &["hash", "not_pem"], &["privkey.pem holds no private key"]),
    ("empty", |c| write(c, "cert.pem", ""), &["hash", "not_pem"], &["cert.pem holds no certificate"]),
    (
        "a wider key mode",
        |c| set_mode(&c.join("current/privkey.pem"), 0o644),
        &["mode"],
        &["privkey.pem has mode 0644 instead of 0600"],
    ),
    ("the version's mode", |c| set_mode(&c.join("current"), 0o777), &["mode"], &["has mode 0777 instead of 0755"]),
    (
        "the metadata's mode",
        |c| set_mode(&c.join("current/metadata.json"), 0o666),
        &["mode"],
        &["metadata.json has mode 0666"],
    ),
    (
        "a second name",
        |c| fs::hard_link(c.join("current/privkey.pem"), c.join("second")).unwrap(),
        &["layout"],
        &["privkey.pem has a second name"],
    ),
    ("a file more", |c| fs::write(c.join("current/extra"), "").unwrap(), &["layout"], &["extra is not to be there"]),
    ("no `current`", |c| fs::remove_file(c.join("current")).unwrap(), &["layout"], &["current is missing"]),
    ("`current` astray", |c| link(c, "current", "/etc"), &["layout"], &["current points to /etc"]),
    (
        "`current` to nothing",
        |c| link(c, "current", "versions/20200101T000000Z-00000000"),
        &["layout"],
        &["which is not there"],
    ),
    (
        "`current` a directory",
        |c| {
            fs::remove_file(c.join("current")).unwrap();
            fs::create_dir(c.join("current")).unwrap();
        },
        &["layout"],
        &["current is a directory of uid", "current is missing"],
    ),
    (
        "a link missing",
        |c| fs::remove_file(c.join("cert.pem")).unwrap(),
        &["layout"],
        &["cert.pem is missing: it is to be a link"],
    ),
    (
        "a link astray",
        |c| link(c, "privkey.pem", "current/cert.pem"),
        &["layout"],
        &["points to current/cert.pem instead of current/privkey.pem"],
    ),
    (
        "a link that is a file",
        |c| {
            fs::remove_file(c.join("cert.pem")).unwrap();
            fs::write(c.join("cert.pem"), "mine").unwrap();
        },
        &["layout"],
        &["cert.pem is a regular file of uid"],
    ),
    (
        "a link in the version",
        |c| {
            fs::rename(c.join("current/privkey.pem"), c.join("elsewhere")).unwrap();
            symlink("../../elsewhere", c.join("current/privkey.pem")).unwrap();
        },
        &["layout"],
        &["privkey.pem is a symbolic link, not a regular file"],
    ),
    (
        "a link too many",
        |c| symlink("current/other.pem", c.join("other.pem")).unwrap(),
        &["layout"],
        &["other.pem is a link to a file that is not to be there"],
    ),
    (
        "a half-written version",
        |c| fs::create_dir(c.join("versions/.new-x")).unwrap(),
        &["layout"],
        &[".new-x was left by a run that died"],
    ),
    ("no versions", |c| fs::remove_dir_all(c.join("versions")).unwrap(), &["layout"], &["which is not there"]),
    (
        "the metadata missing",
        |c| fs::remove_file(c.join("current/metadata.json")).unwrap(),
        &["missing_file"],
        &["metadata.json is missing"],
    ),
    ("the metadata no JSON", |c| write(c, "metadata.json", "{"), &["layout"], &["metadata.json is damaged"]),
    (
        "a damaged state",
        |c| fs::write(c.join(".certctl.json"), "{").unwrap(),
        &["layout"],
        &[".certctl.json is damaged"],
    ),
    (
        "the metadata of another name",
        |c| edit(c, "\"name\": \"www", "\"name\": \"other"),
        &["layout"],
        &["is of the certificate directory other.example.com"],
    ),
    (
        "the metadata of other domains",
        |c| edit(c, "    \"www.example.com\"", "    \"api.example.com\""),
        &["name"],
        &["does not cover api.example.com"],
    ),
    ("another hash recorded", |c| edit(c, "\"sha256\": \"", "\"sha256\": \"00"), &["hash"], &[]),
    (
        "another key",
        |c| write(c, "privkey.pem", &KeyPair::generate().unwrap().serialize_pem()),
        &["hash", "key_mismatch"],
        &["privkey.pem is not the key of the certificate"],
    ),
    (
        "another key, recorded",
        |c| {
            write(c, "privkey.pem", &KeyPair::generate().unwrap().serialize_pem());
            record(c, "privkey.pem");
        },
        &["key_mismatch"],
        &["privkey.pem is not the key of"],
    ),
    (
        "the chain in another order",
        |c| {
            let blocks = blocks(c, "fullchain.pem");
            write(c, "fullchain.pem", &blocks.into_iter().rev().collect::<String>());
            record(c, "fullchain.pem");
        },
        &["chain_order"],
        &["the chain is out of order: it begins with"],
    ),
    (
        "the chain cut off",
        |c| {
            let blocks = blocks(c, "fullchain.pem");
            write(c, "fullchain.pem", &blocks[0]);
            record(c, "fullchain.pem");
        },
        &["chain_incomplete"],
        &["the chain is incomplete", "is not in it"],
    ),
    (
        "no chain",
        |c| {
            write(c, "chain.pem", "");
            record(c, "chain.pem");
        },
        &["chain_incomplete"],
        &["chain.pem: the chain is incomplete"],
    ),
    (
        "another certificate beside the chain",
        |c| {
            write(c, "cert.pem", &Pki::new().leaf(NAME, (-1, 50)).pem);
            record(c, "cert.pem");
        },
        &["chain_order"],
        &["cert.pem holds the certificate"],
    ),
    (
        "another combined file",
        |c| {
            write(
                c,
                "combined.pem",
                &(blocks(c, "fullchain.pem").concat() + &KeyPair::generate().unwrap().serialize_pem()),
            );
            record(c, "combined.pem");
        },
        &["keystore"],
        &["combined.pem is not the key of"],
    ),
    (
        "a combined file without a chain",
        |c| {
            write(c, "combined.pem", &(blocks(c, "cert.pem").concat() + &read(c, "privkey.pem")));
            record(c, "combined.pem");
        },
        &["keystore"],
        &["combined.pem: the chain is incomplete"],
    ),
    (
        "other DER",
        |c| {
            fs::write(c.join("current/cert.der"), fs::read(c.join("current/privkey.der")).unwrap()).unwrap();
            record(c, "cert.der");
        },
        &["keystore"],
        &["cert.der does not hold"],
    ),
    (
        "another key in DER",
        |c| {
            fs::write(c.join("current/privkey.der"), KeyPair::generate().unwrap().serialized_der()).unwrap();
            record(c, "privkey.der");
        },
        &["keystore"],
        &["privkey.der is not the key of"],
    ),
    (
        "another manifest",
        |c| {
            write(c, "secret.yaml", &read(c, "secret.yaml").replace("tls.key: ", "tls.key: !"));
            record(c, "secret.yaml");
        },
        &["keystore"],
        &["secret.yaml"],
    ),
    (
        "a key store that is none",
        |c| write(c, "keystore.p12", "hello"),
        &["hash", "keystore"],
        &["keystore.p12 is no key store"],
    ),
    (
        "a key store cut off",
        |c| {
            let bytes = fs::read(c.join("current/keystore.jks")).unwrap();
            fs::write(c.join("current/keystore.jks"), &bytes[..bytes.len() / 2]).unwrap();
            record(c, "keystore.jks");
        },
        &["keystore"],
        &["keystore.jks does not open with its password"],
    ),
    (
        "another password",
        |c| {
            write(c, "keystore.pass", "another\n");
            record(c, "keystore.pass");
        },
        &["keystore"],
        &[
            "keystore.p12 does not open with its password: the password is wrong, or it is damaged",
            "keystore.jks does not open",
        ],
    ),
    (
        "several at once",
        |c| {
            fs::remove_file(c.join("current/chain.pem")).unwrap();
            set_mode(&c.join("current/privkey.pem"), 0o640);
            append(c, "cert.pem", "\n");
            fs::write(c.join("current/extra"), "").unwrap();
            write(c, "keystore.p12", "x");
        },
        &["missing_file", "mode", "hash", "layout", "keystore"],
        &[
            "chain.pem is missing",
            "privkey.pem has mode 0640",
            "cert.pem has other bytes",
            "extra is not",
            "keystore.p12 is no key store",
            "keystore.p12 has other bytes",
        ],
    ),
];

fn write(certificate: &Path, name: &str, text: &str) {
    fs::write(certificate.join("current").join(name), text).unwrap();
}

fn read(certificate: &Path, name: &str) -> String {
    fs::read_to_string(certificate.join("current").join(name)).unwrap()
}

fn append(certificate: &Path, name: &str, more: &str) {
    write(certificate, name, &(read(certificate, name) + more));
}

fn flip(certificate: &Path, name: &str) {
    let text = read(certificate, name);
    write(certificate, name, &text.replacen("\nMII", "\nM!I", 1));
}

fn cut(certificate: &Path, name: &str) {
    let text = read(certificate, name);
    write(certificate, name, &text[..text.len() - 100]);
}

/// The PEM blocks of a file.
fn blocks(certificate: &Path, name: &str) -> Vec<String> {
    read(certificate, name).split_inclusive("-----END CERTIFICATE-----\n").map(str::to_owned).collect()
}

fn link(certificate: &Path, name: &str, target: &str) {
    fs::remove_file(certificate.join(name)).unwrap();
    symlink(target, certificate.join(name)).unwrap();
}

fn edit(certificate: &Path, from: &str, to: &str) {
    let text = read(certificate, "metadata.json");
    assert!(text.contains(from), "{text}");
    write(certificate, "metadata.json", &text.replacen(from, to, 1));
}

/// Records the hash that the file has now.
fn record(certificate: &Path, name: &str) {
    let bytes = fs::read(certificate.join("current").join(name)).unwrap();
    let mut metadata: serde_json::Value = serde_json::from_str(&read(certificate, "metadata.json")).unwrap();
    metadata["files"][name]["sha256"] = certctl::digest::sha256_hex(&bytes).into();
    write(certificate, "metadata.json", &(serde_json::to_string_pretty(&metadata).unwrap() + "\n"));
}
