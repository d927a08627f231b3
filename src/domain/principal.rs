//! Who acts. Stamped by the transport, never taken from what the caller says.

use serde::{Deserialize, Serialize};

/// The Kubernetes identity of a credential, as SelfSubjectReview answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubeIdentity {
    /// User name as the API server sees it.
    pub username: String,
    /// Groups as the API server sees them.
    pub groups: Vec<String>,
}

/// How a command reached the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// The console in the engine's own process: keys on its terminal.
    Console,
    /// A process of this machine through the Unix socket; the uid is the kernel's word.
    Socket,
    /// The store's inbox: only alerts and stop.
    Store,
    /// A database that several share: `os_user` is the role that connected, stamped by the database.
    Database,
    /// The webhook: only alerts.
    Webhook,
    /// The engine itself.
    Engine,
    /// A script that plays a person in the simulation.
    Simulated,
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// Operating-system user name, proven by the transport.
    pub os_user: String,
    /// Operating-system user id, proven by the transport; [`Principal::NO_UID`] when it has none.
    pub uid: u32,
    /// Kubernetes identity of the person's own credential; `None` when it could not be asked.
    pub kube: Option<KubeIdentity>,
    /// Host (from `SSH_CONNECTION` where set), for the record only.
    pub host: String,
    /// Terminal, for the record only; empty without one.
    pub tty: String,
    /// How the command came.
    pub via: Transport,
}

/// Longest claim of a caller about itself, in letters.
const CLAIM: usize = 128;

/// What a caller says of itself, for the record: short, and one line.
#[must_use]
pub fn claimed(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(CLAIM).collect()
}

impl Principal {
    /// What stands for *no user of this machine*.
    pub const NO_UID: u32 = u32::MAX;

    /// Whether two who act are one person, as far as it shows: the same name, or the same identity on the cluster. In
    /// doubt they are one.
    #[must_use]
    pub fn is_same_person(&self, other: &Self) -> bool {
        let kube = |who: &Self| who.kube.as_ref().map(|kube| kube.username.clone());
        self.os_user == other.os_user
            || kube(self).is_none_or(|mine| Some(mine) == kube(other))
            || kube(other).is_none()
    }

    /// The engine acting by itself.
    #[must_use]
    pub fn engine() -> Self {
        Self {
            os_user: "pilothouse".into(),
            uid: 0,
            kube: None,
            host: String::new(),
            tty: String::new(),
            via: Transport::Engine,
        }
    }

    /// One line for logs: `mira from 10.20.4.17 pts/3 as mira@corp`.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut line = self.os_user.clone();
        if self.via == Transport::Database {
            line.push_str(" (database role)");
        }
        if !self.host.is_empty() || !self.tty.is_empty() {
            line.push_str(" from ");
            line.push_str(&self.host);
            if !self.tty.is_empty() {
                line.push(' ');
                line.push_str(&self.tty);
            }
        }
        if let Some(kube) = &self.kube {
            line.push_str(" as ");
            line.push_str(&kube.username);
        }
        line
    }
}
