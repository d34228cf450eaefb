//! From material to a verified bundle.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test that cannot go on should say where, and a skipped one that it was"
)]

pub(crate) mod archives;
mod bombs;
mod certificates;
mod chains;
mod keys;
mod leaves;
mod legacy;
mod oracles;
mod pem;
pub(crate) mod pki;
mod properties;
mod sealed;
mod secrecy;
mod sm2;

use certctl::bundle::{Bundle, BundleError, Material, Requirements};
use jiff::Timestamp;

/// Pieces become a bundle, now.
fn assemble<T: AsRef<[u8]>>(pieces: &[T], domains: &[&str]) -> Result<Bundle, BundleError> {
    let domains: Vec<String> = domains.iter().map(|&domain| domain.to_owned()).collect();
    let material = pieces
        .iter()
        .enumerate()
        .fold(Material::default(), |material, (index, piece)| material.with(format!("piece {index}"), piece.as_ref()));
    Bundle::assemble(&material, &Requirements { now: Timestamp::now(), domains: &domains, passwords: &[] })
}

/// Subjects of the chain, without the `CN=`.
fn chain_of(bundle: &Bundle) -> Vec<&str> {
    bundle.chain().iter().map(|certificate| certificate.subject.trim_start_matches("CN=")).collect()
}
