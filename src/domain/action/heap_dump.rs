//! `heap_dump`: what a running program holds in memory, written by the program's own means, fetched and kept with the
//! remediation.
//!
//! Promises: argument vectors of ours with a number, a port or a directory in them; the file in the container goes once
//! it was fetched. Absent: freezing or killing the process, dumps without the program's help.

use super::parameter::{
    ActionParameter,
    ActionParameterKind::{Choice, Text, Whole},
};
use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::workload::{live, own_pods};
use crate::domain::diagnose::container::{Doing, Pod};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::evidence::Progress;
use crate::domain::operation::{Command, Keeps, Operation};
use crate::domain::resource::ObjectRef;
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::Value;

/// Seconds that a dump, and fetching it, may take.
const DUMP_S: u64 = 600;

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Secrets,
    risk: Risk::Medium,
    mutates: true,
    undoable: false,
    timeout_s: 660,
    describe: "Takes a heap dump of a running JVM or Go program and keeps it with the remediation.",
    undone_by: "can't be undone: the program stood still meanwhile; the file in its container is deleted",
    needs: "jcmd in the container (jvm), or wget there and net/http/pprof in the program (go)",
    parameters: &[
        ActionParameter::required("of", Choice(&["jvm", "go"]), "what runs there"),
        ActionParameter::optional("pod", Text, "which pod of a workload; the fullest by default"),
        ActionParameter::optional("container", Text, "which container, where there are several"),
        ActionParameter::optional("process", Whole { least: 1, most: 4_194_304 }, "process id (1)"),
        ActionParameter::optional("port", Whole { least: 1, most: 65_535 }, "pprof's port (6060)"),
        ActionParameter::optional("directory", Text, "where it is written meanwhile (/tmp)"),
    ],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = request.target;
    let Some(object) = live(target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    let pods = if target.key.kind == "Pod" {
        vec![object]
    } else {
        match own_pods(target, object, &mut reader)? {
            Some(pods) => pods,
            None => return Ok(Progress::Need(reader.needs())),
        }
    };
    let pod = chosen(request, &pods)?;
    let reference = ObjectRef::of(pod).ok_or_else(|| ActionError("the pod has no uid".into()))?;
    if matches!(reader.look(&reference.key), Got::Pending) {
        return Ok(Progress::Need(reader.needs()));
    }
    let container = container(request, pod)?;
    let run = |argv: Vec<String>, keeps| {
        Operation::Exec(Command {
            pod: reference.clone(),
            container: container.clone(),
            argv,
            succeeds_on: Vec::new(),
            timeout_s: DUMP_S,
            keeps,
        })
    };
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut notes = vec![
        "a heap dump holds whatever the program held, passwords too: whoever may read the store may read it".into(),
    ];
    let operations = if request.text("of") == Some("go") {
        let port = request.whole("port").unwrap_or(6_060);
        let url = format!("http://127.0.0.1:{port}/debug/pprof/heap");
        vec![run(words(&["wget", "-q", "-O", "-", &url]), Keeps::Bytes)]
    } else {
        let file = file(request, &reference)?;
        let process = request.whole("process").unwrap_or(1).to_string();
        notes.push(format!("the program stands still until {file} is written"));
        notes.push(format!("at most 64 MiB (compressed) are fetched; else {file} stays there"));
        vec![
            run(words(&["jcmd", &process, "GC.heap_dump", "-gz=1", &file]), Keeps::Text),
            run(words(&["cat", &file]), Keeps::Bytes),
            run(words(&["rm", "-f", &file]), Keeps::Text),
        ]
    };
    let name = &reference.key.name;
    let mut ready = Compiled::new(
        format!("heap dump of {container} in {name}"),
        operations,
        "a heap dump can't be undone, and changes nothing that lasts".into(),
    );
    ready.notes = notes;
    Ok(Progress::Ready(ready))
}

/// The pod that was named, else the one that the diagnosis names, else the one that restarted most.
fn chosen<'a>(request: &ActionRequest<'_>, pods: &[&'a Value]) -> Result<&'a Value, ActionError> {
    let path = request.target.key.path();
    let mut running = pods.iter().copied().map(Pod::of).collect::<Vec<_>>();
    running
        .retain(|pod| pod.containers.iter().any(|one| matches!(one.doing, Doing::Running { .. })));
    running.sort_by_key(|pod| (std::cmp::Reverse(pod.restarts()), pod.name().to_string()));
    let named = request.text("pod");
    let diagnosed = request.diagnosis.values.get("pod").and_then(Value::as_str);
    let of = |name: &str| running.iter().find(|pod| pod.name() == name).map(|pod| pod.object);
    if let Some(name) = named {
        return of(name).ok_or_else(|| ActionError(format!("{path} has no running pod {name}")));
    }
    diagnosed
        .and_then(of)
        .or_else(|| running.first().map(|pod| pod.object))
        .ok_or_else(|| ActionError(format!("{path} has no running pod")))
}

/// The container that was named, else the diagnosed one, else the only one.
fn container(request: &ActionRequest<'_>, pod: &Value) -> Result<String, ActionError> {
    let pod = Pod::of(pod);
    let running = |one: &&str| {
        pod.containers
            .iter()
            .any(|found| found.name == *one && matches!(found.doing, Doing::Running { .. }))
    };
    let wanted = request.text("container").or(request.diagnosis.container.as_deref());
    let only = match pod.containers.as_slice() {
        [one] => Some(one.name),
        [] | [..] => None,
    };
    match wanted.or(only) {
        Some(name) if running(&name) => Ok(name.to_string()),
        Some(name) => Err(ActionError(format!("container {name} of {} does not run", pod.name()))),
        None => Err(ActionError(format!("{} has several containers: name one", pod.name()))),
    }
}

/// Where it is written meanwhile.
fn file(request: &ActionRequest<'_>, pod: &ObjectRef) -> Result<String, ActionError> {
    let directory = request.text("directory").unwrap_or("/tmp");
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !directory.starts_with('/') || !directory.chars().all(plain) || directory.contains("..") {
        return Err(ActionError(format!("`directory`: {directory} is no plain absolute path")));
    }
    let short = pod.uid.get(..8).unwrap_or(&pod.uid);
    Ok(format!("{}/pilothouse-{short}.hprof.gz", directory.trim_end_matches('/')))
}
