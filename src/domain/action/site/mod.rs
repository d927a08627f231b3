//! Actions that only a site can describe: its databases, its backups, its mesh. Each is one word of the catalogue; what
//! it does stands in a definition file (see `workflow::template::definition`), which becomes a template whose first step
//! is this action.
//!
//! Promises: argument vectors as they stand, each parameter within one argument, never a shell of ours; images from the
//! list that the site allows; what can't be previewed says so. A parameter never becomes a reference to a variable.
//! Absent: a default for any site. Without a definition there is nothing to do, and that is said.
//!
//! Reading order: `specs`, `given`, then `program` and `object`.

mod given;
mod object;
mod program;
mod specs;

pub(super) use specs::{
    BACK_UP_DATA, CLEAN_UP_STORAGE, COMPACT_STORAGE, FAIL_OVER_DATABASE, REPAIR_DATABASE,
    RESET_SERVICE_MESH, compile,
};
