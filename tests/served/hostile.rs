//! Servers that are no TLS servers, or no good ones. None of them makes certctl wait, or read, without end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use certctl::served::{self, ServedError, Starttls, Target};

use super::{AMPLE, Served, chain, server, target, wait_for_end};

const PROTOCOLS: [Option<Starttls>; 4] = [None, Some(Starttls::Smtp), Some(Starttls::Imap), Some(Starttls::Postgres)];
/// Short, for those that let it run out.
const SHORT: Duration = Duration::from_millis(300);

fn within_short(port: u16, starttls: Option<Starttls>) -> Result<Vec<Vec<u8>>, ServedError> {
    let started = Instant::now();
    let outcome = served::chain(&Target { starttls, timeout: SHORT, ..target(port) });
    let took = started.elapsed();
    // On a machine that is busy, too; but far from what one read timeout after the other would add up to.
    assert!(took >= SHORT && took < Duration::from_secs(20), "{took:?}");
    outcome
}

/// Sends `first`, then `then` again and again, a byte at a time, until nobody listens.
fn drip(mut stream: &TcpStream, first: &[u8], then: &[u8]) {
    let mut bytes = first.iter().chain(then.iter().cycle());
    while stream.write_all(&[*bytes.next().unwrap()]).is_ok() {
        thread::sleep(Duration::from_millis(20));
    }
}

/// Sends `first`, then `then` again and again, until nobody listens.
fn flood(mut stream: &TcpStream, first: &[u8], then: &[u8]) {
    let then = then.repeat(1000);
    let _ = stream.write_all(first);
    while stream.write_all(&then).is_ok() {}
}

#[test]
fn one_that_says_nothing() {
    for starttls in PROTOCOLS {
        let port = server(|stream| wait_for_end(&stream));
        let error = within_short(port, starttls).unwrap_err();
        assert!(matches!(error, ServedError::TimedOut { .. }), "{error}");
        assert_eq!(error.to_string(), format!("127.0.0.1:{port} showed no certificate within 0.3 s"));
    }
}

#[test]
fn one_that_drips() {
    for (starttls, first, then) in [
        (None, &[0x16, 3, 3, 0x3f, 0xff][..], &[2][..]),
        (Some(Starttls::Smtp), b"", b"220-wait\r\n"),
        (Some(Starttls::Imap), b"", b"* OK"),
        (Some(Starttls::Imap), b"* OK hello\r\n", b"* 1 EXISTS\r\n"),
    ] {
        let port = server(|stream| drip(&stream, first, then));
        let outcome = within_short(port, starttls);
        assert!(matches!(outcome, Err(ServedError::TimedOut { .. })), "{starttls:?} {outcome:?}");
    }
}

#[test]
fn one_that_never_ends() {
    // An empty handshake record each, and one message of 16 MiB.
    let empty: &[u8] = &[0x16, 3, 3, 0, 0];
    for (starttls, first, then) in [
        (None, &[][..], empty),
        (None, &[0x16, 3, 3, 0x40, 0, 0x02, 0xff, 0xff, 0xff][..], &[0; 100][..]),
        (Some(Starttls::Smtp), b"", b"220-welcome\r\n"),
        (Some(Starttls::Smtp), b"220 ", b"welcome"),
        (Some(Starttls::Imap), b"* OK hello\r\n", b"* 1 EXISTS\r\n"),
    ] {
        let port = server(|stream| flood(&stream, first, then));
        let error = served::chain(&Target { starttls, ..target(port) }).unwrap_err();
        // TLS has bounds of its own.
        let is_bound = match starttls {
            Some(_) => matches!(error, ServedError::TooMuch { limit: 16_384, .. }),
            None => matches!(error, ServedError::Tls { .. }),
        };
        assert!(is_bound, "{starttls:?} {error}");
    }
}

#[test]
fn one_that_hangs_up() {
    for starttls in PROTOCOLS {
        let port = server(drop);
        let outcome = served::chain(&Target { starttls, ..target(port) });
        assert!(matches!(outcome, Err(ServedError::Closed { .. })), "{starttls:?} {outcome:?}");
    }
    // With what came unread, the system resets the connection.
    let port = server(|stream| {
        stream.peek(&mut [0]).unwrap();
    });
    let error = chain(port).unwrap_err();
    let what = format!("127.0.0.1:{port} ended the connection before it showed a certificate: it was reset");
    assert_eq!(error.to_string(), what);
}

#[test]
fn one_that_speaks_something_else() {
    const HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n<html>";
    for (answer, said) in [
        (HTTP, "`HTTP/1.1 400 Bad Request`"),
        (b"220 mx.example.com ESMTP\r\n", "`220 mx.example.com ESMTP`"),
        (b"no", "`no`"),
        (b"\r\n\r\nSSH-2.0-OpenSSH_9.2\r\n", "`SSH-2.0-OpenSSH_9.2`"),
        (b"\x1b[2Jred \x1b]0;title\x07\r\n", "`[2Jred ]0;title`"),
        ("\u{202e}txt\r\n".as_bytes(), "`txt`"),
        (&[0xff; 300], "something that is no text"),
        (&[0, 1, 2, 3], "something that is no text"),
        (b"\r\n\r\n", "something that is no text"),
    ] {
        let port = server(move |mut stream| {
            stream.read_exact(&mut [0]).unwrap();
            stream.write_all(answer).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            wait_for_end(&stream);
        });
        let error = chain(port).unwrap_err();
        assert_eq!(error.to_string(), format!("127.0.0.1:{port} does not speak TLS, it said {said}"));
    }
    let long = server(|mut stream| {
        stream.write_all(&[b'a'; 300]).unwrap();
        wait_for_end(&stream);
    });
    assert!(chain(long).unwrap_err().to_string().len() < 200);
}

#[test]
fn one_that_refuses_with_an_alert() {
    let port = server(|mut stream| {
        // unrecognized_name
        stream.write_all(&[0x15, 3, 3, 0, 2, 2, 112]).unwrap();
        wait_for_end(&stream);
    });
    let error = chain(port).unwrap_err();
    assert_eq!(error.to_string(), format!("127.0.0.1:{port} refused the TLS handshake: UnrecognisedName"));
}

/// Whatever a server makes of its part of the handshake: an error, in time, and one line.
#[test]
fn one_whose_handshake_is_damaged() {
    // The first flight of a TLS 1.2 server, with one byte changed, every seventh.
    let served = Served::with(&[&rustls::version::TLS12]);
    for position in (0..900).step_by(7) {
        let mine = served.clone();
        let port = server(move |stream| mine.serve_damaged(&stream, position));
        match chain(port) {
            Ok(seen) => assert!(!seen.is_empty()),
            Err(error) => assert!(!error.to_string().contains(char::is_control), "{error:?}"),
        }
    }
}

#[test]
fn a_host_without_an_address() {
    let started = Instant::now();
    let timeout = Duration::from_secs(2);
    let error = served::chain(&Target { host: "no-such-host.invalid", timeout, ..target(443) }).unwrap_err();
    assert!(matches!(error, ServedError::Resolve { .. } | ServedError::TimedOut { .. }), "{error}");
    assert!(started.elapsed() < AMPLE && error.to_string().contains("no-such-host.invalid"), "{error}");
}

#[test]
fn no_time_at_all() {
    let port = server(|stream| wait_for_end(&stream));
    let outcome = served::chain(&Target { timeout: Duration::ZERO, ..target(port) });
    assert!(matches!(outcome, Err(ServedError::TimedOut { .. })), "{outcome:?}");
    // So that the server ends.
    drop(TcpStream::connect(("127.0.0.1", port)));
}
