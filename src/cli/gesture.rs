//! The gesture at a line prompt: the same as on the card, as strong as the risk. Default is no.
//!
//! Promises: what was typed or pasted before the question is thrown away; nothing but the exact answer decides.

use super::exit::{Exit, Failure};
use super::output::Output;
use crate::domain::approval::Gesture;
use crate::domain::workflow::plan::Risk;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::time::Duration;

/// How long the keys are dead after the card is shown.
const DEAD: Duration = Duration::from_millis(500);

/// A gesture that was made, with the name as typed.
pub type Made = (Gesture, Option<String>);

/// Asks on the terminal.
///
/// # Errors
/// When the answer is anything but yes, or there is no terminal after all.
pub fn ask(output: Output, risk: Risk, name: &str) -> Result<Made, Failure> {
    let terminal = OpenOptions::new()
        .read(true)
        .open("/dev/tty")
        .map_err(|error| Failure::unavailable(format!("the terminal can't be read: {error}")))?;
    match risk {
        Risk::Low => {
            expect(output, &terminal, "risk low. Approve? Type y (anything else: no): ", "y")?;
            Ok((Gesture::Key, None))
        }
        Risk::Medium => {
            expect(output, &terminal, "risk medium. Approve? Type a (anything else: no): ", "a")?;
            expect(output, &terminal, "then y: ", "y")?;
            Ok((Gesture::Chord, None))
        }
        Risk::High | Risk::Critical => {
            let question =
                format!("risk {risk}. Approve? Type the target's name (anything else: no): ");
            let typed = answer(output, &terminal, &question)?;
            if name.is_empty() || typed != name {
                return Err(declined());
            }
            Ok((Gesture::TypedName, Some(typed)))
        }
    }
}

fn expect(output: Output, terminal: &File, question: &str, yes: &str) -> Result<(), Failure> {
    if answer(output, terminal, question)? == yes { Ok(()) } else { Err(declined()) }
}

fn answer(output: Output, terminal: &File, question: &str) -> Result<String, Failure> {
    output.ask(question);
    std::thread::sleep(DEAD);
    rustix::termios::tcflush(terminal, rustix::termios::QueueSelector::IFlush)
        .map_err(|error| Failure::unavailable(format!("the terminal can't be used: {error}")))?;
    let mut line = String::new();
    let read = BufReader::new(terminal).read_line(&mut line);
    match read {
        Ok(length) if length > 0 => Ok(line.trim_end_matches(['\r', '\n']).to_string()),
        Ok(_) | Err(_) => Err(declined()),
    }
}

fn declined() -> Failure {
    Failure::new(Exit::Failed, "not approved: nothing was sent")
}
