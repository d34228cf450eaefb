//! Credentials from environment variables, by the names that each cloud's own tools use.

use super::{CredentialError, Credentials};
use crate::environment::Environment;

/// One set of variables that belong together.
#[derive(Debug, Clone, Copy)]
pub struct Variables {
    /// Names the access key.
    pub access_key: &'static str,
    /// Names the secret key.
    pub secret_key: &'static str,
    /// Name the session token; the first that is set is taken.
    pub session_token: &'static [&'static str],
    /// Names the operation-protection value.
    pub mfa: Option<&'static str>,
}

/// The credentials of the first set of which anything is there; `None` when nothing is.
///
/// # Errors
/// When a set is there in part, or a value cannot be a key.
pub fn from_environment(sets: &[Variables], environment: &Environment) -> Result<Option<Credentials>, CredentialError> {
    sets.iter().find_map(|set| read(set, environment).transpose()).transpose()
}

fn read(set: &Variables, environment: &Environment) -> Result<Option<Credentials>, CredentialError> {
    let (access_key, secret_key) = match (value(set.access_key, environment)?, value(set.secret_key, environment)?) {
        (None, None) => return Ok(None),
        (Some(access_key), Some(secret_key)) => (access_key, secret_key),
        (Some(_), None) => return Err(CredentialError::Half { found: set.access_key, missing: set.secret_key }),
        (None, Some(_)) => return Err(CredentialError::Half { found: set.secret_key, missing: set.access_key }),
    };
    let session_token = set.session_token.iter().find_map(|name| value(name, environment).transpose()).transpose()?;
    let mfa = set.mfa.map_or(Ok(None), |name| value(name, environment))?;
    Ok(Some(Credentials {
        access_key: access_key.to_owned(),
        secret_key: secret_key.into(),
        session_token: session_token.map(Into::into),
        mfa: mfa.map(Into::into),
    }))
}

fn value<'a>(variable: &'static str, environment: &'a Environment) -> Result<Option<&'a str>, CredentialError> {
    let value = environment.variable(variable);
    if value.is_some_and(|value| !value.bytes().all(|byte| byte.is_ascii_graphic())) {
        return Err(CredentialError::Malformed { variable });
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use secrecy::ExposeSecret;

    use super::{CredentialError, Variables, from_environment};
    use crate::environment::Environment;

    const SETS: &[Variables] = &[
        Variables {
            access_key: "A_ID",
            secret_key: "A_KEY",
            session_token: &["A_TOKEN", "A_TOKEN_2"],
            mfa: Some("A_MFA"),
        },
        Variables { access_key: "B_ID", secret_key: "B_KEY", session_token: &[], mfa: None },
    ];

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Environment::new(variables, || Timestamp::UNIX_EPOCH)
    }

    fn access_key(variables: &[(&str, &str)]) -> Result<Option<String>, CredentialError> {
        from_environment(SETS, &environment(variables)).map(|found| found.map(|credentials| credentials.access_key))
    }

    #[test]
    fn the_first_set_wins() {
        assert_eq!(access_key(&[]), Ok(None));
        assert_eq!(access_key(&[("A_ID", " "), ("A_KEY", "")]), Ok(None));
        assert_eq!(access_key(&[("B_ID", "b"), ("B_KEY", "k")]), Ok(Some("b".to_owned())));
        let both = [("A_ID", "a"), ("A_KEY", "k"), ("B_ID", "b"), ("B_KEY", "k")];
        assert_eq!(access_key(&both), Ok(Some("a".to_owned())));
    }

    #[test]
    fn half_a_pair_and_a_broken_value_are_said() {
        let half = CredentialError::Half { found: "A_ID", missing: "A_KEY" };
        assert_eq!(access_key(&[("A_ID", "a"), ("B_ID", "b"), ("B_KEY", "k")]), Err(half));
        let half = CredentialError::Half { found: "A_KEY", missing: "A_ID" };
        assert_eq!(access_key(&[("A_KEY", "a")]), Err(half));
        let malformed = CredentialError::Malformed { variable: "A_KEY" };
        assert_eq!(access_key(&[("A_ID", "a"), ("A_KEY", "k\nk")]), Err(malformed));
    }

    #[test]
    fn tokens_are_found_scrubbed_and_not_shown() -> Result<(), CredentialError> {
        let variables = [("A_ID", "a"), ("A_KEY", "hush"), ("A_TOKEN_2", "token"), ("A_MFA", "123456")];
        let credentials = from_environment(SETS, &environment(&variables))?;
        let Some(credentials) = credentials else { panic!("no credentials") };
        assert_eq!(credentials.session_token.as_ref().map(ExposeSecret::expose_secret), Some("token"));
        assert_eq!(credentials.scrub("hush token 123456 a"), "*** *** *** a");
        assert_eq!(format!("{credentials:?}"), "Credentials { .. }");
        Ok(())
    }
}
