//! A server that reads while certificates are switched under it.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{NAME, files, identity, install, options, put, scratch};

const SWITCHES: usize = 300;

#[test]
fn a_reader_that_resolves_current_once_sees_one_version() {
    let dir = scratch();
    install(dir.path(), "b");
    let certificate = dir.path().join(NAME);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            let mut seen = [0, 0];
            while !done.load(Ordering::Relaxed) {
                let label = read_once(&certificate);
                seen[usize::from(label == 'b')] += 1;
                reads += 1;
            }
            (reads, seen)
        });
        let mut options = options();
        options.keep = 20; // A reader may be put to sleep between resolving and reading.
        for label in ["a", "b"].iter().cycle().take(SWITCHES) {
            put(dir.path(), &identity(label), &files(label), &options).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        let (reads, seen) = reader.join().unwrap();
        assert!(reads > SWITCHES && seen[0] > 0 && seen[1] > 0, "{reads} reads, {seen:?}: too few to mean anything");
    });
}

/// Reads all of a version as a server would, and returns whose it is.
fn read_once(certificate: &Path) -> char {
    let version = certificate.join(fs::read_link(certificate.join("current")).expect("current is always there"));
    let read = |name: &str| fs::read(version.join(name)).expect("every file is always there");
    let label = char::from(*read("privkey.pem").first().expect("no file is ever empty"));
    for image in files(&label.to_string()) {
        assert_eq!(read(image.name), *image.bytes, "{} of another version", image.name);
        // By the links: whole too, if perhaps of the next version.
        let linked = fs::read(certificate.join(image.name)).expect("every link always leads somewhere");
        assert_eq!(linked.len(), image.bytes.len());
    }
    label
}
