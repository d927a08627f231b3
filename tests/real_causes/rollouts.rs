//! Rollouts that do not get on, and containers that have too little to get ready with.

use crate::place::{OK, Place};
use serde_json::{Value, json};

fn container(it: &mut Value) -> &mut Value {
    &mut it["spec"]["template"]["spec"]["containers"][0]
}

#[test]
fn a_first_rollout_whose_pods_never_get_ready_is_told_with_what_its_probe_says() {
    let Some(place) = Place::new("stuck") else { return };
    let mut web = place.deployment("web", 1, OK);
    web["spec"]["progressDeadlineSeconds"] = 10.into();
    container(&mut web)["readinessProbe"] =
        json!({"exec": {"command": ["cat", "/no/such/file"]}, "periodSeconds": 1});
    place.apply(&[web]);
    place.until("its deadline is over", 120, || {
        place.get("deploy", "web").to_string().contains("ProgressDeadlineExceeded")
    });
    place.alert_saying(
        "KubeDeploymentRolloutStuck",
        json!({"deployment": "web"}),
        "no node has room for it",
    );
    let words = ["/no/such/file", "rollout undo"];
    place.told("stuck-rollout", "Deployment/web", &words);
    assert_eq!(place.get("deploy", "web")["metadata"]["generation"], 1, "nothing was changed");
}

/// A StatefulSet whose pods all break when `broken` is there, and its second revision, which does not look for it.
fn ordered(place: &Place, replicas: u32) -> [Value; 2] {
    let broken = format!("/run/pilothouse-tests/{}", place.namespace);
    let script = "trap 'exit 0' TERM; while true; do [ -e /mark/broken ] && { echo 'no wal' >&2; exit 3; }; sleep 1; done";
    let made = |script: &str| {
        let mut it = place.deployment("db", replicas, script);
        it["kind"] = "StatefulSet".into();
        it["spec"]["serviceName"] = "db".into();
        let pod = &mut it["spec"]["template"]["spec"];
        pod["volumes"] =
            json!([{"name": "mark", "hostPath": {"path": broken, "type": "DirectoryOrCreate"}}]);
        pod["containers"][0]["volumeMounts"] = json!([{"name": "mark", "mountPath": "/mark"}]);
        it
    };
    [made(script), made(OK)]
}

#[test]
fn an_ordered_rollout_goes_on_past_the_broken_pods_that_it_waits_for() {
    let Some(place) = Place::new("ordered") else { return };
    let [first, second] = ordered(&place, 2);
    place.apply(&[first]);
    place.until("both run", 120, || place.get("sts", "db")["status"]["readyReplicas"] == 2);
    // On the nodes' own disk, which they share with this test.
    place.kubectl(&["exec", "db-0", "--", "touch", "/mark/broken"]);
    place.until("both crash", 120, || {
        let pods = place.kubectl(&["get", "pods", "-l", "app=db", "-o", "json"]);
        pods.matches("\"CrashLoopBackOff\"").count() == 2
    });
    place.apply(&[second]);
    place.until("its controller has seen the second revision", 60, || {
        let status = &place.get("sts", "db")["status"];
        status["observedGeneration"] == 2 && status["updateRevision"] != status["currentRevision"]
    });
    place.alert("KubeStatefulSetUpdateNotRolledOut", json!({"statefulset": "db"}));
    let case = place.plan("stuck-rollout", "StatefulSet/db", "free-rollout");
    place.approve(&case);
    let live = place.get("sts", "db");
    assert_eq!(live["status"]["readyReplicas"], 2, "{}", place.picture());
    assert_eq!(live["status"]["currentRevision"], live["status"]["updateRevision"]);
    let _ = std::fs::remove_dir_all(format!("/run/pilothouse-tests/{}", place.namespace));
}

#[test]
fn a_cpu_limit_that_no_program_gets_ready_with_is_raised() {
    let Some(place) = Place::new("tiny-cpu") else { return };
    let script = "trap 'exit 0' TERM; i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; touch /tmp/up; while true; do sleep 1; done";
    let mut web = place.deployment("web", 1, script);
    container(&mut web)["resources"] = json!({"limits": {"cpu": "1m"}, "requests": {"cpu": "1m"}});
    container(&mut web)["readinessProbe"] = json!({"exec": {"command": ["cat", "/tmp/up"]},
        "periodSeconds": 2, "timeoutSeconds": 1});
    place.apply(&[web]);
    place.until("its probe fails", 180, || {
        place.kubectl(&["get", "events", "-o", "json"]).contains("Readiness probe")
    });
    let pod = place.pods("app=web").remove(0);
    place.alert_saying("KubePodNotReady", json!({"pod": pod}), "its readiness probe is too strict");
    let case = place.plan("cpu-throttling", "Deployment/web", "cpu-throttling");
    place.approve(&case);
    let limit = container(&mut place.get("deploy", "web"))["resources"]["limits"]["cpu"].clone();
    assert_eq!(limit, "100m", "{}", place.picture());
    assert_eq!(place.get("deploy", "web")["status"]["availableReplicas"], 1);
}
