use super::*;
use crate::ports::cluster::ClusterError;
use serde_json::json;
use std::collections::BTreeMap;

#[test]
fn a_full_quota_refuses_a_dry_run_and_stops_a_rollout() {
    let sim = world(WEB);
    let hard = BTreeMap::from([("pods".to_string(), "3".to_string())]);
    sim.locked().happens(Happens::Quota { namespace: "shop".into(), hard });
    let template = object(&sim, &deployment("web"))["spec"]["template"].clone();
    match now(sim.cluster().admits("shop", &template)) {
        Err(ClusterError::Refused(why)) => {
            assert!(
                why.contains(
                    "exceeded quota: quota, requested: pods=1, used: pods=3, limited: pods=3"
                ),
                "{why}"
            );
        }
        other => panic!("{other:?}"),
    }
    set_image(&sim, "shop/Deployment/web", "r.example/web:2");
    pass(&sim, 60);
    let web = object(&sim, &deployment("web"));
    assert_eq!(condition(&web, "ReplicaFailure")["reason"], "FailedCreate");
    assert_eq!(web["status"]["readyReplicas"], 3);
    let quota = &all(&sim, "v1", "ResourceQuota")[0];
    assert_eq!(quota["status"]["used"]["pods"], "3");
}

#[test]
fn a_quota_of_memory_counts_limits() {
    let sim = world(WEB);
    let hard = BTreeMap::from([("limits.memory".to_string(), "700Mi".to_string())]);
    sim.locked().happens(Happens::Quota { namespace: "shop".into(), hard });
    let pod = |limit: &str| json!({"spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": limit}}}]}});
    assert_eq!(now(sim.cluster().admits("shop", &pod("100Mi"))), Ok(()));
    assert!(now(sim.cluster().admits("shop", &pod("101Mi"))).is_err());
    let none = json!({"spec": {"containers": [{"name": "app"}]}});
    let why = now(sim.cluster().admits("shop", &none)).unwrap_err().to_string();
    assert!(why.contains("must specify limits.memory for: app"), "{why}");
}
