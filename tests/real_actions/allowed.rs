//! A raise of a limit goes as far as LimitRanges and quotas admit.

use crate::line::{SLEEP, act, plan, pods, ready, running, settled, take_back, target};
use crate::world::{World, until};
use pilothouse::domain::action::Action;
use serde_json::{Value, json};

fn path<'a>(object: &'a Value, pointer: &str) -> &'a Value {
    object.pointer(pointer).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn a_raise_goes_as_far_as_the_namespace_admits_and_its_pods_come_up() {
    let Some(world) = World::new("act-allowed") else { return };
    let cluster = world.cluster().await;
    let mut web = running("web", 1, SLEEP);
    web["spec"]["template"]["spec"]["containers"][0]["resources"] =
        json!({"requests": {"cpu": "5m", "memory": "4Mi"}, "limits": {"memory": "64Mi"}});
    world.create(&web);
    settled(&world, "web", 1).await;
    world.create(&json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"},
        "spec": {"limits": [{"type": "Container", "max": {"memory": "100Mi"}}]}}));
    let web = target(&world, "apps/v1", "Deployment", "web");
    let params = json!({"container": "app", "memory_limit": "128Mi", "as_allowed": true});
    let done = act(&cluster, Action::SetResources, &web, params.clone()).await;
    let at = "/spec/template/spec/containers/0/resources/limits/memory";
    assert_eq!(path(&world.see("deployment", "web"), at), "100Mi");
    until("a pod with the new limit", || {
        let pods = pods(&world, "web");
        let limit = pods.first()?.pointer("/spec/containers/0/resources/limits/memory")?;
        (pods.len() == 1 && limit == "100Mi" && ready(&pods[0])).then_some(())
    })
    .await;
    assert!(
        done.compiled.notes.iter().any(|note| note.contains("LimitRange small")),
        "{:?}",
        done.compiled
    );
    let why = plan(&cluster, Action::SetResources, &web, params.clone()).await.unwrap_err();
    assert!(why.contains("100Mi at most, and it has 100Mi"), "{why}");
    take_back(&cluster, &done).await;
    assert_eq!(path(&world.see("deployment", "web"), at), "64Mi");
    // A quota leaves room for the pod that a rollout makes besides, and 16Mi more.
    world.kubectl(&["delete", "limitrange", "small", "-n", &world.ns]);
    settled(&world, "web", 1).await;
    until("only one pod is left", || {
        let list = world.kubectl(&["get", "pods", "-n", &world.ns, "-o", "name"]);
        (list.lines().count() == 1).then_some(())
    })
    .await;
    world
        .create(&json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team"},
        "spec": {"hard": {"limits.memory": "144Mi"}}}));
    until("the quota is counted", || {
        let used = world.see("resourcequota", "team");
        (path(&used, "/status/used/limits.memory") == "64Mi").then_some(())
    })
    .await;
    act(&cluster, Action::SetResources, &web, params).await;
    assert_eq!(path(&world.see("deployment", "web"), at), "80Mi");
    until("a pod with what the quota admits", || {
        let pods = pods(&world, "web");
        let limit = pods.first()?.pointer("/spec/containers/0/resources/limits/memory")?;
        (pods.len() == 1 && limit == "80Mi" && ready(&pods[0])).then_some(())
    })
    .await;
}
