//! A certificate directory with copies beside it, and changes of both that can be taken back.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use certctl::store::{self, Applied, Directory, Expected, Install, Name, Options, RunLock, Standing, StoreError, Wish};

use super::{NAME, assert_holds, files, identity, names, options, tree};

/// `certs`, where the certificate directory is, and `etc`, where the copies go.
pub(super) struct Scene {
    pub(super) root: PathBuf,
    pub(super) options: Options,
    pub(super) installs: Vec<Install>,
}

impl Scene {
    /// In an existing directory, as it is.
    pub(super) fn at(root: &Path) -> Self {
        let etc = root.join("etc");
        let copy = |file: &str, name: &str, mode| Install { file: file.to_owned(), to: etc.join(name), mode };
        let installs = vec![copy("privkey.pem", "www.key", 0o600), copy("fullchain.pem", "www.crt", 0o644)];
        Self { root: root.to_owned(), options: options(), installs }
    }

    /// With files of somebody else's where the copies go.
    pub(super) fn new(root: &Path) -> Self {
        let scene = Self::at(root);
        fs::create_dir(scene.etc()).unwrap();
        for (name, mode) in [("www.crt", 0o640), ("www.key", 0o400)] {
            fs::write(scene.etc().join(name), format!("old {name}")).unwrap();
            fs::set_permissions(scene.etc().join(name), Permissions::from_mode(mode)).unwrap();
        }
        scene
    }

    pub(super) fn etc(&self) -> PathBuf {
        self.root.join("etc")
    }

    pub(super) fn certs(&self) -> PathBuf {
        self.root.join("certs")
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.certs().join(NAME)
    }

    pub(super) fn lock(&self) -> Directory {
        self.try_lock().unwrap()
    }

    pub(super) fn try_lock(&self) -> Result<Directory, StoreError> {
        Directory::lock(&self.certs(), &Name::parse(NAME).unwrap(), &self.options.patience)
    }

    /// Applies the certificate `label`, with something to follow.
    pub(super) fn try_apply(&self, label: &str, is_followed: bool) -> Result<Applied, StoreError> {
        let (identity, files) = (identity(label), files(label));
        let wish =
            Wish { identity: &identity, files: &files, installs: &self.installs, options: &self.options, is_followed };
        self.try_lock()?.apply(&wish)
    }

    pub(super) fn apply(&self, label: &str) -> Applied {
        self.try_apply(label, true).unwrap()
    }

    pub(super) fn approve(&self) {
        self.lock().approve(&self.installs, &self.options).unwrap();
    }

    pub(super) fn finish(&self) {
        self.lock().finish().unwrap();
    }

    pub(super) fn restore(&self) {
        self.lock().restore(&self.installs, &self.options).unwrap();
    }

    pub(super) fn try_roll_back(&self, to: Option<&str>) -> Result<Applied, StoreError> {
        self.try_lock()?.roll_back(to, &self.installs, &self.options)
    }

    /// Applied, checked and followed.
    pub(super) fn establish(&self, label: &str) -> String {
        let applied = self.apply(label);
        self.approve();
        self.finish();
        self.assert_holds(label);
        applied.version
    }

    pub(super) fn look(&self) -> Option<Standing> {
        self.try_look().unwrap()
    }

    pub(super) fn try_look(&self) -> Result<Option<Standing>, StoreError> {
        let expected = [("cert.pem", 0o644), ("chain.pem", 0o644), ("fullchain.pem", 0o644), ("privkey.pem", 0o600)];
        let expected =
            Expected { files: &expected, may_be: &[], installs: &self.installs, ownership: self.options.ownership };
        store::look(&self.certs(), &Name::parse(NAME).unwrap(), &expected)
    }

    pub(super) fn is_intact(&self) -> bool {
        self.look().is_some_and(|standing| standing.is_intact)
    }

    /// One of the scripts that [`super::child`] runs.
    pub(super) fn follow(&mut self, script: &str) -> Result<(), StoreError> {
        for step in script.split(", ").filter(|step| !step.is_empty()) {
            let (verb, label) = step.split_once(' ').unwrap_or((step, ""));
            match verb {
                "no_copies" => self.installs.clear(),
                "copy" => {
                    let words: Vec<_> = label.split('=').collect();
                    let (to, mode) = (self.etc().join(words[1]), u32::from_str_radix(words[2], 8).unwrap());
                    self.installs.push(Install { file: words[0].to_owned(), to, mode });
                }
                "owner" => self.options.ownership.owner = Some(label.parse().unwrap()),
                "group" => self.options.ownership.group = Some(label.parse().unwrap()),
                "look" => assert!(self.is_intact()),
                "writable" => store::is_writable(&self.certs(), &self.installs)?,
                "run_lock" => drop(RunLock::take(&self.certs(), &self.options.patience)?),
                "replace" => {
                    let mode = u32::from_str_radix(label, 8).unwrap();
                    store::replace(&self.root.join("replaced"), b"text", mode)?;
                }
                "apply" => drop(self.try_apply(label, true)?),
                "place" => drop(self.try_apply(label, false)?),
                "roll_back" => drop(self.try_roll_back(None)?),
                "restore" => self.try_lock()?.restore(&self.installs, &self.options)?,
                "approve" => self.try_lock()?.approve(&self.installs, &self.options)?,
                "finish" => self.try_lock()?.finish()?,
                other => panic!("no such step: {other}"),
            }
        }
        Ok(())
    }

    /// Asserts that certificate directory and copies hold the certificate `label` and nothing is left over.
    pub(super) fn assert_holds(&self, label: &str) {
        assert_holds(&self.certificate(), label);
        self.assert_copies(label);
    }

    /// Asserts that the copies are of the certificate `label`, and nothing else is beside them.
    pub(super) fn assert_copies(&self, label: &str) {
        let images = files(label);
        let mut wanted: Vec<_> =
            self.installs.iter().map(|install| install.to.file_name().unwrap().to_str().unwrap()).collect();
        wanted.sort_unstable();
        assert_eq!(names(&self.etc()), wanted);
        for install in &self.installs {
            let image = images.iter().find(|image| image.name == install.file).unwrap();
            assert_eq!(fs::read(&install.to).unwrap(), *image.bytes);
            let metadata = fs::symlink_metadata(&install.to).unwrap();
            assert!(metadata.is_file() && metadata.nlink() == 1, "{install:?}");
            assert_eq!(metadata.mode() & 0o7777, install.mode, "{install:?}");
        }
    }

    /// All of `etc`, with the files' inodes: what "back exactly" is measured by.
    pub(super) fn copies(&self) -> BTreeMap<PathBuf, (String, u64)> {
        let inode = |path: &PathBuf| fs::symlink_metadata(self.etc().join(path)).unwrap().ino();
        tree(&self.etc()).into_iter().map(|(path, text)| (path.clone(), (text, inode(&path)))).collect()
    }

    /// All of the root, each version under the same name.
    pub(super) fn tree(&self) -> BTreeMap<PathBuf, String> {
        tree(&self.root)
    }

    /// Asserts that nobody but its owner can read any key, wherever it is.
    pub(super) fn assert_keys_are_secret(&self) {
        for (path, text) in self.tree() {
            if text.contains(" privkey.pem\n") {
                assert!(text.starts_with("100600 "), "{path:?} {}", text.get(..20).unwrap());
            }
        }
    }
}
