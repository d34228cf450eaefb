//! PEM as it is found in the wild, read forgivingly, and PEM as it should be, written.
//!
//! Read: any line ends or none, blocks glued to each other, text and bag attributes around them, a byte order mark,
//! indented bodies, RFC 1421 headers, line breaks that were escaped once too often (`\n` as two characters).
//! Never forgiven: a block that does not end, since that is how a truncated reply looks.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use zeroize::Zeroizing;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
/// Columns of a line that is written (RFC 7468).
const COLUMNS: usize = 64;

/// Whether `text` has a PEM block in it.
pub(super) fn is_pem(text: &[u8]) -> bool {
    find(text, BEGIN).is_some()
}

/// One block, its body still as it came.
pub(super) struct Block<'a> {
    /// What its BEGIN line says, for example `CERTIFICATE`.
    pub(super) label: &'a str,
    body: &'a [u8],
}

/// Why a block cannot be read: its label, where it has one, and the reason.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault<'a> {
    pub(super) label: &'a str,
    pub(super) reason: &'static str,
}

/// The blocks of `text` in order; after a fault there are no more.
pub(super) fn blocks(text: &[u8]) -> impl Iterator<Item = Result<Block<'_>, Fault<'_>>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let found = next_block(&mut rest);
        if matches!(found, Some(Err(_))) {
            rest = &[];
        }
        found
    })
}

fn next_block<'a>(rest: &mut &'a [u8]) -> Option<Result<Block<'a>, Fault<'a>>> {
    let text = after(rest, find(rest, BEGIN)?, BEGIN);
    let Some(label) = label(text) else {
        return Some(Err(Fault { label: "?", reason: "its BEGIN line is damaged" }));
    };
    let text = after(text, label.len(), DASHES);
    let fault = |reason| Some(Err(Fault { label, reason }));
    let Some(end) = find(text, END).filter(|&end| find(text, BEGIN).is_none_or(|next| end < next)) else {
        return fault("it has no END line; the text was cut off");
    };
    let (body, text) = (text.get(..end).unwrap_or_default(), after(text, end, END));
    let Some(text) = text.strip_prefix(label.as_bytes()).and_then(|text| text.strip_prefix(DASHES)) else {
        return fault("its END line does not fit its BEGIN line");
    };
    *rest = text;
    Some(Ok(Block { label, body }))
}

/// The label that `text` begins with, up to the five dashes behind it.
fn label(text: &[u8]) -> Option<&str> {
    const LONGEST: usize = 64;
    let window = text.get(..LONGEST).unwrap_or(text);
    let label = std::str::from_utf8(window.get(..find(window, DASHES)?)?).ok()?;
    label.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ').then_some(label)
}

impl Block<'_> {
    pub(super) fn is_certificate(&self) -> bool {
        matches!(self.label, "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE")
    }

    /// Whether it is a private key, encrypted or not.
    pub(super) fn is_private_key(&self) -> bool {
        self.label.ends_with("PRIVATE KEY")
    }

    /// Whether RFC 1421 headers say that the body is encrypted (`Proc-Type: 4,ENCRYPTED`).
    pub(super) fn is_encrypted(&self) -> bool {
        let (headers, _) = self.split();
        find(headers, b"Proc-Type:").is_some() && find(headers, b"ENCRYPTED").is_some()
    }

    /// What the headers say of how the body is encrypted, and what is encrypted.
    pub(super) fn encrypted(&self) -> Result<(&str, Zeroizing<Vec<u8>>), &'static str> {
        let (dek_info, rest) = self.dek_info().ok_or("its headers do not say how it is encrypted")?;
        let body = Block { label: self.label, body: rest };
        Ok((dek_info, body.der().ok_or("its body is not base64")?))
    }

    /// What `DEK-Info` says, for example `AES-128-CBC,0123…`, and what comes after it.
    fn dek_info(&self) -> Option<(&str, &[u8])> {
        const NAME: &[u8] = b"DEK-Info:";
        let text = after(self.body, find(self.body, NAME)?, NAME).trim_ascii_start();
        let vector = text.iter().position(|&byte| byte == b',')?.saturating_add(1);
        let digits = text.iter().skip(vector).take_while(|byte| byte.is_ascii_hexdigit()).count();
        // Where the line ends are lost base64 goes on behind it, perhaps with the same digits.
        let is_des = text.get(..3).is_some_and(|name| name.eq_ignore_ascii_case(b"DES"));
        let (dek_info, rest) = text.split_at_checked(vector + digits.min(if is_des { 16 } else { 32 }))?;
        Some((std::str::from_utf8(dek_info).ok()?, rest))
    }

    /// The DER in the body, or `None` if it is not base64.
    pub(super) fn der(&self) -> Option<Zeroizing<Vec<u8>>> {
        decode(self.split().1)
    }

    /// The headers, and what comes after them. No base64 has a colon, so they end with the last line that has one.
    fn split(&self) -> (&[u8], &[u8]) {
        let Some(colon) = self.body.iter().rposition(|&byte| byte == b':') else { return (&[], self.body) };
        let is_line_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let end = self.body.iter().skip(colon).position(is_line_end).map_or(self.body.len(), |end| colon + end);
        self.body.split_at_checked(end).unwrap_or_default()
    }
}

/// Decodes base64 with whatever blanks, line breaks and escaped line breaks there are in it.
pub(super) fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let mut digits = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' if matches!(bytes.next(), Some(b'n' | b'r' | b't')) => {}
            _ if byte.is_ascii_whitespace() => {}
            _ => digits.push(byte),
        }
    }
    let mut decoded = Zeroizing::new(vec![0; digits.len().div_ceil(4).saturating_mul(3)]);
    let length = LENIENT.decode_slice(digits.as_slice(), &mut decoded).ok()?;
    decoded.truncate(length);
    Some(decoded)
}

/// One block: 64 columns, LF, a final newline, nothing else.
pub(super) fn encode(label: &str, der: &[u8]) -> Zeroizing<Vec<u8>> {
    let lines = der.chunks(COLUMNS / 4 * 3);
    // The whole size at once: a buffer that grows leaves copies of the key behind.
    let mut out = Zeroizing::new(Vec::with_capacity(lines.len() * (COLUMNS + 1) + 2 * (label.len() + 17)));
    out.extend_from_slice(format!("-----BEGIN {label}-----\n").as_bytes());
    let mut line = Zeroizing::new([0; COLUMNS]);
    for chunk in lines {
        let length = STANDARD.encode_slice(chunk, line.as_mut_slice()).unwrap_or_default();
        out.extend_from_slice(line.get(..length).unwrap_or_default());
        out.push(b'\n');
    }
    out.extend_from_slice(format!("-----END {label}-----\n").as_bytes());
    out
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// What is left of `text` behind `what`, which was found at `position`.
fn after<'a>(text: &'a [u8], position: usize, what: &[u8]) -> &'a [u8] {
    text.get(position.saturating_add(what.len())..).unwrap_or_default()
}
