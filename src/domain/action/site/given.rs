//! What a definition hands over: texts by name, and lists and mappings spread over names.
//!
//! | name | of | what |
//! | --- | --- | --- |
//! | `how`, `definition` | all | job, exec, patch or create; the definition's name |
//! | `namespace` | all | where |
//! | `argv.N`, `timeout_s` | job, exec | program and arguments; seconds that it may take |
//! | `image`, `service_account`, `secret.N`, `claim.PATH` | job | what its pod is made of |
//! | `labels`, `container`, `exit_codes` | exec | one ready pod with these labels; codes that mean success |
//! | `api_version`, `kind`, `name`, `subresource` | patch | the object |
//! | `set.PATH` | patch, create | fields |
//! | `manifest` | create | the object, as JSON |

use super::super::request::ActionError;
use serde_json::Value;
use std::collections::BTreeMap;

/// Longest argument, and most arguments.
const LONGEST: usize = 4_096;
const MOST: usize = 100;

/// The parameters, by their names.
pub(super) struct Given<'a>(pub(super) &'a BTreeMap<String, Value>);

impl Given<'_> {
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn needed(&self, name: &str) -> Result<&str, ActionError> {
        match self.text(name) {
            "" => Err(ActionError(format!("{} needs `{name}`", self.called()))),
            text => Ok(text),
        }
    }

    pub(super) fn called(&self) -> &str {
        match self.text("definition") {
            "" => "the definition",
            name => name,
        }
    }

    pub(super) fn seconds(&self) -> Result<u64, ActionError> {
        let text = self.needed("timeout_s")?;
        text.parse().map_err(|_| ActionError(format!("`timeout_s`: {text} is no number")))
    }

    /// Values of `PREFIX0`, `PREFIX1`, …, in that order.
    pub(super) fn numbered(&self, prefix: &str) -> Vec<&Value> {
        (0..MOST).map_while(|index| self.0.get(&format!("{prefix}{index}"))).collect()
    }

    /// Names and values of all that begin with the prefix.
    pub(super) fn named<'s>(
        &'s self,
        prefix: &'s str,
    ) -> impl Iterator<Item = (&'s str, &'s Value)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value)))
    }

    pub(super) fn argv(&self) -> Result<Vec<String>, ActionError> {
        let argv = self
            .numbered("argv.")
            .into_iter()
            .map(|value| match value {
                Value::String(text) => text.clone(),
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_) => value.to_string(),
            })
            .collect::<Vec<_>>();
        let wrong = |why: &str| Err(ActionError(format!("{}: {why}", self.called())));
        if argv.first().is_none_or(String::is_empty) {
            return wrong("there is no program to run");
        }
        if argv.iter().any(|argument| argument.len() > LONGEST) {
            return wrong("an argument is longer than 4096 bytes");
        }
        if argv.iter().any(|argument| argument.contains('\0')) {
            return wrong("an argument holds a NUL character, which no program can be given");
        }
        Ok(argv)
    }
}

/// Keys of `spec.a."b.c/d"`: dots separate, except within double quotes.
pub(super) fn split(path: &str) -> Vec<String> {
    let mut keys = vec![String::new()];
    let mut quoted = false;
    for c in path.chars() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => keys.push(String::new()),
            other => {
                if let Some(last) = keys.last_mut() {
                    last.push(other);
                }
            }
        }
    }
    keys
}
