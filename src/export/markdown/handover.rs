//! A handover as a page.

use super::page::{Page, escape, items, simulated, titled};
use crate::domain::report::handover::Handover;
use crate::export::sheets;

/// The whole of it.
#[must_use]
pub fn handover(handover: &Handover) -> String {
    let mut out = Page::default();
    let until = sheets::day(handover.until, true);
    out.put(&format!("# Handover of {}\n\n", escape(&format!("{}, {until}", handover.cluster))));
    simulated(&mut out, handover.simulated.as_deref());
    items(&mut out, &sheets::covers(handover));
    out.put("\n");
    for (title, lines) in sheets::lists(handover) {
        let title = format!("{title} ({})", lines.len());
        titled(&mut out, &title, &sheets::cases(lines));
    }
    titled(&mut out, "What people did", &sheets::people(handover));
    out.0
}
