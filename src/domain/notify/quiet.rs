//! Quiet hours.

use crate::domain::time::{Timestamp, plus};
use chrono::{Days, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;

/// Hours of the day, where people live, in which only what is urgent is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quiet {
    /// From.
    pub from: NaiveTime,
    /// To; before `from`: of the next day.
    pub to: NaiveTime,
    /// Where.
    pub zone: Tz,
}

impl Quiet {
    /// When the quiet hours end that `now` is in; `None`: it is in none.
    #[must_use]
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let local = now.with_timezone(&self.zone);
        let time = local.time();
        let inside = if self.from <= self.to {
            self.from <= time && time < self.to
        } else {
            time >= self.from || time < self.to
        };
        if !inside {
            return None;
        }
        let day = local.date_naive();
        let day = if time < self.to { day } else { day.checked_add_days(Days::new(1))? };
        let end = self.zone.from_local_datetime(&day.and_time(self.to)).earliest();
        // A time that the clocks leave out: an hour later they have one.
        Some(end.map_or_else(|| plus(now, 3_600), |end| end.with_timezone(&Utc)).max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::rfc3339;

    fn quiet(from: u32, to: u32) -> Quiet {
        let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
        Quiet { from: hour(from), to: hour(to), zone: chrono_tz::Europe::Berlin }
    }

    fn until(quiet: Quiet, now: &str) -> Option<String> {
        quiet.until(now.parse().unwrap()).map(rfc3339).map(|at| at.replace(".000Z", "Z"))
    }

    #[test]
    fn quiet_hours_go_over_midnight_in_the_time_of_their_place() {
        let night = quiet(22, 7);
        // 21:30 and 22:30 in Berlin's summer.
        assert_eq!(until(night, "2026-07-01T19:30:00Z"), None);
        assert_eq!(until(night, "2026-07-01T20:30:00Z").unwrap(), "2026-07-02T05:00:00Z");
        assert_eq!(until(night, "2026-07-02T04:59:59Z").unwrap(), "2026-07-02T05:00:00Z");
        assert_eq!(until(night, "2026-07-02T05:00:00Z"), None);
        // In winter the same hours are others in UTC.
        assert_eq!(until(night, "2026-12-01T21:30:00Z").unwrap(), "2026-12-02T06:00:00Z");
        let noon = quiet(12, 13);
        assert_eq!(until(noon, "2026-07-01T10:30:00Z").unwrap(), "2026-07-01T11:00:00Z");
        assert_eq!(until(noon, "2026-07-01T11:30:00Z"), None);
    }

    #[test]
    fn an_end_that_the_clocks_leave_out_still_comes() {
        let gap = Quiet { to: NaiveTime::from_hms_opt(2, 30, 0).unwrap(), ..quiet(22, 2) };
        let now: Timestamp = "2026-03-29T00:30:00Z".parse().unwrap();
        assert_eq!(gap.until(now), Some(plus(now, 3_600)));
    }
}
