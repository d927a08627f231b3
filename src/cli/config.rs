//! `config show` and `config check`.

use super::exit::{Exit, Failure, Outcome};
use super::session::Session;
use crate::config::keys::KEYS;
use crate::config::roles;
use crate::config::value::{Kind, Value};
use serde_json::json;

/// Settings.
#[derive(Debug, clap::Args)]
pub struct Config {
    /// What to do with them.
    #[command(subcommand)]
    pub what: What,
}

/// What to do with settings.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub enum What {
    /// Print each value and where it comes from. Secrets are not shown.
    Show,
    /// Read everything (also the roles file and secret files) and say what is wrong.
    Check,
}

impl Config {
    /// Runs the verb.
    ///
    /// # Errors
    /// When something is wrong with them.
    pub fn run(&self, session: &Session) -> Outcome {
        match self.what {
            What::Show => show(session),
            What::Check => check(session),
        }
    }
}

fn show(session: &Session) -> Outcome {
    let mut items = Vec::new();
    for key in KEYS {
        let Some((value, origin)) = session.loaded.entries.get(key.path) else { continue };
        let shown = match (key.kind, value) {
            (Kind::Secret, Value::Text(text)) if text.is_empty() => "(not set)".to_string(),
            (Kind::Secret, _) => "(set, not shown)".to_string(),
            (kind, value) => value.shown(kind),
        };
        if session.output.is_text() {
            let unused = if key.used { "" } else { "  (not used yet)" };
            let line = format!("{:<34} = {shown:<32} # {origin}{unused}\n", key.path);
            session.output.data(&line)?;
        } else {
            items.push(json!({
                "key": key.path,
                "value": shown,
                "origin": origin.to_string(),
                "variable": key.variable(),
                "about": key.about,
                "used": key.used,
            }));
        }
    }
    if !session.output.is_text() {
        session.output.list(&items)?;
    }
    Ok(Exit::Done)
}

fn check(session: &Session) -> Outcome {
    let settings = session.settings();
    let mut problems = Vec::new();
    if let Some(file) = &settings.policy.roles
        && let Err(error) = roles::read(file)
    {
        problems.push(error.to_string());
    }
    for secret in [
        &settings.store.password,
        &settings.webhook.token,
        &settings.prometheus.token,
        &settings.alertmanager.token,
        &settings.slm.token,
        &settings.vector_db.password,
    ] {
        if let Err(why) = secret.read() {
            problems.push(why);
        }
    }
    for channel in &settings.notify.channels {
        if let Err(why) = channel.secret.read() {
            problems.push(format!("channel {}: {why}", channel.name));
        }
    }
    if !problems.is_empty() {
        return Err(Failure::usage(problems.join("\n")));
    }
    for warning in &session.loaded.warnings {
        session.output.say(&format!("note: {warning}"));
    }
    let file = session
        .loaded
        .file
        .as_ref()
        .map_or_else(|| "no settings file".to_string(), |file| file.display().to_string());
    if session.output.is_text() {
        session.output.data(&format!("{file}: everything can be read\n"))?;
    } else {
        let file = &session.loaded.file;
        session.output.document(&json!({ "ok": true, "file": file }))?;
    }
    Ok(Exit::Done)
}
