//! `actions list` and `show`: the catalogue, the site's definitions, and examples of definitions.

use super::exit::{Exit, Failure, Outcome};
use super::session::Session;
use super::templates::loaded;
use crate::domain::action::Action;
use crate::domain::workflow::template::{EXAMPLES, Library};
use serde_json::{Value, json};

/// The catalogue of actions.
#[derive(Debug, clap::Args)]
pub struct Actions {
    /// What to do with them.
    #[command(subcommand)]
    pub what: What,
}

/// What to do with actions.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// All actions with class and risk, the site's definitions, and the examples.
    List,
    /// One action, definition or example, by its name.
    Show {
        /// Its name.
        name: String,
    },
}

impl Actions {
    /// Runs the verb.
    ///
    /// # Errors
    /// When a directory can't be read, or there is nothing of that name.
    pub fn run(&self, session: &Session) -> Outcome {
        match &self.what {
            What::List => list(session),
            What::Show { name } => show(session, name),
        }
    }
}

/// What keeps an action from being used here; empty: nothing.
fn missing(action: Action, library: &Library) -> String {
    let defined = library.definitions.values().any(|one| one.enabled && one.implements == action);
    if action.needs_definition() && !defined {
        "no definition of it is enabled: it is never proposed".into()
    } else {
        String::new()
    }
}

fn described(action: Action, library: &Library) -> Value {
    let parameters = action
        .parameters
        .iter()
        .map(|one| json!({"name": one.name, "required": one.required, "describe": one.describe}));
    json!({
        "action": action.word(), "class": action.class, "risk": action.risk,
        "describe": action.describe, "undone_by": action.undone_by, "needs": action.needs,
        "parameters": parameters.collect::<Vec<_>>(), "missing": missing(action, library),
    })
}

fn list(session: &Session) -> Outcome {
    let library = loaded(session)?;
    let output = session.output;
    let mut all = Action::ALL.to_vec();
    all.sort_by_key(|action| action.word());
    if !output.is_text() {
        let actions = all.into_iter().map(|action| described(action, &library));
        let definitions = library.definitions.iter().map(|(name, one)| {
            json!({"definition": name, "implements": one.implements.word(),
                "enabled": one.enabled, "file": one.template.file})
        });
        let examples = EXAMPLES.iter().map(|(name, _)| json!({ "example": name }));
        let items = actions.chain(definitions).chain(examples).collect::<Vec<_>>();
        output.list(&items)?;
        return Ok(Exit::Done);
    }
    for action in all {
        let missing = missing(action, &library);
        let class = format!("{}, {}", action.class, action.risk);
        output.data(&format!("{:<28} {class:<20} {missing}\n", action.word()))?;
    }
    for (name, one) in &library.definitions {
        let state = if one.enabled { "enabled" } else { "not enabled" };
        output.data(&format!("definition {name:<30} {state}, {}\n", one.implements))?;
    }
    for (name, _) in EXAMPLES {
        output.data(&format!("example    {name:<30} `pilothouse actions show {name}`\n"))?;
    }
    for problem in &library.problems {
        output.say(&problem.to_string());
    }
    Ok(Exit::Done)
}

fn show(session: &Session, name: &str) -> Outcome {
    let library = loaded(session)?;
    let output = session.output;
    if let Some(action) = Action::from_word(name) {
        if !output.is_text() {
            output.document(&described(action, &library))?;
            return Ok(Exit::Done);
        }
        output.data(&format!("{action}: {}\n", action.describe))?;
        output.data(&format!("class {}, risk {}\n", action.class, action.risk))?;
        output.data(&format!("undone by: {}\n", action.undone_by))?;
        for (head, line) in [("needs", action.needs), ("missing", &missing(action, &library))] {
            if !line.is_empty() {
                output.data(&format!("{head}: {line}\n"))?;
            }
        }
        for one in action.parameters {
            let need = if one.required { "required" } else { "optional" };
            output.data(&format!("  {} ({need}): {}\n", one.name, one.describe))?;
        }
        return Ok(Exit::Done);
    }
    let text = match library.definitions.get(name) {
        Some(one) => std::fs::read_to_string(&one.template.file)
            .map_err(|error| Failure::unavailable(format!("{}: {error}", one.template.file)))?,
        None => EXAMPLES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, text)| (*text).to_string())
            .ok_or_else(|| {
                let why = format!("there is no action, definition or example `{name}`");
                Failure::new(Exit::NotFound, why)
            })?,
    };
    if output.is_text() {
        output.data(&text)?;
    } else {
        output.document(&json!({ "name": name, "text": text }))?;
    }
    Ok(Exit::Done)
}
