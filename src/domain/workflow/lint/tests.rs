use super::lint;
use crate::domain::workflow::template::Library;
use std::sync::LazyLock;

/// A template that has nothing wrong, to put mistakes into.
const GOOD: &str = r#"name: mine
version: 1
summary: raises a limit
match:
  pattern: high-memory
  causes: [limit-too-small]
  when: has(diagnosis.container)
  not_when:
    - cel: diagnosis.confidence < 0.5
      why: too unsure
parameters:
  - name: limit
    type: quantity
    default: 1Gi
    min: 1Mi
    max: 2Gi
    describe: the limit
steps:
  - id: raise
    title: raise ${target.name}
    action: set_resources
    with:
      container: = diagnosis.container
      memory_limit: = params.limit
    timeout: 1m
    attempts: 3
  - id: wait
    wait_for:
      describe: rolled out
      until: |
        object.status.replicas > 0 &&
        object.spec.replicas > 0
verify:
  effective_when:
    - describe: ready
      cel: after.ready >= before.ready && after.measures.rate < 1.0
  regressed_when:
    - describe: worse
      cel: after.ready < before.ready
  measures:
    - name: rate
      unit: 1/s
      promql: rate(errors{pod=~"${target.name}-.*"}[5m])
  undo_on_regression: true
left_if_stopped: a higher limit
"#;

static SHIPPED: LazyLock<Library> = LazyLock::new(|| Library::load(&[]));

fn found(text: &str) -> Vec<String> {
    lint("mine.yaml", text, &SHIPPED)
        .into_iter()
        .map(|p| {
            let hint = if p.suggestion.is_empty() {
                String::new()
            } else {
                format!(" ({})", p.suggestion)
            };
            format!("{}:{}: {}{hint}", p.line, p.column, p.message)
        })
        .collect()
}

/// What lint finds when `from` is replaced by `to`.
fn with(from: &str, to: &str) -> Vec<String> {
    assert_eq!(GOOD.matches(from).count(), 1, "`{from}` must be there once");
    found(&GOOD.replace(from, to))
}

#[test]
fn a_good_template_and_all_shipped_ones_have_nothing() {
    assert_eq!(found(GOOD), Vec::<String>::new());
    let library = &*SHIPPED;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/templates");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(lint(&file, &text, library), Vec::new());
        count += 1;
    }
    assert_eq!(count, library.templates.len(), "every file in the folder is shipped");
}

#[test]
#[allow(clippy::too_many_lines)] // a table
fn each_mistake_is_found_at_its_line_and_column() {
    let cases: &[(&str, &str, &str)] = &[
        // YAML
        ("attempts: 3", "attempts: [3", "27:7: this is no YAML that a template may be: "),
        (
            "attempts: 3",
            "attempts: 3\n    attempts: 4",
            "27:5: this is no YAML that a template may be: ",
        ),
        // unknown keys
        ("timeout: 1m", "timout: 1m", "25:5: a step knows no `timout` (did you mean `timeout`?)"),
        ("summary: raises", "sumary: raises", "1:1: a template has no `summary`"),
        ("      why: too unsure", "      becuase: x", "9:7: an entry of `not_when` has no `why`"),
        (
            "    unit: 1/s",
            "    unit: 1/s\n      label: x",
            "43:7: a measure knows no `label` (it knows name, promql, unit)",
        ),
        // types and words
        ("version: 1", "version: one", "2:10: `version` is a whole number from 1 to 1000000"),
        (
            "timeout: 1m",
            "timeout: soon",
            "25:14: `timeout`: `soon` is no duration: write 30s, 5m, 2h or 1d",
        ),
        ("attempts: 3", "attempts: 0", "26:15: `attempts` is a whole number from 1 to 20"),
        (
            "attempts: 3",
            "on_failure: undoo",
            "26:17: `on_failure` can't be `undoo` (did you mean `undo`?)",
        ),
        (
            "undo_on_regression: true",
            "undo_on_regression: maybe",
            "44:23: `undo_on_regression` is true or false",
        ),
        (
            "pattern: high-memory",
            "pattern: hi-memory",
            "5:12: `pattern` can't be `hi-memory` (did you mean `high-memory`?)",
        ),
        (
            "[limit-too-small]",
            "[limit-to-small]",
            "6:12: `causes` can't be `limit-to-small` (did you mean `limit-too-small`?)",
        ),
        ("type: quantity", "type: size", "13:11: `type` can't be `size`"),
        ("default: 1Gi", "default: lots", "14:14: `default`: \"lots\" is no quantity"),
        // limits that can't hold
        ("min: 1Mi", "min: 4Gi", "16:10: `min` is above `max`: no value can hold"),
        ("default: 1Gi", "default: 4Gi", "16:10: `default` is above `max`"),
        ("default: 1Gi", "default: 1Ki", "15:10: `default` is below `min`"),
        // CEL
        ("has(diagnosis.container)", "has(diagnosis.container) &&", "7:36: CEL: "),
        (
            "has(diagnosis.container)",
            "has(diagnosis.contaner)",
            "7:13: `diagnosis` has no `contaner` (did you mean `container`?)",
        ),
        (
            "diagnosis.confidence < 0.5",
            "params.limit == '1Gi'",
            "9:12: there is no `params` here, only diagnosis, target",
        ),
        (
            "= params.limit",
            "= params.limt",
            "24:23: `params` has no `limt` (did you mean `limit`?)",
        ),
        (
            "= params.limit",
            "= quantiy(params.limit)",
            "24:23: CEL: there is no function `quantiy`; did you mean `quantity`?",
        ),
        (
            "raise ${target.name}",
            "raise ${target.nam}",
            "20:20: `target` has no `nam` (did you mean `name`?)",
        ),
        ("raise ${target.name}", "raise ${target.name", "20:20: CEL: `${` is not closed by `}`"),
        (
            "        object.spec.replicas > 0",
            "        objekt.spec.replicas > 0",
            "32:9: there is no `objekt` here, only object, since, now (did you mean `object`?)",
        ),
        ("object.spec.replicas > 0", "object.spec.replicas >> 0", "32:31: CEL: "),
        (
            "after.measures.rate < 1.0",
            "after.measures.rte < 1.0",
            "36:43: `after.measures` has no `rte` (did you mean `rate`?)",
        ),
        (
            "cel: after.ready < before.ready",
            "cel: after.reddy < before.ready",
            "39:12: `after` has no `reddy` (did you mean `ready`?)",
        ),
        (
            "pod=~\"${target.name}-.*\"",
            "pod=~`${target.name}-.*`",
            "43:35: `${…}` in PromQL has to stand inside double quotes",
        ),
        // catalogue
        (
            "action: set_resources",
            "action: set_resource",
            "21:13: the catalogue has no action `set_resource` (did you mean `set_resources`?)",
        ),
        (
            "memory_limit: = params.limit",
            "memory_limt: = params.limit",
            "24:7: set_resources has no parameter `memory_limt` (did you mean `memory_limit`?)",
        ),
        (
            "memory_limit: = params.limit",
            "memory_limit: 12",
            "24:7: `memory_limit`: 12 can't be meant; write 1Mi to 64Ti",
        ),
        (
            "container: = diagnosis.container",
            "cpu_limit: 1",
            "21:13: set_resources needs `with.container`",
        ),
        // steps
        ("id: wait", "id: raise", "27:9: there are two steps `raise`"),
        (
            "id: wait",
            "id: Wait Here",
            "27:9: `Wait Here` can't be an id (use a to z, 0 to 9 and -, a letter first)",
        ),
        (
            "    wait_for:",
            "    paralel:",
            "27:5: the step does nothing (give it one of action, wait_for, subflow, steps, parallel, for_each, branch, approval, notify, hand_over)",
        ),
        (
            "    attempts: 3",
            "    hand_over: now",
            "26:5: a step has one of action, wait_for, subflow, steps, parallel, for_each, branch, approval, notify, hand_over",
        ),
        ("      until: |", "      unitl: |", "29:7: `wait_for` has no `until`"),
    ];
    let mut wrong = Vec::new();
    for (from, to, expected) in cases {
        let problems = with(from, to);
        if !problems.iter().any(|problem| problem.starts_with(expected)) {
            wrong.push(format!("`{to}`: wanted {expected}\ngot {problems:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_missing_as_a_whole_is_said() {
    let without = GOOD.split("verify:").next().unwrap().to_string() + "left_if_stopped: x\n";
    assert_eq!(
        found(&without),
        [
            "1:1: the template changes the cluster and does not say how success is judged (add `verify` with `effective_when`)"
        ]
    );
    assert_eq!(
        with("left_if_stopped: a higher limit\n", ""),
        [
            "1:1: the template does not say what is left if it is stopped half-way (add `left_if_stopped`)"
        ]
    );
    assert_eq!(
        with("  undo_on_regression: true\n", ""),
        [
            "34:3: `verify` does not say whether a change that made things worse is undone by itself (add `undo_on_regression`)"
        ]
    );
    assert_eq!(found(""), ["1:1: the file is empty"]);
    assert_eq!(found("- a\n"), ["1:1: a template is a mapping, not a list"]);
}

#[test]
fn odd_things_are_found_in_templates_that_load() {
    let library = Library::load(&[("mine.yaml".into(), GOOD.replace("= params.limit", "1Gi"))]);
    assert!(library.problems.is_empty(), "{:?}", library.problems);
    assert_eq!(with("= params.limit", "1Gi"), ["12:5: nothing uses `params.limit`"]);
    assert_eq!(
        with("default: 1Gi", "default: = format_bytes(diagnosis.values.memory_limit_byte)"),
        [
            "14:29: no rule is known to give `diagnosis.values.memory_limit_byte` (did you mean `memory_limit_bytes`?)"
        ]
    );
    assert_eq!(
        with("  - id: wait\n", "  - id: stop\n    hand_over: look at it\n  - id: wait\n"),
        [
            "29:5: step `wait` never runs: it comes after a hand-over (give the hand-over a `when` or `then: continue`, or take the step out)"
        ]
    );
    assert_eq!(
        with("  - id: wait\n", "  - id: again\n    action: restart_workload\n  - id: wait\n"),
        [
            "27:5: restart_workload can't be undone, and the step undoes when it fails (write `on_failure: escalate`)"
        ]
    );
}

#[test]
fn calls_of_other_templates_are_checked() {
    let call =
        |name: &str, with: &str| with_step(&format!("  - id: call\n    subflow: {name}\n{with}"));
    assert_eq!(call("collect-diagnostics", ""), Vec::<String>::new());
    assert_eq!(
        call("collect-diagnostic", ""),
        ["28:14: there is no template `collect-diagnostic` (did you mean `collect-diagnostics`?)"]
    );
    assert_eq!(
        call("high-memory", "    with:\n      facter: 2\n"),
        ["30:7: `high-memory` has no parameter `facter` (did you mean `factor`?)"]
    );
    assert_eq!(
        call("high-memory", "    with:\n      factor: much\n"),
        ["30:7: `factor`: \"much\" is no number"]
    );
    assert_eq!(call("mine", ""), ["28:14: subflows call each other in a circle: mine → mine"]);
}

fn with_step(step: &str) -> Vec<String> {
    with("  - id: wait\n", &format!("{step}  - id: wait\n"))
}

#[test]
fn noise_is_answered_and_never_panics() {
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let chars = GOOD.chars().collect::<Vec<_>>();
    let library = &*SHIPPED;
    for _ in 0..150 {
        let mut text = chars.clone();
        for _ in 0..3 {
            let (from, to) = (random(text.len()), random(text.len()));
            match random(3) {
                0 => text[from] = ['"', '{', '&', '*', '\t', '|', 'é', '$'][random(8)],
                1 => text.swap(from, to),
                _ => text.truncate(from.max(10)),
            }
        }
        let text = text.into_iter().collect::<String>();
        for problem in lint("noise", &text, library) {
            assert!(problem.line >= 1 && problem.column >= 1, "{problem:?}");
            assert!(problem.line <= text.lines().count() + 1, "{problem:?}");
        }
    }
}

#[test]
fn types_that_can_not_be_are_found_at_their_line_and_column() {
    let cases: &[(&str, &str, &str)] = &[
        (
            "has(diagnosis.container)",
            "diagnosis.confidence > '0.5'",
            "7:9: a number can't be compared with a text (make a number of it: quantity(…) for 512Mi, else int(…))",
        ),
        (
            "has(diagnosis.container)",
            "diagnosis.container == 1",
            "7:9: a text is never equal to a number (make a number of it: quantity(…) for 512Mi, else int(…))",
        ),
        (
            "has(diagnosis.container)",
            "diagnosis.container",
            "7:9: `when` is a condition; this gives a text (compare it with something)",
        ),
        (
            "has(diagnosis.container)",
            "has(diagnosis.container) && target.name",
            "7:37: `&&` takes true or false, not a text (compare it with something)",
        ),
        (
            "has(diagnosis.container)",
            "diagnosis.cause == 'limit-to-small'",
            "7:28: `diagnosis.cause` is never `limit-to-small` (did you mean `limit-too-small`?)",
        ),
        (
            "has(diagnosis.container)",
            "quantity(diagnosis.confidence) > 3",
            "7:18: `quantity` takes a text, not a number (make a text of it: string(…))",
        ),
        (
            "has(diagnosis.container)",
            "has(diagnosis.container) && 'a' in diagnosis.container",
            "7:44: `in` looks into a list or a mapping, not a text (write text.contains(…))",
        ),
        (
            "raise ${target.name}",
            "raise ${target.name + 1}",
            "20:20: `+` can't join a text and a number (make texts of both: string(…))",
        ),
        (
            "cel: after.ready < before.ready",
            "cel: after.ready - before.ready",
            "39:12: `cel` is a condition; this gives a number (compare it with something)",
        ),
        (
            "cel: after.ready < before.ready",
            "cel: after.exists < before.ready",
            "39:12: true or false can't be compared with a number (compare it with something)",
        ),
        (
            "    default: 1Gi\n    min: 1Mi\n    max: 2Gi",
            "    default: = diagnosis.evidence",
            "14:14: `default` of a quantity can't be a list",
        ),
    ];
    let mut wrong = Vec::new();
    for (from, to, expected) in cases {
        let problems = with(from, to);
        if !problems.iter().any(|problem| problem == expected) {
            wrong.push(format!("`{to}`: wanted {expected}\ngot {problems:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn conditions_that_are_always_or_never_true_are_odd() {
    let when = |cel: &str| with("has(diagnosis.container)", cel);
    assert_eq!(when("1 < 2"), ["7:9: `when` is always true (leave it out)"]);
    let never = "7:9: `when` is never true: what it guards never runs (mend it, or take it out)";
    assert_eq!(when("has(diagnosis.container) && false"), [never]);
    assert_eq!(when("target.kind == 'Pod' && target.kind == 'Node'"), [never]);
    assert_eq!(
        when("has(diagnosis.container) && true"),
        ["7:37: this part is always true (take it out)"]
    );
    assert_eq!(
        when("diagnosis.confidence <= 1.0"),
        ["7:9: `when` is always true (leave it out)", "7:9: this is always true, by its limits"]
    );
    assert_eq!(
        with("after.measures.rate < 1.0", "1 == 1"),
        ["36:43: this part is always true (take it out)"]
    );
    assert_eq!(
        with("cel: after.ready < before.ready", "cel: 2 < 1"),
        ["39:12: `cel` is never true (mend it, or take it out)"]
    );
    for fine in ["size(diagnosis.evidence) > 0", "diagnosis.values.x == 1", "target.kind != 'Pod'"]
    {
        let found = when(fine);
        assert!(
            !found.iter().any(|one| one.contains("always") || one.contains("never")),
            "{found:?}"
        );
    }
}

#[test]
fn arms_that_are_never_reached_are_odd() {
    let branch = |first: &str, second: &str| {
        with_step(&format!(
            "  - id: which\n    branch:\n      - when: {first}\n        steps:\n          - {{id: a, notify: one}}\n      - when: {second}\n        steps:\n          - {{id: b, notify: two}}\n"
        ))
    };
    assert_eq!(branch("target.kind == 'Pod'", "target.kind == 'Node'"), Vec::<String>::new());
    assert_eq!(
        branch("target.kind == 'Pod'", "target.kind  ==  'Pod'"),
        [
            "32:9: this arm is never reached: the one in line 29 has its condition (mend its `when`, or take it out)"
        ]
    );
    assert_eq!(
        branch("1 < 2", "target.kind == 'Pod'"),
        [
            "29:15: `when` is always true (leave it out)",
            "32:9: this arm is never reached: the one in line 29 always holds (mend that one's `when`)",
        ]
    );
    assert_eq!(
        branch("params.limit == '1Gi'", "steps.raise.outcome == 'finished'"),
        [
            "32:38: `steps.raise.outcome` is never `finished` (it is one of pending, running, waiting, asked, done, failed, timed_out, unknown, skipped, will_not_be_run, undoing, undone, undo_failed)"
        ]
    );
}

#[test]
fn choices_of_parameters_are_held_everywhere() {
    let choose = |more: &str| {
        with(
            "    default: 1Gi\n    min: 1Mi\n    max: 2Gi",
            &format!("    default: 1Gi\n    choices: [512Mi, 1Gi]{more}"),
        )
    };
    assert_eq!(choose(""), Vec::<String>::new());
    assert_eq!(choose("\n    min: 1Mi"), ["15:5: `choices` stands beside `min`"]);
    let other = |choices: &str| {
        with(
            "    default: 1Gi\n    min: 1Mi\n    max: 2Gi",
            &format!("    default: 1Gi\n    {choices}"),
        )
    };
    assert_eq!(
        other("choices: [512Mi, 2Gi]"),
        ["14:14: `default` is none of the `choices` (it is one of 512Mi, 2Gi)"]
    );
    assert_eq!(
        other("choices: [1Gi, lots]"),
        ["15:20: `choices`: \"lots\" is no quantity (write 512Mi or 250m)"]
    );
    assert_eq!(other("choices: []"), ["15:14: `choices` is empty: no value can hold"]);
    let chosen = GOOD
        .replace(
            "    default: 1Gi\n    min: 1Mi\n    max: 2Gi",
            "    default: 1Gi\n    choices: [512Mi, 1Gi]",
        )
        .replace(
            "has(diagnosis.container)",
            "has(diagnosis.container) && target.kind == 'Deployment'",
        )
        .replace("    attempts: 3\n", "    attempts: 3\n    when: params.limit == '3Gi'\n");
    assert_eq!(found(&chosen), ["26:27: `params.limit` is never `3Gi` (did you mean `1Gi`?)"]);
    let caller = format!(
        "name: caller\nversion: 1\nsummary: calls\nsteps:\n  - id: call\n    subflow: mine\n    with:\n      limit: {}\n",
        "3Gi"
    );
    let library = Library::load(&[(
        "mine.yaml".into(),
        chosen.replace("    when: params.limit == '3Gi'\n", ""),
    )]);
    let problems = lint("caller.yaml", &caller, &library);
    let messages = problems.iter().map(|one| one.message.as_str()).collect::<Vec<_>>();
    assert_eq!(messages, ["`limit`: \"3Gi\" is none of its choices: 512Mi, 1Gi"]);
    let library = Library::load(&[("mine.yaml".into(), GOOD.into())]);
    let problems = lint("caller.yaml", &caller, &library);
    let messages = problems.iter().map(|one| one.message.as_str()).collect::<Vec<_>>();
    assert_eq!(messages, ["`limit`: \"3Gi\" is above its max \"2Gi\""]);
}

#[test]
fn times_that_can_not_hold_are_odd() {
    let wait = "wait_for: {until: object.x == 1, describe: x, object: target}";
    let block = |timeout: &str| {
        with_step(&format!(
            "  - id: both\n    timeout: {timeout}\n    steps:\n      - {{id: w-one, timeout: 10m, {wait}}}\n      - {{id: w-two, timeout: 5m, {wait}}}\n"
        ))
    };
    assert_eq!(block("15m"), Vec::<String>::new());
    assert_eq!(
        block("14m"),
        [
            "27:5: step `both` has 14m, and the waits in it may take 15m (write `timeout: 15m`, or shorten the waits)"
        ]
    );
    assert_eq!(
        with_step("  - id: call\n    timeout: 1m\n    subflow: wait-for-rollout\n").len(),
        1,
        "the waits of a called template count"
    );
    assert_eq!(
        with("attempts: 3", "retry: {attempts: 4, backoff: 30s, most: 5m, jitter: 10}"),
        [
            "19:5: step `raise` has 1m, and the pauses between 4 tries alone take 189s (fewer `attempts`, a shorter `backoff` or a longer `timeout`)"
        ]
    );
    assert_eq!(with("attempts: 3", "retry: {attempts: 3, backoff: 5s}"), Vec::<String>::new());
}

#[test]
fn what_is_tried_again_is_one_of_the_kinds_of_failure() {
    assert_eq!(
        with("attempts: 3", "retry: {attempts: 3, on: [passing, failed]}"),
        Vec::<String>::new()
    );
    assert_eq!(
        with("attempts: 3", "retry: {attempts: 3, on: [passing, refuse]}"),
        ["26:40: `on` can't be `refuse` (did you mean `refused`?)"]
    );
    assert_eq!(
        with("attempts: 3", "retry: {attempts: 3, on: []}"),
        ["26:26: `on` is empty: nothing is tried again (write `attempts: 1`)"]
    );
    assert_eq!(
        with_step("  - id: tell\n    attempts: 2\n    notify: hello\n"),
        [
            "27:5: only an action is tried again: `attempts` has no effect here (put it at the actions, or take it out)"
        ]
    );
}

#[test]
fn what_can_not_be_undone_follows_what_the_step_around_it_says() {
    let inside = |more: &str| {
        with_step(&format!(
            "  - id: around\n{more}    steps:\n      - {{id: again, action: restart_workload}}\n"
        ))
    };
    assert_eq!(inside("    on_failure: escalate\n"), Vec::<String>::new());
    assert_eq!(
        inside(""),
        [
            "29:9: restart_workload can't be undone, and the step undoes when it fails (write `on_failure: escalate`)"
        ]
    );
    assert_eq!(
        with_step(
            "  - id: around\n    steps:\n      - {id: stop, hand_over: look}\n      - {id: more, notify: x}\n"
        ),
        [
            "30:9: step `more` never runs: it comes after a hand-over (give the hand-over a `when` or `then: continue`, or take the step out)",
            "31:5: step `wait` never runs: it comes after a hand-over (give the hand-over a `when` or `then: continue`, or take the step out)",
        ]
    );
}
