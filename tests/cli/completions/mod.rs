//! Completion in real shells: what is typed, a tab, and what stands in the line then.

mod engine;
mod shells;
mod typing;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names that a shell would take for something else, and mistakes that must not matter here.
const CONFIG: &str = r#"
dir = "DIR/certs"
warn_before = "soon"
unheard_of = true

[accounts.tx]
provider = "tencent"
[accounts."jd prod:1"]
provider = "jdcloud"
[accounts."北京"]
provider = "huawei"
credentials_command = ["touch", "DIR/was-run"]
[accounts.key]
provider = "ctyun"
access_key = "AKIDsecretsecretsecret"
secret_key = { file = "DIR/no-such-file" }

[[certificates]]
name = "www.example.com"
account = "tx"
[[certificates]]
name = "_.wild.example"
domains = ["*.wild.example", "wild.example"]
group = "no-such-group"
hook = ["DIR/no-such-program"]
[[certificates]]
name = "two words"
[[certificates]]
name = "*.star.example"
[[certificates]]
name = "it's $HOME;reboot"
this is no TOML
"#;

const VERSIONS: [&str; 3] = ["20261122T020304Z-9bfe606b", "20261001T020304Z-00112233", "20260901T020304Z-44556677"];

/// A home with such a config, and a certificate directory that it does not name.
struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().display().to_string();
        fs::write(directory.path().join("my config.toml"), CONFIG.replace("DIR", &path)).unwrap();
        for name in ["www.example.com", "unlisted.example"] {
            let certificate = directory.path().join("certs").join(name);
            for version in VERSIONS {
                fs::create_dir_all(certificate.join("versions").join(version)).unwrap();
            }
            fs::create_dir(certificate.join("versions/.new-20261122T020304Z-9bfe606c")).unwrap();
            std::os::unix::fs::symlink(format!("versions/{}", VERSIONS[0]), certificate.join("current")).unwrap();
        }
        fs::create_dir(directory.path().join("elsewhere")).unwrap();
        Self { directory }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn config(&self) -> PathBuf {
        self.path().join("my config.toml")
    }

    /// A program in this home, with the built certctl in its PATH and nothing of the machine's environment.
    fn command(&self, program: &str) -> Command {
        let certctl = Path::new(env!("CARGO_BIN_EXE_certctl")).parent().unwrap();
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.path()).env("HOME", self.path()).env("LC_ALL", "C.UTF-8");
        command.env("PATH", format!("{}:/usr/bin:/bin", certctl.display())).env("TERM", "xterm");
        command.env("CERTCTL_CONFIG", self.config());
        command
    }

    /// Nothing was run for it.
    fn is_untouched(&self) {
        assert!(!self.path().join("was-run").exists());
    }
}
