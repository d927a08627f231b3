//! What each of them is, and what all have in common.

use super::super::request::{ActionError, ActionRequest, Compiled};
use super::super::spec::ActionSpec;
use super::given::Given;
use super::{object, program};
use crate::domain::diagnose::fields::name as name_of;
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::digest::canonical_sha256;
use crate::domain::evidence::Progress;
use crate::domain::operation::Operation;
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::json;

/// Label that names the definition of what it made.
pub(super) const DEFINITION_LABEL: &str = "pilothouse.dev/definition";
/// Seconds for one request; a program has its own time.
const REQUEST_S: u64 = 60;

const NEEDS: &str =
    "a definition file of the site (`actions.directory`); without one it is never proposed";

macro_rules! site {
    ($name:ident, $class:ident, $risk:ident, $describe:literal) => {
        pub(in super::super) const $name: ActionSpec = ActionSpec {
            class: ActionClass::$class,
            risk: Risk::$risk,
            mutates: true,
            undoable: false,
            timeout_s: REQUEST_S,
            describe: $describe,
            undone_by: "not by itself: the definition says how",
            needs: NEEDS,
            // Those of the definition: see `given`.
            parameters: &[],
            compile,
        };
    };
}

site!(FAIL_OVER_DATABASE, Storage, Critical, "Makes another member of a database its primary.");
site!(REPAIR_DATABASE, Storage, Critical, "Checks or repairs a database.");
site!(COMPACT_STORAGE, Storage, Medium, "Compacts what a program stored.");
site!(BACK_UP_DATA, Storage, Medium, "Backs data up, by a Job or a VolumeSnapshot.");
site!(RESET_SERVICE_MESH, Network, Critical, "Resets a part of the service mesh.");
site!(CLEAN_UP_STORAGE, Storage, Medium, "Deletes files in paths that the definition declares.");

pub(in super::super) fn compile(
    request: &ActionRequest<'_>,
) -> Result<Progress<Compiled>, ActionError> {
    let given = Given(request.params);
    match given.text("how") {
        "job" => program::job(&given, request),
        "exec" => program::exec(&given, request),
        "patch" => object::patch(&given, request),
        "create" => object::create(&given, request),
        "" => Err(ActionError(format!("it needs {NEEDS}"))),
        other => Err(ActionError(format!("`how` is job, exec, patch or create, not `{other}`"))),
    }
}

pub(super) fn compiled(operations: Vec<Operation>, title: String) -> Compiled {
    let undo = "what a site's own action did is not undone by itself: its definition says how";
    Compiled::new(title, operations, undo.into())
}

/// A name for what is made now: that of the definition, a digest of what it is made for, and the first number that no
/// earlier one has. The same plan gets the same name until it was run.
pub(super) fn fresh_name(
    given: &Given<'_>,
    request: &ActionRequest<'_>,
    (api_version, kind): (&str, &str),
    namespace: &str,
) -> Result<Progress<String>, ActionError> {
    let called = given.called();
    let labels = format!("{DEFINITION_LABEL}={called}");
    let mut reader = Reader::new(request.gathered);
    let known = match reader.served((api_version, kind), namespace, &labels) {
        Got::Pending => return Ok(Progress::Need(reader.needs())),
        Got::Have(known) => known,
        Got::Gone => {
            return Err(ActionError(format!(
                "this cluster serves no {kind} ({api_version}): {called} needs what provides it (its CRD and controller)"
            )));
        }
        Got::Unreadable(why) => {
            return Err(ActionError(format!(
                "whether {called} runs already can't be told, its {kind}s can't be read: {why}"
            )));
        }
    };
    let made_for = json!([request.target.uid, request.params]);
    let digest = canonical_sha256(&made_for)
        .map_err(|error| ActionError(format!("its parameters have no digest: {error}")))?;
    let base = format!("{called}-{}", digest.get(..6).unwrap_or_default());
    let mut number = 1;
    let taken = |name: &str| known.iter().any(|one| name_of(one) == name);
    while taken(&format!("{base}-{number}")) {
        number += 1;
    }
    Ok(Progress::Ready(format!("{base}-{number}")))
}
