//! The console without a terminal: what its gestures decide, and what its screens show.

mod desk;
mod fixture;
mod gestures;
mod pictures;
mod travel;
