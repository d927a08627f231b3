//! `optimise_resources`: requests of one container from what it used.
//!
//! The figure is the highest of all its pods: 95 % of the time for CPU, always for memory, over the window, and some
//! headroom, rounded up so that a plan made again a minute later is the same. Limits stay as they are.

use super::parameter::{
    ActionParameter,
    ActionParameterKind::{Text, Whole},
};
use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::{set_resources, workload};
use crate::domain::diagnose::fields::{text, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::evidence::{Progress, Read, Series};
use crate::domain::expr::escape_promql;
use crate::domain::quantity;
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Memory is rounded up to this, CPU to that many thousandths.
const MEMORY_STEP: u64 = 16 << 20;
const CPU_STEP: u64 = 10;

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Limits,
    risk: Risk::Medium,
    mutates: true,
    undoable: true,
    timeout_s: 60,
    describe: "Sets the requests of one container to what it used, with headroom; its pods roll.",
    undone_by: "the prior values, while the fields still hold ours",
    needs: "Prometheus with cadvisor's container metrics",
    parameters: &[
        ActionParameter::required("container", Text, "name of the container"),
        ActionParameter::optional(
            "headroom_percent",
            Whole { least: 5, most: 200 },
            "how much above what was used; 25 unless said",
        ),
        ActionParameter::optional(
            "window_hours",
            Whole { least: 1, most: 336 },
            "how far back is looked; 24 unless said",
        ),
    ],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = request.target;
    let Some(object) = workload::live(target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    workload::rolls(target, object)?;
    let wanted = request.text("container").unwrap_or_default();
    let Some((_, held)) = set_resources::container(object, wanted) else {
        return Err(ActionError(format!("{} has no container {wanted}", target.key.path())));
    };
    let hours = request.whole("window_hours").unwrap_or(24);
    let matching = format!(
        "namespace=\"{}\",pod=~\"{}-.+\",container=\"{}\"",
        escape_promql(&target.key.namespace),
        escape_promql(&target.key.name),
        escape_promql(wanted)
    );
    let memory =
        format!("max(max_over_time(container_memory_working_set_bytes{{{matching}}}[{hours}h]))");
    let cpu = format!(
        "max(quantile_over_time(0.95, rate(container_cpu_usage_seconds_total{{{matching}}}[2m])[{hours}h:1m]))"
    );
    let memory = reader.series(Read::Query { promql: memory });
    let cpu = reader.series(Read::Query { promql: cpu });
    if reader.pending() {
        return Ok(Progress::Need(reader.needs()));
    }
    let headroom =
        100 + u64::try_from(request.whole("headroom_percent").unwrap_or(25)).unwrap_or(25);
    let memory = figure(memory, "memory", hours)?;
    let cpu = figure(cpu, "CPU", hours)?;
    let bytes = rounded(memory, headroom, MEMORY_STEP);
    let milli = rounded(cpu * 1_000.0, headroom, CPU_STEP);
    let limit = |resource: &str| value(held, &["resources", "limits", resource]);
    let bytes =
        limit("memory").and_then(super::parameter::bytes).map_or(bytes, |most| bytes.min(most));
    let milli =
        limit("cpu").and_then(super::parameter::milli).map_or(milli, |most| milli.min(most));
    let mut params = BTreeMap::from([("container".to_string(), json!(wanted))]);
    let now = |resource: &str| text(held, &["resources", "requests", resource]).to_string();
    for (name, resource, after) in [
        ("memory_request", "memory", quantity::format_bytes(bytes)),
        ("cpu_request", "cpu", quantity::format_milli(milli)),
    ] {
        if now(resource) != after {
            params.insert(name.into(), Value::from(after));
        }
    }
    if params.len() == 1 {
        return Err(ActionError(format!("{wanted} requests just what it needs already")));
    }
    let inner = ActionRequest { params: &params, ..*request };
    let mut ready = match (set_resources::SPEC.compile)(&inner)? {
        Progress::Ready(ready) => ready,
        Progress::Need(reads) => return Ok(Progress::Need(reads)),
    };
    ready.notes.insert(
        0,
        format!(
            "within {hours} h its pods used up to {} memory and, 95 % of the time, {} CPU",
            quantity::spoken_bytes(whole(memory)),
            quantity::format_milli(whole(cpu * 1_000.0))
        ),
    );
    Ok(Progress::Ready(ready))
}

/// The newest value of the one series.
fn figure(got: Got<&[Series]>, what: &str, hours: i64) -> Result<f64, ActionError> {
    match got {
        Got::Have([series, ..]) => series
            .points
            .last()
            .map(|(_, value)| *value)
            .filter(|value| value.is_finite() && *value > 0.0)
            .ok_or_else(|| ActionError(format!("Prometheus has no {what} of it within {hours} h"))),
        Got::Have([]) | Got::Gone | Got::Pending => {
            Err(ActionError(format!("Prometheus has no {what} of it within {hours} h")))
        }
        Got::Unreadable(why) => Err(ActionError(format!("what {what} it used: {why}"))),
    }
}

fn rounded(used: f64, percent: u64, step: u64) -> u64 {
    let wanted = whole(used).saturating_mul(percent).div_ceil(100);
    wanted.div_ceil(step).max(1).saturating_mul(step)
}

/// Whole units, rounded up; figures of metrics are floats.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "finite and positive")]
fn whole(figure: f64) -> u64 {
    figure.ceil() as u64
}
