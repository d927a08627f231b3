//! `update_network_policy`: lets one more kind of traffic through.
//!
//! Only ever adds a rule. On a NetworkPolicy the rule joins it; on a workload or a pod a policy of its own is created,
//! but only where some policy cuts that direction off already: a first policy would cut off everything else.

use super::parameter::{
    ActionParameter,
    ActionParameterKind::{Choice, Labels, Text, Whole},
};
use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::workload::live;
use crate::domain::diagnose::fields::{items, name, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::diagnose::subject::labels;
use crate::domain::digest::canonical_sha256;
use crate::domain::evidence::Progress;
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::resource::{FieldPath, ObjectKey};
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::{Map, Value, json};

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Network,
    risk: Risk::High,
    mutates: true,
    undoable: true,
    timeout_s: 60,
    describe: "Adds one rule that lets traffic through, to a NetworkPolicy or as a policy of its own.",
    undone_by: "the rules from before, or the policy that was made deleted",
    needs: "a network plugin that enforces policies; without one it changes nothing about traffic",
    parameters: &[
        ActionParameter::required(
            "direction",
            Choice(&["ingress", "egress"]),
            "whether the pods are to be reached, or to reach others",
        ),
        ActionParameter::optional("pods", Labels, "labels of the pods at the other end"),
        ActionParameter::optional(
            "namespaces",
            Labels,
            "labels of the namespaces at the other end; without them its own",
        ),
        ActionParameter::optional("cidr", Text, "addresses at the other end: 10.1.2.0/24"),
        ActionParameter::optional("port", Whole { least: 1, most: 65_535 }, "port; none: all"),
        ActionParameter::optional("protocol", Choice(&["TCP", "UDP", "SCTP"]), "TCP unless said"),
    ],
    compile,
};

/// One direction of a policy.
struct Way {
    field: &'static str,
    kind: &'static str,
    peers: &'static str,
}

fn way(request: &ActionRequest<'_>) -> Way {
    if request.text("direction") == Some("egress") {
        Way { field: "egress", kind: "Egress", peers: "to" }
    } else {
        Way { field: "ingress", kind: "Ingress", peers: "from" }
    }
}

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = request.target;
    let rule = rule(request)?;
    let Some(object) = live(target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    if target.key.kind == "NetworkPolicy" {
        return join(request, object, rule).map(Progress::Ready);
    }
    let labels_at: &[&str] = if target.key.kind == "Pod" {
        &["metadata", "labels"]
    } else {
        &["spec", "template", "metadata", "labels"]
    };
    let Some(own) = value(object, labels_at).cloned() else {
        return Err(ActionError(format!(
            "{} has no pods that a policy could select",
            target.key.path()
        )));
    };
    create(request, &own, &rule, reader)
}

/// The rule. It always names the other end: a rule without one would let everything through.
fn rule(request: &ActionRequest<'_>) -> Result<Value, ActionError> {
    let selector = |name: &str| request.param(name).map(|labels| json!({"matchLabels": labels}));
    let mut peer = Map::new();
    if let Some(cidr) = request.text("cidr") {
        if !is_cidr(cidr) {
            return Err(ActionError(format!(
                "`cidr`: {cidr} is no range of addresses: 10.1.2.0/24"
            )));
        }
        if request.param("pods").or(request.param("namespaces")).is_some() {
            let why = "`cidr` stands alone: a peer is addresses, or pods and namespaces";
            return Err(ActionError(why.into()));
        }
        peer.insert("ipBlock".into(), json!({ "cidr": cidr }));
    }
    peer.extend(selector("pods").map(|value| ("podSelector".into(), value)));
    peer.extend(selector("namespaces").map(|value| ("namespaceSelector".into(), value)));
    if peer.is_empty() {
        let why = "who is at the other end has to be said: `pods`, `namespaces` or `cidr`";
        return Err(ActionError(why.into()));
    }
    let mut rule = Map::from_iter([(way(request).peers.to_string(), json!([peer]))]);
    let protocol = request.text("protocol");
    if let Some(port) = request.whole("port") {
        let port = json!([{"port": port, "protocol": protocol.unwrap_or("TCP")}]);
        rule.insert("ports".into(), port);
    } else if protocol.is_some() {
        return Err(ActionError("`protocol` without `port` says nothing".into()));
    }
    Ok(Value::Object(rule))
}

/// Whether it reads as addresses with a length; never all addresses. The server checks it in full.
fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let four = address.split('.').map(str::parse::<u8>).collect::<Vec<_>>();
    let six = address.contains(':') && address.chars().all(|c| c.is_ascii_hexdigit() || c == ':');
    let most = match (four.len() == 4 && four.iter().all(Result::is_ok), six) {
        (true, _) => 32,
        (false, true) => 128,
        (false, false) => return false,
    };
    length.parse::<u8>().is_ok_and(|length| (1..=most).contains(&length))
}

fn join(request: &ActionRequest<'_>, policy: &Value, rule: Value) -> Result<Compiled, ActionError> {
    let target = request.target;
    let path = target.key.path();
    let way = way(request);
    let governs = governs(policy, way.kind);
    if !governs {
        return Err(ActionError(format!(
            "{path} says nothing about {}: a rule there would cut off everything else",
            way.field
        )));
    }
    let before = items(policy, &["spec", way.field]);
    if before.contains(&rule) {
        return Err(ActionError(format!("{path} has this rule already")));
    }
    let after = [before, &[rule]].concat();
    let at = FieldPath::keys(&["spec", way.field]);
    let change = FieldChange::of(policy, at, Some(Value::Array(after)));
    let mut compiled = Compiled::new(
        format!("{} lets one more {} through", target.key.name, way.field),
        vec![Operation::patch(target.clone(), vec![change], Vec::new())],
        format!("rules of {} as they were", target.key.name),
    );
    compiled.notes.push("policies add up: others may allow more, none takes this away".into());
    Ok(compiled)
}

/// Whether a policy governs that direction: by its types, or, without any, by what it has rules for.
fn governs(policy: &Value, kind: &str) -> bool {
    let types = items(policy, &["spec", "policyTypes"]);
    if types.is_empty() {
        return kind == "Ingress" || !items(policy, &["spec", "egress"]).is_empty();
    }
    types.iter().any(|one| one.as_str() == Some(kind))
}

fn create(
    request: &ActionRequest<'_>,
    own: &Value,
    rule: &Value,
    mut reader: Reader<'_>,
) -> Result<Progress<Compiled>, ActionError> {
    let target = request.target;
    let way = way(request);
    let namespace = target.key.namespace.as_str();
    let policies =
        reader.whole_list("policies", "networking.k8s.io/v1", "NetworkPolicy", namespace, "");
    let short = canonical_sha256(&json!([target.key, rule]))
        .map_err(|error| ActionError(format!("the rule has no digest: {error}")))?;
    let short = short.get(..8).unwrap_or_default().to_string();
    let key = ObjectKey::new(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        namespace,
        &format!("pilothouse-allow-{short}"),
    );
    let there = reader.look(&key);
    if reader.pending() {
        return Ok(Progress::Need(reader.needs()));
    }
    let policies = match policies {
        Got::Have(policies) => policies,
        Got::Unreadable(why) => return Err(ActionError(format!("network policies: {why}"))),
        Got::Gone | Got::Pending => &[],
    };
    match there {
        Got::Have(_) => return Err(ActionError(format!("{} is there already", key.path()))),
        Got::Gone | Got::Unreadable(_) | Got::Pending => {}
    }
    let pod = json!({"metadata": {"labels": own}});
    let cuts = policies.iter().find(|policy| {
        let wanted = value(policy, &["spec", "podSelector"]).unwrap_or(&Value::Null);
        governs(policy, way.kind) && labels::matches(wanted, &pod)
    });
    let Some(cuts) = cuts else {
        return Err(ActionError(format!(
            "no policy cuts off {} of {}: a policy for it would cut off everything else",
            way.field,
            target.key.path()
        )));
    };
    let stable = stable_labels(own);
    let manifest = json!({
        "apiVersion": key.api_version, "kind": key.kind,
        "metadata": {"name": key.name, "namespace": key.namespace,
            "labels": {"app.kubernetes.io/managed-by": "pilothouse"}},
        "spec": {"podSelector": {"matchLabels": stable}, "policyTypes": [way.kind],
            way.field: [rule]},
    });
    let mut compiled = Compiled::new(
        format!("let one more {} of {} through", way.field, target.key.name),
        vec![Operation::Create { object: key.clone(), manifest }],
        format!("policy {} deleted", key.name),
    );
    compiled.notes.push(format!("policy {} cuts it off now", name(cuts)));
    Ok(Progress::Ready(compiled))
}

/// Labels without those that change with each revision.
fn stable_labels(own: &Value) -> Value {
    let mut own = own.clone();
    if let Some(members) = own.as_object_mut() {
        for one in ["pod-template-hash", "controller-revision-hash", "pod-template-generation"] {
            members.remove(one);
        }
    }
    own
}
