//! A first config file, with all that can be found out already in it.
//!
//! [`Discovery::of`] looks for credentials, [`offers`] tells which certificates could be installed, [`text`] makes the
//! file of both, and [`write()`] writes it. No secret is in it: it says where they are.

mod discovery;
mod offer;
mod text;

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

pub use discovery::{Discovered, Discovery, LeftOut};
pub use offer::{Offer, offers};
pub use text::text;

use super::ConfigError;

/// Writes a new config file that only its owner can read.
///
/// # Errors
/// When there is one already, or it cannot be written.
pub fn write(path: &Path, text: &str) -> Result<(), ConfigError> {
    let failed = |reason: io::Error| match reason.kind() {
        io::ErrorKind::AlreadyExists => ConfigError::Exists { path: path.to_owned() },
        _ => ConfigError::Unwritable { path: path.to_owned(), reason },
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|reason| {
        // Half a config would be worse than none.
        let _ = std::fs::remove_file(path);
        failed(reason)
    })
}
