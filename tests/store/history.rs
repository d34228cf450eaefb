//! One version after another: how many are kept, in which order, and never backwards.

use std::fs;

use certctl::store::{self, Outcome, StoreError};

use super::{assert_holds, files, identity, install, names, options, put, scratch, tree_with_times};

#[test]
fn as_many_old_versions_stay_as_asked() {
    for keep in [0, 1, 3, 10] {
        let dir = scratch();
        let mut options = options();
        options.keep = keep;
        let mut made = Vec::new();
        for label in ["a", "b", "a", "b", "a", "b", "a"] {
            made.push(put(dir.path(), &identity(label), &files(label), &options).unwrap());
        }
        let certificate = &made[0].path;
        assert_holds(certificate, "a");
        let kept: Vec<_> = made.iter().map(|installed| installed.version.clone()).collect();
        let kept = kept[kept.len().saturating_sub(keep + 1)..].to_vec();
        assert_eq!(names(&certificate.join("versions")), kept, "keep {keep}");
    }
}

#[test]
fn fewer_are_kept_as_soon_as_fewer_are_asked_for() {
    let dir = scratch();
    for label in ["a", "b", "a", "b"] {
        install(dir.path(), label);
    }
    let mut fewer = options();
    fewer.keep = 1;
    let again = put(dir.path(), &identity("b"), &files("b"), &fewer).unwrap();
    assert_eq!(again.outcome, Outcome::Unchanged);
    assert_eq!(names(&again.path.join("versions")).len(), 2);
    assert_holds(&again.path, "b");
}

#[test]
fn versions_sort_by_age_even_if_the_clock_goes_back() {
    let dir = scratch();
    let mut made = Vec::new();
    for (label, now) in [
        ("f", "2026-11-22T00:00:00Z"),
        ("a", "2026-11-22T00:00:00.999Z"),
        ("e", "2020-01-01T00:00:00Z"),
        ("b", "2026-11-23T00:00:00Z"),
        ("a", "1970-01-01T00:00:00Z"),
    ] {
        let mut options = options();
        options.now = now.parse().unwrap();
        made.push(put(dir.path(), &identity(label), &files(label), &options).unwrap());
        assert_holds(&made[0].path, label);
    }
    let versions: Vec<_> = made.iter().map(|installed| installed.version.as_str()).collect();
    assert_eq!(
        versions,
        [
            "20261122T000000Z-66666666",
            "20261122T000001Z-61616161",
            "20261122T000002Z-65656565",
            "20261123T000000Z-62626262",
            "20261123T000001Z-61616161"
        ]
    );
}

#[test]
fn an_older_certificate_needs_force() {
    let dir = scratch();
    install(dir.path(), "b");
    let before = tree_with_times(dir.path());
    let mut older = identity("a");
    older.not_before = "2026-10-31T23:59:59Z".parse().unwrap();
    let refused = put(dir.path(), &older, &files("a"), &options()).unwrap_err();
    assert!(matches!(refused, StoreError::Older { .. }), "{refused}");
    let message = refused.to_string();
    assert!(
        message.contains("2026-11-01T00:00:00Z")
            && message.contains("2026-10-31T23:59:59Z")
            && message.contains("--force"),
        "{message}"
    );
    assert!(matches!(store::preview(dir.path(), &older, &files("a"), &options()), Err(StoreError::Older { .. })));
    assert_eq!(tree_with_times(dir.path()), before);

    let mut forced = options();
    forced.force = true;
    let installed = put(dir.path(), &older, &files("a"), &forced).unwrap();
    assert_eq!(installed.outcome, Outcome::Updated);
    assert_holds(&installed.path, "a");
    // And forward again needs none.
    assert_eq!(install(dir.path(), "b").outcome, Outcome::Updated);
}

#[test]
fn what_the_installed_one_is_may_be_unknown() {
    let dir = scratch();
    let installed = install(dir.path(), "b");
    fs::write(installed.path.join("metadata.json"), "{}").unwrap();
    let mut older = identity("a");
    older.not_before = "2026-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(put(dir.path(), &older, &files("a"), &options()).unwrap().outcome, Outcome::Updated);
}
