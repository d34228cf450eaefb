//! What is searched for: every piece of sixteen bytes of a secret, as it stands and in every form in which it could
//! be written.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// So long a piece tells too much, and is no chance.
const PIECE: usize = 16;

type Piece = [u8; PIECE];

/// Pieces of secrets, each with the name of its secret and its form.
#[derive(Default, Clone)]
pub(super) struct Needles {
    pieces: HashMap<Piece, (String, &'static str)>,
    /// What everybody may see: a public key is a part of its private key's file.
    public: HashSet<Piece>,
    /// Whether any piece begins with these three bytes; a long text is searched by it.
    starts: Vec<bool>,
}

impl Needles {
    /// A secret that is a text of at least sixteen bytes: a key, a token, a password.
    pub(super) fn text(&mut self, name: &str, secret: &str) {
        assert!(secret.len() >= PIECE, "{name} is too short to be found");
        self.all_forms(name, secret.as_bytes());
        let mut urls = String::new();
        secret.bytes().for_each(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => urls.push(char::from(byte)),
            _ => write!(urls, "%{byte:02X}").unwrap(),
        });
        self.add(name, "percent-encoded", urls.as_bytes());
        self.add(name, "as JSON", serde_json::to_string(secret).unwrap().trim_matches('"').as_bytes());
    }

    /// A private key, PEM, and the certificates that are public.
    pub(super) fn key(&mut self, name: &str, key: &str, public: &str) {
        for block in blocks(public) {
            self.public.extend(windows(&block));
        }
        for block in blocks(key) {
            let mut is_secret = vec![true; block.len()];
            for (offset, window) in block.windows(PIECE).enumerate() {
                if !self.is_secret(window) {
                    is_secret[offset..offset + PIECE].fill(false);
                }
            }
            let mut from = 0;
            for run in is_secret.chunk_by(|one, other| one == other) {
                if run[0] {
                    self.all_forms(name, &block[from..from + run.len()]);
                }
                from += run.len();
            }
        }
    }

    /// A piece that no certificate has, and that is not the same few bytes again and again.
    fn is_secret(&self, window: &[u8]) -> bool {
        let distinct: HashSet<&u8> = window.iter().collect();
        distinct.len() > 9 && !self.public.contains(window)
    }

    fn all_forms(&mut self, name: &str, bytes: &[u8]) {
        let backwards: Vec<u8> = bytes.iter().rev().copied().collect();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.add(name, "as it is", bytes);
        self.add(name, "backwards", &backwards);
        self.add(name, "hex", hex.as_bytes());
        self.add(name, "HEX", hex.to_uppercase().as_bytes());
        for shift in 0..3 {
            let rest = bytes.get(shift..).unwrap_or_default();
            let whole = &rest[..rest.len() / 3 * 3];
            self.add(name, "base64", STANDARD.encode(whole).as_bytes());
            self.add(name, "base64url", URL_SAFE.encode(whole).as_bytes());
        }
    }

    fn add(&mut self, name: &str, form: &'static str, text: &[u8]) {
        if self.starts.is_empty() {
            self.starts = vec![false; 1 << 24];
        }
        for piece in windows(text) {
            self.starts[start(&piece)] = true;
            self.pieces.entry(piece).or_insert_with(|| (name.to_owned(), form));
        }
    }

    /// Only the secrets whose names this is true of.
    pub(super) fn only(&self, is_meant: impl Fn(&str) -> bool) -> Self {
        let mut needles = self.clone();
        needles.pieces.retain(|_, (name, _)| is_meant(name));
        needles
    }

    /// What is in the bytes: the offset, name and form of the first piece of each stretch.
    pub(super) fn find(&self, bytes: &[u8]) -> Vec<(usize, String)> {
        let mut found: Vec<(usize, String)> = Vec::new();
        let mut last = None;
        for (offset, window) in bytes.windows(PIECE).enumerate() {
            if !self.starts.get(start(window)).copied().unwrap_or_default() {
                continue;
            }
            let Some((name, form)) = self.pieces.get(window) else { continue };
            if last.is_none_or(|last| offset > last + PIECE) {
                found.push((offset, format!("{name}, {form}")));
            }
            last = Some(offset);
        }
        found
    }

    /// Asserts that nothing of it is in there.
    #[track_caller]
    pub(super) fn absent(&self, bytes: &[u8], place: &str) {
        let found = self.find(bytes);
        assert!(found.is_empty(), "{place} tells {found:?}\n{}", String::from_utf8_lossy(bytes));
    }
}

fn start(piece: &[u8]) -> usize {
    match piece {
        [a, b, c, ..] => usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c),
        _ => 0,
    }
}

fn windows(bytes: &[u8]) -> impl Iterator<Item = Piece> {
    bytes.windows(PIECE).map(|window| window.try_into().unwrap())
}

/// The contents of PEM blocks.
fn blocks(pem: &str) -> Vec<Vec<u8>> {
    let block = |text: &str| {
        let (_, body) = text.split_once("-----\n")?;
        let (body, _) = body.split_once("-----END")?;
        STANDARD.decode(body.replace(['\n', '\r'], "")).ok()
    };
    pem.split("-----BEGIN").skip(1).map(|text| block(text).unwrap()).collect()
}

#[test]
fn every_form_is_found() {
    let mut needles = Needles::default();
    let secret = "canary+/\"secret=key%of-twenty4!";
    needles.text("it", secret);
    let hex: String = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
    let forms = [
        secret.to_owned(),
        secret[3..20].to_owned(),
        secret.chars().rev().collect(),
        hex[10..40].to_owned(),
        hex.to_lowercase(),
        STANDARD.encode(format!("a{secret}")),
        STANDARD.encode(format!("ab{secret}")),
        URL_SAFE.encode(format!("abc{secret}")),
        "canary%2B%2F%22secret".to_owned(),
        serde_json::to_string(secret).unwrap(),
    ];
    for form in forms {
        assert!(!needles.find(format!("some words, then {form}, and others").as_bytes()).is_empty(), "{form}");
    }
    assert!(needles.find(b"canary+/\"secret, but no more of it").is_empty());

    let key = crate::sandbox::pki::Authority::stranger();
    needles.key("key", &key, "");
    let der = blocks(&key).concat();
    let body: String = key.lines().filter(|line| !line.starts_with('-')).collect();
    for form in [key.as_bytes(), &der, body.as_bytes(), &der[der.len() / 2..][..30], &body.as_bytes()[70..110]] {
        assert!(!needles.find(form).is_empty());
    }
}
