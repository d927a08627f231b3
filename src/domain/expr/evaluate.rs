//! Evaluation of an expression over JSON variables.

use super::error::ExprError;
use super::functions::{self, IN_ORDER};
use super::program::{self, Program};
use super::references::variables_of;
use super::room::with_room;
use super::syntax;
use super::value::{Budget, from_json, to_json};
use cel::common::ast::{CallExpr, EntryExpr, Expr};
use cel::{Context, ExecutionError, IdedExpr};
use serde_json::Value;
use std::collections::BTreeMap;

/// Whether the expression can be used at all: syntax, limits, names of functions. Nothing is evaluated.
pub fn check(source: &str) -> Result<(), ExprError> {
    with_room(|| program::parse(source).map(|_| ()))
}

/// Evaluates an expression to a value.
pub fn eval(source: &str, variables: &BTreeMap<String, Value>) -> Result<Value, ExprError> {
    with_room(|| eval_here(source, variables))
}

fn eval_here(source: &str, variables: &BTreeMap<String, Value>) -> Result<Value, ExprError> {
    let program = program::parse(source)?;
    let mut context = Context::with_env(program::env());
    functions::add(&mut context)?;
    let mut budget = Budget::for_input();
    for name in variables_of(&program.expr) {
        if let Some(value) = variables.get(&name) {
            context.add_variable_from_value(name, from_json(value, 0, &mut budget)?);
        }
    }
    let mut ordered = program.expr.clone();
    put_in_order(&mut ordered);
    let result = context.resolve(&ordered).map_err(|error| explain(&program, &error))?;
    to_json(&result, 0, &mut Budget::for_result())
}

/// Evaluates an expression that must be true or false.
pub fn holds(source: &str, variables: &BTreeMap<String, Value>) -> Result<bool, ExprError> {
    match eval(source, variables)? {
        Value::Bool(yes) => Ok(yes),
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            Err(ExprError::whole("the condition is neither true nor false"))
        }
    }
}

/// Makes every comprehension walk over a sorted list of keys where it would walk over an unordered map.
fn put_in_order(node: &mut IdedExpr) {
    match &mut node.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
        Expr::Call(call) => {
            call.target.as_deref_mut().into_iter().chain(&mut call.args).for_each(put_in_order);
        }
        Expr::Comprehension(all) => {
            put_in_order(&mut all.iter_range);
            put_in_order(&mut all.accu_init);
            put_in_order(&mut all.loop_cond);
            put_in_order(&mut all.loop_step);
            put_in_order(&mut all.result);
            if all.iter_var2.is_none() {
                let range = std::mem::take(&mut all.iter_range);
                all.iter_range = IdedExpr {
                    id: range.id,
                    expr: Expr::Call(CallExpr {
                        func_name: IN_ORDER.into(),
                        target: None,
                        args: vec![range],
                    }),
                };
            }
        }
        Expr::List(list) => list.elements.iter_mut().for_each(put_in_order),
        Expr::Select(select) => put_in_order(&mut select.operand),
        Expr::Map(cel::common::ast::MapExpr { entries })
        | Expr::Struct(cel::common::ast::StructExpr { entries, .. }) => {
            for entry in entries {
                match &mut entry.expr {
                    EntryExpr::StructField(field) => put_in_order(&mut field.value),
                    EntryExpr::MapEntry(entry) => {
                        put_in_order(&mut entry.key);
                        put_in_order(&mut entry.value);
                    }
                }
            }
        }
    }
}

/// The error in plain words, at the part of the source that it is about as far as that can be told.
#[allow(clippy::wildcard_enum_match_arm)] // the crate may add errors; each has words of its own
fn explain(program: &Program, error: &ExecutionError) -> ExprError {
    let (node, message) = match error {
        ExecutionError::NoSuchKey(key) => {
            let at = syntax::find(
                &program.expr,
                &|node| matches!(&node.expr, Expr::Select(select) if select.field == **key && !select.test),
            );
            (at, format!("there is no `{key}`; guard it with has(…) or write `.?{key}`"))
        }
        ExecutionError::UndeclaredReference(name) => {
            let at = syntax::find(&program.expr, &|node| match &node.expr {
                Expr::Ident(ident) => *ident == **name,
                Expr::Call(call) => call.func_name == **name,
                Expr::Unspecified
                | Expr::Comprehension(_)
                | Expr::List(_)
                | Expr::Literal(_)
                | Expr::Map(_)
                | Expr::Select(_)
                | Expr::Struct(_) => false,
            });
            (at, format!("there is no `{name}` here"))
        }
        ExecutionError::NoSuchOverload(overload) => {
            let name = overload.function();
            let at = syntax::find(
                &program.expr,
                &|node| matches!(&node.expr, Expr::Call(call) if call.func_name == name),
            );
            let types = overload.argument_types().join(" and ");
            (at, format!("`{}` can't be applied to {types}", spelled(name)))
        }
        ExecutionError::UnsupportedBinaryOperator(name, a, b) => {
            (None, format!("`{name}` can't be applied to {} and {}", a.type_of(), b.type_of()))
        }
        ExecutionError::ValuesNotComparable(a, b) => {
            (None, format!("{} and {} can't be compared", a.type_of(), b.type_of()))
        }
        ExecutionError::UnexpectedType { got, want } => {
            (None, format!("{want} is wanted here, not {}", shortened(got)))
        }
        ExecutionError::FunctionError { function, message } => {
            let at = syntax::find(
                &program.expr,
                &|node| matches!(&node.expr, Expr::Call(call) if call.func_name == *function),
            );
            (at, format!("{function}: {message}"))
        }
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            (None, "division by zero".to_string())
        }
        other => (None, shortened(&other.to_string())),
    };
    let (line, column) = syntax::position(&program.info, node.unwrap_or(&program.expr));
    ExprError { line, column, message }
}

/// `_+_` as `+`.
fn spelled(operator: &str) -> String {
    if functions::is_operator(operator) {
        operator.replace(['_', '@'], "").replace("[]", "[…]")
    } else {
        operator.to_string()
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= 200 {
        text.to_string()
    } else {
        text.chars().take(200).chain("…".chars()).collect()
    }
}

/// A value's text where it is put into a sentence: text as it is; a list as `a, b`; an object as `key=value, key=value`;
/// anything inside those, and other things, as JSON.
pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let pairs = members.iter().map(|(key, value)| format!("{key}={}", plain(value)));
            pairs.collect::<Vec<_>>().join(", ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}
