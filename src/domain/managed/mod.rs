//! Objects that somebody else keeps as they are: Argo CD, Flux, Helm, an operator.
//!
//! Promises: who keeps an object is told by what is on it, never by its name; what can't be found out about a keeper
//! counts as *puts it back*. Whether a keeper puts a change back is asked of the fields that it owns and of its own
//! settings: a paused one does not. What may be done about it is data here: how it is suspended, and where the source is.
//! Absent: anything that talks to a keeper or to a repository.
//!
//! Reading order: `keeper`, `owned`, `source`, `stance`, `argo`, `flux`.

mod argo;
mod flux;
mod keeper;
mod owned;
mod source;
mod stance;

pub(crate) use keeper::{Keeper, keepers};
pub(crate) use source::patch_text;
pub(crate) use stance::{Stance, stance};

#[cfg(test)]
mod tests;
