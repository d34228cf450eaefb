//! The playbook of docs/fleet.md: Ansible takes all of it, and runs what writes files; they come out as they should.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{fenced, text, tool, variables, write};
use crate::cli::Certctl;
use crate::sandbox::{Account, Options, Sandbox};

struct Play {
    sandbox: Sandbox,
    directory: tempfile::TempDir,
    program: PathBuf,
}

impl Play {
    fn new() -> Option<Self> {
        let program = tool("ansible-playbook")?;
        let play =
            Self { sandbox: Sandbox::start(Options::default()), directory: tempfile::tempdir().unwrap(), program };
        let document = text("docs/fleet.md");
        let playbook = fenced(&document, "yaml").into_iter().find(|block| block.contains("hosts: web")).unwrap();
        // Nothing but names differs from the document.
        let playbook = playbook.replace("example.com", "tencent.example");
        write(&play.path("certctl.yml"), &playbook, 0o644);
        Some(play)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn run(&self, arguments: &[&str], access_key: &str) -> Output {
        let variables = variables(&self.sandbox, Account::Healthy);
        let etc = self.path("etc");
        let python = self.program.with_file_name("python");
        let given = serde_json::json!({
            "certctl_directory": etc,
            "certctl_access_key": access_key,
            "certctl_secret_key": variables["TENCENTCLOUD_SECRET_KEY"],
            "ansible_become": false,
            "ansible_python_interpreter": python,
        });
        let certctl = Path::new(env!("CARGO_BIN_EXE_certctl")).parent().unwrap();
        let programs = self.program.parent().unwrap();
        let mut command = Command::new(&self.program);
        command.args(["--inventory", "web,", "--connection", "local", "--extra-vars", &given.to_string()]);
        command.args(arguments).arg(self.path("certctl.yml")).current_dir(&self.directory).env_clear();
        command.env("PATH", format!("{}:{}:/usr/sbin:/usr/bin:/sbin:/bin", certctl.display(), programs.display()));
        command.env("HOME", self.directory.path()).env("LC_ALL", "C.UTF-8").env("ANSIBLE_NOCOLOR", "1");
        command.output().unwrap()
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn the_playbook_puts_the_config_in_place_for_its_owner_alone() {
    let Some(play) = Play::new() else { return };
    let access_key = &variables(&play.sandbox, Account::Healthy)["TENCENTCLOUD_SECRET_ID"];
    // What its checks and hooks run has to be there, and is not everywhere that tests run.
    let playbook = std::fs::read_to_string(play.path("certctl.yml")).unwrap();
    let playbook =
        playbook.replace("\"nginx\", \"-t\"", "\"true\"").replace("\"systemctl\", \"reload\", \"nginx\"", "\"true\"");
    write(&play.path("certctl.yml"), &playbook, 0o644);
    let output = play.run(&["--tags", "config"], access_key);
    assert!(output.status.success(), "{}", told(&output));
    assert!(!told(&output).contains(access_key), "the key is not shown");
    let mode = |name: &str| play.path(name).metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(["etc", "etc/tx.id", "etc/tx.key", "etc/certctl.toml"].map(mode), [0o700, 0o600, 0o600, 0o600]);
    Certctl::new(&play.sandbox)
        .env("PATH", "/usr/bin:/bin")
        .args(["sync", "-c"])
        .args([play.path("etc/certctl.toml")])
        .run()
        .exits(0);
    assert!(play.path("etc/certs/www.tencent.example/privkey.pem").exists());

    // A config with a mistake never takes the place of a good one.
    let before = std::fs::read(play.path("etc/certctl.toml")).unwrap();
    write(&play.path("certctl.yml"), &playbook.replace("provider = ", "provder = "), 0o644);
    let output = play.run(&["--tags", "config", "--start-at-task", "The config, if it is right"], access_key);
    assert!(!output.status.success() && told(&output).contains("failed to validate"), "{}", told(&output));
    assert_eq!(std::fs::read(play.path("etc/certctl.toml")).unwrap(), before);
}
