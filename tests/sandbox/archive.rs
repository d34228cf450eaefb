//! Archives as the clouds make them, and as an attacker would.
//!
//! Zips are written here, not by a crate, so that they can be wrong on purpose.

use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Compress, Compression, Crc, FlushCompress};
use rars::{ArchiveVersion, Builder, WriterResources};

use super::catalogue::{Certificate, Material, Trouble};
use super::pki::dummy;
use super::sealed::PASSWORD;
use super::sm2;

/// What Huawei's version 2 hands out; the document says "rar", nobody has shown one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Kind {
    #[default]
    Zip,
    Rar4,
    Rar5,
}

/// Names, and contents; a name that ends in a slash is a directory.
type Entries = Vec<(String, Vec<u8>)>;

/// Tencent's `DownloadCertificate`, in all the layouts that were seen.
pub(crate) fn tencent(certificate: &Certificate, material: &Material) -> Vec<u8> {
    let name = &certificate.domain;
    if let Some(entries) = only_store(certificate, material, &format!("{name}_tomcat/"), name) {
        return zip(as_told(certificate, entries));
    }
    let encryption = material.encryption.as_ref().filter(|_| !certificate.is(Trouble::HalfArchive));
    let entries = match (encryption, certificate.variant % 4) {
        (Some(encryption), _) => sm2::entries("Nginx", name, material, encryption),
        _ if certificate.uploaded => uploaded(name, material),
        (None, 3) => one_server(name, material),
        (None, variant) => all_servers(name, material, variant != 2),
    };
    disturbed(certificate.trouble, as_told(certificate, entries)).unwrap_or_else(zip)
}

/// Huawei's version 2: four folders, each named after id and domain.
pub(crate) fn huawei(certificate: &Certificate, material: &Material, kind: Kind) -> Vec<u8> {
    let stem = format!("{}_{}", certificate.id, certificate.domain.replace('*', "_"));
    let full = material.fullchain();
    let only_store = only_store(certificate, material, &format!("{stem}_Tomcat/{stem}_"), "server");
    let entries = match (only_store, &material.encryption, &material.key) {
        (Some(entries), _, _) => entries,
        (None, Some(encryption), _) => sm2::entries(&format!("{stem}_Nginx"), &stem, material, encryption),
        (None, None, None) => vec![(format!("{stem}_server.pem"), full.into_bytes())],
        (None, None, Some(key)) => {
            let file =
                |server: &str, end: &str, bytes: &[u8]| (format!("{stem}_{server}/{stem}_{end}"), bytes.to_vec());
            vec![
                file("Apache", "ca.crt", material.chain_pem().as_bytes()),
                file("Apache", "server.crt", material.leaf.as_bytes()),
                file("Apache", "server.key", key.as_bytes()),
                file("IIS", "keystorePass.txt", PASSWORD.as_bytes()),
                file("IIS", "server.pfx", &dummy(PFX)),
                file("Nginx", "server.crt", full.as_bytes()),
                file("Nginx", "server.key", key.as_bytes()),
                file("Tomcat", "keystorePass.txt", PASSWORD.as_bytes()),
                file("Tomcat", "server.jks", &dummy(JKS)),
                (format!("{stem}_domain.csr"), material.csr.clone().into_bytes()),
            ]
        }
    };
    disturbed(certificate.trouble, as_told(certificate, entries)).unwrap_or_else(|entries| match kind {
        Kind::Zip => zip(entries),
        Kind::Rar4 => rar(ArchiveVersion::Rar40, entries),
        Kind::Rar5 => rar(ArchiveVersion::Rar50, entries),
    })
}

/// A folder with a key store that is all there is, and its password where that is told.
fn only_store(certificate: &Certificate, material: &Material, folder: &str, stem: &str) -> Option<Entries> {
    let seal = certificate.seal.as_ref()?;
    let (end, store) = seal.store(material)?;
    let password = PASSWORD.as_bytes().to_vec();
    Some(vec![(format!("{folder}{stem}.{end}"), store), (format!("{folder}keystorePass.txt"), password)])
}

/// Without the files that tell the password, if it is not told.
fn as_told(certificate: &Certificate, mut entries: Entries) -> Entries {
    let is_told = certificate.seal.as_ref().is_none_or(|seal| seal.is_told);
    entries.retain(|(name, _)| is_told || !name.ends_with("keystorePass.txt"));
    entries
}

const PFX: &[u8] = &[0x30, 0x82, 0x03, 0x8c];
const JKS: &[u8] = &[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2];

/// Layout A of the API, with numbered names or without.
fn all_servers(name: &str, material: &Material, numbered: bool) -> Entries {
    let number = |n: u8| if numbered { format!("{n}_") } else { String::new() };
    let [one, two, three] = [1, 2, 3].map(number);
    let mut entries: Entries = vec![(format!("{name}.csr"), material.csr.clone().into_bytes())];
    let mut add = |path: String, text: &str| entries.push((path, text.as_bytes().to_vec()));
    add("Nginx/".into(), "");
    add(format!("Nginx/{one}{name}_bundle.crt"), &material.fullchain());
    if let Some(key) = &material.key {
        add(format!("Nginx/{two}{name}.key"), key);
    }
    add("Apache/".into(), "");
    // The final newline may be missing.
    add(format!("Apache/{one}root_bundle.crt"), material.chain_pem().trim_end());
    add(format!("Apache/{two}{name}.crt"), &material.leaf);
    if let Some(key) = &material.key {
        add(format!("Apache/{three}{name}.key"), key);
        for (folder, end, magic) in [("IIS", "pfx", PFX), ("Tomcat", "jks", JKS)] {
            entries.push((format!("{folder}/"), Vec::new()));
            entries.push((format!("{folder}/{name}.{end}"), dummy(magic)));
            entries.push((format!("{folder}/keystorePass.txt"), PASSWORD.as_bytes().to_vec()));
        }
    }
    entries
}

/// Layout B, the console's.
fn one_server(name: &str, material: &Material) -> Entries {
    let folder = format!("{name}_nginx");
    let full = material.fullchain().into_bytes();
    let mut entries = vec![
        (format!("{folder}/"), Vec::new()),
        (format!("{folder}/{name}_bundle.crt"), full.clone()),
        (format!("{folder}/{name}_bundle.pem"), full),
        (format!("{folder}/{name}.csr"), material.csr.clone().into_bytes()),
        (format!("__MACOSX/{folder}/._{name}.key"), dummy(&[0, 5, 0x16, 7])),
    ];
    entries.extend(material.key.clone().map(|key| (format!("{folder}/{name}.key"), key.into_bytes())));
    entries
}

/// Layout C, of an uploaded certificate.
fn uploaded(name: &str, material: &Material) -> Entries {
    let mut entries = vec![(format!("{name}.pem"), material.fullchain().into_bytes())];
    entries.extend(material.key.clone().map(|key| (format!("{name}.key"), key.into_bytes())));
    entries
}

/// The archive with the certificate's trouble in it, or the entries back if it has none.
fn disturbed(trouble: Option<Trouble>, mut entries: Entries) -> Result<Vec<u8>, Entries> {
    match trouble {
        Some(Trouble::NotAZip) => Ok(b"PK\x03\x04 and then nothing that a zip has".to_vec()),
        Some(Trouble::ZipSlip) => {
            entries.push(("../../etc/x".into(), b"escaped".to_vec()));
            Ok(zip(entries))
        }
        Some(Trouble::AbsoluteEntry) => {
            entries.push(("/etc/x".into(), b"escaped".to_vec()));
            Ok(zip(entries))
        }
        Some(Trouble::EncryptedZip) => Ok(Zip::new(true).entries(entries).finish()),
        Some(Trouble::Bomb) => Ok(bomb(entries)),
        _ => Err(entries),
    }
}

fn zip(entries: Entries) -> Vec<u8> {
    Zip::new(false).entries(entries).finish()
}

/// An entry that inflates to nearly 4 GiB (the most that fits without zip64), first in the archive.
fn bomb(entries: Entries) -> Vec<u8> {
    const BLOCK: usize = 1 << 20;
    const BLOCKS: u32 = 4095;
    let zeros = vec![0; BLOCK];
    let mut block = Vec::with_capacity(1 << 14);
    // A full flush ends on a byte and forgets what came before, so the block can be repeated.
    Compress::new(Compression::best(), false).compress_vec(&zeros, &mut block, FlushCompress::Full).unwrap();
    let mut deflated = block.repeat(BLOCKS as usize);
    deflated.extend([3, 0]);
    let (mut crc, mut one) = (Crc::new(), Crc::new());
    one.update(&zeros);
    (0..BLOCKS).for_each(|_| crc.combine(&one));
    let mut zip = Zip::new(false);
    zip.raw("Nginx/1_bundle.crt", 8, crc.sum(), BLOCKS * BLOCK as u32, &deflated);
    zip.entries(entries).finish()
}

/// A zip in the making: local headers with data, and the central directory.
struct Zip {
    data: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
    encrypted: bool,
}

impl Zip {
    fn new(encrypted: bool) -> Self {
        Self { data: Vec::new(), directory: Vec::new(), count: 0, encrypted }
    }

    fn entries(mut self, entries: Entries) -> Self {
        for (name, content) in entries {
            let mut crc = Crc::new();
            crc.update(&content);
            if self.encrypted {
                // The flag is what counts: without a password nobody gets further.
                let noise = dummy(&[0; 12]);
                self.raw(&name, 0, crc.sum(), content.len() as u32, &noise);
            } else if content.is_empty() {
                self.raw(&name, 0, 0, 0, &[]);
            } else {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(&content).unwrap();
                self.raw(&name, 8, crc.sum(), content.len() as u32, &encoder.finish().unwrap());
            }
        }
        self
    }

    fn raw(&mut self, name: &str, method: u16, crc: u32, size: u32, stored: &[u8]) {
        let offset = self.data.len() as u32;
        // Bit 0: encrypted; bit 11: the name is UTF-8.
        let flags: u16 = u16::from(self.encrypted) | 1 << 11;
        let mut common = Vec::new();
        for word in [20, flags, method, 0, 0x5976] {
            common.extend(word.to_le_bytes());
        }
        for double in [crc, stored.len() as u32, size] {
            common.extend(double.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);

        self.data.extend(b"PK\x03\x04");
        self.data.extend(&common);
        self.data.extend(name.as_bytes());
        self.data.extend(stored);

        self.directory.extend(b"PK\x01\x02\x14\x00");
        self.directory.extend(&common);
        self.directory.extend([0; 10]);
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.count += 1;
    }

    fn finish(mut self) -> Vec<u8> {
        let (start, length) = (self.data.len() as u32, self.directory.len() as u32);
        self.data.append(&mut self.directory);
        self.data.extend(b"PK\x05\x06\0\0\0\0");
        for count in [self.count, self.count] {
            self.data.extend(count.to_le_bytes());
        }
        for double in [length, start] {
            self.data.extend(double.to_le_bytes());
        }
        self.data.extend([0, 0]);
        self.data
    }
}

fn rar(version: ArchiveVersion, entries: Entries) -> Vec<u8> {
    // The level at which the widest choice of readers agrees with the writer.
    let level = if version == ArchiveVersion::Rar50 { 2 } else { 3 };
    let mut builder = Builder::new(version).store(false).compression_level(Some(level));
    for (name, content) in entries {
        match name.strip_suffix('/') {
            Some(directory) => builder.add_directory(directory.into(), None, None).unwrap(),
            None => builder.add_bytes(name.into(), content, None, None).unwrap(),
        }
    }
    written(&builder)
}

/// The archive. What is packed on the way lies where temporary files go, not in the current directory.
pub(crate) fn written(builder: &Builder) -> Vec<u8> {
    let resources = WriterResources::default().with_temp_dir(std::env::temp_dir());
    builder.to_bytes_with_resources(&resources, None).unwrap()
}
