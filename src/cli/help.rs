//! What `--help` says behind the options. Each line of `Examples:` works as it stands; the tests run them, and the
//! manual pages are made of the same words.

pub(super) const CERTCTL: &str = "\
Examples:
  certctl list
  certctl download -p tencent www.example.com -d /etc/certs
  certctl config init
  certctl sync

`certctl COMMAND -h` tells of one command in short, `--help` at length.";

pub(super) const CERTCTL_LONG: &str = "\
Examples:
  certctl list
  certctl download -p tencent www.example.com -d /etc/certs
  certctl config init
  certctl sync

Exit status:
  0   Done, or nothing to do
  1   A bug in certctl
  2   Wrong usage or configuration
  3   Credentials: missing, refused, expired, not permitted, or the clock is too far off
  4   No such certificate, or the cloud does not hand it out
  5   A cloud is not reachable or not well, after retries
  6   What came back failed verification or is older than what is installed; check: damage
  7   Local storage: permissions, space, or another certctl is at work
  8   A check command or a hook failed
  9   A batch failed in more than one of these ways
  10  Only with --detailed-exitcode: done, and something changed
  11  check, and list --expiring with --detailed-exitcode: something is expired or soon will be

Environment:
  CERTCTL_CONFIG                                      The config file, where -c names none
  TENCENTCLOUD_SECRET_ID, TENCENTCLOUD_SECRET_KEY     For Tencent Cloud
  JDCLOUD_ACCESS_KEY_ID, JDCLOUD_SECRET_ACCESS_KEY    For JD Cloud
  HUAWEICLOUD_SDK_AK, HUAWEICLOUD_SDK_SK              For Huawei Cloud
  CTYUN_AK, CTYUN_SK                                  For CTyun
  CERTCTL_TENCENT_ENDPOINT, CERTCTL_JDCLOUD_ENDPOINT  Where these clouds are asked instead
  CERTCTL_HUAWEI_ENDPOINT, CERTCTL_CTYUN_ENDPOINT     Likewise
  HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE                As for other programs
  NO_COLOR, CLICOLOR_FORCE                            No colours; colours everywhere

Files:
  ./certctl.toml                  The config, where -c and CERTCTL_CONFIG name none
  ~/.config/certctl/certctl.toml  The config, where the one before is not there
  /etc/certctl/certctl.toml       The config, where neither is there
  ~/.tccli, ~/.tencentcloud       Credentials for Tencent Cloud, where the environment has none
  ~/.jdc                          Credentials for JD Cloud, likewise
  ~/.huaweicloud, ~/.hcloud       Credentials for Huawei Cloud, likewise
  ~/.ctyun                        Credentials for CTyun, likewise";

pub(super) const LIST: &str = "\
Every account of the config file is asked; without one, every provider that has credentials.

Examples:
  certctl list
  certctl list -p tencent --domain www.example.com
  certctl list --expiring 30d -o json";

pub(super) const DESCRIBE: &str = "\
Examples:
  certctl describe -p huawei www.example.com
  certctl describe -p jdcloud www.example.com -o json";

pub(super) const DOWNLOAD: &str = "\
Examples:
  certctl download -p tencent www.example.com -d /etc/certs
  certctl download -p huawei www.example.com -d /etc/certs --name shop --format pkcs12
  certctl download -p ctyun --all -d /etc/certs --dry-run
  certctl download -p jdcloud www.example.com --stdout k8s-secret | kubectl apply -f -";

pub(super) const SYNC: &str = "\
Examples:
  certctl sync
  certctl sync www.example.com --dry-run
  certctl sync --report /var/lib/certctl/run.json
  certctl sync --jitter 30m --metrics-file /var/lib/node_exporter/certctl.prom";

pub(super) const CHECK: &str = "\
Without a name or path, everything that the config names is checked. A path is a certificate directory, a directory of \
several, or any directory of PEM files.

Examples:
  certctl check
  certctl check www.example.com --within 14d
  certctl check /etc/certs -o json
  certctl check www.example.com --connect www.example.com:443";

pub(super) const ROLLBACK: &str = "\
`sync` leaves the certificate alone then, until there is a newer one than the one rejected, or --force.

Examples:
  certctl rollback www.example.com
  certctl rollback /etc/certs/www.example.com
  certctl rollback www.example.com --to 20261122T020304Z-9bfe606b";

pub(super) const CONFIG: &str = "\
Examples:
  certctl config init
  certctl config check --online
  certctl config show";

pub(super) const CONFIG_INIT: &str = "\
Examples:
  certctl config init
  certctl config init -c /etc/certctl/certctl.toml --online";

pub(super) const CONFIG_CHECK: &str = "\
Examples:
  certctl config check
  certctl config check --online -c /etc/certctl/certctl.toml";

pub(super) const CONFIG_SHOW: &str = "\
Examples:
  certctl config show
  certctl config show -o json";

pub(super) const COMPLETIONS: &str = "\
Commands, options and their words are completed, and the accounts, certificates and versions that the config file and \
the disk have. No cloud is asked. The Debian package brings the scripts along; else:
  bash        source <(certctl completions bash), in ~/.bashrc
  zsh         source <(certctl completions zsh), behind compinit in ~/.zshrc
  fish        certctl completions fish | source, in ~/.config/fish/config.fish
  elvish      eval (certctl completions elvish | slurp), in rc.elv
  powershell  certctl completions powershell | Out-String | Invoke-Expression, in $PROFILE

Examples:
  source <(certctl completions bash)
  source <(certctl completions zsh)
  certctl completions fish > ~/.config/fish/completions/certctl.fish";
