//! The encryption half of an SM2 dual certificate, told by what its certificate says, never by a field's name.
//!
//! Servers of TLCP (GB/T 38636) have two certificates: the key of one signs, that of the other decrypts. Authorities make
//! the second key themselves, so it may come in a digital envelope that only the first key opens.

use super::certificate::Certificate;
use super::key::PrivateKey;
use super::{BundleError, Dual, Requirements, chain, select};
use crate::der::{self, Reader};

/// What belongs to the signing half, if that has another half: with its key, or without one if no key is left over.
pub(super) fn encryption_half(
    (leaf, above): (&Certificate, &[Certificate]),
    keys: &[PrivateKey],
    certificates: &[Certificate],
    requirements: &Requirements<'_>,
) -> Result<Option<Dual>, BundleError> {
    if !leaf.is_for_sm2_signing() {
        return Ok(None);
    }
    let names = lower_case_names(leaf);
    let is_half = |other: &&Certificate| other.is_for_sm2_encryption() && lower_case_names(other) == names;
    let mut halves: Vec<_> = certificates.iter().filter(is_half).collect();
    halves.sort_by_cached_key(|half| select::age(half));
    let acceptable: Vec<_> = halves.iter().copied().filter(|half| select::check(half, requirements).is_ok()).collect();
    let keyed = acceptable.iter().find_map(|half| Some((*half, own_key(half, keys)?)));
    let newest = || acceptable.first().or_else(|| halves.first()).copied();
    let Some(half) = keyed.map(|(half, _)| half).or_else(newest) else { return Ok(None) };
    select::check(half, requirements)?;
    if chain::build(half, certificates, requirements.now)? != above {
        return Err(BundleError::OtherChain { subject: half.subject.clone(), serial: half.serial.clone() });
    }
    match keyed {
        Some((_, key)) => Ok(Some(Dual { certificate: half.clone(), key: Some(key.completed_for(half)) })),
        None => without_key(half, keys, certificates).map(Some),
    }
}

/// The half alone, unless a key came for it that is the wrong one.
fn without_key(half: &Certificate, keys: &[PrivateKey], certificates: &[Certificate]) -> Result<Dual, BundleError> {
    for key in keys {
        let mut is_needed = false;
        for certificate in certificates {
            is_needed |= key.matches(certificate)?;
        }
        if !is_needed {
            return Err(select::mismatch(std::slice::from_ref(key), std::slice::from_ref(half)));
        }
    }
    Ok(Dual { certificate: half.clone(), key: None })
}

fn own_key<'a>(half: &Certificate, keys: &'a [PrivateKey]) -> Option<&'a PrivateKey> {
    keys.iter().filter(|key| key.matches(half) == Ok(true)).min_by(|one, other| one.rank().cmp(&other.rank()))
}

fn lower_case_names(certificate: &Certificate) -> Vec<String> {
    let mut names: Vec<_> = certificate.names().iter().map(|name| name.to_ascii_lowercase()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether a cloud put a key in a digital envelope here: a message of GM/T 0010 or PKCS#7, an SM2EnvelopedKey of
/// GM/T 0009, or an ENVELOPEDKEYBLOB of GM/T 0016.
pub(super) fn is_envelope(bytes: &[u8]) -> bool {
    is_enveloped_message(bytes).unwrap_or(false) || is_enveloped_key(bytes).unwrap_or(false) || is_key_blob(bytes)
}

/// `ContentInfo ::= SEQUENCE { OBJECT IDENTIFIER, [0] … }`, enveloped, signed or not.
fn is_enveloped_message(bytes: &[u8]) -> Option<bool> {
    const GUOMI: &[u8] = &[0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x06, 0x01, 0x04, 0x02];
    const PKCS7: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
    const ENVELOPED: u8 = 3;
    const SIGNED_AND_ENVELOPED: u8 = 4;
    let kind = Reader::whole(der::SEQUENCE, bytes)?.expect(der::OBJECT_IDENTIFIER)?;
    let (last, family) = kind.split_last()?;
    Some(matches!(*last, ENVELOPED | SIGNED_AND_ENVELOPED) && (family == GUOMI || family == PKCS7))
}

/// `SEQUENCE { AlgorithmIdentifier, SM2Cipher, BIT STRING, BIT STRING }`
fn is_enveloped_key(bytes: &[u8]) -> Option<bool> {
    let mut fields = Reader::whole(der::SEQUENCE, bytes)?;
    Reader::new(fields.expect(der::SEQUENCE)?).expect(der::OBJECT_IDENTIFIER)?;
    Reader::new(fields.expect(der::SEQUENCE)?).unsigned()?;
    fields.expect(der::BIT_STRING)?;
    fields.expect(der::BIT_STRING)?;
    Some(fields.is_empty())
}

/// A structure of C: version 1, the cipher, 256 bits, then keys and ciphertexts of fixed sizes.
fn is_key_blob(bytes: &[u8]) -> bool {
    const LEAST: usize = 300;
    bytes.len() >= LEAST && bytes.starts_with(&[1, 0, 0, 0]) && bytes.get(8..12) == Some(&[0, 1, 0, 0])
}
