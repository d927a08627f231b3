//! Which variables an expression of a template can use, by where it stands.

use super::model::Given;
use super::reading::Reading;
use super::typing::Meant;
use super::yaml::{Kind, Node, Place};
use crate::domain::expr::{self, Piece};
use crate::domain::spelling::nearest;
use std::collections::BTreeSet;

/// Members of `diagnosis`.
pub(crate) const DIAGNOSIS: &[&str] =
    &["pattern", "cause", "container", "confidence", "made_by", "summary", "evidence", "values"];
/// Members of `target`.
pub(crate) const TARGET: &[&str] = &["api_version", "kind", "namespace", "name", "uid"];
/// Members of `before` and `after`: the fields of a sample.
pub(crate) const SAMPLE: &[&str] = &[
    "at",
    "readable",
    "exists",
    "object",
    "conditions",
    "pods",
    "endpoints",
    "desired",
    "ready",
    "updated_available",
    "rolled_out",
    "restarts",
    "crashing",
    "oom_killed",
    "failed_runs",
    "alerts_firing",
    "measures",
    "missing",
];
/// Members of `before.pods`.
const PODS: &[&str] = &["all", "movable", "ready", "unplaced", "terminating", "failed"];
/// Members of `before.endpoints`.
const ENDPOINTS: &[&str] = &["ready", "not_ready", "reached"];
/// Members of `steps.ID`.
pub(crate) const STEP: &[&str] = &["state", "outcome", "why", "note"];

/// Names in `diagnosis.values`, as the `diagnose` module has them. A rule may add others: an unknown one is a matter
/// for lint, not a reason to refuse a template.
pub(crate) const VALUES: &[&str] = &[
    "container",
    "pod",
    "failing_pods",
    "replicas",
    "ready",
    "restarts",
    "paused",
    "autoscaled",
    "memory_limit_bytes",
    "memory_request_bytes",
    "peak_working_set_bytes",
    "working_set_bytes",
    "slope_bytes_per_s",
    "oom_kills",
    "run_seconds_last",
    "exit_code_last",
    "current_revision",
    "healthy_revision",
    "changed",
    "missing",
    "probe",
    "probe_patience_seconds",
    "access_modes",
    "binding_mode",
    "provisioner",
    "missing_secrets",
    "missing_services",
    "policy_age_seconds",
    "policy_uid",
    "resize_pending",
    "terminating_seconds",
    "probe_asks",
    "probe_path",
    "initial_delay_seconds",
    "probe_period_seconds",
    "probe_timeout_seconds",
    "probe_failures",
    "image",
    "pull_problem",
    "requests",
    "short_of",
    "taint",
    "wanted_labels",
    "node",
    "claim",
    "dependency",
    "dependency_object",
    "dependency_says",
    "quota",
    "denied",
    "job",
    "cpu_limit_millis",
    "throttled_share",
    "cpu_used_millis",
    "autoscaler",
    "max_replicas",
    "finalizers",
    "overdue_pods",
    "evicted_pods",
    "stale_pods",
    "used_by",
    "class",
    "classes",
    "default_class",
    "volume",
    "why_pending",
    "fitting_volume",
    "used_share",
    "inodes_used_share",
    "capacity_bytes",
    "requested_bytes",
    "allows_expansion",
    "growth_bytes_per_hour",
    "seconds_to_full",
    "selector",
    "fitting_selector",
    "workload",
    "workload_kind",
    "service",
    "selected_pods",
    "endpoints",
    "endpoints_ready",
    "port",
    "target_port",
    "fitting_port",
    "policy",
    "policies",
    "enforced_by",
    "metric",
    "metrics_api",
    "scales",
    "min_replicas",
    "budget",
    "drain_nodes",
    "drain_waits",
    "fitting_max_unavailable",
    "fitting_min_available",
    "owners",
    "apis_down",
    "bare_pods",
    "certificate",
    "controller_gone",
    "controllers",
    "cordoned_by",
    "cordoned_seconds",
    "daemon_pods",
    "drain_blockers",
    "drain_safe",
    "finalizer_writer",
    "greedy_bytes",
    "greedy_owner",
    "greedy_pod",
    "greedy_request_bytes",
    "issuer",
    "leftover_namespaces",
    "leftover_pods",
    "local_data_pods",
    "not_after",
    "other_nodes_ready",
    "phase",
    "pods_most",
    "pods_on_node",
    "pods_taken",
    "reclaim_policy",
    "refused",
    "remaining",
    "room_elsewhere",
    "seconds_left",
    "secret",
    "silent_seconds",
    "since",
    "unused_image_bytes",
    "used_up",
    "users",
    "waiting_pods",
    "webhook_service",
    "webhooks",
];

/// What a condition looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Seen {
    #[default]
    Nothing,
    Object,
    Objects,
}

/// The variables of one place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    diagnosis: bool,
    target: bool,
    /// Declared parameters, where `params` can be used.
    params: Option<BTreeSet<String>>,
    /// Names of items of a `for_each`.
    items: BTreeSet<String>,
    seen: Seen,
    /// Ids of steps that are over when this is looked at, where `steps` can be used.
    steps: Option<BTreeSet<String>>,
    /// Declared measures, where `before` and `after` can be used.
    samples: Option<BTreeSet<String>>,
}

impl Scope {
    /// `match`.
    pub(crate) fn matching() -> Self {
        Self { diagnosis: true, target: true, ..Self::default() }
    }

    /// Steps and defaults of parameters.
    pub(crate) fn steps(params: BTreeSet<String>) -> Self {
        Self { diagnosis: true, target: true, params: Some(params), ..Self::default() }
    }

    /// The same with the item of a `for_each`.
    pub(crate) fn with_item(&self, name: &str) -> Self {
        let mut scope = self.clone();
        scope.items.insert(name.to_string());
        scope
    }

    /// A step's `when`, which can ask about the steps before it.
    pub(crate) fn when(&self, before: &BTreeSet<String>) -> Self {
        Self { steps: Some(before.clone()), ..self.clone() }
    }

    /// `until` and `fails_when`.
    pub(crate) fn object() -> Self {
        Self { seen: Seen::Object, ..Self::default() }
    }

    /// The same where many objects are looked at.
    pub(crate) fn objects() -> Self {
        Self { seen: Seen::Objects, ..Self::default() }
    }

    /// `effective_when` and `regressed_when`.
    pub(crate) fn samples(measures: BTreeSet<String>) -> Self {
        Self { samples: Some(measures), ..Self::default() }
    }

    /// Whether `params` can be used here.
    pub(super) fn has_params(&self) -> bool {
        self.params.is_some()
    }

    /// Whether a name is that of the item of a `for_each`.
    pub(super) fn is_item(&self, name: &str) -> bool {
        self.items.contains(name)
    }

    fn variables(&self) -> Vec<&str> {
        let all = [
            ("diagnosis", self.diagnosis),
            ("params", self.params.is_some()),
            // What steps before it create: name, namespace, … by the step's id.
            ("made", self.params.is_some()),
            ("target", self.target),
            ("steps", self.steps.is_some()),
            ("object", self.seen == Seen::Object),
            ("objects", self.seen == Seen::Objects),
            ("since", self.seen != Seen::Nothing),
            ("now", self.seen != Seen::Nothing),
            ("before", self.samples.is_some()),
            ("after", self.samples.is_some()),
        ];
        let known = all.into_iter().filter(|(_, there)| *there).map(|(name, _)| name);
        known.chain(self.items.iter().map(String::as_str)).collect()
    }

    /// What is wrong with one use of a variable, and the nearest right word.
    fn wrong(&self, reference: &expr::Reference) -> Option<(String, Option<String>)> {
        let name = reference.variable.as_str();
        let variables = self.variables();
        if !variables.contains(&name) {
            let near = nearest(name, variables.iter().copied()).map(String::from);
            let here = if variables.is_empty() { "none".into() } else { variables.join(", ") };
            return Some((format!("there is no `{name}` here, only {here}"), near));
        }
        let member = |known: &mut dyn Iterator<Item = &str>, at: usize| {
            let found = reference.members.get(at)?;
            let known = known.collect::<Vec<_>>();
            if known.contains(&found.as_str()) {
                return None;
            }
            let near = nearest(found, known.iter().copied()).map(String::from);
            let all = std::iter::once(&reference.variable).chain(&reference.members);
            let path = all.take(at + 1).cloned().collect::<Vec<_>>().join(".");
            Some((format!("`{path}` has no `{found}`"), near))
        };
        match name {
            "diagnosis" => member(&mut DIAGNOSIS.iter().copied(), 0),
            "target" => member(&mut TARGET.iter().copied(), 0),
            "params" => {
                let declared = self.params.iter().flatten();
                member(&mut declared.map(String::as_str), 0)
            }
            "steps" => {
                let known = self.steps.iter().flatten();
                let unknown = member(&mut known.map(String::as_str), 0);
                let unknown = unknown.map(|(_, near)| {
                    let id = reference.members.first().map_or("", String::as_str);
                    (format!("no step `{id}` is over before this one"), near)
                });
                unknown.or_else(|| member(&mut STEP.iter().copied(), 1))
            }
            "before" | "after" => member(&mut SAMPLE.iter().copied(), 0).or_else(|| {
                let measures = self.samples.iter().flatten();
                match reference.members.first().map(String::as_str) {
                    Some("measures") => member(&mut measures.map(String::as_str), 1),
                    Some("pods") => member(&mut PODS.iter().copied(), 1),
                    Some("endpoints") => member(&mut ENDPOINTS.iter().copied(), 1),
                    Some(_) | None => None,
                }
            }),
            _ => None,
        }
    }
}

impl Reading<'_> {
    /// Checks an expression that is (part of) a scalar.
    fn check_cel(
        &mut self,
        node: &Node,
        whole: &str,
        source: &str,
        at: (usize, usize),
        scope: &Scope,
        meant: (Meant, &str),
    ) {
        let kinds = match self.kinds(source, scope) {
            Ok(kinds) => kinds,
            Err(error) => return self.expression(node, whole, at, error),
        };
        for reference in &kinds.references {
            self.use_of(reference);
            let wrong = scope.wrong(reference);
            let odd = unknown_value(reference);
            if wrong.is_none() && odd.is_none() {
                continue;
            }
            let place = self.in_scalar(node, whole, (reference.line, reference.column), at);
            let nearby = |near: Option<String>| {
                near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default()
            };
            if let Some((message, near)) = wrong {
                self.advise(place, message, nearby(near));
            } else if let Some((message, near)) = odd {
                self.hint(place, message, nearby(near));
            }
        }
        self.check_kinds(node, whole, at, &kinds, meant);
    }

    /// The place in the file of a place in an expression that starts at `at` in a scalar.
    pub(super) fn in_scalar(
        &self,
        node: &Node,
        whole: &str,
        (line, column): (usize, usize),
        at: (usize, usize),
    ) -> Place {
        let (line, column) =
            if line == 1 { (at.0, column + at.1 - 1) } else { (line + at.0 - 1, column) };
        self.inside(node, whole, line, column)
    }

    /// Notes which parameters are used.
    fn use_of(&mut self, reference: &expr::Reference) {
        if reference.variable == "params" {
            let all = || "*".to_string();
            self.used.insert(reference.members.first().cloned().unwrap_or_else(all));
        }
    }

    /// A scalar that is an expression as a whole.
    pub(super) fn cel(&mut self, node: &Node, key: &str, scope: &Scope) -> String {
        let text = self.text(node, key);
        if matches!(node.kind, Kind::List(_) | Kind::Map(_)) {
            return text;
        }
        self.check_cel(node, &text, &text, (1, 1), scope, (Meant::Condition, key));
        text
    }

    /// A text with `${CEL}` in it.
    pub(super) fn interpolated(&mut self, node: &Node, key: &str, scope: &Scope) -> String {
        let text = self.text(node, key);
        match expr::pieces(&text) {
            Ok(pieces) => {
                for piece in pieces {
                    if let Piece::Expr { source, line, column } = piece {
                        let meant = (Meant::Value, key);
                        self.check_cel(node, &text, &source, (line, column), scope, meant);
                    }
                }
            }
            Err(error) => self.expression(node, &text, (1, 1), error),
        }
        text
    }

    /// A value: `= CEL`, a text with `${CEL}`, or a literal.
    pub(super) fn given(&mut self, node: &Node, key: &str, scope: &Scope) -> Given {
        let Kind::Text(text) = &node.kind else { return Given::Literal(node.json()) };
        if let Some(rest) = text.strip_prefix('=') {
            let source = rest.trim_start();
            let skipped = text.chars().count() - source.chars().count();
            self.check_cel(node, text, source, (1, skipped + 1), scope, (Meant::Value, key));
            return Given::Cel(source.trim_end().to_string());
        }
        if text.contains("${") {
            return Given::Text(self.interpolated(node, key, scope));
        }
        Given::Literal(node.json())
    }
}

/// A member of `diagnosis.values` that no rule is known to give.
fn unknown_value(reference: &expr::Reference) -> Option<(String, Option<String>)> {
    let [values, name, ..] = reference.members.as_slice() else { return None };
    if reference.variable != "diagnosis" || values != "values" || VALUES.contains(&name.as_str()) {
        return None;
    }
    let near = nearest(name, VALUES.iter().copied()).map(String::from);
    Some((format!("no rule is known to give `diagnosis.values.{name}`"), near))
}
