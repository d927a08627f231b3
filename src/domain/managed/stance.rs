//! What a keeper does about a change, and what can be done about the keeper.

use super::keeper::{Keeper, Who, keepers};
use super::source::Source;
use super::{argo, flux};
use crate::domain::diagnose::reader::Reader;
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::resource::ObjectRef;
use serde_json::Value;

/// Keepers of keepers that are looked at.
const DEPTH: usize = 3;

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stance {
    /// Whether it puts the change back by itself.
    pub(crate) reverts: bool,
    /// Why, or why not, in half a sentence: `self-heal is on`.
    pub(crate) why: String,
    /// What suspends it, where that lasts.
    pub(crate) suspend: Option<Operation>,
    /// Where the change belongs.
    pub(crate) source: Source,
}

/// One change of one object, as its keepers are asked about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) object: &'a Value,
    pub(super) target: &'a ObjectRef,
    /// Fields that change; `None`: the object goes as a whole.
    pub(super) changes: Option<&'a [FieldChange]>,
    depth: usize,
}

/// What the keeper does about these changes of the object (`None`: about its deletion). `None` while something has to be
/// read.
pub(crate) fn stance(
    keeper: &Keeper,
    object: &Value,
    target: &ObjectRef,
    changes: Option<&[FieldChange]>,
    reader: &mut Reader<'_>,
) -> Option<Stance> {
    at_depth(keeper, Asked { object, target, changes, depth: 0 }, reader)
}

fn at_depth(keeper: &Keeper, asked: Asked<'_>, reader: &mut Reader<'_>) -> Option<Stance> {
    match &keeper.who {
        Who::Argo { application, namespace } => {
            argo::stance(application, namespace.as_deref(), asked, reader)
        }
        Who::Kustomization(key) => flux::kustomization(key, asked, reader),
        Who::HelmRelease(key) => flux::helm_release(key, asked, reader),
        Who::Helm(release) => {
            let mut source = Source::default();
            source.add("values of Helm release", release);
            let why = "the next upgrade of the release puts its own values back".into();
            Some(Stance { reverts: false, why, suspend: None, source })
        }
        Who::Operator(owner) => {
            let mut source = Source::default();
            source.add("resource that the operator keeps it by", owner);
            let why = "its operator writes the object from that resource".into();
            Some(Stance { reverts: true, why, suspend: None, source })
        }
    }
}

/// The suspending operation, unless a keeper of the keeper would undo it: then nothing, and why. `None` while something
/// has to be read.
pub(super) fn lasting(
    operation: Operation,
    live: &Value,
    depth: usize,
    reader: &mut Reader<'_>,
) -> Option<(Option<Operation>, String)> {
    let Operation::Patch { object: target, changes, .. } = &operation else {
        return Some((None, String::new()));
    };
    if depth >= DEPTH {
        return Some((None, "its keepers nest too deep".into()));
    }
    for keeper in keepers(live) {
        let asked = Asked { object: live, target, changes: Some(changes), depth: depth + 1 };
        let found = at_depth(&keeper, asked, reader)?;
        if found.reverts {
            let manager = keeper.manager();
            let why = format!("{} {} would resume it", manager.kind, manager.name);
            return Some((None, why));
        }
    }
    Some((Some(operation), String::new()))
}

impl Asked<'_> {
    pub(super) fn depth(&self) -> usize {
        self.depth
    }
}

/// The same words with more after them.
pub(super) fn with(why: &str, more: &str) -> String {
    if more.is_empty() { why.to_string() } else { format!("{why}; {more}") }
}
