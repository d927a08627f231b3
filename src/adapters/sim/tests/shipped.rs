use super::*;

#[test]
fn shipped_scenarios_are_read() {
    for name in Scenario::names() {
        assert!(Scenario::named(name).is_ok(), "{name}: {:?}", Scenario::named(name).err());
    }
    assert!(Scenario::named("day").is_err());
}

/// Everything that a scenario names exists: images, workloads, nodes. A typing error would make an incident vanish.
#[test]
fn shipped_scenarios_begin_well_and_name_only_what_there_is() {
    for name in Scenario::names() {
        let scenario = Scenario::named(name).unwrap();
        let sim = Sim::new(scenario.clone(), 1);
        for pod in pods(&sim) {
            assert_eq!(
                condition(&pod, "Ready")["status"],
                "True",
                "{name}: {}",
                pod["metadata"]["name"]
            );
        }
        let world = sim.locked();
        for incident in &scenario.timeline {
            let (target, node) = match &incident.what {
                Happens::SetImage { of, .. }
                | Happens::SetLimit { of, .. }
                | Happens::SetEnv { of, .. }
                | Happens::Scale { of, .. }
                | Happens::Annotate { of, .. } => (Some(of.target.clone()), None),
                Happens::Delete { target } => (Some(target.clone()), None),
                Happens::NodeDown { node, .. } | Happens::NodeUp { node } => (None, Some(node)),
                Happens::Needs { image, .. } | Happens::Leaks { image, .. } => {
                    assert!(scenario.images.contains_key(image), "{name}: {image}");
                    (None, None)
                }
                _ => (None, None),
            };
            if let Some(target) = target {
                let key = super::super::timeline::target_key(&target);
                assert!(world.object(&key).is_some(), "{name}: {target}");
            }
            if let Some(node) = node {
                assert!(scenario.nodes.iter().any(|one| one.name == *node), "{name}: {node}");
            }
        }
        assert!(scenario.timeline.iter().filter(|one| !one.note.is_empty()).count() >= 8, "{name}");
    }
}

#[test]
fn a_night_left_alone_raises_alerts_of_many_kinds() {
    let sim = Sim::new(Scenario::named("night").unwrap(), 1);
    pass(&sim, 8 * 3_600);
    let alerts = deliveries(&sim);
    let kinds = alerts
        .iter()
        .map(|alert| alert.name().to_string())
        .collect::<std::collections::BTreeSet<_>>();
    for kind in [
        "CPUThrottlingHigh",
        "ContainerMemoryNearLimit",
        "KubeContainerWaiting",
        "KubeDeploymentRolloutStuck",
        "KubeNodeNotReady",
        "KubePodCrashLooping",
        "KubePodOOMKilled",
    ] {
        assert!(kinds.contains(kind), "{kind} in {kinds:?}");
    }
    assert!(alerts.windows(2).all(|pair| {
        let at = |alert: &Alert| alert.ends_at.unwrap_or(alert.starts_at);
        at(&pair[0]) <= at(&pair[1])
    }));
}
