//! Who signs reports.

/// Signs bytes with one key.
pub trait Signer: Send + Sync {
    /// A detached signature as a file holds it.
    ///
    /// # Errors
    /// What failed, and what to do.
    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, String>;
}
