//! What may be done by whom, and what would be admitted.

use crate::world::{World, connect, held, key, raise, send};
use pilothouse::adapters::kube::KubeOptions;
use pilothouse::domain::evidence::{Answer, Read};
use pilothouse::domain::operation::Operation;
use pilothouse::domain::principal::KubeIdentity;
use pilothouse::domain::workflow::execution::AttemptOutcome;
use pilothouse::ports::cluster::{Cluster, ClusterError};
use serde_json::json;

#[tokio::test]
async fn a_user_without_rights_is_told_so_and_changes_nothing() {
    let Some(world) = World::new("forbidden") else { return };
    let Some((user, kubeconfig)) = world.user("viewer") else { return };
    let target = world.deployment("api");
    // May hold the test's Lease and read Deployments, but not change them.
    world.kubectl(&[
        "create",
        "role",
        "viewer",
        "-n",
        &world.ns,
        "--verb=get,list,create,patch",
        "--resource=leases.coordination.k8s.io",
    ]);
    world.kubectl(&[
        "create",
        "role",
        "reader",
        "-n",
        &world.ns,
        "--verb=get,list",
        "--resource=deployments.apps",
    ]);
    for role in ["viewer", "reader"] {
        let user = format!("--user={user}");
        let role = format!("--role={role}");
        let name = format!("b-{role}").replace("--role=", "");
        world.kubectl(&["create", "rolebinding", &name, "-n", &world.ns, &role, &user]);
    }
    let options = KubeOptions { kubeconfig: Some(kubeconfig), ..world.options() };
    let theirs = connect(options).await;

    let error = theirs.identity().await.unwrap_err();
    assert!(matches!(&error, ClusterError::NotPermitted(why) if why.contains("kube-system")));
    let seen = theirs.read(&Read::Object(target.key.clone())).await;
    assert!(matches!(seen, Answer::Object(_)), "{seen:?}");
    let secrets = Read::List {
        api_version: "v1".into(),
        kind: "Secret".into(),
        namespace: world.ns.clone(),
        labels: String::new(),
    };
    for read in [secrets, Read::Object(key("Pod", &world.ns, "nobody"))] {
        let answer = theirs.read(&read).await;
        assert!(matches!(answer, Answer::NotPermitted(_)), "{answer:?}");
    }
    let operation = raise(&target, "512Mi");
    let error = theirs.preview(&operation).await.unwrap_err();
    assert!(matches!(error, ClusterError::NotPermitted(_)), "{error:?}");
    let before = world.see("deployment", "api");
    match send(&theirs, "a1", &operation).await {
        AttemptOutcome::Refused { why, retryable: false, .. } => {
            assert!(why.contains("cannot patch"), "{why}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(held(&world.see("deployment", "api")), held(&before));
    let template = json!({"spec": {"containers": [{"name": "a", "image": "none.invalid/a:1"}]}});
    let error = theirs.admits(&world.ns, &template).await.unwrap_err();
    assert!(matches!(error, ClusterError::NotPermitted(_)), "{error:?}");
    let who = KubeIdentity { username: user, groups: Vec::new() };
    let error = theirs.can(&who, &operation).await.unwrap_err();
    assert!(matches!(error, ClusterError::NotPermitted(_)), "{error:?}");
}

#[tokio::test]
async fn rights_are_those_of_the_person_and_not_of_the_engine() {
    let Some(world) = World::new("rights") else { return };
    let target = world.deployment("api");
    let cluster = world.cluster().await;
    let operation = raise(&target, "512Mi");
    let person = |groups: &[&str]| KubeIdentity {
        username: "mira".into(),
        groups: groups.iter().map(|group| (*group).into()).collect(),
    };
    let (allowed, asked, _) = cluster.can(&person(&[]), &operation).await.unwrap();
    assert!(!allowed);
    assert_eq!(asked, format!("patch deployments.apps {}/api", world.ns));
    world.kubectl(&[
        "create",
        "role",
        "patcher",
        "-n",
        &world.ns,
        "--verb=patch",
        "--resource=deployments.apps",
    ]);
    world.kubectl(&[
        "create",
        "rolebinding",
        "patcher",
        "-n",
        &world.ns,
        "--role=patcher",
        "--group=oncall",
    ]);
    let mut allowed = false;
    // The authorizer learns of a new role within a moment.
    for _ in 0..50 {
        allowed = cluster.can(&person(&["oncall"]), &operation).await.unwrap().0;
        if allowed {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(allowed);
    assert!(!cluster.can(&person(&["others"]), &operation).await.unwrap().0);
    let collect = Operation::collect(vec![
        Read::Object(target.key.clone()),
        Read::Logs {
            namespace: world.ns.clone(),
            pod: "p".into(),
            container: "c".into(),
            previous: false,
            tail_lines: 1,
        },
    ]);
    let admin = person(&["system:masters"]);
    let (allowed, asked, _) = cluster.can(&admin, &collect).await.unwrap();
    assert!(allowed);
    let ns = &world.ns;
    assert_eq!(asked, format!("get deployments.apps {ns}/api, get pods/log {ns}/p"));
    let (allowed, asked, _) = cluster.can(&person(&["oncall"]), &collect).await.unwrap();
    assert_eq!((allowed, asked), (false, format!("get deployments.apps {ns}/api")));
}

#[tokio::test]
async fn pods_that_quota_or_policy_would_refuse_are_not_admitted() {
    let Some(world) = World::new("admits") else { return };
    let cluster = world.cluster().await;
    let template = |memory: &str| {
        json!({
            "metadata": {"labels": {"app": "a"}, "annotations": {"x": "y"}},
            "spec": {"containers": [{"name": "a", "image": "none.invalid/a:1",
                "resources": {"limits": {"memory": memory}}}]},
        })
    };
    cluster.admits(&world.ns, &template("1Gi")).await.unwrap();
    world.kubectl(&["create", "quota", "small", "-n", &world.ns, "--hard=limits.memory=512Mi"]);
    let mut outcome = Ok(());
    for _ in 0..100 {
        outcome = cluster.admits(&world.ns, &template("1Gi")).await;
        if outcome.is_err() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let error = outcome.unwrap_err();
    assert!(matches!(error, ClusterError::Refused(_)), "{error:?}");
    assert!(!error.to_string().is_empty());
    world.kubectl(&["delete", "quota", "small", "-n", &world.ns]);
    let level = "pod-security.kubernetes.io/enforce=restricted";
    world.kubectl(&["label", "namespace", &world.ns, level]);
    let mut error = ClusterError::Refused(String::new());
    for _ in 0..100 {
        error = cluster.admits(&world.ns, &template("1Gi")).await.unwrap_err();
        if error.to_string().contains("PodSecurity") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(matches!(&error, ClusterError::Refused(why) if why.contains("PodSecurity")), "{error}");
    let pods = world.kubectl(&["get", "pods", "-n", &world.ns, "-o", "name"]);
    assert_eq!(pods, "", "asking makes no pods");
}
