//! Credentials from environment variables, by the names that each cloud's own tools use.

use super::{CredentialError, Credentials, Names, Place};
use crate::environment::Environment;

/// The credentials of the first set of which anything is there; `None` when nothing is.
pub(super) fn from_environment(
    sets: &[Names],
    environment: &Environment,
) -> Result<Option<Credentials>, CredentialError> {
    let read = |names: &Names| names.credentials(&Place::Environment, |name| Ok(environment.variable(name)));
    sets.iter().find_map(|names| read(names).transpose()).transpose()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use secrecy::ExposeSecret;

    use super::{CredentialError, Names, Place, from_environment};
    use crate::environment::Environment;

    const SETS: &[Names] = &[
        Names { access_key: "A_ID", secret_key: "A_KEY", session_token: &["A_TOKEN", "A_TOKEN_2"], mfa: Some("A_MFA") },
        Names { access_key: "B_ID", secret_key: "B_KEY", session_token: &[], mfa: None },
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
        let half = |found, missing| CredentialError::Half { place: Place::Environment, found, missing };
        assert_eq!(access_key(&[("A_ID", "a"), ("B_ID", "b"), ("B_KEY", "k")]), Err(half("A_ID", "A_KEY")));
        assert_eq!(access_key(&[("A_KEY", "a")]), Err(half("A_KEY", "A_ID")));
        let malformed = CredentialError::Malformed { place: Place::Environment, name: "A_KEY" };
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
