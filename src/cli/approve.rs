//! `approve ID --plan DIGEST`.

use super::exit::Outcome;
use super::session::Session;
use super::waiting::Waiting;
use crate::domain::approval::{Decision, Gesture};
use crate::domain::id::{PlanDigest, StepPath};
use crate::domain::remediation::Remediation;
use crate::domain::report::Report;
use crate::domain::workflow::plan::{Plan, Risk, StepKind};
use crate::engine::command::Command;
use crate::export::text;

/// Shortest part of a digest that may stand for the whole one.
const SHORTEST: usize = 8;

/// Approve a plan.
///
/// With a terminal it shows the card and asks for the same gesture as the console: low risk `y`, medium `a` and then
/// `y`, high the target's name. Without one it covers the risk that approval.without_terminal allows (low).
#[derive(Debug, clap::Args)]
pub struct Approve {
    /// Remediation: id or unique prefix.
    pub id: String,
    /// Digest of the plan that was shown: whole, or at least its first 8 digits.
    #[arg(long, value_name = "DIGEST")]
    pub plan: String,
    /// The step that asks, when it is not about the plan as a whole: its path, as in `show`.
    #[arg(long, value_name = "PATH")]
    pub step: Option<String>,
    /// The target's name, typed: needed for high risk without a terminal.
    #[arg(long, value_name = "NAME")]
    pub target_name: Option<String>,
    /// Whether to wait.
    #[command(flatten)]
    pub waiting: Waiting,
}

/// The whole digest when the given one begins the standing plan's; else as given, so that the engine refuses and
/// records it.
pub fn whole_digest(case: &Remediation, given: &str) -> PlanDigest {
    let given = given.trim().to_ascii_lowercase();
    match &case.plan {
        Some(plan) if given.len() >= SHORTEST && plan.digest.as_str().starts_with(&given) => {
            plan.digest.clone()
        }
        Some(_) | None => PlanDigest::new(given),
    }
}

impl Approve {
    /// The risk that the gesture has to match: the plan's, or that of the step that asks.
    fn risk(&self, case: &Remediation, plan: &Plan) -> Risk {
        let step = self.step.clone().map(StepPath::new);
        let kind = step.and_then(|path| case.planned_step(&path)).map(|step| &step.kind);
        match kind {
            Some(StepKind::Approval { risk, .. }) => plan.risk.max(*risk),
            Some(_) | None => plan.risk,
        }
    }

    /// Runs the verb.
    ///
    /// # Errors
    /// When it is refused, or nothing was decided.
    pub fn run(&self, session: &Session) -> Outcome {
        let (case, report) = session.wait(async {
            let log = session.log().await?;
            let (case, events) = log.find(&self.id).await?;
            let context = log.context(&log.snapshot().await?).await?;
            let report = Report::of(&case, &events, &context);
            Ok((case, report))
        })?;
        let digest = whole_digest(&case, &self.plan);
        // A question is put only about the plan that stands; any other digest goes to the engine, which refuses it.
        let standing = case.plan.as_deref().filter(|plan| plan.digest == digest);
        let (gesture, typed) = match standing {
            Some(plan) if session.output.has_terminal() => {
                session.output.say(&text::report(&report));
                let name = plan.target.as_ref().map_or("", |target| target.key.name.as_str());
                super::gesture::ask(session.output, self.risk(&case, plan), name)?
            }
            Some(_) | None => (Gesture::WithoutTerminal, self.target_name.clone()),
        };
        let command = Command::Decide {
            remediation: case.id.clone(),
            plan: digest.clone(),
            decision: Decision::Approve,
            gesture,
            reason: String::new(),
            typed,
            step: self.step.clone().map(StepPath::new),
        };
        session.wait(async {
            session.command(&command).await?;
            self.waiting.until_settled(session, &[case.id], Some(&digest)).await
        })
    }
}
