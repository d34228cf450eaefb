//! bash, zsh, fish and elvish themselves.

use std::fs;

use super::typing::Shell;
use super::{Home, VERSIONS};
use crate::oracle;

/// What is typed, a tab, and what stands in the line then, in shells that quote like sh.
const TYPED: [(&str, &str); 14] = [
    ("certctl li", "certctl list "),
    ("certctl list --acc", "certctl list --account "),
    ("certctl list --account jd", r"certctl list --account jd\ prod:1 "),
    (r"certctl list --account jd\ prod:", r"certctl list --account jd\ prod:1 "),
    (r"certctl list --account=jd\ prod:", r"certctl list --account=jd\ prod:1 "),
    ("certctl list --account 北", "certctl list --account 北京 "),
    ("certctl sync tw", r"certctl sync two\ words "),
    ("certctl sync 'tw", "certctl sync 'two words' "),
    ("certctl sync \"tw", "certctl sync \"two words\" "),
    (r"certctl sync \*", r"certctl sync \*.star.example "),
    ("certctl sync www.example.com _", "certctl sync www.example.com _.wild.example "),
    ("certctl check els", "certctl check elsewhere/"),
    ("certctl -c my", r"certctl -c my\ config.toml "),
    ("certctl download --format=pem,jk", "certctl download --format=pem,jks "),
];

/// Each script as a start-up file reads it.
fn script(home: &Home, shell: &str) -> String {
    let output = home.command("certctl").args(["completions", shell]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn bash() {
    if !oracle::has("script") {
        return;
    }
    let home = Home::new();
    let keys = r#"
bind -x '"\C-x": printf "%s\n" "$READLINE_LINE" >new; mv new line; READLINE_LINE=; READLINE_POINT=0'
PROMPT_COMMAND='touch ready'
"#;
    fs::write(home.path().join("rc"), script(&home, "bash") + keys).unwrap();
    let mut shell = Shell::start(&home, "bash --rcfile rc -i");
    for (typed, line) in TYPED {
        assert_eq!(shell.types(&format!("{typed}\t")), line, "{typed}");
    }
    // Everything in it is text to bash.
    let hard = shell.types("certctl sync it\t");
    let read = home.command("bash").args(["-c", &hard.replace("certctl sync", "printf %s")]).output().unwrap();
    assert_eq!(String::from_utf8(read.stdout).unwrap(), "it's $HOME;reboot", "{hard}");
    assert_eq!(shell.types("certctl rollback www.example.com --to 202609\t"), rolled_back(VERSIONS[2]));
    assert_eq!(shell.types("certctl sync $(touch was-run) w\t"), "certctl sync $(touch was-run) www.example.com ");
    home.is_untouched();
}

#[test]
fn zsh() {
    if !oracle::has("script") || !oracle::has("zsh") {
        return;
    }
    let home = Home::new();
    // As a file in the search path, as packages have it.
    fs::create_dir(home.path().join("functions")).unwrap();
    fs::write(home.path().join("functions/_certctl"), script(&home, "zsh")).unwrap();
    let keys = r#"
fpath=($HOME/functions $fpath)
autoload -Uz compinit && compinit -u -D
tell() { print -r -- "$BUFFER" >new; mv new line; BUFFER= }
zle -N tell
bindkey -r '^X'
bindkey '^X' tell
KEYTIMEOUT=1
zle-line-init() { touch ready }
zle -N zle-line-init
"#;
    fs::write(home.path().join(".zshrc"), keys).unwrap();
    let mut shell = Shell::start(&home, "zsh -d -i");
    for (typed, line) in TYPED {
        assert_eq!(shell.types(&format!("{typed}\t")), line, "{typed}");
    }
    let hard = shell.types("certctl sync it\t");
    let read = home.command("zsh").args(["-fc", &hard.replace("certctl sync", "printf %s")]).output().unwrap();
    assert_eq!(String::from_utf8(read.stdout).unwrap(), "it's $HOME;reboot", "{hard}");
    assert_eq!(shell.types("certctl rollback www.example.com --to 202609\t"), rolled_back(VERSIONS[2]));
    assert_eq!(shell.types("certctl sync $(touch was-run) w\t"), "certctl sync $(touch was-run) www.example.com ");
    assert_eq!(shell.types("certctl --config=my\t"), r"certctl --config=my\ config.toml ");
    home.is_untouched();
    // From a start-up file.
    let sourced = format!("autoload -Uz compinit && compinit -u -D\n{}print $_comps[certctl]", script(&home, "zsh"));
    let output = home.command("zsh").args(["-fc", &sourced]).output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap().trim(),
        "_certctl",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn rolled_back(version: &str) -> String {
    format!("certctl rollback www.example.com --to {version} ")
}

#[test]
fn fish() {
    if !oracle::has("fish") {
        return;
    }
    let home = Home::new();
    fs::write(home.path().join("certctl.fish"), script(&home, "fish")).unwrap();
    let complete = |line: &str| {
        let script = "source certctl.fish; complete -C $argv[1]";
        let output = home.command("fish").args(["--no-config", "-c", script, line]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    for (typed, offered) in [
        ("certctl li", "list\tShow the certificates that the clouds hold"),
        ("certctl list --acc", "--account\tAsk this account only; may be repeated"),
        ("certctl list --account j", "jd prod:1\tjdcloud"),
        ("certctl list --account=j", "--account=jd prod:1\tjdcloud"),
        ("certctl list --account 北", "北京\thuawei"),
        ("certctl sync 'tw", "two words\ttwo words"),
        (r"certctl sync \*.s", "*.star.example\t*.star.example"),
        ("certctl sync it", "it's $HOME;reboot\tit's $HOME;reboot"),
        ("certctl check els", "elsewhere/\tDirectory"),
        ("certctl -c my", "my config.toml"),
        ("certctl --config=my", "--config=my config.toml"),
        ("certctl rollback www.example.com --to 202609", VERSIONS[2]),
    ] {
        assert_eq!(complete(typed), [offered], "{typed}");
    }
    assert_eq!(complete("certctl sync (touch was-run) w"), ["www.example.com\twww.example.com"]);
    home.is_untouched();
}

#[test]
fn elvish() {
    if !oracle::has("script") || !oracle::has("elvish") {
        return;
    }
    let home = Home::new();
    let keys = r#"
fn tell { print $edit:current-command"\n" >new; e:mv new line; set edit:current-command = '' }
set edit:insert:binding[Ctrl-X] = $tell~
set edit:before-readline = [{ e:touch ready }]
"#;
    fs::write(home.path().join("rc.elv"), script(&home, "elvish") + keys).unwrap();
    let mut shell = Shell::start(&home, "elvish -rc rc.elv");
    // What needs no quotes is inserted; what needs them is shown, and taken at Enter.
    for (keys, line) in [
        ("certctl li\t", "certctl list"),
        ("certctl list --account 北\t", "certctl list --account 北京"),
        ("certctl list --account j\t\r", "certctl list --account 'jd prod:1'"),
        ("certctl sync tw\t\r", "certctl sync 'two words'"),
        ("certctl sync '*.s\t", "certctl sync '*.star.example'"),
        ("certctl sync it\t\r", "certctl sync 'it''s $HOME;reboot'"),
        ("certctl -c my\t\r", "certctl -c 'my config.toml'"),
    ] {
        assert_eq!(shell.types(keys).trim_end(), line, "{keys}");
    }
    home.is_untouched();
}

/// There is no PowerShell to ask here: the script is there, and hands nothing that was typed to be evaluated.
#[test]
fn powershell() {
    let script = script(&Home::new(), "powershell");
    let code: Vec<_> = script.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    assert!(code[0].starts_with("Register-ArgumentCompleter -Native -CommandName certctl -ScriptBlock {"), "{script}");
    assert!(!code.concat().contains("Invoke-Expression") && code.concat().contains("__words"), "{script}");
    for (open, close) in [('(', ')'), ('{', '}'), ('[', ']')] {
        let count = |wanted| code.concat().chars().filter(|c| *c == wanted).count();
        assert_eq!(count(open), count(close), "{open}");
    }
}
