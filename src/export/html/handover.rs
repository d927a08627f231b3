//! A handover as a page.

use super::page::Page;
use crate::domain::report::handover::Handover;
use crate::export::sheets;

/// The whole of it.
#[must_use]
pub fn handover(handover: &Handover) -> String {
    let until = sheets::day(handover.until, true);
    let mut page = Page::open(&format!("Handover of {}, {until}", handover.cluster));
    page.simulated(handover.simulated.as_deref());
    let class = if handover.stop.is_some() { "bad" } else { "open" };
    page.start("header", &[("class", class)]).raw("<p class=\"kind\">Handover</p>\n");
    page.element("h1", &[], &format!("{}, {until}", handover.cluster)).raw("\n");
    page.raw("<ul class=\"cards\">\n");
    for (title, lines) in sheets::lists(handover) {
        page.raw("<li>").element("span", &[], title);
        page.element("b", &[], &lines.len().to_string()).raw("</li>\n");
    }
    page.raw("</ul>\n");
    if let Some(stop) = &handover.stop {
        page.raw("<p class=\"needs\">Everything is stopped by ").text(&stop.by).raw(": ");
        page.text(&stop.reason).raw("</p>\n");
    }
    page.raw("</header>\n<section>\n<h2>What it covers</h2>\n");
    page.facts(&sheets::covers(handover)).raw("</section>\n");
    for (title, lines) in sheets::lists(handover) {
        page.titled(title, &sheets::cases(lines));
    }
    page.titled("What people did", &sheets::people(handover));
    page.raw("<footer><p>Times are UTC.</p></footer>\n");
    page.close()
}
