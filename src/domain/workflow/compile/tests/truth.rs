//! What would hurt, and what would make a verdict untrue.

use super::*;

#[test]
fn a_roll_that_would_complete_the_deletion_of_a_claim_is_blocked() {
    let blockers = |claim: Option<Value>, volume: Value| {
        let mut objects = cluster();
        objects[0]["spec"]["template"]["spec"]["volumes"] = json!([volume]);
        let namespace = objects[0]["metadata"]["namespace"].clone();
        objects.extend(claim.map(|mut claim| {
            claim["metadata"]["namespace"] = namespace;
            claim
        }));
        Setting::default().plan(&high_memory(), &objects).unwrap().blast.blockers
    };
    let claim = |more: Value| {
        let mut claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data", "uid": "c"}});
        if let Some(at) = more.as_str() {
            claim["metadata"]["deletionTimestamp"] = json!(at);
        }
        Some(claim)
    };
    let mounts = || json!({"name": "d", "persistentVolumeClaim": {"claimName": "data"}});
    let going = || claim(json!("2026-11-23T03:10:00Z"));
    let found = blockers(going(), mounts());
    assert!(found[0].contains("claim data is being deleted"), "{found:?}");
    assert_eq!(blockers(claim(Value::Null), mounts()), Vec::<String>::new());
    assert_eq!(blockers(None, mounts()), Vec::<String>::new(), "another fault");
    let other = json!({"name": "d", "emptyDir": {}});
    assert_eq!(blockers(going(), other), Vec::<String>::new(), "not its own");
}

#[test]
fn a_verdict_waits_longer_than_the_runs_lasted_that_failed() {
    let settle = |seconds: Option<u64>, policy: u64| {
        let mut case = high_memory();
        if let Some(seconds) = seconds {
            case.values.insert("run_seconds_last".into(), json!(seconds));
        }
        let policy = Policy { settle_s: Some(policy), ..Policy::default() };
        let setting = Setting { policy, ..Setting::default() };
        setting.plan(&case, &cluster()).unwrap().verification.settle_s
    };
    assert_eq!(settle(None, 20), 20);
    assert_eq!(settle(Some(0), 20), 20, "it dies at once");
    assert_eq!(settle(Some(88), 20), 137);
    assert_eq!(settle(Some(88), 300), 300);
    assert_eq!(settle(Some(86_400), 20), 900, "a day is not waited for");
}
