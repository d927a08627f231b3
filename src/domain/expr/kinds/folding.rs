//! Conditions that are always, or never, true.

use super::{Known, Type, Walk, path};
use crate::domain::spelling::nearest;
use cel::IdedExpr;
use cel::common::ast::{Expr, LiteralValue};

impl Walk<'_> {
    /// `a && b`, `a || b`.
    pub(super) fn joined(
        &mut self,
        node: &IdedExpr,
        name: &str,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Known {
        let sign = if name == "_&&_" { "`&&`" } else { "`||`" };
        let (a, b) =
            (self.operand(left, &Type::Bool, sign), self.operand(right, &Type::Bool, sign));
        // What decides alone: false for `&&`, true for `||`.
        let decides = name != "_&&_";
        for (known, part) in [(&a, left), (&b, right)] {
            if known.always == Some(!decides) {
                let message = format!("this part is always {}", !decides);
                self.odd(part, message, "take it out");
            }
        }
        let mut always = match (a.always, b.always) {
            (Some(yes), _) | (_, Some(yes)) if yes == decides => Some(decides),
            (Some(_), Some(_)) => Some(!decides),
            (Some(_) | None, None) | (None, Some(_)) => None,
        };
        if name == "_&&_" && always.is_none() && contradicts(node) {
            always = Some(false);
        }
        Known { kind: Type::Bool, always }
    }

    /// `condition ? yes : no`.
    pub(super) fn either(&mut self, condition: &IdedExpr, yes: &IdedExpr, no: &IdedExpr) -> Known {
        let known = self.operand(condition, &Type::Bool, "`? :`");
        if let Some(always) = known.always {
            let message = format!("this is always {always}: the other side is never taken");
            self.odd(condition, message, "");
        }
        let (a, b) = (self.of(yes), self.of(no));
        let same = a.kind.noun() == b.kind.noun();
        let kind = match (a.kind, b.kind) {
            (Type::Words(mut one), Type::Words(other)) => {
                one.extend(other);
                Type::Words(one)
            }
            (Type::Number { .. }, Type::Number { .. }) => Type::NUMBER,
            (kind, _) if same => kind,
            _ => Type::Any,
        };
        Known::kind(kind)
    }

    /// `a == b`, `a != b`.
    pub(super) fn equal(&mut self, equal: bool, left: &IdedExpr, right: &IdedExpr) -> Known {
        let (a, b) = (self.of(left).kind, self.of(right).kind);
        if !a.may_be(&b) {
            let message = format!("{} is never equal to {}", a.noun(), b.noun());
            self.wrong(left, message, super::convert(&a, &b));
            return Known::kind(Type::Bool);
        }
        let always = match (&a, &b) {
            (Type::Words(one), Type::Words(other)) if !one.iter().any(|w| other.contains(w)) => {
                self.never_word(left, right, (one, other));
                Some(!equal)
            }
            (Type::Words(one), Type::Words(other)) if one.len() == 1 && one == other => Some(equal),
            (Type::Number { .. }, Type::Number { .. }) => {
                let apart = is_below(&a, &b, true) || is_below(&b, &a, true);
                let same = is_below(&a, &b, false) && is_below(&b, &a, false);
                if same { Some(equal) } else { apart.then_some(!equal) }
            }
            _ => None,
        };
        Known { kind: Type::Bool, always }
    }

    /// A word that is none of those that there are.
    fn never_word(
        &mut self,
        left: &IdedExpr,
        right: &IdedExpr,
        (one, other): (&[String], &[String]),
    ) {
        let (name, node, words, word) = match (path(left), path(right)) {
            (Some(name), None) => (name, right, one, other),
            (None, Some(name)) => (name, left, other, one),
            (Some(_), Some(_)) | (None, None) => return,
        };
        let [word] = word else { return };
        let name = std::iter::once(name.0).chain(name.1).collect::<Vec<_>>().join(".");
        let message = format!("`{name}` is never `{word}`");
        let known = words.iter().map(String::as_str).filter(|word| !word.is_empty());
        let known = known.collect::<Vec<_>>();
        let suggestion = match nearest(word, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it is one of {}", known.join(", ")),
        };
        self.wrong(node, message, suggestion);
    }

    /// `a < b` and the like.
    pub(super) fn ordered(&mut self, name: &str, left: &IdedExpr, right: &IdedExpr) -> Known {
        let (a, b) = (self.of(left).kind, self.of(right).kind);
        for (kind, node) in [(&a, left), (&b, right)] {
            if matches!(kind, Type::List | Type::Map | Type::Null) {
                self.wrong(node, format!("{} has no order", kind.noun()), "");
                return Known::kind(Type::Bool);
            }
        }
        if !a.may_be(&b) {
            let message = format!("{} can't be compared with {}", a.noun(), b.noun());
            let suggestion = match super::convert(&a, &b) {
                "" => super::convert(&b, &a),
                text if matches!(b, Type::Text | Type::Words(_)) => match super::convert(&b, &a) {
                    "" => text,
                    other => other,
                },
                text => text,
            };
            self.wrong(left, message, suggestion);
            return Known::kind(Type::Bool);
        }
        let always = match name {
            "_<_" => decided(is_below(&a, &b, true), is_below(&b, &a, false)),
            "_<=_" => decided(is_below(&a, &b, false), is_below(&b, &a, true)),
            "_>_" => decided(is_below(&b, &a, true), is_below(&a, &b, false)),
            _ => decided(is_below(&b, &a, false), is_below(&a, &b, true)),
        };
        if let Some(always) = always.filter(|_| path(left).is_some() || path(right).is_some()) {
            self.odd(left, format!("this is always {always}, by its limits"), "");
        }
        Known { kind: Type::Bool, always }
    }
}

fn decided(yes: bool, no: bool) -> Option<bool> {
    match (yes, no) {
        (true, _) => Some(true),
        (false, true) => Some(false),
        (false, false) => None,
    }
}

/// Whether every value of one number is below every value of the other; or not above it.
fn is_below(one: &Type, other: &Type, strictly: bool) -> bool {
    let (Type::Number { max: Some(most), .. }, Type::Number { min: Some(least), .. }) =
        (one, other)
    else {
        return false;
    };
    if strictly { most < least } else { most <= least }
}

/// The number that a literal is.
#[allow(clippy::cast_precision_loss)] // of limits that people write
pub(super) fn number(literal: &LiteralValue) -> Option<f64> {
    match literal {
        LiteralValue::Double(number) => Some(*number.inner()),
        LiteralValue::Int(number) => Some(*number.inner() as f64),
        LiteralValue::UInt(number) => Some(*number.inner() as f64),
        LiteralValue::Boolean(_)
        | LiteralValue::Bytes(_)
        | LiteralValue::Null
        | LiteralValue::String(_) => None,
    }
}

/// Whether a chain of `&&` wants two different texts of the same value.
fn contradicts(node: &IdedExpr) -> bool {
    let mut wanted = Vec::new();
    collect(node, &mut wanted);
    wanted
        .iter()
        .any(|(path, text)| wanted.iter().any(|(other, second)| path == other && text != second))
}

fn collect(node: &IdedExpr, wanted: &mut Vec<((String, Vec<String>), String)>) {
    let Expr::Call(call) = &node.expr else { return };
    let [left, right] = call.args.as_slice() else { return };
    match call.func_name.as_str() {
        "_&&_" => {
            collect(left, wanted);
            collect(right, wanted);
        }
        "_==_" => {
            let text = |node: &IdedExpr| match &node.expr {
                Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_string()),
                Expr::Literal(_)
                | Expr::Unspecified
                | Expr::Ident(_)
                | Expr::List(_)
                | Expr::Map(_)
                | Expr::Struct(_)
                | Expr::Select(_)
                | Expr::Comprehension(_)
                | Expr::Call(_) => None,
            };
            let one = path(left).zip(text(right)).or_else(|| path(right).zip(text(left)));
            wanted.extend(one);
        }
        _ => {}
    }
}
