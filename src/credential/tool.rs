//! The environment variables and files of the clouds' official tools, as far as they are alike.

use std::io;
use std::path::Path;

use super::environment::from_environment;
use super::names::sendable;
use super::{CredentialError, Credentials, FileProblem, Ini, Names, Place, SecretFile};
use crate::environment::Environment;

/// Where a cloud's credentials are if nobody says otherwise, in the order in which they are asked.
#[derive(Debug)]
pub struct Sources {
    /// Sets of environment variables.
    pub variables: &'static [Names],
    /// The official tools' files, asked after them.
    pub files: &'static [ToolFile],
}

/// A file in which an official tool keeps credentials.
#[derive(Debug)]
pub struct ToolFile {
    /// Where it is, as a user would write it.
    pub path: &'static str,
    /// Reads it; `None` if what is wanted is not there.
    pub read: fn(&Wanted<'_>) -> Result<Option<Found>, CredentialError>,
    /// The names of all profiles in it, whether they have keys or not; `None` if it is not there.
    pub profiles: fn(&Wanted<'_>) -> Result<Option<Vec<String>>, CredentialError>,
}

/// What a source had.
#[derive(Debug)]
pub struct Found {
    /// The credentials.
    pub credentials: Credentials,
    /// Settings of the account that stand beside them, by their key in its registration.
    pub settings: Vec<(&'static str, String)>,
    /// Where they were.
    pub place: Place,
}

impl Sources {
    /// The credentials that the environment has, else the first of the files.
    ///
    /// # Errors
    /// [`CredentialError::Missing`] if there are none; others if the first that are there are broken.
    pub fn find(&self, provider: &'static str, environment: &Environment) -> Result<Found, CredentialError> {
        if let Some(credentials) = from_environment(self.variables, environment)? {
            return Ok(Found { credentials, settings: Vec::new(), place: Place::Environment });
        }
        let Some(mut found) = self.in_files(None, environment)? else {
            let variables = self.variables.iter().map(|names| [names.access_key, names.secret_key]).collect();
            let files = self.files.iter().map(|file| file.path).collect();
            return Err(CredentialError::Missing {
                provider,
                variables,
                files,
                has_home: environment.home().is_some(),
            });
        };
        // No tool keeps it in a file: it is for the moment.
        let mfa = self.variables.iter().find_map(|names| names.mfa);
        let mfa = mfa.map_or(Ok(None), |name| sendable(&Place::Environment, name, environment.variable(name)))?;
        found.credentials.mfa = mfa.map(Into::into);
        Ok(found)
    }

    /// The credentials of the profile that a configuration names, from the files alone.
    ///
    /// # Errors
    /// [`CredentialError::NoProfile`] if no file has it; others if the first that has it is broken, or HOME is not
    /// set.
    pub fn profile(&self, profile: &str, environment: &Environment) -> Result<Found, CredentialError> {
        if environment.home().is_none() {
            return Err(CredentialError::NotSet { variable: "HOME".to_owned() });
        }
        self.in_files(Some(profile), environment)?.ok_or_else(|| CredentialError::NoProfile {
            profile: profile.to_owned(),
            named_by: "the configuration",
            files: self.files.iter().map(|file| file.path.to_owned()).collect(),
        })
    }

    fn in_files(&self, profile: Option<&str>, environment: &Environment) -> Result<Option<Found>, CredentialError> {
        let Some(home) = environment.home() else { return Ok(None) };
        let wanted = Wanted { home, environment, profile };
        self.files.iter().find_map(|file| (file.read)(&wanted).transpose()).transpose()
    }
}

/// What is looked for in the official tools' files, and where.
#[derive(Debug)]
pub struct Wanted<'a> {
    pub(super) home: &'a Path,
    /// The tool's own variables, and the time.
    pub environment: &'a Environment,
    pub(super) profile: Option<&'a str>,
}

impl Wanted<'_> {
    /// A file below the home directory; `None` if it is not there, or in a directory that is closed to this user.
    ///
    /// # Errors
    /// Those of [`SecretFile::open`].
    pub fn open(&self, path: &str) -> Result<Option<SecretFile>, CredentialError> {
        let path = self.home.join(path);
        match SecretFile::open(&path) {
            Err(CredentialError::File { problem: FileProblem::Unreadable(reason), .. })
                if path.symlink_metadata().is_err() =>
            {
                tracing::info!("{} is passed over: {reason}", path.display());
                Ok(None)
            }
            opened => opened,
        }
    }

    /// The profile to take: the one asked for, else the one that `chosen` finds, else the tool's default.
    ///
    /// # Errors
    /// Those of `chosen`.
    pub fn profile(
        &self,
        chosen: impl FnOnce() -> Result<Option<String>, CredentialError>,
        chosen_by: &'static str,
        default: &str,
    ) -> Result<Profile, CredentialError> {
        if let Some(asked) = self.profile {
            return Ok(Profile { name: asked.to_owned(), chosen_by: None, is_asked: true });
        }
        let chosen = chosen()?.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        let chosen_by = chosen.is_some().then_some(chosen_by);
        Ok(Profile { name: chosen.unwrap_or_else(|| default.to_owned()), chosen_by, is_asked: false })
    }

    /// What an INI file has in the section that is asked for by profile, else in the first of `sections` that has
    /// keys.
    ///
    /// # Errors
    /// When the file is there but cannot be used.
    pub fn ini(
        &self,
        path: &str,
        sections: &[&str],
        names: &Names,
        settings: &[&'static str],
    ) -> Result<Option<Found>, CredentialError> {
        let Some(file) = self.open(path)? else { return Ok(None) };
        let ini = Ini::parse(&file)?;
        let asked = self.profile.map(|profile| [profile]);
        let sections = asked.as_ref().map_or(sections, |asked| asked.as_slice());
        let read = |section: &&str| {
            let place = Place::Section(file.path().to_owned(), (*section).to_owned());
            let settings = settings.iter().map(|key| (*key, *key));
            Found::read(&file, &place, names, settings, |name| Ok(ini.get(section, name)))
        };
        sections.iter().find_map(|section| read(section).transpose()).transpose()
    }
}

impl Wanted<'_> {
    /// The sections of an INI file.
    ///
    /// # Errors
    /// When the file is there but cannot be used.
    pub fn sections(&self, path: &str) -> Result<Option<Vec<String>>, CredentialError> {
        let Some(file) = self.open(path)? else { return Ok(None) };
        Ok(Some(Ini::parse(&file)?.sections().map(str::to_owned).collect()))
    }

    /// What the files of a directory are called that end so, without that end; in order.
    ///
    /// # Errors
    /// When the directory is there but cannot be read.
    pub fn files(&self, directory: &str, end: &str) -> Result<Option<Vec<String>>, CredentialError> {
        let path = self.home.join(directory);
        let unreadable = |reason: io::Error| {
            let problem = FileProblem::Unreadable(reason.kind());
            CredentialError::File { path: path.clone(), problem }
        };
        let entries = match path.read_dir() {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(unreadable(error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            // A name that is not UTF-8 no configuration can give.
            let name = entry.map_err(unreadable)?.file_name().into_string().unwrap_or_default();
            found.extend(name.strip_suffix(end).filter(|profile| !profile.is_empty()).map(str::to_owned));
        }
        found.sort();
        Ok(Some(found))
    }
}

/// A profile of a tool that has several.
#[derive(Debug)]
pub struct Profile {
    /// Its name.
    pub name: String,
    chosen_by: Option<&'static str>,
    is_asked: bool,
}

impl Profile {
    /// `found`; if there is nothing, an error where the user has chosen this very profile: the next source would
    /// have another account's keys.
    ///
    /// # Errors
    /// [`CredentialError::NoProfile`].
    pub fn expect(self, found: Option<Found>, path: &Path) -> Result<Option<Found>, CredentialError> {
        match (found, self.chosen_by) {
            (None, Some(named_by)) => {
                let files = vec![path.display().to_string()];
                Err(CredentialError::NoProfile { profile: self.name, named_by, files })
            }
            (found, _) => Ok(found),
        }
    }

    /// Nothing, with a word to who wants to know; an error where the profile was asked for.
    ///
    /// # Errors
    /// [`CredentialError::Unusable`].
    pub fn pass_over(
        &self,
        place: &Place,
        reason: &'static str,
        remedy: &'static str,
    ) -> Result<Option<Found>, CredentialError> {
        if self.is_asked {
            return Err(CredentialError::Unusable { place: place.clone(), reason, remedy });
        }
        tracing::info!("{place} is passed over: {reason}; {remedy}");
        Ok(None)
    }
}

impl Found {
    /// What `place` in `file` has, looked up with `value_of`: credentials by `names`, and the account's settings, each
    /// by its name there and its key. `None` if there are no keys.
    ///
    /// # Errors
    /// When the keys cannot be used, or others can read the file.
    pub fn read<'a>(
        file: &SecretFile,
        place: &Place,
        names: &Names,
        settings: impl IntoIterator<Item = (&'static str, &'static str)>,
        value_of: impl Fn(&'static str) -> Result<Option<&'a str>, CredentialError>,
    ) -> Result<Option<Self>, CredentialError> {
        let Some(credentials) = names.credentials(place, &value_of)? else { return Ok(None) };
        file.guard()?;
        let mut known = Vec::new();
        for (name, key) in settings {
            known.extend(sendable(place, name, value_of(name)?)?.map(|value| (key, value.to_owned())));
        }
        Ok(Some(Self { credentials, settings: known, place: place.clone() }))
    }
}
