//! Times that can't hold: a step with less time than the waits in it, more tries than the time allows.

use super::model::{Call, Does, Step, Template};
use super::problem::Problem;
use super::subflows::MAX_DEPTH;
use std::collections::BTreeMap;

/// Seconds that a wait may take when its author does not say.
const WAIT_S: u64 = 600;
/// Tries of an action when its author does not say.
const ATTEMPTS: u32 = 5;

/// What is odd about the times of a template; `all` are those that it may call.
pub(crate) fn timing_of(template: &Template, all: &BTreeMap<String, Template>) -> Vec<Problem> {
    template
        .all_steps()
        .into_iter()
        .flat_map(|step| [too_short(step, all), too_many(step)])
        .flatten()
        .map(|(step, message, suggestion)| {
            Problem::at(&template.file, step.place, message).suggest(suggestion)
        })
        .collect()
}

type Odd<'a> = (&'a Step, String, String);

/// A step whose own time is shorter than that of the waits that it holds.
fn too_short<'a>(step: &'a Step, all: &BTreeMap<String, Template>) -> Option<Odd<'a>> {
    let own = step.timeout_s.filter(|_| is_block(step))?;
    let waits = inside(step, all, MAX_DEPTH);
    (waits > own).then(|| {
        let message = format!(
            "step `{}` has {}, and the waits in it may take {}",
            step.id,
            words(own),
            words(waits)
        );
        (step, message, format!("write `timeout: {}`, or shorten the waits", words(waits)))
    })
}

/// An action whose pauses between tries take all the time that it has.
fn too_many(step: &Step) -> Option<Odd<'_>> {
    let Does::Action { action, .. } = &step.does else { return None };
    let time = step.timeout_s.unwrap_or(action.timeout_s);
    let tries = step.attempts.unwrap_or(ATTEMPTS);
    let retry = &step.retry;
    let shortest = |number: u32| {
        let pause = retry.backoff_s.saturating_mul(1_u64 << number.min(30)).min(retry.most_s);
        pause - pause * u64::from(retry.jitter.min(100)) / 100
    };
    let pauses = (0..tries.saturating_sub(1)).map(shortest);
    let sum = pauses.fold(0_u64, u64::saturating_add);
    let said = step.attempts.is_some() || step.timeout_s.is_some();
    (said && sum >= time).then(|| {
        let message = format!(
            "step `{}` has {}, and the pauses between {tries} tries alone take {}",
            step.id,
            words(time),
            words(sum)
        );
        (step, message, "fewer `attempts`, a shorter `backoff` or a longer `timeout`".into())
    })
}

fn is_block(step: &Step) -> bool {
    match &step.does {
        Does::Subflow(_) | Does::Steps(_) | Does::Parallel { .. } | Does::Branch(_) => true,
        // How many items there will be is not known.
        Does::ForEach(_) => true,
        Does::Action { .. }
        | Does::WaitFor(_)
        | Does::Approval { .. }
        | Does::Notify { .. }
        | Does::HandOver { .. } => false,
    }
}

/// Seconds that a step may wait.
fn waits(step: &Step, all: &BTreeMap<String, Template>, depth: usize) -> u64 {
    let own = match &step.does {
        Does::WaitFor(_) => step.timeout_s.unwrap_or(WAIT_S),
        Does::Action { .. }
        | Does::Approval { .. }
        | Does::Notify { .. }
        | Does::HandOver { .. } => 0,
        Does::Subflow(_)
        | Does::Steps(_)
        | Does::Parallel { .. }
        | Does::Branch(_)
        | Does::ForEach(_) => {
            let inside = inside(step, all, depth);
            step.timeout_s.map_or(inside, |most| inside.min(most))
        }
    };
    own.saturating_add(step.verify.as_ref().map_or(0, |(_, within_s)| *within_s))
}

/// Seconds that the steps in a step may wait: one item's, of a `for_each`.
fn inside(step: &Step, all: &BTreeMap<String, Template>, depth: usize) -> u64 {
    let Some(deeper) = depth.checked_sub(1) else { return 0 };
    let sum = |steps: &[Step]| {
        steps.iter().map(|step| waits(step, all, deeper)).fold(0, u64::saturating_add)
    };
    match &step.does {
        Does::Steps(steps) => sum(steps),
        Does::ForEach(each) => sum(&each.steps),
        Does::Parallel { steps, .. } => {
            steps.iter().map(|step| waits(step, all, deeper)).max().unwrap_or(0)
        }
        Does::Branch(arms) => arms.iter().map(|arm| sum(&arm.steps)).max().unwrap_or(0),
        Does::Subflow(Call { name, .. }) => all.get(name).map_or(0, |called| sum(&called.steps)),
        Does::Action { .. }
        | Does::WaitFor(_)
        | Does::Approval { .. }
        | Does::Notify { .. }
        | Does::HandOver { .. } => 0,
    }
}

/// As templates write it: `90s`, `10m`, `2h`.
fn words(seconds: u64) -> String {
    match seconds {
        0 => "0s".into(),
        whole if whole % 3_600 == 0 => format!("{}h", whole / 3_600),
        whole if whole % 60 == 0 => format!("{}m", whole / 60),
        other => format!("{other}s"),
    }
}
