//! The console in a real terminal, on a made-up engine (which this very binary plays, in a second process).

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::large_stack_arrays,
    clippy::duration_suboptimal_units,
    clippy::format_collect,
    reason = "not product code"
)]
#[path = "console/fixture.rs"]
mod fixture;
#[path = "console/program.rs"]
mod program;
#[path = "console/pty.rs"]
mod pty;

use portable_pty::CommandBuilder;
use pty::Pty;
use std::time::Duration;

/// Not a test: the program that the tests below show in their terminal.
#[test]
#[ignore = "the program that the other tests run"]
fn fixture_program() {
    std::process::exit(program::main());
}

fn command() -> CommandBuilder {
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["fixture_program", "--exact", "--ignored", "--nocapture", "--quiet"]);
    command.env("LANG", "C.UTF-8");
    command.env("COLORTERM", "truecolor");
    command.env_remove("NO_COLOR");
    command
}

fn console() -> Pty {
    let pty = Pty::spawn(command(), (80, 24));
    pty.until("needs you 3");
    pty
}

fn told_by(file: &tempfile::NamedTempFile) -> String {
    std::fs::read_to_string(file.path()).unwrap()
}

fn telling() -> (Pty, tempfile::NamedTempFile) {
    let told = tempfile::NamedTempFile::new().unwrap();
    let mut command = command();
    command.env(program::TOLD, told.path());
    let pty = Pty::spawn(command, (80, 24));
    pty.until("needs you 3");
    (pty, told)
}

#[test]
fn high_risk_is_approved_by_typing_the_name() {
    let (mut pty, told) = telling();
    pty.typed("\r");
    pty.until("HIGH RISK. Type the name");
    pty.typed("ledger-api\r");
    pty.until("step 1 starts");
    assert!(told_by(&told).contains("Approve"), "{}", told_by(&told));
    assert!(told_by(&told).contains("TypedName"));
}

#[test]
fn a_bracketed_paste_of_the_name_and_enter_decides_nothing() {
    let (mut pty, told) = telling();
    pty.typed("\r");
    pty.until("HIGH RISK. Type the name");
    pty.send("\u{1b}[200~ledger-api\r\u{1b}[201~");
    pty.until("typed letters only");
    pty.typed("\r");
    pty.until("type the name of the target first");
    assert!(!told_by(&told).contains("command"), "{}", told_by(&told));
}

#[test]
fn a_paste_in_a_terminal_without_brackets_decides_nothing() {
    let (mut pty, told) = telling();
    pty.typed("\r");
    pty.until("HIGH RISK. Type the name");
    pty.send("ledger-api\r");
    pty.until("one burst");
    assert!(!told_by(&told).contains("command"), "{}", told_by(&told));
}

#[test]
fn an_arrow_key_that_arrives_in_two_parts_decides_nothing() {
    let (mut pty, told) = telling();
    pty.typed("jj\r");
    pty.until("Low risk.");
    pty.send("\u{1b}");
    std::thread::sleep(Duration::from_millis(20));
    pty.send("[A");
    pty.until("needs you 3");
    std::thread::sleep(Duration::from_millis(20));
    pty.typed("y");
    pty.until("needs you 3");
    assert!(!told_by(&told).contains("command"), "{}", told_by(&told));
}

#[test]
fn the_arrow_keys_move_and_escape_comes_back() {
    let mut pty = console();
    pty.send("\u{1b}[B");
    pty.until("2 of 12");
    pty.send("\r");
    pty.until("Medium risk.");
    pty.send("\u{1b}");
    pty.until("2 of 12");
}

#[test]
fn a_smaller_terminal_says_so_and_a_larger_one_shows_it_again() {
    let mut pty = console();
    pty.resize((20, 5));
    pty.until("Pilothouse needs");
    pty.typed("j");
    pty.resize((120, 36));
    pty.until("health");
    assert!(pty.text().contains("1 of 12"), "the key was not taken:\n{}", pty.text());
}

#[test]
fn leaving_restores_the_terminal_and_says_how_it_was_left() {
    let (mut pty, told) = telling();
    pty.typed("q");
    pty.until("Under way");
    pty.typed("\r");
    assert_eq!(pty.ended(), 10);
    assert!(told_by(&told).contains("left HangUp"));
    let screen = pty.screen();
    assert!(!screen.alternate_screen(), "the other screen is left");
    assert!(!screen.hide_cursor(), "the cursor is back");
    assert!(!screen.bracketed_paste(), "bracketed paste is off");
}

#[test]
fn a_terminal_that_goes_away_is_a_hang_up() {
    let (mut pty, told) = telling();
    pty.hang_up();
    assert_eq!(pty.ended(), 10);
    assert!(told_by(&told).contains("left HangUp"));
}

#[test]
fn terminate_restores_the_terminal() {
    let (mut pty, told) = telling();
    let pid = pty.child.process_id().unwrap();
    std::process::Command::new("kill").arg(pid.to_string()).status().unwrap();
    assert_eq!(pty.ended(), 10);
    assert!(told_by(&told).contains("left HangUp"));
    pty.until_shell();
}

#[test]
fn a_suspended_console_comes_back_as_it_was() {
    let mut pty = console();
    let pid = pty.child.process_id().unwrap().to_string();
    pty.send("\u{1a}");
    let stopped = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('T')
    };
    for _ in 0..500 {
        if stopped() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(stopped(), "it is stopped");
    // The frame may be gone in one read and the shell's screen come back in the next.
    pty.until_shell();
    std::process::Command::new("kill").args(["-CONT", &pid]).status().unwrap();
    pty.until("needs you 3");
    pty.typed("j");
    pty.until("2 of 12");
}

#[test]
fn no_color_keeps_the_selection_visible() {
    let mut command = command();
    command.env("NO_COLOR", "1");
    let pty = Pty::spawn(command, (80, 24));
    pty.until("needs you 3");
    let screen = pty.screen();
    let row = (0..24)
        .find(|row| screen.cell(*row, 0).is_some_and(|cell| cell.contents() == "›"))
        .expect("the cursor's sign");
    assert!(screen.cell(row, 20).unwrap().inverse(), "the row is inverse");
    let coloured = (0..24).any(|row| {
        (0..80).any(|column| {
            screen.cell(row, column).is_some_and(|cell| cell.fgcolor() != vt100::Color::Default)
        })
    });
    assert!(!coloured, "no colour at all");
}

#[test]
fn dumb_and_missing_terminals_get_a_sentence_and_no_screen() {
    let mut dumb = command();
    dumb.env("TERM", "dumb");
    let mut pty = Pty::spawn(dumb, (80, 24));
    assert_eq!(pty.ended(), 6);
    assert!(pty.text().contains("pilothouse list, watch, show"), "{}", pty.text());
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["fixture_program", "--exact", "--ignored", "--nocapture"])
        .env("TERM", "xterm")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(6));
    let said = String::from_utf8_lossy(&output.stderr).to_string();
    assert!(said.contains("not a terminal"), "{said}");
}

#[test]
fn frames_are_marked_as_synchronized_updates() {
    let pty = console();
    let bytes = String::from_utf8_lossy(&pty.bytes()).to_string();
    let begins = bytes.matches("\u{1b}[?2026h").count();
    let ends = bytes.matches("\u{1b}[?2026l").count();
    assert!(begins > 0 && begins == ends, "{begins} {ends}");
    assert!(!bytes.contains("\u{1b}[6n"), "the terminal is never asked for the cursor's place");
}

#[test]
fn the_identity_is_copied_plain_and_wrapped_for_tmux() {
    let mut pty = console();
    pty.typed("c");
    pty.until("sent to the terminal's clipboard");
    let bytes = String::from_utf8_lossy(&pty.bytes()).to_string();
    assert!(bytes.contains("\u{1b}]52;c;"), "plain");
    assert!(bytes.contains("\u{1b}Ptmux;\u{1b}\u{1b}]52;c;"), "wrapped");
}

#[test]
fn a_run_is_steered_with_keys_in_a_terminal() {
    let (mut pty, told) = telling();
    // The fifth row is the one that runs.
    pty.typed("jjjj");
    pty.until("5 of 12");
    pty.typed(" p");
    pty.until("pause done");
    pty.typed(" s");
    pty.until("reason");
    pty.typed("the budget will not free\r");
    pty.until("skip done");
    pty.typed(" m");
    pty.until("reason");
    pty.typed("by hand\r");
    pty.until("take-over done");
    pty.typed(" c");
    pty.until("then what was done is undone");
    pty.typed("enough\r");
    pty.until("cancel done");
    let told = told_by(&told);
    for steering in
        ["Pause", "Skip", "2.2", "the budget will not free", "TakeOver", "Cancel", "enough"]
    {
        assert!(told.contains(steering), "{steering}: {told}");
    }
}
