//! As much DER as private keys and public key infos need: definite lengths, tags of one byte.

use zeroize::Zeroizing;

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const BMP_STRING: u8 = 0x1e;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
/// `[n]`, constructed, as in `[0] parameters` of SEC1.
pub(crate) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// Reads one value after the other; every failure is `None`.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The content of a value that has this tag and fills `bytes` exactly.
    pub(crate) fn whole(tag: u8, bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Self::new(bytes);
        let content = reader.expect(tag)?;
        reader.is_empty().then_some(Self::new(content))
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What is still unread.
    pub(crate) const fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// The content of the next value, if it has this tag; otherwise the reader stays where it is.
    pub(crate) fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut after = *self;
        let content = after.value().filter(|(found, _)| *found == tag).map(|(_, content)| content)?;
        *self = after;
        Some(content)
    }

    /// The next value, whatever it is: its tag and its content.
    pub(crate) fn value(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.rest.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = digits.iter().fold(0_u32, |length, &digit| (length << 8) | u32::from(digit));
                (usize::try_from(length).ok()?, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some((tag, content))
    }

    /// Like [`Self::expect`], for an INTEGER that is not negative: without its leading zeros.
    pub(crate) fn unsigned(&mut self) -> Option<&'a [u8]> {
        let content = self.expect(INTEGER)?;
        let negative = content.first().is_none_or(|first| first & 0x80 != 0);
        (!negative).then(|| without_leading_zeros(content))
    }
}

/// An unsigned number in its shortest form.
pub(crate) fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// One value. It may be part of a private key, so it is wiped when dropped.
pub(crate) fn encode(tag: u8, content: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = content.iter().map(|piece| piece.len()).sum();
    // The whole size at once: a buffer that grows leaves copies of what it held.
    let mut out = Zeroizing::new(Vec::with_capacity(length.saturating_add(10)));
    out.push(tag);
    match u8::try_from(length) {
        Ok(short @ 0..=0x7f) => out.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let digits = without_leading_zeros(&bytes);
            out.push(0x80 | digits.len().to_le_bytes().first().copied().unwrap_or_default());
            out.extend_from_slice(digits);
        }
    }
    content.iter().for_each(|piece| out.extend_from_slice(piece));
    out
}
