//! Channels and dead letters as screens, verbs and metrics show them.

use super::channel::{ChannelKind, ChannelName};
use super::outbox::Outbox;
use super::routes::Routes;
use crate::domain::time::Timestamp;
use serde::Serialize;

/// One channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelShown {
    /// Which.
    pub channel: ChannelName,
    /// What it is; `None`: the settings at hand don't have it.
    pub kind: Option<ChannelKind>,
    /// Notices that wait.
    pub waiting: usize,
    /// When the first of them is due.
    pub next_at: Option<Timestamp>,
    /// Dead letters.
    pub dead: usize,
    /// Notices told since the log began.
    pub told: u64,
    /// Tries that failed since then.
    pub failed: u64,
    /// When it was last tried.
    pub last_at: Option<Timestamp>,
    /// What came of that.
    pub last: String,
}

/// One dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadShown {
    /// Number of the notice.
    pub notice: u64,
    /// For which channel.
    pub channel: ChannelName,
    /// When it became true.
    pub at: Timestamp,
    /// When it was given up.
    pub given_up_at: Timestamp,
    /// Tries.
    pub tries: u32,
    /// Why.
    pub why: String,
    /// What was to be told.
    pub title: String,
}

/// The outbox, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The channels of the settings, and those that the log knows.
    pub channels: Vec<ChannelShown>,
    /// Dead letters, oldest first.
    pub dead: Vec<DeadShown>,
}

impl Shown {
    /// The outbox with these settings.
    #[must_use]
    pub fn of(outbox: &Outbox, routes: &Routes) -> Self {
        let mut names = routes.channels.keys().copied().collect::<Vec<_>>();
        names.extend(outbox.channels().filter(|name| !routes.channels.contains_key(name)));
        let mut dead = outbox
            .dead()
            .map(|(channel, notice, one)| DeadShown {
                notice,
                channel,
                at: one.at,
                given_up_at: one.given_up_at,
                tries: one.tries,
                why: one.why.clone(),
                title: one.notice.title.clone(),
            })
            .collect::<Vec<_>>();
        dead.sort_by_key(|one| (one.notice, one.channel));
        let channels = names.into_iter().map(|channel| {
            let tally = outbox.tally(channel);
            let (last_at, last) = tally.last.unzip();
            ChannelShown {
                channel,
                kind: routes.channels.get(&channel).map(|rules| rules.kind),
                waiting: outbox.waiting_for(channel).count(),
                next_at: outbox.waiting_for(channel).map(|(_, one)| one.not_before).min(),
                dead: dead.iter().filter(|one| one.channel == channel).count(),
                told: tally.told,
                failed: tally.failed,
                last_at,
                last: last.unwrap_or_default(),
            }
        });
        let channels = channels.collect();
        Self { channels, dead }
    }

    /// That of one channel.
    #[must_use]
    pub fn channel(&self, name: ChannelName) -> Option<&ChannelShown> {
        self.channels.iter().find(|one| one.channel == name)
    }
}
