//! What needs two people at a site (another primary, a repair, the mesh), as its definition file has it: planned, sent and
//! checked by the engine's own planner and executor, without the decision. The test plays the site's operator where one
//! would act, and stands in for programs that this environment lacks.

use crate::definitions::crd_served;
use crate::line::{diagnosis, pods, running, settled, target};
use crate::program::OK;
use crate::world::{CLOCK, World, outside, send, until};
use pilothouse::adapters::kube::KubeCluster;
use pilothouse::domain::evidence::{Gathered, Progress};
use pilothouse::domain::id::ClusterId;
use pilothouse::domain::policy::Policy;
use pilothouse::domain::resource::ObjectRef;
use pilothouse::domain::workflow::compile::{PlanRequest, compile};
use pilothouse::domain::workflow::execution::AttemptOutcome;
use pilothouse::domain::workflow::plan::{Condition, Plan, Risk, StepKind};
use pilothouse::domain::workflow::template::Library;
use pilothouse::engine::executor;
use pilothouse::engine::job::Looked;
use pilothouse::ports::clock::Clock;
use pilothouse::ports::cluster::Cluster;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A shipped example, enabled.
fn enabled(text: &str) -> String {
    text.replace("enabled: false", "enabled: true")
}

/// The plan of a definition for that target, or why there is none.
async fn planned(
    cluster: &Arc<KubeCluster>,
    text: &str,
    target: &ObjectRef,
    set: Value,
) -> Result<Plan, String> {
    let image = std::env::var("PILOTHOUSE_TEST_IMAGE").unwrap();
    let library = Library::load_with(
        &[],
        &[("own.yaml".into(), text.into())],
        &[image].into_iter().collect(),
    );
    assert!(library.problems.is_empty(), "{:?}", library.problems);
    let name = text.lines().find_map(|line| line.strip_prefix("name: ")).unwrap();
    let overrides = set.as_object().cloned().unwrap_or_default();
    let overrides = overrides.into_iter().collect::<BTreeMap<_, _>>();
    let request = PlanRequest {
        cluster: &ClusterId::new("test"),
        diagnosis: &diagnosis(target),
        library: &library,
        template: &library.templates[name],
        overrides: &overrides,
        policy: &Policy::default(),
        now: CLOCK.now(),
    };
    let mut gathered = Gathered::default();
    for _ in 0..8 {
        match compile(&request, &gathered).map_err(|error| error.to_string())? {
            Progress::Ready(plan) => return Ok(plan),
            Progress::Need(reads) => {
                for read in reads {
                    let answer = cluster.read(&read).await;
                    gathered.answers.insert(read, answer);
                }
            }
        }
    }
    panic!("{name} asks for ever");
}

/// Carries the plan out, step by step; `operator` acts before each wait. The words of all that was applied, or of the
/// first that failed.
async fn carried_out(
    cluster: &Arc<KubeCluster>,
    plan: &Plan,
    mut operator: impl FnMut(),
) -> Result<String, String> {
    let mut said = String::new();
    for step in plan.steps.iter().flat_map(|step| step.with_all_below()) {
        if let StepKind::WaitFor { condition } = &step.kind {
            operator();
            said.push_str(&holds(cluster, condition).await?);
        }
        for planned in step.operations() {
            if planned.operation.previewable() {
                let preview = cluster.preview(&planned.operation).await;
                assert!(preview.is_ok(), "{preview:?}");
            }
            let attempt = format!("a-{}", uuid::Uuid::new_v4().simple());
            match send(cluster, &attempt, &planned.operation).await {
                AttemptOutcome::Applied { note } => said.push_str(&note),
                AttemptOutcome::Failed { why } | AttemptOutcome::Refused { why, .. } => {
                    return Err(why);
                }
                other => panic!("{other:?}"),
            }
        }
    }
    Ok(said)
}

async fn holds(cluster: &Arc<KubeCluster>, condition: &Condition) -> Result<String, String> {
    let outside = outside(cluster);
    let mut last = String::new();
    for _ in 0..240 {
        match executor::look(&outside, condition, CLOCK.now()).await {
            Looked::Holds(words) => return Ok(words),
            Looked::Fails(why) => return Err(why),
            Looked::NotYet(seen) | Looked::Unavailable(seen) => last = seen,
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Err(format!("{} never came: {last}", condition.describe))
}

/// CloudNativePG's Cluster as far as a switchover goes, from the published CRD: status is a subresource.
fn clusters() -> Value {
    let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "clusters.postgresql.cnpg.io"},
        "spec": {"group": "postgresql.cnpg.io", "scope": "Namespaced",
            "names": {"kind": "Cluster", "listKind": "ClusterList", "plural": "clusters",
                "singular": "cluster"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object",
                    "properties": {"spec": any, "status": any}}}}]}})
}

#[tokio::test]
async fn a_cloud_native_pg_cluster_is_switched_over_and_back_through_its_status() {
    let Some(world) = World::new("site-cnpg") else { return };
    let cluster = world.cluster().await;
    let text = enabled(include_str!("../../assets/actions/pg-switchover-cnpg.yaml"));
    let any = world.deployment("db");
    if !crd_served(world.kubeconfig.to_str().unwrap(), "clusters.postgresql.cnpg.io") {
        let why = planned(&cluster, &text, &any, json!({"instance": "db-2"})).await.unwrap_err();
        assert!(why.contains("serves no Cluster (postgresql.cnpg.io/v1)"), "{why}");
    }
    world.kubectl_with(&["apply", "--server-side", "-f", "-"], &clusters().to_string());
    let name = "crd/clusters.postgresql.cnpg.io";
    world.kubectl(&["wait", "--for=condition=Established", name, "--timeout=60s"]);
    let made = json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
        "metadata": {"name": "db"}, "spec": {"instances": 2}});
    // The API server publishes a new kind a moment after it is established.
    until("the kind is served", || {
        crate::definitions::applied(world.kubeconfig.to_str().unwrap(), &world.ns, &made)
            .then_some(())
    })
    .await;
    let status = |status: Value| {
        let patch = json!({"status": status}).to_string();
        let args = ["patch", "clusters.postgresql.cnpg.io", "db", "-n", &world.ns];
        let more = ["--subresource=status", "--type=merge", "-p", &patch];
        world.kubectl(&[&args[..], &more[..]].concat());
    };
    let healthy = "Cluster in healthy state";
    status(json!({"currentPrimary": "db-1", "targetPrimary": "db-1", "phase": healthy}));
    let see = || world.see("clusters.postgresql.cnpg.io", "db")["status"].clone();
    let db = target(&world, "postgresql.cnpg.io/v1", "clusters.postgresql.cnpg.io", "db");
    let db = ObjectRef {
        key: pilothouse::domain::resource::ObjectKey::new(
            "postgresql.cnpg.io/v1",
            "Cluster",
            &world.ns,
            "db",
        ),
        ..db
    };
    for instance in ["db-2", "db-1"] {
        let plan = planned(&cluster, &text, &db, json!({"instance": instance})).await.unwrap();
        assert_eq!(plan.risk, Risk::Critical);
        let operator = || {
            let asked = see();
            assert_eq!(asked["targetPrimary"], instance, "{asked}");
            assert_eq!(asked["phase"], "Switchover in progress");
            status(json!({"currentPrimary": instance, "phase": healthy, "phaseReason": ""}));
        };
        let said = carried_out(&cluster, &plan, operator).await.unwrap();
        assert!(said.contains("the operator has switched over"), "{said}");
        assert_eq!(see()["currentPrimary"], instance);
    }
    let why =
        planned(&cluster, &text, &any, json!({"instance": "db-2"})).await.map(|plan| plan.title);
    assert!(why.is_ok(), "of the same name as the Deployment: {why:?}");
}

/// What Patroni's program does, as far as it goes here: whoever is not the leader can't be replaced as one.
const PATRONI: &str = r#"echo db-0 >/tmp/leader
cat >/bin/patronictl <<'END'
#!/bin/sh
[ "$1" = switchover ] || exit 2
for word in "$@"; do
  case $word in
    --leader=*) leader=${word#--leader=} ;;
    --candidate=*) candidate=${word#--candidate=} ;;
  esac
done
[ "$(cat /tmp/leader)" = "$leader" ] || { echo "Error: $leader is not the leader of cluster $6" >&2; exit 1; }
echo "$candidate" >/tmp/leader
echo "Successfully switched over to $candidate"
END
chmod +x /bin/patronictl
"#;

#[tokio::test]
async fn a_patroni_cluster_gets_another_leader_and_the_first_again() {
    let Some(world) = World::new("site-patroni") else { return };
    let cluster = world.cluster().await;
    let mut db = running("db", 1, &format!("{PATRONI}{OK}"));
    db["spec"]["template"]["metadata"]["labels"]["cluster-name"] = json!("main");
    db["spec"]["template"]["spec"]["containers"][0]["name"] = json!("postgres");
    world.create(&db);
    settled(&world, "db", 1).await;
    let text = enabled(include_str!("../../assets/actions/pg-switchover-patroni.yaml"));
    let target = target(&world, "apps/v1", "Deployment", "db");
    let leader =
        || world.kubectl(&["exec", "-n", &world.ns, "deploy/db", "--", "cat", "/tmp/leader"]);
    let ready = || leader().trim() == "db-0";
    until("its program is there", || ready().then_some(())).await;
    for (from, to) in [("db-0", "db-1"), ("db-1", "db-0")] {
        let set = json!({"cluster": "main", "leader": from, "candidate": to});
        let plan = planned(&cluster, &text, &target, set).await.unwrap();
        assert_eq!(plan.risk, Risk::Critical);
        carried_out(&cluster, &plan, || {}).await.unwrap();
        assert_eq!(leader().trim(), to);
    }
    let wrong = json!({"cluster": "main", "leader": "db-1", "candidate": "db-0"});
    let plan = planned(&cluster, &text, &target, wrong).await.unwrap();
    let why = carried_out(&cluster, &plan, || {}).await.unwrap_err();
    assert!(why.contains("db-1 is not the leader of cluster main"), "{why}");
    let none = json!({"cluster": "other", "leader": "db-1", "candidate": "db-0"});
    let why = planned(&cluster, &text, &target, none).await.unwrap_err();
    assert!(why.contains("pods with cluster-name=other"), "{why}");
}

#[tokio::test]
async fn a_repair_runs_as_a_job_with_its_secret_and_its_end_decides() {
    let Some(world) = World::new("site-repair") else { return };
    let cluster = world.cluster().await;
    let image = std::env::var("PILOTHOUSE_TEST_IMAGE").unwrap();
    world.create(&json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "pg-repair"}, "stringData": {"PGHOST": "db", "PGPASSWORD": "x"}}));
    let db = world.deployment("db");
    // The database's program is a script here, which ends as the database would have it end.
    for (name, file, end) in
        [("pg-amcheck", "pg_amcheck", "exit 2"), ("pg-reindex", "reindexdb", "exit 0")]
    {
        let shipped = match name {
            "pg-amcheck" => include_str!("../../assets/actions/pg-amcheck.yaml"),
            _ => include_str!("../../assets/actions/pg-reindex.yaml"),
        };
        let script = format!("echo {file} at $PGHOST: \"$@\"; {end}");
        let text = enabled(shipped).replace("docker.io/library/postgres:17", &image).replace(
            &format!("    - {file}\n"),
            &format!("    - /bin/sh\n    - -c\n    - '{script}'\n    - {file}\n"),
        );
        let plan = planned(&cluster, &text, &db, json!({"database": "shop"})).await.unwrap();
        assert_eq!(plan.risk, Risk::Critical);
        let ended = carried_out(&cluster, &plan, || {}).await;
        let logs = world.kubectl(&[
            "logs",
            "-n",
            &world.ns,
            "-l",
            &format!("pilothouse.dev/definition={name}"),
        ]);
        assert!(logs.contains(&format!("{file} at db: --no-password")), "{logs}");
        assert!(logs.contains("--dbname=shop") || logs.contains("--database=shop"), "{logs}");
        match (end, ended) {
            ("exit 0", Ok(said)) => assert!(said.contains("the Job has succeeded"), "{said}"),
            ("exit 2", Err(why)) => assert!(why.contains("the Job has succeeded"), "{why}"),
            (_, ended) => panic!("{name}: {ended:?}"),
        }
    }
}

#[tokio::test]
async fn the_meshs_control_plane_starts_anew_and_is_waited_for() {
    let Some(world) = World::new("site-mesh") else { return };
    let cluster = world.cluster().await;
    // Istio's own namespace in the file, this test's here: what is in it is a stand-in with its name.
    let text = enabled(include_str!("../../assets/actions/mesh-restart.yaml"))
        .replace("istio-system", &world.ns);
    let any = world.deployment("any");
    let set = json!({"reason": "proxies without configuration"});
    let why = planned(&cluster, &text, &any, set.clone()).await.unwrap_err();
    assert!(why.contains("Deployment/istiod does not exist"), "{why}");
    world.create(&running("istiod", 1, OK));
    settled(&world, "istiod", 1).await;
    let before = pods(&world, "istiod")[0]["metadata"]["uid"].clone();
    let istiod = target(&world, "apps/v1", "Deployment", "istiod");
    let plan = planned(&cluster, &text, &istiod, set.clone()).await.unwrap();
    assert_eq!(plan.risk, Risk::Critical);
    let said = carried_out(&cluster, &plan, || {}).await.unwrap();
    assert!(said.contains("istiod is rolled out"), "{said}");
    settled(&world, "istiod", 1).await;
    assert_ne!(pods(&world, "istiod")[0]["metadata"]["uid"], before, "its pod is another one");
    assert!(plan.undo.contains("not undone by itself"), "{}", plan.undo);
    let why = planned(&cluster, &text, &istiod, set).await.unwrap_err();
    assert!(why.contains("holds all these values already"), "{why}");
}
