//! The TLS handshake, as far as it shows the certificates.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{ActiveKeyExchange, SupportedKxGroup, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, NamedGroup, SignatureScheme};

use super::ServedError;
use super::wire::Wire;
use crate::domain;
use crate::text::one_line;

/// What servers may sign the handshake with, by the kind of their key (its OID): all there is, since nobody here verifies
/// it.
///
/// The order is that of other clients, so that a server with several certificates shows this one what it shows those.
const SCHEMES: [(&str, &[SignatureScheme]); 5] = [
    (
        "1.2.840.10045.2.1",
        &[
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ECDSA_NISTP521_SHA512,
            // sm2sig_sm3 (RFC 8998).
            SignatureScheme::Unknown(0x0708),
        ],
    ),
    ("1.3.101.112", &[SignatureScheme::ED25519]),
    ("1.3.101.113", &[SignatureScheme::ED448]),
    (
        // RSA for PSS alone: rsa_pss_pss_* (RFC 8446).
        "1.2.840.113549.1.1.10",
        &[SignatureScheme::Unknown(0x0809), SignatureScheme::Unknown(0x080a), SignatureScheme::Unknown(0x080b)],
    ),
    (
        "1.2.840.113549.1.1.1",
        &[
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PSS_SHA384,
            SignatureScheme::RSA_PSS_SHA512,
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA384,
            SignatureScheme::RSA_PKCS1_SHA512,
            SignatureScheme::RSA_PKCS1_SHA1,
        ],
    ),
];

/// What a server is offered to agree to.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    schemes: Vec<SignatureScheme>,
    with_p521: bool,
}

impl Offer {
    /// Every kind of key.
    pub(super) fn all() -> Self {
        Self { schemes: SCHEMES.iter().flat_map(|(_, schemes)| *schemes).copied().collect(), with_p521: false }
    }

    /// The kind of key that a certificate has; every kind if that cannot be told.
    pub(super) fn of_kind(leaf: &[u8]) -> Self {
        let parsed = x509_parser::parse_x509_certificate(leaf);
        let kind = parsed.map(|(_, leaf)| leaf.tbs_certificate.subject_pki.algorithm.algorithm.to_id_string());
        let known = kind.ok().and_then(|kind| SCHEMES.iter().find(|(known, _)| *known == kind));
        known.map_or_else(Self::all, |(_, schemes)| Self { schemes: schemes.to_vec(), with_p521: false })
    }

    /// The same with [`InNameOnly`].
    pub(super) fn with_p521(self) -> Self {
        Self { with_p521: true, ..self }
    }
}

/// TLS 1.2 servers show a certificate only to clients that know the curve of its key (RFC 8422 section 5.1), and ring
/// does not know P-521.
///
/// Named only where nothing was agreed without it: a server may prefer it for agreeing keys, too, and that would fail.
#[derive(Debug)]
struct InNameOnly;

impl SupportedKxGroup for InNameOnly {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, rustls::Error> {
        Err(rustls::Error::General("the server agrees keys on P-521 alone".to_owned()))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

/// The name as TLS has it.
pub(super) fn server_name(name: &str) -> Result<ServerName<'static>, ServedError> {
    let invalid = |_| ServedError::ServerName { name: one_line(name, 253) };
    // The interface of a link-local address is only of use on this machine.
    let name = name.split_once('%').map_or(name, |(address, _)| address);
    ServerName::try_from(domain::normalize(name)).map_err(invalid)
}

/// The certificates that the server at the other end shows.
pub(super) fn chain(name: ServerName<'static>, offer: &Offer, wire: &mut Wire) -> Result<Vec<Vec<u8>>, ServedError> {
    let failed = |error: &rustls::Error, wire: &Wire| wire.tls_error(error);
    let seen = Arc::new(Seen { chain: Mutex::default(), schemes: offer.schemes.clone() });
    let mut provider = ring::default_provider();
    if offer.with_p521 {
        provider.kx_groups.push(&InNameOnly);
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error, wire))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::<Seen>::clone(&seen))
        .with_no_client_auth();
    // A resumed session shows no certificates.
    config.resumption = Resumption::disabled();
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(|error| failed(&error, wire))?;
    let outcome = shake_hands(&mut connection, wire);
    let chain = seen.take();
    if chain.is_empty() {
        outcome?;
        return Err(wire.tls_error(&rustls::Error::NoCertificatesPresented));
    }
    // For the server's log: this is no broken connection.
    connection.send_close_notify();
    let _ = connection.write_tls(wire);
    Ok(chain)
}

fn shake_hands(connection: &mut ClientConnection, wire: &mut Wire) -> Result<(), ServedError> {
    while connection.is_handshaking() {
        while connection.wants_write() {
            connection.write_tls(wire).map_err(|error| wire.handshake_error(&error))?;
        }
        if !connection.is_handshaking() {
            break;
        }
        if connection.read_tls(wire).map_err(|error| wire.handshake_error(&error))? == 0 {
            return Err(wire.handshake_error(&io::ErrorKind::UnexpectedEof.into()));
        }
        if let Err(error) = connection.process_new_packets() {
            // The alert that tells the server, too.
            let _ = connection.write_tls(wire);
            return Err(wire.tls_error(&error));
        }
    }
    while connection.wants_write() {
        connection.write_tls(wire).map_err(|error| wire.handshake_error(&error))?;
    }
    Ok(())
}

/// Accepts every certificate and keeps what it was shown.
///
/// That opens no hole, since nothing is sent to the server that is so accepted, and nothing that it sends is believed:
/// what it showed is compared with what it should have shown.
#[derive(Debug)]
struct Seen {
    chain: Mutex<Vec<Vec<u8>>>,
    schemes: Vec<SignatureScheme>,
}

impl Seen {
    fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.chain.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ServerCertVerifier for Seen {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = [leaf].into_iter().chain(intermediates).map(|der| der.to_vec()).collect();
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = chain;
        Ok(ServerCertVerified::assertion())
    }

    /// Not looked at: ring knows no P-521, Ed448 or SM2, and whether the server has the key its clients will find out.
    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _leaf: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _leaf: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}
