//! Text of the cluster that speaks to a model: found to be told, not to be kept out. What it asks for has no way to happen.

use crate::domain::diagnosis::Diagnosis;
use crate::domain::text::{clean, redact, shorten};

/// What such texts say, in small letters, with single blanks.
const PHRASES: &[&str] = &[
    "ignore the above",
    "ignore all previous",
    "ignore previous",
    "ignore all prior",
    "ignore prior",
    "ignore any previous",
    "ignore your instructions",
    "ignore the instructions",
    "ignore all instructions",
    "disregard the above",
    "disregard all",
    "disregard previous",
    "disregard your",
    "forget your instructions",
    "forget the above",
    "forget all previous",
    "override your instructions",
    "new instructions:",
    "system prompt",
    "you are now",
    "as an ai",
    "language model",
    "<|im_start|>",
    "<|system|>",
    "[inst]",
    "### instruction",
    "role: system",
];

/// Longest part of such a text that is quoted, in characters.
const QUOTED: usize = 160;
/// Most of them that are told.
const MOST: usize = 5;

/// A sentence for each fact whose text speaks to a model.
#[must_use]
pub fn addressed(diagnosis: &Diagnosis) -> Vec<String> {
    let texts = diagnosis
        .evidence
        .iter()
        .map(|fact| (fact.source.as_str(), fact.text.as_str()))
        .chain([("summary", diagnosis.summary.as_str())]);
    texts
        .filter(|(_, text)| speaks_to_a_model(text))
        .take(MOST)
        .map(|(source, text)| {
            let quoted = shorten(&redact(&clean(text)), QUOTED);
            let source = shorten(&clean(source), QUOTED);
            format!("text of the cluster speaks to a model; it was taken as data: \"{quoted}\" [{source}]")
        })
        .collect()
}

fn speaks_to_a_model(text: &str) -> bool {
    let plain = clean(text).to_lowercase();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    PHRASES.iter().any(|phrase| plain.contains(phrase))
}
