//! What holds for any input: the order of the pieces does not matter, and nothing makes the reader panic.

use std::sync::LazyLock;

use certctl::bundle::Certificate;
use certctl::format::{self, Recipe};
use proptest::prelude::*;
use proptest::sample::Index;

use super::archives::{archives_of, rehashed_rar, tencent};
use super::assemble;
use super::pki::{Node, Pki, Wish, pem};

/// A leaf under two intermediates, with everything that may come along without changing the result.
static PIECES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let old_root = Node::root("Old Root");
    let root = Node::root("Root");
    let upper = root.issue(Wish::ca("Upper"));
    let lower = upper.issue(Wish::ca("Lower").path_length(0));
    let leaf = lower.issue(Wish::leaf(&["www.example.com"]));
    let sibling = root.issue(Wish::ca("Sibling"));
    vec![
        leaf.pem(),
        leaf.key_pem(),
        lower.pem(),
        upper.pem(),
        root.pem(),
        pem("CERTIFICATE", &root.cross_signed_by(&old_root, &Wish::ca("Root"))),
        pem("CERTIFICATE", &upper.cross_signed_by(&old_root, &Wish::ca("Upper").days(-50, 400))),
        old_root.pem(),
        sibling.pem(),
        pem("CERTIFICATE REQUEST", b"x"),
    ]
});

/// Good inputs of every kind, to be mutated: PEM texts and archives.
static GOOD: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let pki = Pki::new();
    let archives = archives_of(&tencent(&pki)).into_iter().map(|(_, archive)| archive);
    let pem = (pki.fullchain() + &pki.leaf.key_pem()).into_bytes();
    let der = [pki.leaf.der.clone(), pki.leaf.key.serialized_der().to_vec()];
    archives.chain([pem]).chain(der).collect()
});

/// Small archives, most of whose bytes are headers.
static RARS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let files = ["a/", "a/b.pem", "c.key"].map(|name| (name.to_owned(), b"text text text".to_vec())).to_vec();
    archives_of(&files).into_iter().map(|(_, archive)| archive).filter(|archive| archive.starts_with(b"Rar!")).collect()
});

fn files(pieces: &[String]) -> Vec<Vec<u8>> {
    let bundle = assemble(pieces, &["www.example.com"]).unwrap();
    format::files(&bundle, &Recipe::default()).unwrap().iter().map(|file| file.bytes.to_vec()).collect()
}

/// A byte that is changed, a stretch that is cut out, or one that is written twice.
#[derive(Debug, Clone)]
enum Mutation {
    Set(Index, u8),
    Cut(Index, Index),
    Repeat(Index, Index),
    Truncate(Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        8 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Mutation::Cut(from, to)),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Mutation::Repeat(from, to)),
        1 => any::<Index>().prop_map(Mutation::Truncate),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    let range = |one: &Index, other: &Index| {
        let (one, other) = (one.index(length), other.index(length));
        one.min(other)..one.max(other)
    };
    match mutation {
        Mutation::Set(at, byte) => bytes[at.index(length)] = *byte,
        Mutation::Cut(from, to) => drop(bytes.drain(range(from, to))),
        Mutation::Repeat(from, to) => {
            let copy = bytes[range(from, to)].to_vec();
            bytes.extend(copy);
        }
        Mutation::Truncate(at) => bytes.truncate(at.index(length)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_and_duplicates_do_not_matter(
        order in Just((0..PIECES.len()).collect::<Vec<_>>()).prop_shuffle(),
        again in proptest::collection::vec(any::<Index>(), 0..6),
        in_one in any::<bool>(),
    ) {
        let mut pieces: Vec<String> = order.iter().map(|&index| PIECES[index].clone()).collect();
        pieces.extend(again.iter().map(|index| index.get(&PIECES).clone()));
        if in_one {
            pieces = vec![pieces.concat()];
        }
        prop_assert_eq!(files(&pieces), files(&PIECES));
    }

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600), magic in 0..6_usize) {
        let magic: &[u8] = [
            b"".as_slice(), b"PK\x03\x04", b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01\x00", b"0\x82\x02\x00",
            b"-----BEGIN CERTIFICATE-----\n",
        ][magic];
        let _ = assemble(&[[magic, &bytes].concat()], &[]);
        let _ = Certificate::parse(&bytes);
        let _ = Certificate::leaf_in_pem(&bytes);
    }

    #[test]
    fn random_text(text in "(-----(BEGIN|END) |CERTIFICATE|PRIVATE KEY|-----|\\\\n|\n|MII|[A-Za-z0-9+/=:]{0,9}){0,40}") {
        let _ = assemble(&[&text], &[]);
        let _ = Certificate::leaf_in_pem(text.as_bytes());
    }

    #[test]
    fn mutated_good_input(good in any::<Index>(), mutations in proptest::collection::vec(mutation(), 1..6)) {
        let mut bytes = good.get(&GOOD).clone();
        mutations.iter().for_each(|mutation| mutate(&mut bytes, mutation));
        let _ = assemble(&[&bytes], &[]);
        let _ = Certificate::parse(&bytes);
    }
    /// With checksums set right, so that the readers look at what the headers say.
    #[test]
    fn mutated_rar_headers(good in any::<Index>(), mutations in proptest::collection::vec(mutation(), 1..4)) {
        let mut bytes = good.get(&RARS).clone();
        mutations.iter().for_each(|mutation| mutate(&mut bytes, mutation));
        let _ = assemble(&[rehashed_rar(bytes)], &[]);
    }
}
