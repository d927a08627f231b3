//! `templates list`, `show` and `lint`; `test` is in `templates_test`.

use super::exit::{Exit, Failure, Outcome};
use super::session::Session;
use super::templates_test::Test;
use crate::assemble::real::library;
use crate::domain::workflow::lint;
use crate::domain::workflow::template::{Library, Problem, is_definition};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Templates.
#[derive(Debug, clap::Args)]
pub struct Templates {
    /// What to do with them.
    #[command(subcommand)]
    pub what: What,
}

/// What to do with templates.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Name, version and digest of each, and those that do not load.
    List,
    /// One template's text.
    Show {
        /// Its name.
        name: String,
    },
    /// Say what is wrong, with file, line, column and a suggestion. Exit code 1 when something is.
    Lint {
        /// Files and directories of templates and definitions; none: the shipped ones, templates.directory and
        /// actions.directory.
        paths: Vec<PathBuf>,
    },
    /// Run rules and templates against recorded incidents, offline; says what differs. Exit code 1 when something does.
    Test(Test),
}

impl Templates {
    /// Runs the verb.
    ///
    /// # Errors
    /// When a file can't be read, or something is wrong in one.
    pub fn run(&self, session: &Session) -> Outcome {
        match &self.what {
            What::List => list(session),
            What::Show { name } => show(session, name),
            What::Lint { paths } => lint(session, paths),
            What::Test(test) => test.run(session),
        }
    }
}

pub(super) fn loaded(session: &Session) -> Result<Library, Failure> {
    library(session.settings()).map_err(Failure::unavailable)
}

fn list(session: &Session) -> Outcome {
    let library = loaded(session)?;
    let output = session.output;
    if output.is_text() {
        for template in library.templates.values() {
            let reference = &template.reference;
            let digest = reference.digest.get(..12).unwrap_or(&reference.digest);
            let line =
                format!("{:<24} version {:<4} {digest}\n", reference.name, reference.version);
            output.data(&line)?;
        }
        for problem in &library.problems {
            output.say(&sentence(problem));
        }
    } else {
        let items = library
            .templates
            .values()
            .map(|template| json!(template.reference))
            .chain(library.problems.iter().map(|problem| json!({ "problem": line(problem) })))
            .collect::<Vec<_>>();
        output.list(&items)?;
    }
    Ok(Exit::Done)
}

fn show(session: &Session, name: &str) -> Outcome {
    let library = loaded(session)?;
    let Some(template) = library.templates.get(name) else {
        let known = library.templates.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let why = format!("there is no template `{name}`; there are: {known}");
        return Err(Failure::new(Exit::NotFound, why));
    };
    let text = match Library::shipped_text(&template.file) {
        Some(text) => text.to_string(),
        // A definition is such a template, too.
        None => std::fs::read_to_string(&template.file)
            .map_err(|error| Failure::unavailable(format!("{}: {error}", template.file)))?,
    };
    if session.output.is_text() {
        session.output.data(&text)?;
    } else {
        session.output.document(&json!({
            "name": template.reference.name,
            "version": template.reference.version,
            "digest": template.reference.digest,
            "file": template.file,
            "summary": template.summary,
            "text": text,
        }))?;
    }
    Ok(Exit::Done)
}

fn lint(session: &Session, paths: &[PathBuf]) -> Outcome {
    let settings = session.settings();
    let mut files = Vec::new();
    if paths.is_empty() {
        for own in [&settings.templates_directory, &settings.actions_directory] {
            own.iter().try_for_each(|directory| read(directory, &mut files))?;
        }
    }
    paths.iter().try_for_each(|path| read(path, &mut files))?;
    let (definitions, texts): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|(file, text)| is_definition(file, text));
    // Files are looked at among the others: a subflow may be in the next file, or shipped.
    let library = Library::load_with(&texts, &definitions, &settings.actions_images);
    let mut problems = library.problems.clone();
    for (file, text) in texts.iter().chain(&definitions) {
        problems.extend(lint::lint(file, text, &library));
    }
    problems.sort();
    problems.dedup();
    let output = session.output;
    if output.is_text() {
        for problem in &problems {
            output.data(&format!("{}\n", sentence(problem)))?;
        }
    } else {
        output.list(&problems.iter().map(line).collect::<Vec<_>>())?;
    }
    if problems.is_empty() {
        output.say(&format!("{} templates, nothing wrong", library.templates.len()));
        return Ok(Exit::Done);
    }
    Err(Failure::new(Exit::Failed, format!("{} problems", problems.len())))
}

pub(super) fn read(path: &Path, texts: &mut Vec<(String, String)>) -> Result<(), Failure> {
    let wrong = |error: std::io::Error| {
        let exit = match error.kind() {
            std::io::ErrorKind::NotFound => Exit::NotFound,
            _ => Exit::Usage,
        };
        Failure::new(exit, format!("{}: {error}", path.display()))
    };
    if path.is_dir() {
        let mut files = std::fs::read_dir(path)
            .map_err(wrong)?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|file| file.extension().is_some_and(|end| end == "yaml" || end == "yml"))
            .collect::<Vec<_>>();
        files.sort();
        return files.iter().try_for_each(|file| read(file, texts));
    }
    let text = std::fs::read_to_string(path).map_err(wrong)?;
    texts.push((path.display().to_string(), text));
    Ok(())
}

pub(super) fn sentence(problem: &Problem) -> String {
    let hint = if problem.suggestion.is_empty() {
        String::new()
    } else {
        format!(" ({})", problem.suggestion)
    };
    format!("{}:{}:{}: {}{hint}", problem.file, problem.line, problem.column, problem.message)
}

fn line(problem: &Problem) -> serde_json::Value {
    json!({
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
        "suggestion": problem.suggestion,
    })
}
