//! Why there are no credentials, and what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use jiff::Timestamp;
use thiserror::Error;

use crate::process::ProcessError;
use crate::text::{HIDDEN, may_be_secret, one_line};

/// A profile's name is repeated up to here: it comes out of a file.
const LONGEST: usize = 80;

/// Why there are no credentials. No variant carries a value that a source had.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CredentialError {
    /// No source has any.
    #[error("no credentials for {provider}")]
    Missing {
        /// The provider's name.
        provider: &'static str,
        /// The pairs of variables of which one would do: access key and secret key.
        variables: Vec<[&'static str; 2]>,
        /// The files of the official tools that would do.
        files: Vec<&'static str>,
        /// Whether it is known where those files would be.
        has_home: bool,
    },
    /// No source of any provider has any.
    #[error("no credentials for any provider")]
    NoneAnywhere,
    /// A profile that was named is in none of the tool's files.
    #[error("{named_by} names the profile `{}`, but {} has no keys under that name", one_line(.profile, LONGEST), .files.join(" or "))]
    NoProfile {
        /// The profile.
        profile: String,
        /// What names it.
        named_by: &'static str,
        /// The files looked for.
        files: Vec<String>,
    },
    /// A profile that was named is there, but certctl cannot use it.
    #[error("{place} cannot be used: {reason}")]
    Unusable {
        /// Where the profile is.
        place: Place,
        /// Why not.
        reason: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// Half of a pair is there.
    #[error("{place} has {found}, but no {missing}")]
    Half {
        /// Where.
        place: Place,
        /// The name that is there.
        found: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// A value that cannot be a key: HTTP headers could not carry it.
    #[error("{name} in {place} holds a line break, a blank or a character outside ASCII; copy the value again")]
    Malformed {
        /// Where.
        place: Place,
        /// The value's name there.
        name: &'static str,
    },
    /// A value that cannot be a password: nothing would read it as it stands.
    #[error("{place} holds a line break inside, or another control character")]
    Unprintable {
        /// Where.
        place: Place,
    },
    /// A JSON value of another type.
    #[error("{name} in {place} is not {wanted}")]
    Type {
        /// Where.
        place: Place,
        /// The value's name there.
        name: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// What a source should have, it has not.
    #[error("{place} has no {missing}")]
    Lacking {
        /// The source.
        place: Place,
        /// What it should have.
        missing: &'static str,
    },
    /// The time of temporary credentials is over.
    #[error("the credentials in {place} expired at {at}")]
    Expired {
        /// Where.
        place: Place,
        /// When their time ended.
        at: Timestamp,
        /// How new ones are got.
        renew: &'static str,
    },
    /// Not JSON, or not an object.
    #[error("{place} is not a JSON object (line {line}, column {column})")]
    Json {
        /// Where.
        place: Place,
        /// The line at which reading ended, from 1.
        line: usize,
        /// The column.
        column: usize,
    },
    /// A line of an INI file that cannot be read.
    #[error("{}, line {line}: {problem}", .path.display())]
    Ini {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file that cannot be read.
    #[error("{} {problem}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: FileProblem,
    },
    /// A file with secrets that everybody on the machine can get at.
    #[error("{} holds secrets, but its mode {mode:04o} lets others at it", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// An environment variable that was named is not set, or blank.
    #[error("the environment variable {} is not set", named(variable))]
    NotSet {
        /// The variable.
        variable: String,
    },
    /// A command that should print credentials did not.
    #[error("the credentials command `{program}` {problem}")]
    Command {
        /// The program, without its arguments: they may be secrets.
        program: String,
        /// What went wrong.
        problem: CommandProblem,
    },
}

/// Where a value was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The environment.
    Environment,
    /// This environment variable.
    Variable(String),
    /// A file.
    File(PathBuf),
    /// A file's section or profile.
    Section(PathBuf, String),
    /// What a program printed.
    Command(String),
    /// The configuration itself.
    Configuration,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("the environment"),
            Self::Variable(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Section(path, section) => write!(f, "{} [{}]", path.display(), one_line(section, LONGEST)),
            Self::Command(program) => write!(f, "the output of `{program}`"),
            Self::Configuration => f.write_str("the configuration"),
        }
    }
}

/// Why a file cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FileProblem {
    /// It is not there.
    #[error("is not there")]
    Absent,
    /// A directory, a pipe, a device.
    #[error("is not a regular file")]
    NotAFile,
    /// No file with credentials is that large.
    #[error("is larger than 1 MiB")]
    TooLarge,
    /// Not UTF-8.
    #[error("is not UTF-8 text")]
    NotText,
    /// The system refuses.
    #[error("cannot be read: {0}")]
    Unreadable(io::ErrorKind),
}

/// What went wrong with a command.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CommandProblem {
    /// It did not get to its end.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// It ended badly.
    #[error("failed ({0})")]
    Failed(ExitStatus),
    /// What it printed is not UTF-8.
    #[error("printed something that is not text")]
    NotText,
}

impl CredentialError {
    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { variables, files, has_home, .. } => {
                let pairs = variables.iter().map(|pair| pair.join(" and ")).collect::<Vec<_>>().join(", or ");
                let home = if *has_home { "" } else { " (which needs HOME to be set)" };
                Some(format!("set {pairs}, or have the cloud's own tool write {}{home}", files.join(" or ")))
            }
            Self::NoneAnywhere => {
                let others =
                    "let its own tool log in, or fill in an account in the file that `certctl config init` writes";
                Some(format!("set the variables of one provider, {others}"))
            }
            Self::NotSet { variable } if may_be_secret(variable) => Some("give its name, not its value".to_owned()),
            Self::NotSet { variable } => Some(format!("set {variable}")),
            Self::Half { place: Place::Environment, missing, .. } => Some(format!("set {missing}")),
            Self::Half { missing, .. } => Some(format!("add {missing}")),
            Self::Unusable { remedy, .. } => Some((*remedy).to_owned()),
            Self::Expired { renew, .. } => Some((*renew).to_owned()),
            Self::Exposed { path, .. } => Some(format!("run `chmod 600 {}`", path.display())),
            Self::Unprintable { .. } => Some("let it be one line of text".to_owned()),
            Self::NoProfile { .. }
            | Self::Malformed { .. }
            | Self::Type { .. }
            | Self::Lacking { .. }
            | Self::Json { .. }
            | Self::Ini { .. }
            | Self::File { .. }
            | Self::Command { .. } => None,
        }
    }
}

/// A variable's name, if it is one.
fn named(variable: &str) -> &str {
    if may_be_secret(variable) { HIDDEN } else { variable }
}
