//! What servers serve, and what the system trusts.

mod address;
mod chains;
mod hostile;
mod starttls;
mod trust;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use certctl::served::{self, ServedError, Target};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};

use crate::oracle;

/// Far more than any of the servers here needs, even on a machine that is busy.
const AMPLE: Duration = Duration::from_secs(60);

/// A server on loopback, asked for `localhost`.
fn target(port: u16) -> Target<'static> {
    Target { host: "127.0.0.1", port, server_name: "localhost", starttls: None, timeout: AMPLE }
}

fn chain(port: u16) -> Result<Vec<Vec<u8>>, ServedError> {
    served::chain(&target(port))
}

/// A server of one connection, which is given to `serve`.
fn server(serve: impl FnOnce(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(AMPLE)).unwrap();
        serve(stream);
    });
    port
}

/// Reads until the other side ends the connection.
fn wait_for_end(mut stream: &TcpStream) {
    let _ = stream.read_to_end(&mut Vec::new());
}

/// A chain that a TLS server of the tests serves.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) chain: Vec<Vec<u8>>,
    config: Arc<ServerConfig>,
}

impl Served {
    /// A leaf and its issuer.
    fn new() -> Self {
        Self::with(rustls::ALL_VERSIONS)
    }

    fn with(versions: &[&'static SupportedProtocolVersion]) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Middle");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let (issuer_key, leaf_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let issuer = params.self_signed(&issuer_key).unwrap();
        let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&leaf_key, &Issuer::new(params, issuer_key)).unwrap();
        let chain = vec![leaf.der().to_vec(), issuer.der().to_vec()];
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                chain.iter().map(|der| CertificateDer::from(der.clone())).collect(),
                PrivatePkcs8KeyDer::from(leaf_key.serialize_der()).into(),
            )
            .unwrap();
        Self { chain, config: Arc::new(config) }
    }

    /// Answers the first message and is gone.
    fn serve_once(&self, stream: &TcpStream) {
        self.serve_damaged(stream, usize::MAX);
    }

    /// The same with one byte changed.
    fn serve_damaged(&self, mut stream: &TcpStream, position: usize) {
        let mut connection = ServerConnection::new(Arc::clone(&self.config)).unwrap();
        while !connection.wants_write() {
            connection.read_tls(&mut stream).unwrap();
            connection.process_new_packets().unwrap();
        }
        let mut flight = Vec::new();
        while connection.wants_write() {
            connection.write_tls(&mut flight).unwrap();
        }
        if let Some(byte) = flight.get_mut(position) {
            *byte ^= 0x5a;
        }
        stream.write_all(&flight).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        wait_for_end(stream);
    }

    /// Shakes hands, and waits for the end.
    fn serve(&self, mut stream: &TcpStream) {
        let mut connection = ServerConnection::new(Arc::clone(&self.config)).unwrap();
        while connection.is_handshaking() && connection.complete_io(&mut stream).is_ok() {}
        wait_for_end(stream);
    }
}

/// `openssl s_server` on a port that it has chosen itself.
struct Openssl {
    child: Child,
    port: u16,
}

impl Openssl {
    fn start(address: &str, words: &[&str], leaf: &Path, key: &Path) -> Self {
        let mut command = Command::new("openssl");
        command.args(["s_server", "-www", "-accept", &format!("{address}:0")]).args(words);
        command.arg("-cert").arg(leaf).arg("-key").arg(key);
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.find(|line| line.starts_with("ACCEPT "));
        let port = line.and_then(|line| line.rsplit(':').next()?.trim().parse().ok());
        let port = port.unwrap_or_else(|| panic!("openssl s_server {words:?} does not start"));
        // Else it would stand still once the pipe is full.
        thread::spawn(move || lines.for_each(drop));
        Self { child, port }
    }
}

impl Drop for Openssl {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A self-signed certificate with a key of that kind, as files.
fn self_signed(dir: &Path, name: &str, newkey: &[&str]) -> (std::path::PathBuf, std::path::PathBuf) {
    let (leaf, key) = (dir.join(format!("{name}.pem")), dir.join(format!("{name}.key")));
    let (at_leaf, at_key) = (leaf.display().to_string(), key.display().to_string());
    let words =
        ["req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=localhost", "-out", &at_leaf, "-keyout", &at_key];
    oracle::run("openssl", &[words.as_slice(), newkey].concat());
    (leaf, key)
}

/// A certificate file's DER, as OpenSSL has it.
fn der(path: &Path) -> Vec<u8> {
    let output = Command::new("openssl").args(["x509", "-outform", "DER", "-in"]).arg(path).output().unwrap();
    assert!(output.status.success());
    output.stdout
}

/// The certificates of a PEM text, in DER.
pub(crate) fn certificates(text: &str) -> Vec<Vec<u8>> {
    CertificateDer::pem_slice_iter(text.as_bytes()).map(|der| der.unwrap().to_vec()).collect()
}
