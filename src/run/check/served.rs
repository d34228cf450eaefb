//! What a server serves, beside what is on disk.

use std::net::IpAddr;
use std::time::Duration;

use super::Judge;
use super::files::{Held, judged_at};
use super::problem::{Code, Problem};
use crate::bundle::{Certificate, audit};
use crate::domain;
use crate::failure::Failure;
use crate::served::{self, Address, Roots, ServedError, Starttls, Target};

/// A server, and how it is asked.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where it is.
    pub address: Address,
    /// The name to ask it for; `None`: one of the certificate's.
    pub name: Option<String>,
    /// What it speaks before TLS.
    pub starttls: Option<Starttls>,
    /// How long it may take.
    pub timeout: Duration,
}

impl Server {
    /// The name to ask for: what the user says, else the host where the certificate is for it, else the certificate's
    /// first name. A wildcard stands for `www`.
    fn name_for(&self, leaf: &Certificate) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let (host, names) = (&self.address.host, leaf.names());
        if domain::covers(&names, host) {
            return host.clone();
        }
        let is_name = |name: &&String| name.parse::<IpAddr>().is_err();
        let named =
            names.iter().find(|name| is_name(name) && !name.starts_with("*.")).or_else(|| names.iter().find(is_name));
        match named {
            Some(name) => name.strip_prefix("*.").map_or_else(|| name.clone(), |parent| format!("www.{parent}")),
            None => host.clone(),
        }
    }
}

/// What the system's roots and the server say to a certificate, as far as they are to be asked. This blocks.
pub(super) fn judge(held: &Held, judge: &Judge) -> (Vec<Problem>, Option<Failure>) {
    let mut problems: Vec<_> = judge.roots.iter().filter_map(|roots| trust(held, roots, judge)).collect();
    let Some(server) = &judge.server else { return (problems, None) };
    match compare(held, server, judge) {
        Ok(found) => {
            problems.extend(found);
            (problems, None)
        }
        Err(error) => (problems, Some(Failure::Served(error))),
    }
}

/// What is wrong with what the server serves.
fn compare(held: &Held, server: &Server, judge: &Judge) -> Result<Vec<Problem>, ServedError> {
    let name = server.name_for(&held.leaf);
    let target = Target {
        host: &server.address.host,
        port: server.address.port,
        server_name: &name,
        starttls: server.starttls,
        timeout: server.timeout,
    };
    let chain = served::chain_like(held.leaf.der(), &target)?;
    let at = format!("{} (asked for {name})", server.address);
    let mut problems = judge_served(&chain, held, &at, judge);
    if let Some(roots) = &judge.roots
        && let Some(leaf) = chain.first().and_then(|der| Certificate::parse(der))
        && let Err(why) = roots.verify(&chain, Some(&name), judged_at(&leaf, judge.now))
    {
        problems.push(Problem::new(Code::Trust, format!("{at}: {why}"), UNTRUSTED));
    }
    Ok(problems)
}

const UNTRUSTED: &str = "clients without that root refuse it; if the root is your own, set SSL_CERT_FILE to it";

fn judge_served(chain: &[Vec<u8>], held: &Held, at: &str, judge: &Judge) -> Vec<Problem> {
    let served: Option<Vec<_>> = chain.iter().map(|der| Certificate::parse(der)).collect();
    let Some((served, leaf)) = served.as_ref().and_then(|served| Some((served, served.first()?))) else {
        let message = format!("{at} serves something that is no certificate");
        return vec![Problem::new(Code::ServedLeaf, message, "look at the server's configuration")];
    };
    let mut problems = Vec::new();
    if *leaf != held.leaf {
        let message = format!("{at} serves {}, and {} is installed", with_end(leaf), with_end(&held.leaf));
        let hint = "reload the server; if that does not help, it reads other files or has another name for this one";
        problems.push(Problem::new(Code::ServedLeaf, message, hint));
    }
    // Of another certificate's chain only the server itself can tell.
    let known = if *leaf == held.leaf { held.known.as_slice() } else { &[] };
    if let Err(fault) = audit::chain(leaf, served, known, judged_at(leaf, judge.now)) {
        let hint = "let the server use fullchain.pem, and reload it";
        problems.push(Problem::new(Code::ServedChain, format!("{at}: {fault}"), hint));
    }
    problems
}

fn with_end(certificate: &Certificate) -> String {
    format!("the certificate with serial number {}, valid until {}", certificate.serial, certificate.not_after)
}

/// Verifies what is on disk against the system's roots.
fn trust(held: &Held, roots: &Roots, judge: &Judge) -> Option<Problem> {
    let chain: Vec<_> = held.fullchain.iter().map(|certificate| certificate.der().to_vec()).collect();
    let why = roots.verify(&chain, None, judged_at(&held.leaf, judge.now)).err()?;
    Some(Problem::new(Code::Trust, format!("the system does not trust it: {why}"), UNTRUSTED))
}
