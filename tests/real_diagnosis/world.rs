//! The cluster and Prometheus as `kubectl` and plain HTTP show them. Objects are read through `kubectl proxy`, so that
//! no program is started per read.

use pilothouse::domain::alert::Alert;
use pilothouse::domain::certificate;
use pilothouse::domain::diagnose::diagnose;
use pilothouse::domain::diagnosis::Diagnosis;
use pilothouse::domain::evidence::{Answer, Gathered, Progress, Read, Series};
use pilothouse::domain::resource::ObjectKey;
use pilothouse::domain::time::Timestamp;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub struct World {
    kubectl: String,
    kubeconfig: String,
    prometheus: String,
    pub image: String,
    /// `127.0.0.1:PORT` of the proxy.
    proxy: String,
    process: Child,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl World {
    pub fn from_env() -> Option<Self> {
        let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let kubectl = var("PILOTHOUSE_TEST_KUBECTL")?;
        let kubeconfig = var("PILOTHOUSE_TEST_KUBECONFIG")?;
        let (prometheus, image) =
            (var("PILOTHOUSE_TEST_PROMETHEUS")?, var("PILOTHOUSE_TEST_IMAGE")?);
        let mut process = Command::new(&kubectl)
            .args(["--kubeconfig", &kubeconfig, "proxy", "--port=0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("kubectl proxy starts");
        let mut line = String::new();
        let said = process.stdout.take().expect("its words");
        BufReader::new(said).read_line(&mut line).expect("it says where it serves");
        let proxy = line.rsplit(' ').next().expect("an address").trim().to_string();
        Some(Self { kubectl, kubeconfig, prometheus, image, proxy, process })
    }

    pub fn kubectl(&self, args: &[&str], input: Option<&str>) -> Result<String, String> {
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

    /// HTTP status and body of one GET; HTTP/1.0, so that the body comes as it is and ends with the connection.
    fn http(&self, address: &str, path: &str) -> Result<(u16, String), String> {
        let mut stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .map_err(|error| error.to_string())?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            .map_err(|e| e.to_string())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).map_err(|error| error.to_string())?;
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no end of the head")?;
        let status =
            head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or("no status")?;
        Ok((status, body.to_string()))
    }

    pub fn get(&self, path: &str) -> Answer {
        match self.http(&self.proxy, path) {
            Ok((200, body)) => serde_json::from_str(&body)
                .map_or_else(|error| Answer::Unavailable(error.to_string()), Answer::Object),
            Ok((404, _)) => Answer::NotFound,
            Ok((status, body)) => Answer::Unavailable(format!("{status}: {body}")),
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
                // Events about cluster-scoped objects lie in `default`.
                let namespace = if namespace.is_empty() { "default" } else { namespace };
                let selector = format!("involvedObject.kind={kind},involvedObject.name={name}");
                let path = format!(
                    "/api/v1/namespaces/{namespace}/events?limit=500&fieldSelector={}",
                    escape(&selector)
                );
                self.items(&path, "v1", "Event")
            }
            Read::Logs { namespace, pod, container, previous, tail_lines } => {
                let path = format!(
                    "/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container}&tailLines={tail_lines}&previous={previous}"
                );
                match self.http(&self.proxy, &path) {
                    Ok((200, body)) => Answer::Text(body),
                    _ => Answer::NotFound,
                }
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
            Read::PodsOn { node } => {
                let path = format!(
                    "/api/v1/pods?limit=500&fieldSelector={}",
                    escape(&format!("spec.nodeName={node}"))
                );
                self.items(&path, "v1", "Pod")
            }
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
        let all = parameters.iter().map(|(name, value)| format!("{name}={}", escape(value)));
        let path = format!("/api/v1/{what}?{}", all.collect::<Vec<_>>().join("&"));
        let address = self.prometheus.trim_start_matches("http://").trim_end_matches('/');
        let Ok((_, body)) = self.http(address, &path) else {
            return Answer::Unavailable("no answer".into());
        };
        let Ok(body) = serde_json::from_str::<Value>(&body) else {
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

    pub fn apply(&self, namespace: &str, objects: &[Value]) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
        // A namespace's quota, service account or webhook may take a moment: what was refused is sent again.
        let mut said = String::new();
        for _ in 0..3 {
            match self.kubectl(&["apply", "-n", namespace, "-f", "-"], Some(&list)) {
                Ok(_) => return,
                Err(error) => said = error,
            }
            std::thread::sleep(Duration::from_secs(2));
        }
        panic!("objects don't apply in {namespace}: {said}");
    }

    fn pods(&self, namespace: &str) -> Vec<Value> {
        match self.get(&list_path("v1", "Pod", namespace)) {
            Answer::Object(list) => list["items"].as_array().cloned().unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// Waits until every container has begun once, for a minute at most: some never do.
    pub fn until_begun(&self, namespace: &str) {
        let began = |one: &Value| {
            !one["state"]["running"].is_null()
                || !one["state"]["terminated"].is_null()
                || !one["lastState"]["terminated"].is_null()
        };
        let began = |pod: &Value| {
            pod["status"]["containerStatuses"].as_array().is_some_and(|all| all.iter().all(began))
        };
        for _ in 0..30 {
            let pods = self.pods(namespace);
            if !pods.is_empty() && pods.iter().all(began) {
                return;
            }
            std::thread::sleep(Duration::from_secs(2));
        }
    }

    /// A pod that is not well, else any.
    pub fn suspect(&self, namespace: &str) -> Option<String> {
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

    pub fn investigate(&self, alerts: &[Alert]) -> (Diagnosis, Gathered, Timestamp) {
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

pub fn now() -> Timestamp {
    std::time::SystemTime::now().into()
}

/// Percent-encodes what can't stand in a query.
fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { (byte as char).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn plural(kind: &str) -> String {
    let lower = kind.to_ascii_lowercase();
    match lower.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if lower.ends_with("ss") => format!("{lower}es"),
        None => format!("{lower}s"),
    }
}

fn list_path(api_version: &str, kind: &str, namespace: &str) -> String {
    let plural = plural(kind);
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
        && let Some(dates) = certificate::noted(object)
    {
        object[certificate::MEMBER] = dates;
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
