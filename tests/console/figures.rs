//! The effectiveness screen.

use crate::desk::{Desk, lines};
use crate::fixture::{ago, asking, night, picture};
use crate::pictures::check;
use crossterm::event::KeyCode;
use pilothouse::domain::advice::{Advice, Made, Ranked, Source};
use pilothouse::domain::diagnosis::{Cause, Pattern};
use pilothouse::domain::effectiveness::{Fate, Record};
use pilothouse::domain::event::{Event, Outcome};
use pilothouse::domain::id::RemediationId;
use pilothouse::domain::resource::ObjectKey;
use pilothouse::domain::workflow::plan::Risk;
use pilothouse::engine::snapshot::Snapshot;
use pilothouse::ui::model::place::Place;
use std::sync::Arc;

const DAY: i64 = 86_400;

/// Some weeks of a cluster: one template that helps, one that is not shown to, one that is new.
fn weeks() -> Snapshot {
    let mut records = Vec::new();
    let mut add = |count: i64, template: &str, cause, fate, namespace: &str, away: bool| {
        for index in 0..count {
            let days = (index * 53 / count.max(1)) + 1;
            let number = records.len();
            let well = fate == Fate::Effective || away;
            let ended = ago(days * DAY);
            records.push(Record {
                id: RemediationId::new(format!("r{number:03}abcdefghijkl")),
                target: Some(ObjectKey {
                    api_version: "apps/v1".into(),
                    kind: "Deployment".into(),
                    namespace: namespace.into(),
                    name: format!("svc-{}", number % 7),
                }),
                pattern: Pattern::HighMemory,
                cause,
                confidence: 0.85,
                template: Some(template.into()),
                actions: vec!["set_resources".into()],
                fate,
                outcome: Outcome::Effective,
                opened_at: ago(days * DAY + 700 + index * 7),
                ended_at: ended,
                recovered_at: well.then(|| ago(days * DAY + 300)),
                back_at: (fate == Fate::Effective && index % 9 == 4)
                    .then(|| ago(days * DAY - 7_200)),
            });
        }
    };
    let (small, rollout) = (Cause::LimitTooSmall, Cause::BadRollout);
    add(31, "high-memory@3", small, Fate::Effective, "payments", false);
    add(5, "high-memory@3", small, Fate::NoEffect, "payments", false);
    add(2, "high-memory@3", small, Fate::Regressed, "media", false);
    add(3, "high-memory@3", small, Fate::Unclear, "media", false);
    add(4, "high-memory@3", small, Fate::Alone, "payments", true);
    add(15, "high-memory@3", small, Fate::Alone, "payments", false);
    add(7, "network-issue@2", rollout, Fate::Effective, "shop", false);
    add(7, "network-issue@2", rollout, Fate::NoEffect, "shop", false);
    add(8, "network-issue@2", rollout, Fate::Alone, "shop", true);
    add(10, "network-issue@2", rollout, Fate::Alone, "shop", false);
    add(3, "generic@1", Cause::Unknown, Fate::Effective, "shop", false);
    records.sort_by_key(|record| (record.ended_at, record.id.clone()));
    Snapshot { records: Arc::new(records), ..night() }
}

#[test]
fn the_figures() {
    for size in [(80, 24), (120, 36), (200, 60)] {
        let mut desk = Desk::new(weeks(), size);
        desk.typed("ge");
        check(&format!("effectiveness-{}x{}.txt", size.0, size.1), &desk);
    }
}

#[test]
fn a_rate_stands_beside_its_interval_and_what_is_too_early_has_none() {
    let mut desk = Desk::new(weeks(), (80, 24));
    let text = lines(&desk.typed("ge").draw()).join("\n");
    for part in ["82%", "67-91", "4/19", "+0.76 better", "unproven", "too early: 3 of 10"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("100%"), "three of three are no rate: {text}");
}

#[test]
fn other_groups_and_other_times_are_a_key_away() {
    let mut desk = Desk::new(weeks(), (80, 24));
    let text = lines(&desk.typed("gebb").draw()).join("\n");
    assert!(text.contains("by cause") && text.contains("limit-too-small"), "{text}");
    let text = lines(&desk.typed("bb").draw()).join("\n");
    assert!(text.contains("by namespace") && text.contains("payments"), "{text}");
    let text = lines(&desk.typed("ppp").draw()).join("\n");
    assert!(text.contains("last week"), "{text}");
}

#[test]
fn enter_lists_the_records_opens_one_and_esc_leads_back() {
    let mut desk = Desk::new(weeks(), (80, 24));
    desk.typed("ge").key(KeyCode::Enter);
    let text = lines(&desk.draw()).join("\n");
    assert!(text.contains("records of high-memory@3") && text.contains("60 records"), "{text}");
    desk.typed("j").key(KeyCode::Enter);
    assert!(matches!(desk.model.place, Place::Case(_)), "{:?}", desk.model.place);
    desk.key(KeyCode::Esc);
    assert_eq!(desk.model.place, Place::Effectiveness);
    let text = lines(&desk.draw()).join("\n");
    assert!(text.contains("records of"), "the place is kept: {text}");
    desk.key(KeyCode::Esc);
    let text = lines(&desk.draw()).join("\n");
    assert!(text.contains("Enter the 60 records"), "{text}");
}

#[test]
fn without_records_it_says_so() {
    let mut desk = Desk::new(night(), (80, 24));
    let text = lines(&desk.typed("ge").draw()).join("\n");
    assert!(text.contains("nothing to count"), "{text}");
}

#[test]
fn a_card_says_how_its_template_did_for_that_cause_before() {
    let mut desk = Desk::new(weeks(), (200, 60));
    let text = lines(&desk.card("t4dx").draw()).join("\n");
    let past = "high-memory@3 for limit-too-small: 31 of 38 effective (67-91 %), 2 regressed;";
    assert!(text.contains(past), "{text}");
    assert!(text.contains("4/19 went away"), "{text}");
}

#[test]
fn a_card_says_what_of_the_plan_is_by_advice_and_whose() {
    let mut story = asking("adv1", "payments", "ledger-api", Risk::Medium, 600);
    let digest = story.fold().plan.as_ref().map(|plan| plan.digest.clone());
    let advice = Advice {
        source: Source::Model { name: "small".into(), prompt: "choose@1".into() },
        ranking: vec![Ranked {
            template: "high-memory".into(),
            score: 0.82,
            why: "killed again and again".into(),
        }],
        parameters: Vec::new(),
        caveats: Vec::new(),
        dropped: vec![
            "it proposed template delete-everything, which is not among high-memory".into(),
        ],
        made: Made { plan: digest, changed: vec!["factor 1.5 instead of 2.0".into()] },
        exchange: None,
    };
    story.push(44, Event::Advised { advice: Box::new(advice) });
    let mut desk = Desk::new(picture(&[story.fold()]), (200, 60));
    let text = lines(&desk.card("adv1").draw()).join("\n");
    for part in [
        "ADVICE",
        "model small (choose@1): high-memory 0.82, killed again and again",
        "by advice: factor 1.5 instead of 2.0",
        "it proposed template delete-everything",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}
