//! Reading.

use crate::world::{World, deployment, key, object, until};
use pilothouse::domain::evidence::{Answer, LIST_LIMIT, Read};
use pilothouse::domain::resource::ObjectKey;
use pilothouse::ports::cluster::Cluster;
use serde_json::{Value, json};

#[tokio::test]
async fn the_cluster_says_who_it_is_and_who_we_are() {
    let Some(world) = World::new("identity") else { return };
    let identity = world.cluster().await.identity().await.unwrap();
    let uid = world.kubectl(&["get", "ns", "kube-system", "-o", "jsonpath={.metadata.uid}"]);
    assert_eq!(identity.cluster.as_str(), uid);
    let context = world.kubectl(&["config", "current-context"]);
    assert_eq!(identity.name, context.trim());
    let version =
        serde_json::from_str::<Value>(&world.kubectl(&["version", "-o", "json"])).unwrap();
    assert_eq!(Value::from(identity.version), version["serverVersion"]["gitVersion"]);
    let who =
        serde_json::from_str::<Value>(&world.kubectl(&["auth", "whoami", "-o", "json"])).unwrap();
    assert_eq!(Value::from(identity.user.username), who["status"]["userInfo"]["username"]);
    assert_eq!(Value::from(identity.user.groups), who["status"]["userInfo"]["groups"]);
    assert!(!identity.simulated);
}

#[tokio::test]
async fn an_object_comes_with_its_kind_and_who_changed_what() {
    let Some(world) = World::new("object") else { return };
    world.deployment("api");
    let seen = object(&*world.cluster().await, &key("Deployment", &world.ns, "api")).await;
    assert_eq!(seen["apiVersion"], "apps/v1");
    assert_eq!(seen["kind"], "Deployment");
    let managers = seen["metadata"]["managedFields"].as_array().unwrap();
    assert!(managers.iter().any(|fields| fields["manager"] == "kubectl-create"), "{managers:?}");
    assert_eq!(seen["spec"], world.see("deployment", "api")["spec"]);
}

#[tokio::test]
async fn no_value_of_a_secret_comes_out() {
    let Some(world) = World::new("secret") else { return };
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"},
        "stringData": {"password": "hunter2-plain"}});
    world.kubectl_with(&["apply", "--namespace", &world.ns, "-f", "-"], &secret.to_string());
    let raw = world.see("secret", "db").to_string();
    assert!(raw.contains("last-applied-configuration") && raw.contains("hunter2-plain"));
    let cluster = world.cluster().await;
    let list = Read::List {
        api_version: "v1".into(),
        kind: "Secret".into(),
        namespace: world.ns.clone(),
        labels: String::new(),
    };
    for read in [Read::Object(key("Secret", &world.ns, "db")), list] {
        let answer = format!("{:?}", cluster.read(&read).await);
        assert!(answer.contains("password") && answer.contains("<redacted>"), "{answer}");
        for leak in ["hunter2", "aHVudGVyMi1wbGFpbg"] {
            assert!(!answer.contains(leak), "{leak} in {answer}");
        }
    }
}

#[tokio::test]
async fn hostile_text_of_an_object_comes_out_harmless() {
    let Some(world) = World::new("hostile") else { return };
    let mut hostile = deployment("api");
    let note = "safe\u{1b}]0;owned\u{7}\u{202E}txt\u{200B}\u{E0041}\nline";
    hostile["metadata"]["annotations"] = json!({"note": note});
    hostile["spec"]["template"]["spec"]["containers"][0]["args"] = json!(["echo a\n\techo b\n"]);
    world.create(&hostile);
    assert_eq!(world.see("deployment", "api")["metadata"]["annotations"]["note"], note);
    let seen = object(&*world.cluster().await, &key("Deployment", &world.ns, "api")).await;
    let text = seen["metadata"]["annotations"]["note"].as_str().unwrap();
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    assert!(!text.contains(['\u{202E}', '\u{200B}', '\u{E0041}']), "{text:?}");
    assert!(text.starts_with("safe") && text.ends_with("line"));
    // A script keeps its lines: a rollback writes it back.
    let args = &seen["spec"]["template"]["spec"]["containers"][0]["args"][0];
    assert_eq!(args, "echo a\n\techo b\n");
}

#[tokio::test]
async fn a_list_is_selected_by_labels_and_says_when_it_is_not_all() {
    let Some(world) = World::new("list") else { return };
    let items = (0..=LIST_LIMIT)
        .map(|n| {
            let of = if n < 3 { "few" } else { "many" };
            json!({"apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": format!("c{n}"), "labels": {"of": of}}})
        })
        .collect::<Vec<_>>();
    let all = json!({"apiVersion": "v1", "kind": "List", "items": items});
    world.kubectl_with(&["create", "--namespace", &world.ns, "-f", "-"], &all.to_string());
    let cluster = world.cluster().await;
    let list = |labels: &str| Read::List {
        api_version: "v1".into(),
        kind: "ConfigMap".into(),
        namespace: world.ns.clone(),
        labels: labels.into(),
    };
    let Answer::Items { items, complete } = cluster.read(&list("of=few")).await else { panic!() };
    assert!(complete);
    assert_eq!(items.len(), 3);
    assert!(items.iter().all(|item| item["kind"] == "ConfigMap" && item["apiVersion"] == "v1"));
    let Answer::Items { items, complete } = cluster.read(&list("")).await else { panic!() };
    assert_eq!((items.len(), complete), (LIST_LIMIT, false));
    let answer = cluster.read(&list("of in (")).await;
    assert!(matches!(answer, Answer::Unavailable(_)), "{answer:?}");
}

#[tokio::test]
async fn events_of_one_object_come_newest_first() {
    let Some(world) = World::new("events") else { return };
    // All are made now; when they were seen is what counts.
    for (name, about, at) in [
        ("b", "api", "2026-01-01T10:00:00Z"),
        ("a", "api", "2026-01-01T12:00:00Z"),
        ("c", "api", "2026-01-01T11:00:00Z"),
        ("d", "other", "2026-01-01T13:00:00Z"),
    ] {
        world.create(&json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": name},
            "involvedObject": {"kind": "Deployment", "name": about, "namespace": world.ns},
            "reason": name, "message": "m\u{1b}[31m", "type": "Warning",
            "firstTimestamp": "2026-01-01T09:00:00Z", "lastTimestamp": at}));
    }
    let read =
        Read::Events { namespace: world.ns.clone(), kind: "Deployment".into(), name: "api".into() };
    let answer = world.cluster().await.read(&read).await;
    let Answer::Items { items, complete } = answer else { panic!("{answer:?}") };
    assert!(complete);
    let reasons = items.iter().map(|event| event["reason"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(reasons, ["a", "c", "b"]);
    assert_eq!(items[0]["message"], "m[31m");
}

#[tokio::test]
async fn logs_come_from_this_run_and_from_the_one_before() {
    let Some(world) = World::new("logs") else { return };
    let Some(image) = crate::environment::variable("PILOTHOUSE_TEST_IMAGE", "real cluster: logs")
    else {
        return;
    };
    let script = "if [ -e /d/again ]; then i=0; while [ $i -lt 9000 ]; do echo \"line $i\"; i=$((i+1)); done; \
                  sleep 1000; fi; touch /d/again; printf 'first \\033[31mred\\n'; exit 3";
    world.create(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "talker"},
        "spec": {"terminationGracePeriodSeconds": 0,
            "volumes": [{"name": "d", "emptyDir": {}}],
            "containers": [{"name": "app", "image": image, "imagePullPolicy": "Never",
            "command": ["sh", "-c", script],
            "volumeMounts": [{"name": "d", "mountPath": "/d"}]}]}}));
    let cluster = world.cluster().await;
    let read = |container: &str, previous, tail_lines| Read::Logs {
        namespace: world.ns.clone(),
        pod: "talker".into(),
        container: container.into(),
        previous,
        tail_lines,
    };
    until("the second run", || {
        let container = &world.see("pod", "talker")["status"]["containerStatuses"][0];
        (container["restartCount"] == 1 && container["state"]["running"].is_object()).then_some(())
    })
    .await;
    let previous = cluster.read(&read("app", true, 50)).await;
    assert_eq!(previous, Answer::Text("first [31mred\n".into()));
    // The log grows for a moment.
    let mut last = Answer::NotFound;
    for _ in 0..100 {
        last = cluster.read(&read("app", false, 2)).await;
        if last == Answer::Text("line 8998\nline 8999\n".into()) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(last, Answer::Text("line 8998\nline 8999\n".into()));
    let Answer::Text(long) = cluster.read(&read("app", false, 100_000)).await else { panic!() };
    assert!(long.len() <= 65_536 && long.starts_with("line ") && long.ends_with("line 8999\n"));
    let answer = cluster.read(&read("nobody", false, 5)).await;
    assert!(matches!(answer, Answer::Unavailable(_)), "{answer:?}");
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_and_nothing_else() {
    let Some(world) = World::new("absent") else { return };
    let cluster = world.cluster().await;
    for name in ["nobody", "../../kube-system/pods", "a/b", "x?y", "", "Ünder"] {
        let answer = cluster.read(&Read::Object(key("Pod", &world.ns, name))).await;
        assert_eq!(answer, Answer::NotFound, "{name}");
    }
    let unknown = ObjectKey::new("no.such.group/v1", "Thing", &world.ns, "a");
    assert_eq!(cluster.read(&Read::Object(unknown)).await, Answer::NotFound);
    let logs = Read::Logs {
        namespace: world.ns.clone(),
        pod: "nobody".into(),
        container: "app".into(),
        previous: true,
        tail_lines: 10,
    };
    assert_eq!(cluster.read(&logs).await, Answer::NotFound);
}

#[tokio::test]
async fn a_kind_that_is_in_no_table_is_discovered() {
    let Some(world) = World::new("discovery") else { return };
    let cluster = world.cluster().await;
    let service = ObjectKey::new("apiregistration.k8s.io/v1", "APIService", "", "v1.apps");
    for _ in 0..2 {
        assert_eq!(object(&*cluster, &service).await["spec"]["group"], "apps");
    }
}
