//! The intermediates of a leaf, rebuilt from issuer links: which are needed, in which order, and whether one is missing.
//!
//! Clouds seldom send the root, so the end of a chain has to be inferred. It is complete if its last certificate
//!
//! - was issued by a self-signed root that came along (the root itself is never written), or
//! - is a CA certificate whose issuer did not come along: that issuer is taken to be a root in the clients' stores.
//!
//! It is incomplete if the leaf's own issuer did not come along, and if a link further up is missing. The second shows
//! only by a CA certificate that came along without a place in the chain, and a harmless extra certificate must not
//! fail a good download. So a stray CA certificate counts as the other side of a gap only if it can be nothing else:
//! the chain does not end at a root that came along, and the stray is in date, not self-signed, allows enough
//! intermediates below itself, has not the name of a certificate in the chain (then it is a cross-signed or renewed
//! twin), has not the same issuer as one of them (a sibling) nor one of them as its issuer, and issued no other leaf
//! that came along.

use jiff::Timestamp;

use super::BundleError;
use super::certificate::Certificate;

/// Signatures that are verified for one chain. Where many certificates share a name, each may have issued each; no
/// honest download has more certificates than a tenth of this.
const MAX_CHECKS: usize = 1_000;
/// Certificates above a leaf. Clients give up far below that.
const MAX_LENGTH: usize = 100;

/// The intermediates of `leaf` among `pool`, its issuer first, without the root.
pub(super) fn build(leaf: &Certificate, pool: &[Certificate], now: Timestamp) -> Result<Vec<Certificate>, BundleError> {
    if leaf.is_self_signed() {
        return Ok(Vec::new());
    }
    let outcomes = vec![Outcome::Unknown; pool.len()];
    let mut climb = Climb { pool, now, outcomes, length: 0, checks: Checks::default() };
    let path = climb.above(leaf, Step::Leaf)?;
    let (subject, issuer) = (|| leaf.subject.clone(), || leaf.issuer.clone());
    if path.certificates.is_empty() && !path.ends_at_root {
        return Err(match pool.iter().any(|other| other != leaf && leaf.names_as_issuer(other)) {
            true => BundleError::WrongIssuer { subject: subject(), issuer: issuer() },
            false => BundleError::MissingIssuer { subject: subject(), issuer: issuer() },
        });
    }
    if let (false, Some(last)) = (path.ends_at_root, path.certificates.last())
        && let Some(stray) = above_a_gap(leaf, &path.certificates, pool, now, &mut climb.checks)?
    {
        return Err(BundleError::Gap {
            subject: last.subject.clone(),
            issuer: last.issuer.clone(),
            above: stray.subject.clone(),
        });
    }
    Ok(path.certificates.into_iter().cloned().collect())
}

/// A way up from a certificate, without it.
struct Path<'a> {
    certificates: Vec<&'a Certificate>,
    ends_at_root: bool,
}

/// What is known of a certificate of the pool as part of the way up.
#[derive(Clone)]
enum Outcome {
    Unknown,
    OnPath,
    Failed(BundleError),
}

/// Where in the chain the search is.
#[derive(Clone, Copy)]
enum Step {
    Leaf,
    Higher,
}

/// A search from issuer to issuer. It visits each certificate once, whatever loops cross-signing makes.
struct Climb<'a> {
    pool: &'a [Certificate],
    now: Timestamp,
    outcomes: Vec<Outcome>,
    /// How many certificates are between the leaf and where the search is.
    length: usize,
    checks: Checks,
}

/// How many signatures were verified.
#[derive(Default)]
struct Checks(usize);

impl Checks {
    /// Who of `pool` signed `child`, each once, with its place.
    fn signers<'a>(
        &mut self,
        child: &Certificate,
        pool: &'a [Certificate],
    ) -> Result<Vec<(usize, &'a Certificate)>, BundleError> {
        let mut signers: Vec<(usize, &Certificate)> = Vec::new();
        for (index, issuer) in pool.iter().enumerate().filter(|(_, issuer)| child.names_as_issuer(issuer)) {
            if signers.iter().any(|(_, known)| *known == issuer) {
                continue;
            }
            if self.0 == MAX_CHECKS {
                return Err(BundleError::TooMany { what: "signatures to verify", limit: MAX_CHECKS });
            }
            self.0 += 1;
            if child.is_signed_by(issuer) {
                signers.push((index, issuer));
            }
        }
        Ok(signers)
    }
}

impl<'a> Climb<'a> {
    /// The best way up from `child`: the first candidate that leads to an end. No candidate at all is an end too.
    ///
    /// An expired certificate above the leaf's own issuer ends the way below it: such are the cross-signed twins of
    /// roots that clients have long had in their stores, and clouds go on sending them.
    fn above(&mut self, child: &Certificate, step: Step) -> Result<Path<'a>, BundleError> {
        let mut fault = None;
        for (index, issuer) in self.issuers_of(child)? {
            match self.outcomes.get(index) {
                Some(Outcome::Failed(earlier)) => fault = fault.or_else(|| Some(earlier.clone())),
                Some(Outcome::Unknown) => match self.through(index, issuer, child) {
                    Ok(path) => return Ok(path),
                    Err(new) => {
                        self.set(index, Outcome::Failed(new.clone()));
                        fault = fault.or(Some(new));
                    }
                },
                Some(Outcome::OnPath) | None => {}
            }
        }
        match (fault, step) {
            (None, _) | (Some(BundleError::IntermediateExpired { .. }), Step::Higher) => {
                Ok(Path { certificates: Vec::new(), ends_at_root: false })
            }
            (Some(fault), _) => Err(fault),
        }
    }

    /// The way up from `child` that begins with `issuer`.
    fn through(&mut self, index: usize, issuer: &'a Certificate, child: &Certificate) -> Result<Path<'a>, BundleError> {
        let subject = || issuer.subject.clone();
        if !issuer.is_ca() {
            return Err(BundleError::NotACa { subject: child.subject.clone(), issuer: subject() });
        }
        // Clients use the root of their own store, so this one's dates do not matter.
        if issuer.is_self_signed() {
            return Ok(Path { certificates: Vec::new(), ends_at_root: true });
        }
        if self.now > issuer.not_after {
            return Err(BundleError::IntermediateExpired { subject: subject(), not_after: issuer.not_after });
        }
        if self.now < issuer.not_before {
            return Err(BundleError::IntermediateNotYetValid { subject: subject(), not_before: issuer.not_before });
        }
        if self.length == MAX_LENGTH {
            return Err(BundleError::TooMany { what: "certificates above each other", limit: MAX_LENGTH });
        }
        self.set(index, Outcome::OnPath);
        self.length += 1;
        let above = self.above(issuer, Step::Higher);
        self.length -= 1;
        let mut path = above?;
        path.certificates.insert(0, issuer);
        Ok(path)
    }

    /// Who signed `child`, in order of preference: cross-signed before self-signed (more clients know the older root),
    /// then the latest. Nothing depends on the order in which they came. One that is out of date fails later on.
    fn issuers_of(&mut self, child: &Certificate) -> Result<Vec<(usize, &'a Certificate)>, BundleError> {
        let mut issuers = self.checks.signers(child, self.pool)?;
        issuers.sort_by_cached_key(|(_, issuer)| {
            let newest = std::cmp::Reverse((issuer.not_before, issuer.not_after));
            (issuer.is_self_signed(), newest, issuer.der().to_vec())
        });
        Ok(issuers)
    }

    fn set(&mut self, index: usize, outcome: Outcome) {
        if let Some(known) = self.outcomes.get_mut(index) {
            *known = outcome;
        }
    }
}

/// A CA certificate that can only belong above a missing link; the module's comment has the reasons.
fn above_a_gap<'a>(
    leaf: &Certificate,
    chain: &[&Certificate],
    pool: &'a [Certificate],
    now: Timestamp,
    checks: &mut Checks,
) -> Result<Option<&'a Certificate>, BundleError> {
    let is_root = |other: &Certificate| other.is_self_signed();
    let twin_of_chain = |other: &Certificate| chain.iter().any(|link| link.subject == other.subject);
    // A link that also came as a self-signed root is where the clients' own chains end.
    if pool.iter().any(|other| twin_of_chain(other) && is_root(other)) {
        return Ok(None);
    }
    let beside_chain = |other: &Certificate| {
        chain.iter().any(|link| link.issuer == other.issuer || other.names_as_issuer(link))
            || leaf.issuer == other.issuer
    };
    let others = issuers_of_others(leaf, pool, checks)?;
    let mut strays: Vec<_> = pool
        .iter()
        .filter(|other| other.is_ca() && other.is_in_date(now) && other.allows_below(chain.len() + 1))
        .filter(|other| *other != leaf && !twin_of_chain(other) && !beside_chain(other) && !is_root(other))
        .filter(|other| !others.contains(other))
        .collect();
    strays.sort_by_key(|stray| stray.der());
    Ok(strays.first().copied())
}

/// Everything that the other end-entity certificates of the pool were issued by, up to their roots.
fn issuers_of_others<'a>(
    leaf: &Certificate,
    pool: &'a [Certificate],
    checks: &mut Checks,
) -> Result<Vec<&'a Certificate>, BundleError> {
    let mut found: Vec<&Certificate> = pool.iter().filter(|other| *other != leaf && !other.is_ca()).collect();
    let mut next = 0;
    while let Some(child) = found.get(next).copied() {
        for (_, issuer) in checks.signers(child, pool)? {
            if !found.contains(&issuer) {
                found.push(issuer);
            }
        }
        next += 1;
    }
    Ok(found)
}
