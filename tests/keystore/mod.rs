//! Key stores and encrypted keys: what other software writes is opened, and what is written here opens elsewhere.

mod keys;

use std::path::Path;

use crate::oracle;

/// Where the tests' own keys are.
const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys");

/// What openssl writes to a file of its `-out`; the arguments are separated by blanks, `@` stands for `directory`.
fn openssl(directory: &Path, arguments: &str) {
    let at = directory.display().to_string();
    let arguments: Vec<_> = arguments.split_whitespace().map(|argument| argument.replace('@', &at)).collect();
    oracle::run("openssl", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
}
