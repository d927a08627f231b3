//! Where reports go.

use std::path::PathBuf;

/// A place for files.
pub trait Sink: Send + Sync {
    /// Writes a file atomically below the base directory (directories 0755, file 0644), and returns its path.
    ///
    /// # Errors
    /// What failed, where, and what to do.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, String>;
}
