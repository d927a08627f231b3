//! The variables of expressions, and values as authors gave them resolved to JSON.

use crate::domain::diagnosis::Diagnosis;
use crate::domain::expr::{self, ExprError};
use crate::domain::resource::ObjectRef;
use crate::domain::workflow::template::Given;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Variables by name.
pub(super) type Variables = BTreeMap<String, Value>;

/// `diagnosis`, as expressions see it. `container` is absent where there is none.
pub(crate) fn diagnosis_variable(diagnosis: &Diagnosis) -> Value {
    let evidence = diagnosis
        .evidence
        .iter()
        .map(|fact| {
            json!({
                "id": fact.id,
                "text": fact.text,
                "source": fact.source,
                "bearing": fact.bearing,
            })
        })
        .collect::<Vec<_>>();
    let mut value = json!({
        "pattern": diagnosis.pattern.word(),
        "cause": diagnosis.cause.word(),
        "confidence": diagnosis.confidence,
        "made_by": diagnosis.made_by,
        "summary": diagnosis.summary,
        "evidence": evidence,
        "values": diagnosis.values,
    });
    if let (Some(members), Some(container)) = (value.as_object_mut(), &diagnosis.container) {
        members.insert("container".into(), container.as_str().into());
    }
    value
}

/// `target`; without members where there is none, so that `has(target.uid)` tells.
pub(crate) fn target_variable(target: Option<&ObjectRef>) -> Value {
    target.map_or_else(
        || Value::Object(Map::new()),
        |target| {
            json!({
                "api_version": target.key.api_version,
                "kind": target.key.kind,
                "namespace": target.key.namespace,
                "name": target.key.name,
                "uid": target.uid,
            })
        },
    )
}

/// The value that an author gave.
pub(super) fn resolve(given: &Given, variables: &Variables) -> Result<Value, ExprError> {
    match given {
        Given::Literal(value) => Ok(value.clone()),
        Given::Cel(source) => expr::eval(source, variables),
        Given::Text(text) => expr::interpolate(text, variables, str::to_string).map(Value::String),
    }
}

/// An error of an expression, with the expression: whoever reads it has no file at hand.
pub(super) fn said(error: &ExprError, source: &str) -> String {
    let short = source.split_whitespace().collect::<Vec<_>>().join(" ");
    let short = if short.chars().count() > 120 {
        short.chars().take(120).chain("…".chars()).collect()
    } else {
        short
    };
    format!("{error}, in `{short}`")
}
