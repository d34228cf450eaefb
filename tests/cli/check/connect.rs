//! What is served, beside what is on disk.

use std::fs;
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection};

use super::{Ground, Made, NAME, Pki, codes, problems};

/// A server of these certificates, as long as the test runs. What it was asked for comes back.
fn serve(leaf: &Made, chain: &[&Made]) -> (u16, std::sync::mpsc::Receiver<Option<String>>) {
    let der = |made: &Made| CertificateDer::from(pem(&made.pem));
    let chain = [leaf].iter().chain(chain).map(|made| der(made)).collect();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivatePkcs8KeyDer::from(leaf.key.serialize_der()).into())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
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
