//! Parameters: what a person set, else what a caller gave, else the default, within the author's limits.

use super::variables::{Variables, diagnosis_variable, resolve, said, target_variable};
use crate::domain::diagnosis::Diagnosis;
use crate::domain::expr::references;
use crate::domain::spelling::nearest;
use crate::domain::workflow::template::{Given, Parameter, ParameterKind, Template};
use serde_json::{Map, Value};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The values of a template's parameters. `variables` are `diagnosis` and `target`; `params` is added as it grows, so
/// that a default can use the parameters before it.
///
/// # Errors
/// The parameter, and why.
pub(super) fn resolve_all(
    template: &Template,
    given: &BTreeMap<String, Value>,
    variables: &Variables,
) -> Result<BTreeMap<String, Value>, (String, String)> {
    for name in given.keys() {
        if !template.parameters.iter().any(|known| known.name == *name) {
            let known = template.parameters.iter().map(|known| known.name.as_str());
            let hint = nearest(name, known)
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            return Err((name.clone(), format!("there is no such parameter{hint}")));
        }
    }
    let mut variables = variables.clone();
    let mut values = BTreeMap::new();
    for parameter in &template.parameters {
        let value = one(parameter, given.get(&parameter.name), &variables)
            .map_err(|why| (parameter.name.clone(), why))?;
        values.insert(parameter.name.clone(), value);
        let all = values.iter().map(|(name, value)| (name.clone(), value.clone()));
        variables.insert("params".into(), Value::Object(all.collect::<Map<_, _>>()));
    }
    Ok(values)
}

/// A parameter whose values are bounded: by choices, or by limits on both sides. Texts without choices are never among
/// them (they name things), nor are flags.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: ParameterKind,
    /// Its value when nobody gives one.
    pub default: Value,
    /// Its limits, both included; `None`: it has choices instead.
    pub limits: Option<(Value, Value)>,
    /// The only values that it may have.
    pub choices: Vec<Value>,
    /// What it is for, as its author says.
    pub describe: String,
}

/// The bounded parameters of a template for a diagnosis. None where its values can't be told: then it has to be planned
/// as it is, or fails saying why.
#[must_use]
pub fn open_parameters(template: &Template, diagnosis: &Diagnosis) -> Vec<Open> {
    let mut variables = of_diagnosis(diagnosis);
    let Ok(values) = resolve_all(template, &BTreeMap::new(), &variables) else { return Vec::new() };
    let all = values.iter().map(|(name, value)| (name.clone(), value.clone()));
    variables.insert("params".into(), Value::Object(all.collect::<Map<_, _>>()));
    let open = |parameter: &Parameter| {
        let limit = |given: &Option<Given>| {
            let given = given.as_ref()?;
            parameter.kind.accept(&computed(given, &variables).ok()?).ok()
        };
        let limits = limit(&parameter.min).zip(limit(&parameter.max));
        let ordered = match parameter.kind {
            ParameterKind::Int
            | ParameterKind::Number
            | ParameterKind::Quantity
            | ParameterKind::Duration => true,
            ParameterKind::Bool | ParameterKind::String => false,
        };
        if parameter.choices.is_empty() && (limits.is_none() || !ordered) {
            return None;
        }
        Some(Open {
            name: parameter.name.clone(),
            kind: parameter.kind,
            default: values.get(&parameter.name)?.clone(),
            limits: limits.filter(|_| parameter.choices.is_empty()),
            choices: parameter.choices.clone(),
            describe: parameter.describe.clone(),
        })
    };
    template.parameters.iter().filter_map(open).collect()
}

/// All values of a template's parameters for a diagnosis when these are given, within its limits.
///
/// # Errors
/// The parameter, and why.
pub fn values_with(
    template: &Template,
    diagnosis: &Diagnosis,
    given: &BTreeMap<String, Value>,
) -> Result<BTreeMap<String, Value>, (String, String)> {
    resolve_all(template, given, &of_diagnosis(diagnosis))
}

fn of_diagnosis(diagnosis: &Diagnosis) -> Variables {
    BTreeMap::from([
        ("diagnosis".to_string(), diagnosis_variable(diagnosis)),
        ("target".to_string(), target_variable(diagnosis.target.as_ref())),
    ])
}

fn one(
    parameter: &Parameter,
    given: Option<&Value>,
    variables: &Variables,
) -> Result<Value, String> {
    let value = match (given, &parameter.default) {
        (Some(value), _) => from_person(parameter, value),
        (None, Some(default)) => computed(default, variables)?,
        (None, None) => return Err("it has no default and nobody gave a value".into()),
    };
    let value = parameter.kind.accept(&value)?;
    parameter.is_choice(&value)?;
    for (bound, name, wrong) in
        [(&parameter.min, "min", Ordering::Less), (&parameter.max, "max", Ordering::Greater)]
    {
        let Some(bound) = bound else { continue };
        let bound = parameter
            .kind
            .accept(&computed(bound, variables)?)
            .map_err(|why| format!("its `{name}`: {why}"))?;
        match parameter.kind.compare(&value, &bound) {
            Some(order) if order == wrong => {
                let side = if name == "min" { "below" } else { "above" };
                return Err(format!("{value} is {side} its {name} {bound}"));
            }
            Some(_) => {}
            None => return Err(format!("{value} can't be compared with its {name} {bound}")),
        }
    }
    Ok(value)
}

fn computed(given: &Given, variables: &Variables) -> Result<Value, String> {
    resolve(given, variables).map_err(|error| match given {
        Given::Cel(source) | Given::Text(source) => {
            let missing = missing_values(source, variables);
            if missing.is_empty() {
                said(&error, source)
            } else {
                let missing = missing.join(", ");
                format!("the diagnosis does not know {missing}: set the parameter yourself")
            }
        }
        Given::Literal(_) => error.to_string(),
    })
}

/// Names of the values of the diagnosis that an expression needs and that are not known.
fn missing_values(source: &str, variables: &Variables) -> Vec<String> {
    let known = variables.get("diagnosis").and_then(|diagnosis| diagnosis.get("values"));
    let used = references(source).unwrap_or_default();
    let mut missing = used
        .into_iter()
        .filter(|used| used.variable == "diagnosis" && !used.test)
        .filter_map(|used| match used.members.as_slice() {
            [values, name, ..] if values == "values" => Some(name.clone()),
            _ => None,
        })
        .filter(|name| known.is_none_or(|known| known.get(name).is_none()))
        .collect::<Vec<_>>();
    missing.sort();
    missing.dedup();
    missing
}

/// What comes from a command line is text; numbers and flags are read from it.
fn from_person(parameter: &Parameter, value: &Value) -> Value {
    use crate::domain::workflow::template::ParameterKind::{
        Bool, Duration, Int, Number, Quantity, String,
    };
    let Some(text) = value.as_str() else { return value.clone() };
    match parameter.kind {
        Int => text.trim().parse::<i64>().map_or_else(|_| value.clone(), Value::from),
        Number => text.trim().parse::<f64>().map_or_else(|_| value.clone(), Value::from),
        Bool => text.trim().parse::<bool>().map_or_else(|_| value.clone(), Value::from),
        String | Quantity | Duration => value.clone(),
    }
}
