//! Drawing in SVG, in units that are CSS pixels when the page is as wide as the drawing.

use super::page::Page;
use crate::domain::time::Timestamp;

/// Width of all drawings.
pub const WIDTH: f64 = 760.0;

/// Seconds between the marks of a time axis, the smallest that fits is taken.
const STEPS: [i64; 20] = [
    1, 5, 10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400,
    172_800, 604_800, 2_592_000, 31_536_000,
];
/// Most marks of a time axis.
const MARKS: i64 = 8;

/// Where a text hangs on its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// It is centred there.
    Middle,
    /// It ends there.
    End,
}

impl Anchor {
    fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

/// One drawing in a page.
pub struct Chart<'a> {
    page: &'a mut Page,
}

impl<'a> Chart<'a> {
    /// Starts one, so many units high; `says` is read to those who can't see it.
    pub fn start(page: &'a mut Page, height: f64, says: &str) -> Self {
        let view = format!("0 0 {} {}", number(WIDTH), number(height));
        let attributes = [("class", "chart"), ("viewBox", &view), ("role", "img")];
        page.start("svg", &attributes).element("title", &[], says).raw("\n");
        Self { page }
    }

    /// Ends it.
    pub fn end(self) {
        self.page.raw("</svg>\n");
    }

    /// A box. One that is too narrow to be seen is drawn as wide as a line.
    pub fn bar(&mut self, class: &str, left: f64, top: f64, width: f64, height: f64) {
        let (x, y) = (number(left), number(top));
        let (width, height) = (number(width.max(1.5)), number(height));
        self.page
            .start(
                "rect",
                &[
                    ("class", class),
                    ("x", &x),
                    ("y", &y),
                    ("width", &width),
                    ("height", &height),
                    ("rx", "2"),
                ],
            )
            .raw("</rect>\n");
    }

    /// A line.
    pub fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let (x1, y1) = (number(from.0), number(from.1));
        let (x2, y2) = (number(to.0), number(to.1));
        self.page
            .start("line", &[("class", class), ("x1", &x1), ("y1", &y1), ("x2", &x2), ("y2", &y2)])
            .raw("</line>\n");
    }

    /// A dot.
    pub fn dot(&mut self, class: &str, x: f64, y: f64) {
        let (x, y) = (number(x), number(y));
        self.page
            .start("circle", &[("class", class), ("cx", &x), ("cy", &y), ("r", "4.5")])
            .raw("</circle>\n");
    }

    /// Text on its base line.
    pub fn text(&mut self, class: &str, anchor: Anchor, x: f64, y: f64, text: &str) {
        let (x, y) = (number(x), number(y));
        let attributes = [("class", class), ("x", &x), ("y", &y), ("text-anchor", anchor.word())];
        self.page.element("text", &attributes, text).raw("\n");
    }
}

/// A length with a tenth of a unit.
fn number(value: f64) -> String {
    let text = format!("{:.1}", if value.is_finite() { value } else { 0.0 });
    text.strip_suffix(".0").map_or(text.clone(), String::from)
}

/// A count as a length.
#[allow(clippy::cast_precision_loss, reason = "what is drawn is far below 2^52")]
#[must_use]
pub fn length(count: usize) -> f64 {
    count as f64
}

/// A span of time on a length.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    from: Timestamp,
    seconds: f64,
    left: f64,
    width: f64,
}

impl Axis {
    /// From one moment to a later one, drawn from `left` on.
    #[must_use]
    pub fn new(from: Timestamp, to: Timestamp, left: f64, width: f64) -> Self {
        Self { from, seconds: exact_seconds(from, to).max(1.0), left, width }
    }

    /// Where a moment is; never outside.
    #[must_use]
    pub fn at(&self, moment: Timestamp) -> f64 {
        let share = (exact_seconds(self.from, moment) / self.seconds).clamp(0.0, 1.0);
        self.left + share * self.width
    }

    /// Moments for marks, with what is written at them.
    #[must_use]
    pub fn marks(&self) -> Vec<(Timestamp, String)> {
        #[allow(clippy::cast_possible_truncation, reason = "spans of time are far below 2^52")]
        let span = self.seconds as i64;
        let fits = |step: &&i64| span / **step <= MARKS;
        let step = STEPS.iter().find(fits).copied().unwrap_or(31_536_000 * 10);
        let first = self.from.timestamp().div_euclid(step) + 1;
        let mut marks = Vec::new();
        for index in first..=first + MARKS {
            let Some(at) = Timestamp::from_timestamp(index.saturating_mul(step), 0) else { break };
            if exact_seconds(self.from, at) > self.seconds {
                break;
            }
            let form = match step {
                ..60 => "%H:%M:%S",
                60..43_200 => "%H:%M",
                _ => "%m-%d",
            };
            marks.push((at, at.format(form).to_string()));
        }
        marks
    }
}

#[allow(clippy::cast_precision_loss, reason = "spans of time are far below 2^52 ms")]
fn exact_seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.signed_duration_since(from).num_milliseconds() as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn marks_are_round_moments_inside_the_span_and_never_too_many() {
        let from = at("2026-11-21T02:01:12Z");
        for seconds in [0, 1, 59, 600, 3_600, 86_400, 400 * 86_400, 10_000 * 86_400] {
            let to = from + chrono::TimeDelta::seconds(seconds);
            let axis = Axis::new(from, to, 100.0, 600.0);
            let marks = axis.marks();
            assert!(marks.len() <= 9, "{seconds}: {marks:?}");
            for (moment, _) in &marks {
                assert!((100.0..=700.0).contains(&axis.at(*moment)), "{seconds}: {moment}");
            }
        }
        let axis = Axis::new(from, at("2026-11-21T03:01:12Z"), 0.0, 600.0);
        let words = axis.marks().into_iter().map(|(_, words)| words).collect::<Vec<_>>();
        assert_eq!(words, ["02:10", "02:20", "02:30", "02:40", "02:50", "03:00"]);
    }

    #[test]
    fn a_moment_outside_the_span_is_drawn_at_its_edge() {
        let axis = Axis::new(at("2026-11-21T02:00:00Z"), at("2026-11-21T03:00:00Z"), 10.0, 100.0);
        assert!((axis.at(at("2026-11-20T00:00:00Z")) - 10.0).abs() < 1e-9);
        assert!((axis.at(at("2027-11-20T00:00:00Z")) - 110.0).abs() < 1e-9);
        assert!((axis.at(at("2026-11-21T02:30:00Z")) - 60.0).abs() < 1e-9);
    }
}
