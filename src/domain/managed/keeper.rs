//! Who keeps an object, by the marks on it.

use crate::domain::diagnose::fields::{controller, items, name, namespace, text};
use crate::domain::resource::ObjectKey;
use crate::domain::workflow::plan::Manager;
use serde_json::Value;

/// A keeper, and where it says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keeper {
    /// Which.
    pub(crate) who: Who,
    /// The mark: `metadata.labels[…]`.
    pub(crate) mark: String,
}

/// Which keeper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// An Argo CD application, and its namespace where the mark names one.
    Argo { application: String, namespace: Option<String> },
    /// A Flux Kustomization.
    Kustomization(ObjectKey),
    /// A Flux `HelmRelease`.
    HelmRelease(ObjectKey),
    /// A Helm release that a person or a pipeline upgrades.
    Helm(String),
    /// An owner of another API group: `Kind name`.
    Operator(String),
}

impl Keeper {
    /// As plans and cards show it, as long as nothing more is known.
    pub(crate) fn manager(&self) -> Manager {
        let (kind, name, reverts) = match &self.who {
            Who::Argo { application, .. } => ("Argo CD", application.clone(), true),
            Who::Kustomization(key) | Who::HelmRelease(key) => ("Flux", key.name.clone(), true),
            Who::Helm(release) => ("Helm", release.clone(), false),
            Who::Operator(owner) => ("operator", owner.clone(), true),
        };
        Manager {
            kind: kind.into(),
            name,
            reverts,
            source: self.mark.clone(),
            handling: String::new(),
        }
    }
}

/// All keepers of an object, one of each kind.
pub(crate) fn keepers(object: &Value) -> Vec<Keeper> {
    let marks: [fn(&Value) -> Option<Keeper>; 5] = [argo, flux, helm_release, helm, operator];
    let mut found = marks.iter().filter_map(|mark| mark(object)).collect::<Vec<_>>();
    // Flux installs through Helm and leaves its marks too: it is Flux that keeps it.
    if found.iter().any(|keeper| matches!(keeper.who, Who::HelmRelease(_))) {
        found.retain(|keeper| !matches!(keeper.who, Who::Helm(_)));
    }
    found
}

fn mark<'a>(object: &'a Value, part: &str, key: &str) -> Option<(&'a str, String)> {
    let found = text(object, &["metadata", part, key]);
    (!found.is_empty()).then(|| (found, format!("metadata.{part}[{key}]")))
}

fn argo(object: &Value) -> Option<Keeper> {
    if let Some((id, mark)) = mark(object, "annotations", "argocd.argoproj.io/tracking-id") {
        // A copy of a tracked object still names the one that it was copied from, and is not kept.
        return names_it(id, object).then(|| argo_named(id.split(':').next()?, mark)).flatten();
    }
    let labels = ["argocd.argoproj.io/instance", "argocd.argoproj.io/app-name"];
    let (name, mark) = labels.iter().find_map(|key| mark(object, "labels", key))?;
    argo_named(name, mark)
}

/// Applications outside Argo CD's own namespace are named `NAMESPACE_NAME`; no object's name holds an underscore.
fn argo_named(name: &str, mark: String) -> Option<Keeper> {
    let (namespace, application) = match name.split_once('_') {
        Some((namespace, application)) => (Some(namespace.to_string()), application),
        None => (None, name),
    };
    let who = Who::Argo { application: application.into(), namespace };
    (!application.is_empty()).then_some(Keeper { who, mark })
}

/// Whether `APP:GROUP/KIND:NAMESPACE/NAME` is about this object; an id in another form is taken at its word.
fn names_it(id: &str, object: &Value) -> bool {
    let mut parts = id.split(':').skip(1);
    let (Some(kind), Some(place)) = (parts.next(), parts.next()) else { return true };
    let kind = kind.rsplit('/').next().unwrap_or_default();
    let (at, called) = place.split_once('/').unwrap_or(("", place));
    let same_place = namespace(object).is_empty() || at == namespace(object);
    kind == text(object, &["kind"]) && same_place && called == name(object)
}

fn flux(object: &Value) -> Option<Keeper> {
    let group = "kustomize.toolkit.fluxcd.io";
    let (key, mark) = flux_named(object, group, "v1", "Kustomization")?;
    Some(Keeper { who: Who::Kustomization(key), mark })
}

fn helm_release(object: &Value) -> Option<Keeper> {
    let group = "helm.toolkit.fluxcd.io";
    let (key, mark) = flux_named(object, group, "v2", "HelmRelease")?;
    Some(Keeper { who: Who::HelmRelease(key), mark })
}

fn flux_named(
    object: &Value,
    group: &str,
    version: &str,
    kind: &str,
) -> Option<(ObjectKey, String)> {
    let (called, found) = mark(object, "labels", &format!("{group}/name"))?;
    let at = text(object, &["metadata", "labels", &format!("{group}/namespace")]);
    let at = if at.is_empty() { namespace(object) } else { at };
    Some((ObjectKey::new(&format!("{group}/{version}"), kind, at, called), found))
}

fn helm(object: &Value) -> Option<Keeper> {
    if let Some((name, mark)) = mark(object, "annotations", "meta.helm.sh/release-name") {
        return Some(Keeper { who: Who::Helm(name.into()), mark });
    }
    let (by, mark) = mark(object, "labels", "app.kubernetes.io/managed-by")?;
    let release = text(object, &["metadata", "labels", "app.kubernetes.io/instance"]);
    (by == "Helm").then(|| Keeper { who: Who::Helm(release.into()), mark })
}

/// An owner that is none of Kubernetes' own controllers, or a bundle of the Operator Lifecycle Manager.
fn operator(object: &Value) -> Option<Keeper> {
    let own = |api: &str| {
        let group = api.split_once('/').map_or("", |(group, _)| group);
        group.is_empty() || group == "apps" || group == "batch" || group.ends_with(".k8s.io")
    };
    if let Some(owner) = controller(object).filter(|owner| !own(&owner.key.api_version)) {
        let who = Who::Operator(format!("{} {}", owner.key.kind, owner.key.name));
        return Some(Keeper { who, mark: "metadata.ownerReferences".into() });
    }
    let owners = items(object, &["metadata", "ownerReferences"]);
    let bundle = owners.iter().find(|owner| text(owner, &["kind"]) == "ClusterServiceVersion");
    if let Some(bundle) = bundle {
        let who = Who::Operator(format!("ClusterServiceVersion {}", text(bundle, &["name"])));
        return Some(Keeper { who, mark: "metadata.ownerReferences".into() });
    }
    let (name, mark) = mark(object, "labels", "olm.owner")?;
    let kind = text(object, &["metadata", "labels", "olm.owner.kind"]);
    Some(Keeper { who: Who::Operator(format!("{kind} {name}").trim().into()), mark })
}
