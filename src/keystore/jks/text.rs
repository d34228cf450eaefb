//! Java's modified UTF-8: characters above U+FFFF as two surrogates of three bytes each, and zero as two bytes.

/// `text` in modified UTF-8.
pub(super) fn encode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for unit in text.encode_utf16() {
        // Six bits in each byte but the first.
        let low = |shift: u32| 0x80 | u8::try_from((unit >> shift) & 0x3f).unwrap_or_default();
        let high = |shift: u32| u8::try_from(unit >> shift).unwrap_or_default();
        match unit {
            1..=0x7f => out.push(high(0)),
            0 | 0x80..=0x7ff => out.extend([0xc0 | high(6), low(0)]),
            0x800.. => out.extend([0xe0 | high(12), low(6), low(0)]),
        }
    }
    out
}

/// Text in modified UTF-8; `None` if it is damaged. A surrogate without the other becomes U+FFFD.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(first) = rest.next() {
        let mut low = || rest.next().filter(|byte| byte & 0xc0 == 0x80).map(|byte| u16::from(byte & 0x3f));
        let first = u16::from(first);
        units.push(match first {
            0..=0x7f => first,
            0xc0..=0xdf => ((first & 0x1f) << 6) | low()?,
            0xe0..=0xef => ((first & 0x0f) << 12) | (low()? << 6) | low()?,
            _ => return None,
        });
    }
    Some(String::from_utf16_lossy(&units))
}
