//! Definition files of a site on the real cluster, through a real engine: what runs, what fails, what never ends, what
//! has a check, and what the cluster lacks.

use crate::program::{OK, World, text};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Command, Stdio};

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
    if !crd_served(&world.environment.kubeconfig, "volumesnapshots.snapshot.storage.k8s.io") {
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

/// Whether the cluster has that CRD.
pub fn crd_served(kubeconfig: &str, name: &str) -> bool {
    kubectl(kubeconfig, &["get", "crd", name, "--ignore-not-found"], "").1.contains(name)
}

/// Applies an object; whether the cluster took it.
pub fn applied(kubeconfig: &str, namespace: &str, object: &Value) -> bool {
    kubectl(kubeconfig, &["apply", "-n", namespace, "-f", "-"], &object.to_string()).0
}

fn kubectl(kubeconfig: &str, args: &[&str], input: &str) -> (bool, String) {
    let program = std::env::var("PILOTHOUSE_TEST_KUBECTL").unwrap();
    let mut child = Command::new(program)
        .args(["--kubeconfig", kubeconfig])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.success(), text(&output.stdout))
}

#[test]
fn only_old_files_of_the_declared_directory_are_deleted() {
    // This environment's find has no -delete.
    let definitions = |_: &str| {
        let shipped = include_str!("../../assets/actions/clean-up-files.yaml");
        let own = shipped.replace("enabled: false", "enabled: true");
        vec![("clean", own.replace("-delete]", "-exec, rm, -f, '{}', ';']"))]
    };
    let Some(world) = world("site-clean", definitions) else { return };
    let files = "mkdir -p /var/cache/uploads/sub /var/lib/ledger
        for f in cache/uploads/old cache/uploads/sub/old lib/ledger/old; do
          echo x >/var/$f; touch -d '2020-01-01 00:00' /var/$f; done
        echo x >/var/cache/uploads/new; touch /tmp/ready;";
    let mut uploads = world.deployment("uploads", 1, &format!("{files} {OK}"), None);
    uploads["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] =
        json!({"exec": {"command": ["cat", "/tmp/ready"]}, "periodSeconds": 1});
    world.apply(&uploads);
    let ns = world.namespace.clone();
    world.kubectl(&["-n", &ns, "rollout", "status", "deploy/uploads", "--timeout=120s"]);
    let id = ask(&world, "clean-up-files", "deploy/uploads", &["days=30"]);
    let case = closed(&world, &id);
    assert_eq!(case["verdict"]["outcome"], "effective", "{case:#}");
    let find = ["-n", &ns, "exec", "deploy/uploads", "--", "find", "/var/cache", "/var/lib/ledger"];
    let left = world.kubectl(&[&find[..], &["-type", "f"][..]].concat());
    let mut left = left.lines().collect::<Vec<_>>();
    left.sort_unstable();
    assert_eq!(left, ["/var/cache/uploads/new", "/var/lib/ledger/old"]);
    let said = kept(&world, &id);
    assert!(said.contains("/var/cache/uploads/sub/old"), "{said}");
    world.audit();
}

/// A real etcd, and a program of its client's name that asks the same API by HTTP: the client is not in this environment.
const ETCD: &str = r#"cat >/bin/etcdctl <<'END'
#!/bin/sh
for word in "$@"; do last=$word; done
[ "$last" = defrag ] || exit 2
wget -q -O - --post-data='{}' http://127.0.0.1:2379/v3/maintenance/defragment && echo "Finished defragmenting"
END
chmod +x /bin/etcdctl
exec /opt/etcd --data-dir=/tmp/data --enable-pprof --log-level=warn \
  --listen-client-urls=http://127.0.0.1:2379 --advertise-client-urls=http://127.0.0.1:2379"#;

/// A Deployment of one etcd, run from the binary that this environment itself runs.
pub fn etcd(world: &World) -> Value {
    let binary = std::path::Path::new(&world.environment.kubectl).with_file_name("etcd");
    let mut etcd = world.deployment("etcd", 1, ETCD, None);
    let pod = &mut etcd["spec"]["template"];
    pod["metadata"]["labels"]["app.kubernetes.io/name"] = json!("etcd");
    pod["spec"]["volumes"] = json!([{"name": "bin", "hostPath": {"path": binary, "type": "File"}}]);
    let container = &mut pod["spec"]["containers"][0];
    container["name"] = json!("etcd");
    container["volumeMounts"] =
        json!([{"name": "bin", "mountPath": "/opt/etcd", "readOnly": true}]);
    container["readinessProbe"] = json!({"periodSeconds": 1, "exec": {"command":
        ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:2379/health"]}});
    etcd
}

#[test]
fn an_etcd_gives_back_the_room_that_its_compaction_left() {
    let definitions = |_: &str| {
        let shipped = include_str!("../../assets/actions/etcd-defragment.yaml");
        vec![("defrag", shipped.replace("enabled: false", "enabled: true"))]
    };
    let Some(world) = world("site-etcd", definitions) else { return };
    world.apply(&etcd(&world));
    let ns = world.namespace.clone();
    world.kubectl(&["-n", &ns, "rollout", "status", "deploy/etcd", "--timeout=120s"]);
    let inside = |script: &str| {
        world.kubectl(&["-n", &ns, "exec", "deploy/etcd", "--", "/bin/sh", "-c", script])
    };
    // 80 versions of one key, and all but the last compacted away.
    inside(
        r#"ask() { wget -q -O - --post-data="$2" "http://127.0.0.1:2379/v3/$1"; }
        v=$(head -c 60000 /dev/zero | tr '\0' A)
        for n in $(seq 80); do ask kv/put "{\"key\":\"a2V5\",\"value\":\"$v\"}" >/dev/null; done
        ask kv/compaction '{"revision":"80","physical":true}'"#,
    );
    let size = || {
        let status = "wget -q -O - --post-data='{}' http://127.0.0.1:2379/v3/maintenance/status";
        let status = serde_json::from_str::<Value>(&inside(status)).unwrap();
        status["dbSize"].as_str().unwrap().parse::<u64>().unwrap()
    };
    let before = size();
    assert!(before > 3_000_000, "{before}");
    let id = ask(&world, "etcd-defragment", "deploy/etcd", &[]);
    let case = closed(&world, &id);
    assert_eq!(case["verdict"]["outcome"], "effective", "{case:#}");
    let after = size();
    assert!(after < before / 4, "{before} → {after}");
    assert!(kept(&world, &id).contains("Finished defragmenting"));
    world.audit();
}

/// The database's program, as a script on the claim: it writes what it is told to where it is told to.
const DUMP: &str = r#"#!/bin/sh
for word in "$@"; do
  case $word in
    --file=*) file=${word#--file=} ;;
    --dbname=*) name=${word#--dbname=} ;;
  esac
done
echo "$name of $PGHOST" >"$file" && echo dumped
"#;

#[test]
fn a_dump_goes_into_a_claim_by_a_job_with_its_secret() {
    let definitions = |image: &str| {
        let shipped = include_str!("../../assets/actions/pg-dump.yaml");
        let own = shipped.replace("enabled: false", "enabled: true");
        let own = own.replace("docker.io/library/postgres:17", image);
        vec![("dump", own.replace("- pg_dump\n", "- /dumps/pg_dump\n"))]
    };
    let Some(world) = world("site-dump", definitions) else { return };
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("pg_dump");
    std::fs::write(&program, DUMP).unwrap();
    let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode;
    std::fs::set_permissions(folder.path(), mode(0o777)).unwrap();
    std::fs::set_permissions(&program, mode(0o755)).unwrap();
    let ns = world.namespace.clone();
    let volume = format!("dumps-{ns}");
    world.apply(&json!({"apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": volume}, "spec": {"capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"], "storageClassName": "none",
        "hostPath": {"path": folder.path()}, "claimRef": {"namespace": ns, "name": "pg-dumps"}}}));
    world.apply(&json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "pg-dumps"}, "spec": {"accessModes": ["ReadWriteOnce"],
        "storageClassName": "none", "volumeName": volume,
        "resources": {"requests": {"storage": "1Gi"}}}}));
    world.apply(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pg-dump"},
        "stringData": {"PGHOST": "db.shop", "PGPASSWORD": "hunter2-dump"}}));
    world.apply(&world.deployment("db", 1, OK, None));
    let id = ask(&world, "pg-dump", "deploy/db", &["database=shop", "label=before-change"]);
    let case = closed(&world, &id);
    assert_eq!(case["verdict"]["outcome"], "effective", "{case:#}");
    let dump = std::fs::read_to_string(folder.path().join("before-change.dump")).unwrap();
    assert_eq!(dump, "shop of db.shop\n");
    let said = kept(&world, &id);
    assert!(said.contains("dumped"), "{said}");
    assert!(!format!("{case}{said}").contains("hunter2-dump"));
    world.kubectl(&["delete", "pv", &volume, "--wait=false"]);
    world.audit();
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
