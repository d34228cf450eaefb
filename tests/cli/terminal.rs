//! What stands on a terminal, and only there.

use std::process::{Command, Stdio};

use super::Certctl;
use crate::oracle;
use crate::sandbox::{Options, Sandbox};

/// All that a run writes to a terminal of so many columns.
fn terminal(sandbox: &Sandbox, columns: u16, args: &str, variables: &[(&str, &str)]) -> String {
    let tree = tempfile::tempdir().unwrap();
    let certctl = env!("CARGO_BIN_EXE_certctl");
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &format!("stty cols {columns}; '{certctl}' {args}"), "/dev/null"]);
    script.env_clear().envs(sandbox.environment()).env("PATH", "/usr/bin:/bin").env("TERM", "xterm");
    script.envs(variables.iter().copied()).current_dir(tree.path()).stdin(Stdio::null());
    let output = script.output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_table_fits_the_terminal() {
    if !oracle::has("script") {
        return;
    }
    let sandbox = Sandbox::start(Options::default());
    let piped = Certctl::new(&sandbox).args(["list", "-p", "tencent"]).run().exits(0).stdout;
    let widest = piped.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(piped.lines().next().unwrap().starts_with("PROVIDER") && widest > 100, "{piped}");
    let wide = terminal(&sandbox, 500, "list -p tencent", &[]);
    assert_eq!(wide.replace("\r\n", "\n"), piped);
    let wrapped = terminal(&sandbox, 110, "list -p tencent", &[]);
    assert!(wrapped.lines().all(|line| line.chars().count() <= 110), "{wrapped}");
    assert!(terminal(&sandbox, 40, "list -p tencent", &[]).starts_with("PROVIDER  tencent\r\n"));
}

#[test]
fn a_batch_has_a_bar() {
    if !oracle::has("script") {
        return;
    }
    let sandbox = Sandbox::start(Options::default());
    let bar = "] 0/";
    for columns in [40, 80] {
        let written = terminal(&sandbox, columns, "download -p ctyun --all -d certs", &[]);
        assert!(written.contains(bar) && written.contains("certificates, 00:0"), "{columns}: {written:?}");
        // It is taken away before the result is written.
        assert!(written.rsplit('\u{1b}').next().unwrap().contains("OUTCOME"), "{columns}: {written:?}");
    }
    for (args, variables) in [
        ("download -p ctyun www.ctyun.example -d certs", &[][..]),
        ("download -p ctyun --all -d certs -q", &[]),
        ("download -p ctyun --all -d certs", &[("TERM", "dumb")]),
        ("download -p ctyun --all -d certs 2>/dev/null", &[]),
    ] {
        let written = terminal(&sandbox, 80, args, variables);
        assert!(!written.contains(bar) && !written.contains('\u{1b}'), "{args}: {written:?}");
    }
}

#[test]
fn colours_are_for_terminals() {
    if !oracle::has("script") {
        return;
    }
    let sandbox = Sandbox::start(Options::default());
    let missing = ["describe", "-p", "ctyun", "no-such-id"];
    let misspelt = ["lsit"];
    for (variables, more, on_terminal, in_pipe) in [
        (&[][..], &[][..], true, false),
        (&[("TERM", "dumb")], &[], false, false),
        (&[("NO_COLOR", "1")], &[], false, false),
        (&[("CLICOLOR_FORCE", "1")], &[], true, true),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[], false, false),
        (&[("NO_COLOR", "1")], &["--color", "always"], true, true),
        (&[("CLICOLOR_FORCE", "1")], &["--color=never"], false, false),
    ] {
        for command in [&missing[..], &misspelt] {
            let args = [more, command].concat();
            let mut certctl = Certctl::new(&sandbox).args(&args);
            for (name, value) in variables {
                certctl = certctl.env(name, value);
            }
            let run = certctl.run();
            assert_eq!(run.stderr.contains('\u{1b}'), in_pipe, "{variables:?} {args:?}: {:?}", run.stderr);
            let written = terminal(&sandbox, 80, &args.join(" "), variables);
            assert_eq!(written.contains('\u{1b}'), on_terminal, "{variables:?} {args:?}: {written:?}");
        }
    }
}
