//! Memory in this process: every search looks at every case.
//!
//! Promises: exact, always; nothing to set up and nothing to lose: it is built from the log when an engine starts. A vector
//! takes 384 bytes, and a search through 100,000 of them less than 10 ms (`cargo bench --bench similar`).
//! Absent on purpose: a file (the log is one), an index, other threads.

use crate::domain::envelope::Head;
use crate::domain::id::{ClusterId, RemediationId};
use crate::domain::memory::{DIMENSIONS, PastCase, Remembered, Vector, dot};
use crate::ports::memory::{Found, Memory, MemoryError, Reached};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Past cases of one cluster that are kept; then those that ended first go.
const KEPT: usize = 100_000;

/// See the module.
#[derive(Debug, Default)]
pub struct EmbeddedMemory {
    shelves: Mutex<BTreeMap<ClusterId, Shelf>>,
}

/// The cases of one cluster, side by side: numbers, lengths, cases.
#[derive(Debug, Default)]
struct Shelf {
    head: Option<Head>,
    numbers: Vec<[i8; DIMENSIONS]>,
    lengths: Vec<f64>,
    cases: Vec<PastCase>,
    places: BTreeMap<RemediationId, usize>,
}

impl EmbeddedMemory {
    fn shelves(&self) -> MutexGuard<'_, BTreeMap<ClusterId, Shelf>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn reached(&self) -> Reached {
        Reached { head: self.head.clone().unwrap_or_else(Head::empty), cases: self.count() }
    }

    fn count(&self) -> u64 {
        u64::try_from(self.cases.len()).unwrap_or(u64::MAX)
    }

    fn keep(&mut self, one: &Remembered) {
        let full = self.cases.len() >= KEPT;
        let place = match self.places.get(&one.case.id) {
            Some(place) => Some(*place),
            None if full => self.oldest(),
            None => None,
        };
        let slot = place.and_then(|place| {
            let numbers = self.numbers.get_mut(place)?;
            let length = self.lengths.get_mut(place)?;
            Some((place, numbers, length, self.cases.get_mut(place)?))
        });
        let place = if let Some((place, numbers, length, case)) = slot {
            *numbers = *one.vector.numbers();
            *length = one.vector.length();
            let gone = std::mem::replace(case, one.case.clone());
            self.places.remove(&gone.id);
            place
        } else {
            self.numbers.push(*one.vector.numbers());
            self.lengths.push(one.vector.length());
            self.cases.push(one.case.clone());
            self.cases.len() - 1
        };
        self.places.insert(one.case.id.clone(), place);
    }

    fn oldest(&self) -> Option<usize> {
        let ended = self.cases.iter().enumerate().map(|(place, case)| (case.ended_at, place));
        ended.min().map(|(_, place)| place)
    }

    /// Places with their similarity, the most alike first.
    fn nearest(
        &self,
        vector: &Vector,
        most: usize,
        but: Option<&RemediationId>,
    ) -> Vec<(usize, f64)> {
        let (numbers, length) = (vector.numbers(), vector.length());
        let left_out = but.and_then(|id| self.places.get(id)).copied();
        let mut best = Vec::<(usize, f64)>::with_capacity(most + 1);
        let mut least = f64::NEG_INFINITY;
        for (place, (other, its)) in self.numbers.iter().zip(&self.lengths).enumerate() {
            let cosine = f64::from(dot(numbers, other)) / (length * its);
            let full = best.len() >= most;
            if full && cosine < least || left_out == Some(place) || most == 0 {
                continue;
            }
            let at = best.partition_point(|known| self.order(known, &(place, cosine)).is_lt());
            best.insert(at, (place, cosine));
            best.truncate(most);
            least = best.last().map_or(f64::NEG_INFINITY, |(_, cosine)| *cosine);
        }
        best
    }

    /// The more alike first; then the one that ended later; then by id.
    fn order(&self, one: &(usize, f64), other: &(usize, f64)) -> Ordering {
        let key = |place: usize| self.cases.get(place).map(|case| (case.ended_at, &case.id));
        other.1.total_cmp(&one.1).then_with(|| match (key(one.0), key(other.0)) {
            (Some((ended, id)), Some((its_end, its_id))) => {
                its_end.cmp(&ended).then_with(|| id.cmp(its_id))
            }
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        })
    }
}

#[async_trait::async_trait]
impl Memory for EmbeddedMemory {
    async fn reached(&self, cluster: &ClusterId) -> Result<Reached, MemoryError> {
        Ok(self.shelves().entry(cluster.clone()).or_default().reached())
    }

    async fn remember(
        &self,
        cluster: &ClusterId,
        cases: &[Remembered],
        head: &Head,
    ) -> Result<Reached, MemoryError> {
        let mut shelves = self.shelves();
        let shelf = shelves.entry(cluster.clone()).or_default();
        for one in cases {
            shelf.keep(one);
        }
        shelf.head = Some(head.clone());
        Ok(shelf.reached())
    }

    async fn similar(
        &self,
        cluster: &ClusterId,
        vector: &Vector,
        most: usize,
        but: Option<&RemediationId>,
    ) -> Result<Found, MemoryError> {
        let shelves = self.shelves();
        let Some(shelf) = shelves.get(cluster) else {
            return Ok(Found { cases: Vec::new(), among: 0 });
        };
        let found = shelf.nearest(vector, most, but).into_iter().filter_map(|(place, cosine)| {
            Some((shelf.cases.get(place)?.clone(), cosine.clamp(0.0, 1.0)))
        });
        Ok(Found { cases: found.collect(), among: shelf.count() })
    }

    async fn forget(&self, cluster: &ClusterId) -> Result<(), MemoryError> {
        self.shelves().remove(cluster);
        Ok(())
    }

    async fn health(&self) -> Result<String, MemoryError> {
        let held = self.shelves().values().map(Shelf::count).sum::<u64>();
        Ok(format!("in this process, {held} past cases"))
    }
}
