//! A look at everything, when nothing disturbs.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::damage;
use super::disk::{self, names_in, same};
use super::growth::Growth;
use super::night::{Night, changed};
use super::world::{ACCOUNTS, World};
use crate::cli::{Certctl, Run, snapshot};
use crate::oracle;

/// How many certificates openssl looks at.
const SAMPLE: usize = 5;

/// The operations that list.
const LISTS: [&str; 4] = ["describeCerts", "DescribeCertificates", "ListCertificates", "listCertificate"];

/// How many quiet runs are measured.
const MEASURED: usize = 3;

/// After damage of each kind, and one run that nothing disturbs everything is as it is to be, and another has nothing to do. How long that takes.
pub(super) fn look(world: &mut World, growth: &mut Growth) -> Duration {
    for number in 0..world.entries.len() {
        if world.entries[number].held.is_empty() {
            world.reissue(number);
        }
    }
    damage::each(world);
    world.configure();
    let came = Night::default().run(world, Duration::ZERO);
    assert_eq!(came.runs[0].code, 0, "{}", came.runs[0].stderr);

    let marks: Vec<usize> = ACCOUNTS[..4].iter().map(|(_, _, cloud, _)| world.sandbox.requests(*cloud).len()).collect();
    let before = all(world);
    let mut took = Duration::MAX;
    for _ in 0..MEASURED {
        let (run, peak) = quiet(world).run_measured();
        took = took.min(run.took);
        is_quiet(world, &run);
        growth.of_run(peak, run.took);
    }
    assert_eq!(different(&before, &all(world)), Vec::<PathBuf>::new(), "a quiet run writes nothing");
    let mut pages = 0;
    for ((_, _, cloud, _), mark) in ACCOUNTS[..4].iter().zip(marks) {
        for (operation, count) in world.sandbox.tally(*cloud, mark) {
            assert!(LISTS.contains(&operation.as_str()), "a quiet run asks for {operation}, {count} times");
            pages += count;
        }
    }
    let held: usize = world.entries.iter().map(|entry| entry.held.len()).sum();
    assert!(pages <= MEASURED * (ACCOUNTS.len() * 2 + held / 20), "{pages} pages for {held} certificates");

    in_order(world);
    growth.of_disk(world);
    took
}

fn quiet(world: &World) -> Certctl {
    let config = world.path("certctl.toml").display().to_string();
    Certctl::with(world.environment()).args(["sync", "-o", "table", "-c", &config])
}

/// Not a word but on what the user has rolled back.
fn is_quiet(world: &World, run: &Run) {
    assert_eq!((run.code, run.stdout.as_str(), changed(run)), (0, "", Vec::new()), "{run:?}");
    for line in run.stderr.lines() {
        let name = line.strip_prefix("certctl: warning: ").and_then(|rest| rest.split(": ").next()).unwrap_or(line);
        let entry = world.entries.iter().find(|entry| entry.name == name);
        let is_pinned = entry.is_some_and(|entry| entry.rejected.is_some()) && line.contains("pinned by a rollback");
        assert!(is_pinned, "a quiet run says: {line}");
    }
    assert!(!world.path("log").exists(), "a quiet run runs hooks");
}

fn in_order(world: &mut World) {
    for entry in &world.entries {
        let seen = disk::look(world, entry).unwrap().map(|seen| seen.age);
        let expected = entry.expected(seen.as_ref()).unwrap();
        disk::is_in_order(world, entry, &expected).unwrap_or_else(|what| panic!("{}: {what}", entry.name));
    }
    let text = |name: &str| name.to_owned();
    let mut names: BTreeSet<String> = world.entries.iter().map(|entry| entry.name.clone()).collect();
    names.insert(text(".certctl"));
    same("the directory", &names_in(&world.path("certs")), &names).unwrap();
    let own = BTreeSet::from(["facts.json", "lock"].map(str::to_owned));
    same(".certctl", &names_in(&world.home(".certctl")), &own).unwrap();
    let copies = world.entries.iter().flat_map(|entry| &entry.copies);
    let copies = copies.map(|(_, to, _)| to.file_name().unwrap().to_string_lossy().into_owned()).collect();
    same("the installed copies", &names_in(&world.path("ssl")), &copies).unwrap();

    let facts: Value = serde_json::from_slice(&fs::read(world.home(".certctl").join("facts.json")).unwrap()).unwrap();
    for (account, known) in facts["accounts"].as_object().unwrap() {
        let known = known.as_object().unwrap().len();
        let held = world.entries.iter().flat_map(|entry| &entry.held);
        let held = held.filter(|held| account.ends_with(ACCOUNTS[held.account].0)).count();
        // What was withdrawn since something was learned last may still be there.
        assert!(known <= held + held / 4 + 10, "{known} facts of {account}, which holds {held}");
    }
    let config = world.path("certctl.toml").display().to_string();
    let check = ["check", "-c", &config, "--within", "1h", "-o", "json"];
    let run = Certctl::with(world.environment()).args(check).run();
    let report = run.json();
    let unsound: Vec<_> = report["results"].as_array().unwrap().iter().filter(|row| row["ok"] != true).collect();
    assert!(run.code == 0 && unsound.is_empty(), "check: {} {unsound:?}", run.code);
    openssl(world);
}

fn openssl(world: &mut World) {
    let root = world.sandbox.root_path();
    for _ in 0..SAMPLE {
        let number = world.rng.usize(..world.entries.len());
        let entry = &world.entries[number];
        let home = world.home(&entry.name);
        oracle::verifies(&home, &root);
        if entry.formats.contains(&"pkcs12") && oracle::has("openssl") {
            let password = if entry.has_password { world.path("store.pass") } else { home.join("keystore.pass") };
            let (store, password) = (home.join("keystore.p12").display().to_string(), password.display().to_string());
            let args = ["pkcs12", "-in", &store, "-nodes", "-passin", &format!("file:{password}")];
            let text = oracle::run("openssl", &args);
            let leaf = fs::read_to_string(home.join("cert.pem")).unwrap();
            assert!(text.contains(leaf.trim_end()), "{store} holds another certificate");
        }
    }
}

type Facts = (PathBuf, u64, u32, i64, i64, Vec<u8>);

/// Every file, but for the lock, which has its last holder's number.
fn all(world: &World) -> Vec<Facts> {
    let mut found = snapshot(world.directory.path());
    found.retain(|(path, ..)| !path.ends_with(".certctl/lock"));
    found
}

fn different(before: &[Facts], after: &[Facts]) -> Vec<PathBuf> {
    let (before, after): (BTreeSet<_>, BTreeSet<_>) = (before.iter().collect(), after.iter().collect());
    before.symmetric_difference(&after).map(|facts| facts.0.clone()).collect()
}
