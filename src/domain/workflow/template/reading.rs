//! What all parts of the parser share: the file, the problems found so far, and mappings whose keys are known.

use super::excerpt::locate;
use super::problem::Problem;
use super::yaml::{Key, Kind, Node, Place};
use crate::domain::expr::{ExprError, Type};
use crate::domain::spelling::nearest;
use crate::domain::time::parse_duration;
use std::collections::{BTreeMap, BTreeSet};

/// The file that is read, and what is wrong with it.
pub(super) struct Reading<'a> {
    file: &'a str,
    text: &'a str,
    pub(super) problems: Vec<Problem>,
    /// What lint has to say beside problems: it does not keep the template from loading.
    pub(super) hints: Vec<Problem>,
    /// Types of the parameters so far.
    pub(super) types: BTreeMap<String, Type>,
    /// Parameters that some expression uses.
    pub(super) used: BTreeSet<String>,
    /// Ids of steps so far.
    pub(super) ids: BTreeSet<String>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            problems: Vec::new(),
            hints: Vec::new(),
            types: BTreeMap::new(),
            used: BTreeSet::new(),
            ids: BTreeSet::new(),
        }
    }

    /// The file that is read.
    pub(super) fn file(&self) -> &'a str {
        self.file
    }

    /// Notes a problem.
    pub(super) fn problem(&mut self, place: Place, message: impl Into<String>) {
        self.problems.push(Problem::at(self.file, place, message));
    }

    /// Notes a problem with what to write instead.
    pub(super) fn advise(
        &mut self,
        place: Place,
        message: impl Into<String>,
        suggestion: impl Into<String>,
    ) {
        self.problems.push(Problem::at(self.file, place, message).suggest(suggestion));
    }

    /// Notes what is odd, though the template can be used.
    pub(super) fn hint(
        &mut self,
        place: Place,
        message: impl Into<String>,
        suggestion: impl Into<String>,
    ) {
        self.hints.push(Problem::at(self.file, place, message).suggest(suggestion));
    }

    /// Notes what is wrong with an expression that is part of a scalar, where it stands in the file. `value` is the
    /// whole scalar, `at` the line and column in it where the expression starts.
    pub(super) fn expression(
        &mut self,
        node: &Node,
        value: &str,
        at: (usize, usize),
        error: ExprError,
    ) {
        let error = error.within(at.0, at.1);
        let place = self.inside(node, value, error.line, error.column);
        self.problem(place, format!("CEL: {}", error.message));
    }

    /// The place in the file of a place in a scalar.
    pub(super) fn inside(&self, node: &Node, value: &str, line: usize, column: usize) -> Place {
        locate(self.text, node.place, value, line, column)
    }

    /// The mapping's fields; a problem when it is none.
    pub(super) fn fields<'n>(
        &mut self,
        node: &'n Node,
        what: &'static str,
        known: &'static [&'static str],
    ) -> Fields<'n> {
        let mut fields = Fields { place: node.place, members: &[], what };
        let Kind::Map(members) = &node.kind else {
            self.problem(node.place, format!("{what} is a mapping, not {}", node.noun()));
            return fields;
        };
        fields.members = members;
        for (key, _) in members {
            if known.contains(&key.text.as_str()) {
                continue;
            }
            let message = format!("{what} knows no `{}`", key.text);
            match nearest(&key.text, known.iter().copied()) {
                Some(near) => self.advise(key.place, message, format!("did you mean `{near}`?")),
                None => self.advise(key.place, message, format!("it knows {}", known.join(", "))),
            }
        }
        fields
    }

    /// A text that must be there and not empty.
    pub(super) fn required_text(&mut self, fields: &Fields<'_>, key: &str) -> String {
        let Some(node) = fields.get(key) else {
            self.problem(fields.place, format!("{} has no `{key}`", fields.what));
            return String::new();
        };
        let text = self.text(node, key);
        if text.trim().is_empty() && !matches!(node.kind, Kind::List(_) | Kind::Map(_)) {
            self.problem(node.place, format!("`{key}` is empty"));
        }
        text
    }

    /// A scalar as text.
    pub(super) fn text(&mut self, node: &Node, key: &str) -> String {
        node.scalar().unwrap_or_else(|| {
            self.problem(node.place, format!("`{key}` is a text, not {}", node.noun()));
            String::new()
        })
    }

    /// A text that may be absent.
    pub(super) fn optional_text(&mut self, fields: &Fields<'_>, key: &str) -> String {
        fields.get(key).map(|node| self.text(node, key)).unwrap_or_default()
    }

    /// Seconds of a duration that may be absent.
    pub(super) fn duration(&mut self, fields: &Fields<'_>, key: &str) -> Option<u64> {
        let node = fields.get(key)?;
        match parse_duration(&self.text(node, key)) {
            Ok(seconds) => Some(seconds),
            Err(why) => {
                self.problem(node.place, format!("`{key}`: {why}"));
                None
            }
        }
    }

    /// A whole number that may be absent.
    pub(super) fn count(&mut self, fields: &Fields<'_>, key: &str, most: u32) -> Option<u32> {
        let node = fields.get(key)?;
        let number = match &node.kind {
            Kind::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
            Kind::Null | Kind::Bool(_) | Kind::Text(_) | Kind::List(_) | Kind::Map(_) => None,
        };
        let number = number.filter(|number| (1..=most).contains(number));
        if number.is_none() {
            self.problem(node.place, format!("`{key}` is a whole number from 1 to {most}"));
        }
        number
    }

    /// A flag that may be absent.
    pub(super) fn flag(&mut self, fields: &Fields<'_>, key: &str) -> Option<bool> {
        let node = fields.get(key)?;
        if let Kind::Bool(yes) = node.kind {
            return Some(yes);
        }
        self.problem(node.place, format!("`{key}` is true or false"));
        None
    }

    /// One of a set of words, which may be absent.
    pub(super) fn word<T: Copy>(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        all: &[T],
        word: fn(T) -> &'static str,
    ) -> Option<T> {
        let node = fields.get(key)?;
        let text = self.text(node, key);
        self.one_word(node, &text, key, all, word)
    }

    /// One of a set of words.
    pub(super) fn one_word<T: Copy>(
        &mut self,
        node: &Node,
        text: &str,
        key: &str,
        all: &[T],
        word: fn(T) -> &'static str,
    ) -> Option<T> {
        if let Some(found) = all.iter().copied().find(|one| word(*one) == text) {
            return Some(found);
        }
        let words = all.iter().map(|one| word(*one)).collect::<Vec<_>>();
        let message = format!("`{key}` can't be `{text}`");
        match nearest(text, words.iter().copied()) {
            Some(near) => self.advise(node.place, message, format!("did you mean `{near}`?")),
            None => self.advise(node.place, message, format!("it is one of {}", words.join(", "))),
        }
        None
    }

    /// The items of a list that may be absent.
    pub(super) fn list<'n>(&mut self, fields: &Fields<'n>, key: &str) -> &'n [Node] {
        let Some(node) = fields.get(key) else { return &[] };
        if let Kind::List(items) = &node.kind {
            return items;
        }
        self.problem(node.place, format!("`{key}` is a list, not {}", node.noun()));
        &[]
    }
}

/// The fields of a mapping.
#[derive(Clone, Copy)]
pub(super) struct Fields<'n> {
    /// Where the mapping starts.
    pub(super) place: Place,
    members: &'n [(Key, Node)],
    what: &'static str,
}

impl<'n> Fields<'n> {
    /// What it is, for sentences.
    pub(super) fn what(&self) -> &'static str {
        self.what
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.member(key).map(|(_, node)| node)
    }

    /// A key and its value.
    pub(super) fn member(&self, key: &str) -> Option<&'n (Key, Node)> {
        self.members.iter().find(|(found, _)| found.text == key)
    }
}
