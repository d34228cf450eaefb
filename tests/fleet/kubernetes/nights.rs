//! The job's own command does in the sandbox what docs/fleet.md says of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use super::super::variables;
use super::{Manifests, mount, read, texts};
use crate::cli::Run;
use crate::oracle;
use crate::sandbox::fault::Fault;
use crate::sandbox::{Account, Cloud, Options, Sandbox};

/// The volumes of a pod, as a cluster mounts them, and the cloud.
struct Cluster {
    sandbox: Sandbox,
    volumes: tempfile::TempDir,
    manifests: Manifests,
}

impl Cluster {
    fn new() -> Option<Self> {
        let (sandbox, volumes) = (Sandbox::start(Options::default()), tempfile::tempdir().unwrap());
        let cluster = Self { sandbox, volumes, manifests: Manifests::read()? };
        fs::set_permissions(cluster.volumes.path(), fs::Permissions::from_mode(0o755)).unwrap();
        // What a ConfigMap's volume looks like: a link to a link.
        let config = cluster.path("config");
        fs::create_dir_all(config.join("..2026")).unwrap();
        fs::set_permissions(&config, fs::Permissions::from_mode(0o777)).unwrap();
        fs::write(config.join("..2026/certctl.toml"), cluster.mapped(cluster.manifests.config())).unwrap();
        std::os::unix::fs::symlink("..2026", config.join("..data")).unwrap();
        std::os::unix::fs::symlink("..data/certctl.toml", config.join("certctl.toml")).unwrap();
        cluster.new_volume("state");
        cluster.new_volume("apply");
        fs::copy(env!("CARGO_BIN_EXE_certctl"), cluster.path("certctl-binary")).unwrap();
        Some(cluster)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.volumes.path().join(name)
    }

    /// Paths and names of the manifest as they are here.
    fn mapped(&self, text: &str) -> String {
        let state = mount(self.manifests.certctl(), "state").unwrap();
        let text = text.replace(&format!("\"{state}/"), &format!("\"{}/", self.path("state").display()));
        let text = text.replace("\"/apply/", &format!("\"{}/", self.path("apply").display()));
        text.replace("example.com", "tencent.example")
    }

    /// An empty volume that the pod's group may write to.
    fn new_volume(&self, name: &str) {
        let path = self.path(name);
        drop(fs::remove_dir_all(&path));
        fs::create_dir(&path).unwrap();
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&path, None, Some(65532)).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o2775)).unwrap();
        }
    }

    /// The init container, as the user that it has: its own command, and its environment.
    fn night(&self) -> Run {
        self.night_with(&variables(&self.sandbox, Account::Healthy)["TENCENTCLOUD_SECRET_KEY"])
    }

    fn night_with(&self, secret_key: &str) -> Run {
        let binary = self.path("certctl-binary");
        let mut command = if rustix::process::geteuid().is_root() && oracle::has("setpriv") {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65532", "--regid=65532", "--clear-groups", "--no-new-privs", "--"]).arg(binary);
            command
        } else {
            Command::new(binary)
        };
        let variables = variables(&self.sandbox, Account::Healthy);
        command.env_clear().current_dir("/").stdin(Stdio::null()).args(texts(&self.manifests.certctl()["args"]));
        command.env("TX_ACCESS_KEY", &variables["TENCENTCLOUD_SECRET_ID"]).env("TX_SECRET_KEY", secret_key);
        command.env("CERTCTL_TENCENT_ENDPOINT", &variables["CERTCTL_TENCENT_ENDPOINT"]);
        command.env("CERTCTL_CONFIG", self.path("config/certctl.toml"));
        let since = Instant::now();
        Run::of(command.output().unwrap(), since)
    }

    /// What kubectl gets: by name, and validated.
    fn applied(&self) -> Vec<Value> {
        let entries = fs::read_dir(self.path("apply")).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        // kubectl takes these of a directory; there is nothing else.
        assert!(files.iter().all(|path| path.extension().is_some_and(|extension| extension == "yaml")), "{files:?}");
        files.sort();
        read(&files).unwrap()
    }

    fn held(&self, name: &str) -> String {
        let held = self.sandbox.certificates(Cloud::Tencent, Account::Healthy);
        held.iter().find(|certificate| certificate.names.contains(&name.to_owned())).unwrap().id.clone()
    }
}

#[test]
fn the_job_does_its_work_night_after_night() {
    let Some(cluster) = Cluster::new() else { return };
    let first = cluster.night().exits(0);
    assert_eq!(first.stderr, "", "nothing to complain of");
    let secrets = cluster.applied();
    let mut wanted = cluster.manifests.secrets();
    wanted.sort();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found = |secret: &Value| (text(&secret["metadata"]["name"]), text(&secret["metadata"]["namespace"]));
    assert_eq!(secrets.iter().map(found).collect::<Vec<_>>(), wanted);
    assert!(secrets.iter().all(|secret| secret["type"] == "kubernetes.io/tls"));

    // The next pod has a new volume in memory: what it lacks is made from the state, and only the list is asked for.
    cluster.new_volume("apply");
    let seen = cluster.sandbox.seen(Cloud::Tencent);
    cluster.night().exits(0);
    let asked = cluster.sandbox.tally(Cloud::Tencent, seen);
    assert_eq!(asked.into_keys().collect::<Vec<_>>(), ["DescribeCertificates"]);
    assert_eq!(cluster.applied(), secrets);
}

#[test]
fn the_state_keeps_from_going_backwards() {
    let Some(cluster) = Cluster::new() else { return };
    let renewed = cluster.sandbox.renew(Cloud::Tencent, Account::Healthy, &cluster.held("www.tencent.example")).id;
    cluster.night().exits(0);
    let secrets = cluster.applied();
    cluster.sandbox.withdraw(Cloud::Tencent, Account::Healthy, &renewed);
    cluster.new_volume("apply");
    cluster.night().exits(0);
    assert_eq!(cluster.applied(), secrets, "the newer one stays");
    // With an `emptyDir` for the state every night is the first.
    cluster.new_volume("apply");
    cluster.new_volume("state");
    let seen = cluster.sandbox.seen(Cloud::Tencent);
    cluster.night().exits(0);
    assert_eq!(cluster.sandbox.tally(Cloud::Tencent, seen)["DownloadCertificate"], 2);
    assert_ne!(cluster.applied(), secrets);
}

#[test]
fn the_job_fails_at_once_where_another_try_is_of_no_use() {
    let Some(cluster) = Cluster::new() else { return };
    let job = &cluster.manifests.one("CronJob")["spec"]["jobTemplate"]["spec"];
    let at_once = &job["podFailurePolicy"]["rules"][1]["onExitCodes"]["values"];
    let is_at_once = |run: &Run| at_once.as_array().unwrap().contains(&json!(run.code));
    // The form as it is shipped, not filled in.
    let run = cluster.night_with("REPLACE-ME").exits(3);
    assert!(is_at_once(&run), "{}", run.stderr);
    let message: Value = serde_json::from_str(run.stderr.lines().last().unwrap()).unwrap();
    assert!(message.is_object(), "the last line, which the pod's status shows");
    cluster.sandbox.withdraw(Cloud::Tencent, Account::Healthy, &cluster.held("*.apps.tencent.example"));
    assert!(is_at_once(&cluster.night().exits(4)));
    // The other one is there for the next run, as the document says.
    assert_eq!(cluster.applied().len(), 1);
    cluster.sandbox.fault(Cloud::Tencent, Fault::Refused);
    assert!(!is_at_once(&cluster.night().exits(5)));
}
