//! Servers of other programs, as tests start them.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for a loaded machine: what is waited for comes at once, or never.
const AMPLE: Duration = Duration::from_secs(60);

/// A server of another program, on a port of loopback.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) port: u16,
    _scratch: tempfile::TempDir,
}

impl Daemon {
    /// Starts `program` with the words that `configure` gives for a port and a directory of its own.
    pub(crate) fn start(program: &str, configure: impl Fn(u16, &Path) -> Vec<String>) -> Self {
        // Another program may take the port between its choice and its use.
        (0..5).find_map(|_| Self::try_start(program, &configure)).unwrap_or_else(|| panic!("no port to be had"))
    }

    fn try_start(program: &str, configure: impl Fn(u16, &Path) -> Vec<String>) -> Option<Self> {
        let scratch = tempfile::tempdir().unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let errors = scratch.path().join("stderr");
        let mut command = Command::new(program);
        command.args(configure(port, scratch.path())).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(File::create(&errors).unwrap()).spawn().unwrap();
        let mut daemon = Self { child, port, _scratch: scratch };
        let started = Instant::now();
        while started.elapsed() < AMPLE {
            if daemon.child.try_wait().unwrap().is_some() {
                let said = fs::read_to_string(errors).unwrap_or_default();
                assert!(said.contains("Address already in use"), "{program} does not start: {said}");
                return None;
            }
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Some(daemon);
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("{program} does not listen")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An nginx that serves each name its own certificate: this file of the certificate directory of that name.
pub(crate) fn nginx(directory: &Path, names: &[String], certificate: &str) -> Daemon {
    Daemon::start("nginx", |port, scratch| {
        let mut text = "daemon off; master_process off; pid nginx.pid; error_log stderr; events {}\n\
                        http {\naccess_log off; server_names_hash_bucket_size 128;\n"
            .to_owned();
        for module in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            writeln!(text, "{module}_temp_path {module};").unwrap();
        }
        for name in names {
            let at = |file: &str| directory.join(name).join(file).display().to_string();
            let (certificate, key) = (at(certificate), at("privkey.pem"));
            writeln!(text, "server {{ listen 127.0.0.1:{port} ssl; server_name {name}; return 204;").unwrap();
            writeln!(text, "ssl_certificate {certificate}; ssl_certificate_key {key}; }}").unwrap();
        }
        let config = scratch.join("nginx.conf");
        fs::write(&config, text + "}\n").unwrap();
        ["-p", scratch.to_str().unwrap(), "-c", config.to_str().unwrap(), "-e", "stderr"].map(str::to_owned).into()
    })
}
