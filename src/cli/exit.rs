//! How a verb ends.

/// Exit codes. Part of the contract with scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// The command line, a file that it names, or the settings are wrong.
    Usage = 2,
    /// There is no such thing.
    NotFound = 3,
    /// Permission, policy or state does not allow it.
    Refused = 4,
    /// Expired, stale digest, already decided.
    Void = 5,
    /// Something that it needs is not there.
    Unavailable = 6,
    /// Timed out waiting.
    TimedOut = 7,
}

impl Exit {
    /// The code for a refusal's.
    #[must_use]
    pub fn of_code(code: u8) -> Self {
        [Self::Done, Self::Usage, Self::NotFound, Self::Refused, Self::Void, Self::Unavailable]
            .into_iter()
            .chain([Self::TimedOut])
            .find(|exit| *exit as u8 == code)
            .unwrap_or(Self::Failed)
    }
}

/// Why a verb did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What, where, what to do; empty: it was said already, or nobody listens.
    pub message: String,
}

impl Failure {
    /// A failure with its code.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// Wrong command line, file or settings.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Something that it needs is not there.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Exit::Unavailable, message)
    }
}

/// What a verb comes to.
pub type Outcome = Result<Exit, Failure>;
