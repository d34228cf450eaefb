//! BER in the form of DER. NSS and older Windows write lengths that only an end tells, and strings in pieces.

use zeroize::Zeroizing;

use crate::der::{self, Reader};

/// How deep values may be inside each other; those of key stores are not ten deep.
const DEEPEST: usize = 32;
const CONSTRUCTED: u8 = 0x20;
const OCTET_STRINGS: u8 = der::OCTET_STRING | CONSTRUCTED;
/// The low bits of a tag of more than one byte, of which key stores have none.
const LONG_TAG: u8 = 0x1f;

/// One value, as DER as far as lengths and octet strings go; `None` if it is damaged, or something follows it.
pub(super) fn to_der(mut bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // Definite lengths may take more room than those they replace, but only where long values are.
    let room = bytes.len().saturating_add(bytes.len() / 1024).saturating_add(64);
    let mut out = Zeroizing::new(Vec::with_capacity(room));
    append(&mut bytes, &mut out, DEEPEST)?;
    bytes.is_empty().then_some(out)
}

/// The octet strings in `bytes`, one after the other, as one.
pub(super) fn joined(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let mut pieces = Reader::new(bytes);
    while !pieces.is_empty() {
        out.extend_from_slice(pieces.expect(der::OCTET_STRING)?);
    }
    Some(out)
}

/// Takes the next value away from `input` and writes it to the end of `out`.
fn append(input: &mut &[u8], out: &mut Vec<u8>, depth: usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    let (&[tag, length], after) = input.split_first_chunk()?;
    if tag & LONG_TAG == LONG_TAG {
        return None;
    }
    let start = out.len();
    if length == 0x80 {
        if tag & CONSTRUCTED == 0 {
            return None;
        }
        *input = after;
        while !input.starts_with(&[0, 0]) {
            append(input, out, depth)?;
        }
        *input = input.get(2..)?;
    } else {
        let mut reader = Reader::new(input);
        let (_, mut content) = reader.value()?;
        *input = reader.rest();
        if tag & CONSTRUCTED == 0 {
            out.extend_from_slice(&der::encode(tag, &[content]));
            return Some(());
        }
        while !content.is_empty() {
            append(&mut content, out, depth)?;
        }
    }
    let value = match (tag, out.get(start..)?) {
        (OCTET_STRINGS, pieces) => der::encode(der::OCTET_STRING, &[&joined(pieces)?]),
        (_, content) => der::encode(tag, &[content]),
    };
    out.truncate(start);
    out.extend_from_slice(&value);
    Some(())
}
