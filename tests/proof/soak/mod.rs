//! Years of nights: a sync after the other over the same directory, while certificates are renewed and withdrawn,
//! clouds fail, runs are killed, clocks jump, others damage the disk and change the config. A model knows what has to
//! be in place; at intervals everything is looked at, without any code of certctl's.

#![allow(clippy::use_debug, reason = "a test that says what it has seen")]

mod calm;
mod damage;
mod disk;
mod growth;
mod night;
mod world;

use std::collections::BTreeMap;
use std::fs;

use fastrand::Rng;

use self::growth::Growth;
use self::night::Night;
use self::world::{ACCOUNTS, World};
use crate::cli::Certctl;
use crate::proof;
use crate::sandbox::Fault;

/// The same nights each time, as far as the machine's pace lets them be, unless `CERTCTL_PROOF_SEED` gives another.
const SEED: u64 = 20_261_122;

/// How large it is.
struct Form {
    certificates: usize,
    runs: usize,
    /// How many runs there are from one look at everything to the next.
    between: usize,
}

#[test]
fn every_invariant_holds_after_years_of_nights() {
    let form = if proof::is_long() {
        Form { certificates: 500, runs: 2_000, between: 50 }
    } else {
        Form { certificates: 40, runs: 60, between: 20 }
    };
    let seed = std::env::var("CERTCTL_PROOF_SEED").ok().map_or(SEED, |seed| seed.parse().unwrap());
    eprintln!("CERTCTL_PROOF_SEED={seed}");
    let has_clock = crate::oracle::is_there(fs::exists(night::FAKETIME).unwrap(), "faketime");
    let mut world = World::new(form.certificates, seed);
    let mut growth = Growth::default();
    let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
    let mut usual = calm::look(&mut world, &mut growth);
    for run in 1..=form.runs {
        for event in between(&mut world) {
            *tally.entry(event).or_default() += 1;
        }
        let (event, night) = night(&mut world, has_clock);
        *tally.entry(event).or_default() += 1;
        let came = night.run(&mut world, usual);
        // The last of them all is followed by a look as well.
        if run % form.between == 0 || run == form.runs {
            usual = calm::look(&mut world, &mut growth);
            eprintln!("{run} runs: {tally:?}; a calm one takes {usual:?}; {}", growth.last());
        }
        if night.kill.is_none() && night.clock.is_none() && night.faults.is_empty() {
            usual = usual.max(came.runs[0].took).min(2 * usual);
        }
    }
    growth.is_none(&world);
    proof::held("soak::every_invariant_holds_after_years_of_nights", form.runs);
}

/// What happens between two runs.
fn between(world: &mut World) -> Vec<&'static str> {
    let count = world.entries.len();
    let mut events = vec!["renewal"; world.rng.usize(1..=10)];
    for _ in &events {
        let number = world.rng.usize(..count);
        world.renew(number);
    }
    // What was withdrawn does not stay away for long.
    for number in 0..count {
        if world.entries[number].held.is_empty() && world.rng.u8(..3) == 0 {
            world.reissue(number);
        }
    }
    let number = world.rng.usize(..count);
    match world.rng.u8(..16) {
        0 if world.entries[number].id.is_none() => {
            world.withdraw(number);
            events.push("withdrawal");
        }
        1..=3 => {
            for _ in 0..world.rng.usize(1..=3) {
                let number = world.rng.usize(..count);
                damage::damage(world, number, None);
            }
            events.push("damage");
        }
        4 => events.extend(roll_back(world, number)),
        5 => events.extend(download(world, number)),
        6 => events.push(change_config(world, number)),
        _ => {}
    }
    world.configure();
    events
}

/// What happens to the next run.
fn night(world: &mut World, has_clock: bool) -> (&'static str, Night) {
    let rng = &mut world.rng;
    let (name, mut night) = match rng.u8(..20) {
        0..=2 => ("faults", Night { faults: faults(rng), ..Night::default() }),
        3..=5 => {
            let signal = rng.choice(["KILL", "KILL", "TERM", "INT"]).unwrap();
            ("kill", Night { kill: Some((signal, rng.f64() * 1.1)), ..Night::default() })
        }
        6 | 7 => ("twins", Night { has_twin: true, ..Night::default() }),
        8 => {
            let kill = Some((rng.choice(["KILL", "TERM"]).unwrap(), rng.f64()));
            ("twins killed", Night { has_twin: true, kill, ..Night::default() })
        }
        9 | 10 if has_clock => {
            let (minute, day) = (60, 86_400);
            let offsets = [20 * minute, -20 * minute, day, -day, 21 * day, -21 * day, 70 * day];
            let seconds = rng.choice(offsets).unwrap();
            ("clock", Night { clock: Some((seconds, rng.bool())), ..Night::default() })
        }
        11 => ("disk full", Night { blocks: Some(rng.u32(1..24)), ..Night::default() }),
        12 => ("check refuses", Night { refuses: true, ..Night::default() }),
        _ => ("nothing", Night::default()),
    };
    if rng.u8(..4) == 0 {
        let count = world.entries.len();
        night.renewed_meanwhile = (0..rng.usize(1..=2)).map(|_| rng.usize(..count)).collect();
    }
    (name, night)
}

/// On one or several clouds.
fn faults(rng: &mut Rng) -> Vec<(crate::sandbox::Cloud, Fault, Option<u32>)> {
    let all = [
        Fault::Status(401),
        Fault::Status(403),
        Fault::Status(404),
        Fault::Status(500),
        Fault::Status(503),
        Fault::Busy,
        Fault::Refused,
        Fault::Reset,
        Fault::ResetMidReply,
        Fault::Truncated,
        Fault::WrongKey,
        Fault::MissingIntermediate,
        Fault::Endless,
        Fault::Html,
        Fault::Empty,
        Fault::InvalidUtf8,
        Fault::DeepJson,
        Fault::Status(302),
        Fault::Hang,
    ];
    let mut clouds = ACCOUNTS[..4].iter().map(|(_, _, cloud, _)| *cloud).collect::<Vec<_>>();
    rng.shuffle(&mut clouds);
    clouds.truncate(rng.usize(1..=4));
    let of = |cloud| {
        let fault = rng.choice(all.clone()).unwrap();
        // Nobody listens at all, or to every request.
        let times = (fault != Fault::Refused && rng.bool()).then(|| rng.u32(1..6));
        (cloud, fault, times)
    };
    clouds.into_iter().map(of).collect()
}

/// The user goes back to the version before.
fn roll_back(world: &mut World, number: usize) -> Option<&'static str> {
    let entry = &world.entries[number];
    let Ok(Some(before)) = disk::look(world, entry) else { return None };
    if entry.is_damaged || entry.is_owed {
        return None;
    }
    let config = world.path("certctl.toml").display().to_string();
    let run = Certctl::with(world.environment()).args(["rollback", "-c", &config, &entry.name]).run();
    drop(fs::remove_file(world.path("log")));
    let after = disk::look(world, entry).unwrap().unwrap();
    // There may be no other version, or one that was damaged.
    assert!([0, 4].contains(&run.code) || run.code == 6 && !entry.spoilt.is_empty(), "{run:?}");
    assert_eq!(run.code == 0, after.version < before.version, "{before:?} {after:?} {run:?}");
    let entry = &mut world.entries[number];
    if run.code == 0 {
        entry.rejected = entry.rejected.take().max(Some(before.age));
        entry.approved = Some(after.age);
    }
    (run.code == 0).then_some("rollback")
}

/// The user downloads into the same directory: what has to follow is sync's to do, if anything.
fn download(world: &mut World, number: usize) -> Option<&'static str> {
    let entry = &world.entries[number];
    let offered = entry.offered().filter(|_| entry.rejected.is_none() && !entry.is_damaged)?;
    let (account, provider, ..) = ACCOUNTS[offered.account];
    let (config, dir) = (world.path("certctl.toml"), world.path("certs"));
    let (config, dir) = (config.display().to_string(), dir.display().to_string());
    let args = ["-c", &config, "-d", &dir, "-p", provider, "--account", account, "--name", &entry.name, &offered.age.2];
    let run = Certctl::with(world.environment()).args(["download"]).args(args).run();
    let after = disk::look(world, entry).unwrap().map(|seen| seen.age);
    match run.code {
        0 => assert_eq!(after.as_ref(), Some(&offered.age), "{run:?}"),
        // What was installed since it was withdrawn and issued anew is newer.
        6 => assert!(after.as_ref() > Some(&offered.age), "{run:?}"),
        // What opens the key stores is in the config, and a download has no part in that.
        2 => assert!(run.stderr.contains("has a password of yours"), "{run:?}"),
        _ => panic!("{run:?}"),
    }
    Some("download")
}

fn change_config(world: &mut World, number: usize) -> &'static str {
    match world.rng.u8(..4) {
        0 => {
            world.keep = world.rng.usize(1..=4);
            "another keep"
        }
        1 => {
            let gone = world.entries.remove(number);
            drop(fs::remove_dir_all(world.home(&gone.name)));
            gone.copies.iter().for_each(|(_, to, _)| drop(fs::remove_file(to)));
            world.add();
            "another certificate"
        }
        _ => {
            let formats =
                [vec!["pem"], vec!["pem", "combined", "der"], vec!["pem", "pkcs12"], vec!["pem", "jks", "k8s-secret"]];
            let entry = &mut world.entries[number];
            // What is installed elsewhere is of a format.
            if entry.copies.is_empty() {
                entry.formats = world.rng.choice(formats).unwrap();
                entry.has_password &= entry.formats.contains(&"pkcs12");
            }
            "another format"
        }
    }
}
