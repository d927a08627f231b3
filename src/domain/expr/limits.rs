//! Bounds on expressions and on what they are applied to. Why: templates come from people's directories, and what
//! they look at comes from clusters that anyone may write to.

/// Most bytes of one expression.
pub const MAX_SOURCE: usize = 4_096;
/// Deepest nesting of brackets.
pub const MAX_DEPTH: usize = 32;
/// Deepest nesting of the parsed expression, where each operator of a chain (`a + b + c`) is a level, and a macro
/// several.
pub const MAX_TREE_DEPTH: usize = 200;
/// Most operators, selections and calls in one expression: bounds the recursion of the parser, which is not ours.
pub const MAX_OPERATORS: usize = 400;
/// Most JSON values in the variables that an expression uses.
pub const MAX_INPUT_NODES: usize = 200_000;
/// Most bytes of text in the variables that an expression uses.
pub const MAX_INPUT_BYTES: usize = 8 * 1_024 * 1_024;
/// Deepest nesting of a variable.
pub const MAX_INPUT_DEPTH: usize = 64;
/// Most bytes of text in a result.
pub const MAX_RESULT_BYTES: usize = 1_024 * 1_024;
