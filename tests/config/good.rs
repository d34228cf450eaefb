//! What a config may say, and what becomes of it.

use std::time::Duration;

use certctl::config::{Command, Format, Selector, Source};
use certctl::credential::SecretSource;
use proptest::prelude::*;

use super::{good, load_as};

/// Section 10 of the design, to the letter.
const EXAMPLE: &str = include_str!("example.toml");

#[test]
fn the_documents_examples() {
    let shown = |text: &str| toml::to_string(&good(text).shown()).unwrap();
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md")).unwrap();
    let examples: Vec<_> = document.split("```toml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    assert_eq!(examples.iter().map(|text| shown(text)).collect::<Vec<_>>(), [shown(EXAMPLE)]);
}

#[test]
fn the_example() {
    let config = good(EXAMPLE);
    assert_eq!((config.dir.clone(), config.keep), (Some("/etc/certctl/certs".into()), 3));
    assert_eq!(config.warn_before, Duration::from_secs(14 * 86_400));
    let tx = config.account("tx").unwrap();
    assert_eq!((tx.provider.name, tx.requests_per_second, tx.jobs), ("tencent", Some(10), Some(8)));
    assert_eq!(tx.endpoint.as_deref(), Some("https://ssl.tencentcloudapi.com"));
    let Source::Keys { access_key: SecretSource::Env(env), secret_key: SecretSource::File(file), session_token: None } =
        &tx.source
    else {
        panic!("{:?}", tx.source)
    };
    assert_eq!((env.as_str(), file.to_str()), ("TX_ID", Some("/etc/certctl/tx.key")));
    let [www] = &config.certificates[..] else { panic!("one certificate") };
    assert_eq!((www.name.as_str(), &www.accounts[..]), ("www.example.com", &["tx".to_owned()][..]));
    assert_eq!(www.selector, Selector::Domains(vec!["www.example.com".to_owned()]));
    assert_eq!(www.formats, [Format::Pem, Format::Pkcs12]);
    assert_eq!(www.group.as_ref().map(|group| (group.name.as_str(), group.id)), Some(("nginx", 101)));
    assert_eq!((www.key_mode, www.cert_mode, www.hook_timeout), (0o640, 0o644, Duration::from_secs(60)));
    let copies: Vec<_> = www.install.iter().map(|copy| (copy.file.as_str(), copy.to.to_str(), copy.mode)).collect();
    let wanted = [
        ("fullchain.pem", Some("/etc/nginx/ssl/www.crt"), 0o644),
        ("privkey.pem", Some("/etc/nginx/ssl/www.key"), 0o600),
    ];
    assert_eq!(copies, wanted);
    assert_eq!(www.check, Some(Command::Argv(vec!["nginx".to_owned(), "-t".to_owned()])));
    assert_eq!(config.hooks.failed, Some(Command::Argv(vec!["/usr/local/bin/page".to_owned(), "certctl".to_owned()])));
}

#[test]
fn what_is_left_out_has_a_default() {
    let empty = good("");
    assert_eq!((empty.dir, empty.keep, empty.accounts.len(), empty.certificates.len()), (None, 3, 0, 0));
    let config = good(
        "dir = '/d'\nformats = ['der']\ngroup = 'nginx'\nkey_mode = '0640'\nhook_timeout = '2m'\n\
         [accounts.only]\nprovider = 'ctyun'\n\
         [[certificates]]\nname = '_.example.com'\ninstall = [{ file = 'privkey.der', to = '/k' }]\n\
         [[certificates]]\nname = 'shop'\nid = '1'\ndir = '/own'\nformats = ['pem', 'jks']\nkey_mode = '400'\nhook_timeout = '1s'\n\
         keystore_password = { env = 'P' }\nhook = 'systemctl reload nginx || true'\n",
    );
    let [wildcard, shop] = &config.certificates[..] else { panic!("two certificates") };
    assert_eq!((&wildcard.accounts, wildcard.dir.to_str()), (&vec!["only".to_owned()], Some("/d")));
    assert_eq!(wildcard.selector, Selector::Domains(vec!["*.example.com".to_owned()]), "as its directory is called");
    assert_eq!((&wildcard.formats[..], wildcard.key_mode), (&[Format::Pem, Format::Der][..], 0o640));
    assert_eq!((wildcard.install[0].mode, wildcard.hook_timeout), (0o640, Duration::from_secs(120)));
    assert_eq!((shop.selector.clone(), shop.dir.to_str()), (Selector::Id("1".to_owned()), Some("/own")));
    assert_eq!((&shop.formats[..], shop.key_mode), (&[Format::Pem, Format::Jks][..], 0o400));
    assert_eq!(shop.hook, Some(Command::Shell("systemctl reload nginx || true".to_owned())));
    assert!(matches!(&shop.keystore_password, Some(SecretSource::Env(name)) if name == "P"));
}

#[test]
fn what_is_shown_can_be_read_again() {
    for text in [
        EXAMPLE.to_owned(),
        String::new(),
        "[accounts.a]\nprovider='huawei'\nprofile='prod'\napi='v2'\nregion='eu-west-101'\n\
        [[certificates]]\nname='a.example'\ndir='/d'\nformats=['k8s-secret']\nkubernetes={name='a',namespace='b'}\n\
        owner='12'\nkey_password={file='/p'}\n"
            .to_owned(),
    ] {
        let shown = toml::to_string(&good(&text).shown()).unwrap();
        assert_eq!(toml::to_string(&good(&shown).shown()).unwrap(), shown);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = load_as(&bytes, 0o600);
    }

    /// Known keys in known places, with values of any kind.
    #[test]
    fn arbitrary_values_never_panic(
        lines in proptest::collection::vec((0..KEYS.len(), 0..VALUES.len(), any::<String>()), 0..40),
    ) {
        let mut text = String::new();
        for (key, value, any) in lines {
            let string = toml::Value::String(any).to_string();
            let value = if VALUES[value] == "ANY" { string.as_str() } else { VALUES[value] };
            text += KEYS[key];
            if !KEYS[key].ends_with(']') {
                text += " = ";
                text += value;
            }
            text.push('\n');
        }
        let _ = load_as(text.as_bytes(), 0o640);
    }

    /// The example with something overwritten.
    #[test]
    fn damage_never_panics(at in 0.0..1.0_f64, damage in proptest::collection::vec(any::<u8>(), 1..20)) {
        let mut bytes = EXAMPLE.as_bytes().to_vec();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a short text")]
        let at = (at * bytes.len() as f64) as usize;
        let end = bytes.len().min(at + damage.len());
        bytes.splice(at..end, damage);
        let _ = load_as(&bytes, 0o640);
    }
}

const KEYS: [&str; 24] = [
    "dir",
    "keep",
    "warn_before",
    "formats",
    "[accounts]",
    "[accounts.a]",
    "[accounts.'']",
    "provider",
    "access_key",
    "secret_key",
    "endpoint",
    "site",
    "[[certificates]]",
    "name",
    "account",
    "accounts",
    "domains",
    "key_mode",
    "install",
    "hook",
    "hook_timeout",
    "owner",
    "[hooks]",
    "before",
];

const VALUES: [&str; 14] = [
    "ANY",
    "ANY",
    "1",
    "-0x7fffffffffffffff",
    "1e400",
    "true",
    "1979-05-27T07:32:00Z",
    "[]",
    "['a', 'b']",
    "[[], {}, 1]",
    "{}",
    "{ env = 1, file = '' }",
    "[{ file = 'cert.pem', to = '/' }]",
    "'tencent'",
];
