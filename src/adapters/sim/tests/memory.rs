use super::*;
use crate::domain::evidence::{Answer, Read};

fn query(sim: &Sim, promql: &str) -> Answer {
    now(sim.metrics().query(&Read::Query { promql: promql.into() }))
}

fn number(sim: &Sim, promql: &str) -> f64 {
    match query(sim, promql) {
        Answer::Series(series) if series.len() == 1 => series[0].points[0].1,
        other => panic!("{promql}: {other:?}"),
    }
}

#[test]
fn a_program_that_needs_more_than_its_limit_is_killed_again_and_again() {
    let sim = world(WEB);
    needs(&sim, "r.example/web:1", 300);
    pass(&sim, 600);
    for pod in pods(&sim) {
        let status = &pod["status"]["containerStatuses"][0];
        let ended = &status["lastState"]["terminated"];
        assert_eq!(
            (&ended["reason"], &ended["exitCode"]),
            (&"OOMKilled".into(), &137.into()),
            "{status}"
        );
        assert!(status["restartCount"].as_i64().unwrap() >= 4);
    }
    let names = deliveries(&sim).iter().map(|alert| alert.name().to_string()).collect::<Vec<_>>();
    for name in ["KubePodOOMKilled", "KubePodCrashLooping"] {
        assert!(names.contains(&name.to_string()), "{name} in {names:?}");
    }
}

#[test]
fn a_higher_limit_cures_it_and_the_alerts_are_resolved() {
    let sim = world(WEB);
    needs(&sim, "r.example/web:1", 300);
    pass(&sim, 600);
    set_limit(&sim, "shop/Deployment/web", "512Mi");
    pass(&sim, 60);
    let restarts = |sim: &Sim| {
        pods(sim)
            .iter()
            .map(|pod| pod["status"]["containerStatuses"][0]["restartCount"].as_i64().unwrap())
            .sum::<i64>()
    };
    assert_eq!(object(&sim, &deployment("web"))["status"]["availableReplicas"], 3);
    pass(&sim, 3_600);
    assert_eq!(restarts(&sim), 0, "new pods, and none of them died");
    let alerts = deliveries(&sim);
    let resolved = alerts.iter().filter(|alert| alert.ends_at.is_some()).count();
    assert!(resolved >= 3);
    let firing = now(sim.alerts().firing()).unwrap();
    assert_eq!(firing.iter().map(Alert::name).collect::<Vec<_>>(), ["Watchdog"]);
}

#[test]
fn a_leak_grows_until_it_dies_and_starts_again_from_little() {
    let sim = world(WEB);
    sim.locked().happens(Happens::Leaks { image: "r.example/web:1".into(), per_hour: 60 << 20 });
    let one = pods(&sim)[0]["metadata"]["name"].as_str().unwrap().to_string();
    let used = format!("container_memory_working_set_bytes{{pod=\"{one}\",container=\"app\"}}");
    let before = number(&sim, &used);
    pass(&sim, 3_600);
    let after = number(&sim, &used);
    assert!(after > before + f64::from(50 << 20), "{before} → {after}");
    assert!(number(&sim, &format!("deriv({used}[30m]) * 3600")) > f64::from(50 << 20));
    pass(&sim, 3 * 3_600);
    let pod = object(&sim, &ObjectKey::new("v1", "Pod", "shop", &one));
    let status = &pod["status"]["containerStatuses"][0];
    assert_eq!(status["lastState"]["terminated"]["reason"], "OOMKilled");
    assert!(
        number(&sim, &format!("kube_pod_container_status_restarts_total{{pod=\"{one}\"}}")) >= 1.0
    );
    assert!(
        number(&sim, &format!("changes(container_start_time_seconds{{pod=\"{one}\"}}[4h])")) >= 1.0
    );
}

#[test]
fn metrics_answer_what_is_asked_and_refuse_what_is_not_simulated() {
    let sim = world(WEB);
    let limit = "max by (namespace) (container_spec_memory_limit_bytes{namespace=\"shop\"})";
    assert!((number(&sim, limit) - f64::from(200 << 20)).abs() < 1.0);
    let cores = "sum(rate(container_cpu_usage_seconds_total{namespace=\"shop\"}[5m]))";
    assert!((number(&sim, cores) - 0.15).abs() < 0.01, "{}", number(&sim, cores));
    assert!((number(&sim, "count(kube_pod_owner{namespace=\"shop\"})") - 3.0).abs() < 0.1);
    assert_eq!(
        query(&sim, "container_memory_working_set_bytes{namespace=\"none\"}"),
        Answer::Series(Vec::new())
    );
    for unknown in ["node_load1", "histogram_quantile(0.9, x)", "rate(x[5m:1m])"] {
        match query(&sim, unknown) {
            Answer::Unavailable(why) => assert!(why.starts_with("not simulated: "), "{why}"),
            other => panic!("{unknown}: {other:?}"),
        }
    }
}

#[test]
fn a_range_query_gives_one_point_for_each_step() {
    let sim = world(WEB);
    let read = Read::Range {
        promql: "max by (pod, container) (container_memory_working_set_bytes{namespace=\"shop\",pod=~\"web-.*\"})".into(),
        window_s: 600,
        step_s: 60,
    };
    match now(sim.metrics().query(&read)) {
        Answer::Series(series) => {
            assert_eq!(series.len(), 3);
            assert!(series.iter().all(|one| one.points.len() == 11));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_secret_that_is_missing_keeps_a_container_from_starting() {
    let sim = world(
        r#"
[config]
"shop/Secret/db" = ["password"]

[[workload]]
namespace = "shop"
name = "web"
image = "r.example/web:1"
secret_env = ["DB_PASSWORD=db/password"]
"#,
    );
    assert_eq!(object(&sim, &deployment("web"))["status"]["readyReplicas"], 2);
    sim.locked().happens(Happens::Delete { target: "shop/Secret/db".into() });
    pass(&sim, 60);
    assert_eq!(
        object(&sim, &deployment("web"))["status"]["readyReplicas"],
        2,
        "running ones run on"
    );
    let one = pods(&sim)[0]["metadata"]["name"].as_str().unwrap().to_string();
    sim.locked().happens(Happens::Delete { target: format!("shop/Pod/{one}") });
    pass(&sim, 60);
    let stuck = pods(&sim).into_iter().find(|pod| pod["status"]["phase"] == "Pending").unwrap();
    let waiting = &stuck["status"]["containerStatuses"][0]["state"]["waiting"];
    assert_eq!(waiting["reason"], "CreateContainerConfigError");
    assert_eq!(waiting["message"], "secret \"db\" not found");
    sim.locked().happens(Happens::Config {
        target: "shop/Secret/db".into(),
        keys: vec!["password".into()],
    });
    pass(&sim, 30);
    assert_eq!(object(&sim, &deployment("web"))["status"]["readyReplicas"], 2);
}
