//! Arithmetic and functions: what they take and give.

use super::{Type, Walk};
use cel::IdedExpr;
use cel::common::ast::CallExpr;

/// What a function is called on (a method) or its first argument, the arguments after that, and what it gives.
struct Signature {
    name: &'static str,
    takes: &'static [Type],
    gives: Type,
}

const fn signature(name: &'static str, takes: &'static [Type], gives: Type) -> Signature {
    Signature { name, takes, gives }
}

const TEXT: &[Type] = &[Type::Text];
const TEXTS: &[Type] = &[Type::Text, Type::Text];
const NUMBER: &[Type] = &[Type::NUMBER];
const NUMBERS: &[Type] = &[Type::NUMBER, Type::NUMBER];

const SIGNATURES: &[Signature] = &[
    signature("quantity", TEXT, Type::NUMBER),
    signature("cpu", TEXT, Type::NUMBER),
    signature("format_bytes", NUMBER, Type::Text),
    signature("spoken_bytes", NUMBER, Type::Text),
    signature("round_up", NUMBERS, Type::NUMBER),
    signature("join", &[Type::List, Type::Text], Type::Text),
    signature("contains", TEXTS, Type::Bool),
    signature("startsWith", TEXTS, Type::Bool),
    signature("endsWith", TEXTS, Type::Bool),
    signature("matches", TEXTS, Type::Bool),
    signature("size", &[Type::Any], Type::NUMBER),
    signature("int", &[Type::Any], Type::NUMBER),
    signature("uint", &[Type::Any], Type::NUMBER),
    signature("double", &[Type::Any], Type::NUMBER),
    signature("string", &[Type::Any], Type::Text),
    signature("bool", &[Type::Any], Type::Bool),
    signature("hasValue", &[Type::Any], Type::Bool),
    signature("timestamp", TEXT, Type::Any),
];

impl Walk<'_> {
    pub(super) fn function(&mut self, name: &str, call: &CallExpr) -> Type {
        match (name, call.args.as_slice()) {
            ("_+_", [left, right]) => self.sum(left, right),
            ("_-_" | "_*_" | "_/_" | "_%_", [left, right]) => self.product(name, left, right),
            ("-_", [one]) => {
                self.operand(one, &Type::NUMBER, "`-`");
                Type::NUMBER
            }
            ("@in", [item, of]) => {
                self.of(item);
                let kind = self.of(of).kind;
                if !kind.may_be(&Type::List) && !kind.may_be(&Type::Map) {
                    let message =
                        format!("`in` looks into a list or a mapping, not {}", kind.noun());
                    let texts = matches!(kind, Type::Text | Type::Words(_));
                    self.wrong(of, message, if texts { "write text.contains(…)" } else { "" });
                }
                Type::Bool
            }
            _ => self.named(name, call),
        }
    }

    /// Looks through parts of which nothing is asked.
    pub(super) fn all<'n>(&mut self, parts: impl IntoIterator<Item = &'n IdedExpr>) {
        for part in parts {
            self.of(part);
        }
    }

    fn named(&mut self, name: &str, call: &CallExpr) -> Type {
        let given = call.target.as_deref().into_iter().chain(&call.args).collect::<Vec<_>>();
        let Some(known) = SIGNATURES.iter().find(|one| one.name == name) else {
            self.all(given);
            return Type::Any;
        };
        if given.len() != known.takes.len() {
            // Some have other forms; only what has one is held to it.
            self.all(given);
            return known.gives.clone();
        }
        for (part, wanted) in given.into_iter().zip(known.takes) {
            self.operand(part, wanted, &format!("`{name}`"));
        }
        known.gives.clone()
    }

    fn sum(&mut self, left: &IdedExpr, right: &IdedExpr) -> Type {
        let (a, b) = (self.of(left).kind, self.of(right).kind);
        if matches!(a, Type::Bool | Type::Map) || matches!(b, Type::Bool | Type::Map) {
            let kind = if matches!(a, Type::Bool | Type::Map) { &a } else { &b };
            self.wrong(left, format!("`+` does not take {}", kind.noun()), "");
            return Type::Any;
        }
        if !a.may_be(&b) {
            let message = format!("`+` can't join {} and {}", a.noun(), b.noun());
            self.wrong(left, message, "make texts of both: string(…)");
            return Type::Any;
        }
        match (a, b) {
            (Type::Number { .. }, Type::Number { .. }) => Type::NUMBER,
            (Type::Text | Type::Words(_), Type::Text | Type::Words(_)) => Type::Text,
            (Type::List, Type::List) => Type::List,
            _ => Type::Any,
        }
    }

    /// Times and durations are `Any`: they have these too.
    fn product(&mut self, name: &str, left: &IdedExpr, right: &IdedExpr) -> Type {
        let sign = name.trim_matches('_');
        let a = self.operand(left, &Type::NUMBER, &format!("`{sign}`")).kind;
        let b = self.operand(right, &Type::NUMBER, &format!("`{sign}`")).kind;
        match (a, b) {
            (Type::Number { .. }, Type::Number { .. }) => Type::NUMBER,
            _ => Type::Any,
        }
    }
}
