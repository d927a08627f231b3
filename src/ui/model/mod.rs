//! What the console knows. Changed by `update` only; read by the screens.

pub mod card;
pub mod field;
pub mod figures;
pub mod gate;
pub mod list;
pub mod overlay;
pub mod place;
pub mod state;
pub mod timeline;
pub mod tree;

pub use state::{Model, Setup};
