//! An object that the site's operators act on: changed, or created.

use super::super::request::{ActionError, ActionRequest, Compiled};
use super::given::{Given, split};
use super::specs::{DEFINITION_LABEL, compiled, fresh_name};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::evidence::Progress;
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::resource::{FieldPath, ObjectKey, ObjectRef};
use serde_json::{Map, Value};

pub(super) fn patch(
    given: &Given<'_>,
    request: &ActionRequest<'_>,
) -> Result<Progress<Compiled>, ActionError> {
    let key = ObjectKey::new(
        given.needed("api_version")?,
        given.needed("kind")?,
        given.text("namespace"),
        given.needed("name")?,
    );
    let mut reader = Reader::new(request.gathered);
    let live = match reader.look(&key) {
        Got::Pending => return Ok(Progress::Need(reader.needs())),
        Got::Have(live) => live,
        Got::Gone => {
            return Err(ActionError(format!(
                "{} does not exist, or this cluster serves no {} ({})",
                key.path(),
                key.kind,
                key.api_version
            )));
        }
        Got::Unreadable(why) => return Err(ActionError(format!("{}: {why}", key.path()))),
    };
    let object =
        ObjectRef::of(live).ok_or_else(|| ActionError(format!("{} has no uid", key.path())))?;
    let changes = given
        .named("set.")
        .map(|(path, after)| {
            let keys = split(path);
            let path = FieldPath::keys(&keys.iter().map(String::as_str).collect::<Vec<_>>());
            FieldChange::of(live, path, Some(after.clone()))
        })
        .filter(|change| change.before != change.after)
        .collect::<Vec<_>>();
    if changes.is_empty() {
        return Err(ActionError(format!("{} holds all these values already", key.path())));
    }
    let subresource = given.text("subresource").to_string();
    let operation = Operation::Patch { object, subresource, changes, guards: Vec::new() };
    let title = format!("{}: change {} {}", given.called(), key.kind, key.name);
    Ok(Progress::Ready(compiled(vec![operation], title)))
}

pub(super) fn create(
    given: &Given<'_>,
    request: &ActionRequest<'_>,
) -> Result<Progress<Compiled>, ActionError> {
    let mut manifest = serde_json::from_str::<Value>(given.needed("manifest")?)
        .map_err(|error| ActionError(format!("`manifest` is no JSON: {error}")))?;
    for (path, value) in given.named("set.") {
        put(&mut manifest, &split(path), value.clone());
    }
    let text = |name: &str| manifest.get(name).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion").to_string(), text("kind").to_string());
    if api_version.is_empty() || kind.is_empty() {
        return Err(ActionError("`manifest` has no apiVersion or no kind".into()));
    }
    let namespace = given.needed("namespace")?;
    let name = match fresh_name(given, request, (&api_version, &kind), namespace)? {
        Progress::Ready(name) => name,
        Progress::Need(reads) => return Ok(Progress::Need(reads)),
    };
    for (path, value) in [
        (&["metadata", "name"][..], name.as_str()),
        (&["metadata", "namespace"][..], namespace),
        (&["metadata", "labels", DEFINITION_LABEL][..], given.called()),
    ] {
        let keys = path.iter().map(ToString::to_string).collect::<Vec<_>>();
        put(&mut manifest, &keys, value.into());
    }
    let operation = Operation::create(manifest)
        .ok_or_else(|| ActionError("the object has no apiVersion, kind or name".into()))?;
    let title = format!("{}: create {kind} {name}", given.called());
    Ok(Progress::Ready(compiled(vec![operation], title)))
}

fn put(object: &mut Value, keys: &[String], value: Value) {
    let Some((first, rest)) = keys.split_first() else { return };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let Some(members) = object.as_object_mut() else { return };
    if rest.is_empty() {
        members.insert(first.clone(), value);
    } else {
        put(members.entry(first.clone()).or_insert(Value::Null), rest, value);
    }
}
