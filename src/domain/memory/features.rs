//! From a diagnosis to what is compared.

use super::vector::{DIMENSIONS, Vector};
use super::words;
use crate::domain::diagnosis::{Cause, Diagnosis, Pattern};
use crate::domain::evidence::Bearing;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// How vectors are made. It grows with every change of the layout, the words or the hash; memory is then rebuilt from
/// the log.
pub const VERSION: u16 = 1;

/// Facts of one case that are kept by name.
const MOST_FACTS: usize = 40;

/// A part of the vector: where it begins, how long it is, its share of the similarity, and in how many places of it a
/// name falls (more places: less likely that two names look alike).
struct Part {
    from: usize,
    length: usize,
    share: f64,
    places: u64,
}

const CAUSE: Part = Part { from: 0, length: 64, share: 0.30, places: 4 };
const PATTERN: Part = Part { from: 64, length: 16, share: 0.05, places: 2 };
const KIND: Part = Part { from: 80, length: 24, share: 0.05, places: 3 };
const FACTS: Part = Part { from: 104, length: 96, share: 0.25, places: 3 };
const FIGURES: Part = Part { from: 200, length: 24, share: 0.10, places: 2 };
const TEXT: Part = Part { from: 224, length: 160, share: 0.25, places: 1 };

/// What is said of a case when it is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Features {
    /// Cause.
    pub cause: Cause,
    /// Pattern.
    pub pattern: Pattern,
    /// Kind of the target; empty where there is none.
    pub kind: String,
    /// Facts that spoke for or against the cause, by their names, sorted.
    pub facts: Vec<String>,
}

/// What is compared of a diagnosis: said, and as a vector.
#[must_use]
pub fn picture(diagnosis: &Diagnosis) -> (Features, Vector) {
    let target = diagnosis.target.as_ref().map(|target| &target.key);
    let told = diagnosis.evidence.iter().filter(|fact| fact.bearing != Bearing::Missing);
    let speaking = told.clone().filter(|fact| fact.bearing != Bearing::Context);
    let facts = speaking.map(|fact| fact.id.clone()).collect::<BTreeSet<_>>();
    let features = Features {
        cause: diagnosis.cause,
        pattern: diagnosis.pattern,
        kind: target.map(|key| key.kind.clone()).unwrap_or_default(),
        facts: facts.into_iter().take(MOST_FACTS).collect(),
    };
    let mut space = Space([0.0; DIMENSIONS]);
    space.fill(&CAUSE, [(features.cause.word().to_string(), 1.0)]);
    space.fill(&PATTERN, [(features.pattern.word().to_string(), 1.0)]);
    let kind = (!features.kind.is_empty()).then(|| (features.kind.clone(), 1.0));
    space.fill(&KIND, kind);
    space.fill(&FACTS, features.facts.iter().map(|fact| (fact.clone(), 1.0)));
    space.fill(&FIGURES, diagnosis.values.iter().flat_map(|(name, value)| figure(name, value)));
    let texts = told.map(|fact| fact.text.as_str()).collect::<Vec<_>>();
    let names = target.map_or_else(Vec::new, |key| vec![key.name.as_str(), key.namespace.as_str()]);
    let words = words::of(&texts, &names);
    space.fill(&TEXT, words.into_iter().map(|(word, count)| (word, f64::from(count).sqrt())));
    // The cause alone gives it a direction.
    let vector = Vector::towards(&space.0).unwrap_or_else(Vector::first);
    (features, vector)
}

/// A figure by its magnitude: it falls between two powers of two, nearer to one of them. So 500Mi and 512Mi are alike,
/// 64Mi and 4Gi are not.
fn figure(name: &str, value: &Value) -> Vec<(String, f64)> {
    let Some(number) = value.as_f64().filter(|number| number.is_finite() && *number > 0.0) else {
        return Vec::new();
    };
    // Thousandths, so that shares and seconds have a magnitude too.
    let mut rest = number * 1_000.0;
    let mut power = 0_u32;
    while rest >= 2.0 && power < 80 {
        rest /= 2.0;
        power += 1;
    }
    let above = (rest - 1.0).clamp(0.0, 1.0);
    vec![
        (format!("{name} 2^{power}"), (1.0 - above).sqrt()),
        (format!("{name} 2^{}", power + 1), above.sqrt()),
    ]
}

struct Space([f64; DIMENSIONS]);

impl Space {
    /// Lets names with their weights fall into a part, and gives the part its share.
    fn fill(&mut self, part: &Part, named: impl IntoIterator<Item = (String, f64)>) {
        let Some(room) = self.0.get_mut(part.from..part.from + part.length) else { return };
        let length = u64::try_from(part.length).unwrap_or(1);
        for (name, weight) in named {
            for place in 0..part.places {
                let hash = hash(&name, place);
                let at = usize::try_from((hash >> 1) % length).unwrap_or(0);
                if let Some(number) = room.get_mut(at) {
                    *number += if hash & 1 == 0 { weight } else { -weight };
                }
            }
        }
        let length = room.iter().map(|number| number * number).sum::<f64>().sqrt();
        if length > 0.0 {
            for number in room {
                *number *= part.share.sqrt() / length;
            }
        }
    }
}

/// FNV-1a over the bytes, then the finisher of SplitMix64, since the lowest bits of the first are poor.
fn hash(name: &str, place: u64) -> u64 {
    let bytes = name.bytes().chain(place.to_le_bytes());
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// In what two cases are alike, in words for a person.
#[must_use]
pub fn alike(one: &Features, other: &Features) -> Vec<String> {
    let mut words = Vec::new();
    if one.cause == other.cause {
        words.push(format!("cause {}", one.cause));
    } else if one.pattern == other.pattern {
        words.push(format!("pattern {}", one.pattern));
    }
    if one.kind == other.kind && !one.kind.is_empty() {
        words.push(format!("a {}", one.kind));
    }
    let both = one.facts.iter().filter(|fact| other.facts.contains(fact));
    let both = both.map(String::as_str).collect::<Vec<_>>();
    if !both.is_empty() {
        words.push(format!("facts {}", both.join(", ")));
    }
    words
}
