//! Argo CD: an Application syncs, and puts changes on the cluster back where self-heal is on.

use super::owned::puts_back;
use super::source::Source;
use super::stance::{Asked, Stance, lasting, with};
use crate::domain::diagnose::fields::{controller, flag, items, name, text, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::resource::{FieldPath, ObjectKey, ObjectRef};
use serde_json::Value;

const API: &str = "argoproj.io/v1alpha1";
const WRITERS: &[&str] = &["argocd-controller", "argocd-application-controller", "argocd-server"];

pub(super) fn stance(
    called: &str,
    namespace: Option<&str>,
    asked: Asked<'_>,
    reader: &mut Reader<'_>,
) -> Option<Stance> {
    let application = match find(called, namespace, reader)? {
        Ok(application) => application,
        // It may be another cluster's Argo CD: what it does is not known, so that it counts as reverting.
        Err(why) => {
            let why = format!("application {called} is not to be seen here ({why})");
            let source = Source::unknown(why.clone());
            return Some(Stance { reverts: true, why, suspend: None, source });
        }
    };
    let source = sources(application);
    let spared = |why: &str| {
        let why = why.to_string();
        Some(Stance { reverts: false, why, suspend: None, source: source.clone() })
    };
    let automated = value(application, &["spec", "syncPolicy", "automated"]);
    let Some(automated) = automated else {
        return spared("its sync is by hand: the next sync puts it back");
    };
    if value(automated, &["enabled"]).and_then(Value::as_bool) == Some(false) {
        return spared("its automatic sync is off: the next sync puts it back");
    }
    let skip = ["metadata", "annotations", "argocd.argoproj.io/skip-reconcile"];
    if text(application, &skip) == "true" {
        return spared("it is told not to reconcile");
    }
    if !flag(automated, &["selfHeal"]) {
        return spared("it syncs with the next commit, which puts it back");
    }
    if let Some(changes) = asked.changes {
        if ignored(application, asked.target, changes) {
            return spared("it ignores differences there");
        }
        if !puts_back(asked.object, &asked.target.key, WRITERS, changes) {
            return spared("it does not hold what is changed");
        }
    }
    let (suspend, hindered) = match suspension(application, automated) {
        Ok(operation) => lasting(operation, application, asked.depth(), reader)?,
        Err(why) => (None, why),
    };
    let why = with("self-heal is on", &hindered);
    Some(Stance { reverts: true, why, suspend, source })
}

/// The application; why not. `None` while something has to be read.
fn find<'a>(
    called: &str,
    namespace: Option<&str>,
    reader: &mut Reader<'a>,
) -> Option<Result<&'a Value, String>> {
    let own = namespace.unwrap_or("argocd");
    match reader.look(&ObjectKey::new(API, "Application", own, called)) {
        Got::Have(application) => return Some(Ok(application)),
        Got::Pending => return None,
        Got::Gone | Got::Unreadable(_) if namespace.is_none() => {}
        Got::Gone => return Some(Err(format!("there is none in namespace {own}"))),
        Got::Unreadable(why) => return Some(Err(why)),
    }
    match reader.list("missing-applications", API, "Application", "", "") {
        Got::Pending => None,
        Got::Unreadable(why) => Some(Err(why)),
        Got::Gone => Some(Err("there is no such kind of object".into())),
        Got::Have(all) => {
            let mut named = all.iter().filter(|one| name(one) == called);
            Some(match (named.next(), named.next()) {
                (Some(one), None) => Ok(one),
                (None, _) => Err("there is none of that name".into()),
                (Some(_), Some(_)) => Err("there are several of that name".into()),
            })
        }
    }
}

fn suspension(application: &Value, automated: &Value) -> Result<Operation, String> {
    let target = ObjectRef::of(application).ok_or("it came without a uid")?;
    if let Some(owner) = controller(application) {
        return Err(format!("{} {} would resume it", owner.key.kind, owner.key.name));
    }
    let sets = items(application, &["metadata", "ownerReferences"]);
    if let Some(set) = sets.iter().find(|owner| text(owner, &["kind"]) == "ApplicationSet") {
        return Err(format!("ApplicationSet {} would resume it", text(set, &["name"])));
    }
    let path = FieldPath::keys(&["spec", "syncPolicy", "automated"]);
    let change = FieldChange { path, before: Some(automated.clone()), after: None };
    Ok(Operation::patch(target, vec![change], Vec::new()))
}

/// Whether all changes are of fields that the application ignores, by JSON pointer.
fn ignored(application: &Value, target: &ObjectRef, changes: &[FieldChange]) -> bool {
    let (group, kind) =
        (target.key.api_version.split_once('/').map_or("", |it| it.0), &target.key.kind);
    let fits = |rule: &Value| {
        let same = |key: &str, own: &str| {
            let wanted = text(rule, &[key]);
            wanted.is_empty() || wanted == "*" || wanted == own
        };
        let group =
            if text(rule, &["group"]).is_empty() { group.is_empty() } else { same("group", group) };
        group
            && same("kind", kind)
            && same("name", &target.key.name)
            && same("namespace", &target.key.namespace)
    };
    let pointers = items(application, &["spec", "ignoreDifferences"])
        .iter()
        .filter(|rule| fits(rule))
        .flat_map(|rule| items(rule, &["jsonPointers"]))
        .filter_map(Value::as_str)
        .collect::<Vec<_>>();
    !changes.is_empty()
        && changes.iter().all(|change| {
            let own = change.path.pointer(&Value::Null);
            own.is_some_and(|own| {
                pointers.iter().any(|known| own == *known || own.starts_with(&format!("{known}/")))
            })
        })
}

fn sources(application: &Value) -> Source {
    let mut source = Source::default();
    let one = value(application, &["spec", "source"]);
    for each in items(application, &["spec", "sources"]).iter().chain(one) {
        source.add("repository", text(each, &["repoURL"]));
        source.add("revision", text(each, &["targetRevision"]));
        source.add("path", text(each, &["path"]));
        source.add("chart (change its values)", text(each, &["chart"]));
        source.add("reference", text(each, &["ref"]));
    }
    if source.lines.is_empty() {
        source.unknown = format!("application {} names no source", name(application));
    }
    source
}
