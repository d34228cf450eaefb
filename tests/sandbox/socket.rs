//! A connection that can be told to break.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::broken::Raw;

/// What is to be done to a connection.
#[derive(Default)]
pub(crate) struct Line {
    /// It ends with a reset instead of an orderly close.
    pub(crate) reset: AtomicBool,
    /// This goes over it instead of what the server library writes.
    pub(crate) raw: Mutex<Option<Raw>>,
}

/// A TCP stream that does what it is told to.
pub(crate) struct Socket {
    pub(crate) stream: TcpStream,
    pub(crate) line: Arc<Line>,
    /// How much of [`Line::raw`] has gone, every round of it counted.
    pub(crate) sent: usize,
}

impl Socket {
    /// Writes all of it; the end is in place of that of whatever was to be written.
    fn poll_raw(&mut self, context: &mut Context<'_>, raw: &Raw, length: usize) -> Poll<std::io::Result<usize>> {
        loop {
            let rest = match raw.once.get(self.sent..).filter(|rest| !rest.is_empty()) {
                Some(rest) => rest,
                None if !raw.again.is_empty() => &raw.again[(self.sent - raw.once.len()) % raw.again.len()..],
                None if raw.stays => return Poll::Pending,
                None => return Poll::Ready(Ok(length)),
            };
            self.sent += ready!(Pin::new(&mut self.stream).poll_write(context, rest))?;
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.line.reset.load(Ordering::SeqCst) {
            drop(self.stream.set_zero_linger());
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let line = Arc::clone(&self.line);
        if let Some(raw) = line.raw.lock().unwrap().as_ref() {
            return self.poll_raw(context, raw, bytes.len());
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
