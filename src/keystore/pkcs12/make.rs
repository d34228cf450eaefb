//! A PKCS#12 key store is made: certificates in one encrypted part, the key in a shrouded bag, a MAC over both.

use zeroize::Zeroizing;

use super::Strength;
use crate::der::{self, Reader, context, encode};
use crate::keystore::derive::{self, Budget, OWN_ITERATIONS, Purpose};
use crate::keystore::hash::Hash;
use crate::keystore::key::first_version;
use crate::keystore::password::{Password, utf16};
use crate::keystore::salt::Salts;
use crate::keystore::scheme::Scheme;
use crate::keystore::{Entry, KeystoreError, oid};

/// Some DER. Wiped when dropped.
type Der = Zeroizing<Vec<u8>>;

/// `[0]`, primitive: what is encrypted.
const ENCRYPTED_CONTENT: u8 = 0x80;

/// A key store with one entry; its password is the key's, too.
///
/// # Errors
/// When the entry cannot be written in this form.
pub fn pkcs12(entry: &Entry<'_>, password: &str, strength: Strength) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    let salts = Salts::new(strength.label(), entry, password);
    let maker = Maker { salts, password: &Password::new(password), strength };
    // What links a key and its certificate: by custom the certificate's SHA-1.
    let id = Hash::Sha1.digest(entry.chain.get(..1).unwrap_or_default());
    let attributes = attributes(entry.alias, &id);

    let of_leaf = std::iter::once(attributes.as_slice());
    let of_each = of_leaf.chain(std::iter::repeat(&[][..]));
    let certificates: Vec<_> =
        entry.chain.iter().zip(of_each).map(|(der, attributes)| certificate_bag(der, attributes)).collect();
    let certificates: Vec<&[u8]> = certificates.iter().map(|bag| bag.as_slice()).collect();
    let certificates = maker.encrypted_data(&sequence(&certificates))?;
    let key = maker.shrouded_key(&first_version(entry.key), &attributes)?;
    let key = content_info(oid::DATA, &octets(&sequence(&[&key])));

    let protected = sequence(&[&certificates, &key]);
    let mac = maker.mac(&protected);
    let protected = content_info(oid::DATA, &octets(&protected));
    Ok(sequence(&[&encode(der::INTEGER, &[&[3]]), &protected, &mac]))
}

impl Strength {
    const fn label(self) -> &'static str {
        match self {
            Self::Modern => "PKCS#12",
            Self::Legacy => "PKCS#12 legacy",
        }
    }
}

struct Maker<'a> {
    salts: Salts,
    password: &'a Password<'a>,
    strength: Strength,
}

impl Maker<'_> {
    /// `EncryptedData` in its ContentInfo.
    fn encrypted_data(&self, contents: &[u8]) -> Result<Der, KeystoreError> {
        let (algorithm, data) = self.encrypt("certificates", contents)?;
        let content = sequence(&[&identifier(oid::DATA), &algorithm, &encode(ENCRYPTED_CONTENT, &[&data])]);
        Ok(content_info(oid::ENCRYPTED_DATA, &sequence(&[&encode(der::INTEGER, &[&[0]]), &content])))
    }

    fn shrouded_key(&self, key: &[u8], attributes: &[u8]) -> Result<Der, KeystoreError> {
        let (algorithm, data) = self.encrypt("key", key)?;
        Ok(bag(oid::SHROUDED_KEY_BAG, &sequence(&[&algorithm, &octets(&data)]), attributes))
    }

    /// The AlgorithmIdentifier, and what `data` is encrypted to.
    fn encrypt(&self, label: &str, data: &[u8]) -> Result<(Der, Der), KeystoreError> {
        let algorithm = self.identifier(label);
        let data = Scheme::read(&mut Reader::new(&algorithm), &mut Budget::default())?.encrypt(data, self.password)?;
        Ok((algorithm, data))
    }

    fn identifier(&self, label: &str) -> Der {
        let salt = self.salts.get::<16>(&format!("{label}: salt"));
        match self.strength {
            Strength::Legacy => {
                // Eight bytes, as all that writes this form.
                let salt = octets(salt.get(..8).unwrap_or_default());
                sequence(&[&identifier(oid::PKCS12_3DES), &sequence(&[&salt, &iterations()])])
            }
            Strength::Modern => {
                let prf = sequence(&[&identifier(oid::HMAC_SHA256), &null()]);
                let derived = sequence(&[&octets(&salt), &iterations(), &prf]);
                let derivation = sequence(&[&identifier(oid::PBKDF2), &derived]);
                let iv = self.salts.get::<16>(&format!("{label}: initialization vector"));
                let cipher = sequence(&[&identifier(oid::AES_256), &octets(&iv)]);
                sequence(&[&identifier(oid::PBES2), &sequence(&[&derivation, &cipher])])
            }
        }
    }

    fn mac(&self, protected: &[u8]) -> Der {
        let (hash, algorithm, length) = match self.strength {
            Strength::Legacy => (Hash::Sha1, oid::SHA1, 20),
            Strength::Modern => (Hash::Sha256, oid::SHA256, 32),
        };
        let salt = self.salts.get::<16>("MAC: salt");
        let key = derive::pkcs12(hash, Purpose::Mac, &self.password.terminated, &salt, OWN_ITERATIONS, length);
        let mac = octets(&hash.hmac(&key, protected));
        let algorithm = sequence(&[&identifier(algorithm), &null()]);
        sequence(&[&sequence(&[&algorithm, &mac]), &octets(&salt), &iterations()])
    }
}

fn sequence(content: &[&[u8]]) -> Der {
    encode(der::SEQUENCE, content)
}

fn identifier(oid: &[u8]) -> Der {
    encode(der::OBJECT_IDENTIFIER, &[oid])
}

fn octets(bytes: &[u8]) -> Der {
    encode(der::OCTET_STRING, &[bytes])
}

fn null() -> Der {
    encode(der::NULL, &[])
}

fn iterations() -> Der {
    let digits = OWN_ITERATIONS.get().to_be_bytes();
    // A zero in front, so that the number is not negative whatever its first bit.
    let digits = der::without_leading_zeros(&digits);
    let sign: &[u8] = if digits.first().is_some_and(|first| first & 0x80 != 0) { &[0] } else { &[] };
    encode(der::INTEGER, &[sign, digits])
}

fn content_info(kind: &[u8], content: &[u8]) -> Der {
    sequence(&[&identifier(kind), &encode(context(0), &[content])])
}

/// A SafeBag; its attributes are a SET, or nothing.
fn bag(kind: &[u8], value: &[u8], attributes: &[u8]) -> Der {
    sequence(&[&identifier(kind), &encode(context(0), &[value]), attributes])
}

fn certificate_bag(certificate: &[u8], attributes: &[u8]) -> Der {
    let value = sequence(&[&identifier(oid::X509_CERTIFICATE), &encode(context(0), &[&octets(certificate)])]);
    bag(oid::CERTIFICATE_BAG, &value, attributes)
}

fn attribute(kind: &[u8], value: &[u8]) -> Der {
    sequence(&[&identifier(kind), &encode(der::SET, &[value])])
}

/// Name and id of the key and its certificate.
fn attributes(alias: &str, id: &[u8]) -> Der {
    let name = attribute(oid::FRIENDLY_NAME, &encode(der::BMP_STRING, &[&utf16(alias)]));
    let id = attribute(oid::LOCAL_KEY_ID, &octets(id));
    // In the order of DER: by their bytes.
    let (first, second) = if *name < *id { (&name, &id) } else { (&id, &name) };
    encode(der::SET, &[first, second])
}
