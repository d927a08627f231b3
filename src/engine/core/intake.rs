//! Alerts: which case they join, open, or why neither.

use super::fold::{Accepted, Core, Episode};
use crate::domain::alert::{Alert, AlertStatus};
use crate::domain::event::{Event, Outcome};
use crate::domain::id::RemediationId;
use crate::domain::principal::Principal;
use crate::domain::resource::ObjectKey;
use crate::domain::time::{Timestamp, seconds_between};
use crate::engine::job::Taken;
use std::collections::BTreeMap;

/// Seconds after which an alert that was found recovered, and still fires, opens a case again.
const REOPEN_AFTER_S: i64 = 600;

impl Core {
    /// Takes one alert in.
    pub(super) fn take_alert(&mut self, out: &mut Accepted, taken: &Taken, now: Timestamp) {
        let alert = &taken.alert;
        if let Some(id) = self.case_of_fingerprint(alert) {
            self.join(out, &id, alert, now);
            return;
        }
        if let Some(why) = self.why_ignored(alert, now) {
            self.ignore(out, alert, &why, now);
            return;
        }
        let named = crate::domain::diagnose::named_object(alert);
        if let Some(id) = self.case_of_owner(taken.owner.as_ref(), named.as_ref()) {
            self.join(out, &id, alert, now);
            return;
        }
        let event = Event::Opened { alert: alert.clone(), owner: taken.owner.clone() };
        self.emit(out, now, &Principal::engine(), Some(&taken.fresh), event);
        out.remediation = Some(taken.fresh.clone());
    }

    /// Notes that an alert can't be stored, and is left out.
    pub fn alert_unstorable(&mut self, number: u64, why: &str, now: Timestamp) -> Accepted {
        let mut out = Accepted::default();
        let event = Event::CommandRefused {
            command: "alert".into(),
            plan: None,
            by: Principal::engine(),
            refusal: "invalid".into(),
            why: format!("number {number} of the inbox can't be stored: {why}"),
        };
        self.emit(&mut out, Self::stored_time(now), &Principal::engine(), None, event);
        out
    }

    /// Whether this alert, as it is, would change nothing.
    #[must_use]
    pub fn knows(&self, alert: &Alert) -> bool {
        if let Some(id) = self.case_of_fingerprint(alert) {
            return self.same_as_known(&id, alert);
        }
        let episode = episode(alert);
        self.ignored.contains(&(episode, alert.status)) && alert.status == AlertStatus::Resolved
            || self.silent_past(alert).is_some()
    }

    /// Alerts of open cases, and of episodes that go on, that fire, as far as is known.
    #[must_use]
    pub fn firing_alerts(&self) -> Vec<Alert> {
        self.open
            .values()
            .filter(|case| case.is_open())
            .flat_map(|case| case.alerts.values())
            .filter(|alert| alert.status == AlertStatus::Firing)
            .chain(self.settled_alerts())
            .map(|alert| (alert.fingerprint.as_str(), alert))
            .collect::<BTreeMap<_, _>>()
            .into_values()
            .cloned()
            .collect()
    }

    fn case_of_fingerprint(&self, alert: &Alert) -> Option<RemediationId> {
        self.open
            .values()
            .find(|case| case.is_open() && case.alerts.contains_key(alert.fingerprint.as_str()))
            .map(|case| case.id.clone())
    }

    fn case_of_owner(
        &self,
        owner: Option<&ObjectKey>,
        named: Option<&ObjectKey>,
    ) -> Option<RemediationId> {
        self.open
            .values()
            // A plan that a person asked for is about what they named, not about whatever else befalls it.
            .filter(|case| case.is_open() && case.asked_for.is_none())
            .find(|case| {
                let target = case.target_key();
                let same = |key: Option<&ObjectKey>| {
                    key.is_some() && (key == case.owner.as_ref() || key == target.as_ref())
                };
                same(owner) || same(named)
            })
            .map(|case| case.id.clone())
    }

    fn same_as_known(&self, id: &RemediationId, alert: &Alert) -> bool {
        self.open
            .get(id)
            .and_then(|case| case.alerts.get(alert.fingerprint.as_str()))
            .is_some_and(|known| known.status == alert.status && known.starts_at == alert.starts_at)
    }

    fn join(&mut self, out: &mut Accepted, id: &RemediationId, alert: &Alert, now: Timestamp) {
        out.remediation = Some(id.clone());
        if !self.same_as_known(id, alert) {
            let event = Event::AlertJoined { alert: alert.clone() };
            self.emit(out, now, &Principal::engine(), Some(id), event);
        }
    }

    /// Why no case is opened for an alert that belongs to none.
    fn why_ignored(&self, alert: &Alert, now: Timestamp) -> Option<String> {
        if alert.status == AlertStatus::Resolved {
            return Some("it is resolved, and no open case has it".into());
        }
        for (label, wanted) in &self.settings.policy.alerts_match {
            if alert.labels.get(label) != Some(wanted) {
                return Some(format!("label {label} is not {wanted}: not of this cluster"));
            }
        }
        let past = self.episodes.get(&episode(alert))?;
        let ago = seconds_between(past.at, now);
        match &past.outcome {
            Outcome::Recovered if ago >= REOPEN_AFTER_S && !past.heartbeat => None,
            Outcome::Merged { into } => {
                self.episodes.values().find(|other| other.id == *into).map(|other| {
                    format!("case {into} of the same episode ended {}", other.outcome.word())
                })
            }
            Outcome::Effective
            | Outcome::Ineffective
            | Outcome::Regressed
            | Outcome::Inconclusive
            | Outcome::HandedOver
            | Outcome::Rejected
            | Outcome::Cancelled
            | Outcome::Failed
            | Outcome::Recovered => {
                Some(format!("case {} of the same episode ended {}", past.id, past.outcome.word()))
            }
        }
    }

    fn silent_past(&self, alert: &Alert) -> Option<()> {
        let known = self.ignored.contains(&(episode(alert), alert.status));
        let past = self.episodes.get(&episode(alert))?;
        (known && past.outcome != Outcome::Recovered).then_some(())
    }

    fn ignore(&mut self, out: &mut Accepted, alert: &Alert, why: &str, now: Timestamp) {
        if !self.ignored.contains(&(episode(alert), alert.status)) {
            let event = Event::AlertIgnored { alert: alert.clone(), why: why.to_string() };
            self.emit(out, now, &Principal::engine(), None, event);
        }
    }
}

fn episode(alert: &Alert) -> Episode {
    (alert.fingerprint.as_str().to_string(), alert.starts_at)
}
