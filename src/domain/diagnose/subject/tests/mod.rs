//! Subjects in small worlds of objects: what must be recognised, and the misleading twins of it.

mod keepers;
mod nodes;
mod places;
mod world;
