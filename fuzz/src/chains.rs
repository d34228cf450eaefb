//! Certificates, keys and chains, as text and as files on disk.

use std::sync::LazyLock;

use certctl::bundle::audit::{self, PemFile};
use certctl::bundle::{Certificate, Material};

use super::BETWEEN;
use super::judge::{NOW, assemble_pieces, message, tells_nothing};

/// What `selection` chooses from: certificates and keys of one leaf and of those beside and above it, PEM.
const POOL: &str = include_str!("../seeds/pool.pem");

static PIECES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let ends = POOL.split_inclusive("-----\n").collect::<Vec<_>>();
    ends.chunks(2).map(<[&str]>::concat).collect()
});

/// One piece of text.
pub fn pem(data: &[u8]) {
    let _ = assemble_pieces([data]);
}

/// Several pieces, the ends of which the input chooses; their order changes nothing.
pub fn chain(data: &[u8]) {
    let pieces: Vec<&[u8]> = data.split(|byte| *byte == BETWEEN).take(20).collect();
    let one = assemble_pieces(pieces.iter().copied());
    let other = assemble_pieces(pieces.iter().rev().copied());
    // Which mistake is told first may depend on it.
    assert_eq!(one.is_ok(), other.is_ok(), "{one:?} {other:?}");
    if let (Ok(one), Ok(other)) = (one, other) {
        assert_eq!((one.leaf(), one.chain(), one.key()), (other.leaf(), other.chain(), other.key()));
    }
}

/// Each byte one of a pool of certificates and keys that belong together in many ways.
pub fn selection(data: &[u8]) {
    let piece = |byte: &u8| PIECES[usize::from(*byte) % PIECES.len()].as_bytes();
    let pieces: Vec<&[u8]> = data.iter().take(40).map(piece).collect();
    let joined = pieces.join(&BETWEEN);
    chain(&joined[..joined.len().min(64 * 1024)]);
}

/// Both halves of an SM2 dual certificate, and what a cloud would be asked for if one is missing.
pub fn sm2(data: &[u8]) {
    let pieces = data.split(|byte| *byte == BETWEEN).take(20);
    let material = pieces
        .enumerate()
        .fold(Material::default(), |material, (index, piece)| material.with(format!("piece {index}"), piece));
    let _ = material.lacks_encryption_half();
    chain(data);
}

/// A file as `check` reads it.
pub fn audit(data: &[u8]) {
    let file = PemFile::read("file.pem", data);
    file.faults.iter().for_each(|fault| message(fault));
    tells_nothing(&format!("{file:?}"));
    let written: String = file.certificates.iter().map(Certificate::to_pem).collect();
    let mut written = written.into_bytes();
    file.keys.iter().for_each(|key| written.extend_from_slice(&key.to_pem()));
    let again = PemFile::read("file.pem", &written);
    assert!(again.faults.is_empty() && again.certificates == file.certificates && again.keys == file.keys);
    if let Some(leaf) = Certificate::leaf_in_pem(data) {
        assert!(file.certificates.contains(&leaf));
    }
    let Some((leaf, known)) = file.certificates.split_first() else { return };
    for fault in
        [audit::chain(leaf, &file.certificates, &[], NOW), audit::chain(leaf, std::slice::from_ref(leaf), known, NOW)]
    {
        let _ = fault.map_err(|fault| message(&fault));
    }
    for key in &file.keys {
        let _ = key.matches(leaf).map_err(|error| message(&error));
    }
}
