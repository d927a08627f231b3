use super::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn variables(value: &Value) -> BTreeMap<String, Value> {
    value.as_object().unwrap().iter().map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn value(source: &str) -> Value {
    let vars = variables(&json!({
        "after": { "ready": 2, "alerts_firing": 0, "rate": 0.5 },
        "before": { "ready": 2 },
        "values": { "peak": 536_870_912_i64, "missing": ["Secret/a", "ConfigMap/b"] },
        "labels": { "b": "2", "a": "1", "c": "3" },
        "pods": [ { "phase": "Running", "restarts": 3 }, { "phase": "Pending" } ],
        "big": 18_446_744_073_709_551_615_u64,
    }));
    eval(source, &vars).unwrap_or_else(|error| panic!("{source}: {error:?}"))
}

fn error(source: &str) -> ExprError {
    let vars = variables(&json!({ "after": { "ready": 2 }, "text": "x", "list": [1] }));
    eval(source, &vars).expect_err(source)
}

#[test]
fn json_goes_in_and_comes_out() {
    assert_eq!(value("after.ready >= before.ready && after.alerts_firing == 0"), json!(true));
    assert_eq!(value("{'b': 1, 'a': [1.5, null, 'x']}"), json!({ "a": [1.5, null, "x"], "b": 1 }));
    assert_eq!(value("after.ready - 3"), json!(-1));
    assert_eq!(value("after.rate < 1"), json!(true));
    assert_eq!(value("double(values.peak) * 1.5"), json!(805_306_368.0));
    assert_eq!(value("big > 1.0"), json!(true));
    assert_eq!(value("pods.filter(p, p.phase == 'Running').size()"), json!(1));
    assert_eq!(value("pods.exists(p, has(p.restarts) && p.restarts > 2)"), json!(true));
}

#[test]
fn maps_are_walked_in_key_order() {
    for _ in 0..20 {
        assert_eq!(value("labels.map(k, labels[k])"), json!(["1", "2", "3"]));
        assert_eq!(value("labels.filter(k, k != 'b')"), json!(["a", "c"]));
    }
}

#[test]
fn the_functions_for_quantities_round_up_and_write_canonically() {
    assert_eq!(value("quantity('512Mi')"), json!(536_870_912_i64));
    assert_eq!(value("cpu('1.5')"), json!(1500));
    assert_eq!(value("format_bytes(quantity('512Mi') * 3 / 2)"), json!("768Mi"));
    assert_eq!(value("round_up(int(double(values.peak) * 1.3), 16777216)"), json!(704_643_072));
    assert_eq!(value("round_up(33, 16)"), json!(48));
    assert_eq!(value("round_up(32, 16)"), json!(32));
    assert_eq!(value("round_up(-1, 16)"), json!(0));
    assert_eq!(value("max(1, 2.5, 2)"), json!(2.5));
    assert_eq!(value("min([3, 2])"), json!(2));
    assert_eq!(value("join(values.missing, ', ')"), json!("Secret/a, ConfigMap/b"));
}

#[test]
fn a_missing_member_is_an_error_at_its_place_and_can_be_guarded() {
    let found = error("after.ready > 1 &&\n  after.gone > 1");
    assert_eq!((found.line, found.column), (2, 8), "{found:?}");
    assert!(found.message.contains("there is no `gone`"), "{found:?}");
    assert_eq!(value("has(after.gone) && after.gone > 1"), json!(false));
    assert_eq!(value("after.?gone.orValue(0)"), json!(0));
    assert_eq!(value("after.?gone.?deeper.orValue('none')"), json!("none"));
    assert_eq!(value("after.?ready.orValue(0)"), json!(2));
}

#[test]
fn errors_say_where_and_what() {
    let at = |source: &str| {
        let found = error(source);
        (found.line, found.column, found.message)
    };
    assert_eq!(at("nothing == 1"), (1, 1, "there is no `nothing` here".into()));
    assert_eq!(at("1 == 1 && text > 1"), (1, 16, "`>` can't be applied to string and int".into()));
    assert_eq!(at(""), (1, 1, "the expression is empty".into()));
    assert_eq!(
        at("1 + quantiy('1')"),
        (1, 5, "there is no function `quantiy`; did you mean `quantity`?".into())
    );
    assert_eq!(at("quantity('1 Gi')").2, "quantity: `1 Gi` is no quantity");
    assert_eq!(at("1 / 0").2, "division by zero");
    let (line, column, message) = at("after.ready >\n  && true");
    assert_eq!((line, column), (2, 3), "{message}");
    assert!(!message.contains('\n'), "{message}");
}

#[test]
fn columns_count_characters() {
    let found = error("text == 'ä€😀' || nothing");
    assert_eq!((found.line, found.column), (1, 18), "{found:?}");
    let found = error("text == 'ä€😀' || ) 1");
    assert_eq!((found.line, found.column), (1, 18), "{found:?}");
}

#[test]
fn holds_wants_a_boolean() {
    let vars = BTreeMap::new();
    assert_eq!(holds("1 < 2", &vars), Ok(true));
    assert!(holds("1 + 2", &vars).unwrap_err().message.contains("neither true nor false"));
}

#[test]
fn check_finds_mistakes_without_variables() {
    assert!(check("after.ready > 0").is_ok());
    assert!(check("after.ready > ").is_err());
    assert!(check("has(after)").is_err());
    assert!(check("pods.exist(p, p.x)").unwrap_err().message.contains("did you mean"));
}

#[test]
fn macros_do_not_nest_but_may_follow_one_another() {
    assert!(check("pods.all(p, p.x.exists(c, c.y))").is_err());
    assert!(check("pods.filter(p, p.x).map(p, p.y)").is_ok());
}

#[test]
fn sources_and_inputs_that_are_too_large_are_refused() {
    assert!(check(&"a".repeat(5_000)).is_err());
    assert!(check(&format!("{}1{}", "(".repeat(300), ")".repeat(300))).is_err());
    assert!(check(&vec!["1"; 1_500].join("+")).is_err());
    assert!(check(&format!("a{}", ".b".repeat(1_500))).is_err());
    assert!(check(&format!("{}a", "!".repeat(2_001))).is_err());
    assert!(check(&format!("{}1{}", "[".repeat(200), "]".repeat(200))).is_err());
    // The longest that are allowed do not exhaust the stack.
    let nothing = BTreeMap::new();
    assert_eq!(eval(&vec!["1"; 150].join("+"), &nothing), Ok(json!(150)));
    assert_eq!(eval(&format!("{}1{}", "(".repeat(32), ")".repeat(32)), &nothing), Ok(json!(1)));
    let deep = format!("{}[1]{}", "size([".repeat(15), "])".repeat(15));
    assert_eq!(eval(&deep, &nothing), Ok(json!(1)));
    assert!(check(&format!("{}a", "true?true:".repeat(60))).is_ok());
    let large = variables(&json!({ "x": vec![0; 300_000] }));
    assert!(eval("x.size()", &large).unwrap_err().message.contains("too large"));
    assert!(eval("1", &large).is_ok(), "what is not used is not converted");
}

#[test]
fn references_are_those_of_the_source_and_not_of_its_macros() {
    let found = references(
        "diagnosis.values.peak > 1 && pods.exists(p, p.x == params.y) && has(target.uid)",
    )
    .unwrap();
    let names = found
        .iter()
        .map(|r| format!("{}.{}@{}", r.variable, r.members.join("."), r.column))
        .collect::<Vec<_>>();
    assert_eq!(names, ["diagnosis.values.peak@1", "params.y@52", "pods.@30", "target.uid@69"]);
    assert!(found.iter().any(|r| r.test && r.variable == "target"));
}

#[test]
fn texts_are_interpolated_and_escaped() {
    let vars = variables(&json!({ "a": { "b": "x\"y\\z\nw" }, "n": 3 }));
    assert_eq!(
        interpolate("n is ${n} and $${n}", &vars, str::to_string).unwrap(),
        "n is 3 and ${n}"
    );
    assert_eq!(interpolate("${ ['a', 2] }", &vars, str::to_string).unwrap(), "a, 2");
    assert_eq!(interpolate("${ {'k': 'v', 'n': 1} }", &vars, str::to_string).unwrap(), "k=v, n=1");
    assert_eq!(interpolate("${ {'k': '}'}['k'] }", &vars, str::to_string).unwrap(), "}");
    assert_eq!(
        interpolate("up{pod=\"${a.b}\"}", &vars, escape_promql).unwrap(),
        "up{pod=\"x\\\"y\\\\z\\nw\"}"
    );
    let error = interpolate("one\n  ${n + gone}", &vars, str::to_string).unwrap_err();
    assert_eq!((error.line, error.column), (2, 9), "{error:?}");
    assert!(interpolate("${n", &vars, str::to_string).is_err());
}

#[test]
fn noise_is_answered_and_never_panics() {
    let alphabet = b"ab1.()[]{}'\"+-*/%?:|&<>=! \n\\,_$\xc3\xa4";
    let mut state = 42_u64;
    for _ in 0..400 {
        let bytes = (0..24)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
                alphabet[usize::try_from(state >> 33).unwrap() % alphabet.len()]
            })
            .collect::<Vec<_>>();
        let source = String::from_utf8_lossy(&bytes);
        let _ = eval(&source, &BTreeMap::new());
        let _ = pieces(&source);
    }
}

#[test]
fn expressions_in_one_room_have_the_values_and_the_errors_that_they_have_alone() {
    let alone = ["1 + 1", "1 +", "[1, 2].map(x, x * 2)", "nothing.here"].map(|source| {
        let value = eval(source, &BTreeMap::new());
        (value, references(source))
    });
    let together = in_one_room(|| {
        ["1 + 1", "1 +", "[1, 2].map(x, x * 2)", "nothing.here"].map(|source| {
            let value = eval(source, &BTreeMap::new());
            (value, references(source))
        })
    });
    assert_eq!(alone, together);
    let deep = format!("{}1{}", "(".repeat(MAX_DEPTH - 1), ")".repeat(MAX_DEPTH - 1));
    assert_eq!(in_one_room(|| eval(&deep, &BTreeMap::new())), eval(&deep, &BTreeMap::new()));
}
