//! A manifest of a Kubernetes secret of the type `kubernetes.io/tls`.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::pem;
use crate::bundle::Bundle;

/// What a Kubernetes secret is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kubernetes {
    /// `metadata.name`
    pub name: String,
    /// `metadata.namespace`; none: that of whoever applies it.
    pub namespace: Option<String>,
}

impl Kubernetes {
    /// What [`Self::is_name`] asks for, for people.
    pub const NAMES: &'static str = "use at most 253 lower-case letters, digits, `-` and `.`, each part beginning and ending with a letter or digit";
    /// What [`Self::is_namespace`] asks for, for people.
    pub const NAMESPACES: &'static str =
        "use at most 63 lower-case letters, digits and `-`, beginning and ending with a letter or digit";

    /// A name made of a certificate directory's. `_.example.com`, a wildcard's, becomes `wildcard.example.com`: names
    /// of secrets have no underscore (DNS subdomains, RFC 1123).
    #[must_use]
    pub fn name_for(directory: &str) -> String {
        let spelled_out: Cow<'_, str> = match directory.strip_prefix("_.") {
            Some(parent) => format!("wildcard.{parent}").into(),
            None => directory.into(),
        };
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' };
        let name: String = spelled_out.chars().map(plain).take(LONGEST).collect();
        // Every label begins and ends with a letter or a digit.
        let labels = name.split('.').map(|label| label.trim_matches('-')).filter(|label| !label.is_empty());
        let name = labels.collect::<Vec<_>>().join(".");
        if name.is_empty() { "certificate".to_owned() } else { name }
    }

    /// Whether `text` can be the name of a secret: a DNS subdomain (RFC 1123).
    #[must_use]
    pub fn is_name(text: &str) -> bool {
        text.len() <= LONGEST && text.split('.').all(is_label)
    }

    /// Whether `text` can be the name of a namespace: one label.
    #[must_use]
    pub fn is_namespace(text: &str) -> bool {
        text.len() <= LONGEST_LABEL && is_label(text)
    }
}

/// Characters of a secret's name.
const LONGEST: usize = 253;
/// Characters of a namespace's name.
const LONGEST_LABEL: usize = 63;

fn is_label(label: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !label.is_empty() && label.bytes().all(is_plain) && !label.starts_with('-') && !label.ends_with('-')
}

/// The manifest.
pub(super) fn secret(bundle: &Bundle, names: &Kubernetes) -> Zeroizing<Vec<u8>> {
    let namespace = names.namespace.as_deref().map(|namespace| format!("  namespace: {}\n", quoted(namespace)));
    let head = format!(
        "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\nmetadata:\n  name: {}\n{}data:\n",
        quoted(&names.name),
        namespace.unwrap_or_default()
    );
    let (certificates, key) = (pem::fullchain(bundle), bundle.key().to_pem());
    let data = [("  tls.crt: ", certificates.as_bytes()), ("  tls.key: ", key.as_slice())];
    let digits = |bytes: &[u8]| bytes.len().div_ceil(3).saturating_mul(4);
    let room = data.iter().map(|(field, bytes)| field.len() + digits(bytes) + 1).sum::<usize>() + head.len();
    // Room for all of it, so that no copy of the key is left behind by growing; for the same reason it is encoded in its
    // place.
    let mut text = Zeroizing::new(Vec::with_capacity(room));
    text.extend_from_slice(head.as_bytes());
    for (field, bytes) in data {
        text.extend_from_slice(field.as_bytes());
        let start = text.len();
        text.resize(start + digits(bytes), b'=');
        let place = text.get_mut(start..).unwrap_or_default();
        // It fits, by the count above.
        let _ = STANDARD.encode_slice(bytes, place);
        text.push(b'\n');
    }
    text
}

/// As a string, in JSON's quotes, which are YAML's, too: `true` and `1e3` are names like others.
fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}
