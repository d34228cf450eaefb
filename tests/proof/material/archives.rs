//! Archives as nobody makes them, in the reply of a cloud: the built certctl says one line or takes them, in little
//! memory, and the directory stays as it was.

use std::io::{Cursor, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rars::{ArchiveVersion, Builder};
use serde_json::json;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::targets;
use super::targets::loopback::{Loopback, Script};
use super::zips::{Entry, Zip, quoted_overlap};
use crate::bundle::archives::{Files, archives_of, rar_of, tencent, zip_of};
use crate::bundle::pki::Pki;
use crate::cli::Certctl;
use crate::proof::held;

/// No reply makes certctl hold more, in KiB: what it holds of 16 MiB of reply, its text and its bytes beside each other,
/// and what unpacking may take.
const MOST_MEMORY: u64 = 224 << 10;

/// What an archive comes to.
enum Outcome {
    /// It is installed.
    Taken,
    /// It is refused, with these words in the line.
    Refused(&'static str),
    /// Either.
    Any,
}

/// Gives the archive to the built certctl, as Tencent's reply; the most memory it held, in KiB.
fn reply(server: &Loopback, archive: &[u8], what: &str, wanted: &Outcome) -> u64 {
    let response = json!({"Response": {
        "Content": STANDARD.encode(archive), "CertificateId": "id-1", "Domain": "www.example.com", "Status": 1,
        "RequestId": "r-1",
    }});
    server.says(Script::Http(vec![(200, response.to_string().into_bytes())]));
    let dir = tempfile::tempdir().unwrap();
    let environment = [
        ("TENCENTCLOUD_SECRET_ID", "AKEXAMPLE".to_owned()),
        ("TENCENTCLOUD_SECRET_KEY", "SKEXAMPLE".to_owned()),
        ("CERTCTL_TENCENT_ENDPOINT", format!("http://127.0.0.1:{}", server.port)),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let args = ["download", "-p", "tencent", "id-1", "--retries", "0", "-d"];
    let (run, peak) = Certctl::with(environment).args(args).args([dir.path()]).run_measured();
    eprintln!("{what}: exit {}, {peak} KiB, {} ms: {:.300}", run.code, run.took.as_millis(), run.stderr.trim());
    assert!(peak < MOST_MEMORY, "{what}: {peak} KiB");
    let run = run.prints_plainly();
    match (wanted, run.code) {
        (Outcome::Taken | Outcome::Any, 0) => assert!(dir.path().join("www.example.com/current").exists(), "{what}"),
        (Outcome::Refused(words), 6) => assert!(run.says(&[words, "nothing on disk was changed"]).stderr.len() < 1_500),
        // The entry with the key was left out.
        (Outcome::Any, 4) => assert!(run.says(&["no private key"]).stderr.len() < 1_500),
        (Outcome::Any, 6) => assert!(run.says(&["nothing on disk was changed"]).stderr.len() < 1_500),
        (_, code) => panic!("{what}: exit {code}: {}", run.stderr),
    }
    let left: Vec<_> = walk(dir.path());
    assert!(run_is_tidy(&left), "{what}: {left:?}");
    peak
}

fn walk(at: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(at).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect()
}

/// Nothing but the one certificate directory.
fn run_is_tidy(left: &[String]) -> bool {
    left.is_empty() || left == ["www.example.com"]
}

fn good(pki: &Pki) -> Files {
    vec![
        ("a/chain.crt".to_owned(), pki.fullchain().into_bytes()),
        ("a/www.key".to_owned(), pki.leaf.key_pem().into_bytes()),
    ]
}

fn written(files: &Files, options: SimpleFileOptions) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// As it is written to a pipe: sizes and checksums behind the data.
fn streamed(files: &Files) -> Vec<u8> {
    let mut writer = ZipWriter::new_stream(Vec::new());
    for (name, content) in files {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn zips_that_nobody_makes() {
    use Outcome::{Any, Refused, Taken};
    let pki = Pki::new();
    let files = good(&pki);
    let plain = zip_of(&files);
    let entries = || files.iter().map(|(name, content)| Entry::stored(name.as_bytes(), content)).collect::<Vec<_>>();
    let with = |change: &dyn Fn(&mut Zip)| {
        let mut zip = Zip::of(entries());
        change(&mut zip);
        zip.bytes()
    };
    let first = |change: &dyn Fn(&mut Entry)| with(&|zip| change(&mut zip.entries[0]));
    let many = |count: usize| {
        (0..count).map(|number| Entry::stored(format!("{number:x}").as_bytes(), b"")).collect::<Vec<_>>()
    };
    let notes = |size: usize| [b"notes.txt".as_slice(), &vec![b'x'; size]].concat();
    let cases: Vec<(String, Vec<u8>, Outcome)> = vec![
        ("as it is".to_owned(), plain.clone(), Taken),
        ("by hand".to_owned(), with(&|_| ()), Taken),
        ("100,000 entries".to_owned(), Zip::of(many(100_000)).bytes(), Refused("more than 1000 entries")),
        ("60,000 entries".to_owned(), Zip::of(many(60_000)).bytes(), Refused("more than 1000 entries")),
        ("entries that quote each other".to_owned(), quoted_overlap(500), Refused("overlap")),
        ("all entries one".to_owned(), with(&|zip| zip.all_at_first = true), Refused("overlap")),
        ("zip64".to_owned(), with(&|zip| zip.is_64 = true), Taken),
        (
            "zip64 where it is needed not".to_owned(),
            written(&files, SimpleFileOptions::default().large_file(true)),
            Taken,
        ),
        ("zip64 that claims 16 EiB".to_owned(), first(&|entry| entry.claims = Some(u64::MAX)), Refused("")),
        ("a size that is not so".to_owned(), first(&|entry| entry.claims = Some(10)), Refused("")),
        ("4 GiB".to_owned(), first(&|entry| entry.claims = Some(0xffff_fffe)), Refused("more than 100 times")),
        ("encrypted".to_owned(), first(&|entry| entry.flags = 1), Refused("is encrypted")),
        ("strongly encrypted".to_owned(), first(&|entry| entry.flags = 0x41), Refused("is encrypted")),
        (
            "encrypted by AES".to_owned(),
            first(&|entry| {
                (entry.flags, entry.method) = (1, 99);
                entry.extra = b"\x01\x99\x07\x00\x02\x00AE\x03\x00\x00".to_vec();
            }),
            Refused(""),
        ),
        ("nested".to_owned(), zip_of(&vec![("inner.zip".to_owned(), plain.clone())]), Refused("inside the archive")),
        (
            "nested in base64".to_owned(),
            zip_of(&vec![("inner.txt".to_owned(), STANDARD.encode(&plain).into_bytes())]),
            Refused("inside the archive"),
        ),
        ("data descriptors".to_owned(), streamed(&files), Taken),
        ("something behind it".to_owned(), [plain.as_slice(), &[0; 1000]].concat(), Any),
        ("a local header before it".to_owned(), [&plain[..30], &plain].concat(), Any),
        ("two archives".to_owned(), [plain.clone(), zip_of(&vec![("x".to_owned(), b"x".to_vec())])].concat(), Any),
        ("two directories".to_owned(), with(&|zip| zip.directories = 2), Any),
        (
            "an end within the comment".to_owned(),
            with(&|zip| zip.comment = [b"PK\x05\x06".as_slice(), &[0; 18]].concat()),
            Any,
        ),
        ("a wrong checksum".to_owned(), first(&|entry| entry.crc = Some(0)), Refused("cannot be read")),
        ("several disks".to_owned(), with(&|zip| zip.disk = 3), Refused("")),
        ("more entries than there are".to_owned(), with(&|zip| zip.told = Some(3)), Refused("")),
        ("fewer entries than there are".to_owned(), with(&|zip| zip.told = Some(1)), Any),
        ("65,535 told".to_owned(), with(&|zip| zip.told = Some(0xffff)), Refused("")),
        ("a directory beyond the end".to_owned(), with(&|zip| zip.shift = 1 << 20), Refused("")),
        ("a directory at the start".to_owned(), with(&|zip| zip.shift = -(1 << 20)), Refused("")),
        (
            "long names".to_owned(),
            Zip::of(
                (0..900)
                    .map(|number| Entry::stored(format!("{number}{}", "n".repeat(4_000)).as_bytes(), b""))
                    .collect(),
            )
            .bytes(),
            Refused("no certificate"),
        ),
        (
            "large extra fields".to_owned(),
            first(&|entry| entry.extra = [b"\xff\xff\xf0\xff".as_slice(), &[0; 0xfff0]].concat()),
            Any,
        ),
        (
            "an extra field that is cut off".to_owned(),
            first(&|entry| entry.extra = b"\x01\x00\xff\xff\x00".to_vec()),
            Any,
        ),
        (
            "all that fits".to_owned(),
            Zip::of((0..8).map(|number: u8| Entry::stored(&[b'a' + number], &notes(1_000_000))).collect()).bytes(),
            Refused("no certificate"),
        ),
        (
            "a name of control characters".to_owned(),
            Zip::of(vec![Entry::stored(b"\x1b[2J\r\n\xff.pem", b"-----BEGIN CERTIFICATE-----")]).bytes(),
            Refused(""),
        ),
    ];
    let methods = [1, 2, 6, 9, 10, 12, 14, 93, 95, 96, 98, 0xffff]
        .map(|method| (format!("method {method}"), first(&|entry| entry.method = method), Refused("")));
    let server = Loopback::start();
    let cases: Vec<_> = cases.into_iter().chain(methods).collect();
    let peak = cases.iter().map(|(what, archive, wanted)| reply(&server, archive, what, wanted)).max();
    eprintln!("at most {} KiB", peak.unwrap_or_default());
    held("material::archives::zips_that_nobody_makes", cases.len());
}

/// So many entries alike, as the writer itself would take minutes for them.
fn repeated(version: ArchiveVersion, count: usize) -> Vec<u8> {
    let of = |count: usize| {
        let files = (0..count).map(|number| (format!("{number}"), Vec::new())).collect();
        rar_of(version, false, true, &files)
    };
    let (one, two) = (of(1), of(2));
    let end = one.iter().rev().zip(two.iter().rev()).take_while(|(one, two)| one == two).count();
    let (start, entry, end) =
        (&one[..one.len() - end], &two[one.len() - end..two.len() - end], &two[two.len() - end..]);
    [start, &entry.repeat(count - 1), end].concat()
}

#[test]
fn rars_that_nobody_makes() {
    use Outcome::{Any, Refused, Taken};
    let pki = Pki::new();
    let files = good(&pki);
    let mut cases = Vec::new();
    for version in [ArchiveVersion::Rar40, ArchiveVersion::Rar50] {
        let rar = |solid, stored, files: &Files| rar_of(version, solid, stored, files);
        let inner = rar(false, true, &files);
        let stub = [b"MZ\x90\0".as_slice(), &[0; 4096], &inner].concat();
        let volume = |number: u8| [&inner[..inner.len() / 2], &[number]].concat();
        cases.extend([
            (format!("{version}: as it is"), rar(false, false, &files), Taken),
            (format!("{version}: solid"), rar(true, false, &tencent(&pki)), Taken),
            (format!("{version}: 100,000 entries"), repeated(version, 100_000), Refused("more than 1000 entries")),
            (
                format!("{version}: nested"),
                rar(false, false, &vec![("a.rar".to_owned(), inner.clone())]),
                Refused("inside the archive"),
            ),
            (format!("{version}: behind a program"), stub, Any),
            (format!("{version}: something behind it"), [inner.as_slice(), &[0x55; 1000]].concat(), Any),
            (format!("{version}: twice"), inner.repeat(2), Any),
            (format!("{version}: cut off"), volume(0), Refused("")),
        ]);
    }
    let server = Loopback::start();
    let peak = cases.iter().map(|(what, archive, wanted)| reply(&server, archive, what, wanted)).max();
    eprintln!("at most {} KiB", peak.unwrap_or_default());
    held("material::archives::rars_that_nobody_makes", cases.len());
}

/// Every bit of every header of small archives turned around, with the checksums set right: each flag, size, method,
/// dictionary and version that a header can tell.
#[test]
fn every_bit_of_a_header() {
    let tiny: Files = vec![("a.pem".to_owned(), b"text text text".to_vec()), ("b/".to_owned(), Vec::new())];
    let mut cases = 0;
    for (kind, archive) in archives_of(&tiny) {
        let run = if kind == "zip" { targets::archives::zip } else { targets::archives::rar };
        for bit in 0..archive.len() * 8 {
            let mut changed = archive.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            run(&changed);
            cases += 1;
        }
    }
    // Sizes and dictionaries at their largest.
    for version in [ArchiveVersion::Rar40, ArchiveVersion::Rar50, ArchiveVersion::Rar70] {
        let mut builder = Builder::new(version);
        builder.add_bytes(b"a.pem".to_vec(), b"text text text".to_vec(), None, None).unwrap();
        let archive = builder.to_bytes().unwrap();
        for at in 8..archive.len() {
            for byte in [0xff, 0x7f, 0x80] {
                let mut changed = archive.clone();
                changed[at] = byte;
                targets::archives::rar(&changed);
                cases += 1;
            }
        }
    }
    held("material::archives::every_bit_of_a_header", cases);
}
