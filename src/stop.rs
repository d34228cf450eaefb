//! Whether this run is to end early: SIGINT or SIGTERM came.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// How often those who wait look whether a signal has come.
const POLL: Duration = Duration::from_millis(20);

/// A signal that ends a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: the service manager, or the machine is going down.
    Terminate,
}

/// Tells whoever works for long that the run is to end. Clones tell the same; the default never does.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    interrupt: Arc<AtomicBool>,
    terminate: Arc<AtomicBool>,
}

impl Stop {
    /// Asked for by the signals of this process. A second signal, the same or the other, ends the process at once, as if
    /// nobody listened.
    ///
    /// # Errors
    /// When the system does not let the signals be listened to.
    pub fn on_signals() -> io::Result<Self> {
        let stop = Self::default();
        for (signal, asked) in [(SIGINT, &stop.interrupt), (SIGTERM, &stop.terminate)] {
            for came in [&stop.interrupt, &stop.terminate] {
                flag::register_conditional_default(signal, Arc::clone(came))?;
            }
            flag::register(signal, Arc::clone(asked))?;
        }
        Ok(stop)
    }

    /// The signal that came, if any.
    #[must_use]
    pub fn signal(&self) -> Option<Signal> {
        let came = |asked: &AtomicBool| asked.load(Ordering::Relaxed);
        match (came(&self.terminate), came(&self.interrupt)) {
            (true, _) => Some(Signal::Terminate),
            (false, true) => Some(Signal::Interrupt),
            (false, false) => None,
        }
    }

    /// Whether the run is to end.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.signal().is_some()
    }

    /// `work`, unless the run is to end before it is done.
    pub async fn unless_asked<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let asked = async {
            while !self.is_asked() {
                tokio::time::sleep(POLL).await;
            }
        };
        futures_util::pin_mut!(work, asked);
        match futures_util::future::select(work, asked).await {
            futures_util::future::Either::Left((done, _)) => Some(done),
            futures_util::future::Either::Right(_) => None,
        }
    }
}
