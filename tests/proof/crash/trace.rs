//! What strace has written: one call after the other.

use std::collections::HashMap;

/// Every call of Linux that can change what is on disk, or make it lasting. Those that this machine's strace does not
/// know are passed over.
pub(super) const CHANGING: &str = "?open,?creat,openat,?openat2,write,writev,pwrite64,pwritev,?pwritev2,sendfile,\
    ?copy_file_range,splice,tee,vmsplice,truncate,ftruncate,fallocate,?mkdir,mkdirat,?mknod,mknodat,?rmdir,?link,\
    linkat,?symlink,symlinkat,?rename,renameat,?renameat2,?unlink,unlinkat,?chmod,fchmod,fchmodat,?fchmodat2,?chown,\
    ?lchown,fchown,fchownat,?utime,?utimes,?futimesat,utimensat,setxattr,lsetxattr,fsetxattr,removexattr,lremovexattr,\
    fremovexattr,fsync,fdatasync,sync,syncfs,sync_file_range,msync,flock,io_submit,io_uring_setup,io_uring_enter,mount,\
    umount2,pivot_root,?fspick,?move_mount,swapon,quotactl";

/// The calls of [`CHANGING`] that certctl makes, each of which is attacked.
pub(super) const ATTACKED: [&str; 12] = [
    "openat",
    "write",
    "ftruncate",
    "mkdirat",
    "linkat",
    "symlinkat",
    "renameat",
    "unlinkat",
    "fchmod",
    "fchown",
    "fsync",
    "flock",
];

/// An argument of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Argument {
    /// An open file or directory: its number, and the path that it has now.
    Open(i32, String),
    Text(Vec<u8>),
    Other(String),
}

/// A call that a thread made.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) thread: u32,
    pub(super) name: String,
    pub(super) arguments: Vec<Argument>,
    pub(super) outcome: Outcome,
}

/// What a call came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Returned(i32),
    Failed,
    /// It failed because strace said so.
    Injected,
    /// The thread died in it.
    Died,
}

impl Call {
    /// What the call is about, as an absolute path: what it opens, makes, moves from or removes.
    pub(super) fn path(&self) -> Option<String> {
        let path = match &self.arguments[..] {
            [Argument::Open(_, at), Argument::Text(name), ..] if self.name != "write" => joined(at, name),
            [Argument::Text(_), Argument::Open(_, at), Argument::Text(name), ..] => joined(at, name),
            [Argument::Open(_, at), ..] => at.clone(),
            _ => return None,
        };
        path.starts_with('/').then_some(path)
    }

    /// A second path: where it moves to.
    pub(super) fn second_path(&self) -> Option<String> {
        match &self.arguments[..] {
            [_, _, Argument::Open(_, at), Argument::Text(name), ..] => Some(joined(at, name)),
            _ => None,
        }
    }

    pub(super) fn has_flag(&self, flag: &str) -> bool {
        self.arguments
            .iter()
            .any(|argument| matches!(argument, Argument::Other(text) if text.split('|').any(|word| word == flag)))
    }

    /// Whether it may change what is on disk: opening to read does not.
    pub(super) fn changes(&self) -> bool {
        self.name != "openat" || self.has_flag("O_CREAT") || self.has_flag("O_WRONLY") || self.has_flag("O_RDWR")
    }

    /// Whether it makes a thread or a process.
    pub(super) fn is_of_processes(&self) -> bool {
        self.name.starts_with("clone") || self.name.ends_with("fork")
    }

    /// Whether it starts another program.
    pub(super) fn starts_a_program(&self) -> bool {
        let first = self.arguments.first();
        let is_thread = matches!(first, Some(Argument::Other(text)) if text.contains("CLONE_THREAD"));
        matches!(self.name.as_str(), "vfork" | "fork") || self.name.starts_with("clone") && !is_thread
    }
}

fn joined(at: &str, name: &[u8]) -> String {
    let name = String::from_utf8(name.to_vec()).unwrap();
    match name.as_str() {
        "." => at.to_owned(),
        name if name.starts_with('/') => name.to_owned(),
        name => format!("{}/{name}", at.trim_end_matches('/')),
    }
}

/// The calls of a trace made with `-f -y -xx`, in the order in which they ended.
pub(super) fn parse(text: &str) -> Vec<Call> {
    let mut begun: HashMap<u32, String> = HashMap::new();
    let mut calls = Vec::new();
    for line in text.lines() {
        let (thread, rest) = line.split_once(' ').unwrap();
        let (thread, rest) = (thread.parse().unwrap(), rest.trim_start());
        if rest.starts_with("+++") || rest.starts_with("---") || rest.is_empty() {
            if rest.starts_with("+++ killed")
                && let Some(head) = begun.remove(&thread)
            {
                calls.push(call(thread, &format!("{head}) = ?")));
            }
            continue;
        }
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let (_, tail) = resumed.split_once(" resumed>").unwrap();
            let head = begun.remove(&thread).unwrap();
            calls.push(call(thread, &format!("{head}{tail}")));
            continue;
        }
        match rest.strip_suffix(" <unfinished ...>") {
            Some(head) => drop(begun.insert(thread, head.to_owned())),
            None => calls.push(call(thread, rest)),
        }
    }
    calls
}

fn call(thread: u32, text: &str) -> Call {
    let (call, result) = text.rsplit_once(" = ").unwrap_or_else(|| panic!("no result: {text}"));
    let (name, arguments) = call.trim_end().split_once('(').unwrap();
    let arguments = arguments.strip_suffix(')').unwrap_or(arguments);
    let digits: String = result.chars().take_while(char::is_ascii_digit).collect();
    let outcome = match digits.parse() {
        Ok(number) => Outcome::Returned(number),
        Err(_) if result.starts_with('?') => Outcome::Died,
        Err(_) if result.ends_with("(INJECTED)") => Outcome::Injected,
        Err(_) => Outcome::Failed,
    };
    Call { thread, name: name.to_owned(), arguments: split(arguments).map(argument).collect(), outcome }
}

/// The arguments, at the commas that are not within braces.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let (mut depth, mut from, mut parts) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[from..].trim());
    parts.into_iter()
}

fn argument(text: &str) -> Argument {
    if let Some(quoted) = text.strip_prefix('"') {
        assert!(quoted.ends_with('"'), "cut off: {text}");
        return Argument::Text(bytes(quoted.trim_end_matches('"')));
    }
    match text.split_once('<') {
        Some((number, path)) if path.ends_with('>') => {
            let path = path.trim_end_matches('>');
            let path = if path.starts_with("\\x") { String::from_utf8(bytes(path)).unwrap() } else { path.to_owned() };
            Argument::Open(number.parse().unwrap_or(-1), path)
        }
        _ => Argument::Other(text.to_owned()),
    }
}

/// What `\x41\x42` means.
fn bytes(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).map(|digits| u8::from_str_radix(&digits[..2], 16).unwrap()).collect()
}
