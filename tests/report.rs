//! Reports: the fold of a case and its events, and its three forms.

#![allow(
    clippy::collapsible_if,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may end loudly"
)]

use pilothouse::assemble::demo::{DemoOptions, Play, play};
use pilothouse::assemble::running::runtime;
use pilothouse::assemble::without_engine::only_log;
use pilothouse::cli::export::every;
use pilothouse::cli::reading::Log;
use pilothouse::domain::advice::{Advice, Exchange, Filled, Made, Ranked, Source, Tokens};
use pilothouse::domain::alert::{Alert, AlertStatus};
use pilothouse::domain::approval::{Approval, Decision, Gesture, Preflight};
use pilothouse::domain::diagnosis::{Cause, Diagnosis, Disposition, MadeBy, Pattern};
use pilothouse::domain::event::{Event, Outcome, Recorded};
use pilothouse::domain::evidence::{Bearing, Fact, Read};
use pilothouse::domain::id::{
    AttemptId, ClusterId, ExecutionId, Fingerprint, PlanDigest, RemediationId, StepPath,
};
use pilothouse::domain::operation::{DiffLine, FieldChange, Operation, PreviewLabel};
use pilothouse::domain::principal::{KubeIdentity, Principal, Transport};
use pilothouse::domain::remediation::Remediation;
use pilothouse::domain::report::{Context, Report};
use pilothouse::domain::resource::{FieldPath, ObjectKey, ObjectRef};
use pilothouse::domain::time::{Timestamp, plus};
use pilothouse::domain::verdict::{Judgement, Sample, Verdict, WorkloadSample};
use pilothouse::domain::workflow::execution::{AttemptOutcome, Direction, StepState};
use pilothouse::domain::workflow::plan::{
    ActionClass, Blast, Plan, PlanStep, PlannedOperation, Risk, StepKind, TemplateRef, Verification,
};
use pilothouse::export::schema::Schema;
use pilothouse::export::{html, json, markdown, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const DIGEST: &str = "9c41e70b00000000000000000000000000000000000000000000000000000000";

fn at(second: u64) -> Timestamp {
    plus("2026-11-21T02:01:12Z".parse().unwrap(), second)
}

fn target() -> ObjectRef {
    ObjectRef {
        key: ObjectKey::new("apps/v1", "Deployment", "payments", "ledger-api"),
        uid: "0f9d".into(),
    }
}

fn mira() -> Principal {
    Principal {
        os_user: "mira".into(),
        uid: 1000,
        kube: Some(KubeIdentity { username: "mira@corp".into(), groups: Vec::new() }),
        host: "10.20.4.17".into(),
        tty: "pts/3".into(),
        via: Transport::Console,
    }
}

fn alert(name: &str) -> Alert {
    Alert {
        fingerprint: Fingerprint::new("cf712301548eb2b4"),
        status: AlertStatus::Firing,
        labels: BTreeMap::from([
            ("alertname".into(), name.to_string()),
            ("namespace".into(), "payments".into()),
            ("pod".into(), "ledger-api-1".into()),
        ]),
        annotations: BTreeMap::new(),
        starts_at: at(0),
        ends_at: None,
    }
}

fn diagnosis(summary: &str) -> Diagnosis {
    Diagnosis {
        pattern: Pattern::HighMemory,
        cause: Cause::LimitTooSmall,
        target: Some(target()),
        container: Some("app".into()),
        confidence: 0.91,
        made_by: MadeBy::Rules,
        evidence: vec![Fact {
            id: "oom-killed".into(),
            text: "4 OOMKilled in 30m | exit 137".into(),
            source: "Pod/ledger-api-1 .status".into(),
            bearing: Bearing::For,
            at: Some(at(0)),
        }],
        weighed: Vec::new(),
        values: BTreeMap::new(),
        disposition: Disposition::Remediate,
        summary: summary.into(),
        at: at(5),
        reads: None,
    }
}

fn patch() -> Operation {
    let path = FieldPath::keys(&["spec", "template", "spec", "containers"])
        .named("app")
        .key("resources")
        .key("limits")
        .key("memory");
    Operation::Patch {
        object: target(),
        subresource: String::new(),
        changes: vec![FieldChange {
            path,
            before: Some(json!("512Mi")),
            after: Some(json!("768Mi")),
        }],
        guards: Vec::new(),
    }
}

fn step(path: &str, title: &str, operation: Operation) -> PlanStep {
    let diff = match &operation {
        Operation::Patch { .. } => vec![DiffLine {
            path: "limits.memory".into(),
            before: Some("512Mi".into()),
            after: Some("768Mi".into()),
        }],
        other => other.whole(),
    };
    let undo = operation.undo();
    let kind = StepKind::Action {
        action: if undo.is_some() { "set_resources" } else { "collect_diagnostics" }.into(),
        target: target().key,
        params: BTreeMap::from([("memory".to_string(), json!("768Mi"))]),
        class: ActionClass::Limits,
        operations: vec![PlannedOperation {
            operation,
            diff,
            preview: PreviewLabel::PreviewedByServer,
            undo,
        }],
    };
    let plain = PlanStep::plain(StepPath::new(path), title.replace(' ', "-"), title.into(), kind);
    PlanStep { timeout_s: 60, attempts: 3, ..plain }
}

fn plan() -> Plan {
    let reference =
        TemplateRef { name: "high-memory".into(), version: 3, digest: "c81f40aa".repeat(8) };
    let raise = PlanStep {
        kind: StepKind::Subflow {
            template: reference.clone(),
            steps: vec![step("2.1", "raise memory limit", patch())],
        },
        ..step("2", "change", Operation::collect(Vec::new()))
    };
    let logs = Read::Logs {
        namespace: "payments".into(),
        pod: "ledger-api-1".into(),
        container: "app".into(),
        previous: true,
        tail_lines: 100,
    };
    Plan {
        digest: PlanDigest::new(DIGEST),
        cluster: ClusterId::new("5e1f"),
        target: Some(target()),
        pattern: Pattern::HighMemory,
        cause: Cause::LimitTooSmall,
        template: reference,
        params: BTreeMap::new(),
        title: "raise memory limit of app 512Mi → 768Mi".into(),
        risk: Risk::High,
        risk_why: vec!["protected namespace payments: medium → high".into()],
        steps: vec![step("1", "capture diagnostics", Operation::collect(vec![logs])), raise],
        undo: "patch back; the pods restart again".into(),
        blast: Blast { pods: 6, services: vec!["ledger".into()], ..Blast::default() },
        verification: Verification {
            settle_s: 300,
            effective_when: Vec::new(),
            regressed_when: Vec::new(),
            measures: Vec::new(),
            undo_on_regression: true,
        },
        managers: Vec::new(),
        left_if_stopped: "nothing".into(),
        expires_s: 900,
        made_at: at(10),
        reads: None,
        recalled: None,
    }
}

fn sample(ready: i64) -> Box<Sample> {
    Box::new(Sample {
        readable: true,
        workload: Some(WorkloadSample {
            desired: 6,
            ready,
            updated_available: ready,
            rolled_out: true,
            restarts: 9,
            crashing: 0,
            oom_killed: 0,
            failed_runs: 0,
        }),
        alerts_firing: -1,
        ..Sample::nothing(at(400))
    })
}

/// A whole life, with the given texts from outside.
fn events(name: &str, summary: &str) -> Vec<Event> {
    let attempt = AttemptId::new("a-1");
    let path = StepPath::new("2.1");
    let approval = Approval {
        plan: PlanDigest::new(DIGEST),
        decision: Decision::Approve,
        by: mira(),
        gesture: Gesture::TypedName,
        reason: String::new(),
        at: at(60),
    };
    vec![
        Event::Opened { alert: alert(name), owner: None },
        Event::Diagnosed { diagnosis: diagnosis(summary) },
        Event::Planned { plan: Box::new(plan()) },
        Event::Decided { approval, preflight: Preflight::default() },
        Event::ExecutionStarted {
            execution: ExecutionId::new("e-1"),
            plan: PlanDigest::new(DIGEST),
            before: Some(sample(4)),
        },
        Event::StepChanged { path: path.clone(), state: StepState::Running, note: String::new() },
        Event::AttemptStarted {
            path: path.clone(),
            attempt: attempt.clone(),
            operation: 0,
            direction: Direction::Forward,
        },
        Event::AttemptEnded {
            path: path.clone(),
            attempt,
            outcome: AttemptOutcome::Applied { note: "resourceVersion 77".into() },
        },
        Event::StepChanged { path, state: StepState::Done, note: String::new() },
        Event::ExecutionEnded { undone: None, succeeded: true, why: "all done".into() },
        Event::Judged {
            judgement: Judgement {
                verdict: Verdict::Effective,
                why: "6 of 6 ready".into(),
                checks: vec![("no OOM kill".into(), "true".into())],
                before: Some(sample(4)),
                after: Some(sample(6)),
            },
        },
        Event::Closed { outcome: Outcome::Effective, why: "6 of 6 ready".into() },
    ]
}

fn fold(events: Vec<Event>, context: &Context) -> Report {
    let id = RemediationId::new("d1xqh7rtv2mkq9fp");
    let recorded = (100..)
        .zip(events)
        .map(|(seq, event)| Recorded {
            seq,
            at: at(seq),
            by: "pilothouse".into(),
            cause: String::new(),
            subject: Some(id.clone()),
            event,
        })
        .collect::<Vec<_>>();
    let Event::Opened { alert, owner } = &recorded[0].event else { panic!("opens first") };
    let cluster = ClusterId::new("5e1f");
    let mut case = Remediation::open(id, cluster, &recorded[0], alert, owner.clone());
    for one in &recorded[1..] {
        case.apply(one);
    }
    Report::of(&case, &recorded, context)
}

fn context() -> Context {
    Context {
        cluster_name: "prod-eu1".into(),
        simulated: None,
        head: Some((48_266, "ab".repeat(32))),
        history: std::sync::Arc::default(),
    }
}

fn whole() -> Report {
    fold(events("KubePodOOMKilled", "the limit is too small"), &context())
}

#[test]
fn the_json_has_the_fields_of_the_contract() {
    let value: Value = serde_json::from_str(&json::document(&whole()).unwrap()).unwrap();
    assert_eq!(value["schema"], "pilothouse/v1");
    assert_eq!(value["id"], "d1xqh7rtv2mkq9fp");
    assert_eq!(value["state"], "closed");
    assert_eq!(value["cluster"], "prod-eu1");
    assert_eq!(
        value["target"],
        json!({
            "api_version": "apps/v1", "kind": "Deployment", "namespace": "payments",
            "name": "ledger-api", "uid": "0f9d",
        })
    );
    assert_eq!(
        (&value["pattern"], &value["cause"]),
        (&json!("high-memory"), &json!("limit-too-small"))
    );
    assert_eq!(value["confidence"], 0.91);
    assert_eq!(value["evidence"][0]["id"], "oom-killed");
    let alert = &value["alerts"][0];
    assert_eq!((&alert["name"], &alert["status"]), (&json!("KubePodOOMKilled"), &json!("firing")));
    assert_eq!(alert["fingerprint"], "cf712301548eb2b4");
    assert_eq!(alert["object"], "payments/Pod/ledger-api-1");
    assert_eq!(
        (&value["template"]["name"], &value["template"]["version"]),
        (&json!("high-memory"), &json!(3))
    );
    assert_eq!(
        (&value["plan"]["digest"], &value["plan"]["risk"]),
        (&json!(DIGEST), &json!("high"))
    );
    let steps = value["plan"]["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 3, "steps of subflows are in the list");
    let raise = &steps[2];
    assert_eq!(
        (&raise["id"], &raise["action"]),
        (&json!("raise-memory-limit"), &json!("set_resources"))
    );
    assert_eq!(raise["params"]["memory"], "768Mi");
    assert_eq!(raise["changes"][0]["object"]["name"], "ledger-api");
    assert_eq!(raise["changes"][0]["diff"][0]["after"], "768Mi");
    assert_eq!(raise["undo"][0]["fields"][0]["after"], "512Mi");
    assert_eq!(steps[0]["undo"], Value::Null, "reading needs no undo");
    assert_eq!(value["approvals"][0]["by"]["os_user"], "mira");
    assert_eq!(value["approvals"][0]["by"]["host"], "10.20.4.17");
    assert_eq!(value["approvals"][0]["gesture"], "typed_name");
    assert_eq!(value["execution"]["state"], "done");
    let run = &value["execution"]["steps"][2];
    assert_eq!((&run["id"], &run["state"]), (&json!("raise-memory-limit"), &json!("done")));
    assert_eq!(run["attempts"][0]["outcome"], "applied");
    assert_eq!(
        (&value["verdict"]["outcome"], &value["verdict"]["why"]),
        (&json!("effective"), &json!("6 of 6 ready"))
    );
    assert_eq!(value["audit"]["first_event"], 100);
    assert_eq!(value["audit"]["last_event"], 111);
    assert_eq!(value["audit"]["head_hash"], "ab".repeat(32));
    for moment in [&value["opened_at"], &value["updated_at"], &value["timeline"][0]["at"]] {
        assert!(moment.as_str().unwrap().ends_with('Z'), "{moment}");
    }
    assert_eq!(value["timeline"].as_array().unwrap().len(), 12, "nothing is left out");
}

#[test]
fn what_is_not_known_is_null_and_a_rejected_case_says_so() {
    let fresh = fold(vec![Event::Opened { alert: alert("A"), owner: None }], &Context::default());
    let value = serde_json::to_value(&fresh).unwrap();
    for field in ["pattern", "cause", "confidence", "plan", "template", "execution", "verdict"] {
        assert_eq!(value[field], Value::Null, "{field}");
    }
    assert_eq!(value["cluster"], "5e1f", "without a name, the uid");
    let mut told = events("A", "b");
    told.truncate(3);
    told.push(Event::Closed { outcome: Outcome::Rejected, why: "rejected by mira: no".into() });
    let value = serde_json::to_value(fold(told, &context())).unwrap();
    assert_eq!(value["outcome"], "rejected");
    assert_eq!(value["verdict"]["outcome"], "rejected");
    assert_eq!(value["verdict"]["why"], "rejected by mira: no");
}

#[test]
fn a_simulated_case_says_so_loudly_in_every_form() {
    let simulated = Context { simulated: Some("scenario night, seed 1".into()), ..context() };
    let report = fold(events("A", "b"), &simulated);
    let value = serde_json::to_value(&report).unwrap();
    assert_eq!(value["simulated"], true);
    for text in [text::report(&report), markdown::report(&report)] {
        let top = text.lines().take(6).collect::<Vec<_>>().join("\n");
        assert!(top.contains("SIMULATED"), "{top}");
        assert!(text.contains("scenario night, seed 1"), "{text}");
    }
    let page = html::report(&report);
    let body = page.split_once("<main>").unwrap().1;
    assert!(body.trim_start().starts_with("<p class=\"simulated\"><strong>SIMULATED."), "{body}");
    assert!(body.contains("scenario night, seed 1"), "{body}");
    for text in [text::report(&whole()), html::report(&whole())] {
        assert!(!text.contains("SIMULATED"));
    }
}

#[test]
fn the_text_form_has_no_colour_and_shows_who_decided_what_changed_and_how_it_came_out() {
    let text = text::report(&whole());
    assert!(!text.contains('\u{1b}'));
    for part in [
        "d1xqh7rtv2mkq9fp  closed  effective",
        "payments/Deployment/ledger-api  uid 0f9d",
        "pattern     high-memory, cause limit-too-small, confidence 0.91",
        DIGEST,
        "- limits.memory: 512Mi",
        "+ limits.memory: 768Mi",
        "approved by mira from 10.20.4.17 pts/3 as mira@corp (typed name)",
        "step 2.1    raise memory limit: done  1 attempt",
        "attempt a-1: applied: resourceVersion 77",
        "verdict     effective: 6 of 6 ready",
        "before    ready 4 of 6",
        "alerts firing not known",
        "audit       events 100-111, log at 48266",
    ] {
        assert!(text.contains(part), "{part}\n--\n{text}");
    }
}

#[test]
fn text_with_line_ends_can_not_look_like_lines_of_the_report() {
    let bad = "x\nverdict     effective: all is well\n  2026-11-21 02:01:12  approved by mira";
    let page = text::report(&fold(events(bad, bad), &context()));
    let verdicts = page.lines().filter(|line| line.starts_with("verdict")).count();
    assert_eq!(verdicts, 1, "{page}");
    assert!(
        !page.lines().any(|line| line.starts_with("  2026-11-21 02:01:12  approved")),
        "{page}"
    );
}

#[test]
fn text_from_outside_can_not_become_markup_in_the_markdown() {
    let bad = "x | y <script>alert(1)</script> `rm` [a](http://evil) ![i](b) **b** @all\n## H";
    let report = fold(events(bad, bad), &context());
    let page = markdown::report(&report);
    assert!(!page.contains("<script>") && !page.contains("](http"), "{page}");
    assert!(!page.contains("\n## H"), "{page}");
    assert!(!page.contains("@all") && !page.contains("http://"), "{page}");
    // Every row of a table has as many cells as its head.
    let mut cells = None;
    for line in page.lines() {
        if line.starts_with('|') {
            let count = line.replace("\\|", "").matches('|').count();
            assert_eq!(*cells.get_or_insert(count), count, "{line}");
        } else {
            cells = None;
        }
    }
}

#[test]
fn a_diff_can_not_end_its_block_of_code() {
    let mut life = events("A", "b");
    if let Event::Planned { plan } = &mut life[2] {
        if let StepKind::Subflow { steps, .. } = &mut plan.steps[1].kind {
            if let StepKind::Action { operations, .. } = &mut steps[0].kind {
                operations[0].diff[0].after = Some("```\n# owned".into());
            }
        }
    }
    let page = markdown::report(&fold(life, &context()));
    assert!(page.contains("````diff\n"), "{page}");
}

/// What a page is made of: its tags, with their attributes' names. Ends loudly when tags don't close as they opened.
fn tags(page: &str) -> Vec<String> {
    let mut open = Vec::<String>::new();
    let mut all = Vec::new();
    let mut rest = page.split_once("</style>").unwrap().1;
    while let Some((_, after)) = rest.split_once('<') {
        let (tag, after) = after.split_once('>').expect("a tag ends");
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            if ["head", "html"].contains(&name) {
                continue;
            }
            assert_eq!(open.pop().as_deref(), Some(name));
            continue;
        }
        let name = tag.split(' ').next().unwrap();
        open.push(name.to_string());
        all.push(name.to_string());
        let names = tag.split('"').step_by(2).skip(usize::from(!tag.contains('"')));
        all.extend(names.flat_map(|part| {
            part.split(' ').filter_map(|word| word.strip_suffix('=').map(|word| format!("@{word}")))
        }));
    }
    assert_eq!(open, Vec::<String>::new(), "all tags are closed");
    all
}

#[test]
fn the_page_has_no_script_no_link_and_nothing_that_is_fetched_whatever_the_texts_hold() {
    let bad = "</td></table><script>alert(1)</script><img src=x onerror=alert(1)> \" onload=\"x\" ' & \
               <a href='http://evil'>\u{202e}x</a> </style></title><!-- javascript:x";
    let harmless = tags(&html::report(&whole()));
    let report = fold(events(bad, bad), &context());
    let page = html::report(&report);
    assert_eq!(tags(&page), harmless, "texts change no tag");
    for tag in ["script", "a", "img", "link", "iframe", "@href", "@src", "@onload", "@style"] {
        assert!(!harmless.contains(&tag.to_string()), "{tag}");
    }
    assert!(page.contains("default-src &#39;none&#39;"), "the page forbids it too");
    assert!(!page.contains('\u{202e}'));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "it is there as text");
}

#[test]
fn the_page_shows_the_verdict_the_change_who_decided_and_what_was_measured() {
    let page = html::report(&whole());
    for part in [
        "<h1>payments/Deployment/ledger-api</h1>",
        "<strong>effective</strong>",
        "<svg class=\"chart\"",
        "<span class=\"gone\">- limits.memory: 512Mi</span>",
        "<span class=\"new\">+ limits.memory: 768Mi</span>",
        "approved",
        "mira",
        "ready pods",
        DIGEST,
        "event 48266",
        "@page",
    ] {
        assert!(page.contains(part), "{part}\n--\n{page}");
    }
    let fresh = fold(vec![Event::Opened { alert: alert("A"), owner: None }], &Context::default());
    let page = html::report(&fresh);
    assert!(page.contains("diagnosing") && !page.contains("<svg"), "nothing is drawn of nothing");
}

/// The schema, as strict as it can be read: a member that it does not name is an error.
fn strict(schema: Schema) -> jsonschema::Validator {
    fn close(value: &mut Value) {
        if let Some(object) = value.as_object_mut() {
            if object.contains_key("properties") {
                object.insert("additionalProperties".into(), false.into());
            }
            object.values_mut().for_each(close);
        } else if let Some(items) = value.as_array_mut() {
            items.iter_mut().for_each(close);
        }
    }
    let mut document = serde_json::from_str::<Value>(schema.text()).unwrap();
    jsonschema::draft202012::meta::validate(&document).expect("a schema itself");
    // Only below the top, whose members are named as those of any object.
    close(&mut document);
    jsonschema::draft202012::new(&document).unwrap()
}

fn objections(validator: &jsonschema::Validator, value: &Value) -> Vec<String> {
    let errors = validator.iter_errors(value);
    errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn all_reports_of_a_night_are_as_their_schema_says_and_hold_no_member_that_it_does_not_name() {
    let (one, period) = (strict(Schema::Remediation), strict(Schema::Period));
    let options = DemoOptions { scenario: Play::Named("night".into()), seed: 1, speed: 1 };
    let runtime = runtime().unwrap();
    let (night, store) = play(&options, "test", &runtime).unwrap();
    let files = runtime.block_on(async {
        let log = Log::over(only_log(store).await.unwrap());
        every(&log, night.ended_at, "scenario night".into()).await.expect("reports")
    });
    let mut seen = 0;
    for (name, text) in
        files.iter().filter(|(name, _)| name.rsplit_once('.').is_some_and(|(_, end)| end == "json"))
    {
        let value = serde_json::from_str::<Value>(text).unwrap();
        let schema = if name.starts_with("period-") { &period } else { &one };
        assert_eq!(objections(schema, &value), Vec::<String>::new(), "{name}");
        seen += 1;
    }
    assert!(seen > 20, "a night has cases: {seen}");
    let fresh = fold(vec![Event::Opened { alert: alert("A"), owner: None }], &Context::default());
    for report in [whole(), fresh] {
        let value = serde_json::to_value(&report).unwrap();
        assert_eq!(objections(&one, &value), Vec::<String>::new());
    }
}

#[test]
fn the_schema_refuses_what_is_no_report() {
    let schema = strict(Schema::Remediation);
    let good = serde_json::to_value(whole()).unwrap();
    for (at, wrong) in [
        ("/state", json!("asleep")),
        ("/opened_at", json!(7)),
        ("/confidence", json!(1.5)),
        ("/plan/risk", json!("none")),
        ("/approvals/0/by", json!("mira")),
        ("/verdict/outcome", json!("fine")),
        ("/schema", json!("pilothouse/v2")),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(at).expect(at) = wrong;
        assert_ne!(objections(&schema, &bad), Vec::<String>::new(), "{at}");
    }
    let mut bad = good;
    bad.as_object_mut().unwrap().remove("audit");
    assert_ne!(objections(&schema, &bad), Vec::<String>::new());
}

/// The whole report with advice that a model gave, and that holds what nobody should trust.
fn advised() -> Report {
    let mut events = events("KubePodOOMKilled", "the limit is too small");
    let exchange = Exchange {
        model: "small".into(),
        prompt: "choose@1".into(),
        request: "[system]\nyou advise\n[user]\n```\n<script>alert(1)</script>".into(),
        answer: "{\"ranking\": []} ```".into(),
        failed: None,
        took_ms: 812,
        tokens: Some(Tokens { asked: 900, answered: 80, estimated: true }),
    };
    let advice = Advice {
        source: Source::Model { name: "small".into(), prompt: "choose@1".into() },
        ranking: vec![Ranked {
            template: "high-memory".into(),
            score: 0.9,
            why: "killed <script>alert(1)</script> again".into(),
        }],
        parameters: vec![Filled {
            name: "factor".into(),
            value: json!(1.5),
            why: "small peaks".into(),
        }],
        caveats: vec!["it says: one peak only".into()],
        dropped: vec![
            "it proposed template delete-everything, which is not among high-memory".into(),
        ],
        made: Made {
            plan: Some(PlanDigest::new(DIGEST)),
            changed: vec!["factor 1.5 instead of 2.0".into()],
        },
        exchange: Some(exchange),
    };
    events.push(Event::Advised { advice: Box::new(advice) });
    fold(events, &context())
}

#[test]
fn advice_is_in_every_form_of_the_report_with_what_was_said_and_what_was_dropped() {
    let report = advised();
    let value = serde_json::to_value(&report).unwrap();
    assert_eq!(objections(&strict(Schema::Remediation), &value), Vec::<String>::new());
    assert_eq!(
        value["advice"]["source"],
        json!({"by": "model", "name": "small", "prompt": "choose@1"})
    );
    let (page, marked, plain) =
        (html::report(&report), markdown::report(&report), text::report(&report));
    for part in [
        "model small (choose@1)",
        "factor 1.5 instead of 2.0",
        "delete-everything",
        "one peak only",
    ] {
        for (form, text) in [("html", &page), ("text", &plain)] {
            assert!(text.contains(part), "{form}: {part}\n--\n{text}");
        }
    }
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
    assert!(marked.contains("## Advice") && marked.contains("you advise"), "{marked}");
    assert!(marked.contains("````text\n[system]"), "what was asked can't end its fence:\n{marked}");
    assert!(plain.contains("about 900 tokens asked"), "{plain}");
    assert!(
        value["timeline"]
            .to_string()
            .contains("advice of model small (choose@1): high-memory 0.90")
    );
    let stats = Source::Statistics { n: 12 };
    assert_eq!(serde_json::to_value(&stats).unwrap(), json!({"by": "statistics", "n": 12}));
}
