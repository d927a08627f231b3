//! Identities. Each is its own type, so that one can't be passed for another.

use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps a text that is already known to be such an id.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The whole id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A cluster: the uid of its `kube-system` namespace.
    ClusterId
);
text_id!(
    /// A remediation: 16 random characters of [`ALPHABET`], random from the first, so that a prefix names it.
    RemediationId
);
text_id!(
    /// One run of a plan.
    ExecutionId
);
text_id!(
    /// One try at one operation of one step; left on the object that it changes.
    AttemptId
);
text_id!(
    /// A group of events appended together; makes an append repeatable without effect.
    BatchId
);
text_id!(
    /// SHA-256 over what a plan does, as 64 hexadecimal digits. See `workflow::plan`.
    PlanDigest
);
text_id!(
    /// Where a step stands in the plan: `2`, `2.1`, `2.1.3`.
    StepPath
);
text_id!(
    /// An alert's identity, as Alertmanager computes it from the labels.
    Fingerprint
);

/// Letters and digits of remediation ids: no `l`, `o`, `0`, `1`, `u`, which are misread or misheard.
pub const ALPHABET: &[u8; 31] = b"23456789abcdefghijkmnpqrstvwxyz";

impl RemediationId {
    /// Makes an id from random bytes, one character each. Needs at least 16 bytes for 79 bits of randomness.
    #[must_use]
    pub fn from_random(bytes: [u8; 16]) -> Self {
        let text = bytes
            .iter()
            .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]))
            .collect::<String>();
        Self(text)
    }
}

impl PlanDigest {
    /// The first 8 digits, as screens show it.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }
}

impl StepPath {
    /// The path of the `index`-th (from 0) child of this path; of the root when this is empty.
    #[must_use]
    pub fn child(&self, index: usize) -> Self {
        if self.0.is_empty() {
            Self(format!("{}", index + 1))
        } else {
            Self(format!("{}.{}", self.0, index + 1))
        }
    }

    /// The path of what is run when this step fails.
    #[must_use]
    pub fn rescue(&self) -> Self {
        Self(format!("{}.0", self.0))
    }

    /// The path above all steps.
    #[must_use]
    pub fn root() -> Self {
        Self(String::new())
    }

    /// Whether it is a path below the other one.
    #[must_use]
    pub fn is_below(&self, other: &Self) -> bool {
        self.0.strip_prefix(&other.0).is_some_and(|rest| rest.starts_with('.'))
    }

    /// How many levels below the root: `2.1` is 2.
    #[must_use]
    pub fn depth(&self) -> usize {
        if self.0.is_empty() { 0 } else { self.0.split('.').count() }
    }
}
