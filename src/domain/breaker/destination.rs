//! Destinations, and what it means when one is down: the one table that screen, verbs and README show.

use crate::domain::notify::ChannelName;
use serde::{Deserialize, Serialize};

/// What lies behind a breaker. Each adapter reaches exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Destination {
    /// The cluster's API server.
    Cluster,
    /// The store: the event log.
    Store,
    /// Prometheus.
    Prometheus,
    /// Alertmanager's API.
    Alertmanager,
    /// The model that advises.
    Model,
    /// The vector database: memory of past cases.
    VectorDb,
    /// A channel over which people are told: `notify.NAME`.
    Channel(ChannelName),
}

/// What stands before the name of a channel.
const CHANNEL: &str = "notify.";

/// What the failure of a destination means, in sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared {
    /// What counts as down.
    pub down: &'static str,
    /// What is an answer, although it says no.
    pub answers: &'static str,
    /// What work does that runs.
    pub running: &'static str,
    /// What work does that waits or begins.
    pub waiting: &'static str,
    /// What happens instead, in few words: for lines of a screen.
    pub instead: &'static str,
    /// Why a person can't force it open; empty: a person can.
    pub never_forced: &'static str,
}

impl Destination {
    /// All but the channels, which the settings name.
    pub const ALL: &'static [Self] = &[
        Self::Cluster,
        Self::Store,
        Self::Prometheus,
        Self::Alertmanager,
        Self::Model,
        Self::VectorDb,
    ];

    /// The channel that it is, if it is one.
    #[must_use]
    pub fn channel(self) -> Option<ChannelName> {
        match self {
            Self::Channel(name) => Some(name),
            Self::Cluster
            | Self::Store
            | Self::Prometheus
            | Self::Alertmanager
            | Self::Model
            | Self::VectorDb => None,
        }
    }

    /// The row of the table. A new destination has one before it compiles.
    #[must_use]
    pub fn declared(self) -> Declared {
        match self {
            Self::Cluster => Declared {
                down: "no connection, no answer in time to a read, an answer that breaks off, 502, 503 or 504 of the \
                       API server itself",
                answers: "every other status: 401, 403, 404, 409, 422, 429 (also an eviction that a budget refuses), \
                          500; what lies behind the API server: logs of a kubelet, an aggregated API, a program that \
                          runs; no answer to a write, which an admission webhook may hold up: it is looked at",
                running: "no operation is begun; one that was sent is looked at, never sent again blindly; waits keep \
                          their deadlines",
                waiting: "diagnoses, plans and starts wait and go on when it closes; requests keep their expiry; \
                          approving is refused, since nothing can be checked",
                instead: "nothing is begun on the cluster; alerts are taken in and wait",
                never_forced: "",
            },
            Self::Store => Declared {
                down: "it can't be written or read, or does not say whether it wrote",
                answers: "a lease that another engine holds or took, a log that moved on, what can't be stored",
                running: "what is under way ends; its outcome is looked at and recorded when the store is back",
                waiting: "nothing begins and nothing can be decided; alerts are refused (503), so that their sender \
                          keeps them",
                instead: "nothing begins; deciding is off; watching goes on",
                never_forced: "nothing could be recorded any more, not even that it is lifted: use `stop`",
            },
            Self::Prometheus => Declared {
                down: "no connection, no answer in time, an answer that breaks off, a 5xx that is not in Prometheus' own \
                       form, or its `unavailable` or `internal`",
                answers: "a query that it refuses or that takes it too long, too many series, 4xx",
                running: "operations go on; a verification that needs figures waits up to 15 minutes for it, then \
                          judges without them and says so",
                waiting: "diagnoses go on without figures, say which are missing, and are less sure",
                instead: "diagnoses go on without figures; verifications wait for it up to 15m",
                never_forced: "",
            },
            Self::Alertmanager => Declared {
                down: "no connection, no answer in time, an answer that breaks off, 5xx",
                answers: "4xx, an answer that is no list of alerts",
                running: "operations go on; a verification waits up to 15 minutes to see whether the alerts still \
                          fire, then judges without and says so",
                waiting: "alerts come through the webhook and `alert` only; what fires is taken in when it is back; \
                          no alert counts as resolved meanwhile",
                instead: "alerts come by webhook only; none counts as resolved",
                never_forced: "",
            },
            Self::Model => Declared {
                down: "no connection, no first word in time, an answer that breaks off or has no end in time, 5xx",
                answers: "4xx (also 429), an answer that is no advice: not the JSON that was asked for, cut at its \
                          limit, nothing that may be chosen",
                running: "nothing: what runs never asks it",
                waiting: "a plan waits for it until its deadline (`slm.timeout`) and not at all while this is open: \
                          rules and statistics over past cases rank the templates, and the case says so",
                instead: "rules and history decide",
                never_forced: "",
            },
            Self::VectorDb => Declared {
                down: "no connection, no answer in time, a server that starts or ends",
                answers: "a database without pgvector, of another release, or without the right to it: memory can't be \
                          used, and says so",
                running: "nothing waits for it; what ends meanwhile is remembered from the log when it is back",
                waiting: "plans are made without past cases, and say so; none waits for it longer than 50 ms",
                instead: "plans without past cases; the log keeps what is to be remembered",
                never_forced: "",
            },
            Self::Channel(_) => of_a_channel(),
        }
    }

    /// The one with that name, or a sentence that lists them.
    ///
    /// # Errors
    /// The sentence.
    pub fn named(name: &str) -> Result<Self, String> {
        if let Some(channel) = name.strip_prefix(CHANNEL) {
            return ChannelName::parse(channel).map(Self::Channel);
        }
        Self::ALL.iter().copied().find(|one| one.to_string() == name).ok_or_else(|| {
            let all = Self::ALL.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            format!("there is no breaker `{name}`: {all}, {CHANNEL}NAME of a channel")
        })
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cluster => f.pad("cluster"),
            Self::Store => f.pad("store"),
            Self::Prometheus => f.pad("prometheus"),
            Self::Alertmanager => f.pad("alertmanager"),
            Self::Model => f.pad("model"),
            Self::VectorDb => f.pad("vector-db"),
            Self::Channel(name) => f.pad(&format!("{CHANNEL}{name}")),
        }
    }
}

impl TryFrom<String> for Destination {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::named(&name)
    }
}

impl From<Destination> for String {
    fn from(one: Destination) -> Self {
        one.to_string()
    }
}

/// The row of every channel.
fn of_a_channel() -> Declared {
    Declared {
        down: "no connection, no answer in time, an answer that breaks off, 5xx; of a mail server also 421",
        answers: "4xx: a notice that is refused for good is a dead letter at once; 408, 425, 429 and what a mail \
                  server refuses for now are tried again",
        running: "nothing waits for it: a step that tells people is done when what it tells is in the log",
        waiting: "notices wait in the log and go out when it is back; the first of them is the probe; what could \
                  not be told in time is a dead letter, said over the other channels",
        instead: "notices wait in the log: `pilothouse notifications`",
        never_forced: "",
    }
}
