//! A group's figures in sentences, the same on the screen and in the shell.

use super::figures::{ENOUGH, Figures};
use super::proportion::Share;
use crate::domain::time::countdown;
use std::fmt::Write;

impl Figures {
    /// What there is to say of it: label and sentence.
    #[must_use]
    pub fn lines(&self) -> Vec<(String, String)> {
        let counts = self.counts;
        let decided = format!(
            "{} decided: {} effective, {} no effect, {} regressed; {} unclear",
            counts.n(),
            counts.effective,
            counts.no_effect,
            counts.regressed,
            counts.unclear
        );
        let mut lines = vec![
            ("cases".into(), decided),
            ("rate".into(), self.rate_words()),
            ("left alone".into(), self.alone_words()),
            (
                "effect".into(),
                self.effect.map_or_else(|| self.too_early(), |effect| format!("{effect:+.2}")),
            ),
            ("to recovery".into(), self.recovery_words()),
        ];
        let back = self.returns.iter().map(|returns| {
            let hours = returns.within_s / 3_600;
            let within =
                if hours > 24 { format!("{} d", hours / 24) } else { format!("{hours} h") };
            let young = match returns.too_young {
                0 => String::new(),
                young => format!(" ({young} too young)"),
            };
            format!("within {within} {}{young}", returns.share)
        });
        lines.push(("came back".into(), back.collect::<Vec<_>>().join(", ")));
        lines.push(("8 weeks".into(), self.trend_words()));
        lines.push(("confidence".into(), self.calibration_words()));
        lines
    }

    /// In a few words, for a plan that is about to be decided on.
    #[must_use]
    pub fn briefly(&self) -> String {
        let n = self.counts.n();
        let mut words = format!("{} of {n} effective", self.counts.effective);
        match self.interval {
            Some(interval) => {
                let (low, high) = (interval.low * 100.0, interval.high * 100.0);
                let _ = write!(words, " ({low:.0}-{high:.0} %)");
            }
            None => words.push_str(" (too early for a rate)"),
        }
        if self.counts.regressed > 0 {
            let _ = write!(words, ", {} regressed", self.counts.regressed);
        }
        if self.alone.of > 0 {
            let _ = write!(words, "; left alone {} went away", self.alone);
        }
        words
    }

    fn rate_words(&self) -> String {
        let (Some(rate), Some(interval)) = (self.rate, self.interval) else {
            return self.too_early();
        };
        let (low, high) = (interval.low * 100.0, interval.high * 100.0);
        format!("{:.0} %, 95 % interval {low:.1} to {high:.1} (Wilson)", rate * 100.0)
    }

    fn alone_words(&self) -> String {
        let went = format!("{} went away within an hour", self.alone);
        self.against_alone.map_or_else(
            || format!("{went}: {}", self.shown),
            |interval| {
                let (low, high) = (interval.low * 100.0, interval.high * 100.0);
                let shown = self.shown;
                format!("{went}; {low:+.0} to {high:+.0} points (Newcombe 95 %): {shown}")
            },
        )
    }

    fn recovery_words(&self) -> String {
        let survival = &self.recovery;
        if survival.n == 0 {
            return "no case".into();
        }
        let part = |share: f64| {
            survival.quantile(share).map_or_else(
                || "not reached".to_string(),
                |seconds| countdown(i64::try_from(seconds).unwrap_or(i64::MAX)),
            )
        };
        format!(
            "half after {}, nine of ten after {}; {} of {} recovered",
            part(0.5),
            part(0.9),
            survival.recovered,
            survival.n
        )
    }

    fn trend_words(&self) -> String {
        self.trend.map_or_else(
            || "too few for a trend".into(),
            |trend| format!("the rate: {} (z {:+.2}, p {:.3})", trend.word(), trend.z, trend.p),
        )
    }

    fn calibration_words(&self) -> String {
        let calibration = &self.calibration;
        let mut words = calibration.word().to_string();
        if let Some(brier) = calibration.brier {
            let _ = write!(words, ", Brier {brier:.3}");
        }
        for bin in &calibration.bins {
            if let Some(said) = bin.said {
                let _ = write!(words, "; said {said:.2}: true {}", bin.came_true);
            }
        }
        words
    }

    /// Why there is no rate.
    #[must_use]
    pub fn too_early(&self) -> String {
        format!("too early: {} of {ENOUGH} cases needed", self.counts.n())
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{}/{}", self.hits, self.of))
    }
}
