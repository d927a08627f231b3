//! A list of cases: order, groups, filter, selection by identity.
//!
//! Promises: a row never moves under the cursor while a key was pressed in the last 2 s; the selection follows the id.

use crate::domain::event::Outcome;
use crate::domain::id::RemediationId;
use crate::domain::remediation::State;
use crate::engine::snapshot::{Row, Snapshot};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The groups of the overview, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// A person has to act.
    NeedsYou,
    /// Goes on by itself.
    Acting,
    /// Held by policy, a lock or a person.
    Held,
    /// Ended in the last 24 h.
    Done,
}

impl Group {
    /// Where a row belongs.
    #[must_use]
    pub fn of(row: &Row) -> Self {
        if row.needs_person {
            return Self::NeedsYou;
        }
        match row.state {
            State::Diagnosing
            | State::Planning
            | State::AwaitingApproval
            | State::Running
            | State::Undoing
            | State::Verifying => Self::Acting,
            State::Blocked | State::Paused | State::ByHand => Self::Held,
            State::Expired | State::Closed => Self::Done,
        }
    }

    /// Its title.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::NeedsYou => "needs you",
            Self::Acting => "acting",
            Self::Held => "held",
            Self::Done => "done in 24 h:",
        }
    }
}

/// Which rows a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// Those that need a decision.
    Decisions,
}

/// One line of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visual {
    /// A group's rule, with its number of rows.
    Header(Group, usize),
    /// A row, by its place in `rows`.
    Row(usize),
}

/// How the rows of `Done` ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Endings {
    /// Effective.
    pub good: usize,
    /// No effect.
    pub same: usize,
    /// Regressed or failed.
    pub bad: usize,
    /// Rejected, cancelled, expired.
    pub no: usize,
}

/// A list.
#[derive(Debug, Clone)]
pub struct List {
    /// Which rows it has.
    pub scope: Scope,
    /// The rows as shown.
    pub rows: Arc<Vec<Row>>,
    /// Lines: rules and rows.
    pub lines: Vec<Visual>,
    /// Who is selected.
    pub selected: Option<RemediationId>,
    /// The selected line.
    pub cursor: usize,
    /// The first line on screen.
    pub top: usize,
    /// The filter; empty: none.
    pub filter: String,
    /// Rows that the filter hides.
    pub hidden: usize,
    /// Rows that wait to be sorted in.
    pub newer: usize,
    /// How the done ones ended.
    pub endings: Endings,
}

impl List {
    /// An empty list.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            rows: Arc::default(),
            lines: Vec::new(),
            selected: None,
            cursor: 0,
            top: 0,
            filter: String::new(),
            hidden: 0,
            newer: 0,
            endings: Endings::default(),
        }
    }

    /// Takes a new picture over. `hold`: keep the order that is on screen.
    pub fn take(&mut self, snapshot: &Snapshot, hold: bool) {
        let same_order = self.rows.len() == snapshot.rows.len()
            && self
                .rows
                .iter()
                .zip(snapshot.rows.iter())
                .all(|(old, new)| old.id == new.id && Group::of(old) == Group::of(new));
        if hold && !same_order && !self.rows.is_empty() {
            self.take_content_only(snapshot);
        } else {
            self.rows = Arc::clone(&snapshot.rows);
            self.newer = 0;
            self.arrange();
        }
    }

    fn take_content_only(&mut self, snapshot: &Snapshot) {
        let fresh = snapshot.rows.iter().map(|row| (&row.id, row)).collect::<BTreeMap<_, _>>();
        let shown = self.rows.iter().map(|row| &row.id).collect::<std::collections::BTreeSet<_>>();
        let added = fresh.keys().filter(|id| !shown.contains(*id)).count();
        let moved = self
            .rows
            .iter()
            .filter(|old| fresh.get(&old.id).is_none_or(|new| Group::of(new) != Group::of(old)))
            .count();
        self.newer = (added + moved).max(1);
        let kept = self
            .rows
            .iter()
            .map(|old| fresh.get(&old.id).map_or_else(|| old.clone(), |new| (*new).clone()))
            .collect::<Vec<_>>();
        self.rows = Arc::new(kept);
    }

    /// Sets the filter.
    pub fn set_filter(&mut self, filter: &str) {
        self.filter = filter.to_string();
        self.arrange();
    }

    fn arrange(&mut self) {
        let terms =
            self.filter.to_lowercase().split_whitespace().map(String::from).collect::<Vec<_>>();
        self.lines.clear();
        self.hidden = 0;
        self.endings = Endings::default();
        let mut header: Option<(usize, Group, usize)> = None;
        for (index, row) in self.rows.iter().enumerate() {
            let in_scope = self.scope == Scope::All || row.needs_person;
            if !in_scope {
                continue;
            }
            if !matches(row, &terms) {
                self.hidden += 1;
                continue;
            }
            let group = Group::of(row);
            match &mut header {
                Some((_, current, count)) if *current == group => *count += 1,
                _ => {
                    if let Some((at, group, count)) = header {
                        self.lines[at] = Visual::Header(group, count);
                    }
                    header = Some((self.lines.len(), group, 1));
                    self.lines.push(Visual::Header(group, 1));
                }
            }
            self.lines.push(Visual::Row(index));
            count_ending(&mut self.endings, row);
        }
        if let Some((at, group, count)) = header {
            self.lines[at] = Visual::Header(group, count);
        }
        self.find_cursor();
    }

    fn find_cursor(&mut self) {
        let found = self.selected.as_ref().and_then(|id| {
            self.lines
                .iter()
                .position(|line| matches!(line, Visual::Row(index) if self.rows[*index].id == *id))
        });
        self.cursor = found.unwrap_or_else(|| self.cursor.min(self.lines.len().saturating_sub(1)));
        if !matches!(self.lines.get(self.cursor), Some(Visual::Row(_))) {
            self.cursor = self.nearest_row(self.cursor);
        }
        self.selected = self.at(self.cursor).map(|row| row.id.clone());
    }

    fn nearest_row(&self, from: usize) -> usize {
        let is_row = |line: &Visual| matches!(line, Visual::Row(_));
        self.lines
            .iter()
            .skip(from)
            .position(is_row)
            .map(|offset| from + offset)
            .or_else(|| self.lines.iter().take(from).rposition(is_row))
            .unwrap_or(0)
    }

    fn at(&self, line: usize) -> Option<&Row> {
        match self.lines.get(line)? {
            Visual::Row(index) => self.rows.get(*index),
            Visual::Header(..) => None,
        }
    }

    /// The selected row.
    #[must_use]
    pub fn row(&self) -> Option<&Row> {
        self.at(self.cursor)
    }

    /// Rows that are listed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.iter().filter(|line| matches!(line, Visual::Row(_))).count()
    }

    /// Whether nothing is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Place of the selected row among the rows, from 1; 0 when there is none.
    #[must_use]
    pub fn place(&self) -> usize {
        let upto = self.lines.iter().take(self.cursor + 1);
        upto.filter(|line| matches!(line, Visual::Row(_))).count()
    }

    /// Moves the cursor by rows.
    pub fn step(&mut self, by: isize) {
        let mut left = by.unsigned_abs();
        while left > 0 {
            let next = if by > 0 {
                self.lines
                    .iter()
                    .skip(self.cursor + 1)
                    .position(|line| matches!(line, Visual::Row(_)))
                    .map(|offset| self.cursor + 1 + offset)
            } else {
                self.lines.iter().take(self.cursor).rposition(|line| matches!(line, Visual::Row(_)))
            };
            let Some(next) = next else { break };
            self.cursor = next;
            left -= 1;
        }
        self.selected = self.at(self.cursor).map(|row| row.id.clone());
    }

    /// To the first or the last row.
    pub fn end(&mut self, last: bool) {
        self.cursor = if last { self.lines.len().saturating_sub(1) } else { 0 };
        self.cursor = self.nearest_row(self.cursor);
        self.selected = self.at(self.cursor).map(|row| row.id.clone());
    }

    /// To the next or previous row that needs a person.
    pub fn step_need(&mut self, forward: bool) {
        let needs = |line: &Visual| match line {
            Visual::Row(index) => self.rows.get(*index).is_some_and(|row| row.needs_person),
            Visual::Header(..) => false,
        };
        let found = if forward {
            let rest = self.lines.iter().skip(self.cursor + 1).position(needs);
            rest.map(|offset| self.cursor + 1 + offset)
                .or_else(|| self.lines.iter().position(needs))
        } else {
            self.lines
                .iter()
                .take(self.cursor)
                .rposition(needs)
                .or_else(|| self.lines.iter().rposition(needs))
        };
        if let Some(found) = found {
            self.cursor = found;
            self.selected = self.at(found).map(|row| row.id.clone());
        }
    }

    /// Selects a case, if it is listed.
    pub fn select(&mut self, id: &RemediationId) {
        self.selected = Some(id.clone());
        self.find_cursor();
    }

    /// Scrolls so that the cursor is among `height` lines.
    pub fn keep_in_view(&mut self, height: usize) {
        if height == 0 {
            return;
        }
        if self.cursor < self.top {
            self.top = self.cursor;
        }
        // The rule above the first row of a group belongs to it.
        if self.top > 0
            && self.cursor == self.top
            && let Some(Visual::Header(..)) = self.lines.get(self.top - 1)
        {
            self.top -= 1;
        }
        if self.cursor >= self.top + height {
            self.top = self.cursor + 1 - height;
        }
        self.top = self.top.min(self.lines.len().saturating_sub(height));
    }
}

fn count_ending(endings: &mut Endings, row: &Row) {
    if Group::of(row) != Group::Done {
        return;
    }
    match &row.outcome {
        Some(Outcome::Effective | Outcome::Recovered) => endings.good += 1,
        Some(Outcome::Ineffective | Outcome::Inconclusive) => endings.same += 1,
        Some(Outcome::Regressed | Outcome::Failed) => endings.bad += 1,
        Some(
            Outcome::Rejected | Outcome::Cancelled | Outcome::HandedOver | Outcome::Merged { .. },
        )
        | None => endings.no += 1,
    }
}

fn matches(row: &Row, terms: &[String]) -> bool {
    if terms.is_empty() {
        return true;
    }
    let state = crate::ui::glyphs::row(row);
    let text = format!("{} {} {} {} {}", row.id, state.word, row.target, row.what, row.cause)
        .to_lowercase();
    terms.iter().all(|term| text.contains(term.as_str()))
}
