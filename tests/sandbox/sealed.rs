//! Material under a password, as OpenSSL and Java make it. They are asked when it is first handed out, so that the
//! sandbox starts at once, and without them as well.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::catalogue::Material;

/// Of whatever a cloud puts under a password.
pub(crate) const PASSWORD: &str = "Xk2mQ9pL";

/// What is under the password, and in which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The key, as PKCS#8.
    Pkcs8,
    /// The key, in the way of OpenSSL before PKCS#8.
    Traditional,
    /// Everything.
    Pfx,
    /// Everything, too.
    Jks,
}

/// That something of a certificate is handed out under a password only.
#[derive(Debug)]
pub(crate) struct Seal {
    pub(crate) form: Form,
    /// Whether the password is handed out as well.
    pub(crate) is_told: bool,
    made: OnceLock<Vec<u8>>,
}

impl Seal {
    pub(crate) fn new(form: Form, is_told: bool) -> Self {
        Self { form, is_told, made: OnceLock::new() }
    }

    /// The same for another certificate.
    pub(crate) fn anew(&self) -> Self {
        Self::new(self.form, self.is_told)
    }

    /// The key as it is handed out.
    pub(crate) fn key(&self, key: String) -> String {
        let algorithm = if key.contains("RSA PRIVATE") { "rsa -traditional" } else { "ec" };
        let command = match self.form {
            Form::Pkcs8 => "openssl pkcs8 -topk8 -in key -out made".to_owned(),
            Form::Traditional => format!("openssl {algorithm} -aes256 -in key -out made"),
            Form::Pfx | Form::Jks => return key,
        };
        let made = self
            .made
            .get_or_init(|| make(&[("key", key.as_bytes())], &[&format!("{command} -passout pass:{PASSWORD}")]));
        String::from_utf8(made.clone()).unwrap()
    }

    /// The key store that is all there is, and how its name ends.
    pub(crate) fn store(&self, material: &Material) -> Option<(&'static str, Vec<u8>)> {
        let export = format!("openssl pkcs12 -export -inkey key -in chain -out made -passout pass:{PASSWORD}");
        let convert = format!(
            "keytool -importkeystore -noprompt -srcstoretype PKCS12 -srckeystore made -srcstorepass {PASSWORD} \
             -deststoretype JKS -deststorepass {PASSWORD} -destkeystore jks"
        );
        let (end, commands): (_, &[&str]) = match self.form {
            Form::Pfx => ("pfx", &[&export]),
            Form::Jks => ("jks", &[&export, &convert, "mv jks made"]),
            Form::Pkcs8 | Form::Traditional => return None,
        };
        let (key, chain) = (material.key.clone()?, material.fullchain());
        let made = self.made.get_or_init(|| make(&[("key", key.as_bytes()), ("chain", chain.as_bytes())], commands));
        Some((end, made.clone()))
    }
}

/// What the last command leaves as `made`.
fn make(files: &[(&str, &[u8])], commands: &[&str]) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(directory.path().join(name), content).unwrap();
    }
    commands.iter().for_each(|command| run(directory.path(), command));
    std::fs::read(directory.path().join("made")).unwrap()
}

fn run(directory: &Path, command: &str) {
    let mut words = command.split_whitespace();
    let program = words.next().unwrap();
    let output = Command::new(program).args(words).current_dir(directory).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{program} is needed for material under a password: {error}"));
    assert!(output.status.success(), "{command}: {output:?}");
}
