//! What is odd about a template that loads: steps never reached, undo that can't be, what is said without effect.

use super::model::{Arm, Does, Step, Template};
use super::parse::VERIFY;
use super::reading::{Fields, Reading};
use crate::domain::workflow::plan::OnFailure;

impl Reading<'_> {
    /// What is odd about a template that loads.
    pub(super) fn hints_of(&mut self, top: &Fields<'_>, template: &Template) {
        self.unused(top, template);
        self.never_reached(&template.steps);
        for step in template.all_steps() {
            self.without_effect(step);
        }
        self.missing_undo(&template.steps, OnFailure::Undo);
        if !template.acts() || template.matching.is_none() {
            return;
        }
        if template.left_if_stopped.trim().is_empty() {
            let message = "the template does not say what is left if it is stopped half-way";
            self.hint(top.place, message, "add `left_if_stopped`");
        }
        let Some(node) = top.get("verify") else { return };
        let fields = self.fields(node, "`verify`", VERIFY);
        for (key, why) in [
            ("regressed_when", "what would be worse than before"),
            ("undo_on_regression", "whether a change that made things worse is undone by itself"),
        ] {
            if fields.get(key).is_none() {
                let message = format!("`verify` does not say {why}");
                self.hint(node.place, message, format!("add `{key}`"));
            }
        }
    }

    /// Steps after one that always hands over, in this list and in those below.
    fn never_reached(&mut self, steps: &[Step]) {
        let always = |step: &Step| step.when.is_empty() && hands_over(step);
        let ends = steps.iter().position(always);
        for step in steps.iter().skip(ends.map_or(steps.len(), |at| at + 1)) {
            let message = format!("step `{}` never runs: it comes after a hand-over", step.id);
            let advice = "give the hand-over a `when` or `then: continue`, or take the step out";
            self.hint(step.place, message, advice);
        }
        for step in steps {
            for list in lists_of(step) {
                self.never_reached(list);
            }
        }
    }

    /// What is written at a step that can't have it.
    fn without_effect(&mut self, step: &Step) {
        let action = matches!(step.does, Does::Action { .. });
        if step.attempts.is_some() && !action {
            let message = "only an action is tried again: `attempts` has no effect here";
            self.hint(step.place, message, "put it at the actions, or take it out");
        }
        if let Does::Branch(arms) = &step.does {
            self.same_arms(arms);
        }
    }

    /// Arms with the condition of an earlier one.
    fn same_arms(&mut self, arms: &[Arm]) {
        let plain = |arm: &Arm| arm.when.split_whitespace().collect::<Vec<_>>().join(" ");
        for (index, arm) in arms.iter().enumerate().filter(|(_, arm)| !arm.when.is_empty()) {
            let same = arms.iter().take(index).find(|before| plain(before) == plain(arm));
            if let Some(same) = same {
                let line = same.place.line;
                let message =
                    format!("this arm is never reached: the one in line {line} has its condition");
                self.hint(arm.place, message, "mend its `when`, or take it out");
            }
        }
    }

    /// Actions that can't be undone where a failure undoes. `outer` is what the step around says.
    fn missing_undo(&mut self, steps: &[Step], outer: OnFailure) {
        for step in steps {
            let on_failure = step.on_failure.unwrap_or(outer);
            if let Does::Action { action, .. } = &step.does
                && action.mutates
                && !action.undoable
                && on_failure == OnFailure::Undo
            {
                let message =
                    format!("{action} can't be undone, and the step undoes when it fails");
                self.hint(step.place, message, "write `on_failure: escalate`");
            }
            for list in lists_of(step) {
                self.missing_undo(list, on_failure);
            }
        }
    }
}

/// Whether a step always ends in handing over.
fn hands_over(step: &Step) -> bool {
    match &step.does {
        Does::HandOver { goes_on, .. } => !goes_on,
        Does::Steps(steps) => steps.iter().any(|step| step.when.is_empty() && hands_over(step)),
        Does::Branch(arms) => {
            let whole = arms.last().is_some_and(|arm| arm.when.is_empty());
            let ends =
                |arm: &Arm| arm.steps.iter().any(|step| step.when.is_empty() && hands_over(step));
            whole && arms.iter().all(ends)
        }
        Does::Action { .. }
        | Does::WaitFor(_)
        | Does::Subflow(_)
        | Does::Parallel { .. }
        | Does::ForEach(_)
        | Does::Approval { .. }
        | Does::Notify { .. } => false,
    }
}

/// The lists of steps that a step holds.
fn lists_of(step: &Step) -> Vec<&[Step]> {
    match &step.does {
        Does::Steps(steps) => vec![steps],
        Does::Branch(arms) => arms.iter().map(|arm| arm.steps.as_slice()).collect(),
        Does::ForEach(each) => vec![&each.steps],
        // Each on its own: none comes after another.
        Does::Parallel { steps, .. } => steps.iter().map(std::slice::from_ref).collect(),
        Does::Action { .. }
        | Does::WaitFor(_)
        | Does::Subflow(_)
        | Does::Approval { .. }
        | Does::Notify { .. }
        | Does::HandOver { .. } => Vec::new(),
    }
}
