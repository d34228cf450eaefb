//! How far a long run is, on a terminal.

/// A bar on stderr while it lives; messages of [`super::log`] are written above it.
#[derive(Debug)]
pub struct Progress {}

impl Progress {
    /// A bar for so many certificates; nothing at all unless `is_shown`.
    #[must_use]
    pub fn new(total: usize, is_shown: bool) -> Self {
        let _ = (total, is_shown);
        todo!()
    }

    /// One more is done.
    pub fn advance(&self) {
        todo!()
    }
}
