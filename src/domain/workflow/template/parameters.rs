//! The `parameters` section.

use super::model::{Given, Parameter, ParameterKind};
use super::reading::{Fields, Reading};
use super::scope::Scope;
use super::yaml::{Kind, Node};
use crate::domain::quantity;
use crate::domain::time::parse_duration;
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::BTreeSet;

const KEYS: &[&str] = &["name", "type", "default", "min", "max", "describe"];

impl ParameterKind {
    /// The value as this type has it, or why it is none.
    ///
    /// # Errors
    /// The sentence, without the parameter's name.
    pub fn accept(self, value: &Value) -> Result<Value, String> {
        let wrong = |want: &str| Err(format!("{value} is no {want}"));
        match self {
            Self::Int => match value.as_i64() {
                Some(number) => Ok(Value::from(number)),
                None => wrong("whole number"),
            },
            Self::Number => match value.as_f64().filter(|number| number.is_finite()) {
                Some(number) => Ok(Value::from(number)),
                None => wrong("number"),
            },
            Self::Bool => value.as_bool().map_or_else(|| wrong("true or false"), |y| Ok(y.into())),
            Self::String => match value.as_str() {
                Some(text) => Ok(text.into()),
                None => wrong("text"),
            },
            Self::Quantity => match value {
                Value::String(text) if quantity::parse_milli(text).is_some() => Ok(value.clone()),
                Value::Number(number) if number.is_u64() => Ok(number.to_string().into()),
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_)
                | Value::Array(_)
                | Value::Object(_) => wrong("quantity (write 512Mi or 250m)"),
            },
            Self::Duration => match value {
                Value::String(text) if parse_duration(text).is_ok() => Ok(value.clone()),
                Value::Number(number) if number.is_u64() => Ok(format!("{number}s").into()),
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_)
                | Value::Array(_)
                | Value::Object(_) => wrong("duration (write 30s, 5m or 2h)"),
            },
        }
    }

    /// How two values of this type compare; `None` for types without an order.
    #[must_use]
    pub fn compare(self, a: &Value, b: &Value) -> Option<Ordering> {
        match self {
            Self::Int => Some(a.as_i64()?.cmp(&b.as_i64()?)),
            Self::Number => a.as_f64()?.partial_cmp(&b.as_f64()?),
            Self::Quantity => {
                Some(quantity::parse_milli(a.as_str()?)?.cmp(&quantity::parse_milli(b.as_str()?)?))
            }
            Self::Duration => {
                let seconds = |value: &Value| parse_duration(value.as_str()?).ok();
                Some(seconds(a)?.cmp(&seconds(b)?))
            }
            Self::Bool | Self::String => None,
        }
    }
}

impl Reading<'_> {
    /// The parameters, and their names.
    pub(super) fn parameters(&mut self, top: &Fields<'_>) -> (Vec<Parameter>, BTreeSet<String>) {
        let mut found = Vec::new();
        let mut names = BTreeSet::new();
        for node in self.list(top, "parameters") {
            let fields = self.fields(node, "a parameter", KEYS);
            let name = self.required_text(&fields, "name");
            if !name.is_empty() && !is_name(&name) {
                let place = fields.get("name").map_or(node.place, |node| node.place);
                let message = format!("`{name}` can't be a name");
                self.advise(place, message, "use a to z, 0 to 9 and _, a letter first");
            }
            let parameter = self.parameter(&fields, &name, &names);
            if !names.insert(name.clone()) {
                let place = fields.get("name").map_or(node.place, |node| node.place);
                self.problem(place, format!("there are two parameters `{name}`"));
            }
            found.extend(parameter);
        }
        (found, names)
    }

    fn parameter(
        &mut self,
        fields: &Fields<'_>,
        name: &str,
        before: &BTreeSet<String>,
    ) -> Option<Parameter> {
        let scope = Scope::steps(before.clone());
        if fields.get("type").is_none() {
            self.problem(fields.place, format!("parameter `{name}` has no `type`"));
        }
        let kind = self.word(fields, "type", ParameterKind::ALL, ParameterKind::word)?;
        let value = |reading: &mut Self, key: &str| {
            let node = fields.get(key)?;
            let given = reading.given(node, key, &scope);
            Some((reading.typed(node, key, kind, given)?, node))
        };
        let default = value(self, "default");
        let min = value(self, "min");
        let max = value(self, "max");
        for (key, bound) in [("min", &min), ("max", &max)] {
            if let Some((_, node)) = bound
                && matches!(kind, ParameterKind::Bool | ParameterKind::String)
            {
                self.problem(node.place, format!("a {kind} has no `{key}`"));
            }
        }
        self.hold(kind, min.as_ref(), max.as_ref(), "`min` is above `max`: no value can hold");
        self.hold(kind, min.as_ref(), default.as_ref(), "`default` is below `min`");
        self.hold(kind, default.as_ref(), max.as_ref(), "`default` is above `max`");
        Some(Parameter {
            name: name.to_string(),
            kind,
            default: default.map(|(given, _)| given),
            min: min.map(|(given, _)| given),
            max: max.map(|(given, _)| given),
            describe: self.optional_text(fields, "describe"),
        })
    }

    /// A literal as its type has it.
    fn typed(
        &mut self,
        node: &Node,
        key: &str,
        kind: ParameterKind,
        given: Given,
    ) -> Option<Given> {
        let Given::Literal(literal) = &given else { return Some(given) };
        if node.kind == Kind::Null {
            self.problem(node.place, format!("`{key}` has no value"));
            return None;
        }
        // A number without quotes is a fine text.
        let literal = match (kind, node.scalar()) {
            (ParameterKind::String, Some(text)) => Value::String(text),
            _ => literal.clone(),
        };
        match kind.accept(&literal) {
            Ok(value) => Some(Given::Literal(value)),
            Err(why) => {
                self.problem(node.place, format!("`{key}`: {why}"));
                None
            }
        }
    }

    /// A problem at the later of the two where the lower is above the upper. What is computed is checked when planning.
    fn hold(
        &mut self,
        kind: ParameterKind,
        lower: Option<&(Given, &Node)>,
        upper: Option<&(Given, &Node)>,
        message: &str,
    ) {
        if let (Some((Given::Literal(low), a)), Some((Given::Literal(high), b))) = (lower, upper)
            && kind.compare(low, high) == Some(Ordering::Greater)
        {
            self.problem(a.place.max(b.place), message);
        }
    }
}

/// Whether a text can be a name in CEL.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && text.len() <= 40
}
