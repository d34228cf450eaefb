//! Where Huawei Cloud's own tools keep access keys: the SDKs' and Terraform's variables, and the files of the SDKs and
//! of KooCLI (`hcloud`).

use crate::credential::{CredentialError, Found, Names, Object, Place, Sources, ToolFile, Wanted};

/// Asked in this order.
pub(super) const SOURCES: Sources = Sources {
    variables: &[
        Names {
            access_key: "HUAWEICLOUD_SDK_AK",
            secret_key: "HUAWEICLOUD_SDK_SK",
            session_token: &["HUAWEICLOUD_SDK_SECURITY_TOKEN"],
            mfa: None,
        },
        Names {
            access_key: "HW_ACCESS_KEY",
            secret_key: "HW_SECRET_KEY",
            session_token: &["HW_SECURITY_TOKEN"],
            mfa: None,
        },
    ],
    files: &[
        ToolFile {
            path: "~/.huaweicloud/credentials",
            read: |wanted| {
                wanted.ini(".huaweicloud/credentials", &["basic", "global"], &IN_SDK_FILE, &["project_id", "domain_id"])
            },
            profiles: |wanted| wanted.sections(".huaweicloud/credentials"),
        },
        ToolFile { path: "~/.hcloud/config.json", read: cli, profiles },
    ],
};

const IN_SDK_FILE: Names = Names { access_key: "ak", secret_key: "sk", session_token: &["security_token"], mfa: None };
const IN_CLI_FILE: Names =
    Names { access_key: "accessKeyId", secret_key: "secretAccessKey", session_token: &["securityToken"], mfa: None };

fn profiles(wanted: &Wanted<'_>) -> Result<Option<Vec<String>>, CredentialError> {
    let Some(file) = wanted.open(".hcloud/config.json")? else { return Ok(None) };
    let place = || Place::File(file.path().to_owned());
    let object = Object::parse(place(), file.text())?;
    Ok(Some(object.named_objects("profiles", |_| place()).map(|(name, _)| name).collect()))
}

/// All profiles in one file. Its region is the one of other services: it is not taken for this one's.
fn cli(wanted: &Wanted<'_>) -> Result<Option<Found>, CredentialError> {
    let Some(file) = wanted.open(".hcloud/config.json")? else { return Ok(None) };
    let object = Object::parse(Place::File(file.path().to_owned()), file.text())?;
    let current = || Ok(object.text("current")?.map(ToOwned::to_owned));
    let profile = wanted.profile(current, "`current` in the same file", "default")?;
    let place_of = |name: &str| Place::Section(file.path().to_owned(), name.to_owned());
    let mut profiles = object.named_objects("profiles", place_of);
    let Some((_, keys)) = profiles.find(|(name, _)| *name == profile.name) else {
        return profile.expect(None, file.path());
    };
    // A profile keeps the keys of one mode when it is switched to another.
    if keys.text("mode")?.is_some_and(|mode| !mode.is_empty() && !mode.eq_ignore_ascii_case("AKSK")) {
        return profile.pass_over(keys.place(), "its mode is not AKSK", "use `credentials_command`");
    }
    let is_plain = object.value("authEncrypt").is_some_and(|value| *value == "false" || *value == false);
    if !is_plain {
        let remedy = "`hcloud configure set --cli-auth-encrypt=false` stores them so that others can use them";
        return profile.pass_over(keys.place(), "its keys are encrypted", remedy);
    }
    let settings = [("projectId", "project_id"), ("domainId", "domain_id")];
    let found = Found::read(&file, keys.place(), &IN_CLI_FILE, settings, |name| keys.text(name))?;
    profile.expect(found, file.path())
}
