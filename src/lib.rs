//! certctl: TLS certificates from JD Cloud, Tencent Cloud, Huawei Cloud SCM and CTyun, on disk in one layout.
//!
//! This is the library under the command of the same name. What a cloud hands out, in whatever form, becomes verified
//! files in a certificate directory, all of them or none:
//!
//! ```
//! use certctl::bundle::{Bundle, Material, Requirements};
//! use certctl::format::{self, Recipe};
//! use certctl::jiff::Timestamp;
//! use certctl::store::{Directory, Identity, Name, Options, Wish};
//!
//! # let made = rcgen::generate_simple_self_signed(["www.example.com".to_owned()])?;
//! # let (key, certificates) = (made.signing_key.serialize_pem(), made.cert.pem());
//! # let temporary = tempfile::tempdir()?;
//! # let dir = temporary.path();
//! let now = Timestamp::now();
//! let material = Material::default().with("key", key).with("certificates", certificates);
//! let bundle = Bundle::assemble(&material, &Requirements { now, domains: &[], passwords: &[] })?;
//! let files = format::files(&bundle, &Recipe::default())?;
//!
//! let name = Name::for_certificate(&bundle.leaf().dns_names, None)?;
//! let identity = Identity::of(&bundle, name.clone(), ["tencent", "tx", "LtIaSxlb"]);
//! let options = Options::new(now);
//! let directory = Directory::lock(dir, &name, &options.patience)?;
//! directory.apply(&Wish::alone(&identity, &files, &options))?;
//! assert!(dir.join("www.example.com/fullchain.pem").exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The material comes from a [`provider`], which an [`account`] opens. Calls of a cloud need a [Tokio](https://tokio.rs)
//! runtime with time and I/O; the store blocks. Messages go to [`tracing`](https://docs.rs/tracing), secrets to nobody.
//!
//! Data flows one way, and each room knows only the rooms before it in this list:
//!
//! - [`text`], [`duration`], [`digest`], [`environment`]: text from outside, times, hashes, the clock and the variables.
//! - [`limits`], [`stop`], [`process`]: what the system lets it have, signals, and the programs that certctl runs.
//! - [`domain`]: host names, and which names of a certificate cover them.
//! - [`http`]: one client for all clouds: timeouts, reply limits, retries, request rates.
//! - [`served`]: what a server serves, and whether the system trusts a chain.
//! - [`credential`]: where access keys come from.
//! - [`provider`]: the four clouds behind one trait; a signed call becomes rows, a description or raw material.
//! - [`keystore`]: what a password opens: key stores, and encrypted keys. Pure, no I/O.
//! - [`bundle`]: raw material becomes a verified key, leaf and chain. Pure, no I/O.
//! - [`mod@format`]: a bundle becomes files in memory. Pure, no I/O.
//! - [`store`]: files in memory become a certificate directory. The only room that writes them.
//! - [`config`]: the config file: accounts, certificates and commands, every mistake with its line.
//! - [`hook`]: the user's own commands.
//! - [`account`]: one cloud with credentials and an endpoint, ready to be asked.
//! - [`failure`]: what went wrong in any of these, and its exit code.
//! - [`run`]: what the commands do with them.
//! - [`report`]: what the user and the scripts see of it.
//! - [`cli`]: what the user types.

/// Times, secrets, JSON and bytes that are wiped are of these crates' types.
pub use {jiff, secrecy, serde_json, zeroize};

pub mod account;
pub mod bundle;
pub mod cli;
pub mod config;
pub mod credential;
mod der;
pub mod digest;
pub mod domain;
pub mod duration;
pub mod environment;
pub mod failure;
pub mod format;
pub mod hook;
pub mod http;
pub mod keystore;
pub mod limits;
pub mod process;
pub mod provider;
pub mod report;
pub mod run;
pub mod served;
pub mod stop;
pub mod store;
pub mod text;
