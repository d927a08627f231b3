//! A stack of known size for the parser and the evaluator, which recurse and are not ours: measured, one nested
//! bracket costs the parser up to 200 KiB in a debug build. The limits are such that the deepest allowed expression
//! fits several times over. A panic in there becomes an error.
//!
//! Each thread is joined before its caller goes on, so that this is as pure as a call. The parser builds its tables
//! once a thread: work with many expressions shares one room ([`in_one_room`]) and does not pay for them each time.

use super::error::ExprError;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

const STACK: usize = 48 * 1_024 * 1_024;

thread_local! {
    /// Whether this thread has been given the room.
    static ROOMY: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` with room, and waits for it.
pub(super) fn with_room<T: Send>(
    work: impl FnOnce() -> Result<T, ExprError> + Send,
) -> Result<T, ExprError> {
    let broken = |_| Err(ExprError::whole("the expression can't be evaluated"));
    if ROOMY.get() {
        // What a panic leaves behind is dropped with `work`: nothing of it is looked at again.
        return catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(broken);
    }
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("expr".into())
            .stack_size(STACK)
            .spawn_scoped(scope, work)
            .map_err(|error| ExprError::whole(format!("no room to evaluate: {error}")))?
            .join()
            .unwrap_or_else(broken)
    })
}

/// Runs work that looks at many expressions in one room, and waits for it. A panic of `work` itself goes on in the
/// caller. Its own frames should be few: the room is measured for expressions.
pub fn in_one_room<T: Send>(work: impl Fn() -> T + Sync) -> T {
    std::thread::scope(|scope| {
        let roomy = || {
            ROOMY.set(true);
            work()
        };
        let thread = std::thread::Builder::new().name("expr".into()).stack_size(STACK);
        match thread.spawn_scoped(scope, roomy) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            // No thread could be had: each expression asks for its own, and says so.
            Err(_) => work(),
        }
    })
}
