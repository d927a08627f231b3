//! Ranking by what came of past cases that are like this one.
//!
//! Of a template the score is the m-estimate of how often it helped: `(Σ w·y + m·p0) / (Σ w + m)` over its cases, with
//! `y` 1 where it helped and 0 where it did not, `w` how much the case is like this one (0 to 1; the kernel weights of
//! Nadaraya and Watson, 1964), `p0` the share that helped over all candidates (weighted the same, drawn to one half by
//! one case each way), and `m` = [`PRIOR`] cases (Cestnik, "Estimating probabilities: a crucial task in machine learning",
//! ECAI 1990). Little that is known is so drawn towards what is usual here. Unclear outcomes are not counted.

use super::given::{Advice, Made, Ranked, Source};
use super::options::Options;
use crate::domain::diagnosis::Diagnosis;
use crate::domain::effectiveness::{ENOUGH, Fate, Record};

/// Weight of what is usual, in cases.
const PRIOR: f64 = 2.0;
/// How much a case of the same pattern with another cause is like this one.
const OTHER_CAUSE: f64 = 0.25;
/// What is left of that where the target is of another kind.
const OTHER_KIND: f64 = 0.6;

/// A past case that is like this one.
#[derive(Debug, Clone, PartialEq)]
pub struct Alike {
    /// Template of its plan, without the version.
    pub template: String,
    /// 0 to 1.
    pub similarity: f64,
    /// Whether it helped.
    pub helped: bool,
}

/// The cases that are like this one: same pattern, those of the same cause and kind of target most.
#[must_use]
pub fn alike(records: &[Record], diagnosis: &Diagnosis) -> Vec<Alike> {
    let kind = diagnosis.target.as_ref().map(|target| target.key.kind.as_str());
    let like = |record: &Record| {
        let cause = if record.cause == diagnosis.cause { 1.0 } else { OTHER_CAUSE };
        let own = record.target.as_ref().map(|target| target.kind.as_str());
        cause * if own == kind { 1.0 } else { OTHER_KIND }
    };
    records
        .iter()
        .filter(|record| record.pattern == diagnosis.pattern)
        .filter_map(|record| {
            let helped = match record.fate {
                Fate::Effective => true,
                Fate::NoEffect | Fate::Regressed => false,
                Fate::Unclear | Fate::Alone => return None,
            };
            let template = record.template.as_deref()?;
            let name = template.rsplit_once('@').map_or(template, |(name, _)| name);
            Some(Alike { template: name.into(), similarity: like(record), helped })
        })
        .collect()
}

#[derive(Clone, Copy, Default)]
struct Tally {
    n: u32,
    weight: f64,
    helped: f64,
    helped_n: u32,
}

impl Tally {
    fn of<'a>(cases: impl Iterator<Item = &'a Alike>) -> Self {
        cases.fold(Self::default(), |sum, case| Self {
            n: sum.n + 1,
            weight: sum.weight + case.similarity,
            helped: sum.helped + if case.helped { case.similarity } else { 0.0 },
            helped_n: sum.helped_n + u32::from(case.helped),
        })
    }

    /// The estimate, drawn towards `usual` by `m` cases.
    fn estimate(self, usual: f64, m: f64) -> f64 {
        (self.helped + m * usual) / (self.weight + m)
    }

    fn told(self) -> bool {
        self.n >= ENOUGH
    }
}

/// The candidates as past cases rank them. One with under [`ENOUGH`] cases stays where rules put it.
#[must_use]
pub fn by_statistics(options: &Options, cases: &[Alike]) -> Advice {
    let known = |case: &&Alike| options.named(&case.template).is_some();
    let all = Tally::of(cases.iter().filter(known));
    let usual = all.estimate(0.5, PRIOR);
    let mut ranking = Vec::new();
    let mut told = Vec::new();
    for (place, candidate) in options.candidates.iter().enumerate() {
        let own = Tally::of(cases.iter().filter(|case| case.template == candidate.template));
        let why = match own {
            own if own.told() => {
                told.push(place);
                format!("helped in {} of {} cases like this one", own.helped_n, own.n)
            }
            Tally { n: 0, .. } => "no case like this one yet; as rules rank it".into(),
            Tally { n, .. } => format!("too early: {n} cases like this one; as rules rank it"),
        };
        let score = own.estimate(usual, PRIOR);
        ranking.push(Ranked { template: candidate.template.clone(), score, why });
    }
    // Those that can be told change places among themselves; the others keep theirs.
    let mut best = told.iter().map(|place| ranking[*place].clone()).collect::<Vec<_>>();
    best.sort_by(|a, b| b.score.total_cmp(&a.score));
    let enough = !told.is_empty();
    for (place, ranked) in told.into_iter().zip(best) {
        ranking[place] = ranked;
    }
    let early = format!("too early: n={}, and no template has {ENOUGH} cases", all.n);
    Advice {
        source: Source::Statistics { n: all.n },
        ranking,
        parameters: Vec::new(),
        caveats: if enough { Vec::new() } else { vec![early] },
        dropped: Vec::new(),
        made: Made::default(),
        exchange: None,
    }
}
