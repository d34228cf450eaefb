//! The four clouds on this machine, to rehearse certctl, its cron job and its hooks without an account.

#[path = "mod.rs"]
#[allow(dead_code, reason = "what the test suite alone uses")]
mod sandbox;

use std::env::consts::EXE_SUFFIX;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use jiff::SignedDuration;
use sandbox::archive::Kind;
use sandbox::ctyun::Form;
use sandbox::{AMBIENT, Account, Cloud, Options, Plan, Sandbox};

/// Simulates JD Cloud, Tencent Cloud, Huawei Cloud and CTyun on loopback and runs a command against them.
///
/// Without a command: downloads every certificate of every cloud with certctl and shows what is on disk then.
#[derive(Debug, Parser)]
#[command(name = "sandbox", after_help = EXAMPLES)]
struct Arguments {
    /// Whose credentials the command gets
    #[arg(long, value_enum, default_value = "healthy")]
    account: Account,
    /// Let something go wrong: CLOUD=FAULT[xTIMES][@OPERATION]; may be repeated
    ///
    /// FAULT is an HTTP status (429, or 429:2 with Retry-After), skew:SECONDS, or one of busy, refused, reset,
    /// reset-mid-reply, truncated, wrong-key, missing-intermediate, another, endless, drip, hang, html, empty,
    /// invalid-utf8, deep-json, redirect, gzip, gzip-bomb, deflate-bomb, br-bomb. Or html:STATUS, a gateway's page;
    /// body:TEXT instead of the reply's; field:POINTER=JSON or missing:POINTER, a change to the reply;
    /// listing:NAME, one of never-ends, twice, overlaps, repeats, promises-more, promises-one; wire:NAME, one of nothing,
    /// not-http, length-too-short, length-too-long, length-is-no-number, lengths-differ, chunk-size-is-no-number,
    /// chunks-cut-off, chunk-too-long, headers-without-end, huge-header, thousands-of-headers, informs-for-ever.
    #[arg(long, value_name = "CLOUD=FAULT", value_parser = fault)]
    fault: Vec<(Cloud, Plan)>,
    /// Serve HTTPS, and have SSL_CERT_FILE name the sandbox's root
    #[arg(long)]
    tls: bool,
    /// Set CERTCTL_JDCLOUD_MFA, as account mfa needs it for a download
    #[arg(long)]
    mfa: bool,
    /// Huawei without version 3, as regions once were
    #[arg(long)]
    huawei_v2: bool,
    /// What Huawei's version 2 hands out
    #[arg(long, value_enum, default_value = "zip")]
    huawei_archive: Kind,
    /// Which forms CTyun's ECX knows
    #[arg(long, value_enum, default_value = "both")]
    ctyun_form: Form,
    /// The service that CERTCTL_CTYUN_ENDPOINT names: ctyun (ECX) or ccms
    #[arg(long, value_enum, default_value = "ctyun")]
    ctyun_product: Cloud,
    /// How many seconds the clouds' clocks are ahead
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_negative_numbers = true)]
    skew: i64,
    /// Do not enforce Tencent's request rates
    #[arg(long)]
    no_rates: bool,
    /// How long every reply takes: 50ms, 2s; a bare number is milliseconds
    #[arg(long, value_name = "TIME", value_parser = latency, default_value = "0")]
    latency: Duration,
    /// How many certificates account bulk has at each cloud
    #[arg(long, value_name = "N", default_value_t = 0)]
    bulk: usize,
    /// Add a line to this file for each request: time, cloud, operation, status of the reply
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Renew the cloud's www certificate once, so many seconds from now; may be repeated
    #[arg(long, value_name = "CLOUD=SECONDS", value_parser = renewal)]
    renew: Vec<(Cloud, Duration)>,
    /// Where the demonstration puts the certificates [default: a new directory for temporary files]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Print the environment as `export` lines and keep running until interrupted
    #[arg(long, conflicts_with = "command")]
    print_env: bool,
    /// The command to run; its exit code is ours
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

const EXAMPLES: &str = "Examples:
  cargo run --example sandbox
  cargo run --example sandbox -- certctl list
  cargo run --example sandbox -- --account sm2
  cargo run --example sandbox -- --fault tencent=429x2 certctl download -p tencent --all -d certs
  cargo run --example sandbox -- --account troubled --tls certctl download -p huawei --all -d certs
  cargo run --example sandbox -- --renew tencent=20 sh -c 'while certctl sync -c certctl.toml; do sleep 5; done'";

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "sandbox: error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode, String> {
    let log = arguments.log.as_ref().map(|path| {
        let file = File::options().create(true).append(true).open(path);
        file.map(Arc::new).map_err(|error| format!("{}: {error}", path.display()))
    });
    let sandbox = Sandbox::start(Options {
        tls: arguments.tls,
        huawei_v3: !arguments.huawei_v2,
        huawei_v2_archive: arguments.huawei_archive,
        ctyun_form: arguments.ctyun_form,
        ctyun_product: arguments.ctyun_product,
        clock_offset: SignedDuration::from_secs(arguments.skew),
        rates: !arguments.no_rates,
        latency: arguments.latency,
        bulk: arguments.bulk,
        log: log.transpose()?,
        ..Options::default()
    });
    let sandbox = Arc::new(sandbox);
    for (cloud, plan) in arguments.fault {
        sandbox.fault(cloud, plan);
    }
    let mut environment = sandbox.environment_of(arguments.account);
    if arguments.mfa {
        environment.push(("CERTCTL_JDCLOUD_MFA".to_owned(), sandbox.mfa()));
    }
    for (cloud, wait) in arguments.renew {
        let (sandbox, account) = (Arc::clone(&sandbox), arguments.account);
        // Nobody waits for it: where the command has ended before, there is nothing to renew.
        std::thread::spawn(move || {
            std::thread::sleep(wait);
            renew(&sandbox, cloud, account);
        });
    }
    if arguments.print_env {
        return print_and_stay(&environment);
    }
    match arguments.command.split_first() {
        None => demonstrate(&sandbox, &environment, arguments.account, arguments.dir),
        Some((program, rest)) => {
            let status = command(program, &environment)?.args(rest).status();
            Ok(code(status.map_err(|error| format!("{}: {error}", program.display()))?))
        }
    }
}

fn fault(text: &str) -> Result<(Cloud, Plan), String> {
    let (cloud, plan) = text.split_once('=').ok_or("CLOUD=FAULT is wanted")?;
    Ok((clap::ValueEnum::from_str(cloud, false)?, plan.parse()?))
}

fn latency(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(milliseconds) => Ok(Duration::from_millis(milliseconds)),
        Err(_) => text
            .parse::<SignedDuration>()
            .and_then(Duration::try_from)
            .map_err(|_| format!("{text}: not a time such as 50ms")),
    }
}

fn renewal(text: &str) -> Result<(Cloud, Duration), String> {
    let (cloud, seconds) = text.split_once('=').ok_or("CLOUD=SECONDS is wanted")?;
    let seconds = seconds.parse().map_err(|_| format!("{seconds}: not a number of seconds"))?;
    Ok((clap::ValueEnum::from_str(cloud, false)?, Duration::from_secs(seconds)))
}

/// Renews the account's certificate for www, or its first one that was issued.
fn renew(sandbox: &Sandbox, cloud: Cloud, account: Account) {
    let held = sandbox.certificates(cloud, account);
    let issued = || held.iter().filter(|certificate| certificate.downloadable());
    let old = issued().find(|certificate| certificate.domain.starts_with("www.")).or_else(|| issued().next());
    let said = match old {
        Some(old) => {
            let new = sandbox.renew(cloud, account, &old.id);
            format!("{} is renewed: {} follows {}", old.domain, new.id, old.id)
        }
        None => format!("{cloud:?} has nothing to renew"),
    };
    drop(writeln!(std::io::stderr(), "sandbox: {said}"));
}

fn print_and_stay(environment: &[(String, String)]) -> Result<ExitCode, String> {
    let unset = AMBIENT.iter().filter(|name| !environment.iter().any(|(given, _)| given == *name));
    print(&format!("unset {}", unset.copied().collect::<Vec<_>>().join(" ")))?;
    for (name, value) in environment {
        print(&format!("export {name}='{value}'"))?;
    }
    loop {
        std::thread::park();
    }
}

/// All certificates of all clouds into one directory, with the real certctl, and what that directory looks like.
fn demonstrate(
    sandbox: &Sandbox,
    environment: &[(String, String)],
    account: Account,
    directory: Option<PathBuf>,
) -> Result<ExitCode, String> {
    let directory = match directory {
        Some(directory) => directory,
        None => {
            tempfile::Builder::new().prefix("certctl-sandbox-").tempdir().map_err(|error| error.to_string())?.keep()
        }
    };
    let mut worst = ExitCode::SUCCESS;
    let clouds =
        [("jdcloud", Cloud::Jdcloud), ("tencent", Cloud::Tencent), ("huawei", Cloud::Huawei), ("ctyun", Cloud::Ctyun)];
    for (provider, _) in clouds.into_iter().filter(|(_, cloud)| account.exists_at(*cloud)) {
        print(&format!("$ certctl download -p {provider} --all -d {}", directory.display()))?;
        let mut certctl = command("certctl".as_ref(), environment)?;
        let status = certctl.args(["download", "-p", provider, "--all", "-d"]).arg(&directory).status();
        let status = status.map_err(|error| format!("certctl: {error}"))?;
        if !status.success() {
            worst = code(status);
        }
    }
    print(&format!("\n{}", directory.display()))?;
    for line in tree(&directory) {
        print(&line)?;
    }
    // The sandbox's own copy goes with it; this one stays, outside the directory that certctl owns.
    let root = directory.with_extension("root.pem");
    std::fs::write(&root, sandbox.roots_pem(account)).map_err(|error| format!("{}: {error}", root.display()))?;
    print(&format!("\nThe sandbox's root certificate, to verify them with: {}", root.display()))?;
    if account == Account::Sm2 {
        // OpenSSL knows the signers' identity for the certificate at hand alone, so it goes from link to link.
        let verify = "  openssl verify -vfyopt distid:1234567812345678";
        print(&format!("{verify} -CAfile ROOT NAME/chain.pem"))?;
        print(&format!("{verify} -partial_chain -trusted NAME/chain.pem NAME/enc-cert.pem"))?;
    } else {
        print("  openssl verify -CAfile ROOT -untrusted NAME/chain.pem NAME/cert.pem")?;
    }
    Ok(worst)
}

/// What is in a directory, a line each: mode, name, and where a link leads. One certificate directory of each cloud is
/// shown with everything in it; the others, which are like it, are counted.
fn tree(directory: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let all = sorted(directory);
    let is_shown = |path: &&PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"www."));
    for path in all.iter().filter(is_shown) {
        lines.push(line(path, ""));
        walk(path, "    ", &mut lines);
    }
    let others = all.len() - all.iter().filter(is_shown).count();
    lines.push(format!("and {others} more directories like these"));
    lines
}

fn walk(directory: &Path, indent: &str, lines: &mut Vec<String>) {
    for path in sorted(directory) {
        lines.push(line(&path, indent));
        if path.is_dir() && !path.is_symlink() {
            walk(&path, &format!("{indent}    "), lines);
        }
    }
}

fn sorted(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn line(path: &Path, indent: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let name = path.file_name().unwrap_or_default().display();
    if let Ok(target) = std::fs::read_link(path) {
        return format!("      {indent}{name} -> {}", target.display());
    }
    let mode = path.metadata().map(|metadata| metadata.permissions().mode() & 0o7777).unwrap_or_default();
    format!("{mode:04o}  {indent}{name}{}", if path.is_dir() { "/" } else { "" })
}

/// The command with the sandbox's environment and none of the user's own accounts; certctl is built first.
fn command(program: &std::ffi::OsStr, environment: &[(String, String)]) -> Result<Command, String> {
    let mut command = Command::new(program);
    for name in AMBIENT {
        command.env_remove(name);
    }
    let certctl = certctl();
    if program == "certctl" {
        certctl.as_ref().map_err(String::clone)?;
    }
    if let Ok(directory) = certctl {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let all = std::iter::once(directory).chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(all).map_err(|error| error.to_string())?);
    }
    // The official tools' files hold real accounts too, and a proxy is not to see loopback.
    command.env("NO_PROXY", "127.0.0.1,localhost");
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

/// The directory of the certctl to run, built if cargo runs us.
fn certctl() -> Result<PathBuf, String> {
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut build = sandbox::cargo(&cargo);
        build.args(["build", "--quiet", "--bin", "certctl", "--manifest-path"]);
        build.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
        let target = profile_directory();
        if let Some(profile) = target.as_deref().and_then(Path::file_name).filter(|profile| *profile != "debug") {
            build.arg("--profile").arg(profile);
        }
        if let Some(target) = target.as_deref().and_then(Path::parent) {
            build.arg("--target-dir").arg(target);
        }
        let status = build.status().map_err(|error| format!("cargo: {error}"))?;
        if !status.success() {
            return Err("certctl could not be built".into());
        }
    }
    if let Some(directory) = beside() {
        return Ok(directory);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .find(|directory| has_certctl(directory))
        .ok_or_else(|| "certctl: neither beside the sandbox nor in PATH; build it with `cargo build`".to_owned())
}

/// Where cargo put certctl, if it did: one directory above the examples.
fn beside() -> Option<PathBuf> {
    profile_directory().filter(|directory| has_certctl(directory))
}

fn profile_directory() -> Option<PathBuf> {
    Some(std::env::current_exe().ok()?.parent()?.parent()?.to_owned())
}

fn has_certctl(directory: &Path) -> bool {
    directory.join(format!("certctl{EXE_SUFFIX}")).is_file()
}

/// As a shell reports it: a signal is 128 and its number.
fn code(status: ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

fn print(line: &str) -> Result<(), String> {
    writeln!(std::io::stdout(), "{line}").map_err(|error| error.to_string())
}
