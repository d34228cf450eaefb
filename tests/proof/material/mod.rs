//! Keys, certificates, archives and replies that are made to do harm.

mod archives;
mod fuzzed;
mod seeds;
#[allow(unreachable_pub, reason = "to fuzz/ it is a library")]
#[path = "../../../fuzz/src/lib.rs"]
mod targets;
mod vectors;
mod work;
mod zips;
