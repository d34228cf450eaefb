//! What certctl does to a certificate, timed, with the least that it could cost beside it: the hash of the same bytes,
//! and the same files written and synced by nothing but system calls.

#![allow(clippy::unwrap_used, reason = "a bench")]

use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use certctl::bundle::{Bundle, Material, Requirements};
use certctl::credential::Credentials;
use certctl::format::{self, FileImage, Recipe};
use certctl::http::{Endpoint, Method, Request};
use certctl::provider::{Seal, Signed, ctyun, huawei, jdcloud, tencent};
use certctl::stop::Stop;
use certctl::store::{Directory, Identity, Name, Options, Ownership, Patience, Wish};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

/// An archive as Tencent hands it out: a leaf, an intermediate and a key, several times over.
const ARCHIVE: &[u8] = include_bytes!("../../../fuzz/seeds/zip/tencent");
/// When its certificates are valid.
const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

type Sign = fn(&Request, &Seal<'_>) -> Signed;

fn sign(criterion: &mut Criterion) {
    let credentials = Credentials {
        access_key: "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE".to_owned(),
        secret_key: "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE".into(),
        session_token: None,
        mfa: None,
    };
    let seal = Seal { credentials: &credentials, now: NOW, nonce: "084d5612-67a7-4aca-aac9-827aa3662b2d" };
    let endpoint = Endpoint::parse("https://ssl.example.com").unwrap();
    let request = Request::new(Method::Post, &endpoint, "/v1/certificates").query(&[("page", "1"), ("size", "100")]);
    let mut group = criterion.benchmark_group("sign");
    let signers: [(&str, Sign); 4] = [
        ("tencent", tencent::sign::sign),
        ("jdcloud", jdcloud::sign::sign),
        ("huawei", huawei::sign::sign),
        ("ctyun", ctyun::sign::sign),
    ];
    for (cloud, sign) in signers {
        group.bench_function(cloud, |bencher| bencher.iter(|| sign(black_box(&request), black_box(&seal))));
    }
    let text = [request.url().as_bytes(), request.body()].concat();
    group.bench_function("floor: SHA-256 of the request", |bencher| bencher.iter(|| Sha256::digest(black_box(&text))));
    group.finish();
}

fn verified() -> Bundle {
    let material = Material::default().with("archive", ARCHIVE);
    Bundle::assemble(&material, &Requirements { now: NOW, domains: &[], passwords: &[] }).unwrap()
}

fn unpack(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("unzip and verify");
    group.bench_function("a zip of Tencent's", |bencher| bencher.iter(verified));
    group.bench_function("floor: SHA-256 of the zip", |bencher| bencher.iter(|| Sha256::digest(black_box(ARCHIVE))));
    group.finish();
}

fn commit(criterion: &mut Criterion) {
    let bundle = verified();
    let files = format::files(&bundle, &Recipe::default()).unwrap();
    let options = Options {
        keep: 3,
        force: false,
        patience: Patience { timeout: Duration::from_secs(1), stop: Stop::default() },
        now: NOW,
        ownership: Ownership::default(),
    };
    let leaf = bundle.leaf();
    let identity = Identity {
        name: Name::parse("www.example.com").unwrap(),
        provider: "tencent".to_owned(),
        account: "tencent".to_owned(),
        id: "abcdefgh".to_owned(),
        domains: leaf.names(),
        not_before: leaf.not_before,
        not_after: leaf.not_after,
        serial: leaf.serial.clone(),
        issuer: leaf.issuer.clone(),
        fingerprint_sha256: leaf.fingerprint_sha256.clone(),
        key_algorithm: leaf.key_algorithm.clone(),
    };
    for (place, parent) in [("in memory", Path::new("/dev/shm")), ("on disk", Path::new(env!("CARGO_TARGET_TMPDIR")))] {
        let mut group = criterion.benchmark_group(format!("store {place}"));
        let new = || tempfile::tempdir_in(parent).unwrap();
        let apply = |dir: &Path| {
            let directory = Directory::lock(dir, &identity.name, &options.patience).unwrap();
            directory.apply(&Wish::alone(&identity, &files, &options)).unwrap()
        };
        group.bench_function("first install", |bencher| {
            bencher.iter_batched(new, |dir| (apply(dir.path()), dir), BatchSize::PerIteration);
        });
        group.bench_function("floor: the same files, written and synced", |bencher| {
            bencher.iter_batched(new, |dir| (write(dir.path(), &files), dir), BatchSize::PerIteration);
        });
        let held = new();
        apply(held.path());
        group.bench_function("nothing to change", |bencher| bencher.iter(|| apply(held.path())));
        let all: Vec<u8> = files.iter().flat_map(|file| file.bytes.to_vec()).collect();
        group.bench_function("floor: SHA-256 of the files", |bencher| bencher.iter(|| Sha256::digest(black_box(&all))));
        group.finish();
    }
}

/// The steps of docs/layout.md and nothing else: no lock, no look at what is there, no check of what was written.
fn write(dir: &Path, files: &[FileImage]) {
    let place = dir.join("www.example.com");
    let (versions, current) = (place.join("versions"), place.join("current"));
    fs::create_dir(&place).unwrap();
    sync(dir);
    fs::create_dir(&versions).unwrap();
    sync(&place);
    let new = versions.join(".new");
    fs::create_dir(&new).unwrap();
    let metadata = ("metadata.json", [b'x'; 900].as_slice());
    for (name, bytes) in files.iter().map(|file| (file.name, file.bytes.as_slice())).chain([metadata]) {
        let mut file = File::create_new(new.join(name)).unwrap();
        file.write_all(bytes).unwrap();
        file.sync_all().unwrap();
    }
    sync(&new);
    fs::rename(&new, versions.join("one")).unwrap();
    sync(&versions);
    for name in files.iter().map(|file| file.name).chain([metadata.0]) {
        link(&Path::new("current").join(name), &place.join(name));
    }
    sync(&place);
    link(Path::new("versions/one"), &current);
    sync(&place);
}

fn link(target: &Path, path: &Path) {
    let new = path.with_extension("new");
    symlink(target, &new).unwrap();
    fs::rename(new, path).unwrap();
}

fn sync(directory: &Path) {
    File::open(directory).unwrap().sync_all().unwrap();
}

criterion_group! {
    name = all;
    config = Criterion::default().sample_size(50).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4));
    targets = sign, unpack, commit
}
criterion_main!(all);
