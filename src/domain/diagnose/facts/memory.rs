//! What limits and measured usage say.

use super::gather::Facts;
use crate::domain::diagnose::memory::{AT_LIMIT, SHORTEST_LIFE_S, Shape};
use crate::domain::diagnose::picture::Picture;
use crate::domain::quantity::spoken_bytes;
use crate::domain::time::spoken;

/// No container runtime starts anything in less.
const LEAST_BYTES: u64 = 1 << 20;

/// A limit in which no program could be: most often a unit that was mistaken.
pub(super) fn odd(picture: &Picture<'_>, out: &mut Facts) {
    let Some(focus) = &picture.focus else { return };
    let container = focus.container.name;
    if let Some(limit) = focus.container.resource("limits", "memory")
        && picture.limit().is_none_or(|bytes| bytes < LEAST_BYTES)
    {
        let thousandths = if limit.ends_with('m') { " (m: thousandths of a byte)" } else { "" };
        let text = format!(
            "the memory limit of {container} is {limit}{thousandths}, in which nothing runs: mebibytes are written Mi"
        );
        out.add("memory-limit-odd", text, format!("spec.containers[{container}].resources"));
    }
}

pub(super) fn memory(picture: &Picture<'_>, out: &mut Facts) {
    let Some(focus) = &picture.focus else { return };
    let container = focus.container.name;
    let words =
        |class: &str| focus.container.resource(class, "memory").unwrap_or("none").to_string();
    out.add(
        "memory-limit",
        format!(
            "container {container}: memory limit {}, request {}",
            words("limits"),
            words("requests")
        ),
        format!("spec.containers[{container}].resources"),
    );
    let Some(usage) = &picture.usage else { return };
    let source = "Prometheus: container_memory_working_set_bytes".to_string();
    let bytes = |value: f64| {
        // Sizes of memory are whole and far below 2^53; negative ones don't occur.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let whole = value.max(0.0) as u64;
        spoken_bytes(whole)
    };
    if let Some(limit) = picture.limit() {
        #[allow(clippy::cast_precision_loss)]
        let share = usage.peak / (limit as f64).max(1.0);
        let text = format!(
            "working set up to {} of {} ({:.0} %)",
            bytes(usage.peak),
            spoken_bytes(limit),
            share * 100.0
        );
        let id = if share >= AT_LIMIT { "usage-at-limit" } else { "usage" };
        out.add(id, text, source.clone());
    }
    let Some(life) = &usage.longest else {
        let lives = usage.lives.len();
        let text = format!(
            "{lives} lives sampled, none longer than {SHORTEST_LIFE_S} s: growth can't be told"
        );
        out.add("usage-short", text, source);
        return;
    };
    let line = format!(
        "{} → {} in {}, {}/min, R² {:.2}",
        bytes(life.first),
        bytes(life.last),
        spoken(seconds_of(life.seconds)),
        bytes(life.slope.abs() * 60.0),
        life.r2
    );
    match usage.shape {
        Shape::Growing => {
            out.add(
                "usage-growing",
                format!("working set grows through the whole life: {line}"),
                source.clone(),
            );
            if usage.grew.0 > 1 {
                let text = format!("{} of {} lives grew to their end", usage.grew.0, usage.grew.1);
                out.add("usage-growing-again", text, source);
            }
        }
        Shape::Flat => {
            let text = format!("working set is flat after its start: {line}");
            out.add("usage-flat", text, source);
        }
        Shape::Uneven => {
            let text = format!("working set goes up and down: {line}");
            out.add("usage-uneven", text, source);
        }
        Shape::TooShort => out.add("usage-short", "no life was long enough".into(), source),
    }
}

/// Whole seconds, for words.
fn seconds_of(seconds: f64) -> i64 {
    #[allow(clippy::cast_possible_truncation)]
    let whole = seconds as i64;
    whole
}
