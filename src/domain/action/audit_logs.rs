//! `audit_logs`: the logs of every container of the target, kept as far as they go, with a count of the lines that speak
//! of errors or of refused access. Which pods there are is looked up when it runs: steps before it may have replaced them.

use super::parameter::{ActionParameter, ActionParameterKind::Whole};
use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::workload::{pod_labels, seen};
use crate::domain::diagnose::container::Pod;
use crate::domain::diagnose::reader::Reader;
use crate::domain::evidence::{Progress, Read};
use crate::domain::operation::Operation;
use crate::domain::workflow::plan::{ActionClass, Risk};

/// Lines of each log when nobody says.
const LINES: i64 = 2_000;

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Collect,
    risk: Risk::Low,
    mutates: false,
    undoable: false,
    timeout_s: 120,
    describe: "Keeps the logs of all containers of a workload, pod, Service or Job, and counts errors and refused access in them.",
    undone_by: "nothing to undo",
    needs: "",
    parameters: &[ActionParameter::optional(
        "lines",
        Whole { least: 1, most: 10_000 },
        "lines from the end of each log (2000; 64 KiB of each at most)",
    )],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = &request.target.key;
    let Some(object) = seen(request.target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    let lines = request.whole("lines").unwrap_or(LINES);
    let logs = u32::try_from(lines).unwrap_or(u32::MAX);
    let reads = if target.kind == "Pod" {
        let of = |container: &str, previous| Read::Logs {
            namespace: target.namespace.clone(),
            pod: target.name.clone(),
            container: container.to_string(),
            previous,
            tail_lines: logs,
        };
        let pod = Pod::of(object);
        let again = pod.containers.iter().filter(|one| one.restarts > 0);
        let again = again.map(|one| of(one.name, true));
        pod.containers.iter().map(|one| of(one.name, false)).chain(again).collect()
    } else {
        let labels = pod_labels(object).ok_or_else(|| {
            ActionError(format!("{} selects no pods whose logs could be kept", target.path()))
        })?;
        vec![Read::List {
            api_version: "v1".into(),
            kind: "Pod".into(),
            namespace: target.namespace.clone(),
            labels,
        }]
    };
    let title = format!("keep the logs of {}", target.name);
    let operation = Operation::Collect { reads, logs };
    Ok(Progress::Ready(Compiled::new(title, vec![operation], "nothing to undo".into())))
}
