//! The user data of docs/fleet.md: cloud-init's own schema takes it, and what it writes works.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use boon::{Compiler, Schemas};
use serde_json::{Value, json};

use super::{fenced, text, variables, write, yaml};
use crate::cli::Certctl;
use crate::oracle;
use crate::sandbox::{Account, Cloud, Options, Sandbox};

fn user_data() -> Option<(String, Value)> {
    let document = text("docs/fleet.md");
    let block = fenced(&document, "yaml").into_iter().find(|block| block.starts_with("#cloud-config\n")).unwrap();
    let value = yaml(&block)?.pop().unwrap();
    Some((block, value))
}

/// The schema, where cloud-init is installed, or unpacked beside the Python packages.
fn schema() -> Option<Value> {
    let python = std::env::var("CERTCTL_SDK_PYTHON").unwrap_or_default();
    let unpacked = std::path::Path::new(&python).ancestors().nth(2).map(|path| path.join("cloud-init"));
    let below = "usr/lib/python3/dist-packages/cloudinit/config/schemas/schema-cloud-config-v1.json";
    let mut places = unpacked.into_iter().chain(["/".into()]).map(|root| root.join(below));
    let found = places.find(|path| path.is_file());
    oracle::is_there(found.is_some(), "cloud-init's schema")
        .then(|| serde_json::from_slice(&std::fs::read(found.unwrap()).unwrap()).unwrap())
}

fn is_valid(document: &Value, schema: &Value) -> bool {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("schema.json", schema.clone()).unwrap();
    let index = compiler.compile("schema.json", &mut schemas).unwrap();
    schemas.validate(document, index).is_ok()
}

#[test]
fn it_is_user_data_by_the_schema() {
    let (Some((_, document)), Some(schema)) = (user_data(), schema()) else { return };
    assert!(is_valid(&document, &schema), "{document:#}");
    for (pointer, wrong) in
        [("/write_files/0/permissions", json!(600)), ("/write_files/0/path", json!(null)), ("/runcmd", json!("sh"))]
    {
        let mut broken = document.clone();
        *broken.pointer_mut(pointer).unwrap() = wrong;
        assert!(!is_valid(&broken, &schema), "{pointer}");
    }
    assert!(
        document["runcmd"]
            .as_array()
            .unwrap()
            .iter()
            .any(|command| *command == json!(["systemctl", "enable", "--now", "certctl.timer"]))
    );
}

/// A metadata service that has one role's credentials.
fn metadata(sandbox: &Sandbox) -> String {
    let variables = variables(sandbox, Account::Session);
    let keys = json!({"Code": "Success", "ExpiredTime": 4_102_444_800_u64,
        "TmpSecretId": variables["TENCENTCLOUD_SECRET_ID"], "TmpSecretKey": variables["TENCENTCLOUD_SECRET_KEY"],
        "Token": variables["TENCENTCLOUD_TOKEN"]})
    .to_string();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map(Result::unwrap) {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.extend(byte);
            }
            let known = request.starts_with(b"GET /latest/meta-data/cam/security-credentials/certctl ");
            let (status, body) = if known { ("200 OK", keys.as_str()) } else { ("404 Not Found", "") };
            let length = body.len();
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").unwrap();
        }
    });
    format!("http://{address}")
}

#[test]
fn the_role_s_credentials_are_enough() {
    let Some((block, document)) = user_data() else { return };
    assert!(!block.contains("secret_key = ") && !block.contains("access_key = "), "no key in user data");
    let sandbox = Sandbox::start(Options::default());
    let directory = tempfile::tempdir().unwrap();
    let etc = directory.path().to_str().unwrap();
    let held = sandbox.certificates(Cloud::Tencent, Account::Session);
    let name = held.iter().find(|certificate| !certificate.names[0].starts_with('*')).unwrap().names[0].clone();
    for file in document["write_files"].as_array().unwrap() {
        let text = |key: &str| file[key].as_str().unwrap().replace("/etc/certctl", etc);
        let content = text("content").replace("http://metadata.tencentyun.com", &metadata(&sandbox));
        let mode = u32::from_str_radix(&text("permissions"), 8).unwrap();
        assert_eq!(mode & 0o077, 0, "{file}");
        write(text("path").as_ref(), &content.replace("www.example.com", &name), mode);
    }
    let endpoint = &variables(&sandbox, Account::Session)["CERTCTL_TENCENT_ENDPOINT"];
    let certctl = Certctl::with(vec![("CERTCTL_TENCENT_ENDPOINT".to_owned(), endpoint.clone())]);
    let path = std::env::var("PATH").unwrap();
    certctl.env("PATH", &path).args(["sync", "-c", &format!("{etc}/certctl.toml")]).run().exits(0);
    assert!(directory.path().join("certs").join(name).join("privkey.pem").exists());
}
