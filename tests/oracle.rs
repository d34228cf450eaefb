//! Real tools that judge what certctl wrote. Where one is missing the check is skipped, with a note, unless
//! `CERTCTL_REQUIRE_ORACLES` is set, as in CI.

use std::path::Path;
use std::process::{Command, Stdio};

/// Whether a tool can be asked.
pub(crate) fn has(tool: &str) -> bool {
    let path = std::env::var_os("PATH");
    is_there(path.is_some_and(|path| std::env::split_paths(&path).any(|at| at.join(tool).exists())), tool)
}

/// The same of one that was looked for in another way.
pub(crate) fn is_there(found: bool, tool: &str) -> bool {
    assert!(found || std::env::var_os("CERTCTL_REQUIRE_ORACLES").is_none(), "{tool} is not installed");
    if !found {
        eprintln!("skipped: {tool} is not installed");
    }
    found
}

/// What a tool prints; it must succeed.
pub(crate) fn run(tool: &str, args: &[&str]) -> String {
    let output = Command::new(tool).args(args).stdin(Stdio::null()).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{tool} {args:?}: {stdout}{stderr}");
    stdout.into_owned()
}

/// OpenSSL accepts the chain of a certificate directory under `root`, and key and leaf belong together.
pub(crate) fn verifies(directory: &Path, root: &Path) {
    if !has("openssl") {
        return;
    }
    let file = |name: &str| directory.join(name).display().to_string();
    let (fullchain, root) = (file("fullchain.pem"), root.display().to_string());
    run("openssl", &["verify", "-CAfile", &root, "-untrusted", &fullchain, &fullchain]);
    let of_leaf = run("openssl", &["x509", "-in", &fullchain, "-noout", "-pubkey"]);
    let of_key = run("openssl", &["pkey", "-in", &file("privkey.pem"), "-pubout"]);
    assert_eq!(of_leaf, of_key, "{}", directory.display());
}
