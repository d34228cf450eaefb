//! What sources call the parts of credentials.

use super::{CredentialError, Credentials, Place};

/// The names under which one source keeps the parts of credentials: variables, or keys of a file.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// Of the access key.
    pub access_key: &'static str,
    /// Of the secret key.
    pub secret_key: &'static str,
    /// Of the session token; the first that is there is taken.
    pub session_token: &'static [&'static str],
    /// Of the operation-protection value.
    pub mfa: Option<&'static str>,
}

impl Names {
    /// The credentials that `place` has under these names, looked up with `value_of`; `None` if it has neither key.
    /// A blank value counts as none.
    ///
    /// # Errors
    /// When only half of the pair is there, when a value cannot be a key, and those of `value_of`.
    pub fn credentials<'a>(
        &self,
        place: &Place,
        value_of: impl Fn(&'static str) -> Result<Option<&'a str>, CredentialError>,
    ) -> Result<Option<Credentials>, CredentialError> {
        let value = |name| sendable(place, name, value_of(name)?);
        let half = |found, missing| Err(CredentialError::Half { place: place.clone(), found, missing });
        let (access_key, secret_key) = match (value(self.access_key)?, value(self.secret_key)?) {
            (None, None) => return Ok(None),
            (Some(access_key), Some(secret_key)) => (access_key, secret_key),
            (Some(_), None) => return half(self.access_key, self.secret_key),
            (None, Some(_)) => return half(self.secret_key, self.access_key),
        };
        let session_token = self.session_token.iter().find_map(|name| value(name).transpose()).transpose()?;
        let mfa = self.mfa.map_or(Ok(None), value)?;
        Ok(Some(Credentials {
            access_key: access_key.to_owned(),
            secret_key: secret_key.into(),
            session_token: session_token.map(Into::into),
            mfa: mfa.map(Into::into),
        }))
    }

    /// Every name.
    pub fn all(&self) -> impl Iterator<Item = &'static str> {
        [self.access_key, self.secret_key].into_iter().chain(self.session_token.iter().copied()).chain(self.mfa)
    }
}

/// The value without the blanks around it, if an HTTP header can carry it.
pub(super) fn sendable<'a>(
    place: &Place,
    name: &'static str,
    value: Option<&'a str>,
) -> Result<Option<&'a str>, CredentialError> {
    let value = value.map(str::trim).filter(|value| !value.is_empty());
    if value.is_some_and(|value| !value.bytes().all(|byte| byte.is_ascii_graphic())) {
        return Err(CredentialError::Malformed { place: place.clone(), name });
    }
    Ok(value)
}
