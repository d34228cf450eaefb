//! Chains of real servers.

use std::net::{Ipv6Addr, TcpListener};
use std::sync::mpsc;

use certctl::served::{self, ServedError, Target};
use rustls::server::Acceptor;

use super::{Openssl, Served, chain, der, self_signed, server, target};
use crate::oracle;

const P256: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
const P384: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"];

#[test]
fn every_kind_of_key_in_both_versions() {
    if !oracle::has("openssl") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let kinds: [(&str, &[&str]); 8] = [
        ("rsa", &["-newkey", "rsa:2048"]),
        ("rsa-pss", &["-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"]),
        ("p256", P256),
        ("p384", P384),
        ("p521", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"]),
        ("ed25519", &["-newkey", "ed25519"]),
        ("ed448", &["-newkey", "ed448"]),
        ("sha1", &["-newkey", "rsa:2048", "-sha1"]),
    ];
    for (name, newkey) in kinds {
        let (leaf, key) = self_signed(dir.path(), name, newkey);
        for version in ["-tls1_2", "-tls1_3"] {
            let server = Openssl::start("127.0.0.1", &[version], &leaf, &key);
            assert_eq!(chain(server.port).as_deref(), Ok([der(&leaf)].as_slice()), "{name} {version}");
        }
    }
}

/// Servers that prefer a curve for agreeing keys that ring does not know, but know others.
#[test]
fn p521_is_not_agreed_on_where_there_is_another() {
    if !oracle::has("openssl") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, newkey) in [("rsa", &["-newkey", "rsa:2048"][..]), ("p384", P384)] {
        let (leaf, key) = self_signed(dir.path(), name, newkey);
        for version in ["-tls1_2", "-tls1_3"] {
            let words = [version, "-groups", "P-521:P-384", "-serverpref"];
            let server = Openssl::start("127.0.0.1", &words, &leaf, &key);
            assert_eq!(chain(server.port).as_deref(), Ok([der(&leaf)].as_slice()), "{name} {version}");
        }
    }
}

/// A server with two certificates shows the one that the client prefers; the other is there, too.
#[test]
fn the_certificate_of_the_same_kind() {
    if !oracle::has("openssl") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (rsa, rsa_key) = self_signed(dir.path(), "rsa", &["-newkey", "rsa:2048"]);
    let (ec, ec_key) = self_signed(dir.path(), "ec", P256);
    let (ed25519, _) = self_signed(dir.path(), "ed25519", &["-newkey", "ed25519"]);
    let (of_rsa, of_ec, of_ed25519) = (der(&rsa), der(&ec), der(&ed25519));
    for version in ["-tls1_2", "-tls1_3"] {
        let second = [version, "-dcert", &ec.display().to_string(), "-dkey", &ec_key.display().to_string()];
        let server = Openssl::start("127.0.0.1", &second, &rsa, &rsa_key);
        let like = |leaf: &[u8]| served::chain_like(leaf, &target(server.port)).unwrap();
        assert_eq!([like(&of_rsa), like(&of_ec)], [[of_rsa.clone()], [of_ec.clone()]], "{version}");
        // Of another kind, or of none.
        for leaf in [of_ed25519.as_slice(), b"no certificate"] {
            assert_eq!(like(leaf), chain(server.port).unwrap(), "{version}");
        }
    }
}

#[test]
fn a_certificate_of_the_clients_is_not_needed() {
    if !oracle::has("openssl") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (leaf, key) = self_signed(dir.path(), "leaf", P256);
    let authority = leaf.display().to_string();
    for version in ["-tls1_2", "-tls1_3"] {
        let words = [version, "-Verify", "1", "-verify_return_error", "-CAfile", &authority];
        let server = Openssl::start("127.0.0.1", &words, &leaf, &key);
        assert_eq!(chain(server.port).as_deref(), Ok([der(&leaf)].as_slice()), "{version}");
    }
}

#[test]
fn what_no_agreement_can_be_reached_with_says_so() {
    if !oracle::has("openssl") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (leaf, key) = self_signed(dir.path(), "leaf", &["-newkey", "rsa:2048"]);
    for words in [
        &["-tls1_2", "-cipher", "AES256-SHA"][..],
        &["-tls1_1", "-cipher", "ALL@SECLEVEL=0"],
        &["-tls1_3", "-groups", "P-521"],
    ] {
        let server = Openssl::start("127.0.0.1", words, &leaf, &key);
        let error = chain(server.port).unwrap_err();
        assert!(matches!(error, ServedError::Alert { .. } | ServedError::Tls { .. }), "{words:?} {error}");
        let address = format!("127.0.0.1:{}", server.port);
        assert!(error.to_string().contains(&address) && error.to_string().contains("TLS"), "{error}");
    }
}

#[test]
fn ipv6() {
    if !oracle::has("openssl") || TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (leaf, key) = self_signed(dir.path(), "leaf", P256);
    let server = Openssl::start("[::1]", &[], &leaf, &key);
    for server_name in ["localhost", "::1"] {
        let seen = served::chain(&Target { host: "::1", server_name, ..target(server.port) });
        assert_eq!(seen.as_deref(), Ok([der(&leaf)].as_slice()), "{server_name}");
    }
    let refused = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let error = served::chain(&Target { host: "::1", ..target(refused) }).unwrap_err();
    assert!(error.to_string().contains(&format!("[::1]:{refused}")), "{error}");
}

/// `localhost` may have an IPv6 address first, where nobody listens.
#[test]
fn all_addresses_of_a_host_are_tried() {
    let served = Served::new();
    let wanted = served.chain.clone();
    let port = server(move |stream| served.serve(&stream));
    assert_eq!(served::chain(&Target { host: "localhost", ..target(port) }), Ok(wanted));
}

#[test]
fn the_server_is_asked_for_the_name() {
    for (name, wanted) in [
        ("www.example.com", Some("www.example.com")),
        ("WWW.Example.COM.", Some("www.example.com")),
        ("例子.中国", Some("xn--fsqu00a.xn--fiqs8s")),
        ("under_score.example.com", Some("under_score.example.com")),
        ("127.0.0.1", None),
        ("::1", None),
        ("fe80::1%eth0", None),
    ] {
        let (said, heard) = mpsc::channel();
        let port = server(move |stream| {
            let mut acceptor = Acceptor::default();
            while acceptor.read_tls(&mut &stream).unwrap() > 0 {
                if let Some(accepted) = acceptor.accept().unwrap() {
                    said.send(accepted.client_hello().server_name().map(str::to_owned)).unwrap();
                    return;
                }
            }
        });
        let outcome = served::chain(&Target { server_name: name, ..target(port) });
        assert!(matches!(outcome, Err(ServedError::Closed { .. })), "{outcome:?}");
        assert_eq!(heard.recv().unwrap().as_deref(), wanted, "{name}");
    }
    for name in ["", "*.example.com", "a b", "a\u{1b}[2J", ".", "-"] {
        let outcome = served::chain(&Target { server_name: name, ..target(1) });
        assert!(matches!(outcome, Err(ServedError::ServerName { .. })), "{name:?} {outcome:?}");
        assert!(!outcome.unwrap_err().to_string().contains(char::is_control));
    }
}

/// What the server does after its certificates does not matter.
#[test]
fn the_end_of_the_handshake_is_not_needed() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let served = Served::with(&[version]);
        let wanted = served.chain.clone();
        let port = server(move |stream| served.serve_once(&stream));
        assert_eq!(chain(port), Ok(wanted), "{version:?}");
    }
}

#[test]
fn nobody_listens() {
    // Bound, so that no other test gets the port, but not listening.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let port = socket.local_addr().unwrap().port();
    let error = chain(port).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot connect to 127.0.0.1:{port}: connection refused"));
}
