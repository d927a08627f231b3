//! What is read about a claim, whatever its state: classes, volumes, pods that use it, its events.

use crate::domain::diagnose::container::Pod;
use crate::domain::diagnose::event::Event;
use crate::domain::diagnose::fields::{flag, items, name, terminating, text, uid, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::diagnose::subject::case::Case;
use crate::domain::diagnose::subject::findings::Findings;
use crate::domain::diagnose::workload::some_names;
use crate::domain::quantity::{parse_bytes, spoken_bytes};
use crate::domain::resource::ObjectKey;
use serde_json::Value;

const DEFAULT_CLASS: [&str; 2] = [
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
];

/// See the module.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    /// `None`: they can't be read.
    pub(super) classes: Option<&'a [Value]>,
    /// `None`: they can't be read.
    pub(super) volumes: Option<&'a [Value]>,
    /// Pods that use it and are not over. `None`: they can't be read.
    pub(super) pods: Option<Vec<Pod<'a>>>,
    pub(super) events: Vec<Event<'a>>,
}

/// The class that a claim asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class<'a> {
    /// The default one.
    Default,
    /// None on purpose: only a volume without a class will do.
    None,
    Named(&'a str),
}

impl<'a> Surroundings<'a> {
    /// `None` while reads are due.
    pub(super) fn read(case: &Case<'a>, reader: &mut Reader<'a>) -> Option<Self> {
        let classes = reader.list("missing-classes", "storage.k8s.io/v1", "StorageClass", "", "");
        let volumes = reader.list("missing-volumes", "v1", "PersistentVolume", "", "");
        let pods = reader.list("missing-pods", "v1", "Pod", case.namespace(), "");
        let events = reader.events(&case.reference.key);
        if reader.pending() {
            return None;
        }
        let pods = match pods {
            Got::Have(all) => {
                Some(all.iter().filter(|pod| uses(pod, case.name())).map(Pod::of).collect())
            }
            Got::Gone | Got::Unreadable(_) | Got::Pending => None,
        };
        let of_it = |event: &Event<'_>| event.about() == uid(case.object);
        let events = events.have().unwrap_or_default().iter().map(Event).filter(of_it).collect();
        Some(Self { classes: classes.have(), volumes: volumes.have(), pods, events })
    }

    /// The class that it asks for, as its spec says.
    pub(super) fn wanted(object: &'a Value) -> Class<'a> {
        match value(object, &["spec", "storageClassName"]).and_then(Value::as_str) {
            None => Class::Default,
            Some("") => Class::None,
            Some(named) => Class::Named(named),
        }
    }

    /// The default class, if there is one.
    pub(super) fn default_class(&self) -> Option<&'a Value> {
        self.classes.unwrap_or_default().iter().find(|class| {
            DEFAULT_CLASS
                .iter()
                .any(|mark| text(class, &["metadata", "annotations", mark]) == "true")
        })
    }

    /// Its class, where it has one and that exists.
    pub(super) fn class(&self, object: &'a Value) -> Option<&'a Value> {
        match Self::wanted(object) {
            Class::Default => self.default_class(),
            Class::None => None,
            Class::Named(wanted) => self.classes?.iter().find(|class| name(class) == wanted),
        }
    }

    /// The volume that it is bound to, or asks for by name.
    pub(super) fn volume(&self, object: &Value) -> Option<&'a Value> {
        let wanted = text(object, &["spec", "volumeName"]);
        self.volumes?.iter().find(|volume| name(volume) == wanted)
    }

    /// The facts and values that are the same in each state.
    pub(super) fn describe(&self, case: &Case<'a>, findings: &mut Findings) {
        let path = case.path();
        let requested = text(case.object, &["spec", "resources", "requests", "storage"]);
        let phase = match text(case.object, &["status", "phase"]) {
            "" => "without a phase",
            phase => phase,
        };
        let modes = items(case.object, &["spec", "accessModes"]);
        let modes = modes.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
        let words = format!("{phase}; asks for {requested}, {modes}");
        findings.add("claim", words, format!("{path}: status.phase, spec"));
        findings.put("claim", case.name());
        findings.put("access_modes", modes);
        if let Some(bytes) = parse_bytes(requested) {
            findings.put("requested_bytes", bytes);
        }
        if let Some(bytes) = parse_bytes(text(case.object, &["status", "capacity", "storage"])) {
            findings.put("capacity_bytes", bytes);
        }
        let volume = text(case.object, &["spec", "volumeName"]);
        if !volume.is_empty() {
            findings.put("volume", volume);
        }
        if let Some(classes) = self.classes {
            findings.put("classes", classes.iter().map(name).collect::<Vec<_>>());
        }
        if let Some(class) = self.default_class() {
            findings.put("default_class", name(class));
        }
        if let Class::Named(class) = Self::wanted(case.object) {
            findings.put("class", class);
        }
        if let Some(class) = self.class(case.object) {
            findings.put("class", name(class));
            findings.put("provisioner", text(class, &["provisioner"]));
            findings.put("binding_mode", text(class, &["volumeBindingMode"]));
            findings.put("allows_expansion", flag(class, &["allowVolumeExpansion"]));
        }
        if let Some(pods) = &self.pods {
            let names = pods.iter().map(Pod::name).collect::<Vec<_>>();
            let words = match names.as_slice() {
                [] => "no pod uses it".to_string(),
                names => format!("used by {}", some_names(names)),
            };
            findings.add("used-by", words, format!("pods in {}: spec.volumes", case.namespace()));
            findings.put("used_by", names);
        }
    }

    /// The newest event with one of these reasons.
    pub(super) fn newest(&self, reasons: &[&str]) -> Option<Event<'a>> {
        let of_these = self.events.iter().filter(|event| reasons.contains(&event.reason()));
        of_these.max_by_key(|event| event.last()).copied()
    }
}

/// Whether a pod that is not over mounts that claim; a generic ephemeral volume's claim is `<pod>-<volume>`.
pub(in crate::domain::diagnose::subject) fn uses(pod: &Value, claim: &str) -> bool {
    let over = matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed");
    !over
        && items(pod, &["spec", "volumes"]).iter().any(|volume| {
            text(volume, &["persistentVolumeClaim", "claimName"]) == claim
                || (value(volume, &["ephemeral"]).is_some()
                    && format!("{}-{}", name(pod), text(volume, &["name"])) == claim)
        })
}

/// What keeps a volume from being bound to the claim; empty: nothing.
pub(super) fn misfit(volume: &Value, claim: &Value, class: &str) -> Vec<String> {
    let mut why = Vec::new();
    let phase = text(volume, &["status", "phase"]);
    let reference = value(volume, &["spec", "claimRef"]);
    let reserved = reference.is_some_and(|reference| {
        text(reference, &["name"]) == name(claim)
            && text(reference, &["namespace"]) == text(claim, &["metadata", "namespace"])
    });
    if terminating(volume) {
        why.push("it is being deleted".into());
    }
    match (phase, reference) {
        ("Released", Some(of)) => why.push(format!(
            "it is Released: it still holds what {}/{} left",
            text(of, &["namespace"]),
            text(of, &["name"])
        )),
        (_, Some(of)) if !reserved => {
            let whose = (text(of, &["namespace"]), text(of, &["name"]));
            why.push(format!("it belongs to {}/{}", whose.0, whose.1));
        }
        ("Failed", _) => why.push("it is Failed".into()),
        (_, Some(_) | None) => {}
    }
    let of_class = text(volume, &["spec", "storageClassName"]);
    if of_class != class {
        why.push(format!("its class is {}", if of_class.is_empty() { "none" } else { of_class }));
    }
    let has = text(volume, &["spec", "capacity", "storage"]);
    let wants = text(claim, &["spec", "resources", "requests", "storage"]);
    if let (Some(has), Some(wants)) = (parse_bytes(has), parse_bytes(wants))
        && has < wants
    {
        why.push(format!("it has {} of {}", spoken_bytes(has), spoken_bytes(wants)));
    }
    let modes = items(volume, &["spec", "accessModes"]);
    let lacking = items(claim, &["spec", "accessModes"]).iter().find(|mode| !modes.contains(mode));
    if let Some(mode) = lacking.and_then(Value::as_str) {
        why.push(format!("it does not offer {mode}"));
    }
    let mode = |object: &Value| match text(object, &["spec", "volumeMode"]) {
        "" => "Filesystem".to_string(),
        mode => mode.to_string(),
    };
    if mode(volume) != mode(claim) {
        why.push(format!("its mode is {}", mode(volume)));
    }
    if let Some(selector) = value(claim, &["spec", "selector"])
        && !crate::domain::diagnose::subject::labels::matches(selector, volume)
    {
        why.push("the claim's selector does not match its labels".into());
    }
    why
}

/// The key of a pod in the claim's namespace.
pub(super) fn pod_key(case: &Case<'_>, pod: &str) -> ObjectKey {
    ObjectKey::new("v1", "Pod", case.namespace(), pod)
}
