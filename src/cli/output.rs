//! The only printer. Data goes to stdout, talk to stderr. A reader that goes away ends the program quietly.

use super::exit::{Exit, Failure};
use crate::domain::report::form::REPORT_SCHEMA;
use serde::Serialize;
use std::io::{ErrorKind, IsTerminal as _, Write as _};

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Jsonl,
}

/// The printer.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// How data is printed.
    pub format: Format,
}

impl Output {
    /// Whether people read it.
    #[must_use]
    pub fn is_text(self) -> bool {
        self.format == Format::Text
    }

    /// Data as it is.
    ///
    /// # Errors
    /// When nobody reads it any more: the program ends quietly.
    pub fn data(self, text: &str) -> Result<(), Failure> {
        self.bytes(text.as_bytes())
    }

    /// Bytes as they are.
    ///
    /// # Errors
    /// As [`Output::data`].
    pub fn bytes(self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Failure::new(Exit::Done, ""),
            _ => Failure::new(Exit::Failed, format!("stdout can't be written: {error}")),
        })
    }

    /// A JSON document with the schema in front: indented, or one line for `jsonl`.
    ///
    /// # Errors
    /// As [`Output::data`].
    pub fn document<T: Serialize>(self, value: &T) -> Result<(), Failure> {
        let mut value = json(value)?;
        if let Some(object) = value.as_object_mut() {
            object.entry("schema").or_insert_with(|| REPORT_SCHEMA.into());
        }
        let text = match self.format {
            Format::Jsonl => serde_json::to_string(&value),
            Format::Text | Format::Json => serde_json::to_string_pretty(&value),
        };
        let text = text.map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        self.data(&(text + "\n"))
    }

    /// A list: `{"schema", "items": []}`, or one object a line.
    ///
    /// # Errors
    /// As [`Output::data`].
    pub fn list<T: Serialize>(self, items: &[T]) -> Result<(), Failure> {
        match self.format {
            Format::Jsonl => items.iter().try_for_each(|item| self.document(item)),
            Format::Text | Format::Json => {
                let items = items.iter().map(json).collect::<Result<Vec<_>, _>>()?;
                self.document(&serde_json::json!({ "items": items }))
            }
        }
    }

    /// Talk: a line on stderr. Nobody hearing it is no error.
    pub fn say(self, text: &str) {
        let _nobody_there = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// A question on stderr, without a line end.
    pub fn ask(self, text: &str) {
        let mut err = std::io::stderr().lock();
        let _nobody_there = write!(err, "{text}").and_then(|()| err.flush());
    }

    /// Whether a person sits at it: both ways, so that a question can be asked and answered.
    #[must_use]
    pub fn has_terminal(self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }
}

fn json<T: Serialize>(value: &T) -> Result<serde_json::Value, Failure> {
    serde_json::to_value(value)
        .map_err(|error| Failure::new(Exit::Failed, format!("no JSON form: {error}")))
}
