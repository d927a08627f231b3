//! What two samples say.

use super::{Judgement, Sample, Verdict};
use crate::domain::expr::holds;
use crate::domain::workflow::plan::{Check, Verification};
use serde_json::Value;
use std::collections::BTreeMap;

/// Result of one check.
enum Outcome {
    Holds,
    HoldsNot,
    /// It can't be told; why.
    Untold(String),
}

/// What the samples say: *regressed* if any regression check holds, *effective* if all checks hold, *inconclusive* when
/// something needed could not be measured or a check can't be evaluated, else *ineffective*. A target that is gone is
/// *inconclusive* unless the template says that it was meant to go (a check with `after.exists`).
///
/// A check that is false only because the number of firing alerts is not known (-1) counts as not measured. Without
/// checks nothing is proven, and without a sample from before, checks that look at it can't be evaluated.
#[must_use]
pub fn judge(verification: &Verification, before: Option<&Sample>, after: &Sample) -> Judgement {
    let (verdict, why, checks) = decide(verification, before, after);
    Judgement {
        verdict,
        why,
        checks,
        before: before.cloned().map(Box::new),
        after: Some(Box::new(after.clone())),
    }
}

type Decision = (Verdict, String, Vec<(String, String)>);

fn decide(verification: &Verification, before: Option<&Sample>, after: &Sample) -> Decision {
    if !after.readable {
        let why = format!("the target could not be read: {}", after.missing.join("; "));
        return (Verdict::Inconclusive, why, Vec::new());
    }
    if !after.exists && !asks_whether_it_exists(verification) {
        let why = format!("the target is gone: {}", after.missing.join("; "));
        return (Verdict::Inconclusive, why, Vec::new());
    }
    let mut variables = BTreeMap::new();
    for (name, sample) in [("before", before), ("after", Some(after))] {
        if let Some(value) = sample.and_then(variable) {
            variables.insert(name.to_string(), value);
        }
    }
    let run = |list: &[Check]| {
        list.iter()
            .map(|check| (check.describe.clone(), outcome(check, &variables, before, after)))
            .collect::<Vec<_>>()
    };
    let regressions = run(&verification.regressed_when);
    let improvements = run(&verification.effective_when);
    let words = improvements.iter().chain(&regressions).map(said).collect();
    if let Some((describe, _)) = find(&regressions, |one| matches!(one, Outcome::Holds)) {
        return (Verdict::Regressed, format!("worse than before: {describe}"), words);
    }
    if improvements.is_empty() {
        return (Verdict::Inconclusive, "the template has no check".into(), words);
    }
    let untold = |one: &Outcome| matches!(one, Outcome::Untold(_));
    if let Some((describe, Outcome::Untold(why))) =
        find(&improvements, untold).or_else(|| find(&regressions, untold))
    {
        return (Verdict::Inconclusive, format!("can't be told: {describe}: {why}"), words);
    }
    if let Some((describe, _)) = find(&improvements, |one| matches!(one, Outcome::HoldsNot)) {
        return (Verdict::Ineffective, format!("does not hold: {describe}"), words);
    }
    let all = improvements.iter().map(|(describe, _)| describe.as_str());
    (Verdict::Effective, all.collect::<Vec<_>>().join("; "), words)
}

/// Whether a target that is gone can be what the template wanted.
fn asks_whether_it_exists(verification: &Verification) -> bool {
    verification.effective_when.iter().any(|check| check.cel.contains("after.exists"))
}

/// A sample as checks see it. An object that was not kept is absent: `null` means gone.
fn variable(sample: &Sample) -> Option<Value> {
    let mut value = serde_json::to_value(sample).ok()?;
    if sample.exists && sample.object.is_none() {
        value.as_object_mut()?.remove("object");
    }
    Some(value)
}

fn find(
    checks: &[(String, Outcome)],
    wanted: impl Fn(&Outcome) -> bool,
) -> Option<&(String, Outcome)> {
    checks.iter().find(|(_, outcome)| wanted(outcome))
}

fn said((describe, outcome): &(String, Outcome)) -> (String, String) {
    let result = match outcome {
        Outcome::Holds => "true".to_string(),
        Outcome::HoldsNot => "false".to_string(),
        Outcome::Untold(why) => why.clone(),
    };
    (describe.clone(), result)
}

fn outcome(
    check: &Check,
    variables: &BTreeMap<String, Value>,
    before: Option<&Sample>,
    after: &Sample,
) -> Outcome {
    let unknown = |name: &str, sample: Option<&Sample>| {
        check.cel.contains(&format!("{name}.alerts_firing"))
            && sample.is_some_and(|sample| sample.alerts_firing < 0)
    };
    match holds(&check.cel, variables) {
        Ok(true) => Outcome::Holds,
        Ok(false) if unknown("after", Some(after)) || unknown("before", before) => {
            Outcome::Untold("how many alerts fire is not known".into())
        }
        Ok(false) => Outcome::HoldsNot,
        Err(error) if before.is_none() && check.cel.contains("before") => {
            Outcome::Untold(format!("nothing was measured before ({error})"))
        }
        Err(error) => Outcome::Untold(error.to_string()),
    }
}
