//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};

use super::help;
use crate::duration;
use crate::format::{Format, Kubernetes, Recipe};
use crate::provider::REGISTRY;
use crate::served::{self, Address};

/// TLS certificates from JD Cloud, Tencent Cloud, Huawei Cloud SCM and CTyun, on disk in one layout.
#[derive(Debug, Parser)]
#[command(name = "certctl", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = help::CERTCTL, after_long_help = help::CERTCTL_LONG)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// How results are printed
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Table, value_name = "FORM")]
    pub(super) output: Output,
    /// The config file [default: $CERTCTL_CONFIG, ./certctl.toml, ~/.config/certctl/, /etc/certctl/]
    #[arg(short, long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) config: Option<PathBuf>,
    /// Ask this endpoint instead of the provider's own (https, or http on loopback)
    #[arg(long, global = true, hide_short_help = true, value_name = "URL")]
    pub(super) endpoint: Option<String>,
    /// The longest that one try of one request may take
    #[arg(long, global = true, hide_short_help = true, value_parser = duration::parse_positive, default_value = "30s", value_name = "TIME")]
    pub(super) timeout: Duration,
    /// How often a request that may succeed later is tried again
    #[arg(long, global = true, hide_short_help = true, default_value_t = 3, value_name = "N")]
    pub(super) retries: u32,
    /// How many certificates are asked for at the same time
    /// [default: the account's in the config, else 8]
    #[arg(short, long, global = true, hide_short_help = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) jobs: Option<u16>,
    /// Say more on stderr; twice for every request
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub(super) verbose: u8,
    /// Say nothing but errors
    #[arg(short, long, global = true, hide_short_help = true)]
    pub(super) quiet: bool,
    /// Whether messages are coloured
    #[arg(long, global = true, hide_short_help = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(super) color: Color,
    /// How messages on stderr are written
    #[arg(long, global = true, hide_short_help = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORM")]
    pub(super) log_format: LogFormat,
    /// Exit with 10 if something changed, and with 11 if `list --expiring` finds something
    #[arg(long, global = true, hide_short_help = true)]
    pub(super) detailed_exitcode: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show the certificates that the clouds hold
    List(ListArgs),
    /// Show all that the cloud says of one certificate, without its secrets
    Describe(DescribeArgs),
    /// Write key, certificate and chain to disk, verified, all at once
    Download(Box<DownloadArgs>),
    /// Bring the disk to what the clouds hold, by the config file; run checks and hooks
    Sync(SyncArgs),
    /// Look at what is on disk, and served: complete, unharmed, in date
    Check(CheckArgs),
    /// Go back to the version of a certificate that was in place before
    Rollback(RollbackArgs),
    /// Write, check or show the config file
    #[command(subcommand, after_help = help::CONFIG)]
    Config(ConfigCommand),
    /// Print the script that makes a shell complete certctl's words
    Completions(CompletionsArgs),
    /// What those scripts ask
    #[command(name = "__words", hide = true)]
    Complete(CompleteArgs),
}

#[derive(Debug, Args)]
#[command(after_help = help::COMPLETIONS)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub(super) shell: Shell,
}

/// A shell that certctl completes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
    Elvish,
    Powershell,
}

#[derive(Debug, Args)]
pub(super) struct CompleteArgs {
    /// The word at the cursor, as far as it stands before it
    #[arg(long)]
    pub(super) word: Option<OsString>,
    /// The line up to the cursor, as bash has it; the answer is for bash then
    #[arg(long)]
    pub(super) line: Option<OsString>,
    /// The words before, without their quotes
    #[arg(last = true)]
    pub(super) words: Vec<OsString>,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Write a config with the accounts that are found: to -c FILE, else $CERTCTL_CONFIG, else ./certctl.toml
    ///
    /// Credentials are looked for in the environment and in the official tools' files; the config says where they are
    /// and has no secret in it.
    #[command(after_help = help::CONFIG_INIT)]
    Init {
        /// Ask each account for its list, and put the certificates in, as comments
        #[arg(long)]
        online: bool,
    },
    /// Tell every mistake in the config
    #[command(after_help = help::CONFIG_CHECK)]
    Check {
        /// Ask each account's cloud for its list, too
        #[arg(long)]
        online: bool,
    },
    /// Show the config as certctl understands it: defaults filled in, secrets hidden
    #[command(after_help = help::CONFIG_SHOW)]
    Show,
}

#[derive(Debug, Args)]
#[command(after_help = help::LIST)]
pub(super) struct ListArgs {
    /// Ask this provider only; may be repeated
    #[arg(short, long, value_parser = provider_names(), value_name = "PROVIDER")]
    pub(super) provider: Vec<String>,
    /// Ask this account only; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(super) account: Vec<String>,
    /// Show only certificates that cover this domain
    #[arg(long, value_parser = certificate, value_name = "DOMAIN")]
    pub(super) domain: Option<String>,
    /// Show only certificates that have expired or will within this time
    #[arg(long, value_parser = duration::parse, value_name = "TIME")]
    pub(super) expiring: Option<Duration>,
}

/// Which account is asked, where it is one.
#[derive(Debug, Args)]
pub(super) struct AccountArgs {
    /// The provider
    #[arg(short, long, value_parser = provider_names(), value_name = "PROVIDER", required_unless_present = "account")]
    pub(super) provider: Option<String>,
    /// The account, where the config has several of the provider
    #[arg(long, value_name = "NAME")]
    pub(super) account: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = help::DESCRIBE)]
pub(super) struct DescribeArgs {
    #[command(flatten)]
    pub(super) account: AccountArgs,
    /// An id, or a domain: the newest certificate that covers it
    #[arg(value_name = "CERT", value_parser = certificate)]
    pub(super) certificate: String,
}

#[derive(Debug, Args)]
#[command(after_help = help::DOWNLOAD)]
pub(super) struct DownloadArgs {
    #[command(flatten)]
    pub(super) account: AccountArgs,
    /// Ids, or domains: the newest certificate that covers each
    #[arg(value_name = "CERT", value_parser = certificate, required_unless_present = "all", conflicts_with = "all")]
    pub(super) certificates: Vec<String>,
    /// Every issued certificate that is in date
    #[arg(long)]
    pub(super) all: bool,
    /// Where certificate directories go [default: the config's `dir`, else the current directory]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) dir: Option<PathBuf>,
    /// The certificate directory's name, instead of the certificate's first DNS name
    #[arg(long, conflicts_with = "all", value_name = "NAME")]
    pub(super) name: Option<String>,
    /// What to write beside the PEM files [default: what the directory has]
    #[arg(long, value_parser = formats(), value_delimiter = ',', value_name = "FORMAT")]
    pub(super) format: Vec<Format>,
    /// Write no directory, but this format of one certificate to stdout
    #[arg(long, value_parser = formats(), value_name = "FORMAT", conflicts_with_all = ["all", "dir", "format", "dry_run"])]
    pub(super) stdout: Option<Format>,
    #[command(flatten)]
    pub(super) making: MakingArgs,
    /// Replace a newer certificate by an older one, too; with --stdout, print onto a terminal, too
    #[arg(long)]
    pub(super) force: bool,
    /// Download and verify, but write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// How long to wait for another certctl at work in the same directory
    #[arg(long, value_parser = duration::parse, default_value = "30s", value_name = "TIME")]
    pub(super) lock_timeout: Duration,
}

/// How the formats are written, and what opens what the cloud hands out encrypted.
#[derive(Debug, Args)]
pub(super) struct MakingArgs {
    /// The key stores' password is in this file [default: a random one, written to keystore.pass]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "keystore_password_env")]
    pub(super) keystore_password_file: Option<PathBuf>,
    /// The key stores' password is in this environment variable
    #[arg(long, value_name = "VARIABLE")]
    pub(super) keystore_password_env: Option<String>,
    /// What the key is called in key stores [default: the certificate directory's name]
    #[arg(long, value_name = "ALIAS", value_parser = alias)]
    pub(super) keystore_alias: Option<String>,
    /// What the Kubernetes secret is called [default: made of the certificate directory's name]
    #[arg(long, value_name = "NAME", value_parser = kubernetes_name)]
    pub(super) kubernetes_name: Option<String>,
    /// The Kubernetes secret's namespace [default: none, that of whoever applies it]
    #[arg(long, value_name = "NAMESPACE", value_parser = kubernetes_namespace)]
    pub(super) kubernetes_namespace: Option<String>,
    /// The password of a private key that comes encrypted is in this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "key_password_env")]
    pub(super) key_password_file: Option<PathBuf>,
    /// The password of a private key that comes encrypted is in this environment variable
    #[arg(long, value_name = "VARIABLE")]
    pub(super) key_password_env: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = help::CHECK)]
pub(super) struct CheckArgs {
    /// Certificates of the config by their names, or directories [default: all of the config]
    #[arg(value_name = "PATH|NAME", value_hint = ValueHint::DirPath)]
    pub(super) targets: Vec<String>,
    /// Exit with 11 if something expires within this time
    #[arg(long, value_parser = duration::parse, value_name = "TIME")]
    pub(super) within: Option<Duration>,
    /// Compare with what this server serves
    #[arg(long, value_name = "HOST:PORT")]
    pub(super) connect: Option<Address>,
    /// The name that the server is asked for [default: HOST if the certificate is for it, else the certificate's first]
    #[arg(long, value_name = "NAME", requires = "connect")]
    pub(super) server_name: Option<String>,
    /// The protocol that the server speaks before TLS
    #[arg(long, value_enum, value_name = "PROTOCOL", requires = "connect")]
    pub(super) starttls: Option<Starttls>,
    /// Verify the chains against the system's trusted roots, too
    #[arg(long)]
    pub(super) trust: bool,
    /// Write Prometheus metrics, whatever is found
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) metrics_file: Option<PathBuf>,
}

/// A protocol that goes over to TLS when it is asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Starttls {
    Smtp,
    Imap,
    Postgres,
}

impl From<Starttls> for served::Starttls {
    fn from(protocol: Starttls) -> Self {
        match protocol {
            Starttls::Smtp => Self::Smtp,
            Starttls::Imap => Self::Imap,
            Starttls::Postgres => Self::Postgres,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = help::SYNC)]
pub(super) struct SyncArgs {
    /// Certificates of the config, by name [default: all]
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,
    /// Download and verify, but write and run nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Replace newer certificates by older ones, and what was rolled back, too
    #[arg(long)]
    pub(super) force: bool,
    /// Wait for a random time up to this, at most a day; not on a terminal
    #[arg(long, value_parser = duration::parse, default_value = "0s", value_name = "TIME")]
    pub(super) jitter: Duration,
    /// How long to wait for another certctl at work for the same config
    #[arg(long, value_parser = duration::parse, default_value = "30s", value_name = "TIME")]
    pub(super) lock_timeout: Duration,
    /// Write the run's report as JSON, whatever became of it; not with --dry-run
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) report: Option<PathBuf>,
    /// Write Prometheus metrics, whatever became of the run; not with --dry-run
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) metrics_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = help::ROLLBACK)]
pub(super) struct RollbackArgs {
    /// A certificate of the config by its name, or a certificate directory
    #[arg(value_name = "NAME|PATH", value_hint = ValueHint::DirPath)]
    pub(super) certificate: String,
    /// Go to this version instead of the one before
    #[arg(long, value_name = "VERSION")]
    pub(super) to: Option<String>,
    /// How long to wait for another certctl at work in the same directory
    #[arg(long, value_parser = duration::parse, default_value = "30s", value_name = "TIME")]
    pub(super) lock_timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    Table,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

/// A script whose variable is not set must not get as far as asking a cloud for the certificate without an id.
fn certificate(text: &str) -> Result<String, &'static str> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty()).ok_or("it is blank; give an id or a domain")
}

/// Each format by its word.
fn formats() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::as_str)).try_map(|word| Format::parse(&word).ok_or("unknown"))
}

fn alias(text: &str) -> Result<String, &'static str> {
    if Recipe::is_alias(text) { Ok(text.to_owned()) } else { Err(Recipe::ALIASES) }
}

fn kubernetes_name(text: &str) -> Result<String, &'static str> {
    if Kubernetes::is_name(text) { Ok(text.to_owned()) } else { Err(Kubernetes::NAMES) }
}

fn kubernetes_namespace(text: &str) -> Result<String, &'static str> {
    if Kubernetes::is_namespace(text) { Ok(text.to_owned()) } else { Err(Kubernetes::NAMESPACES) }
}

fn provider_names() -> PossibleValuesParser {
    REGISTRY.iter().map(|registration| registration.name).collect::<Vec<_>>().into()
}
