//! Source to a parsed expression within limits, or an error with its place.

use super::error::ExprError;
use super::functions;
use super::limits::{MAX_DEPTH, MAX_OPERATORS, MAX_SOURCE, MAX_TREE_DEPTH};
use super::syntax;
use cel::common::ast::{CallExpr, Expr, SourceInfo};
use cel::parser::ParseErrors;
use cel::{Env, IdedExpr};
use std::sync::{Arc, LazyLock};

/// The standard library and nothing that looks outside. Made once: it is the same for every expression.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// The environment that expressions run in.
pub(super) fn env() -> Arc<Env> {
    Arc::clone(&ENV)
}

/// A parsed expression.
pub(super) struct Program {
    /// As parsed.
    pub(super) expr: IdedExpr,
    /// Where its parts stand.
    pub(super) info: SourceInfo,
}

/// Parses an expression and holds it to the limits. Call it with room.
pub(super) fn parse(source: &str) -> Result<Program, ExprError> {
    if source.trim().is_empty() {
        return Err(ExprError::whole("the expression is empty"));
    }
    if source.len() > MAX_SOURCE {
        return Err(ExprError::whole(format!(
            "the expression has {} bytes; at most {MAX_SOURCE} are allowed",
            source.len()
        )));
    }
    let (brackets, operators) = syntax::extent(source);
    if brackets > MAX_DEPTH {
        return Err(ExprError::whole(format!(
            "the expression nests {brackets} brackets; at most {MAX_DEPTH} are allowed"
        )));
    }
    if operators > MAX_OPERATORS {
        return Err(ExprError::whole(format!(
            "the expression has {operators} operators; at most {MAX_OPERATORS} are allowed"
        )));
    }
    let (expr, info) =
        ENV.parser().parse_with_source_info(source).map_err(|errors| parse_error(&errors))?;
    let place = |node: &IdedExpr, message: String| {
        let (line, column) = syntax::position(&info, node);
        ExprError { line, column, message }
    };
    if syntax::depth(&expr) > MAX_TREE_DEPTH {
        return Err(ExprError::whole(format!(
            "the expression nests deeper than {MAX_TREE_DEPTH} levels"
        )));
    }
    if let Some(inner) = syntax::nested_comprehension(&expr) {
        return Err(place(
            inner,
            "a macro (all, exists, map, filter) inside another one's step is not allowed".into(),
        ));
    }
    if let Some(node) = syntax::find(&expr, &|node| unknown_function(node).is_some()) {
        let message = unknown_function(node).unwrap_or_default();
        return Err(place(node, message));
    }
    Ok(Program { expr, info })
}

fn parse_error(errors: &ParseErrors) -> ExprError {
    let Some(first) = errors.errors.first() else {
        return ExprError::whole("the expression can't be read");
    };
    let from_one = |place: isize| usize::try_from(place).unwrap_or(1).max(1);
    let mut message = first.msg.lines().next().unwrap_or_default().to_string();
    if let Some((before, _)) = message.split_once(" expecting {") {
        message = before.to_string();
    }
    ExprError { line: from_one(first.pos.0), column: from_one(first.pos.1), message }
}

/// A sentence about a call of something that does not exist, with the likeliest name meant.
fn unknown_function(node: &IdedExpr) -> Option<String> {
    let Expr::Call(CallExpr { func_name: name, args, target }) = &node.expr else {
        return None;
    };
    if functions::is_operator(name) || functions::KNOWN.contains(&name.as_str()) {
        return None;
    }
    if functions::MACROS.contains(&name.as_str()) {
        let how = if name == "has" { "has(a.b)" } else { "list.all(x, condition)" };
        let given = args.len();
        return Some(format!("`{name}` is written `{how}`; here it got {given} arguments"));
    }
    let method = if target.is_some() { "." } else { "" };
    let known = functions::KNOWN.iter().chain(functions::MACROS).copied();
    let nearest = crate::domain::spelling::nearest(name, known);
    Some(match nearest {
        Some(near) => format!("there is no function `{method}{name}`; did you mean `{near}`?"),
        None => format!("there is no function `{method}{name}`"),
    })
}
