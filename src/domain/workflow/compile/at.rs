//! Where in the templates the compiler is: variables, and what they make of texts, arguments and conditions.

use super::request::{CompileError, PlanRequest};
use super::variables::{Variables, resolve, said};
use crate::domain::expr::{self, ExprError};
use crate::domain::id::StepPath;
use crate::domain::operation::Operation;
use crate::domain::resource::ObjectKey;
use crate::domain::workflow::plan::{Condition, OnFailure, PlanStep, Risk, When};
use crate::domain::workflow::template::{
    Argument, Does, Step, Template, Wait, WaitObject, in_conditions,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// See the module.
#[derive(Clone)]
pub(super) struct At<'t> {
    pub(super) template: &'t Template,
    /// The step whose children are compiled; the root for the plan's own.
    pub(super) path: StepPath,
    /// How many subflows deep.
    pub(super) depth: usize,
    pub(super) variables: Variables,
    /// What a step does when it fails and does not say.
    pub(super) on_failure: OnFailure,
    /// Risk at least.
    pub(super) risk: Risk,
    /// The steps before, as conditions name them.
    pub(super) before: BTreeMap<String, StepPath>,
}

/// What a step that is left out is about when there is no target.
pub(super) fn nowhere() -> ObjectKey {
    ObjectKey::new("", "", "", "")
}

impl At<'_> {
    pub(super) fn error(&self, path: &StepPath, why: String) -> CompileError {
        CompileError {
            template: self.template.reference.name.clone(),
            place: format!("step {path}"),
            why,
        }
    }

    /// Notes where a step and those in it stand, for the conditions of later ones.
    pub(super) fn remember(&mut self, path: &StepPath, step: &Step) {
        self.before.insert(in_conditions(&step.id), path.clone());
        // With `verify` the step stands below itself.
        let path = if step.verify.is_some() { path.child(0) } else { path.clone() };
        match &step.does {
            Does::Steps(steps) | Does::Parallel { steps, .. } => self.remember_all(&path, steps),
            Does::Branch(arms) => {
                for (index, arm) in arms.iter().enumerate() {
                    self.remember_all(&path.child(index), &arm.steps);
                }
            }
            Does::Action { .. }
            | Does::WaitFor(_)
            | Does::Subflow(_)
            | Does::ForEach(_)
            | Does::Approval { .. }
            | Does::Notify { .. }
            | Does::HandOver { .. } => {}
        }
    }

    /// Notes what a step creates, for those after it: `made.ID` is the last object of it. While the step can't be
    /// compiled, since something has to be read first, it has members without a meaning: they are thrown away.
    pub(super) fn remember_made(&mut self, step: &Step, planned: Option<&PlanStep>) {
        let pending = planned.is_none() && matches!(step.does, Does::Action { .. });
        let nothing = ObjectKey::new("-", "-", "-", "-");
        let made = planned
            .into_iter()
            .flat_map(PlanStep::with_all_below)
            .flat_map(PlanStep::operations)
            .filter(|planned| matches!(planned.operation, Operation::Create { .. }))
            .filter_map(|planned| planned.operation.key())
            .next_back();
        let Some(key) = made.or(pending.then_some(&nothing)) else { return };
        let all = self.variables.entry("made".into()).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(all) = all {
            let value = json!({
                "api_version": key.api_version,
                "kind": key.kind,
                "namespace": key.namespace,
                "name": key.name,
            });
            all.insert(in_conditions(&step.id), value);
        }
    }

    fn remember_all(&mut self, path: &StepPath, steps: &[Step]) {
        for (index, step) in steps.iter().enumerate() {
            self.remember(&path.child(index), step);
        }
    }

    /// The same with one more variable.
    pub(super) fn with(&self, name: &str, value: Value) -> Self {
        let mut at = self.clone();
        at.variables.insert(name.to_string(), value);
        at
    }

    /// The place inside a step that holds others.
    pub(super) fn inside(&self, path: &StepPath, step: &Step) -> Self {
        Self {
            path: path.clone(),
            on_failure: step.on_failure.unwrap_or(self.on_failure),
            risk: self.risk.max(step.risk.unwrap_or(Risk::Low)),
            ..self.clone()
        }
    }

    /// Why the step is left out, if that is known already; else the condition that tells when it is about to start.
    pub(super) fn condition_of(
        &self,
        path: &StepPath,
        when: &str,
    ) -> Result<(Option<String>, Option<When>), CompileError> {
        if when.is_empty() {
            return Ok((None, None));
        }
        let wrong = |error: &ExprError| self.error(path, format!("`when`: {}", said(error, when)));
        let used = expr::references(when).map_err(|error| wrong(&error))?;
        if used.iter().any(|reference| reference.variable == "steps") {
            return Ok((None, Some(self.later(when, &used))));
        }
        match expr::holds(when, &self.variables) {
            Ok(true) => Ok((None, None)),
            Ok(false) => Ok((Some(format!("does not hold: {}", when.trim())), None)),
            Err(error) => Err(wrong(&error)),
        }
    }

    /// A condition with the parts of the variables that it uses.
    fn later(&self, when: &str, used: &[expr::Reference]) -> When {
        let mut variables = BTreeMap::new();
        let mut steps = BTreeMap::new();
        for reference in used {
            let member = reference.members.first();
            if reference.variable == "steps" {
                let known = member.and_then(|id| self.before.get_key_value(id));
                match known {
                    Some((id, path)) => {
                        steps.insert(id.clone(), path.clone());
                    }
                    None => steps.clone_from(&self.before),
                }
                continue;
            }
            let Some(value) = self.variables.get(&reference.variable) else { continue };
            let name = reference.variable.clone();
            match (member, value) {
                (Some(member), Value::Object(members)) => {
                    let kept = variables.entry(name).or_insert_with(|| Value::Object(Map::new()));
                    if let (Value::Object(kept), Some(value)) = (kept, members.get(member)) {
                        kept.insert(member.clone(), value.clone());
                    }
                }
                (_, value) => {
                    variables.insert(name, value.clone());
                }
            }
        }
        When { cel: when.to_string(), variables, steps }
    }

    pub(super) fn text(
        &self,
        path: &StepPath,
        key: &str,
        text: &str,
    ) -> Result<String, CompileError> {
        expr::interpolate(text, &self.variables, str::to_string)
            .map_err(|error| self.error(path, format!("`{key}`: {}", said(&error, text))))
    }

    pub(super) fn arguments(
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

    pub(super) fn condition(
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
        let mut labels = None;
        let object = match (&wait.object, &request.diagnosis.target) {
            (Some(object), _) => {
                labels = self.labels(path, object)?;
                self.object(path, object)?
            }
            (None, Some(target)) => target.key.clone(),
            (None, None) if skipped => nowhere(),
            (None, None) => return Err(self.error(path, "there is no target to wait for".into())),
        };
        Ok(Condition {
            object,
            labels,
            until: wait.until.clone(),
            fails_when: wait.fails_when.clone(),
            describe,
        })
    }

    /// The label selector; an empty one would mean every object, and is refused.
    pub(super) fn labels(
        &self,
        path: &StepPath,
        object: &WaitObject,
    ) -> Result<Option<String>, CompileError> {
        let Some(given) = &object.labels else { return Ok(None) };
        let value = resolve(given, &self.variables)
            .map_err(|error| self.error(path, format!("`objects.labels`: {error}")))?;
        match value.as_str().map(str::trim) {
            Some(labels) if !labels.is_empty() => Ok(Some(labels.to_string())),
            Some(_) | None => {
                Err(self
                    .error(path, "`objects.labels` is empty: that would mean all of them".into()))
            }
        }
    }

    pub(super) fn object(
        &self,
        path: &StepPath,
        object: &WaitObject,
    ) -> Result<ObjectKey, CompileError> {
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
