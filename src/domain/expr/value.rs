//! JSON to CEL values and back, within limits and in a fixed order.

use super::error::ExprError;
use super::limits::{MAX_INPUT_BYTES, MAX_INPUT_DEPTH, MAX_INPUT_NODES, MAX_RESULT_BYTES};
use cel::Value as Cel;
use cel::objects::Key;
use serde_json::{Map, Number, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What may still be converted.
pub(super) struct Budget {
    nodes: usize,
    bytes: usize,
}

impl Budget {
    /// For the variables of one evaluation.
    pub(super) fn for_input() -> Self {
        Self { nodes: MAX_INPUT_NODES, bytes: MAX_INPUT_BYTES }
    }

    /// For one result.
    pub(super) fn for_result() -> Self {
        Self { nodes: MAX_INPUT_NODES, bytes: MAX_RESULT_BYTES }
    }

    fn take(&mut self, bytes: usize) -> Result<(), ExprError> {
        let left = self.nodes.checked_sub(1).zip(self.bytes.checked_sub(bytes));
        let (nodes, bytes) =
            left.ok_or_else(|| ExprError::whole("the values are too large for an expression"))?;
        self.nodes = nodes;
        self.bytes = bytes;
        Ok(())
    }
}

/// A JSON value as CEL sees it. Whole numbers are `int` whatever their sign, so that arithmetic between them works.
pub(super) fn from_json(
    value: &Value,
    depth: usize,
    budget: &mut Budget,
) -> Result<Cel, ExprError> {
    if depth > MAX_INPUT_DEPTH {
        return Err(ExprError::whole("the values nest too deep for an expression"));
    }
    Ok(match value {
        Value::Null => {
            budget.take(0)?;
            Cel::Null
        }
        Value::Bool(yes) => {
            budget.take(0)?;
            Cel::Bool(*yes)
        }
        Value::Number(number) => {
            budget.take(0)?;
            number_from(number)
        }
        Value::String(text) => {
            budget.take(text.len())?;
            Cel::String(Arc::new(text.clone()))
        }
        Value::Array(items) => {
            budget.take(0)?;
            let items = items
                .iter()
                .map(|item| from_json(item, depth + 1, budget))
                .collect::<Result<Vec<_>, _>>()?;
            Cel::List(Arc::new(items))
        }
        Value::Object(members) => {
            budget.take(0)?;
            let members = members
                .iter()
                .map(|(name, member)| {
                    budget.take(name.len())?;
                    let key = Key::String(Arc::new(name.clone()));
                    Ok((key, from_json(member, depth + 1, budget)?))
                })
                .collect::<Result<HashMap<_, _>, ExprError>>()?;
            Cel::Map(cel::objects::Map { map: Arc::new(members) })
        }
    })
}

fn number_from(number: &Number) -> Cel {
    number.as_i64().map(Cel::Int).or_else(|| number.as_f64().map(Cel::Float)).unwrap_or(Cel::Null)
}

/// A CEL value as JSON. Types, functions and numbers that JSON can't hold are errors.
pub(super) fn to_json(value: &Cel, depth: usize, budget: &mut Budget) -> Result<Value, ExprError> {
    if depth > MAX_INPUT_DEPTH {
        return Err(ExprError::whole("the result nests too deep"));
    }
    budget.take(0)?;
    Ok(match value {
        Cel::Null => Value::Null,
        Cel::Bool(yes) => Value::Bool(*yes),
        Cel::Int(number) => Value::from(*number),
        Cel::UInt(number) => Value::from(*number),
        Cel::Float(number) => Number::from_f64(*number)
            .map(Value::Number)
            .ok_or_else(|| ExprError::whole(format!("the result is {number}, no number")))?,
        Cel::String(text) => {
            budget.take(text.len())?;
            Value::String(text.to_string())
        }
        Cel::List(items) => items
            .iter()
            .map(|item| to_json(item, depth + 1, budget))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array)?,
        Cel::Map(map) => {
            let sorted = map.map.iter().collect::<BTreeMap<_, _>>();
            let mut members = Map::new();
            for (key, member) in sorted {
                let name = match key {
                    Key::Int(number) => number.to_string(),
                    Key::Uint(number) => number.to_string(),
                    Key::Bool(yes) => yes.to_string(),
                    Key::String(text) => text.to_string(),
                };
                budget.take(name.len())?;
                members.insert(name, to_json(member, depth + 1, budget)?);
            }
            Value::Object(members)
        }
        Cel::Timestamp(at) => Value::String(at.to_rfc3339()),
        Cel::Duration(length) => Value::from(length.num_seconds()),
        Cel::Function(..) | Cel::Bytes(_) | Cel::Opaque(_) | Cel::Struct(_) => {
            return Err(ExprError::whole(format!(
                "the result is of type {}, which has no JSON form",
                value.type_of()
            )));
        }
    })
}
