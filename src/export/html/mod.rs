//! HTML in one file, for browsers, printers and archives.
//!
//! Promises: no script, no link, nothing that is fetched (a content security policy in the page says so too); text from
//! outside is only ever text, by construction: [`page`] takes markup as literals and escapes everything else.
//! Charts are SVG in the page, each with its figures in words or in a table beside it.

mod before_after;
mod chart;
mod course;
mod handover;
mod page;
mod period;
mod remediation;

pub use handover::handover;
pub use period::period;
pub use remediation::report;
