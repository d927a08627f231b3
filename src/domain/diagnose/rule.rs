//! How a rule weighs facts.
//!
//! A rule is one constant in one file under `rules/`, listed in [`super::rules::ALL`]: a function that weighs, and one
//! that says the conclusion in a sentence. Weighing starts from nothing, adds the
//! weight of each fact that speaks for its cause and takes away that of each that speaks against it. A fact counts only
//! if it is there, so that nothing is weighed that is not also shown. Weights are written where they are used.

use super::picture::Picture;
use crate::domain::diagnosis::{Cause, Pattern, Weighed};
use crate::domain::evidence::{Bearing, Fact};

/// Below this a cause is not acted on: it is *unknown*, and goes to a person.
pub(crate) const THRESHOLD: f64 = 0.5;
/// Two causes closer than this can't be told apart.
const MARGIN: f64 = 0.08;
/// Nothing is ever certain.
const MOST: f64 = 0.97;

/// A rule for one cause.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) cause: Cause,
    /// What it says of a case, or `None` when it has nothing to say.
    pub(crate) weigh: fn(&Seen<'_>) -> Option<Weighed>,
    /// What is wrong when its cause was chosen, to stand behind the target's name: `container app needs …: facts`.
    pub(crate) say: fn(&Seen<'_>) -> String,
}

/// What rules look at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) picture: &'a Picture<'a>,
    pub(crate) facts: &'a [Fact],
}

impl Seen<'_> {
    /// Whether there is such a fact.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.facts.iter().any(|fact| fact.id == id && fact.bearing != Bearing::Missing)
    }

    /// Whether any of them is there.
    pub(crate) fn any(&self, ids: &[&str]) -> bool {
        ids.iter().any(|id| self.has(id))
    }

    /// The first two of these facts that are there, in their own words.
    pub(crate) fn quote(&self, ids: &[&str]) -> String {
        self.quote_up_to(2, ids)
    }

    /// The first of these facts that are there, in their own words.
    pub(crate) fn quote_up_to(&self, most: usize, ids: &[&str]) -> String {
        let found = ids.iter().filter_map(|id| self.facts.iter().find(|fact| fact.id == **id));
        found.take(most).map(|fact| fact.text.as_str()).collect::<Vec<_>>().join("; ")
    }

    /// Name of the container that the case is about; empty: none.
    pub(crate) fn container(&self) -> &str {
        self.picture.focus.as_ref().map_or("", |focus| focus.container.name)
    }

    /// Begins to weigh a cause.
    pub(crate) fn weigh(&self, pattern: Pattern, cause: Cause) -> Scale<'_> {
        Scale::new(self.facts, pattern, cause)
    }
}

/// The likeliest of what was weighed (likeliest first); else why none can be chosen, empty when there is none.
pub(crate) fn likeliest(weighed: &[Weighed]) -> Result<&Weighed, String> {
    let Some(best) = weighed.first() else { return Err(String::new()) };
    if best.confidence < THRESHOLD {
        return Err(format!("{} is likeliest, with {:.2}", best.cause, best.confidence));
    }
    match weighed.get(1) {
        Some(second) if best.confidence - second.confidence < MARGIN => {
            Err(format!("{} and {} are equally likely", best.cause, second.cause))
        }
        _ => Ok(best),
    }
}

fn empty(pattern: Pattern, cause: Cause) -> Weighed {
    Weighed {
        pattern,
        cause,
        confidence: 0.0,
        speaks_for: Vec::new(),
        speaks_against: Vec::new(),
        culprit: None,
    }
}

/// A sum of weights, over the facts of anything that can be looked at.
#[derive(Debug)]
pub(crate) struct Scale<'a> {
    facts: &'a [Fact],
    sum: f64,
    weighed: Weighed,
}

impl<'a> Scale<'a> {
    /// Begins to weigh a cause by these facts.
    pub(crate) fn new(facts: &'a [Fact], pattern: Pattern, cause: Cause) -> Self {
        Self { facts, sum: 0.0, weighed: empty(pattern, cause) }
    }

    fn has(&self, id: &str) -> bool {
        self.facts.iter().any(|fact| fact.id == id && fact.bearing != Bearing::Missing)
    }

    fn is_missing(&self, id: &str) -> bool {
        self.facts.iter().any(|fact| fact.id == id && fact.bearing == Bearing::Missing)
    }

    /// A fact for the cause.
    pub(crate) fn speaks_for(mut self, id: &str, weight: f64) -> Self {
        if self.has(id) {
            self.sum += weight;
            self.weighed.speaks_for.push(id.into());
        }
        self
    }

    /// The first of these facts that is there, for the cause.
    pub(crate) fn first_for(self, weights: &[(&str, f64)]) -> Self {
        match weights.iter().find(|(id, _)| self.has(id)) {
            Some((id, weight)) => self.speaks_for(id, *weight),
            None => self,
        }
    }

    /// A fact against it.
    pub(crate) fn speaks_against(mut self, id: &str, weight: f64) -> Self {
        if self.has(id) {
            self.sum -= weight;
            self.weighed.speaks_against.push(id.into());
        }
        self
    }

    /// The first of these facts that is there, against the cause.
    pub(crate) fn first_against(self, weights: &[(&str, f64)]) -> Self {
        match weights.iter().find(|(id, _)| self.has(id)) {
            Some((id, weight)) => self.speaks_against(id, *weight),
            None => self,
        }
    }

    /// What this rule relies on; each that could not be read costs a little.
    pub(crate) fn relies_on(mut self, ids: &[&str]) -> Self {
        let missing = ids.iter().filter(|id| self.is_missing(id)).count();
        // At most a handful.
        #[allow(clippy::cast_precision_loss)]
        let cost = missing as f64 * 0.05;
        self.sum -= cost;
        self
    }

    /// The result.
    pub(crate) fn done(mut self) -> Weighed {
        self.weighed.confidence = (self.sum.clamp(0.0, MOST) * 100.0).round() / 100.0;
        self.weighed
    }
}
