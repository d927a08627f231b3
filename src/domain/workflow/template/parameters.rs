//! The `parameters` section.

use super::model::{Given, Parameter, ParameterKind};
use super::reading::{Fields, Reading};
use super::scope::Scope;
use super::yaml::{Kind, Node};
use crate::domain::expr::Type;
use crate::domain::quantity;
use crate::domain::time::parse_duration;
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::BTreeSet;

const KEYS: &[&str] = &["name", "type", "default", "min", "max", "choices", "describe"];

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

impl Parameter {
    /// Whether a value holds all limits that are known without a case.
    ///
    /// # Errors
    /// The sentence, without the parameter's name.
    pub fn allows(&self, value: &Value) -> Result<(), String> {
        let value = self.kind.accept(value)?;
        self.is_choice(&value)?;
        for (bound, name, wrong) in [
            (&self.min, "below its min", Ordering::Less),
            (&self.max, "above its max", Ordering::Greater),
        ] {
            if let Some(Given::Literal(bound)) = bound
                && self.kind.compare(&value, bound) == Some(wrong)
            {
                return Err(format!("{value} is {name} {bound}"));
            }
        }
        Ok(())
    }

    /// Whether a value is one of the choices, where there are any.
    ///
    /// # Errors
    /// The sentence, without the parameter's name.
    pub fn is_choice(&self, value: &Value) -> Result<(), String> {
        if self.choices.is_empty() || self.choices.contains(value) {
            return Ok(());
        }
        Err(format!("{value} is none of its choices: {}", choice_words(&self.choices)))
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
            if let Some(parameter) = &parameter {
                self.types.insert(name.clone(), super::typing::of_parameter(parameter));
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
            reading.computed(node, key, kind, &given, &scope);
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
        let choices = self.choices(fields, kind, default.as_ref());
        Some(Parameter {
            name: name.to_string(),
            kind,
            choices,
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

    /// A computed value that can't be of the type.
    fn computed(
        &mut self,
        node: &Node,
        key: &str,
        kind: ParameterKind,
        given: &Given,
        scope: &Scope,
    ) {
        let Given::Cel(source) = given else { return };
        let Ok(found) = self.kinds(source, scope).map(|kinds| kinds.result) else { return };
        let fits = match kind {
            ParameterKind::Int | ParameterKind::Number => found.may_be(&Type::NUMBER),
            ParameterKind::Bool => found.may_be(&Type::Bool),
            ParameterKind::String => found.may_be(&Type::Text),
            ParameterKind::Quantity | ParameterKind::Duration => {
                found.may_be(&Type::Text) || found.may_be(&Type::NUMBER)
            }
        };
        if !fits {
            let message = format!("`{key}` of a {kind} can't be {}", found.noun());
            self.problem(node.place, message);
        }
    }

    /// `choices: [a, b]`: the only values that are allowed.
    fn choices(
        &mut self,
        fields: &Fields<'_>,
        kind: ParameterKind,
        default: Option<&(Given, &Node)>,
    ) -> Vec<Value> {
        let Some((key, node)) = fields.member("choices") else { return Vec::new() };
        let mut choices = Vec::new();
        for node in self.list(fields, "choices") {
            let literal = Given::Literal(node.json());
            let Some(Given::Literal(value)) = self.typed(node, "choices", kind, literal) else {
                continue;
            };
            if choices.contains(&value) {
                self.problem(node.place, format!("`choices` has {value} twice"));
            }
            choices.push(value);
        }
        if choices.is_empty() && matches!(&node.kind, Kind::List(items) if items.is_empty()) {
            self.problem(node.place, "`choices` is empty: no value can hold");
        }
        for limit in ["min", "max"] {
            if fields.get(limit).is_some() {
                self.problem(key.place, format!("`choices` stands beside `{limit}`"));
            }
        }
        if kind == ParameterKind::Bool {
            self.problem(key.place, "a bool has no `choices`");
        }
        if let Some((Given::Literal(value), node)) = default
            && !choices.is_empty()
            && !choices.contains(value)
        {
            let words = choice_words(&choices);
            self.advise(
                node.place,
                "`default` is none of the `choices`",
                format!("it is one of {words}"),
            );
        }
        choices
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

/// The values, as people write them.
fn choice_words(choices: &[Value]) -> String {
    let words =
        choices.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), String::from));
    words.collect::<Vec<_>>().join(", ")
}

/// Whether a text can be a name in CEL.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && text.len() <= 40
}
