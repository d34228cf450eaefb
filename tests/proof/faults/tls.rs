//! The server's certificate is not good.

use super::scene::{COMMANDS, Call, Command, Scene};
use crate::cli::PROVIDERS;
use crate::proof::held;
use crate::sandbox::pki::Server;
use crate::sandbox::{Options, Sandbox};

/// Not a byte goes to such a server, and one try is enough to know.
#[test]
fn the_servers_certificate_is_wrong() {
    let wrongs: [(Server, &[&str]); 4] = [
        (Server::Good, &["UnknownIssuer", "set SSL_CERT_FILE to its CA"]),
        (Server::OtherName, &["not valid for name", "elsewhere.example"]),
        (Server::Expired, &["expired"]),
        (Server::NotYetValid, &["not valid yet"]),
    ];
    let directory = tempfile::tempdir().unwrap();
    let other = directory.path().join("other.pem");
    std::fs::write(&other, rcgen::generate_simple_self_signed(["other.example".to_owned()]).unwrap().cert.pem())
        .unwrap();
    let other = other.to_str().unwrap();
    let one = |server: Server, words: &[&str]| {
        let good = Sandbox::start(Options::default());
        let sandbox = Sandbox::start(Options { tls: true, server, ..Options::default() });
        for (provider, cloud) in PROVIDERS {
            let scene = Scene::new(&good, provider, cloud);
            let endpoint = format!("CERTCTL_{}_ENDPOINT", provider.to_uppercase());
            let root = sandbox.root_path();
            let authority = if server == Server::Good { other } else { root.to_str().unwrap() };
            for command in COMMANDS {
                // No call gets through, so that there is none after the first.
                if matches!(command, Command::Sync(_, Call::Download)) {
                    continue;
                }
                let before = scene.on_disk();
                let certctl = scene.certctl(command, &["-v"]).env(&endpoint, &sandbox.url(cloud));
                let run = certctl.env("SSL_CERT_FILE", authority).run().exits(5).says(words);
                let run = run.says(&[provider, "TLS with 127.0.0.1:", "failed: ", "; "]);
                assert!(!run.stderr.contains("trying again"), "{}", run.stderr);
                assert_eq!(sandbox.seen(cloud), 0);
                scene.is_as_before(&before, &run.stderr);
            }
        }
        PROVIDERS.len() * (COMMANDS.len() - 2)
    };
    let cases = std::thread::scope(|scope| {
        let threads = wrongs.map(|(server, words)| scope.spawn(move || one(server, words)));
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    held("faults::tls::the_servers_certificate_is_wrong", cases);
}
