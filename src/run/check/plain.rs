//! The certificates in a directory of PEM files.

use std::path::Path;

use super::files::{Files, Held, chain_code, judged_at, mismatch, told};
use super::pem::{CERTBOTS, Directory, Found, is_certificate_name};
use super::problem::{Code, Problem};
use super::row::Row;
use super::{Checked, Judge};
use crate::bundle::audit::{self, ChainFault};
use crate::bundle::{BundleError, Certificate, PrivateKey};
use crate::failure::Failure;
use crate::store::StoreError;
use crate::text::shown;

/// What sets most things right where certctl did not write the files.
const REPAIR: &str = "have it written again by whatever wrote it";

/// A row for each certificate for servers in the directory; none if there is nothing about certificates in it.
pub(super) fn rows(directory: &Directory, judge: &Judge) -> Vec<Checked> {
    if directory.is_foreign() && directory.denied.is_empty() {
        return Vec::new();
    }
    let mut rows = Rows { directory, judge, keys: directory.keys(), done: Vec::new(), leaves: Vec::new() };
    if directory.is_one() {
        rows.certbots();
    }
    rows.others();
    rows.leftover();
    rows.done
}

struct Rows<'a> {
    directory: &'a Directory,
    judge: &'a Judge,
    /// Every key, with the name of its file.
    keys: Vec<(&'a str, &'a PrivateKey)>,
    done: Vec<Checked>,
    /// The certificates for servers, each with the names of its files.
    leaves: Vec<(Certificate, Vec<&'a str>)>,
}

impl<'a> Rows<'a> {
    /// The one certificate in certbot's four files.
    fn certbots(&mut self) {
        let directory = self.directory;
        let has_four = directory.has_four();
        let files: Vec<_> = CERTBOTS.iter().filter_map(|name| directory.files.get_key_value(*name)).collect();
        let set = Files {
            path: &directory.path,
            bytes: files.iter().map(|(name, found)| (name.as_str(), found.bytes.as_slice())).collect(),
            was_verified: false,
            repair: REPAIR,
        };
        let (held, problems) = set.judge(self.judge.now, None);
        let name = directory.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut row = Row::new(name, directory.path.clone());
        for name in CERTBOTS.iter().filter(|name| !directory.files.contains_key(**name)) {
            let path = shown(&directory.path.join(name));
            if let Some(denied) = directory.denied.iter().find(|(denied, _)| denied == name) {
                row.failure = Some(not_readable(directory, denied));
            } else if let Some(target) = directory.dangling.get(*name) {
                let message = format!("{path} points to {}, which is not there", shown(target));
                row.problems.push(Problem::new(Code::MissingFile, message, REPAIR));
            } else if has_four {
                row.problems.push(Problem::new(Code::MissingFile, format!("{path} is missing"), REPAIR));
            }
        }
        row.problems.extend(problems);
        let names = files.iter().map(|(name, _)| name.as_str()).collect();
        if let Some(Held { leaf, .. }) = &held {
            self.leaves.push((leaf.clone(), names));
            row = row.of_leaf(leaf);
            row.problems.extend(self.judge.dates(leaf, &shown(&directory.path)));
        }
        self.done.push(Checked { row, held });
    }

    /// Every other certificate for servers.
    fn others(&mut self) {
        let is_certbots = |name: &str| self.directory.is_one() && CERTBOTS.contains(&name);
        let known = self.authorities();
        let mut leaves: Vec<(Certificate, Vec<&'a str>)> = Vec::new();
        for (name, found) in self.directory.files.iter().filter(|(name, _)| !is_certbots(name)) {
            let Some(leaf) = found.leaf(&self.keys) else { continue };
            // The same one under another name is told of once.
            if let Some((_, names)) = leaves.iter_mut().chain(&mut self.leaves).find(|(known, _)| known == leaf) {
                names.push(name);
            } else {
                leaves.push((leaf.clone(), vec![name]));
            }
        }
        // Of that in certbot's files the names are known here only.
        if let ([checked], [(leaf, names)]) = (&self.done[..], &self.leaves[..])
            && checked.row.path == self.directory.path
        {
            let names: Vec<_> = names.iter().copied().filter(|name| !is_certbots(name)).collect();
            let wrong = self.wrong_keys(leaf, &names);
            self.done.iter_mut().for_each(|checked| checked.row.problems.extend(wrong.iter().cloned()));
        }
        self.leaves.extend(leaves.iter().cloned());
        for (leaf, names) in leaves {
            let checked = self.one(&leaf, &names, &known);
            self.done.push(checked);
        }
    }

    fn one(&self, leaf: &Certificate, names: &[&str], known: &[Certificate]) -> Checked {
        let name = names.first().copied().unwrap_or_default();
        let path = self.directory.path.join(name);
        let mut row = Row::new(name, path.clone()).of_leaf(leaf);
        for found in names.iter().filter_map(|name| self.directory.files.get(*name)) {
            let faults = found.pem.faults.iter();
            row.problems.extend(faults.map(|fault| Problem::new(Code::NotPem, fault.to_string(), REPAIR)));
        }
        let (fullchain, fault) = self.chain(leaf, names, known);
        if let Some((name, fault)) = fault {
            let message = format!("{}: {fault}", shown(&self.directory.path.join(name)));
            let hint = "put the leaf first, then its issuer and so on up, without the root";
            row.problems.push(Problem::new(chain_code(&fault), message, hint));
        }
        self.key(leaf, names, &mut row);
        row.problems.extend(self.judge.dates(leaf, &shown(&path)));
        Checked { row, held: Some(Held { leaf: leaf.clone(), fullchain, known: known.to_vec() }) }
    }

    /// What a server would send, and what is wrong with it, with the name of the file. The chain is in the leaf's own
    /// file, or in one of its own beside it.
    fn chain<'n>(
        &'n self,
        leaf: &Certificate,
        names: &[&'n str],
        known: &[Certificate],
    ) -> (Vec<Certificate>, Option<(&'n str, ChainFault)>) {
        let at = judged_at(leaf, self.judge.now);
        let certificates = |name: &str| self.directory.files.get(name).map(|found| &found.pem.certificates);
        let listed = names.iter().filter_map(|name| Some((*name, certificates(name)?)));
        let mut full = listed.filter(|(_, certificates)| certificates.len() > 1);
        if let Some((name, certificates)) = full.next() {
            let faults = [(name, certificates)].into_iter().chain(full);
            let fault =
                faults.filter_map(|(name, listed)| Some((name, audit::chain(leaf, listed, known, at).err()?))).next();
            return (certificates.clone(), fault);
        }
        let alone = vec![leaf.clone()];
        let Err(fault) = audit::chain(leaf, &alone, known, at) else { return (alone, None) };
        let mut worst = None;
        for (name, found) in self.directory.files.iter().filter(|(_, found)| is_of_authorities(found)) {
            let listed: Vec<_> = alone.iter().chain(&found.pem.certificates).cloned().collect();
            match audit::chain(leaf, &listed, &[], at) {
                Ok(()) => return (listed, None),
                // Not its chain at all.
                Err(ChainFault::Broken(BundleError::MissingIssuer { .. } | BundleError::WrongIssuer { .. })) => {}
                Err(fault) => worst = worst.or(Some((name.as_str(), fault))),
            }
        }
        let name = names.first().copied().unwrap_or_default();
        (alone, Some(worst.unwrap_or((name, fault))))
    }

    /// The leaf's key: in its own file or in one of the same name, since servers are told that name; else in any.
    fn key(&self, leaf: &Certificate, names: &[&str], row: &mut Row) {
        let is_near = |name: &str| names.iter().any(|own| stem(own) == stem(name));
        let (near, far): (Vec<_>, Vec<_>) = self.keys.iter().partition(|(name, _)| is_near(name));
        let wrong = self.wrong_keys(leaf, names);
        let candidates = if near.is_empty() { &far } else { &near };
        if wrong.is_empty() && candidates.iter().any(|(_, key)| matches!(key.matches(leaf), Ok(true))) {
            return;
        }
        let is_encrypted = |(name, found): (&String, &Found)| found.pem.has_encrypted_key && is_near(name);
        if !wrong.is_empty() {
            row.problems.extend(wrong);
        } else if !near.is_empty() || self.directory.files.iter().any(is_encrypted) {
            tracing::info!("{}: its key is encrypted, or of a kind that certctl cannot compare", row.path.display());
        } else if let Some(denied) = self.directory.denied.iter().find(|(name, _)| is_near(name)) {
            row.failure = Some(not_readable(self.directory, denied));
        } else if let [denied, ..] = &self.directory.denied[..] {
            row.failure = Some(not_readable(self.directory, denied));
        } else if self.keys.is_empty() {
            tracing::info!("{}: there is no private key in the directory", row.path.display());
        } else {
            let message = format!("no private key in {} is that of {}", shown(&self.directory.path), told(leaf));
            let is_other = |(_, key): &(&str, &PrivateKey)| {
                !self.leaves.iter().any(|(leaf, _)| matches!(key.matches(leaf), Ok(true)))
            };
            let code = if self.keys.iter().any(is_other) { Code::KeyMismatch } else { Code::MissingFile };
            row.problems.push(Problem::new(code, message, REPAIR));
        }
    }

    /// The keys that stand beside the certificate's files, each under the same name, and are not its own. A certificate
    /// that is there under two names has two of them.
    fn wrong_keys(&self, leaf: &Certificate, names: &[&str]) -> Vec<Problem> {
        let mut wrong: Vec<Problem> = Vec::new();
        for own in names {
            let near = self.keys.iter().filter(|(name, _)| stem(name) == stem(own));
            if near.clone().any(|(_, key)| matches!(key.matches(leaf), Ok(true))) {
                continue;
            }
            if let Some((name, what)) = near.filter_map(|(name, key)| Some((name, mismatch(key, leaf)?))).next() {
                let message = format!("{} {what}", shown(&self.directory.path.join(name)));
                wrong.push(Problem::new(Code::KeyMismatch, message, REPAIR));
            }
        }
        wrong.dedup();
        wrong
    }

    /// Files that were to be certificates or keys, and cannot be read: told with the certificate of the same name, or
    /// alone.
    fn leftover(&mut self) {
        let directory = self.directory;
        let told: Vec<&str> = self.leaves.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let is_told = |name: &str| told.contains(&name) || directory.is_one() && CERTBOTS.contains(&name);
        let path = |name: &str| shown(&directory.path.join(name));
        let mut found: Vec<(String, Problem)> = Vec::new();
        for (name, file) in directory.files.iter().filter(|(name, _)| !is_told(name)) {
            let faults = file.pem.faults.iter();
            found.extend(faults.map(|fault| (name.clone(), Problem::new(Code::NotPem, fault.to_string(), REPAIR))));
        }
        for name in &directory.no_pem {
            let message = format!("{} is neither PEM nor DER", path(name));
            found.push((name.clone(), Problem::new(Code::NotPem, message, REPAIR)));
        }
        for (name, target) in directory.dangling.iter().filter(|(name, _)| !is_told(name)) {
            let message = format!("{} points to {}, which is not there", path(name), shown(target));
            found.push((name.clone(), Problem::new(Code::MissingFile, message, REPAIR)));
        }
        for (name, problem) in found {
            let at = directory.path.join(&name);
            let is_its = |checked: &&mut Checked| {
                checked.row.path == at || stem(&checked.row.name) == stem(&name) && checked.row.path != directory.path
            };
            match self.done.iter_mut().find(is_its) {
                Some(checked) => checked.row.problems.push(problem),
                None => self.done.push(Row { problems: vec![problem], ..Row::new(name, at) }.into()),
            }
        }
        let is_named_so = |(name, _): &&(String, _)| is_certificate_name(name) && !name.ends_with(".key");
        let denied = directory.denied.iter().find(is_named_so).or_else(|| directory.denied.first());
        if let (true, Some(denied)) = (self.done.is_empty(), denied) {
            let name = directory.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            self.done.push(Row::failed(name, directory.path.clone(), not_readable(directory, denied)).into());
        }
        // Which certificate would be in it, nobody knows: that all is well must not be said of it.
        if self.done.iter().all(|checked| checked.row.failure.is_none()) {
            let unread = directory.denied.iter().filter(is_named_so);
            let failed = |denied: &(String, _)| {
                Row::failed(&*denied.0, directory.path.join(&denied.0), not_readable(directory, denied)).into()
            };
            self.done.extend(unread.map(failed));
        }
    }

    /// Every certificate of an authority in the directory, each once.
    fn authorities(&self) -> Vec<Certificate> {
        let all = self.directory.files.values().flat_map(|found| &found.pem.certificates);
        let mut known: Vec<_> = all.filter(|certificate| certificate.is_ca()).cloned().collect();
        known.sort_by(|one, other| one.fingerprint_sha256.cmp(&other.fingerprint_sha256));
        known.dedup();
        known
    }
}

fn is_of_authorities(found: &Found) -> bool {
    !found.pem.certificates.is_empty() && found.pem.certificates.iter().all(Certificate::is_ca)
}

/// What the names of a certificate's and of its key's file have in common: `www` of `www.crt`, `www-key.pem`,
/// `www_bundle.crt` and `www.key.pem`.
fn stem(name: &str) -> &str {
    const KINDS: [&str; 9] =
        ["bundle", "cert", "certificate", "chain", "crt", "fullchain", "key", "privkey", "private"];
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    match stem.rsplit_once(['-', '_', '.']) {
        Some((owner, kind)) if !owner.is_empty() && KINDS.contains(&kind) => owner,
        _ => stem,
    }
}

fn not_readable(directory: &Directory, (name, reason): &(String, std::io::Error)) -> Failure {
    let reason = reason.raw_os_error().map_or_else(|| reason.kind().into(), std::io::Error::from_raw_os_error);
    StoreError::unreadable(directory.path.join(name), reason).into()
}

/// Why a directory cannot be looked into.
pub(super) fn closed(path: &Path, reason: std::io::Error) -> Failure {
    StoreError::unreadable(path.to_owned(), reason).into()
}
