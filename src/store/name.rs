//! The name of a certificate directory: one path component that is safe to make, to show and to type.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest name that common file systems take, in bytes.
const LONGEST: usize = 255;

/// A validated name of a certificate directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Why a text cannot name a certificate directory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The user gave it.
    #[error("\"{}\" cannot be a directory name: it {rule}", shown(text))]
    Given {
        /// What was given.
        text: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// It came from a certificate.
    #[error(
        "the certificate's name \"{}\" cannot be a directory name: it {rule}; give another with --name NAME",
        shown(text)
    )]
    OfCertificate {
        /// What the certificate says.
        text: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// The certificate has no DNS name and no common name.
    #[error(
        "the certificate has neither a DNS name nor a common name to name its directory; give one with --name NAME"
    )]
    Nameless,
}

impl Name {
    /// A name that the user gave, taken as it is.
    ///
    /// # Errors
    /// [`NameError::Given`] if it would escape the directory, hide, or be taken for an option.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match broken_rule(text) {
            None => Ok(Self(text.to_owned())),
            Some(rule) => Err(NameError::Given { text: text.to_owned(), rule }),
        }
    }

    /// The name of a certificate's directory where the user gave none: its first DNS name, its common name only if it
    /// has no DNS name; in lower case, a leading `*.` written `_.`.
    ///
    /// # Errors
    /// [`NameError::OfCertificate`] or [`NameError::Nameless`] if the certificate's name cannot be one.
    pub fn for_certificate(dns_names: &[String], common_name: Option<&str>) -> Result<Self, NameError> {
        let text = dns_names.first().map(String::as_str).or(common_name).ok_or(NameError::Nameless)?;
        let lower = text.to_lowercase();
        let name = match lower.strip_prefix("*.") {
            Some(parent) => format!("_.{parent}"),
            None => lower,
        };
        match broken_rule(&name) {
            None => Ok(Self(name)),
            Some(rule) => Err(NameError::OfCertificate { text: text.to_owned(), rule }),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

/// The first rule that `text` breaks, as the end of a sentence about it.
fn broken_rule(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        Some("is empty")
    } else if text.len() > LONGEST {
        Some("is longer than 255 bytes")
    } else if text.contains(['/', '\\']) {
        Some("contains a slash or a backslash")
    } else if text.starts_with(['.', '-']) {
        Some("starts with a dot or a hyphen")
    } else if text.trim() != text {
        Some("starts or ends with a blank")
    } else if text.chars().any(is_invisible) {
        Some("contains a control or an invisible character")
    } else {
        None
    }
}

/// Control characters, and what Unicode calls format characters and line separators: they hide in a listing or turn
/// the text around them. Also the mark that stands for such a one in a certificate's names as they are shown: a name
/// with it is not the certificate's own.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}'
            | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{fffd}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}' | '\u{e0020}'..='\u{e007f}')
}

/// A text from outside, for a message: on one line and not endless.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{Name, NameError};

    #[test]
    fn what_the_user_gives_is_taken_as_it_is_or_refused() {
        let longest = "x".repeat(255);
        for good in ["www.example.com", "WWW", "_.example.com", "a b", "例子.中国", "*.example.com", "a..b", &longest]
        {
            assert_eq!(Name::parse(good).map(String::from).as_deref(), Ok(good));
        }
        let long = "例".repeat(86);
        for bad in [
            "",
            ".",
            "..",
            ".hidden",
            "-d",
            "a/b",
            "/etc",
            "../x",
            "a\\b",
            "a\0b",
            "a\nb",
            "a\u{7f}",
            "a\u{85}",
            "a\u{202e}gpj",
            "a\u{200b}",
            "\u{feff}a",
            "a\u{2029}",
            "a\u{fffd}b",
            " ",
            " a",
            "a\u{3000}",
            "a\u{e0041}",
            &long,
        ] {
            assert!(matches!(Name::parse(bad), Err(NameError::Given { .. })), "{bad:?}");
        }
    }

    #[test]
    fn a_certificate_is_named_by_its_first_dns_name_else_its_common_name() {
        for (names, common_name, want) in [
            (&["WWW.Example.com", "b.example.com"][..], Some("cn.example.com"), Some("www.example.com")),
            (&["*.Example.com"], None, Some("_.example.com")),
            (&[], Some("CN.example.com"), Some("cn.example.com")),
            (&[], Some("*.example.com"), Some("_.example.com")),
            (&[], None, None),
            (&["../../etc/x"], Some("good.example.com"), None),
            (&[".."], None, None),
            (&["*"], None, Some("*")),
            (&["*./x"], None, None),
            (&[""], None, None),
        ] {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            let found = Name::for_certificate(&names, common_name);
            assert_eq!(found.as_ref().ok().map(Name::as_str), want, "{names:?} {common_name:?}");
            if let Err(error) = found {
                assert!(error.to_string().contains("--name NAME"), "{error}");
                assert!(!error.to_string().contains('\n'), "{error}");
            }
        }
    }
}
