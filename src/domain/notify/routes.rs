//! Which channel hears of what, and when.

use super::channel::{ChannelKind, ChannelName};
use super::notice::{Notice, Topic};
use super::quiet::Quiet;
use crate::domain::diagnosis::Pattern;
use crate::domain::time::{Timestamp, plus};
use crate::domain::workflow::plan::Risk;
use std::collections::{BTreeMap, BTreeSet};

/// How a channel is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// What it is.
    pub kind: ChannelKind,
    /// What comes within so many seconds goes in one message; 0: each in one of its own.
    pub group_s: u64,
    /// When only what is urgent is told.
    pub quiet: Option<Quiet>,
    /// What could not be told for so many seconds is a dead letter.
    pub give_up_s: u64,
}

/// What goes where. Namespaces, risk and patterns narrow what is about a case; what is about the cluster as a whole,
/// and what is not known, is never narrowed away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Route {
    /// About what; empty: everything.
    pub topics: BTreeSet<Topic>,
    /// Over which channels.
    pub channels: BTreeSet<ChannelName>,
    /// Only cases in these; empty: all.
    pub namespaces: BTreeSet<String>,
    /// Only cases whose plan has this risk or more.
    pub at_least: Option<Risk>,
    /// Only cases of these patterns; empty: all.
    pub patterns: BTreeSet<Pattern>,
}

impl Route {
    fn takes(&self, notice: &Notice) -> bool {
        let about = notice.remediation.is_some();
        let known = |fits: bool, is_known: bool| !about || !is_known || fits;
        let namespaces = self.namespaces.is_empty()
            || known(self.namespaces.contains(&notice.namespace), !notice.namespace.is_empty());
        let risk = self
            .at_least
            .is_none_or(|least| known(notice.risk >= Some(least), notice.risk.is_some()));
        let patterns = self.patterns.is_empty()
            || notice.pattern.is_none_or(|pattern| self.patterns.contains(&pattern));
        (self.topics.is_empty() || self.topics.contains(&notice.topic))
            && namespaces
            && risk
            && patterns
    }
}

/// All channels and routes. Empty: nobody is told anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routes {
    /// The channels.
    pub channels: BTreeMap<ChannelName, Rules>,
    /// The routes; each that fits counts.
    pub routes: Vec<Route>,
}

impl Routes {
    /// The channels that a notice goes to.
    #[must_use]
    pub fn to(&self, notice: &Notice) -> BTreeSet<ChannelName> {
        let fitting = self.routes.iter().filter(|route| route.takes(notice));
        let channels = fitting.flat_map(|route| route.channels.iter().copied());
        channels
            .filter(|name| notice.channel != Some(*name) && self.channels.contains_key(name))
            .collect()
    }
}

impl Rules {
    /// From when on a notice may go out. `waiting`: when what waits already on the channel goes out.
    #[must_use]
    pub fn not_before(
        &self,
        notice: &Notice,
        waiting: impl Iterator<Item = Timestamp>,
        now: Timestamp,
    ) -> Timestamp {
        if notice.is_urgent() {
            return now;
        }
        if let Some(end) = self.quiet.and_then(|quiet| quiet.until(now)) {
            return end;
        }
        let latest = plus(now, self.group_s);
        waiting.filter(|at| *at > now && *at < latest).min().unwrap_or(latest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::RemediationId;
    use chrono::NaiveTime;

    fn name(text: &str) -> ChannelName {
        ChannelName::parse(text).unwrap()
    }

    fn rules() -> Rules {
        Rules { kind: ChannelKind::Slack, group_s: 30, quiet: None, give_up_s: 3_600 }
    }

    fn notice(topic: Topic, namespace: &str, risk: Option<Risk>) -> Notice {
        let remediation = (!namespace.is_empty()).then(|| RemediationId::new("r"));
        Notice { remediation, namespace: namespace.into(), risk, ..Notice::new(topic, "t") }
    }

    #[test]
    fn routes_choose_by_topic_namespace_risk_and_pattern() {
        let route = Route {
            topics: BTreeSet::from([Topic::NeedsApproval, Topic::Stopped]),
            channels: BTreeSet::from([name("oncall")]),
            namespaces: BTreeSet::from(["payments".into()]),
            at_least: Some(Risk::Medium),
            patterns: BTreeSet::from([Pattern::CrashLoop]),
        };
        let routes =
            Routes { channels: BTreeMap::from([(name("oncall"), rules())]), routes: vec![route] };
        let told = |notice: &Notice| !routes.to(notice).is_empty();
        let asked = notice(Topic::NeedsApproval, "payments", Some(Risk::High));
        assert!(told(&asked));
        assert!(!told(&Notice { topic: Topic::Ended, ..asked.clone() }));
        assert!(!told(&Notice { namespace: "shop".into(), ..asked.clone() }));
        assert!(!told(&Notice { risk: Some(Risk::Low), ..asked.clone() }));
        assert!(!told(&Notice { pattern: Some(Pattern::HighMemory), ..asked.clone() }));
        assert!(told(&Notice { pattern: Some(Pattern::CrashLoop), ..asked.clone() }));
        assert!(told(&Notice { risk: None, ..asked.clone() }), "what is not known is told");
        assert!(told(&notice(Topic::Stopped, "", None)), "the cluster is everybody's");
        let itself = Notice { channel: Some(name("oncall")), ..asked };
        assert!(!told(&itself), "a channel is not told of its own trouble");
    }

    #[test]
    fn what_comes_within_the_window_goes_together_and_what_is_urgent_at_once() {
        let now: Timestamp = "2026-07-01T20:30:00Z".parse().unwrap();
        let ended = notice(Topic::Ended, "shop", None);
        let first = rules().not_before(&ended, std::iter::empty(), now);
        assert_eq!(first, plus(now, 30));
        let second = rules().not_before(&ended, [first].into_iter(), plus(now, 20));
        assert_eq!(second, first);
        let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
        let quiet = Quiet { from: hour(20), to: hour(6), zone: chrono_tz::UTC };
        let night = Rules { quiet: Some(quiet), ..rules() };
        let morning: Timestamp = "2026-07-02T06:00:00Z".parse().unwrap();
        assert_eq!(night.not_before(&ended, std::iter::empty(), now), morning);
        for urgent in [
            notice(Topic::Regressed, "shop", None),
            notice(Topic::NeedsApproval, "shop", Some(Risk::Critical)),
        ] {
            assert_eq!(night.not_before(&urgent, std::iter::empty(), now), now);
        }
    }
}
