//! The targets of fuzz/ without a fuzzer: every seed, everything that was ever found, and mutations of each that are
//! the same every time.

use std::fs;
use std::path::Path;

use super::targets::TARGETS;
use crate::proof::{held, is_long};

/// So many times more mutations in the long form.
const FOR_LONG: usize = 100;

/// Runs a target on its seeds and so many mutations of each.
fn withstands(target: &str, each: usize) {
    let (_, run) = TARGETS.into_iter().find(|(name, _)| *name == target).unwrap();
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut files: Vec<_> = fs::read_dir(&seeds).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let seeds: Vec<Vec<u8>> = files.iter().map(|path| fs::read(path).unwrap()).collect();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut cases = 0;
    for (seed, path) in seeds.iter().zip(&files) {
        let _told = Told(path, 0, seed);
        run(seed);
        for number in 1..=each * if is_long() { FOR_LONG } else { 1 } {
            let mutant = dice.mutated(seed, &seeds);
            let _told = Told(path, number, &mutant);
            run(&mutant);
        }
        cases += each + 1;
    }
    held(&format!("material::fuzzed::{target}"), cases);
}

/// Says which input it was, should the target panic, and keeps it.
struct Told<'a>(&'a Path, usize, &'a [u8]);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let kept = std::env::temp_dir().join(format!("certctl-found-{}", std::process::id()));
            let _ = fs::write(&kept, self.2);
            eprintln!("{}, mutation {}: kept in {}", self.0.display(), self.1, kept.display());
        }
    }
}

/// Numbers that are the same every time (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(most.max(1)).unwrap()).unwrap()
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let (one, other) = (self.below(length + 1), self.below(length + 1));
        one.min(other)..one.max(other)
    }

    /// One to four changes.
    fn mutated(&mut self, seed: &[u8], all: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(10) {
                0..=2 => bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << self.below(8)),
                3 | 4 => {
                    let odd = [0, 0xff, 0x80, 0x7f, b'\n', b'-', 0x1e, b'"', b'}', b'9'];
                    bytes.get_mut(at).into_iter().for_each(|byte| *byte = odd[self.below(odd.len())]);
                }
                5 => bytes.truncate(at),
                6 => drop(bytes.drain(self.range(seed.len().min(bytes.len())))),
                7 => {
                    let again = bytes[self.range(bytes.len())].to_vec();
                    bytes.splice(at..at, again);
                }
                8 => {
                    let other = &all[self.below(all.len())];
                    let piece = other[self.range(other.len())].to_vec();
                    let to = self.below(bytes.len() - at.min(bytes.len()) + 1) + at;
                    bytes.splice(at.min(bytes.len())..to.min(bytes.len()), piece);
                }
                _ => {
                    let number = self.below(1 << 17).to_be_bytes();
                    let place = bytes.iter_mut().skip(at).zip(&number[4..]);
                    place.for_each(|(byte, digit)| *byte = *digit);
                }
            }
        }
        bytes
    }
}

macro_rules! each {
    ($($target:ident $each:literal)*) => {
        $(#[test]
        fn $target() {
            withstands(stringify!($target), $each);
        })*

        #[test]
        fn every_target_is_one_of_these() {
            assert_eq!(TARGETS.map(|(name, _)| name).to_vec(), [$(stringify!($target)),*]);
        }
    };
}

each!(
    audit 150 chain 200 config 500 credentials 200 key 200 keystore 80 pem 300 rar 100 replies 100 sealed 200
    selection 40 served 200 sm2 50 state 100 zip 500
);
