//! YAML as a tree in which every key and value knows its line and column.
//!
//! Promises: at most [`MAX_BYTES`], one document, bounded nesting and aliases (an alias bomb is an error, not a hang);
//! duplicate keys are errors.

use super::problem::Problem;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_saphyr::Spanned;

/// Most bytes of one template.
pub const MAX_BYTES: usize = 256 * 1_024;

/// Where something stands: line and column, both from 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl Place {
    /// The start of the file.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// A value and where it starts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key and where it starts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    pub(crate) place: Place,
    pub(crate) text: String,
}

impl Node {
    /// What it is, for sentences.
    pub(crate) fn noun(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "true or false",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// A scalar as it would be written; `None` for lists and mappings.
    pub(crate) fn scalar(&self) -> Option<String> {
        match &self.kind {
            Kind::Null => Some(String::new()),
            Kind::Bool(yes) => Some(yes.to_string()),
            Kind::Number(number) => Some(number.to_string()),
            Kind::Text(text) => Some(text.clone()),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// As plain JSON.
    pub(crate) fn json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(yes) => Value::Bool(*yes),
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Self::json).collect()),
            Kind::Map(members) => Value::Object(
                members.iter().map(|(key, value)| (key.text.clone(), value.json())).collect(),
            ),
        }
    }
}

/// Reads a document.
pub(crate) fn read(file: &str, text: &str) -> Result<Node, Problem> {
    if text.len() > MAX_BYTES {
        let message = format!("{} bytes; a template has at most {MAX_BYTES}", text.len());
        return Err(Problem::at(file, Place::START, message));
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 64,
            flow_nesting_limit: 24,
            max_nodes: 20_000,
            max_events: 100_000,
            max_aliases: 100,
            max_anchors: 100,
            max_documents: 1,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 20_000,
            max_replay_stack_depth: 8,
        },
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options::<Node>(text, options).map_err(|error| {
        let place = error.location().map_or(Place::START, |at| place(at.line(), at.column()));
        let whole = error.without_snippet().to_string();
        let message = whole.lines().next().unwrap_or_default();
        // The place is said once, by the problem.
        let message = message.split(" at line ").next().unwrap_or(message);
        Problem::at(file, place, format!("this is no YAML that a template may be: {message}"))
    })
}

fn place(line: u64, column: u64) -> Place {
    let from_one = |number: u64| usize::try_from(number).unwrap_or(1).max(1);
    Place { line: from_one(line), column: from_one(column) }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Kind>::deserialize(from)?;
        let at = spanned.defined;
        Ok(Self { place: place(at.line(), at.column()), kind: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Builder)
    }
}

struct Builder;

impl<'de> Visitor<'de> for Builder {
    type Value = Kind;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Kind, D::Error> {
        Kind::deserialize(from)
    }

    fn visit_bool<E: Error>(self, yes: bool) -> Result<Kind, E> {
        Ok(Kind::Bool(yes))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Kind, E> {
        Ok(Kind::Number(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Kind, E> {
        Ok(Kind::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Kind, E> {
        Number::from_f64(number)
            .map(Kind::Number)
            .ok_or_else(|| E::custom("a number has to be finite"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Kind, E> {
        Ok(Kind::Text(text.into()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Kind, E> {
        Ok(Kind::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Kind, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element::<Node>()? {
            items.push(item);
        }
        Ok(Kind::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let at = key.defined;
            let key = Key { place: place(at.line(), at.column()), text: key.value };
            members.push((key, map.next_value::<Node>()?));
        }
        Ok(Kind::Map(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_know_their_place() {
        let text = "a: 1\nb:\n  - x\n  - {c: true, d: 2.5}\ne: null\n";
        let Kind::Map(members) = read("t", text).unwrap().kind else { panic!("a mapping") };
        let (b, list) = &members[1];
        assert_eq!((b.text.as_str(), b.place), ("b", Place { line: 2, column: 1 }));
        let Kind::List(items) = &list.kind else { panic!("a list") };
        assert_eq!(items[0].place, Place { line: 3, column: 5 });
        let Kind::Map(inner) = &items[1].kind else { panic!("a mapping") };
        assert_eq!(inner[1].0.place, Place { line: 4, column: 15 });
        assert_eq!(inner[1].1.place, Place { line: 4, column: 18 });
        assert_eq!(items[1].json(), serde_json::json!({ "c": true, "d": 2.5 }));
        assert_eq!(members[2].1.kind, Kind::Null);
    }

    #[test]
    fn what_is_no_yaml_is_a_problem_at_its_place() {
        let problem = read("t", "a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
        assert!(problem.line >= 2, "{problem:?}");
        assert!(!problem.message.contains('\n'), "{problem:?}");
        let twice = read("t", "a: 1\na: 2\n").unwrap_err();
        assert_eq!(twice.line, 2, "{twice:?}");
        assert!(read("t", &format!("a: {}", "x".repeat(MAX_BYTES))).is_err());
        assert!(read("t", "a: 1\n---\nb: 2\n").is_err());
        assert!(read("t", "").is_err() || read("t", "").unwrap().kind == Kind::Null);
    }

    #[test]
    fn alias_bombs_and_deep_nesting_are_refused() {
        let line =
            |n: usize| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", "));
        let bomb = (1..10).map(line).collect::<String>();
        let bomb = format!("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n{bomb}");
        let small = bomb.lines().take(2).collect::<Vec<_>>().join("\n");
        assert!(read("t", &small).is_ok(), "aliases as such are fine");
        assert!(read("t", &bomb).is_err());
        assert!(read("t", &"[".repeat(2_000)).is_err());
        assert!(read("t", &format!("{}1{}", "[".repeat(100), "]".repeat(100))).is_err());
    }
}
