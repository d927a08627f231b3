//! Messages on their way to people: one at a time on each channel, and only while this engine writes the log.

use super::jobs::Done;
use super::run::Dispatcher;
use crate::domain::notify::Message;
use crate::engine::job::Heard;
use crate::ports::channel::Carried;

impl Dispatcher {
    /// Sends what is due and not under way.
    pub(super) fn start_telling(&mut self) {
        if self.options.channels.is_empty() || !self.closing.is_empty() {
            return;
        }
        for due in self.core.due_tellings(self.outside.clock.now()) {
            let Some(channel) = self.options.channels.get(&due.channel).cloned() else { continue };
            if !self.telling.insert(due.channel) {
                continue;
            }
            let message = Message {
                channel: due.channel,
                cluster: self.options.settings.cluster.clone(),
                cluster_name: self.options.settings.name.clone(),
                head: (self.head.seq, self.head.hash.clone()),
                items: due.items,
                again: due.again,
            };
            self.jobs.spawn(async move {
                let numbers = message.items.iter().map(|item| item.number).collect();
                let heard = match channel.carry(&message).await {
                    Carried::Told(answer) => Heard::Told(answer),
                    Carried::Later { why, after_s } => Heard::Later { why, after_s },
                    Carried::Refused(why) => Heard::Refused(why),
                    Carried::NotLetThrough(_) => Heard::NotLetThrough,
                };
                Done::Heard(message.channel, numbers, heard)
            });
        }
    }
}
