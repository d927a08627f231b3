//! A handover as lines for people: ASCII, what needs somebody first.

use crate::domain::report::handover::{CaseLine, Handover};
use crate::domain::time::{rfc3339, seconds_between, spoken};

/// The whole of it.
#[must_use]
pub fn handover(handover: &Handover) -> String {
    let mut out = String::new();
    let mut say = |line: String| {
        out.push_str(line.trim_end());
        out.push('\n');
    };
    let simulated = handover.simulated.as_ref().map_or("", |_| "SIMULATED ");
    say(format!("handover of {simulated}{}, {}", handover.cluster, rfc3339(handover.until)));
    say(format!("since {} ({})", rfc3339(handover.since), handover.since_why));
    match &handover.stop {
        Some(stop) => say(format!(
            "\nEVERYTHING IS STOPPED by {} since {}: {}",
            stop.by,
            rfc3339(stop.since),
            stop.reason
        )),
        None => say("nothing is stopped".into()),
    }
    for one in &handover.breakers {
        let (name, since) = (&one.destination, rfc3339(one.since));
        say(format!("breaker {name} {} since {since}: {}", one.state, one.cause));
    }
    for (title, lines) in [
        ("needs you", &handover.waits),
        ("held", &handover.held),
        ("goes on by itself", &handover.acting),
        ("ended since", &handover.ended),
    ] {
        say(format!("\n{title}: {}", lines.len()));
        for line in lines {
            case(handover, line).into_iter().for_each(&mut say);
        }
    }
    say(format!("\nwhat people did since: {}", handover.people.len()));
    for deed in &handover.people {
        let id = deed.id.as_ref().map_or("-", |id| short(id.as_str()));
        say(format!("  {}  {id:<4}  {}", deed.at.format("%m-%d %H:%M:%SZ"), deed.text));
    }
    if handover.alerts_only_recorded > 0 {
        say(format!("\nalerts that opened no case: {}", handover.alerts_only_recorded));
    }
    out
}

fn case(handover: &Handover, line: &CaseLine) -> Vec<String> {
    let state = line.outcome.as_deref().unwrap_or(line.state.word());
    let since = spoken(seconds_between(line.since, handover.until));
    let until = line.until.map_or_else(String::new, |at| {
        let left = seconds_between(handover.until, at);
        if left < 0 { "; was due".into() } else { format!("; until in {}", spoken(left)) }
    });
    let mut lines = vec![format!(
        "  {}  {state:<17} {}  {}  {since} ago{until}",
        short(line.id.as_str()),
        line.target,
        line.what
    )];
    if !line.why.is_empty() && line.why != line.what {
        lines.push(format!("        {}", line.why));
    }
    if !line.command.is_empty() {
        lines.push(format!("        pilothouse {}", line.command.replace("; ", "; pilothouse ")));
    }
    lines
}

fn short(id: &str) -> &str {
    id.get(..4).unwrap_or(id)
}
