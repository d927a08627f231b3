//! Screens: pure pictures of the model.

mod breakers;
pub mod calm;
pub mod card;
pub mod chrome;
pub mod figures;
pub mod help;
pub mod layout;
pub mod list;
pub mod log;
pub mod peek;
pub mod step;
pub mod strip;
pub mod tree;
pub mod view;
pub mod void;
