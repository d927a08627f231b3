//! Tokens spent in the last hour and in the last 24.

use std::collections::VecDeque;
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// What was spent when. Of this process: one that starts anew begins with nothing.
#[derive(Debug)]
pub(super) struct Budget {
    per_hour: u64,
    per_day: u64,
    spent: VecDeque<(u64, Duration, u64)>,
    next: u64,
}

impl Budget {
    /// A budget; 0: no limit.
    pub(super) fn new((per_hour, per_day): (u64, u64)) -> Self {
        Self { per_hour, per_day, spent: VecDeque::new(), next: 0 }
    }

    /// Sets tokens aside, so that two questions at once can't both spend the last of them.
    ///
    /// # Errors
    /// Why there are not so many left.
    pub(super) fn set_aside(&mut self, tokens: u64, now: Duration) -> Result<u64, String> {
        self.spent.retain(|(_, at, _)| now.saturating_sub(*at) < DAY);
        let within = |length: Duration| {
            let young = self.spent.iter().filter(|(_, at, _)| now.saturating_sub(*at) < length);
            young.map(|(_, _, tokens)| tokens).sum::<u64>()
        };
        for (limit, length, key) in [
            (self.per_hour, HOUR, "slm.tokens_per_hour"),
            (self.per_day, DAY, "slm.tokens_per_day"),
        ] {
            let spent = within(length);
            if limit > 0 && spent.saturating_add(tokens) > limit {
                return Err(format!(
                    "{spent} of {limit} tokens are spent ({key}), and this question may take {tokens}"
                ));
            }
        }
        self.next += 1;
        self.spent.push_back((self.next, now, tokens));
        Ok(self.next)
    }

    /// What was set aside is this much in truth.
    pub(super) fn settle(&mut self, number: u64, tokens: u64) {
        if let Some(entry) = self.spent.iter_mut().find(|(known, _, _)| *known == number) {
            entry.2 = tokens;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn nothing_is_spent_beyond_the_hour_or_the_day() {
        let mut budget = Budget::new((100, 150));
        let first = budget.set_aside(80, Duration::ZERO).unwrap();
        assert!(budget.set_aside(30, MINUTE).unwrap_err().contains("slm.tokens_per_hour"));
        budget.settle(first, 60);
        budget.set_aside(40, MINUTE).unwrap();
        assert!(budget.set_aside(1, MINUTE * 59).is_err());
        assert!(budget.set_aside(60, MINUTE * 61).unwrap_err().contains("slm.tokens_per_day"));
        budget.set_aside(50, MINUTE * 61).unwrap();
        budget.set_aside(90, MINUTE * 60 * 26).unwrap();
    }

    #[test]
    fn nought_is_no_limit() {
        let mut budget = Budget::new((0, 0));
        budget.set_aside(u64::MAX / 2, Duration::ZERO).unwrap();
        budget.set_aside(u64::MAX / 4, Duration::ZERO).unwrap();
    }
}
