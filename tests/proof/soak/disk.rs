//! What is on disk, read without any code of certctl's.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::world::{Age, Entry, Hash, World};

/// Which version is in place, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) version: String,
    pub(super) age: Age,
}

/// What is in place of a certificate. All of it goes together, or this fails.
pub(super) fn look(world: &World, entry: &Entry) -> Result<Option<Seen>, String> {
    let home = world.home(&entry.name);
    let Ok(current) = fs::read_link(home.join("current")) else { return Ok(None) };
    let within = home.join(&current);
    let hash = |file: &str| hash_of(&within.join(file));
    let leaf = hash("cert.pem")?;
    let issued = entry.ever.get(&leaf).ok_or("a leaf that was never issued for it")?;
    for (file, expected) in [("fullchain.pem", issued.fullchain), ("privkey.pem", issued.key)] {
        if hash(file)? != expected {
            return Err(format!("{file} does not go with cert.pem"));
        }
    }
    let metadata = metadata_of(&within)?;
    if metadata["id"] != issued.age.2 {
        return Err(format!("metadata.json tells of {}, not of {}", metadata["id"], issued.age.2));
    }
    let version = current.file_name().unwrap().to_string_lossy().into_owned();
    Ok(Some(Seen { version, age: issued.age.clone() }))
}

/// Everything about a certificate that nothing is left to do for, which is to hold this one.
pub(super) fn is_in_order(world: &World, entry: &Entry, expected: &Age) -> Result<(), String> {
    let home = world.home(&entry.name);
    let seen = look(world, entry)?.ok_or("nothing is in place")?;
    if seen.age != *expected {
        return Err(format!("{:?} is in place, not {expected:?}", seen.age));
    }
    let files = files_of(entry);
    let mut names: BTreeSet<String> = files.iter().map(|file| (*file).to_owned()).collect();
    let within = home.join("versions").join(&seen.version);
    same("the version in place", &names_in(&within), &names)?;
    for file in &files {
        let target = fs::read_link(home.join(file)).map_err(|error| format!("{file}: {error}"))?;
        if target != Path::new("current").join(file) {
            return Err(format!("{file} leads to {}", target.display()));
        }
        mode(&within.join(file), if is_secret(file) { entry.key_mode } else { 0o644 })?;
    }
    names.extend(["current", "versions"].map(str::to_owned));
    names.extend(entry.rejected.iter().map(|_| ".certctl.json".to_owned()));
    same("its directory", &names_in(&home), &names)?;
    formats(entry, &within)?;

    let versions = names_in(&home.join("versions"));
    let most = entry.most_versions + usize::from(entry.rejected.is_some());
    if versions.len() > most {
        return Err(format!("{} versions, where {most} are to be kept: {versions:?}", versions.len()));
    }
    for version in versions.iter().filter(|version| **version == seen.version || !entry.spoilt.contains(*version)) {
        is_whole(entry, &home.join("versions").join(version)).map_err(|what| format!("{version}: {what}"))?;
    }
    for (file, to, wanted) in &entry.copies {
        if hash_of(to)? != hash_of(&within.join(file))? {
            return Err(format!("{} is not {file}", to.display()));
        }
        mode(to, *wanted)?;
    }
    Ok(())
}

/// The files of a version are those that its metadata.json tells of, by bytes and mode.
fn is_whole(entry: &Entry, version: &Path) -> Result<(), String> {
    let metadata = metadata_of(version)?;
    let files = metadata["files"].as_object().ok_or("metadata.json has no files")?;
    let mut names: BTreeSet<String> = files.keys().cloned().collect();
    names.insert("metadata.json".to_owned());
    same("the version", &names_in(version), &names)?;
    for (file, told) in files {
        let digest = hex(&hash_of(&version.join(file))?);
        if told["sha256"] != *digest {
            return Err(format!("{file} is not what metadata.json says"));
        }
    }
    let leaf = hash_of(&version.join("cert.pem"))?;
    let issued = entry.ever.get(&leaf).ok_or("a leaf that was never issued for it")?;
    if hash_of(&version.join("privkey.pem"))? != issued.key {
        return Err("the key is another certificate's".to_owned());
    }
    Ok(())
}

fn formats(entry: &Entry, within: &Path) -> Result<(), String> {
    let read = |file: &str| fs::read(within.join(file)).map_err(|error| format!("{file}: {error}"));
    let (fullchain, key) = (read("fullchain.pem")?, read("privkey.pem")?);
    if entry.formats.contains(&"combined") && read("combined.pem")? != [fullchain.clone(), key.clone()].concat() {
        return Err("combined.pem is not both".to_owned());
    }
    if entry.formats.contains(&"der") {
        let pem = String::from_utf8_lossy(&read("cert.pem")?).into_owned();
        let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        if STANDARD.decode(base64).ok() != Some(read("cert.der")?) {
            return Err("cert.der is not cert.pem".to_owned());
        }
    }
    if entry.formats.contains(&"k8s-secret") {
        let text = String::from_utf8_lossy(&read("secret.yaml")?).into_owned();
        if [fullchain, key].iter().any(|bytes| !text.contains(&STANDARD.encode(bytes))) {
            return Err("secret.yaml does not hold both".to_owned());
        }
    }
    Ok(())
}

/// The files of a version, by the formats.
pub(super) fn files_of(entry: &Entry) -> Vec<&'static str> {
    let mut files = vec!["cert.pem", "chain.pem", "fullchain.pem", "metadata.json", "privkey.pem"];
    for format in &entry.formats {
        match *format {
            "combined" => files.push("combined.pem"),
            "der" => files.extend(["cert.der", "privkey.der"]),
            "k8s-secret" => files.push("secret.yaml"),
            "pkcs12" | "pkcs12-legacy" => files.push("keystore.p12"),
            "jks" => files.push("keystore.jks"),
            _ => {}
        }
    }
    let has_store = files.iter().any(|file| file.starts_with("keystore."));
    files.extend((has_store && !entry.has_password).then_some("keystore.pass"));
    files
}

fn is_secret(file: &str) -> bool {
    ["privkey.", "keystore.", "combined.", "secret."].iter().any(|word| file.starts_with(word))
}

fn metadata_of(version: &Path) -> Result<Value, String> {
    let text = fs::read(version.join("metadata.json")).map_err(|error| format!("metadata.json: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("metadata.json: {error}"))
}

fn hash_of(path: &Path) -> Result<Hash, String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Sha256::digest(bytes).into())
}

fn mode(path: &Path, wanted: u32) -> Result<(), String> {
    let mode =
        fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?.permissions().mode() & 0o7777;
    if mode == wanted { Ok(()) } else { Err(format!("{} has mode {mode:04o}", path.display())) }
}

pub(super) fn names_in(directory: &Path) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(directory) else { return BTreeSet::new() };
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

pub(super) fn same(what: &str, found: &BTreeSet<String>, wanted: &BTreeSet<String>) -> Result<(), String> {
    if found == wanted {
        return Ok(());
    }
    let (more, less): (Vec<_>, Vec<_>) = (found.difference(wanted).collect(), wanted.difference(found).collect());
    Err(format!("{what}: {more:?} too many, {less:?} missing"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
