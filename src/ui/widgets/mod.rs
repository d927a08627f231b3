//! Small things that screens are made of.

pub mod pen;
pub mod rich;
