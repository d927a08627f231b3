//! A stack of known size for the parser and the evaluator, which recurse and are not ours: measured, one nested
//! bracket costs the parser up to 200 KiB in a debug build. The limits are such that the deepest allowed expression
//! fits several times over. A panic in there becomes an error.
//!
//! The thread is joined before this returns, so it is as pure as a call.

use super::error::ExprError;

const STACK: usize = 48 * 1_024 * 1_024;

/// Runs `work` with room, and waits for it.
pub(super) fn with_room<T: Send>(
    work: impl FnOnce() -> Result<T, ExprError> + Send,
) -> Result<T, ExprError> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("expr".into())
            .stack_size(STACK)
            .spawn_scoped(scope, work)
            .map_err(|error| ExprError::whole(format!("no room to evaluate: {error}")))?
            .join()
            .unwrap_or_else(|_| Err(ExprError::whole("the expression can't be evaluated")))
    })
}
