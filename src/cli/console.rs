//! The console: what `pilothouse` is without a verb, and what `demo` shows. The only verb that needs the feature `ui`.

use super::exit::{Exit, Failure, Outcome};
use super::session::Session;
use crate::assemble::running::Running;
use crate::telemetry::Ring;

/// What kind of cluster the console is on: only a real one is asked who the person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cluster {
    /// That of the kubeconfig.
    Real,
    /// A simulated one.
    Simulated,
}

/// Shows the console on a running engine until it is left, and then lets what runs come to its safe point.
///
/// # Errors
/// When the terminal can't be used.
#[cfg(feature = "ui")]
pub fn show(session: &Session, running: Running, ring: Ring, cluster: Cluster) -> Outcome {
    use super::caller::person;
    use crate::domain::principal::{KubeIdentity, Transport};
    use crate::ui::run::{Console, Options, run};
    use std::sync::Arc;

    let kube = match cluster {
        Cluster::Real => session.wait(session.identity()),
        // The simulated API server believes everybody; what it answers is in no real log.
        Cluster::Simulated => Some(KubeIdentity {
            username: format!("{}@demo", person(None, Transport::Console).os_user),
            groups: vec!["system:masters".into(), "system:authenticated".into()],
        }),
    };
    let console = Console {
        handle: running.handle.clone(),
        runtime: running.runtime.handle().clone(),
        principal: person(kube, Transport::Console),
        logs: Arc::new(move || ring.lines().into_iter().filter_map(line).collect()),
        theme: theme(session)?,
        options: Options {
            two_people: cluster == Cluster::Real && session.settings().store.url.is_some(),
            ..Options::default()
        },
    };
    let left = run(console);
    running.end();
    match left {
        Ok(_) => Ok(Exit::Done),
        Err(error) => Err(Failure::unavailable(format!(
            "the console can't be shown: {error}; without a terminal use `pilothouse engine` and the verbs"
        ))),
    }
}

/// Theme and signs of the settings. A theme that is a file is read here.
#[cfg(feature = "ui")]
fn theme(session: &Session) -> Result<crate::ui::theme::ThemeChoice, Failure> {
    let ui = &session.settings().ui;
    let mut choice = crate::ui::theme::ThemeChoice {
        name: Some(ui.theme.clone()),
        ascii: match ui.glyphs.as_str() {
            "ascii" => Some(true),
            "unicode" => Some(false),
            _ => None,
        },
        ..Default::default()
    };
    if ui.theme.contains('/')
        || std::path::Path::new(&ui.theme).extension().is_some_and(|end| end == "toml")
    {
        let text = std::fs::read_to_string(&ui.theme)
            .map_err(|error| Failure::usage(format!("ui.theme: {}: {error}", ui.theme)))?;
        choice.files.push((ui.theme.clone(), text));
    }
    Ok(choice)
}

/// A line of the program's log as the console shows it.
#[cfg(feature = "ui")]
fn line(line: crate::telemetry::LogLine) -> Option<crate::ui::msg::LogLine> {
    use crate::ui::msg::{Level, LogLine};
    let at = chrono::DateTime::parse_from_rfc3339(&line.at).ok()?.to_utc();
    let level = match line.level {
        "ERROR" => Level::Error,
        "WARN" => Level::Warn,
        "INFO" => Level::Info,
        _ => Level::Debug,
    };
    Some(LogLine { at, level, target: line.target, text: line.text })
}

/// There is no console in this build.
///
/// # Errors
/// Always.
#[cfg(not(feature = "ui"))]
pub fn show(_session: &Session, running: Running, _ring: Ring, _cluster: Cluster) -> Outcome {
    running.end();
    Err(Failure::usage(
        "this build has no console (feature `ui` is off): use `pilothouse engine` and the verbs",
    ))
}

/// The console on the kubeconfig's context.
///
/// # Errors
/// What can't be had, and what to do.
pub fn run(session: &Session) -> Outcome {
    needs_terminal()?;
    let (ring, _guard) = super::engine::logging(session)?;
    let running = super::engine::begin(session)?;
    // Another engine of this host may have the port: the console works without.
    if let Err(failure) = super::serving::endpoints(session, &running) {
        tracing::warn!(why = failure.message, "the endpoints are not open");
    }
    show(session, running, ring, Cluster::Real)
}

/// The console can be shown only on a terminal; nothing is started for one that can't.
///
/// # Errors
/// When there is none.
pub fn needs_terminal() -> Result<(), Failure> {
    use std::io::IsTerminal as _;
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Usage,
        "the console needs a terminal: use `pilothouse engine`, or verbs such as `pilothouse list` (see --help)",
    ))
}
