//! A directory with all that is in it, in memory: read from a disk, put on one, or made up by the model of a power cut.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::Arc;

/// What has a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Node {
    File { bytes: Arc<Vec<u8>>, mode: u32 },
    Directory { mode: u32 },
    Link(String),
}

/// Everything below a directory by its path, without a slash in front.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Tree(pub(super) BTreeMap<String, Node>);

impl Tree {
    /// What is below a directory of the disk.
    pub(super) fn read(root: &Path) -> Self {
        let mut tree = Self::default();
        tree.read_into(root, "");
        tree
    }

    fn read_into(&mut self, directory: &Path, prefix: &str) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
            let metadata = path.symlink_metadata().unwrap();
            let mode = metadata.permissions().mode() & 0o7777;
            let node = if metadata.is_symlink() {
                Node::Link(fs::read_link(&path).unwrap().to_str().unwrap().to_owned())
            } else if metadata.is_dir() {
                self.read_into(&path, &format!("{name}/"));
                Node::Directory { mode }
            } else {
                Node::File { bytes: Arc::new(fs::read(&path).unwrap()), mode }
            };
            self.0.insert(name, node);
        }
    }

    /// Makes the directory of the disk hold this and nothing else.
    pub(super) fn put(&self, root: &Path) {
        if root.exists() {
            fs::remove_dir_all(root).unwrap();
        }
        fs::create_dir_all(root).unwrap();
        for (name, node) in &self.0 {
            let path = root.join(name);
            match node {
                Node::File { bytes, .. } => fs::write(&path, &**bytes).unwrap(),
                Node::Directory { .. } => fs::create_dir(&path).unwrap(),
                Node::Link(target) => symlink(target, &path).unwrap(),
            }
            if let Node::File { mode, .. } | Node::Directory { mode } = node {
                fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
            }
        }
    }

    /// The file of that path, with its mode; links are not followed.
    pub(super) fn file(&self, path: &str) -> Option<(&[u8], u32)> {
        match self.0.get(path)? {
            Node::File { bytes, mode } => Some((bytes, *mode)),
            _ => None,
        }
    }

    /// Where the link of that path points.
    pub(super) fn link(&self, path: &str) -> Option<&str> {
        match self.0.get(path)? {
            Node::Link(target) => Some(target),
            _ => None,
        }
    }

    /// The names in a directory.
    pub(super) fn names<'a>(&'a self, directory: &str) -> Vec<&'a str> {
        let prefix = format!("{directory}/");
        let below = self.0.range(prefix.clone()..).map(|(path, _)| path.as_str());
        let below = below.take_while(|path| path.starts_with(&prefix));
        below.map(|path| &path[prefix.len()..]).filter(|name| !name.contains('/')).collect()
    }

    /// The paths that differ.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        let differs = |path: &&String| self.0.get(*path) != other.0.get(*path);
        let mut paths: Vec<_> = self.0.keys().chain(other.0.keys()).filter(differs).cloned().collect();
        paths.sort();
        paths.dedup();
        paths
    }

    /// Without what the predicate says of its path.
    pub(super) fn without(mut self, is_out: impl Fn(&str) -> bool) -> Self {
        self.0.retain(|path, _| !is_out(path));
        self
    }
}
