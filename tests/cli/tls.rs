//! TLS as it is and as it should not be, proxies, and machines without root certificates.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::{Certctl, PROVIDERS, Run};
use crate::sandbox::pki::Server;
use crate::sandbox::{Account, Cloud, Options, Sandbox};

fn sandbox(server: Server) -> Sandbox {
    Sandbox::start(Options { tls: true, server, ..Options::default() })
}

fn list(sandbox: &Sandbox, provider: &str, change: impl Fn(Certctl) -> Certctl) -> Run {
    change(Certctl::of(sandbox, Account::Liar)).args(["list", "-q", "-p", provider]).run()
}

#[test]
fn the_authority_is_named_by_a_variable() {
    let sandbox = sandbox(Server::Good);
    for (provider, cloud) in PROVIDERS {
        list(&sandbox, provider, |certctl| certctl).exits(0);
        let directory = tempfile::tempdir().unwrap();
        let dir = directory.path().to_str().unwrap();
        let id = &sandbox.certificates(cloud, Account::Liar)[0].id;
        Certctl::of(&sandbox, Account::Liar).args(["download", "-p", provider, "-d", dir, "--", id]).run().exits(0);

        // The machine's own authorities, if it has any, do not know the sandbox's.
        let before = sandbox.requests(cloud).len();
        let run = list(&sandbox, provider, |certctl| certctl.without("SSL_CERT_FILE")).exits(5);
        assert!(run.took.as_secs() < 3 && run.errors()[0].contains("SSL_CERT_FILE"), "{}", run.stderr);
        assert_eq!(sandbox.requests(cloud).len(), before);
    }
}

/// Neither a file nor a directory of root certificates: said in one line, and loopback needs none.
#[test]
fn a_machine_without_root_certificates() {
    let nothing = tempfile::tempdir().unwrap();
    let file = nothing.path().join("empty.pem");
    std::fs::write(&file, "").unwrap();
    let dir = nothing.path().join("certs");
    std::fs::create_dir(&dir).unwrap();
    let without = |certctl: Certctl| {
        certctl.env("SSL_CERT_FILE", file.to_str().unwrap()).env("SSL_CERT_DIR", dir.to_str().unwrap())
    };
    let tls = sandbox(Server::Good);
    for (provider, _) in PROVIDERS {
        let run = list(&tls, provider, without).exits(5).says(&["install the CA certificates or set SSL_CERT_FILE"]);
        assert!(run.took.as_secs() < 3, "not retried");
    }
    let gone = |certctl: Certctl| certctl.env("SSL_CERT_FILE", "/nowhere/ca.pem").env("SSL_CERT_DIR", "/nowhere");
    list(&tls, "tencent", gone).exits(5).says(&["SSL_CERT_FILE"]);
    let plain = Sandbox::start(Options::default());
    for (provider, _) in PROVIDERS {
        list(&plain, provider, without).exits(0);
        list(&plain, provider, gone).exits(0);
    }
}

/// A proxy that opens tunnels and notes where to. Every tunnel leads to `target`, whatever was asked for.
struct Proxy {
    address: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start(target: String) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (target, noted) = (target.clone(), Arc::clone(&noted));
                thread::spawn(move || drop(tunnel(stream, &target, &noted)));
            }
        });
        Self { address, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().drain(..).collect()
    }
}

fn tunnel(mut client: TcpStream, target: &str, seen: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    seen.lock().unwrap().push(head.clone());
    if !head.starts_with("CONNECT ") || target.is_empty() {
        return client.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    }
    let mut server = TcpStream::connect(target)?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        drop(io::copy(&mut from_client, &mut to_server));
        drop(to_server.shutdown(Shutdown::Write));
    });
    io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Write)
}

#[test]
fn https_goes_through_the_proxy() {
    let sandbox = sandbox(Server::Good);
    for (provider, cloud) in PROVIDERS {
        let proxy = Proxy::start(sandbox.address(cloud).to_string());
        let url = format!("http://{}", proxy.address);
        for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
            list(&sandbox, provider, |certctl| certctl.env(variable, &url)).exits(0);
            let seen = proxy.seen();
            assert!(!seen.is_empty() && seen.iter().all(|head| head.starts_with("CONNECT 127.0.0.1:")), "{seen:?}");
            let head = seen.concat().to_lowercase();
            assert!(!head.contains("authorization") && !head.contains("x-"), "the signature is for the cloud: {head}");
        }
        // A name that only the proxy can resolve: it is the proxy's to resolve.
        let port = sandbox.address(cloud).port();
        let named = ["--endpoint".to_owned(), format!("https://localhost:{port}")];
        list(&sandbox, provider, |certctl| certctl.env("HTTPS_PROXY", &url).args(&named)).exits(0);
        assert!(proxy.seen().iter().all(|head| head.starts_with("CONNECT localhost:")));
        // Not for these.
        for exempt in ["127.0.0.1", "127.0.0.0/8", "example.com, 127.0.0.1"] {
            list(&sandbox, provider, |certctl| certctl.env("HTTPS_PROXY", &url).env("NO_PROXY", exempt)).exits(0);
            assert!(proxy.seen().is_empty(), "NO_PROXY={exempt}");
        }
        for exempt in ["*", "localhost", "example.com,localhost"] {
            let proxied = |certctl: Certctl| certctl.env("HTTPS_PROXY", &url).env("NO_PROXY", exempt).args(&named);
            list(&sandbox, provider, proxied).exits(0);
            assert!(proxy.seen().is_empty(), "NO_PROXY={exempt}");
        }
        list(&sandbox, provider, |certctl| certctl.env("HTTPS_PROXY", &url).env("NO_PROXY", "example.com")).exits(0);
        assert!(!proxy.seen().is_empty());
    }
}

#[test]
fn a_proxy_that_says_no() {
    let sandbox = sandbox(Server::Good);
    let proxy = Proxy::start(String::new());
    let secret = format!("http://me:hush@{}", proxy.address);
    let refused = |url: &str| {
        let run = list(&sandbox, "tencent", |certctl| certctl.env("HTTPS_PROXY", url).args(["--retries", "0"]));
        assert!(!run.stderr.contains("hush"), "{}", run.stderr);
        run.exits(5).says(&["cannot connect to 127.0.0.1:", "HTTPS_PROXY"])
    };
    refused(&secret);
    assert!(proxy.seen()[0].to_lowercase().contains("proxy-authorization: basic "));
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    refused(&format!("http://me:hush@{closed}"));
    assert!(sandbox.requests(Cloud::Tencent).is_empty());
}

/// Plain http is for loopback, where a proxy has no business: it would see keys.
#[test]
fn plain_http_never_goes_through_a_proxy() {
    let sandbox = Sandbox::start(Options::default());
    let proxy = Proxy::start(String::new());
    let url = format!("http://{}", proxy.address);
    for (provider, _) in PROVIDERS {
        let variables = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        list(&sandbox, provider, |certctl| variables.iter().fold(certctl, |certctl, name| certctl.env(name, &url)))
            .exits(0);
    }
    assert!(proxy.seen().is_empty());
}
