//! Servers that speak something else before TLS.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use certctl::served::{self, ServedError, Starttls, Target};

use super::{Served, server, target, wait_for_end};

const SSL_REQUEST: &str = "\0\0\0\u{8}\u{4}\u{d2}\u{16}/";

/// What a server waits for, and what it then says: each pair in turn. A line is waited for up to its end.
type Script = &'static [(&'static str, &'static str)];

const SMTP: Script = &[
    ("", "220-mx.example.com ESMTP\r\n220 welcome\r\n"),
    ("EHLO localhost\r\n", "250-mx.example.com\r\n250-8BITMIME\r\n250-starttls\r\n250 SIZE 1000\r\n"),
    ("STARTTLS\r\n", "220 2.0.0 Ready to start TLS\r\n"),
];
const IMAP: Script = &[
    ("", "* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\r\n"),
    ("a1 STARTTLS\r\n", "* 1 EXISTS\r\nA1 ok Begin TLS negotiation now\r\n"),
];
const POSTGRES: Script = &[(SSL_REQUEST, "S")];

fn play(script: Script, stream: &TcpStream) {
    let mut reader = BufReader::with_capacity(1, stream);
    for (awaited, answer) in script {
        let awaited: Vec<u8> = awaited.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        let mut heard = vec![0; awaited.len()];
        if reader.read_exact(&mut heard).is_err() {
            return;
        }
        assert_eq!(heard, awaited);
        (&mut &*stream).write_all(answer.as_bytes()).unwrap();
    }
    assert!(reader.buffer().is_empty() || reader.fill_buf().is_ok());
}

fn ask(starttls: Starttls, port: u16) -> Result<Vec<Vec<u8>>, ServedError> {
    served::chain(&Target { starttls: Some(starttls), ..target(port) })
}

#[test]
fn each_protocol_goes_over_to_tls() {
    // Line ends of LF alone, and as little as each protocol allows.
    const BARE_SMTP: Script =
        &[("", "220\n"), ("EHLO localhost\r\n", "250-\n250 STARTTLS\n"), ("STARTTLS\r\n", "220\n")];
    const BARE_IMAP: Script = &[("", "* OK\n"), ("a1 STARTTLS\r\n", "a1 OK\n")];
    for (protocol, script) in [
        (Starttls::Smtp, SMTP),
        (Starttls::Smtp, BARE_SMTP),
        (Starttls::Imap, IMAP),
        (Starttls::Imap, BARE_IMAP),
        (Starttls::Postgres, POSTGRES),
    ] {
        let served = Served::new();
        let wanted = served.chain.clone();
        let port = server(move |stream| {
            play(script, &stream);
            served.serve(&stream);
        });
        assert_eq!(ask(protocol, port), Ok(wanted), "{protocol}");
    }
}

#[test]
fn what_refuses() {
    const SMTP_HELLO: (&str, &str) = ("", "220 mx\r\n");
    let cases: [(Starttls, Script, &str); 11] = [
        (Starttls::Smtp, &[("", "554-go\r\n554 away\r\n")], "`554-go`"),
        (Starttls::Smtp, &[SMTP_HELLO, ("EHLO localhost\r\n", "502 what\r\n")], "`502 what`"),
        (Starttls::Smtp, &[SMTP_HELLO, ("EHLO localhost\r\n", "250-mx\r\n250 STARTTLSX\r\n")], "`mx STARTTLSX`"),
        (
            Starttls::Smtp,
            &[SMTP_HELLO, ("EHLO localhost\r\n", "250-mx\r\n250 STARTTLS\r\n"), ("STARTTLS\r\n", "454 later\r\n")],
            "`454 later`",
        ),
        (Starttls::Imap, &[("", "* PREAUTH welcome\r\n")], "`* PREAUTH welcome`"),
        (Starttls::Imap, &[("", "* BYE\r\n")], "`* BYE`"),
        (Starttls::Imap, &[("", "* OK\r\n"), ("a1 STARTTLS\r\n", "a1 NO \x1b[1mno\r\n")], "`a1 NO [1mno`"),
        (Starttls::Imap, &[("", "* OK\r\n"), ("a1 STARTTLS\r\n", "a1 BAD what\r\n")], "`a1 BAD what`"),
        (Starttls::Imap, &[("", "* OK\r\n"), ("a1 STARTTLS\r\n", "a2 OK\r\n")], "`a2 OK`"),
        (Starttls::Imap, &[("", "* OK\r\n"), ("a1 STARTTLS\r\n", "* BYE\r\n")], "`* BYE`"),
        (Starttls::Postgres, &[(SSL_REQUEST, "N")], "`N`"),
    ];
    for (protocol, script, said) in cases {
        let port = server(move |stream| {
            play(script, &stream);
            wait_for_end(&stream);
        });
        let error = ask(protocol, port).unwrap_err();
        let wanted = format!("127.0.0.1:{port} does not go over from {protocol} to TLS, it said {said}");
        assert_eq!(error.to_string(), wanted);
    }
}

#[test]
fn what_speaks_another_protocol() {
    let cases: [(Starttls, Script, &str); 7] = [
        (Starttls::Smtp, &[("", "* OK IMAP\r\n")], "`* OK IMAP`"),
        (Starttls::Smtp, &[("", "2200 mx\r\n")], "`2200 mx`"),
        (Starttls::Smtp, &[("", "22\r\n")], "`22`"),
        (Starttls::Smtp, &[("", "\u{e4}\u{e4}\r\n")], "`ää`"),
        (Starttls::Imap, &[("", "220 mx\r\n")], "`220 mx`"),
        (Starttls::Imap, &[("", "\r\n")], "something that is no text"),
        (Starttls::Postgres, &[(SSL_REQUEST, "HTTP/1.1 400 Bad Request\r\n")], "`HTTP/1.1 400 Bad Request`"),
    ];
    for (protocol, script, said) in cases {
        let port = server(move |stream| {
            play(script, &stream);
            wait_for_end(&stream);
        });
        let error = ask(protocol, port).unwrap_err();
        assert_eq!(error.to_string(), format!("127.0.0.1:{port} does not speak {protocol}, it said {said}"));
    }
}

/// What was added to the go-ahead must not pass for something said under TLS (CVE-2011-0411, CVE-2021-23222).
#[test]
fn plain_text_after_the_go_ahead() {
    const ADDED_SMTP: Script = &[
        ("", "220 mx\r\n"),
        ("EHLO localhost\r\n", "250-mx\r\n250 STARTTLS\r\n"),
        ("STARTTLS\r\n", "220 go\r\n250 injected\r\n"),
    ];
    const ADDED_IMAP: Script = &[("", "* OK\r\n"), ("a1 STARTTLS\r\n", "a1 OK\r\n* 1 EXISTS\r\n")];
    const ADDED_POSTGRES: Script = &[(SSL_REQUEST, "SR")];
    for (protocol, script) in
        [(Starttls::Smtp, ADDED_SMTP), (Starttls::Imap, ADDED_IMAP), (Starttls::Postgres, ADDED_POSTGRES)]
    {
        let served = Served::new();
        let port = server(move |stream| {
            play(script, &stream);
            served.serve(&stream);
        });
        let outcome = ask(protocol, port);
        assert!(matches!(outcome, Err(ServedError::Injected { .. })), "{protocol} {outcome:?}");
    }
}

/// The name of the protocol has nothing to do with what comes under TLS: a server that says no TLS there is found out.
#[test]
fn no_tls_after_the_go_ahead() {
    let port = server(move |stream| {
        play(POSTGRES, &stream);
        let _ = (&stream).read(&mut [0; 1024]);
        (&stream).write_all(b"EFATAL").unwrap();
        wait_for_end(&stream);
    });
    let error = ask(Starttls::Postgres, port).unwrap_err();
    assert_eq!(error.to_string(), format!("127.0.0.1:{port} does not speak TLS, it said `EFATAL`"));
}
