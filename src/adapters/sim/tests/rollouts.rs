use super::*;

#[test]
fn a_settled_deployment_looks_like_one() {
    let sim = world(WEB);
    let web = object(&sim, &deployment("web"));
    assert_eq!(web["status"]["readyReplicas"], 3);
    assert_eq!(web["status"]["observedGeneration"], web["metadata"]["generation"]);
    assert_eq!(web["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "1");
    assert_eq!(condition(&web, "Progressing")["reason"], "NewReplicaSetAvailable");
    assert_eq!(condition(&web, "Available")["status"], "True");
    for pod in pods(&sim) {
        assert_eq!(pod["status"]["phase"], "Running");
        assert_eq!(pod["status"]["qosClass"], "Burstable");
        assert_eq!(pod["status"]["containerStatuses"][0]["ready"], true);
        assert_eq!(pod["metadata"]["ownerReferences"][0]["kind"], "ReplicaSet");
    }
    let budget = &all(&sim, "policy/v1", "PodDisruptionBudget")[0];
    assert_eq!(budget["status"]["disruptionsAllowed"], 1);
    let slice = &all(&sim, "discovery.k8s.io/v1", "EndpointSlice")[0];
    assert_eq!(slice["endpoints"].as_array().unwrap().len(), 3);
}

#[test]
fn a_rolling_update_reaches_completion_and_never_falls_below_what_it_must_keep() {
    let sim = world(WEB);
    set_image(&sim, "shop/Deployment/web", "r.example/web:2");
    let mut most = 0;
    for _ in 0..120 {
        pass(&sim, 1);
        let web = object(&sim, &deployment("web"));
        assert!(web["status"]["availableReplicas"].as_i64().unwrap() >= 3, "{}", web["status"]);
        most = most.max(web["status"]["replicas"].as_i64().unwrap());
    }
    assert_eq!(most, 4, "maxSurge 25% of 3 is 1");
    let web = object(&sim, &deployment("web"));
    assert_eq!(web["status"]["updatedReplicas"], 3);
    assert_eq!(web["status"]["replicas"], 3);
    assert_eq!(condition(&web, "Progressing")["reason"], "NewReplicaSetAvailable");
    assert_eq!(web["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "2");
    assert_eq!(all(&sim, "apps/v1", "ReplicaSet").len(), 2);
    assert!(
        pods(&sim).iter().all(|pod| pod["spec"]["containers"][0]["image"] == "r.example/web:2")
    );
}

#[test]
fn a_bad_image_stalls_and_exceeds_its_deadline_after_600_seconds() {
    let sim = world(WEB);
    set_image(&sim, "shop/Deployment/web", "r.example/web:gone");
    pass(&sim, 590);
    assert_eq!(condition(&object(&sim, &deployment("web")), "Progressing")["status"], "True");
    pass(&sim, 15);
    let web = object(&sim, &deployment("web"));
    let progress = condition(&web, "Progressing");
    assert_eq!(
        (&progress["status"], &progress["reason"]),
        (&"False".into(), &"ProgressDeadlineExceeded".into())
    );
    assert_eq!(web["status"]["readyReplicas"], 3);
    assert_eq!(web["status"]["updatedReplicas"], 1);
    let broken = pods(&sim).into_iter().find(|pod| pod["status"]["phase"] == "Pending").unwrap();
    let waiting = &broken["status"]["containerStatuses"][0]["state"]["waiting"];
    assert_eq!(waiting["reason"], "ImagePullBackOff");
    let names = deliveries(&sim).iter().map(|alert| alert.name().to_string()).collect::<Vec<_>>();
    assert!(names.contains(&"KubeContainerWaiting".to_string()), "{names:?}");
}

#[test]
fn a_rollback_cures_a_stalled_rollout_and_renumbers_the_old_revision() {
    let sim = world(WEB);
    set_image(&sim, "shop/Deployment/web", "r.example/web:crash");
    pass(&sim, 700);
    let web = object(&sim, &deployment("web"));
    assert_eq!(condition(&web, "Progressing")["status"], "False");
    set_image(&sim, "shop/Deployment/web", "r.example/web:1");
    pass(&sim, 60);
    let web = object(&sim, &deployment("web"));
    assert_eq!(web["status"]["updatedReplicas"], 3);
    assert_eq!(web["status"]["availableReplicas"], 3);
    assert_eq!(condition(&web, "Progressing")["reason"], "NewReplicaSetAvailable");
    assert_eq!(web["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "3");
    assert_eq!(all(&sim, "apps/v1", "ReplicaSet").len(), 2, "the old template's set is used again");
}

#[test]
fn a_crash_loop_backs_off_longer_each_time_and_keeps_the_last_words() {
    let sim = world(WEB);
    set_image(&sim, "shop/Deployment/web", "r.example/web:crash");
    pass(&sim, 240);
    let pod = pods(&sim)
        .into_iter()
        .find(|pod| pod["spec"]["containers"][0]["image"] == "r.example/web:crash")
        .unwrap();
    let status = &pod["status"]["containerStatuses"][0];
    assert_eq!(status["lastState"]["terminated"]["exitCode"], 1);
    assert_eq!(status["lastState"]["terminated"]["reason"], "Error");
    assert_eq!(status["state"]["waiting"]["reason"], "CrashLoopBackOff");
    assert_eq!(status["restartCount"], 5, "0, 10, 20, 40, 80 s, then 2m40s");
    let message = status["state"]["waiting"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("back-off 2m40s restarting failed container=app pod=web-"),
        "{message}"
    );
    let log = now(sim.cluster().read(&crate::domain::evidence::Read::Logs {
        namespace: "shop".into(),
        pod: pod["metadata"]["name"].as_str().unwrap().into(),
        container: "app".into(),
        previous: true,
        tail_lines: 5,
    }));
    assert!(
        matches!(&log, crate::domain::evidence::Answer::Text(text) if text.ends_with("panic: no database"))
    );
}

#[test]
fn an_edit_by_hand_is_seen_in_the_managed_fields() {
    let sim = world(WEB);
    set_image(&sim, "shop/Deployment/web", "r.example/web:2");
    let web = object(&sim, &deployment("web"));
    let entry = web["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["manager"] == "kubectl-set")
        .unwrap();
    let fields = entry["fieldsV1"].to_string();
    assert!(fields.contains("f:image"), "{fields}");
    assert_eq!(entry["time"], "2026-11-23T21:00:00Z");
}

#[test]
fn a_stateful_set_replaces_its_pods_from_the_last_and_waits_for_each() {
    let sim = world(
        r#"
[[workload]]
kind = "StatefulSet"
namespace = "shop"
name = "db"
image = "r.example/web:1"
replicas = 3
"#,
    );
    let key = ObjectKey::new("apps/v1", "StatefulSet", "shop", "db");
    assert_eq!(object(&sim, &key)["status"]["readyReplicas"], 3);
    set_image(&sim, "shop/StatefulSet/db", "r.example/web:crash");
    pass(&sim, 120);
    let image = |name: &str| {
        object(&sim, &ObjectKey::new("v1", "Pod", "shop", name))["spec"]["containers"][0]["image"]
            .clone()
    };
    assert_eq!(image("db-2"), "r.example/web:crash");
    assert_eq!(image("db-1"), "r.example/web:1");
    let status = object(&sim, &key)["status"].clone();
    assert_ne!(status["currentRevision"], status["updateRevision"]);
    // As in a real cluster: the broken pod keeps a rollback waiting until somebody deletes it.
    set_image(&sim, "shop/StatefulSet/db", "r.example/web:1");
    pass(&sim, 300);
    assert_eq!(image("db-2"), "r.example/web:crash");
    sim.locked().happens(Happens::Delete { target: "shop/Pod/db-2".into() });
    pass(&sim, 60);
    assert_eq!(image("db-2"), "r.example/web:1");
    assert_eq!(object(&sim, &key)["status"]["readyReplicas"], 3);
}

#[test]
fn a_daemon_set_runs_on_each_node_and_rolls_one_after_the_other() {
    let sim = world(
        r#"
[[workload]]
kind = "DaemonSet"
namespace = "shop"
name = "agent"
image = "r.example/web:1"
"#,
    );
    let key = ObjectKey::new("apps/v1", "DaemonSet", "shop", "agent");
    assert_eq!(object(&sim, &key)["status"]["numberReady"], 2);
    set_image(&sim, "shop/DaemonSet/agent", "r.example/web:2");
    for _ in 0..60 {
        pass(&sim, 1);
        assert!(object(&sim, &key)["status"]["numberReady"].as_i64().unwrap() >= 1);
    }
    assert_eq!(object(&sim, &key)["status"]["updatedNumberScheduled"], 2);
    assert_eq!(object(&sim, &key)["status"]["numberReady"], 2);
}
