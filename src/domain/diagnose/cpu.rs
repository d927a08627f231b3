//! How often a container is held back by its CPU limit, and how much it uses.

use super::container::Trouble;
use super::picture::Picture;
use super::reader::{Got, Reader};
use crate::domain::evidence::{Read, Series};
use crate::domain::quantity::parse_milli;

/// From this share of its periods a container counts as throttled (as the usual alert has it).
pub(crate) const THROTTLED: f64 = 0.25;
/// Usage from this share of the limit counts as *at the limit*.
pub(crate) const AT_LIMIT: f64 = 0.8;
/// Pods that one query asks for.
const PODS: usize = 8;

/// What was measured within the last minutes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cpu {
    /// Share of the periods in which it was held back, in the pod that is worst off.
    pub(crate) throttled: Option<f64>,
    /// CPUs that it uses, in the pod that uses most.
    pub(crate) used: Option<f64>,
    /// Its limit, in thousandths.
    pub(crate) limit_milli: u64,
}

/// Reads it, where the container has a CPU limit. Reads may be due after it.
pub(crate) fn read<'a>(picture: &Picture<'a>, reader: &mut Reader<'a>) -> Option<Cpu> {
    let focus = picture.focus.as_ref()?;
    if !matches!(focus.trouble, None | Some(Trouble::Crash)) {
        return None;
    }
    let limit_milli = focus.container.resource("limits", "cpu").and_then(parse_milli)?;
    let pods = if focus.pods.is_empty() { &picture.workload.pods } else { &focus.pods };
    let names = pods.iter().filter(|pod| !pod.node().is_empty()).take(PODS);
    let names = names.map(|pod| pod.name().replace('.', "\\\\.")).collect::<Vec<_>>().join("|");
    if names.is_empty() {
        return None;
    }
    let chosen = format!(
        "namespace=\"{}\",pod=~\"{names}\",container=\"{}\"",
        picture.namespace(),
        focus.container.name
    );
    let rate = |metric: &str| format!("sum by (pod) (rate({metric}{{{chosen}}}[3m]))");
    let throttled = format!(
        "{} / {}",
        rate("container_cpu_cfs_throttled_periods_total"),
        rate("container_cpu_cfs_periods_total")
    );
    let used = rate("container_cpu_usage_seconds_total");
    let most = |got: Got<&[Series]>| {
        let points = got.have()?.iter().filter_map(|one| one.points.last());
        points.map(|point| point.1).filter(|value| value.is_finite()).reduce(f64::max)
    };
    let throttled = most(reader.series(Read::Query { promql: throttled }));
    let used = most(reader.series(Read::Query { promql: used }));
    (throttled.is_some() || used.is_some()).then_some(Cpu { throttled, used, limit_milli })
}
