//! Values that nobody sees, and alerts that nobody hears: a Secret is rotated and put back, an alert silenced and heard
//! again.

use crate::definitions::{ask, closed, folder};
use crate::line::{SLEEP, plan, pods, ready, running, settled, target};
use crate::program::{Environment, World as Line};
use crate::world::{World, send, until};
use pilothouse::domain::action::{Action, Compiled};
use pilothouse::domain::id::AttemptId;
use pilothouse::domain::workflow::execution::AttemptOutcome;
use serde_json::{Value, json};

fn uids(world: &World, app: &str) -> Vec<String> {
    pods(world, app).iter().map(|pod| pod["metadata"]["uid"].to_string()).collect()
}

/// Sends all operations; those that take them back, newest first.
async fn done(
    cluster: &std::sync::Arc<pilothouse::adapters::kube::KubeCluster>,
    compiled: &Compiled,
    notes: &mut String,
) -> Vec<pilothouse::domain::operation::Operation> {
    let mut undo = Vec::new();
    for operation in &compiled.operations {
        let attempt = format!("a-{}", uuid::Uuid::new_v4().simple());
        let mut looks = 0;
        loop {
            match send(cluster, &attempt, operation).await {
                AttemptOutcome::Applied { note } => break notes.push_str(&note),
                // It waits for a rollout.
                AttemptOutcome::Held { .. } if looks < 240 => {
                    looks += 1;
                    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
                }
                other => panic!("{operation:?}: {other:?}"),
            }
        }
        undo.extend(operation.undo().map(|back| back.made_by(vec![AttemptId::new(&attempt)])));
    }
    undo.reverse();
    undo
}

fn datum(world: &World, name: &str, key: &str) -> String {
    world.see("secret", name)["data"][key].as_str().unwrap_or_default().to_string()
}

/// What a pod has; nothing when the one that kubectl picked has just ended.
fn password(world: &World) -> Option<String> {
    let echo = ["exec", "-n", &world.ns, "deploy/web", "--", "/bin/sh", "-c", "echo $PASSWORD"];
    Some(world.try_kubectl(&echo, "").ok()?.trim().to_string())
}

#[tokio::test]
async fn a_secret_gets_a_value_that_nobody_sees_its_users_start_anew_and_both_come_back() {
    let Some(world) = World::new("act-rotate") else { return };
    let cluster = world.cluster().await;
    world.create(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"},
        "stringData": {"password": "hunter2-old", "user": "app"}}));
    let mut web = running("web", 1, SLEEP);
    web["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "PASSWORD",
        "valueFrom": {"secretKeyRef": {"name": "login", "key": "password"}}}]);
    world.create(&web);
    settled(&world, "web", 1).await;
    let before = datum(&world, "login", "password");
    let login = target(&world, "v1", "Secret", "login");
    let compiled =
        plan(&cluster, Action::RotateSecret, &login, json!({"keys": "password"})).await.unwrap();
    assert_eq!(compiled.operations.len(), 4, "{compiled:?}");
    let mut notes = String::new();
    let undo = done(&cluster, &compiled, &mut notes).await;
    let after = datum(&world, "login", "password");
    assert_ne!(after, before);
    assert_eq!(datum(&world, "login", "user"), "YXBw", "the other key stays");
    // The last operation waited for it.
    let rolled = world.see("deployment", "web");
    assert_eq!(rolled["status"]["availableReplicas"], 1);
    assert_eq!(rolled["status"]["observedGeneration"], rolled["metadata"]["generation"]);
    let new = until("a pod with the new value, of 32 characters", || {
        let web = world.see("deployment", "web");
        let done = web["status"]["updatedReplicas"] == 1
            && web["status"]["replicas"] == 1
            && web["status"]["availableReplicas"] == 1
            && web["status"]["observedGeneration"] == web["metadata"]["generation"];
        done.then(|| password(&world)).flatten().filter(|new| new.len() == 32)
    })
    .await;
    assert!(!world.see("deployment", "web")["spec"]["paused"].as_bool().unwrap_or(false));
    // Neither the plan nor what was written about it holds a value.
    let said = format!("{compiled:?}{notes}{undo:?}");
    for value in ["hunter2-old", new.as_str(), before.as_str(), after.as_str()] {
        assert!(!said.contains(value), "{said}");
    }
    for operation in &undo {
        let attempt = format!("a-{}", uuid::Uuid::new_v4().simple());
        let outcome = send(&cluster, &attempt, operation).await;
        assert!(matches!(outcome, AttemptOutcome::Applied { .. }), "{operation:?}: {outcome:?}");
    }
    assert_eq!(datum(&world, "login", "password"), before);
    until("a pod with the old value", || {
        let web = world.see("deployment", "web");
        let done = web["status"]["updatedReplicas"] == 1
            && web["status"]["replicas"] == 1
            && web["status"]["availableReplicas"] == 1
            && web["status"]["observedGeneration"] == web["metadata"]["generation"];
        (done && password(&world)? == "hunter2-old").then_some(())
    })
    .await;
    let left = world.kubectl(&["get", "secrets", "-n", &world.ns, "-o", "name"]);
    assert_eq!(left.trim(), "secret/login", "what was kept is gone");
}

#[allow(
    clippy::too_many_lines,
    reason = "one story: it fails at the first, is put back, and goes well"
)]
#[tokio::test]
async fn of_several_users_the_first_is_the_canary_and_the_others_wait_for_it() {
    let Some(world) = World::new("act-rotate-many") else { return };
    let cluster = world.cluster().await;
    world.create(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"},
        "stringData": {"password": "old"}}));
    let with = json!([{"name": "PASSWORD",
        "valueFrom": {"secretKeyRef": {"name": "login", "key": "password"}}}]);
    // The first does not come up with any other value than the old one.
    let picky = format!("[ \"$PASSWORD\" = old ] && touch /tmp/well; {SLEEP}");
    for (kind, name, script) in [
        ("Deployment", "api", picky.as_str()),
        ("StatefulSet", "db", SLEEP),
        ("DaemonSet", "agent", SLEEP),
    ] {
        let mut user = running(name, 1, script);
        user["kind"] = json!(kind);
        let spec = user["spec"].as_object_mut().unwrap();
        match kind {
            "StatefulSet" => {
                spec.insert("serviceName".into(), json!(name));
            }
            "DaemonSet" => {
                spec.remove("replicas");
            }
            _ => {
                spec.insert("progressDeadlineSeconds".into(), json!(15));
                spec["template"]["spec"]["containers"][0]["readinessProbe"] =
                    json!({"exec": {"command": ["cat", "/tmp/well"]}, "periodSeconds": 1});
            }
        }
        user["spec"]["template"]["spec"]["containers"][0]["env"] = with.clone();
        world.create(&user);
    }
    for app in ["api", "db", "agent"] {
        until(&format!("all pods of {app}"), || {
            let pods = pods(&world, app);
            (!pods.is_empty() && pods.iter().all(ready)).then_some(())
        })
        .await;
    }
    let before = (uids(&world, "db"), uids(&world, "agent"));
    let login = target(&world, "v1", "Secret", "login");
    let compiled =
        plan(&cluster, Action::RotateSecret, &login, json!({"keys": "password"})).await.unwrap();
    assert!(
        compiled.notes.iter().any(|note| note.contains("deploy/api goes first")),
        "{compiled:?}"
    );
    // Sent until the canary fails.
    let (mut undo, mut why) = (Vec::new(), String::new());
    for operation in &compiled.operations {
        let attempt = format!("a-{}", uuid::Uuid::new_v4().simple());
        let mut outcome = send(&cluster, &attempt, operation).await;
        for _ in 0..240 {
            let AttemptOutcome::Held { .. } = outcome else { break };
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            outcome = send(&cluster, &attempt, operation).await;
        }
        match outcome {
            AttemptOutcome::Applied { .. } => {
                undo.extend(
                    operation.undo().map(|back| back.made_by(vec![AttemptId::new(&attempt)])),
                );
            }
            AttemptOutcome::Refused { why: words, .. } => {
                why = words;
                break;
            }
            other => panic!("{operation:?}: {other:?}"),
        }
    }
    assert!(why.contains("deploy/api runs with the new value"), "{why}");
    assert_eq!((uids(&world, "db"), uids(&world, "agent")), before, "the others have not begun");
    for operation in undo.iter().rev() {
        let attempt = format!("a-{}", uuid::Uuid::new_v4().simple());
        let outcome = send(&cluster, &attempt, operation).await;
        assert!(matches!(outcome, AttemptOutcome::Applied { .. }), "{operation:?}: {outcome:?}");
    }
    assert_eq!(datum(&world, "login", "password"), "b2xk");
    settled(&world, "api", 1).await;
    // Whatever the undo let go rolls to a template that nothing changed.
    assert_eq!((uids(&world, "db"), uids(&world, "agent")), before);
    // Copied from another Secret whose value suits the first, all go over, one after the other.
    world.create(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "next"},
        "stringData": {"password": "old"}}));
    let params = json!({"keys": "password", "from": "next"});
    let compiled = plan(&cluster, Action::RotateSecret, &login, params).await.unwrap();
    done(&cluster, &compiled, &mut String::new()).await;
    let after = (uids(&world, "db"), uids(&world, "agent"));
    assert!(before.0.iter().all(|uid| !after.0.contains(uid)), "{before:?} {after:?}");
    assert!(before.1.iter().all(|uid| !after.1.contains(uid)), "{before:?} {after:?}");
}

#[tokio::test]
async fn a_secret_that_somebody_changed_since_is_not_put_back() {
    let Some(world) = World::new("act-rotated") else { return };
    let cluster = world.cluster().await;
    for (name, value) in [("login", "old"), ("other", "copied-value")] {
        world.create(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
            "stringData": {"password": value}}));
    }
    let login = target(&world, "v1", "Secret", "login");
    let params = json!({"keys": "password", "from": "other"});
    let compiled = plan(&cluster, Action::RotateSecret, &login, params).await.unwrap();
    let undo = done(&cluster, &compiled, &mut String::new()).await;
    assert_eq!(datum(&world, "login", "password"), datum(&world, "other", "password"));
    world.kubectl(&[
        "patch",
        "secret",
        "login",
        "-n",
        &world.ns,
        "-p",
        r#"{"stringData":{"password":"theirs"}}"#,
    ]);
    let outcome = send(&cluster, "a-late", &undo[0]).await;
    let AttemptOutcome::Refused { why, .. } = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("another value than ours"), "{why}");
    let why = plan(&cluster, Action::RotateSecret, &login, json!({"keys": "none"})).await;
    assert!(why.unwrap_err().contains("has no key `none`"));
}

#[test]
fn an_alert_is_silenced_at_the_real_alertmanager_and_heard_again_after_the_undo() {
    let Some(environment) = Environment::find("an alert is silenced") else { return };
    let template = "name: hush\nversion: 1\nsummary: a test\nsteps: [{id: only, \
        action: silence_alert, with: {alert: Loud, minutes: 5, reason: a test}}]\n";
    let more = format!(
        "[templates]\ndirectory = \"{}\"\n[approval]\nwithout_terminal = \"high\"\n",
        folder(vec![("hush", template.to_string())])
    );
    let mut world = Line::new(&environment, "hush", &more);
    world.apply(&world.deployment("web", 1, crate::program::OK, None));
    world.start_engine();
    let silences = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let url = format!("{}/api/v2/silences", environment.alertmanager.trim_end_matches('/'));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let all = runtime
            .block_on(async { reqwest::get(url).await.unwrap().json::<Value>().await.unwrap() });
        let ours = all
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["matchers"].to_string().contains(&world.namespace));
        ours.cloned().collect::<Vec<_>>()
    };
    let id = ask(&world, "hush", "deploy/web", &[]);
    closed(&world, &id);
    let made = silences();
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(made[0]["status"]["state"], "active");
    assert!(made[0]["comment"].as_str().unwrap().starts_with("a test (attempt "));
    let (code, out, err) = world.run(&["undo", &id, "--reason", "heard enough"]);
    assert_eq!(code, 0, "{out}{err}");
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while silences()[0]["status"]["state"] != "expired" {
        assert!(
            std::time::Instant::now() < deadline,
            "{:?}\n{}",
            silences(),
            world.picture(&world.list())
        );
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
}
