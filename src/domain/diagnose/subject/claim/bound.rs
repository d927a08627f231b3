//! A bound claim: how full its volume is, how fast it fills, and whether it can grow.

use super::read::Surroundings;
use crate::domain::diagnose::event::Event;
use crate::domain::diagnose::fields::{flag, moment, name, text};
use crate::domain::diagnose::reader::Reader;
use crate::domain::diagnose::subject::case::Case;
use crate::domain::diagnose::subject::findings::{Examined, Findings, Well, condition, quoted};
use crate::domain::diagnose::subject::growth::Growth;
use crate::domain::diagnosis::{Cause, Pattern};
use crate::domain::evidence::{Read, Series};
use crate::domain::quantity::{parse_bytes, spoken_bytes};
use crate::domain::time::spoken;

/// From this share on it is full: most file systems keep a few percent for themselves.
const FULL: f64 = 0.97;
/// From this share on it is worth a look.
const FILLING: f64 = 0.8;
/// What will be full within this is filling, whatever the share.
const SOON_S: f64 = 4.0 * 86_400.0;
/// Below this share it is well.
const ROOMY: f64 = 0.7;

pub(super) fn examine<'a>(
    case: &Case<'a>,
    around: &Surroundings<'a>,
    mut findings: Findings,
    reader: &mut Reader<'a>,
) -> Examined {
    let labels =
        format!("namespace=\"{}\",persistentvolumeclaim=\"{}\"", case.namespace(), case.name());
    let names = "used_bytes|capacity_bytes|available_bytes|inodes|inodes_used";
    let now = reader.series(Read::Query {
        promql: format!("{{__name__=~\"kubelet_volume_stats_({names})\",{labels}}}"),
    });
    let range = reader.series(Read::Range {
        promql: format!("max(kubelet_volume_stats_used_bytes{{{labels}}})"),
        window_s: 21_600,
        step_s: 60,
    });
    if reader.pending() {
        return Examined::Pending;
    }
    let figures = now.have().map(Figures::of).unwrap_or_default();
    if figures.is_empty() && reader.missing().iter().all(|fact| fact.id != "missing-metrics") {
        let what = format!("volume statistics of claim {}", case.name());
        reader.miss("missing-metrics", &what, "Prometheus has no series for it");
    }
    figures.note(&mut findings);
    if let Some(growth) = range.have().and_then(|all| Growth::of(all.first()?)) {
        filling(&figures, &growth, &mut findings);
    }
    resize(case, around, &mut findings);
    logs(case, around, &figures, &mut findings, reader);
    if reader.pending() {
        return Examined::Pending;
    }
    mounts(around, &mut findings);
    if !findings.any(&[
        "volume-full",
        "volume-filling",
        "volume-high",
        "inodes-full",
        "log-says-full",
    ]) && let Some(share) = figures.share().filter(|share| *share < ROOMY)
    {
        let why = format!("it is bound and {:.0} % full", share * 100.0);
        findings.well = Some(Well { why, since: None });
    }
    weigh(findings.sealed(reader))
}

/// The kubelet's figures.
#[derive(Debug, Default)]
struct Figures {
    used: Option<f64>,
    capacity: Option<f64>,
    available: Option<f64>,
    inodes: Option<f64>,
    inodes_used: Option<f64>,
}

impl Figures {
    fn of(series: &[Series]) -> Self {
        let figure = |wanted: &str| {
            let of_it = |one: &&Series| {
                one.labels
                    .get("__name__")
                    .and_then(|name| name.strip_prefix("kubelet_volume_stats_"))
                    == Some(wanted)
            };
            let newest = |one: &Series| one.points.last().copied();
            let points = series.iter().filter(of_it).filter_map(newest);
            points.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, value)| value)
        };
        Self {
            used: figure("used_bytes"),
            capacity: figure("capacity_bytes"),
            available: figure("available_bytes"),
            inodes: figure("inodes"),
            inodes_used: figure("inodes_used"),
        }
    }

    fn is_empty(&self) -> bool {
        self.used.is_none() && self.available.is_none()
    }

    /// How full it is for those who write to it: what is left counts, not what the file system keeps for itself.
    fn share(&self) -> Option<f64> {
        let capacity = self.capacity.filter(|capacity| *capacity > 0.0)?;
        match (self.available, self.used) {
            (Some(available), _) => Some((1.0 - available / capacity).clamp(0.0, 1.0)),
            (None, Some(used)) => Some((used / capacity).clamp(0.0, 1.0)),
            (None, None) => None,
        }
    }

    fn inode_share(&self) -> Option<f64> {
        let all = self.inodes.filter(|all| *all > 0.0)?;
        Some((self.inodes_used? / all).clamp(0.0, 1.0))
    }

    fn note(&self, findings: &mut Findings) {
        let source = || "Prometheus: kubelet_volume_stats".to_string();
        if let Some(share) = self.share() {
            let of = self.capacity.map_or_else(String::new, |all| format!(" of {}", bytes(all)));
            let left =
                self.available.map_or_else(String::new, |it| format!(", {} left", bytes(it)));
            let words = format!("its volume{of} is {:.0} % full{left}", share * 100.0);
            let id = match share {
                _ if share >= FULL => "volume-full",
                _ if share >= FILLING => "volume-high",
                _ => "volume-usage",
            };
            findings.add(id, words, source());
            findings.put("used_share", (share * 1000.0).round() / 1000.0);
        }
        if let Some(share) = self.inode_share() {
            findings.put("inodes_used_share", (share * 1000.0).round() / 1000.0);
            if share >= FULL {
                let words =
                    format!("{:.0} % of its inodes are used: too many small files", share * 100.0);
                findings.add("inodes-full", words, source());
            }
        }
        for (name, figure) in [("used_bytes", self.used), ("available_bytes", self.available)] {
            if let Some(figure) = figure {
                findings.put(name, whole(figure));
            }
        }
    }
}

fn filling(figures: &Figures, growth: &Growth, findings: &mut Findings) {
    findings.put("growth_bytes_per_hour", whole(growth.per_second.max(0.0) * 3_600.0));
    let Some(left) = figures.available.filter(|_| growth.steady()) else { return };
    let seconds = left / growth.per_second;
    if seconds > SOON_S || figures.share().is_some_and(|share| share >= FULL) {
        return;
    }
    findings.put("seconds_to_full", whole(seconds));
    let words = format!(
        "it grew by {}/h over the last {} and will be full in {}",
        bytes(growth.per_second * 3_600.0),
        spoken(seconds_of(growth.seconds)),
        spoken(seconds_of(seconds))
    );
    findings.add("volume-filling", words, "Prometheus: kubelet_volume_stats_used_bytes".into());
}

/// Whether it can grow, and whether it already does.
fn resize(case: &Case<'_>, around: &Surroundings<'_>, findings: &mut Findings) {
    let path = case.path();
    if let Some(class) = around.class(case.object) {
        let words = format!("class {}", name(class));
        let source = format!("StorageClass {}: allowVolumeExpansion", name(class));
        if flag(class, &["allowVolumeExpansion"]) {
            findings.add("can-grow", format!("{words} lets volumes grow"), source);
        } else {
            findings.add("can-not-grow", format!("{words} does not let volumes grow"), source);
        }
    }
    let wanted = parse_bytes(text(case.object, &["spec", "resources", "requests", "storage"]));
    let has = parse_bytes(text(case.object, &["status", "capacity", "storage"]));
    let behind = wanted.zip(has).is_some_and(|(wanted, has)| wanted > has);
    for kind in ["Resizing", "FileSystemResizePending", "ControllerResizeError", "NodeResizeError"]
    {
        if let Some(found) = condition(case.object, kind)
            && text(found, &["status"]) == "True"
        {
            let words = format!("{kind}: {}", quoted(text(found, &["message"]), 200));
            let at = moment(found, &["lastTransitionTime"]);
            findings.add_at("resize", words, format!("{path}: condition {kind}"), at);
        }
    }
    if let Some(event) = around.newest(&["VolumeResizeFailed", "FileSystemResizeFailed"]) {
        let words = format!("growing failed: {}", quoted(event.message(), 200));
        findings.add_at("resize-failed", words, event.source(), event.last());
    }
    if behind && let Some((wanted, has)) = wanted.zip(has) {
        let words =
            format!("it asks for {} and has {} so far", spoken_bytes(wanted), spoken_bytes(has));
        findings.add("resize-pending", words, format!("{path}: spec and status"));
    }
    findings.put("resize_pending", behind);
}

const FULL_WORDS: [&str; 4] =
    ["No space left on device", "ENOSPC", "Disk quota exceeded", "not enough disk space"];

/// Where there are no figures, what its pods say themselves.
fn logs<'a>(
    case: &Case<'a>,
    around: &Surroundings<'a>,
    figures: &Figures,
    findings: &mut Findings,
    reader: &mut Reader<'a>,
) {
    if figures.share().is_some_and(|share| share < FILLING) {
        return;
    }
    for pod in around.pods.iter().flatten().take(2) {
        for container in &pod.containers {
            let previous = container.waiting().0 == "CrashLoopBackOff";
            let started = container.last_run().is_some()
                || container.doing != crate::domain::diagnose::container::Doing::NotSaid;
            if !started {
                continue;
            }
            let key = super::read::pod_key(case, pod.name());
            let Some(log) = reader.logs(&key, container.name, previous).have() else { continue };
            let said =
                log.lines().rev().find(|line| FULL_WORDS.iter().any(|word| line.contains(word)));
            if let Some(line) = said {
                let words = format!("{} says: {}", pod.name(), quoted(line, 200));
                let source = format!("log of {} in {}", container.name, key.path());
                if !findings.has("log-says-full") {
                    findings.add("log-says-full", words, source);
                }
            }
        }
    }
}

/// Events of the claim's volume that keep pods from mounting it.
fn mounts(around: &Surroundings<'_>, findings: &mut Findings) {
    let event: Option<Event<'_>> = around.newest(&["FailedMount", "FailedAttachVolume"]);
    if let Some(event) = event {
        let words = format!("{}: {}", event.reason(), quoted(event.message(), 200));
        findings.add_at("mount-failed", words, event.source(), event.last());
    }
}

fn weigh(mut findings: Findings) -> Examined {
    let full = findings
        .weigh(Pattern::StorageIssue, Cause::VolumeFull)
        .first_for(&[("volume-full", 0.8), ("inodes-full", 0.8), ("log-says-full", 0.6)])
        .speaks_for("volume-filling", 0.05)
        .relies_on(&["missing-metrics", "missing-classes"]);
    let full = if findings.any(&["volume-full", "inodes-full"]) {
        full.speaks_for("log-says-full", 0.1).done()
    } else {
        full.speaks_against("volume-usage", 0.3).done()
    };
    let filling = findings
        .weigh(Pattern::StorageIssue, Cause::VolumeFilling)
        .speaks_for("volume-filling", 0.6)
        .first_for(&[("volume-high", if findings.has("volume-filling") { 0.2 } else { 0.6 })])
        .speaks_against("volume-full", 0.6)
        .speaks_against("log-says-full", 0.4)
        .relies_on(&["missing-metrics", "missing-classes"])
        .done();
    let grow = findings.quote(&["resize-failed", "resize-pending", "can-grow", "can-not-grow"]);
    let tail = if grow.is_empty() { String::new() } else { format!("; {grow}") };
    let ids = ["volume-full", "inodes-full", "log-says-full"];
    let say = format!("its volume is full: {}{tail}", findings.quote(&ids));
    findings.judge(full, say);
    let say = format!(
        "its volume fills up: {}{tail}",
        findings.quote(&["volume-filling", "volume-high"])
    );
    findings.judge(filling, say);
    findings.otherwise = findings.quote(&["volume-usage", "mount-failed", "resize", "claim"]);
    findings.done()
}

fn bytes(figure: f64) -> String {
    spoken_bytes(whole(figure))
}

/// Sizes are whole and far below 2^53; negative ones don't occur.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(figure: f64) -> u64 {
    figure.max(0.0) as u64
}

#[allow(clippy::cast_possible_truncation)]
fn seconds_of(figure: f64) -> i64 {
    figure as i64
}
