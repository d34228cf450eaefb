//! A tree with a config, a certificate directory, and a victim's files that nobody may touch.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, lchown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use crate::cli::Run;
use crate::oracle;
use crate::sandbox::{Account, Certificate, Cloud, Options, Sandbox};

pub(super) const NAME: &str = "www.example.com";
/// A user who is nobody here.
pub(super) const STRANGER: u32 = 12_345;
/// The ordinary user who runs certctl.
pub(super) const USER: u32 = 65_534;

pub(super) struct Ground {
    pub(super) sandbox: Sandbox,
    tree: tempfile::TempDir,
}

/// What a write would change, but for access times.
pub(super) type Facts = Vec<(PathBuf, u64, u32, u32, u32, i64, i64, Vec<u8>)>;

impl Ground {
    /// The account has nothing yet. `None` where this is not root.
    pub(super) fn new() -> Option<Self> {
        if !oracle::is_there(rustix::process::geteuid().is_root(), "root") || !oracle::has("timeout") {
            return None;
        }
        let ground = Self { sandbox: Sandbox::start(Options::default()), tree: tempfile::tempdir().unwrap() };
        fs::set_permissions(ground.path(""), Permissions::from_mode(0o755)).unwrap();
        for name in ["victim/sub", "etc", "out"] {
            DirBuilder::new().recursive(true).mode(0o755).create(ground.path(name)).unwrap();
        }
        for (name, mode) in [("victim/passwd", 0o644), ("victim/shadow", 0o600), ("victim/sub/precious", 0o640)] {
            fs::write(ground.path(name), format!("{name}: not to be touched\n")).unwrap();
            fs::set_permissions(ground.path(name), Permissions::from_mode(mode)).unwrap();
        }
        // The build directory need not be open to everyone.
        let (built, binary) = (env!("CARGO_BIN_EXE_certctl"), ground.path("certctl"));
        fs::hard_link(built, &binary).or_else(|_| fs::copy(built, &binary).map(|_| ())).unwrap();
        ground.secret("ct.key", &ground.variable("CTYUN_SK"));
        ground.configure("");
        Some(ground)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.tree.path().join(name)
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub(super) fn home(&self) -> PathBuf {
        self.path("certs").join(NAME)
    }

    pub(super) fn secret(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), Permissions::from_mode(0o600)).unwrap();
    }

    fn variable(&self, name: &str) -> String {
        let variables = self.sandbox.environment_of(Account::Empty);
        variables.into_iter().find(|(known, _)| known == name).unwrap().1
    }

    /// Writes the config: one certificate, with these keys more.
    pub(super) fn configure(&self, more: &str) {
        let text = format!(
            "dir = '{}'\n[accounts.ct]\nprovider = 'ctyun'\naccess_key = '{}'\nsecret_key = {{ file = '{}' }}\n\
             [[certificates]]\nname = '{NAME}'\naccount = 'ct'\n{more}\n",
            self.text("certs"),
            self.variable("CTYUN_AK"),
            self.text("ct.key"),
        );
        self.secret("certctl.toml", &text);
    }

    /// With copies at install paths.
    pub(super) fn configure_installed(&self, more: &str) {
        let etc = self.text("etc");
        self.configure(&format!(
            "install = [{{ file = 'fullchain.pem', to = '{etc}/www.crt' }}, \
             {{ file = 'privkey.pem', to = '{etc}/www.key', mode = '0600' }}]\n{more}"
        ));
    }

    pub(super) fn issue(&self) -> Certificate {
        self.sandbox.issue(Cloud::Ctyun, Account::Empty, &[NAME], (-10, 80))
    }

    pub(super) fn renew(&self, old: &Certificate) -> Certificate {
        self.sandbox.renew(Cloud::Ctyun, Account::Empty, &old.id)
    }

    /// certctl below this program and its arguments, so that it is killed should it hang.
    pub(super) fn below(&self, wrapper: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command.args(["-s", "KILL", "60"]).args(wrapper).arg(self.path("certctl"));
        command.env_clear().envs(self.sandbox.environment_of(Account::Empty)).stdin(Stdio::null());
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir(self.path(""));
        command
    }

    pub(super) fn certctl<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.below(&[]);
        command.args(args);
        command
    }

    pub(super) fn sync(&self) -> Run {
        run(self.certctl([OsStr::new("sync"), OsStr::new("-c"), self.path("certctl.toml").as_os_str()]))
    }

    /// The download of that certificate into that directory.
    pub(super) fn download(&self, certificate: &Certificate, dir: impl AsRef<OsStr>) -> Command {
        let args = ["download", "-p", "ctyun", &certificate.id, "-d"].map(OsStr::new);
        self.certctl(args.into_iter().chain([dir.as_ref()]))
    }

    /// The files that nobody may touch.
    pub(super) fn victim(&self) -> Facts {
        facts(&self.path("victim"))
    }

    /// Asserts that this certificate is in place as it should be, and nothing is left over.
    #[track_caller]
    pub(super) fn is_sound(&self, certificate: &Certificate, context: &str) {
        let material = certificate.material().unwrap();
        let current = fs::read_link(self.home().join("current")).unwrap();
        assert!(current.starts_with("versions") && current.components().count() == 2, "{context}: {current:?}");
        let version = self.home().join(current);
        for (name, mode, text) in [
            ("fullchain.pem", 0o644, Some(material.fullchain())),
            ("cert.pem", 0o644, Some(material.leaf.clone())),
            ("chain.pem", 0o644, None),
            ("privkey.pem", 0o600, None),
            ("metadata.json", 0o644, None),
        ] {
            let link = fs::read_link(self.home().join(name)).unwrap();
            assert_eq!(link, Path::new("current").join(name), "{context}");
            let found = version.join(name).symlink_metadata().unwrap();
            let facts = (found.is_file(), found.mode() & 0o7777, found.nlink());
            assert_eq!(facts, (true, mode, 1), "{context}: {name}");
            if let Some(text) = text {
                assert_eq!(fs::read_to_string(version.join(name)).unwrap(), text, "{context}: {name}");
            }
        }
        let hidden = |directory: &Path| {
            let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
            names.filter(|name| name.as_encoded_bytes().starts_with(b".")).collect::<Vec<_>>()
        };
        assert_eq!(hidden(&self.home()), [".certctl.json"; 0], "{context}");
        assert_eq!(hidden(&self.home().join("versions")), [".new"; 0], "{context}");
        assert_eq!(hidden(&self.path("etc")), [".new"; 0], "{context}");
    }

    /// The same, and the copies.
    #[track_caller]
    pub(super) fn is_sound_installed(&self, certificate: &Certificate, context: &str) {
        self.is_sound(certificate, context);
        for (copy, file, mode) in [("etc/www.crt", "fullchain.pem", 0o644), ("etc/www.key", "privkey.pem", 0o600)] {
            let found = self.path(copy).symlink_metadata().unwrap();
            assert_eq!((found.is_file(), found.mode() & 0o7777, found.nlink()), (true, mode, 1), "{context}: {copy}");
            let read = |path: PathBuf| fs::read(path).unwrap();
            assert_eq!(read(self.path(copy)), read(self.home().join(file)), "{context}: {copy}");
        }
    }
}

/// Runs it to its end, which must come: one error line at most, and nothing that a terminal acts on.
#[track_caller]
pub(super) fn run(mut command: Command) -> Run {
    let since = Instant::now();
    let output = command.output().unwrap();
    assert_ne!(output.status.code(), Some(137), "certctl hangs: {command:?}");
    let run = Run::of(output, since).prints_plainly();
    assert!((0..=11).contains(&run.code) && run.code != 1, "{command:?}: {run:?}");
    assert!(!run.stderr.contains("panicked"), "{run:?}");
    run
}

/// As an ordinary user.
pub(super) fn as_user(mut command: Command) -> Command {
    command.uid(USER).gid(USER);
    command
}

/// Every path below, with what a write would change; links are not followed.
pub(super) fn facts(directory: &Path) -> Facts {
    let mut found = Vec::new();
    let mut ahead = vec![directory.to_owned()];
    while let Some(path) = ahead.pop() {
        let Ok(of) = path.symlink_metadata() else { continue };
        let bytes = match of.file_type() {
            kind if kind.is_file() => fs::read(&path).unwrap(),
            kind if kind.is_symlink() => fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes(),
            _ => Vec::new(),
        };
        if of.is_dir() {
            ahead.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        found.push((path, of.ino(), of.mode(), of.uid(), of.gid(), of.mtime(), of.mtime_nsec(), bytes));
    }
    found.sort();
    found
}

/// What is put where something of certctl's is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plant {
    LinkToDirectory,
    LinkToFile,
    Dangling,
    Loop,
    LinkToNull,
    LinkToProc,
    HardLink,
    Fifo,
    Socket,
    CharacterDevice,
    BlockDevice,
    Directory,
    File,
}

impl Plant {
    pub(super) const ALL: [Self; 13] = [
        Self::LinkToDirectory,
        Self::LinkToFile,
        Self::Dangling,
        Self::Loop,
        Self::LinkToNull,
        Self::LinkToProc,
        Self::HardLink,
        Self::Fifo,
        Self::Socket,
        Self::CharacterDevice,
        Self::BlockDevice,
        Self::Directory,
        Self::File,
    ];

    /// Replaces whatever is there.
    pub(super) fn put(self, path: &Path, ground: &Ground, owner: u32) {
        uproot(path);
        let node = |kind, device| mknodat(CWD, path, kind, Mode::from_raw_mode(0o644), device).unwrap();
        match self {
            Self::LinkToDirectory => symlink(ground.path("victim"), path).unwrap(),
            Self::LinkToFile => symlink(ground.path("victim/passwd"), path).unwrap(),
            Self::Dangling => symlink(ground.path("victim/new"), path).unwrap(),
            Self::Loop => symlink(path, path).unwrap(),
            Self::LinkToNull => symlink("/dev/null", path).unwrap(),
            Self::LinkToProc => symlink("/proc/self/fd", path).unwrap(),
            Self::HardLink => fs::hard_link(ground.path("victim/shadow"), path).unwrap(),
            Self::Fifo => node(FileType::Fifo, 0),
            Self::Socket => node(FileType::Socket, 0),
            Self::CharacterDevice => node(FileType::CharacterDevice, makedev(1, 3)),
            Self::BlockDevice => node(FileType::BlockDevice, makedev(7, 99)),
            Self::Directory => {
                fs::create_dir(path).unwrap();
                fs::write(path.join("inside"), "planted").unwrap();
            }
            Self::File => fs::write(path, "planted").unwrap(),
        }
        // A second name's owner is the victim's.
        if self != Self::HardLink {
            lchown(path, Some(owner), Some(owner)).unwrap();
        }
    }
}

/// Removes whatever is there, links not followed.
pub(super) fn uproot(path: &Path) {
    match path.symlink_metadata() {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path).unwrap(),
        Ok(_) => fs::remove_file(path).unwrap(),
        Err(_) => {}
    }
}

/// A copy with owners, modes and links.
pub(super) fn copy(from: &Path, to: &Path) {
    oracle::run("cp", &["-a", from.to_str().unwrap(), to.to_str().unwrap()]);
}
