//! What the workload itself says: its pods, conditions, autoscalers, keepers.

use super::gather::Facts;
use crate::domain::diagnose::fields::{int, moment, name, text, value};
use crate::domain::diagnose::keepers::{last_writer, managers, writer_of};
use crate::domain::diagnose::picture::Picture;
use crate::domain::time::{seconds_between, spoken};

pub(super) fn workload(picture: &Picture<'_>, out: &mut Facts) {
    let workload = &picture.workload;
    let path = workload.reference.key.path();
    if workload.pods_known && workload.keeps_pods() {
        let text = format!("{} of {} pods ready", workload.ready(), workload.desired());
        out.add("pods", text, format!("{path}: its pods"));
    }
    for kind in ["ReplicaFailure", "Progressing", "Failed"] {
        let Some(condition) = workload.condition(kind) else { continue };
        let holds = text(condition, &["status"]) == "True";
        if holds == (kind != "Progressing") {
            let words =
                format!("{}: {}", text(condition, &["reason"]), text(condition, &["message"]));
            let at = moment(condition, &["lastTransitionTime"]);
            let id = format!("condition-{}", kind.to_ascii_lowercase());
            out.add_at(&id, words, format!("{path}: condition {kind}"), at);
        }
    }
    let of = |field: &str| {
        writer_of(workload.object, field).map_or_else(
            || "by whom is not known".into(),
            |writer| {
                let ago = writer.at.map(|at| spoken(seconds_between(at, picture.now)));
                format!(
                    "by {}, {} ago",
                    writer.manager,
                    ago.unwrap_or_else(|| "unknown time".into())
                )
            },
        )
    };
    if workload.paused() {
        let field = if value(workload.object, &["spec", "paused"]).is_some() {
            "paused"
        } else {
            "suspend"
        };
        out.add(
            "paused",
            format!("its rollout is paused, {}", of(field)),
            format!("{path}: spec.{field}"),
        );
    }
    if workload.keeps_pods() && int(workload.object, &["spec", "replicas"]) == Some(0) {
        let text = format!("scaled to zero, {}", of("replicas"));
        out.add("scaled-to-zero", text, format!("{path}: spec.replicas"));
    }
    for (index, autoscaler) in picture.autoscalers.iter().enumerate() {
        let id = if index == 0 { "autoscaler".into() } else { format!("autoscaler-{}", index + 1) };
        let most = int(autoscaler, &["spec", "maxReplicas"]).unwrap_or(0);
        let least = int(autoscaler, &["spec", "minReplicas"]).unwrap_or(1);
        let text = format!("autoscaler {} keeps {least} to {most} replicas", name(autoscaler));
        out.add(&id, text, format!("HorizontalPodAutoscaler {}", name(autoscaler)));
    }
}

pub(super) fn keepers(picture: &Picture<'_>, out: &mut Facts) {
    let object = picture.workload.object;
    let path = picture.workload.reference.key.path();
    if let Some(writer) = last_writer(object) {
        let ago = writer.at.map(|at| spoken(seconds_between(at, picture.now)));
        let text = format!(
            "last written by {}, {} ago",
            writer.manager,
            ago.unwrap_or_else(|| "unknown time".into())
        );
        out.add_at("last-writer", text, format!("{path}: {}", writer.source), writer.at);
    }
    for manager in managers(object) {
        let reverts = if manager.reverts { ", which reverts changes" } else { "" };
        let id = format!("manager-{}", manager.kind.to_ascii_lowercase().replace(' ', "-"));
        out.add(
            &id,
            format!("managed by {} {}{reverts}", manager.kind, manager.name),
            format!("{path}: {}", manager.source),
        );
    }
}
