//! Rules and templates over a recording.

use super::case::RecordedCase;
use super::quiet::quiet;
use crate::domain::diagnose::diagnose;
use crate::domain::diagnosis::{Diagnosis, Disposition};
use crate::domain::evidence::{Answer, Gathered, Progress, Read};
use crate::domain::id::ClusterId;
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;
use crate::domain::workflow::compile::{PlanRequest, compile};
use crate::domain::workflow::plan::Plan;
use crate::domain::workflow::template::Library;
use std::collections::BTreeMap;

/// Rounds of reading, as the engine has them.
const ROUNDS: usize = 12;

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// The diagnosis.
    pub diagnosis: Diagnosis,
    /// The plan, or why none can be made; `None` where the diagnosis asks for none.
    pub plan: Option<Result<Plan, String>>,
    /// Reads that the recording has no answer to, as JSON: those of the diagnosis were answered as unavailable.
    pub unrecorded: Vec<String>,
}

/// Diagnoses, chooses a template and plans, as the engine does; policy as shipped, so that a case comes out the same
/// everywhere.
///
/// # Errors
/// Why there is no diagnosis.
pub fn replay(case: &RecordedCase, library: &Library) -> Result<Replayed, String> {
    let mut unrecorded = Vec::new();
    let mut answer = |read: &Read| {
        recorded(&case.gathered, read).unwrap_or_else(|| {
            unrecorded.push(serde_json::to_string(read).unwrap_or_default());
            Answer::Unavailable("not in the recording".into())
        })
    };
    let mut gathered = Gathered::default();
    let ask = |gathered: &Gathered| Ok(diagnose(&case.alerts, gathered, case.now));
    let diagnosis = until_ready(&mut gathered, ask, &mut answer)?;
    let plan = (diagnosis.disposition == Disposition::Remediate)
        .then(|| plan(&case.gathered, &diagnosis, library, case.now));
    Ok(Replayed { diagnosis, plan, unrecorded })
}

/// The plan for a diagnosis, from what was recorded and a quiet cluster beside it.
///
/// # Errors
/// Why there is none.
pub fn plan(
    given: &Gathered,
    diagnosis: &Diagnosis,
    library: &Library,
    now: Timestamp,
) -> Result<Plan, String> {
    let template = library.choose(diagnosis)?;
    let (cluster, policy) = (ClusterId::new("recorded"), Policy::default());
    let request = PlanRequest {
        cluster: &cluster,
        diagnosis,
        library,
        template,
        overrides: &BTreeMap::new(),
        policy: &policy,
        now,
    };
    let mut gathered = given.clone();
    let mut answer = |read: &Read| recorded(given, read).unwrap_or_else(|| quiet(read, given));
    let step = |gathered: &Gathered| compile(&request, gathered).map_err(|error| error.to_string());
    let made = until_ready(&mut gathered, step, &mut answer);
    let Err(why) = &made else { return made };
    // As the engine does: a person is told why not.
    let Ok(template) = library.choose_to_tell(diagnosis) else { return made };
    let diagnosis = diagnosis.withheld(why);
    let telling = PlanRequest { diagnosis: &diagnosis, template, ..request };
    let step = |gathered: &Gathered| compile(&telling, gathered).map_err(|error| error.to_string());
    until_ready(&mut gathered, step, &mut answer).or(made)
}

fn until_ready<T>(
    gathered: &mut Gathered,
    step: impl Fn(&Gathered) -> Result<Progress<T>, String>,
    answer: &mut dyn FnMut(&Read) -> Answer,
) -> Result<T, String> {
    for _ in 0..=ROUNDS {
        let reads = match step(gathered)? {
            Progress::Ready(value) => return Ok(value),
            Progress::Need(reads) => reads,
        };
        let known = reads.iter().find(|read| gathered.get(read).is_some());
        if let Some(read) = known {
            return Err(format!("it asks again for {read:?}"));
        }
        if reads.is_empty() {
            return Err("it needs nothing and is not ready".into());
        }
        for read in reads {
            let answer = answer(&read);
            gathered.answers.insert(read, answer);
        }
    }
    Err(format!("it is not ready after {ROUNDS} rounds of reading"))
}

/// The recorded answer; of a range of another length or resolution, if that is what was recorded.
fn recorded(gathered: &Gathered, read: &Read) -> Option<Answer> {
    let same_query = |other: &Read| match (read, other) {
        (Read::Range { promql: wanted, .. }, Read::Range { promql, .. }) => wanted == promql,
        _ => false,
    };
    let answers = &gathered.answers;
    let near = || answers.iter().find(|(other, _)| same_query(other)).map(|(_, answer)| answer);
    answers.get(read).or_else(near).cloned()
}
