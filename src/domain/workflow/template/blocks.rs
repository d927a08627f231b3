//! Steps that hold other steps: `parallel` and `branch`.

use super::model::{Arm, Does};
use super::reading::{Fields, Reading};
use super::steps::Standing;
use super::yaml::Node;
use crate::domain::workflow::plan::Lanes;

const ARM: &[&str] = &["when", "steps", "else"];
/// Most steps at once when the author does not say.
const AT_MOST: u32 = 10;
/// Most that an author can ask for.
const MOST: u32 = 100;

impl Reading<'_> {
    pub(super) fn parallel(
        &mut self,
        node: &Node,
        fields: &Fields<'_>,
        standing: &Standing,
    ) -> Does {
        // None of them knows that another is over.
        let inside = standing.inside();
        let nodes = self.step_nodes(node, "parallel", standing);
        let steps = nodes.iter().filter_map(|node| self.step_at(node, &inside)).collect::<Vec<_>>();
        let at_most = self.count(fields, "at_most", MOST).unwrap_or(AT_MOST);
        let max_failures = self.failures(fields, steps.len());
        Does::Parallel { lanes: Lanes { at_most, canary: 0, max_failures }, steps }
    }

    fn always_holds(&self, when: &str, standing: &Standing) -> bool {
        !when.is_empty()
            && self.kinds(when, &standing.when()).is_ok_and(|kinds| kinds.always == Some(true))
    }

    /// `max_failures`: a whole number from 0 to below the number of steps.
    fn failures(&mut self, fields: &Fields<'_>, steps: usize) -> u32 {
        let Some(node) = fields.get("max_failures") else { return 0 };
        let number = self.whole(fields, "max_failures");
        if usize::try_from(number).unwrap_or(usize::MAX) >= steps.max(1) {
            let message = format!("`max_failures: {number}` lets all {steps} steps fail");
            self.advise(
                node.place,
                message,
                "use `on_failure: continue` where failures don't matter",
            );
        }
        number
    }

    pub(super) fn branch(&mut self, node: &Node, standing: &Standing) -> Vec<Arm> {
        let nodes = self.step_nodes(node, "branch", standing);
        let mut arms: Vec<Arm> = Vec::new();
        for node in nodes {
            let fields = self.fields(node, "an arm", ARM);
            if let Some(last) = arms.last().filter(|last| last.when.is_empty()) {
                let message = format!(
                    "this arm is never reached: the one in line {} is `else`",
                    last.place.line
                );
                self.advise(node.place, message, "put `else` last");
            }
            let mut inside = standing.inside();
            let (when, steps) = match (fields.get("when"), fields.get("else")) {
                (Some(when), None) => {
                    (self.cel(when, "when", &standing.when()), fields.get("steps"))
                }
                (None, Some(steps)) => (String::new(), Some(steps)),
                (Some(_), Some(_)) => {
                    self.problem(fields.place, "an arm has `when` or `else`, not both");
                    continue;
                }
                (None, None) => {
                    let message = "an arm has neither `when` nor `else`";
                    self.advise(
                        fields.place,
                        message,
                        "write `when: …` and `steps: […]`, or `else: […]`",
                    );
                    continue;
                }
            };
            let Some(steps) = steps else {
                self.problem(fields.place, "the arm has no `steps`");
                continue;
            };
            let before = arms.last().filter(|last| self.always_holds(&last.when, standing));
            if let Some(last) = before {
                let line = last.place.line;
                let message =
                    format!("this arm is never reached: the one in line {line} always holds");
                self.hint(fields.place, message, "mend that one's `when`");
            }
            let steps = self.sequence(steps, "steps", &mut inside);
            arms.push(Arm { when, steps, place: fields.place });
        }
        arms
    }
}
