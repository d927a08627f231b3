//! A node: what its kubelet says, or that it says nothing; pressure and who causes it; a cordon and whether it is meant;
//! where its pods could go.

mod cordon;
mod examine;
mod guests;
mod pressure;
mod state;
mod weigh;

pub(super) use examine::examine;
