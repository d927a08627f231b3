//! From the command line to an exit code.

use super::arguments::{Arguments, Verb};
use super::console;
use super::exit::{Exit, Outcome};
use super::output::{Format, Output};
use super::session::Session;
use clap::Parser as _;
use clap::error::ErrorKind;
use std::ffi::OsString;

/// Prepares the process (one TLS provider, readable panics) and runs the program.
pub fn start(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    // Fails only when there is one already, which is as good.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let _installed = color_eyre::install();
    run(arguments)
}

/// Runs the program and returns its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let talk = Output { format: Format::Text };
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return shown(talk, &error),
    };
    match dispatch(arguments) {
        Ok(exit) => exit as u8,
        Err(failure) => {
            if !failure.message.is_empty() {
                talk.say(&format!("pilothouse: {}", failure.message));
            }
            failure.exit as u8
        }
    }
}

/// Help and version are data; a wrong command line is talk.
fn shown(output: Output, error: &clap::Error) -> u8 {
    let text = error.render();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            match output.data(&text.to_string()) {
                Ok(()) => Exit::Done as u8,
                Err(failure) => failure.exit as u8,
            }
        }
        _ => {
            output.say(text.to_string().trim_end());
            Exit::Usage as u8
        }
    }
}

fn dispatch(arguments: Arguments) -> Outcome {
    let output = Output { format: arguments.global.output };
    // These need no settings, and must work where the settings are broken.
    match &arguments.verb {
        Some(Verb::Completions(verb)) => return verb.run(output),
        Some(Verb::Man(verb)) => return verb.run(output),
        _ => {}
    }
    let session = Session::open(&arguments.global, output)?;
    match arguments.verb {
        None => console::run(&session),
        Some(Verb::Demo(verb)) => verb.run(&session),
        Some(Verb::Engine(verb)) => verb.run(&session),
        Some(Verb::Alert(verb)) => verb.run(&session),
        Some(Verb::List(verb)) => verb.run(&session),
        Some(Verb::Show(verb)) => verb.run(&session),
        Some(Verb::Watch(verb)) => verb.run(&session),
        Some(Verb::Logs(verb)) => verb.run(&session),
        Some(Verb::Approve(verb)) => verb.run(&session),
        Some(Verb::Reject(verb)) => verb.run(&session),
        Some(Verb::Claim(verb)) => verb.run(&session),
        Some(Verb::PlanAnew(verb)) => verb.run(&session),
        Some(Verb::Plan(verb)) => verb.run(&session),
        Some(Verb::Revise(verb)) => verb.run(&session),
        Some(Verb::Pause(verb)) => verb.run(&session),
        Some(Verb::Resume(verb)) => verb.run(&session),
        Some(Verb::Cancel(verb)) => verb.run(&session),
        Some(Verb::Skip(verb)) => verb.run(&session),
        Some(Verb::Retry(verb)) => verb.run(&session),
        Some(Verb::Undo(verb)) => verb.run(&session),
        Some(Verb::TakeOver(verb)) => verb.run(&session),
        Some(Verb::Stop(verb)) => verb.run(&session),
        Some(Verb::Start(verb)) => verb.run(&session),
        Some(Verb::Export(verb)) => verb.run(&session),
        Some(Verb::Handover(verb)) => verb.run(&session),
        Some(Verb::Effectiveness(verb)) => verb.run(&session),
        Some(Verb::Record(verb)) => verb.run(&session),
        Some(Verb::Audit(verb)) => verb.run(&session),
        Some(Verb::Breakers(verb)) => verb.run(&session),
        Some(Verb::Notifications(verb)) => verb.run(&session),
        Some(Verb::Templates(verb)) => verb.run(&session),
        Some(Verb::Actions(verb)) => verb.run(&session),
        Some(Verb::Config(verb)) => verb.run(&session),
        Some(Verb::Doctor(verb)) => verb.run(&session),
        Some(Verb::Completions(verb)) => verb.run(output),
        Some(Verb::Man(verb)) => verb.run(output),
    }
}
