use super::*;
use crate::domain::action::fixtures::{
    answer, daemon_set, deployment, diagnosis, gathered, pod, replica_set, template,
};
use crate::domain::diagnosis::{Cause, Diagnosis, Pattern};
use crate::domain::evidence::{Answer, Gathered, Progress, Read};
use crate::domain::id::ClusterId;
use crate::domain::policy::Policy;
use crate::domain::workflow::plan::{Plan, Risk, StepKind};
use crate::domain::workflow::template::Library;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const LIMIT: i64 = 512 << 20;

fn high_memory() -> Diagnosis {
    let values = json!({"memory_limit_bytes": LIMIT, "peak_working_set_bytes": LIMIT});
    diagnosis(&deployment(), Pattern::HighMemory, Cause::LimitTooSmall, values)
}

fn cluster() -> Vec<Value> {
    vec![
        deployment(),
        replica_set(3, template("ledger:2.4.1", "512Mi")),
        pod("ledger-api-a", 3),
        pod("ledger-api-b", 3),
        node("node1", "4Gi"),
    ]
}

fn node(name: &str, memory: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "uid": name}, "spec": {},
        "status": {"allocatable": {"memory": memory, "cpu": "4"},
            "conditions": [{"type": "Ready", "status": "True"}]}})
}

/// What a plan is made with in these tests.
struct Setting {
    library: Library,
    template: &'static str,
    overrides: BTreeMap<String, Value>,
    policy: Policy,
    refused: Option<&'static str>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            library: Library::load(&[]),
            template: "high-memory",
            overrides: BTreeMap::new(),
            policy: Policy::default(),
            refused: None,
        }
    }
}

impl Setting {
    fn plan(&self, diagnosis: &Diagnosis, objects: &[Value]) -> Result<Plan, String> {
        let cluster = ClusterId::new("c");
        let request = PlanRequest {
            cluster: &cluster,
            diagnosis,
            library: &self.library,
            template: &self.library.templates[self.template],
            overrides: &self.overrides,
            policy: &self.policy,
            now: "2026-11-23T03:14:00Z".parse().unwrap(),
        };
        let mut gathered: Gathered = gathered(&[]);
        for _ in 0..8 {
            match compile(&request, &gathered).map_err(|error| error.to_string())? {
                Progress::Ready(plan) => return Ok(plan),
                Progress::Need(reads) => {
                    assert!(!reads.is_empty());
                    for read in reads {
                        assert!(gathered.get(&read).is_none(), "asked twice: {read:?}");
                        let refused = matches!(&read, Read::List { kind, .. } if Some(kind.as_str()) == self.refused);
                        let answer = if refused {
                            Answer::NotPermitted("forbidden".into())
                        } else {
                            answer(&read, objects)
                        };
                        gathered.answers.insert(read, answer);
                    }
                }
            }
        }
        panic!("not ready after 8 rounds")
    }
}

fn set(name: &str, value: Value) -> Setting {
    Setting { overrides: BTreeMap::from([(name.to_string(), value)]), ..Setting::default() }
}

#[test]
fn parameters_are_resolved_within_their_limits() {
    let limit = |setting: Setting| {
        setting.plan(&high_memory(), &cluster()).map(|plan| plan.params["memory_limit"].clone())
    };
    assert_eq!(limit(Setting::default()), Ok(json!("1Gi")));
    assert_eq!(limit(set("factor", json!(1.5))), Ok(json!("768Mi")));
    assert_eq!(limit(set("factor", json!("1.5"))), Ok(json!("768Mi")), "from a command line");
    // At least 30 % above the peak, in steps of 16Mi: 512 × 1.3 = 665.6.
    assert_eq!(limit(set("factor", json!(1.1))), Ok(json!("672Mi")));
    assert_eq!(limit(set("max_limit", json!("640Mi"))), Ok(json!("640Mi")));
    assert_eq!(limit(set("memory_limit", json!("900Mi"))), Ok(json!("900Mi")));
    for (name, value, expected) in [
        ("factor", json!(5), "parameter factor: 5.0 is above its max 4.0"),
        ("factor", json!("x"), "parameter factor: \"x\" is no number"),
        (
            "max_limit",
            json!("512Mi"),
            "parameter max_limit: \"512Mi\" is below its min \"536870913\"",
        ),
        (
            "memory_limit",
            json!("17Gi"),
            "parameter memory_limit: \"17Gi\" is above its max \"16Gi\"",
        ),
        (
            "facter",
            json!(2),
            "parameter facter: there is no such parameter; did you mean `factor`?",
        ),
    ] {
        let error = limit(set(name, value)).unwrap_err();
        assert_eq!(error, format!("template high-memory, {expected}"));
    }
}

#[test]
fn steps_are_numbered_expanded_and_left_out_with_a_reason() {
    let plan = Setting::default().plan(&high_memory(), &cluster()).unwrap();
    let steps = plan
        .all_steps()
        .iter()
        .map(|step| format!("{} {} {}", step.path, step.id, step.skipped.is_some()))
        .collect::<Vec<_>>();
    assert_eq!(
        steps,
        [
            "1 diagnostics false",
            "1.1 collect false",
            "2 raise-limit false",
            "3 rollout false",
            "3.1 deployment false",
            "3.2 stateful-set true",
            "3.3 daemon-set true",
        ]
    );
    assert_eq!(plan.title, "raise memory limit of app 512Mi → 1Gi");
    assert_eq!(plan.verification.settle_s, 300);
    let promql = &plan.verification.measures[0].promql;
    assert!(promql.contains("namespace=\"payments\""), "{promql}");
    assert!(promql.contains("container=\"app\""), "{promql}");
    assert_eq!(plan.expires_s, 1_800);
    assert_eq!(plan.digest, plan.compute_digest().unwrap());
}

#[test]
fn what_a_step_does_when_it_fails_comes_from_the_step_that_calls_it() {
    let plan = Setting::default().plan(&high_memory(), &cluster()).unwrap();
    let on_failure = |path: &str| {
        let steps = plan.all_steps();
        steps.iter().find(|step| step.path.as_str() == path).unwrap().on_failure.word()
    };
    assert_eq!(
        (on_failure("1.1"), on_failure("2"), on_failure("3.1")),
        ("continue", "undo", "undo")
    );
}

#[test]
fn values_in_queries_are_escaped() {
    let mut hostile = high_memory();
    hostile.container = Some("a\"} or vector(1) #".into());
    let mut object = deployment();
    object["spec"]["template"]["spec"]["containers"][1]["name"] = json!("a\"} or vector(1) #");
    let mut objects = cluster();
    objects[0] = object;
    let plan = Setting::default().plan(&hostile, &objects).unwrap();
    let promql = &plan.verification.measures[0].promql;
    assert!(promql.contains("container=\"a\\\"} or vector(1) #\""), "{promql}");
}

#[test]
fn risk_is_that_of_the_steps_raised_by_template_and_policy_with_reasons() {
    let risk = |setting: Setting| {
        let plan = setting.plan(&high_memory(), &cluster()).unwrap();
        (plan.risk, plan.risk_why.join("; "))
    };
    assert_eq!(risk(Setting::default()), (Risk::Medium, "set_resources: medium".into()));
    let mut protected = Setting::default();
    protected.policy.protected.insert("payments".into());
    assert_eq!(
        risk(protected),
        (Risk::High, "set_resources: medium; protected namespace payments: medium → high".into())
    );
    let text = include_str!("../../../../assets/templates/high-memory.yaml");
    let text = format!("{text}risk: critical\n");
    let library = Library::load(&[("mine.yaml".into(), text)]);
    assert_eq!(
        risk(Setting { library, ..Setting::default() }),
        (Risk::Critical, "set_resources: medium; template high-memory: medium → critical".into())
    );
    // Telling a person is no risk, wherever it is.
    let mut setting = Setting { template: "generic", ..Setting::default() };
    setting.policy.protected.insert("payments".into());
    assert_eq!(risk(setting), (Risk::Low, "changes nothing on the cluster: low".into()));
}

#[test]
fn the_blast_radius_names_whom_the_change_touches() {
    let named = |kind: &str, api: &str, name: &str, rest: Value| {
        let mut object = json!({"apiVersion": api, "kind": kind,
            "metadata": {"name": name, "namespace": "payments", "uid": name}});
        for (key, value) in rest.as_object().unwrap() {
            object[key] = value.clone();
        }
        object
    };
    let labels = json!({"app": "ledger-api"});
    let mut objects = cluster();
    objects.extend([
        pod("foreign", 9),
        named("Service", "v1", "ledger", json!({"spec": {"selector": labels}})),
        named("Service", "v1", "other", json!({"spec": {"selector": {"app": "x"}}})),
        named("Service", "v1", "headless", json!({"spec": {}})),
        named("PodDisruptionBudget", "policy/v1", "ledger", json!({
            "spec": {"selector": {"matchLabels": labels}},
            "status": {"expectedPods": 3, "desiredHealthy": 2, "disruptionsAllowed": 0}})),
        named("HorizontalPodAutoscaler", "autoscaling/v2", "scaler", json!({
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "ledger-api"}, "minReplicas": 2,
                "maxReplicas": 5, "metrics": [{"resource": {"name": "memory"}}]}})),
        named("ResourceQuota", "v1", "team", json!({
            "status": {"hard": {"limits.memory": "4Gi"}, "used": {"limits.memory": "1536Mi"}}})),
        named("VerticalPodAutoscaler", "autoscaling.k8s.io/v1", "vpa", json!({
            "spec": {"targetRef": {"kind": "Deployment", "name": "ledger-api"}}})),
    ]);
    let plan = Setting::default().plan(&high_memory(), &objects).unwrap();
    assert_eq!(plan.blast.pods, 2);
    assert_eq!(plan.blast.owners, ["payments/Deployment/ledger-api"]);
    assert_eq!(plan.blast.services, ["payments/ledger"]);
    assert_eq!(plan.blast.budgets, ["ledger: 0 of 1 free now (a rollout does not ask it)"]);
    for note in [
        "autoscaler scaler holds it at 2 to 5 pods, by use of memory relative to the request",
        "quota team: limits.memory 1.5Gi of 4Gi used",
    ] {
        assert!(plan.blast.notes.iter().any(|found| found == note), "{:#?}", plan.blast.notes);
    }
    assert!(plan.blast.unknown.is_empty() && plan.blast.blockers.is_empty());
    let keepers = plan.managers.iter().map(|m| format!("{} {} {}", m.kind, m.name, m.reverts));
    assert_eq!(keepers.collect::<Vec<_>>(), ["VerticalPodAutoscaler vpa true"]);
}

#[test]
fn what_decides_and_can_not_be_read_is_unknown_and_the_rest_is_noted() {
    let with = |refused| {
        let setting = Setting { refused: Some(refused), ..Setting::default() };
        setting.plan(&high_memory(), &cluster()).unwrap().blast
    };
    let blast = with("Pod");
    assert!(blast.unknown[0].contains("pods of payments/Deployment/ledger-api: not permitted"));
    for kind in ["Service", "PodDisruptionBudget", "HorizontalPodAutoscaler", "ResourceQuota"] {
        let blast = with(kind);
        assert!(blast.unknown.is_empty(), "{kind}");
        assert!(blast.notes.iter().any(|note| note.contains("not permitted")), "{kind}");
    }
}

/// The deployment without a memory request, so that its limit is what each pod reserves.
fn without_request() -> Value {
    let mut object = deployment();
    object["spec"]["template"]["spec"]["containers"][1]["resources"] =
        json!({"limits": {"memory": "512Mi"}});
    object
}

#[test]
fn a_higher_reservation_needs_room_on_a_node() {
    let with = |nodes: Vec<Value>, change: fn(&mut Value)| {
        let mut objects = cluster();
        objects.retain(|object| object["kind"] != "Node");
        objects[0] = without_request();
        change(&mut objects[0]);
        objects.extend(nodes);
        Setting::default().plan(&high_memory(), &objects).unwrap().blast
    };
    let same = |_: &mut Value| {};
    let blast = with(vec![node("node1", "4Gi"), node("node2", "900Mi")], same);
    assert_eq!(blast.blockers, Vec::<String>::new());
    assert!(
        blast.notes.contains(
            &"each pod would reserve 1Gi memory (now 512Mi); 1 of 2 nodes have room for one more: node1"
                .to_string()
        ),
        "{:#?}",
        blast.notes
    );
    let blast = with(vec![node("node1", "900Mi")], same);
    assert!(blast.blockers[0].starts_with("no node has room: a pod would reserve 1Gi memory"));
    // Two pods of 256Mi run on node1. One that goes first makes room.
    let tight = || vec![node("node1", "1300Mi"), node("node2", "1000Mi")];
    assert!(with(tight(), same).blockers[0].starts_with("no node has room"));
    let recreate: fn(&mut Value) = |o| {
        o["spec"]["strategy"] = json!({"type": "Recreate"});
        o["spec"]["replicas"] = json!(1);
    };
    assert_eq!(with(tight(), recreate).blockers, Vec::<String>::new());
    let mut cordoned = node("node1", "8Gi");
    cordoned["spec"]["unschedulable"] = json!(true);
    let mut tainted = node("node2", "8Gi");
    tainted["spec"]["taints"] =
        json!([{"key": "dedicated", "value": "db", "effect": "NoSchedule"}]);
    let nodes = vec![cordoned, tainted];
    let blockers = with(nodes.clone(), same).blockers;
    assert_eq!(blockers, ["no node would take its pods: 1 cordoned, 1 tainted dedicated"]);
    let tolerant: fn(&mut Value) = |o| {
        let toleration = json!([{"key": "dedicated", "operator": "Equal", "value": "db"}]);
        o["spec"]["template"]["spec"]["tolerations"] = toleration;
    };
    assert_eq!(with(nodes, tolerant).blockers, Vec::<String>::new());
    // The request stays where it is: nothing is asked of nodes.
    let untouched = Setting { refused: Some("Node"), ..Setting::default() };
    let blast = untouched.plan(&high_memory(), &cluster()).unwrap().blast;
    assert!(blast.notes.iter().all(|note| !note.contains("node")), "{:#?}", blast.notes);
}

#[test]
fn pods_that_would_stay_pending_once_the_old_ones_are_gone_block_the_plan() {
    let with = |replicas: u32, nodes: Vec<Value>, pods: &str| {
        let mut objects = cluster();
        objects.retain(|object| object["kind"] != "Node");
        objects[0] = without_request();
        objects[0]["spec"]["replicas"] = json!(replicas);
        objects.extend(nodes.into_iter().map(|mut node| {
            node["status"]["allocatable"]["pods"] = json!(pods);
            node
        }));
        Setting::default().plan(&high_memory(), &objects).unwrap().blast.blockers
    };
    let nodes = || vec![node("node1", "2500Mi"), node("node2", "1500Mi")];
    assert_eq!(with(3, nodes(), "110"), Vec::<String>::new());
    let blockers = with(4, nodes(), "110");
    assert!(blockers[0].starts_with("the nodes have room for 3 of its 4 new pods"), "{blockers:?}");
    let blockers = with(2, vec![node("node2", "16Gi")], "1");
    assert!(blockers[0].starts_with("the nodes have room for 1 of its 2 new pods"), "{blockers:?}");
}

#[test]
fn a_person_is_told_what_was_found_where_nothing_can_be_done() {
    let mut case = diagnosis(
        &deployment(),
        Pattern::CrashLoop,
        Cause::MissingConfig,
        json!({"missing": "Secret payments/db key password"}),
    );
    case.summary = "a Secret is missing".into();
    let setting = Setting { template: "crash-loop-hand-over", ..Setting::default() };
    let plan = setting.plan(&case, &cluster()).unwrap();
    assert!(!plan.mutates());
    assert_eq!(plan.title, "tell a human: a Secret is missing");
    assert_eq!(plan.undo, "nothing to undo");
    let told = plan.all_steps().into_iter().filter(|step| step.skipped.is_none());
    let mut told = told.filter_map(|step| {
        if let StepKind::HandOver { message, .. } = &step.kind {
            Some(message.clone())
        } else {
            None
        }
    });
    let message = told.next();
    assert!(message.unwrap().contains("Missing: Secret payments/db key password."));
    // Without any target only telling is left.
    case.target = None;
    let setting = Setting { template: "generic", ..Setting::default() };
    let plan = setting.plan(&case, &[]).unwrap();
    assert!(plan.target.is_none() && plan.steps[0].skipped.is_some());
    let setting = Setting::default();
    let mut nowhere = high_memory();
    nowhere.target = None;
    assert!(setting.plan(&nowhere, &[]).unwrap_err().contains("there is no target to act on"));
}

#[test]
fn a_second_change_of_one_object_starts_from_what_the_first_leaves() {
    let text = "name: twice\nversion: 1\nsummary: two changes\nsteps:\n\
        - {id: a, action: set_resources, with: {container: app, memory_limit: 1Gi}}\n\
        - {id: b, action: set_resources, with: {container: app, memory_limit: 2Gi}}\n";
    let library = Library::of(&[("t", text)]);
    assert_eq!(library.problems, Vec::new());
    let setting = Setting { library, template: "twice", ..Setting::default() };
    let plan = setting.plan(&high_memory(), &cluster()).unwrap();
    let diffs = plan
        .operations()
        .flat_map(|(_, planned)| &planned.diff)
        .map(|line| format!("{:?} → {:?}", line.before, line.after))
        .collect::<Vec<_>>();
    assert_eq!(diffs, ["Some(\"512Mi\") → Some(\"1Gi\")", "Some(\"1Gi\") → Some(\"2Gi\")"]);
    assert_eq!(
        plan.title,
        "raise memory limit of app 512Mi → 1Gi, then raise memory limit of app 1Gi → 2Gi"
    );
}

#[test]
fn errors_name_the_template_and_the_step() {
    let mut objects = cluster();
    objects[0]["spec"]["paused"] = json!(true);
    assert_eq!(
        Setting::default().plan(&high_memory(), &objects).unwrap_err(),
        "template high-memory, step 2: the rollout of payments/Deployment/ledger-api is paused: a change would not \
         reach its pods"
    );
    let mut daemon = high_memory();
    daemon.target = Some(crate::domain::action::fixtures::reference(&daemon_set()));
    daemon.container = Some("gone".into());
    assert!(
        Setting::default()
            .plan(&daemon, &[daemon_set()])
            .unwrap_err()
            .contains("step 2: payments/DaemonSet/ledger-api has no container gone")
    );
}

mod kept;
mod language;
mod truth;
