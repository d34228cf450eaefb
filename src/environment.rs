//! What certctl takes from the world around it: the clock and the environment variables.
//!
//! Both are passed in, so that a test can give its own and no test needs another's.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

/// The clock and the environment of one run.
#[derive(Clone)]
pub struct Environment {
    /// Shared by all clones: there are secrets among the values, and each copy is one more in memory.
    variables: Arc<HashMap<String, String>>,
    clock: fn() -> Timestamp,
}

impl Environment {
    /// The process's own.
    ///
    /// A variable that is not UTF-8 is passed over: no name or value that certctl reads can be one.
    #[must_use]
    pub fn of_process() -> Self {
        let readable =
            |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        Self { variables: Arc::new(std::env::vars_os().filter_map(readable).collect()), clock: Timestamp::now }
    }

    /// Exactly these variables and this clock.
    #[must_use]
    pub fn new(variables: impl IntoIterator<Item = (String, String)>, clock: fn() -> Timestamp) -> Self {
        Self { variables: Arc::new(variables.into_iter().collect()), clock }
    }

    /// A variable that is set and not blank, without the blanks around it.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Every variable as it is, less those that are not for others.
    pub fn without<'a>(&'a self, withheld: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a str)> {
        let variables = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        variables.filter(|(name, _)| !withheld.contains(name))
    }

    /// The user's home directory, by the variable; an absolute path.
    #[must_use]
    pub fn home(&self) -> Option<&Path> {
        self.variable("HOME").map(Path::new).filter(|home| home.is_absolute())
    }

    /// The time now, UTC.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

impl fmt::Debug for Environment {
    /// Without the values: some are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("variables", &self.variables.len()).finish_non_exhaustive()
    }
}
