//! Every guard of a decision. Taking one out of the code makes a test here fail.

use crate::desk::{CALM, Desk};
use crate::fixture::{self, all_clear, id, night, picture, stories};
use crossterm::event::KeyCode;
use pilothouse::domain::approval::{Decision, Gesture, Preflight};
use pilothouse::domain::id::StepPath;
use pilothouse::domain::policy::Mode;
use pilothouse::domain::steering::{Changes, Steering};
use pilothouse::domain::workflow::plan::Risk;
use pilothouse::engine::command::{Command, Receipt, Refusal};
use pilothouse::engine::query::Answer;
use pilothouse::engine::snapshot::{Role, Stop};
use pilothouse::ui::keymap::{Context, Press};
use pilothouse::ui::model::card::Phase;
use pilothouse::ui::model::gate::{Gate, gate};
use pilothouse::ui::msg::{Effect, Leaving, Msg, Signal, Ticket};

fn decided(desk: &Desk) -> Option<(Decision, Gesture, Option<String>)> {
    desk.commands().into_iter().find_map(|command| match command {
        Command::Decide { decision, gesture, typed, .. } => {
            Some((*decision, *gesture, typed.clone()))
        }
        _ => None,
    })
}

fn reason(desk: &Desk) -> String {
    match gate(&desk.model, desk.model.card.as_ref().unwrap()) {
        Gate::Off(why) => why,
        other => format!("{other:?}"),
    }
}

#[test]
fn low_risk_is_approved_with_one_key() {
    let mut desk = Desk::night();
    desk.card("m3kd").typed("y");
    assert_eq!(decided(&desk), Some((Decision::Approve, Gesture::Key, None)));
    let Some(Command::Decide { plan, remediation, .. }) = desk.commands().pop().cloned() else {
        panic!("no decision")
    };
    assert_eq!(remediation, id("m3kd"));
    assert_eq!(plan, desk.model.snapshot.open[&id("m3kd")].plan.as_ref().unwrap().digest);
}

#[test]
fn medium_risk_takes_the_chord_and_only_in_time() {
    let mut desk = Desk::night();
    desk.card("k7qm").typed("y");
    assert_eq!(decided(&desk), None, "the second key alone");
    desk.typed("a").after(2_100, Press::char('y'));
    assert_eq!(decided(&desk), None, "too late");
    desk.typed("ajy");
    assert_eq!(decided(&desk), None, "another key between");
    desk.typed("ay");
    assert_eq!(decided(&desk), Some((Decision::Approve, Gesture::Chord, None)));
}

#[test]
fn high_risk_takes_the_whole_name_and_enter() {
    let mut desk = Desk::night();
    desk.card("t4dx").typed("y").key(KeyCode::Enter);
    assert_eq!(decided(&desk), None);
    desk.key(KeyCode::Backspace).typed("ledger-ap").key(KeyCode::Enter);
    assert_eq!(decided(&desk), None, "unfinished");
    assert!(desk.text().contains("that is not its name"));
    desk.typed("i").key(KeyCode::Enter);
    assert_eq!(
        decided(&desk),
        Some((Decision::Approve, Gesture::TypedName, Some("ledger-api".into())))
    );
}

#[test]
fn a_wrong_name_decides_nothing_and_says_so() {
    let mut desk = Desk::night();
    desk.card("t4dx").typed("ledger-apj").key(KeyCode::Enter);
    assert_eq!(decided(&desk), None);
    assert!(desk.text().contains("that is not its name: nothing was done"));
}

#[test]
fn keys_are_dead_just_after_the_card_opened() {
    let mut desk = Desk::night();
    desk.select("m3kd").typed(" a").answer(all_clear());
    desk.key(KeyCode::End).after(200, Press::char('y'));
    assert_eq!(decided(&desk), None);
    assert!(desk.text().contains("keys wake in 0."), "{}", desk.text());
    desk.wait(600).typed("y");
    assert!(decided(&desk).is_some());
}

#[test]
fn letters_typed_while_keys_are_dead_do_not_count_for_the_name() {
    let mut desk = Desk::night();
    desk.select("t4dx").typed(" a").answer(all_clear());
    desk.key(KeyCode::End).after(20, Press::char('l')).after(20, Press::char('e'));
    desk.wait(600).typed("dger-api").key(KeyCode::Enter);
    assert_eq!(decided(&desk), None);
}

#[test]
fn a_paste_never_decides() {
    for (short, pasted) in [("m3kd", "y"), ("k7qm", "ay"), ("t4dx", "ledger-api\n")] {
        let mut desk = Desk::night();
        desk.card(short);
        let at = desk.at + CALM;
        desk.send(Msg::Paste(pasted.into(), at));
        assert_eq!(decided(&desk), None, "{short}");
        assert!(desk.text().contains("typed letters only"), "{short}");
        desk.at += 2 * CALM;
        desk.key(KeyCode::Enter);
        assert_eq!(decided(&desk), None, "{short}: Enter after the paste");
    }
}

#[test]
fn keys_of_one_burst_never_decide_where_a_terminal_pastes_as_keys() {
    let mut desk = Desk::night();
    desk.card("k7qm").after(CALM, Press::char('a')).after(1, Press::char('y'));
    assert_eq!(decided(&desk), None);
    let mut desk = Desk::night();
    desk.card("t4dx");
    for c in "ledger-api".chars() {
        desk.after(1, Press::char(c));
    }
    desk.after(1, Press::key(KeyCode::Enter));
    assert_eq!(decided(&desk), None);
    assert!(desk.text().contains("one burst"));
    desk.key(KeyCode::Enter);
    assert!(decided(&desk).is_some(), "Enter by hand decides");
}

#[test]
fn a_split_escape_sequence_never_decides() {
    for tail in ["[A", "OP", "y", "ay", "[1;2y"] {
        for short in ["m3kd", "k7qm", "t4dx"] {
            let mut desk = Desk::night();
            desk.card(short).key(KeyCode::Esc);
            for c in tail.chars() {
                desk.after(20, Press::char(c));
            }
            desk.after(20, Press::key(KeyCode::Enter));
            assert_eq!(decided(&desk), None, "{short} Esc {tail}");
            assert!(desk.commands().is_empty());
            assert_eq!(desk.model.context(), Context::List, "{short} Esc {tail}: opened something");
        }
    }
}

#[test]
fn a_plan_that_goes_void_while_the_name_is_typed_clears_it_and_cannot_be_approved() {
    let mut desk = Desk::night();
    desk.card("t4dx").typed("ledger-a");
    let mut cases = stories().iter().map(fixture::Story::fold).collect::<Vec<_>>();
    cases[0] = fixture::moved("t4dx").fold();
    desk.snapshot(picture(&cases));
    let text = desk.text();
    assert!(text.contains("is void"), "{text}");
    assert!(text.contains("ledger:3.8.2"), "{text}");
    assert!(text.contains("plan 41d2aa08 replaces it"), "{text}");
    assert!(desk.model.card.as_ref().unwrap().typed.is_empty());
    desk.typed("pi").key(KeyCode::Enter).typed("ledger-api").key(KeyCode::Enter);
    assert_eq!(decided(&desk), None);
}

#[test]
fn the_card_that_replaces_a_void_one_is_read_with_enter_and_decided_by_its_own_digest() {
    let mut desk = Desk::night();
    desk.card("t4dx").typed("ledger-a");
    let mut cases = stories().iter().map(fixture::Story::fold).collect::<Vec<_>>();
    cases[0] = fixture::moved("t4dx").fold();
    desk.snapshot(picture(&cases));
    desk.after(100, Press::key(KeyCode::Enter));
    assert!(desk.text().contains("is void"), "dead time holds for Enter, too");
    desk.wait(600).key(KeyCode::Enter).answer(all_clear());
    desk.key(KeyCode::End).wait(600).typed("ledger-api").key(KeyCode::Enter);
    let plan = desk.commands().into_iter().find_map(|command| match command {
        Command::Decide { plan, .. } => Some(plan.short().to_string()),
        _ => None,
    });
    assert_eq!(plan.as_deref(), Some("41d2aa08"));
}

#[test]
fn what_the_card_shows_changing_makes_its_keys_dead_again() {
    let mut desk = Desk::night();
    desk.card("k7qm").typed("a");
    let mut cases = stories().iter().map(fixture::Story::fold).collect::<Vec<_>>();
    cases[1].request.as_mut().unwrap().policy.push("another rule".into());
    desk.snapshot(picture(&cases));
    desk.after(50, Press::char('y'));
    assert_eq!(decided(&desk), None);
}

#[test]
fn a_decision_by_somebody_else_turns_the_gesture_off() {
    let mut desk = Desk::night();
    desk.card("k7qm");
    let mut cases = stories().iter().map(fixture::Story::fold).collect::<Vec<_>>();
    cases[1] = fixture::ended(
        "k7qm",
        "shop",
        "checkout-web",
        pilothouse::domain::event::Outcome::Rejected,
        1,
    )
    .fold();
    desk.snapshot(picture(&cases)).wait(700).typed("ay");
    assert_eq!(decided(&desk), None);
    assert!(reason(&desk).contains("it is over"), "{}", reason(&desk));
}

#[test]
fn the_gesture_is_off_until_the_checks_were_answered_and_repeats_them() {
    let mut desk = Desk::night();
    desk.select("m3kd").typed(" a").key(KeyCode::End).wait(700).typed("y");
    assert_eq!(decided(&desk), None);
    assert!(reason(&desk).contains("checking"), "{}", reason(&desk));
    desk.answer(all_clear());
    let asked = |desk: &Desk| {
        desk.effects
            .iter()
            .filter(|effect| matches!(effect, Effect::Ask(Ticket::Preflight(..), _)))
            .count()
    };
    assert_eq!(asked(&desk), 1);
    desk.wait(26_000);
    assert_eq!(asked(&desk), 2, "repeated by itself");
    desk.snapshot(night()).wait(6_000).typed("y");
    assert_eq!(decided(&desk), None, "an old answer does not carry a decision");
}

#[test]
fn what_is_denied_unknown_or_moved_turns_the_gesture_off_with_its_reason() {
    let clear = || match all_clear() {
        Answer::Preflight { preflight, .. } => preflight,
        _ => unreachable!(),
    };
    let drift = fixture::moved("t4dx").fold().voided.unwrap().drift;
    let denied = {
        let mut preflight = clear();
        preflight.permissions[0].allowed = false;
        preflight
    };
    let cases: Vec<(Preflight, Result<String, String>, &str)> = vec![
        (denied, Ok("operator".into()), "does not let you"),
        (
            Preflight { stopped: Some("by kubectl".into()), ..clear() },
            Ok("operator".into()),
            "everything is stopped",
        ),
        (Preflight { drift, ..clear() }, Ok("operator".into()), "changed since"),
        (
            Preflight { unknown: vec!["access review: timeout".into()], ..clear() },
            Ok("operator".into()),
            "YOU is not known",
        ),
        (clear(), Err("role viewer lacks approvals.low".into()), "role viewer lacks"),
    ];
    for (preflight, role, wanted) in cases {
        let mut desk = Desk::night();
        desk.select("m3kd").typed(" a").answer(Answer::Preflight { preflight, role });
        desk.key(KeyCode::End).wait(700).typed("y");
        assert_eq!(decided(&desk), None);
        assert!(desk.text().contains(wanted), "{wanted}:\n{}", desk.text());
    }
    let mut desk = Desk::night();
    desk.select("m3kd").typed(" a").answer(Answer::Unavailable("the cluster is silent".into()));
    desk.key(KeyCode::End).wait(700).typed("y");
    assert_eq!(decided(&desk), None);
}

#[test]
fn an_unknown_blast_or_undo_turns_the_gesture_off() {
    for change in [0, 1] {
        let mut cases = stories().iter().map(fixture::Story::fold).collect::<Vec<_>>();
        let plan = std::sync::Arc::make_mut(cases[2].plan.as_mut().unwrap());
        if change == 0 {
            plan.blast.unknown.push("budgets: not permitted to list".into());
        } else {
            plan.undo.clear();
        }
        let mut desk = Desk::new(picture(&cases), (80, 24));
        desk.card("m3kd").typed("y");
        assert_eq!(decided(&desk), None);
        assert!(reason(&desk).contains("is not known"), "{}", reason(&desk));
    }
}

#[test]
fn engine_states_that_forbid_deciding_turn_the_gesture_off() {
    let mut stopped = night();
    stopped.stop = Some(Stop { by: "mira".into(), reason: "x".into(), since: fixture::ago(5) });
    let mut observing = night();
    observing.role = Role::Observing { why: "another engine drives".into() };
    let mut locked = night();
    locked.role = Role::Locked { why: "another cluster".into() };
    let mut down = night();
    down.store_down = Some(("no space left".into(), fixture::ago(38)));
    let mut suggest = night();
    suggest.mode = Mode::Suggest;
    let mut old = night();
    old.sources[0].good_at = Some(fixture::ago(72));
    let mut silent = night();
    silent.sources[0].good_at = None;
    for (what, picture) in [
        ("stopped", stopped),
        ("observing", observing),
        ("locked", locked),
        ("store", down),
        ("suggest", suggest),
        ("old", old),
        ("no data", silent),
    ] {
        let mut desk = Desk::night();
        desk.card("m3kd").snapshot(picture).wait(700).typed("y");
        assert_eq!(decided(&desk), None, "{what}");
        let reason = reason(&desk);
        assert!(reason.contains(what) || what == "observing", "{what}: {reason}");
    }
}

#[test]
fn pictures_that_stop_coming_make_the_data_old_by_themselves() {
    let mut desk = Desk::night();
    desk.card("m3kd");
    desk.wait(31_000).answer(all_clear()).wait(700).typed("y");
    assert_eq!(decided(&desk), None);
    assert!(reason(&desk).contains("data is"), "{}", reason(&desk));
}

#[test]
fn an_expired_request_cannot_be_approved() {
    let mut desk = Desk::night();
    desk.card("m3kd");
    let mut later = night();
    later.at = fixture::ago(-3_400);
    later.sources[0].good_at = Some(later.at);
    desk.snapshot(later).answer(all_clear()).wait(700).typed("y");
    assert_eq!(decided(&desk), None);
    assert!(reason(&desk).contains("expired"));
}

#[test]
fn a_card_that_does_not_fit_is_read_to_its_end_first() {
    let mut cases = stories().iter().map(fixture::Story::fold).collect::<Vec<_>>();
    let plan = std::sync::Arc::make_mut(cases[2].plan.as_mut().unwrap());
    for index in 0..30 {
        plan.blast.unknown.clear();
        plan.blast.notes.push(format!("note number {index} that takes its room on the card"));
    }
    let mut desk = Desk::new(picture(&cases), (80, 24));
    desk.select("m3kd").typed(" a").answer(all_clear()).wait(700).typed("y");
    assert_eq!(decided(&desk), None);
    assert!(reason(&desk).contains("read it to the end"), "{}", reason(&desk));
    desk.key(KeyCode::End).after(100, Press::char('y'));
    assert_eq!(decided(&desk), None, "keys wake only then");
    desk.wait(600).typed("y");
    assert!(decided(&desk).is_some());
}

#[test]
fn critical_risk_needs_two_people_and_says_that_this_store_cannot_carry_that() {
    let mut all = stories();
    all.push(fixture::asking("c9ra", "data", "vault", Risk::Critical, 500));
    let cases = all.iter().map(fixture::Story::fold).collect::<Vec<_>>();
    let mut desk = Desk::new(picture(&cases), (80, 24));
    desk.card("c9ra").typed("vault").key(KeyCode::Enter);
    assert_eq!(decided(&desk), None);
    assert!(reason(&desk).contains("SQLite"), "{}", reason(&desk));
}

#[test]
fn rejecting_asks_for_a_reason_and_works_where_approving_does_not() {
    let mut desk = Desk::night();
    desk.select("t4dx").typed(" x").wait(600).key(KeyCode::Enter);
    assert_eq!(decided(&desk), None, "no reason yet");
    desk.typed("not tonight").key(KeyCode::Enter);
    let sent = desk.commands().pop().cloned();
    assert!(
        matches!(&sent, Some(Command::Decide { decision: Decision::Reject, reason, .. }) if reason == "not tonight"),
        "{sent:?}"
    );
}

#[test]
fn a_pasted_reason_is_text_and_its_line_end_does_not_send_it() {
    let mut desk = Desk::night();
    desk.card("t4dx").ctrl('x');
    let at = desk.at + CALM;
    desk.send(Msg::Paste("because\n".into(), at));
    assert_eq!(decided(&desk), None);
    desk.at = at;
    desk.key(KeyCode::Enter);
    assert!(decided(&desk).is_some());
}

#[test]
fn a_decision_is_sent_once_and_its_receipt_is_shown() {
    let mut desk = Desk::night();
    desk.card("m3kd").typed("yyy");
    assert_eq!(desk.commands().len(), 1);
    assert!(desk.text().contains("recording"));
    let plan = desk.model.card.as_ref().unwrap().plan.clone();
    let at = desk.at;
    let receipt =
        Receipt::Done { event: 48_219, note: "approved".into(), remediations: Vec::new() };
    desk.send(Msg::Receipt(Ticket::Decide(id("m3kd"), plan), receipt, at));
    assert!(desk.text().contains("approved (event 48219)"), "{}", desk.text());
    desk.typed("y");
    assert_eq!(desk.commands().len(), 1);
}

#[test]
fn a_refusal_stands_in_the_place_of_the_gesture() {
    let mut desk = Desk::night();
    desk.card("m3kd").typed("y");
    let plan = desk.model.card.as_ref().unwrap().plan.clone();
    let at = desk.at;
    let receipt = Receipt::Refused { refusal: Refusal::Stale, why: "the target changed".into() };
    desk.send(Msg::Receipt(Ticket::Decide(id("m3kd"), plan), receipt, at));
    assert!(matches!(
        desk.model.card.as_ref().unwrap().phase,
        Phase::Answered { taken: false, .. }
    ));
    assert!(desk.text().contains("stale: the target changed"));
}

#[test]
fn below_80_by_24_nothing_is_decided_and_only_leaving_works() {
    let mut desk = Desk::night();
    desk.card("m3kd").send(Msg::Resize(20, 5));
    desk.wait(700).typed("y a!").key(KeyCode::Enter);
    assert!(desk.commands().is_empty());
    let text = desk.text();
    assert!(text.contains("Pilothouse"), "{text}");
    desk.typed("q");
    assert_eq!(desk.effects.last(), Some(&Effect::Leave(Leaving::HangUp)));
}

#[test]
fn letters_outside_a_card_change_nothing() {
    let mut desk = Desk::night();
    for c in ('a'..='z').chain('A'..='Z').filter(|c| !matches!(c, 'q' | 'g')) {
        let mut fresh = Desk::night();
        fresh.typed(&c.to_string());
        assert!(fresh.commands().is_empty(), "{c}");
    }
    desk.typed("y").key(KeyCode::Enter);
    assert!(desk.commands().is_empty());
}

#[test]
fn stop_everything_is_a_chord_with_a_reason_and_works_from_a_card_too() {
    let mut desk = Desk::night();
    desk.card("t4dx").typed("led").typed(" !");
    assert!(desk.text().contains("STOP EVERYTHING"));
    assert!(desk.commands().is_empty());
    desk.key(KeyCode::Enter);
    let sent = desk.commands().pop().cloned();
    assert!(matches!(&sent, Some(Command::Stop { reason }) if reason.contains("t4dx")), "{sent:?}");
}

#[test]
fn lifting_a_stop_takes_the_typed_name_of_the_cluster_and_a_reason() {
    let mut picture = night();
    picture.stop = Some(Stop { by: "mira".into(), reason: "x".into(), since: fixture::ago(5) });
    let mut desk = Desk::new(picture, (80, 24));
    desk.typed(" S");
    let at = desk.at + CALM;
    desk.send(Msg::Paste("sim-eu1".into(), at));
    desk.at = at;
    desk.key(KeyCode::Enter).key(KeyCode::Enter);
    assert!(desk.commands().is_empty(), "a paste is no typing");
    desk.typed("sim-eu1").key(KeyCode::Enter).key(KeyCode::Enter);
    assert!(desk.commands().is_empty(), "no reason");
    desk.typed("drained").key(KeyCode::Enter);
    assert!(matches!(desk.commands().pop(), Some(Command::Start { .. })));
}

#[test]
fn suspending_waits_while_a_decision_is_recorded() {
    let mut desk = Desk::night();
    desk.card("m3kd").typed("y").ctrl('z');
    desk.send(Msg::Signal(Signal::Suspend));
    assert!(!desk.effects.contains(&Effect::Suspend));
    let mut desk = Desk::night();
    desk.ctrl('z');
    assert!(desk.effects.contains(&Effect::Suspend));
}

#[test]
fn leaving_asks_while_something_runs_and_a_lost_terminal_does_not() {
    let mut desk = Desk::night();
    desk.typed("q");
    assert!(desk.text().contains("Under way"));
    desk.key(KeyCode::Esc).wait(100);
    assert!(!desk.effects.iter().any(|effect| matches!(effect, Effect::Leave(_))));
    desk.typed("q").key(KeyCode::Enter);
    assert_eq!(desk.effects.last(), Some(&Effect::Leave(Leaving::HangUp)));
    let mut desk = Desk::night();
    desk.send(Msg::Signal(Signal::HangUp));
    assert_eq!(desk.effects.last(), Some(&Effect::Leave(Leaving::HangUp)));
    let mut calm = Desk::new(picture(&[]), (80, 24));
    calm.typed("q");
    assert_eq!(calm.effects.last(), Some(&Effect::Leave(Leaving::Quit)));
}

/// The steering commands that were sent.
fn steered(desk: &Desk) -> Vec<(String, Steering, String)> {
    let sent = desk.commands().into_iter().filter_map(|command| match command {
        Command::Steer { remediation, steering, reason } => {
            Some((remediation.to_string(), steering.clone(), reason.clone()))
        }
        _ => None,
    });
    sent.collect()
}

#[test]
fn pausing_is_sent_at_once_and_what_is_not_possible_says_why() {
    let mut desk = Desk::night();
    desk.select("b2vn").typed(" p");
    let sent = steered(&desk);
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].0.get(..4), &sent[0].1), (Some("b2vn"), &Steering::Pause));
    for (keys, says) in
        [(" r", "not paused"), (" u", "cancel it, which undoes it"), (" t", "it still runs")]
    {
        let mut desk = Desk::night();
        desk.select("b2vn").typed(keys);
        assert!(steered(&desk).is_empty(), "{keys}");
        assert!(desk.text().contains(says), "{keys}: {}", desk.text());
    }
}

#[test]
fn cancelling_asks_again_says_what_follows_and_takes_the_reason_along() {
    let mut desk = Desk::night();
    desk.select("b2vn").typed(" c");
    assert!(desk.text().contains("then what was done is undone"), "{}", desk.text());
    desk.key(KeyCode::Esc);
    assert!(steered(&desk).is_empty());
    let mut desk = Desk::night();
    desk.select("b2vn").typed(" c").key(KeyCode::Tab);
    assert!(desk.text().contains("What was done stays"), "{}", desk.text());
    desk.typed("enough").key(KeyCode::Enter);
    let sent = steered(&desk);
    assert_eq!(sent[0].1, Steering::Cancel { changes: Changes::Leave });
    assert_eq!(sent[0].2, "enough");
}

#[test]
fn a_step_is_skipped_by_its_place_in_the_tree_and_never_without_a_reason() {
    let mut desk = Desk::night();
    desk.select("b2vn").typed(" s");
    desk.key(KeyCode::Enter);
    assert!(steered(&desk).is_empty(), "no reason");
    desk.typed("budget").key(KeyCode::Enter);
    let sent = steered(&desk);
    assert_eq!(sent[0].1, Steering::Skip { step: StepPath::new("2.2") });
}

#[test]
fn a_gate_is_answered_by_the_gesture_of_its_risk_and_names_its_step() {
    let story = fixture::gated("g4te", "search", "indexer");
    let mut desk = Desk::new(picture(&[story.fold()]), (80, 24));
    // The plan is of high risk: so is each answer in its run.
    desk.card("g4te").typed("indexer").key(KeyCode::Enter);
    let sent = desk.commands().into_iter().find_map(|command| match command {
        Command::Decide { step, decision, .. } => Some((step.clone(), *decision)),
        _ => None,
    });
    assert_eq!(sent, Some((Some(StepPath::new("3")), Decision::Approve)));
}
