//! The `steps` section.

use super::model::{Argument, Does, Given, Step, Wait, WaitObject};
use super::reading::{Fields, Reading};
use super::scope::Scope;
use super::yaml::{Kind, Node};
use crate::domain::action::Action;
use crate::domain::spelling::nearest;
use crate::domain::workflow::plan::{OnFailure, Risk};
use std::collections::BTreeSet;

const KEYS: &[&str] = &[
    "id",
    "title",
    "action",
    "with",
    "wait_for",
    "subflow",
    "hand_over",
    "when",
    "timeout",
    "attempts",
    "on_failure",
    "risk",
];
const WAIT: &[&str] = &["object", "until", "fails_when", "describe"];
const OBJECT: &[&str] = &["api_version", "kind", "namespace", "name"];
const KINDS: &[&str] = &["action", "wait_for", "subflow", "hand_over"];
/// Words that are spoken for, and refused until they work.
const LATER: &[&str] = &["steps", "parallel", "for_each", "branch", "approval", "notify", "retry"];
/// Most steps of one template.
const MOST: usize = 100;

impl Reading<'_> {
    pub(super) fn steps(&mut self, top: &Fields<'_>, params: &BTreeSet<String>) -> Vec<Step> {
        if top.get("steps").is_none() {
            self.problem(top.place, "the template has no `steps`");
        }
        let nodes = self.list(top, "steps");
        if let (true, Some(node)) = (nodes.is_empty(), top.get("steps")) {
            self.problem(node.place, "`steps` is empty");
        }
        if let Some(node) = nodes.get(MOST) {
            self.problem(node.place, format!("more than {MOST} steps"));
        }
        let scope = Scope::steps(params.clone());
        let mut ids = BTreeSet::new();
        let mut steps = Vec::new();
        for node in nodes.iter().take(MOST) {
            let known = self.step_fields(node);
            let Some(fields) = known else { continue };
            let Some(step) = self.step(&fields, &scope) else { continue };
            if !ids.insert(step.id.clone()) {
                let place = fields.get("id").map_or(node.place, |node| node.place);
                self.problem(place, format!("there are two steps `{}`", step.id));
            }
            steps.push(step);
        }
        steps
    }

    /// The fields of a step; `None` where it uses a word that does not work yet.
    fn step_fields<'n>(&mut self, node: &'n Node) -> Option<Fields<'n>> {
        if let Kind::Map(members) = &node.kind
            && let Some((key, _)) =
                members.iter().find(|(key, _)| LATER.contains(&key.text.as_str()))
        {
            let message = format!("`{}` does not work in this version", key.text);
            self.advise(key.place, message, format!("a step is one of {}", KINDS.join(", ")));
            return None;
        }
        matches!(node.kind, Kind::Map(_)).then(|| self.fields(node, "a step", KEYS)).or_else(|| {
            self.problem(node.place, format!("a step is a mapping, not {}", node.noun()));
            None
        })
    }

    fn step(&mut self, fields: &Fields<'_>, scope: &Scope) -> Option<Step> {
        let id = self.required_text(fields, "id");
        if !id.is_empty() && !is_id(&id) {
            let place = fields.get("id").map_or(fields.place, |node| node.place);
            let message = format!("`{id}` can't be an id");
            self.advise(place, message, "use a to z, 0 to 9 and -, a letter first");
        }
        let does = self.does(fields, scope);
        let interpolated = |reading: &mut Self, key: &str| {
            fields.get(key).map(|node| reading.interpolated(node, key, scope)).unwrap_or_default()
        };
        let title = interpolated(self, "title");
        let when = fields.get("when").map(|node| self.cel(node, "when", scope)).unwrap_or_default();
        let timeout_s = self.duration(fields, "timeout");
        if let (Some(0), Some(node)) = (timeout_s, fields.get("timeout")) {
            self.problem(node.place, "`timeout` can't be 0");
        }
        let attempts = self.count(fields, "attempts", 20);
        let on_failure = self.word(fields, "on_failure", OnFailure::ALL, OnFailure::word);
        let risk = self.word(fields, "risk", Risk::ALL, Risk::word);
        Some(Step {
            id,
            title,
            does: does?,
            when,
            timeout_s,
            attempts,
            on_failure,
            risk,
            place: fields.place,
        })
    }

    fn does(&mut self, fields: &Fields<'_>, scope: &Scope) -> Option<Does> {
        let given = KINDS.iter().filter_map(|kind| fields.member(kind)).collect::<Vec<_>>();
        let (key, node) = match given.as_slice() {
            [one] => (&one.0, &one.1),
            [] => {
                let message = "the step does nothing";
                let words = KINDS.join(", ");
                self.advise(fields.place, message, format!("give it one of {words}"));
                return None;
            }
            [_, second, ..] => {
                self.problem(second.0.place, format!("a step has one of {}", KINDS.join(", ")));
                return None;
            }
        };
        if let Some((with, _)) = fields.member("with")
            && !matches!(key.text.as_str(), "action" | "subflow")
        {
            self.problem(with.place, format!("`{}` takes no `with`", key.text));
        }
        match key.text.as_str() {
            "action" => self.action(node, fields, scope),
            "subflow" => {
                let name = self.text(node, "subflow");
                let with = self.arguments(fields, scope);
                Some(Does::Subflow { name, place: node.place, with })
            }
            "hand_over" => {
                let message = match &node.kind {
                    Kind::Map(_) => {
                        let inner = self.fields(node, "`hand_over`", &["message"]);
                        let message = inner.get("message");
                        message.map(|node| self.interpolated(node, "message", scope))
                    }
                    Kind::Null
                    | Kind::Bool(_)
                    | Kind::Number(_)
                    | Kind::Text(_)
                    | Kind::List(_) => Some(self.interpolated(node, "hand_over", scope)),
                };
                let message = message.unwrap_or_default();
                if message.trim().is_empty() {
                    self.problem(node.place, "`hand_over` has no `message`");
                }
                Some(Does::HandOver { message })
            }
            _ => Some(Does::WaitFor(self.wait(node, scope))),
        }
    }

    fn action(&mut self, node: &Node, fields: &Fields<'_>, scope: &Scope) -> Option<Does> {
        let name = self.text(node, "action");
        let with = self.arguments(fields, scope);
        let Some(action) = Action::from_word(&name) else {
            let words = Action::ALL.iter().map(|action| action.word()).collect::<Vec<_>>();
            let message = format!("the catalogue has no action `{name}`");
            match nearest(&name, words.iter().copied()) {
                Some(near) => self.advise(node.place, message, format!("did you mean `{near}`?")),
                None => self.advise(node.place, message, format!("it has {}", words.join(", "))),
            }
            return None;
        };
        let known = action.parameters;
        for argument in &with {
            let Some(parameter) = known.iter().find(|known| known.name == argument.name) else {
                let message = format!("{action} has no parameter `{}`", argument.name);
                let names = known.iter().map(|known| known.name).collect::<Vec<_>>();
                match nearest(&argument.name, names.iter().copied()) {
                    Some(near) => {
                        self.advise(argument.place, message, format!("did you mean `{near}`?"));
                    }
                    None if names.is_empty() => self.problem(argument.place, message),
                    None => {
                        self.advise(
                            argument.place,
                            message,
                            format!("it has {}", names.join(", ")),
                        );
                    }
                }
                continue;
            };
            if let Given::Literal(value) = &argument.value
                && let Err(why) = parameter.accepts(value)
            {
                self.problem(argument.place, why);
            }
        }
        for missing in known.iter().filter(|known| known.required) {
            if !with.iter().any(|argument| argument.name == missing.name) {
                self.problem(node.place, format!("{action} needs `with.{}`", missing.name));
            }
        }
        Some(Does::Action { action, with })
    }

    fn arguments(&mut self, fields: &Fields<'_>, scope: &Scope) -> Vec<Argument> {
        let Some(node) = fields.get("with") else { return Vec::new() };
        let Kind::Map(members) = &node.kind else {
            self.problem(node.place, format!("`with` is a mapping, not {}", node.noun()));
            return Vec::new();
        };
        members
            .iter()
            .map(|(key, value)| Argument {
                name: key.text.clone(),
                value: self.given(value, &key.text, scope),
                place: key.place,
            })
            .collect()
    }

    fn wait(&mut self, node: &Node, scope: &Scope) -> Wait {
        let fields = self.fields(node, "`wait_for`", WAIT);
        let of_object = Scope::object();
        if matches!(node.kind, Kind::Map(_)) && fields.get("until").is_none() {
            self.problem(node.place, "`wait_for` has no `until`");
        }
        let until = fields.get("until").map(|node| self.cel(node, "until", &of_object));
        let fails = fields.get("fails_when").map(|node| self.cel(node, "fails_when", &of_object));
        let describe =
            fields.get("describe").map(|node| self.interpolated(node, "describe", scope));
        if matches!(node.kind, Kind::Map(_)) && describe.as_ref().is_none_or(String::is_empty) {
            self.problem(node.place, "`wait_for` has no `describe`: what is waited for, in words");
        }
        Wait {
            object: fields.get("object").and_then(|node| self.wait_object(node, scope)),
            until: until.unwrap_or_default(),
            fails_when: fails.unwrap_or_default(),
            describe: describe.unwrap_or_default(),
        }
    }

    fn wait_object(&mut self, node: &Node, scope: &Scope) -> Option<WaitObject> {
        if matches!(&node.kind, Kind::Text(text) if text == "target") {
            return None;
        }
        if !matches!(node.kind, Kind::Map(_)) {
            self.problem(
                node.place,
                "`object` is `target`, or {api_version, kind, namespace, name}",
            );
            return None;
        }
        let fields = self.fields(node, "`object`", OBJECT);
        let part = |reading: &mut Self, key: &str, required: bool| {
            if let Some(node) = fields.get(key) {
                return reading.given(node, key, scope);
            }
            if required {
                reading.problem(fields.place, format!("`object` has no `{key}`"));
            }
            Given::Literal("".into())
        };
        Some(WaitObject {
            api_version: part(self, "api_version", true),
            kind: part(self, "kind", true),
            namespace: part(self, "namespace", false),
            name: part(self, "name", true),
        })
    }
}

/// Whether a text can be the id of a step or the name of a template.
pub(super) fn is_id(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && text.len() <= 60
}
