//! What servers say to `check --connect`.

use std::time::Duration;

use certctl::served::{self, Starttls, Target};

use super::judge::message;
use super::loopback::{Loopback, Script};

thread_local! {
    static SERVER: Loopback = Loopback::start();
}

/// First byte: what is spoken before TLS, and whether the server waits to be spoken to. The rest is all that it says.
pub fn served(data: &[u8]) {
    let [choice, rest @ ..] = data else { return };
    let starttls = match choice & 3 {
        0 => None,
        1 => Some(Starttls::Smtp),
        2 => Some(Starttls::Imap),
        _ => Some(Starttls::Postgres),
    };
    let port = SERVER.with(|server| {
        server.says(Script::Raw { bytes: rest.to_vec(), waits: false });
        server.port
    });
    let target =
        Target { host: "127.0.0.1", port, server_name: "localhost", starttls, timeout: Duration::from_secs(20) };
    match served::chain(&target) {
        Ok(chain) => assert!(!chain.is_empty()),
        Err(error) => message(&error),
    }
}
