//! certctl: TLS certificates from JD Cloud, Tencent Cloud, Huawei Cloud SCM and CTyun, on disk in one layout.
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
