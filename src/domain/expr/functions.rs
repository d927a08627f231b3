//! What expressions can call beside CEL's standard library.
//!
//! * `quantity("512Mi")`: bytes, rounded up; `cpu("250m")`: thousandths of a CPU
//! * `format_bytes(536870912)`: `512Mi`, exact; `spoken_bytes(…)`: one decimal, for people
//! * `round_up(x, step)`: the smallest multiple of `step` that is not below `x`, as `int`
//! * `min(a, b, …)`, `max(a, b, …)`, or of a list
//! * `join(list, ", ")`: texts in one

use super::error::ExprError;
use crate::domain::quantity;
use cel::extractors::Arguments;
use cel::{Context, ExecutionError, Value as Cel};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Macros: they are gone after parsing; a call that is left was written wrongly.
pub(super) const MACROS: &[&str] = &["has", "all", "exists", "exists_one", "map", "filter"];

/// The function that puts what a comprehension walks over in order; not callable by name from a source.
pub(super) const IN_ORDER: &str = "@in_order";

/// Every function there is.
pub(super) const KNOWN: &[&str] = &[
    "quantity",
    "cpu",
    "format_bytes",
    "spoken_bytes",
    "round_up",
    "min",
    "max",
    "join",
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "bool",
    "type",
    "dyn",
    "timestamp",
    "duration",
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getHours",
    "getMinutes",
    "getSeconds",
    "getMilliseconds",
    "of",
    "none",
    "ofNonZeroValue",
    "hasValue",
    "value",
    "or",
    "orValue",
    "optional.of",
    "optional.none",
    "optional.ofNonZeroValue",
];

/// Whether it is an operator's name in the parsed form.
pub(super) fn is_operator(name: &str) -> bool {
    name.starts_with(['_', '!', '-', '@']) || name.ends_with('_')
}

/// Adds the functions to a context.
pub(super) fn add(context: &mut Context<'_, '_>) -> Result<(), ExprError> {
    let added = [
        context.add_function("quantity", |text: Arc<String>| bytes("quantity", &text)),
        context.add_function("cpu", |text: Arc<String>| milli(&text)),
        context.add_function("format_bytes", |bytes: i64| {
            whole("format_bytes", bytes).map(|bytes| Cel::from(quantity::format_bytes(bytes)))
        }),
        context.add_function("spoken_bytes", |bytes: i64| {
            whole("spoken_bytes", bytes).map(|bytes| Cel::from(quantity::spoken_bytes(bytes)))
        }),
        context.add_function("round_up", round_up),
        context.add_function("min", cel::functions::min),
        context.add_function("max", cel::functions::max),
        context.add_function("join", join),
        context.add_function(IN_ORDER, in_order),
    ];
    added
        .into_iter()
        .collect::<Result<(), _>>()
        .map_err(|error| ExprError::whole(error.to_string()))
}

fn fails(function: &str, message: &str) -> ExecutionError {
    ExecutionError::function_error(function, message)
}

fn bytes(function: &str, text: &str) -> Result<Cel, ExecutionError> {
    quantity::parse_bytes(text)
        .and_then(|bytes| i64::try_from(bytes).ok())
        .map(Cel::Int)
        .ok_or_else(|| fails(function, &format!("`{}` is no quantity", short(text))))
}

fn milli(text: &str) -> Result<Cel, ExecutionError> {
    quantity::parse_milli(text)
        .and_then(|milli| i64::try_from(milli).ok())
        .map(Cel::Int)
        .ok_or_else(|| fails("cpu", &format!("`{}` is no quantity", short(text))))
}

fn whole(function: &str, bytes: i64) -> Result<u64, ExecutionError> {
    u64::try_from(bytes).map_err(|_| fails(function, "bytes can't be negative"))
}

/// A text short enough for an error.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

fn number(value: &Cel) -> Option<i128> {
    if let Cel::Int(number) = value {
        Some(i128::from(*number))
    } else if let Cel::UInt(number) = value {
        Some(i128::from(*number))
    } else if let Cel::Float(number) = value {
        whole_above(*number)
    } else {
        None
    }
}

/// The smallest whole number that is not below this one, where floating point still knows whole numbers.
#[allow(clippy::cast_possible_truncation)] // within ±2^53
fn whole_above(number: f64) -> Option<i128> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.abs() <= EXACT).then(|| number.ceil() as i128)
}

fn round_up(Arguments(args): Arguments) -> Result<Cel, ExecutionError> {
    let wrong = || fails("round_up", "write round_up(number, step) with a step above 0");
    let [value, step] = args.as_slice() else {
        return Err(wrong());
    };
    let (value, step) = number(value).zip(number(step)).ok_or_else(wrong)?;
    if step <= 0 {
        return Err(wrong());
    }
    let up = (value + step - 1).div_euclid(step) * step;
    i64::try_from(up).map(Cel::Int).map_err(|_| fails("round_up", "the number is too large"))
}

#[allow(clippy::needless_pass_by_value)] // functions of the crate get their arguments by value
fn join(list: Arc<Vec<Cel>>, between: Arc<String>) -> Result<Cel, ExecutionError> {
    let texts = list
        .iter()
        .map(|item| {
            let text = if let Cel::String(text) = item { Some(text.as_str()) } else { None };
            text.ok_or_else(|| fails("join", "the list holds something that is no text"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Cel::from(texts.join(between.as_str())))
}

/// Keys of a map, sorted; anything else unchanged.
fn in_order(Arguments(args): Arguments) -> Result<Cel, ExecutionError> {
    match args.first() {
        Some(Cel::Map(map)) => {
            let keys = map.map.keys().collect::<BTreeSet<_>>();
            Ok(Cel::List(Arc::new(keys.into_iter().map(Cel::from).collect())))
        }
        Some(other) => Ok(other.clone()),
        None => Err(fails(IN_ORDER, "nothing to walk over")),
    }
}
