//! A file system that a power cut may take everything from that was not made lasting.
//!
//! What lasts is what an fsync of the same file or directory came after: a file's bytes and mode by an fsync of the
//! file, a name by an fsync of its directory. Of everything else any part may be there after the cut: any of the
//! changes of names, in whatever order they were made, and of a file nothing, a half of it, its length in zeros, or
//! all. Real file systems promise more than that.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::trace::{Argument, Call, Outcome};
use super::tree::{Node, Tree};

type Id = usize;

/// Names that change at once: each is given to something, or to nothing.
type Change = Vec<(String, Option<Id>)>;

#[derive(Debug, Clone)]
enum Inode {
    File {
        lasting: (Arc<Vec<u8>>, u32),
        now: (Arc<Vec<u8>>, u32),
    },
    Directory {
        lasting: BTreeMap<String, Id>,
        now: BTreeMap<String, Id>,
        pending: Vec<(usize, Change)>,
        modes: (u32, u32),
    },
    Link(String),
}

/// What has become of a file's bytes that were never synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    Lost,
    Half,
    Zeros,
    Kept,
}

/// The disk, with what of it would survive.
#[derive(Debug, Clone)]
pub(super) struct Model {
    root: String,
    inodes: Vec<Inode>,
    /// By the number of the open file.
    open: HashMap<i32, Id>,
    /// How many changes of names there were.
    count: usize,
}

impl Model {
    /// The disk at `root`, with all that is on it lasting.
    pub(super) fn new(root: &str, tree: &Tree) -> Self {
        let mut model = Self { root: root.to_owned(), inodes: Vec::new(), open: HashMap::new(), count: 0 };
        model.directory(0o755);
        let mut ids = HashMap::from([(String::new(), 0)]);
        for (path, node) in &tree.0 {
            let id = match node {
                Node::Directory { mode } => model.directory(*mode),
                Node::Link(target) => model.add(Inode::Link(target.clone())),
                Node::File { bytes, mode } => {
                    let file = (Arc::clone(bytes), *mode);
                    model.add(Inode::File { lasting: file.clone(), now: file })
                }
            };
            ids.insert(path.clone(), id);
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
            let Inode::Directory { lasting, now, .. } = &mut model.inodes[ids[parent]] else { unreachable!() };
            lasting.insert(name.to_owned(), id);
            now.insert(name.to_owned(), id);
        }
        model
    }

    fn add(&mut self, inode: Inode) -> Id {
        self.inodes.push(inode);
        self.inodes.len() - 1
    }

    fn directory(&mut self, mode: u32) -> Id {
        let modes = (mode, mode);
        self.add(Inode::Directory { lasting: BTreeMap::new(), now: BTreeMap::new(), pending: Vec::new(), modes })
    }

    /// What stands at a path of the disk now; None if nothing does or it is elsewhere.
    fn find(&self, path: &str) -> Option<Id> {
        let path = path.strip_prefix(&self.root)?;
        path.split('/').filter(|name| !name.is_empty()).try_fold(0, |at, name| match &self.inodes[at] {
            Inode::Directory { now, .. } => now.get(name).copied(),
            _ => None,
        })
    }

    fn change(&mut self, directory: Id, change: Change) {
        let count = self.count;
        self.count += 1;
        let Inode::Directory { now, pending, .. } = &mut self.inodes[directory] else { unreachable!() };
        for (name, id) in &change {
            match id {
                Some(id) => drop(now.insert(name.clone(), *id)),
                None => drop(now.remove(name)),
            }
        }
        pending.push((count, change));
    }

    /// A call is made. `loses` is told of an fsync that does nothing.
    #[track_caller]
    pub(super) fn make(&mut self, call: &Call, loses: bool) {
        let Outcome::Returned(returned) = call.outcome else { return };
        let at = |number: usize| match call.arguments.get(number) {
            Some(Argument::Open(_, path)) => Some(path.clone()),
            _ => None,
        };
        let text = |number: usize| match call.arguments.get(number) {
            Some(Argument::Text(text)) => String::from_utf8(text.clone()).unwrap(),
            other => panic!("no text: {other:?}"),
        };
        let mode = |number: usize| match call.arguments.get(number) {
            Some(Argument::Other(text)) => u32::from_str_radix(text, 8).unwrap(),
            other => panic!("no mode: {other:?}"),
        };
        match call.name.as_str() {
            "openat" => {
                let Some(path) = call.path() else { return };
                if self.find(&path).is_none() && call.has_flag("O_CREAT") && path.starts_with(&self.root) {
                    let directory = self.find(&at(0).unwrap()).unwrap();
                    let file = (Arc::default(), mode(3));
                    let id = self.add(Inode::File { lasting: file.clone(), now: file });
                    self.change(directory, vec![(text(1), Some(id))]);
                }
                match self.find(&path) {
                    Some(id) => drop(self.open.insert(returned, id)),
                    None => drop(self.open.remove(&returned)),
                }
            }
            "mkdirat" => {
                let Some(directory) = self.find(&at(0).unwrap()) else { return };
                let id = self.directory(mode(2));
                self.change(directory, vec![(text(1), Some(id))]);
            }
            "symlinkat" => {
                let directory = self.find(&at(1).unwrap()).unwrap();
                let id = self.add(Inode::Link(text(0)));
                self.change(directory, vec![(text(2), Some(id))]);
            }
            "linkat" | "renameat" => {
                let (from, to) = (at(0).unwrap(), at(2).unwrap());
                assert_eq!(from, to, "within one directory");
                let directory = self.find(&from).unwrap();
                let id = self.find(&format!("{from}/{}", text(1))).unwrap();
                let mut change = vec![(text(3), Some(id))];
                if call.name == "renameat" {
                    change.insert(0, (text(1), None));
                }
                self.change(directory, change);
            }
            "unlinkat" => {
                let directory = self.find(&at(0).unwrap()).unwrap();
                self.change(directory, vec![(text(1), None)]);
            }
            _ => self.make_on_file(call, loses),
        }
    }

    /// A call on what is open.
    fn make_on_file(&mut self, call: &Call, loses: bool) {
        let Some(Argument::Open(number, path)) = call.arguments.first() else { return };
        if !path.starts_with(&self.root) {
            return;
        }
        // By number and by path it has to be the same: so that the model is not fooled.
        let id = self.open[number];
        assert_eq!(self.find(path), Some(id), "{} {path}", call.name);
        match (call.name.as_str(), &mut self.inodes[id], call.arguments.get(1)) {
            ("write", Inode::File { now, .. }, Some(Argument::Text(bytes))) => Arc::make_mut(&mut now.0).extend(bytes),
            ("ftruncate", Inode::File { now, .. }, _) => now.0 = Arc::default(),
            (
                "fchmod",
                Inode::File { now: (_, mode), .. } | Inode::Directory { modes: (_, mode), .. },
                Some(Argument::Other(text)),
            ) => {
                *mode = u32::from_str_radix(text, 8).unwrap();
            }
            ("fsync", ..) if loses => {}
            ("fsync", Inode::File { lasting, now }, _) => lasting.clone_from(now),
            ("fsync", Inode::Directory { lasting, now, pending, modes }, _) => {
                lasting.clone_from(now);
                pending.clear();
                modes.0 = modes.1;
            }
            ("fchown" | "flock", ..) => {}
            (name, ..) => panic!("the model does not know {name}"),
        }
    }

    /// The changes of names that may be lost, by their numbers, in the order in which they were made.
    pub(super) fn pending(&self) -> Vec<usize> {
        let of = |inode: &Inode| match inode {
            Inode::Directory { pending, .. } => pending.iter().map(|(number, _)| *number).collect(),
            _ => Vec::new(),
        };
        let mut numbers: Vec<_> = self.inodes.iter().flat_map(of).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Whether a file may lose something.
    pub(super) fn has_unsynced(&self) -> bool {
        self.inodes.iter().any(|inode| matches!(inode, Inode::File { lasting, now } if lasting != now))
    }

    /// The disk after a cut that these changes of names survive, and this of each file.
    pub(super) fn after_cut(&self, survives: impl Fn(usize) -> bool, rest: impl Fn(Id) -> Rest) -> Tree {
        let mut tree = Tree::default();
        self.show(0, "", &survives, &rest, &mut tree);
        tree
    }

    fn show(&self, id: Id, path: &str, survives: &impl Fn(usize) -> bool, rest: &impl Fn(Id) -> Rest, tree: &mut Tree) {
        let Inode::Directory { lasting, pending, .. } = &self.inodes[id] else { unreachable!() };
        let mut names = lasting.clone();
        for (_, change) in pending.iter().filter(|(number, _)| survives(*number)) {
            for (name, id) in change {
                match id {
                    Some(id) => drop(names.insert(name.clone(), *id)),
                    None => drop(names.remove(name)),
                }
            }
        }
        for (name, id) in names {
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            let node = match &self.inodes[id] {
                Inode::Link(target) => Node::Link(target.clone()),
                Inode::File { lasting, now } => file(lasting, now, rest(id)),
                Inode::Directory { modes, .. } => {
                    self.show(id, &path, survives, rest, tree);
                    Node::Directory { mode: if rest(id) == Rest::Kept { modes.1 } else { modes.0 } }
                }
            };
            tree.0.insert(path, node);
        }
    }
}

fn file(lasting: &(Arc<Vec<u8>>, u32), now: &(Arc<Vec<u8>>, u32), rest: Rest) -> Node {
    let (bytes, mode) = match rest {
        _ if lasting == now => now.clone(),
        Rest::Lost => lasting.clone(),
        Rest::Kept => now.clone(),
        // Its mode may be there and its bytes not.
        Rest::Half => (Arc::new(now.0[..now.0.len() / 2].to_vec()), now.1),
        Rest::Zeros => (Arc::new(vec![0; now.0.len()]), now.1),
    };
    Node::File { bytes, mode }
}
