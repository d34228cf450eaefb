//! The search order.

use std::path::Path;

use certctl::config::{ConfigError, Location, Roots, locate};
use certctl::environment::Environment;
use jiff::Timestamp;

fn environment(variables: &[(&str, &Path)]) -> Environment {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let variables = variables.iter().map(|(name, path)| ((*name).to_owned(), text(path)));
    Environment::new(variables, || Timestamp::UNIX_EPOCH)
}

#[test]
fn the_flag_the_variable_then_the_three_places() {
    let directory = tempfile::tempdir().unwrap();
    let at = |path: &str| directory.path().join(path);
    let roots = Roots { current: at("here"), user: Some(at("user")), system: at("etc") };
    let places =
        ["flag.toml", "variable.toml", "here/certctl.toml", "user/certctl/certctl.toml", "etc/certctl/certctl.toml"];
    for place in places {
        std::fs::create_dir_all(at(place).parent().unwrap()).unwrap();
        std::fs::write(at(place), "").unwrap();
    }
    let variable = at("variable.toml");
    let (flag, with, without) = (at("flag.toml"), environment(&[("CERTCTL_CONFIG", &variable)]), environment(&[]));
    for (index, place) in places.into_iter().enumerate() {
        let given = (index == 0).then_some(flag.as_path());
        let found = locate(given, if index < 2 { &with } else { &without }, &roots).unwrap();
        assert_eq!(found, Some(Location { path: at(place), is_named: index < 2 }), "{place}");
        std::fs::remove_file(at(place)).unwrap();
    }
    assert_eq!(locate(None, &without, &roots).unwrap(), None);
    assert_eq!(locate(None, &without, &Roots { user: None, ..roots.clone() }).unwrap(), None);
    for (given, environment, origin) in [(Some(flag.as_path()), &without, "-c"), (None, &with, "CERTCTL_CONFIG")] {
        let error = locate(given, environment, &roots).unwrap_err();
        assert!(matches!(error, ConfigError::NotFound { .. }) && error.to_string().starts_with(origin), "{error}");
    }
}

#[test]
fn where_the_users_own_is() {
    let of = |variables: &[(&str, &Path)]| Roots::of(&environment(variables)).user;
    let (xdg, home) = (Path::new("/x"), Path::new("/h"));
    assert_eq!(of(&[("XDG_CONFIG_HOME", xdg), ("HOME", home)]), Some("/x".into()));
    assert_eq!(of(&[("XDG_CONFIG_HOME", Path::new("x")), ("HOME", home)]), Some("/h/.config".into()));
    assert_eq!(of(&[("HOME", home)]), Some("/h/.config".into()));
    assert_eq!(of(&[]), None);
    let roots = Roots::of(&environment(&[]));
    assert_eq!((roots.current.as_path(), roots.system.as_path()), (Path::new(""), Path::new("/etc")));
}
