//! The examiner of claims.
//!
//! Values: `claim`, `class`, `classes` (names of those that exist), `default_class`, `provisioner`, `binding_mode`,
//! `allows_expansion`, `requested_bytes`, `capacity_bytes`, `access_modes`, `volume`, `used_by` (pods), `why_pending`
//! (`class-missing`, `no-default-class`, `no-volume-fits`, `provisioner-missing`, `provisioning-failed`, `volume-missing`,
//! `volume-taken`), and of a bound one `used_bytes`, `available_bytes`, `used_share` (0 to 1), `inodes_used_share`,
//! `growth_bytes_per_hour`, `seconds_to_full`, `resize_pending`.

use super::read::Surroundings;
use super::{bound, pending};
use crate::domain::diagnose::fields::text;
use crate::domain::diagnose::reader::Reader;
use crate::domain::diagnose::subject::case::Case;
use crate::domain::diagnose::subject::findings::{Examined, Findings};
use crate::domain::diagnosis::Pattern;

pub(in crate::domain::diagnose::subject) fn examine<'a>(
    case: &Case<'a>,
    reader: &mut Reader<'a>,
) -> Examined {
    let Some(around) = Surroundings::read(case, reader) else { return Examined::Pending };
    let mut findings = Findings::new(case, Pattern::StorageIssue);
    around.describe(case, &mut findings);
    match text(case.object, &["status", "phase"]) {
        "Bound" => bound::examine(case, &around, findings, reader),
        _ => pending::examine(case, &around, findings, reader),
    }
}
