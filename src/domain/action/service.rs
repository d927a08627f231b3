//! `repair_service`: the selector of a Service, or the port that it sends to.

use super::parameter::{
    ActionParameter,
    ActionParameterKind::{Labels, Text},
};
use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::workload::live;
use crate::domain::diagnose::container::Pod;
use crate::domain::diagnose::fields::{items, name, terminating, text, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::evidence::Progress;
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::resource::FieldPath;
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::{Map, Value, json};

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Network,
    risk: Risk::Medium,
    mutates: true,
    undoable: true,
    timeout_s: 60,
    describe: "Sets the selector or one target port of a Service, where pods that fit are there.",
    undone_by: "selector and ports from before, while they still are the ones set",
    needs: "",
    parameters: &[
        ActionParameter::optional("selector", Labels, "the new selector, whole"),
        ActionParameter::optional(
            "port",
            Text,
            "name or number of the Service's port; may be left out where it has one",
        ),
        ActionParameter::optional(
            "target_port",
            Text,
            "name or number of the container port that it sends to",
        ),
    ],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = request.target;
    let path = target.key.path();
    if target.key.kind != "Service" {
        return Err(ActionError(format!("{path} is no Service")));
    }
    let object = live(target, &mut reader)?;
    let pods = reader.whole_list("pods", "v1", "Pod", &target.key.namespace, "");
    let (Some(object), false) = (object, reader.pending()) else {
        return Ok(Progress::Need(reader.needs()));
    };
    let before = value(object, &["spec", "selector"]);
    if text(object, &["spec", "type"]) == "ExternalName" || before.is_none() {
        return Err(ActionError(format!(
            "{path} selects no pods by itself: its endpoints are somebody else's"
        )));
    }
    let selector = request.param("selector").or(before).cloned().unwrap_or_default();
    let mut changes = Vec::new();
    let mut words = Vec::new();
    if Some(&selector) != before {
        let at = FieldPath::keys(&["spec", "selector"]);
        changes.push(FieldChange::of(object, at, Some(selector.clone())));
        words.push(format!("select {}", shown(&selector)));
    }
    let mut wanted = None;
    if let Some(port) = request.text("target_port") {
        let (change, port_words) = ports(request, object, port)?;
        wanted = Some(port.to_string());
        changes.extend(change);
        words.push(port_words);
    }
    if changes.is_empty() {
        return Err(ActionError(format!("{path} has this selector and these ports already")));
    }
    let mut compiled = Compiled::new(
        format!("{}: {}", target.key.name, words.join(", ")),
        vec![Operation::patch(target.clone(), changes, Vec::new())],
        format!("selector and ports of {} as they were", target.key.name),
    );
    match pods {
        Got::Have(pods) => fit(pods, &selector, wanted.as_deref(), &path, &mut compiled)?,
        Got::Unreadable(why) => compiled.unknown.push(format!("pods that it would select: {why}")),
        Got::Gone | Got::Pending => {}
    }
    Ok(Progress::Ready(compiled))
}

/// The ports with one target port changed. Ports may be without names, so the list changes as a whole.
fn ports(
    request: &ActionRequest<'_>,
    object: &Value,
    wanted: &str,
) -> Result<(Option<FieldChange>, String), ActionError> {
    let all = items(object, &["spec", "ports"]);
    let which = request.text("port");
    let fits = |port: &&Value| {
        which.is_none_or(|which| {
            text(port, &["name"]) == which || is_number(value(port, &["port"]), which)
        })
    };
    let found = all.iter().filter(fits).count();
    if found != 1 {
        let names = all.iter().map(|port| {
            let number = value(port, &["port"]).map(Value::to_string).unwrap_or_default();
            format!("{} {number}", text(port, &["name"])).trim().to_string()
        });
        let names = names.collect::<Vec<_>>().join(", ");
        return Err(ActionError(format!("`port` has to name one of its ports: {names}")));
    }
    let to = wanted.parse::<u16>().map_or_else(|_| json!(wanted), |number| json!(number));
    let after = all.iter().map(|port| {
        let mut port = port.clone();
        if fits(&&port)
            && let Some(members) = port.as_object_mut()
        {
            members.insert("targetPort".into(), to.clone());
        }
        port
    });
    let after = Value::Array(after.collect());
    let change = FieldChange::of(object, FieldPath::keys(&["spec", "ports"]), Some(after));
    let change = (change.before != change.after).then_some(change);
    Ok((change, format!("send to port {wanted}")))
}

/// Refuses a selector that no pod fits, or a port that none of them has.
fn fit(
    pods: &[Value],
    selector: &Value,
    port: Option<&str>,
    path: &str,
    compiled: &mut Compiled,
) -> Result<(), ActionError> {
    let empty = Map::new();
    let wanted = selector.as_object().unwrap_or(&empty);
    let selected = pods
        .iter()
        .filter(|pod| !terminating(pod))
        .filter(|pod| {
            wanted.iter().all(|(key, wanted)| {
                value(pod, &["metadata", "labels", key.as_str()]) == Some(wanted)
            })
        })
        .collect::<Vec<_>>();
    if selected.is_empty() {
        return Err(ActionError(format!(
            "no pod carries {}: {path} would have no endpoints",
            shown(selector)
        )));
    }
    if let Some(port) = port {
        let declared = selected.iter().filter(|pod| declares(pod, port)).count();
        if declared == 0 && port.parse::<u16>().is_err() {
            return Err(ActionError(format!(
                "no container of the pods that it selects has a port named {port}"
            )));
        }
        if declared == 0 {
            compiled.notes.push(format!(
                "no container declares port {port}: whether one listens there is not known"
            ));
        }
    }
    let ready = selected.iter().filter(|pod| Pod::of(pod).ready()).count();
    let names = selected.iter().take(3).map(|pod| name(pod)).collect::<Vec<_>>().join(", ");
    let count = selected.len();
    compiled.notes.push(format!("it selects {count} pods then, {ready} ready: {names}"));
    Ok(())
}

fn declares(pod: &Value, wanted: &str) -> bool {
    items(pod, &["spec", "containers"]).iter().flat_map(|one| items(one, &["ports"])).any(|port| {
        text(port, &["name"]) == wanted || is_number(value(port, &["containerPort"]), wanted)
    })
}

/// Whether a port's number is the one that was written.
fn is_number(port: Option<&Value>, written: &str) -> bool {
    let number = port.and_then(Value::as_u64);
    number.is_some() && number == written.parse().ok()
}

/// `app=web,tier=a`.
fn shown(selector: &Value) -> String {
    let pairs = selector.as_object().into_iter().flatten();
    let pairs = pairs.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
    pairs.collect::<Vec<_>>().join(",")
}
