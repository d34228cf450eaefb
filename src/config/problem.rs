//! What is wrong with a config file: every mistake, each with its line.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use toml::de::DeTable;

use crate::text::one_line;

/// Mistakes in a file that is hardly a config are not all told.
const MOST: usize = 50;

/// Why there is no config.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file that was named is not there.
    #[error("{origin}: there is no file {}", .path.display())]
    NotFound {
        /// What named it.
        origin: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// None was named, and there is none where one is looked for.
    #[error("there is no config file")]
    NoneFound,
    /// It cannot be read.
    #[error("cannot read {}: {reason}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: io::Error,
    },
    /// Somebody else decides what it says, and it says what is run.
    #[error("{} is not to be trusted: {why}", .path.display())]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// There are mistakes in it.
    #[error("{}", in_short(.0))]
    Mistakes(Vec<Problem>),
    /// There is one already where a new one is to be.
    #[error("{} is there already and stays as it is", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A new one cannot be written.
    #[error("cannot write {}: {reason}", .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: io::Error,
    },
}

/// Something about one line of a config file: `FILE:LINE: what; what to do`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.what)
    }
}

fn in_short(problems: &[Problem]) -> String {
    let first = problems.first().map(ToString::to_string).unwrap_or_default();
    match problems.len() {
        0 | 1 => first,
        count => format!("{first} (the first of {count} mistakes)"),
    }
}

/// A place in the text, as a byte offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At(pub(super) usize);

/// Collects the mistakes in one file.
pub(super) struct Problems {
    file: PathBuf,
    /// The offsets of the line breaks.
    breaks: Vec<usize>,
    found: RefCell<Vec<Problem>>,
}

impl Problems {
    pub(super) fn new(file: &Path, text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(offset, _)| offset).collect();
        Self { file: file.to_owned(), breaks, found: RefCell::default() }
    }

    /// The TOML tree. Where the text is not TOML, only that is told: what else it would say may not be meant.
    pub(super) fn parse<'t>(&self, text: &'t str) -> Result<DeTable<'t>, ConfigError> {
        let (tree, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let at = At(error.span().map_or(0, |span| span.start));
            self.say(at, &format!("this is not TOML: {}", error.message()));
        }
        // One slip can upset the rest of its line.
        self.found.borrow_mut().dedup_by_key(|problem| problem.line);
        self.none()?;
        Ok(tree.into_inner())
    }

    /// Notes a mistake: what is wrong; what to do.
    pub(super) fn say(&self, at: At, what: &str) {
        let problem = self.problem(at, what);
        let mut found = self.found.borrow_mut();
        if !found.contains(&problem) {
            found.push(problem);
        }
    }

    pub(super) fn problem(&self, at: At, what: &str) -> Problem {
        Problem { file: self.file.clone(), line: self.line(at), what: one_line(what, 400) }
    }

    pub(super) fn line(&self, At(offset): At) -> usize {
        self.breaks.partition_point(|line_break| *line_break < offset) + 1
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Whether there are no mistakes.
    pub(super) fn none(&self) -> Result<(), ConfigError> {
        let mut found = self.found.take();
        if found.is_empty() {
            return Ok(());
        }
        found.sort_by_key(|problem| problem.line);
        let more = found.len().saturating_sub(MOST);
        found.truncate(MOST);
        if let Some(last) = found.last_mut().filter(|_| more > 0) {
            last.what = format!("{} (and {more} more mistakes)", last.what);
        }
        Err(ConfigError::Mistakes(found))
    }
}
