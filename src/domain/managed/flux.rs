//! Flux: a Kustomization applies its source again and again; a `HelmRelease` does where drift detection is enabled.

use super::keeper::{Who, keepers};
use super::owned::puts_back;
use super::source::Source;
use super::stance::{Asked, Stance, lasting, with};
use crate::domain::diagnose::fields::{flag, namespace, text, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::resource::{FieldPath, ObjectKey, ObjectRef};
use serde_json::{Value, json};

const GROUP: &str = "kustomize.toolkit.fluxcd.io";
const SOURCES: &str = "source.toolkit.fluxcd.io/v1";

pub(super) fn kustomization(
    key: &ObjectKey,
    asked: Asked<'_>,
    reader: &mut Reader<'_>,
) -> Option<Stance> {
    let live = match found(key, reader)? {
        Ok(live) => live,
        Err(stance) => return Some(*stance),
    };
    let source = of_kustomization(live, reader)?;
    let own =
        |name: &str| text(asked.object, &["metadata", "annotations", &format!("{GROUP}/{name}")]);
    let why = if flag(live, &["spec", "suspend"]) {
        "it is suspended"
    } else if own("reconcile") == "disabled" || matches!(own("ssa"), "IfNotPresent" | "Ignore") {
        "the object is marked as not reconciled"
    } else if asked.changes.is_some_and(|changes| {
        !puts_back(asked.object, &asked.target.key, &["kustomize-controller"], changes)
    }) {
        "it does not hold what is changed"
    } else {
        let (suspend, hindered) = suspended(live, asked.depth(), reader)?;
        let why = with("it applies its source again at each interval", &hindered);
        return Some(Stance { reverts: true, why, suspend, source });
    };
    Some(Stance { reverts: false, why: why.into(), suspend: None, source })
}

pub(super) fn helm_release(
    key: &ObjectKey,
    asked: Asked<'_>,
    reader: &mut Reader<'_>,
) -> Option<Stance> {
    let live = match found(key, reader)? {
        Ok(live) => live,
        Err(stance) => return Some(*stance),
    };
    let mut source = Source::default();
    source.add("values of HelmRelease", &key.path());
    source.add("chart", text(live, &["spec", "chart", "spec", "chart"]));
    source.add("chart version", text(live, &["spec", "chart", "spec", "version"]));
    for keeper in keepers(live) {
        if let Who::Kustomization(outer) = &keeper.who
            && let Got::Have(outer) = reader.look(outer)
        {
            source.lines.extend(of_kustomization(outer, reader)?.lines);
        }
    }
    if reader.pending() {
        return None;
    }
    let spared = |why: &str| Stance {
        reverts: false,
        why: why.into(),
        suspend: None,
        source: source.clone(),
    };
    if flag(live, &["spec", "suspend"]) {
        return Some(spared("it is suspended"));
    }
    if text(live, &["spec", "driftDetection", "mode"]) != "enabled" {
        return Some(spared("the next upgrade of the release puts its own values back"));
    }
    let (suspend, hindered) = suspended(live, asked.depth(), reader)?;
    Some(Stance { reverts: true, why: with("drift detection is on", &hindered), suspend, source })
}

/// The live keeper; else what it is taken for. `None` while it has to be read.
#[allow(clippy::type_complexity, reason = "said in the line above")]
fn found<'a>(key: &ObjectKey, reader: &mut Reader<'a>) -> Option<Result<&'a Value, Box<Stance>>> {
    let why = match reader.look(key) {
        Got::Have(live) => return Some(Ok(live)),
        Got::Pending => return None,
        Got::Gone => "there is none of that name".to_string(),
        Got::Unreadable(why) => why,
    };
    let why = format!("{} is not to be seen here ({why})", key.path());
    let source = Source::unknown(why.clone());
    Some(Err(Box::new(Stance { reverts: true, why, suspend: None, source })))
}

fn suspended(
    live: &Value,
    depth: usize,
    reader: &mut Reader<'_>,
) -> Option<(Option<Operation>, String)> {
    let Some(target) = ObjectRef::of(live) else {
        return Some((None, "it came without a uid".into()));
    };
    let path = FieldPath::keys(&["spec", "suspend"]);
    let before = path.get(live).cloned();
    let change = FieldChange { path, before, after: Some(json!(true)) };
    lasting(Operation::patch(target, vec![change], Vec::new()), live, depth, reader)
}

fn of_kustomization(live: &Value, reader: &mut Reader<'_>) -> Option<Source> {
    let reference = value(live, &["spec", "sourceRef"]).unwrap_or(&Value::Null);
    let at = text(reference, &["namespace"]);
    let at = if at.is_empty() { namespace(live) } else { at };
    let key = ObjectKey::new(SOURCES, text(reference, &["kind"]), at, text(reference, &["name"]));
    let mut source = Source::default();
    match reader.look(&key) {
        Got::Pending => return None,
        Got::Have(repository) => {
            source.add("repository", text(repository, &["spec", "url"]));
            for kind in ["branch", "tag", "semver", "commit", "name", "digest"] {
                source.add(kind, text(repository, &["spec", "ref", kind]));
            }
        }
        Got::Gone => source.unknown = format!("{} does not exist", key.path()),
        Got::Unreadable(why) => source.unknown = format!("{}: {why}", key.path()),
    }
    source.add("path", text(live, &["spec", "path"]));
    Some(source)
}
