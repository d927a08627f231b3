//! Commands that people left in a store which several share: taken while this engine writes the log, answered there.

use super::run::Dispatcher;
use crate::domain::principal::{Principal, Transport, claimed};
use crate::domain::time::Timestamp;
use crate::engine::command::{Command, Receipt, Refusal, Request};
use crate::ports::desk::{Desk, Left};
use crate::ports::store::StoreError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(500);
/// Commands taken at once.
const AT_ONCE: u32 = 32;
/// Tries to leave a receipt, and the pause between two.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

impl Dispatcher {
    /// Looks what was left, if there is a desk.
    pub(super) fn start_desk(&mut self) {
        self.next_desk = self.outside.clock.monotonic() + LOOK;
        let (Some(desk), Some(lease)) = (self.options.desk.clone(), self.leases.store.clone())
        else {
            return;
        };
        self.desk_running = true;
        self.jobs.spawn(async move { super::jobs::Done::Left(desk.take(&lease, AT_ONCE).await) });
    }

    pub(super) fn taken_from_desk(&mut self, result: Result<Vec<Left>, StoreError>) {
        self.desk_running = false;
        match (result, self.options.desk.clone()) {
            (Ok(all), Some(desk)) => {
                for one in all {
                    self.carry(one, Arc::clone(&desk));
                }
            }
            (Ok(_), None) => {}
            (Err(error), _) => tracing::warn!(%error, "commands in the store can't be taken"),
        }
    }

    fn carry(&mut self, left: Left, desk: Arc<dyn Desk>) {
        let (reply, receipt) = oneshot::channel();
        let (number, clock) = (left.number, self.outside.clock.clone());
        // Not among the jobs: those end when the state is folded again, and whoever asked is to hear of it.
        self.answers.spawn(async move {
            let receipt = receipt.await.unwrap_or_else(|_| Receipt::Refused {
                refusal: Refusal::Unavailable,
                why: "the engine lost the command while it looked: look before trying again".into(),
            });
            let Ok(text) = serde_json::to_string(&receipt) else { return };
            for _ in 0..TRIES {
                match desk.answer(number, &text).await {
                    Ok(()) => return,
                    Err(error) => tracing::warn!(%error, number, "a receipt could not be left"),
                }
                clock.sleep(PAUSE).await;
            }
        });
        match serde_json::from_str::<Command>(&left.command_json) {
            Ok(command) => {
                let now = self.outside.clock.now();
                // An age that no calendar holds is one that is over.
                let given = chrono::TimeDelta::from_std(left.age)
                    .ok()
                    .and_then(|age| now.checked_sub_signed(age))
                    .unwrap_or(Timestamp::MIN_UTC);
                let not_after = command.not_after(given);
                let owner = self.options.settings.policy.owner_uid;
                let by = principal(left, owner);
                self.command(Request { command, by, not_after }, reply);
            }
            Err(error) => {
                let why = format!("no command of this release: {error}");
                let _gone = reply.send(Receipt::Refused { refusal: Refusal::Invalid, why });
            }
        }
    }
}

/// The role is the person. Who has the engine's own role has what the engine's own user has.
fn principal(left: Left, owner_uid: u32) -> Principal {
    Principal {
        uid: if left.own { owner_uid } else { Principal::NO_UID },
        host: claimed(&left.host),
        tty: claimed(&left.tty),
        os_user: left.role,
        kube: left.kube,
        via: Transport::Database,
    }
}
