//! Diagnosis on a real cluster: each fault is made with real objects, its pods fail under a real kubelet, and what
//! `kubectl` and Prometheus answer must lead to the right cause.
//!
//! Reads go through `kubectl` and `curl` here, so that the knowledge is tested apart from the engine's own adapters.
//! With `PILOTHOUSE_TEST_RECORD=DIR` the answers are written as cases for `diagnosis_cases`.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods
)]
#![allow(clippy::pedantic, reason = "not product code")]
use pilothouse::domain::alert::{Alert, AlertStatus, fingerprint};
use pilothouse::domain::diagnose::diagnose;
use pilothouse::domain::diagnosis::Diagnosis;
use pilothouse::domain::evidence::{Answer, Gathered, Progress, Read, Series};
use pilothouse::domain::resource::ObjectKey;
use pilothouse::domain::time::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

struct World {
    kubectl: String,
    kubeconfig: String,
    prometheus: String,
    image: String,
}

impl World {
    fn from_env() -> Option<Self> {
        let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Some(Self {
            kubectl: var("PILOTHOUSE_TEST_KUBECTL")?,
            kubeconfig: var("PILOTHOUSE_TEST_KUBECONFIG")?,
            prometheus: var("PILOTHOUSE_TEST_PROMETHEUS")?,
            image: var("PILOTHOUSE_TEST_IMAGE")?,
        })
    }

    fn kubectl(&self, args: &[&str], input: Option<&str>) -> Result<String, String> {
        let mut child = Command::new(&self.kubectl)
            .args(["--kubeconfig", &self.kubeconfig])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl starts");
        let mut stdin = child.stdin.take().expect("stdin");
        stdin.write_all(input.unwrap_or_default().as_bytes()).expect("stdin takes it");
        drop(stdin);
        let out = child.wait_with_output().expect("kubectl ends");
        if out.status.success() {
            Ok(String::from_utf8_lossy(&out.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&out.stderr).into_owned())
        }
    }

    fn get(&self, path: &str) -> Answer {
        match self.kubectl(&["get", "--raw", path], None) {
            Ok(text) => serde_json::from_str(&text)
                .map_or_else(|error| Answer::Unavailable(error.to_string()), Answer::Object),
            Err(error) if error.contains("NotFound") || error.contains("not found") => {
                Answer::NotFound
            }
            Err(error) => Answer::Unavailable(error),
        }
    }

    fn answer(&self, read: &Read) -> Answer {
        match read {
            Read::Object(key) => match self.get(&object_path(key)) {
                Answer::Object(mut object) => {
                    clean(&mut object, &key.api_version, &key.kind);
                    Answer::Object(object)
                }
                other => other,
            },
            Read::List { api_version, kind, namespace, labels } => {
                let path = format!(
                    "{}?limit=500&labelSelector={}",
                    list_path(api_version, kind, namespace),
                    escape(labels)
                );
                self.items(&path, api_version, kind)
            }
            Read::Events { namespace, kind, name } => {
                let selector = format!("involvedObject.kind={kind},involvedObject.name={name}");
                let path = format!(
                    "/api/v1/namespaces/{namespace}/events?limit=500&fieldSelector={}",
                    escape(&selector)
                );
                self.items(&path, "v1", "Event")
            }
            Read::Logs { namespace, pod, container, previous, tail_lines } => {
                let tail = format!("--tail={tail_lines}");
                let previous = format!("--previous={previous}");
                let args = ["logs", "-n", namespace, pod, "-c", container, &tail, &previous];
                self.kubectl(&args, None).map_or(Answer::NotFound, Answer::Text)
            }
            Read::Query { promql } => self.prometheus("query", &[("query", promql)]),
            Read::Range { promql, window_s, step_s } => {
                let end = now().timestamp();
                let start = end - i64::from(*window_s);
                self.prometheus(
                    "query_range",
                    &[
                        ("query", promql),
                        ("start", &start.to_string()),
                        ("end", &end.to_string()),
                        ("step", &step_s.to_string()),
                    ],
                )
            }
            Read::PodsOn { .. } => Answer::Unavailable("not asked here".into()),
            Read::Alerts { .. } => Answer::Unavailable("not asked here".into()),
        }
    }

    fn items(&self, path: &str, api_version: &str, kind: &str) -> Answer {
        match self.get(path) {
            Answer::Object(list) => {
                let mut items = list["items"].as_array().cloned().unwrap_or_default();
                items.iter_mut().for_each(|item| clean(item, api_version, kind));
                let complete = list["metadata"]["continue"].as_str().is_none_or(str::is_empty);
                Answer::Items { items, complete }
            }
            other => other,
        }
    }

    fn prometheus(&self, what: &str, parameters: &[(&str, &str)]) -> Answer {
        let mut command = Command::new("curl");
        command.args(["-sG", &format!("{}/api/v1/{what}", self.prometheus)]);
        for (name, value) in parameters {
            command.args(["--data-urlencode", &format!("{name}={value}")]);
        }
        let out = command.output().expect("curl runs");
        let Ok(body) = serde_json::from_slice::<Value>(&out.stdout) else {
            return Answer::Unavailable("no JSON".into());
        };
        if body["status"] != "success" {
            return Answer::Unavailable(body["error"].to_string());
        }
        let series = body["data"]["result"].as_array().into_iter().flatten().map(|one| {
            let single = one.get("value").into_iter();
            let many = one.get("values").and_then(Value::as_array).into_iter().flatten();
            let point =
                |pair: &Value| Some((pair[0].as_f64()?, pair[1].as_str()?.parse::<f64>().ok()?));
            Series {
                labels: serde_json::from_value(one["metric"].clone()).expect("labels"),
                points: single.chain(many).filter_map(point).collect(),
            }
        });
        Answer::Series(series.collect())
    }
}

fn now() -> Timestamp {
    std::time::SystemTime::now().into()
}

fn escape(text: &str) -> String {
    text.replace('%', "%25").replace(' ', "%20").replace('=', "%3D").replace(',', "%2C")
}

fn list_path(api_version: &str, kind: &str, namespace: &str) -> String {
    let plural = format!("{}s", kind.to_ascii_lowercase());
    let root = if api_version.contains('/') { "/apis" } else { "/api" };
    if namespace.is_empty() {
        format!("{root}/{api_version}/{plural}")
    } else {
        format!("{root}/{api_version}/namespaces/{namespace}/{plural}")
    }
}

fn object_path(key: &ObjectKey) -> String {
    format!("{}/{}", list_path(&key.api_version, &key.kind, &key.namespace), key.name)
}

/// As the engine's adapter does it; managed fields are cut to two levels to keep recorded cases small.
fn clean(object: &mut Value, api_version: &str, kind: &str) {
    object["apiVersion"] = json!(api_version);
    object["kind"] = json!(kind);
    if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    if kind == "Secret"
        && let Some(data) = object["data"].as_object_mut()
    {
        data.values_mut().for_each(|value| *value = json!("<redacted>"));
    }
    for entry in object["metadata"]["managedFields"].as_array_mut().into_iter().flatten() {
        for part in entry["fieldsV1"].as_object_mut().into_iter().flatten() {
            for (_, field) in part.1.as_object_mut().into_iter().flatten() {
                *field = json!({});
            }
        }
    }
    if object["metadata"]["managedFields"].is_null()
        && let Some(meta) = object["metadata"].as_object_mut()
    {
        meta.remove("managedFields");
    }
}

/// One fault: objects applied one stage after the other, each once the one before has settled.
struct Fault {
    name: &'static str,
    about: &'static str,
    stages: Vec<Vec<Value>>,
    /// Seconds from the last stage until its evidence is there.
    ripe_s: u64,
    /// Objects named by the alert instead of a failing pod.
    labels: &'static [(&'static str, &'static str)],
    /// pattern, cause, disposition, `Kind/name` of the target.
    expected: [&'static str; 4],
}

const OK: &str = "trap 'exit 0' TERM; while true; do sleep 1; done";

fn container(world: &World, name: &str, command: &str) -> Value {
    json!({"name": name, "image": world.image, "command": ["sh", "-c", command]})
}

fn with(mut object: Value, more: Value) -> Value {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}

fn workload(kind: &str, name: &str, replicas: u32, pod: Value) -> Value {
    let mut spec = json!({
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec":
            with(json!({"terminationGracePeriodSeconds": 1}), pod)},
    });
    if kind != "DaemonSet" {
        spec["replicas"] = json!(replicas);
    }
    if kind == "StatefulSet" {
        spec["serviceName"] = json!(name);
    }
    json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn memory(limit: &str) -> Value {
    json!({"resources": {"limits": {"memory": limit}, "requests": {"memory": limit}}})
}

fn hold(bytes: u64) -> String {
    format!("x=$(head -c {bytes} /dev/zero | tr '\\0' x); {OK}")
}

fn secret_variable(name: &str, key: &str) -> Value {
    json!({"env": [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}]})
}

/// As `kubectl rollout restart` does it.
fn restarted(mut object: Value) -> Value {
    let stamp = json!({"kubectl.kubernetes.io/restartedAt": "2026-11-23T23:00:00Z"});
    object["spec"]["template"]["metadata"]["annotations"] = stamp;
    object
}

#[allow(clippy::too_many_lines)] // A table.
fn faults(world: &World) -> Vec<Fault> {
    let app = |command: &str| container(world, "app", command);
    let pod = |one: Value| json!({"containers": [one]});
    let deploy =
        |name: &str, replicas, one: Value| workload("Deployment", name, replicas, pod(one));
    let fault = |name, about, stages, ripe_s, expected| Fault {
        name,
        about,
        stages,
        ripe_s,
        labels: &[],
        expected,
    };
    let leak =
        "x=; i=0; while true; do x=\"$x$(head -c 600000 /dev/zero | tr '\\0' x)\"; sleep 1; done";
    let mut probe = app("trap '' TERM; while true; do sleep 1; done");
    probe["livenessProbe"] =
        json!({"exec": {"command": ["false"]}, "periodSeconds": 2, "failureThreshold": 2});
    vec![
        fault(
            "limit-too-small",
            "each start needs more than the limit; the kubelet says OOMKilled",
            vec![vec![deploy("ledger-api", 2, with(app(&hold(80_000_000)), memory("64Mi")))]],
            40,
            ["high-memory", "limit-too-small", "remediate", "Deployment/ledger-api"],
        ),
        fault(
            "memory-leak",
            "memory grows by the second until the kernel kills it, again and again",
            vec![vec![deploy("leaky", 1, with(app(leak), memory("64Mi")))]],
            160,
            ["high-memory", "memory-leak", "remediate", "Deployment/leaky"],
        ),
        fault(
            "near-limit",
            "usage stands flat just below the limit; nothing was killed yet",
            vec![vec![deploy(
                "cache",
                1,
                with(
                    app(&format!("dd if=/dev/zero of=/dev/shm/x bs=1M count=59; {OK}")),
                    memory("64Mi"),
                ),
            )]],
            90,
            ["high-memory", "limit-too-small", "remediate", "Deployment/cache"],
        ),
        fault(
            "crash",
            "it exits 1 from its first revision on; nothing says why but its log",
            vec![vec![deploy("web", 1, app("echo 'panic: no route to database' >&2; exit 1"))]],
            40,
            ["crash-loop", "unknown", "remediate", "Deployment/web"],
        ),
        fault(
            "bad-command",
            "the second revision exits 1, pods of the first are still ready",
            vec![vec![deploy("web", 2, app(OK))], vec![deploy("web", 2, app("echo boom; exit 1"))]],
            30,
            ["crash-loop", "bad-rollout", "remediate", "Deployment/web"],
        ),
        fault(
            "bad-command-single",
            "the only pod of the good revision is gone: its events tell that it ran well",
            vec![vec![deploy("web", 1, app(OK))], vec![deploy("web", 1, app("sleep 3; exit 1"))]],
            40,
            ["crash-loop", "bad-rollout", "remediate", "Deployment/web"],
        ),
        fault(
            "bad-image",
            "the second revision's image does not exist, pods of the first are still ready",
            vec![
                vec![deploy("web", 2, app(OK))],
                vec![deploy("web", 2, with(app(OK), json!({"image": "test.local/none:2"})))],
            ],
            30,
            ["crash-loop", "bad-rollout", "remediate", "Deployment/web"],
        ),
        fault(
            "image-never-worked",
            "the image does not exist, and there is no earlier revision",
            vec![vec![deploy("web", 1, with(app(OK), json!({"image": "test.local/none:1"})))]],
            30,
            ["crash-loop", "image-pull", "remediate", "Deployment/web"],
        ),
        fault(
            "missing-secret",
            "a variable comes from a Secret that does not exist",
            vec![vec![deploy("pay", 1, with(app(OK), secret_variable("db-creds", "password")))]],
            20,
            ["crash-loop", "missing-config", "remediate", "Deployment/pay"],
        ),
        fault(
            "missing-key",
            "the Secret is there, the key is not",
            vec![vec![
                json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db-creds"},
                    "stringData": {"user": "u"}}),
                deploy("pay", 1, with(app(OK), secret_variable("db-creds", "password"))),
            ]],
            20,
            ["crash-loop", "missing-config", "remediate", "Deployment/pay"],
        ),
        fault(
            "missing-volume",
            "a volume is a ConfigMap that does not exist: the pod stays ContainerCreating",
            vec![vec![workload(
                "Deployment",
                "pay",
                1,
                json!({"containers": [with(app(OK), json!({"volumeMounts":
                    [{"name": "cfg", "mountPath": "/cfg"}]}))],
                    "volumes": [{"name": "cfg", "configMap": {"name": "app-config"}}]}),
            )]],
            30,
            ["crash-loop", "missing-config", "remediate", "Deployment/pay"],
        ),
        fault(
            "new-reference",
            "only the second revision refers to the missing Secret; the first is still ready",
            vec![
                vec![deploy("pay", 2, app(OK))],
                vec![deploy(
                    "pay",
                    2,
                    with(app(OK), json!({"envFrom": [{"secretRef": {"name": "feature-keys"}}]})),
                )],
            ],
            30,
            ["crash-loop", "missing-config", "remediate", "Deployment/pay"],
        ),
        fault(
            "statefulset",
            "the second revision of a StatefulSet exits 3, one pod of the first is still ready",
            vec![
                vec![workload("StatefulSet", "db", 2, pod(app(OK)))],
                vec![workload("StatefulSet", "db", 2, pod(app("echo 'no wal'; exit 3")))],
            ],
            40,
            ["crash-loop", "bad-rollout", "remediate", "StatefulSet/db"],
        ),
        fault(
            "statefulset-single",
            "the only pod of a StatefulSet fails since its second revision",
            vec![
                vec![workload("StatefulSet", "db", 1, pod(app(OK)))],
                vec![workload("StatefulSet", "db", 1, pod(app("echo 'no wal'; exit 3")))],
            ],
            40,
            ["crash-loop", "bad-rollout", "remediate", "StatefulSet/db"],
        ),
        fault(
            "daemonset",
            "the second revision of a DaemonSet exits 2",
            vec![
                vec![workload("DaemonSet", "agent", 1, pod(app(OK)))],
                vec![workload("DaemonSet", "agent", 1, pod(app("exit 2")))],
            ],
            40,
            ["crash-loop", "bad-rollout", "remediate", "DaemonSet/agent"],
        ),
        fault(
            "liveness",
            "exit 137, but by the liveness probe: memory has nothing to do with it",
            vec![vec![deploy("slow", 1, with(probe, memory("64Mi")))]],
            40,
            ["crash-loop", "unknown", "remediate", "Deployment/slow"],
        ),
        fault(
            "limit-lowered",
            "OOMKilled since a revision that lowered the limit: going back is the cure",
            vec![
                vec![deploy("mem", 1, with(app(&hold(40_000_000)), memory("128Mi")))],
                vec![deploy("mem", 1, with(app(&hold(40_000_000)), memory("32Mi")))],
            ],
            40,
            ["crash-loop", "bad-rollout", "remediate", "Deployment/mem"],
        ),
        fault(
            "init-container",
            "the init container fails; the main one has done nothing wrong",
            vec![vec![workload(
                "Deployment",
                "mig",
                1,
                json!({"initContainers": [container(world, "migrate", "echo 'migration failed'; exit 4")],
                    "containers": [app(OK)]}),
            )]],
            40,
            ["crash-loop", "unknown", "remediate", "Deployment/mig"],
        ),
        fault(
            "second-container",
            "of two containers the proxy fails; the first revision had a proxy that worked",
            vec![
                vec![workload(
                    "Deployment",
                    "two",
                    1,
                    json!({"containers":
                    [app(OK), container(world, "proxy", OK)]}),
                )],
                vec![workload(
                    "Deployment",
                    "two",
                    1,
                    json!({"containers":
                    [app(OK), container(world, "proxy", "sleep 2; exit 1")]}),
                )],
            ],
            40,
            ["crash-loop", "bad-rollout", "remediate", "Deployment/two"],
        ),
        fault(
            "no-such-program",
            "the program does not exist: the container can't be started at all",
            vec![vec![deploy(
                "web",
                1,
                json!({"name": "app", "image": world.image,
                "command": ["/nonexistent"]}),
            )]],
            30,
            ["crash-loop", "unknown", "remediate", "Deployment/web"],
        ),
        fault(
            "two-bad-revisions",
            "a first attempt at a fix failed too: the first revision is the one to go back to",
            vec![
                vec![deploy("web", 2, app(OK))],
                vec![deploy("web", 2, app("exit 1"))],
                vec![deploy("web", 2, app("exit 2"))],
            ],
            40,
            ["crash-loop", "bad-rollout", "remediate", "Deployment/web"],
        ),
        fault(
            "restarted",
            "somebody restarted it in the hope that this helps: the new revision runs the same",
            vec![
                vec![deploy("web", 1, app("exit 1"))],
                vec![restarted(deploy("web", 1, app("exit 1")))],
            ],
            40,
            ["crash-loop", "unknown", "remediate", "Deployment/web"],
        ),
        fault(
            "unschedulable",
            "no node fits the pod",
            vec![vec![workload(
                "Deployment",
                "far",
                1,
                json!({"containers": [app(OK)], "nodeSelector": {"disk": "none-such"}}),
            )]],
            10,
            ["generic", "unknown", "remediate", "Deployment/far"],
        ),
        fault(
            "job",
            "a Job's pods fail: there is nothing to roll back",
            vec![vec![json!({"apiVersion": "batch/v1", "kind": "Job",
                "metadata": {"name": "report"}, "spec": {"backoffLimit": 1, "template":
                {"spec": {"restartPolicy": "Never", "containers": [app("echo no; exit 1")]}}}})]],
            20,
            ["crash-loop", "unknown", "remediate", "Job/report"],
        ),
        Fault {
            name: "scaled-to-zero",
            about: "a person scaled it to zero",
            stages: vec![vec![deploy("zero", 0, app(OK))]],
            ripe_s: 5,
            labels: &[("deployment", "zero")],
            expected: ["generic", "unknown", "on_purpose", "Deployment/zero"],
        },
        Fault {
            name: "pod-gone-owner-well",
            about: "the pod of the alert was replaced by a revision that is well",
            stages: vec![vec![deploy("web", 1, app("exit 1"))], vec![deploy("web", 1, app(OK))]],
            ripe_s: 20,
            labels: &[("pod", "the first one")],
            expected: ["generic", "unknown", "recovered", "Deployment/web"],
        },
        Fault {
            name: "nothing-shows",
            about: "the pods are well, the alert fires for something that they don't show",
            stages: vec![vec![deploy("web", 2, app(OK))]],
            ripe_s: 10,
            labels: &[("deployment", "web")],
            expected: ["generic", "unknown", "remediate", "Deployment/web"],
        },
    ]
}

impl World {
    fn apply(&self, namespace: &str, objects: &[Value]) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
        self.kubectl(&["apply", "-n", namespace, "-f", "-"], Some(&list)).expect("objects apply");
    }

    fn pods(&self, namespace: &str) -> Vec<Value> {
        match self.get(&list_path("v1", "Pod", namespace)) {
            Answer::Object(list) => list["items"].as_array().cloned().unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// A pod that is not well, else any.
    fn suspect(&self, namespace: &str) -> Option<String> {
        let pods = self.pods(namespace);
        let unwell = |pod: &&Value| {
            pod["metadata"]["deletionTimestamp"].is_null()
                && pod["status"]["containerStatuses"].as_array().is_none_or(|all| {
                    all.iter().any(|one| one["ready"] != true || one["restartCount"] != 0)
                })
        };
        let pod = pods.iter().find(unwell).or_else(|| pods.first())?;
        pod["metadata"]["name"].as_str().map(Into::into)
    }

    fn investigate(&self, alerts: &[Alert]) -> (Diagnosis, Gathered, Timestamp) {
        let mut gathered = Gathered::default();
        let at = now();
        for _ in 0..=8 {
            match diagnose(alerts, &gathered, at) {
                Progress::Ready(diagnosis) => return (diagnosis, gathered, at),
                Progress::Need(reads) => {
                    for read in reads {
                        let answer = self.answer(&read);
                        gathered.answers.insert(read, answer);
                    }
                }
            }
        }
        panic!("not ready after 8 rounds");
    }
}

/// The wording is misleading on purpose, the same for all: it must decide nothing.
fn alert(namespace: &str, labels: &[(&str, &str)], starts_at: Timestamp) -> Alert {
    let mut all = BTreeMap::from([
        ("alertname".to_string(), "ContainerOutOfMemoryOrSo".to_string()),
        ("namespace".to_string(), namespace.to_string()),
        ("severity".to_string(), "warning".to_string()),
    ]);
    all.extend(labels.iter().map(|(name, value)| ((*name).into(), (*value).into())));
    Alert {
        fingerprint: fingerprint(&all),
        status: AlertStatus::Firing,
        labels: all,
        annotations: BTreeMap::new(),
        starts_at,
        ends_at: None,
    }
}

struct Running {
    fault: Fault,
    namespace: String,
    first_pod: String,
    alert_at: Timestamp,
    since: Instant,
}

#[test]
fn each_real_fault_gets_its_cause() {
    let Some(world) = World::from_env() else {
        assert!(
            std::env::var("PILOTHOUSE_TEST_REQUIRE").is_err(),
            "PILOTHOUSE_TEST_* variables are missing"
        );
        println!("left out: diagnosis of real faults (no PILOTHOUSE_TEST_* variables)");
        return;
    };
    let only = std::env::var("PILOTHOUSE_TEST_ONLY").unwrap_or_default();
    let wanted = |fault: &Fault| only.is_empty() || only.split(',').any(|one| one == fault.name);
    let prefix = format!("diag-{}", std::process::id());
    let mut running = Vec::new();
    let mut failures = Vec::new();
    for fault in faults(&world).into_iter().filter(wanted) {
        let namespace = format!("{prefix}-{}", fault.name);
        world.kubectl(&["create", "namespace", &namespace], None).expect("a namespace");
        world.apply(&namespace, &fault.stages[0]);
        let (since, alert_at) = (Instant::now(), now());
        running.push(Running { fault, namespace, first_pod: String::new(), alert_at, since });
    }
    for one in running.iter_mut().filter(|one| one.fault.stages.len() > 1) {
        // The first revision has to have run for a while to be known to work.
        std::thread::sleep(Duration::from_secs(20).saturating_sub(one.since.elapsed()));
        one.first_pod = world.suspect(&one.namespace).unwrap_or_default();
        for stage in one.fault.stages.iter().skip(1) {
            world.apply(&one.namespace, stage);
        }
        (one.since, one.alert_at) = (Instant::now(), now());
    }
    running.sort_by_key(|one| one.fault.ripe_s);
    for one in &running {
        let ripe = Duration::from_secs(one.fault.ripe_s);
        std::thread::sleep(ripe.saturating_sub(one.since.elapsed()));
        failures.extend(examine(&world, one));
        let args = ["delete", "namespace", &one.namespace, "--wait=false"];
        world.kubectl(&args, None).expect("the namespace goes");
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

fn examine(world: &World, one: &Running) -> Option<String> {
    let fault = &one.fault;
    let pod = match fault.labels {
        [("pod", _)] => one.first_pod.clone(),
        _ => world.suspect(&one.namespace).unwrap_or_default(),
    };
    let labels = match fault.labels {
        [] | [("pod", _)] => vec![("pod", pod.as_str()), ("node", "node1")],
        named => named.to_vec(),
    };
    let starts_at = one.alert_at + Duration::from_secs(15);
    let alerts = [alert(&one.namespace, &labels, starts_at)];
    let (found, gathered, at) = world.investigate(&alerts);
    let disposition = serde_json::to_value(found.disposition).expect("JSON");
    let target = found
        .target
        .as_ref()
        .map_or_else(String::new, |target| format!("{}/{}", target.key.kind, target.key.name));
    let is =
        [found.pattern.word(), found.cause.word(), disposition.as_str().expect("a word"), &target];
    println!("{}: {} {:.2}: {}", fault.name, is.join(" "), found.confidence, found.summary);
    if let Ok(folder) = std::env::var("PILOTHOUSE_TEST_RECORD") {
        record(PathBuf::from(folder), fault, &alerts, &gathered, at, &one.namespace);
    }
    (is != fault.expected).then(|| {
        let weighed = found
            .weighed
            .iter()
            .map(|w| {
                format!(
                    "{} {:.2} +{:?} -{:?}",
                    w.cause, w.confidence, w.speaks_for, w.speaks_against
                )
            })
            .collect::<Vec<_>>();
        format!(
            "{}: wanted {:?}, is {is:?}\n  {}",
            fault.name,
            fault.expected,
            weighed.join("\n  ")
        )
    })
}

/// Writes a case. Namespaces lose the number of the test process.
fn record(
    folder: PathBuf,
    fault: &Fault,
    alerts: &[Alert],
    gathered: &Gathered,
    at: Timestamp,
    namespace: &str,
) {
    let [pattern, cause, disposition, target] = fault.expected;
    let case = json!({
        "about": fault.about,
        "origin": "recorded on a real cluster (Kubernetes 1.34, containerd, Prometheus) by real_diagnosis",
        "now": at,
        "alerts": alerts,
        "gathered": gathered,
        "expected": {"pattern": pattern, "cause": cause, "disposition": disposition,
            "target": format!("{namespace}/{target}")},
    });
    let text = serde_json::to_string(&case).expect("JSON").replace(namespace, fault.name);
    std::fs::create_dir_all(&folder).expect("the folder is made");
    std::fs::write(folder.join(format!("{}.json", fault.name)), text + "\n").expect("written");
}
