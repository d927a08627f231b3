//! Simulated people: who decides what, and when. Pure: no state, no clock.

use super::scenario::seconds;
use super::seeded::fnv64;
use crate::domain::approval::{Decision, Gesture};
use crate::domain::id::{PlanDigest, RemediationId};
use crate::domain::principal::{KubeIdentity, Principal, Transport};
use crate::domain::time::{Timestamp, plus};
use crate::domain::workflow::plan::Risk;
use serde::Deserialize;
use std::collections::BTreeSet;

/// An approval request as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The case.
    pub remediation: RemediationId,
    /// The plan.
    pub plan: PlanDigest,
    /// Its risk.
    pub risk: Risk,
    /// The target as [`crate::domain::resource::ObjectKey::path`] writes it.
    pub target: String,
    /// Name of the target, as a high risk asks to type it.
    pub name: String,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// People needed.
    pub people: u32,
}

/// What somebody does with such requests.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Habit {
    /// Who.
    pub who: String,
    /// Part of the target's path that it is about; empty: all.
    #[serde(default)]
    pub target: String,
    /// Risks that it is about; empty: all.
    #[serde(default)]
    pub risks: Vec<Risk>,
    /// What they do: `approve`, `reject`, `ignore`.
    pub does: Does,
    /// Seconds after it was asked, at least 1.
    #[serde(default = "a_minute", deserialize_with = "seconds")]
    pub after: u64,
    /// Up to so many seconds more, by seed.
    #[serde(default, deserialize_with = "seconds")]
    pub spread: u64,
    /// How many of a thousand requests it holds for, by seed; the others go to the next habit.
    #[serde(default = "always")]
    pub per_mille: u64,
    /// Why, for a rejection.
    #[serde(default)]
    pub reason: String,
}

/// What a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    /// Approves.
    Approve,
    /// Rejects.
    Reject,
    /// Nothing: the request expires.
    Ignore,
}

/// A decision that is due.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// When it was due.
    pub at: Timestamp,
    /// Who decides.
    pub by: Principal,
    /// The case.
    pub remediation: RemediationId,
    /// The plan that was on the screen.
    pub plan: PlanDigest,
    /// What.
    pub decision: Decision,
    /// How.
    pub gesture: Gesture,
    /// The name as typed, for a typed gesture.
    pub typed: Option<String>,
    /// Why, for a rejection.
    pub reason: String,
}

/// A decision that was passed on: case, plan, OS user.
pub type Made = (RemediationId, PlanDigest, String);

impl Due {
    /// What the driver notes of it.
    #[must_use]
    pub fn made(&self) -> Made {
        (self.remediation.clone(), self.plan.clone(), self.by.os_user.clone())
    }
}

/// The people of a scenario. The first habit that fits a request holds for it; where a plan needs two people, the
/// first habits of two different people hold.
#[derive(Debug, Clone, PartialEq)]
pub struct People {
    habits: Vec<Habit>,
    seed: u64,
    uid: u32,
}

impl People {
    /// People with these habits. `uid` is the OS user id that their commands carry: the store's owner, so that the
    /// rule for stores without a roles file lets them act.
    #[must_use]
    pub fn new(habits: Vec<Habit>, seed: u64, uid: u32) -> Self {
        Self { habits, seed, uid }
    }

    /// Decisions that are due at `now`, oldest first, but for those in `made`: the driver adds each
    /// that it has passed on.
    #[must_use]
    pub fn due(&self, now: Timestamp, open: &[Open], made: &BTreeSet<Made>) -> Vec<Due> {
        let mut due = self.all(open, made);
        due.retain(|one| one.at <= now);
        due.sort_by(|a, b| (a.at, &a.plan, &a.by.os_user).cmp(&(b.at, &b.plan, &b.by.os_user)));
        due
    }

    /// When the next decision is due.
    #[must_use]
    pub fn next_at(&self, open: &[Open], made: &BTreeSet<Made>) -> Option<Timestamp> {
        self.all(open, made).iter().map(|one| one.at).min()
    }

    fn all(&self, open: &[Open], made: &BTreeSet<Made>) -> Vec<Due> {
        open.iter()
            .flat_map(|request| self.of(request))
            .filter(|one| !made.contains(&one.made()))
            .collect()
    }

    fn of(&self, open: &Open) -> Vec<Due> {
        let mut due = Vec::new();
        let mut asked = BTreeSet::new();
        for (habit, number) in self.habits.iter().zip(0_u64..) {
            let dice = fnv64(format!("{}/{number}/{}", self.seed, open.plan).as_bytes());
            let fits = open.target.contains(&habit.target)
                && (habit.risks.is_empty() || habit.risks.contains(&open.risk))
                && dice % 1_000 < habit.per_mille;
            if !fits || !asked.insert(habit.who.as_str()) {
                continue;
            }
            let decision = match habit.does {
                Does::Ignore => return due,
                Does::Approve => Decision::Approve,
                Does::Reject => Decision::Reject,
            };
            let late = if habit.spread == 0 { 0 } else { (dice >> 20) % habit.spread };
            due.push(self.decision(
                open,
                habit,
                decision,
                plus(open.asked_at, habit.after.max(1) + late),
            ));
            if decision == Decision::Reject
                || due.len() >= usize::try_from(open.people).unwrap_or(1)
            {
                break;
            }
        }
        due
    }

    fn decision(&self, open: &Open, habit: &Habit, decision: Decision, at: Timestamp) -> Due {
        let (gesture, typed) = match (decision, open.risk) {
            (Decision::Reject, _) | (Decision::Approve, Risk::Low) => (Gesture::Key, None),
            (Decision::Approve, Risk::Medium) => (Gesture::Chord, None),
            (Decision::Approve, Risk::High | Risk::Critical) => {
                (Gesture::TypedName, Some(open.name.clone()))
            }
        };
        Due {
            at,
            by: self.person(&habit.who),
            remediation: open.remediation.clone(),
            plan: open.plan.clone(),
            decision,
            gesture,
            typed,
            reason: habit.reason.clone(),
        }
    }

    /// A simulated person as a principal.
    #[must_use]
    pub fn person(&self, who: &str) -> Principal {
        Principal {
            os_user: who.into(),
            uid: self.uid,
            kube: Some(KubeIdentity {
                username: format!("{who}@demo"),
                groups: vec!["system:masters".into(), "system:authenticated".into()],
            }),
            host: "simulated".into(),
            tty: String::new(),
            via: Transport::Simulated,
        }
    }
}

fn a_minute() -> u64 {
    60
}

fn always() -> u64 {
    1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn habit(who: &str, does: Does, target: &str) -> Habit {
        Habit {
            who: who.into(),
            target: target.into(),
            risks: Vec::new(),
            does,
            after: 90,
            spread: 0,
            per_mille: 1_000,
            reason: String::new(),
        }
    }

    fn open(target: &str, risk: Risk, people: u32) -> Open {
        Open {
            remediation: RemediationId::new("r"),
            plan: PlanDigest::new(target),
            risk,
            target: target.into(),
            name: "web".into(),
            asked_at: Timestamp::UNIX_EPOCH,
            people,
        }
    }

    fn at(seconds: u64) -> Timestamp {
        plus(Timestamp::UNIX_EPOCH, seconds)
    }

    #[test]
    fn a_decision_is_due_after_its_delay_and_only_once() {
        let people = People::new(vec![habit("mira", Does::Approve, "")], 1, 7);
        let requests = [open("shop/Deployment/web", Risk::Medium, 1)];
        let mut made = BTreeSet::new();
        assert_eq!(people.due(at(89), &requests, &made), Vec::new());
        assert_eq!(people.next_at(&requests, &made), Some(at(90)));
        let due = people.due(at(100), &requests, &made);
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].gesture, Gesture::Chord);
        assert_eq!(due[0].by.via, Transport::Simulated);
        made.insert(due[0].made());
        assert_eq!(people.due(at(100), &requests, &made), Vec::new());
    }

    #[test]
    fn the_first_habit_that_fits_holds_and_an_ignored_request_stays_open() {
        let people = People::new(
            vec![habit("mira", Does::Ignore, "shop/"), habit("jo", Does::Approve, "")],
            1,
            7,
        );
        let made = BTreeSet::new();
        assert_eq!(
            people.due(at(9_999), &[open("shop/Deployment/web", Risk::Low, 1)], &made),
            Vec::new()
        );
        assert_eq!(
            people.due(at(9_999), &[open("pay/Deployment/web", Risk::Low, 1)], &made).len(),
            1
        );
    }

    #[test]
    fn two_people_decide_where_two_are_needed() {
        let people = People::new(
            vec![habit("mira", Does::Approve, ""), habit("jo", Does::Approve, "")],
            1,
            7,
        );
        let due = people.due(at(999), &[open("a", Risk::Critical, 2)], &BTreeSet::new());
        assert_eq!(
            due.iter().map(|one| one.by.os_user.as_str()).collect::<Vec<_>>(),
            ["jo", "mira"]
        );
        assert_eq!(due[0].typed.as_deref(), Some("web"));
    }
}
