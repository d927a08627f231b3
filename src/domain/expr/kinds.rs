//! What kind of value an expression gives, as far as that can be told without evaluating it: for lint.
//!
//! Promises: what is found wrong would be wrong with every value that the variables can have; what is not known is `Any`
//! and found right. Absent: proofs; a condition that only together with others never holds is not found.

use super::error::ExprError;
use super::program;
use super::references::{Reference, references_in};
use super::room::with_room;
use super::syntax;
use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, SelectExpr, SourceInfo};
use std::collections::BTreeMap;

mod calls;
mod folding;

/// What is known of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// Nothing.
    Any,
    /// True or false.
    Bool,
    /// A number, within bounds where they are known.
    Number {
        /// Smallest.
        min: Option<f64>,
        /// Largest.
        max: Option<f64>,
    },
    /// A text.
    Text,
    /// One of these texts.
    Words(Vec<String>),
    /// A list.
    List,
    /// A mapping.
    Map,
    /// `null`, which compares with everything.
    Null,
}

impl Type {
    /// A number of which no bounds are known.
    pub const NUMBER: Self = Self::Number { min: None, max: None };

    /// In words.
    #[must_use]
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Bool => "true or false",
            Self::Number { .. } => "a number",
            Self::Text | Self::Words(_) => "a text",
            Self::List => "a list",
            Self::Map => "a mapping",
            Self::Null => "null",
        }
    }

    /// Whether a value of this type may be one of the other, by kind.
    #[must_use]
    pub fn may_be(&self, other: &Self) -> bool {
        let loose = |one: &Self| matches!(one, Self::Any | Self::Null);
        loose(self) || loose(other) || self.noun() == other.noun()
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// It fails, or is never what was meant.
    Wrong,
    /// It can be used, and something about it is odd.
    Odd,
}

/// Something found in an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// Line within the expression, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What.
    pub message: String,
    /// What to write instead; empty: no idea.
    pub suggestion: String,
}

/// What an expression gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Kinds {
    /// Its type.
    pub result: Type,
    /// The truth that it always has.
    pub always: Option<bool>,
    /// What is wrong or odd in it.
    pub findings: Vec<Finding>,
    /// The variables that it uses, as [`references`](super::references()) gives them.
    pub references: Vec<Reference>,
}

/// The types in an expression. `of` knows the type of a member of a variable: `params`, `[limit]`.
pub fn kinds(
    source: &str,
    of: &(dyn Fn(&str, &[String]) -> Type + Sync),
) -> Result<Kinds, ExprError> {
    with_room(|| {
        let program = program::parse(source)?;
        let mut walk =
            Walk { of, info: &program.info, bound: BTreeMap::new(), findings: Vec::new() };
        let known = walk.of(&program.expr);
        let (result, always, findings) = (known.kind, known.always, walk.findings);
        Ok(Kinds { result, always, findings, references: references_in(&program) })
    })
}

/// What is known of one node.
struct Known {
    kind: Type,
    always: Option<bool>,
}

impl Known {
    fn kind(kind: Type) -> Self {
        Self { kind, always: None }
    }
}

struct Walk<'a> {
    of: &'a (dyn Fn(&str, &[String]) -> Type + Sync),
    info: &'a SourceInfo,
    /// Variables of macros.
    bound: BTreeMap<String, Type>,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    fn of(&mut self, node: &IdedExpr) -> Known {
        match &node.expr {
            Expr::Unspecified => Known::kind(Type::Any),
            Expr::Ident(name) => Known::kind(self.variable(name, &[])),
            Expr::Literal(literal) => Self::literal(literal),
            Expr::List(list) => {
                self.all(&list.elements);
                Known::kind(Type::List)
            }
            Expr::Map(_) | Expr::Struct(_) => {
                self.all(syntax::parts(node));
                Known::kind(Type::Map)
            }
            Expr::Select(select) => Known::kind(self.select(node, select)),
            Expr::Comprehension(all) => Known::kind(self.comprehension(all)),
            Expr::Call(call) => self.call(node, call),
        }
    }

    fn literal(literal: &LiteralValue) -> Known {
        let kind = match literal {
            LiteralValue::Boolean(yes) => {
                return Known { kind: Type::Bool, always: Some(*yes.inner()) };
            }
            LiteralValue::Bytes(_) => Type::Any,
            LiteralValue::Double(_) | LiteralValue::Int(_) | LiteralValue::UInt(_) => {
                let number = folding::number(literal);
                Type::Number { min: number, max: number }
            }
            LiteralValue::Null => Type::Null,
            LiteralValue::String(text) => Type::Words(vec![text.inner().to_string()]),
        };
        Known::kind(kind)
    }

    fn variable(&self, name: &str, members: &[String]) -> Type {
        match self.bound.get(name) {
            Some(kind) if members.is_empty() => kind.clone(),
            Some(_) => Type::Any,
            None => (self.of)(name, members),
        }
    }

    fn select(&mut self, node: &IdedExpr, select: &SelectExpr) -> Type {
        if select.test {
            return Type::Bool;
        }
        if let Some((name, members)) = path(node) {
            return self.variable(&name, &members);
        }
        let from = self.of(&select.operand).kind;
        match from {
            Type::Any | Type::Map | Type::Null => {}
            Type::Bool | Type::Number { .. } | Type::Text | Type::Words(_) | Type::List => {
                let message = format!("{} has no `{}`", from.noun(), select.field);
                self.wrong(node, message, "");
            }
        }
        Type::Any
    }

    fn comprehension(&mut self, all: &ComprehensionExpr) -> Type {
        let range = self.of(&all.iter_range).kind;
        if matches!(range, Type::Bool | Type::Number { .. } | Type::Text | Type::Words(_)) {
            let message = format!("this walks over the items of {}", range.noun());
            self.wrong(&all.iter_range, message, "");
        }
        let start = self.of(&all.accu_init).kind;
        // A number grows on the way.
        let start = if matches!(start, Type::Number { .. }) { Type::NUMBER } else { start };
        let outer = self.bound.clone();
        self.bound.insert(all.iter_var.clone(), Type::Any);
        self.bound.extend(all.iter_var2.clone().map(|name| (name, Type::Any)));
        self.bound.insert(all.accu_var.clone(), start);
        let found = self.findings.len();
        self.of(&all.loop_step);
        // What the macro itself adds is always the same, and is nobody's mistake.
        let own = self.findings.split_off(found);
        self.findings.extend(own.into_iter().filter(|one| one.severity == Severity::Wrong));
        let result = self.of(&all.result).kind;
        self.bound = outer;
        result
    }

    fn found(
        &mut self,
        severity: Severity,
        node: &IdedExpr,
        message: String,
        suggestion: impl Into<String>,
    ) {
        let (line, column) = syntax::position(self.info, first(node));
        let suggestion = suggestion.into();
        self.findings.push(Finding { severity, line, column, message, suggestion });
    }

    fn wrong(&mut self, node: &IdedExpr, message: String, suggestion: impl Into<String>) {
        self.found(Severity::Wrong, node, message, suggestion);
    }

    fn odd(&mut self, node: &IdedExpr, message: String, suggestion: impl Into<String>) {
        self.found(Severity::Odd, node, message, suggestion);
    }

    /// An operand that has to be of a type.
    fn operand(&mut self, node: &IdedExpr, wanted: &Type, what: &str) -> Known {
        let known = self.of(node);
        if !known.kind.may_be(wanted) {
            let message = format!("{what} takes {}, not {}", wanted.noun(), known.kind.noun());
            self.wrong(node, message, convert(&known.kind, wanted));
        }
        known
    }

    fn call(&mut self, node: &IdedExpr, call: &CallExpr) -> Known {
        match (call.func_name.as_str(), call.args.as_slice()) {
            (name @ ("_&&_" | "_||_"), [left, right]) => self.joined(node, name, left, right),
            ("!_", [one]) => {
                let known = self.operand(one, &Type::Bool, "`!`");
                Known { kind: Type::Bool, always: known.always.map(|yes| !yes) }
            }
            ("_?_:_", [condition, yes, no]) => self.either(condition, yes, no),
            (name @ ("_==_" | "_!=_"), [left, right]) => self.equal(name == "_==_", left, right),
            (name @ ("_<_" | "_<=_" | "_>_" | "_>=_"), [left, right]) => {
                self.ordered(name, left, right)
            }
            (name, _) => Known::kind(self.function(name, call)),
        }
    }
}

/// The leftmost part of a node, where people look for it.
fn first(node: &IdedExpr) -> &IdedExpr {
    match &node.expr {
        Expr::Call(call) => match (&call.target, call.args.as_slice()) {
            (Some(target), _) => first(target),
            (None, [left, _, ..]) if call.func_name.starts_with('_') => first(left),
            (None, _) => node,
        },
        Expr::Select(select) => first(&select.operand),
        Expr::Unspecified
        | Expr::Ident(_)
        | Expr::Literal(_)
        | Expr::List(_)
        | Expr::Map(_)
        | Expr::Struct(_)
        | Expr::Comprehension(_) => node,
    }
}

/// `diagnosis.values.peak` as `diagnosis` and `[values, peak]`.
fn path(node: &IdedExpr) -> Option<(String, Vec<String>)> {
    match &node.expr {
        Expr::Ident(name) => Some((name.clone(), Vec::new())),
        Expr::Select(select) if !select.test => {
            let (name, mut members) = path(&select.operand)?;
            members.push(select.field.clone());
            Some((name, members))
        }
        Expr::Select(_)
        | Expr::Unspecified
        | Expr::Literal(_)
        | Expr::List(_)
        | Expr::Map(_)
        | Expr::Struct(_)
        | Expr::Comprehension(_)
        | Expr::Call(_) => None,
    }
}

/// How to make one type of another.
fn convert(from: &Type, to: &Type) -> &'static str {
    match (from, to) {
        (Type::Text | Type::Words(_), Type::Number { .. }) => {
            "make a number of it: quantity(…) for 512Mi, else int(…)"
        }
        (Type::Number { .. } | Type::Bool, Type::Text | Type::Words(_)) => {
            "make a text of it: string(…)"
        }
        (_, Type::Bool) => "compare it with something",
        (
            _,
            Type::Any
            | Type::Number { .. }
            | Type::Text
            | Type::Words(_)
            | Type::List
            | Type::Map
            | Type::Null,
        ) => "",
    }
}
