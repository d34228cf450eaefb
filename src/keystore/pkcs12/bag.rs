//! The bags of a PKCS#12 key store, each a key, a certificate or something else (RFC 7292, section 4.2).

use zeroize::Zeroizing;

use crate::der::{self, Reader};
use crate::keystore::derive::Budget;
use crate::keystore::key::{decrypt, is_private_key};
use crate::keystore::password::Password;
use crate::keystore::{KeystoreError, Opened, OpenedKey, oid};

const DAMAGED: KeystoreError = KeystoreError::Damaged { what: "a bag of the key store" };
/// How deep bags may be inside each other; nobody is known to do that at all.
const DEEPEST: usize = 8;

/// Opens bags, and collects what was in them.
pub(super) struct Bags<'a> {
    password: &'a Password<'a>,
    pub(super) budget: &'a mut Budget,
    pub(super) opened: Opened,
}

impl<'a> Bags<'a> {
    pub(super) fn new(password: &'a Password<'a>, budget: &'a mut Budget) -> Self {
        Self { password, budget, opened: Opened::default() }
    }

    /// All bags in a SafeContents.
    pub(super) fn add_all(&mut self, contents: &[u8]) -> Result<(), KeystoreError> {
        self.add_nested(contents, DEEPEST)
    }

    fn add_nested(&mut self, contents: &[u8], depth: usize) -> Result<(), KeystoreError> {
        let too_deep = || KeystoreError::Unsupported { what: "bags inside each other".to_owned() };
        let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
        let mut bags = Reader::whole(der::SEQUENCE, contents).ok_or(DAMAGED)?;
        while !bags.is_empty() {
            let bag = bags.expect(der::SEQUENCE).and_then(Bag::read).ok_or(DAMAGED)?;
            match bag.kind {
                oid::KEY_BAG if is_private_key(bag.value) => self.add_key(&bag, Zeroizing::new(bag.value.to_vec())),
                oid::SHROUDED_KEY_BAG => {
                    let key = decrypt(bag.value, self.password, self.budget)?;
                    self.add_key(&bag, key);
                }
                oid::CERTIFICATE_BAG => self.opened.certificates.extend(certificate(bag.value).ok_or(DAMAGED)?),
                oid::SAFE_CONTENTS_BAG => self.add_nested(bag.value, depth)?,
                oid::KEY_BAG => return Err(DAMAGED),
                // Revocation lists, secrets, and what there may be in future.
                _ => {}
            }
        }
        Ok(())
    }

    fn add_key(&mut self, bag: &Bag<'_>, der: Zeroizing<Vec<u8>>) {
        self.opened.keys.push(OpenedKey { alias: bag.name(), der });
    }
}

/// `SafeBag ::= SEQUENCE { OBJECT IDENTIFIER, [0] value, SET attributes }`
struct Bag<'a> {
    kind: &'a [u8],
    value: &'a [u8],
    attributes: Reader<'a>,
}

impl<'a> Bag<'a> {
    fn read(content: &'a [u8]) -> Option<Self> {
        let mut fields = Reader::new(content);
        let kind = fields.expect(der::OBJECT_IDENTIFIER)?;
        let value = fields.expect(der::context(0))?;
        let attributes = if fields.is_empty() { &[] } else { fields.expect(der::SET)? };
        Some(Self { kind, value, attributes: Reader::new(attributes) })
    }

    /// Its `friendlyName`.
    fn name(&self) -> Option<String> {
        let mut attributes = self.attributes;
        while let Some(attribute) = attributes.expect(der::SEQUENCE) {
            let mut fields = Reader::new(attribute);
            if fields.expect(der::OBJECT_IDENTIFIER) == Some(oid::FRIENDLY_NAME) {
                let name = Reader::new(fields.expect(der::SET)?).expect(der::BMP_STRING)?;
                let (units, odd) = name.as_chunks::<2>();
                let units: Vec<u16> = units.iter().map(|&unit| u16::from_be_bytes(unit)).collect();
                return odd.is_empty().then(|| String::from_utf16_lossy(&units));
            }
        }
        None
    }
}

/// `CertBag ::= SEQUENCE { OBJECT IDENTIFIER, [0] OCTET STRING }`; no certificate if it is of another kind than X.509.
fn certificate(der: &[u8]) -> Option<Option<Vec<u8>>> {
    let mut fields = Reader::whole(der::SEQUENCE, der)?;
    let kind = fields.expect(der::OBJECT_IDENTIFIER)?;
    let value = fields.expect(der::context(0))?;
    if kind != oid::X509_CERTIFICATE {
        return Some(None);
    }
    Reader::whole(der::OCTET_STRING, value).map(|certificate| Some(certificate.rest().to_vec()))
}
