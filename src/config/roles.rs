//! The roles file: who has which role, where.
//!
//! ```toml
//! [[grant]]
//! role = "operator"
//! users = ["mira"]
//! namespaces = ["payments"]
//! ```

use super::document::{Problem, did_you_mean, line_of};
use super::load::ConfigError;
use crate::domain::policy::{Grant, Role};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// Members of a grant.
const MEMBERS: &[&str] = &["role", "users", "kube_users", "kube_groups", "namespaces"];

/// Reads the file. A file that is named and can't be read grants nothing: it is an error.
///
/// # Errors
/// Every problem found, with its line.
pub fn read(file: &Path) -> Result<BTreeMap<String, Vec<Grant>>, ConfigError> {
    let shown = file.display().to_string();
    match std::fs::read_to_string(file) {
        Ok(text) => parse(&shown, &text),
        Err(error) => Err(ConfigError(vec![Problem {
            place: shown,
            message: format!("roles file can't be read: {error}"),
        }])),
    }
}

/// Reads the text of a roles file.
///
/// # Errors
/// Every problem found, with its line.
pub fn parse(file: &str, text: &str) -> Result<BTreeMap<String, Vec<Grant>>, ConfigError> {
    let at = |byte: usize, message: String| Problem {
        place: format!("{file}:{}", line_of(text, byte)),
        message,
    };
    let table = DeTable::parse(text).map_err(|error| {
        let byte = error.span().map_or(0, |span| span.start);
        ConfigError(vec![at(byte, error.message().to_string())])
    })?;
    let mut problems = Vec::new();
    let mut grants: BTreeMap<String, Vec<Grant>> = BTreeMap::new();
    for (key, value) in table.get_ref() {
        let items = match (key.get_ref().as_ref(), value.get_ref()) {
            ("grant", DeValue::Array(items)) => items,
            ("grant", _) => {
                problems.push(at(key.span().start, "write [[grant]], once for each grant".into()));
                continue;
            }
            (other, _) => {
                let hint = did_you_mean(other, ["grant"].into_iter());
                problems.push(at(key.span().start, format!("unknown key `{other}`{hint}")));
                continue;
            }
        };
        for item in items {
            match item.get_ref() {
                DeValue::Table(table) => match grant(table, item.span().start, &at) {
                    Ok((role, grant)) => grants.entry(role).or_default().push(grant),
                    Err(found) => problems.extend(found),
                },
                _ => problems.push(at(item.span().start, "a grant is a section".into())),
            }
        }
    }
    if problems.is_empty() { Ok(grants) } else { Err(ConfigError(problems)) }
}

fn grant(
    table: &DeTable<'_>,
    start: usize,
    at: &dyn Fn(usize, String) -> Problem,
) -> Result<(String, Grant), Vec<Problem>> {
    let mut problems = Vec::new();
    let mut role = None;
    let mut grant = Grant::default();
    for (key, value) in table {
        let (name, byte) = (key.get_ref().as_ref(), key.span().start);
        let into = match name {
            "role" => {
                role = value.get_ref().as_str().and_then(Role::from_word);
                if role.is_none() {
                    let words = Role::ALL.iter().map(|role| role.word()).collect::<Vec<_>>();
                    problems.push(at(byte, format!("role is one of {}", words.join(", "))));
                }
                continue;
            }
            "users" => &mut grant.users,
            "kube_users" => &mut grant.kube_users,
            "kube_groups" => &mut grant.kube_groups,
            "namespaces" => &mut grant.namespaces,
            other => {
                let hint = did_you_mean(other, MEMBERS.iter().copied());
                problems.push(at(byte, format!("unknown key `{other}`{hint}")));
                continue;
            }
        };
        match texts(value.get_ref()) {
            Some(items) => *into = items,
            None => problems.push(at(byte, format!("`{name}` is a list of texts"))),
        }
    }
    if grant.users.is_empty() && grant.kube_users.is_empty() && grant.kube_groups.is_empty() {
        problems.push(at(
            start,
            "this grant names nobody: set users, kube_users or kube_groups".into(),
        ));
    }
    if role.is_none() && problems.is_empty() {
        problems.push(at(start, "this grant has no role".into()));
    }
    match role {
        Some(role) if problems.is_empty() => Ok((role.word().to_string(), grant)),
        _ => Err(problems),
    }
}

fn texts(value: &DeValue<'_>) -> Option<BTreeSet<String>> {
    value.as_array()?.iter().map(|item| item.get_ref().as_str().map(String::from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_read_with_all_its_members() {
        let text = "[[grant]]\nrole = \"operator\"\nusers = [\"mira\"]\nkube_groups = [\"sre\"]\nnamespaces = [\"shop\"]\n";
        let grants = parse("roles.toml", text).unwrap();
        let operator = &grants["operator"][0];
        assert!(operator.users.contains("mira") && operator.kube_groups.contains("sre"));
        assert!(operator.namespaces.contains("shop"));
    }

    #[test]
    fn a_typo_in_a_roles_file_is_an_error_with_its_line_and_a_suggestion() {
        let text = "[[grant]]\nrole = \"operator\"\nuser = [\"mira\"]\n";
        let error = parse("roles.toml", text).unwrap_err().to_string();
        assert!(
            error.contains("roles.toml:3: unknown key `user` (did you mean `users`?)"),
            "{error}"
        );
    }

    #[test]
    fn a_grant_to_nobody_and_an_unknown_role_are_errors() {
        let error = parse("r", "[[grant]]\nrole = \"root\"\n").unwrap_err().to_string();
        assert!(error.contains("role is one of viewer, developer, operator, admin"), "{error}");
        assert!(error.contains("names nobody"), "{error}");
    }

    #[test]
    fn a_roles_file_that_is_missing_is_an_error_and_not_an_empty_one() {
        assert!(read(Path::new("/nowhere/roles.toml")).is_err());
    }
}
