//! Moving about: places, selection by identity, order that holds still under a hand.

use crate::desk::Desk;
use crate::fixture::{self, id, many, night, picture, stories};
use crossterm::event::KeyCode;
use pilothouse::engine::query::Query;
use pilothouse::ui::model::list::Visual;
use pilothouse::ui::model::place::Place;
use pilothouse::ui::msg::Effect;

fn order(desk: &Desk) -> Vec<String> {
    let list = &desk.model.overview;
    list.lines
        .iter()
        .filter_map(|line| match line {
            Visual::Row(index) => Some(list.rows[*index].id.as_str()[..4].to_string()),
            Visual::Header(..) => None,
        })
        .collect()
}

#[test]
fn rows_keep_their_places_for_two_seconds_after_a_key_and_then_sort_in() {
    let mut desk = Desk::night();
    desk.typed("j");
    let before = order(&desk);
    let mut all = stories();
    all.insert(
        0,
        fixture::asking("a2aa", "new", "urgent", pilothouse::domain::workflow::plan::Risk::Low, 60),
    );
    let newer = picture(&all.iter().map(fixture::Story::fold).collect::<Vec<_>>());
    desk.snapshot(newer);
    assert_eq!(order(&desk), before);
    assert!(desk.text().contains("order: 1 newer"), "{}", desk.text());
    desk.wait(2_100);
    assert_eq!(order(&desk)[0], "a2aa");
    assert_eq!(desk.model.overview.selected, Some(id("k7qm")), "the selection follows the id");
}

#[test]
fn a_case_that_ended_by_telling_a_person_opens_on_what_they_were_told() {
    let case = fixture::told("t0ld", "shop", "mailer").fold();
    let mut desk = Desk::new(picture(&[case]), (80, 24));
    desk.key(KeyCode::Enter);
    let text = desk.text();
    assert!(text.contains("TELLS") && text.contains("mailer has a new limit"), "{text}");
}

#[test]
fn content_of_rows_is_new_even_while_their_order_holds() {
    let mut desk = Desk::night();
    desk.typed("j");
    let mut cases = stories().iter().map(fixture::Story::fold).collect::<Vec<_>>();
    cases[0] = fixture::ended(
        "t4dx",
        "payments",
        "ledger-api",
        pilothouse::domain::event::Outcome::Effective,
        1,
    )
    .fold();
    desk.snapshot(picture(&cases));
    assert_eq!(order(&desk)[0], "t4dx");
    assert!(desk.text().contains("t4dx ✓ effective"), "{}", desk.text());
}

#[test]
fn drilling_down_and_back_keeps_the_place() {
    let mut desk = Desk::night();
    desk.typed("jjjj").key(KeyCode::Enter);
    assert_eq!(desk.model.place, Place::Case(id("b2vn")));
    assert!(
        desk.effects
            .iter()
            .any(|effect| matches!(effect, Effect::Ask(_, Query::Remediation { .. })))
    );
    desk.key(KeyCode::Esc).wait(100);
    assert_eq!(desk.model.place, Place::Overview);
    assert_eq!(desk.model.overview.selected, Some(id("b2vn")));
}

#[test]
fn a_filter_says_what_it_hides_and_escape_clears_it() {
    let mut desk = Desk::night();
    desk.typed("/checkout").key(KeyCode::Enter);
    assert!(desk.text().contains("/checkout hides"), "{}", desk.text());
    assert_eq!(order(&desk), ["k7qm"]);
    desk.key(KeyCode::Esc).wait(100);
    assert_eq!(order(&desk).len(), 12);
    desk.typed("/nothing-like-it");
    assert!(desk.text().contains("Nothing matches"), "{}", desk.text());
}

#[test]
fn the_palette_opens_things_and_shows_why_others_cannot_be_done() {
    let mut desk = Desk::night();
    desk.typed(":app t4");
    assert!(desk.text().contains("approve t4dx"), "{}", desk.text());
    desk.key(KeyCode::Enter);
    assert_eq!(desk.model.place, Place::Card(id("t4dx")));
    assert!(desk.commands().is_empty(), "the palette never decides");
    let mut desk = Desk::night();
    desk.typed(":approve b2vn");
    assert!(desk.text().contains("not now: nothing to decide on"), "{}", desk.text());
}

#[test]
fn ten_thousand_rows_scroll_to_their_end_and_draw_what_is_seen() {
    let mut desk = Desk::new(many(10_000), (80, 24));
    desk.typed("G");
    let text = desk.text();
    assert!(text.contains("of 10000"), "{text}");
    assert!(text.contains("›"), "{text}");
}

#[test]
fn a_remediation_that_is_not_open_is_asked_for_once() {
    let mut desk = Desk::night();
    desk.select("z8gc").wait(10).wait(10).wait(10);
    let asked = desk
        .effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Ask(_, Query::Remediation { .. })))
        .count();
    assert_eq!(asked, 1);
}

#[test]
fn a_bell_rings_for_what_newly_needs_a_person_only() {
    let mut desk = Desk::night();
    desk.snapshot(night());
    assert!(!desk.effects.contains(&Effect::Bell));
    let mut all = stories();
    all.push(fixture::asking(
        "a2aa",
        "new",
        "urgent",
        pilothouse::domain::workflow::plan::Risk::Low,
        60,
    ));
    desk.snapshot(picture(&all.iter().map(fixture::Story::fold).collect::<Vec<_>>()));
    assert!(desk.effects.contains(&Effect::Bell));
}
