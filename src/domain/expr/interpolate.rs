//! Texts with `${expression}` in them.

use super::error::ExprError;
use super::evaluate::{as_text, eval};
use super::syntax;
use serde_json::Value;
use std::collections::BTreeMap;

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// An expression, with the line and column of its first character in the text.
    Expr {
        /// The expression.
        source: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
}

/// Takes a text apart. `$${` stands for a literal `${`.
pub fn pieces(text: &str) -> Result<Vec<Piece>, ExprError> {
    let mut out = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, after) = rest.split_at(at);
        let inside = after.get(2..).unwrap_or_default();
        if let Some(kept) = before.strip_suffix('$') {
            plain.push_str(kept);
            plain.push_str("${");
            rest = inside;
            continue;
        }
        plain.push_str(before);
        let start = text.len() - inside.len();
        let (line, column) = syntax::place(text, start);
        let Some(end) = closing(inside) else {
            return Err(ExprError { line, column, message: "`${` is not closed by `}`".into() });
        };
        if !plain.is_empty() {
            out.push(Piece::Text(std::mem::take(&mut plain)));
        }
        let (source, tail) = inside.split_at(end);
        out.push(Piece::Expr { source: source.to_string(), line, column });
        rest = tail.get(1..).unwrap_or_default();
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        out.push(Piece::Text(plain));
    }
    Ok(out)
}

/// Where the brace that closes the expression is: outside of quotes, at its own depth.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match quote {
            Some(end) => {
                if !escaped && c == end {
                    quote = None;
                }
                escaped = !escaped && c == '\\';
            }
            None => match c {
                '"' | '\'' => quote = Some(c),
                '{' => depth += 1,
                '}' if depth == 0 => return Some(at),
                '}' => depth -= 1,
                _ => {}
            },
        }
    }
    None
}

/// The text with every expression replaced by its value, each passed through `escape`. Errors carry the place in the
/// text.
pub fn interpolate(
    text: &str,
    variables: &BTreeMap<String, Value>,
    escape: fn(&str) -> String,
) -> Result<String, ExprError> {
    let mut out = String::new();
    for piece in pieces(text)? {
        match piece {
            Piece::Text(text) => out.push_str(&text),
            Piece::Expr { source, line, column } => {
                let value = eval(&source, variables).map_err(|error| error.within(line, column))?;
                out.push_str(&escape(&as_text(&value)));
            }
        }
    }
    Ok(out)
}

/// A value as it may stand inside a double-quoted PromQL string (and nowhere else: PromQL knows `\'` only in single
/// quotes).
#[must_use]
pub fn escape_promql(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}
