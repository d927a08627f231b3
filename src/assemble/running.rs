//! An engine that runs, on its own runtime.

use crate::engine::dispatcher::Dispatcher;
use crate::engine::handle::Handle;
use std::future::Future;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Threads of the engine's runtime: it waits more than it computes.
const THREADS: usize = 2;

/// Makes the engine's runtime.
///
/// # Errors
/// When the system gives no threads.
pub fn runtime() -> Result<Runtime, String> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("pilothouse-engine")
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime for the engine: {error}"))
}

/// A running engine. Dropping it without [`Running::end`] ends it at once, as a crash would.
pub struct Running {
    /// The way to it.
    pub handle: Handle,
    /// Its runtime.
    pub runtime: Arc<Runtime>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Running {
    /// Starts a dispatcher on a runtime.
    #[must_use]
    pub fn start(runtime: Arc<Runtime>, dispatcher: Dispatcher, handle: Handle) -> Self {
        let tasks = TaskTracker::new();
        tasks.spawn_on(dispatcher.run(), runtime.handle());
        Self { handle, runtime, tasks, stop: CancellationToken::new() }
    }

    /// Starts something that serves this engine's clients; it ends when the token is cancelled.
    pub fn serve<F>(&self, make: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn_on(make(self.stop.child_token()), self.runtime.handle());
    }

    /// Lets what runs come to its safe point, gives the leases back, and ends.
    pub fn end(self) {
        self.runtime.block_on(async {
            self.handle.hang_up().await;
            self.stop.cancel();
            self.tasks.close();
            self.tasks.wait().await;
        });
    }
}
