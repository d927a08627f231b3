//! Steps of a template to steps of a plan: conditions evaluated, subflows expanded, actions compiled, diffs computed.

use super::at::{At, nowhere};
use super::parameters::resolve_all;
use super::project::after;
use super::request::{CompileError, PlanRequest};
use super::variables::{diagnosis_variable, target_variable};
use crate::domain::action::{self, Action, ActionRequest, Compiled};
use crate::domain::diagnose::fields::uid;
use crate::domain::evidence::{Answer, Gathered, Progress, Read};
use crate::domain::id::StepPath;
use crate::domain::operation::{Operation, PreviewLabel};
use crate::domain::resource::ObjectRef;
use crate::domain::workflow::diff::diff_values;
use crate::domain::workflow::plan::{OnFailure, PlanStep, PlannedOperation, Risk, StepKind};
use crate::domain::workflow::template::{
    Argument, Call, Does, MAX_DEPTH, Step, Template, Wait, WaitObject,
};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Seconds that a wait may take when its author does not say.
const WAIT_S: u64 = 600;
/// Seconds for a subflow, or another step that holds steps, as a whole.
pub(super) const BLOCK_S: u64 = 3_600;
/// Seconds for all items of a `for_each`.
const EACH_S: u64 = 4 * 3_600;
/// Seconds for handing over.
const HAND_OVER_S: u64 = 60;
/// Tries of an action: a conflict or a throttled request is tried again.
const ATTEMPTS: u32 = 5;

/// What the steps of a plan are made with, and what came of them beside the steps.
pub(super) struct Work<'a> {
    pub(super) request: &'a PlanRequest<'a>,
    /// What was read, with the effects of the steps so far.
    pub(super) gathered: Cow<'a, Gathered>,
    pub(super) needs: BTreeSet<Read>,
    /// The actions, in order, skipped ones left out.
    pub(super) done: Vec<Done>,
}

/// An action of the plan.
pub(super) struct Done {
    pub(super) action: Action,
    pub(super) risk: Risk,
    pub(super) compiled: Compiled,
    /// Whether it is only run when another step fails.
    pub(super) rescue: bool,
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
        let before = BTreeMap::new();
        let mut at = At { template, path, depth, variables, on_failure, risk: Risk::Low, before };
        let steps = self.list(&mut at, &template.steps)?;
        Ok((params, steps))
    }

    /// Steps of one list; each knows where those before it stand.
    pub(super) fn list(
        &mut self,
        at: &mut At<'_>,
        steps: &[Step],
    ) -> Result<Vec<PlanStep>, CompileError> {
        let mut planned = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let one = self.step(at, index, step)?;
            at.remember_made(step, one.as_ref());
            planned.extend(one);
            at.remember(&at.path.child(index), step);
        }
        Ok(planned)
    }

    /// One step; `None` while something has to be read.
    pub(super) fn step(
        &mut self,
        at: &At<'_>,
        index: usize,
        step: &Step,
    ) -> Result<Option<PlanStep>, CompileError> {
        let path = at.path.child(index);
        let (skipped, when) = at.condition_of(&path, &step.when)?;
        let planned = match step.verify.as_ref().filter(|_| skipped.is_none()) {
            Some((wait, within_s)) => self.verified(at, &path, step, wait, *within_s)?,
            None => self.one(at, &path, step, skipped.is_some())?,
        };
        let Some(planned) = planned else { return Ok(None) };
        let mut title = planned.title.clone();
        if !step.title.is_empty() {
            title = at.text(&path, "title", &step.title).or_else(|error| {
                // A step that is left out may speak of what is not there.
                if skipped.is_some() { Ok(step.id.clone()) } else { Err(error) }
            })?;
        }
        let rescue = match (&step.rescue, &skipped) {
            (Some(call), None) => self.rescue(at, &path, call)?,
            (Some(_) | None, _) => None,
        };
        let on_failure = step.on_failure.unwrap_or(at.on_failure);
        Ok(Some(PlanStep { title, on_failure, skipped, when, rescue, ..planned }))
    }

    /// A step that is only done when something holds after it: the step, and a wait.
    fn verified(
        &mut self,
        at: &At<'_>,
        path: &StepPath,
        step: &Step,
        wait: &Wait,
        within_s: u64,
    ) -> Result<Option<PlanStep>, CompileError> {
        let inner = self.one(&at.inside(path, step), &path.child(0), step, false)?;
        let Some(mut inner) = inner else { return Ok(None) };
        // The step as a whole has the say on what follows a failure.
        if inner.on_failure == OnFailure::Continue {
            inner.on_failure = OnFailure::Escalate;
        }
        let condition = at.condition(self.request, path, wait, false)?;
        let (id, describe) = (format!("{}-verified", step.id), condition.describe.clone());
        let mut check =
            PlanStep::plain(path.child(1), id, describe, StepKind::WaitFor { condition });
        check.timeout_s = within_s;
        check.on_failure = inner.on_failure;
        let timeout_s = inner.timeout_s.saturating_add(within_s);
        let title = inner.title.clone();
        let kind = StepKind::Steps { steps: vec![inner, check] };
        let both = PlanStep::plain(path.clone(), step.id.clone(), title, kind);
        Ok(Some(PlanStep { timeout_s, ..both }))
    }

    /// The step itself, without what surrounds it.
    fn one(
        &mut self,
        at: &At<'_>,
        path: &StepPath,
        step: &Step,
        skipped: bool,
    ) -> Result<Option<PlanStep>, CompileError> {
        let Some((kind, title)) = self.kind(at, path, step, skipped)? else {
            return Ok(None);
        };
        let (timeout_s, attempts) = match &step.does {
            Does::Action { action, .. } => (action.timeout_s, ATTEMPTS),
            Does::WaitFor(_) => (WAIT_S, 1),
            Does::Subflow(_) | Does::Steps(_) | Does::Parallel { .. } | Does::Branch(_) => {
                (BLOCK_S, 1)
            }
            Does::ForEach(_) => (EACH_S, 1),
            Does::Approval { .. } => {
                (self.request.policy.expires(step.risk.unwrap_or(Risk::Low)), 1)
            }
            Does::Notify { .. } | Does::HandOver { .. } => (HAND_OVER_S, 1),
        };
        Ok(Some(PlanStep {
            timeout_s: step.timeout_s.unwrap_or(timeout_s),
            attempts: step.attempts.unwrap_or(attempts),
            retry: step.retry,
            on_failure: step.on_failure.unwrap_or(at.on_failure),
            ..PlanStep::plain(path.clone(), step.id.clone(), title, kind)
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
        Ok(match &step.does {
            Does::Action { action, with, on } => {
                return self.action(at, path, step, (*action, with, on.as_ref()), skipped);
            }
            Does::WaitFor(wait) => {
                let condition = at.condition(self.request, path, wait, skipped)?;
                let title = condition.describe.clone();
                Some((StepKind::WaitFor { condition }, title))
            }
            Does::Subflow(call) => {
                let on_failure = step.on_failure.unwrap_or(at.on_failure);
                Some(self.call(at, path, call, on_failure, skipped)?)
            }
            Does::Steps(steps) => {
                let steps = self.below(at, path, step, steps, skipped)?;
                Some((StepKind::Steps { steps }, step.id.clone()))
            }
            Does::Parallel { lanes, steps } => {
                let steps = self.beside(at, path, step, steps, skipped)?;
                let title = format!("{} steps at once", steps.len());
                Some((StepKind::Parallel { lanes: *lanes, steps }, title))
            }
            Does::Branch(arms) => {
                let steps = self.arms(at, path, step, arms, skipped)?;
                Some((StepKind::Branch { steps }, step.id.clone()))
            }
            Does::ForEach(each) => return self.for_each(at, path, step, each, skipped),
            Does::Approval { message } => {
                let message =
                    if skipped { message.clone() } else { at.text(path, "approval", message)? };
                let risk = step.risk.unwrap_or(Risk::Low);
                Some((StepKind::Approval { message, risk }, "ask a person".into()))
            }
            Does::Notify { message } => {
                let message =
                    if skipped { message.clone() } else { at.text(path, "notify", message)? };
                Some((StepKind::Notify { message }, "tell people".into()))
            }
            Does::HandOver { message, goes_on } => {
                let message =
                    if skipped { message.clone() } else { at.text(path, "message", message)? };
                let kind = StepKind::HandOver { message, goes_on: *goes_on };
                Some((kind, "hand over to a person".into()))
            }
        })
    }

    /// Another template's steps.
    pub(super) fn call(
        &mut self,
        at: &At<'_>,
        path: &StepPath,
        call: &Call,
        on_failure: OnFailure,
        skipped: bool,
    ) -> Result<(StepKind, String), CompileError> {
        let name = &call.name;
        let called = self.request.library.templates.get(name);
        let called =
            called.ok_or_else(|| at.error(path, format!("there is no template `{name}`")))?;
        if at.depth >= MAX_DEPTH {
            let why = format!("subflows nest deeper than {MAX_DEPTH}");
            return Err(at.error(path, why));
        }
        let steps = if skipped {
            Vec::new()
        } else {
            let given = at.arguments(path, &call.with)?;
            self.flow(called, &given, path.clone(), at.depth + 1, on_failure)?.1
        };
        let template = called.reference.clone();
        Ok((StepKind::Subflow { template, steps }, called.summary.clone()))
    }

    fn action(
        &mut self,
        at: &At<'_>,
        path: &StepPath,
        step: &Step,
        (action, with, on): (Action, &[Argument], Option<&WaitObject>),
        skipped: bool,
    ) -> Result<Option<(StepKind, String)>, CompileError> {
        let kind = |target, params, operations| StepKind::Action {
            action: action.word().to_string(),
            target,
            params,
            class: action.class,
            operations,
        };
        if skipped {
            let title = action.word().replace('_', " ");
            let target = self.request.diagnosis.target.as_ref();
            let target = target.map_or_else(nowhere, |target| target.key.clone());
            return Ok(Some((kind(target, BTreeMap::new(), Vec::new()), title)));
        }
        let Some(target) = self.acted_on(at, path, on)? else { return Ok(None) };
        let params = at.arguments(path, with)?;
        let request = ActionRequest {
            target: &target,
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
        let risk = action.risk.max(step.risk.unwrap_or(Risk::Low)).max(at.risk);
        let title = compiled.title.clone();
        self.done.push(Done { action, risk, compiled, rescue: false });
        Ok(Some((kind(target.key, params, planned), title)))
    }

    /// What an action acts on: the object that its step names, as it is now, else the target.
    fn acted_on(
        &mut self,
        at: &At<'_>,
        path: &StepPath,
        on: Option<&WaitObject>,
    ) -> Result<Option<ObjectRef>, CompileError> {
        let Some(on) = on else {
            let target = self.request.diagnosis.target.clone();
            let none = || at.error(path, "there is no target to act on".into());
            return target.ok_or_else(none).map(Some);
        };
        let key = at.object(path, on)?;
        let read = Read::Object(key.clone());
        let wrong = |why: &str| Err(at.error(path, format!("{}: {why}", key.path())));
        match self.gathered.get(&read) {
            None => {
                self.needs.insert(read);
                Ok(None)
            }
            Some(Answer::Object(object)) => match uid(object) {
                "" => wrong("it has no uid"),
                uid => Ok(Some(ObjectRef { uid: uid.into(), key: key.clone() })),
            },
            Some(Answer::NotFound) => wrong("it does not exist"),
            Some(Answer::NotPermitted(why) | Answer::Unavailable(why)) => wrong(why),
            Some(
                Answer::Items { .. } | Answer::Text(_) | Answer::Series(_) | Answer::Alerts(_),
            ) => wrong("something else than an object came back"),
        }
    }

    /// An operation with its diff and undo; its effect is there for the steps after it.
    pub(super) fn planned(
        &mut self,
        operation: &Operation,
        undoable: bool,
    ) -> Option<PlannedOperation> {
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
            Operation::Exec(_)
            | Operation::Rotate(_)
            | Operation::Silence(_)
            | Operation::Await(_) => (operation.whole(), None),
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
