//! Ports made real: one outside system each.
