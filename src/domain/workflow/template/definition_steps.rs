//! The steps that a definition becomes: the action, for a Job the wait for its end and what it printed, and the check.

use super::model::{Argument, Does, Given, Step, Wait, WaitObject};
use super::reading::{Fields, Reading};
use super::scope::Scope;
use super::yaml::{Kind, Node, Place};
use crate::domain::action::Action;
use crate::domain::workflow::plan::OnFailure;
use crate::domain::workflow::retry::Retry;
use serde_json::{Map, Value};

const JOB: &[&str] =
    &["namespace", "image", "argv", "timeout", "service_account", "env_from_secrets", "claims"];
const EXEC: &[&str] = &["namespace", "labels", "container", "argv", "timeout", "exit_codes"];
const PATCH: &[&str] = &["api_version", "kind", "namespace", "name", "subresource", "set"];
const CREATE: &[&str] = &["namespace", "manifest"];
/// Seconds that a program has at most.
const LONGEST_S: u64 = 86_400;
/// Most arguments of a program.
const MOST_ARGUMENTS: usize = 100;
/// Seconds beyond a Job's own deadline until it must have ended.
const SLACK_S: u64 = 60;
/// Programs that take a script.
const SHELLS: &[&str] = &["sh", "bash", "ash", "dash", "zsh", "ksh"];

/// Makes the steps of a definition.
pub(super) struct Builder<'r, 'a> {
    pub(super) reading: &'r mut Reading<'a>,
    pub(super) scope: &'r Scope,
    pub(super) name: &'r str,
    pub(super) action: Action,
}

/// What it is in the end: arguments of the action, seconds of its step, and what its check is about.
struct Made {
    with: Vec<Argument>,
    timeout_s: u64,
    about: Option<WaitObject>,
    after: Vec<Step>,
}

impl Builder<'_, '_> {
    pub(super) fn steps(&mut self, top: &Fields<'_>, image: &mut (String, Place)) -> Vec<Step> {
        let kinds = ["job", "exec", "patch", "create"];
        let found = kinds.iter().filter_map(|kind| top.member(kind)).collect::<Vec<_>>();
        let [(key, node)] = found.as_slice() else {
            let place = found.get(1).map_or(top.place, |(key, _)| key.place);
            self.reading.problem(place, "a definition has one of job, exec, patch, create");
            return Vec::new();
        };
        let mut made = match key.text.as_str() {
            "job" => self.job(node, image),
            "exec" => self.exec(node),
            "patch" => self.patch(node),
            _ => self.create(node),
        };
        made.with.push(literal("how", key.text.as_str(), node.place));
        made.with.push(literal("definition", self.name, node.place));
        let does = Does::Action { action: self.action, with: made.with, on: None };
        let mut steps = vec![step("run", does, made.timeout_s, node.place)];
        steps.extend(made.after);
        if let Some(node) = top.get("check") {
            let (mut wait, within_s) = self.reading.wait_within(node, "`check`", self.scope);
            wait.object = wait.object.or(made.about);
            steps.push(step("check", Does::WaitFor(wait), within_s, node.place));
        }
        steps
    }

    /// Fields that go to the action as they stand.
    fn fields(&mut self, fields: &Fields<'_>, keys: &[&str], needed: &[&str]) -> Vec<Argument> {
        let mut with = Vec::new();
        for key in keys {
            match fields.get(key) {
                Some(node) => with.push(self.given(key, node)),
                None if needed.contains(key) => {
                    self.reading.problem(fields.place, format!("{} has no `{key}`", fields.what()));
                }
                None => {}
            }
        }
        with
    }

    fn given(&mut self, name: &str, node: &Node) -> Argument {
        let value = self.reading.given(node, name, self.scope);
        Argument { name: name.into(), value, place: node.place }
    }

    fn argv(&mut self, fields: &Fields<'_>) -> Vec<Argument> {
        let items = self.reading.list(fields, "argv");
        if items.is_empty() || items.len() > MOST_ARGUMENTS {
            let message = format!("`argv` is the program and at most {MOST_ARGUMENTS} arguments");
            self.reading.problem(fields.place, message);
        }
        for item in items.iter().filter(|item| item.scalar().is_none()) {
            self.reading.problem(item.place, format!("an argument is a text, not {}", item.noun()));
        }
        let text = |node: &Node| node.scalar().unwrap_or_default();
        let all = items.iter().map(text).collect::<Vec<_>>();
        let computed = |text: &str| text.contains("${") || text.starts_with('=');
        let guard = all.iter().position(|text| text == "--").unwrap_or(all.len());
        let shell = all.first().is_some_and(|program| {
            SHELLS.contains(&program.rsplit('/').next().unwrap_or_default())
        });
        let script = all.iter().position(|text| {
            shell && text.starts_with('-') && !text.starts_with("--") && text.ends_with('c')
        });
        for (index, (node, text)) in items.iter().zip(&all).enumerate() {
            if index == 0 && computed(text) {
                self.reading.problem(node.place, "the program is fixed, not computed");
            } else if script.is_some_and(|at| index == at + 1) && computed(text) {
                let message = "a parameter would become part of a shell's script";
                let advice = "hand it over as an argument of its own after the script, as `$1`";
                self.reading.advise(node.place, message, advice);
            } else if !shell && index < guard && (text.starts_with("${") || text.starts_with('=')) {
                let message = "an argument that begins with a parameter can be taken for an option";
                let advice = "write `--option=${params.x}`, or put `--` before it";
                self.reading.hint(node.place, message, advice);
            }
        }
        let numbered = items.iter().enumerate();
        numbered.map(|(index, node)| self.given(&format!("argv.{index}"), node)).collect()
    }

    fn timeout(&mut self, fields: &Fields<'_>) -> u64 {
        let seconds = self.reading.duration(fields, "timeout");
        let place = fields.get("timeout").map_or(fields.place, |node| node.place);
        match seconds {
            Some(seconds) if (1..=LONGEST_S).contains(&seconds) => seconds,
            Some(_) => {
                self.reading.problem(place, "`timeout` is from 1s to 24h");
                LONGEST_S
            }
            None => {
                if fields.get("timeout").is_none() {
                    self.reading.problem(place, format!("{} has no `timeout`", fields.what()));
                }
                LONGEST_S
            }
        }
    }

    fn job(&mut self, node: &Node, image: &mut (String, Place)) -> Made {
        let fields = self.reading.fields(node, "`job`", JOB);
        let keys = ["namespace", "image", "service_account"];
        let mut with = self.fields(&fields, &keys, &["namespace", "image"]);
        if let Some(node) = fields.get("image") {
            *image = (node.scalar().unwrap_or_default(), node.place);
            if image.0.contains("${") || image.0.starts_with('=') {
                self.reading.problem(node.place, "`image` is fixed, not computed");
            } else if !image.0.contains("@sha256:") {
                let message = "the image is named by a tag, which can come to mean another image";
                self.reading.hint(node.place, message, "name it by its digest: `…@sha256:…`");
            }
        }
        with.extend(self.argv(&fields));
        let timeout = self.timeout(&fields);
        with.push(literal("timeout_s", timeout.to_string(), node.place));
        for (index, secret) in self.reading.list(&fields, "env_from_secrets").iter().enumerate() {
            with.push(self.given(&format!("secret.{index}"), secret));
        }
        for claim in self.reading.list(&fields, "claims") {
            let fields = self.reading.fields(claim, "an entry of `claims`", &["claim", "path"]);
            let path = self.reading.required_text(&fields, "path");
            match fields.get("claim") {
                Some(node) => with.push(self.given(&format!("claim.{path}"), node)),
                None => self.reading.problem(claim.place, "an entry of `claims` has no `claim`"),
            }
        }
        Made { with, timeout_s: 60, about: None, after: after_job(self.name, timeout, node.place) }
    }

    fn exec(&mut self, node: &Node) -> Made {
        let fields = self.reading.fields(node, "`exec`", EXEC);
        let keys = ["namespace", "labels", "container"];
        let mut with = self.fields(&fields, &keys, &keys);
        with.extend(self.argv(&fields));
        let timeout = self.timeout(&fields);
        with.push(literal("timeout_s", timeout.to_string(), node.place));
        let mut codes = Vec::new();
        for node in self.reading.list(&fields, "exit_codes") {
            let code = node.scalar().unwrap_or_default();
            if code.parse::<u8>().is_err() {
                self.reading.problem(node.place, "an exit code is a whole number from 0 to 255");
            }
            codes.push(code);
        }
        if !codes.is_empty() {
            with.push(literal("exit_codes", codes.join(","), node.place));
        }
        Made { with, timeout_s: timeout + SLACK_S, about: None, after: Vec::new() }
    }

    fn patch(&mut self, node: &Node) -> Made {
        let fields = self.reading.fields(node, "`patch`", PATCH);
        let keys = ["api_version", "kind", "namespace", "name", "subresource"];
        let mut with = self.fields(&fields, &keys, &["api_version", "kind", "name"]);
        let value = |name: &str| {
            let found = with.iter().find(|argument| argument.name == name);
            found.map_or(Given::Literal("".into()), |argument| argument.value.clone())
        };
        let about = WaitObject {
            api_version: value("api_version"),
            kind: value("kind"),
            namespace: value("namespace"),
            name: value("name"),
            labels: None,
        };
        match fields.get("set").map(|set| (set, &set.kind)) {
            Some((_, Kind::Map(members))) if !members.is_empty() => {
                for (key, value) in members {
                    with.push(self.given(&format!("set.{}", key.text), value));
                }
            }
            Some((set, _)) => {
                self.reading.problem(set.place, "`set` is a mapping of paths to values");
            }
            None => self.reading.problem(fields.place, "`patch` has no `set`: {PATH: value}"),
        }
        Made { with, timeout_s: 60, about: Some(about), after: Vec::new() }
    }

    fn create(&mut self, node: &Node) -> Made {
        let fields = self.reading.fields(node, "`create`", CREATE);
        let mut with = self.fields(&fields, &["namespace"], &["namespace"]);
        match fields.get("manifest") {
            Some(manifest) if matches!(manifest.kind, Kind::Map(_)) => {
                let mut plain = manifest.json();
                self.leaves(manifest, &mut Vec::new(), &mut plain, &mut with);
                for key in ["apiVersion", "kind"] {
                    if plain.get(key).and_then(Value::as_str).is_none_or(str::is_empty) {
                        let message = format!("`manifest` has no `{key}`, or one that is computed");
                        self.reading.problem(manifest.place, message);
                    }
                }
                with.push(literal("manifest", plain.to_string(), manifest.place));
            }
            Some(other) => {
                self.reading.problem(other.place, "`manifest` is the object, as a mapping");
            }
            None => self.reading.problem(fields.place, "`create` has no `manifest`"),
        }
        Made { with, timeout_s: 60, about: Some(made()), after: Vec::new() }
    }

    /// Takes what is computed out of a manifest: it becomes `set.PATH`.
    fn leaves(
        &mut self,
        node: &Node,
        path: &mut Vec<String>,
        plain: &mut Value,
        with: &mut Vec<Argument>,
    ) {
        match &node.kind {
            Kind::Map(members) => {
                for (key, value) in members {
                    path.push(format!("\"{}\"", key.text));
                    let inner = plain.as_object_mut().and_then(|plain| plain.get_mut(&key.text));
                    if let Some(inner) = inner {
                        self.leaves(value, path, inner, with);
                    }
                    path.pop();
                }
            }
            Kind::List(items) => {
                for item in items.iter().filter(|item| computed_below(item)) {
                    let message = "within a list of a manifest nothing is computed";
                    self.reading.problem(item.place, message);
                }
            }
            Kind::Text(text) if text.contains("${") || text.starts_with('=') => {
                with.push(self.given(&format!("set.{}", path.join(".")), node));
                *plain = Value::Object(Map::new());
            }
            Kind::Text(_) | Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
        }
    }
}

fn computed_below(node: &Node) -> bool {
    match &node.kind {
        Kind::Map(members) => members.iter().any(|(_, value)| computed_below(value)),
        Kind::List(items) => items.iter().any(computed_below),
        Kind::Text(text) => text.contains("${") || text.starts_with('='),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) => false,
    }
}

fn literal(name: &str, value: impl Into<Value>, place: Place) -> Argument {
    Argument { name: name.into(), value: Given::Literal(value.into()), place }
}

/// One step, tried once: whether a program may run twice only its author knows.
fn step(id: &str, does: Does, timeout_s: u64, place: Place) -> Step {
    Step {
        id: id.into(),
        title: String::new(),
        does,
        when: String::new(),
        timeout_s: Some(timeout_s),
        attempts: Some(1),
        retry: Retry::default(),
        on_failure: Some(OnFailure::Escalate),
        rescue: None,
        verify: None,
        risk: None,
        place,
    }
}

/// What the step `run` created.
fn made() -> WaitObject {
    let part = |name: &str| Given::Cel(format!("made.run.{name}"));
    WaitObject {
        api_version: part("api_version"),
        kind: part("kind"),
        namespace: part("namespace"),
        name: part("name"),
        labels: None,
    }
}

/// A Job's end is waited for, what it printed is kept however it ended, and then its end decides.
fn after_job(name: &str, timeout_s: u64, place: Place) -> Vec<Step> {
    let wait = |until: &str, fails_when: &str, describe: &str| {
        Does::WaitFor(Wait {
            object: Some(made()),
            until: until.into(),
            fails_when: fails_when.into(),
            describe: describe.into(),
        })
    };
    let condition = |of: &str| {
        format!(
            "object.?status.?conditions.orValue([]).exists(c, c.type == '{of}' && c.status == 'True')"
        )
    };
    let (complete, failed) = (condition("Complete"), condition("Failed"));
    let ended = wait(&format!("({complete}) || ({failed})"), "", "the Job has ended");
    let ended = step("ended", ended, timeout_s + SLACK_S, place);
    let argument = |name: &str, part: &str| Argument {
        name: name.into(),
        value: Given::Cel(format!("made.run.{part}")),
        place,
    };
    let output = Does::Action {
        action: Action::CollectDiagnostics,
        with: vec![argument("job", "name"), argument("namespace", "namespace")],
        on: None,
    };
    let mut output = step("output", output, 60, place);
    output.title = format!("keep what {name} printed");
    output.attempts = Some(3);
    let succeeded = wait(&complete, &failed, "the Job has succeeded");
    let mut steps = vec![ended, output, step("succeeded", succeeded, 30, place)];
    for kept in steps.iter_mut().take(2) {
        kept.on_failure = Some(OnFailure::Continue);
    }
    steps
}
