//! A connection of which everything ends in time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::{Address, ServedError, Target};
use crate::domain;
use crate::process;
use crate::text::one_line;

/// The most that is read of a server. TLS itself allows 64 KiB of certificates.
pub(super) const LIMIT: usize = 256 << 10;
/// So many of a host's addresses are tried.
const ADDRESSES: usize = 16;
/// So much is kept of what a server said first, to be shown.
const BEGINNING: usize = 200;

/// A connection to a server.
pub(super) struct Wire {
    stream: TcpStream,
    address: Address,
    limit: Duration,
    deadline: Instant,
    left: usize,
    /// What the server said first since [`Wire::forget`].
    first: Vec<u8>,
}

impl Wire {
    /// Connects to the first of the host's addresses that answers, with so much time left for everything.
    pub(super) fn connect(target: &Target<'_>, left: Duration) -> Result<Self, ServedError> {
        let address = Address { host: one_line(target.host, 253), port: target.port };
        let limit = target.timeout;
        let now = Instant::now();
        let deadline = now.checked_add(left).unwrap_or_else(|| now + Duration::from_secs(86_400));
        let timed_out = || ServedError::TimedOut { address: address.clone(), limit };
        let found = resolve(target, deadline).ok_or_else(timed_out)?;
        let reason = |error: io::Error| ServedError::Resolve { host: address.host.clone(), reason: in_words(&error) };
        let addresses = found.map_err(reason)?;
        let mut last = None;
        for (index, at) in addresses.iter().enumerate() {
            // One that does not answer leaves time for the others.
            let share = remaining(deadline) / u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
            if share.is_zero() {
                return Err(timed_out());
            }
            match TcpStream::connect_timeout(at, share) {
                Ok(stream) => {
                    // Everything is one question and one answer.
                    let _ = stream.set_nodelay(true);
                    return Ok(Self { stream, address, limit, deadline, left: LIMIT, first: Vec::new() });
                }
                Err(error) => last = Some(error),
            }
        }
        Err(match last {
            Some(error) if error.kind() == ErrorKind::TimedOut => timed_out(),
            Some(error) => ServedError::Connect { reason: in_words(&error), address },
            None => ServedError::Resolve { host: address.host, reason: "there is none".to_owned() },
        })
    }

    /// The server.
    pub(super) fn address(&self) -> Address {
        self.address.clone()
    }

    /// What the server says from here on is its beginning.
    pub(super) fn forget(&mut self) {
        self.first.clear();
    }

    /// The error that it is if what the server said first is no TLS record, neither an alert nor of the handshake.
    fn not_tls(&self) -> Option<ServedError> {
        self.first.first().filter(|first| ![0x15, 0x16].contains(*first))?;
        Some(ServedError::NotTls { address: self.address(), said: said(&self.first) })
    }

    /// What an error of reading or writing means.
    pub(super) fn error(&self, error: &io::Error) -> ServedError {
        let address = self.address();
        match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => ServedError::TimedOut { address, limit: self.limit },
            ErrorKind::FileTooLarge => ServedError::TooMuch { address, limit: LIMIT },
            _ => ServedError::Closed { address, reason: in_words(error) },
        }
    }

    /// The same during the TLS handshake.
    pub(super) fn handshake_error(&self, error: &io::Error) -> ServedError {
        self.not_tls().unwrap_or_else(|| self.error(error))
    }

    /// What an error of TLS means.
    pub(super) fn tls_error(&self, error: &rustls::Error) -> ServedError {
        if let Some(error) = self.not_tls() {
            return error;
        }
        let address = self.address();
        let words = one_line(&error.to_string(), 200);
        match error {
            rustls::Error::AlertReceived(_) => {
                let alert = words.rsplit(": ").next().unwrap_or_default().to_owned();
                ServedError::Alert { address, alert }
            }
            _ => ServedError::Tls { address, reason: words },
        }
    }

    /// What the deadline leaves, as sockets take it: no time at all would be no limit at all.
    fn remaining(&self) -> io::Result<Option<Duration>> {
        let left = remaining(self.deadline);
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(ErrorKind::FileTooLarge.into());
        }
        let room = buffer.len().min(self.left);
        let buffer = buffer.get_mut(..room).unwrap_or_default();
        let count = loop {
            self.stream.set_read_timeout(self.remaining()?)?;
            match self.stream.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => break outcome?,
            }
        };
        self.left -= count;
        let more = BEGINNING.saturating_sub(self.first.len()).min(count);
        self.first.extend_from_slice(buffer.get(..more).unwrap_or_default());
        Ok(count)
    }
}

impl Write for Wire {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        loop {
            self.stream.set_write_timeout(self.remaining()?)?;
            match self.stream.write(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => return outcome,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One line for people, of what a server said.
pub(super) fn said(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = one_line(text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default(), 80);
    let is_text = !line.is_empty() && !line.contains(char::REPLACEMENT_CHARACTER);
    if is_text { format!("`{line}`") } else { "something that is no text".to_owned() }
}

fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// The host's addresses; `None` where that takes too long. The system's resolver knows no deadline, so it is waited for
/// from outside; its thread ends by itself.
fn resolve(target: &Target<'_>, deadline: Instant) -> Option<io::Result<Vec<SocketAddr>>> {
    let port = target.port;
    if let Ok(address) = target.host.parse::<IpAddr>() {
        return Some(Ok(vec![SocketAddr::new(address, port)]));
    }
    let host = if target.host.is_ascii() { target.host.to_owned() } else { domain::normalize(target.host) };
    let (answer, answered) = mpsc::channel();
    let ask = move || {
        let found = (host.as_str(), port).to_socket_addrs();
        let _ = answer.send(found.map(|found| found.take(ADDRESSES).collect()));
    };
    let resolver = match thread::Builder::new().name("resolver".to_owned()).spawn(ask) {
        Ok(resolver) => resolver,
        Err(error) => return Some(Err(error)),
    };
    let answer = answered.recv_timeout(remaining(deadline)).ok();
    process::leave(resolver);
    answer
}

/// The system's words, without its number.
fn in_words(error: &io::Error) -> String {
    let words = match error.kind() {
        ErrorKind::UnexpectedEof => "it was closed".to_owned(),
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => "it was reset".to_owned(),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "there is no way to it".to_owned(),
        _ => error.to_string(),
    };
    one_line(&words, 200)
}
