//! Markdown for tickets and wikis. All text from outside is escaped: it can't end a table row, open a link, start HTML
//! or close a code span.

mod handover;
mod page;
mod period;
mod remediation;

pub use handover::handover;
pub use page::escape;
pub use period::period;
pub use remediation::report;
