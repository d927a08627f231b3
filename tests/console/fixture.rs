//! One night on a made-up cluster, folded from events as the engine would record them. Everything that is made of it
//! says SIMULATED.

#![allow(dead_code, reason = "each test target uses its own part of it")]

use chrono::TimeDelta;
use pilothouse::domain::alert::{Alert, AlertStatus};
use pilothouse::domain::approval::{
    Approval, ApprovalRequest, Decision, Drift, Gesture, PermissionCheck, Preflight,
};
use pilothouse::domain::diagnosis::{Cause, Diagnosis, Disposition, MadeBy, Pattern, Weighed};
use pilothouse::domain::event::{Event, Outcome, Recorded};
use pilothouse::domain::evidence::{Bearing, Fact, Read};
use pilothouse::domain::id::{
    AttemptId, ClusterId, ExecutionId, Fingerprint, PlanDigest, RemediationId, StepPath,
};
use pilothouse::domain::memory::Recalled;
use pilothouse::domain::operation::{DiffLine, FieldChange, Operation, PreviewLabel};
use pilothouse::domain::policy::Mode;
use pilothouse::domain::principal::{KubeIdentity, Principal, Transport};
use pilothouse::domain::remediation::{Remediation, State};
use pilothouse::domain::resource::{FieldPath, ObjectKey, ObjectRef};
use pilothouse::domain::time::Timestamp;
use pilothouse::domain::verdict::{Judgement, Sample, Verdict, WorkloadSample};
use pilothouse::domain::workflow::execution::{AttemptOutcome, Direction, StepState};
use pilothouse::domain::workflow::history::History;
use pilothouse::domain::workflow::plan::{
    ActionClass, Blast, Check, Condition, Manager, Plan, PlanStep, PlannedOperation, Risk,
    StepKind, TemplateRef, Verification,
};
use pilothouse::domain::workflow::tree;
use pilothouse::engine::query::Answer;
use pilothouse::engine::snapshot::{Role, Row, Snapshot, Source};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The moment of the picture.
pub fn now() -> Timestamp {
    "2026-11-21T03:14:22Z".parse().unwrap()
}

/// So many seconds before the picture.
pub fn ago(seconds: i64) -> Timestamp {
    now() - TimeDelta::seconds(seconds)
}

/// A full id that begins with four given letters.
pub fn id(short: &str) -> RemediationId {
    RemediationId::new(format!("{short}{}", &"6r9w2k8zbn4m"[..16 - short.len()]))
}

pub fn mira() -> Principal {
    Principal {
        os_user: "mira".into(),
        uid: 1000,
        kube: Some(KubeIdentity { username: "mira@corp".into(), groups: Vec::new() }),
        host: "10.20.4.17".into(),
        tty: "pts/3".into(),
        via: Transport::Console,
    }
}

/// Writes a case's events.
pub struct Story {
    id: RemediationId,
    events: Vec<Recorded>,
}

impl Story {
    pub fn new(short: &str, namespace: &str, kind: &str, name: &str, age: i64) -> Self {
        let alert = Alert {
            fingerprint: Fingerprint::new(format!("fp-{short}")),
            status: AlertStatus::Firing,
            labels: BTreeMap::from([
                ("alertname".to_string(), "KubePodOOMKilled".to_string()),
                ("namespace".to_string(), namespace.to_string()),
            ]),
            annotations: BTreeMap::new(),
            starts_at: ago(age + 20),
            ends_at: None,
        };
        let owner = Some(key(namespace, kind, name));
        let mut story = Self { id: id(short), events: Vec::new() };
        story.push(age, Event::Opened { alert, owner });
        story
    }

    pub fn push(&mut self, seconds_ago: i64, event: Event) -> &mut Self {
        self.events.push(Recorded {
            seq: 48_000 + self.events.len() as u64,
            at: ago(seconds_ago),
            by: "pilothouse".into(),
            cause: String::new(),
            subject: Some(self.id.clone()),
            event,
        });
        self
    }

    pub fn fold(&self) -> Remediation {
        let Event::Opened { alert, owner } = &self.events[0].event else { unreachable!() };
        let mut case = Remediation::open(
            self.id.clone(),
            ClusterId::new("sim"),
            &self.events[0],
            alert,
            owner.clone(),
        );
        for event in &self.events[1..] {
            case.apply(event);
        }
        case
    }

    pub fn events(&self) -> &[Recorded] {
        &self.events
    }
}

pub fn key(namespace: &str, kind: &str, name: &str) -> ObjectKey {
    let version = if kind == "Node" { "v1" } else { "apps/v1" };
    ObjectKey::new(version, kind, namespace, name)
}

pub fn target(namespace: &str, kind: &str, name: &str) -> ObjectRef {
    ObjectRef {
        key: key(namespace, kind, name),
        uid: "5f0c7d1e-3b9a-4d52-8f2e-77ab01c491ae".into(),
    }
}

fn fact(id: &str, text: &str, source: &str, bearing: Bearing) -> Fact {
    Fact { id: id.into(), text: text.into(), source: source.into(), bearing, at: None }
}

pub fn diagnosis(at: &ObjectRef, cause: Cause, pattern: Pattern, confidence: f64) -> Diagnosis {
    Diagnosis {
        pattern,
        cause,
        target: Some(at.clone()),
        container: Some("app".into()),
        confidence,
        made_by: MadeBy::Rules,
        evidence: vec![
            fact(
                "oom-killed",
                "4 OOMKilled in 30m; last ledger-api-7d9f-2kx8p 03:09Z, exit 137",
                "Pod/ledger-api-7d9f-2kx8p .status.containerStatuses[app].lastState",
                Bearing::For,
            ),
            fact(
                "usage-at-limit",
                "working set at 509 of 512Mi 3m after each start, then flat: not a leak",
                "prometheus container_memory_working_set_bytes",
                Bearing::For,
            ),
            fact(
                "no-rollout",
                "no change of the pod template in the last hour",
                "ReplicaSets of Deployment/ledger-api",
                Bearing::Context,
            ),
        ],
        weighed: vec![
            Weighed {
                pattern,
                cause,
                confidence,
                speaks_for: vec!["oom-killed".into(), "usage-at-limit".into()],
                speaks_against: Vec::new(),
                culprit: None,
            },
            Weighed {
                pattern: Pattern::HighMemory,
                cause: Cause::MemoryLeak,
                confidence: 0.07,
                speaks_for: Vec::new(),
                speaks_against: vec!["usage-at-limit".into()],
                culprit: None,
            },
        ],
        values: BTreeMap::new(),
        disposition: Disposition::Remediate,
        summary: "4 OOMKilled in 30m, 509 of 512Mi, flat: no leak".into(),
        at: ago(60),
        reads: None,
    }
}

fn step(path: &str, id: &str, title: &str, kind: StepKind) -> PlanStep {
    let plain = PlanStep::plain(StepPath::new(path), id.into(), title.into(), kind);
    PlanStep { timeout_s: 600, attempts: 3, ..plain }
}

fn template(name: &str, version: u32) -> TemplateRef {
    TemplateRef {
        name: name.into(),
        version,
        digest: "c81f40aa6d5b0e5d8a1f9a4b9f0d3c2e1a6b7c8d9e0f112233445566778899aa".into(),
    }
}

fn memory_patch(at: &ObjectRef) -> PlannedOperation {
    let path = FieldPath::keys(&["spec", "template", "spec", "containers"])
        .named("app")
        .key("resources")
        .key("limits")
        .key("memory");
    let operation = Operation::Patch {
        object: at.clone(),
        subresource: String::new(),
        changes: vec![FieldChange {
            path: path.clone(),
            before: Some(json!("512Mi")),
            after: Some(json!("768Mi")),
        }],
        guards: Vec::new(),
    };
    PlannedOperation {
        undo: operation.undo(),
        operation,
        diff: vec![DiffLine {
            path: path.to_string(),
            before: Some("512Mi".into()),
            after: Some("768Mi".into()),
        }],
        preview: PreviewLabel::PreviewedByServer,
    }
}

pub fn steps(at: &ObjectRef) -> Vec<PlanStep> {
    let collect = PlannedOperation {
        operation: Operation::collect(vec![Read::Object(at.key.clone())]),
        diff: Vec::new(),
        preview: PreviewLabel::ReadOnly,
        undo: None,
    };
    let action = |name: &str, class, operations| StepKind::Action {
        action: name.into(),
        target: at.key.clone(),
        params: BTreeMap::new(),
        class,
        operations,
    };
    let rollout = StepKind::WaitFor {
        condition: Condition {
            object: at.key.clone(),
            labels: None,
            until: "object.status.updatedReplicas == object.spec.replicas".into(),
            fails_when: String::new(),
            describe: format!("rollout of {}/{} is complete", at.key.kind, at.key.name),
        },
    };
    vec![
        step(
            "1",
            "capture",
            "capture diagnostics",
            action("collect", ActionClass::Collect, vec![collect]),
        ),
        step(
            "2",
            "raise",
            "raise the limit and roll out",
            StepKind::Subflow {
                template: template("set-limits", 2),
                steps: vec![
                    step(
                        "2.1",
                        "limit",
                        "memory limit of app 512Mi → 768Mi",
                        action("set_limits", ActionClass::Limits, vec![memory_patch(at)]),
                    ),
                    step("2.2", "rollout", "wait for the rollout", rollout),
                ],
            },
        ),
    ]
}

pub fn plan(at: &ObjectRef, risk: Risk, digest: &str) -> Plan {
    Plan {
        digest: PlanDigest::new(format!("{digest}{}", "0".repeat(64 - digest.len()))),
        cluster: ClusterId::new("sim"),
        target: Some(at.clone()),
        pattern: Pattern::HighMemory,
        cause: Cause::LimitTooSmall,
        template: template("high-memory", 3),
        params: BTreeMap::new(),
        title: "raise memory limit of app 512Mi → 768Mi".into(),
        risk,
        risk_why: vec![
            "set_limits: medium".into(),
            "protected namespace payments: medium → high".into(),
        ],
        steps: steps(at),
        undo: "patch back to 512Mi, 6 restarts again".into(),
        blast: Blast {
            pods: 6,
            owners: vec![at.key.path()],
            services: vec!["ledger".into()],
            budgets: vec!["ledger: 0 of 1 free now".into()],
            notes: vec!["pods restart one by one".into()],
            unknown: Vec::new(),
            blockers: Vec::new(),
        },
        verification: Verification {
            settle_s: 600,
            effective_when: vec![
                Check { describe: "no OOMKilled".into(), cel: "after.oom_killed == 0".into() },
                Check {
                    describe: "all replicas ready".into(),
                    cel: "after.ready >= after.desired".into(),
                },
                Check { describe: "alert resolved".into(), cel: "after.alerts_firing == 0".into() },
            ],
            regressed_when: vec![Check {
                describe: "fewer replicas ready than before".into(),
                cel: "after.ready < before.ready".into(),
            }],
            measures: Vec::new(),
            undo_on_regression: true,
        },
        managers: vec![Manager {
            kind: "Helm".into(),
            name: "release ledger".into(),
            reverts: false,
            source: "label app.kubernetes.io/managed-by".into(),
            handling: String::new(),
        }],
        left_if_stopped: "the new limit stays; its rollout goes on by itself".into(),
        expires_s: 900,
        made_at: ago(46),
        reads: None,
        recalled: None,
    }
}

pub fn request(plan: &Plan, left: i64) -> ApprovalRequest {
    ApprovalRequest {
        plan: plan.digest.clone(),
        asked_at: ago(45),
        expires_at: ago(-left),
        people: pilothouse::domain::policy::people(plan.risk),
        policy: vec![
            "protected namespace payments: medium → high".into(),
            "pods 6 of max 50".into(),
            "needs 1 person".into(),
        ],
    }
}

/// A case that waits for a decision.
pub fn asking(short: &str, namespace: &str, name: &str, risk: Risk, left: i64) -> Story {
    let at = target(namespace, "Deployment", name);
    let mut story = Story::new(short, namespace, "Deployment", name, 242);
    let plan =
        plan(&at, risk, &format!("{:08x}", 0x9c41_e70b_u32 ^ u32::from(short.as_bytes()[0])));
    let request = request(&plan, left);
    story
        .push(
            231,
            Event::Diagnosed {
                diagnosis: diagnosis(&at, Cause::LimitTooSmall, Pattern::HighMemory, 0.91),
            },
        )
        .push(46, Event::Planned { plan: Box::new(plan) })
        .push(45, Event::ApprovalRequested { request });
    story
}

/// The same with what memory said when the plan was made.
pub fn recalling(short: &str, namespace: &str, name: &str, recalled: &Recalled) -> Story {
    let mut story = asking(short, namespace, name, Risk::Low, 500);
    for recorded in &mut story.events {
        if let Event::Planned { plan } = &mut recorded.event {
            plan.recalled = Some(recalled.clone());
        }
    }
    story
}

fn sample(oom_killed: i64) -> Box<Sample> {
    Box::new(Sample {
        readable: true,
        workload: Some(WorkloadSample {
            desired: 6,
            ready: 6,
            updated_available: 6,
            rolled_out: true,
            restarts: 4,
            crashing: 0,
            oom_killed,
            failed_runs: 0,
        }),
        alerts_firing: 1,
        ..Sample::nothing(ago(30))
    })
}

fn approve(story: &mut Story, digest: PlanDigest, seconds_ago: i64) {
    let approval = Approval {
        plan: digest.clone(),
        decision: Decision::Approve,
        by: Principal { os_user: "jonas".into(), ..mira() },
        gesture: Gesture::TypedName,
        reason: String::new(),
        at: ago(seconds_ago),
    };
    let preflight = Preflight {
        drift: Vec::new(),
        permissions: Vec::new(),
        unknown: Vec::new(),
        stopped: None,
    };
    story.push(seconds_ago, Event::Decided { approval, preflight });
    story.push(
        seconds_ago - 1,
        Event::ExecutionStarted {
            execution: ExecutionId::new("e-1"),
            plan: digest,
            before: Some(sample(4)),
        },
    );
}

fn changed(story: &mut Story, seconds_ago: i64, path: &str, state: StepState, note: &str) {
    story.push(
        seconds_ago,
        Event::StepChanged { path: StepPath::new(path), state, note: note.into() },
    );
}

/// A case that runs: the limit is set, the rollout is waited for.
pub fn running(short: &str, namespace: &str, name: &str) -> Story {
    let mut story = asking(short, namespace, name, Risk::High, 500);
    let digest = story.fold().plan.unwrap().digest.clone();
    approve(&mut story, digest, 40);
    changed(&mut story, 39, "1", StepState::Running, "");
    changed(&mut story, 36, "1", StepState::Done, "kept 3 objects and 2 logs");
    changed(&mut story, 36, "2", StepState::Running, "");
    changed(&mut story, 36, "2.1", StepState::Running, "");
    let attempt = AttemptId::new("a-5e1a77");
    story.push(
        35,
        Event::AttemptStarted {
            path: StepPath::new("2.1"),
            attempt: attempt.clone(),
            operation: 0,
            direction: Direction::Forward,
        },
    );
    story.push(
        35,
        Event::AttemptEnded {
            path: StepPath::new("2.1"),
            attempt,
            outcome: AttemptOutcome::Refused {
                why: "409 conflict: the object changed since it was read".into(),
                retryable: true,
                passing: None,
            },
        },
    );
    let attempt = AttemptId::new("a-5e1bd2");
    story.push(
        33,
        Event::AttemptStarted {
            path: StepPath::new("2.1"),
            attempt: attempt.clone(),
            operation: 0,
            direction: Direction::Forward,
        },
    );
    story.push(
        33,
        Event::AttemptEnded {
            path: StepPath::new("2.1"),
            attempt,
            outcome: AttemptOutcome::Applied { note: "resourceVersion 90412".into() },
        },
    );
    changed(&mut story, 33, "2.1", StepState::Done, "");
    changed(
        &mut story,
        32,
        "2.2",
        StepState::Waiting { seen: "4 of 6 updated, 4 available".into(), until: ago(-568) },
        "",
    );
    story
}

/// A case with a gate in its run: step 3 asks whether people are told in step 4; step 5 is left out, and step 2 has a
/// rescue that was not needed.
pub fn gated(short: &str, namespace: &str, name: &str) -> Story {
    let mut story = running(short, namespace, name);
    for recorded in &mut story.events {
        let Event::Planned { plan } = &mut recorded.event else { continue };
        let ask = StepKind::Approval { message: "is the customer told?".into(), risk: Risk::Low };
        plan.steps.push(step("3", "ask", "ask a person", ask));
        let tell = StepKind::Notify { message: format!("{name} has a new limit") };
        plan.steps.push(step("4", "tell", "tell people", tell));
        let mut out = step(
            "5",
            "hand",
            "hand over",
            StepKind::HandOver { message: "look".into(), goes_on: false },
        );
        out.skipped = Some("does not hold: params.late".into());
        plan.steps.push(out);
        let sorry = StepKind::Notify { message: "it failed".into() };
        plan.steps[1].rescue = Some(Box::new(step("2.0", "sorry", "tell on-call", sorry)));
    }
    changed(&mut story, 20, "2.2", StepState::Done, "6 of 6 updated and available");
    changed(&mut story, 20, "2", StepState::Done, "");
    changed(&mut story, 20, "3", StepState::Asked { until: ago(-880) }, "");
    story
}

/// A case whose last step failed after people were told: nothing was undone, what was to come never runs.
pub fn broken(short: &str, namespace: &str, name: &str) -> Story {
    let mut story = gated(short, namespace, name);
    let why = || "rejected by jonas: not now".to_string();
    changed(&mut story, 10, "3", StepState::Failed { why: why() }, "");
    let reason = "step 3 failed".to_string();
    changed(&mut story, 10, "4", StepState::WillNotBeRun { reason }, "");
    let reason = "only if step 2 fails, and it did not".to_string();
    changed(&mut story, 10, "2.0", StepState::WillNotBeRun { reason }, "");
    story.push(10, Event::ExecutionEnded { undone: None, succeeded: false, why: why() });
    story.push(10, Event::Closed { outcome: Outcome::Failed, why: why() });
    story
}

/// A case that ended by telling a person.
pub fn told(short: &str, namespace: &str, name: &str) -> Story {
    let mut story = gated(short, namespace, name);
    changed(&mut story, 12, "3", StepState::Done, "");
    changed(&mut story, 10, "4", StepState::Done, "");
    let why = || "people are told".to_string();
    story.push(10, Event::ExecutionEnded { undone: None, succeeded: true, why: why() });
    story.push(10, Event::Closed { outcome: Outcome::HandedOver, why: why() });
    story
}

/// A case whose steps are done and that settles.
pub fn verifying(short: &str, namespace: &str, name: &str) -> Story {
    let mut story = running(short, namespace, name);
    changed(&mut story, 20, "2.2", StepState::Done, "6 of 6 updated and available");
    changed(&mut story, 20, "2", StepState::Done, "");
    story.push(
        20,
        Event::ExecutionEnded { undone: None, succeeded: true, why: "all steps done".into() },
    );
    story
}

/// A case that ended.
pub fn ended(short: &str, namespace: &str, name: &str, outcome: Outcome, age: i64) -> Story {
    let mut story = Story::new(short, namespace, "Deployment", name, age + 700);
    let at = target(namespace, "Deployment", name);
    story.push(
        age + 690,
        Event::Diagnosed {
            diagnosis: diagnosis(&at, Cause::LimitTooSmall, Pattern::HighMemory, 0.88),
        },
    );
    let plan = plan(&at, Risk::Medium, "77b0c4d9");
    story.push(age + 680, Event::Planned { plan: Box::new(plan) });
    if outcome == Outcome::Effective {
        story.push(
            age + 1,
            Event::Judged {
                judgement: Judgement {
                    verdict: Verdict::Effective,
                    why: "no OOMKilled for 10m; 6 of 6 ready; alert resolved".into(),
                    checks: vec![("no OOMKilled".into(), "true".into())],
                    before: Some(sample(4)),
                    after: Some(sample(0)),
                },
            },
        );
    }
    let claim = matches!(outcome, Outcome::Regressed | Outcome::Failed | Outcome::HandedOver);
    let why = match &outcome {
        Outcome::Effective => "raised limit",
        Outcome::Regressed => "undone",
        Outcome::Rejected => "by jonas: not tonight",
        _ => "restarted",
    };
    story.push(age, Event::Closed { outcome, why: why.into() });
    if claim {
        story.push(age - 1, Event::Claimed { by: Principal { os_user: "jonas".into(), ..mira() } });
    }
    story
}

/// A case that policy holds.
pub fn held(short: &str, namespace: &str, name: &str) -> Story {
    let mut story = asking(short, namespace, name, Risk::Medium, 500);
    let digest = story.fold().plan.unwrap().digest.clone();
    story.push(30, Event::Withheld { plan: digest, why: vec!["freeze to 06:00Z".into()] });
    story
}

/// The row of a case, as an engine makes it.
pub fn row(case: &Remediation) -> Row {
    let due = match case.state {
        State::AwaitingApproval => case.request.as_ref().map(|request| request.expires_at),
        State::Verifying => case.settle_until,
        _ => None,
    };
    let what = match case.state {
        State::Verifying => "settling".to_string(),
        State::Blocked => case.withheld.join("; "),
        State::Closed => case.closed_why.clone(),
        _ => case.plan.as_deref().map_or("diagnosing".into(), |_| "raise limit".into()),
    };
    Row {
        id: case.id.clone(),
        short: 4,
        state: case.state,
        outcome: case.outcome.clone(),
        needs_person: case.needs_person(),
        asks: case.asking_step().is_some(),
        target: case.target_key().map_or("?".into(), |key| key.short_path()).into(),
        what: what.into(),
        cause: case
            .diagnosis
            .as_ref()
            .map_or(String::new(), |d| format!("{}, {}", d.pattern, d.cause))
            .into(),
        plan: case.plan.as_deref().map(|plan| (plan.digest.clone(), plan.risk)),
        due,
        opened_at: case.opened_at,
        updated_at: case.updated_at,
        progress: case.execution.as_ref().map(|_| tree::progress(case)),
        alerts: (1, 1),
        claimed_by: case.claimed_by.as_deref().map(Arc::from),
        events: case.events,
    }
}

fn rank(row: &Row) -> u8 {
    use pilothouse::ui::model::list::Group;
    Group::of(row) as u8
}

/// The picture of some cases.
pub fn picture(cases: &[Remediation]) -> Snapshot {
    let mut rows = cases.iter().map(row).collect::<Vec<_>>();
    rows.sort_by_key(|row| {
        let when = if row.outcome.is_some() { now() - row.updated_at } else { TimeDelta::zero() };
        (rank(row), row.due.unwrap_or(ago(-999_999)), when)
    });
    let source = |name, ok, age: i64, note: &str| Source {
        name,
        ok: Some(ok),
        good_at: Some(ago(age)),
        note: note.into(),
    };
    let open = cases
        .iter()
        .filter(|case| case.is_open() || case.needs_person())
        .map(|case| (case.id.clone(), Arc::new(case.clone())))
        .collect();
    Snapshot {
        telling: Arc::default(),
        cluster: "sim-eu1".into(),
        simulated: Some("scenario fixture, seed 7".into()),
        mode: Mode::Approve,
        role: Role::Driving,
        stop: None,
        store_down: None,
        records: std::sync::Arc::default(),
        rows: Arc::new(rows),
        open: Arc::new(open),
        history: Arc::new(history(cases)),
        seq: 48_211,
        last: Some((ago(17), "b2vn step 2.2 wait for the rollout: waiting".into())),
        log: Arc::new(vec![
            (ago(240), Some(id("t4dx")), "opened for alert KubePodOOMKilled".into()),
            (ago(231), Some(id("t4dx")), "diagnosis: high-memory, limit-too-small 0.91".into()),
            (
                ago(46),
                Some(id("t4dx")),
                "plan 9c41e77f: raise memory limit of app 512Mi → 768Mi".into(),
            ),
            (ago(45), Some(id("t4dx")), "approval asked for plan 9c41e77f".into()),
            (ago(17), Some(id("b2vn")), "step 2.2 wait for the rollout: waiting".into()),
        ]),
        sources: vec![
            source("cluster", true, 2, "watch 41 kinds, 12 nodes, 486 pods"),
            source("store", true, 0, "write 3ms, sqlite, event 48211, chain ok"),
            source("prometheus", true, 18, ""),
            source("alertmanager", true, 9, "23 firing"),
        ],
        breakers: Arc::new(Vec::new()),
        firing: 23,
        at: now(),
        speed: 1,
    }
}

/// What the steps of these cases took.
fn history(cases: &[Remediation]) -> History {
    let mut history = History::default();
    for case in cases {
        for path in case.execution.iter().flat_map(|run| run.steps.keys()) {
            history.learn(case, path);
        }
    }
    history
}

/// The stories of the night.
pub fn stories() -> Vec<Story> {
    vec![
        asking("t4dx", "payments", "ledger-api", Risk::High, 638),
        asking("k7qm", "shop", "checkout-web", Risk::Medium, 1_445),
        asking("m3kd", "batch", "report-gen", Risk::Low, 3_300),
        running("b2vn", "search", "indexer"),
        verifying("f9zr", "media", "resizer"),
        held("w5ny", "data", "kafka-bridge"),
        ended("z8gc", "shop", "cart", Outcome::Effective, 2_280),
        ended("d1xq", "media", "thumbs", Outcome::Regressed, 3_700),
        ended("h7rt", "edge", "ingress-nginx", Outcome::Ineffective, 7_300),
        ended("v2mk", "edge", "waf", Outcome::Rejected, 10_900),
        ended("q9fp", "logging", "loki", Outcome::Effective, 18_100),
        ended("n3wd", "shop", "search-api", Outcome::Effective, 25_300),
    ]
}

/// The picture of the night.
pub fn night() -> Snapshot {
    picture(&stories().iter().map(Story::fold).collect::<Vec<_>>())
}

/// A picture with so many rows.
pub fn many(count: usize) -> Snapshot {
    let base = night();
    let mut rows = Vec::with_capacity(count);
    let templates = base.rows.to_vec();
    for (group, template) in templates.iter().enumerate() {
        let share = count / templates.len() + usize::from(group < count % templates.len());
        for index in 0..share {
            let mut row = template.clone();
            if index > 0 {
                let digits = format!("{group:x}{index:05x}");
                row.id =
                    RemediationId::new(format!("{digits}{}", &"zzzzzzzzzzzzzzzz"[digits.len()..]));
                row.short = 6;
                row.target = format!("ns-{index}/deploy/app-{index}-of-{group}").into();
            }
            rows.push(row);
        }
    }
    Snapshot { rows: Arc::new(rows), ..base }
}

/// The engine's answer to a card's questions: nothing moved, everything allowed.
pub fn all_clear() -> Answer {
    Answer::Preflight {
        preflight: Preflight {
            drift: Vec::new(),
            permissions: vec![PermissionCheck {
                what: "patch apps/deployments ledger-api in payments".into(),
                allowed: true,
                why: String::new(),
            }],
            unknown: Vec::new(),
            stopped: None,
        },
        role: Ok("operator: limits, high".into()),
    }
}

/// The case after its target changed: the old plan void, a new one asked for.
pub fn moved(short: &str) -> Story {
    let mut story = asking(short, "payments", "ledger-api", Risk::High, 638);
    let old = story.fold().plan.unwrap();
    let drift = vec![Drift {
        object: "payments/Deployment/ledger-api".into(),
        moved: vec![DiffLine {
            path: "spec.template.spec.containers[app].image".into(),
            before: Some("ledger:3.8.1".into()),
            after: Some("ledger:3.8.2".into()),
        }],
        by: "argocd-application-controller".into(),
        note: String::new(),
    }];
    story.push(12, Event::PlanVoided { plan: old.digest.clone(), drift });
    let at = target("payments", "Deployment", "ledger-api");
    let mut renewed = plan(&at, Risk::High, "41d2aa08");
    renewed.blast.pods = 8;
    let asked = request(&renewed, 898);
    story
        .push(
            8,
            Event::Diagnosed {
                diagnosis: diagnosis(&at, Cause::LimitTooSmall, Pattern::HighMemory, 0.64),
            },
        )
        .push(5, Event::Planned { plan: Box::new(renewed) })
        .push(4, Event::ApprovalRequested { request: asked });
    story
}
