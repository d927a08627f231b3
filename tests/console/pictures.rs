//! Pictures of the screens, with their styles, against golden files. `PILOTHOUSE_BLESS=1` writes them anew.

use crate::desk::{Desk, lines};
use crate::fixture::{self, all_clear, night, picture};
use crossterm::event::KeyCode;
use pilothouse::domain::diagnosis::{Cause, Pattern};
use pilothouse::domain::effectiveness::Fate;
use pilothouse::domain::memory::{Recalled, Similar};
use pilothouse::domain::resource::ObjectKey;
use pilothouse::engine::query::Answer;
use pilothouse::engine::snapshot::Stop;
use pilothouse::ui::msg::{Msg, Ticket};
use pilothouse::ui::theme::Depth;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Text, then for each line the columns where the style changes, by letter, then what the letters mean.
fn dump(buffer: &Buffer) -> String {
    let mut out = lines(buffer).iter().map(|line| format!("|{line}|\n")).collect::<String>();
    let mut letters = BTreeMap::<String, usize>::new();
    let mut rows = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let mut last = String::new();
        let mut runs = Vec::new();
        for x in buffer.area.left()..buffer.area.right() {
            let Some(cell) = buffer.cell((x, y)) else { continue };
            let style = style(cell.fg, cell.bg, cell.modifier);
            if style != last {
                let next = letters.len();
                let letter = *letters.entry(style.clone()).or_insert(next);
                runs.push(format!("{x}s{letter}"));
                last = style;
            }
        }
        let _ = writeln!(rows, "{y:>2}: {}", runs.join(" "));
    }
    out.push_str(&rows);
    let mut legend = letters.into_iter().collect::<Vec<_>>();
    legend.sort_by_key(|(_, letter)| *letter);
    for (style, letter) in legend {
        let _ = writeln!(out, "s{letter} = {style}");
    }
    out
}

fn style(fg: Color, bg: Color, modifier: Modifier) -> String {
    format!("fg {fg} bg {bg} {modifier:?}")
}

pub fn check(name: &str, desk: &Desk) {
    let got = dump(&desk.draw());
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/ui").join(name);
    if std::env::var_os("PILOTHOUSE_BLESS").is_some() {
        std::fs::write(&path, &got).unwrap();
        return;
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(got, wanted, "{name} differs; look at it, then PILOTHOUSE_BLESS=1 writes it anew");
}

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 60)];

#[test]
fn the_overview() {
    for size in SIZES {
        check(&format!("overview-{}x{}.txt", size.0, size.1), &Desk::new(night(), size));
    }
}

#[test]
fn the_approval_card() {
    for size in SIZES {
        let mut desk = Desk::new(night(), size);
        desk.card("t4dx").typed("ledger-a");
        check(&format!("card-{}x{}.txt", size.0, size.1), &desk);
    }
}

#[test]
fn the_step_tree() {
    for size in SIZES {
        let mut desk = Desk::new(night(), size);
        desk.select("b2vn").key(KeyCode::Enter);
        let story = fixture::running("b2vn", "search", "indexer");
        let answer = Answer::Remediation {
            remediation: Box::new(story.fold()),
            events: story.events().to_vec(),
        };
        let at = desk.at;
        desk.send(Msg::Answer(Ticket::Case(fixture::id("b2vn")), Box::new(answer), at));
        check(&format!("tree-{}x{}.txt", size.0, size.1), &desk);
    }
}

#[test]
fn a_step_that_asks_is_seen_in_the_list_in_the_tree_and_on_its_card() {
    let story = fixture::gated("g4te", "search", "indexer");
    let mut desk = Desk::new(picture(&[story.fold()]), (80, 24));
    check("gate-list-80x24.txt", &desk);
    desk.select("g4te").key(KeyCode::Enter);
    check("gate-tree-80x24.txt", &desk);
    let mut desk = Desk::new(picture(&[story.fold()]), (80, 24));
    desk.card("g4te");
    check("gate-card-80x24.txt", &desk);
}

#[test]
fn steps_that_never_ran_say_why_in_the_tree() {
    let story = fixture::broken("g4te", "search", "indexer");
    let mut desk = Desk::new(picture(&[story.fold()]), (80, 24));
    desk.select("g4te").key(KeyCode::Enter).key(KeyCode::Down);
    check("never-run-80x24.txt", &desk);
}

#[test]
fn the_void_card() {
    let mut desk = Desk::night();
    desk.card("t4dx").typed("ledger-a");
    let cases = [fixture::moved("t4dx").fold()];
    desk.snapshot(picture(&cases));
    check("void-80x24.txt", &desk);
}

#[test]
fn a_card_that_is_off_says_why_in_the_place_of_the_gesture() {
    let mut desk = Desk::night();
    desk.select("k7qm").typed(" a").answer(Answer::Unavailable("the cluster is silent".into()));
    check("card-off-80x24.txt", &desk);
}

#[test]
fn medium_and_low_gestures() {
    for (short, name) in [("k7qm", "medium"), ("m3kd", "low")] {
        let mut desk = Desk::night();
        desk.card(short);
        check(&format!("card-{name}-80x24.txt"), &desk);
    }
}

#[test]
fn nothing_needs_you() {
    let cases = fixture::stories()[5..].iter().map(fixture::Story::fold).collect::<Vec<_>>();
    check("calm-80x24.txt", &Desk::new(picture(&cases), (80, 24)));
}

#[test]
fn stopped_and_old() {
    let mut picture = night();
    picture.stop = Some(Stop {
        by: "mira".into(),
        reason: "drain hits ledger".into(),
        since: fixture::ago(8),
    });
    picture.sources[0].good_at = Some(fixture::ago(72));
    check("stopped-80x24.txt", &Desk::new(picture, (80, 24)));
}

#[test]
fn help_which_key_palette_and_the_question_before_leaving() {
    let mut desk = Desk::night();
    desk.typed("?");
    check("help-80x24.txt", &desk);
    let mut desk = Desk::night();
    desk.typed(" ").wait(400);
    check("which-key-80x24.txt", &desk);
    let mut desk = Desk::night();
    desk.select("b2vn").typed(" ").wait(400);
    check("which-key-running-80x24.txt", &desk);
    let mut desk = Desk::night();
    desk.select("b2vn").typed(" c");
    check("cancel-80x24.txt", &desk);
    let mut desk = Desk::night();
    desk.typed(":app");
    check("palette-80x24.txt", &desk);
    let mut desk = Desk::night();
    desk.typed("q");
    check("quit-80x24.txt", &desk);
}

#[test]
fn mono_and_ascii_lose_nothing() {
    let mono = Desk::themed(night(), (80, 24), "mono", Depth::Mono);
    check("overview-mono-80x24.txt", &mono);
    let mut ascii = Desk::themed(night(), (80, 24), "ascii", Depth::Mono);
    check("overview-ascii-80x24.txt", &ascii);
    ascii.card("t4dx");
    let text = ascii.text();
    assert!(text.is_ascii(), "{text}");
}

#[test]
fn a_terminal_of_20_by_5_gets_a_message() {
    let mut desk = Desk::night();
    desk.send(Msg::Resize(20, 5));
    check("small-20x5.txt", &desk);
}

#[test]
fn every_screen_of_a_simulated_engine_says_so() {
    let mut desk = Desk::night();
    for keys in ["go", "ga", "gr", "gb", "gl", "gu", "?"] {
        desk.typed(keys);
        assert!(desk.text().contains("SIMULATED"), "{keys}");
    }
    let mut desk = Desk::night();
    desk.card("t4dx");
    assert!(desk.text().contains("SIMULATED"));
}

#[test]
fn text_from_outside_never_reaches_the_terminal_as_controls() {
    let mut cases = fixture::stories().iter().map(fixture::Story::fold).collect::<Vec<_>>();
    let plan = std::sync::Arc::make_mut(cases[0].plan.as_mut().unwrap());
    plan.title = "evil \u{1b}[2J\u{202e}title".into();
    let mut picture = picture(&cases);
    let mut rows = picture.rows.to_vec();
    rows[0].target = "a\u{1b}]0;x\u{7}b/deploy/c".into();
    picture.rows = std::sync::Arc::new(rows);
    picture.last = Some((fixture::now(), "x\u{1b}[31m\u{9b}y".into()));
    let mut desk = Desk::new(picture, (80, 24));
    let clean =
        |text: &str| !text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}');
    assert!(clean(&desk.text()));
    desk.select("t4dx").typed(" a").answer(all_clear());
    assert!(clean(&desk.text()));
}

#[test]
fn past_cases_that_are_like_this_one_stand_on_the_card_and_a_memory_that_is_away_says_so() {
    let shown = |recalled: Recalled, evidence: bool| -> String {
        let story = fixture::recalling("t4dx", "payments", "ledger-api", &recalled);
        let mut desk = Desk::new(picture(&[story.fold()]), (120, 60));
        desk.card("t4dx");
        if evidence {
            desk.typed("e");
        }
        desk.text()
    };
    let past = |short: &str, similarity, fate| Similar {
        remediation: fixture::id(short),
        similarity,
        alike: vec!["cause limit-too-small".into(), "a Deployment".into()],
        cause: Cause::LimitTooSmall,
        pattern: Pattern::HighMemory,
        target: Some(ObjectKey::new("apps/v1", "Deployment", "shop", "cart")),
        template: Some("high-memory@3".into()),
        fate,
        ended_at: fixture::ago(7_200),
    };
    let similar = vec![past("k7qm", 0.97, Fate::Effective), past("b2vn", 0.81, Fate::Regressed)];
    let recalled = Recalled { similar, among: 12, away: None };
    let brief = shown(recalled.clone(), false);
    assert!(brief.contains("like this one: 1 of 2 helped; 1 made it worse: k7qm, b2vn"), "{brief}");
    let whole = shown(recalled, true);
    assert!(
        whole.contains("k7qm 0.97 high-memory@3 on shop/deploy/cart helped: cause limit-too-small"),
        "{whole}"
    );
    let none = shown(Recalled { among: 12, ..Recalled::default() }, false);
    assert!(none.contains("like this one: none among 12 past cases"), "{none}");
    let away = Some("memory is away: breaker vector-db is open".to_string());
    let away = shown(Recalled { away, ..Recalled::default() }, false);
    assert!(away.contains("not known: memory is away: breaker vector-db is open"), "{away}");
}
