//! Which variables, and which of their members, an expression uses. For lint, and to convert only what is used.

use super::error::ExprError;
use super::program::{self, Program};
use super::room::with_room;
use super::syntax;
use cel::IdedExpr;
use cel::common::ast::Expr;
use std::collections::BTreeSet;

/// One use of a variable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The variable.
    pub variable: String,
    /// The members selected from it, outermost first: `diagnosis.values.peak` gives `values`, `peak`.
    pub members: Vec<String>,
    /// Whether it is only asked whether the last member is there.
    pub test: bool,
    /// Line within the expression, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

/// The variables that an expression uses, sorted; not those that its own macros bind.
pub fn references(source: &str) -> Result<Vec<Reference>, ExprError> {
    with_room(|| Ok(references_in(&program::parse(source)?)))
}

/// The same of what was parsed.
pub(super) fn references_in(program: &Program) -> Vec<Reference> {
    let mut found = Vec::new();
    collect(&program.expr, &program.info, &BTreeSet::new(), &mut found);
    found.sort();
    found.dedup();
    found
}

/// Names of the variables, sorted.
pub(super) fn variables_of(node: &IdedExpr) -> BTreeSet<String> {
    let mut found = Vec::new();
    collect(node, &cel::common::ast::SourceInfo::default(), &BTreeSet::new(), &mut found);
    found.into_iter().map(|reference| reference.variable).collect()
}

fn collect(
    node: &IdedExpr,
    info: &cel::common::ast::SourceInfo,
    bound: &BTreeSet<String>,
    found: &mut Vec<Reference>,
) {
    if let Some((root, members, test)) = chain(node)
        && let Expr::Ident(name) = &root.expr
    {
        if !bound.contains(name) && !name.starts_with('@') {
            let (line, column) = syntax::position(info, root);
            found.push(Reference { variable: name.clone(), members, test, line, column });
        }
        return;
    }
    if let Expr::Comprehension(all) = &node.expr {
        collect(&all.iter_range, info, bound, found);
        collect(&all.accu_init, info, bound, found);
        let mut inner = bound.clone();
        inner.insert(all.iter_var.clone());
        inner.insert(all.accu_var.clone());
        inner.extend(all.iter_var2.clone());
        for part in [&all.loop_cond, &all.loop_step, &all.result] {
            collect(part, info, &inner, found);
        }
        return;
    }
    for part in syntax::parts(node) {
        collect(part, info, bound, found);
    }
}

/// The node at the bottom of a chain of selections, and the names selected.
fn chain(node: &IdedExpr) -> Option<(&IdedExpr, Vec<String>, bool)> {
    let mut members = Vec::new();
    let mut at = node;
    let mut test = false;
    loop {
        match &at.expr {
            Expr::Select(select) => {
                test = test || select.test;
                members.push(select.field.clone());
                at = &select.operand;
            }
            Expr::Ident(_) => {
                members.reverse();
                return Some((at, members, test));
            }
            Expr::Unspecified
            | Expr::Call(_)
            | Expr::Comprehension(_)
            | Expr::List(_)
            | Expr::Literal(_)
            | Expr::Map(_)
            | Expr::Struct(_) => return None,
        }
    }
}
