//! A program of the site's: as a Job, or in a container that runs.

use super::super::request::{ActionError, ActionRequest, Compiled};
use super::given::Given;
use super::specs::{DEFINITION_LABEL, compiled, fresh_name};
use crate::domain::diagnose::container::Pod;
use crate::domain::diagnose::fields::terminating;
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::evidence::Progress;
use crate::domain::operation::{Command, Keeps, Operation};
use crate::domain::resource::ObjectRef;
use serde_json::{Value, json};

/// Seconds that a finished Job and its log stay.
const KEPT_S: u64 = 86_400;

/// An argument as Kubernetes hands it on unchanged: it replaces `$(NAME)` by a variable's value, and `$$` by `$`.
fn inert(argument: &str) -> String {
    argument.replace('$', "$$")
}

pub(super) fn job(
    given: &Given<'_>,
    request: &ActionRequest<'_>,
) -> Result<Progress<Compiled>, ActionError> {
    let argv = given.argv()?;
    let timeout = given.seconds()?;
    let namespace = given.needed("namespace")?;
    let name = match fresh_name(given, request, ("batch/v1", "Job"), namespace)? {
        Progress::Ready(name) => name,
        Progress::Need(reads) => return Ok(Progress::Need(reads)),
    };
    let account = given.text("service_account");
    let image = given.needed("image")?;
    let labels = json!({"app.kubernetes.io/managed-by": "pilothouse",
        DEFINITION_LABEL: given.called()});
    let secrets = given.numbered("secret.");
    let env_from = secrets.iter().map(|name| json!({"secretRef": {"name": name}}));
    let (mut mounts, mut volumes) = (Vec::new(), Vec::new());
    for (index, (path, claim)) in given.named("claim.").enumerate() {
        let volume = format!("data-{index}");
        mounts.push(json!({"name": volume, "mountPath": path}));
        volumes.push(json!({"name": volume, "persistentVolumeClaim": {"claimName": claim}}));
    }
    let mut pod = json!({
        "restartPolicy": "Never",
        "automountServiceAccountToken": !account.is_empty(),
        "containers": [{
            "name": "run", "image": image,
            "command": argv.iter().map(|argument| inert(argument)).collect::<Vec<_>>(),
            "envFrom": env_from.collect::<Vec<_>>(),
            "volumeMounts": mounts,
            "securityContext": {"allowPrivilegeEscalation": false},
        }],
        "volumes": volumes,
    });
    if let (false, Some(pod)) = (account.is_empty(), pod.as_object_mut()) {
        pod.insert("serviceAccountName".into(), account.into());
    }
    // Once: whether a program may run twice only its author knows.
    let manifest = json!({"apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"backoffLimit": 0, "activeDeadlineSeconds": timeout,
            "ttlSecondsAfterFinished": KEPT_S,
            "template": {"metadata": {"labels": labels}, "spec": pod}}});
    let operation =
        Operation::create(manifest).ok_or_else(|| ActionError("the Job has no name".into()))?;
    let mut ready = compiled(vec![operation], format!("run {} as Job {name}", given.called()));
    ready.notes.push(format!("Job {name} runs image {image}, for {timeout} s at most, once"));
    for secret in secrets.iter().filter_map(|secret| secret.as_str()) {
        ready.notes.push(format!("its program is given all values of Secret {secret}"));
    }
    if !account.is_empty() {
        ready.notes.push(format!("it has the rights of service account {account}"));
    }
    Ok(Progress::Ready(ready))
}

pub(super) fn exec(
    given: &Given<'_>,
    request: &ActionRequest<'_>,
) -> Result<Progress<Compiled>, ActionError> {
    let argv = given.argv()?;
    let timeout_s = given.seconds()?;
    let (namespace, labels) = (given.needed("namespace")?, given.needed("labels")?);
    let container = given.needed("container")?;
    let mut reader = Reader::new(request.gathered);
    let pods = match reader.whole_list("missing-pods", "v1", "Pod", namespace, labels) {
        Got::Pending => return Ok(Progress::Need(reader.needs())),
        Got::Gone => &[],
        Got::Have(pods) => pods,
        Got::Unreadable(why) => {
            return Err(ActionError(format!("the pods with {labels} can't be read: {why}")));
        }
    };
    let pod = fit(pods, container).ok_or_else(|| {
        ActionError(format!(
            "none of the {} pods with {labels} in {namespace} is ready and has a container {container}",
            pods.len()
        ))
    })?;
    let succeeds_on = codes(given.text("exit_codes"))?;
    let title = format!("run {} in pod {}", given.called(), pod.key.name);
    let note = format!("it runs in container {container} of {}", pod.key.path());
    let container = container.to_string();
    let command = Command { pod, container, argv, succeeds_on, timeout_s, keeps: Keeps::Text };
    let mut ready = compiled(vec![Operation::Exec(command)], title);
    ready.notes.push(note);
    Ok(Progress::Ready(ready))
}

/// The first ready pod, by name, that has such a container.
fn fit(pods: &[Value], container: &str) -> Option<ObjectRef> {
    let has = |pod: &Pod<'_>| pod.containers.iter().any(|one| one.name == container);
    let mut fit = pods.iter().filter(|pod| !terminating(pod)).map(Pod::of).collect::<Vec<_>>();
    fit.retain(|pod| pod.ready() && has(pod));
    fit.sort_by_key(|pod| pod.name().to_string());
    fit.first().and_then(|pod| ObjectRef::of(pod.object))
}

fn codes(text: &str) -> Result<Vec<i32>, ActionError> {
    text.split(',')
        .map(str::trim)
        .filter(|code| !code.is_empty())
        .map(str::parse::<i32>)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| ActionError("`exit_codes` are whole numbers".into()))
}
