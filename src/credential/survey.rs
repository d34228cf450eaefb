//! Every credential that there is, for who writes a first config.

use std::path::PathBuf;

use super::{CredentialError, Found, Names, Place, Sources, ToolFile, Wanted};
use crate::environment::Environment;

/// Something that is, or should be, credentials.
#[derive(Debug)]
pub struct Sighting {
    /// What a configuration can say to name it.
    pub origin: Origin,
    /// The credentials, or why they cannot be used.
    pub outcome: Result<Found, CredentialError>,
}

/// Where credentials are.
#[derive(Debug, Clone)]
pub enum Origin {
    /// In these environment variables.
    Variables(&'static Names),
    /// In the files of the official tools, under this name.
    Profile(String),
    /// In a file of which no profile is known.
    File,
}

impl Sources {
    /// Every set of variables of which anything is there, and every profile of every file, in the order in which they
    /// are asked.
    #[must_use]
    pub fn survey(&self, environment: &Environment) -> Vec<Sighting> {
        let in_variables = |names: &'static Names| {
            let found = names.credentials(&Place::Environment, |name| Ok(environment.variable(name))).transpose()?;
            let found = found.map(|credentials| Found { credentials, settings: Vec::new(), place: Place::Environment });
            Some(Sighting { origin: Origin::Variables(names), outcome: found })
        };
        let variables = self.variables.iter().filter_map(in_variables);
        let files = self.files.iter().flat_map(|file| file.survey(environment));
        variables.chain(files).collect()
    }
}

impl ToolFile {
    fn survey(&self, environment: &Environment) -> Vec<Sighting> {
        let Some(home) = environment.home() else { return Vec::new() };
        let whole = |error| vec![Sighting { origin: Origin::File, outcome: Err(error) }];
        let profiles = match (self.profiles)(&Wanted { home, environment, profile: None }) {
            Ok(None) => return Vec::new(),
            Ok(Some(profiles)) if profiles.is_empty() => {
                return whole(CredentialError::Lacking { place: Place::File(self.path.into()), missing: "profiles" });
            }
            // No config can give a blank name.
            Ok(Some(profiles)) => profiles.into_iter().filter(|name| !name.trim().is_empty() && !name.contains('\0')),
            Err(error) => return whole(error),
        };
        let read = |profile: String| {
            let read = (self.read)(&Wanted { home, environment, profile: Some(&profile) });
            let missing = || CredentialError::Lacking { place: self.place_of(&profile), missing: "keys" };
            let outcome = read.and_then(|found| found.ok_or_else(missing));
            Sighting { origin: Origin::Profile(profile), outcome }
        };
        profiles.map(read).collect()
    }

    /// As the user would write it, since nothing was read.
    fn place_of(&self, profile: &str) -> Place {
        let path = PathBuf::from(self.path.replace("PROFILE", profile));
        if self.path.contains("PROFILE") { Place::File(path) } else { Place::Section(path, profile.to_owned()) }
    }
}
