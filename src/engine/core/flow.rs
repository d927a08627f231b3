//! What comes next in a run: from the tree of steps and where each of them is, to moves.
//!
//! ```text
//! sequence   the first step that is not over; a failure ends it, and so does a hand-over unless it says otherwise
//! at once    those under way, and the next ones while there is room; canaries first
//! branch     the first arm whose condition holds
//! failed     what has not started never will; what is in hand is finished; then the rescue, then `on_failure`
//! ```
//!
//! Promises: moves are a function of plan, states and time, so that another engine makes the same ones.

use crate::domain::expr;
use crate::domain::time::{Timestamp, plus};
use crate::domain::workflow::execution::{Execution, StepRun, StepState, seen_by_conditions};
use crate::domain::workflow::plan::{Lanes, OnFailure, PlanStep, StepKind, When};

/// Something that a run does next.
#[derive(Debug, PartialEq)]
pub(super) enum Move<'a> {
    /// A step that does something itself goes on, or starts.
    Go(&'a PlanStep),
    /// A step whose attempt is in hand ends it, and starts no other, for this reason.
    Finish(&'a PlanStep, String),
    /// A step comes into a state.
    Set(&'a PlanStep, StepState),
}

/// How a list of steps stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Flow<'a> {
    /// Something is under way, or will be.
    Open,
    /// All is over, and nothing failed that may not.
    Done,
    /// This step failed, and nothing is under way any more.
    Failed(&'a PlanStep),
}

/// One walk over the tree.
pub(super) struct Walk<'a> {
    run: &'a Execution,
    now: Timestamp,
    pub(super) moves: Vec<Move<'a>>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(run: &'a Execution, now: Timestamp) -> Self {
        Self { run, now, moves: Vec::new() }
    }

    /// The run as a whole.
    pub(super) fn root(&mut self, steps: &'a [PlanStep]) -> Flow<'a> {
        match self.in_order(steps) {
            Flow::Failed(step) => {
                self.moves.clear();
                let why = format!("step {} failed", step.path);
                let wound = self.wind_down(steps, &why);
                if wound { Flow::Failed(step) } else { Flow::Open }
            }
            flow @ (Flow::Open | Flow::Done) => flow,
        }
    }

    fn of(&self, step: &PlanStep) -> Option<&'a StepRun> {
        self.run.steps.get(&step.path)
    }

    fn set(&mut self, step: &'a PlanStep, state: StepState) -> Flow<'a> {
        self.moves.push(Move::Set(step, state));
        Flow::Open
    }

    fn step(&mut self, step: &'a PlanStep) -> Flow<'a> {
        // A step that the run does not know was left out with the block that it stands in.
        let Some(run) = self.of(step) else { return Flow::Done };
        match &run.state {
            StepState::Done
            | StepState::Skipped { .. }
            | StepState::WillNotBeRun { .. }
            | StepState::Undoing
            | StepState::Undone
            | StepState::UndoFailed { .. } => Flow::Done,
            StepState::Failed { .. } | StepState::TimedOut { .. } => self.after_failure(step),
            StepState::Pending => match step.when.as_ref().map(|when| self.holds(when)) {
                Some(Ok(false)) => {
                    let cel = step.when.as_ref().map_or("", |when| when.cel.trim());
                    let why = format!("does not hold: {cel}");
                    self.leave_out(step, &why)
                }
                Some(Err(why)) => self.set(step, StepState::Failed { why }),
                Some(Ok(true)) | None if step.is_block() => self.set(step, StepState::Running),
                Some(Ok(true)) | None => self.go(step),
            },
            StepState::Running
            | StepState::Waiting { .. }
            | StepState::Asked { .. }
            | StepState::Unknown { .. } => {
                if step.is_block() {
                    self.block(step, run)
                } else {
                    self.go(step)
                }
            }
        }
    }

    fn go(&mut self, step: &'a PlanStep) -> Flow<'a> {
        self.moves.push(Move::Go(step));
        Flow::Open
    }

    /// A step and all below it are left out.
    fn leave_out(&mut self, step: &'a PlanStep, why: &str) -> Flow<'a> {
        for below in self.run.with_all_below(step) {
            if self.of(below).is_some_and(|run| run.state == StepState::Pending) {
                self.set(below, StepState::Skipped { why: why.to_string() });
            }
        }
        Flow::Open
    }

    fn holds(&self, when: &When) -> Result<bool, String> {
        let mut variables = when.variables.clone();
        variables.insert("steps".into(), seen_by_conditions(self.run, &when.steps));
        expr::holds(&when.cel, &variables).map_err(|error| format!("`when`: {error}"))
    }

    /// What follows a failure: its rescue, then what `on_failure` says.
    fn after_failure(&mut self, step: &'a PlanStep) -> Flow<'a> {
        if let Some(rescue) = &step.rescue
            && self.step(rescue) == Flow::Open
        {
            return Flow::Open;
        }
        if step.on_failure == OnFailure::Continue {
            Flow::Done
        } else {
            Flow::Failed(self.decider(step))
        }
    }

    /// The step whose `on_failure` decides: the innermost that failed, unless one above it has words of its own.
    fn decider(&self, step: &'a PlanStep) -> &'a PlanStep {
        // What may fail is counted over all items: the step as a whole has the say.
        if matches!(step.kind, StepKind::ForEach { .. }) {
            return step;
        }
        let failed = self.run.children(step).iter().find(|child| {
            child.on_failure != OnFailure::Continue
                && self.of(child).is_some_and(|run| run.state.has_failed())
        });
        match failed {
            Some(child) if step.rescue.is_none() => self.decider(child),
            Some(_) | None => step,
        }
    }

    fn block(&mut self, step: &'a PlanStep, run: &StepRun) -> Flow<'a> {
        let mark = self.moves.len();
        let late =
            run.started_at.is_some_and(|at| self.now >= plus(at, step.timeout_s + run.held_s));
        let flow = match &step.kind {
            StepKind::Parallel { lanes, steps } => self.at_once(*lanes, steps),
            StepKind::ForEach { bounded: Some(_), .. }
                if !self.run.added.contains_key(&step.path) =>
            {
                // Its items are being looked for.
                Flow::Open
            }
            StepKind::ForEach { lanes, .. } => self.at_once(*lanes, self.run.children(step)),
            StepKind::Branch { steps } => self.branch(steps),
            StepKind::Subflow { steps, .. } | StepKind::Steps { steps } => self.in_order(steps),
            StepKind::Action { .. }
            | StepKind::WaitFor { .. }
            | StepKind::Approval { .. }
            | StepKind::Notify { .. }
            | StepKind::HandOver { .. } => Flow::Done,
        };
        let (why, end) = match flow {
            Flow::Done => return self.set(step, StepState::Done),
            Flow::Open | Flow::Failed(_) if late => {
                let why = format!("step {} took longer than {} s", step.path, step.timeout_s);
                (why.clone(), StepState::TimedOut { why })
            }
            Flow::Failed(failed) => {
                let why = format!("step {} failed", failed.path);
                (why.clone(), StepState::Failed { why })
            }
            Flow::Open => return Flow::Open,
        };
        self.moves.truncate(mark);
        if self.wind_down(self.run.children(step), &why) { self.set(step, end) } else { Flow::Open }
    }

    fn in_order(&mut self, steps: &'a [PlanStep]) -> Flow<'a> {
        for (index, step) in steps.iter().enumerate() {
            match self.step(step) {
                Flow::Done => {}
                flow @ (Flow::Open | Flow::Failed(_)) => return flow,
            }
            let Some(told) = self.handed_over(step) else { continue };
            let why = format!("step {} handed it to a person", told.path);
            let left = self.leave_to_a_person(&steps[index + 1..], &why);
            if left == Flow::Open {
                return left;
            }
        }
        Flow::Done
    }

    /// The step, of this one and those below it, that handed the case to a person.
    fn handed_over(&self, step: &'a PlanStep) -> Option<&'a PlanStep> {
        self.run.with_all_below(step).into_iter().find(|below| {
            matches!(below.kind, StepKind::HandOver { goes_on: false, .. })
                && self.of(below).is_some_and(|run| run.state == StepState::Done)
        })
    }

    /// What has not started never will: a person has the case.
    fn leave_to_a_person(&mut self, steps: &'a [PlanStep], why: &str) -> Flow<'a> {
        let mut flow = Flow::Done;
        for step in steps {
            if self.of(step).is_none_or(|run| run.state != StepState::Pending) {
                continue;
            }
            for below in self.run.with_all_below(step) {
                if self.of(below).is_some_and(|run| run.state == StepState::Pending) {
                    flow = self.set(below, StepState::WillNotBeRun { reason: why.into() });
                }
            }
        }
        flow
    }

    fn branch(&mut self, arms: &'a [PlanStep]) -> Flow<'a> {
        for (index, arm) in arms.iter().enumerate() {
            let Some(run) = self.of(arm) else { continue };
            match &run.state {
                StepState::Skipped { .. } | StepState::WillNotBeRun { .. } => {}
                StepState::Pending => return self.step(arm),
                StepState::Running
                | StepState::Waiting { .. }
                | StepState::Asked { .. }
                | StepState::Done
                | StepState::Failed { .. }
                | StepState::TimedOut { .. }
                | StepState::Unknown { .. }
                | StepState::Undoing
                | StepState::Undone
                | StepState::UndoFailed { .. } => {
                    for other in arms.iter().skip(index + 1) {
                        self.leave_out(other, &format!("arm {} is taken", arm.path));
                    }
                    return self.step(arm);
                }
            }
        }
        Flow::Done
    }

    fn at_once(&mut self, lanes: Lanes, steps: &'a [PlanStep]) -> Flow<'a> {
        let mark = self.moves.len();
        let canaries = usize::try_from(lanes.canary).unwrap_or(usize::MAX);
        let (mut open, mut failures, mut waiting) = (0_u32, Vec::new(), Vec::new());
        let mut trying = false;
        for (index, step) in steps.iter().enumerate() {
            let pending = self.of(step).is_some_and(|run| run.state == StepState::Pending);
            let canary = index < canaries;
            if pending {
                trying |= canary;
                waiting.push((canary, step));
                continue;
            }
            match self.step(step) {
                Flow::Done => {}
                Flow::Open => {
                    trying |= canary;
                    open += 1;
                }
                Flow::Failed(failed) => failures.push((canary, failed)),
            }
        }
        let over = u32::try_from(failures.len()).unwrap_or(u32::MAX) > lanes.max_failures;
        let first =
            failures.first().filter(|_| over).or(failures.iter().find(|(canary, _)| *canary));
        if let Some((_, failed)) = first {
            self.moves.truncate(mark);
            return Flow::Failed(failed);
        }
        let left = !waiting.is_empty();
        for (canary, step) in waiting {
            if open >= lanes.at_most.max(1) || (trying && !canary) {
                break;
            }
            self.step(step);
            open += 1;
        }
        if left || open > 0 { Flow::Open } else { Flow::Done }
    }

    /// Ends what is under way among these steps without starting anything. Whether all of it is over.
    fn wind_down(&mut self, steps: &'a [PlanStep], why: &str) -> bool {
        let mut over = true;
        for step in steps {
            over &= self.wind_down_one(step, why);
        }
        over
    }

    fn wind_down_one(&mut self, step: &'a PlanStep, why: &str) -> bool {
        let Some(run) = self.of(step) else { return true };
        match &run.state {
            StepState::Pending => {
                for below in self.run.with_all_below(step) {
                    if self.of(below).is_some_and(|run| run.state == StepState::Pending) {
                        self.set(below, StepState::WillNotBeRun { reason: why.into() });
                    }
                }
                false
            }
            StepState::Running
            | StepState::Waiting { .. }
            | StepState::Asked { .. }
            | StepState::Unknown { .. } => {
                if !step.is_block() {
                    self.moves.push(Move::Finish(step, why.into()));
                } else if self.wind_down(self.run.children(step), why) {
                    self.set(step, StepState::Failed { why: format!("given up: {why}") });
                }
                false
            }
            StepState::Failed { .. } | StepState::TimedOut { .. } => {
                step.rescue.as_deref().is_none_or(|rescue| self.wind_down_one(rescue, why))
            }
            StepState::Done
            | StepState::Skipped { .. }
            | StepState::WillNotBeRun { .. }
            | StepState::Undoing
            | StepState::Undone
            | StepState::UndoFailed { .. } => true,
        }
    }
}
