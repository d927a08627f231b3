//! A model's answer, held against what may be chosen. What does not hold is dropped, and named.

use super::given::{Filled, Ranked};
use super::options::{Candidate, Options};
use crate::domain::diagnosis::Diagnosis;
use crate::domain::spelling::nearest;
use crate::domain::text::{clean, redact, shorten};
use crate::domain::workflow::compile::values_with;
use crate::domain::workflow::template::Library;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Longest answer that is read, in bytes.
const LONGEST: usize = 64 * 1024;
/// Longest sentence that is kept of it, in characters.
const SENTENCE: usize = 300;
/// Most entries of a list that are looked at.
const MOST: usize = 24;
/// Most caveats that are kept.
const MOST_CAVEATS: usize = 5;

/// What holds of an answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Checked {
    /// Templates, best first; at least one.
    pub ranking: Vec<Ranked>,
    /// Values for parameters of the first.
    pub parameters: Vec<Filled>,
    /// What the model says against its own advice.
    pub caveats: Vec<String>,
    /// What was proposed and does not hold, each with why.
    pub dropped: Vec<String>,
}

#[derive(Deserialize)]
struct Said {
    ranking: Vec<SaidRank>,
    #[serde(default)]
    parameters: Vec<SaidParameter>,
    #[serde(default)]
    caveats: Vec<String>,
}

#[derive(Deserialize)]
struct SaidRank {
    template: String,
    score: f64,
    #[serde(default)]
    why: String,
}

#[derive(Deserialize)]
struct SaidParameter {
    template: String,
    name: String,
    value: Value,
    #[serde(default)]
    why: String,
}

/// What of an answer holds.
///
/// # Errors
/// Why none of it can be used: it is no such object, or ranks nothing that may be chosen.
pub fn checked(
    text: &str,
    options: &Options,
    library: &Library,
    diagnosis: &Diagnosis,
) -> Result<Checked, String> {
    let said = read(text)?;
    let mut checked = Checked::default();
    rank(&said.ranking, options, &mut checked);
    let Some(first) = checked.ranking.first() else {
        let mut why = "the answer ranks no template that may be chosen".to_string();
        if !checked.dropped.is_empty() {
            why = format!("{why}: {}", checked.dropped.join("; "));
        }
        return Err(shorten(&why, 4 * SENTENCE));
    };
    let candidate = options.named(&first.template).cloned();
    if let Some(candidate) = candidate {
        fill(&said.parameters, &candidate, options, library, diagnosis, &mut checked);
    }
    checked.caveats = said
        .caveats
        .iter()
        .take(MOST_CAVEATS)
        .map(|text| format!("it says: {}", short(text)))
        .collect();
    Ok(checked)
}

/// The object in an answer: alone, in a code fence, or after what a model thought aloud.
fn read(text: &str) -> Result<Said, String> {
    if text.len() > LONGEST {
        return Err(format!("the answer has {} bytes; at most {LONGEST} are read", text.len()));
    }
    let text = text.rsplit_once("</think>").map_or(text, |(_, after)| after);
    let Some(start) = text.find('{') else {
        return Err("the answer holds no JSON object".into());
    };
    let end = text.rfind('}').map_or(text.len(), |end| end + 1);
    let object = text.get(start..end.max(start)).unwrap_or_default();
    serde_json::from_str::<Said>(object).map_err(|error| {
        let error = short(&error.to_string());
        format!("the answer is not the JSON object that was asked for: {error}")
    })
}

fn rank(said: &[SaidRank], options: &Options, checked: &mut Checked) {
    let mut seen = BTreeSet::new();
    for one in said.iter().take(MOST) {
        let name = short(&one.template);
        if options.named(&one.template).is_none() {
            let names = options.names();
            checked
                .dropped
                .push(format!("it proposed template {name}, which is not among {names}"));
        } else if !(0.0..=1.0).contains(&one.score) {
            let score = one.score;
            checked
                .dropped
                .push(format!("it gave {name} the score {score}, which is not within 0 to 1"));
        } else if seen.insert(one.template.clone()) {
            let (template, score, why) = (one.template.clone(), one.score, short(&one.why));
            checked.ranking.push(Ranked { template, score, why });
        } else {
            checked.dropped.push(format!("it ranked {name} twice; the first counts"));
        }
    }
    // Of equals the engine's order decides.
    let place = |name: &str| options.candidates.iter().position(|one| one.template == name);
    checked.ranking.sort_by(|a, b| {
        b.score.total_cmp(&a.score).then(place(&a.template).cmp(&place(&b.template)))
    });
}

fn fill(
    said: &[SaidParameter],
    first: &Candidate,
    options: &Options,
    library: &Library,
    diagnosis: &Diagnosis,
    checked: &mut Checked,
) {
    let Some(template) = library.templates.get(&first.template) else { return };
    let mut given = BTreeMap::new();
    for one in said.iter().take(MOST) {
        if one.template != first.template {
            // Values for another template that may be chosen say nothing about this one.
            if options.named(&one.template).is_none() {
                let name = short(&one.template);
                checked.dropped.push(format!(
                    "it proposed a value for {name}, which is not among {}",
                    options.names()
                ));
            }
            continue;
        }
        let (name, value) = (short(&one.name), short(&one.value.to_string()));
        let Some(open) = first.open.iter().find(|open| open.name == one.name) else {
            let hint = nearest(&one.name, first.open.iter().map(|open| open.name.as_str()));
            let hint = hint.map(|near| format!(" (near: {near})")).unwrap_or_default();
            checked.dropped.push(format!(
                "it proposed {name} = {value}, which is no parameter of {} that may be filled{hint}",
                first.template
            ));
            continue;
        };
        if given.contains_key(&one.name) {
            checked.dropped.push(format!("it gave {name} twice; the first counts"));
            continue;
        }
        let mut with = given.clone();
        with.insert(one.name.clone(), one.value.clone());
        match values_with(template, diagnosis, &with) {
            Ok(values) => {
                given = with;
                let value = values.get(&one.name).cloned().unwrap_or(Value::Null);
                if value != open.default {
                    let (name, why) = (one.name.clone(), short(&one.why));
                    checked.parameters.push(Filled { name, value, why });
                }
            }
            Err((_, why)) => {
                checked.dropped.push(format!("it proposed {name} = {value}: {}", short(&why)));
            }
        }
    }
}

fn short(text: &str) -> String {
    shorten(&redact(&clean(text)), SENTENCE)
}
