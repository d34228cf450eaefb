//! Host names, and which names of a certificate cover them, as TLS clients see it (RFC 6125, RFC 9525).

/// A host name in the one form that comparisons use: lower case, punycode, no final dot.
///
/// What is not a valid internationalised name is only lower-cased, so that it can still be compared and shown.
#[must_use]
pub fn normalize(name: &str) -> String {
    let name = name.trim().trim_end_matches('.');
    let (wildcard, host) = match name.strip_prefix("*.") {
        Some(host) => ("*.", host),
        None => ("", name),
    };
    let host = idna::domain_to_ascii(host).unwrap_or_else(|_| host.to_lowercase());
    format!("{wildcard}{host}")
}

/// Whether a normalized name can be that of a host, IPv4 addresses included. Underscores are in use, whatever the RFCs say.
#[must_use]
pub fn is_host(name: &str) -> bool {
    let is_label = |label: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(is_plain)
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

/// Whether one of a certificate's `names` covers `domain`.
///
/// A wildcard stands for exactly one label, the leftmost: `*.example.com` covers `www.example.com`, neither
/// `example.com` nor `a.b.example.com`. A wildcard asked for is covered by that same wildcard only.
#[must_use]
pub fn covers<S: AsRef<str>>(names: &[S], domain: &str) -> bool {
    let domain = normalize(domain);
    names.iter().any(|name| covers_one(&normalize(name.as_ref()), &domain))
}

/// The names that cover `domain`, each in the form of [`normalize`]: itself, and the wildcard one label up.
///
/// For looking certificates up by name where there are many; [`covers`] says the same of one.
#[must_use]
pub fn covering_names(domain: &str) -> Vec<String> {
    let domain = normalize(domain);
    let wildcard = domain.split_once('.').map(|(_, parent)| format!("*.{parent}"));
    let wildcard = wildcard.filter(|wildcard| covers_one(wildcard, &domain));
    let itself = Some(domain).filter(|domain| !domain.is_empty());
    itself.into_iter().chain(wildcard).collect()
}

/// Both in the form of [`normalize`].
fn covers_one(name: &str, domain: &str) -> bool {
    if name.is_empty() || domain.is_empty() {
        return false;
    }
    if name == domain {
        return true;
    }
    let (Some(parent), Some((label, rest))) = (name.strip_prefix("*."), domain.split_once('.')) else {
        return false;
    };
    // An IPv4 address has dots too, but no wildcard ever covers one.
    let is_address = domain.parse::<std::net::IpAddr>().is_ok();
    !is_address && label != "*" && !label.is_empty() && rest == parent
}

#[cfg(test)]
mod tests {
    use super::{covering_names, covers, normalize};

    #[test]
    fn one_form_for_every_spelling() {
        for (given, want) in [
            ("WWW.Example.COM.", "www.example.com"),
            (" *.Example.com", "*.example.com"),
            ("例子.中国", "xn--fsqu00a.xn--fiqs8s"),
            ("*.例子.中国", "*.xn--fsqu00a.xn--fiqs8s"),
            ("192.0.2.1", "192.0.2.1"),
            ("", ""),
        ] {
            assert_eq!(normalize(given), want, "{given:?}");
        }
    }

    #[test]
    fn a_wildcard_is_one_label() {
        for (name, domain, want) in [
            ("www.example.com", "www.example.com", true),
            ("*.example.com", "www.example.com", true),
            ("*.example.com", "WWW.EXAMPLE.COM", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "a.b.example.com", false),
            ("*.example.com", "*.example.com", true),
            ("*.b.example.com", "*.example.com", false),
            ("*.example.com", "*.b.example.com", false),
            ("*.0.2.1", "192.0.2.1", false),
            ("example.com", "notexample.com", false),
            ("*.example.com", ".example.com", false),
            ("*", "example", false),
            ("", "", false),
        ] {
            assert_eq!(covers(&[name], domain), want, "{name} {domain}");
            assert_eq!(covering_names(domain).contains(&normalize(name)), want, "{name} {domain}");
        }
    }
}
