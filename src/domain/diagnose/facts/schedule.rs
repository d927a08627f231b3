//! Why a CronJob starts nothing, where no Job of it says so.

use super::gather::Facts;
use super::status::quoted;
use crate::domain::diagnose::event::Event;
use crate::domain::diagnose::fields::{int, items, moment, name, text};
use crate::domain::diagnose::picture::Picture;
use crate::domain::time::{seconds_between, spoken};

/// Reasons of a CronJob's own events that tell of a start that was not made.
const SAID: [&str; 8] = [
    "JobAlreadyActive",
    "MissSchedule",
    "TooManyMissedTimes",
    "FailedNeedsStart",
    "UnparseableSchedule",
    "UnparseableCronJobSchedule",
    "InvalidSchedule",
    "UnknownTimeZone",
];

pub(super) fn schedule(picture: &Picture<'_>, out: &mut Facts) {
    let workload = &picture.workload;
    if workload.kind() != "CronJob" {
        return;
    }
    let path = workload.reference.key.path();
    let said = |event: &&Event<'_>| {
        SAID.contains(&event.reason()) && event.about() == workload.reference.uid
    };
    if let Some(event) = picture.own_events.iter().filter(said).max_by_key(|event| event.last()) {
        let text = format!("{}: {}", event.reason(), quoted(event.message(), 200));
        out.add_at("cron-says", text, event.source(), event.last());
    }
    let active = items(workload.object, &["status", "active"]).len();
    let policy = text(workload.object, &["spec", "concurrencyPolicy"]);
    let running = workload.jobs.iter().find(|job| int(job, &["status", "active"]).unwrap_or(0) > 0);
    if let Some(job) = running.filter(|_| active > 0 && policy == "Forbid") {
        let started = moment(job, &["status", "startTime"]);
        let long = started.map_or_else(String::new, |at| {
            format!(" for {}", spoken(seconds_between(at, picture.now)))
        });
        let ends = match int(job, &["spec", "activeDeadlineSeconds"]) {
            Some(seconds) => format!("activeDeadlineSeconds ends it after {}", spoken(seconds)),
            None => "it has no activeDeadlineSeconds that would end it".into(),
        };
        let words = format!(
            "Job {} has been running{long}, and concurrencyPolicy Forbid starts no other meanwhile; {ends}",
            name(job)
        );
        out.add("cron-waits", words, format!("{path}: spec.concurrencyPolicy"));
    }
}
