//! What is served, beside what is on disk.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rcgen::KeyPair;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection};

use super::{Ground, Made, NAME, Pki, codes, problems};

/// What a server waits for before TLS, and what it then says: each pair in turn.
type Script = &'static [(&'static [u8], &'static [u8])];

/// A server with certificates of several kinds of keys, which it prefers in this order.
#[derive(Debug)]
struct Kinds(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for Kinds {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.iter().find(|key| key.key.choose_scheme(hello.signature_schemes()).is_some()).cloned()
    }
}

/// A server of this certificate, as long as the test runs. What it was asked for comes back.
fn serve(leaf: &Made, chain: &[&Made]) -> (u16, std::sync::mpsc::Receiver<Option<String>>) {
    serve_after(&[], &[leaf], chain)
}

/// A server of these certificates, which speaks something else at first.
fn serve_after(script: Script, leaves: &[&Made], chain: &[&Made]) -> (u16, std::sync::mpsc::Receiver<Option<String>>) {
    let der = |made: &Made| CertificateDer::from(pem(&made.pem));
    let certified = |leaf: &&Made| {
        let chain = [*leaf].iter().chain(chain).map(|made| der(made)).collect();
        let key = PrivatePkcs8KeyDer::from(leaf.key.serialize_der()).into();
        Arc::new(CertifiedKey::new(chain, ring::sign::any_supported_type(&key).unwrap()))
    };
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Kinds(leaves.iter().map(certified).collect())));
    let config = Arc::new(config);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            for (awaited, answer) in script {
                let mut heard = vec![0; awaited.len()];
                stream.read_exact(&mut heard).unwrap();
                assert_eq!(heard, *awaited);
                stream.write_all(answer).unwrap();
            }
            let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            while connection.is_handshaking() && connection.complete_io(&mut stream).is_ok() {}
            let _ = sender.send(connection.server_name().map(str::to_owned));
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    (port, receiver)
}

fn pem(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    base64::engine::general_purpose::STANDARD.decode(body).unwrap()
}

fn install(ground: &Ground, pki: &Pki, leaf: &Made) -> String {
    let directory = ground.path("ssl");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("fullchain.pem"), pki.fullchain(leaf)).unwrap();
    fs::write(directory.join("privkey.pem"), leaf.key_pem()).unwrap();
    directory.display().to_string()
}

#[test]
fn the_served_chain() {
    let ground = Ground::new();
    let (pki, other) = (Pki::new(), Pki::new());
    let (leaf, newer) = (pki.leaf(NAME, (-10, 50)), pki.leaf(NAME, (-1, 60)));
    let target = install(&ground, &pki, &leaf);
    let (intermediate, root) = (&pki.intermediate, &pki.root);
    for (served, chain, wanted, words) in [
        (&leaf, &[intermediate][..], &[][..], ""),
        (&leaf, &[intermediate, root], &[], ""),
        (&leaf, &[&other.intermediate, intermediate], &[], ""),
        (&leaf, &[], &["served_chain"], "is not in it"),
        (&leaf, &[root], &["served_chain"], "the chain is incomplete"),
        (&newer, &[intermediate], &["served_leaf"], "valid until"),
        (&newer, &[], &["served_leaf", "served_chain"], "is installed"),
    ] {
        let (port, asked) = serve(served, chain);
        let run = ground.check(&[&target, "-o", "json", "--connect", &format!("127.0.0.1:{port}")]);
        let run = run.exits(if wanted.is_empty() { 0 } else { 6 });
        let found = problems(&run.json());
        assert_eq!(codes(&found), wanted.iter().copied().collect(), "{found:?}");
        assert!(words.is_empty() || found.iter().any(|(_, message)| message.contains(words)), "{words}: {found:?}");
        let place = format!("127.0.0.1:{port} (asked for {NAME})");
        assert!(found.iter().all(|(_, message)| message.contains(&place)), "{place}: {found:?}");
        assert_eq!(asked.recv().unwrap().as_deref(), Some(NAME));
    }
    let (port, asked) = serve(&leaf, &[intermediate]);
    let args = [&target, "--connect", &format!("127.0.0.1:{port}"), "--server-name", "other.example"];
    ground.check(&args).exits(0);
    assert_eq!(asked.recv().unwrap().as_deref(), Some("other.example"));
}

/// That a server cannot be asked is no damage; what is on disk is told all the same.
#[test]
fn no_server() {
    let ground = Ground::new();
    let pki = Pki::new();
    let target = install(&ground, &pki, &pki.leaf(NAME, (-10, 50)));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let run = ground.check(&[&target, "-o", "json", "--connect", &address, "--timeout", "1s"]).exits(5);
    let row = &run.json()["results"][0];
    assert_eq!((&row["state"], &row["error"]["code"]), (&"failed".into(), &"timeout".into()), "{row}");
    assert_eq!(run.errors().len(), 1, "{}", run.stderr);
    drop(listener);
    fs::write(ground.path("ssl/privkey.pem"), pki.root.key_pem()).unwrap();
    let run = ground.check(&[&target, "-o", "json", "--connect", &address]).exits(9);
    let row = &run.json()["results"][0];
    assert_eq!((&row["state"], &row["error"]["code"]), (&"damaged".into(), &"network".into()), "{row}");
    assert_eq!(codes(&problems(&run.json())), ["key_mismatch"].into());
}

#[test]
fn trust() {
    let ground = Ground::new();
    let (pki, other) = (Pki::new(), Pki::new());
    let leaf = pki.leaf(NAME, (-10, 50));
    let target = install(&ground, &pki, &leaf);
    fs::write(ground.path("root.pem"), &pki.root.pem).unwrap();
    fs::write(ground.path("other.pem"), &other.root.pem).unwrap();
    let check = |roots: &str, args: &[&str]| {
        let args = [&[target.as_str(), "-o", "json", "--trust"], args].concat();
        ground.certctl("check", &args).env("SSL_CERT_FILE", &ground.text(roots)).run()
    };
    check("root.pem", &[]).exits(0);
    let run = check("other.pem", &[]).exits(6);
    assert_eq!(codes(&problems(&run.json())), ["trust"].into());
    check("nowhere.pem", &[]).exits(5).says(&["root certificates"]);
    // What is served is judged as well, by the name it was asked for.
    let (port, _asked) = serve(&leaf, &[&pki.intermediate]);
    let connect = format!("127.0.0.1:{port}");
    check("root.pem", &["--connect", &connect]).exits(0);
    let run = check("root.pem", &["--connect", &connect, "--server-name", "other.example"]).exits(6);
    let found = problems(&run.json());
    assert_eq!(codes(&found), ["trust"].into());
    assert!(found[0].1.contains("other.example"), "{found:?}");
    // That it has expired is told once.
    install(&ground, &pki, &pki.leaf(NAME, (-10, -1)));
    let run = check("root.pem", &[]).exits(11);
    assert_eq!(codes(&problems(&run.json())), ["expired"].into());
}

/// As many servers have an RSA and an ECDSA certificate: either may be the one that is installed.
#[test]
fn a_server_with_two_certificates() {
    let ground = Ground::new();
    let pki = Pki::new();
    let edwards = |days| pki.leaf_with(KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap(), NAME, days);
    let (first, second, other) = (pki.leaf(NAME, (-10, 50)), edwards((-10, 50)), edwards((-1, 60)));
    let (port, _asked) = serve_after(&[], &[&first, &second], &[&pki.intermediate]);
    let address = format!("127.0.0.1:{port}");
    for (installed, code) in [(&first, 0), (&second, 0), (&other, 6)] {
        let target = install(&ground, &pki, installed);
        let run = ground.check(&[&target, "-o", "json", "--connect", &address]).exits(code);
        let wanted: &[&str] = if code == 0 { &[] } else { &["served_leaf"] };
        assert_eq!(codes(&problems(&run.json())), wanted.iter().copied().collect());
    }
    // Of a server without that kind, what it has is told.
    let (port, _asked) = serve(&first, &[&pki.intermediate]);
    let target = install(&ground, &pki, &second);
    let run = ground.check(&[&target, "-o", "json", "--connect", &format!("127.0.0.1:{port}")]).exits(6);
    assert_eq!(codes(&problems(&run.json())), ["served_leaf"].into());
}

#[test]
fn starttls() {
    const SMTP: Script = &[
        (b"", b"220 mx.example.com ESMTP\r\n"),
        (b"EHLO localhost\r\n", b"250-mx.example.com\r\n250 STARTTLS\r\n"),
        (b"STARTTLS\r\n", b"220 go ahead\r\n"),
    ];
    const IMAP: Script = &[(b"", b"* OK ready\r\n"), (b"a1 STARTTLS\r\n", b"a1 OK go ahead\r\n")];
    const POSTGRES: Script = &[(b"\0\0\0\x08\x04\xd2\x16\x2f", b"S")];
    let ground = Ground::new();
    let pki = Pki::new();
    let (leaf, newer) = (pki.leaf(NAME, (-10, 50)), pki.leaf(NAME, (-1, 60)));
    let target = install(&ground, &pki, &leaf);
    for (protocol, script) in [("smtp", SMTP), ("imap", IMAP), ("postgres", POSTGRES)] {
        for (served, code) in [(&leaf, 0), (&newer, 6)] {
            let (port, asked) = serve_after(script, &[served], &[&pki.intermediate]);
            let address = format!("127.0.0.1:{port}");
            let run = ground.check(&[&target, "-o", "json", "--connect", &address, "--starttls", protocol]);
            let found = problems(&run.exits(code).json());
            let wanted: &[&str] = if code == 0 { &[] } else { &["served_leaf"] };
            assert_eq!(codes(&found), wanted.iter().copied().collect(), "{protocol}: {found:?}");
            assert_eq!(asked.recv().unwrap().as_deref(), Some(NAME), "{protocol}");
        }
    }
    // A server that does not go over is no damage.
    const REFUSES: Script = &[(b"", b"220 mx\r\n"), (b"EHLO localhost\r\n", b"250 mx\r\n")];
    let (port, _asked) = serve_after(REFUSES, &[&leaf], &[]);
    let address = format!("127.0.0.1:{port}");
    ground.check(&[&target, "--connect", &address, "--starttls", "smtp"]).exits(5).says(&["from SMTP to TLS"]);
}

/// The certificates of a parent are compared beside each other: a server that does not answer holds the check up once.
#[test]
fn a_parents_certificates_are_compared_at_the_same_time() {
    let ground = Ground::new();
    let pki = Pki::new();
    for name in ["a.example", "b.example"] {
        let leaf = pki.leaf(name, (-10, 50));
        let directory = ground.path("live").join(name);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("fullchain.pem"), pki.fullchain(&leaf)).unwrap();
        fs::write(directory.join("privkey.pem"), leaf.key_pem()).unwrap();
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    // Neither is answered before both have come.
    let server = thread::spawn(move || [listener.accept().unwrap(), listener.accept().unwrap()].len());
    let run = ground.check(&[&ground.text("live"), "-o", "json", "--connect", &address, "--timeout", "60s"]).exits(5);
    let document = run.json();
    let codes: Vec<_> = document["results"].as_array().unwrap().iter().map(|row| &row["error"]["code"]).collect();
    assert_eq!(codes, ["network", "network"], "{document}");
    assert_eq!(server.join().unwrap(), 2);
}
