//! Whether what a reader sees is whole: all of it as before, or all of it new. Nothing of certctl is used in here.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::tree::{Node, Tree};

/// The files of a version with their modes, but for metadata.json.
type Files = BTreeMap<String, (Vec<u8>, u32)>;

/// A file that was looked at, and whether a key is in it.
type Seen = (Arc<Vec<u8>>, bool);

/// What is known of the two sides of a change.
#[derive(Debug, Default)]
pub(super) struct Judge {
    /// The certificate directory.
    home: String,
    /// The installed copies.
    copies: Vec<String>,
    /// Whether what holds a random password, or is under one, differs from run to run.
    pub(super) is_random: bool,
    old: Option<Files>,
    new: Files,
    before: Tree,
    after: Tree,
    /// Bytes that only those may read who may read keys.
    secrets: Vec<Vec<u8>>,
    /// Files that were looked at, and whether a key is in them. They are held, so that no other gets their place.
    seen: RefCell<HashMap<*const Vec<u8>, Seen>>,
}

/// Where a change stands, as far as a reader can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stand {
    /// Whether the new version is in place.
    pub(super) is_switched: bool,
    /// Whether all that was to change has.
    pub(super) is_done: bool,
    /// Whether something has.
    pub(super) is_begun: bool,
    /// Whether it is written down that something has to follow.
    pub(super) is_owed: bool,
}

/// Windows of so many bytes are looked for.
const WINDOW: usize = 24;

impl Judge {
    pub(super) fn of(home: &str, copies: impl Iterator<Item = String>) -> Self {
        Self { home: home.to_owned(), copies: copies.collect(), ..Self::default() }
    }

    /// What runs that nobody disturbed have made.
    pub(super) fn learn(&mut self, before: &Tree, after: &Tree) {
        self.old = self.in_place(before);
        self.new = self.in_place(after).expect("a version is in place");
        let sides: Vec<&Files> = self.old.iter().chain([&self.new]).collect();
        let public: Vec<&[u8]> = sides
            .iter()
            .flat_map(|files| files.values())
            .filter(|file| file.1 & 0o077 != 0)
            .map(|file| &*file.0)
            .collect();
        let is_public = |window: &[u8]| public.iter().any(|bytes| contains(bytes, window));
        let mut secrets = BTreeSet::new();
        for (bytes, _) in sides.iter().flat_map(|files| files.values()).filter(|file| file.1 & 0o077 == 0) {
            let mut windows = bytes.chunks_exact(WINDOW).rev().skip(2);
            secrets.extend(windows.find(|window| !is_public(window)).map(<[u8]>::to_vec));
        }
        assert!(!secrets.is_empty());
        self.secrets = secrets.into_iter().collect();
        (self.before, self.after) = (before.clone(), after.clone());
    }

    /// What the name of the version in place ends in.
    pub(super) fn fingerprint(&self) -> &str {
        self.version(&self.after).and_then(|version| version.rsplit('-').next()).unwrap_or_default()
    }

    /// Without a whole old version that should have gone at the very end: the next change takes it.
    pub(super) fn without_older(&self, tree: Tree) -> Tree {
        let versions = format!("{}/versions", self.home);
        let (before, after) = (self.before.names(&versions), self.after.names(&versions));
        let gone: Vec<_> =
            before.iter().filter(|name| !after.contains(name)).map(|name| format!("{versions}/{name}")).collect();
        let is_whole = |version: &String| {
            self.before
                .0
                .range(version.clone()..)
                .take_while(|(path, _)| path.starts_with(version))
                .all(|(path, node)| tree.0.get(path) == Some(node))
        };
        let gone: Vec<_> = gone.into_iter().filter(is_whole).collect();
        tree.without(|path| gone.iter().any(|version| path.starts_with(version.as_str())))
    }

    fn version<'a>(&self, tree: &'a Tree) -> Option<&'a str> {
        tree.link(&format!("{}/current", self.home))
    }

    fn in_place(&self, tree: &Tree) -> Option<Files> {
        let version = format!("{}/{}", self.home, self.version(tree)?);
        let names = tree.names(&version).into_iter().filter(|name| *name != "metadata.json");
        let file = |name: &str| {
            let (bytes, mode) = tree.file(&format!("{version}/{name}")).unwrap();
            (name.to_owned(), (bytes.to_vec(), mode))
        };
        Some(names.map(file).collect())
    }

    fn is_random(&self, path: &str) -> bool {
        self.is_random && (path.contains("keystore.") || path.ends_with(".p12"))
    }

    /// Looks at the whole disk as it is at one moment.
    ///
    /// # Errors
    /// What is wrong.
    pub(super) fn look(&self, tree: &Tree) -> Result<Stand, String> {
        let is_switched = self.reader(tree)?;
        let is_old = |path: &str| tree.0.get(path) == self.before.0.get(path);
        let mut is_done = is_switched;
        let mut is_begun = is_switched && self.version(tree) != self.version(&self.before);
        for copy in &self.copies {
            let is_new =
                tree.0.get(copy) == self.after.0.get(copy) || self.is_random(copy) && self.is_copied(tree, copy);
            if !is_new && !is_old(copy) {
                return Err(format!("{copy} is neither old nor new"));
            }
            is_done &= is_new;
            is_begun |= !is_old(copy);
        }
        self.keys_are_secret(tree)?;
        self.versions_are_whole(tree)?;
        for name in ["out/report.json", "certs/.certctl/facts.json"] {
            if let Some((bytes, _)) = tree.file(name)
                && !is_old(name)
            {
                serde_json::from_slice::<serde_json::Value>(bytes).map_err(|error| format!("{name}: {error}"))?;
            }
        }
        if let Some((bytes, _)) = tree.file("out/certctl.prom")
            && !is_old("out/certctl.prom")
        {
            let text = str::from_utf8(bytes).map_err(|error| error.to_string())?;
            if !text.ends_with('\n') || !text.contains("\ncertctl_run_exit_code ") {
                return Err("the metrics are not whole".to_owned());
            }
        }
        let is_owed = match tree.file(&format!("{}/.certctl.json", self.home)) {
            None => false,
            Some((bytes, _)) => {
                let state: serde_json::Value =
                    serde_json::from_slice(bytes).map_err(|error| format!(".certctl.json: {error}"))?;
                !state["unfinished"].is_null()
            }
        };
        Ok(Stand { is_switched, is_done, is_begun, is_owed })
    }

    /// Reads as a server does, by the names in the certificate directory. Whether it sees the new version.
    fn reader(&self, tree: &Tree) -> Result<bool, String> {
        let Some(version) = self.version(tree) else {
            return if self.old.is_none() { Ok(false) } else { Err("nothing is in place any more".to_owned()) };
        };
        let at = format!("{}/{version}", self.home);
        let found = tree.names(&at);
        let files: Vec<&str> = found.iter().copied().filter(|name| *name != "metadata.json").collect();
        let is_same = |known: &Files| {
            let same = |name: &&str| {
                let Some((bytes, mode)) = tree.file(&format!("{at}/{name}")) else { return false };
                known.get(*name).is_some_and(|known| known.1 == mode && (self.is_random(name) || known.0 == bytes))
            };
            files.len() == known.len() && files.iter().all(same)
        };
        let is_old = Some(version) == self.version(&self.before);
        if is_old && !self.old.as_ref().is_some_and(is_same) || !is_old && !is_same(&self.new) {
            return Err(format!("{version} is not whole: {found:?}"));
        }
        if !is_old || version == self.version(&self.after).unwrap_or_default() {
            self.is_described(tree, &at)?;
        }
        for name in found {
            let link = format!("{}/{name}", self.home);
            let is_linked = tree.link(&link) == Some(&format!("current/{name}"));
            if !is_linked && (!is_old || self.before.0.contains_key(&link)) {
                return Err(format!("{link} leads nowhere"));
            }
        }
        Ok(!is_old || self.version(&self.before) == self.version(&self.after))
    }

    /// What goes by a version's name is as it was before, or as it says itself.
    fn versions_are_whole(&self, tree: &Tree) -> Result<(), String> {
        let versions = format!("{}/versions", self.home);
        for name in tree.names(&versions).into_iter().filter(|name| is_version(name)) {
            let version = format!("{versions}/{name}");
            let mut known = self.before.0.range(version.clone()..).take_while(|(path, _)| path.starts_with(&version));
            let is_known = self.before.0.contains_key(&version);
            if !(is_known && known.all(|(path, node)| tree.0.get(path) == Some(node))) {
                self.is_described(tree, &version)?;
            }
        }
        Ok(())
    }

    /// Every file of a version is as its metadata.json says.
    fn is_described(&self, tree: &Tree, version: &str) -> Result<(), String> {
        let (bytes, _) = tree.file(&format!("{version}/metadata.json")).ok_or("no metadata.json")?;
        let metadata: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let records = metadata["files"].as_object().ok_or("no files in metadata.json")?;
        for (name, record) in records {
            let (bytes, mode) = tree.file(&format!("{version}/{name}")).ok_or_else(|| format!("no {name}"))?;
            if record["sha256"] != hex(bytes) || record["mode"] != format!("{mode:04o}") {
                return Err(format!("{version}/{name} is not what metadata.json says: {record}"));
            }
        }
        Ok(())
    }

    /// Whether the copy has the bytes of a version.
    fn is_copied(&self, tree: &Tree, copy: &str) -> bool {
        let versions = format!("{}/versions", self.home);
        let found = tree.file(copy).map(|file| file.0);
        let files = tree.names(&versions).into_iter().map(|name| tree.file(&format!("{versions}/{name}/keystore.p12")));
        found.is_some() && files.flatten().any(|file| Some(file.0) == found)
    }

    /// Looked for once in each file: the model of a power cut shows the same ones again and again.
    fn holds_a_key(&self, bytes: &Arc<Vec<u8>>) -> bool {
        let mut seen = self.seen.borrow_mut();
        let look = || (Arc::clone(bytes), self.secrets.iter().any(|secret| contains(bytes, secret)));
        seen.entry(Arc::as_ptr(bytes)).or_insert_with(look).1
    }

    fn keys_are_secret(&self, tree: &Tree) -> Result<(), String> {
        for (path, node) in &tree.0 {
            let Node::File { bytes, mode } = node else { continue };
            let is_known = [&self.before, &self.after].iter().any(|known| known.0.get(path) == Some(node));
            let is_open = mode & 0o077 != 0;
            if is_open && !is_known && self.holds_a_key(bytes) {
                return Err(format!("{path} holds a key and has mode {mode:04o}"));
            }
            let name = path.rsplit('/').next().unwrap_or_default();
            if is_open && ["privkey", "keystore", "combined", "secret"].iter().any(|word| name.contains(word)) {
                return Err(format!("{path} has mode {mode:04o}"));
            }
        }
        Ok(())
    }
}

/// Whether it is a version's name, of whatever time.
fn is_version(name: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'T');
    matches!(name.split_once("Z-"), Some((time, print)) if time.len() == 15 && print.len() == 8 && digits(time) && digits(print))
}

/// A name of a path, where a version that was not there before is called after no moment.
pub(super) fn plain_version(word: &str, before: &Tree) -> String {
    let (prefix, name) = match word.strip_prefix(".new-").or_else(|| word.strip_prefix(".old-")) {
        Some(name) => word.split_at(word.len() - name.len()),
        None => ("", word),
    };
    let is_new = is_version(name) && !before.0.keys().any(|path| path.ends_with(&format!("/{name}")));
    if is_new { format!("{prefix}VERSION") } else { word.to_owned() }
}

/// The tree without what differs from run to run: versions have numbers, and no file tells a time or a process.
pub(super) fn settled(tree: &Tree, judge: &Judge) -> Tree {
    let mut versions = tree.names(&format!("{}/versions", judge.home));
    versions.retain(|name| is_version(name));
    let plain = |text: &str| {
        versions.iter().enumerate().fold(text.to_owned(), |text, (number, version)| {
            if text.contains(version) { text.replace(version, &format!("{number}-{}", &version[17..])) } else { text }
        })
    };
    let node = |path: &str, node: &Node| match node {
        Node::File { mode, .. } if path.starts_with("out/") || path.ends_with("/lock") || judge.is_random(path) => {
            Node::File { bytes: Arc::default(), mode: *mode }
        }
        Node::File { bytes, mode } if path.ends_with(".json") => {
            let mut json: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
            json.as_object_mut().map(|object| object.remove("downloaded_at"));
            if judge.is_random
                && let Some(files) = json["files"].as_object_mut()
            {
                files
                    .iter_mut()
                    .filter(|(name, _)| name.starts_with("keystore."))
                    .for_each(|(_, file)| *file = "".into());
            }
            Node::File { bytes: Arc::new(plain(&json.to_string()).into_bytes()), mode: *mode }
        }
        Node::Link(target) => Node::Link(plain(target)),
        other => other.clone(),
    };
    Tree(tree.0.iter().map(|(path, found)| (plain(path), node(path, found))).collect())
}

fn contains(bytes: &[u8], window: &[u8]) -> bool {
    let Some((first, _)) = window.split_first() else { return true };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        if rest[at..].starts_with(window) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
