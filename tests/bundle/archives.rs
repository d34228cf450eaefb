//! Every archive the clouds send, and those that somebody else might.

use std::io::{Cursor, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certctl::bundle::{ArchiveError, BundleError};
use rars::{ArchiveVersion, Builder};
use zip::write::{SimpleFileOptions, ZipWriter};

use super::pki::{Pki, tlv};
use super::{assemble, chain_of};
use crate::sandbox::archive::written;

/// What an archive holds: names and contents; a name that ends with `/` is a directory.
pub(crate) type Files = Vec<(String, Vec<u8>)>;

/// Tencent's layout: the same material in a folder for each server, beside things that are not PEM.
pub(crate) fn tencent(pki: &Pki) -> Files {
    let pfx = tlv(0x30, &[&[2, 1, 3], &tlv(0x30, &[&[0x06, 1, 42]])]);
    let key = pki.leaf.key_pem().replace('\n', "\r\n");
    [
        ("www.example.com.csr", super::pki::pem("CERTIFICATE REQUEST", b"x").into_bytes()),
        ("Nginx/", vec![]),
        ("Nginx/1_www.example.com_bundle.crt", (pki.leaf.pem().trim_end().to_owned() + &pki.intermediate.pem()).into()),
        ("Nginx/2_www.example.com.key", key.clone().into_bytes()),
        ("Apache/", vec![]),
        ("Apache/1_root_bundle.crt", (pki.intermediate.pem() + pki.root.pem().trim_end()).into_bytes()),
        ("Apache/2_www.example.com.crt", pki.leaf.pem().replace('\n', "\r\n").into_bytes()),
        ("Apache/3_www.example.com.key", key.into_bytes()),
        ("IIS/www.example.com.pfx", pfx),
        ("IIS/keystorePass.txt", b"0123456789ab".to_vec()),
        ("Tomcat/www.example.com.jks", b"\xfe\xed\xfe\xed\0\0\0\x02".to_vec()),
        ("__MACOSX/Nginx/._2_www.example.com.key", b"\0\x05\x16\x07\0\x02\0\0-----BEGIN ".to_vec()),
        ("\u{8bc1}\u{4e66}/\u{8bf4}\u{660e}.txt", "说明".into()),
        (".DS_Store", b"\0\0\0\x01Bud1".to_vec()),
    ]
    .map(|(name, content): (&str, Vec<u8>)| (name.to_owned(), content))
    .to_vec()
}

pub(crate) fn zip_of(files: &Files) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        match name.strip_suffix('/') {
            Some(directory) => writer.add_directory(directory, SimpleFileOptions::default()).unwrap(),
            None => {
                writer.start_file(name, SimpleFileOptions::default()).unwrap();
                writer.write_all(content).unwrap();
            }
        }
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) fn rar_of(version: ArchiveVersion, solid: bool, stored: bool, files: &Files) -> Vec<u8> {
    let mut builder = Builder::new(version).solid(solid).store(stored);
    for (name, content) in files {
        match name.strip_suffix('/') {
            Some(directory) => builder.add_directory(directory.into(), None, None).unwrap(),
            None => builder.add_bytes(name.clone().into_bytes(), content.clone(), None, None).unwrap(),
        }
    }
    written(&builder)
}

/// Every kind of archive of the same files.
pub(crate) fn archives_of(files: &Files) -> Vec<(&'static str, Vec<u8>)> {
    use ArchiveVersion::{Rar29, Rar40, Rar50, Rar70};
    vec![
        ("zip", zip_of(files)),
        ("RAR 2.9", rar_of(Rar29, false, false, files)),
        ("RAR 4", rar_of(Rar40, false, false, files)),
        ("RAR 4, solid", rar_of(Rar40, true, false, files)),
        ("RAR 4, stored", rar_of(Rar40, false, true, files)),
        ("RAR 5", rar_of(Rar50, false, false, files)),
        ("RAR 5, solid", rar_of(Rar50, true, false, files)),
        ("RAR 5, stored", rar_of(Rar50, false, true, files)),
        ("RAR 7", rar_of(Rar70, false, false, files)),
    ]
}

#[test]
fn every_kind_with_every_folder() {
    let pki = Pki::new();
    for (kind, archive) in archives_of(&tencent(&pki)) {
        let base64 = STANDARD.encode(&archive).into_bytes();
        let lines = base64.chunks(76).collect::<Vec<_>>().join(&b"\r\n"[..]);
        for (form, piece) in [("as it is", archive), ("in base64", base64), ("in base64 lines", lines)] {
            let bundle = assemble(&[piece], &["www.example.com"]);
            let bundle = bundle.unwrap_or_else(|error| panic!("{kind} {form}: {error}"));
            assert_eq!(bundle.leaf().der(), pki.leaf.der, "{kind} {form}");
            assert_eq!(chain_of(&bundle), ["Intermediate"], "{kind} {form}");
            assert_eq!(bundle.key().to_pem().as_slice(), pki.leaf.key_pem().as_bytes(), "{kind} {form}");
        }
    }
}

#[test]
fn an_archive_whose_key_is_only_in_key_stores_says_why_they_are_not_opened() {
    let pki = Pki::new();
    let files: Files = tencent(&pki).into_iter().filter(|(name, _)| !name.ends_with(".key")).collect();
    let error = assemble(&[zip_of(&files)], &[]).unwrap_err();
    let error = error.to_string();
    assert!(error.starts_with("piece 0: ") && error.contains(": the key store cannot be opened: "), "{error}");
}

/// One entry of a zip that is written byte by byte.
pub(crate) struct RawEntry<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) deflated: bool,
    pub(crate) data: Vec<u8>,
    pub(crate) claimed: u32,
    pub(crate) flags: u16,
    pub(crate) unix_mode: u32,
}

impl<'a> RawEntry<'a> {
    pub(crate) fn stored(name: &'a [u8], data: &[u8]) -> Self {
        let claimed = data.len().try_into().unwrap();
        Self { name, deflated: false, data: data.to_vec(), claimed, flags: 0, unix_mode: 0o100_644 }
    }
}

/// A zip that says whatever its entries say. CRCs are those of the data, so only stored ones are right.
pub(crate) fn raw_zip(entries: &[RawEntry<'_>]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let mut crc = flate2::Crc::new();
        crc.update(&entry.data);
        let mut common = Vec::new();
        common.extend(20_u16.to_le_bytes());
        common.extend(entry.flags.to_le_bytes());
        common.extend(if entry.deflated { 8_u16 } else { 0 }.to_le_bytes());
        common.extend([0; 4]);
        common.extend(crc.sum().to_le_bytes());
        common.extend(u32::try_from(entry.data.len()).unwrap().to_le_bytes());
        common.extend(entry.claimed.to_le_bytes());
        common.extend(u16::try_from(entry.name.len()).unwrap().to_le_bytes());
        common.extend([0; 2]);
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(&common);
        directory.extend([0; 6]);
        directory.extend((entry.unix_mode << 16).to_le_bytes());
        directory.extend(u32::try_from(out.len()).unwrap().to_le_bytes());
        directory.extend(entry.name);
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(entry.name);
        out.extend(&entry.data);
    }
    let count = u16::try_from(entries.len()).unwrap().to_le_bytes();
    let (size, start) = (u32::try_from(directory.len()).unwrap(), u32::try_from(out.len()).unwrap());
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].concat());
    out.extend([size.to_le_bytes(), start.to_le_bytes()].concat());
    out.extend([0; 2]);
    out
}

/// Replaces bytes in the headers of a RAR 4 or RAR 5 archive and sets their checksums right.
fn patched_rar(archive: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut out = archive.to_vec();
    let at = out.windows(from.len()).position(|window| window == from).unwrap();
    out[at..at + from.len()].copy_from_slice(to);
    rehashed_rar(out)
}

/// Sets the checksums of all headers right, as far as the headers make sense.
pub(crate) fn rehashed_rar(mut out: Vec<u8>) -> Vec<u8> {
    let mut at = if out.starts_with(b"Rar!\x1a\x07\x00") { 7 } else { 8 };
    let rehash = if at == 7 { rehash_rar4 } else { rehash_rar5 };
    while let Some(next) = rehash(&mut out, at) {
        at = next;
    }
    out
}

fn crc_of(bytes: &[u8]) -> [u8; 4] {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum().to_le_bytes()
}

/// One header: CRC16, type, flags, size, the size of the data behind it. Gives the place of the next.
fn rehash_rar4(out: &mut [u8], at: usize) -> Option<usize> {
    let header = out.get(at..at + 7)?;
    let size = usize::from(u16::from_le_bytes([header[5], header[6]])).max(7);
    let data = match header[4] & 0x80 {
        0 => 0,
        _ => u32::from_le_bytes(out.get(at + 7..at + 11)?.try_into().unwrap()) as usize,
    };
    let crc = crc_of(out.get(at + 2..at + size)?);
    out[at..at + 2].copy_from_slice(&crc[..2]);
    Some(at + size + data)
}

/// One header: CRC32, size, type, flags, sizes of the extra area and of the data. Gives the place of the next.
fn rehash_rar5(out: &mut [u8], at: usize) -> Option<usize> {
    let (size, after_size) = vint(out, at + 4)?;
    let end = after_size.checked_add(size)?;
    let crc = crc_of(out.get(at + 4..end)?);
    out[at..at + 4].copy_from_slice(&crc);
    let (_, next) = vint(out, after_size)?;
    let (flags, next) = vint(out, next)?;
    let (_, next) = if flags & 1 != 0 { vint(out, next)? } else { (0, next) };
    end.checked_add(if flags & 2 != 0 { vint(out, next)?.0 } else { 0 })
}

/// RAR 5's numbers of variable length: value, and where the next field begins.
fn vint(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let length = bytes.get(at..)?.iter().take(8).position(|byte| byte & 0x80 == 0)? + 1;
    let digits = bytes.get(at..at + length)?.iter().rev();
    Some((digits.fold(0, |value, digit| value << 7 | usize::from(digit & 0x7f)), at + length))
}

fn fault_of(archive: &[u8]) -> ArchiveError {
    match assemble(&[archive], &[]).unwrap_err() {
        BundleError::Archive { origin, fault } if origin == "piece 0" => fault,
        other => panic!("{other}"),
    }
}

#[test]
fn names_that_leave_the_archive() {
    let bad: [&[u8]; 9] = [
        b"../../etc/cron.d/x",
        b"a/../../b",
        b"/etc/passwd",
        b"..\\..\\windows",
        b"\\\\server\\share",
        b"C:\\Windows\\x",
        b"c:evil.pem",
        b"a\0/../b.pem",
        b"..",
    ];
    for name in bad {
        let fault = fault_of(&raw_zip(&[RawEntry::stored(name, b"x")]));
        assert!(matches!(fault, ArchiveError::UnsafeName { .. }), "{name:?}: {fault}");
        assert!(!fault.to_string().chars().any(char::is_control), "{fault}");
        for version in [ArchiveVersion::Rar40, ArchiveVersion::Rar50] {
            let placeholder = "N".repeat(name.len());
            let good = rar_of(version, false, true, &vec![(placeholder.clone(), b"x".to_vec())]);
            let fault = fault_of(&patched_rar(&good, placeholder.as_bytes(), name));
            // Each refuses them; rars itself refuses a NUL before we see it.
            assert!(!matches!(fault, ArchiveError::TooManyEntries { .. }), "{version} {name:?}: {fault}");
            if !name.contains(&0) {
                assert!(matches!(fault, ArchiveError::UnsafeName { .. }), "{version} {name:?}: {fault}");
            }
        }
    }
    let good: [&[u8]; 5] = [b"a..b/c", b"folder\\file", b"\xd6\xa4\xca\xe9/\xc3\xfb", b"...", b"*.example.com_nginx/x"];
    for name in good {
        let error = assemble(&[raw_zip(&[RawEntry::stored(name, b"x")])], &[]).unwrap_err();
        assert!(matches!(error, BundleError::NoCertificate), "{name:?}: {error}");
    }
}

#[test]
fn entries_that_are_not_plain_files() {
    let inner = raw_zip(&[RawEntry::stored(b"x", b"x")]);
    let rar = rar_of(ArchiveVersion::Rar50, false, true, &vec![("x".to_owned(), b"x".to_vec())]);
    let base64 = STANDARD.encode(&inner);
    let entry = |change: fn(&mut RawEntry<'static>)| {
        let mut entry = RawEntry::stored(b"entry", b"content");
        change(&mut entry);
        raw_zip(&[entry])
    };
    let named = |entry: &str| entry.to_owned();
    for (case, archive, want) in [
        ("encrypted", entry(|entry| entry.flags = 1), ArchiveError::Encrypted { entry: named("entry") }),
        ("a link", entry(|entry| entry.unix_mode = 0o120_777), ArchiveError::Link { entry: named("entry") }),
        (
            "the same name twice",
            raw_zip(&[RawEntry::stored(b"a", b"1"), RawEntry::stored(b"a", b"2")]),
            ArchiveError::Overlapping,
        ),
    ] {
        assert_eq!(fault_of(&archive), want, "{case}");
    }
    for nested in [inner.as_slice(), &rar, base64.as_bytes()] {
        let error = assemble(&[raw_zip(&[RawEntry::stored(b"entry", nested)])], &[]).unwrap_err();
        let want = BundleError::Archive { origin: named("piece 0: entry"), fault: ArchiveError::Nested };
        assert_eq!(error, want);
    }
    for version in [ArchiveVersion::Rar40, ArchiveVersion::Rar50] {
        let mut builder = Builder::new(version);
        builder.add_unix_symlink(b"entry".to_vec(), b"/etc/passwd".to_vec(), false, None, None).unwrap();
        assert_eq!(fault_of(&written(&builder)), ArchiveError::Link { entry: named("entry") });
    }
    // RAR 4's flag for an encrypted entry, in the first file header.
    let mut rar = rar_of(ArchiveVersion::Rar40, false, true, &vec![("entry".to_owned(), b"content".to_vec())]);
    let header = rar.windows(5).position(|window| window == b"entry").unwrap() - 32;
    assert_eq!(rar[header + 2], 0x74);
    rar[header + 3] |= 0x04;
    assert_eq!(fault_of(&rehashed_rar(rar)), ArchiveError::Encrypted { entry: named("entry") });
}

#[test]
fn entries_that_share_bytes() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("a", SimpleFileOptions::default()).unwrap();
    writer.write_all(b"content").unwrap();
    writer.shallow_copy_file("a", "b").unwrap();
    assert_eq!(fault_of(&writer.finish().unwrap().into_inner()), ArchiveError::Overlapping);
}

#[test]
fn archives_that_are_cut_off_or_none_at_all() {
    let pki = Pki::new();
    for (kind, archive) in archives_of(&tencent(&pki)) {
        for length in [archive.len() - 30, archive.len() / 2, 40, 9] {
            let error = assemble(&[&archive[..length]], &[]).unwrap_err();
            assert!(matches!(error, BundleError::Archive { .. }), "{kind} {length}: {error}");
        }
    }
    for bytes in [b"PK\x03\x04 and then nothing of the kind".as_slice(), b"Rar!\x1a\x07\x00 nor here", b"PK\x05\x06"] {
        assert!(matches!(fault_of(bytes), ArchiveError::Unreadable { .. }));
    }
    let empty = [b"PK\x05\x06".as_slice(), &[0; 18]].concat();
    let error = assemble(&[empty], &[]).unwrap_err();
    assert!(matches!(error, BundleError::NoCertificate), "{error}");
}

#[test]
fn damaged_content_is_noticed() {
    let pki = Pki::new();
    let files: Files = vec![("a.pem".to_owned(), pki.fullchain().into_bytes())];
    for (kind, mut archive) in archives_of(&files) {
        let middle = archive.len() / 2;
        archive[middle] ^= 0x55;
        let error = assemble(&[&archive[..], pki.leaf.key_pem().as_bytes()], &[]).unwrap_err();
        assert!(matches!(error, BundleError::Archive { .. }), "{kind}: {error}");
    }
}
