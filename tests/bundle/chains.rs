//! Every disorder of chains: the same intermediates in the same order come out, or the missing link is named.

use certctl::bundle::BundleError;

use super::pki::{Node, Pki, Wish, key_pair, pem, without_key_identifier};
use super::{assemble, chain_of};

/// Root, two intermediates, leaf.
struct Deep {
    root: Node,
    upper: Node,
    lower: Node,
    leaf: Node,
}

impl Deep {
    fn new() -> Self {
        let root = Node::root("Root");
        let upper = root.issue(Wish::ca("Upper"));
        let lower = upper.issue(Wish::ca("Lower").path_length(0));
        let leaf = lower.issue(Wish::leaf(&["www.example.com"]));
        Self { root, upper, lower, leaf }
    }

    fn assemble(&self, certificates: &[&str]) -> Result<Vec<String>, BundleError> {
        let bundle = assemble(&[certificates.concat(), self.leaf.key_pem()], &["www.example.com"])?;
        Ok(chain_of(&bundle).into_iter().map(str::to_owned).collect())
    }
}

#[test]
fn any_order_with_duplicates_and_a_root() {
    let deep = Deep::new();
    let (leaf, lower, upper, root) = (deep.leaf.pem(), deep.lower.pem(), deep.upper.pem(), deep.root.pem());
    for (case, certificates) in [
        ("in order", vec![&leaf, &lower, &upper]),
        ("with the root", vec![&leaf, &lower, &upper, &root]),
        ("the root first", vec![&root, &upper, &lower, &leaf]),
        ("shuffled", vec![&upper, &leaf, &root, &lower]),
        ("everything twice", vec![&upper, &leaf, &lower, &upper, &lower, &leaf]),
    ] {
        let certificates: Vec<&str> = certificates.into_iter().map(String::as_str).collect();
        assert_eq!(deep.assemble(&certificates).unwrap(), ["Lower", "Upper"], "{case}");
    }
}

#[test]
fn a_missing_link_is_named() {
    let deep = Deep::new();
    let (leaf, lower, upper, root) = (deep.leaf.pem(), deep.lower.pem(), deep.upper.pem(), deep.root.pem());
    for (case, certificates, issuer) in [
        ("the leaf alone", vec![&leaf], "CN=Lower"),
        ("the leaf's issuer is missing", vec![&leaf, &upper], "CN=Lower"),
        ("only the root is there", vec![&leaf, &root], "CN=Lower"),
    ] {
        let certificates: Vec<&str> = certificates.into_iter().map(String::as_str).collect();
        let subject = "CN=www.example.com".to_owned();
        let want = BundleError::MissingIssuer { subject, issuer: issuer.to_owned() };
        assert_eq!(deep.assemble(&certificates).unwrap_err(), want, "{case}");
    }
    // Nobody can tell this from a chain of one intermediate under a root in the clients' stores.
    assert_eq!(deep.assemble(&[&leaf, &lower]).unwrap(), ["Lower"]);
}

#[test]
fn a_gap_further_up_is_named() {
    let root = Node::root("Root");
    let top = root.issue(Wish::ca("Top"));
    let middle = top.issue(Wish::ca("Middle"));
    let lower = middle.issue(Wish::ca("Lower"));
    let leaf = lower.issue(Wish::leaf(&["www.example.com"]));
    let given = [leaf.pem(), lower.pem(), top.pem()].concat();
    let error = assemble(&[given, leaf.key_pem()], &[]).unwrap_err();
    let text = |text: &str| text.to_owned();
    let want = BundleError::Gap { subject: text("CN=Lower"), issuer: text("CN=Middle"), above: text("CN=Top") };
    assert_eq!(error, want);
}

#[test]
fn harmless_extras_do_no_harm() {
    let pki = Pki::new();
    let elsewhere = Node::root("Elsewhere");
    let issuing = elsewhere.issue(Wish::ca("Issuing").path_length(0));
    let open = elsewhere.issue(Wish::ca("Open"));
    let stranger = open.issue(Wish::leaf(&["stranger.example"]));
    let sibling = pki.root.issue(Wish::ca("Sibling"));
    let below = pki.intermediate.issue(Wish::ca("Below"));
    let expired = elsewhere.issue(Wish::ca("Gone").days(-100, -1));
    for (case, extra) in [
        ("another root", elsewhere.pem()),
        ("the issuing CA of another hierarchy", issuing.pem()),
        ("another leaf with its issuer", stranger.pem() + &open.pem()),
        ("another CA of the same root", sibling.pem()),
        ("a CA below the chain", below.pem()),
        ("an expired CA", expired.pem()),
    ] {
        let bundle = assemble(&[pki.fullchain() + &extra, extra + &pki.leaf.key_pem()], &[]);
        let bundle = bundle.unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(chain_of(&bundle), ["Intermediate"], "{case}");
    }
    // Where the root came along the chain is complete, and no stray can mean anything.
    let given = pki.fullchain() + &pki.root.pem() + &open.pem();
    assert_eq!(chain_of(&assemble(&[given, pki.leaf.key_pem()], &[]).unwrap()), ["Intermediate"]);
}

#[test]
fn a_cross_signed_root_that_came_along_leaves_no_gap() {
    let old_root = Node::root("Old Root");
    let pki = Pki::new();
    let cross = pem("CERTIFICATE", &pki.root.cross_signed_by(&old_root, &Wish::ca("Root")));
    let stray = Node::root("Elsewhere").issue(Wish::ca("Stray"));
    let given = pki.fullchain() + &cross + &stray.pem();
    let error = assemble(&[given.clone(), pki.leaf.key_pem()], &[]).unwrap_err();
    assert!(matches!(error, BundleError::Gap { .. }), "{error}");
    let bundle = assemble(&[given + &pki.root.pem(), pki.leaf.key_pem()], &[]).unwrap();
    assert_eq!(chain_of(&bundle), ["Intermediate", "Root"]);
}

/// As with the cross-signed roots that clouds still send years after they expired.
#[test]
fn an_expired_link_above_the_leafs_issuer_is_left_out() {
    let root = Node::root("Root");
    let expired = root.issue(Wish::ca("Upper").days(-100, -1));
    let lower = expired.issue(Wish::ca("Lower"));
    let renewed = pem("CERTIFICATE", &expired.sign(&Wish::ca("Lower").days(-5, 900), &lower.key));
    let leaf = lower.issue(Wish::leaf(&["www.example.com"]));
    for root in [String::new(), root.pem()] {
        let given = [leaf.pem(), leaf.key_pem(), lower.pem(), renewed.clone(), expired.pem(), root].concat();
        let bundle = assemble(&[given], &[]).unwrap();
        assert_eq!(chain_of(&bundle), ["Lower"]);
        assert_eq!(bundle.chain()[0].to_pem(), renewed, "the latest of two alike");
    }
}

#[test]
fn a_leaf_of_the_root_itself_has_no_chain() {
    let root = Node::root("Root");
    let leaf = root.issue(Wish::leaf(&["www.example.com"]));
    let bundle = assemble(&[root.pem() + &leaf.pem(), leaf.key_pem()], &[]).unwrap();
    assert!(bundle.chain().is_empty());
    let error = assemble(&[leaf.pem(), leaf.key_pem()], &[]).unwrap_err();
    assert!(matches!(error, BundleError::MissingIssuer { .. }), "{error}");
}

#[test]
fn a_self_signed_leaf_stands_alone() {
    for (case, wish) in [
        ("an end entity", Wish::leaf(&["www.example.com"])),
        ("a CA, as openssl makes it", {
            let mut wish = Wish::leaf(&["www.example.com"]);
            wish.params.is_ca = Wish::ca("").params.is_ca;
            wish
        }),
    ] {
        let leaf = Node::self_signed(wish, key_pair("EC P-256"));
        let bundle = assemble(&[leaf.pem(), leaf.key_pem()], &["www.example.com"]).unwrap();
        assert!(bundle.chain().is_empty(), "{case}");
    }
}

#[test]
fn cross_signed_and_renewed_intermediates() {
    let old_root = Node::root("Old Root");
    let root = Node::root("Root");
    let cross = pem("CERTIFICATE", &root.cross_signed_by(&old_root, &Wish::ca("Root")));
    let expired_cross = pem("CERTIFICATE", &root.cross_signed_by(&old_root, &Wish::ca("Root").days(-900, -1)));
    let intermediate = root.issue(Wish::ca("Intermediate").days(-10, 500));
    let renewed = pem("CERTIFICATE", &root.sign(&Wish::ca("Intermediate").days(-5, 900), &intermediate.key));
    let expired = pem("CERTIFICATE", &root.sign(&Wish::ca("Intermediate").days(-900, -1), &intermediate.key));
    let impostor = Node::root("Elsewhere").issue(Wish::ca("Intermediate"));
    let leaf = intermediate.issue(Wish::leaf(&["www.example.com"]));
    let (old, root, current, impostor) = (old_root.pem(), root.pem(), intermediate.pem(), impostor.pem());
    for (case, certificates, want, start) in [
        ("a cross-signed root, for clients that know the old one", [&current, &cross, &root], 2, -10),
        ("and the old root with it", [&current, &cross, &old], 2, -10),
        ("the cross-signed root alone", [&current, &cross, &current], 2, -10),
        ("an expired cross-signed root beside the new one", [&current, &expired_cross, &root], 1, -10),
        ("a renewed intermediate", [&current, &renewed, &root], 1, -5),
        ("a renewed intermediate, no root", [&renewed, &current, &renewed], 1, -5),
        ("an expired intermediate beside a good one", [&expired, &current, &root], 1, -10),
        ("another CA of the same name", [&impostor, &current, &impostor], 1, -10),
    ] {
        for reverse in [false, true] {
            let mut pieces: Vec<String> = certificates.iter().map(ToString::to_string).collect();
            pieces.extend([leaf.pem(), leaf.key_pem()]);
            if reverse {
                pieces.reverse();
            }
            let bundle = assemble(&pieces, &[]).unwrap_or_else(|error| panic!("{case}: {error}"));
            assert_eq!(chain_of(&bundle), ["Intermediate", "Root"][..want], "{case}");
            let age = bundle.chain()[0].not_before.as_second() - jiff::Timestamp::now().as_second();
            assert_eq!((age + 60).div_euclid(86_400), start, "{case}");
        }
    }
}

#[test]
fn loops_end() {
    let one = Node::root("One");
    let two = Node::root("Two");
    let one_by_two = pem("CERTIFICATE", &one.cross_signed_by(&two, &Wish::ca("One")));
    let two_by_one = pem("CERTIFICATE", &two.cross_signed_by(&one, &Wish::ca("Two")));
    let leaf = one.issue(Wish::leaf(&["www.example.com"]));
    let given = [leaf.pem(), leaf.key_pem(), one_by_two, two_by_one].concat();
    assert_eq!(chain_of(&assemble(&[given], &[]).unwrap()), ["One", "Two"]);
}

#[test]
fn what_an_intermediate_must_be() {
    let root = Node::root("Root");
    for (case, wish, want) in [
        ("no CA", Wish::ca("Middle").not_a_ca(), "is not a CA certificate"),
        ("expired", Wish::ca("Middle").days(-100, -1), "expired at"),
        ("from the future", Wish::ca("Middle").days(1, 100), "is not valid before"),
    ] {
        let middle = root.issue(wish);
        let leaf = middle.issue(Wish::leaf(&["www.example.com"]));
        let error = assemble(&[leaf.pem() + &middle.pem(), leaf.key_pem()], &[]).unwrap_err().to_string();
        assert!(error.contains(want) && error.contains("CN=Middle"), "{case}: {error}");
    }
}

#[test]
fn a_link_is_a_signature_and_not_a_name() {
    let pki = Pki::new();
    for (case, impostor) in [
        ("with key identifiers", Node::root("Elsewhere").issue(Wish::ca("Intermediate"))),
        ("without", Node::root("Elsewhere").issue(without_key_identifier(Wish::ca("Intermediate")))),
    ] {
        let error = assemble(&[pki.leaf.pem() + &impostor.pem(), pki.leaf.key_pem()], &[]).unwrap_err();
        assert!(matches!(error, BundleError::WrongIssuer { .. }), "{case}: {error}");
    }
}

#[test]
fn a_flood_is_refused() {
    let root = Node::root("Root");
    let flood: String = (0..101).map(|_| root.issue(Wish::ca("Twin")).pem()).collect();
    let leaf = root.issue(Wish::leaf(&["www.example.com"]));
    let error = assemble(&[leaf.pem() + &flood, leaf.key_pem()], &[]).unwrap_err();
    assert_eq!(error, BundleError::TooMany { what: "certificates", limit: 100 });
    let keys: String = (0..101).map(|_| pem("PRIVATE KEY", key_pair("Ed25519").serialized_der())).collect();
    let error = assemble(&[leaf.pem(), keys], &[]).unwrap_err();
    assert_eq!(error, BundleError::TooMany { what: "private keys", limit: 100 });
}
