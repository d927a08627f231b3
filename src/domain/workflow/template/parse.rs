//! Text to a template: the whole of it, or every problem that it has.
//!
//! ```yaml
//! name: high-memory           # and version, summary
//! match: {pattern, causes, when, not_when: [{cel, why}]}   # absent: only a subflow
//! parameters: [{name, type, default, min, max, choices, describe}]
//! steps: [{id, title, action|wait_for|subflow|hand_over|steps|parallel|branch, with, when, timeout,
//!          attempts|retry: {attempts, backoff, most, jitter, on}, verify: {until, describe, within, object},
//!          on_failure: undo|continue|escalate|{subflow, with, then}, risk}]
//!          # parallel: [steps], at_most, max_failures; branch: [{when, steps}, {else: [steps]}]
//! verify: {settle, effective_when: [{describe, cel}], regressed_when, measures: [{name, promql, unit}], undo_on_regression}
//! left_if_stopped: …          # and expires, risk
//! ```

use super::model::{Exclusion, Matching, MeasureSpec, Template, Verify};
use super::problem::Problem;
use super::reading::{Fields, Reading};
use super::scope::Scope;
use super::steps::is_id;
use super::yaml::{self, Kind};
use crate::domain::diagnosis::{Cause, Pattern};
use crate::domain::digest::sha256_hex;
use crate::domain::expr::{self, Piece};
use crate::domain::workflow::plan::{Check, Risk, TemplateRef};
use std::collections::BTreeSet;

const TOP: &[&str] = &[
    "name",
    "version",
    "summary",
    "match",
    "parameters",
    "steps",
    "verify",
    "left_if_stopped",
    "expires",
    "risk",
];
const MATCH: &[&str] = &["pattern", "causes", "when", "not_when"];
pub(super) const VERIFY: &[&str] =
    &["settle", "effective_when", "regressed_when", "measures", "undo_on_regression"];

/// Reads a template, with what lint has to say beside; else all problems, not only the first.
pub(crate) fn parse(file: &str, text: &str) -> Result<(Template, Vec<Problem>), Vec<Problem>> {
    let node = yaml::read(file, text).map_err(|problem| vec![problem])?;
    let mut reading = Reading::new(file, text);
    if node.kind == Kind::Null {
        reading.problem(node.place, "the file is empty");
        return Err(reading.problems);
    }
    let top = reading.fields(&node, "a template", TOP);
    if !matches!(node.kind, Kind::Map(_)) {
        return Err(reading.problems);
    }
    let (mut template, names) = reading.sections(&top, text);
    template.matching = reading.matching(&top);
    template.steps = reading.steps(&top, &names);
    if template.acts() && template.verify.is_none() && template.matching.is_some() {
        let message = "the template changes the cluster and does not say how success is judged";
        reading.advise(node.place, message, "add `verify` with `effective_when`");
    }
    if !reading.problems.is_empty() {
        reading.problems.sort();
        return Err(reading.problems);
    }
    reading.hints_of(&top, &template);
    Ok((template, reading.hints))
}

impl Reading<'_> {
    /// The sections that templates and definitions have in common, without steps; and the names of the parameters.
    pub(super) fn sections(
        &mut self,
        top: &Fields<'_>,
        text: &str,
    ) -> (Template, BTreeSet<String>) {
        let name = self.required_text(top, "name");
        if !name.is_empty() && !is_id(&name) {
            let place = top.get("name").map_or(top.place, |node| node.place);
            let message = format!("`{name}` can't be a name");
            self.advise(place, message, "use a to z, 0 to 9 and -, a letter first");
        }
        if top.get("version").is_none() {
            self.advise(
                top.place,
                format!("{} has no `version`", top.what()),
                "write `version: 1`",
            );
        }
        let version = self.count(top, "version", 1_000_000).unwrap_or(0);
        let summary = self.required_text(top, "summary");
        let (parameters, names) = self.parameters(top);
        let template = Template {
            reference: TemplateRef { name, version, digest: sha256_hex(text.as_bytes()) },
            file: self.file().to_string(),
            summary,
            matching: None,
            parameters,
            steps: Vec::new(),
            verify: self.verify(top, &names),
            left_if_stopped: self.optional_text(top, "left_if_stopped"),
            expires_s: self.duration(top, "expires"),
            risk: self.word(top, "risk", Risk::ALL, Risk::word),
        };
        (template, names)
    }

    /// Parameters that nothing uses.
    pub(super) fn unused(&mut self, top: &Fields<'_>, template: &Template) {
        if self.used.contains("*") {
            return;
        }
        for (node, parameter) in self.list(top, "parameters").iter().zip(&template.parameters) {
            if !self.used.contains(&parameter.name) {
                self.hint(node.place, format!("nothing uses `params.{}`", parameter.name), "");
            }
        }
    }

    fn matching(&mut self, top: &Fields<'_>) -> Option<Matching> {
        let node = top.get("match")?;
        let fields = self.fields(node, "`match`", MATCH);
        if matches!(node.kind, Kind::Map(_)) && fields.get("pattern").is_none() {
            self.problem(node.place, "`match` has no `pattern`");
        }
        let pattern = self.word(&fields, "pattern", Pattern::ALL, Pattern::word);
        let mut causes = Vec::new();
        for node in self.list(&fields, "causes") {
            let text = self.text(node, "causes");
            causes.extend(self.one_word(node, &text, "causes", Cause::ALL, Cause::word));
        }
        let scope = Scope::matching();
        let when = fields.get("when").map(|node| self.cel(node, "when", &scope));
        let mut not_when = Vec::new();
        for node in self.list(&fields, "not_when") {
            let fields = self.fields(node, "an entry of `not_when`", &["cel", "why"]);
            let why = self.required_text(&fields, "why");
            match fields.get("cel") {
                Some(node) => {
                    not_when.push(Exclusion { cel: self.cel(node, "cel", &scope), why });
                }
                None => self.problem(fields.place, "an entry of `not_when` has no `cel`"),
            }
        }
        Some(Matching { pattern: pattern?, causes, when: when.unwrap_or_default(), not_when })
    }

    fn verify(&mut self, top: &Fields<'_>, params: &BTreeSet<String>) -> Option<Verify> {
        let node = top.get("verify")?;
        let fields = self.fields(node, "`verify`", VERIFY);
        let settle_s = self.duration(&fields, "settle");
        let measures = self.measures(&fields, params);
        let names = measures.iter().map(|measure| measure.name.clone()).collect();
        let scope = Scope::samples(names);
        let effective_when = self.checks(&fields, "effective_when", &scope);
        let regressed_when = self.checks(&fields, "regressed_when", &scope);
        if effective_when.is_empty() && matches!(node.kind, Kind::Map(_)) {
            let message = "`verify` has no `effective_when`: nothing could ever be proven";
            self.problem(node.place, message);
        }
        let undo_on_regression = self.flag(&fields, "undo_on_regression").unwrap_or(false);
        if undo_on_regression && regressed_when.is_empty() {
            self.problem(node.place, "`undo_on_regression` needs `regressed_when`");
        }
        Some(Verify { settle_s, effective_when, regressed_when, measures, undo_on_regression })
    }

    fn checks(&mut self, fields: &Fields<'_>, key: &str, scope: &Scope) -> Vec<Check> {
        let mut checks = Vec::new();
        for node in self.list(fields, key) {
            let fields = self.fields(node, "a check", &["describe", "cel"]);
            let describe = self.required_text(&fields, "describe");
            match fields.get("cel") {
                Some(node) => checks.push(Check { describe, cel: self.cel(node, "cel", scope) }),
                None => self.problem(fields.place, "the check has no `cel`"),
            }
        }
        checks
    }

    fn measures(&mut self, fields: &Fields<'_>, params: &BTreeSet<String>) -> Vec<MeasureSpec> {
        let scope = Scope::steps(params.clone());
        let mut measures: Vec<MeasureSpec> = Vec::new();
        for node in self.list(fields, "measures") {
            let fields = self.fields(node, "a measure", &["name", "promql", "unit"]);
            let name = self.required_text(&fields, "name");
            if measures.iter().any(|known| known.name == name) {
                self.problem(fields.place, format!("there are two measures `{name}`"));
            }
            let unit = self.optional_text(&fields, "unit");
            let Some(node) = fields.get("promql") else {
                self.problem(fields.place, "the measure has no `promql`");
                continue;
            };
            let promql = self.interpolated(node, "promql", &scope);
            if let Some((line, column)) = outside_quotes(&promql) {
                let place = self.inside(node, &promql, line, column);
                let message = "`${…}` in PromQL has to stand inside double quotes";
                self.advise(place, message, "write {name=\"${…}\"}: values are escaped for that");
            }
            measures.push(MeasureSpec { name, promql, unit });
        }
        measures
    }
}

/// The first `${…}` that does not stand inside a double-quoted string.
fn outside_quotes(promql: &str) -> Option<(usize, usize)> {
    let mut quote = None;
    let mut escaped = false;
    for piece in expr::pieces(promql).ok()? {
        match piece {
            Piece::Text(text) => {
                for c in text.chars() {
                    match quote {
                        Some(end) => {
                            if !escaped && c == end {
                                quote = None;
                            }
                            escaped = end != '`' && !escaped && c == '\\';
                        }
                        None if matches!(c, '"' | '\'' | '`') => quote = Some(c),
                        None => {}
                    }
                }
            }
            Piece::Expr { line, column, .. } if quote != Some('"') || escaped => {
                return Some((line, column));
            }
            Piece::Expr { .. } => {}
        }
    }
    None
}
