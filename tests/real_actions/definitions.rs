//! Definition files of a site on the real cluster, through a real engine: what runs, what fails, what never ends, what
//! has a check, and what the cluster lacks.

use crate::program::{OK, World, text};
use serde_json::{Value, json};
use std::process::Command;

/// Definitions of a Job with this script, and settings that allow its image.
fn job(name: &str, script: &str, timeout: &str, image: &str) -> String {
    format!(
        "name: {name}\nversion: 1\nsummary: a test\nimplements: run_job\nenabled: true\n\
         parameters: [{{name: word, type: string, default: none}}]\n\
         job:\n  namespace: ${{target.namespace}}\n  image: {image}\n  \
         argv: [/bin/sh, -c, '{script}', script, '${{params.word}}']\n  timeout: {timeout}\nundo: none\n"
    )
}

fn world(name: &str, definitions: impl Fn(&str) -> Vec<(&'static str, String)>) -> Option<World> {
    let environment = crate::program::Environment::find(&format!("definitions: {name}"))?;
    let image = environment.image.clone();
    let more = format!(
        "[actions]\ndirectory = \"{}\"\nimages = [\"{image}\"]\n[approval]\nwithout_terminal = \"high\"\n",
        folder(definitions(&image))
    );
    let mut world = World::new(&environment, name, &more);
    world.start_engine();
    Some(world)
}

/// A folder with these files.
pub fn folder(files: Vec<(&'static str, String)>) -> String {
    let folder = tempfile::tempdir().unwrap().keep();
    for (file, text) in files {
        std::fs::write(folder.join(format!("{file}.yaml")), text).unwrap();
    }
    folder.display().to_string()
}

/// Asks for a plan and approves it; the id of its case.
pub fn ask(world: &World, template: &str, target: &str, set: &[&str]) -> String {
    let mut args = vec!["plan", template, "--target", target];
    if !target.starts_with("node/") {
        args.extend(["-n", &world.namespace]);
    }
    for one in set {
        args.extend(["--set", one]);
    }
    args.extend(["--output", "json"]);
    let mut last = String::new();
    for _ in 0..60 {
        let (code, out, err) = world.run(&args);
        last = format!("{code} {out}{err}");
        if code == 0 {
            let receipt = serde_json::from_str::<Value>(&out).unwrap();
            let id = receipt["remediations"][0].as_str().unwrap_or_else(|| panic!("{out}"));
            let case = world.show(id);
            if case["state"] != "awaiting_approval" {
                // What changes nothing is not asked for.
                return id.to_string();
            }
            let digest = case["plan"]["digest"].as_str().unwrap();
            let mut args = vec!["approve", id, "--plan", digest];
            if case["plan"]["risk"] == "high" {
                args.extend(["--target-name", case["target"]["name"].as_str().unwrap()]);
            }
            let (code, out, err) = world.run(&args);
            assert_eq!(code, 0, "{out}{err}\n{case:#}");
            return id.to_string();
        }
        // The engine takes its Lease first.
        assert_eq!(code, 6, "{last}");
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
    panic!("{last}");
}

pub fn closed(world: &World, id: &str) -> Value {
    world.wait_for("its end", 150, |case| case["id"] == id && case["state"] == "closed")
}

/// What was kept as a blob by a step of the case.
pub fn kept(world: &World, id: &str) -> String {
    let (code, out, err) = world.run(&["logs", id]);
    assert_eq!(code, 0, "{err}");
    out
}

#[test]
fn a_job_of_the_site_runs_fails_or_is_ended_and_what_it_printed_is_kept() {
    let definitions = |image: &str| {
        vec![
            ("well", job("well", r#"id -u; echo "the word is $1"; echo; "#, "1m", image)),
            ("badly", job("badly", "echo it went wrong; exit 3", "1m", image)),
            ("ever", job("ever", "echo begun; while true; do sleep 1; done", "4s", image)),
        ]
    };
    let Some(world) = world("site-job", definitions) else { return };
    for name in ["a", "b", "c"] {
        world.apply(&world.deployment(name, 1, OK, None));
    }
    let word = "word=a;b $(HOME) $HOME";
    let well = ask(&world, "well", "deploy/a", &[word]);
    let badly = ask(&world, "badly", "deploy/b", &[]);
    let ever = ask(&world, "ever", "deploy/c", &[]);

    let case = closed(&world, &well);
    assert_eq!(case["verdict"]["outcome"], "effective", "{case:#}");
    let printed = kept(&world, &well);
    assert!(printed.contains("the word is a;b $(HOME) $HOME"), "{printed}");

    let case = closed(&world, &badly);
    assert_eq!(case["verdict"]["outcome"], "failed", "{case:#}");
    assert!(kept(&world, &badly).contains("it went wrong"));

    let case = closed(&world, &ever);
    assert_eq!(case["verdict"]["outcome"], "failed", "{case:#}");
    let jobs = world.kubectl(&["-n", &world.namespace, "get", "jobs", "-o", "json"]);
    let jobs = serde_json::from_str::<Value>(&jobs).unwrap();
    let reasons = jobs["items"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|job| job["status"]["conditions"].as_array().cloned().unwrap_or_default());
    let reasons = reasons.map(|one| one["reason"].clone()).collect::<Vec<_>>();
    assert!(reasons.contains(&json!("DeadlineExceeded")), "{reasons:?}");
    assert_eq!(jobs["items"].as_array().unwrap().len(), 3, "each ran once");
    world.audit();
}

#[test]
fn a_program_in_a_pod_and_an_object_for_an_operator_each_with_its_check() {
    let definitions = |_: &str| {
        let exec = "name: touch\nversion: 1\nsummary: s\nimplements: compact_storage\nenabled: true\n\
            exec:\n  namespace: ${target.namespace}\n  labels: app=a\n  container: app\n  \
            argv: [touch, '/tmp/a b;c']\n  timeout: 20s\nundo: rm\n";
        let snapshot = include_str!("../../assets/actions/pg-snapshot.yaml");
        vec![
            ("touch", exec.to_string()),
            ("snap", snapshot.replace("enabled: false", "enabled: true")),
        ]
    };
    let Some(world) = world("site-object", definitions) else { return };
    world.apply(&world.deployment("a", 1, OK, None));
    let ns = world.namespace.clone();
    world.kubectl(&["-n", &ns, "rollout", "status", "deploy/a", "--timeout=90s"]);
    let id = ask(&world, "touch", "deploy/a", &[]);
    let case = closed(&world, &id);
    assert_eq!(case["verdict"]["outcome"], "effective", "{case:#}");
    let files = world.kubectl(&["-n", &ns, "exec", "deploy/a", "--", "ls", "/tmp"]);
    assert!(files.contains("a b;c"), "{files}");

    world.apply(&json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"],
        "storageClassName": "none", "resources": {"requests": {"storage": "1Gi"}}}}));
    let crd = serde_json::to_string(&snapshots()).unwrap();
    let plan = ["plan", "pg-snapshot", "--target", "pvc/data", "-n", &ns, "--set", "claim=data"];
    if !served(&world) {
        let (code, _, err) = world.run(&plan);
        assert!(code != 0 && err.contains("serves no VolumeSnapshot"), "{code} {err}");
    }
    // Shared by all who use this cluster, and left there: it is what a driver would install.
    world.apply(&serde_json::from_str(&crd).unwrap());
    world.kubectl(&[
        "wait",
        "--for=condition=Established",
        "--timeout=60s",
        "crd/volumesnapshots.snapshot.storage.k8s.io",
    ]);
    let id = ask(&world, "pg-snapshot", "pvc/data", &["claim=data"]);
    let waits = world.wait_for("the wait for the controller", 60, |case| {
        case["id"] == id.as_str() && case["execution"].to_string().contains("waiting")
    });
    assert_eq!(waits["state"], "running", "{waits:#}");
    let list = world.kubectl(&["-n", &ns, "get", "volumesnapshots", "-o", "json"]);
    let list = serde_json::from_str::<Value>(&list).unwrap();
    let made = &list["items"][0];
    assert_eq!(made["spec"]["source"]["persistentVolumeClaimName"], "data");
    // No snapshot controller is there: this is what it writes when it is done.
    let name = made["metadata"]["name"].as_str().unwrap();
    world.kubectl(&[
        "-n",
        &ns,
        "patch",
        "volumesnapshot",
        name,
        "--subresource=status",
        "--type=merge",
        "-p",
        r#"{"status":{"readyToUse":true}}"#,
    ]);
    let case = closed(&world, &id);
    assert_eq!(case["verdict"]["outcome"], "effective", "{case:#}");
}

fn served(world: &World) -> bool {
    let output = Command::new(&world.environment.kubectl)
        .args(["--kubeconfig", &world.environment.kubeconfig, "get", "crd"])
        .arg("volumesnapshots.snapshot.storage.k8s.io")
        .output()
        .unwrap();
    text(&output.stdout).contains("volumesnapshots")
}

/// The CRD as far as the test needs it.
fn snapshots() -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "volumesnapshots.snapshot.storage.k8s.io",
            "annotations": {"api-approved.kubernetes.io": "https://github.com/kubernetes-csi/external-snapshotter/pull/814"}},
        "spec": {"group": "snapshot.storage.k8s.io", "scope": "Namespaced",
            "names": {"kind": "VolumeSnapshot", "listKind": "VolumeSnapshotList",
                "plural": "volumesnapshots", "singular": "volumesnapshot"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}]}})
}
