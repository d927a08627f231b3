//! network-issue, dns-failing: names of the cluster are not resolved.

use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::DnsFailing, weigh, say };

/// A name that is not resolved though its Service exists, look-ups without an answer, or a DNS without a ready endpoint. A Service that exists and
/// has nothing behind it would not answer by its address either.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.any(&["name-is-known", "dns-not-ready", "dns-unanswered"]) {
        return None;
    }
    let scale = seen
        .weigh(Pattern::NetworkIssue, Cause::DnsFailing)
        .speaks_for("dependency-complaint", 0.3)
        .speaks_for("name-is-known", 0.3)
        .speaks_for("dns-unanswered", 0.4)
        .speaks_for("dns-not-ready", 0.35)
        .speaks_against("dns-ready", 0.15)
        .speaks_against("egress-denied", 0.5)
        .speaks_against("dependency-outside", 0.1)
        .speaks_against("oom-killed", 0.4)
        .speaks_against("configuration-missing", 0.4);
    let mut weighed = scale.relies_on(&["missing-dns", "missing-services"]).done();
    let dns = seen.picture.dependency.as_ref().and_then(|one| one.dns.as_ref());
    weighed.culprit = dns.and_then(|dns| dns.culprit()).map(|one| one.reference.clone());
    Some(weighed)
}

fn say(seen: &Seen<'_>) -> String {
    format!(
        "names are not resolved: {}",
        seen.quote(&["dns-not-ready", "dependency-complaint", "name-is-known", "dns-unanswered"])
    )
}
