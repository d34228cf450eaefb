//! A Java key store with one entry.

use zeroize::Zeroizing;

use super::{HASH_LENGTH, MAGIC, PRIVATE_KEY, VERSION, X509, integrity, protect, text};
use crate::keystore::key::first_version;
use crate::keystore::password::utf16;
use crate::keystore::salt::Salts;
use crate::keystore::{Entry, KeystoreError};

/// A key store with one entry; its password is the key's, too. The alias is in lower case there, as Java has it.
///
/// # Errors
/// When the alias is longer than Java can write.
pub fn jks(entry: &Entry<'_>, password: &str) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    let salt = Salts::new("JKS", entry, password).get::<HASH_LENGTH>("key: salt");
    let password = utf16(password);
    let key = protect::protect(&first_version(entry.key), &password, salt);
    let too_long = |what: &str| KeystoreError::Unsupported { what: what.to_owned() };
    let number = |length: usize| u32::try_from(length).map_err(|_| too_long("more than 4 GiB"));

    // Nothing in it is secret as it stands: the key is encrypted.
    let mut out = Vec::new();
    out.extend_from_slice(MAGIC);
    out.extend([VERSION, 1, PRIVATE_KEY].iter().flat_map(|number| number.to_be_bytes()));
    push_text(&mut out, &entry.alias.to_lowercase()).ok_or_else(|| too_long("an alias of more than 65,535 bytes"))?;
    out.extend(entry.created.as_millisecond().to_be_bytes());
    out.extend(number(key.len())?.to_be_bytes());
    out.extend_from_slice(&key);
    out.extend(number(entry.chain.len())?.to_be_bytes());
    for certificate in entry.chain {
        push_text(&mut out, X509).ok_or_else(|| too_long(X509))?;
        out.extend(number(certificate.len())?.to_be_bytes());
        out.extend_from_slice(certificate);
    }
    let hash = integrity(&password, &out);
    out.extend_from_slice(&hash);
    Ok(Zeroizing::new(out))
}

/// `None` if it is too long.
fn push_text(out: &mut Vec<u8>, text: &str) -> Option<()> {
    let text = text::encode(text);
    out.extend(u16::try_from(text.len()).ok()?.to_be_bytes());
    out.extend(text);
    Some(())
}
