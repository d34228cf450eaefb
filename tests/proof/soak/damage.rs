//! What others do to the disk while certctl does not run.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::disk::{files_of, look};
use super::world::World;

/// How many kinds of damage there are, and how many of them do not destroy what only the cloud has again.
const KINDS: usize = 13;
const HARMLESS: usize = 6;

/// One of each kind, somewhere.
pub(super) fn each(world: &mut World) {
    for kind in 0..KINDS {
        let number = world.rng.usize(..world.entries.len());
        damage(world, number, Some(kind));
    }
}

/// Damages something of this certificate, in this way if it is to be and can be.
pub(super) fn damage(world: &mut World, number: usize, kind: Option<usize>) {
    let entry = &world.entries[number];
    let home = world.home(&entry.name);
    let Ok(Some(seen)) = look(world, entry) else { return };
    let is_offered = entry.rejected.is_none() && entry.offered().is_some_and(|offered| offered.age == seen.age);
    let within = home.join("versions").join(&seen.version);
    let file = within.join(world.rng.choice(files_of(entry)).unwrap());
    let copy = entry.copies.first().map(|(_, to, _)| to.clone());
    // What cannot be had from the cloud again is not destroyed: no run could mend it.
    let kinds = if is_offered { KINDS } else { HARMLESS };
    let kind = kind.filter(|kind| *kind < kinds).unwrap_or_else(|| world.rng.usize(..kinds));
    match kind {
        0 => fs::set_permissions(file, fs::Permissions::from_mode(0o606)).unwrap(),
        1 => drop(fs::remove_file(home.join("chain.pem"))),
        2 => plant(&home.join("versions/.new-20200101T000000Z-00000000")),
        3 => symlink("versions/nowhere", home.join(".current.new")).unwrap_or_default(),
        4 => plant(&home.join("versions/.old-20200101T000000Z-00000000")),
        5 => copy.map_or_else(|| (), |copy| fs::write(copy, "not a certificate\n").unwrap()),
        6 => fs::remove_file(file).unwrap(),
        7 => fs::write(file, "-----BEGIN NOTHING-----\n").unwrap(),
        8 => fs::write(&file, [fs::read(&file).unwrap(), b"\n".to_vec()].concat()).unwrap(),
        9 => fs::remove_file(home.join("current")).unwrap(),
        10 => fs::remove_dir_all(&within).unwrap(),
        11 => fs::remove_dir_all(&home).unwrap(),
        _ => copy.map_or_else(|| fs::write(&file, "").unwrap(), |copy| drop(fs::remove_file(copy))),
    }
    let entry = &mut world.entries[number];
    entry.is_damaged = true;
    entry.spoilt.insert(seen.version);
}

/// What a run that died would have left.
fn plant(directory: &Path) {
    fs::create_dir_all(directory).unwrap();
    fs::write(directory.join("privkey.pem"), "half a key").unwrap();
    fs::set_permissions(directory.join("privkey.pem"), fs::Permissions::from_mode(0o600)).unwrap();
}
