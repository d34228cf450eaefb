//! docs/migrating.md: its configs work as they stand, and certctl reads what the others left.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{fenced, text, write, write_keys};
use crate::cli::Certctl;
use crate::sandbox::{Options, Sandbox};

/// A place for everything that the document has below `/etc`.
struct Machine {
    sandbox: Sandbox,
    directory: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { sandbox: Sandbox::start(Options::default()), directory: tempfile::tempdir().unwrap() };
        for directory in ["etc/certctl", "etc/nginx/ssl"] {
            fs::create_dir_all(machine.directory.path().join(directory)).unwrap();
        }
        write_keys(&machine.sandbox, &machine.directory.path().join("etc/certctl"));
        machine
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.directory.path().join(path)
    }

    /// Runs the config that asks this provider, with what it runs replaced by what is everywhere.
    fn sync(&self, provider: &str) {
        let blocks = fenced(&text("docs/migrating.md"), "toml");
        let block = blocks.iter().find(|block| block.contains(&format!("\"{provider}\""))).unwrap();
        let config = block.replace("\"/etc/", &format!("\"{}/etc/", self.directory.path().display()));
        let config = config.replace("example.com", &format!("{provider}.example"));
        let config = config.replace(r#"["nginx", "-t"]"#, r#"["true"]"#);
        let config = config.replace(r#"["systemctl", "reload", "nginx"]"#, r#"["true"]"#);
        let config = config.replace("service nginx force-reload", "true");
        write(&self.path("certctl.toml"), &config, 0o600);
        let certctl = Certctl::new(&self.sandbox).env("PATH", "/usr/bin:/bin");
        let run = certctl.args(["sync", "-c"]).args([self.path("certctl.toml")]).run().exits(0);
        assert_eq!(run.stderr, "", "{provider}");
    }
}

fn same(one: &Path, other: &Path) {
    assert_eq!(fs::read(one).unwrap(), fs::read(other).unwrap(), "{}", one.display());
}

#[test]
fn every_config_works() {
    assert_eq!(fenced(&text("docs/migrating.md"), "toml").len(), 3);
    let machine = Machine::new();
    machine.sync("tencent");
    same(&machine.path("etc/nginx/ssl/www.crt"), &machine.path("etc/certctl/certs/www.tencent.example/fullchain.pem"));
    let key = machine.path("etc/nginx/ssl/www.key");
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    machine.sync("jdcloud");
    same(&machine.path("etc/nginx/ssl/key.pem"), &machine.path("etc/certctl/certs/www.jdcloud.example/privkey.pem"));
    machine.sync("huawei");
    for name in ["www.huawei.example", "apps.huawei.example"] {
        for file in ["cert.pem", "chain.pem", "fullchain.pem", "privkey.pem"] {
            assert!(machine.path("etc/certctl/certs").join(name).join(file).is_symlink(), "{name}/{file}");
        }
    }
}

#[test]
fn what_the_others_left_is_read() {
    let machine = Machine::new();
    machine.sync("tencent");
    let ours = machine.path("etc/certctl/certs/www.tencent.example");
    let copy = |file: &str, to: &str| assert!(fs::copy(ours.join(file), machine.path(to)).is_ok(), "{file}");
    // As acme.sh and certbot name them.
    fs::create_dir_all(machine.path("acme/www.tencent.example_ecc")).unwrap();
    for (file, to) in [
        ("cert.pem", "www.tencent.example.cer"),
        ("privkey.pem", "www.tencent.example.key"),
        ("chain.pem", "ca.cer"),
        ("fullchain.pem", "fullchain.cer"),
    ] {
        copy(file, &format!("acme/www.tencent.example_ecc/{to}"));
    }
    let (live, archive) = ("letsencrypt/live/www.tencent.example", "letsencrypt/archive/www.tencent.example");
    fs::create_dir_all(machine.path(live)).unwrap();
    fs::create_dir_all(machine.path(archive)).unwrap();
    for name in ["cert", "chain", "fullchain", "privkey"] {
        copy(&format!("{name}.pem"), &format!("{archive}/{name}1.pem"));
        let target = format!("../../archive/www.tencent.example/{name}1.pem");
        std::os::unix::fs::symlink(target, machine.path(live).join(format!("{name}.pem"))).unwrap();
    }
    for directory in ["acme/www.tencent.example_ecc", live] {
        let run = Certctl::new(&machine.sandbox).args(["check"]).args([machine.path(directory)]).run().exits(0);
        // A heading and one certificate.
        assert_eq!((run.stderr.as_str(), run.stdout.lines().count()), ("", 2), "{directory}: {}", run.stdout);
    }
}
