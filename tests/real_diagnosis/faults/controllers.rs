//! What Jobs and autoscalers show, and pods that can't go.

use crate::fault::{Fault, OK, app, deploy, with};
use crate::world::World;
use serde_json::json;

#[allow(clippy::too_many_lines)] // A table.
pub fn faults(world: &World) -> Vec<Fault> {
    let job = |spec: serde_json::Value| json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "report"}, "spec": spec});
    let template = |command: &str| json!({"spec": {"restartPolicy": "Never", "containers": [app(world, command)]}});
    let busy = "while true; do :; done";
    let mut held = deploy("web", 1, app(world, OK));
    held["spec"]["template"]["metadata"]["finalizers"] = json!(["example.com/keep"]);
    vec![
        Fault::new(
            "job",
            "a Job's pods fail: there is nothing to roll back",
            vec![vec![json!({"apiVersion": "batch/v1", "kind": "Job",
                "metadata": {"name": "report"}, "spec": {"backoffLimit": 1, "template":
                {"spec": {"restartPolicy": "Never", "containers": [app(world, "echo no; exit 1")]}}}})]],
            20,
            ["crash-loop", "job-failing", "remediate", "Job/report"],
        ),
        Fault::new(
            "job-deadline",
            "a Job does not end in time",
            vec![vec![job(json!({"activeDeadlineSeconds": 5, "template": template("sleep 600")}))]],
            30,
            ["crash-loop", "job-failing", "remediate", "Job/report"],
        )
        .alert_names("job_name", "report")
        .with_facts(&["job-failed"]),
        Fault::new(
            "cronjob",
            "the newest Job of a CronJob fails: the alert names the CronJob, the Job is the culprit",
            vec![vec![json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"},
                "spec": {"schedule": "0 3 1 1 *", "jobTemplate": {"spec": {"backoffLimit": 0,
                    "template": template("echo 'no rows'; exit 1")}}}})]],
            25,
            ["crash-loop", "job-failing", "remediate", "Job/manual"],
        )
        .then(&["create", "job", "manual", "--from=cronjob/nightly", "-n", "NAMESPACE"])
        .alert_names("cronjob", "nightly")
        .with_facts(&["job-failed"]),
        Fault::new(
            "job-missing-secret",
            "a Job's pod waits for a Secret that does not exist: the Job is not to blame",
            vec![vec![job(json!({"backoffLimit": 1, "template": {"spec": {"restartPolicy": "Never", "containers":
                [with(app(world, OK), crate::fault::secret_variable("db-creds", "password"))]}}}))]],
            20,
            ["crash-loop", "missing-config", "remediate", "Job/report"],
        ),
        Fault::new(
            "throttled",
            "it needs a whole CPU, its limit is a twentieth: nothing fails, all is slow",
            vec![vec![deploy("slow", 1, with(app(world, busy),
                json!({"resources": {"limits": {"cpu": "50m"}, "requests": {"cpu": "10m"}}})))]],
            75,
            ["generic", "cpu-throttling", "remediate", "Deployment/slow"],
        )
        .alert_names("deployment", "slow")
        .with_facts(&["cpu-throttled", "cpu-at-limit"]),
        Fault::new(
            "autoscaler-blind",
            "nothing serves metrics: the autoscaler can't see",
            vec![vec![
                deploy("web", 1, with(app(world, OK), json!({"resources": {"requests": {"cpu": "10m"}}}))),
                json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"},
                    "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                        "minReplicas": 1, "maxReplicas": 3, "metrics": [{"type": "Resource", "resource":
                            {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}]}}),
            ]],
            40,
            ["generic", "hpa-without-metrics", "remediate", "HorizontalPodAutoscaler/web"],
        )
        .alert_names("deployment", "web"),
        Fault::new(
            "pod-held",
            "a finalizer holds a pod that was deleted; its successor is well",
            vec![vec![held]],
            90,
            ["generic", "stuck-terminating", "remediate", "Pod/"],
        )
        .then(&["delete", "pod", "-l", "app=web", "-n", "NAMESPACE", "--wait=false"])
        .alert_names("deployment", "web")
        .with_facts(&["pods-overdue", "finalizers-hold"]),
        Fault::new(
            "evicted-for-its-own-limit",
            "the pod writes more than its volume may hold: the kubelet evicts it, and its node is well",
            vec![vec![crate::fault::workload("Deployment", "scratch", 1, json!({
                "containers": [with(app(world, "dd if=/dev/zero of=/scratch/x bs=1M count=20; while true; do sleep 1; done"),
                    json!({"volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}))],
                "volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": "1Mi"}}]}))]],
            75,
            ["node-issue", "eviction", "remediate", "Deployment/scratch"],
        )
        .alert_names("deployment", "scratch")
        .with_facts(&["evicted-for-own-limit"]),
    ]
}
