//! Memory follows the log while this engine writes it.

use super::jobs::Done;
use super::run::Dispatcher;
use crate::domain::breaker::Destination;
use crate::engine::memory::{Followed, follow};
use std::time::Duration;

/// Pause between two looks at the log; also how often it is seen whether memory is there.
const PAUSE: Duration = Duration::from_secs(3);

impl Dispatcher {
    pub(super) fn start_remembering(&mut self) {
        self.remembering = true;
        let outside = self.outside.clone();
        let cluster = self.options.settings.cluster.clone();
        self.jobs.spawn(async move { Done::Remembered(follow(&outside, &cluster).await) });
    }

    pub(super) fn remembered(&mut self, result: Result<Followed, String>) {
        self.remembering = false;
        let more = result.as_ref().is_ok_and(|followed| followed.more);
        self.next_remembering =
            self.outside.clock.monotonic() + if more { Duration::ZERO } else { PAUSE };
        // What lies in this process has no health of its own.
        if !self.outside.lines.used().any(|one| one == Destination::VectorDb) {
            if let Err(why) = result {
                tracing::warn!(why, "memory does not follow the log");
            }
            return;
        }
        let result = match result {
            Ok(Followed { reached, more }) => {
                let on = if more { ", still following the log" } else { "" };
                self.remembered_to = reached.head.seq;
                Ok(format!("{} past cases{on}", reached.cases))
            }
            Err(why) => {
                let behind = self.core.seq().saturating_sub(self.remembered_to);
                Err(format!("{why}; the log holds {behind} events for it"))
            }
        };
        self.source("memory", result);
    }
}
