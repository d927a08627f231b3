//! Causes that a plan cures: approved, executed, verified, and seen with kubectl.

use crate::place::{OK, Place};
use serde_json::{Value, json};
use std::time::Duration;

/// A first revision that has worked for long enough to be gone back to.
fn proven(place: &Place, name: &str) -> Value {
    let good = place.deployment(name, 1, OK);
    place.apply(std::slice::from_ref(&good));
    place.rolled_out(name);
    std::thread::sleep(Duration::from_secs(20));
    good
}

fn container(object: &mut Value) -> &mut Value {
    &mut object["spec"]["template"]["spec"]["containers"][0]
}

/// The second revision fails; it must be rolled back to the first.
fn rolled_back(name: &str, spoil: impl Fn(&mut Value), fails: &str) {
    let Some(place) = Place::new(name) else { return };
    let mut bad = proven(&place, "web");
    spoil(container(&mut bad));
    place.apply(&[bad]);
    place.until("the new revision fails", 90, || {
        place.kubectl(&["get", "pods", "-l", "app=web", "-o", "json"]).contains(fails)
    });
    let labels = json!({"deployment": "web", "condition": "Available"});
    place.alert("KubeDeploymentReplicasMismatch", labels);
    let case = place.plan("bad-rollout", "Deployment/web", "crash-loop");
    place.approve(&case);
    let live = place.get("deploy", "web");
    assert_eq!(live["status"]["availableReplicas"], 1);
    assert_eq!(live["status"]["unavailableReplicas"], Value::Null, "{}", place.picture());
    assert_eq!(live["spec"]["template"]["spec"]["containers"][0]["image"], place.image.as_str());
    let command = &live["spec"]["template"]["spec"]["containers"][0]["command"][2];
    assert!(command.as_str().expect("a command").starts_with("trap"), "{command}");
}

#[test]
fn a_bad_image_is_rolled_back() {
    let spoil = |it: &mut Value| it["image"] = "test.local/no-such:2".into();
    rolled_back("bad-image", spoil, "ErrImage");
}

#[test]
fn a_bad_setting_is_rolled_back() {
    rolled_back(
        "bad-config",
        |it| {
            it["env"] = json!([{"name": "MODE", "value": "unheard-of"}]);
            it["command"][2] = "trap 'exit 0' TERM; [ \"$MODE\" = unheard-of ] && { echo \"error: unknown MODE\"; exit 2; }; while true; do sleep 1; done".into();
        },
        "CrashLoopBackOff",
    );
}

#[test]
fn a_bad_probe_is_rolled_back() {
    rolled_back(
        "bad-probe",
        |it| {
            it["livenessProbe"] = json!({"exec": {"command": ["cat", "/no/such/file"]},
                "periodSeconds": 1, "failureThreshold": 2});
        },
        "\"restartCount\": 2",
    );
}

#[test]
fn a_limit_that_is_too_small_is_raised() {
    let Some(place) = Place::new("limit") else { return };
    let need = format!("x=$(head -c 66000000 /dev/zero | tr '\\0' x); {OK}");
    let mut it = place.deployment("ledger", 1, &need);
    container(&mut it)["resources"] =
        json!({"limits": {"memory": "64Mi"}, "requests": {"memory": "16Mi"}});
    place.apply(std::slice::from_ref(&it));
    place.until("it is killed for memory", 60, || {
        place.kubectl(&["get", "pods", "-l", "app=ledger", "-o", "json"]).contains("OOMKilled")
    });
    let pod = place.pods("app=ledger").remove(0);
    place.alert("KubePodCrashLooping", json!({"pod": pod, "container": "app"}));
    let case = place.plan("limit-too-small", "Deployment/ledger", "high-memory");
    place.approve(&case);
    let live = place.get("deploy", "ledger");
    let limit = &live["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"];
    assert_eq!(limit, "128Mi", "{}", place.picture());
    assert_eq!(live["status"]["availableReplicas"], 1);

    // Somebody installs it anew as it was. This engine raises it once a day (`helped_repeats = 1`), then a person gets
    // the case.
    let first = case["id"].as_str().expect("an id").to_string();
    place.kubectl(&["delete", "deploy", "ledger", "--cascade=foreground", "--wait=true"]);
    place.apply(&[it]);
    place.until("it is killed for memory again", 60, || {
        place.kubectl(&["get", "pods", "-l", "app=ledger", "-o", "json"]).contains("OOMKilled")
    });
    let pod = place.pods("app=ledger").remove(0);
    place.alert("KubePodCrashLooping", json!({"pod": pod, "container": "app"}));
    place.case("a second case", 60, |case| case["id"] != first.as_str());
    let words = ["Not proposed again: high-memory helped here once", first.as_str()];
    place.told("limit-too-small", "Deployment/ledger", &words);
}
