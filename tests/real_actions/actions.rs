//! Each action for real: planned, previewed, sent, seen with kubectl, taken back, seen again.

use crate::line::{SLEEP, act, plan, pods, ready, running, settled, take_back, target};
use crate::world::{World, until};
use pilothouse::domain::action::{Action, QUARANTINE_LABEL};
use pilothouse::domain::operation::Operation;
use serde_json::{Value, json};
use std::time::Duration;

fn path<'a>(object: &'a Value, pointer: &str) -> &'a Value {
    object.pointer(pointer).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn a_deployment_is_scaled_and_scaled_back_unless_an_autoscaler_holds_it() {
    let Some(world) = World::new("act-scale") else { return };
    let cluster = world.cluster().await;
    world.create(&running("web", 1, SLEEP));
    settled(&world, "web", 1).await;
    let web = target(&world, "apps/v1", "Deployment", "web");
    let done = act(&cluster, Action::Scale, &web, json!({"replicas": 3})).await;
    settled(&world, "web", 3).await;
    take_back(&cluster, &done).await;
    settled(&world, "web", 1).await;

    world.create(&json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"}, "spec": {"minReplicas": 1, "maxReplicas": 4,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": 80}}}]}}));
    let why = plan(&cluster, Action::Scale, &web, json!({"replicas": 3})).await.unwrap_err();
    assert!(why.contains("autoscaler web holds"), "{why}");
    let scaler = target(&world, "autoscaling/v2", "HorizontalPodAutoscaler", "web");
    let done = act(&cluster, Action::UpdateHpa, &scaler, json!({"min": 2, "max": 6})).await;
    let seen = world.see("hpa", "web");
    assert_eq!(
        (path(&seen, "/spec/minReplicas"), path(&seen, "/spec/maxReplicas")),
        (&json!(2), &json!(6))
    );
    // Without metrics the bounds alone move it: two pods at least.
    settled(&world, "web", 2).await;
    take_back(&cluster, &done).await;
    assert_eq!(path(&world.see("hpa", "web"), "/spec/maxReplicas"), 4);
}

#[tokio::test]
async fn one_pod_is_restarted_and_the_others_stay() {
    let Some(world) = World::new("act-restart") else { return };
    let cluster = world.cluster().await;
    world.create(&running("web", 2, SLEEP));
    settled(&world, "web", 2).await;
    let uids =
        || pods(&world, "web").iter().map(|pod| pod["metadata"]["uid"].clone()).collect::<Vec<_>>();
    let before = uids();
    let name = pods(&world, "web")[0]["metadata"]["name"].as_str().unwrap().to_string();
    let pod = target(&world, "v1", "Pod", &name);
    let done = act(&cluster, Action::RestartPod, &pod, json!({})).await;
    settled(&world, "web", 2).await;
    until("the old pod is gone", || (!uids().contains(&json!(pod.uid))).then_some(())).await;
    settled(&world, "web", 2).await;
    assert_eq!(uids().iter().filter(|uid| before.contains(uid)).count(), 1);
    assert!(done.compiled.undo.contains("can't be undone"));
}

#[tokio::test]
async fn a_paused_rollout_keeps_its_pods_until_it_is_resumed() {
    let Some(world) = World::new("act-pause") else { return };
    let cluster = world.cluster().await;
    world.create(&running("web", 1, SLEEP));
    settled(&world, "web", 1).await;
    let web = target(&world, "apps/v1", "Deployment", "web");
    let uid = || pods(&world, "web")[0]["metadata"]["uid"].clone();
    let before = uid();
    let done = act(&cluster, Action::PauseRollout, &web, json!({})).await;
    world.kubectl(&["set", "env", "deployment/web", "-n", &world.ns, "A=1"]);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(uid(), before, "nothing rolls while it is paused");
    let resumed = act(&cluster, Action::ResumeRollout, &web, json!({})).await;
    until("the new pod", || {
        let pods = pods(&world, "web");
        (pods.len() == 1 && ready(&pods[0]) && pods[0]["metadata"]["uid"] != before).then_some(())
    })
    .await;
    take_back(&cluster, &resumed).await;
    assert_eq!(path(&world.see("deployment", "web"), "/spec/paused"), true);
    take_back(&cluster, &done).await;
    assert_eq!(path(&world.see("deployment", "web"), "/spec/paused"), &Value::Null);
}

#[tokio::test]
async fn a_probe_that_kills_a_slow_start_gets_more_time_and_its_old_timing_back() {
    let Some(world) = World::new("act-probe") else { return };
    let cluster = world.cluster().await;
    let mut web = running("web", 1, &format!("sleep 12; touch /tmp/up; {SLEEP}"));
    web["spec"]["template"]["spec"]["containers"][0]["livenessProbe"] = json!({
        "exec": {"command": ["cat", "/tmp/up"]}, "periodSeconds": 2, "failureThreshold": 2});
    world.create(&web);
    until("the probe kills it", || {
        let pods = pods(&world, "web");
        let restarts =
            pods.first()?.pointer("/status/containerStatuses/0/restartCount")?.as_u64()?;
        (restarts > 0).then_some(())
    })
    .await;
    let web = target(&world, "apps/v1", "Deployment", "web");
    let params = json!({"container": "app", "probe": "liveness", "initial_delay": 20});
    let done = act(&cluster, Action::SetProbe, &web, params).await;
    // Past the moment at which the old timing killed it.
    until("a pod that stays up", || {
        let all = pods(&world, "web");
        // The pod that kubectl picks may be one that is just being ended.
        let ls = ["exec", "-n", &world.ns, "deploy/web", "--", "ls", "/tmp"];
        let text = world.try_kubectl(&ls, "").ok()?;
        let well = all.len() == 1
            && all[0].pointer("/status/containerStatuses/0/restartCount") == Some(&json!(0));
        (well && text.contains("up")).then_some(())
    })
    .await;
    take_back(&cluster, &done).await;
    let at = "/spec/template/spec/containers/0/livenessProbe/initialDelaySeconds";
    assert_eq!(path(&world.see("deployment", "web"), at), &Value::Null);
}

#[tokio::test]
async fn a_budget_that_allows_nothing_is_relaxed_for_an_eviction_and_put_back() {
    let Some(world) = World::new("act-budget") else { return };
    let cluster = world.cluster().await;
    world.create(&running("web", 2, SLEEP));
    world.create(&json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}}));
    settled(&world, "web", 2).await;
    until("the budget is counted", || {
        (path(&world.see("pdb", "web"), "/status/expectedPods") == 2).then_some(())
    })
    .await;
    let name = pods(&world, "web")[0]["metadata"]["name"].as_str().unwrap().to_string();
    let pod = target(&world, "v1", "Pod", &name);
    let stuck = plan(&cluster, Action::EvictPod, &pod, json!({})).await.unwrap();
    assert!(stuck.blockers[0].contains("would wait for ever"), "{stuck:?}");
    let budget = target(&world, "policy/v1", "PodDisruptionBudget", "web");
    let params = json!({"max_unavailable": 1});
    let done = act(&cluster, Action::RelaxDisruptionBudget, &budget, params).await;
    until("the budget is counted anew", || {
        (path(&world.see("pdb", "web"), "/status/disruptionsAllowed") == 1).then_some(())
    })
    .await;
    act(&cluster, Action::EvictPod, &pod, json!({})).await;
    settled(&world, "web", 2).await;
    take_back(&cluster, &done).await;
    let seen = world.see("pdb", "web");
    assert_eq!(
        (path(&seen, "/spec/minAvailable"), path(&seen, "/spec/maxUnavailable")),
        (&json!(2), &Value::Null)
    );
}

#[tokio::test]
async fn a_pod_in_quarantine_runs_on_out_of_its_service_and_controller() {
    let Some(world) = World::new("act-quarantine") else { return };
    let cluster = world.cluster().await;
    world.create(&running("web", 2, SLEEP));
    world.create(&json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}));
    settled(&world, "web", 2).await;
    let pod = pods(&world, "web").remove(0);
    let name = pod["metadata"]["name"].as_str().unwrap();
    let reference = target(&world, "v1", "Pod", name);
    let endpoints = || {
        let list = world.kubectl(&["get", "endpointslices", "-n", &world.ns, "-o", "json"]);
        list.contains(&format!("\"{}\"", pod["metadata"]["name"].as_str().unwrap()))
    };
    until("it is an endpoint", || endpoints().then_some(())).await;
    let done = act(&cluster, Action::QuarantinePod, &reference, json!({})).await;
    until("another pod in its place", || (pods(&world, "web").len() == 2).then_some(())).await;
    until("it is no endpoint any more", || (!endpoints()).then_some(())).await;
    let aside = world.see("pod", name);
    assert_eq!(aside["status"]["phase"], "Running");
    assert_eq!(path(&aside, "/metadata/ownerReferences"), &Value::Null);
    assert_eq!(aside["metadata"]["labels"][QUARANTINE_LABEL], reference.uid.as_str());
    let policies = world.kubectl(&["get", "networkpolicies", "-n", &world.ns, "-o", "name"]);
    assert!(policies.contains("pilothouse-quarantine"), "{policies}");

    take_back(&cluster, &done).await;
    settled(&world, "web", 2).await;
    let policies = world.kubectl(&["get", "networkpolicies", "-n", &world.ns, "-o", "name"]);
    assert_eq!(policies, "");
}

#[tokio::test]
async fn a_named_finalizer_lets_what_is_being_deleted_go() {
    let Some(world) = World::new("act-finalizer") else { return };
    let cluster = world.cluster().await;
    world.create(&json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "held", "finalizers": ["example.com/hold"]}}));
    let held = target(&world, "v1", "ConfigMap", "held");
    let params = json!({"finalizer": "example.com/hold"});
    let why = plan(&cluster, Action::RemoveFinalizer, &held, params.clone()).await.unwrap_err();
    assert!(why.contains("is not being deleted"), "{why}");
    world.kubectl(&["delete", "configmap", "held", "-n", &world.ns, "--wait=false"]);
    let done = act(&cluster, Action::RemoveFinalizer, &held, params).await;
    let left = world.kubectl(&["get", "cm", "held", "-n", &world.ns, "--ignore-not-found"]);
    assert_eq!(left, "");
    assert!(done.compiled.undo.contains("can't be undone"));
}

#[tokio::test]
async fn a_service_whose_selector_matches_nothing_gets_endpoints_and_its_selector_back() {
    let Some(world) = World::new("act-service") else { return };
    let cluster = world.cluster().await;
    let mut web = running("web", 1, SLEEP);
    web["spec"]["template"]["spec"]["containers"][0]["ports"] =
        json!([{"name": "http", "containerPort": 8080}]);
    world.create(&web);
    settled(&world, "web", 1).await;
    world.create(&json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": {"app": "wbe"}, "ports": [{"port": 80, "targetPort": 81}]}}));
    let service = target(&world, "v1", "Service", "web");
    let endpoints = || {
        let list = world.kubectl(&["get", "endpointslices", "-n", &world.ns, "-o", "json"]);
        let list = serde_json::from_str::<Value>(&list).unwrap();
        let some = path(&list, "/items/0/endpoints/0/targetRef/name").is_string();
        (some, path(&list, "/items/0/ports/0/port").clone())
    };
    let params = json!({"selector": {"app": "web"}, "target_port": "http"});
    let done = act(&cluster, Action::RepairService, &service, params).await;
    until("an endpoint", || (endpoints() == (true, json!(8080))).then_some(())).await;
    take_back(&cluster, &done).await;
    until("no endpoint", || (!endpoints().0).then_some(())).await;
    let seen = world.see("service", "web");
    assert_eq!(path(&seen, "/spec/ports/0/targetPort"), 81);
}

#[tokio::test]
async fn a_policy_gets_a_rule_and_a_workload_a_policy_of_its_own() {
    let Some(world) = World::new("act-policy") else { return };
    let cluster = world.cluster().await;
    let web = world.deployment("web");
    let rule = json!({"direction": "ingress", "pods": {"app": "front"}, "port": 8080});
    let why = plan(&cluster, Action::UpdateNetworkPolicy, &web, rule.clone()).await.unwrap_err();
    assert!(why.contains("cut off everything else"), "{why}");
    world.create(&json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "deny"}, "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}));
    let deny = target(&world, "networking.k8s.io/v1", "NetworkPolicy", "deny");
    let done = act(&cluster, Action::UpdateNetworkPolicy, &deny, rule.clone()).await;
    let at = "/spec/ingress/0/from/0/podSelector/matchLabels/app";
    assert_eq!(path(&world.see("networkpolicy", "deny"), at), "front");
    take_back(&cluster, &done).await;
    assert_eq!(path(&world.see("networkpolicy", "deny"), "/spec/ingress"), &Value::Null);

    let done = act(&cluster, Action::UpdateNetworkPolicy, &web, rule).await;
    let Operation::Create { object, .. } = &done.compiled.operations[0] else { panic!() };
    assert_eq!(path(&world.see("networkpolicy", &object.name), at), "front");
    take_back(&cluster, &done).await;
    let left = world.kubectl(&["get", "networkpolicies", "-n", &world.ns, "-o", "name"]);
    assert_eq!(left.trim(), "networkpolicy.networking.k8s.io/deny");
}

#[tokio::test]
async fn a_claim_asks_for_more_room_where_its_class_allows_it() {
    let Some(world) = World::new("act-claim") else { return };
    let cluster = world.cluster().await;
    let class = format!("class-{}", world.ns);
    let volume = format!("volume-{}", world.ns);
    world.create(&json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": {"name": class}, "provisioner": "example.com/none", "allowVolumeExpansion": true}));
    world.create(
        &json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume},
        "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
            "storageClassName": class, "hostPath": {"path": "/tmp/none"},
            "claimRef": {"namespace": world.ns, "name": "data"}}}),
    );
    world.create(
        &json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
        "spec": {"storageClassName": class, "volumeName": volume, "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}}}}),
    );
    until("the claim is bound", || {
        (world.see("pvc", "data")["status"]["phase"] == "Bound").then_some(())
    })
    .await;
    let claim = target(&world, "v1", "PersistentVolumeClaim", "data");
    act(&cluster, Action::ExpandPvc, &claim, json!({"size": "2Gi"})).await;
    let at = "/spec/resources/requests/storage";
    assert_eq!(path(&world.see("pvc", "data"), at), "2Gi");
    let smaller = json!({"size": "1Gi"});
    let why = plan(&cluster, Action::ExpandPvc, &claim, smaller).await.unwrap_err();
    assert!(why.contains("never gets smaller"), "{why}");
    world.kubectl(&["delete", "pvc", "data", "-n", &world.ns]);
    world.kubectl(&["delete", "pv", &volume]);
    world.kubectl(&["delete", "storageclass", &class]);
}

#[tokio::test]
async fn pods_that_have_ended_are_deleted_and_those_that_run_stay() {
    let Some(world) = World::new("act-ended") else { return };
    let cluster = world.cluster().await;
    world.create(&running("web", 1, SLEEP));
    let image = std::env::var("PILOTHOUSE_TEST_IMAGE").unwrap();
    for (name, script) in [("bad", "exit 3"), ("good", "exit 0")] {
        world.create(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "app", "image": image,
                "command": ["/bin/sh", "-c", script]}]}}));
    }
    settled(&world, "web", 1).await;
    let phase = |name: &str| world.see("pod", name)["status"]["phase"].clone();
    until("both have ended", || {
        (phase("bad") == "Failed" && phase("good") == "Succeeded").then_some(())
    })
    .await;
    let web = target(&world, "apps/v1", "Deployment", "web");
    act(&cluster, Action::DeleteFailedPods, &web, json!({})).await;
    until("the failed one is gone", || {
        let left = world.kubectl(&["get", "pods", "-n", &world.ns, "-o", "name"]);
        (!left.contains("pod/bad")).then_some(left)
    })
    .await;
    assert_eq!(phase("good"), "Succeeded");
    assert_eq!(pods(&world, "web").len(), 1);
}

#[tokio::test]
async fn an_ordered_stateful_set_is_rolled_back_with_its_broken_pod() {
    let Some(world) = World::new("act-rollback") else { return };
    let cluster = world.cluster().await;
    let mut db = running("db", 2, SLEEP);
    db["kind"] = json!("StatefulSet");
    db["spec"]["serviceName"] = json!("db");
    world.create(&db);
    settled(&world, "db", 2).await;
    let revision = world.see("statefulset", "db")["status"]["currentRevision"].clone();
    let held = world.see("controllerrevision", revision.as_str().unwrap());
    world.kubectl(&["set", "image", "statefulset/db", "-n", &world.ns, "app=none.invalid/db:9"]);
    until("the new pod can't start", || {
        let all = pods(&world, "db");
        let pod = all.iter().find(|pod| pod["metadata"]["name"] == "db-1")?;
        let at = "/status/containerStatuses/0/state/waiting/reason";
        let reason = pod.pointer(at)?.as_str()?;
        matches!(reason, "ErrImagePull" | "ImagePullBackOff").then_some(())
    })
    .await;
    let set = target(&world, "apps/v1", "StatefulSet", "db");
    let params = json!({"revision": {"kind": "ControllerRevision",
        "name": revision, "uid": held["metadata"]["uid"]}});
    let done = act(&cluster, Action::RollBack, &set, params).await;
    assert!(matches!(done.compiled.operations[1], Operation::Delete { .. }), "{:?}", done.compiled);
    settled(&world, "db", 2).await;
    let images = pods(&world, "db")
        .iter()
        .map(|pod| pod["spec"]["containers"][0]["image"].clone())
        .collect::<Vec<_>>();
    assert!(images.iter().all(|image| image != "none.invalid/db:9"), "{images:?}");
    take_back(&cluster, &done).await;
    let image =
        world.see("statefulset", "db")["spec"]["template"]["spec"]["containers"][0]["image"]
            .clone();
    assert_eq!(image, "none.invalid/db:9");
}

#[tokio::test]
async fn a_daemon_set_is_restarted_node_by_node() {
    let Some(world) = World::new("act-daemon") else { return };
    let cluster = world.cluster().await;
    let mut agent = running("agent", 1, SLEEP);
    agent["kind"] = json!("DaemonSet");
    agent["spec"].as_object_mut().unwrap().remove("replicas");
    world.create(&agent);
    until("pods of the agent", || {
        let all = pods(&world, "agent");
        (!all.is_empty() && all.iter().all(ready)).then_some(())
    })
    .await;
    let uids = || {
        pods(&world, "agent")
            .iter()
            .map(|pod| pod["metadata"]["uid"].to_string())
            .collect::<Vec<_>>()
    };
    let before = uids();
    let set = target(&world, "apps/v1", "DaemonSet", "agent");
    act(&cluster, Action::RestartWorkload, &set, json!({})).await;
    until("all pods anew", || {
        let now = uids();
        (now.len() == before.len() && now.iter().all(|uid| !before.contains(uid))).then_some(())
    })
    .await;
}

#[tokio::test]
async fn requests_are_set_to_what_was_really_used() {
    let Some(world) = World::new("act-optimise") else { return };
    if std::env::var("PILOTHOUSE_TEST_PROMETHEUS").is_err() {
        return;
    }
    let cluster = world.cluster().await;
    let mut web = running("web", 1, SLEEP);
    web["spec"]["template"]["spec"]["containers"][0]["resources"] =
        json!({"requests": {"cpu": "500m", "memory": "512Mi"}});
    world.create(&web);
    settled(&world, "web", 1).await;
    let web = target(&world, "apps/v1", "Deployment", "web");
    let params = json!({"container": "app", "window_hours": 1});
    let mut last = String::new();
    for _ in 0..60 {
        match plan(&cluster, Action::OptimiseResources, &web, params.clone()).await {
            Ok(_) => break,
            Err(why) => last = why,
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let done = act(&cluster, Action::OptimiseResources, &web, params).await;
    let requests = |world: &World| {
        world.see("deployment", "web")["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"].clone()
    };
    let now = requests(&world);
    assert_eq!(now["memory"], "16Mi", "{last} {now}");
    assert!(done.compiled.notes[0].contains("within 1 h"), "{:?}", done.compiled);
    take_back(&cluster, &done).await;
    assert_eq!(requests(&world), json!({"cpu": "500m", "memory": "512Mi"}));
}

#[tokio::test]
async fn the_clusters_dns_is_found_by_its_label_and_restarted() {
    let Some(world) = World::new("act-dns") else { return };
    let cluster = world.cluster().await;
    // This cluster has none of its own.
    let mut dns = running(&world.ns, 1, SLEEP);
    dns["metadata"]["namespace"] = json!("kube-system");
    dns["metadata"]["labels"] = json!({"k8s-app": "coredns"});
    world.kubectl_with(&["create", "-f", "-"], &dns.to_string());
    let at = |args: &[&str]| {
        world.kubectl(&[args, &["-n", "kube-system", &world.ns, "-o", "json"]].concat())
    };
    let read = || serde_json::from_str::<Value>(&at(&["get", "deployment"])).unwrap();
    until("it runs", || (read()["status"]["readyReplicas"] == 1).then_some(())).await;
    let any = world.deployment("any");
    let params = json!({"component": "dns"});
    let done = act(&cluster, Action::RestartNetworkComponents, &any, params).await;
    until("its pods were replaced", || {
        let seen = read();
        let well = seen["status"]["updatedReplicas"] == 1
            && seen["status"]["readyReplicas"] == 1
            && seen["status"]["observedGeneration"] == 2;
        well.then_some(())
    })
    .await;
    world.kubectl(&["delete", "deployment", "-n", "kube-system", &world.ns]);
    assert!(done.compiled.title.contains("kube-system/Deployment/"), "{}", done.compiled.title);
}
