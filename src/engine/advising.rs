//! Asking for advice on the template of a plan.
//!
//! A plan is made once. A model is asked between the reading and the plan, within its own deadline, and only where there is
//! something to choose: a card that changed under the eyes of whoever reads it would cost more than those seconds. Without a
//! model nothing is asked and nothing waits.

use super::outside::Outside;
use crate::domain::advice::{
    Advice, Exchange, Made, Options, Source, addressed, alike, by_statistics, checked, question,
};
use crate::domain::diagnosis::Diagnosis;
use crate::domain::effectiveness::{ENOUGH, Past, Record};
use crate::domain::text::{clean_lines, redact, shorten};
use crate::ports::advisor::Heard;

/// Longest answer that is kept, in characters.
const KEPT: usize = 32_000;

/// Advice on a diagnosis; `None`: there is nothing to choose, or nothing that could be said.
pub async fn advise(
    outside: &Outside,
    diagnosis: &Diagnosis,
    past: &Past,
    records: &[Record],
) -> Option<Advice> {
    let cases = alike(records, diagnosis);
    if outside.advisor.is_none() && cases.len() < ENOUGH as usize {
        // Too little is known to say anything: that is so in every new cluster, and no news.
        return None;
    }
    let options = Options::of(&outside.library, diagnosis, past);
    if !options.leave_a_choice() {
        return None;
    }
    let statistics = by_statistics(&options, &cases);
    let Some(advisor) = &outside.advisor else {
        return Some(statistics).filter(|statistics| statistics.caveats.is_empty());
    };
    let question = question(&options, diagnosis, &cases, outside.entropy.bytes());
    let heard = advisor.ask(&question).await;
    let model = advisor.model();
    let found =
        heard.answer.clone().and_then(|text| checked(&text, &options, &outside.library, diagnosis));
    let exchange = heard.tokens.map(|_| Exchange {
        model: model.clone(),
        prompt: question.prompt.clone(),
        request: question.text(),
        answer: kept(&heard),
        failed: found.as_ref().err().cloned(),
        took_ms: heard.took_ms,
        tokens: heard.tokens,
    });
    let mut advice = match found {
        Ok(found) => Advice {
            source: Source::Model { name: model, prompt: question.prompt },
            ranking: found.ranking,
            parameters: found.parameters,
            caveats: found.caveats,
            dropped: found.dropped,
            made: Made::default(),
            exchange: None,
        },
        Err(why) => {
            tracing::info!(model, why, "no advice of the model");
            let mut statistics = statistics;
            statistics.caveats.insert(0, format!("no advice of model {model}: {why}"));
            statistics
        }
    };
    advice.caveats.extend(addressed(diagnosis));
    advice.exchange = exchange;
    Some(advice)
}

/// What came, fit to be kept.
fn kept(heard: &Heard) -> String {
    let text = heard.answer.as_ref().unwrap_or(&heard.came);
    shorten(&redact(&clean_lines(text)), KEPT)
}
