//! The command palette: verbs, ids, targets and screens, found by their letters. It opens things; it never decides.

use super::intent::Intent;
use super::model::Model;
use crate::domain::id::RemediationId;
use crate::domain::remediation::State;

/// Most entries that a search brings.
pub const FOUND_LIMIT: usize = 200;

/// What choosing an entry does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// As if its key had been pressed, about this case if one is named.
    Intent(Intent, Option<RemediationId>),
    /// Show a case.
    Show(RemediationId),
    /// Take a theme.
    Theme(String),
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Verb and object: `approve t4dx`.
    pub verb: String,
    /// What it is about.
    pub about: String,
    /// Its keys.
    pub keys: String,
    /// The same on the command line.
    pub same_as: String,
    /// Why it can't be done now.
    pub off: Option<String>,
    /// What it does.
    pub choice: Choice,
}

/// Why an intent can't be done now; `None`: it can.
#[must_use]
pub fn off(model: &Model, intent: Intent) -> Option<String> {
    let subject = model.subject();
    off_for(model, intent, subject.as_ref())
}

/// Why an intent can't be done now with a case; `None`: it can.
#[must_use]
pub fn off_for(model: &Model, intent: Intent, id: Option<&RemediationId>) -> Option<String> {
    let row = id.and_then(|id| model.row(id));
    match intent {
        Intent::OpenCard | Intent::OpenReject => match row {
            Some(row) if row.state == State::AwaitingApproval || row.asks => None,
            Some(_) => Some("nothing to decide on".into()),
            None => Some("nothing selected".into()),
        },
        Intent::Claim => match row {
            Some(row) if row.claimed_by.is_some() => {
                row.claimed_by.as_ref().map(|by| format!("claimed by {by}"))
            }
            Some(row) if row.needs_person => None,
            Some(_) => Some("it needs nobody".into()),
            None => Some("nothing selected".into()),
        },
        Intent::PlanAnew => match row {
            Some(row) if matches!(row.state, State::Expired | State::Blocked) => None,
            Some(_) => Some("neither expired nor blocked".into()),
            None => Some("nothing selected".into()),
        },
        steers if steers.steers() => super::update::steer::off(model, steers, id),
        Intent::Stop => model.snapshot.stop.as_ref().map(|_| "stopped already".into()),
        Intent::Start => model.snapshot.stop.is_none().then(|| "nothing is stopped".into()),
        _ => None,
    }
}

fn entries(model: &Model) -> Vec<Entry> {
    let mut out = Vec::new();
    let plain = [
        (Intent::GoOverview, "overview", "what needs you, acts, is held, is done", "list"),
        (Intent::GoApprovals, "approvals", "what needs a decision", "list"),
        (Intent::GoRemediations, "list", "all remediations", "list"),
        (
            Intent::GoBreakers,
            "breakers",
            "what can't be asked now, and what happens instead",
            "breakers",
        ),
        (Intent::GoEffectiveness, "effectiveness", "how well remediations worked", "effectiveness"),
        (Intent::GoAudit, "audit", "the event log", "audit show"),
        (Intent::GoLogs, "logs", "the engine's log", ""),
        (Intent::Help, "keys", "help", ""),
        (Intent::Stop, "stop", "STOP EVERYTHING: asks for a reason", "stop --reason TEXT"),
        (
            Intent::Start,
            "start",
            "lift the stop: asks for the cluster's name",
            "start --cluster NAME --reason TEXT",
        ),
        (Intent::Quit, "quit", "leave; what runs goes on", ""),
    ];
    for (intent, verb, about, same) in plain {
        out.push(Entry {
            verb: verb.into(),
            about: about.into(),
            keys: model.keymap.keys_for(intent),
            same_as: if same.is_empty() { String::new() } else { format!("pilothouse {same}") },
            off: off_for(model, intent, None),
            choice: Choice::Intent(intent, None),
        });
    }
    out.push(Entry {
        verb: "plan".into(),
        about: "a plan without an alert".into(),
        keys: String::new(),
        same_as: "pilothouse plan TEMPLATE --target KIND/NAME -n NAMESPACE".into(),
        off: Some("it takes a template and a target: on the command line".into()),
        choice: Choice::Intent(Intent::Help, None),
    });
    for (name, _) in super::theme::SHIPPED {
        out.push(Entry {
            verb: format!("theme {name}"),
            about: "colours".into(),
            keys: String::new(),
            same_as: String::new(),
            off: None,
            choice: Choice::Theme(name.into()),
        });
    }
    out
}

fn case_entries(model: &Model, row: &crate::engine::snapshot::Row, out: &mut Vec<Entry>) {
    let short = row.id.as_str().get(..usize::from(row.short).max(4)).unwrap_or(row.id.as_str());
    out.push(Entry {
        verb: format!("show {short}"),
        about: row.target.to_string(),
        keys: String::new(),
        same_as: format!("pilothouse show {short}"),
        off: None,
        choice: Choice::Show(row.id.clone()),
    });
    let waits = matches!(row.state, State::AwaitingApproval | State::Blocked | State::Expired);
    out.push(Entry {
        verb: format!("revise {short}"),
        about: row.target.to_string(),
        keys: String::new(),
        same_as: format!("pilothouse revise {short} --set NAME=VALUE"),
        off: Some(if waits {
            "it takes parameters: on the command line".into()
        } else {
            "no plan waits".into()
        }),
        choice: Choice::Show(row.id.clone()),
    });
    let verbs = [
        (Intent::OpenCard, "approve"),
        (Intent::OpenReject, "reject"),
        (Intent::Claim, "claim"),
        (Intent::PlanAnew, "plan-anew"),
        (Intent::Pause, "pause"),
        (Intent::Resume, "resume"),
        (Intent::Cancel, "cancel"),
        (Intent::SkipStep, "skip"),
        (Intent::RetryStep, "retry"),
        (Intent::Undo, "undo"),
        (Intent::TakeOver, "take-over"),
    ];
    for (intent, verb) in verbs {
        let off = off_for(model, intent, Some(&row.id));
        let same_as = match (intent, &row.plan) {
            (Intent::OpenCard, Some((plan, _))) => {
                format!("pilothouse approve {short} --plan {plan}")
            }
            (Intent::OpenReject, _) => format!("pilothouse reject {short} --reason TEXT"),
            (Intent::SkipStep, _) => format!("pilothouse skip {short} STEP --reason TEXT"),
            (Intent::OpenCard, None) => String::new(),
            _ => format!("pilothouse {verb} {short}"),
        };
        out.push(Entry {
            verb: format!("{verb} {short}"),
            about: row.target.to_string(),
            keys: model.keymap.keys_for(intent),
            same_as,
            off,
            choice: Choice::Intent(intent, Some(row.id.clone())),
        });
    }
}

/// Entries whose letters are found in this order, best first; what can't be done now stays, last.
#[must_use]
pub fn search(model: &Model, text: &str) -> Vec<Entry> {
    let mut all = entries(model);
    // Of the cases: those that need a person and those that are open, else those that the text names.
    let wanted = text.split_whitespace().last().unwrap_or_default().to_lowercase();
    for row in model
        .snapshot
        .rows
        .iter()
        .filter(|row| {
            row.outcome.is_none()
                || row.needs_person
                || (wanted.len() > 1
                    && (row.id.as_str().starts_with(&wanted) || row.target.contains(&wanted)))
        })
        .take(FOUND_LIMIT)
    {
        case_entries(model, row, &mut all);
    }
    let mut scored = all
        .into_iter()
        .filter_map(|entry| {
            let whole = format!("{} {}", entry.verb, entry.about);
            score(&whole, text).map(|score| (entry.off.is_some(), score, entry))
        })
        .collect::<Vec<_>>();
    scored.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    scored.into_iter().take(FOUND_LIMIT).map(|(_, _, entry)| entry).collect()
}

/// How well `text` is found in `whole`: all its letters in order; more for starts of words and runs. `None`: not.
#[must_use]
pub fn score(whole: &str, text: &str) -> Option<i32> {
    let whole = whole.to_lowercase().chars().collect::<Vec<_>>();
    let mut at = 0;
    let mut total = 0;
    let mut run = 0;
    for wanted in text.to_lowercase().chars().filter(|c| *c != ' ') {
        let found = whole.iter().skip(at).position(|c| *c == wanted)? + at;
        let word_start = found == 0 || !whole[found - 1].is_alphanumeric();
        run = if found == at { run + 1 } else { 0 };
        total += 1 + i32::from(word_start) * 6 + run * 2;
        total -= i32::try_from(found - at).unwrap_or(0).min(4);
        at = found + 1;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::score;

    #[test]
    fn starts_of_words_beat_letters_inside_them() {
        assert!(score("pause b2vn", "p b2").unwrap() > score("help about 2", "p b2").unwrap());
        assert_eq!(score("stop", "px"), None);
    }
}
