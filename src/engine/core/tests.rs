//! Each guard of the core has a test that fails when the guard is taken out.

use super::fold::{Accepted, Core, Settings};
use crate::domain::alert::{Alert, AlertStatus};
use crate::domain::approval::{Decision, Drift, Gesture, PermissionCheck, Preflight};
use crate::domain::diagnosis::{Cause, Diagnosis, Disposition, MadeBy, Pattern};
use crate::domain::event::{Event, Outcome};
use crate::domain::id::{ClusterId, Fingerprint, PlanDigest, RemediationId, StepPath};
use crate::domain::operation::{FieldChange, Operation, PreviewLabel};
use crate::domain::policy::Policy;
use crate::domain::principal::{Principal, Transport};
use crate::domain::remediation::State;
use crate::domain::resource::{FieldPath, ObjectKey, ObjectRef};
use crate::domain::time::{Timestamp, plus};
use crate::domain::workflow::execution::{AttemptOutcome, StepState};
use crate::domain::workflow::plan::{
    ActionClass, Blast, OnFailure, Plan, PlanStep, PlannedOperation, Risk, StepKind, TemplateRef,
    Verification,
};
use crate::engine::command::{Command, Receipt, Refusal, Request};
use crate::engine::job::{Input, Job, JobFailure, JobKind, Taken};
use crate::engine::snapshot::Role;
use crate::ports::cluster::Probe;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

mod advice;
mod ending;
mod episodes;
mod patience;
mod two_people;

const UID: u32 = 1_000;

pub(super) fn at(seconds: u64) -> Timestamp {
    plus(chrono::DateTime::from_timestamp(1_790_000_000, 0).expect("a time"), seconds)
}

pub(super) fn core() -> Core {
    let policy = Policy { owner_uid: UID, ..Policy::default() };
    let mut core = Core::new(Settings {
        cluster: ClusterId::new("c-1"),
        name: "prod-eu1".into(),
        policy: Arc::new(policy),
        two_people: false,
        simulated: false,
        routes: Arc::default(),
    });
    core.set_role(Role::Driving);
    core
}

pub(super) fn mira() -> Principal {
    Principal {
        os_user: "mira".into(),
        uid: UID,
        kube: None,
        host: "10.20.4.17".into(),
        tty: "pts/3".into(),
        via: Transport::Console,
    }
}

pub(super) fn id(name: &str) -> RemediationId {
    RemediationId::new(name)
}

pub(super) fn alert(fingerprint: &str, pod: &str) -> Alert {
    let labels = [("alertname", "KubePodCrashLooping"), ("namespace", "shop"), ("pod", pod)];
    Alert {
        fingerprint: Fingerprint::new(fingerprint),
        status: AlertStatus::Firing,
        labels: labels.iter().map(|(k, v)| ((*k).to_string(), (*v).to_string())).collect(),
        annotations: BTreeMap::new(),
        starts_at: at(0),
        ends_at: None,
    }
}

pub(super) fn target(name: &str) -> ObjectRef {
    let key = ObjectKey::new("apps/v1", "Deployment", "shop", name);
    ObjectRef { key, uid: format!("uid-of-{name}") }
}

pub(super) fn take(
    core: &mut Core,
    fresh: &str,
    alert: Alert,
    owner: Option<ObjectKey>,
    now: u64,
) -> Accepted {
    let taken = Taken { number: 1, alert, owner, fresh: id(fresh) };
    core.accept(Input::Alert(Box::new(taken)), at(now))
}

pub(super) fn diagnosis(name: &str) -> Diagnosis {
    Diagnosis {
        pattern: Pattern::HighMemory,
        cause: Cause::LimitTooSmall,
        target: Some(target(name)),
        container: Some("app".into()),
        confidence: 0.9,
        made_by: MadeBy::Rules,
        evidence: Vec::new(),
        weighed: Vec::new(),
        values: BTreeMap::new(),
        disposition: Disposition::Remediate,
        summary: "the limit is too small".into(),
        at: at(1),
        reads: None,
    }
}

pub(super) fn patch_step(path: &str, name: &str, field: &str, on_failure: OnFailure) -> PlanStep {
    let operation = Operation::Patch {
        object: target(name),
        subresource: String::new(),
        changes: vec![FieldChange {
            path: FieldPath::keys(&["spec", field]),
            before: Some(json!(1)),
            after: Some(json!(2)),
        }],
        guards: Vec::new(),
    };
    let planned = PlannedOperation {
        undo: operation.undo(),
        operation,
        diff: Vec::new(),
        preview: PreviewLabel::PreviewedByServer,
    };
    let kind = StepKind::Action {
        action: "set_resources".into(),
        target: target(name).key,
        params: BTreeMap::new(),
        class: ActionClass::Limits,
        operations: vec![planned],
    };
    let (id, title) = (format!("step-{path}"), format!("set {field}"));
    let plain = PlanStep::plain(StepPath::new(path), id, title, kind);
    PlanStep { timeout_s: 300, on_failure, ..plain }
}

pub(super) fn plan(name: &str, risk: Risk, steps: Vec<PlanStep>) -> Plan {
    let mut plan = Plan {
        digest: PlanDigest::new(""),
        cluster: ClusterId::new("c-1"),
        target: Some(target(name)),
        pattern: Pattern::HighMemory,
        cause: Cause::LimitTooSmall,
        template: TemplateRef { name: "high-memory".into(), version: 1, digest: "t".into() },
        params: BTreeMap::new(),
        title: "raise the limit".into(),
        risk,
        risk_why: Vec::new(),
        steps,
        undo: "yes".into(),
        blast: Blast { pods: 2, ..Blast::default() },
        verification: Verification {
            settle_s: 60,
            effective_when: Vec::new(),
            regressed_when: Vec::new(),
            measures: Vec::new(),
            undo_on_regression: true,
        },
        managers: Vec::new(),
        left_if_stopped: String::new(),
        expires_s: 900,
        made_at: at(2),
        reads: None,
        recalled: None,
    };
    plan.digest = plan.compute_digest().expect("a digest");
    plan
}

pub(super) fn two_steps() -> Vec<PlanStep> {
    vec![
        patch_step("1", "cart", "a", OnFailure::Undo),
        patch_step("2", "cart", "b", OnFailure::Undo),
    ]
}

/// A core with one case that waits for a decision on the returned plan.
pub(super) fn asked(risk: Risk, steps: Vec<PlanStep>) -> (Core, Plan) {
    let mut core = core();
    take(&mut core, "case", alert("f1", "cart-1"), None, 0);
    let result = Ok(Box::new(diagnosis("cart")));
    core.accept(Input::Diagnosed { id: id("case"), result }, at(1));
    let plan = plan("cart", risk, steps);
    let result = Ok(Box::new(plan.clone()));
    core.accept(Input::PlanMade { id: id("case"), result, advice: None }, at(2));
    assert_eq!(state(&core), State::AwaitingApproval);
    (core, plan)
}

pub(super) fn state(core: &Core) -> State {
    core.remediation(&id("case")).map_or(State::Closed, |case| case.state)
}

pub(super) fn decide(plan: &Plan, decision: Decision, gesture: Gesture, by: Principal) -> Request {
    let command = Command::Decide {
        remediation: id("case"),
        plan: plan.digest.clone(),
        decision,
        gesture,
        reason: "because".into(),
        typed: None,
        step: None,
    };
    Request { command, by, not_after: None }
}

pub(super) fn give(
    core: &mut Core,
    request: Request,
    preflight: Option<Preflight>,
    now: u64,
) -> Accepted {
    core.accept(Input::Command { request: Box::new(request), preflight }, at(now))
}

pub(super) fn approve(core: &mut Core, plan: &Plan, now: u64) -> Accepted {
    let request = decide(plan, Decision::Approve, Gesture::Chord, mira());
    give(core, request, Some(Preflight::default()), now)
}

pub(super) fn refused(accepted: &Accepted) -> Option<Refusal> {
    let logged = accepted.events.iter().any(|e| matches!(e.event, Event::CommandRefused { .. }));
    match &accepted.receipt {
        Some(Receipt::Refused { refusal, .. }) => {
            assert!(logged, "a refusal is in the log");
            Some(*refusal)
        }
        Some(Receipt::Done { .. }) | None => None,
    }
}

/// Approves and begins: the first attempt's intent is written.
pub(super) fn running(steps: Vec<PlanStep>) -> (Core, Plan) {
    let (mut core, plan) = asked(Risk::Medium, steps);
    approve(&mut core, &plan, 3);
    let result = Ok((Vec::new(), None));
    core.accept(Input::Begun { id: id("case"), plan: plan.digest.clone(), result }, at(4));
    assert_eq!(state(&core), State::Running);
    (core, plan)
}

pub(super) fn sending(core: &Core, kind: JobKind, now: u64) -> Option<crate::engine::job::Sending> {
    core.due(at(now)).into_iter().find_map(|(key, job)| match job {
        Job::Send(sending) | Job::Probe(sending) => (key.kind == kind).then_some(*sending),
        Job::Diagnose { .. }
        | Job::Plan { .. }
        | Job::WatchDrift { .. }
        | Job::Begin { .. }
        | Job::Look { .. }
        | Job::FindItems { .. }
        | Job::Assess { .. } => None,
    })
}

pub(super) fn end(core: &mut Core, outcome: AttemptOutcome, now: u64) -> Accepted {
    let sending = sending(core, JobKind::Send, now).expect("something is to be sent");
    let (path, attempt) = (sending.path, sending.attempt);
    core.accept(Input::Sent { id: id("case"), path, attempt, outcome }, at(now))
}

pub(super) fn applied() -> AttemptOutcome {
    AttemptOutcome::Applied { note: String::new() }
}

#[test]
fn an_approval_of_the_plan_that_stands_is_taken_and_begins_work() {
    let (mut core, plan) = asked(Risk::Medium, two_steps());
    let accepted = approve(&mut core, &plan, 3);
    assert!(matches!(accepted.receipt, Some(Receipt::Done { .. })));
    assert!(core.due(at(3)).keys().any(|key| key.kind == JobKind::Begin));
}

#[test]
fn a_stale_approval_is_refused_and_logged() {
    let (mut core, plan) = asked(Risk::Medium, two_steps());
    let drift = vec![Drift {
        object: "shop/Deployment/cart".into(),
        moved: Vec::new(),
        by: String::new(),
        note: "moved".into(),
    }];
    core.accept(Input::DriftSeen { id: id("case"), plan: plan.digest.clone(), drift }, at(3));
    assert_eq!(state(&core), State::Diagnosing);
    assert_eq!(refused(&approve(&mut core, &plan, 4)), Some(Refusal::Stale));
}

#[test]
fn an_approval_of_a_foreign_digest_is_refused_and_logged() {
    let (mut core, mut plan) = asked(Risk::Medium, two_steps());
    plan.digest = PlanDigest::new("f".repeat(64));
    assert_eq!(refused(&approve(&mut core, &plan, 3)), Some(Refusal::Stale));
    assert_eq!(state(&core), State::AwaitingApproval);
}

#[test]
fn an_expired_approval_is_refused_and_logged() {
    let (mut core, plan) = asked(Risk::Medium, two_steps());
    assert_eq!(refused(&approve(&mut core, &plan, 2 + 900)), Some(Refusal::Expired));
    assert_eq!(state(&core), State::Expired);
}

#[test]
fn an_approval_that_expires_before_work_begins_does_not_run() {
    let (mut core, plan) = asked(Risk::Medium, two_steps());
    approve(&mut core, &plan, 3);
    let result = Ok((Vec::new(), None));
    core.accept(Input::Begun { id: id("case"), plan: plan.digest.clone(), result }, at(2 + 900));
    assert_eq!(state(&core), State::Expired);
}

#[test]
fn a_repeated_approval_is_refused_and_logged() {
    let (mut core, plan) = asked(Risk::Medium, two_steps());
    approve(&mut core, &plan, 3);
    assert_eq!(refused(&approve(&mut core, &plan, 3)), Some(Refusal::Decided));
}

#[test]
fn a_rejection_beats_an_approval_that_has_not_begun() {
    let (mut core, plan) = asked(Risk::Medium, two_steps());
    approve(&mut core, &plan, 3);
    let request = decide(&plan, Decision::Reject, Gesture::Key, mira());
    assert_eq!(refused(&give(&mut core, request, None, 4)), None);
    assert_eq!(state(&core), State::Closed);
    assert!(core.due(at(5)).is_empty());
}

#[test]
fn a_rejected_episode_is_not_raised_again() {
    let (mut core, plan) = asked(Risk::Medium, two_steps());
    let request = decide(&plan, Decision::Reject, Gesture::Key, mira());
    give(&mut core, request, None, 3);
    let again = take(&mut core, "again", alert("f1", "cart-1"), None, 4);
    assert!(matches!(again.events[0].event, Event::AlertIgnored { .. }));
    assert!(core.remediation(&id("again")).is_none());
}

#[test]
fn a_weak_gesture_does_not_approve() {
    let (mut core, plan) = asked(Risk::Medium, two_steps());
    let request = decide(&plan, Decision::Approve, Gesture::Key, mira());
    let accepted = give(&mut core, request, Some(Preflight::default()), 3);
    assert_eq!(refused(&accepted), Some(Refusal::NotPermitted));
}

#[test]
fn a_high_risk_needs_the_name_of_the_target() {
    for (typed, taken) in [(None, false), (Some("card"), false), (Some("cart"), true)] {
        let (mut core, plan) = asked(Risk::High, two_steps());
        let mut request = decide(&plan, Decision::Approve, Gesture::TypedName, mira());
        if let Command::Decide { typed: field, .. } = &mut request.command {
            *field = typed.map(String::from);
        }
        let accepted = give(&mut core, request, Some(Preflight::default()), 3);
        assert_eq!(refused(&accepted).is_none(), taken, "typed {typed:?}");
    }
}

#[test]
fn without_a_terminal_only_low_risk_is_approved() {
    for (risk, taken) in [(Risk::Low, true), (Risk::Medium, false)] {
        let (mut core, plan) = asked(risk, two_steps());
        let request = decide(&plan, Decision::Approve, Gesture::WithoutTerminal, mira());
        let accepted = give(&mut core, request, Some(Preflight::default()), 3);
        assert_eq!(refused(&accepted).is_none(), taken, "risk {risk}");
    }
}

#[test]
fn a_critical_plan_is_not_approved_by_one_person_on_a_store_that_one_person_writes() {
    let (mut core, plan) = asked(Risk::Critical, two_steps());
    let mut request = decide(&plan, Decision::Approve, Gesture::TypedName, mira());
    if let Command::Decide { typed, .. } = &mut request.command {
        *typed = Some("cart".into());
    }
    let accepted = give(&mut core, request, Some(Preflight::default()), 3);
    assert_eq!(refused(&accepted), Some(Refusal::NotPermitted));
}

#[test]
fn somebody_without_a_role_decides_nothing() {
    let (mut core, plan) = asked(Risk::Medium, two_steps());
    let stranger = Principal { uid: UID + 1, os_user: "eve".into(), ..mira() };
    for decision in [Decision::Approve, Decision::Reject] {
        let request = decide(&plan, decision, Gesture::Chord, stranger.clone());
        let accepted = give(&mut core, request, Some(Preflight::default()), 3);
        assert_eq!(refused(&accepted), Some(Refusal::NotPermitted));
    }
    let stop = Command::Stop { reason: "x".into() };
    let request = Request { command: stop, by: stranger, not_after: None };
    assert_eq!(refused(&give(&mut core, request, None, 3)), Some(Refusal::NotPermitted));
}

#[test]
fn what_could_not_be_checked_or_is_denied_is_not_approved() {
    let denied = PermissionCheck { what: "patch".into(), allowed: false, why: "RBAC".into() };
    let cases = [
        (None, Refusal::Unavailable),
        (
            Some(Preflight { unknown: vec!["drift".into()], ..Preflight::default() }),
            Refusal::Unavailable,
        ),
        (
            Some(Preflight { permissions: vec![denied], ..Preflight::default() }),
            Refusal::NotPermitted,
        ),
    ];
    for (preflight, expected) in cases {
        let (mut core, plan) = asked(Risk::Medium, two_steps());
        let request = decide(&plan, Decision::Approve, Gesture::Chord, mira());
        assert_eq!(refused(&give(&mut core, request, preflight, 3)), Some(expected));
    }
}

#[test]
fn drift_seen_while_deciding_voids_the_plan() {
    let (mut core, plan) = asked(Risk::Medium, two_steps());
    let drift =
        Drift { object: "x".into(), moved: Vec::new(), by: String::new(), note: "moved".into() };
    let preflight = Preflight { drift: vec![drift], ..Preflight::default() };
    let request = decide(&plan, Decision::Approve, Gesture::Chord, mira());
    assert_eq!(refused(&give(&mut core, request, Some(preflight), 3)), Some(Refusal::Stale));
    assert_eq!(state(&core), State::Diagnosing);
}

#[test]
fn a_command_that_arrives_too_late_is_refused() {
    let (mut core, plan) = asked(Risk::Medium, two_steps());
    let mut request = decide(&plan, Decision::Approve, Gesture::Chord, mira());
    request.not_after = Some(at(3));
    let accepted = give(&mut core, request, Some(Preflight::default()), 4);
    assert_eq!(refused(&accepted), Some(Refusal::Expired));
}

#[test]
fn an_engine_that_does_not_drive_approves_nothing() {
    let (mut core, plan) = asked(Risk::Medium, two_steps());
    core.set_role(Role::Observing { why: "another drives".into() });
    assert_eq!(refused(&approve(&mut core, &plan, 3)), Some(Refusal::Unavailable));
}

#[test]
fn nothing_is_approved_or_started_while_everything_is_stopped() {
    let (mut core, plan) = asked(Risk::Medium, two_steps());
    core.accept(Input::StopSeen { by: "kubectl".into(), reason: "drill".into() }, at(3));
    assert_eq!(refused(&approve(&mut core, &plan, 4)), Some(Refusal::NotPermitted));
}

#[test]
fn a_stop_holds_before_the_next_operation_until_it_is_lifted_by_the_clusters_name() {
    let (mut core, _) = running(two_steps());
    core.accept(Input::StopSeen { by: "kubectl".into(), reason: "drill".into() }, at(5));
    end(&mut core, applied(), 6);
    assert!(sending(&core, JobKind::Send, 7).is_none(), "step 2 must not be sent");
    let start = |cluster: &str| Request {
        command: Command::Start { cluster: cluster.into(), reason: "over".into() },
        by: mira(),
        not_after: None,
    };
    assert_eq!(refused(&give(&mut core, start("prod-eu2"), None, 8)), Some(Refusal::Invalid));
    assert!(sending(&core, JobKind::Send, 9).is_none());
    assert_eq!(refused(&give(&mut core, start("prod-eu1"), None, 10)), None);
    assert!(sending(&core, JobKind::Send, 11).is_some());
}

#[test]
fn another_cluster_behind_the_connection_stops_all_writes() {
    let (mut core, _) = running(two_steps());
    core.accept(Input::IdentityMismatch { found: "c-2".into() }, at(5));
    assert!(core.due(at(6)).is_empty());
}

#[test]
fn steps_run_in_order_and_each_operation_once() {
    let (mut core, _) = running(two_steps());
    let first = sending(&core, JobKind::Send, 5).expect("step 1");
    assert_eq!(first.path, StepPath::new("1"));
    end(&mut core, applied(), 5);
    let second = sending(&core, JobKind::Send, 6).expect("step 2");
    assert_eq!(second.path, StepPath::new("2"));
    assert_ne!(first.attempt, second.attempt);
    end(&mut core, applied(), 6);
    assert_eq!(state(&core), State::Verifying);
}

#[test]
fn a_failed_step_undoes_what_was_done_in_reverse_and_skips_the_rest() {
    let mut steps = two_steps();
    steps.push(patch_step("3", "cart", "c", OnFailure::Undo));
    steps.push(patch_step("4", "cart", "d", OnFailure::Undo));
    let (mut core, _) = running(steps);
    end(&mut core, applied(), 5);
    end(&mut core, applied(), 6);
    let no = AttemptOutcome::Refused { why: "admission".into(), retryable: false, passing: None };
    end(&mut core, no, 7);
    assert_eq!(state(&core), State::Undoing);
    let never = core.remediation(&id("case")).and_then(|case| case.execution.clone());
    let never = never.and_then(|run| run.steps.get(&StepPath::new("4")).cloned());
    assert!(matches!(never.map(|step| step.state), Some(StepState::WillNotBeRun { .. })));
    let mut undone = Vec::new();
    for now in 8..10 {
        undone.push(sending(&core, JobKind::Send, now).map(|sending| sending.path));
        end(&mut core, applied(), now);
    }
    assert_eq!(undone, [Some(StepPath::new("2")), Some(StepPath::new("1"))]);
    assert_eq!(state(&core), State::Closed);
}

/// A step that does these operations, each with its undo.
fn step_of(path: &str, operations: Vec<Operation>) -> PlanStep {
    let mut step = patch_step(path, "cart", "a", OnFailure::Undo);
    if let StepKind::Action { operations: planned, .. } = &mut step.kind {
        *planned = operations
            .into_iter()
            .map(|operation| PlannedOperation {
                undo: operation.undo(),
                diff: operation.whole(),
                operation,
                preview: PreviewLabel::Computed,
            })
            .collect();
    }
    step
}

#[test]
fn an_eviction_that_a_budget_holds_back_is_asked_for_again_until_the_steps_time_is_over() {
    let pod = ObjectRef { key: ObjectKey::new("v1", "Pod", "shop", "cart-1"), uid: "u".into() };
    let evict = Operation::Evict { pod, grace_s: None };
    let (mut core, _) = running(vec![step_of("1", vec![evict])]);
    let held = || AttemptOutcome::Held { why: "The disruption budget cart needs 2".into() };
    let mut tries = 0;
    for now in 5..400 {
        core.accept(Input::Wake, at(now));
        if state(&core) == State::Running && sending(&core, JobKind::Send, now).is_some() {
            end(&mut core, held(), now);
            tries += 1;
        }
    }
    // Its five minutes, with a pause between, and far more tries than a refusal gets.
    assert!((8..=32).contains(&tries), "{tries}");
    let case = core.remediation(&id("case")).cloned();
    let step = case.and_then(|case| case.execution.clone()).expect("a run").steps;
    let StepState::TimedOut { why } = &step[&StepPath::new("1")].state else { panic!("{step:?}") };
    assert!(why.contains("The disruption budget cart"), "{why}");
}

#[test]
fn what_a_step_created_is_taken_back_by_the_attempts_that_made_it() {
    let manifest = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "note", "namespace": "shop"}});
    let create = Operation::create(manifest).expect("a name");
    let patch = patch_step("2", "cart", "b", OnFailure::Undo);
    let (mut core, _) = running(vec![step_of("1", vec![create]), patch]);
    end(&mut core, AttemptOutcome::NoAnswer { why: "timeout".into() }, 5);
    let probing = sending(&core, JobKind::Probe, 60).expect("a probe");
    let (path, attempt) = (probing.path.clone(), probing.attempt.clone());
    let probe = Probe::Done("it carries the stamp".into());
    let made = attempt.clone();
    core.accept(Input::Probed { id: id("case"), path, attempt, probe }, at(60));
    let no = AttemptOutcome::Refused { why: "admission".into(), retryable: false, passing: None };
    end(&mut core, no, 61);
    assert_eq!(state(&core), State::Undoing);
    let undo = sending(&core, JobKind::Send, 62).expect("its undo");
    let Operation::Unmake { object, made_by } = undo.operation else { panic!("unmake") };
    assert_eq!((object.name.as_str(), made_by), ("note", vec![made]));
    end(&mut core, applied(), 62);
    assert_eq!(state(&core), State::Closed);
}

#[test]
fn an_operation_without_an_answer_is_looked_at_and_never_sent_blindly_again() {
    let (mut core, _) = running(two_steps());
    end(&mut core, AttemptOutcome::NoAnswer { why: "timeout".into() }, 5);
    assert!(sending(&core, JobKind::Send, 60).is_none());
    let probing = sending(&core, JobKind::Probe, 60).expect("a probe");
    let done = Input::Probed {
        id: id("case"),
        path: probing.path,
        attempt: probing.attempt,
        probe: Probe::Done("annotation".into()),
    };
    core.accept(done, at(60));
    let next = sending(&core, JobKind::Send, 61).expect("step 2");
    assert_eq!(next.path, StepPath::new("2"));
}

#[test]
fn what_was_seen_not_to_have_happened_is_done_again_under_a_new_attempt() {
    let (mut core, _) = running(two_steps());
    end(&mut core, AttemptOutcome::NoAnswer { why: "timeout".into() }, 5);
    let probing = sending(&core, JobKind::Probe, 60).expect("a probe");
    let (path, attempt) = (probing.path.clone(), probing.attempt.clone());
    let probe = Probe::NotDone("the field holds the old value".into());
    core.accept(Input::Probed { id: id("case"), path, attempt, probe }, at(60));
    let again = sending(&core, JobKind::Send, 61).expect("the same step again");
    assert_eq!(again.path, probing.path);
    assert_ne!(again.attempt, probing.attempt);
}

#[test]
fn what_cannot_be_told_goes_to_a_person_and_nothing_more_is_sent() {
    let (mut core, _) = running(two_steps());
    end(&mut core, AttemptOutcome::CantTell { why: "object is gone".into() }, 5);
    let case = core.remediation(&id("case")).expect("it stays until claimed");
    assert_eq!(case.outcome, Some(Outcome::Failed));
    assert!(case.needs_person());
    assert!(core.due(at(60)).is_empty());
}

#[test]
fn after_a_crash_an_open_attempt_is_looked_at_first() {
    let mut events = Vec::new();
    let (mut core, plan) = asked(Risk::Medium, two_steps());
    events.extend(approve(&mut core, &plan, 3).events);
    let before = core.clone();
    let result = Ok((Vec::new(), None));
    let begun =
        core.accept(Input::Begun { id: id("case"), plan: plan.digest.clone(), result }, at(4));
    // Another process folds the same events: it did not send anything itself.
    let mut next = before;
    for recorded in &begun.events {
        next.fold(recorded);
    }
    assert!(sending(&core, JobKind::Send, 5).is_some(), "the one that wrote the intent sends");
    assert!(sending(&next, JobKind::Send, 5).is_none(), "the next one must not");
    assert!(sending(&next, JobKind::Probe, 5).is_some(), "it looks");
}

#[test]
fn siblings_join_the_case_of_their_owner_and_repeats_make_no_events() {
    let mut core = core();
    let owner = target("cart").key;
    take(&mut core, "case", alert("f1", "cart-1"), Some(owner.clone()), 0);
    let sibling = take(&mut core, "other", alert("f2", "cart-2"), Some(owner), 1);
    assert_eq!(sibling.remediation, Some(id("case")));
    assert_eq!(sibling.events.len(), 1);
    assert!(take(&mut core, "third", alert("f2", "cart-2"), None, 2).events.is_empty());
}

#[test]
fn cases_whose_diagnoses_name_one_target_become_one() {
    let mut core = core();
    take(&mut core, "case", alert("f1", "cart-1"), None, 0);
    take(&mut core, "second", alert("f2", "cart-2"), None, 0);
    for name in ["case", "second"] {
        let result = Ok(Box::new(diagnosis("cart")));
        core.accept(Input::Diagnosed { id: id(name), result }, at(1));
    }
    assert!(core.remediation(&id("second")).is_none());
    let case = core.remediation(&id("case")).expect("the first stays");
    assert_eq!(case.alerts.len(), 2);
}

#[test]
fn an_alert_of_another_cluster_is_recorded_and_never_planned_for() {
    let policy = Policy {
        alerts_match: BTreeMap::from([("cluster".to_string(), "prod-eu1".to_string())]),
        ..Policy::default()
    };
    let mut core = Core::new(Settings { policy: Arc::new(policy), ..core().settings });
    let accepted = take(&mut core, "case", alert("f1", "cart-1"), None, 0);
    assert!(matches!(accepted.events[0].event, Event::AlertIgnored { .. }));
    assert!(core.due(at(1)).is_empty());
}

#[test]
fn a_failed_diagnosis_is_tried_again_later_and_noted_once() {
    let mut core = core();
    take(&mut core, "case", alert("f1", "cart-1"), None, 0);
    let failure = JobFailure { why: "503".into(), retryable: true };
    let mut events = 0;
    for now in [1, 20, 60] {
        let result = Err(failure.clone());
        events += core.accept(Input::Diagnosed { id: id("case"), result }, at(now)).events.len();
        assert!(core.due(at(now)).is_empty(), "not at once");
    }
    assert_eq!(events, 1);
    assert_eq!(core.due(at(600)).len(), 1);
}

#[test]
fn a_template_that_never_helps_is_not_run_on_the_same_target_for_ever() {
    let mut core = core();
    for round in 0..4_u64 {
        let mut alert = alert("f1", "cart-1");
        alert.starts_at = at(round * 1_000);
        let now = round * 1_000;
        take(&mut core, "case", alert, None, now);
        let result = Ok(Box::new(diagnosis("cart")));
        core.accept(Input::Diagnosed { id: id("case"), result }, at(now + 1));
        let steps = vec![patch_step("1", "cart", "a", OnFailure::Escalate)];
        let plan = plan("cart", Risk::Medium, steps);
        let result = Ok(Box::new(plan.clone()));
        core.accept(Input::PlanMade { id: id("case"), result, advice: None }, at(now + 2));
        if round == 3 {
            assert_eq!(state(&core), State::Blocked);
            return;
        }
        approve(&mut core, &plan, now + 3);
        let result = Ok((Vec::new(), None));
        core.accept(Input::Begun { id: id("case"), plan: plan.digest, result }, at(now + 4));
        let no = AttemptOutcome::Refused { why: "no".into(), retryable: false, passing: None };
        end(&mut core, no, now + 5);
        let claim = Command::Claim { remediation: id("case") };
        let request = Request { command: claim, by: mira(), not_after: None };
        give(&mut core, request, None, now + 6);
    }
}
