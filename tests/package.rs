//! What goes to a package registry, and what does not.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn packaged() -> BTreeSet<String> {
    let mut cargo = crate::sandbox::cargo(env!("CARGO").as_ref());
    let list = cargo.args(["package", "--list", "--offline", "--allow-dirty"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = list.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The files that a document links to, without their anchors.
fn links(document: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).unwrap();
    let ends = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let paths = ends.map(|(link, _)| link.split('#').next().unwrap_or_default().to_owned());
    paths.filter(|path| !path.is_empty() && !path.contains("://")).collect()
}

#[test]
fn it_holds_the_product_and_its_documents_and_nothing_else() {
    let packaged = packaged();
    let made_by_cargo = ["Cargo.lock", "Cargo.toml", "Cargo.toml.orig", ".cargo_vcs_info.json"];
    let is_wanted = |file: &String| {
        file.starts_with("src/")
            || file.starts_with("docs/")
            || made_by_cargo.contains(&file.as_str())
            || ["LICENSE", "README.md", "README.zh-CN.md", "CHANGELOG.md", "SECURITY.md"].contains(&file.as_str())
    };
    let surplus: Vec<_> = packaged.iter().filter(|file| !is_wanted(file)).collect();
    assert!(surplus.is_empty(), "{surplus:?}");
    for document in ["README.md", "README.zh-CN.md"] {
        for link in links(document) {
            let is_there =
                |file: &String| *file == link || file.starts_with(&format!("{}/", link.trim_end_matches('/')));
            assert!(packaged.iter().any(is_there), "{document} links to {link}, which is not in the package");
        }
    }
}
