//! A template as its author meant it.

use super::yaml::Place;
use crate::domain::action::Action;
use crate::domain::diagnosis::{Cause, Pattern, words};
use crate::domain::workflow::plan::{Check, Lanes, OnFailure, Risk, TemplateRef};
use crate::domain::workflow::retry::Retry;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One template. Without a pattern it is only a subflow of others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Template {
    /// Name, version and digest.
    pub reference: TemplateRef,
    /// The file that it came from.
    pub file: String,
    /// What it does, in a sentence.
    pub summary: String,
    /// What it is for; `None`: only a subflow.
    pub matching: Option<Matching>,
    /// Its parameters, in the author's order.
    pub parameters: Vec<Parameter>,
    /// Its steps.
    pub steps: Vec<Step>,
    /// How success is judged.
    pub verify: Option<Verify>,
    /// What remains if it is stopped at a safe point.
    pub left_if_stopped: String,
    /// Seconds that a request for it stays open; `None`: as policy says.
    pub expires_s: Option<u64>,
    /// Its risk at least.
    pub risk: Option<Risk>,
}

/// What a template is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Matching {
    /// The pattern.
    pub pattern: Pattern,
    /// The causes; empty: any.
    pub causes: Vec<Cause>,
    /// CEL over `diagnosis` that must hold; empty: none.
    pub when: String,
    /// When it must not be used, and why.
    pub not_when: Vec<Exclusion>,
}

/// A case that a template is not for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exclusion {
    /// CEL over `diagnosis`.
    pub cel: String,
    /// In words.
    pub why: String,
}

words!(
    /// Type of a parameter.
    ParameterKind {
        /// Whole number.
        Int = "int",
        /// Number.
        Number = "number",
        /// True or false.
        Bool = "bool",
        /// Text.
        String = "string",
        /// Kubernetes quantity.
        Quantity = "quantity",
        /// `30s`, `5m`, `2h`.
        Duration = "duration",
    }
);

/// A parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Name, as in `params.name`.
    pub name: String,
    /// Type.
    pub kind: ParameterKind,
    /// Value when nobody gives one; `None`: it must be given.
    pub default: Option<Given>,
    /// Smallest value allowed.
    pub min: Option<Given>,
    /// Largest value allowed.
    pub max: Option<Given>,
    /// The only values allowed, if there is such a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Value>,
    /// What it is, in a sentence.
    pub describe: String,
}

/// A value as the author gave it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Given {
    /// As it stands.
    Literal(Value),
    /// `= CEL`.
    Cel(String),
    /// A text with `${CEL}` in it.
    Text(String),
}

/// A parameter handed to an action or a subflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Given,
    /// Where the name stands.
    pub place: Place,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its id, one of a kind in the template.
    pub id: String,
    /// A few words, `${CEL}` allowed; empty: made from what it does.
    pub title: String,
    /// What it does.
    pub does: Does,
    /// CEL over `diagnosis`, `params`, `target`, and `steps` (those before it; then it is looked at when the step is
    /// about to start); false leaves it out. Empty: always.
    pub when: String,
    /// Seconds that it may take; `None`: as its kind has it.
    pub timeout_s: Option<u64>,
    /// How often it is tried; `None`: as its kind has it.
    pub attempts: Option<u32>,
    /// Pauses between tries, and after which failures there is another.
    pub retry: Retry,
    /// What happens when it fails; `None`: as the step says that holds it or calls this template, else undo.
    pub on_failure: Option<OnFailure>,
    /// A subflow that is run when it failed, before that.
    pub rescue: Option<Call>,
    /// What must hold afterwards, and within how many seconds.
    pub verify: Option<(Wait, u64)>,
    /// Its risk at least, and that of all steps in it.
    pub risk: Option<Risk>,
    /// Where it starts.
    pub place: Place,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Does {
    /// A catalogue action on the target.
    Action {
        /// Which.
        action: Action,
        /// Its parameters.
        with: Vec<Argument>,
        /// What it acts on; `None`: the target.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<WaitObject>,
    },
    /// Wait for a condition.
    WaitFor(Wait),
    /// Another template's steps.
    Subflow(Call),
    /// Steps one after another.
    Steps(Vec<Step>),
    /// Steps at once.
    Parallel {
        /// How many at once, and how many may fail.
        lanes: Lanes,
        /// Them.
        steps: Vec<Step>,
    },
    /// The first arm whose condition holds.
    Branch(Vec<Arm>),
    /// The same steps for each of several items.
    ForEach(Box<ForEach>),
    /// A person decides whether it goes on.
    Approval {
        /// What they are asked; `${CEL}` allowed.
        message: String,
    },
    /// Tell people, and go on.
    Notify {
        /// What; `${CEL}` allowed.
        message: String,
    },
    /// Hand the case to a person.
    HandOver {
        /// What the person is told; `${CEL}` allowed.
        message: String,
        /// Whether the steps after it run all the same (`then: continue`).
        #[serde(default)]
        goes_on: bool,
    },
}

/// A call of another template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub place: Place,
    /// Its parameters.
    pub with: Vec<Argument>,
}

/// One arm of a branch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// CEL as in a step's `when`; empty: `else`.
    pub when: String,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Where it starts.
    pub place: Place,
}

/// The same steps for each of several items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForEach {
    /// Which.
    pub items: Items,
    /// The item's name in expressions.
    pub name: String,
    /// How many at once, and how many may fail.
    pub lanes: Lanes,
    /// What is done to each.
    pub steps: Vec<Step>,
}

/// Which items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Items {
    /// CEL for a list, known when planning.
    Known(String),
    /// The pods of a node that have to move, found when the step begins.
    PodsOfNode(Given, Bound),
    /// Objects by their labels, found when the step begins.
    Objects(WaitObject, Bound),
}

/// What may be found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// Most items.
    pub at_most: u32,
    /// Items that are left out: CEL over the item, and why.
    pub exclude: Vec<Exclusion>,
}

/// A condition to wait for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    /// The object; `None`: the target.
    pub object: Option<WaitObject>,
    /// CEL over `object` (or `objects`), `since` (when the step began) and `now`.
    pub until: String,
    /// CEL that makes it pointless to wait on; empty: none.
    pub fails_when: String,
    /// In words; `${CEL}` over the step's variables allowed.
    pub describe: String,
}

/// An object named in full, or objects by their labels; each part a text, `= CEL` or `${CEL}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaitObject {
    /// `v1`, `apps/v1`, ….
    pub api_version: Given,
    /// `Pod`, ….
    pub kind: Given,
    /// Empty for cluster-scoped ones.
    pub namespace: Given,
    /// Name; empty with labels.
    pub name: Given,
    /// Label selector, when it is about all objects that have them.
    pub labels: Option<Given>,
}

/// How success is judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verify {
    /// Seconds to wait after the last step; `None`: 300.
    pub settle_s: Option<u64>,
    /// All must hold.
    pub effective_when: Vec<Check>,
    /// None may hold.
    pub regressed_when: Vec<Check>,
    /// Figures.
    pub measures: Vec<MeasureSpec>,
    /// Whether a regression undoes by itself.
    pub undo_on_regression: bool,
}

/// A figure, with a query that still holds `${CEL}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasureSpec {
    /// Name, as in `after.measures.name`.
    pub name: String,
    /// PromQL; `${CEL}` only inside double quotes, where values are escaped.
    pub promql: String,
    /// Unit.
    pub unit: String,
}

impl Step {
    /// The steps that it holds, as written; not those of subflows.
    #[must_use]
    pub fn below(&self) -> Vec<&Self> {
        match &self.does {
            Does::Steps(steps) | Does::Parallel { steps, .. } => steps.iter().collect(),
            Does::Branch(arms) => arms.iter().flat_map(|arm| &arm.steps).collect(),
            Does::ForEach(each) => each.steps.iter().collect(),
            Does::Action { .. }
            | Does::WaitFor(_)
            | Does::Subflow(_)
            | Does::Approval { .. }
            | Does::Notify { .. }
            | Does::HandOver { .. } => Vec::new(),
        }
    }

    /// The calls of other templates that it makes itself.
    #[must_use]
    pub fn calls(&self) -> Vec<&Call> {
        let called = match &self.does {
            Does::Subflow(call) => Some(call),
            Does::Action { .. }
            | Does::WaitFor(_)
            | Does::HandOver { .. }
            | Does::Steps(_)
            | Does::Parallel { .. }
            | Does::ForEach(_)
            | Does::Approval { .. }
            | Does::Notify { .. }
            | Does::Branch(_) => None,
        };
        called.into_iter().chain(&self.rescue).collect()
    }

    /// It and the steps below it that others can ask about: not those of each item of a `for_each`.
    #[must_use]
    pub fn known_outside(&self) -> Vec<&Self> {
        let mut all = vec![self];
        if !matches!(self.does, Does::ForEach(_)) {
            all.extend(self.below().into_iter().flat_map(Self::known_outside));
        }
        all
    }

    /// It and all steps below it, as written.
    #[must_use]
    pub fn with_all_below(&self) -> Vec<&Self> {
        let mut all = vec![self];
        all.extend(self.below().into_iter().flat_map(Self::with_all_below));
        all
    }
}

impl Template {
    /// All its steps, as written; not those of subflows.
    #[must_use]
    pub fn all_steps(&self) -> Vec<&Step> {
        self.steps.iter().flat_map(Step::with_all_below).collect()
    }

    /// Whether a step of its own changes the cluster (subflows aside).
    #[must_use]
    pub fn acts(&self) -> bool {
        self.all_steps()
            .into_iter()
            .any(|step| matches!(&step.does, Does::Action { action, .. } if action.mutates))
    }

    /// The calls of subflows in its steps.
    #[must_use]
    pub fn calls(&self) -> Vec<&Call> {
        self.all_steps().into_iter().flat_map(Step::calls).collect()
    }
}
