//! How far a long run is, on a terminal.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What it looks like. In ASCII, and without colours: there is no terminal that cannot show it.
const TEMPLATE: &str = "[{bar:30}] {pos}/{len} certificates, {elapsed_precise}";
/// How often the time in it moves on.
const TICK: Duration = Duration::from_secs(1);

/// The bar that is on stderr now. There is one stderr, and all of the process writes messages to it.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// A bar on stderr while it lives; messages of [`super::log`] are written above it.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// A bar for so many certificates; nothing at all unless `is_shown`, nor where stderr is no terminal.
    #[must_use]
    pub fn new(total: usize, is_shown: bool) -> Self {
        let bar = is_shown.then(|| {
            let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template(TEMPLATE).map(|style| style.progress_chars("=> "));
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(TICK);
            bar
        });
        show(bar.clone());
        Self { bar }
    }

    /// One more is done.
    pub fn advance(&self) {
        self.bar.iter().for_each(|bar| bar.inc(1));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        show(None);
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}

fn show(bar: Option<ProgressBar>) {
    *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = bar;
}

/// stderr, above the bar if there is one.
#[derive(Debug)]
pub(super) struct Above;

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let write = || io::stderr().write_all(bytes).map(|()| bytes.len());
        match &*SHOWN.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
