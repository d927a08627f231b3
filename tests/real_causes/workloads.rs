//! Workloads that no change of the cluster cures: the person is told what to do, and nothing is restarted.

use crate::place::{OK, Place};
use serde_json::{Value, json};

/// Makes a Deployment, waits until its pods say that, alerts about one of them, and wants it handed over unchanged.
fn told(name: &str, spoil: impl Fn(&Place, &mut Value), says: &str, cause: &str, words: &[&str]) {
    let Some(place) = Place::new(name) else { return };
    let mut it = place.deployment("web", 1, OK);
    spoil(&place, &mut it);
    place.apply(&[it]);
    place.until("the fault shows", 120, || {
        place.kubectl(&["get", "pods,events", "-o", "json"]).contains(says)
    });
    let pod = place.pods("app=web").remove(0);
    place.alert("KubePodNotReady", json!({"pod": pod}));
    place.told(cause, "Deployment/web", words);
    let live = place.get("deploy", "web");
    assert_eq!(live["metadata"]["generation"], 1, "nothing was changed");
    assert_eq!(place.pods("app=web"), [pod], "nothing was restarted");
}

fn container(it: &mut Value) -> &mut Value {
    &mut it["spec"]["template"]["spec"]["containers"][0]
}

#[test]
fn a_missing_secret() {
    let spoil = |_: &Place, it: &mut Value| {
        container(it)["env"] = json!([{"name": "PASSWORD",
            "valueFrom": {"secretKeyRef": {"name": "db-creds", "key": "password"}}}]);
    };
    told("no-secret", spoil, "db-creds", "missing-config", &["db-creds"]);
}

#[test]
fn a_missing_key_of_a_config_map_that_is_there() {
    let spoil = |place: &Place, it: &mut Value| {
        place.apply(&[json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "settings"}, "data": {"other": "1"}})]);
        container(it)["env"] = json!([{"name": "MODE",
            "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "mode"}}}]);
    };
    told("no-key", spoil, "couldn't find key mode", "missing-config", &["settings", "mode"]);
}

#[test]
fn an_image_that_never_worked() {
    let spoil = |_: &Place, it: &mut Value| container(it)["image"] = "test.local/no-such:1".into();
    told("no-image", spoil, "ErrImage", "image-pull", &["test.local/no-such:1"]);
}

/// A Deployment with this fault: its plan of that template is approved, and it works.
fn cured(name: &str, spoil: impl Fn(&mut Value), cause: &str, template: &str) {
    let Some(place) = Place::new(name) else { return };
    let mut web = place.deployment("web", 1, OK);
    spoil(container(&mut web));
    place.apply(&[web]);
    place.until("it fails", 90, || {
        place.kubectl(&["get", "pods", "-o", "json"]).contains("\"restartCount\": 2")
    });
    let pod = place.pods("app=web").remove(0);
    place.alert("KubePodCrashLooping", json!({"pod": pod, "container": "app"}));
    let case = place.plan(cause, "Deployment/web", template);
    place.approve(&case);
    assert_eq!(place.get("deploy", "web")["status"]["availableReplicas"], 1);
}

#[test]
fn a_liveness_probe_that_is_too_strict_is_relaxed() {
    let spoil = |it: &mut Value| {
        it["livenessProbe"] = json!({"exec": {"command": ["sleep", "3"]},
            "periodSeconds": 2, "timeoutSeconds": 1, "failureThreshold": 2});
    };
    cured("probe-strict", spoil, "probe-too-strict", "relax-probe");
}

#[test]
fn a_start_that_is_slower_than_its_probe_gets_the_time() {
    let spoil = |it: &mut Value| {
        it["command"][2] =
            "trap 'exit 0' TERM; i=0; while [ $i -lt 25 ]; do sleep 1; i=$((i+1)); done; touch /tmp/up; while true; do sleep 1; done".into();
        let probe = json!({"exec": {"command": ["cat", "/tmp/up"]}, "initialDelaySeconds": 3,
            "periodSeconds": 2, "failureThreshold": 2});
        it["livenessProbe"] = probe.clone();
        it["readinessProbe"] = probe;
    };
    cured("slow-start", spoil, "startup-too-slow", "allow-slow-start");
}

#[test]
fn a_job_that_fails_is_not_run_again() {
    let Some(place) = Place::new("job") else { return };
    let script = "echo 'constraint violated on row 7'; exit 3";
    place.apply(&[json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "import"},
        "spec": {"backoffLimit": 1, "template": {"spec": {"restartPolicy": "Never", "containers": [
            {"name": "app", "image": place.image, "command": ["/bin/sh", "-c", script]}]}}}})]);
    place.until("it fails", 90, || {
        place.kubectl(&["get", "job", "import", "-o", "json"]).contains("BackoffLimitExceeded")
    });
    place.alert("KubeJobFailed", json!({"job_name": "import", "condition": "true"}));
    place.told("job-failing", "Job/import", &["import"]);
    assert_eq!(place.get("job", "import")["status"]["failed"], 2);
}

#[test]
fn a_cpu_limit_that_holds_a_program_back() {
    let Some(place) = Place::new("throttled") else { return };
    let mut it = place.deployment("web", 1, "trap 'exit 0' TERM; while true; do :; done");
    it["spec"]["template"]["spec"]["containers"][0]["resources"] =
        json!({"limits": {"cpu": "20m"}, "requests": {"cpu": "10m"}});
    place.apply(&[it]);
    place.rolled_out("web");
    // Rates need a while of samples.
    std::thread::sleep(std::time::Duration::from_secs(60));
    let pod = place.pods("app=web").remove(0);
    place.alert("CPUThrottlingHigh", json!({"pod": pod, "container": "app"}));
    place.plan("cpu-throttling", "Deployment/web", "cpu-throttling");
    assert_eq!(place.get("deploy", "web")["metadata"]["generation"], 1);
}
