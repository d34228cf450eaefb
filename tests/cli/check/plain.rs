//! Directories of PEM files that certctl did not write.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rcgen::KeyPair;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::geteuid;
use serde_json::Value;

use super::{Ground, NAME, Pki, codes, copy, problems, set_mode};

/// What certbot makes: `live/NAME` with links into `archive/NAME`.
fn certbot(ground: &Ground, pki: &Pki, name: &str, days: (i64, i64)) {
    let leaf = pki.leaf(name, days);
    let (live, archive) = (ground.path("le/live").join(name), ground.path("le/archive").join(name));
    fs::create_dir_all(&live).unwrap();
    fs::create_dir_all(&archive).unwrap();
    fs::write(ground.path("le/live/README"), "This directory contains your keys and certificates.\n").unwrap();
    fs::write(live.join("README"), "-----BEGIN is what PEM has.\n").unwrap();
    let contents = [
        ("cert", leaf.pem.clone()),
        ("chain", pki.intermediate.pem.clone()),
        ("fullchain", pki.fullchain(&leaf)),
        ("privkey", leaf.key_pem()),
    ];
    for (file, text) in contents {
        fs::write(archive.join(format!("{file}1.pem")), text).unwrap();
        symlink(format!("../../archive/{name}/{file}1.pem"), live.join(format!("{file}.pem"))).unwrap();
    }
    set_mode(&archive.join("privkey1.pem"), 0o600);
}

/// Something that happens to the live and the archive directory; code and words of what is found.
type Damage = (fn(&Path, &Path), &'static str, &'static str);

const DAMAGES: &[Damage] = &[
    (|live, _| fs::remove_file(live.join("privkey.pem")).unwrap(), "missing_file", "privkey.pem is missing"),
    (
        |_, archive| fs::remove_file(archive.join("privkey1.pem")).unwrap(),
        "missing_file",
        "privkey.pem points to ../../archive",
    ),
    (|live, _| fs::remove_file(live.join("fullchain.pem")).unwrap(), "missing_file", "fullchain.pem is missing"),
    (|_, archive| fs::write(archive.join("cert1.pem"), "x").unwrap(), "not_pem", "cert.pem holds no certificate"),
    (|_, archive| fs::write(archive.join("chain1.pem"), "x").unwrap(), "not_pem", "chain.pem holds no certificate"),
    (|_, archive| fs::write(archive.join("privkey1.pem"), "x").unwrap(), "not_pem", "privkey.pem holds no private key"),
    (|_, archive| edit(archive, "fullchain1.pem", |text| text[..text.len() - 60].to_owned()), "not_pem", "cut off"),
    (
        |_, archive| edit(archive, "privkey1.pem", |_| KeyPair::generate().unwrap().serialize_pem()),
        "key_mismatch",
        "privkey.pem is not the key of",
    ),
    (
        |_, archive| edit(archive, "fullchain1.pem", |text| first(text).to_owned()),
        "chain_incomplete",
        "fullchain.pem: the chain is incomplete",
    ),
    (
        |_, archive| edit(archive, "fullchain1.pem", |text| text.replace(first(text), "") + first(text)),
        "chain_order",
        "begins with \"CN=Check Intermediate\"",
    ),
    (
        |_, archive| edit(archive, "chain1.pem", |_| String::new()),
        "chain_incomplete",
        "chain.pem: the chain is incomplete",
    ),
    (
        |_, archive| edit(archive, "cert1.pem", |_| Pki::new().leaf(NAME, (-1, 9)).pem),
        "chain_order",
        "cert.pem holds the certificate",
    ),
];

fn edit(archive: &Path, name: &str, change: impl Fn(&str) -> String) {
    let path = archive.join(name);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, change(&text)).unwrap();
}

/// The first PEM block.
fn first(text: &str) -> &str {
    text.split_inclusive("-----END CERTIFICATE-----\n").next().unwrap()
}

#[test]
fn certbots_layout() {
    let ground = Ground::new();
    let pki = Pki::new();
    certbot(&ground, &pki, NAME, (-1, 60));
    let (live, archive) = (ground.path("le/live").join(NAME), ground.path("le/archive").join(NAME));
    let target = live.display().to_string();
    let run = ground.check(&[&target, "-o", "json"]).exits(0);
    let document = run.json();
    assert_eq!((run.stderr.as_str(), document["results"].as_array().unwrap().len()), ("", 1));
    assert_eq!((&document["results"][0]["name"], &document["results"][0]["ok"]), (&NAME.into(), &true.into()));
    copy(&ground.path("le"), &ground.path("sound"));
    for (damage, code, words) in DAMAGES {
        damage(&live, &archive);
        let before = super::snapshot(&ground.path("le"));
        let found = ground.problems(&target, 6);
        assert_eq!(super::snapshot(&ground.path("le")), before);
        assert_eq!(codes(&found), [*code].into(), "{words}: {found:?}");
        assert!(found.iter().any(|(_, message)| message.contains(words)), "{words}: {found:?}");
        fs::remove_dir_all(ground.path("le")).unwrap();
        copy(&ground.path("sound"), &ground.path("le"));
    }
    assert_eq!(ground.problems(&target, 0), []);
}

/// Each directory in it is one, or several; what has nothing to do with certificates is passed over.
#[test]
fn parents_of_several() {
    let ground = Ground::new();
    let pki = Pki::new();
    for (name, days) in [("a.example", (-1, 60)), ("b.example", (-30, 5)), ("c.example", (-30, -2))] {
        certbot(&ground, &pki, name, days);
    }
    fs::create_dir(ground.path("le/live/notes")).unwrap();
    let states = |run: &super::Run| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        run.json()["results"].as_array().unwrap().iter().map(|row| (text(&row["name"]), text(&row["state"]))).collect()
    };
    let expected = |states: [(&str, &str); 3]| states.map(|(name, state)| (name.to_owned(), state.to_owned()));
    let live = ground.text("le/live");
    let run = ground.check(&[&live, "-o", "json", "--within", "30d"]).exits(11);
    assert_eq!(states(&run), expected([("a.example", "ok"), ("b.example", "expiring"), ("c.example", "expired")]));
    // Only what is expired counts without a time.
    let run = ground.check(&[&live, "-o", "json"]).exits(11);
    assert_eq!(states(&run), expected([("a.example", "ok"), ("b.example", "ok"), ("c.example", "expired")]));
    fs::remove_file(ground.path("le/live/a.example/chain.pem")).unwrap();
    let run = ground.check(&[&live, "-o", "json", "--within", "30d"]).exits(6);
    assert_eq!(states(&run), expected([("a.example", "damaged"), ("b.example", "expiring"), ("c.example", "expired")]));
    // certctl's own, among them one that the config names.
    ground.download("d.example", "pem");
    ground.download("e.example", "pem");
    ground.configure(&super::table("e.example", "key_mode = '0640'"));
    let found = ground.problems(&ground.text("certs"), 6);
    assert_eq!(codes(&found), ["mode"].into());
    assert!(found.iter().all(|(_, message)| message.contains("e.example")), "{found:?}");
}

/// Certificates and keys beside each other, as people keep them for nginx.
#[test]
fn several_in_one_directory() {
    let ground = Ground::new();
    let (ssl, pki) = (ground.path("ssl"), Pki::new());
    fs::create_dir(&ssl).unwrap();
    let [a, b, c] = ["a.example", "b.example", "c.example"].map(|name| pki.leaf(name, (-1, 60)));
    let write = |name: &str, text: &str| fs::write(ssl.join(name), text).unwrap();
    let usual = || {
        write("a.crt", &pki.fullchain(&a));
        write("a.key", &a.key_pem());
        // Apache's way: the chain has a file of its own.
        write("b.crt", &b.pem);
        write("b-chain.crt", &pki.intermediate.pem);
        write("key-of-b", &b.key_pem());
        // HAProxy's way: all in one.
        write("c.pem", &(pki.fullchain(&c) + &c.key_pem()));
        write("roots.pem", &(pki.root.pem.clone() + &Pki::new().root.pem));
    };
    usual();
    write("dhparams.pem", "-----BEGIN DH PARAMETERS-----\nMAA=\n-----END DH PARAMETERS-----\n");
    write("a.csr", "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n");
    write(".htaccess", "deny from all\n");
    write("notes.txt", "hello\n");
    write("large.pem", &"x".repeat(2 << 20));
    mknodat(CWD, ssl.join("fifo.pem"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    symlink("/dev/zero", ssl.join("zero.pem")).unwrap();
    fs::create_dir(ssl.join("old")).unwrap();
    let target = ground.text("ssl");
    let run = ground.check(&[&target, "-o", "json"]).exits(0);
    let names: Vec<_> = run.json()["results"].as_array().unwrap().iter().map(|row| row["name"].clone()).collect();
    assert_eq!(names, ["a.crt", "b.crt", "c.pem"]);
    assert_eq!(run.stderr, "");
    let other = KeyPair::generate().unwrap().serialize_pem();
    let damages: [(&dyn Fn(), &str, &str); 12] = [
        (&|| write("a.key", &other), "key_mismatch", "a.key is not the key of"),
        (&|| write("a.key", &b.key_pem()), "key_mismatch", "a.key is not the key of"),
        (&|| write("key-of-b", &other), "key_mismatch", "no private key in"),
        (&|| fs::remove_file(ssl.join("key-of-b")).unwrap(), "missing_file", "no private key in"),
        (&|| write("c.pem", &(pki.fullchain(&c) + &other)), "key_mismatch", "c.pem is not the key of"),
        (
            &|| write("a.crt", &(pki.intermediate.pem.clone() + &a.pem)),
            "chain_order",
            "a.crt: the chain is out of order",
        ),
        (&|| write("a.crt", &(a.pem.clone() + &pki.root.pem)), "chain_incomplete", "a.crt: the chain is incomplete"),
        (&|| fs::remove_file(ssl.join("b-chain.crt")).unwrap(), "chain_incomplete", "b.crt: the chain is incomplete"),
        (&|| write("a.crt", &a.pem[..200]), "not_pem", "cut off"),
        (&|| write("c.pem", "hello"), "not_pem", "c.pem is neither PEM nor DER"),
        (&|| symlink("gone", ssl.join("d.crt")).unwrap(), "missing_file", "d.crt points to gone"),
        (
            // The right key is there, but not where a server that is told a.key finds it.
            &|| {
                drop(fs::remove_file(ssl.join("d.crt")));
                write("a.key", &b.key_pem());
                write("spare", &a.key_pem());
            },
            "key_mismatch",
            "a.key is not the key of",
        ),
    ];
    for (damage, code, words) in damages {
        damage();
        let found = ground.problems(&target, 6);
        assert_eq!(codes(&found), [code].into(), "{words}: {found:?}");
        assert!(found.iter().any(|(_, message)| message.contains(words)), "{words}: {found:?}");
        usual();
    }
}

#[test]
fn nothing_there() {
    let ground = Ground::new();
    fs::create_dir_all(ground.path("empty/more")).unwrap();
    fs::write(ground.path("empty/notes"), "x").unwrap();
    ground.check(&[&ground.text("empty")]).exits(2).says(&["holds no certificate, nor does any directory in it"]);
    let root = Pki::new().root;
    fs::write(ground.path("empty/ca.crt"), &root.pem).unwrap();
    ground.check(&[&ground.text("empty")]).exits(2).says(&["holds no certificate"]);
    // With its key it is some server's: so are most self-signed ones.
    fs::write(ground.path("empty/ca.key"), root.key_pem()).unwrap();
    assert_eq!(ground.problems(&ground.text("empty"), 0), []);
}

fn as_nobody(ground: &Ground, target: &str) -> super::Run {
    // The built command may be where only root gets.
    let certctl = ground.path("certctl");
    if !certctl.exists() {
        fs::copy(env!("CARGO_BIN_EXE_certctl"), &certctl).unwrap();
    }
    let mut command = std::process::Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&certctl);
    command.args(["check", "-o", "json", target]).current_dir("/").env_clear().env("CERTCTL_CONFIG", "/dev/null");
    super::Run::of(command.output().unwrap(), std::time::Instant::now())
}

#[test]
fn not_for_this_user() {
    if !crate::oracle::is_there(geteuid().is_root(), "root, to be somebody else,") || !crate::oracle::has("setpriv") {
        return;
    }
    let ground = Ground::new();
    ground.download(NAME, "pem");
    let pki = Pki::new();
    certbot(&ground, &pki, "a.example", (-1, 60));
    set_mode(ground.directory.path(), 0o755);
    let home = ground.home(NAME).display().to_string();
    let check = |target: &str| as_nobody(&ground, target);
    for (target, file) in [(&home, "privkey.pem"), (&ground.text("le/live/a.example"), "privkey.pem")] {
        let run = check(target).exits(7).says(&[file, "Permission denied", "run certctl as root"]);
        let row = &run.json()["results"][0];
        assert_eq!((&row["ok"], &row["state"]), (&false.into(), &"failed".into()), "{row}");
        assert_eq!((&row["error"]["code"], &row["error"]["exit_code"]), (&"storage".into(), &7.into()), "{row}");
        assert_eq!(problems(&run.json()), []);
        assert!(row["not_after"].is_string(), "the rest is known: {row}");
    }
    set_mode(&ground.path("le/live"), 0o700);
    check(&ground.text("le/live")).exits(7).says(&["run certctl as root"]);
    // Whoever may read all of it need not own it.
    set_mode(&ground.home(NAME).join("current/privkey.pem"), 0o644);
    let run = check(&home).exits(6);
    assert_eq!(codes(&problems(&run.json())), ["mode"].into());
}

/// Servers are told the key's name beside the certificate's: another key under that name is wrong, wherever the right one
/// is.
#[test]
fn keys_by_the_names_of_their_certificates() {
    let ground = Ground::new();
    let pki = Pki::new();
    let (a, b) = (pki.leaf("a.example", (-1, 60)), pki.leaf("b.example", (-1, 60)));
    let (of_a, of_b) = (pki.fullchain(&a), pki.fullchain(&b));
    let (key_a, key_b) = (a.key_pem(), b.key_pem());
    for (number, (files, wrong)) in [
        (&[("a.crt", &of_a), ("a.key", &key_a), ("b.crt", &of_b), ("b.key", &key_b)][..], &[][..]),
        (&[("a.crt", &of_a), ("a.key", &key_b), ("b.crt", &of_b), ("b.key", &key_a)], &["a.key", "b.key"]),
        // The same certificate under two names.
        (&[("a.crt", &of_a), ("a.key", &key_a), ("b.crt", &of_a), ("b.key", &key_a)], &[]),
        (&[("a.crt", &of_a), ("a.key", &key_a), ("b.crt", &of_a), ("b.key", &key_b)], &["b.key"]),
        (&[("fullchain.pem", &of_a), ("privkey.pem", &key_a), ("x.crt", &of_a), ("x.key", &key_b)], &["x.key"]),
        (&[("fullchain.pem", &of_a), ("privkey.pem", &key_a), ("x.crt", &of_a), ("x.key", &key_a)], &[]),
        // Names as other tools give them.
        (&[("a.pem", &of_a), ("a-key.pem", &key_b), ("b.key", &key_a)], &["a-key.pem"]),
        (&[("a_bundle.crt", &of_a), ("a.key", &key_b), ("b.key", &key_a)], &["a.key"]),
        (&[("a.crt.pem", &of_a), ("a.key.pem", &key_b), ("b.key", &key_a)], &["a.key.pem"]),
        // Nothing is told by these names.
        (&[("cert1.pem", &of_a), ("privkey1.pem", &key_b), ("privkey2.pem", &key_a)], &[]),
        (&[("server.crt", &of_a), ("x.key", &key_b), ("key.pem", &key_a)], &[]),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("ssl{number}");
        fs::create_dir(ground.path(&name)).unwrap();
        for (file, text) in files {
            fs::write(ground.path(&name).join(file), text).unwrap();
        }
        let found = ground.problems(&ground.text(&name), if wrong.is_empty() { 0 } else { 6 });
        assert_eq!(found.len(), wrong.len(), "{number}: {found:?}");
        for (wrong, (code, message)) in wrong.iter().zip(&found) {
            assert!(code == "key_mismatch" && message.contains(&format!("/{wrong} is not the key")), "{found:?}");
        }
    }
}

/// A certificate that cannot be read is not passed over because others can be.
#[test]
fn one_of_several_that_cannot_be_read() {
    if !crate::oracle::is_there(geteuid().is_root(), "root, to be somebody else,") || !crate::oracle::has("setpriv") {
        return;
    }
    let ground = Ground::new();
    let pki = Pki::new();
    fs::create_dir(ground.path("ssl")).unwrap();
    for name in ["a.crt", "b.crt"] {
        let leaf = pki.leaf("a.example", (-1, 60));
        fs::write(ground.path("ssl").join(name), pki.fullchain(&leaf)).unwrap();
        fs::write(ground.path("ssl").join(name).with_extension("key"), leaf.key_pem()).unwrap();
    }
    set_mode(ground.directory.path(), 0o755);
    fs::write(ground.path("ssl/notes"), "not for others").unwrap();
    set_mode(&ground.path("ssl/notes"), 0o600);
    let check = || as_nobody(&ground, &ground.text("ssl"));
    check().exits(0);
    set_mode(&ground.path("ssl/b.crt"), 0o600);
    let document = check().exits(7).json();
    assert_eq!(document["results"][0]["ok"], true, "{document}");
    assert_eq!(document["results"][1]["name"], "b.crt");
    assert_eq!(document["results"][1]["error"]["code"], "storage");
}
