//! The report of a period: how many cases came out how, how well templates did, what waits, and a row for each case.
//!
//! A case belongs to the period when it was opened before the period's end and was open in it. How it stands is how it
//! stood at that end; the stop, breakers and figures are those of the moment when the report was made.

use super::form::REPORT_SCHEMA;
use super::handover::{BreakerLine, CaseLine, StopLine, breaker_lines, line};
use crate::domain::breaker::View;
use crate::domain::diagnosis::{Cause, Pattern};
use crate::domain::effectiveness::{Assessment, By, Record, assess};
use crate::domain::id::{ClusterId, PlanDigest, RemediationId};
use crate::domain::remediation::{Remediation, State};
use crate::domain::resource::ObjectKey;
use crate::domain::time::{Timestamp, plus, seconds_between};
use crate::domain::workflow::plan::Risk;
use serde::Serialize;
use std::collections::BTreeMap;

/// How a case can stand, in the order of charts: the outcomes, and `open`.
pub const STANDINGS: [&str; 11] = [
    "effective",
    "recovered",
    "ineffective",
    "inconclusive",
    "regressed",
    "failed",
    "handed_over",
    "rejected",
    "cancelled",
    "merged",
    "open",
];
/// Most parts that a period is divided into for its chart.
const PARTS: i64 = 62;
const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 86_400;

/// Cases by how they stand; a member for each of [`STANDINGS`].
pub type Counts = BTreeMap<&'static str, u32>;

/// Which cases are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// Only those whose target is in this namespace.
    pub namespace: Option<String>,
    /// Only those with a plan of this template (`high-memory`, or `high-memory@3`).
    pub template: Option<String>,
}

impl Filter {
    fn fits(&self, namespace: Option<&str>, template: Option<&str>) -> bool {
        let name = template.and_then(|template| template.split('@').next());
        self.namespace.as_deref().is_none_or(|wanted| namespace == Some(wanted))
            && self
                .template
                .as_deref()
                .is_none_or(|wanted| template == Some(wanted) || name == Some(wanted))
    }
}

/// One case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseRow {
    /// Which.
    pub id: RemediationId,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When its last event was.
    pub updated_at: Timestamp,
    /// Where it is.
    pub state: State,
    /// How it ended; `null` while it is open.
    pub outcome: Option<String>,
    /// Whether a person has to act.
    pub needs_person: bool,
    /// What it is about.
    pub target: Option<ObjectKey>,
    /// Kind of trouble.
    pub pattern: Option<Pattern>,
    /// Why.
    pub cause: Option<Cause>,
    /// 0 to 1.
    pub confidence: Option<f64>,
    /// Template and version of its last plan: `high-memory@3`.
    pub template: Option<String>,
    /// Digest of that plan.
    pub plan: Option<PlanDigest>,
    /// Its risk.
    pub risk: Option<Risk>,
    /// What is or was done, in a few words.
    pub what: String,
    /// Why it stands as it does.
    pub why: String,
    /// Operating-system users who decided, in order.
    pub decided_by: Vec<String>,
    /// When the last of them did.
    pub decided_at: Option<Timestamp>,
    /// When its last run began.
    pub started_at: Option<Timestamp>,
    /// When that ended.
    pub ended_at: Option<Timestamp>,
    /// When it was seen well.
    pub recovered_at: Option<Timestamp>,
    /// When the same cause came back after it was effective.
    pub back_at: Option<Timestamp>,
    /// Its alerts.
    pub alerts: usize,
    /// Those that fire.
    pub alerts_firing: usize,
    /// Who claimed it.
    pub claimed_by: Option<String>,
    /// Position of its first event in the log.
    pub first_event: u64,
    /// Position of its last event.
    pub last_event: u64,
}

impl CaseRow {
    /// Of a case; `record` is what figures know of it, if anything.
    #[must_use]
    pub fn of(case: &Remediation, record: Option<&Record>) -> Self {
        let CaseLine { what, why, .. } = line(case);
        let diagnosis = case.diagnosis.as_ref();
        let plan = case.plan.as_deref();
        let run = case.execution.as_ref();
        Self {
            id: case.id.clone(),
            opened_at: case.opened_at,
            updated_at: case.updated_at,
            state: case.state,
            outcome: case.outcome.as_ref().map(|outcome| outcome.word().to_string()),
            needs_person: case.needs_person(),
            target: case.target_key(),
            pattern: diagnosis.map(|found| found.pattern),
            cause: diagnosis.map(|found| found.cause),
            confidence: diagnosis.map(|found| found.confidence),
            template: template_of(case),
            plan: plan.map(|plan| plan.digest.clone()),
            risk: plan.map(|plan| plan.risk),
            what,
            why,
            decided_by: case.approvals.iter().map(|one| one.by.os_user.clone()).collect(),
            decided_at: case.approvals.iter().map(|one| one.at).max(),
            started_at: run.map(|run| run.started_at),
            ended_at: run.and_then(|run| run.ended_at),
            recovered_at: record.and_then(|record| record.recovered_at),
            back_at: record.and_then(|record| record.back_at),
            alerts: case.alerts.len(),
            alerts_firing: case.firing(),
            claimed_by: case.claimed_by.clone(),
            first_event: case.events.0,
            last_event: case.events.1,
        }
    }

    /// How it stands: one of [`STANDINGS`].
    #[must_use]
    pub fn standing(&self) -> &'static str {
        let word = self.outcome.as_deref().unwrap_or("open");
        STANDINGS.into_iter().find(|one| *one == word).unwrap_or("open")
    }
}

fn template_of(case: &Remediation) -> Option<String> {
    let plan = case.plan.as_deref()?;
    Some(format!("{}@{}", plan.template.name, plan.template.version))
}

/// A part of the period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Its first moment.
    pub from: Timestamp,
    /// The cases that were opened in it, by how they stand at the end of the period.
    pub counts: Counts,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Period {
    /// Version of this form.
    pub schema: &'static str,
    /// The cluster's display name.
    pub cluster: String,
    /// uid of its kube-system namespace.
    pub cluster_uid: ClusterId,
    /// Scenario and seed in words when the cluster is simulated.
    pub simulated: Option<String>,
    /// From when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// When the report was made.
    pub made_at: Timestamp,
    /// Which cases are meant.
    pub filter: Filter,
    /// All cases by how they stand.
    pub counts: Counts,
    /// Those that were opened before the period.
    pub opened_before: u32,
    /// Seconds that a part lasts.
    pub part_s: u64,
    /// The period in parts, oldest first.
    pub parts: Vec<Part>,
    /// Figures of the cases that ended in it, by template.
    pub effectiveness: Assessment,
    /// The stop in force when this was made.
    pub stop: Option<StopLine>,
    /// Breakers that were not closed when this was made.
    pub breakers: Vec<BreakerLine>,
    /// What needs a person, nearest deadline first.
    pub waits: Vec<CaseLine>,
    /// What is paused, by hand, blocked or lapsed.
    pub held: Vec<CaseLine>,
    /// A row for each case, oldest first.
    pub remediations: Vec<CaseRow>,
    /// Position of the log's head when this was made.
    pub head_event: u64,
    /// Hash of that head.
    pub head_hash: String,
}

/// What a period is made of.
#[derive(Debug)]
pub struct Sources<'a> {
    /// The cluster's display name.
    pub cluster: String,
    /// Its uid.
    pub cluster_uid: ClusterId,
    /// Scenario and seed in words when the cluster is simulated.
    pub simulated: Option<String>,
    /// From when and until when.
    pub period: (Timestamp, Timestamp),
    /// Now.
    pub made_at: Timestamp,
    /// Which cases are meant.
    pub filter: Filter,
    /// The stop in force.
    pub stop: Option<StopLine>,
    /// All breakers.
    pub breakers: &'a [View],
    /// All cases that may belong to it, each as it stood at its end.
    pub cases: &'a [Remediation],
    /// Records of the cases that ended.
    pub records: &'a [Record],
    /// Position and hash of the log's head.
    pub head: (u64, String),
}

impl Period {
    /// The fold.
    #[must_use]
    pub fn of(sources: Sources<'_>) -> Self {
        let Sources { filter, records, period: (since, until), .. } = sources;
        let by_id = records.iter().map(|record| (&record.id, record)).collect::<BTreeMap<_, _>>();
        let mut cases = sources.cases.iter().filter(|case| {
            let in_it = case.state != State::Closed || case.updated_at >= since;
            let namespace = case.target_key().map(|key| key.namespace);
            in_it && filter.fits(namespace.as_deref(), template_of(case).as_deref())
        });
        let mut remediations = Vec::new();
        let (mut waits, mut held) = (Vec::new(), Vec::new());
        for case in &mut cases {
            remediations.push(CaseRow::of(case, by_id.get(&case.id).copied()));
            let due = case.request.as_ref().map(|request| request.expires_at);
            if case.needs_person() {
                waits.push((due, line(case)));
            } else if is_held(case.state) {
                held.push(line(case));
            }
        }
        waits.sort_by_key(|(due, line)| (due.is_none(), *due, line.since, line.id.clone()));
        held.sort_by_key(|line| (line.since, line.id.clone()));
        remediations.sort_by_key(|row| (row.opened_at, row.id.clone()));
        let (part_s, parts) = parts(&remediations, since, until);
        let ended = |record: &Record| {
            let namespace = record.target.as_ref().map(|target| target.namespace.as_str());
            record.ended_at < until && filter.fits(namespace, record.template.as_deref())
        };
        let opened_before = remediations.iter().filter(|row| row.opened_at < since).count();
        Self {
            schema: REPORT_SCHEMA,
            cluster: sources.cluster,
            cluster_uid: sources.cluster_uid,
            simulated: sources.simulated,
            since,
            until,
            made_at: sources.made_at,
            effectiveness: assess(records, By::Template, Some(since), sources.made_at, ended),
            filter,
            counts: counts(remediations.iter()),
            opened_before: u32::try_from(opened_before).unwrap_or(u32::MAX),
            part_s,
            parts,
            stop: sources.stop,
            breakers: breaker_lines(sources.breakers),
            waits: waits.into_iter().map(|(_, line)| line).collect(),
            held,
            remediations,
            head_event: sources.head.0,
            head_hash: sources.head.1,
        }
    }
}

fn is_held(state: State) -> bool {
    match state {
        State::Blocked | State::Paused | State::ByHand | State::Expired => true,
        State::Diagnosing
        | State::Planning
        | State::AwaitingApproval
        | State::Running
        | State::Undoing
        | State::Verifying
        | State::Closed => false,
    }
}

fn counts<'a>(rows: impl Iterator<Item = &'a CaseRow>) -> Counts {
    let mut counts = STANDINGS.into_iter().map(|standing| (standing, 0)).collect::<Counts>();
    for row in rows {
        *counts.entry(row.standing()).or_default() += 1;
    }
    counts
}

/// Hours, days, weeks or more, so that there are not too many.
fn parts(rows: &[CaseRow], since: Timestamp, until: Timestamp) -> (u64, Vec<Part>) {
    let span = seconds_between(since, until).max(1);
    let units = [HOUR_S, 6 * HOUR_S, DAY_S, 7 * DAY_S, 30 * DAY_S];
    let fits = |unit: &&i64| span / **unit < PARTS;
    let unit = units.iter().find(fits).copied().unwrap_or(span / PARTS + 1);
    let mut parts = Vec::new();
    let part_s = unit.unsigned_abs();
    let mut from = since;
    while from < until {
        let to = plus(from, part_s);
        let opened = rows.iter().filter(|row| row.opened_at >= from && row.opened_at < to);
        parts.push(Part { from, counts: counts(opened) });
        from = to;
    }
    (part_s, parts)
}
