//! Where JD Cloud's own tools keep access keys: the PHP SDK's variables, and the file of the CLI `jdc`.

use super::MFA_VARIABLE;
use crate::credential::{CredentialError, Found, Ini, Names, Place, Sources, ToolFile, Wanted};

/// Asked in this order.
pub(super) const SOURCES: Sources = Sources {
    variables: &[Names {
        access_key: "JDCLOUD_ACCESS_KEY_ID",
        secret_key: "JDCLOUD_SECRET_ACCESS_KEY",
        session_token: &["JDCLOUD_SESSION_TOKEN"],
        mfa: Some(MFA_VARIABLE),
    }],
    files: &[ToolFile { path: "~/.jdc/config", read: cli, profiles: |wanted| wanted.sections(".jdc/config") }],
};

const IN_FILE: Names = Names { access_key: "access_key", secret_key: "secret_key", session_token: &[], mfa: None };

/// A section a profile, `%` written `%%`. The endpoint there is that of all products: it is not taken for this one's.
fn cli(wanted: &Wanted<'_>) -> Result<Option<Found>, CredentialError> {
    let Some(file) = wanted.open(".jdc/config")? else { return Ok(None) };
    let current = || Ok(wanted.open(".jdc/current")?.map(|current| current.text().to_owned()));
    let profile = wanted.profile(current, "~/.jdc/current", "default")?;
    let ini = Ini::parse(&file)?.with_doubled_percent();
    let place = Place::Section(file.path().to_owned(), profile.name.clone());
    let found = Found::read(&file, &place, &IN_FILE, [], |name| Ok(ini.get(&profile.name, name)))?;
    profile.expect(found, file.path())
}
