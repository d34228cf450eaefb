//! What a bundle's files hold, in each format.

mod java;
mod kubernetes;
mod plain;
mod roundtrip;
mod servers;
mod sm2;

use certctl::bundle::{Bundle, Material, Requirements};
use certctl::format::FileImage;
use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

fn bytes<'a>(files: &'a [FileImage], name: &str) -> &'a [u8] {
    &files.iter().find(|file| file.name == name).unwrap().bytes
}

/// A leaf and the one intermediate above it.
fn bundle() -> Bundle {
    let key = || KeyPair::generate().unwrap();
    let ca = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let root = Issuer::new(ca("root"), key());
    let middle_key = key();
    let middle = ca("middle").signed_by(&middle_key, &root).unwrap();
    let middle_issuer = Issuer::new(ca("middle"), middle_key);
    let leaf_key = key();
    let mut leaf = CertificateParams::new(vec!["www.example.com".to_owned()]).unwrap();
    leaf.use_authority_key_identifier_extension = true;
    let leaf = leaf.signed_by(&leaf_key, &middle_issuer).unwrap();
    let material = Material::default()
        .with("leaf".to_owned(), leaf.pem().as_bytes())
        .with("chain".to_owned(), middle.pem().as_bytes())
        .with("key".to_owned(), leaf_key.serialize_pem().as_bytes());
    Bundle::assemble(&material, &Requirements { now: Timestamp::now(), domains: &[], passwords: &[] }).unwrap()
}
