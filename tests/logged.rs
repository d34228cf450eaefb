//! What the library logs while something is done.

use std::io;
use std::sync::{Arc, Mutex};

use tracing::Level;

/// What comes of it, and all that is logged, a line a message: its level, its module and its text.
pub(crate) fn logged<T>(act: impl FnOnce() -> T) -> (T, String) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone())
        .finish();
    let outcome = tracing::subscriber::with_default(subscriber, act);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    (outcome, log)
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
