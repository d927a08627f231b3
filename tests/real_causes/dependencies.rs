//! Alerts that name a victim: what it needs is the trouble.

use crate::place::{OK, Place};
use serde_json::{Value, json};
use std::time::Duration;

/// A workload that ends and says why. There is neither DNS nor kube-proxy on the test cluster: it says what real clients
/// say; the Service, endpoints and workload behind the name are real.
fn client(place: &Place, says: &str) -> Value {
    place.deployment("web", 1, &format!("echo starting; echo '{says}' >&2; sleep 2; exit 1"))
}

fn database(place: &Place, script: &str) -> [Value; 2] {
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db"},
        "spec": {"selector": {"app": "db"}, "ports": [{"port": 5432}]}});
    [service, place.deployment("db", 1, script)]
}

fn restarted(place: &Place, times: u64) {
    place.until("it restarts", 120, || {
        let pods = place.kubectl(&["get", "pods", "-l", "app=web", "-o", "json"]);
        let pods = serde_json::from_str::<Value>(&pods).unwrap_or_default();
        let restarts = &pods["items"][0]["status"]["containerStatuses"][0]["restartCount"];
        restarts.as_u64().is_some_and(|count| count >= times)
    });
}

const REFUSED: &str = "dial tcp db:5432: connect: connection refused";

#[test]
fn a_database_that_crashes_is_what_its_client_is_told_of() {
    let Some(place) = Place::new("dependency") else { return };
    let [service, mut db] = database(&place, "echo 'corrupt page 7' >&2; exit 1");
    // So that it is not ready either in the second that it lives.
    db["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] =
        json!({"exec": {"command": ["true"]}, "initialDelaySeconds": 30});
    place.apply(&[service, db]);
    place.apply(&[client(&place, REFUSED)]);
    restarted(&place, 2);
    let pod = place.pods("app=web").remove(0);
    place.alert_saying("KubePodCrashLooping", json!({"pod": pod}), "web needs more memory");
    place.told("dependency-down", "Deployment/db", &["corrupt page 7", "connection refused"]);
    for name in ["web", "db"] {
        assert_eq!(place.get("deploy", name)["metadata"]["generation"], 1, "{name}");
    }
}

#[test]
fn a_name_that_is_not_resolved_though_its_service_is_well() {
    let Some(place) = Place::new("names") else { return };
    place.apply(&database(&place, OK));
    place.rolled_out("db");
    place.apply(&[client(&place, "wget: bad address db:5432")]);
    restarted(&place, 2);
    place.alert("KubeDeploymentReplicasMismatch", json!({"deployment": "web"}));
    place.told("dns-failing", "Deployment/web", &["db"]);
}

#[test]
fn memory_that_grows_until_the_kernel_kills_it_gets_no_higher_limit() {
    let Some(place) = Place::new("leak") else { return };
    let leak = "x=; while true; do x=\"$x$(head -c 600000 /dev/zero | tr '\\0' x)\"; sleep 1; done";
    let mut it = place.deployment("leaky", 1, leak);
    it["spec"]["template"]["spec"]["containers"][0]["resources"] =
        json!({"limits": {"memory": "64Mi"}, "requests": {"memory": "16Mi"}});
    place.apply(&[it]);
    place.until("it is killed for memory", 240, || {
        let pods = place.kubectl(&["get", "pods", "-l", "app=leaky", "-o", "json"]);
        pods.contains("OOMKilled") && pods.contains("\"restartCount\": 1")
    });
    // Of the growth of its second run, too, there have to be samples.
    std::thread::sleep(Duration::from_secs(30));
    let pod = place.pods("app=leaky").remove(0);
    place.alert("KubePodCrashLooping", json!({"pod": pod, "container": "app"}));
    place.told("memory-leak", "Deployment/leaky", &["leak"]);
    assert_eq!(place.get("deploy", "leaky")["metadata"]["generation"], 1);
}
