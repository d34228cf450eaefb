//! A TLS server in Java serves from every key store, with the password that lies beside it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use certctl::format::{self, Format, KEYSTORE_PASSWORD, Password, Recipe};

use super::{bundle, bytes};
use crate::oracle;

/// Ends with the test, however that ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The certificates in what openssl shows of a handshake, as PEM.
fn certificates(shown: &str) -> String {
    let mut is_inside = false;
    let mut kept = String::new();
    for line in shown.lines() {
        is_inside |= line == "-----BEGIN CERTIFICATE-----";
        if is_inside {
            kept.push_str(line);
            kept.push('\n');
        }
        is_inside &= line != "-----END CERTIFICATE-----";
    }
    kept
}

#[test]
fn a_java_server_serves_from_every_key_store() {
    if !oracle::has("java") || !oracle::has("javac") || !oracle::has("openssl") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let bundle = bundle();
    let mut arguments = Vec::new();
    for (format, kind, name) in [
        (Format::Pkcs12, "PKCS12", "keystore.p12"),
        (Format::Pkcs12Legacy, "PKCS12", "keystore.p12"),
        (Format::Jks, "JKS", "keystore.jks"),
    ] {
        let recipe = Recipe {
            formats: vec![format],
            alias: "www.example.com".to_owned(),
            password: Some(Password::Own("Zp8-generated_word".into())),
            ..Recipe::default()
        };
        let files = format::files(&bundle, &recipe).unwrap();
        let at = dir.path().join(format.as_str());
        fs::create_dir(&at).unwrap();
        for file in [name, KEYSTORE_PASSWORD, "fullchain.pem"] {
            fs::write(at.join(file), bytes(&files, file)).unwrap();
        }
        let path = |file| at.join(file).display().to_string();
        arguments.extend([kind.to_owned(), path(name), path(KEYSTORE_PASSWORD)]);
    }

    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format/Server.java");
    let mut java = Command::new("java");
    java.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]).arg(program).args(&arguments);
    let mut server = Server(java.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    let mut told = BufReader::new(server.0.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        // Where Java ends before it serves, what it said is in the test's output.
        let port = told.next().unwrap().unwrap();
        let address = format!("127.0.0.1:{port}");
        let shown = oracle::run("openssl", &["s_client", "-connect", &address, "-showcerts"]);
        let wanted = fs::read_to_string(dir.path().join("pkcs12/fullchain.pem")).unwrap();
        let shown = certificates(&shown);
        // Without -showcerts' own, the leaf comes once more as the server's certificate.
        assert!(shown.starts_with(&wanted), "{shown}");
    }
}
