//! What must hold of any input: one function for each way in. cargo-fuzz runs them on whatever it comes up with, and the
//! test suite, which includes this file, on the seeds, on what was ever found, and on thousands of mutations of those.

pub mod archives;
pub mod chains;
pub mod files;
pub mod judge;
pub mod keys;
pub mod loopback;
pub mod replies;
pub mod servers;

/// A way in, by the name of its seeds' directory.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 15] = [
    ("audit", chains::audit),
    ("chain", chains::chain),
    ("config", files::config),
    ("credentials", files::credentials),
    ("key", keys::key),
    ("keystore", keys::keystore),
    ("pem", chains::pem),
    ("rar", archives::rar),
    ("replies", replies::replies),
    ("sealed", keys::sealed),
    ("selection", chains::selection),
    ("served", servers::served),
    ("sm2", chains::sm2),
    ("state", files::state),
    ("zip", archives::zip),
];

/// The pieces of an input that holds several: they end at this byte, the record separator of ASCII.
pub const BETWEEN: u8 = 0x1e;
