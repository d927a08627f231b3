//! A NetworkPolicy that keeps traffic away: as the culprit of a Service, and looked at by itself.
//!
//! Values: `policy`, `policies` (names of all that select the pods), `policy_age_seconds`, `enforced_by`.

use super::policies::{Verdict, enforcer, ingress_policies, verdict};
use crate::domain::diagnose::container::Pod;
use crate::domain::diagnose::fields::{items, moment, name, terminating, text, value};
use crate::domain::diagnose::keepers::last_writer;
use crate::domain::diagnose::reader::Reader;
use crate::domain::diagnose::subject::case::Case;
use crate::domain::diagnose::subject::findings::{Examined, Findings, ago, quoted};
use crate::domain::diagnose::workload::some_names;
use crate::domain::diagnosis::{Cause, Pattern};
use crate::domain::resource::ObjectRef;
use crate::domain::time::seconds_between;
use serde_json::Value;

/// A policy made this shortly before now may be why an alert fires.
const RECENT_S: i64 = 3_600;
/// One that stood this long was there when all was well.
const OLD_S: i64 = 86_400;
/// Annotations in which people say why.
const REASONS: [&str; 4] = ["reason", "description", "purpose", "owner"];
const DENIES: [&str; 4] =
    ["policy-denies-all", "policy-denies-port", "policy-lets-nobody", "policy-lets-in"];

/// Notes what policies leave of the traffic to pods. `None` while reads are due.
pub(super) fn note<'a>(
    case: &Case<'a>,
    selecting: &[&'a Value],
    ports: &[(i64, String)],
    pods: &[Pod<'a>],
    findings: &mut Findings,
    reader: &mut Reader<'a>,
) -> Option<()> {
    let names = selecting.iter().map(|policy| name(policy)).collect::<Vec<_>>();
    let (id, words) = match verdict(selecting, ports, pods) {
        Verdict::Open => return Some(()),
        Verdict::DeniesAll => ("policy-denies-all", "lets nothing in at all".to_string()),
        Verdict::NotOnPort(port) => {
            ("policy-denies-port", format!("lets nothing in on port {port}"))
        }
        Verdict::FromNobody => {
            ("policy-lets-nobody", "lets in only pods that don't exist".to_string())
        }
        Verdict::Some(from) => ("policy-lets-in", format!("lets in only {from}")),
    };
    let sets = reader.list("missing-network-plugins", "apps/v1", "DaemonSet", "", "");
    if reader.pending() {
        return None;
    }
    let newest = selecting.iter().copied().max_by_key(|policy| written(policy))?;
    let path = format!("{}/NetworkPolicy/{}", case.namespace(), name(newest));
    let text = format!("NetworkPolicy {} {words}", some_names(&names));
    findings.add(id, text, format!("{path}: spec"));
    findings.put("policy", name(newest));
    findings.put("policies", names);
    age(case, newest, &path, findings);
    if let Some(sets) = sets.have() {
        if let Some(plug_in) = enforcer(sets) {
            let words = format!("{plug_in} enforces policies here");
            findings.add("policies-enforced", words, format!("DaemonSet {plug_in}"));
            findings.put("enforced_by", plug_in);
        } else {
            let words = "no network plug-in that is known to enforce policies runs here";
            let source = "DaemonSets of all namespaces".to_string();
            findings.add("policies-not-enforced", words.into(), source);
        }
    }
    Some(())
}

/// When its spec was written last.
fn written(policy: &Value) -> Option<crate::domain::time::Timestamp> {
    last_writer(policy)
        .and_then(|writer| writer.at)
        .or_else(|| moment(policy, &["metadata", "creationTimestamp"]))
}

fn age(case: &Case<'_>, policy: &Value, path: &str, findings: &mut Findings) {
    let by =
        last_writer(policy).map_or_else(String::new, |writer| format!(" by {}", writer.manager));
    if let Some(at) = written(policy) {
        let seconds = seconds_between(at, case.now);
        findings.put("policy_age_seconds", seconds.max(0));
        let words = format!("it was written {}{by}", ago(Some(at), case.now));
        let id = match seconds {
            _ if seconds <= RECENT_S => "policy-recent",
            _ if seconds >= OLD_S => "policy-old",
            _ => "policy-age",
        };
        findings.add_at(id, words, format!("{path}: metadata"), Some(at));
    }
    let said = value(policy, &["metadata", "annotations"]).and_then(Value::as_object);
    let said = said.into_iter().flatten().find(|(key, _)| {
        let last = key.rsplit('/').next().unwrap_or_default();
        REASONS.contains(&last)
    });
    if let Some((key, reason)) = said {
        let words = format!("it says why: {}", quoted(reason.as_str().unwrap_or_default(), 160));
        findings.add("policy-explained", words, format!("{path}: metadata.annotations[{key}]"));
    }
    findings.put("policy_uid", text(policy, &["metadata", "uid"]));
}

/// Weighs whether a policy is to blame. The culprit is the policy that was written last.
pub(super) fn judge(findings: &mut Findings) {
    if !findings.any(&DENIES) {
        return;
    }
    let mut weighed = findings
        .weigh(Pattern::NetworkIssue, Cause::PolicyDenies)
        .first_for(&[
            ("policy-denies-all", 0.6),
            ("policy-denies-port", 0.6),
            ("policy-lets-nobody", 0.6),
            ("policy-lets-in", 0.25),
        ])
        .speaks_for("policy-recent", 0.2)
        .speaks_for("some-ready", 0.1)
        .speaks_for("policies-enforced", 0.1)
        .speaks_against("policies-not-enforced", 0.1)
        .speaks_against("policy-old", 0.35)
        .speaks_against("policy-explained", 0.15)
        .relies_on(&["missing-network-plugins", "missing-policies"])
        .done();
    let policy = findings.values.get("policy").and_then(Value::as_str).map(String::from);
    let uid = findings.values.remove("policy_uid");
    let uid = uid.as_ref().and_then(Value::as_str).map(String::from);
    let namespace = findings.namespace.clone();
    weighed.culprit = policy.zip(uid).map(|(policy, uid)| ObjectRef {
        key: crate::domain::resource::ObjectKey::new(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            &namespace,
            &policy,
        ),
        uid,
    });
    let say = format!(
        "traffic is kept away: {}; {}",
        findings.quote(&DENIES),
        findings.quote(&["policies-not-enforced", "policy-recent", "policy-old", "policy-age"])
    );
    findings.judge(weighed, say);
}

/// The examiner of a policy that an alert names.
pub(in crate::domain::diagnose::subject) fn examine<'a>(
    case: &Case<'a>,
    reader: &mut Reader<'a>,
) -> Examined {
    let policies = reader.list(
        "missing-policies",
        "networking.k8s.io/v1",
        "NetworkPolicy",
        case.namespace(),
        "",
    );
    let pods = reader.list("missing-pods", "v1", "Pod", case.namespace(), "");
    if reader.pending() {
        return Examined::Pending;
    }
    let mut findings = Findings::new(case, Pattern::NetworkIssue);
    let alive = |pod: &&Value| {
        !terminating(pod) && !matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed")
    };
    let pods =
        pods.have().unwrap_or_default().iter().filter(alive).map(Pod::of).collect::<Vec<_>>();
    let own = std::slice::from_ref(case.object);
    let under = pods.iter().filter(|pod| !ingress_policies(own, pod.object).is_empty());
    let under = under.collect::<Vec<_>>();
    let names = under.iter().map(|pod| pod.name()).collect::<Vec<_>>();
    let words = match names.as_slice() {
        [] => "it selects no pod for incoming traffic".to_string(),
        names => format!("it selects {}", some_names(names)),
    };
    findings.add("policy-selects", words, format!("{}: spec.podSelector", case.path()));
    findings.put("selected_pods", names);
    if let Some(pod) = under.first() {
        let all = policies.have().unwrap_or_default();
        let selecting = ingress_policies(all, pod.object);
        let ports = declared(pod.object);
        if note(case, &selecting, &ports, &pods, &mut findings, reader).is_none() {
            return Examined::Pending;
        }
        findings.put("policy", case.name());
        findings.put("policy_uid", case.reference.uid.clone());
    }
    let mut findings = findings.sealed(reader);
    judge(&mut findings);
    findings.otherwise = findings.quote(&["policy-selects"]);
    findings.done()
}

fn declared(pod: &Value) -> Vec<(i64, String)> {
    let ports = items(pod, &["spec", "containers"]).iter().flat_map(|one| items(one, &["ports"]));
    let number = |port: &Value| value(port, &["containerPort"])?.as_i64();
    ports.filter_map(|port| Some((number(port)?, text(port, &["name"]).to_string()))).collect()
}
