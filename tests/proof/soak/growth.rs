//! Whether anything grows with the number of runs: memory and time of a calm run, what is on disk.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use super::world::World;
use crate::cli::Certctl;

/// So many runs, at the beginning and at the end, are compared.
const COMPARED: usize = 9;

#[derive(Default)]
pub(super) struct Growth {
    /// KiB, and how long it took.
    runs: Vec<(u64, Duration)>,
    /// Files and bytes.
    disk: Vec<(usize, u64)>,
}

impl Growth {
    pub(super) fn of_run(&mut self, peak: u64, took: Duration) {
        self.runs.push((peak, took));
    }

    pub(super) fn of_disk(&mut self, world: &World) {
        self.disk.push(usage(&world.path("certs")));
    }

    pub(super) fn last(&self) -> String {
        format!("{:?} KiB, {:?} on disk", self.runs.last(), self.disk.last())
    }

    /// Nothing has grown, and the disk has what a first run would put there, and the versions that are kept.
    pub(super) fn is_none(&self, world: &World) {
        let count = COMPARED.min(self.runs.len() / 2);
        let (first, last) = (&self.runs[..count], &self.runs[self.runs.len() - count..]);
        let memory = [first, last].map(|runs| median(runs.iter().map(|(peak, _)| *peak)));
        let time = [first, last].map(|runs| median(runs.iter().map(|(_, took)| *took)));
        eprintln!("memory {memory:?} KiB, time {time:?}");
        assert!(memory[1] <= memory[0] * 13 / 10 + 4_096, "{memory:?} KiB, from the beginning to the end");
        assert!(time[1] <= time[0] * 3 + Duration::from_millis(500), "{time:?}, from the beginning to the end");

        let fresh = world.path("fresh");
        fs::create_dir(&fresh).unwrap();
        let dir = fresh.join("certs");
        world.write("fresh.toml", &world.config(&dir, false));
        let config = world.path("fresh.toml").display().to_string();
        Certctl::with(world.environment()).args(["sync", "-q", "-c", &config]).run().exits(0);
        let (files, bytes) = usage(&dir);
        let (files_now, bytes_now) = usage(&world.path("certs"));
        let versions: usize = world.entries.iter().map(|entry| entry.most_versions + 1).max().unwrap_or_default();
        eprintln!("{files_now} files, {bytes_now} bytes, where a first run makes {files} and {bytes}");
        assert!(files_now >= files && files_now <= files * versions, "{files_now} files, {files} at first");
        assert!(bytes_now <= bytes * versions as u64 + 65_536, "{bytes_now} bytes, {bytes} at first");
        for entry in &world.entries {
            let sizes = [world.path("certs"), dir.clone()].map(|dir| dir.join(&entry.name).join("current"));
            let [now, first] = sizes.map(|version| usage(&fs::canonicalize(version).unwrap()));
            assert_eq!(now.0, first.0, "files of {}", entry.name);
        }
    }
}

/// Files, directories among them, and the bytes of what is no directory.
fn usage(directory: &Path) -> (usize, u64) {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let metadata = entry.metadata().unwrap();
        files += 1;
        if metadata.is_dir() {
            let (more, length) = usage(&entry.path());
            (files, bytes) = (files + more, bytes + length);
        } else {
            bytes += metadata.size();
        }
    }
    (files, bytes)
}

fn median<T: Ord + Copy>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort();
    values[values.len() / 2]
}
