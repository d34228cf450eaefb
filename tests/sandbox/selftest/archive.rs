//! Other people's tools on the sandbox's archives.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::client::Client;
use super::program;
use crate::sandbox::archive::Kind;
use crate::sandbox::catalogue::Certificate;
use crate::sandbox::{Account, Cloud, Options, Sandbox};

/// What the tool writes to stdout for a file with these bytes; an error if it does not like them.
fn run(tool: &[&str], bytes: &[u8]) -> Result<String, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let output = Command::new(tool[0]).args(&tool[1..]).arg(file.path()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn huawei(kind: Kind) -> (Vec<u8>, Certificate) {
    let sandbox = Sandbox::start(Options { huawei_v2_archive: kind, ..Options::default() });
    let client = Client::new(&sandbox, Cloud::Huawei, Account::Healthy);
    let certificate = sandbox.certificate(Cloud::Huawei, Account::Healthy, "deep chain");
    let project = client.variable("HUAWEICLOUD_SDK_PROJECT_ID");
    (client.get(&format!("/v2/{project}/scm/cert/{}/cert_file", certificate.id)).body, certificate)
}

#[test]
fn huaweis_archives_can_be_read() {
    for (kind, magic) in
        [(Kind::Zip, &b"PK\x03\x04"[..]), (Kind::Rar4, b"Rar!\x1a\x07\x00"), (Kind::Rar5, b"Rar!\x1a\x07\x01\x00")]
    {
        let (bytes, certificate) = huawei(kind);
        assert!(bytes.starts_with(magic), "{kind:?}");
        let material = certificate.material().unwrap();
        let entries = |names: &str| {
            for folder in ["Apache", "IIS", "Nginx", "Tomcat"] {
                assert!(names.contains(&format!("_{folder}/")), "{kind:?}: {names}");
            }
        };
        if program("bsdtar") {
            entries(&run(&["bsdtar", "-tf"], &bytes).unwrap());
        }
        // libarchive 3.6 stumbles over compressed small files in RAR 4 archives, which unar reads.
        if kind != Kind::Rar4 && program("bsdtar") {
            let all = run(&["bsdtar", "-xOf"], &bytes).unwrap();
            assert!(all.contains(&material.fullchain()) && all.contains(material.key.as_ref().unwrap()), "{kind:?}");
        }
        // unar 1.10 takes some RAR 5 archives, by what happens to be in them, for damaged, which bsdtar reads.
        if kind != Kind::Rar5 && program("lsar") {
            // Tests every entry's checksum.
            let listed = run(&["lsar", "-t"], &bytes).unwrap_or_else(|error| panic!("{kind:?}: {error}"));
            entries(&listed);
        }
    }
}

#[test]
fn tencents_zips_can_be_read() {
    let sandbox = Sandbox::start(Options::default());
    let client = Client::new(&sandbox, Cloud::Tencent, Account::Healthy);
    let mut layouts = [0; 4];
    for certificate in sandbox.certificates(Cloud::Tencent, Account::Healthy) {
        let reply = client.action("DownloadCertificate", &json!({"CertificateId": certificate.id})).json();
        let content = reply["Response"]["Content"].as_str();
        assert_eq!(content.is_some(), certificate.downloadable(), "{reply}");
        let Some(content) = content else { continue };
        let bytes = STANDARD.decode(content).unwrap();
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&bytes)).unwrap();
        let names: Vec<String> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
        let has = |end: &str| names.iter().any(|name| name.ends_with(end));
        layouts[0] += usize::from(has("Nginx/") && names.iter().any(|name| name.contains("/1_")));
        layouts[1] += usize::from(has("Nginx/") && !names.iter().any(|name| name.contains("/1_")));
        layouts[2] += usize::from(has("_nginx/"));
        layouts[3] += usize::from(names.len() == 2);
        for index in 0..zip.len() {
            std::io::copy(&mut zip.by_index(index).unwrap(), &mut std::io::sink()).unwrap();
        }
    }
    assert!(layouts.iter().all(|&count| count > 1), "{layouts:?}");
}

#[test]
fn troubled_zips_are_what_they_say() {
    let sandbox = Sandbox::start(Options::default());
    let client = Client::new(&sandbox, Cloud::Tencent, Account::Troubled);
    let zip = |label: &str| {
        let id = sandbox.certificate(Cloud::Tencent, Account::Troubled, label).id;
        let reply = client.action("DownloadCertificate", &json!({"CertificateId": id})).json();
        STANDARD.decode(reply["Response"]["Content"].as_str().unwrap()).unwrap()
    };
    let open = |bytes: Vec<u8>| zip::ZipArchive::new(std::io::Cursor::new(bytes));
    assert!(open(zip("not a zip")).is_err());
    assert!(open(zip("zip slip")).unwrap().file_names().any(|name| name.unwrap() == "../../etc/x"));
    assert!(open(zip("absolute entry")).unwrap().file_names().any(|name| name.unwrap() == "/etc/x"));
    let mut encrypted = open(zip("encrypted zip")).unwrap();
    assert!(encrypted.by_index_raw(1).unwrap().encrypted() && encrypted.by_index(1).is_err());

    let bytes = zip("bomb");
    assert!(bytes.len() < 8 << 20, "{} bytes", bytes.len());
    let mut bomb = open(bytes).unwrap();
    assert_eq!(bomb.by_index(0).unwrap().size(), 4095 << 20);
    // The whole of it takes a while; the start shows that it inflates.
    let mut start = std::io::Read::take(bomb.by_index(0).unwrap(), 64 << 20);
    assert_eq!(std::io::copy(&mut start, &mut std::io::sink()).unwrap(), 64 << 20);
}
