//! nginx serves what is synced, while it is synced: a renewal reaches its clients, and none of them is turned away.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::{Fixture, certificate, toml, until};
use crate::oracle;
use crate::sandbox::{Certificate, Cloud};

const NAME: &str = "www.nginx.example";

/// A running nginx with a master that reloads, on a port of loopback.
struct Nginx {
    master: Child,
    port: u16,
    /// Not beside what is synced: nginx writes there when it likes.
    prefix: tempfile::TempDir,
}

impl Nginx {
    /// This nginx as a shell has it, with more arguments.
    fn command(&self, more: &str) -> String {
        command(self.prefix.path(), more)
    }

    fn start(fixture: &Fixture) -> Self {
        // Another program may take the port between its choice and its use.
        for _ in 0..5 {
            let prefix = tempfile::tempdir().unwrap();
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            fs::write(prefix.path().join("conf"), configuration(fixture, port)).unwrap();
            let line = format!("exec {}", command(prefix.path(), ""));
            let mut shell = Command::new("/bin/sh");
            let master = shell.args(["-c", &line]).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let mut nginx = Self { master, port, prefix };
            let mut has_ended = false;
            until("nginx", || {
                has_ended = nginx.master.try_wait().unwrap().is_some();
                has_ended || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
            });
            if !has_ended {
                return nginx;
            }
            let errors = fs::read_to_string(nginx.prefix.path().join("errors")).unwrap_or_default();
            assert!(errors.contains("Address already in use"), "nginx does not start: {errors}");
        }
        panic!("no port to be had")
    }
}

fn command(prefix: &Path, more: &str) -> String {
    let prefix = prefix.display();
    format!("nginx -p '{prefix}' -c '{prefix}/conf' -e '{prefix}/errors' {more}")
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Orderly, or its workers would stay.
        let number = rustix::process::Pid::from_child(&self.master);
        let _ = rustix::process::kill_process(number, rustix::process::Signal::TERM);
        drop(self.master.wait());
    }
}

fn configuration(fixture: &Fixture, port: u16) -> String {
    let mut text = "daemon off; worker_processes 2; pid nginx.pid; events {}\nhttp {\naccess_log off;\n".to_owned();
    for module in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        writeln!(text, "{module}_temp_path {module};").unwrap();
    }
    let file = |file: &str| fixture.home(NAME).join(file).display().to_string();
    writeln!(
        text,
        "server {{ listen 127.0.0.1:{port} ssl; server_name {NAME}; return 204; \
         ssl_certificate {}; ssl_certificate_key {}; }}\n}}",
        file("fullchain.pem"),
        file("privkey.pem")
    )
    .unwrap();
    text
}

/// A client that trusts the sandbox's root alone.
struct Client {
    config: Arc<ClientConfig>,
    port: u16,
}

impl Client {
    fn new(fixture: &Fixture, port: u16) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(fixture.sandbox.root_pem().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        Self { config: Arc::new(config.with_root_certificates(roots).with_no_client_auth()), port }
    }

    /// The leaf that a whole new handshake shows.
    fn leaf(&self) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let name = ServerName::try_from(NAME).unwrap();
        let mut connection = ClientConnection::new(Arc::clone(&self.config), name).unwrap();
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        let leaf = connection.peer_certificates().unwrap()[0].to_vec();
        connection.send_close_notify();
        connection.complete_io(&mut stream)?;
        stream.flush()?;
        Ok(leaf)
    }
}

fn der(certificate: &Certificate) -> Vec<u8> {
    CertificateDer::from_pem_slice(certificate.material().unwrap().leaf.as_bytes()).unwrap().to_vec()
}

#[test]
fn clients_see_the_renewal_and_none_is_turned_away() {
    if !oracle::has("nginx") {
        return;
    }
    let fixture = Fixture::new();
    let first = fixture.issue(Cloud::Huawei, NAME, (-10, 80));
    // nginx cannot start before there is something to serve.
    fixture.configure(&certificate(NAME, "hw", ""));
    fixture.sync(&[]).exits(0);
    let nginx = Nginx::start(&fixture);
    let refuse = format!("{} && ! test -e '{}'", nginx.command("-t"), fixture.text("refuse"));
    let reload = format!("{} && {}", nginx.command("-s reload"), fixture.noting("reloaded", &[]));
    fixture.configure(&certificate(NAME, "hw", &format!("check = {}\nhook = {}", toml(&refuse), toml(&reload))));
    fixture.is_quiet();
    let client = Client::new(&fixture, nginx.port);
    assert_eq!(client.leaf().unwrap(), der(&first));

    let (done, handshakes) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let steady = scope.spawn(|| {
            let client = Client::new(&fixture, nginx.port);
            while !done.load(Ordering::Relaxed) {
                client.leaf()?;
                handshakes.fetch_add(1, Ordering::Relaxed);
            }
            std::io::Result::Ok(())
        });
        let end = SetOnDrop(&done);
        let mut newest = first;
        for round in 1..=5 {
            let old = newest.clone();
            newest = fixture.renew(Cloud::Huawei, &old.id);
            // nginx says no: the old one is served, whatever is reloaded.
            fixture.write("refuse", "");
            fixture.sync(&[]).exits(8).says(&["check `", "the version before was restored"]);
            oracle::run("/bin/sh", &["-c", &nginx.command("-s reload")]);
            let seen = handshakes.load(Ordering::Relaxed);
            until("more handshakes", || handshakes.load(Ordering::Relaxed) > seen + 20);
            assert_eq!(client.leaf().unwrap(), der(&old), "round {round}");
            // And now yes: from some moment on everybody sees the new one.
            fixture.remove("refuse");
            fixture.sync(&[]).exits(0);
            let new = der(&newest);
            until("the new certificate", || client.leaf().unwrap() == new);
            assert_eq!(fixture.take_log(), ["reloaded"]);
            fixture.is_quiet();
        }
        drop(end);
        steady.join().unwrap().unwrap();
    });
    let count = handshakes.into_inner();
    eprintln!("{count} handshakes during 10 reloads, none refused");
    assert!(count > 200, "{count} handshakes");
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
