//! Steps of a template to steps of a plan: conditions evaluated, subflows expanded, actions compiled, diffs computed.

use super::parameters::resolve_all;
use super::project::after;
use super::request::{CompileError, PlanRequest};
use super::variables::{Variables, diagnosis_variable, resolve, said, target_variable};
use crate::domain::action::{self, Action, ActionRequest, Compiled};
use crate::domain::evidence::{Answer, Gathered, Progress, Read};
use crate::domain::expr;
use crate::domain::id::StepPath;
use crate::domain::operation::{Operation, PreviewLabel};
use crate::domain::resource::ObjectKey;
use crate::domain::workflow::diff::diff_values;
use crate::domain::workflow::plan::{
    Condition, OnFailure, PlanStep, PlannedOperation, Risk, StepKind,
};
use crate::domain::workflow::template::{
    Argument, Does, MAX_DEPTH, Step, Template, Wait, WaitObject,
};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Seconds that a wait may take when its author does not say.
const WAIT_S: u64 = 600;
/// Seconds for a subflow as a whole.
const SUBFLOW_S: u64 = 3_600;
/// Seconds for handing over.
const HAND_OVER_S: u64 = 60;
/// Tries of an action: a conflict or a throttled request is tried again.
const ATTEMPTS: u32 = 3;

/// What the steps of a plan are made with, and what came of them beside the steps.
pub(super) struct Work<'a> {
    request: &'a PlanRequest<'a>,
    /// What was read, with the effects of the steps so far.
    pub(super) gathered: Cow<'a, Gathered>,
    pub(super) needs: BTreeSet<Read>,
    /// (action, its risk, what it compiled to), in order, skipped ones left out.
    pub(super) done: Vec<(Action, Risk, Compiled)>,
}

/// Where in the templates we are.
struct At<'t> {
    template: &'t Template,
    path: StepPath,
    depth: usize,
    variables: Variables,
    /// What a step does when it fails and does not say.
    on_failure: OnFailure,
}

impl<'a> Work<'a> {
    pub(super) fn new(request: &'a PlanRequest<'a>, gathered: &'a Gathered) -> Self {
        Self {
            request,
            gathered: Cow::Borrowed(gathered),
            needs: BTreeSet::new(),
            done: Vec::new(),
        }
    }

    /// The plan's parameters and steps. Steps are only complete when nothing has to be read.
    pub(super) fn top(&mut self) -> Result<(BTreeMap<String, Value>, Vec<PlanStep>), CompileError> {
        let template = self.request.template;
        self.flow(template, self.request.overrides, StepPath::root(), 0, OnFailure::Undo)
    }

    fn flow(
        &mut self,
        template: &Template,
        given: &BTreeMap<String, Value>,
        path: StepPath,
        depth: usize,
        on_failure: OnFailure,
    ) -> Result<(BTreeMap<String, Value>, Vec<PlanStep>), CompileError> {
        let diagnosis = self.request.diagnosis;
        let mut variables = BTreeMap::from([
            ("diagnosis".to_string(), diagnosis_variable(diagnosis)),
            ("target".to_string(), target_variable(diagnosis.target.as_ref())),
            ("params".to_string(), Value::Object(Map::new())),
        ]);
        let params =
            resolve_all(template, given, &variables).map_err(|(name, why)| CompileError {
                template: template.reference.name.clone(),
                place: format!("parameter {name}"),
                why,
            })?;
        let all = params.iter().map(|(name, value)| (name.clone(), value.clone()));
        variables.insert("params".into(), Value::Object(all.collect()));
        let at = At { template, path, depth, variables, on_failure };
        let mut steps = Vec::new();
        for (index, step) in template.steps.iter().enumerate() {
            steps.extend(self.step(&at, index, step)?);
        }
        Ok((params, steps))
    }

    fn step(
        &mut self,
        at: &At<'_>,
        index: usize,
        step: &Step,
    ) -> Result<Option<PlanStep>, CompileError> {
        let path = at.path.child(index);
        let skipped = at.skipped(&path, step)?;
        let Some((kind, title)) = self.kind(at, &path, step, skipped.is_some())? else {
            return Ok(None);
        };
        let title = if step.title.is_empty() {
            title
        } else {
            at.text(&path, "title", &step.title).or_else(|error| {
                // A step that is left out may speak of what is not there.
                if skipped.is_some() { Ok(step.id.clone()) } else { Err(error) }
            })?
        };
        let (timeout_s, attempts) = match &step.does {
            Does::Action { action, .. } => (action.timeout_s, ATTEMPTS),
            Does::WaitFor(_) => (WAIT_S, 1),
            Does::Subflow { .. } => (SUBFLOW_S, 1),
            Does::HandOver { .. } => (HAND_OVER_S, 1),
        };
        Ok(Some(PlanStep {
            path,
            id: step.id.clone(),
            title,
            kind,
            timeout_s: step.timeout_s.unwrap_or(timeout_s),
            attempts: step.attempts.unwrap_or(attempts),
            on_failure: step.on_failure.unwrap_or(at.on_failure),
            skipped,
        }))
    }

    /// What the step does, and words for it; `None` while something has to be read.
    fn kind(
        &mut self,
        at: &At<'_>,
        path: &StepPath,
        step: &Step,
        skipped: bool,
    ) -> Result<Option<(StepKind, String)>, CompileError> {
        match &step.does {
            Does::Action { action, with } => self.action(at, path, step, *action, with, skipped),
            Does::WaitFor(wait) => {
                let condition = at.condition(self.request, path, wait, skipped)?;
                let title = condition.describe.clone();
                Ok(Some((StepKind::WaitFor { condition }, title)))
            }
            Does::Subflow { name, with, .. } => {
                let called = self.request.library.templates.get(name);
                let called = called
                    .ok_or_else(|| at.error(path, format!("there is no template `{name}`")))?;
                if at.depth >= MAX_DEPTH {
                    let why = format!("subflows nest deeper than {MAX_DEPTH}");
                    return Err(at.error(path, why));
                }
                let steps = if skipped {
                    Vec::new()
                } else {
                    let given = at.arguments(path, with)?;
                    let on_failure = step.on_failure.unwrap_or(at.on_failure);
                    self.flow(called, &given, path.clone(), at.depth + 1, on_failure)?.1
                };
                let template = called.reference.clone();
                Ok(Some((StepKind::Subflow { template, steps }, called.summary.clone())))
            }
            Does::HandOver { message } => {
                let message =
                    if skipped { message.clone() } else { at.text(path, "message", message)? };
                Ok(Some((StepKind::HandOver { message }, "hand over to a person".into())))
            }
        }
    }

    fn action(
        &mut self,
        at: &At<'_>,
        path: &StepPath,
        step: &Step,
        action: Action,
        with: &[Argument],
        skipped: bool,
    ) -> Result<Option<(StepKind, String)>, CompileError> {
        let target = self.request.diagnosis.target.as_ref();
        let kind = |params, operations| StepKind::Action {
            action: action.word().to_string(),
            target: target.map_or_else(nowhere, |target| target.key.clone()),
            params,
            class: action.class,
            operations,
        };
        if skipped {
            let title = action.word().replace('_', " ");
            return Ok(Some((kind(BTreeMap::new(), Vec::new()), title)));
        }
        let Some(target) = target else {
            return Err(at.error(path, "there is no target to act on".into()));
        };
        let params = at.arguments(path, with)?;
        let request = ActionRequest {
            target,
            diagnosis: self.request.diagnosis,
            params: &params,
            gathered: &self.gathered,
        };
        let compiled = match action::compile(action, &request) {
            Ok(Progress::Ready(compiled)) => compiled,
            Ok(Progress::Need(reads)) => {
                self.needs.extend(reads);
                return Ok(None);
            }
            Err(error) => return Err(at.error(path, error.to_string())),
        };
        let planned = compiled
            .operations
            .iter()
            .map(|operation| self.planned(operation, action.undoable))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| {
                at.error(path, "what it changes was not read, or has no place in the object".into())
            })?;
        let risk = action.risk.max(step.risk.unwrap_or(Risk::Low));
        let title = compiled.title.clone();
        self.done.push((action, risk, compiled));
        Ok(Some((kind(params, planned), title)))
    }

    /// An operation with its diff and undo; its effect is there for the steps after it.
    fn planned(&mut self, operation: &Operation, undoable: bool) -> Option<PlannedOperation> {
        let (diff, effect) = match operation {
            Operation::Patch { object, .. } => {
                let read = Read::Object(object.key.clone());
                let Some(Answer::Object(live)) = self.gathered.get(&read) else { return None };
                let projected = after(live, operation)?;
                (diff_values(live, &projected), Some((read, Answer::Object(projected))))
            }
            Operation::Delete { .. } | Operation::Evict { .. } | Operation::Unmake { .. } => {
                let read = operation.key().map(|key| Read::Object(key.clone()))?;
                (operation.whole(), Some((read, Answer::NotFound)))
            }
            Operation::Create { object, manifest } => {
                let read = Read::Object(object.clone());
                let diff = diff_values(&Value::Null, manifest);
                (diff, Some((read, Answer::Object(manifest.clone()))))
            }
            Operation::Exec(_) => (operation.whole(), None),
            Operation::Collect { .. } => (Vec::new(), None),
        };
        self.gathered.to_mut().answers.extend(effect);
        let mutates = operation.mutates();
        Some(PlannedOperation {
            operation: operation.clone(),
            diff,
            preview: match (mutates, operation.previewable()) {
                (true, true) => PreviewLabel::Computed,
                (true, false) => PreviewLabel::NotPreviewable,
                (false, _) => PreviewLabel::ReadOnly,
            },
            undo: operation.undo().filter(|_| undoable && mutates),
        })
    }
}

/// What a step that is left out is about when there is no target.
fn nowhere() -> ObjectKey {
    ObjectKey::new("", "", "", "")
}

impl At<'_> {
    fn error(&self, path: &StepPath, why: String) -> CompileError {
        CompileError {
            template: self.template.reference.name.clone(),
            place: format!("step {path}"),
            why,
        }
    }

    /// Why the step is left out, if it is.
    fn skipped(&self, path: &StepPath, step: &Step) -> Result<Option<String>, CompileError> {
        if step.when.is_empty() {
            return Ok(None);
        }
        match expr::holds(&step.when, &self.variables) {
            Ok(true) => Ok(None),
            Ok(false) => Ok(Some(format!("does not hold: {}", step.when.trim()))),
            Err(error) => Err(self.error(path, format!("`when`: {}", said(&error, &step.when)))),
        }
    }

    fn text(&self, path: &StepPath, key: &str, text: &str) -> Result<String, CompileError> {
        expr::interpolate(text, &self.variables, str::to_string)
            .map_err(|error| self.error(path, format!("`{key}`: {}", said(&error, text))))
    }

    fn arguments(
        &self,
        path: &StepPath,
        with: &[Argument],
    ) -> Result<BTreeMap<String, Value>, CompileError> {
        with.iter()
            .map(|argument| {
                let value = resolve(&argument.value, &self.variables).map_err(|error| {
                    self.error(path, format!("`with.{}`: {error}", argument.name))
                })?;
                Ok((argument.name.clone(), value))
            })
            .collect()
    }

    fn condition(
        &self,
        request: &PlanRequest<'_>,
        path: &StepPath,
        wait: &Wait,
        skipped: bool,
    ) -> Result<Condition, CompileError> {
        let describe = match self.text(path, "describe", &wait.describe) {
            Ok(describe) => describe,
            Err(_) if skipped => wait.describe.clone(),
            Err(error) => return Err(error),
        };
        let object = match (&wait.object, &request.diagnosis.target) {
            (Some(object), _) => self.object(path, object)?,
            (None, Some(target)) => target.key.clone(),
            (None, None) if skipped => nowhere(),
            (None, None) => return Err(self.error(path, "there is no target to wait for".into())),
        };
        Ok(Condition {
            object,
            until: wait.until.clone(),
            fails_when: wait.fails_when.clone(),
            describe,
        })
    }

    fn object(&self, path: &StepPath, object: &WaitObject) -> Result<ObjectKey, CompileError> {
        let part = |given, name: &str| {
            let value = resolve(given, &self.variables)
                .map_err(|error| self.error(path, format!("`object.{name}`: {error}")))?;
            value
                .as_str()
                .map(String::from)
                .ok_or_else(|| self.error(path, format!("`object.{name}` is no text")))
        };
        Ok(ObjectKey {
            api_version: part(&object.api_version, "api_version")?,
            kind: part(&object.kind, "kind")?,
            namespace: part(&object.namespace, "namespace")?,
            name: part(&object.name, "name")?,
        })
    }
}
