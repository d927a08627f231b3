//! Walking the parsed expression: its parts, its depth, where a part stands in the source.

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr, IdedEntryExpr, SourceInfo};

/// The parts of an expression, in the order of the source as far as the parser keeps it.
pub(super) fn parts(node: &IdedExpr) -> Vec<&IdedExpr> {
    match &node.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Vec::new(),
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::Comprehension(all) => {
            vec![&all.iter_range, &all.accu_init, &all.loop_cond, &all.loop_step, &all.result]
        }
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map.entries.iter().flat_map(entry_parts).collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Struct(one) => one.entries.iter().flat_map(entry_parts).collect(),
    }
}

fn entry_parts(entry: &IdedEntryExpr) -> Vec<&IdedExpr> {
    match &entry.expr {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}

/// The first node, parents before children, for which `test` holds.
pub(super) fn find<'a>(
    node: &'a IdedExpr,
    test: &dyn Fn(&IdedExpr) -> bool,
) -> Option<&'a IdedExpr> {
    if test(node) {
        return Some(node);
    }
    parts(node).into_iter().find_map(|part| find(part, test))
}

/// Levels below and including this node.
pub(super) fn depth(node: &IdedExpr) -> usize {
    1 + parts(node).into_iter().map(depth).max().unwrap_or(0)
}

/// A comprehension inside the step of another, if there is one.
pub(super) fn nested_comprehension(node: &IdedExpr) -> Option<&IdedExpr> {
    let is_one = |node: &IdedExpr| matches!(node.expr, Expr::Comprehension(_));
    if let Expr::Comprehension(outer) = &node.expr {
        for inside in [&outer.loop_step, &outer.loop_cond, &outer.result] {
            if let Some(inner) = find(inside, &is_one) {
                return Some(inner);
            }
        }
    }
    parts(node).into_iter().find_map(nested_comprehension)
}

/// Line and column, both from 1, of a node. The parser has calls at their bracket: here they are at their name.
pub(super) fn position(info: &SourceInfo, node: &IdedExpr) -> (usize, usize) {
    let Some((start, _)) = info.offset_for(node.id) else { return (1, 1) };
    let start = start as usize;
    let named = match &node.expr {
        Expr::Call(call) if start > 0 => info
            .source
            .get(..start)
            .filter(|before| before.ends_with(&call.func_name))
            .map(|before| before.len() - call.func_name.len()),
        Expr::Unspecified
        | Expr::Call(_)
        | Expr::Comprehension(_)
        | Expr::Ident(_)
        | Expr::List(_)
        | Expr::Literal(_)
        | Expr::Map(_)
        | Expr::Select(_)
        | Expr::Struct(_) => None,
    };
    place(&info.source, named.unwrap_or(start))
}

/// Line and column, in characters, of the byte at `offset`.
pub(super) fn place(source: &str, offset: usize) -> (usize, usize) {
    source.char_indices().take_while(|(at, _)| *at < offset).fold(
        (1, 1),
        |(line, column), (_, c)| {
            if c == '\n' { (line + 1, 1) } else { (line, column + 1) }
        },
    )
}

/// What can be told of a source before it is parsed, to bound the recursion of the parser: how deep its brackets nest,
/// and how many operators, selections and calls it has. Quoted text does not count.
pub(super) fn extent(source: &str) -> (usize, usize) {
    let mut quote = None;
    let mut escaped = false;
    let (mut depth, mut deepest, mut operators) = (0_usize, 0_usize, 0_usize);
    for c in source.chars() {
        match quote {
            Some(end) => {
                if !escaped && c == end {
                    quote = None;
                }
                escaped = !escaped && c == '\\';
            }
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if "([{".contains(c) => {
                depth += 1;
                deepest = deepest.max(depth);
                operators += 1;
            }
            None if ")]}".contains(c) => depth = depth.saturating_sub(1),
            None if "+-*/%?:.&|<>=!".contains(c) => operators += 1,
            None => {}
        }
    }
    (deepest, operators)
}
