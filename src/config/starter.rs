//! A first config file for the user to fill in.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::ConfigError;
use crate::credential::CredentialError;
use crate::environment::Environment;
use crate::provider::{REGISTRY, Registration};

const HEAD: &str = r#"# certctl.toml: the accounts that certctl asks, and the certificates that belong on this machine.
#
#   certctl config check            is everything in here right?
#   certctl config check --online   and do the clouds answer?
#   certctl config show             what certctl makes of it, secrets hidden
#
# Unknown keys are refused. All paths are absolute. Durations: 60s, 30m, 12h, 14d.

dir = "/etc/certctl/certs"      # where certificate directories go
# keep = 3                      # old versions kept
# warn_before = "14d"           # warn if the installed certificate ends so soon and there is no newer one

# Accounts. Credentials come from one of:
#   access_key and secret_key (and session_token): { env = "NAME" }, { file = "/path" }, or a string if nobody else
#     can read this file;
#   profile = "NAME": the official tool's own file;
#   credentials_command = ["program", "argument"]: prints {"access_key", "secret_key"} as JSON;
#   none of these: the cloud's usual environment variables, then its tool's file.
# Also: endpoint = "https://…", requests_per_second = 10, jobs = 8.
"#;

const TAIL: &str = r#"
# Certificates that belong on this machine: the newest issued one that covers the domains.
#
# [[certificates]]
# name = "www.example.com"                # the directory's name
# account = "NAME"                        # or accounts = ["NAME", "OTHER"]; may be left out if there is only one
# domains = ["www.example.com"]           # default: the name; or id = "…" to pin one
# formats = ["pem"]                       # pem, combined, pkcs12, pkcs12-legacy, jks, der, k8s-secret
# owner = "root"
# group = "nginx"
# key_mode = "0640"                       # default 0600; cert_mode: 0644
# install = [
#   { file = "fullchain.pem", to = "/etc/nginx/ssl/www.crt" },
#   { file = "privkey.pem", to = "/etc/nginx/ssl/www.key", mode = "0600" },
# ]
# check = ["nginx", "-t"]
# hook = ["systemctl", "reload", "nginx"]
# hook_timeout = "60s"

# Commands around a whole run: a list, or one string for /bin/sh -c.
#
# [hooks]
# before = ["/usr/local/bin/maintenance", "on"]
# after = ["/usr/local/bin/maintenance", "off"]
# failed = ["/usr/local/bin/page", "certctl"]
"#;

/// A commented config: accounts of the clouds for which `environment` has credentials, the others as comments.
#[must_use]
pub fn text(environment: &Environment) -> String {
    let has_credentials = |registration: &Registration| {
        let found = registration.credentials.find(registration.name, environment);
        !matches!(found, Err(CredentialError::Missing { .. }))
    };
    let accounts = REGISTRY.iter().map(|registration| account(registration, has_credentials(registration)));
    format!("{HEAD}{}{TAIL}", accounts.collect::<String>())
}

/// The table of one provider's account, each of its settings as a comment.
fn account(registration: &Registration, has_credentials: bool) -> String {
    let name = registration.name;
    let table = if has_credentials {
        let note = "those of the environment, which certctl must have wherever it runs";
        format!("[accounts.{name}]\nprovider = \"{name}\"   # credentials: {note}\n")
    } else {
        format!("# [accounts.{name}]\n# provider = \"{name}\"\n")
    };
    let settings = registration.settings.iter().map(|setting| {
        let others = setting.values.get(1..).unwrap_or_default().join(", ");
        let note = if others.is_empty() { String::new() } else { format!("   # or {others}") };
        format!("# {} = \"{}\"{note}\n", setting.key, setting.values.first().unwrap_or(&"…"))
    });
    format!("\n{table}{}", settings.collect::<String>())
}

/// Writes a new config file that only its owner can read.
///
/// # Errors
/// When there is one already, or it cannot be written.
pub fn write(path: &Path, text: &str) -> Result<(), ConfigError> {
    let failed = |reason: io::Error| match reason.kind() {
        io::ErrorKind::AlreadyExists => ConfigError::Exists { path: path.to_owned() },
        _ => ConfigError::Unwritable { path: path.to_owned(), reason },
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|reason| {
        // Half a config would be worse than none.
        let _ = std::fs::remove_file(path);
        failed(reason)
    })
}
