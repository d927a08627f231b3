//! The effectiveness screen: moving, and what is counted.

use super::intents::{go, moved};
use crate::domain::id::RemediationId;
use crate::ui::intent::Intent;
use crate::ui::model::Model;
use crate::ui::model::place::Place;

/// Goes there.
pub fn enter(model: &mut Model) {
    go(model, Place::Effectiveness);
    refresh(model);
}

/// Counts anew, if there is something new and somebody looks.
pub fn refresh(model: &mut Model) {
    if model.place == Place::Effectiveness {
        let now = model.now();
        model.figures.refresh(&model.snapshot.records, now);
    }
}

/// Groups otherwise, or over another time.
pub fn other(model: &mut Model, intent: Intent) {
    if intent == Intent::FiguresBy {
        model.figures.next_by();
    } else {
        model.figures.next_period();
    }
    refresh(model);
}

/// Moves the selection: among the groups, or among the records of one.
pub fn travel(model: &mut Model, by: isize) {
    let view = &mut model.figures;
    if let Some(record) = view.record {
        let last = view.count().saturating_sub(1);
        view.record = Some(moved(record, by, last));
    } else {
        let groups = view.assessment().map_or(0, |assessment| assessment.groups.len());
        view.at = moved(view.at, by, groups.saturating_sub(1));
    }
}

/// The records of a group; of a record, the case.
#[must_use]
pub fn open(model: &mut Model) -> Option<RemediationId> {
    if let Some(record) = model.figures.record {
        return model.figures.records(record).next().map(|record| record.id.clone());
    }
    if model.figures.count() > 0 {
        model.figures.record = Some(0);
    }
    None
}

/// From the records back to the figures; whether that was so.
pub fn back(model: &mut Model) -> bool {
    let listed = model.place == Place::Effectiveness && model.figures.record.is_some();
    if listed {
        model.figures.record = None;
    }
    listed
}
