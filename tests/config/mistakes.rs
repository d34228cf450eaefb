//! Every mistake, with its line and its words.

use super::{bad, load_as};

const TX: &str = "[accounts.tx]\nprovider = 'tencent'\n";
/// A certificate that is right: lines 4 to 6.
const WWW: &str = "dir = '/d'\n[accounts.tx]\nprovider = 'tencent'\n[[certificates]]\nname = 'www.example.com'\n";

/// One mistake each: the text, the line, and words of the message.
#[rustfmt::skip]
const CASES: &[(&str, usize, &[&str])] = &[
    // Keys and types.
    ("dirr = '/d'", 1, &["unknown key `dirr`", "did you mean `dir`?"]),
    ("\n\nwarn-before = '1d'", 3, &["unknown key `warn-before`", "did you mean `warn_before`?"]),
    ("colour = 1", 1, &["unknown key `colour`", "it can be", "`accounts`", "`warn_before`"]),
    ("dir = 1", 1, &["`dir` is a number", "a string, in quotes"]),
    ("dir = ''", 1, &["`dir` is blank"]),
    ("dir = 'certs'", 1, &["`dir` is `certs`, a relative path", "from the root"]),
    ("keep = '3'", 1, &["`keep` is a string", "a whole number from 0 to 1000"]),
    ("keep = -1", 1, &["`keep` is `-1`", "from 0 to 1000"]),
    ("keep = 99999999999999999999", 1, &["`keep` is `99999999999999999999`"]),
    ("keep = 1.5", 1, &["`keep` is a number"]),
    ("warn_before = '2 weeks'", 1, &["`warn_before` is `2 weeks`", "2s, 30m, 12h or 14d"]),
    ("warn_before = 14", 1, &["`warn_before` is a number", "in quotes"]),
    ("hook_timeout = '0s'", 1, &["`hook_timeout` is no time at all"]),
    ("accounts = 1", 1, &["`accounts` is a number", "a table"]),
    ("[accounts]\ntx = 1", 2, &["account `tx` is a number", "a table"]),
    ("[certificates]\nname = 'a.b'", 1, &["`certificates` is a table", "a list of tables"]),
    ("certificates = [1]", 1, &["certificate 1 is a number"]),
    ("hooks = 'x'", 1, &["`hooks` is a string", "a table"]),
    ("[hooks]\n\nbefor = 'x'", 3, &["unknown key `befor` in `hooks`", "did you mean `before`?"]),
    // TOML itself.
    ("a = ", 1, &["this is not TOML"]),
    ("keep = 3\nkeep = 4", 2, &["this is not TOML", "duplicate key"]),
    ("[accounts.tx\nprovider = 'tencent'", 1, &["this is not TOML"]),
    // Accounts.
    ("[accounts.tx]\n", 1, &["account `tx` has no `provider`", "`ctyun`, `huawei`, `jdcloud` or `tencent`"]),
    ("\n[accounts.tx]\nprovider = 'tencemt'", 3, &["`provider` is `tencemt`", "did you mean `tencent`?"]),
    ("[accounts.tx]\nprovider = 'aws'", 2, &["`provider` is `aws`", "it can be"]),
    ("[accounts.'-x']\nprovider = 'tencent'", 1, &["starts with a dot or a hyphen", "another name"]),
    ("[accounts.tx]\nprovider = 'tencent'\nsites = 'cn'", 3, &["unknown key `sites` in account `tx`", "did you mean `site`?"]),
    ("[accounts.tx]\nprovider = 'tencent'\nregion = 'cn-north-4'", 3, &["unknown key `region` in account `tx`"]),
    ("[accounts.tx]\nprovider = 'tencent'\nsite = 'international'", 3, &["`site` is `international`", "`cn` or `intl`"]),
    ("[accounts.hw]\nprovider = 'huawei'\nregion = 'cn-north-1'", 3, &["`region` is `cn-north-1`", "did you mean `cn-north-4`?"]),
    ("[accounts.hw]\nprovider = 'huawei'\napi = 'v1'", 3, &["`api` is `v1`", "`v2` or `v3`"]),
    ("[accounts.ct]\nprovider = 'ctyun'\nproduct = 'cdn'", 3, &["`product` is `cdn`", "`ccms` or `ecx`"]),
    ("[accounts.tx]\nprovider = 'tencent'\nendpoint = 'http://ssl.example.com'", 3, &["`endpoint`", "not https"]),
    ("[accounts.tx]\nprovider = 'tencent'\nendpoint = 'ssl.example.com'", 3, &["`endpoint`", "not a URL"]),
    ("[accounts.tx]\nprovider = 'tencent'\nrequests_per_second = 0", 3, &["`requests_per_second` is `0`", "from 1"]),
    ("[accounts.tx]\nprovider = 'tencent'\njobs = 1000", 3, &["`jobs` is `1000`", "from 1 to 256"]),
    ("[accounts.tx]\nprovider = 'tencent'\naccess_key = 'a'", 1, &["account `tx` has no `secret_key`", "together with `access_key`"]),
    ("[accounts.tx]\nprovider = 'tencent'\nsecret_key = { env = 'A' }", 1, &["account `tx` has no `access_key`"]),
    ("[accounts.tx]\nprovider = 'tencent'\naccess_key = 'a'\nsecret_key = 1", 4, &["`secret_key` is a number", "{ env = \"NAME\" }"]),
    ("[accounts.tx]\nprovider = 'tencent'\naccess_key = 'a'\nsecret_key = {}", 4, &["neither `env` nor `file`"]),
    ("[accounts.tx]\nprovider = 'tencent'\naccess_key = 'a'\nsecret_key = { env = 'A', file = '/b' }", 4, &["both `env` and `file`"]),
    ("[accounts.tx]\nprovider = 'tencent'\naccess_key = 'a'\nsecret_key = { file = 'b' }", 4, &["`file` is `b`, a relative path"]),
    ("[accounts.tx]\nprovider = 'tencent'\naccess_key = 'a'\nsecret_key = { env = '$A' }", 4, &["`env` is `$A`", "its name alone"]),
    ("[accounts.tx]\nprovider = 'tencent'\naccess_key = 'a'\nsecret_key = { enb = 'A' }", 4, &["unknown key `enb` in `secret_key`", "did you mean `env`?"]),
    ("[accounts.tx]\nprovider = 'tencent'\naccess_key = 'a b'\nsecret_key = { env = 'A' }", 3, &["`access_key` is empty or holds a blank"]),
    ("[accounts.tx]\nprovider = 'tencent'\naccess_key = 'a'\nsecret_key = 'b'\nprofile = 'p'", 5, &["one source"]),
    ("[accounts.tx]\nprovider = 'tencent'\nprofile = 'p'\ncredentials_command = ['vault-login']", 4, &["one source"]),
    ("[accounts.tx]\nprovider = 'tencent'\ncredentials_command = ['vault-loginn']", 3, &["`credentials_command`", "no program `vault-loginn` in PATH"]),
    ("[accounts.tx]\nprovider = 'tencent'\nmfa = { env = 'M' }", 3, &["tencent has no `mfa`"]),
    ("[accounts.ct]\nprovider = 'ctyun'\naccess_key = 'a'\nsecret_key = { env = 'A' }\nsession_token = { env = 'B' }", 5, &["ctyun has no `session_token`"]),
    // Hooks.
    ("[hooks]\nbefore = []", 2, &["`before` is an empty list"]),
    ("[hooks]\nbefore = ''", 2, &["`before` is blank"]),
    ("[hooks]\nbefore = ['']", 2, &["`before` names no program"]),
    ("[hooks]\nbefore = [\n  'nginx',\n  1]", 4, &["`before` has a number in its list", "as a string"]),
    ("[hooks]\nbefore = 1", 2, &["`before` is a number", "a list of strings"]),
    ("[hooks]\nafter = ['/no/such/thing']", 2, &["there is no program `/no/such/thing`"]),
    ("[hooks]\nafter = ['/etc/hosts']", 2, &["`/etc/hosts` cannot be executed", "chmod +x"]),
    ("[hooks]\nfailed = ['./page']", 2, &["`./page` is a relative path"]),
];

/// The same, of a certificate: what follows its name on line 5, and the line counted from there.
#[rustfmt::skip]
const OF_CERTIFICATE: &[(&str, usize, &[&str])] = &[
    ("account = 'ty'", 6, &["there is no account `ty`", "did you mean `tx`?"]),
    ("accounts = ['tx', 'nobody']", 6, &["there is no account `nobody`", "it can be `tx`"]),
    ("accounts = ['tx', 'tx']", 6, &["account `tx` is named twice"]),
    ("accounts = []", 6, &["`accounts` is an empty list"]),
    ("accounts = 'tx'", 6, &["`accounts` is a string", "a list of strings"]),
    ("account = 'tx'\naccounts = ['tx']", 7, &["both `account` and `accounts`"]),
    ("domains = ['www.example.com']\nid = '1'", 7, &["both `id` and `domains`"]),
    ("domains = []", 6, &["`domains` is an empty list"]),
    ("domains = ['www.example.com', 'a b']", 6, &["`domains` has `a b`, which is no domain"]),
    ("domains = ['https://www.example.com/']", 6, &["which is no domain"]),
    ("domains = ['a.*.example.com']", 6, &["which is no domain"]),
    ("domain = ['www.example.com']", 6, &["unknown key `domain` in certificate `www.example.com`", "did you mean `domains`?"]),
    ("formats = ['pfx']", 6, &["`formats` is `pfx`", "`pkcs12-legacy`"]),
    ("formats = [\n'pem',\n'pkcs13']", 8, &["`formats` is `pkcs13`", "did you mean `pkcs12`?"]),
    ("formats = ['pkcs12', 'pkcs12-legacy']", 6, &["keystore.p12", "keep one"]),
    ("owner = 'nobody-here'", 6, &["there is no user `nobody-here`"]),
    ("group = 'ngimx'", 6, &["there is no group `ngimx`", "create it"]),
    ("group = 'directory-is-down'", 6, &["cannot look up the group", "no answer"]),
    ("owner = '4294967295'", 6, &["there is no user"]),
    ("key_mode = 640", 6, &["`key_mode` is a number", "\"0640\""]),
    ("key_mode = '0o640'", 6, &["`key_mode` is `0o640`", "octal"]),
    ("key_mode = '0680'", 6, &["`key_mode` is `0680`"]),
    ("key_mode = '4640'", 6, &["`key_mode` is `4640`"]),
    ("key_mode = '0644'", 6, &["`key_mode` is `0644`", "the private key"]),
    ("cert_mode = '0044'", 6, &["not even the owner"]),
    ("check = ['ngimx', '-t']", 6, &["`check`", "no program `ngimx` in PATH"]),
    ("hook = []", 6, &["`hook` is an empty list"]),
    ("hook_timeout = '60'", 6, &["`hook_timeout` is `60`"]),
    ("install = { file = 'cert.pem', to = '/x' }", 6, &["`install` is a table", "a list of tables"]),
    ("install = [\n{ file = 'cert.pem' }]", 7, &["the first of `install` has no `to`"]),
    ("install = [{ to = '/x' }]", 6, &["the first of `install` has no `file`"]),
    ("install = [{ file = 'cert.pem', to = 'ssl/x' }]", 6, &["`to` is `ssl/x`, a relative path"]),
    ("install = [{ file = 'cert.pem', to = '/etc/ssl/' }]", 6, &["a directory", "the copy's own name"]),
    ("install = [{ file = 'cert.pem', to = '/d/www.example.com/x' }]", 6, &["inside the certificate's directory"]),
    ("install = [{ file = 'cert.pem', to = '/x' },\n{ file = 'chain.pem', to = '/x' }]", 7, &["as on line 6"]),
    ("install = [{ file = 'cert.pen', to = '/x' }]", 6, &["`file` is `cert.pen`", "did you mean `cert.pem`?"]),
    ("install = [{ file = 'metadata.json', to = '/x' }]", 6, &["`file` is `metadata.json`", "it can be `cert.pem`"]),
    ("install = [{ file = 'keystore.p12', to = '/x' }]", 6, &["which is not written", "add `pkcs12`"]),
    ("install = [{ file = 'privkey.pem', to = '/x', mode = '0644' }]", 6, &["`mode` is `0644`", "the private key"]),
    ("install = [{ file = 'cert.pem', to = '/x', mod = '0644' }]", 6, &["unknown key `mod`", "did you mean `mode`?"]),
    ("keystore_alias = 'x'", 6, &["`keystore_alias`", "add `pkcs12` or `jks`"]),
    ("kubernetes = { name = 'x' }", 6, &["`kubernetes`", "add `k8s-secret`"]),
    ("formats = ['k8s-secret']\nkubernetes = { name = 'X y' }", 7, &["`name` is `X y`", "lower-case"]),
    ("formats = ['jks']\nkeystore_password = 'hush'", 7, &["must not stand in the config", "{ file = "]),
    ("key_password = 'hush'", 6, &["must not stand in the config"]),
    ("[[certificates]]\nname = 'www.example.com'", 7, &["two certificates are called `www.example.com`", "line 5"]),
    ("[[certificates]]\n", 6, &["certificate 2 has no `name`"]),
    ("[[certificates]]\nname = '../x'\nid = '1'", 7, &["cannot be a directory name", "slash"]),
    ("[[certificates]]\nname = 'shop'", 7, &["`name` is `shop`, which is no domain", "add `domains` or `id`"]),
];

#[test]
fn each_has_its_line_and_its_words() {
    let of_certificate = OF_CERTIFICATE.iter().map(|(text, line, words)| (format!("{WWW}{text}"), *line, *words));
    let cases = CASES.iter().map(|(text, line, words)| ((*text).to_owned(), *line, *words)).chain(of_certificate);
    let mut wrong = Vec::new();
    for (text, line, words) in cases {
        match &bad(&text)[..] {
            [(found, what)] if *found == line && words.iter().all(|word| what.contains(word)) => {
                assert!(!what.contains('\n') && what.contains([';', '?', ':']), "says what to do: {what}");
            }
            other => wrong.push(format!("{text}\n  wanted {line} {words:?}\n  found {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(bad(WWW).is_empty());
}

#[test]
fn accounts_that_a_certificate_leaves_out() {
    let none = bad("dir = '/d'\n[[certificates]]\nname = 'a.example'");
    assert_eq!(
        none[..],
        [(2, "certificate `a.example` has no `account`; add one, in a table [accounts.NAME]".to_owned())]
    );
    let several =
        bad(&format!("dir = '/d'\n{TX}[accounts.jd]\nprovider = 'jdcloud'\n[[certificates]]\nname = 'a.example'"));
    let wanted = "certificate `a.example` has no `account`; there are several; it can be `jd` or `tx`";
    assert_eq!(several[..], [(6, wanted.to_owned())]);
    let pinned = bad(&format!(
        "dir = '/d'\n{TX}[accounts.jd]\nprovider = 'jdcloud'\n[[certificates]]\nname = 'a'\naccounts = ['tx', 'jd']\nid = '1'"
    ));
    assert!(matches!(&pinned[..], [(9, what)] if what.contains("an `id` is of one account")), "{pinned:?}");
    let homeless = bad(&format!("{TX}[[certificates]]\nname = 'a.example'"));
    assert!(matches!(&homeless[..], [(3, what)] if what.contains("has no `dir`")), "{homeless:?}");
    // A mistake in an account is told once, not at every certificate of it as well.
    let broken =
        bad("dir = '/d'\n[accounts.tx]\nprovider = 'aws'\n[[certificates]]\nname = 'a.example'\naccount = 'tx'");
    assert_eq!(broken.len(), 1, "{broken:?}");
}

#[test]
fn all_mistakes_are_told_in_order() {
    let text = format!(
        "keep = 'x'\n{WWW}group = 'ngimx'\nkey_mode = '0999'\nhok = ['x']\n[hooks]\nbefore = []\nafter = ['gone']\n"
    );
    let lines: Vec<_> = bad(&text).into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [1, 7, 8, 9, 11, 12]);
    // What is not TOML is all that is told: the rest may not be meant as it reads.
    let lines: Vec<_> = bad("kep = 1\na = = 1\n[x\n").into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [2, 3]);
    // A file of something else does not fill the screen.
    let many = bad(&"x y\n".repeat(10_000));
    assert!(many.len() == 50 && many[49].1.ends_with("more mistakes)"), "{:?}", many.last());
    assert!(bad(&format!("a = {}", "[".repeat(100_000))).len() <= 50);
}

#[test]
fn what_is_not_text() {
    let (outcome, _) = load_as(b"dir = '/d'\n\nname = '\xff'\n", 0o600);
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains(":3: this is not UTF-8 text"), "{error}");
    let (outcome, _) = load_as(&vec![b'#'; (4 << 20) + 1], 0o600);
    assert!(outcome.unwrap_err().to_string().contains("larger than 4 MiB"));
    assert!(load_as(b"\xef\xbb\xbfkeep = 1\n", 0o600).0.is_ok(), "a byte order mark is no mistake");
}
