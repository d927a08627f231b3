//! Actions on nodes. They disturb the whole cluster: one after the other, on a cluster of their own.

use crate::line::{SLEEP, act, plan, pods, running, settled, take_back, target};
use crate::world::World;
use pilothouse::domain::action::Action;
use pilothouse::domain::action::leaving::{Stand, leaving};
use pilothouse::domain::evidence::{Gathered, Progress};
use pilothouse::ports::cluster::Cluster;
use serde_json::{Value, json};

#[tokio::test]
async fn a_node_is_cordoned_its_workload_moves_and_it_takes_pods_again() {
    let _alone = crate::alone();
    let Some(world) = World::new("act-node") else { return };
    let cluster = world.cluster().await;
    let see = |name: &str| {
        let text = world.kubectl(&["get", "node", name, "-o", "json"]);
        serde_json::from_str::<Value>(&text).unwrap()
    };
    world.create(&running("web", 2, SLEEP));
    world.create(&json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}}}));
    settled(&world, "web", 2).await;
    let web = target(&world, "apps/v1", "Deployment", "web");
    let on = pods(&world, "web")[0]["spec"]["nodeName"].as_str().unwrap().to_string();
    let node = target(&world, "v1", "Node", &on);

    let from = json!({"from": on});
    let why = plan(&cluster, Action::MigrateWorkload, &web, from.clone()).await.unwrap_err();
    assert!(why.contains("is not cordoned"), "{why}");
    let cordoned = act(&cluster, Action::Cordon, &node, json!({"reason": "a test"})).await;
    assert_eq!(see(&on)["spec"]["unschedulable"], true);
    assert_eq!(see(&on)["metadata"]["annotations"]["pilothouse.dev/cordoned"], "a test");

    let mut gathered = Gathered::default();
    let list = loop {
        match leaving(&on, &gathered) {
            Progress::Ready(list) => break list.unwrap(),
            Progress::Need(reads) => {
                for read in reads {
                    let answer = cluster.read(&read).await;
                    gathered.answers.insert(read, answer);
                }
            }
        }
    };
    let own = list.iter().filter(|one| one.pod.key.namespace == world.ns).collect::<Vec<_>>();
    assert!(!own.is_empty() && own.iter().all(|one| one.stand == Stand::Goes), "{list:?}");
    assert!(own.iter().all(|one| one.budgets.len() == 1 && one.goes_to.is_ok()), "{list:?}");

    act(&cluster, Action::MigrateWorkload, &web, from).await;
    settled(&world, "web", 2).await;
    assert!(pods(&world, "web").iter().all(|pod| pod["spec"]["nodeName"] != on.as_str()));
    take_back(&cluster, &cordoned).await;
    assert!(see(&on)["spec"].get("unschedulable").is_none());

    let again = act(&cluster, Action::Cordon, &node, json!({})).await;
    let open = act(&cluster, Action::Uncordon, &node, json!({})).await;
    assert!(see(&on)["spec"].get("unschedulable").is_none());
    assert!(see(&on)["metadata"]["annotations"].get("pilothouse.dev/cordoned").is_none());
    take_back(&cluster, &open).await;
    assert_eq!(see(&on)["spec"]["unschedulable"], true);
    take_back(&cluster, &again).await;
    assert!(see(&on)["spec"].get("unschedulable").is_none());
}

#[tokio::test]
async fn a_named_taint_is_removed_and_put_back() {
    let _alone = crate::alone();
    let Some(world) = World::new("act-taint") else { return };
    let cluster = world.cluster().await;
    let nodes = world.kubectl(&["get", "nodes", "-o", "jsonpath={.items[-1:].metadata.name}"]);
    world.kubectl(&["taint", "node", &nodes, "pilothouse.dev/test=a:PreferNoSchedule"]);
    let has = || {
        let text = world.kubectl(&["get", "node", &nodes, "-o", "json"]);
        text.contains("pilothouse.dev/test")
    };
    let node = target(&world, "v1", "Node", &nodes);
    let params = json!({"key": "pilothouse.dev/test"});
    let done = act(&cluster, Action::RemoveTaint, &node, params).await;
    assert!(!has());
    take_back(&cluster, &done).await;
    assert!(has());
    world.kubectl(&["taint", "node", &nodes, "pilothouse.dev/test-"]);
}
