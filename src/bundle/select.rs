//! Which of the certificates is the leaf, and whether it is the one that was asked for.

use std::cmp::Reverse;

use super::certificate::Certificate;
use super::key::PrivateKey;
use super::{BundleError, Requirements};
use crate::domain;

/// The one certificate that a key belongs to, with that key.
///
/// Of several that one key belongs to (a renewal with the same key), one that satisfies the rules is taken, the newest
/// first. Of several keys with a certificate each, the only one that satisfies the rules. The encryption half of an SM2
/// dual certificate is never the leaf.
pub(super) fn key_and_leaf<'a>(
    keys: &'a [PrivateKey],
    certificates: &'a [Certificate],
    requirements: &Requirements<'_>,
) -> Result<(&'a PrivateKey, &'a Certificate), BundleError> {
    let mut fault = None;
    let (mut pairs, mut halves) = (Vec::new(), Vec::new());
    for (key, certificate) in keys.iter().flat_map(|key| certificates.iter().map(move |certificate| (key, certificate)))
    {
        match key.matches(certificate) {
            Ok(true) if certificate.is_for_sm2_encryption() => halves.push((key, certificate)),
            Ok(true) => pairs.push((key, certificate)),
            Ok(false) => {}
            Err(error) => fault = fault.or(Some(error)),
        }
    }
    // Newest first (design section 1). The fingerprint, and the rank where one key came in several forms, only make
    // the choice independent of the order of the material.
    pairs.sort_by(|(one_key, one), (other_key, other)| {
        age(one).cmp(&age(other)).then_with(|| one_key.rank().cmp(&other_key.rank()))
    });
    let acceptable: Vec<_> = pairs.iter().filter(|(_, leaf)| check(leaf, requirements).is_ok()).collect();
    let Some(&(key, leaf)) = acceptable.first().copied().or_else(|| pairs.first()) else {
        let is_left_over = |key: &PrivateKey| !halves.iter().any(|(half_key, _)| *half_key == key);
        return Err(fault.unwrap_or_else(|| match halves.first() {
            Some((_, half)) if !keys.iter().any(is_left_over) => {
                BundleError::NoSigningKey { subject: half.subject.clone(), serial: half.serial.clone() }
            }
            _ => mismatch(keys, certificates),
        }));
    };
    if acceptable.iter().any(|(_, other)| other.spki() != leaf.spki()) {
        let mut leaves: Vec<_> = acceptable.into_iter().map(|(_, leaf)| describe(leaf)).collect();
        leaves.dedup();
        return Err(BundleError::Ambiguous { leaves });
    }
    Ok((key, leaf))
}

/// What certificates are ordered by, the newest first.
pub(super) fn age(certificate: &Certificate) -> impl Ord + use<> {
    Reverse((certificate.not_before, certificate.not_after, certificate.fingerprint_sha256.clone()))
}

/// The rules for the leaf itself: valid now, and covering every domain that was asked for.
pub(super) fn check(leaf: &Certificate, requirements: &Requirements<'_>) -> Result<(), BundleError> {
    let subject = || leaf.subject.clone();
    if requirements.now > leaf.not_after {
        return Err(BundleError::Expired { subject: subject(), not_after: leaf.not_after });
    }
    if requirements.now < leaf.not_before {
        return Err(BundleError::NotYetValid { subject: subject(), not_before: leaf.not_before });
    }
    let names = leaf.names();
    match requirements.domains.iter().find(|domain| !domain::covers(&names, domain)) {
        Some(domain) => Err(BundleError::DomainNotCovered { domain: domain.clone(), names }),
        None => Ok(()),
    }
}

pub(super) fn mismatch(keys: &[PrivateKey], certificates: &[Certificate]) -> BundleError {
    let mut algorithms: Vec<_> = keys.iter().map(PrivateKey::algorithm).collect();
    algorithms.dedup();
    BundleError::KeyMismatch { key: algorithms.join(", "), certificates: certificates.iter().map(describe).collect() }
}

fn describe(certificate: &Certificate) -> String {
    format!("{} ({}, serial {})", certificate.subject, certificate.key_algorithm, certificate.serial)
}
