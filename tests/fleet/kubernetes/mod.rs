//! packaging/kubernetes: every manifest is one by the API's schema, and they fit each other.

mod nights;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::{python, root};

/// What the manifests in these files are, once they have passed.
fn read(files: &[PathBuf]) -> Option<Vec<Value>> {
    let script = root().join("tests/sdk/manifest.py");
    let output = Command::new(python("kubernetes_validate")?).arg(script).args(files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// All that is shipped.
struct Manifests(Vec<Value>);

impl Manifests {
    fn read() -> Option<Self> {
        let entries = fs::read_dir(root().join("packaging/kubernetes")).unwrap();
        let files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() >= 6, "{files:?}");
        read(&files).map(Self)
    }

    /// The only one of a kind.
    fn one(&self, kind: &str) -> &Value {
        let mut found = self.0.iter().filter(|document| document["kind"] == kind);
        let one = found.next().unwrap_or_else(|| panic!("no {kind}"));
        assert!(found.next().is_none(), "several {kind}");
        one
    }

    fn pod(&self) -> &Value {
        &self.one("CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    }

    fn certctl(&self) -> &Value {
        &self.pod()["initContainers"][0]
    }

    fn kubectl(&self) -> &Value {
        &self.pod()["containers"][0]
    }

    fn config(&self) -> &str {
        self.one("ConfigMap")["data"]["certctl.toml"].as_str().unwrap()
    }

    /// The name and namespace of each Secret that the config makes.
    fn secrets(&self) -> Vec<(String, String)> {
        let config: toml::Table = self.config().parse().unwrap();
        let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
        let certificates = config["certificates"].as_array().unwrap().iter();
        certificates.map(|row| (text(&row["kubernetes"]["name"]), text(&row["kubernetes"]["namespace"]))).collect()
    }
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect()
}

/// Where a container has this volume.
fn mount<'v>(container: &'v Value, volume: &str) -> Option<&'v str> {
    let mounts = container["volumeMounts"].as_array().unwrap();
    mounts.iter().find(|mount| mount["name"] == volume)?["mountPath"].as_str()
}

#[test]
fn the_manifests_fit_each_other() {
    let Some(manifests) = Manifests::read() else { return };
    let secrets = manifests.secrets();
    assert!(secrets.len() > 1);
    // The role allows what is applied, by name, and nothing else.
    let role = manifests.one("Role");
    let names: Vec<_> = secrets.iter().map(|(name, _)| name.as_str()).collect();
    let [rule] = &role["rules"].as_array().unwrap()[..] else { panic!("{role}") };
    assert_eq!(texts(&rule["resourceNames"]), names);
    assert_eq!((&rule["resources"], &rule["verbs"]), (&json!(["secrets"]), &json!(["create", "patch"])));
    assert!(secrets.iter().all(|(_, namespace)| role["metadata"]["namespace"] == namespace.as_str()));
    let (binding, account) = (manifests.one("RoleBinding"), manifests.one("ServiceAccount"));
    assert_eq!(binding["metadata"]["namespace"], role["metadata"]["namespace"]);
    assert_eq!(binding["roleRef"]["name"], role["metadata"]["name"]);
    assert_eq!(binding["subjects"][0]["name"], account["metadata"]["name"]);
    assert_eq!(binding["subjects"][0]["namespace"], account["metadata"]["namespace"]);
    assert_eq!(manifests.pod()["serviceAccountName"], account["metadata"]["name"]);
    // Everything else is in one namespace.
    let own = &manifests.one("Namespace")["metadata"]["name"];
    for kind in ["CronJob", "ConfigMap", "Secret", "PersistentVolumeClaim", "ServiceAccount"] {
        assert_eq!(&manifests.one(kind)["metadata"]["namespace"], own, "{kind}");
    }
    // The variables that the config names are the Secret's, and no others.
    let keys = &manifests.one("Secret")["stringData"];
    for variable in manifests.certctl()["env"].as_array().unwrap() {
        let (name, from) = (variable["name"].as_str().unwrap(), &variable["valueFrom"]["secretKeyRef"]);
        assert!(manifests.config().contains(&format!("{{ env = \"{name}\" }}")), "{name}");
        assert_eq!(from["name"], manifests.one("Secret")["metadata"]["name"]);
        assert_eq!(keys[from["key"].as_str().unwrap()], "REPLACE-ME");
    }
    let volumes = manifests.pod()["volumes"].as_array().unwrap();
    let volume = |name: &str| volumes.iter().find(|volume| volume["name"] == name).unwrap();
    assert_eq!(volume("config")["configMap"]["name"], manifests.one("ConfigMap")["metadata"]["name"]);
    let claim = &volume("state")["persistentVolumeClaim"]["claimName"];
    assert_eq!(claim, &manifests.one("PersistentVolumeClaim")["metadata"]["name"]);
    assert_eq!(volume("apply")["emptyDir"]["medium"], "Memory");
}

#[test]
fn each_container_has_what_it_needs_and_no_more() {
    let Some(manifests) = Manifests::read() else { return };
    let (pod, certctl, kubectl) = (manifests.pod(), manifests.certctl(), manifests.kubectl());
    assert_eq!(manifests.one("CronJob")["spec"]["concurrencyPolicy"], "Forbid");
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    for container in [certctl, kubectl] {
        let security = &container["securityContext"];
        let wanted = json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]}});
        assert_eq!(security, &wanted, "{}", container["name"]);
        let tag = container["image"].as_str().unwrap().rsplit_once(':').unwrap().1;
        assert!(tag.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit()), "{tag}");
    }
    let version = format!(":{}", env!("CARGO_PKG_VERSION"));
    assert!(certctl["image"].as_str().unwrap().ends_with(&version));
    // The token for the cluster and the key of the cloud never meet.
    assert_eq!(mount(certctl, "token"), None);
    let token = "/var/run/secrets/kubernetes.io/serviceaccount";
    assert_eq!(mount(kubectl, "token"), Some(token));
    assert_eq!(kubectl["env"], json!([{"name": "HOME", "value": mount(kubectl, "cache").unwrap()}]));
    assert_eq!((mount(kubectl, "state"), mount(kubectl, "config")), (None, None));
    // Where certctl finds its config, and puts what kubectl applies.
    assert_eq!(mount(certctl, "config"), Some("/etc/certctl"));
    let (apply, state) = (mount(certctl, "apply").unwrap(), mount(certctl, "state").unwrap());
    assert_eq!(mount(kubectl, "apply"), Some(apply));
    assert!(texts(&kubectl["args"]).contains(&&*format!("--filename={apply}")));
    assert!(manifests.config().contains(&format!("dir = \"{state}/")));
    assert_eq!(manifests.config().matches(&format!("to = \"{apply}/")).count(), manifests.secrets().len());
    let rules = &manifests.one("CronJob")["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"];
    assert_eq!(rules[1]["onExitCodes"]["containerName"], certctl["name"]);
}
