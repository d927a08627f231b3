//! `for_each`: a list that is known, or a rule whose items are found again when the step begins.

use super::at::At;
use super::request::{CompileError, PlanRequest};
use super::steps::Work;
use super::variables::{Variables, diagnosis_variable, said, target_variable};
use crate::domain::diagnose::fields::{controller, name, terminating, text, uid, value};
use crate::domain::diagnosis::Diagnosis;
use crate::domain::evidence::{Answer, Gathered, Progress, Read};
use crate::domain::expr;
use crate::domain::id::{ClusterId, StepPath};
use crate::domain::policy::Policy;
use crate::domain::resource::ObjectKey;
use crate::domain::time::Timestamp;
use crate::domain::workflow::bounded::{Bounded, Rule};
use crate::domain::workflow::plan::{ActionClass, PlanStep, StepKind};
use crate::domain::workflow::template::{
    Bound, Does, Exclusion, ForEach, Given, Items, Library, Step, Template,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Most items of a list that is known when planning.
const MOST_KNOWN: usize = 500;

/// One item: what tells it from others, its value for expressions, and words for it.
struct Item {
    key: String,
    value: Value,
    words: String,
}

/// What items of a `for_each` are made of when its step begins.
#[derive(Debug, Clone, Copy)]
pub struct ItemsRequest<'a> {
    /// On which cluster.
    pub cluster: &'a ClusterId,
    /// What the plan was made for.
    pub diagnosis: &'a Diagnosis,
    /// The rule, its bound and what is done to each.
    pub bounded: &'a Bounded,
    /// The step.
    pub path: &'a StepPath,
    /// Its items as they were when planning.
    pub planned: &'a [PlanStep],
    /// Rules for times.
    pub policy: &'a Policy,
    /// When.
    pub now: Timestamp,
}

/// The items as they are now, each with its steps; or what still has to be read. Those that were planned for and are gone
/// are left out with the reason, in their place; new ones come after them.
///
/// # Errors
/// When they are outside of the bound, can't all be read, or one of them can't be done.
pub fn items_now(
    request: &ItemsRequest<'_>,
    gathered: &Gathered,
) -> Result<Progress<Vec<PlanStep>>, CompileError> {
    let ItemsRequest { bounded, diagnosis, path, planned, .. } = *request;
    let library = Library { templates: bounded.called.clone(), ..Library::default() };
    let overrides = BTreeMap::new();
    let plan = PlanRequest {
        cluster: request.cluster,
        diagnosis,
        library: &library,
        template: &bounded.template,
        overrides: &overrides,
        policy: request.policy,
        now: request.now,
    };
    let mut work = Work::new(&plan, gathered);
    let mut variables = bounded.variables.clone();
    variables.insert("diagnosis".into(), diagnosis_variable(diagnosis));
    variables.insert("target".into(), target_variable(diagnosis.target.as_ref()));
    let at = At {
        template: &bounded.template,
        path: path.clone(),
        depth: 0,
        variables,
        on_failure: bounded.on_failure,
        risk: bounded.risk,
        before: BTreeMap::new(),
    };
    let Some(found) = work.found(&at, path, bounded)? else {
        return Ok(Progress::Need(work.needs.into_iter().collect()));
    };
    let mut steps = Vec::new();
    let mut left = found;
    for before in planned {
        let there = left.iter().position(|item| Some(&item.key) == before.item.as_ref());
        if let Some(index) = there {
            let item = left.remove(index);
            steps.extend(work.item(&at, steps.len(), bounded, &item)?);
        } else {
            let kind = StepKind::Steps { steps: Vec::new() };
            let path = path.child(steps.len());
            let (id, title) = (before.id.clone(), before.title.clone());
            let mut gone = PlanStep::plain(path, id, title, kind);
            gone.item.clone_from(&before.item);
            gone.skipped = Some("it is gone, or not among them any more".into());
            steps.push(gone);
        }
    }
    for item in left {
        let step = work.item(&at, steps.len(), bounded, &item)?;
        steps.extend(step.map(|mut step| {
            step.title.push_str(" (new since the plan)");
            step
        }));
    }
    if work.needs.is_empty() {
        Ok(Progress::Ready(steps))
    } else {
        Ok(Progress::Need(work.needs.into_iter().collect()))
    }
}

impl Work<'_> {
    pub(super) fn for_each(
        &mut self,
        at: &At<'_>,
        path: &StepPath,
        step: &Step,
        each: &ForEach,
        skipped: bool,
    ) -> Result<Option<(StepKind, String)>, CompileError> {
        let lanes = each.lanes;
        if skipped {
            let kind = StepKind::ForEach { lanes, bounded: None, steps: Vec::new() };
            return Ok(Some((kind, step.id.clone())));
        }
        let inside = at.inside(path, step);
        match &each.items {
            Items::Known(cel) => {
                let items = known(at, path, cel)?;
                let mut steps = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    steps.extend(self.one_item(&inside, index, &each.name, &each.steps, item)?);
                }
                let title = format!("for each of {}", counted(items.len()));
                Ok(Some((StepKind::ForEach { lanes, bounded: None, steps }, title)))
            }
            Items::PodsOfNode(node, bound) => {
                let node = at.part(path, "pods_of_node", node)?;
                if node.is_empty() {
                    return Err(at.error(path, "`pods_of_node` is empty".into()));
                }
                self.bounded(&inside, path, each, bound, Rule::PodsOfNode { node })
            }
            Items::Objects(objects, bound) => {
                let key = at.object(path, objects)?;
                let labels = at.labels(path, objects)?.unwrap_or_default();
                let (api_version, kind, namespace) = (key.api_version, key.kind, key.namespace);
                let rule = Rule::Objects { api_version, kind, namespace, labels };
                self.bounded(&inside, path, each, bound, rule)
            }
        }
    }

    fn bounded(
        &mut self,
        at: &At<'_>,
        path: &StepPath,
        each: &ForEach,
        bound: &Bound,
        rule: Rule,
    ) -> Result<Option<(StepKind, String)>, CompileError> {
        let library = self.request.library;
        let called = reached(&each.steps, library);
        let (mutates, classes) = effects(&each.steps, &called);
        let own = |name: &String| !matches!(name.as_str(), "diagnosis" | "target");
        let variables = at.variables.iter().filter(|(name, _)| own(name));
        let variables = variables.map(|(name, value)| (name.clone(), without_object(value)));
        let bounded = Bounded {
            rule,
            at_most: bound.at_most,
            exclude: bound.exclude.clone(),
            name: each.name.clone(),
            steps: each.steps.clone(),
            template: at.template.clone(),
            called,
            variables: variables.collect(),
            on_failure: at.on_failure,
            risk: at.risk,
            mutates,
            classes,
        };
        let Some(found) = self.found(at, path, &bounded)? else { return Ok(None) };
        let mut steps = Vec::new();
        for (index, item) in found.iter().enumerate() {
            steps.extend(self.item(at, index, &bounded, item)?);
        }
        let title = format!(
            "for each of the {}: {} now, at most {}",
            bounded.rule.words(),
            found.len(),
            bounded.at_most
        );
        let lanes = each.lanes;
        Ok(Some((StepKind::ForEach { lanes, bounded: Some(Box::new(bounded)), steps }, title)))
    }

    fn item(
        &mut self,
        at: &At<'_>,
        index: usize,
        bounded: &Bounded,
        item: &Item,
    ) -> Result<Option<PlanStep>, CompileError> {
        self.one_item(at, index, &bounded.name, &bounded.steps, item)
    }

    /// The steps of one item: a single one as it is, several as a step that holds them.
    fn one_item(
        &mut self,
        at: &At<'_>,
        index: usize,
        name: &str,
        steps: &[Step],
        item: &Item,
    ) -> Result<Option<PlanStep>, CompileError> {
        let at = at.with(name, item.value.clone());
        let planned = if let [one] = steps {
            self.step(&at, index, one)?
        } else {
            let path = at.path.child(index);
            let mut inside = at.clone();
            inside.path = path.clone();
            let steps = self.list(&mut inside, steps)?;
            let kind = StepKind::Steps { steps };
            let mut step =
                PlanStep::plain(path, format!("item-{}", index + 1), item.words.clone(), kind);
            step.timeout_s = super::steps::BLOCK_S;
            step.on_failure = at.on_failure;
            Some(step)
        };
        Ok(planned.map(|step| PlanStep { item: Some(item.key.clone()), ..step }))
    }

    /// The items that the rule finds now, within its bound; `None` while they have to be read.
    fn found(
        &mut self,
        at: &At<'_>,
        path: &StepPath,
        bounded: &Bounded,
    ) -> Result<Option<Vec<Item>>, CompileError> {
        let read = bounded.rule.read();
        let words = bounded.rule.words();
        let wrong = |why: String| at.error(path, format!("the {words}: {why}"));
        let items = match self.gathered.get(&read) {
            None => {
                self.needs.insert(read);
                return Ok(None);
            }
            Some(Answer::Items { items, complete: true }) => items,
            Some(Answer::Items { complete: false, .. }) => {
                return Err(wrong("there are more of them than can be listed".into()));
            }
            Some(Answer::NotPermitted(why)) => return Err(wrong(format!("not permitted ({why})"))),
            Some(Answer::Unavailable(why)) => return Err(wrong(why.clone())),
            Some(
                Answer::Object(_)
                | Answer::Text(_)
                | Answer::Series(_)
                | Answer::Alerts(_)
                | Answer::NotFound,
            ) => return Err(wrong("something else than a list came back".into())),
        };
        let mut found = Vec::new();
        // One that goes while the others are read is still the one that was listed.
        let mut listed = Vec::new();
        for object in items {
            if stays(&bounded.rule, object) {
                continue;
            }
            let item = of_object(&bounded.rule, object);
            listed.push((Read::Object(key_of(&item.value)), Answer::Object(object.clone())));
            if !excluded(&bounded.exclude, &bounded.name, &item, &at.variables).map_err(&wrong)? {
                found.push(item);
            }
        }
        found.sort_by(|a, b| (&a.words, &a.key).cmp(&(&b.words, &b.key)));
        if found.len() > usize::try_from(bounded.at_most).unwrap_or(usize::MAX) {
            let why = format!(
                "{} are there, and at most {} may be touched",
                found.len(),
                bounded.at_most
            );
            return Err(wrong(why));
        }
        let answers = &mut self.gathered.to_mut().answers;
        for (read, answer) in listed {
            answers.entry(read).or_insert(answer);
        }
        Ok(Some(found))
    }
}

/// The object that an item is.
fn key_of(item: &Value) -> ObjectKey {
    let part = |name| text(item, &[name]);
    ObjectKey::new(part("api_version"), part("kind"), part("namespace"), part("name"))
}

fn counted(items: usize) -> String {
    if items == 1 { "1 item".into() } else { format!("{items} items") }
}

/// The items of a list.
fn known(at: &At<'_>, path: &StepPath, cel: &str) -> Result<Vec<Item>, CompileError> {
    let value = expr::eval(cel, &at.variables)
        .map_err(|error| at.error(path, format!("`items`: {}", said(&error, cel))))?;
    let Value::Array(items) = value else {
        return Err(at.error(path, "`items` is no list".into()));
    };
    if items.len() > MOST_KNOWN {
        let why = format!("`items` has {} items; {MOST_KNOWN} are allowed", items.len());
        return Err(at.error(path, why));
    }
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for value in items {
        let words = value.as_str().map_or_else(|| value.to_string(), String::from);
        if !seen.insert(words.clone()) {
            return Err(at.error(path, format!("`items` has {words} twice")));
        }
        found.push(Item { key: words.clone(), value, words });
    }
    Ok(found)
}

/// Whether a drain leaves the pod where it is: its DaemonSet would put it back, the kubelet's own files made it, it has
/// ended, or it is going.
fn stays(rule: &Rule, pod: &Value) -> bool {
    match rule {
        Rule::PodsOfNode { .. } => {
            let phase = text(pod, &["status", "phase"]);
            let mirror = value(pod, &["metadata", "annotations", "kubernetes.io/config.mirror"]);
            terminating(pod)
                || mirror.is_some()
                || matches!(phase, "Succeeded" | "Failed")
                || controller(pod).is_some_and(|owner| owner.key.kind == "DaemonSet")
        }
        Rule::Objects { .. } => terminating(pod),
    }
}

fn of_object(rule: &Rule, object: &Value) -> Item {
    let (default_version, default_kind) = match rule {
        Rule::PodsOfNode { .. } => ("v1", "Pod"),
        Rule::Objects { api_version, kind, .. } => (api_version.as_str(), kind.as_str()),
    };
    let or =
        |found: &str, default: &str| if found.is_empty() { default } else { found }.to_string();
    let namespace = text(object, &["metadata", "namespace"]);
    let name = name(object);
    let owner = controller(object);
    let summary = json!({
        "api_version": or(text(object, &["apiVersion"]), default_version),
        "kind": or(text(object, &["kind"]), default_kind),
        "namespace": namespace,
        "name": name,
        "uid": uid(object),
        "labels": value(object, &["metadata", "labels"]).cloned().unwrap_or_else(|| json!({})),
        "node": text(object, &["spec", "nodeName"]),
        "owner": owner.map_or_else(|| json!({}), |owner| json!({
            "api_version": owner.key.api_version,
            "kind": owner.key.kind,
            "name": owner.key.name,
            "uid": owner.uid,
        })),
        "object": object,
    });
    let words = if namespace.is_empty() { name.to_string() } else { format!("{namespace}/{name}") };
    Item { key: uid(object).to_string(), value: summary, words }
}

/// Whether a rule leaves the item out. What can't be told is an error: it might be one that must not be touched.
fn excluded(
    exclude: &[Exclusion],
    name: &str,
    item: &Item,
    variables: &Variables,
) -> Result<bool, String> {
    if exclude.is_empty() {
        return Ok(false);
    }
    let mut variables = variables.clone();
    variables.insert(name.to_string(), item.value.clone());
    for one in exclude {
        match expr::holds(&one.cel, &variables) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(error) => {
                return Err(format!("can't tell whether {} ({}): {error}", one.why, item.words));
            }
        }
    }
    Ok(false)
}

/// An item's value without the whole object: what is kept of an outer one.
fn without_object(value: &Value) -> Value {
    match value {
        Value::Object(members) if members.contains_key("object") && members.contains_key("uid") => {
            let kept = members.iter().filter(|(name, _)| *name != "object");
            Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        Value::Object(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_) => value.clone(),
    }
}

/// The templates that these steps call, and those that they call.
fn reached(steps: &[Step], library: &Library) -> BTreeMap<String, Template> {
    fn calls(steps: &[Step]) -> Vec<String> {
        let all = steps.iter().flat_map(Step::with_all_below);
        all.flat_map(Step::calls).map(|call| call.name.clone()).collect()
    }
    let mut found = BTreeMap::new();
    let mut open = calls(steps);
    while let Some(name) = open.pop() {
        if found.contains_key(&name) {
            continue;
        }
        if let Some(template) = library.templates.get(&name) {
            open.extend(calls(&template.steps));
            found.insert(name, template.clone());
        }
    }
    found
}

/// Whether any of these steps changes something, and the permissions that they need.
fn effects(steps: &[Step], called: &BTreeMap<String, Template>) -> (bool, Vec<ActionClass>) {
    let own = steps.iter().flat_map(Step::with_all_below);
    let theirs = called.values().flat_map(|template| template.all_steps());
    let actions = own.chain(theirs).filter_map(|step| match &step.does {
        Does::Action { action, .. } => Some(*action),
        Does::WaitFor(_)
        | Does::Subflow(_)
        | Does::Steps(_)
        | Does::Parallel { .. }
        | Does::Branch(_)
        | Does::ForEach(_)
        | Does::Approval { .. }
        | Does::Notify { .. }
        | Does::HandOver { .. } => None,
    });
    let actions = actions.collect::<Vec<_>>();
    let classes = actions.iter().map(|action| action.class).collect::<BTreeSet<_>>();
    (actions.iter().any(|action| action.mutates), classes.into_iter().collect())
}

impl At<'_> {
    /// A part that is a text.
    fn part(&self, path: &StepPath, key: &str, given: &Given) -> Result<String, CompileError> {
        let value = super::variables::resolve(given, &self.variables)
            .map_err(|error| self.error(path, format!("`{key}`: {error}")))?;
        value
            .as_str()
            .map(|text| text.trim().to_string())
            .ok_or_else(|| self.error(path, format!("`{key}` is no text")))
    }
}
