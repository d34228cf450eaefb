//! What holds of whatever certctl says, and of whatever it accepts.

use std::collections::HashSet;
use std::fmt::{Debug, Display};
use std::sync::LazyLock;

use certctl::bundle::{Bundle, BundleError, Certificate, Material, PrivateKey, Requirements, audit};
use certctl::format::{self, Recipe};
use jiff::Timestamp;
use secrecy::SecretString;

/// The time in all targets; every seed is valid then.
pub const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);
/// The lines of the seeds' private key that hold what is secret of it: no message may repeat a part of that.
const SECRETS: &str = include_str!("../seeds/secrets.txt");
/// So many characters of a secret in a row are a part of it.
const PART: usize = 16;
/// No message is longer, in characters.
const LONGEST: usize = 4_000;

static PARTS: LazyLock<HashSet<&'static [u8]>> =
    LazyLock::new(|| SECRETS.lines().flat_map(|line| line.as_bytes().windows(PART)).collect());

/// A message: one line that no terminal acts on, not endless, without a part of a secret.
#[track_caller]
pub fn message(error: &(impl Display + Debug + ?Sized)) {
    let text = error.to_string();
    let odd = |c: &char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.is_empty() && !text.chars().any(|c| odd(&c)), "{text:?}");
    assert!(text.chars().count() <= LONGEST, "{} characters: {text:.2000}", text.chars().count());
    tells_nothing(&text);
    tells_nothing(&format!("{error:?}"));
}

/// There is no part of a secret in it. A fuzzer would sooner or later write one where names stand, which are told, so
/// that is looked for in the test suite alone.
#[track_caller]
pub fn tells_nothing(text: &str) {
    assert!(!cfg!(test) || !text.as_bytes().windows(PART).any(|part| PARTS.contains(part)), "a secret in {text}");
}

/// What certctl makes of this material.
pub fn assemble(material: &Material, passwords: &[SecretString]) -> Result<Bundle, BundleError> {
    let outcome = Bundle::assemble(material, &Requirements { now: NOW, domains: &[], passwords });
    match &outcome {
        Ok(bundle) => accepted(bundle),
        Err(error) => message(error),
    }
    // Its Debug is in logs.
    tells_nothing(&format!("{material:?} {outcome:?}"));
    outcome
}

/// The same of plain pieces.
pub fn assemble_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Bundle, BundleError> {
    let numbered = pieces.into_iter().enumerate();
    let material =
        numbered.fold(Material::default(), |material, (index, piece)| material.with(format!("piece {index}"), piece));
    assemble(&material, &[])
}

/// What is accepted: the key is the leaf's, all is in date, each certificate names the next, the files made of it give
/// the same again, and `check` finds nothing wrong with them.
#[track_caller]
fn accepted(bundle: &Bundle) {
    let (leaf, chain) = (bundle.leaf(), bundle.chain());
    assert_eq!(bundle.key().matches(leaf), Ok(true));
    assert!(leaf.not_before <= NOW && NOW <= leaf.not_after);
    let mut child = leaf;
    for issuer in chain {
        assert!(child.issuer == issuer.subject && issuer.is_ca() && issuer.not_after >= NOW, "{issuer:?}");
        child = issuer;
    }
    if let Some(dual) = bundle.dual() {
        assert!(dual.key.as_ref().is_none_or(|key| key.matches(&dual.certificate) == Ok(true)));
    }
    let files = format::files(bundle, &Recipe::default()).unwrap();
    assert_eq!(files.iter().filter(|file| file.name == "fullchain.pem").count(), 1);
    let is_complete = !chain.is_empty() || leaf.issuer == leaf.subject;
    // The root that came along is not among them, and where it issued the leaf nothing else says that it may.
    if !is_complete {
        return;
    }
    let material =
        files.iter().fold(Material::default(), |material, file| material.with(file.name, file.bytes.to_vec()));
    let again = Bundle::assemble(&material, &Requirements { now: NOW, domains: &[], passwords: &[] });
    let again = again.unwrap_or_else(|error| panic!("what was written is refused: {error}"));
    assert_eq!((again.leaf(), again.chain()), (leaf, chain));
    assert_eq!(again.key().to_pem(), bundle.key().to_pem());
    let halves = |bundle: &Bundle| {
        bundle.dual().map(|dual| (dual.certificate.clone(), dual.key.as_ref().map(PrivateKey::to_pem)))
    };
    assert_eq!(halves(&again), halves(bundle));
    let listed: Vec<Certificate> = std::iter::once(leaf).chain(chain).cloned().collect();
    assert_eq!(audit::chain(leaf, &listed, &[], NOW), Ok(()));
}
