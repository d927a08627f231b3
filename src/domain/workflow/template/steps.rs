//! The `steps` section: what all steps have. What each kind of step has stands in `does` and `blocks`.

use super::model::{Call, Step, Wait};
use super::reading::{Fields, Reading};
use super::scope::Scope;
use super::yaml::{Kind, Node};
use crate::domain::workflow::plan::{OnFailure, Risk};
use crate::domain::workflow::retry::{Failure, Failures, Retry};
use std::collections::BTreeSet;

pub(super) const KEYS: &[&str] = &[
    "id",
    "title",
    "action",
    "with",
    "on",
    "wait_for",
    "subflow",
    "hand_over",
    "steps",
    "parallel",
    "at_most",
    "max_failures",
    "branch",
    "for_each",
    "approval",
    "notify",
    "when",
    "timeout",
    "attempts",
    "retry",
    "on_failure",
    "verify",
    "risk",
];
const RETRY: &[&str] = &["attempts", "backoff", "most", "jitter", "on"];
/// Most steps of one template, those in blocks too.
const MOST: usize = 200;
/// Most steps in one another.
const DEEPEST: usize = 12;
/// Seconds within which `verify` must hold when its author does not say.
const VERIFY_S: u64 = 120;

/// What is known where steps stand: what their expressions can use, and the steps that are over by then.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) scope: Scope,
    /// Ids as conditions write them: `_` for `-`.
    pub(super) before: BTreeSet<String>,
    pub(super) depth: usize,
}

impl Standing {
    /// Inside a block that starts here.
    pub(super) fn inside(&self) -> Self {
        Self { depth: self.depth + 1, ..self.clone() }
    }

    /// Inside a `for_each`, where the item has a name.
    pub(super) fn with_item(&self, name: &str) -> Self {
        let inside = self.inside();
        Self { scope: inside.scope.with_item(name), ..inside }
    }

    pub(super) fn when(&self) -> Scope {
        self.scope.when(&self.before)
    }
}

impl Reading<'_> {
    pub(super) fn steps(&mut self, top: &Fields<'_>, params: &BTreeSet<String>) -> Vec<Step> {
        if top.get("steps").is_none() {
            self.problem(top.place, "the template has no `steps`");
        }
        let mut standing =
            Standing { scope: Scope::steps(params.clone()), before: BTreeSet::new(), depth: 0 };
        top.get("steps").map(|node| self.sequence(node, "steps", &mut standing)).unwrap_or_default()
    }

    /// Steps one after another: each can ask about those before it.
    pub(super) fn sequence(
        &mut self,
        node: &Node,
        key: &str,
        standing: &mut Standing,
    ) -> Vec<Step> {
        let mut steps = Vec::new();
        for node in self.step_nodes(node, key, standing) {
            let Some(step) = self.step_at(node, standing) else { continue };
            let ids = step.known_outside().into_iter().map(|step| in_conditions(&step.id));
            standing.before.extend(ids);
            steps.push(step);
        }
        steps
    }

    pub(super) fn step_nodes<'n>(
        &mut self,
        node: &'n Node,
        key: &str,
        standing: &Standing,
    ) -> &'n [Node] {
        let Kind::List(nodes) = &node.kind else {
            self.problem(node.place, format!("`{key}` is a list, not {}", node.noun()));
            return &[];
        };
        if nodes.is_empty() {
            self.problem(node.place, format!("`{key}` is empty"));
        }
        if standing.depth > DEEPEST {
            self.problem(node.place, format!("steps nest deeper than {DEEPEST}"));
            return &[];
        }
        nodes
    }

    pub(super) fn step_at(&mut self, node: &Node, standing: &Standing) -> Option<Step> {
        if !matches!(node.kind, Kind::Map(_)) {
            self.problem(node.place, format!("a step is a mapping, not {}", node.noun()));
            return None;
        }
        let fields = self.fields(node, "a step", KEYS);
        let step = self.step(&fields, standing)?;
        if !self.ids.insert(step.id.clone()) {
            let place = fields.get("id").map_or(node.place, |node| node.place);
            self.problem(place, format!("there are two steps `{}`", step.id));
        }
        if self.ids.len() == MOST + 1 {
            self.problem(node.place, format!("more than {MOST} steps"));
        }
        Some(step)
    }

    fn step(&mut self, fields: &Fields<'_>, standing: &Standing) -> Option<Step> {
        let id = self.required_text(fields, "id");
        if !id.is_empty() && !is_id(&id) {
            let place = fields.get("id").map_or(fields.place, |node| node.place);
            let message = format!("`{id}` can't be an id");
            self.advise(place, message, "use a to z, 0 to 9 and -, a letter first");
        }
        let does = self.does(fields, standing);
        let scope = &standing.scope;
        let title = fields.get("title").map(|node| self.interpolated(node, "title", scope));
        let when = fields.get("when").map(|node| self.cel(node, "when", &standing.when()));
        let timeout_s = self.duration(fields, "timeout");
        if let (Some(0), Some(node)) = (timeout_s, fields.get("timeout")) {
            self.problem(node.place, "`timeout` can't be 0");
        }
        let (attempts, retry) = self.retry(fields);
        let (on_failure, rescue) = self.on_failure(fields, scope);
        let verify = self.verify_step(fields, scope);
        let risk = self.word(fields, "risk", Risk::ALL, Risk::word);
        Some(Step {
            id,
            title: title.unwrap_or_default(),
            does: does?,
            when: when.unwrap_or_default(),
            timeout_s,
            attempts,
            retry,
            on_failure,
            rescue,
            verify,
            risk,
            place: fields.place,
        })
    }

    /// `attempts: 3`, or `retry: {attempts, backoff, most, jitter, on}`.
    fn retry(&mut self, fields: &Fields<'_>) -> (Option<u32>, Retry) {
        let short = self.count(fields, "attempts", 20);
        let mut retry = Retry::default();
        let Some(node) = fields.get("retry") else { return (short, retry) };
        let inner = self.fields(node, "`retry`", RETRY);
        if let (Some(_), Some((key, _))) = (fields.get("attempts"), fields.member("retry")) {
            let message = "`attempts` stands beside `retry`";
            self.advise(key.place, message, "write it as `retry: {attempts: …}` only");
        }
        let attempts = self.count(&inner, "attempts", 20).or(short);
        retry.backoff_s = self.duration(&inner, "backoff").unwrap_or(retry.backoff_s);
        retry.most_s = self.duration(&inner, "most").unwrap_or(retry.most_s.max(retry.backoff_s));
        if let Some(node) = inner.get("most").filter(|_| retry.most_s < retry.backoff_s) {
            self.problem(node.place, "`most` is below `backoff`: no pause can hold");
        }
        retry.jitter = self.count(&inner, "jitter", 100).unwrap_or(10);
        retry.on = self.failures_to_retry(&inner);
        (attempts, retry)
    }

    /// `on: [passing, failed]`; what may pass when nothing is said.
    fn failures_to_retry(&mut self, fields: &Fields<'_>) -> Failures {
        let Some((key, _)) = fields.member("on") else { return Failures::default() };
        let mut on = Vec::new();
        for node in self.list(fields, "on") {
            let text = self.text(node, "on");
            on.extend(self.one_word(node, &text, "on", Failure::ALL, Failure::word));
        }
        let part = on.iter().find(|failure| {
            matches!(
                failure,
                Failure::Conflict | Failure::Throttled | Failure::ServerError | Failure::Timeout
            )
        });
        if let Some(part) = part.filter(|_| on.contains(&Failure::Passing)) {
            let message = format!("`passing` means `{part}` too");
            self.hint(key.place, message, "name only `passing`, or only what is meant");
        }
        if on.is_empty() && self.problems.is_empty() {
            self.advise(key.place, "`on` is empty: nothing is tried again", "write `attempts: 1`");
        }
        Failures::of(&on)
    }

    /// `on_failure: escalate`, or `on_failure: {subflow: NAME, with: …, then: escalate}`.
    fn on_failure(
        &mut self,
        fields: &Fields<'_>,
        scope: &Scope,
    ) -> (Option<OnFailure>, Option<Call>) {
        let Some(node) = fields.get("on_failure") else { return (None, None) };
        if !matches!(node.kind, Kind::Map(_)) {
            return (self.word(fields, "on_failure", OnFailure::ALL, OnFailure::word), None);
        }
        let inner = self.fields(node, "`on_failure`", &["subflow", "with", "then"]);
        let then = self.word(&inner, "then", OnFailure::ALL, OnFailure::word);
        let Some(name) = inner.get("subflow") else {
            self.problem(node.place, "`on_failure` has no `subflow`");
            return (then, None);
        };
        let call = self.call(name, &inner, scope);
        (then.or(Some(OnFailure::Escalate)), Some(call))
    }

    /// `verify: {until, describe, object, fails_when, within}`: a wait that belongs to the step.
    fn verify_step(&mut self, fields: &Fields<'_>, scope: &Scope) -> Option<(Wait, u64)> {
        let node = fields.get("verify")?;
        Some(self.wait_within(node, "`verify`", scope))
    }

    /// A wait, and the seconds within which it must hold.
    pub(super) fn wait_within(
        &mut self,
        node: &Node,
        what: &'static str,
        scope: &Scope,
    ) -> (Wait, u64) {
        let fields = self.wait_fields(node, what, VERIFY);
        let within_s = self.duration(&fields, "within").unwrap_or(VERIFY_S);
        if let (0, Some(node)) = (within_s, fields.get("within")) {
            self.problem(node.place, "`within` can't be 0");
        }
        (self.wait(node, &fields, what, scope), within_s)
    }
}

const VERIFY: &[&str] = &["object", "objects", "until", "fails_when", "describe", "within"];

/// An id as conditions write it.
pub(crate) fn in_conditions(id: &str) -> String {
    id.replace('-', "_")
}

/// Whether a text can be the id of a step or the name of a template.
pub(super) fn is_id(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && text.len() <= 60
}
