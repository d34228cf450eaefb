//! Asking a server to go over to TLS.
//!
//! A dozen lines each, since no library does just this. Whatever the server sends after its go-ahead and before TLS is
//! an error: it could come from whoever sits in between, to be taken for something said under TLS (CVE-2011-0411).

use std::io::{self, Read as _, Write as _};

use super::wire::{Wire, said};
use super::{ServedError, Starttls};

/// Far more than a greeting and the answers to two commands.
const MOST: usize = 16 << 10;
/// PostgreSQL's SSLRequest: its length, and a number in place of a version.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Asks; when this comes back without an error, the next byte is TLS.
pub(super) fn ask(protocol: Starttls, wire: &mut Wire) -> Result<(), ServedError> {
    let mut talk = Talk { protocol, wire, buffer: Vec::new(), read: 0 };
    match protocol {
        Starttls::Smtp => talk.smtp()?,
        Starttls::Imap => talk.imap()?,
        Starttls::Postgres => talk.postgres()?,
    }
    let address = talk.wire.address();
    let is_clean = talk.buffer.is_empty();
    wire.forget();
    if is_clean { Ok(()) } else { Err(ServedError::Injected { address, protocol }) }
}

struct Talk<'a> {
    protocol: Starttls,
    wire: &'a mut Wire,
    /// What was read and not used yet.
    buffer: Vec<u8>,
    /// Bytes so far.
    read: usize,
}

impl Talk<'_> {
    fn smtp(&mut self) -> Result<(), ServedError> {
        self.smtp_reply("220")?;
        // What certctl calls itself is nobody's business, and `localhost` is a name that servers take.
        self.send(b"EHLO localhost\r\n")?;
        let offers = self.smtp_reply("250")?;
        if !offers.iter().any(|offer| offer.trim().eq_ignore_ascii_case("STARTTLS")) {
            return Err(self.refused(offers.join(" ").as_str()));
        }
        self.send(b"STARTTLS\r\n")?;
        self.smtp_reply("220").map(drop)
    }

    /// The lines of one reply, without their code, which must be this one.
    fn smtp_reply(&mut self, code: &str) -> Result<Vec<String>, ServedError> {
        let mut lines = Vec::new();
        loop {
            let line = self.line()?;
            let digits = line.bytes().take_while(u8::is_ascii_digit).count();
            let (is_last, rest) = match line.get(3..).map(|rest| (rest.chars().next(), rest)) {
                Some((None, _)) => (true, ""),
                Some((Some(' '), rest)) => (true, rest),
                Some((Some('-'), rest)) => (false, rest),
                _ => return Err(self.not_that(&line)),
            };
            if digits != 3 {
                return Err(self.not_that(&line));
            }
            if !line.starts_with(code) {
                return Err(self.refused(&line));
            }
            lines.push(rest.get(1..).unwrap_or_default().to_owned());
            if is_last {
                return Ok(lines);
            }
        }
    }

    fn imap(&mut self) -> Result<(), ServedError> {
        let greeting = self.line()?;
        match words(&greeting) {
            (star, status) if star == "*" && status == "OK" => {}
            // Already authenticated, or not now: no TLS in either case (RFC 9051 section 7.1).
            (star, status) if star == "*" && (status == "PREAUTH" || status == "BYE") => {
                return Err(self.refused(&greeting));
            }
            _ => return Err(self.not_that(&greeting)),
        }
        self.send(b"a1 STARTTLS\r\n")?;
        loop {
            let line = self.line()?;
            match words(&line) {
                (tag, status) if tag == "A1" && status == "OK" => return Ok(()),
                (star, status) if star == "*" && status != "BYE" => {}
                _ => return Err(self.refused(&line)),
            }
        }
    }

    fn postgres(&mut self) -> Result<(), ServedError> {
        self.send(&SSL_REQUEST)?;
        self.more()?;
        match self.buffer.first() {
            Some(b'S') => {
                self.buffer.remove(0);
                Ok(())
            }
            Some(b'N') => Err(self.refused("N")),
            // An error message, of a server too old to know the question.
            Some(b'E') => Err(self.refused("E")),
            _ => Err(self.not_that(&String::from_utf8_lossy(&self.buffer))),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), ServedError> {
        self.wire.write_all(bytes).map_err(|error| self.wire.error(&error))
    }

    /// A line, without its end.
    fn line(&mut self) -> Result<String, ServedError> {
        let mut from = 0;
        loop {
            if let Some(end) = self.buffer.iter().skip(from).position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=from + end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            from = self.buffer.len();
            self.more()?;
        }
    }

    fn more(&mut self) -> Result<(), ServedError> {
        if self.read >= MOST {
            return Err(ServedError::TooMuch { address: self.wire.address(), limit: MOST });
        }
        let mut chunk = [0; 1024];
        let count = self.wire.read(&mut chunk).map_err(|error| self.wire.error(&error))?;
        if count == 0 {
            return Err(self.wire.error(&io::ErrorKind::UnexpectedEof.into()));
        }
        self.read += count;
        self.buffer.extend_from_slice(chunk.get(..count).unwrap_or_default());
        Ok(())
    }

    fn refused(&self, line: &str) -> ServedError {
        ServedError::Refused { address: self.wire.address(), protocol: self.protocol, said: said(line.as_bytes()) }
    }

    fn not_that(&self, line: &str) -> ServedError {
        ServedError::NotThat { address: self.wire.address(), protocol: self.protocol, said: said(line.as_bytes()) }
    }
}

/// The first two words, in capitals: IMAP does not tell the cases apart.
fn words(line: &str) -> (String, String) {
    let mut words = line.split_ascii_whitespace().map(str::to_ascii_uppercase);
    (words.next().unwrap_or_default(), words.next().unwrap_or_default())
}
