//! One certificate after another in the same directory: newer, older, damaged.

use std::path::Path;

use super::{Certctl, snapshot};
use crate::sandbox::{Account, Cloud, Options, Sandbox};

#[test]
fn never_backwards_without_force() {
    let sandbox = Sandbox::start(Options::default());
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().to_str().unwrap();
    let id = |label| sandbox.certificate(Cloud::Tencent, Account::Healthy, label).id;
    let download = |label, more: &[&str]| {
        let id = id(label);
        let args = ["download", "-p", "tencent", &id, "-d", dir, "--name", "x", "-o", "json"];
        Certctl::new(&sandbox).args(args.iter().chain(more)).run()
    };
    let outcome = |run: &super::Run| run.json()["results"][0]["outcome"].as_str().unwrap().to_owned();
    assert_eq!(outcome(&download("renewed old", &[]).exits(0)), "created");
    assert_eq!(outcome(&download("renewed new", &[]).exits(0)), "updated");
    let before = snapshot(directory.path());
    for dry in [&[][..], &["--dry-run"]] {
        let refused = download("renewed old", dry).exits(6).says(&["x (tencent ", "older", "--force"]);
        assert_eq!(refused.json()["results"][0]["error"]["code"], "older");
    }
    assert_eq!(before, snapshot(directory.path()));
    // The installed certificate itself tells its age where the metadata are damaged.
    let metadata = directory.path().join("x/current/metadata.json");
    std::fs::write(&metadata, "{").unwrap();
    download("renewed old", &[]).exits(6);
    assert_eq!(std::fs::read_to_string(&metadata).unwrap(), "{");
    assert_eq!(outcome(&download("renewed new", &[]).exits(0)), "updated");
    assert_eq!(outcome(&download("renewed old", &["--force", "--dry-run"]).exits(0)), "would_update");
    assert_eq!(outcome(&download("renewed old", &["--force"]).exits(0)), "updated");
    assert_eq!(versions(&directory.path().join("x")), 4);
    assert_eq!(outcome(&download("renewed new", &[]).exits(0)), "updated");
    assert_eq!(versions(&directory.path().join("x")), 4, "the current version and three old ones");
}

fn versions(certificate: &Path) -> usize {
    std::fs::read_dir(certificate.join("versions")).unwrap().count()
}
