//! What a step does: actions, waits, calls and messages. Steps that hold others stand in `blocks`.

use super::model::{Argument, Call, Does, Given, Wait, WaitObject};
use super::reading::{Fields, Reading};
use super::scope::Scope;
use super::steps::Standing;
use super::yaml::{Kind, Node};
use crate::domain::action::Action;
use crate::domain::spelling::nearest;

const WAIT: &[&str] = &["object", "objects", "until", "fails_when", "describe"];
const OBJECT: &[&str] = &["api_version", "kind", "namespace", "name"];
const OBJECTS: &[&str] = &["api_version", "kind", "namespace", "labels"];
/// What a step can be.
pub(super) const KINDS: &[&str] = &[
    "action",
    "wait_for",
    "subflow",
    "steps",
    "parallel",
    "for_each",
    "branch",
    "approval",
    "notify",
    "hand_over",
];
/// What acts on an object.
const ACTION: &[&str] = &["action"];
/// Those with steps at once.
const LANES: &[&str] = &["parallel"];

impl Reading<'_> {
    pub(super) fn does(&mut self, fields: &Fields<'_>, standing: &Standing) -> Option<Does> {
        let scope = &standing.scope;
        let given = KINDS.iter().filter_map(|kind| fields.member(kind)).collect::<Vec<_>>();
        let (word, node) = match given.as_slice() {
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
            && !matches!(word.text.as_str(), "action" | "subflow")
        {
            self.problem(with.place, format!("`{}` takes no `with`", word.text));
        }
        for (key, kinds) in [("at_most", LANES), ("max_failures", LANES), ("on", ACTION)] {
            if let Some((member, _)) = fields.member(key)
                && !kinds.contains(&word.text.as_str())
            {
                self.problem(member.place, format!("`{}` takes no `{key}`", word.text));
            }
        }
        match word.text.as_str() {
            "action" => self.action(node, fields, scope),
            "subflow" => Some(Does::Subflow(self.call(node, fields, scope))),
            "hand_over" => Some(self.hand_over(node, scope)),
            "steps" => {
                let mut inside = standing.inside();
                Some(Does::Steps(self.sequence(node, "steps", &mut inside)))
            }
            "parallel" => Some(self.parallel(node, fields, standing)),
            "branch" => Some(Does::Branch(self.branch(node, standing))),
            "for_each" => self.for_each(node, standing),
            "approval" => Some(Does::Approval { message: self.message(node, "approval", scope) }),
            "notify" => Some(Does::Notify { message: self.message(node, "notify", scope) }),
            _ => {
                let wait = self.wait_fields(node, "`wait_for`", WAIT);
                Some(Does::WaitFor(self.wait(node, &wait, "`wait_for`", scope)))
            }
        }
    }

    /// A text for people: on its own, or as `{message: …}`.
    pub(super) fn message(&mut self, node: &Node, key: &str, scope: &Scope) -> String {
        let inner = match &node.kind {
            Kind::Map(_) => self.fields(node, "a message", &["message"]).get("message"),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) => {
                Some(node)
            }
        };
        let message = inner.map(|node| self.interpolated(node, key, scope)).unwrap_or_default();
        if message.trim().is_empty() {
            self.problem(node.place, format!("`{key}` has no `message`"));
        }
        message
    }

    /// `hand_over: TEXT`, or `{message: TEXT, then: continue}` where the steps after it run all the same.
    fn hand_over(&mut self, node: &Node, scope: &Scope) -> Does {
        if !matches!(node.kind, Kind::Map(_)) {
            return Does::HandOver {
                message: self.message(node, "hand_over", scope),
                goes_on: false,
            };
        }
        let inner = self.fields(node, "`hand_over`", &["message", "then"]);
        let message = if let Some(text) = inner.get("message") {
            self.message(text, "hand_over", scope)
        } else {
            self.problem(node.place, "`hand_over` has no `message`");
            String::new()
        };
        let then = inner.get("then").and_then(Node::scalar);
        if let (Some(other), Some(at)) =
            (then.as_deref().filter(|word| *word != "continue"), inner.get("then"))
        {
            let message = format!("`then` is `continue` or left out, not `{other}`");
            self.advise(at.place, message, "without it the steps after the hand-over do not run");
        }
        Does::HandOver { message, goes_on: then.is_some() }
    }

    /// A call of another template, its arguments beside it.
    pub(super) fn call(&mut self, name: &Node, fields: &Fields<'_>, scope: &Scope) -> Call {
        let with = self.arguments(fields, scope);
        Call { name: self.text(name, "subflow"), place: name.place, with }
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
        if action.needs_definition() {
            let message =
                format!("{action} is described by a definition file, which is called by its name");
            self.advise(node.place, message, "write `subflow: NAME` of the definition");
            return None;
        }
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
        let on = fields.get("on").and_then(|node| self.named_object(node, "on", scope));
        Some(Does::Action { action, with, on })
    }

    pub(super) fn arguments(&mut self, fields: &Fields<'_>, scope: &Scope) -> Vec<Argument> {
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

    /// The fields of a wait; its lack of them is a problem.
    pub(super) fn wait_fields<'n>(
        &mut self,
        node: &'n Node,
        what: &'static str,
        keys: &'static [&'static str],
    ) -> Fields<'n> {
        let fields = self.fields(node, what, keys);
        if matches!(node.kind, Kind::Map(_)) && fields.get("until").is_none() {
            self.problem(node.place, format!("{what} has no `until`"));
        }
        fields
    }

    pub(super) fn wait(
        &mut self,
        node: &Node,
        fields: &Fields<'_>,
        what: &str,
        scope: &Scope,
    ) -> Wait {
        let many = fields.get("objects").is_some();
        let seen = if many { Scope::objects() } else { Scope::object() };
        let until = fields.get("until").map(|node| self.cel(node, "until", &seen));
        let fails = fields.get("fails_when").map(|node| self.cel(node, "fails_when", &seen));
        let describe =
            fields.get("describe").map(|node| self.interpolated(node, "describe", scope));
        if matches!(node.kind, Kind::Map(_)) && describe.as_ref().is_none_or(String::is_empty) {
            self.problem(
                node.place,
                format!("{what} has no `describe`: what is waited for, in words"),
            );
        }
        if let (true, Some((key, _))) = (many, fields.member("object")) {
            self.problem(key.place, format!("{what} has `object` or `objects`, not both"));
        }
        let object = match fields.get("objects") {
            Some(node) => Some(self.wait_objects(node, scope)),
            None => fields.get("object").and_then(|node| self.named_object(node, "object", scope)),
        };
        Wait {
            object,
            until: until.unwrap_or_default(),
            fails_when: fails.unwrap_or_default(),
            describe: describe.unwrap_or_default(),
        }
    }

    /// `target`, which is `None`, or an object named in full.
    fn named_object(&mut self, node: &Node, what: &str, scope: &Scope) -> Option<WaitObject> {
        if matches!(&node.kind, Kind::Text(text) if text == "target") {
            return None;
        }
        if !matches!(node.kind, Kind::Map(_)) {
            let message =
                format!("`{what}` is `target`, or {{api_version, kind, namespace, name}}");
            self.problem(node.place, message);
            return None;
        }
        let fields = self.fields(node, "an object", OBJECT);
        let part = |reading: &mut Self, key: &str, required: bool| {
            if let Some(node) = fields.get(key) {
                return reading.given(node, key, scope);
            }
            if required {
                reading.problem(fields.place, format!("`{what}` has no `{key}`"));
            }
            Given::Literal("".into())
        };
        Some(WaitObject {
            api_version: part(self, "api_version", true),
            kind: part(self, "kind", true),
            namespace: part(self, "namespace", false),
            name: part(self, "name", true),
            labels: None,
        })
    }

    /// Objects of a kind by their labels.
    pub(super) fn wait_objects(&mut self, node: &Node, scope: &Scope) -> WaitObject {
        let fields = self.fields(node, "`objects`", OBJECTS);
        let mut part = |key: &str, required: bool| {
            if required && fields.get(key).is_none() && matches!(node.kind, Kind::Map(_)) {
                self.problem(fields.place, format!("`objects` has no `{key}`"));
            }
            let empty = || Given::Literal("".into());
            fields.get(key).map_or_else(empty, |node| self.given(node, key, scope))
        };
        WaitObject {
            api_version: part("api_version", true),
            kind: part("kind", true),
            namespace: part("namespace", true),
            name: Given::Literal("".into()),
            labels: Some(part("labels", true)),
        }
    }
}
