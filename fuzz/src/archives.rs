//! Archives. The checksums of RAR headers are set right first: else few inputs would come further than those.

use super::judge::assemble_pieces;

/// A zip, or what looks like one.
pub fn zip(data: &[u8]) {
    let _ = assemble_pieces([data]);
}

/// A RAR 4 or RAR 5 archive, as it is and with the checksums of its headers set right.
pub fn rar(data: &[u8]) {
    let _ = assemble_pieces([data]);
    let mut mended = data.to_vec();
    mend(&mut mended);
    if mended != data {
        let _ = assemble_pieces([mended.as_slice()]);
    }
}

/// Sets the checksum of the header at this place right; where the next one is.
type Rehash = fn(&mut [u8], usize) -> Option<usize>;

/// Sets the checksums of all headers right, as far as the headers make sense.
fn mend(out: &mut [u8]) {
    let (mut at, rehash): (_, Rehash) = match out {
        [b'R', b'a', b'r', b'!', 0x1a, 7, 0, ..] => (7, mend_rar4),
        _ => (8, mend_rar5),
    };
    // Fewer than are read.
    for _ in 0..200 {
        match rehash(out, at) {
            Some(next) if next > at => at = next,
            _ => return,
        }
    }
}

fn crc(bytes: &[u8]) -> [u8; 4] {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    (!sum).to_le_bytes()
}

/// One header: CRC16, type, flags, size, the size of the data behind it. Gives the place of the next.
fn mend_rar4(out: &mut [u8], at: usize) -> Option<usize> {
    let header = out.get(at..at.checked_add(7)?)?;
    let size = usize::from(u16::from_le_bytes([header[5], header[6]])).max(7);
    let data = match header[4] & 0x80 {
        0 => 0,
        _ => u32::from_le_bytes(out.get(at + 7..at + 11)?.try_into().ok()?) as usize,
    };
    let sum = crc(out.get(at + 2..at + size)?);
    out[at..at + 2].copy_from_slice(&sum[..2]);
    at.checked_add(size)?.checked_add(data)
}

/// One header: CRC32, size, type, flags, sizes of the extra area and of the data. Gives the place of the next.
fn mend_rar5(out: &mut [u8], at: usize) -> Option<usize> {
    let (size, after_size) = number(out, at.checked_add(4)?)?;
    let end = after_size.checked_add(size)?;
    let sum = crc(out.get(at + 4..end)?);
    out[at..at + 4].copy_from_slice(&sum);
    let (_, next) = number(out, after_size)?;
    let (flags, next) = number(out, next)?;
    let (_, next) = if flags & 1 != 0 { number(out, next)? } else { (0, next) };
    end.checked_add(if flags & 2 != 0 { number(out, next)?.0 } else { 0 })
}

/// RAR 5's numbers of variable length: value, and where the next field begins.
fn number(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let length = bytes.get(at..)?.iter().take(8).position(|byte| byte & 0x80 == 0)? + 1;
    let digits = bytes.get(at..at.checked_add(length)?)?.iter().rev();
    Some((digits.fold(0, |value, digit| (value << 7) | usize::from(digit & 0x7f)), at + length))
}
