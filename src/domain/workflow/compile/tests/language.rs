//! Every kind of step, nested five templates deep, from text to plan.

use super::*;
use crate::domain::workflow::plan::{Lanes, OnFailure};
use crate::domain::workflow::retry::{Failure, Failures};

const OUTER: &str = r#"
name: outer
version: 1
summary: all there is
parameters:
  - {name: speed, type: string, default: slow, choices: [slow, fast]}
  - {name: most, type: int, default: 2, min: 1, max: 5}
steps:
  - {id: tell, notify: "${target.name} goes ${params.speed}"}
  - {id: ask, approval: {message: "go on with ${string(params.most)}?"}, risk: high, timeout: 20m}
  - id: beside
    at_most: 2
    max_failures: 1
    parallel:
      - {id: deep, subflow: level-1}
      - {id: look, wait_for: {until: object.status.readyReplicas > 0, describe: it runs}, timeout: 5m}
  - id: which
    branch:
      - when: params.speed == 'fast'
        steps: [{id: quick, notify: quick}]
      - when: steps.tell.outcome == 'done'
        steps: [{id: late, notify: late}]
      - else: [{id: other, hand_over: look}]
  - id: each
    for_each:
      items: "= ['a', 'b', 'c']"
      as: one
      batch: 2
      canary: 1
      max_failures: 1
      steps: [{id: say, notify: "${one}"}]
left_if_stopped: something
"#;

fn level(depth: usize) -> String {
    let below = if depth == 5 {
        "  - id: act\n    action: restart_workload\n    on_failure: {subflow: level-6, then: escalate}\n    retry: {attempts: 4, backoff: 2s, most: 8s, jitter: 20, on: [passing, failed]}\n    verify: {until: object.status.readyReplicas > 0, describe: it runs again, within: 1m}\n".to_string()
    } else {
        format!("  - {{id: next, subflow: level-{}}}\n", depth + 1)
    };
    let below = if depth == 6 { "  - {id: sorry, notify: it failed}\n".into() } else { below };
    format!("name: level-{depth}\nversion: 1\nsummary: level {depth}\nsteps:\n{below}")
}

fn language(overrides: BTreeMap<String, Value>) -> Setting {
    let mut files = (1..=6).map(|n| (format!("level-{n}.yaml"), level(n))).collect::<Vec<_>>();
    files.push(("outer.yaml".into(), OUTER.into()));
    let library = Library::load(&files);
    assert_eq!(library.problems, Vec::new());
    Setting { library, template: "outer", overrides, ..Setting::default() }
}

#[test]
fn every_kind_of_step_is_planned_five_templates_deep() {
    let plan = language(BTreeMap::new()).plan(&high_memory(), &cluster()).unwrap();
    let lines = plan.all_steps().into_iter().map(|step| {
        let kind = serde_json::to_value(&step.kind).unwrap()["kind"].clone();
        let skipped = step.skipped.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
        format!("{} {} {}{skipped}", step.path, step.id, kind.as_str().unwrap())
    });
    assert_eq!(
        lines.collect::<Vec<_>>(),
        [
            "1 tell notify",
            "2 ask approval",
            "3 beside parallel",
            "3.1 deep subflow",
            "3.1.1 next subflow",
            "3.1.1.1 next subflow",
            "3.1.1.1.1 next subflow",
            "3.1.1.1.1.1 next subflow",
            "3.1.1.1.1.1.1 act steps",
            "3.1.1.1.1.1.1.1 act action",
            "3.1.1.1.1.1.1.2 act-verified wait_for",
            "3.1.1.1.1.1.1.0 level-6 subflow",
            "3.1.1.1.1.1.1.0.1 sorry notify",
            "3.2 look wait_for",
            "4 which branch",
            "4.1 which-1 steps (does not hold: params.speed == 'fast')",
            "4.2 which-2 steps",
            "4.2.1 late notify",
            "4.3 which-3 steps",
            "4.3.1 other hand_over",
            "5 each for_each",
            "5.1 say notify",
            "5.2 say notify",
            "5.3 say notify",
        ]
    );
    let step = |path: &str| {
        let all = plan.all_steps().into_iter();
        all.into_iter().find(|step| step.path.as_str() == path).expect("the step").clone()
    };
    let StepKind::Approval { message, risk } = step("2").kind else { panic!("it asks") };
    assert_eq!((message.as_str(), risk, step("2").timeout_s), ("go on with 2?", Risk::High, 1_200));
    let StepKind::Parallel { lanes, .. } = step("3").kind else { panic!("at once") };
    assert_eq!(lanes, Lanes { at_most: 2, canary: 0, max_failures: 1 });
    let StepKind::ForEach { lanes, .. } = step("5").kind else { panic!("for each") };
    assert_eq!(lanes, Lanes { at_most: 2, canary: 1, max_failures: 1 });
    let act = step("3.1.1.1.1.1.1.1");
    assert_eq!((act.attempts, act.retry.backoff_s, act.retry.most_s), (4, 2, 8));
    assert_eq!(act.retry.on, Failures::of(&[Failure::Passing, Failure::Failed]));
    assert_eq!(step("3.1.1.1.1.1.1").on_failure, OnFailure::Escalate);
    let StepKind::Notify { message } = step("1").kind else { panic!("it tells") };
    assert_eq!(message, "ledger-api goes slow");
}

#[test]
fn a_value_that_is_none_of_the_choices_makes_no_plan() {
    let with = |speed: &str| {
        let overrides = BTreeMap::from([("speed".to_string(), json!(speed))]);
        language(overrides)
            .plan(&high_memory(), &cluster())
            .map(|plan| plan.params["speed"].clone())
    };
    assert_eq!(with("fast"), Ok(json!("fast")));
    assert_eq!(
        with("warp").unwrap_err(),
        "template outer, parameter speed: \"warp\" is none of its choices: slow, fast"
    );
}

#[test]
fn what_is_usual_leaves_no_trace_in_a_plan_so_that_digests_of_older_ones_stay_true() {
    let plan = Setting::default().plan(&high_memory(), &cluster()).unwrap();
    let text = serde_json::to_string(&plan).unwrap();
    assert!(!text.contains("passing"), "{text}");
}
