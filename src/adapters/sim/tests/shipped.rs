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

#[test]
fn a_generated_scenario_is_a_function_of_its_seed_and_makes_each_of_its_incidents_happen() {
    assert_eq!(Scenario::generated(3, 20), Scenario::generated(3, 20));
    assert_ne!(Scenario::generated(3, 20).timeline, Scenario::generated(4, 20).timeline);
    let sim = Sim::new(Scenario::generated(3, 10), 3);
    pass(&sim, 3_600 * 2);
    let noted = sim.locked().notes().join("\n");
    let alerts = deliveries(&sim);
    for number in 0..10 {
        let name = format!("svc-{number:04}");
        assert!(noted.contains(&name), "{name} in {noted}");
        let raised =
            alerts.iter().any(|alert| alert.labels.values().any(|value| value.starts_with(&name)));
        assert!(raised, "{name} raised no alert; {noted}");
    }
}

#[test]
fn a_generated_scenario_cleans_up_after_itself() {
    let sim = Sim::new(Scenario::generated(5, 4), 5);
    let lasts = sim.scenario().lasts;
    pass(&sim, lasts + 120);
    assert_eq!(pods(&sim), Vec::<Value>::new());
}
