//! Archives that are larger inside than outside. Each is refused quickly and in little memory.

use std::io::Read as _;
use std::time::{Duration, Instant};

use certctl::bundle::{ArchiveError, BundleError};
use flate2::{Compression, FlushCompress};
use rars::ArchiveVersion;

use super::archives::{Files, RawEntry, rar_of, raw_zip, zip_of};
use super::assemble;

const MIB: usize = 1024 * 1024;

fn fault_of(archive: &[u8]) -> ArchiveError {
    let start = Instant::now();
    let error = assemble(&[archive], &[]).unwrap_err();
    // Inflating 4 GiB takes a debug build minutes; a few MiB, well below a second.
    assert!(start.elapsed() < Duration::from_secs(10), "took {:?}", start.elapsed());
    match error {
        BundleError::Archive { fault, .. } => fault,
        other => panic!("{other}"),
    }
}

/// A deflate stream of `mebibytes` MiB of zeros: one MiB, flushed to a byte boundary, again and again.
fn zeros(mebibytes: usize) -> Vec<u8> {
    let mut encoder = flate2::Compress::new(Compression::best(), false);
    let mut chunk = Vec::with_capacity(MIB);
    encoder.compress_vec(&vec![0; MIB], &mut chunk, FlushCompress::Full).unwrap();
    assert!(chunk.ends_with(&[0, 0, 0xff, 0xff]));
    let mut stream = chunk.repeat(mebibytes);
    // An empty last block.
    stream.extend([0x03, 0x00]);
    stream
}

fn bomb(data: Vec<u8>, claimed: u32) -> Vec<u8> {
    raw_zip(&[RawEntry { deflated: true, data, claimed, ..RawEntry::stored(b"bomb.pem", b"") }])
}

#[test]
fn four_gibibytes_in_one_entry() {
    let stream = zeros(4096);
    assert!(stream.len() < 8 * MIB, "{}", stream.len());
    let large = ArchiveError::EntryTooLarge { entry: "bomb.pem".to_owned(), limit: 1024 * 1024 };
    assert_eq!(fault_of(&bomb(stream.clone(), u32::MAX - 1)), large);
    // One that claims to be small is caught at the first byte beyond.
    let lie = fault_of(&bomb(stream, 100));
    assert!(matches!(&lie, ArchiveError::Unreadable { reason, .. } if reason.contains("bomb.pem")), "{lie}");
}

#[test]
fn a_small_entry_that_inflates_like_a_bomb() {
    let want = ArchiveError::Bomb { entry: "bomb.pem".to_owned(), limit: 100 };
    assert_eq!(fault_of(&bomb(zeros(1), u32::try_from(MIB).unwrap())), want);
}

/// So many incompressible files of that size.
fn files(count: usize, size: usize) -> Files {
    let mut seed = 1_u32;
    let mut noise = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0]
    };
    (0..count).map(|index| (format!("{index}"), (0..size).map(|_| noise()).collect())).collect()
}

#[test]
fn limits_on_count_and_size_hold_for_every_kind() {
    for (case, files, want) in [
        ("too many", files(1001, 1), ArchiveError::TooManyEntries { limit: 1000 }),
        ("too large", files(1, MIB + 1), ArchiveError::EntryTooLarge { entry: "0".to_owned(), limit: 1024 * 1024 }),
        ("too much together", files(9, MIB), ArchiveError::TotalTooLarge { limit: 8 * 1024 * 1024 }),
    ] {
        for (kind, archive) in [
            ("zip", zip_of(&files)),
            ("RAR 4", rar_of(ArchiveVersion::Rar40, false, true, &files)),
            ("RAR 5", rar_of(ArchiveVersion::Rar50, false, true, &files)),
        ] {
            assert_eq!(fault_of(&archive), want, "{kind}: {case}");
        }
    }
    let error = assemble(&[zip_of(&files(1000, 1))], &[]).unwrap_err();
    assert!(matches!(error, BundleError::NoCertificate), "{error}");
}

#[test]
fn a_rar_of_zeros() {
    let zeros: Files = vec![("bomb.pem".to_owned(), vec![0; MIB])];
    for version in [ArchiveVersion::Rar40, ArchiveVersion::Rar50] {
        let fault = fault_of(&rar_of(version, false, false, &zeros));
        assert_eq!(fault, ArchiveError::Bomb { entry: "bomb.pem".to_owned(), limit: 100 });
    }
}

#[test]
fn the_bomb_is_a_stream_of_zeros() {
    let mut back = Vec::new();
    flate2::read::DeflateDecoder::new(zeros(2).as_slice()).read_to_end(&mut back).unwrap();
    assert_eq!(back, vec![0; 2 * MIB]);
}
