//! Where Tencent Cloud's own tools keep access keys: the SDKs' and tccli's variables, and the files of both.

use std::path::Path;

use jiff::Timestamp;

use crate::credential::{CredentialError, Found, Names, Object, Place, Sources, ToolFile, Wanted};

/// Asked in this order.
pub(super) const SOURCES: Sources = Sources {
    variables: &[Names {
        access_key: "TENCENTCLOUD_SECRET_ID",
        secret_key: "TENCENTCLOUD_SECRET_KEY",
        session_token: &["TENCENTCLOUD_TOKEN", "TENCENTCLOUD_SECURITY_TOKEN"],
        mfa: None,
    }],
    files: &[
        ToolFile {
            path: "~/.tccli/PROFILE.credential",
            read: cli,
            profiles: |wanted| wanted.files(".tccli", ".credential"),
        },
        ToolFile {
            path: "~/.tencentcloud/credentials",
            read: |wanted| wanted.ini(".tencentcloud/credentials", &["default"], &IN_SDK_FILE, &[]),
            profiles: |wanted| wanted.sections(".tencentcloud/credentials"),
        },
    ],
};

const IN_CLI_FILE: Names =
    Names { access_key: "secretId", secret_key: "secretKey", session_token: &["token"], mfa: None };
const IN_SDK_FILE: Names = Names { access_key: "secret_id", secret_key: "secret_key", session_token: &[], mfa: None };

/// A file a profile. Its type says how the tool comes by the keys: those of a login are refreshed by the tool alone.
fn cli(wanted: &Wanted<'_>) -> Result<Option<Found>, CredentialError> {
    let variable = "TCCLI_PROFILE";
    let chosen = || Ok(wanted.environment.variable(variable).map(ToOwned::to_owned));
    let profile = wanted.profile(chosen, variable, "default")?;
    let path = format!(".tccli/{}.credential", profile.name);
    // A name with a slash would lead elsewhere.
    let file = if profile.name.contains('/') { None } else { wanted.open(&path)? };
    let Some(file) = file else { return profile.expect(None, &Path::new("~").join(path)) };
    let object = Object::parse(Place::File(file.path().to_owned()), file.text())?;
    let place = object.place();
    if object.text("role-arn")?.is_some() {
        return profile.pass_over(place, "its keys are for assuming a role", "use `credentials_command`");
    }
    let kind = object.text("type")?;
    let renew = match kind {
        Some("oauth") => Some("run `tccli auth login`"),
        Some("sso") => Some("run `tccli sso login`"),
        _ => None,
    };
    let found = Found::read(&file, place, &IN_CLI_FILE, [], |name| object.text(name))?;
    if let (Some(_), Some(renew), Some(at)) = (&found, renew, end(&object)?)
        && at <= wanted.environment.now()
    {
        return Err(CredentialError::Expired { place: place.clone(), at, renew });
    }
    if found.is_none() && kind.is_some() {
        return profile.pass_over(place, "its type has no keys in the file", "use `credentials_command`");
    }
    profile.expect(found, file.path())
}

/// When the keys expire; in Unix seconds.
fn end(object: &Object) -> Result<Option<Timestamp>, CredentialError> {
    let name = "expiresAt";
    match object.value(name) {
        None => Ok(None),
        Some(value) if value.is_null() => Ok(None),
        Some(value) => {
            let at = value.as_i64().and_then(|seconds| Timestamp::from_second(seconds).ok());
            at.map(Some).ok_or_else(|| object.not(name, "a time in Unix seconds"))
        }
    }
}
