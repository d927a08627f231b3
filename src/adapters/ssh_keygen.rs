//! Signatures by `ssh-keygen -Y sign`: with a private key in a file, or one in the agent of which the public half is
//! named.
//!
//! Promises: an argument vector, never a shell; the bytes go through a pipe, nothing is left beside the key; a passphrase
//! is asked for by ssh-keygen at the terminal and never seen here.

use crate::domain::text::clean;
use crate::ports::signer::Signer;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What signatures of reports are for: `ssh-keygen -Y verify -n` must name the same.
pub const NAMESPACE: &str = "pilothouse-report";

/// A key, and the program that uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshKeygen {
    /// Name or path of the program.
    pub program: PathBuf,
    /// The key's file.
    pub key: PathBuf,
}

impl Signer for SshKeygen {
    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let key = self.key.display();
        if let Err(error) = std::fs::metadata(&self.key) {
            return Err(format!("the key {key} can't be read: {error}; nothing was written"));
        }
        let started = Command::new(&self.program)
            .args(["-Y", "sign", "-q", "-n", NAMESPACE, "-f"])
            .arg(&self.key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = started.map_err(|error| {
            let program = self.program.display();
            let hint = if error.kind() == ErrorKind::NotFound {
                "; install it (Debian: openssh-client), or leave out --sign"
            } else {
                ""
            };
            format!("{program} can't be started: {error}{hint}; nothing was written")
        })?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that ends before it has read all says why by itself.
            let _ended_early = stdin.write_all(bytes);
        }
        let ended = child.wait_with_output().map_err(|error| format!("ssh-keygen: {error}"))?;
        let signature = ended.stdout;
        if ended.status.success() && signature.starts_with(b"-----BEGIN SSH SIGNATURE-----") {
            return Ok(signature);
        }
        let said = clean(String::from_utf8_lossy(&ended.stderr).trim());
        let said = if said.is_empty() { "it gave no signature".to_string() } else { said };
        Err(format!("ssh-keygen did not sign with {key}: {said}; nothing was written"))
    }
}
