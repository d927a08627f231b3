//! The Lease and the stop annotation.

use crate::world::{World, connect};
use pilothouse::adapters::kube::KubeOptions;
use pilothouse::ports::cluster::{Cluster, ClusterError, LEASE_NAME, STOP_ANNOTATION};

#[tokio::test]
async fn one_holder_at_a_time_and_a_silent_one_is_succeeded() {
    let Some(world) = World::new("lease") else { return };
    let cluster = world.cluster().await;
    assert_eq!(cluster.lease().await.unwrap(), None);
    let first = cluster.hold_lease("one", 15, None).await.unwrap();
    assert_eq!((first.holder.as_str(), first.ttl_s, first.stop.clone()), ("one", 15, None));
    assert!(first.renewed_at.is_some());
    let error = cluster.hold_lease("two", 15, None).await.unwrap_err();
    assert!(matches!(&error, ClusterError::Refused(why) if why.contains("one")), "{error:?}");

    let renewed = cluster.hold_lease("one", 15, None).await.unwrap();
    assert_ne!(renewed.version, first.version);
    // Two waited for the first version; one has renewed since.
    assert!(cluster.hold_lease("two", 15, Some(&first.version)).await.is_err());
    let taken = cluster.hold_lease("two", 15, Some(&renewed.version)).await.unwrap();
    assert_eq!(taken.holder, "two");
    assert!(cluster.hold_lease("one", 15, Some(&renewed.version)).await.is_err());
    let seen = world.see("lease", LEASE_NAME);
    assert_eq!(seen["spec"]["leaseTransitions"], 1);
    assert_eq!(seen["spec"]["holderIdentity"], "two");

    cluster.release_lease("one").await.unwrap();
    assert_eq!(cluster.lease().await.unwrap().unwrap().holder, "two", "not theirs to give back");
    cluster.release_lease("two").await.unwrap();
    assert_eq!(cluster.lease().await.unwrap().unwrap().holder, "");
    assert_eq!(cluster.hold_lease("one", 15, None).await.unwrap().holder, "one");
}

#[tokio::test]
async fn of_many_who_reach_for_it_at_once_one_gets_it() {
    let Some(world) = World::new("race") else { return };
    let mut racers = tokio::task::JoinSet::new();
    for n in 0..8 {
        let cluster = world.cluster().await;
        racers.spawn(async move { cluster.hold_lease(&format!("racer-{n}"), 15, None).await });
    }
    let results = racers.join_all().await;
    let winners = results.iter().flatten().map(|lease| lease.holder.clone()).collect::<Vec<_>>();
    assert_eq!(winners.len(), 1, "{results:?}");
    assert!(
        results.iter().all(|result| matches!(result, Ok(_) | Err(ClusterError::Refused(_)))),
        "{results:?}"
    );
    let cluster = world.cluster().await;
    let lease = cluster.lease().await.unwrap().unwrap();
    assert_eq!(lease.holder, winners[0]);

    // The winner fell silent: all have waited for the same version.
    let mut racers = tokio::task::JoinSet::new();
    for n in 0..8 {
        let (cluster, version) = (world.cluster().await, lease.version.clone());
        racers.spawn(
            async move { cluster.hold_lease(&format!("heir-{n}"), 15, Some(&version)).await },
        );
    }
    let results = racers.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
}

#[tokio::test]
async fn a_stop_that_kubectl_sets_is_seen_and_survives_renewals() {
    let Some(world) = World::new("stop") else { return };
    let cluster = world.cluster().await;
    cluster.hold_lease("one", 15, None).await.unwrap();
    let annotation = format!("{STOP_ANNOTATION}=bad night\u{1b}[31m, mira");
    world.kubectl(&["annotate", "lease", LEASE_NAME, "-n", &world.ns, &annotation]);
    let stop = || async { cluster.lease().await.unwrap().unwrap().stop };
    assert_eq!(stop().await.as_deref(), Some("bad night[31m, mira"));
    let renewed = cluster.hold_lease("one", 15, None).await.unwrap();
    assert_eq!(renewed.stop.as_deref(), Some("bad night[31m, mira"));
    cluster.release_lease("one").await.unwrap();
    assert!(stop().await.is_some());
    cluster.set_stop(None).await.unwrap();
    assert_eq!(stop().await, None);
    cluster.set_stop(Some("enough")).await.unwrap();
    let seen = &world.see("lease", LEASE_NAME)["metadata"]["annotations"][STOP_ANNOTATION];
    assert_eq!(seen, "enough");
    // kubectl may write at any moment, also between our read and our write.
    let lift = format!("{STOP_ANNOTATION}-");
    world.kubectl(&["annotate", "lease", LEASE_NAME, "-n", &world.ns, &lift]);
    assert_eq!(stop().await, None);
}

#[tokio::test]
async fn namespace_and_lease_are_made_when_they_are_not_there() {
    let Some(world) = World::new("make") else { return };
    for (suffix, by_stop) in [("a", false), ("b", true)] {
        let namespace = format!("{}-{suffix}", world.ns);
        let options = KubeOptions { lease_namespace: namespace.clone(), ..world.options() };
        let cluster = connect(options).await;
        cluster.set_stop(None).await.unwrap();
        assert_eq!(cluster.lease().await.unwrap(), None);
        cluster.release_lease("one").await.unwrap();
        if by_stop {
            cluster.set_stop(Some("first")).await.unwrap();
        }
        let lease = cluster.hold_lease("one", 15, None).await.unwrap();
        assert_eq!(lease.holder, "one");
        assert_eq!(lease.stop.as_deref(), by_stop.then_some("first"));
        world.kubectl(&["delete", "namespace", &namespace, "--wait=false"]);
    }
}
