//! Work without measure: passwords that cost minutes a try, chains that branch at every step, text that is read over and
//! over. Iterations are counted, not timed; other work is weighed by the processor time of this thread, four times as
//! much of it against once.

use certctl::bundle::{Bundle, BundleError, Material};
use certctl::keystore::{Budget, KeystoreError, open_key};
use rcgen::KeyPair;

use super::targets::judge::{assemble, message};
use crate::bundle::pki::{Node, Pki, Wish, pem, tlv};
use crate::oracle;
use crate::proof::{held, is_long};

const MOST: u64 = Budget::ITERATIONS;

/// An encrypted key by PBES2: PBKDF2 of so many iterations. A vector of the wrong length makes every try cost what it
/// says, by certctl's own count, and nothing in truth.
fn sealed(iterations: u64, salt: &[u8], vector: &[u8]) -> Vec<u8> {
    let digits = u128::from(iterations).to_be_bytes();
    let parameters = tlv(0x30, &[&tlv(4, &[salt]), &tlv(2, &[&digits[7..]])]);
    let derivation = tlv(0x30, &[b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c", &parameters]);
    let cipher = tlv(0x30, &[b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2a", &tlv(4, &[vector])]);
    let algorithm = tlv(0x30, &[b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d", &tlv(0x30, &[&derivation, &cipher])]);
    tlv(0x30, &[&algorithm, &tlv(4, &[&[0; 32]])])
}

/// A PKCS#12 store without any content, whose MAC takes so many iterations.
fn store(iterations: u64, salt: &[u8]) -> Vec<u8> {
    let data =
        tlv(0x30, &[b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", &tlv(0xa0, &[&tlv(4, &[&tlv(0x30, &[])])])]);
    let sha1 = tlv(0x30, &[&tlv(0x30, &[b"\x06\x05\x2b\x0e\x03\x02\x1a"]), &tlv(4, &[&[0; 20]])]);
    let digits = u128::from(iterations).to_be_bytes();
    tlv(0x30, &[&[2, 1, 3], &data, &tlv(0x30, &[&sha1, &tlv(4, &[salt]), &tlv(2, &[&digits[7..]])])])
}

fn outcome(pieces: &[Vec<u8>], passwords: usize) -> Result<Bundle, BundleError> {
    let material = pieces.iter().enumerate().fold(Material::default(), |material, (index, piece)| {
        material.with(format!("piece {index}"), piece.as_slice())
    });
    let material =
        (0..passwords).fold(material, |material, number| material.with_password(format!("password {number}")));
    assemble(&material, &[])
}

/// However many keys, stores and passwords: what is left when the first try is refused is less than that try, and no
/// more was taken away before it than was asked for.
#[test]
fn all_tries_share_one_budget() {
    let mut cases = 0;
    for (keys, passwords) in [(1, 0), (1, 1), (1, 20), (2, 20), (3, 20), (20, 2), (60, 0)] {
        for iterations in [MOST / 2 + 1, MOST / 7, MOST / 50, MOST + 1, u64::from(u32::MAX), u64::MAX] {
            let pieces: Vec<_> = (0..keys).map(|key: u8| sealed(iterations, &[key; 8], b"")).collect();
            let error = outcome(&pieces, passwords).unwrap_err();
            let tries = passwords as u64 + 1;
            match &error {
                BundleError::Sealed {
                    fault: KeystoreError::TooManyIterations { iterations: asked, left, limit },
                    ..
                } => {
                    assert_eq!((*asked, *limit), (iterations, MOST));
                    // Each try also takes two for its bytes.
                    let done = (MOST - left) / iterations.saturating_add(2).min(MOST);
                    assert!(
                        *left < iterations && done <= MOST / iterations.clamp(1, MOST + 1),
                        "{done} tries, {left} left"
                    );
                }
                // What is told is the first key's trouble.
                _ => assert!(iterations.saturating_mul(tries) <= MOST, "{iterations} × {tries}: {error}"),
            }
            cases += 1;
        }
    }
    for passwords in [0, 3, 20] {
        let stores: Vec<_> = (0..3).map(|number| store(MOST + 1, &[number; 8])).collect();
        let error = outcome(&stores, passwords).unwrap_err();
        assert!(error.to_string().contains("iterations"), "{error}");
        cases += 1;
    }
    if is_long() {
        // The worst there is, in truth: some seconds in a release build.
        let error = outcome(&[sealed(MOST / 21 - 10, b"saltsalt", &[0; 16])], 20).unwrap_err();
        assert!(matches!(error, BundleError::WrongPassword { .. }), "{error}");
    }
    held("material::work::all_tries_share_one_budget", cases);
}

/// Every try on the same bytes costs what they weigh, too.
#[test]
fn large_stores_cost_their_size() {
    let mut cases = 0;
    for kind in [&b"\xfe\xed\xfe\xed"[..], b"\x30\x84\x00\xff\xff\xfa\x02\x01\x03\x30\x02\x06\x00"] {
        let mut large = kind.to_vec();
        large.resize(16 << 20, 0);
        let mut budget = Budget::default();
        let mut tries = 0;
        let error = loop {
            match open_key(&large, "x", &mut budget) {
                Err(error @ KeystoreError::TooManyIterations { .. }) => break error,
                other => assert!(other.is_err()),
            }
            tries += 1;
        };
        message(&error);
        assert_eq!(tries, MOST / ((16 << 20) / 64));
        cases += tries;
    }
    held("material::work::large_stores_cost_their_size", cases.try_into().unwrap());
}

/// What is honest is opened, whatever is tried before it.
#[test]
fn honest_files_open() {
    if !oracle::has("openssl") {
        return;
    }
    let pki = Pki::new();
    let desk = tempfile::tempdir().unwrap();
    let at = |name: &str| desk.path().join(name).display().to_string();
    std::fs::write(at("key.pem"), pki.leaf.key_pem()).unwrap();
    std::fs::write(at("chain.pem"), pki.fullchain()).unwrap();
    let chain = pki.fullchain().into_bytes();
    let mut cases = 0;
    // OpenSSL's own number, OWASP's, and that of password managers; with so many wrong passwords before the right one.
    for (how, wrong) in
        [("-iter 2048", 19), ("-iter 10000", 19), ("-iter 600000", 4), ("-iter 1000000", 2), ("-scrypt", 19)]
    {
        let command =
            format!("pkcs8 -topk8 -in {} -out {} -v2 aes-256-cbc -passout pass:right {how}", at("key.pem"), at("out"));
        let command = if how == "-scrypt" { command.replace("-v2 aes-256-cbc", "") } else { command };
        oracle::run("openssl", &command.split_whitespace().collect::<Vec<_>>());
        let key = std::fs::read(at("out")).unwrap();
        let material = Material::default().with("chain", chain.clone()).with("key", key);
        let material = (0..wrong).fold(material, |material, number| material.with_password(format!("wrong {number}")));
        let bundle = assemble(&material.with_password("right"), &[]).unwrap_or_else(|error| panic!("{how}: {error}"));
        assert_eq!(bundle.leaf().der(), pki.leaf.der);
        cases += 1;
    }
    for (how, files) in [("-iter 2048", 3), ("-iter 10000", 2), ("-iter 2048 -legacy", 3), ("-iter 30000", 2)] {
        let material = (0..files).fold(Material::default(), |material, number| {
            let out = at(&format!("{number}.p12"));
            let command = format!(
                "pkcs12 -export -inkey {} -in {} -out {out} -passout pass:right {how}",
                at("key.pem"),
                at("chain.pem")
            );
            oracle::run("openssl", &command.split_whitespace().collect::<Vec<_>>());
            material.with(format!("store {number}"), std::fs::read(out).unwrap())
        });
        let material = (0..19).fold(material, |material, number| material.with_password(format!("wrong {number}")));
        assemble(&material.with_password("right"), &[]).unwrap_or_else(|error| panic!("{how}: {error}"));
        cases += 1;
    }
    held("material::work::honest_files_open", cases);
}

/// The processor time that this thread has had, in nanoseconds.
fn spent() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// Four times as much takes four times as long, or a little more, not sixteen times.
fn in_proportion(what: &str, of: impl Fn(usize) -> Vec<u8>, size: usize) {
    let cost = |input: &[u8]| {
        let before = spent();
        let outcome = super::targets::judge::assemble_pieces([input]);
        (spent() - before, outcome)
    };
    let (small, large) = (of(size), of(4 * size));
    let (once, _) = cost(&small);
    let (four_times, outcome) = cost(&large);
    let told = outcome.map_or_else(|error| error.to_string(), |bundle| format!("{bundle:?}"));
    eprintln!("{what}: {} and {} ms, {told:.200}", once / 1_000_000, four_times / 1_000_000);
    // A millisecond that is the start's.
    assert!(four_times < 9 * once.max(1_000_000), "{what}: {once} ns and {four_times} ns");
}

#[test]
fn text_is_read_once() {
    let pki = Pki::new();
    let all = pki.fullchain() + &pki.leaf.key_pem();
    let many_names = |count: usize| {
        let names: Vec<String> = (0..count).map(|number| format!("a{number}.example.com")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let leaf = pki.intermediate.issue(Wish::leaf(&names));
        (leaf.pem() + &pki.intermediate.pem() + &leaf.key_pem()).into_bytes()
    };
    let repeated = |text: &'static str| move |count: usize| text.repeat(count).into_bytes();
    in_proportion("tiny blocks", repeated("-----BEGIN X-----\n-----END X-----\n"), 20_000);
    in_proportion(
        "blocks without a body",
        repeated("-----BEGIN CERTIFICATE REQUEST-----x-----END CERTIFICATE REQUEST-----"),
        10_000,
    );
    in_proportion("no line ends", repeated("-----BEGIN X-----:::::::::-----END X-----"), 20_000);
    in_proportion("dashes", repeated("-"), 400_000);
    in_proportion("beginnings", repeated("-----BEGIN "), 50_000);
    in_proportion("blank", repeated(" "), 1_000_000);
    in_proportion("base64", repeated("QUFB"), 200_000);
    in_proportion("the same material", |count| all.repeat(count).into_bytes(), 50);
    in_proportion(
        "an encrypted key again and again",
        |count| pem("ENCRYPTED PRIVATE KEY", &sealed(1, b"salt", b"")).repeat(count).into_bytes(),
        2_000,
    );
    in_proportion("names in a leaf", many_names, 3_000);
    in_proportion("indefinite lengths", |count| [[0x30, 0x80].repeat(count), vec![0; 2 * count]].concat(), 100_000);
    in_proportion(
        "octets in pieces",
        |count| tlv(0x30, &[&[2, 1, 3], &tlv(0x30, &[&[6, 1, 42]]), &[0x24, 0x80], &[4, 1, 0].repeat(count), &[0, 0]]),
        100_000,
    );
    in_proportion(
        "entries of a Java key store",
        |count| {
            let entry = b"\0\0\0\x02\0\x01a\0\0\0\0\0\0\0\0\0\x05X.509\0\0\0\0";
            [
                b"\xfe\xed\xfe\xed\0\0\0\x02".as_slice(),
                &u32::try_from(count).unwrap().to_be_bytes(),
                &entry.repeat(count),
                &[0; 20],
            ]
            .concat()
        },
        20_000,
    );
    held("material::work::text_is_read_once", 13);
}

/// Many that are all different, and more than are ever needed.
#[test]
fn more_than_any_download_has() {
    let pki = Pki::new();
    let leaf_and_key = pki.leaf.pem() + &pki.leaf.key_pem() + &pki.intermediate.pem();
    let key = KeyPair::generate().unwrap();
    let certificates = |count: u32| {
        (0..count)
            .map(|number| pem("CERTIFICATE", &pki.root.sign(&Wish::ca(&format!("CA {number}")), &key)))
            .collect::<String>()
    };
    let keys = |count: u32| {
        (0..count).map(|_| pem("PRIVATE KEY", KeyPair::generate().unwrap().serialized_der())).collect::<String>()
    };
    let sealed_keys = (0..1_000_u32)
        .map(|number| pem("ENCRYPTED PRIVATE KEY", &sealed(1, &number.to_be_bytes(), b"")))
        .collect::<String>();
    let mut cases = 0;
    for (what, text) in [
        ("certificates", leaf_and_key.clone() + &certificates(10_000)),
        ("private keys", leaf_and_key.clone() + &keys(1_000)),
        ("ways to open", pki.fullchain() + &sealed_keys),
    ] {
        let error = outcome(&[text.into_bytes()], 0).unwrap_err();
        assert!(matches!(&error, BundleError::TooMany { what: told, .. } if told.contains(what)), "{error}");
        cases += 1;
    }
    held("material::work::more_than_any_download_has", cases);
}

/// Certificates of which each may have issued each: the way up is not searched in every order.
#[test]
fn chains_that_branch_everywhere() {
    let mut cases = 0;
    // All of one name and one key; of two names that issue each other; of one name, with a key each.
    for (names, one_key) in [(1, true), (2, true), (10, true), (1, false)] {
        let authorities: Vec<Node> = (0..names).map(|number| Node::root(&format!("CA {number}"))).collect();
        let mut text = String::new();
        for number in 0..95_usize {
            let (issuer, subject) = (&authorities[number % names], &authorities[(number + 1) % names]);
            let wish =
                Wish::ca(&format!("CA {}", (number + 1) % names)).days(-100, 1_000 + i64::try_from(number).unwrap());
            let own = KeyPair::generate().unwrap();
            text += &pem("CERTIFICATE", &issuer.sign(&wish, if one_key { &subject.key } else { &own }));
        }
        let leaf = authorities[0].issue(Wish::leaf(&["www.example.com"]));
        let before = spent();
        let outcome = outcome(&[(leaf.pem() + &leaf.key_pem() + &text).into_bytes()], 0);
        eprintln!("{names} names: {} ms", (spent() - before) / 1_000_000);
        // Where each has a key of its own, the leaf's issuer is none of them.
        let is_bound = |error: &BundleError| {
            matches!(error, BundleError::TooMany { what: "signatures to verify", limit: 1_000 })
                || matches!(error, BundleError::WrongIssuer { .. }) && !one_key
        };
        assert!(outcome.as_ref().map_or_else(is_bound, |_| names != 2), "{names}: {outcome:?}");
        cases += 1;
    }
    held("material::work::chains_that_branch_everywhere", cases);
}

/// A chain so long that to climb it call by call would take more stack than a thread has.
#[test]
fn chains_without_end() {
    use certctl::bundle::audit;
    let count = 2_300;
    let mut issuer = Node::root("CA 0");
    let mut listed = Vec::new();
    for number in 1..count {
        issuer = issuer.issue(Wish::ca(&format!("CA {number}")));
        listed.push(certctl::bundle::Certificate::parse(&issuer.der).unwrap());
    }
    let leaf = issuer.issue(Wish::leaf(&["www.example.com"]));
    let leaf = certctl::bundle::Certificate::parse(&leaf.der).unwrap();
    listed.push(leaf.clone());
    listed.reverse();
    // As little as the threads have that `check` works on.
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    let judged =
        thread.spawn(move || audit::chain(&leaf, &listed, &[], jiff::Timestamp::now())).unwrap().join().unwrap();
    let error = judged.unwrap_err();
    message(&error);
    assert!(error.to_string().contains("100"), "{error}");
    held("material::work::chains_without_end", count);
}
