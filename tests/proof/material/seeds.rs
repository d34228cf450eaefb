//! The seeds of fuzz/, made anew: `cargo test --test suite -- --ignored proof::material::seeds`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use serde_json::{Value, json};

use crate::bundle::archives::{Files, RawEntry, archives_of, raw_zip, tencent, zip_of};
use crate::bundle::pki::{Node, OID_P256, Pki, Wish, ec_parts, key_pair, pem, rsa, rsa_pkcs1, sec1};
use crate::cli::Certctl;
use crate::oracle::run;
use crate::sandbox::pki::{Depth, KeyKind, Wanted};
use crate::sandbox::sm2::{Authority, envelope};
use crate::sandbox::{Account, Cloud, Options, Sandbox};

/// Between the pieces of an input.
const END: &str = "\u{1e}";

/// All of them last for decades.
fn for_long(wish: Wish) -> Wish {
    wish.days(-2_000, 30_000)
}

struct Desk {
    seeds: PathBuf,
    scratch: tempfile::TempDir,
}

impl Desk {
    fn put(&self, target: &str, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.seeds.join(target).join(name), bytes).unwrap();
    }

    fn at(&self, name: &str) -> String {
        self.scratch.path().join(name).display().to_string()
    }

    /// What openssl writes; `@` stands for the scratch directory.
    fn openssl(&self, words: &str) -> Vec<u8> {
        let words = format!("{words} -out @/out").replace('@', &self.at(""));
        run("openssl", &words.split_whitespace().collect::<Vec<_>>());
        fs::read(self.at("out")).unwrap()
    }
}

#[test]
#[ignore = "writes into the tree"]
fn the_seeds() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for (target, _) in super::targets::TARGETS {
        let _ = fs::remove_dir_all(seeds.join(target));
        fs::create_dir_all(seeds.join(target)).unwrap();
    }
    let desk = Desk { seeds, scratch: tempfile::tempdir().unwrap() };
    let root = Node::self_signed(for_long(Wish::ca("Root")), key_pair("EC P-256"));
    let intermediate = root.issue(for_long(Wish::ca("Intermediate")));
    let leaf = intermediate.issue(for_long(Wish::leaf(&["www.example.com", "example.com"])));
    let pki = Pki { root, intermediate, leaf };
    let chain = pki.fullchain() + &pki.root.pem();
    fs::write(desk.seeds.join("chain.pem"), &chain).unwrap();
    // The scalar of the key begins at its 36th byte, so that the first line ends and the second begins with it.
    let key_pem = pki.leaf.key_pem();
    let lines: Vec<&str> = key_pem.lines().collect();
    fs::write(desk.seeds.join("secrets.txt"), format!("{}\n{}\n", &lines[1][48..], &lines[2][..26])).unwrap();
    fs::write(desk.seeds.join("pool.pem"), pool(&pki)).unwrap();
    fs::write(desk.at("key.pem"), pki.leaf.key_pem()).unwrap();
    fs::write(desk.at("chain.pem"), &chain).unwrap();
    texts(&desk, &pki);
    archives(&desk, &pki);
    keys(&desk, &pki);
    under_passwords(&desk);
    replies(&desk, &pki);
    files(&desk);
    servers(&desk, &pki);
    sm2(&desk);
}

/// Certificates around one leaf, and keys.
fn pool(pki: &Pki) -> String {
    let old_root = Node::self_signed(for_long(Wish::ca("Old Root")), key_pair("EC P-256"));
    let loops = [Node::root("Loop"), Node::root("Pool")];
    let other = pki.intermediate.issue(for_long(Wish::leaf(&["other.example.com"])));
    let direct = pki.root.issue(for_long(Wish::leaf(&["direct.example.com"])));
    let (scalar, point) = ec_parts(pki.leaf.key.serialized_der());
    let certificate = |der: &[u8]| pem("CERTIFICATE", der);
    [
        pki.leaf.pem(),
        pki.leaf.key_pem(),
        pki.intermediate.pem(),
        pki.root.pem(),
        pem("EC PRIVATE KEY", &sec1(&scalar, Some(OID_P256), Some(&point))),
        certificate(&pki.root.cross_signed_by(&old_root, &for_long(Wish::ca("Root")))),
        certificate(&pki.intermediate.cross_signed_by(&old_root, &for_long(Wish::ca("Intermediate")))),
        certificate(&pki.root.sign(&Wish::ca("Intermediate").days(-900, -10), &pki.intermediate.key)),
        certificate(&pki.intermediate.sign(&Wish::leaf(&["www.example.com"]).days(-1_000, 20_000), &pki.leaf.key)),
        certificate(&loops[0].cross_signed_by(&loops[1], &for_long(Wish::ca("Loop")))),
        certificate(&loops[1].cross_signed_by(&loops[0], &for_long(Wish::ca("Pool")))),
        certificate(&loops[0].sign(&for_long(Wish::leaf(&["www.example.com"])), &pki.leaf.key)),
        certificate(&pki.intermediate.cross_signed_by(&loops[0], &for_long(Wish::ca("Intermediate")))),
        old_root.pem(),
        pki.root.issue(for_long(Wish::ca("Sibling"))).pem(),
        other.pem(),
        other.key_pem(),
        direct.pem(),
        direct.key_pem(),
        certificate(&pki.intermediate.sign(&for_long(Wish::ca("Intermediate").not_a_ca()), &pki.intermediate.key)),
    ]
    .concat()
}

fn texts(desk: &Desk, pki: &Pki) {
    let all = pki.fullchain() + &pki.leaf.key_pem();
    let rsa_key = rsa("rsa-2048.pem");
    let of_rsa = pem("CERTIFICATE", &pki.intermediate.sign(&for_long(Wish::leaf(&["www.example.com"])), &rsa_key.1));
    let seeds = [
        ("all", all.clone()),
        ("crlf", all.replace('\n', "\r\n")),
        ("glued", all.replace("-----\n-----", "----------")),
        ("one-line", all.replace('\n', "\\n")),
        ("attributes", format!("Bag Attributes\n  friendlyName: x\n{all}\nsubject=CN = x\n")),
        ("rsa", of_rsa + &pki.intermediate.pem() + &pem("PRIVATE KEY", &rsa_key.0)),
        ("base64", STANDARD.encode(&pki.leaf.der)),
        ("trusted", all.replace("CERTIFICATE", "TRUSTED CERTIFICATE")),
        ("cut-off", all[..all.len() - 40].to_owned()),
    ];
    for (name, text) in &seeds {
        desk.put("pem", name, text);
        desk.put("audit", name, text);
    }
    desk.put("pem", "leaf.der", &pki.leaf.der);
    let (leaf, key, above, root) = (pki.leaf.pem(), pki.leaf.key_pem(), pki.intermediate.pem(), pki.root.pem());
    desk.put("chain", "apart", [&leaf, &key, &above, &root].map(String::as_str).join(END));
    desk.put("chain", "backwards", [&root, &above, &leaf, &key].map(String::as_str).join(END));
    desk.put("chain", "no-root", [&key, &(leaf.clone() + &above)].map(String::as_str).join(END));
    desk.put("chain", "twice", [leaf.as_str(), &leaf, &above, &above, &key, &key].join(END));
    for (name, choice) in [
        ("plain", &[0_u8, 1, 2, 3][..]),
        ("crossed", &[0, 1, 2, 3, 5, 6, 13, 14]),
        ("loops", &[11, 1, 9, 10]),
        ("loops-in", &[0, 1, 12, 9, 10]),
        ("two-leaves", &[0, 1, 2, 15, 16]),
        ("renewed", &[0, 8, 4, 2]),
        ("expired", &[0, 1, 7]),
        ("direct", &[17, 18, 3]),
        ("all", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 19]),
    ] {
        desk.put("selection", name, choice);
    }
}

fn archives(desk: &Desk, pki: &Pki) {
    let few: Files = vec![
        ("a/".to_owned(), Vec::new()),
        ("a/chain.crt".to_owned(), pki.fullchain().into_bytes()),
        ("a/www.key".to_owned(), pki.leaf.key_pem().into_bytes()),
    ];
    let tiny = ["a/", "a/b.pem", "c.key"].map(|name| (name.to_owned(), b"text text text".to_vec())).to_vec();
    for (size, files) in [("few", &few), ("tiny", &tiny)] {
        for (kind, archive) in archives_of(files) {
            let target = if kind == "zip" { "zip" } else { "rar" };
            desk.put(target, &format!("{size}-{}", kind.replace([' ', ','], "")), archive);
        }
    }
    desk.put("zip", "tencent", zip_of(&tencent(pki)));
    desk.put(
        "zip",
        "stored",
        raw_zip(&[RawEntry::stored(b"a/all.pem", (pki.fullchain() + &pki.leaf.key_pem()).as_bytes())]),
    );
}

fn keys(desk: &Desk, pki: &Pki) {
    let (scalar, point) = ec_parts(pki.leaf.key.serialized_der());
    desk.put("key", "p256.pkcs8", pki.leaf.key.serialized_der());
    desk.put("key", "p256.sec1", sec1(&scalar, Some(OID_P256), Some(&point)));
    desk.put("key", "bare.sec1", sec1(&scalar, None, None));
    desk.put("key", "p384.pkcs8", key_pair("EC P-384").serialized_der());
    desk.put("key", "ed25519.pkcs8", key_pair("Ed25519").serialized_der());
    let (rsa, _) = rsa("rsa-1024.pem");
    desk.put("key", "rsa.pkcs8", &rsa);
    desk.put("key", "rsa.pkcs1", rsa_pkcs1(&rsa));
    desk.put("key", "sm2.pkcs8", desk.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2 -outform DER"));
    desk.put("key", "p521.pkcs8", desk.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -outform DER"));
    desk.put("key", "dsa.pkcs8", desk.openssl("genpkey -algorithm X25519 -outform DER"));
}

/// With the password `x` in front.
fn under_passwords(desk: &Desk) {
    let behind = |bytes: &[u8]| [b"x\x1e", bytes].concat();
    for (name, how) in [
        ("modern", "-iter 2"),
        ("legacy", "-iter 2 -legacy"),
        ("no-mac", "-iter 2 -nomac"),
        ("no-encryption", "-iter 2 -keypbe NONE -certpbe NONE"),
        ("sha512", "-iter 2 -macalg sha512"),
    ] {
        let made = desk.openssl(&format!("pkcs12 -export -inkey @/key.pem -in @/chain.pem -passout pass:x {how}"));
        desk.put("keystore", name, behind(&made));
    }
    let stores = desk.at("store.jks");
    fs::write(
        desk.at("in.p12"),
        desk.openssl("pkcs12 -export -inkey @/key.pem -in @/chain.pem -passout pass:xxxxxx -iter 2"),
    )
    .unwrap();
    let import = format!(
        "-importkeystore -srckeystore {} -srcstoretype PKCS12 -srcstorepass xxxxxx -deststoretype JKS -deststorepass xxxxxx -destkeystore {stores}",
        desk.at("in.p12")
    );
    run("keytool", &import.split_whitespace().collect::<Vec<_>>());
    desk.put("keystore", "java", [b"xxxxxx\x1e", fs::read(&stores).unwrap().as_slice()].concat());
    for (name, how) in [
        ("aes", "pkcs8 -topk8 -v2 aes-256-cbc -iter 2"),
        ("aes.der", "pkcs8 -topk8 -v2 aes-128-cbc -iter 2 -outform DER"),
        ("des3", "pkcs8 -topk8 -v2 des3 -iter 2"),
        ("pbes1", "pkcs8 -topk8 -v1 PBE-SHA1-3DES -iter 2"),
        ("md5", "pkcs8 -topk8 -v1 PBE-MD5-DES -iter 2 -provider legacy -provider default"),
        ("scrypt", "pkcs8 -topk8 -scrypt -scrypt_N 2 -scrypt_r 1 -scrypt_p 1"),
        ("own", "ec -aes128"),
        ("own-des", "ec -des3"),
    ] {
        desk.put("sealed", name, behind(&desk.openssl(&format!("{how} -in @/key.pem -passout pass:x"))));
    }
}

/// One reply of each operation of each cloud.
fn replies(desk: &Desk, pki: &Pki) {
    let (chain, key) = (pki.fullchain(), pki.leaf.key_pem());
    let zip = STANDARD.encode(zip_of(&vec![
        ("a.crt".to_owned(), chain.clone().into_bytes()),
        ("a.key".to_owned(), key.clone().into_bytes()),
    ]));
    let put = |name: &str, choice: u8, replies: &[Value]| {
        let bodies: Vec<String> = replies.iter().map(Value::to_string).collect();
        desk.put("replies", name, [&[choice][..], bodies.join(END).as_bytes()].concat());
    };
    let (list, describe, download) = (0, 4, 8);
    let row = json!({"certId": "id-1", "certName": "a", "commonName": "www.example.com", "startTime": "2026-01-01T00:00:00Z", "endTime": 1_900_000_000, "dnsNames": ["www.example.com", "example.com"]});
    put("jd-list", list, &[json!({"requestId": "r", "result": {"certListDetails": [row], "totalCount": 1}})]);
    put("jd-describe", describe, &[json!({"requestId": "r", "result": row})]);
    put(
        "jd-download",
        download,
        &[json!({"result": {"certDesc": [{"certId": "id-1", "keyFile": key, "certFile": chain}]}})],
    );
    put(
        "jd-error",
        download,
        &[json!({"requestId": "r", "error": {"code": 404, "status": "NOT_FOUND", "message": "no"}})],
    );
    let row = json!({"CertificateId": "id-1", "Alias": "a", "Domain": "www.example.com", "SubjectAltName": ["www.example.com", null], "Status": 1, "CertBeginTime": "2026-01-01 00:00:00", "CertEndTime": "2027-01-01 00:00:00"});
    put("tx-list", 1 + list, &[json!({"Response": {"TotalCount": 1, "Certificates": [row], "RequestId": "r"}})]);
    put("tx-describe", 1 + describe, &[json!({"Response": row})]);
    put("tx-download", 1 + download, &[json!({"Response": {"Content": zip, "ContentType": "application/zip"}})]);
    put(
        "tx-detail",
        1 + download,
        &[
            json!({"Response": {"Error": {"Code": "FailedOperation", "Message": "no"}}}),
            json!({"Response": {"Status": 1, "CertificatePublicKey": chain, "CertificatePrivateKey": key, "RootCert": {"Standard": ""}}}),
        ],
    );
    let row = json!({"id": "id-1", "name": "a", "domain": "www.example.com", "sans": "www.example.com;example.com", "status": "ISSUED", "not_before": "2026-01-01 00:00:00.0", "not_after": "2027-01-01 00:00:00.0", "domain_count": 1});
    put("hw-list", 2 + list, &[json!({"certificates": [row], "total_count": 1})]);
    put("hw-describe", 2 + describe, &[row]);
    put("hw-download", 2 + download, &[json!({"entire_certificate": chain, "private_key": key})]);
    put(
        "hw-v2",
        2 + 16 + list,
        &[
            json!({"id": "p", "projects": [{"id": "p"}]}),
            json!({"order_list": [{"cert_id": "id-1", "domain": "www.example.com", "order_status": "ISSUED"}], "total": 1}),
        ],
    );
    put("hw-error", 2 + describe, &[json!({"error_code": "SCM.0003", "error_msg": "no", "request_id": "r"})]);
    let row = json!({"id": "id-1", "certName": "a", "commonName": "www.example.com", "certState": "validity", "issueTime": 1_750_000_000_000_u64, "expiresTime": "2027-01-01 00:00:00", "scans": ["www.example.com"], "key": key, "certs": chain});
    let of = |data: Value| json!({"status": {"code": "Success"}, "data": data});
    put("ct-list", 3 + list, &[of(json!({"certList": [row], "total": 1}))]);
    put("ct-describe", 3 + describe, &[of(row.clone())]);
    put("ct-download", 3 + download, &[of(row)]);
    let of = |data: Value| json!({"statusCode": "200", "returnObj": data});
    put(
        "ccms-list",
        3 + 16 + list,
        &[of(
            json!({"list": [{"id": "id-1", "resourceId": "x", "name": "a", "status": "ISSUED", "domainName": ["www.example.com"]}], "totalSize": 1}),
        )],
    );
    put("ccms-download", 3 + 16 + download, &[of(json!({"entireCertificate": chain, "privateKey": key}))]);
    desk.put("replies", "busy", [&[1_u8][..], b"503 <html>busy</html>\x1e429 {}"].concat());
    desk.put(
        "replies",
        "raw",
        [&[0x80_u8][..], b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"].concat(),
    );
}

fn files(desk: &Desk) {
    let example = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/example.toml")).unwrap();
    desk.put("config", "example", example);
    desk.put("config", "small", "dir = '/d'\n[accounts.tx]\nprovider = 'tencent'\naccess_key = 'a'\nsecret_key = 'b'\n[[certificates]]\nname = 'www.example.com'\nhook = 'true'\n");
    desk.put(
        "config",
        "wrong",
        "dirr = 1\n[accounts.tx]\nprovider = 'tencemt'\n[[certificates]]\nname = '..'\nformats = ['jkz']\n",
    );
    desk.put(
        "credentials",
        "jd",
        "\0[default]\nx=1\n\x1edefault"
            .replace("[default]\nx=1", "{\"jdcloud\":{\"access_key\":\"a\",\"secret_key\":\"b\"}}"),
    );
    desk.put("credentials", "jd-ini", "\0[default]\naccess_key = AKEXAMPLE\nsecret_key = SKEXAMPLE\n\x1edefault");
    desk.put("credentials", "tx", "\x01{\"secretId\": \"AKEXAMPLE\", \"secretKey\": \"SKEXAMPLE\", \"token\": null}\x1e[default]\nsecret_id = a\nsecret_key = b\n");
    desk.put("credentials", "hw", "\x02[basic]\nak = a\nsk = b\n\x1e{\"current\":\"default\",\"profiles\":[{\"name\":\"default\",\"mode\":\"AKSK\",\"accessKeyId\":\"a\",\"secretAccessKey\":\"b\",\"projectId\":\"p\"}]}");
    desk.put("credentials", "ct", "\x03[default]\naccess_key = a\nsecret_key = b\n");
    let sandbox = Sandbox::start(Options::default());
    let dir = desk.scratch.path().join("certs");
    let certificates = sandbox.certificates(Cloud::Tencent, Account::Healthy);
    let good = certificates.iter().find(|one| one.downloadable() && one.in_date() && one.has_key()).unwrap();
    let args = ["download", "-p", "tencent", "--name", "www.example.com", &good.id, "-d"];
    Certctl::new(&sandbox).args(args).args([&dir]).run().exits(0);
    let current = dir.join("www.example.com/current");
    let metadata = fs::read_to_string(current.join("metadata.json")).unwrap();
    let leaf = fs::read_to_string(current.join("cert.pem")).unwrap();
    let state = json!({
        "schema": "certctl.state/v1",
        "unfinished": {"previous": "20261121T020304Z-9bfe606b", "is_checked": false, "copies": ["/tmp/x"], "new_copies": ["/tmp/y"]},
        "rejected": {"version": "20261121T020304Z-9bfe606b", "id": "id-1", "not_before": "2026-01-01T00:00:00Z", "not_after": "2027-01-01T00:00:00Z"},
    });
    desk.put("state", "fresh", [metadata.as_str(), "", &leaf].join(END));
    desk.put("state", "unfinished", [metadata.as_str(), &state.to_string(), &leaf].join(END));
    desk.put("state", "bare", ["{}", "{}", "x"].join(END));
}

fn servers(desk: &Desk, pki: &Pki) {
    let behind = |choice: u8, before: &[u8], tls: &[u8]| [&[choice][..], before, tls].concat();
    for (name, version) in [("tls12", &rustls::version::TLS12), ("tls13", &rustls::version::TLS13)] {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chain = [&pki.leaf.der, &pki.intermediate.der].map(|der| CertificateDer::from(der.clone())).to_vec();
        let key = PrivatePkcs8KeyDer::from(pki.leaf.key.serialize_der()).into();
        let server =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&[version]).unwrap();
        let server = server.with_no_client_auth().with_single_cert(chain, key).unwrap();
        let client = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
        let client = client.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
        let mut server = ServerConnection::new(Arc::new(server)).unwrap();
        let mut client = ClientConnection::new(Arc::new(client), ServerName::try_from("localhost").unwrap()).unwrap();
        let (mut hello, mut flight) = (Vec::new(), Vec::new());
        client.write_tls(&mut hello).unwrap();
        server.read_tls(&mut hello.as_slice()).unwrap();
        server.process_new_packets().unwrap();
        while server.wants_write() {
            server.write_tls(&mut flight).unwrap();
        }
        desk.put("served", name, behind(0, b"", &flight));
        desk.put(
            "served",
            &format!("smtp-{name}"),
            behind(1, b"220 mx ESMTP\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n", &flight),
        );
        desk.put("served", &format!("imap-{name}"), behind(2, b"* OK hello\r\na1 OK go\r\n", &flight));
        desk.put("served", &format!("postgres-{name}"), behind(3, b"S", &flight));
    }
    desk.put("served", "alert", [0, 0x15, 3, 3, 0, 2, 2, 112]);
    desk.put("served", "http", b"\0HTTP/1.1 400 Bad Request\r\n\r\n");
}

fn sm2(desk: &Desk) {
    let now = Timestamp::now();
    let authority = Authority::new(now).unwrap();
    let day = |count: i64| now.checked_add(SignedDuration::from_hours(24 * count)).unwrap();
    let wanted = Wanted {
        common_name: "www.example.com".to_owned(),
        names: vec!["www.example.com".to_owned()],
        validity: (day(-1), day(3_600)),
        key: KeyKind::Sm2,
        depth: Depth::One,
    };
    let issued = authority.issue(&wanted);
    let half = issued.encryption.unwrap();
    let chain = issued.chain.concat();
    let both = [&issued.leaf, &issued.key, &half.certificate, &half.key, &chain].map(String::as_str);
    desk.put("sm2", "dual", both.join(END));
    desk.put(
        "sm2",
        "no-second-key",
        [&issued.leaf, &issued.key, &half.certificate, &chain].map(String::as_str).join(END),
    );
    desk.put("sm2", "no-first-key", [&issued.leaf, &half.certificate, &half.key, &chain].map(String::as_str).join(END));
    desk.put("sm2", "signing-half", [&issued.leaf, &issued.key, &chain].map(String::as_str).join(END));
    desk.put(
        "sm2",
        "envelope",
        [&issued.leaf, &issued.key, &half.certificate, &envelope(), &chain].map(String::as_str).join(END),
    );
}
