//! Secrets: the name of a file, or a value from the environment. Never from the settings file itself.

use secrecy::{ExposeSecret as _, SecretString};
use std::path::PathBuf;

/// Largest secret file that is read.
const LIMIT: u64 = 64 * 1024;

/// A secret, read when it is needed, so that a rotated file is seen.
#[derive(Debug, Clone, Default)]
pub struct Secret {
    /// File that holds it.
    pub file: Option<PathBuf>,
    /// Value from the environment; goes before the file.
    pub value: Option<SecretString>,
}

impl Secret {
    /// Whether there is one.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.file.is_some() || self.value.is_some()
    }

    /// The secret without blanks and line ends around it; `None` when none is set.
    ///
    /// # Errors
    /// When the file can't be read, is too large or holds nothing: a secret that is asked for is never left out.
    pub fn read(&self) -> Result<Option<SecretString>, String> {
        if let Some(value) = &self.value {
            return Ok(Some(value.clone()));
        }
        let Some(file) = &self.file else { return Ok(None) };
        let shown = file.display();
        let size = std::fs::metadata(file)
            .map_err(|error| format!("secret file {shown} can't be read: {error}"))?
            .len();
        if size > LIMIT {
            return Err(format!("secret file {shown} has {size} bytes; at most {LIMIT} are read"));
        }
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("secret file {shown} can't be read: {error}"))?;
        let secret = SecretString::from(text.trim());
        if secret.expose_secret().is_empty() {
            return Err(format!("secret file {shown} is empty: put the secret into it"));
        }
        Ok(Some(secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_appears_in_debug_output() {
        let secret = Secret { file: None, value: Some(SecretString::from("hunter2")) };
        assert!(!format!("{secret:?}").contains("hunter2"));
    }

    #[test]
    fn an_empty_or_missing_secret_file_is_an_error_not_an_absent_secret() {
        let directory = tempfile::tempdir().unwrap();
        let empty = directory.path().join("empty");
        std::fs::write(&empty, "\n").unwrap();
        let of = |file: PathBuf| Secret { file: Some(file), value: None };
        assert!(of(empty).read().unwrap_err().contains("is empty"));
        assert!(of(directory.path().join("none")).read().unwrap_err().contains("can't be read"));
    }

    #[test]
    fn line_ends_around_a_secret_are_not_part_of_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        std::fs::write(&file, " abc\n").unwrap();
        let read = Secret { file: Some(file), value: None }.read().unwrap().unwrap();
        assert_eq!(read.expose_secret(), "abc");
    }
}
