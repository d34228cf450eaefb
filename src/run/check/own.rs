//! A certificate directory of certctl's, by the config or by its own metadata.json.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use secrecy::SecretString;

use super::files::{Files, Held, own_password};
use super::problem::{Code, Problem};
use super::row::Row;
use super::{Checked, Judge};
use crate::config::{CertificateConfig, Selector};
use crate::domain;
use crate::failure::Failure;
use crate::format::{self, FULLCHAIN, Modes};
use crate::run::making::keystore_password;
use crate::run::sync::ownership;
use crate::store::{self, Audit, Expected, Fault, Identity, Name, Ownership};
use crate::text::{shell_word, shown};

/// One that the config names.
pub(super) fn configured(certificate: &CertificateConfig, judge: &Judge) -> Checked {
    let path = certificate.dir.join(certificate.name.as_str());
    let password = keystore_password(certificate.keystore_password.as_ref(), &judge.environment);
    let (password, failure) = match password {
        Ok(password) => (password, None),
        Err(failure) => (None, Some(failure)),
    };
    let modes = Modes { key: certificate.key_mode, cert: certificate.cert_mode };
    let names = format::names(&certificate.formats, modes, certificate.keystore_password.is_some());
    // The group that sync gives is that of whoever runs it; of another user's, this process knows nothing.
    let is_ours = path.symlink_metadata().is_ok_and(|found| found.uid() == geteuid().as_raw());
    let group = certificate.group.as_ref().map(|group| group.id);
    let ownership = if is_ours { ownership(certificate) } else { Ownership { group, ..ownership(certificate) } };
    let expected = Expected { files: &names.always, may_be: &names.dual, installs: &certificate.install, ownership };
    let repair = format!("`certctl sync {}` sets it right", certificate.name);
    let found = match store::audit(&certificate.dir, &certificate.name, Some(&expected)) {
        Ok(Some(found)) => found,
        Ok(None) => {
            let message = format!("{} is not there: nothing was ever installed", shown(&path));
            let hint = format!("run `certctl sync {}`", certificate.name);
            let problems = vec![Problem::new(Code::MissingFile, message, hint)];
            return Row { problems, ..Row::new(certificate.name.as_str(), path) }.into();
        }
        Err(error) => return Row::failed(certificate.name.as_str(), path, error).into(),
    };
    let rejected = found.rejected.clone();
    let mut checked = Own { name: &certificate.name, path, repair, password, judge }.check(found);
    checked.row.failure = checked.row.failure.or(failure);
    if let (Selector::Id(id), Some(identity)) = (&certificate.selector, &checked.row.identity)
        && identity.id != *id
        // What the user has rolled back from stays away: no sync would install it.
        && rejected.as_ref() != Some(id)
    {
        let message = format!("certificate {} is installed, and the config wants {id}", identity.id);
        let hint = format!("run `certctl sync {}`, or correct `id`", certificate.name);
        checked.row.problems.push(Problem::new(Code::Name, message, hint));
    }
    if let Selector::Domains(domains) = &certificate.selector {
        let hint = format!("run `certctl sync {}`, or correct `domains`", certificate.name);
        covers(&mut checked, domains, &hint);
    }
    checked
}

/// One that no config names.
pub(super) fn unlisted(dir: &Path, name: &Name, judge: &Judge) -> Checked {
    let path = dir.join(name.as_str());
    let found = match store::audit(dir, name, None) {
        Ok(Some(found)) => found,
        Ok(None) => return Row::failed(name.as_str(), path.clone(), gone(&path)).into(),
        Err(error) => return Row::failed(name.as_str(), path, error).into(),
    };
    let repair = match &found.identity {
        Some(identity) => again(dir, name, identity),
        None => "download the certificate again, with the same -d and --name".to_owned(),
    };
    let domains = found.identity.as_ref().map(|identity| identity.domains.clone()).unwrap_or_default();
    let mut checked = Own { name, path, repair: repair.clone(), password: None, judge }.check(found);
    covers(&mut checked, &domains, &repair);
    checked
}

/// It was there a moment ago.
fn gone(path: &Path) -> Failure {
    Failure::Usage(format!("{} is not there any more", shown(path)))
}

/// The download that sets things right.
fn again(dir: &Path, name: &Name, identity: &Identity) -> String {
    let Identity { provider, account, id, .. } = identity;
    let account = if account == provider { String::new() } else { format!(" --account {}", shell_word(account)) };
    let (provider, id, dir) = (shell_word(provider), shell_word(id), shell_word(&shown(dir)));
    format!("`certctl download -p {provider}{account} {id} -d {dir} --name {name}` sets it right")
}

/// A certificate directory that is looked at.
struct Own<'a> {
    name: &'a Name,
    path: PathBuf,
    repair: String,
    /// The user's own, for key stores.
    password: Option<SecretString>,
    judge: &'a Judge,
}

impl Own<'_> {
    fn check(self, found: Audit) -> Checked {
        let Audit { identity, version, files, findings, rejected: _, denied } = found;
        let is_of_fullchain = |path: &PathBuf| path.ends_with(FULLCHAIN);
        let is_changed = findings
            .iter()
            .any(|finding| finding.fault == Fault::Hash && finding.path.as_ref().is_some_and(is_of_fullchain));
        let is_recorded = identity.is_some() && !is_changed;
        let password = self.password.clone().or_else(|| own_password(&files));
        let set = Files {
            path: &self.path,
            bytes: files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect(),
            was_verified: is_recorded,
            repair: &self.repair,
        };
        let (held, of_contents) = set.judge(self.judge.now, password.as_ref());
        let mut row = Row::new(self.name.as_str(), self.path.clone());
        row.problems = findings.into_iter().map(|finding| Problem::of(finding, &self.repair)).collect();
        row.problems.extend(of_contents);
        row.problems.extend(open_to_others(&self.path));
        row.failure = denied.map(Failure::from);
        if let Some(held) = &held {
            row = row.of_leaf(&held.leaf);
            row.problems.extend(self.judge.dates(&held.leaf, &shown(&self.path)));
        }
        Checked { row: Row { identity, version, ..row }, held }
    }
}

/// Whoever may write there can put other files in the place of all that is right. No repair takes that back: it may be
/// meant for somebody.
fn open_to_others(directory: &Path) -> Option<Problem> {
    const OTHERS_WRITE: u32 = 0o002;
    let mode = directory.symlink_metadata().ok()?.mode() & 0o7777;
    let message = format!("{} has mode {mode:04o}: anybody may put other files there", shown(directory));
    let hint = format!("run `chmod o-w {}`", shell_word(&directory.display().to_string()));
    (mode & OTHERS_WRITE != 0).then(|| Problem::new(Code::Mode, message, hint))
}

/// The certificate must cover these.
fn covers(checked: &mut Checked, domains: &[String], hint: &str) {
    let Some(Held { leaf, .. }) = &checked.held else { return };
    let names = leaf.names();
    for domain in domains.iter().filter(|domain| !domain::covers(&names, domain)) {
        let message = format!("the certificate does not cover {domain}; it covers {}", names.join(", "));
        checked.row.problems.push(Problem::new(Code::Name, message, hint));
    }
}
