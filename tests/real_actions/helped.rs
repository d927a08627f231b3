//! Actions that look into programs or run them, through a real engine: debug mode that ends by itself, also by the next
//! engine; heap dumps fetched byte for byte; logs audited; a CronJob run at once; what belongs to nodes and Services.

use crate::definitions::{ask, closed, etcd, folder, kept};
use crate::program::{Environment, OK, World};
use serde_json::{Value, json};

fn world(name: &str, templates: Vec<(&'static str, String)>) -> Option<World> {
    let environment = Environment::find(&format!("actions on programs: {name}"))?;
    let more = format!(
        "[templates]\ndirectory = \"{}\"\n[approval]\nwithout_terminal = \"high\"\n",
        folder(templates)
    );
    let mut world = World::new(&environment, name, &more);
    world.start_engine();
    Some(world)
}

/// A template of one step.
fn one(name: &'static str, action: &str) -> (&'static str, String) {
    (
        name,
        format!(
            "name: {name}\nversion: 1\nsummary: a test\nsteps: [{{id: only, on_failure: escalate, {action}}}]\n"
        ),
    )
}

fn variables(world: &World) -> Value {
    world.get("deployment", "web")["spec"]["template"]["spec"]["containers"][0]["env"].clone()
}

#[test]
fn debug_mode_ends_by_itself_also_after_its_engine_died() {
    let Some(mut world) = world("debug", Vec::new()) else { return };
    let mut web =
        world.deployment("web", 1, &format!("echo level is $LOG_LEVEL; echo an error; {OK}"), None);
    web["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{"name": "LOG_LEVEL", "value": "info"}, {"name": "OTHER", "value": "1"}]);
    world.apply(&web);
    let before = variables(&world);
    let id = ask(&world, "debug-mode", "deploy/web", &["container=app", "time=10s"]);
    world.wait_for("more is said", 120, |case| {
        case["id"] == id.as_str() && variables(&world)[0]["value"] == "debug"
    });
    let mark =
        world.get("deployment", "web")["metadata"]["annotations"]["pilothouse.dev/debug-mode"]
            .clone();
    assert!(mark.as_str().unwrap().contains("\"before\":\"info\""), "{mark}");
    world.kill_engine();
    world.start_engine();
    let case = closed(&world, &id);
    assert_eq!(case["verdict"]["outcome"], "effective", "{case:#}");
    assert_eq!(variables(&world), before);
    let marks = &world.get("deployment", "web")["metadata"]["annotations"];
    assert_eq!(marks["pilothouse.dev/debug-mode"], Value::Null);
    let said = kept(&world, &id);
    assert!(said.contains("level is debug") && said.contains("1 speak of errors"), "{said}");
}

#[test]
fn a_heap_dump_is_fetched_byte_for_byte_and_named_in_the_report() {
    let go = one("go-heap", "action: heap_dump, with: {of: go}");
    let jvm = one("jvm-heap", "action: heap_dump, with: {of: jvm, directory: /srv}");
    let real = one("etcd-heap", "action: heap_dump, with: {of: go, port: 2379}");
    let Some(world) = world("heap", vec![go, jvm, real]) else { return };
    world.apply(&etcd(&world));
    // What a JDK and a Go program answer with, to the byte: the first is not in this environment.
    let jcmd = r#"mkdir -p /srv/debug/pprof; printf '\001\002\377heap' >/srv/debug/pprof/heap
        printf '#!/bin/sh\n[ "$1 $2 $3" = "1 GC.heap_dump -gz=1" ] && printf "\\377jvm" >"$4"\n' >/bin/jcmd
        chmod +x /bin/jcmd; httpd -p 6060 -h /srv;"#;
    world.apply(&world.deployment("web", 1, &format!("{jcmd} {OK}"), None));
    let ns = world.namespace.clone();
    world.kubectl(&["-n", &ns, "rollout", "status", "deploy/web", "--timeout=90s"]);
    for (template, bytes) in [("go-heap", &b"\x01\x02\xffheap"[..]), ("jvm-heap", &b"\xffjvm"[..])]
    {
        let id = ask(&world, template, "deploy/web", &[]);
        let dumps = dumps(&world, &id);
        assert!(dumps.iter().any(|dump| dump == bytes), "{template}: {dumps:?}");
        let (_, report, _) = world.run(&["export", &id, "--format", "md", "--to", "-"]);
        assert!(report.contains("kept as blob"), "{report}");
    }
    // And a real Go program: what its profiler writes is compressed by gzip.
    world.kubectl(&["-n", &ns, "rollout", "status", "deploy/etcd", "--timeout=120s"]);
    let id = ask(&world, "etcd-heap", "deploy/etcd", &[]);
    let dumps = dumps(&world, &id);
    let real = |dump: &Vec<u8>| dump.starts_with(b"\x1f\x8b") && dump.len() > 1_000;
    assert!(dumps.iter().any(real), "{} dumps", dumps.len());
    let left = world.kubectl(&["-n", &ns, "exec", "deploy/web", "--", "ls", "/srv"]);
    assert!(!left.contains("hprof"), "the file is gone: {left}");
}

/// What the steps of a case kept, once it is closed.
fn dumps(world: &World, id: &str) -> Vec<Vec<u8>> {
    let case = closed(world, id);
    let steps = case["execution"]["steps"].to_string();
    let digests = steps
        .match_indices("kept as blob ")
        .map(|(at, words)| &steps[at + words.len()..][..64])
        .collect::<Vec<_>>();
    assert!(!digests.is_empty(), "{case:#}");
    let fetched = digests.iter().map(|digest| {
        let output = world.command(&["logs", id, "--kept", digest]).output().unwrap();
        assert!(output.status.success(), "{digest}: {case:#}");
        output.stdout
    });
    fetched.collect()
}

#[test]
fn a_cron_job_is_run_at_once_and_what_it_printed_is_kept() {
    let Some(world) = world("cron", Vec::new()) else { return };
    let container = json!({"name": "app", "image": world.environment.image,
        "command": ["/bin/sh", "-c", "echo the report is done"]});
    world.apply(
        &json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "report"},
        "spec": {"schedule": "0 3 1 1 *", "jobTemplate": {"spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [container]}}}}}}),
    );
    let id = ask(&world, "run-job", "cj/report", &[]);
    let case = closed(&world, &id);
    assert_eq!(case["verdict"]["outcome"], "effective", "{case:#}");
    assert!(kept(&world, &id).contains("the report is done"));
    let jobs = world.kubectl(&["-n", &world.namespace, "get", "jobs", "-o", "json"]);
    let jobs = serde_json::from_str::<Value>(&jobs).unwrap();
    assert_eq!(jobs["items"][0]["metadata"]["ownerReferences"][0]["name"], "report");
    let name = jobs["items"][0]["metadata"]["name"].as_str().unwrap();
    let again = ask(&world, "run-job", &format!("job/{name}"), &[]);
    assert_eq!(closed(&world, &again)["verdict"]["outcome"], "effective");
}

#[test]
fn diagnostics_of_nodes_claims_and_services_hold_what_belongs_to_them() {
    let collect = one("look", "action: collect_diagnostics");
    let Some(world) = world("collect", vec![collect]) else { return };
    let ns = world.namespace.clone();
    world.apply(&world.deployment("web", 1, &format!("echo hello; {OK}"), None));
    world.apply(&json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}));
    world.apply(&json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"],
        "storageClassName": "none", "resources": {"requests": {"storage": "1Gi"}}}}));
    world.kubectl(&["-n", &ns, "rollout", "status", "deploy/web", "--timeout=90s"]);
    for (target, holds) in [
        ("service/web", &["EndpointSlice", "NetworkPolicy"][..]),
        ("pvc/data", &["StorageClass"][..]),
        ("node/node1", &["pods_on", "kube-node-lease"][..]),
    ] {
        let id = ask(&world, "look", target, &[]);
        closed(&world, &id);
        let said = kept(&world, &id);
        for word in holds {
            assert!(said.contains(word), "{target}: no {word} in {said}");
        }
    }
}
