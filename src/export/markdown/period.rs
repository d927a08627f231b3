//! A period as a page.

use super::page::{Page, escape, items, section, simulated, titled};
use crate::domain::report::period::Period;
use crate::export::sheets;

/// The report of a period.
#[must_use]
pub fn period(period: &Period) -> String {
    let mut out = Page::default();
    let (since, until) = (sheets::day(period.since, true), sheets::day(period.until, true));
    let title = format!("{}, {since} to {until}", period.cluster);
    out.put(&format!("# Remediations on {}\n\n", escape(&title)));
    simulated(&mut out, period.simulated.as_deref());
    items(&mut out, &sheets::about(period));
    out.put("\n");
    titled(&mut out, "How they came out", &sheets::standings(&period.counts));
    titled(&mut out, "Needs a person", &sheets::cases(&period.waits));
    titled(&mut out, "Held", &sheets::cases(&period.held));
    titled(&mut out, "Effectiveness", &sheets::effectiveness(&period.effectiveness));
    titled(&mut out, "Remediations", &sheets::remediations(period));
    section(&mut out, "Audit");
    let (seq, hash) = (period.head_event, escape(&period.head_hash));
    out.put(&format!("- **Head of the log**: event {seq}, `{hash}`\n"));
    out.0
}
