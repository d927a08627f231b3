//! `suspend_sync`: Argo CD or Flux leaves the target alone until the case ends, however it ends.
//!
//! Plans get this step by themselves where a change would be put back and the setting says *suspend*; a template may
//! also ask for it.

use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::workload::live;
use crate::domain::diagnose::reader::Reader;
use crate::domain::evidence::Progress;
use crate::domain::managed::{keepers, stance};
use crate::domain::workflow::plan::{ActionClass, Risk};

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Restart,
    risk: Risk::Medium,
    mutates: true,
    undoable: true,
    timeout_s: 60,
    describe: "Suspends the Argo CD application or Flux object that keeps the target.",
    undone_by: "resumed by itself when the case ends, in whatever way",
    needs: "Argo CD or Flux; without a keeper that puts changes back there is nothing to suspend",
    parameters: &[],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let Some(object) = live(request.target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    let mut operations = Vec::new();
    let mut names = Vec::new();
    let mut notes = Vec::new();
    let mut blockers = Vec::new();
    for keeper in keepers(object) {
        let manager = keeper.manager();
        let name = format!("{} {}", manager.kind, manager.name);
        let Some(found) = stance(&keeper, object, request.target, None, &mut reader) else {
            return Ok(Progress::Need(reader.needs()));
        };
        match found.suspend {
            Some(operation) => {
                operations.push(operation);
                names.push(name);
            }
            None if found.reverts => {
                blockers.push(format!("{name} can't be suspended: {}", found.why));
            }
            None => notes.push(format!("{name} needs no suspending: {}", found.why)),
        }
    }
    let path = request.target.key.path();
    if operations.is_empty() && blockers.is_empty() {
        return Err(ActionError(format!("nothing that could be suspended keeps {path}")));
    }
    Ok(Progress::Ready(Compiled {
        operations,
        title: format!("suspend {} until the case ends", names.join(" and ")),
        undo: format!("{} is resumed when the case ends, in whatever way", names.join(" and ")),
        notes,
        unknown: Vec::new(),
        blockers,
        shows_after_s: 0,
    }))
}
