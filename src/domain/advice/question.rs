//! What a model is asked: the prompt with its version, what it may choose, and what was read of the cluster, as data.

use super::options::{Candidate, Options};
use super::statistics::{Alike, by_statistics};
use crate::domain::diagnosis::Diagnosis;
use crate::domain::evidence::{Bearing, Fact};
use crate::domain::text::{clean, redact, shorten};
use crate::domain::workflow::compile::Open;
use serde_json::{Value, json};

/// The prompt: its first line says its name and version.
const CHOOSE: &str = include_str!("../../../assets/prompts/choose.md");
/// Longest sentence of the cluster's that is sent, in characters.
const LONGEST: usize = 400;
/// Most facts that are sent.
const MOST_FACTS: usize = 40;

/// What a model is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Prompt and version: `choose@1`.
    pub prompt: String,
    /// Who it is and what it may do.
    pub system: String,
    /// What it may choose, and the facts.
    pub user: String,
    /// JSON Schema of the answer.
    pub schema: Value,
}

impl Question {
    /// All that is sent, for the record.
    #[must_use]
    pub fn text(&self) -> String {
        format!("[system]\n{}\n[user]\n{}", self.system.trim_end(), self.user.trim_end())
    }
}

/// The question about a case. `mark` is random: text of the cluster can't end what it stands between.
#[must_use]
pub fn question(
    options: &Options,
    diagnosis: &Diagnosis,
    cases: &[Alike],
    mark: [u8; 16],
) -> Question {
    let fence = format!("data-{}", hex::encode(mark));
    let (prompt, text) = prompt();
    Question {
        prompt,
        system: text.replace("{{fence}}", &fence),
        user: user(options, diagnosis, cases, &fence),
        schema: schema(options),
    }
}

/// `choose@1`, and the text below the first line.
fn prompt() -> (String, &'static str) {
    let (first, text) = CHOOSE.split_once('\n').unwrap_or((CHOOSE, ""));
    let inner = first.trim_start_matches("<!--").trim_end_matches("-->").trim();
    let name = inner.replace(", version ", "@");
    (name, text)
}

fn user(options: &Options, diagnosis: &Diagnosis, cases: &[Alike], fence: &str) -> String {
    let templates = options.candidates.iter().map(candidate).collect::<Vec<_>>();
    let past = by_statistics(options, cases);
    let past = past.ranking.iter().map(|one| format!("- {}: {}", one.template, one.why));
    let past = past.collect::<Vec<_>>().join("\n");
    format!(
        "Pattern {}, cause {}, confidence {:.2}.\n\nTemplates, in the engine's order:\n{}\n\nPast cases:\n{past}\n\n\
         BEGIN {fence}\n{}\nEND {fence}\n",
        diagnosis.pattern,
        diagnosis.cause,
        diagnosis.confidence,
        json!(templates),
        data(diagnosis, fence)
    )
}

fn candidate(one: &Candidate) -> Value {
    let parameters = one.open.iter().map(parameter).collect::<Vec<_>>();
    json!({
        "template": one.template,
        "does": one.summary,
        "acts": one.acts,
        "parameters": parameters,
    })
}

fn parameter(open: &Open) -> Value {
    let mut value = json!({
        "name": open.name,
        "type": open.kind.word(),
        "default": open.default,
        "for": open.describe,
    });
    if let Some(members) = value.as_object_mut() {
        if let Some((min, max)) = &open.limits {
            members.insert("min".into(), min.clone());
            members.insert("max".into(), max.clone());
        } else {
            members.insert("choices".into(), open.choices.clone().into());
        }
    }
    value
}

/// What was read of the cluster, a line each; nothing in it ends the data or starts a line of its own.
fn data(diagnosis: &Diagnosis, fence: &str) -> String {
    let target = diagnosis.target.as_ref().map(|target| target.key.path());
    let mut lines = vec![
        format!("target: {}", one_line(target.as_deref().unwrap_or("none"), fence)),
        format!("summary: {}", one_line(&diagnosis.summary, fence)),
    ];
    if let Some(container) = &diagnosis.container {
        lines.push(format!("container: {}", one_line(container, fence)));
    }
    let shown = diagnosis.evidence.iter().take(MOST_FACTS);
    lines.extend(shown.map(|fact| fact_line(fact, fence)));
    let left = diagnosis.evidence.len().saturating_sub(MOST_FACTS);
    if left > 0 {
        lines.push(format!("({left} more facts are not shown)"));
    }
    lines.join("\n")
}

fn fact_line(fact: &Fact, fence: &str) -> String {
    let bearing = match fact.bearing {
        Bearing::For => "for",
        Bearing::Against => "against",
        Bearing::Context => "context",
        Bearing::Missing => "missing",
    };
    let (text, source) = (one_line(&fact.text, fence), one_line(&fact.source, fence));
    format!("{bearing}: {text} [{source}]")
}

fn one_line(text: &str, fence: &str) -> String {
    shorten(&redact(&clean(text)), LONGEST).replace(fence, "data")
}

fn schema(options: &Options) -> Value {
    let templates = options.candidates.iter().map(|one| one.template.as_str()).collect::<Vec<_>>();
    let mut names = options
        .candidates
        .iter()
        .flat_map(|one| one.open.iter().map(|open| open.name.as_str()))
        .collect::<Vec<_>>();
    names.sort_unstable();
    names.dedup();
    let text = json!({"type": "string"});
    let name =
        if names.is_empty() { text.clone() } else { json!({"type": "string", "enum": names}) };
    let template = json!({"type": "string", "enum": templates});
    let object = |properties: Value| {
        let required = properties.as_object().into_iter().flatten().map(|(name, _)| name.clone());
        let required = required.collect::<Vec<_>>();
        json!({
            "type": "object", "properties": properties, "required": required,
            "additionalProperties": false,
        })
    };
    object(json!({
        "ranking": {"type": "array", "items": object(json!({
            "template": template, "score": {"type": "number"}, "why": text,
        }))},
        "parameters": {"type": "array", "items": object(json!({
            "template": template, "name": name, "value": {"type": ["string", "number"]}, "why": text,
        }))},
        "caveats": {"type": "array", "items": text},
    }))
}
