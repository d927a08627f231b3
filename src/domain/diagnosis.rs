//! What is wrong, with which object, and why we think so.

use super::evidence::{Bearing, Fact};
use super::resource::ObjectRef;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[derive(serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word for it.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The one with that word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }
    };
}
pub(crate) use words;

words!(
    /// What kind of trouble it is.
    Pattern {
        /// Memory is short.
        HighMemory = "high-memory",
        /// Containers end again and again, or never start.
        CrashLoop = "crash-loop",
        /// A node, or placing pods on nodes.
        NodeIssue = "node-issue",
        /// Volumes and claims.
        StorageIssue = "storage-issue",
        /// Services, endpoints, policies, DNS.
        NetworkIssue = "network-issue",
        /// What fits nowhere else.
        Generic = "generic",
    }
);

words!(
    /// Why, within the pattern. The order is that of the patterns; a cause may show under another pattern's alerts.
    Cause {
        /// The memory limit is below what the program needs.
        LimitTooSmall = "limit-too-small",
        /// Memory grows without end.
        MemoryLeak = "memory-leak",
        /// A new revision fails where the one before it worked.
        BadRollout = "bad-rollout",
        /// A ConfigMap, a Secret or a key in one does not exist.
        MissingConfig = "missing-config",
        /// The image can't be pulled (name, tag, registry, pull secret), and no earlier revision is known to work.
        ImagePull = "image-pull",
        /// The liveness probe kills containers that work.
        ProbeTooStrict = "probe-too-strict",
        /// Containers are killed by a probe before they have finished starting.
        StartupTooSlow = "startup-too-slow",
        /// Containers end because something that they need does not answer.
        DependencyDown = "dependency-down",
        /// The pods of a Job fail.
        JobFailing = "job-failing",
        /// The node's kubelet says that it is not ready.
        NodeNotReady = "node-not-ready",
        /// The node's kubelet does not report any more.
        NodeLost = "node-lost",
        /// The node is short of memory, disk or process ids.
        NodePressure = "node-pressure",
        /// The node was cordoned and forgotten.
        NodeCordoned = "node-cordoned",
        /// Pods are evicted by the kubelet.
        Eviction = "eviction",
        /// No node has room for what its pods request.
        UnschedulableResources = "unschedulable-resources",
        /// Taints keep its pods from every node that fits.
        UnschedulableTaint = "unschedulable-taint",
        /// No node fits its selector, affinity or spread.
        UnschedulableAffinity = "unschedulable-affinity",
        /// A claim is not bound: its class or its volume is missing, or no capacity.
        ClaimPending = "claim-pending",
        /// A volume is full.
        VolumeFull = "volume-full",
        /// A volume will be full soon.
        VolumeFilling = "volume-filling",
        /// A volume is where its pod can't be placed.
        UnschedulableVolumeZone = "unschedulable-volume-zone",
        /// A node's disk fills with what nobody uses any more.
        DiskPressureByOrphans = "disk-pressure-by-orphans",
        /// A Service selects no pods.
        SelectorMismatch = "selector-mismatch",
        /// A Service sends to a port that its pods don't have.
        PortMismatch = "port-mismatch",
        /// A Service selects pods, but none is ready.
        EndpointsNotReady = "endpoints-not-ready",
        /// A network policy keeps traffic away.
        PolicyDenies = "policy-denies",
        /// Names are not resolved.
        DnsFailing = "dns-failing",
        /// A certificate expires soon or has expired.
        CertificateExpiring = "certificate-expiring",
        /// A quota or limit range refuses its pods.
        QuotaExceeded = "quota-exceeded",
        /// A policy or webhook refuses its pods.
        AdmissionDenied = "admission-denied",
        /// A rollout does not get on.
        StuckRollout = "stuck-rollout",
        /// An object can't go: a finalizer holds it.
        StuckTerminating = "stuck-terminating",
        /// An autoscaler has no more replicas to give.
        HpaAtMaximum = "hpa-at-maximum",
        /// An autoscaler can't read its metrics.
        HpaWithoutMetrics = "hpa-without-metrics",
        /// A disruption budget can never allow a disruption.
        BudgetNeverMet = "budget-never-met",
        /// The CPU limit is below what the program needs.
        CpuThrottling = "cpu-throttling",
        /// Not known.
        Unknown = "unknown",
    }
);

/// Who made a diagnosis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MadeBy {
    /// Rules over the evidence.
    Rules,
    /// A person, who asked for a plan without an alert.
    Person,
}

/// A cause that was weighed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Weighed {
    /// Its pattern.
    pub pattern: Pattern,
    /// The cause.
    pub cause: Cause,
    /// 0 to 1.
    pub confidence: f64,
    /// Ids of the facts that speak for it.
    pub speaks_for: Vec<String>,
    /// Ids of the facts that speak against it.
    pub speaks_against: Vec<String>,
    /// The culprit, where it is another object than the one that was looked at (a node, a claim, a quota).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub culprit: Option<ObjectRef>,
}

/// What has to be done with the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// Make a plan.
    Remediate,
    /// It is well again: record and close.
    Recovered,
    /// The target does not exist any more: record and close.
    TargetGone,
    /// The alert is a heartbeat (Watchdog, `severity: none`): record and close.
    Heartbeat,
    /// A person did this on purpose (paused, scaled to zero): record and close.
    OnPurpose,
}

/// The recognised pattern, cause and target, with the evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Kind of trouble.
    pub pattern: Pattern,
    /// Why.
    pub cause: Cause,
    /// The culprit. `None` when no object could be found (then only a person can help).
    pub target: Option<ObjectRef>,
    /// The container in question, if one.
    pub container: Option<String>,
    /// 0 to 1.
    pub confidence: f64,
    /// Who made it.
    pub made_by: MadeBy,
    /// Facts, those for the cause first.
    pub evidence: Vec<Fact>,
    /// All causes that were weighed, likeliest first, the chosen one among them.
    pub weighed: Vec<Weighed>,
    /// Values that templates use: `memory_limit_bytes`, `healthy_revision`, `missing`, … (see `diagnose`).
    pub values: BTreeMap<String, Value>,
    /// What to do with it.
    pub disposition: Disposition,
    /// One sentence for a person.
    pub summary: String,
    /// When the evidence was read.
    pub at: Timestamp,
    /// Under which digest the store keeps what was read, while it does (see `Store::put_reads`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<String>,
}

impl Diagnosis {
    /// The same with why the plan that it called for could not be made: a person is told instead.
    #[must_use]
    pub fn withheld(&self, why: &str) -> Self {
        let mut told = self.clone();
        told.evidence.push(Fact {
            id: "withheld".into(),
            text: format!("what would help is withheld: {why}"),
            source: "the plan that was tried".into(),
            bearing: Bearing::Context,
            at: Some(self.at),
        });
        told
    }
}
