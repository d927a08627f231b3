//! One step of a plan: what it does, how often it is tried, what follows when it fails.

use super::bounded::Bounded;
use super::plan::{ActionClass, Risk, TemplateRef};
use super::retry::Retry;
use crate::domain::action::ends_with_case;
use crate::domain::diagnosis::words;
use crate::domain::id::StepPath;
use crate::domain::operation::{DiffLine, Operation, PreviewLabel};
use crate::domain::resource::ObjectKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One operation with its preview and its undo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedOperation {
    /// What is sent.
    pub operation: Operation,
    /// What it changes, as shown.
    pub diff: Vec<DiffLine>,
    /// Where the diff comes from.
    pub preview: PreviewLabel,
    /// What takes it back; `None`: nothing can, or nothing needs to.
    pub undo: Option<Operation>,
}

/// A condition that a step waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// The object looked at; without a name: all of its kind and namespace that have `labels`.
    pub object: ObjectKey,
    /// Label selector; `None`: it is about one object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<String>,
    /// CEL over `object` (the live object), or `objects`.
    pub until: String,
    /// CEL that, when true, makes it pointless to wait on; empty: none.
    pub fails_when: String,
    /// In words: `rollout of Deployment/ledger-api is complete`.
    pub describe: String,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StepKind {
    /// A catalogue action.
    Action {
        /// Its name in the catalogue.
        action: String,
        /// What it acts on.
        target: ObjectKey,
        /// Its parameters.
        params: BTreeMap<String, Value>,
        /// Permission that it needs.
        class: ActionClass,
        /// What it comes down to, in order.
        operations: Vec<PlannedOperation>,
    },
    /// Wait for a condition.
    WaitFor {
        /// For what.
        condition: Condition,
    },
    /// Another template's steps.
    Subflow {
        /// Which.
        template: TemplateRef,
        /// Its steps.
        steps: Vec<PlanStep>,
    },
    /// Steps one after another.
    Steps {
        /// Them.
        steps: Vec<PlanStep>,
    },
    /// Steps at once.
    Parallel {
        /// How many at once, and how many may fail.
        lanes: Lanes,
        /// Them.
        steps: Vec<PlanStep>,
    },
    /// The first arm whose condition holds; the others are left out.
    Branch {
        /// The arms, each of kind `Steps`.
        steps: Vec<PlanStep>,
    },
    /// The same steps for each of several items.
    ForEach {
        /// How many at once, and how many may fail.
        lanes: Lanes,
        /// What the items are; `None`: those in `steps`, known when planning.
        bounded: Option<Box<Bounded>>,
        /// One step an item. With a bound: as the items were when planning, to look at; they are found anew when the
        /// step begins.
        steps: Vec<PlanStep>,
    },
    /// A person decides whether it goes on.
    Approval {
        /// What they are asked.
        message: String,
        /// How strong the gesture must be, at least as for the plan.
        risk: Risk,
    },
    /// Tell people something, in the log and wherever they watch, and go on.
    Notify {
        /// What.
        message: String,
    },
    /// Hand the case to a person, with everything collected. Ends the remediation as `handed_over`.
    HandOver {
        /// What the person is told.
        message: String,
        /// Whether the steps after it run all the same (`then: continue`).
        #[serde(default, skip_serializing_if = "is_false")]
        goes_on: bool,
    },
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

words!(
    /// What happens when a step fails.
    OnFailure {
        /// Undo what was done, in reverse, and end.
        Undo = "undo",
        /// Note it and go on.
        Continue = "continue",
        /// Leave things as they are, and hand to a person.
        Escalate = "escalate",
    }
);

/// How steps run beside one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lanes {
    /// Most that are under way at once, at least 1.
    pub at_most: u32,
    /// So many of the first run, and must be done, before any other starts.
    pub canary: u32,
    /// More failures than this end it.
    pub max_failures: u32,
}

impl Lanes {
    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        let first =
            if self.canary == 0 { String::new() } else { format!("{} first, then ", self.canary) };
        format!("{first}{} at once; {} may fail", self.at_most, self.max_failures)
    }
}

/// A condition that is looked at when the step is about to start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct When {
    /// CEL over `steps` and what was known when planning.
    pub cel: String,
    /// The variables that it uses, as they were when planning.
    pub variables: BTreeMap<String, Value>,
    /// Ids of the steps that it asks about, and where they stand.
    pub steps: BTreeMap<String, StepPath>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanStep {
    /// Where it stands: `2.1`.
    pub path: StepPath,
    /// The author's id for it.
    pub id: String,
    /// What it does, in a few words.
    pub title: String,
    /// What it does.
    pub kind: StepKind,
    /// Seconds that it may take.
    pub timeout_s: u64,
    /// How often it is tried, at least 1.
    pub attempts: u32,
    /// What happens when it fails.
    pub on_failure: OnFailure,
    /// Left out, for this reason (its `when` was false when planning).
    pub skipped: Option<String>,
    /// How long to wait between tries, and after which failures there is another.
    #[serde(default)]
    pub retry: Retry,
    /// Whether it is run at all; `None`: it is.
    #[serde(default)]
    pub when: Option<When>,
    /// Run when it failed, before what `on_failure` says.
    #[serde(default)]
    pub rescue: Option<Box<PlanStep>>,
    /// The item of a `for_each` that it is about: what tells it from others (a uid, or the value itself).
    #[serde(default)]
    pub item: Option<String>,
}

impl PlanStep {
    /// A step with nothing special about it: one try, an hour, undo on failure.
    #[must_use]
    pub fn plain(path: StepPath, id: String, title: String, kind: StepKind) -> Self {
        Self {
            path,
            id,
            title,
            kind,
            timeout_s: 3_600,
            attempts: 1,
            on_failure: OnFailure::Undo,
            skipped: None,
            retry: Retry::default(),
            when: None,
            rescue: None,
            item: None,
        }
    }

    /// The steps below it, as planned; without its rescue.
    #[must_use]
    pub fn children(&self) -> &[Self] {
        match &self.kind {
            StepKind::Subflow { steps, .. }
            | StepKind::Steps { steps }
            | StepKind::Parallel { steps, .. }
            | StepKind::ForEach { steps, .. }
            | StepKind::Branch { steps } => steps,
            StepKind::Action { .. }
            | StepKind::WaitFor { .. }
            | StepKind::Approval { .. }
            | StepKind::Notify { .. }
            | StepKind::HandOver { .. } => &[],
        }
    }

    /// Whether it only holds other steps.
    #[must_use]
    pub fn is_block(&self) -> bool {
        match &self.kind {
            StepKind::Subflow { .. }
            | StepKind::Steps { .. }
            | StepKind::Parallel { .. }
            | StepKind::ForEach { .. }
            | StepKind::Branch { .. } => true,
            StepKind::Action { .. }
            | StepKind::WaitFor { .. }
            | StepKind::Approval { .. }
            | StepKind::Notify { .. }
            | StepKind::HandOver { .. } => false,
        }
    }

    /// What it asks a person; its title when it asks nothing.
    #[must_use]
    pub fn asks(&self) -> &str {
        match &self.kind {
            StepKind::Approval { message, .. } => message,
            StepKind::Action { .. }
            | StepKind::WaitFor { .. }
            | StepKind::Subflow { .. }
            | StepKind::Steps { .. }
            | StepKind::Parallel { .. }
            | StepKind::Branch { .. }
            | StepKind::ForEach { .. }
            | StepKind::Notify { .. }
            | StepKind::HandOver { .. } => &self.title,
        }
    }

    /// Its bound, when its items are only found when it begins.
    #[must_use]
    pub fn bounded(&self) -> Option<&Bounded> {
        match &self.kind {
            StepKind::ForEach { bounded, .. } => bounded.as_deref(),
            StepKind::Action { .. }
            | StepKind::Subflow { .. }
            | StepKind::Steps { .. }
            | StepKind::Parallel { .. }
            | StepKind::Branch { .. }
            | StepKind::WaitFor { .. }
            | StepKind::Approval { .. }
            | StepKind::Notify { .. }
            | StepKind::HandOver { .. } => None,
        }
    }

    /// The same without what stands below a bound: that is only a picture of how it was when planning.
    pub fn fixed_below(&self) -> Vec<&Self> {
        let mut out = vec![self];
        let children = if self.bounded().is_some() { &[] } else { self.children() };
        for below in children.iter().chain(self.rescue.as_deref()) {
            out.extend(below.fixed_below());
        }
        out
    }

    /// It, all steps below it and their rescues; parents before children.
    pub fn with_all_below(&self) -> Vec<&Self> {
        let mut out = vec![self];
        for below in self.children().iter().chain(self.rescue.as_deref()) {
            out.extend(below.with_all_below());
        }
        out
    }

    /// Whether what it did is taken back when the case ends, also after success.
    #[must_use]
    pub fn ends_with_case(&self) -> bool {
        matches!(&self.kind, StepKind::Action { action, .. } if ends_with_case(action))
    }

    /// What it sends, if it is an action.
    #[must_use]
    pub fn operations(&self) -> &[PlannedOperation] {
        match &self.kind {
            StepKind::Action { operations, .. } => operations,
            StepKind::Subflow { .. }
            | StepKind::Steps { .. }
            | StepKind::Parallel { .. }
            | StepKind::ForEach { .. }
            | StepKind::Branch { .. }
            | StepKind::WaitFor { .. }
            | StepKind::Approval { .. }
            | StepKind::Notify { .. }
            | StepKind::HandOver { .. } => &[],
        }
    }
}
