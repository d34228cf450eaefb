//! SM2 dual certificates, made by the `openssl` of this machine when an account that has some is first looked at. Where
//! there is none that can, or no `openssl` at all, those accounts are empty.

use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use sha1::{Digest as _, Sha1};

use super::catalogue::Material;
use super::pki::{Issued, Wanted, der};

/// The identity that GM/T 0009 has everybody sign with; openssl's own default is none at all.
const IDENTITY: &str = "distid:1234567812345678";
const ISSUER: &str = "Sandbox SM2 CA";

const CA: &str = "basicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign,cRLSign\n";
pub(crate) const SIGNING: &str = "keyUsage = critical,digitalSignature,nonRepudiation\nextendedKeyUsage = serverAuth\n";
pub(crate) const ENCRYPTION: &str =
    "keyUsage = critical,keyEncipherment,dataEncipherment,keyAgreement\nextendedKeyUsage = serverAuth\n";

/// A certificate with its key, both PEM.
#[derive(Debug, Clone)]
pub(crate) struct Half {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// A root and the one intermediate that issues both halves.
pub(crate) struct Authority {
    root: Half,
    intermediate: Half,
}

/// What a certificate is to say.
struct Request<'r> {
    common_name: &'r str,
    names: &'r [String],
    extensions: &'r str,
    validity: (Timestamp, Timestamp),
}

impl Authority {
    /// None if there is no openssl that makes such certificates.
    pub(crate) fn new(now: Timestamp) -> Option<Self> {
        let years = |count: i64| now.checked_add(SignedDuration::from_hours(count * 365 * 24)).ok();
        let ca = |common_name, from, to| {
            Some(Request { common_name, names: &[], extensions: CA, validity: (years(from)?, years(to)?) })
        };
        let root = issue(key(Form::Pkcs8)?, None, &ca("Sandbox SM2 Root CA", -5, 20)?)?;
        let intermediate = issue(key(Form::Pkcs8)?, Some(&root), &ca(ISSUER, -3, 10)?)?;
        Some(Self { root, intermediate })
    }

    pub(crate) fn issue(&self, wanted: &Wanted) -> Issued {
        // Each in one of the forms that clouds have.
        let signing = self.half(wanted, key(Form::Pkcs8).unwrap(), SIGNING);
        let encryption = self.half(wanted, key(Form::Sec1).unwrap(), ENCRYPTION);
        let body: String = signing.certificate.lines().filter(|line| !line.starts_with('-')).collect();
        Issued {
            sha1: super::signature::hex(&Sha1::digest(STANDARD.decode(body).unwrap())),
            leaf: signing.certificate,
            chain: vec![self.intermediate.certificate.clone()],
            root: self.root.certificate.clone(),
            key: signing.key,
            csr: String::new(),
            issuer: ISSUER.to_owned(),
            encryption: Some(encryption),
        }
    }

    /// A certificate for this key.
    pub(crate) fn half(&self, wanted: &Wanted, key: String, extensions: &str) -> Half {
        let Wanted { common_name, names, validity, .. } = wanted;
        issue(key, Some(&self.intermediate), &Request { common_name, names, extensions, validity: *validity }).unwrap()
    }
}

/// A key that no certificate of the sandbox has.
pub(crate) fn stranger() -> String {
    key(Form::Pkcs8).unwrap()
}

/// A key as authorities send it to whoever made the CSR: an SM2EnvelopedKey of GM/T 0009 in base64, with noise for what
/// only the receiver could read.
pub(crate) fn envelope() -> String {
    const SM4_ECB: &[u8] = &[0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x68, 0x01];
    let noise = |count: usize| -> Vec<u8> { std::iter::repeat_with(|| fastrand::u8(1..0x80)).take(count).collect() };
    let cipher =
        der(0x30, &[&der(2, &[&noise(32)]), &der(2, &[&noise(32)]), &der(4, &[&noise(32)]), &der(4, &[&noise(16)])]);
    let algorithm = der(0x30, &[&der(6, &[SM4_ECB])]);
    let public = der(3, &[&[0, 4], &noise(64)]);
    STANDARD.encode(der(0x30, &[&algorithm, &cipher, &public, &der(3, &[&[0], &noise(32)])]))
}

/// Both halves as files in one folder.
pub(crate) fn entries(folder: &str, name: &str, material: &Material, encryption: &Half) -> Vec<(String, Vec<u8>)> {
    let chain = material.chain_pem();
    let mut entries = vec![
        (format!("{folder}/1_{name}_sign_bundle.crt"), material.fullchain()),
        (format!("{folder}/2_{name}_encrypt_bundle.crt"), format!("{}{chain}", encryption.certificate)),
        (format!("{folder}/4_{name}_encrypt.key"), encryption.key.clone()),
    ];
    entries.extend(material.key.clone().map(|key| (format!("{folder}/3_{name}_sign.key"), key)));
    entries.into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
}

#[derive(Clone, Copy)]
enum Form {
    Pkcs8,
    Sec1,
}

fn key(form: Form) -> Option<String> {
    let directory = tempfile::tempdir().ok()?;
    let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).ok();
    openssl(directory.path(), "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2 -out key.pem")?;
    match form {
        Form::Pkcs8 => read("key.pem"),
        Form::Sec1 => {
            openssl(directory.path(), "ec -in key.pem -out sec1.pem")?;
            // OpenSSL's own word for it; everybody else's is that of all elliptic curves.
            Some(read("sec1.pem")?.replace("SM2 PRIVATE KEY", "EC PRIVATE KEY"))
        }
    }
}

/// A certificate for the key, signed by `signer` or by itself.
fn issue(key: String, signer: Option<&Half>, request: &Request<'_>) -> Option<Half> {
    let directory = tempfile::tempdir().ok()?;
    let at = directory.path();
    let write = |name: &str, text: &str| std::fs::write(at.join(name), text).ok();
    write("key.pem", &key)?;
    write("index.txt", "")?;
    write("openssl.cnf", &config(request))?;
    let signed_by = match signer {
        Some(signer) => {
            write("ca.pem", &signer.certificate)?;
            write("ca.key", &signer.key)?;
            "-cert ca.pem -keyfile ca.key"
        }
        None => "-selfsign -keyfile key.pem",
    };
    let time = |time: Timestamp| time.strftime("%Y%m%d%H%M%SZ").to_string();
    let (from, to) = (time(request.validity.0), time(request.validity.1));
    openssl(at, &format!("req -new -config openssl.cnf -key key.pem -sm3 -sigopt {IDENTITY} -out csr.pem"))?;
    openssl(
        at,
        &format!(
            "ca -batch -notext -config openssl.cnf -in csr.pem {signed_by} -startdate {from} -enddate {to} \
             -sigopt {IDENTITY} -vfyopt {IDENTITY} -out cert.pem"
        ),
    )?;
    Some(Half { certificate: std::fs::read_to_string(at.join("cert.pem")).ok()?, key })
}

fn config(request: &Request<'_>) -> String {
    let names: Vec<String> = request.names.iter().map(|name| format!("DNS:{name}")).collect();
    let names = if names.is_empty() { String::new() } else { format!("subjectAltName = {}\n", names.join(",")) };
    format!(
        "[req]\nprompt = no\ndistinguished_name = subject\n\
         [subject]\nCN = {}\n\
         [ca]\ndefault_ca = this\n\
         [this]\ndatabase = index.txt\nnew_certs_dir = .\nrand_serial = yes\nunique_subject = no\ndefault_md = sm3\n\
         policy = any\nx509_extensions = extensions\n\
         [any]\ncommonName = supplied\n\
         [extensions]\nsubjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n{}{names}",
        request.common_name, request.extensions
    )
}

fn openssl(directory: &Path, arguments: &str) -> Option<()> {
    let mut command = Command::new("openssl");
    command.args(arguments.split(' ')).current_dir(directory);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
    status.success().then_some(())
}
