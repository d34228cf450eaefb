//! SIGTERM and SIGINT while a server does not answer: an end at once, with output and metrics.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{Ground, NAME, Pki};
use crate::cli::Run;

/// Far less than the time that the server is given.
const AT_ONCE: Duration = Duration::from_secs(60);

#[test]
fn output_and_metrics_are_still_written() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let ground = Ground::new();
        let pki = Pki::new();
        let leaf = pki.leaf(NAME, (-10, 50));
        fs::create_dir(ground.path("ssl")).unwrap();
        fs::write(ground.path("ssl/fullchain.pem"), pki.fullchain(&leaf)).unwrap();
        fs::write(ground.path("ssl/privkey.pem"), pki.root.key_pem()).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (target, file) = (ground.text("ssl"), ground.text("check.prom"));
        let args = [&target, "-o", "json", "--connect", &address, "--timeout", "300s", "--metrics-file", &file];
        let mut command = ground.certctl("check", &args).into_command();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _connection = listener.accept().unwrap();
        let since = Instant::now();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let run = Run::of(child.wait_with_output().unwrap(), since).exits(code);
        assert!(run.took < AT_ONCE, "{:?}", run.took);
        // What was found until then is told.
        let document = run.json();
        let row = &document["results"][0];
        assert_eq!((&document["exit_code"], &row["error"]["code"]), (&code.into(), &"interrupted".into()));
        assert_eq!(row["problems"][0]["code"], "key_mismatch", "{row}");
        assert!(run.errors().iter().any(|line| line.contains("told to stop")), "{}", run.stderr);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(&format!("certctl_check_exit_code {code}\n")), "{text}");
        assert!(text.contains("code=\"key_mismatch\"} 1\n"), "{text}");
    }
}
