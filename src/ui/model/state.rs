//! The whole of it.

use super::card::{Card, Standing};
use super::figures::FiguresView;
use super::list::{List, Scope};
use super::overlay::Overlay;
use super::place::Place;
use super::tree::{Case, TimeLine, Tree};
use crate::domain::breaker::{Destination, View};
use crate::domain::id::RemediationId;
use crate::domain::principal::Principal;
use crate::domain::remediation::{Remediation, State};
use crate::domain::time::{Timestamp, seconds_between};
use crate::engine::snapshot::{Role, Row, Snapshot};
use crate::ui::keymap::{Context, Keymap, Press};
use crate::ui::msg::{LogLine, Millis};
use crate::ui::theme::{Depth, Theme};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The smallest terminal that decisions are taken on.
pub const SMALLEST: (u16, u16) = (80, 24);

/// What the console is started with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The first picture.
    pub snapshot: Arc<Snapshot>,
    /// Who sits there.
    pub principal: Principal,
    /// Keys.
    pub keymap: Keymap,
    /// Colours and signs.
    pub theme: Theme,
    /// What the terminal can show, for choosing other themes.
    pub depth: Depth,
    /// The user's themes.
    pub theme_files: Vec<(String, String)>,
    /// Columns and lines.
    pub size: (u16, u16),
    /// Whether the store can carry a decision of two people.
    pub two_people: bool,
    /// Ring when something new needs a person.
    pub bell: bool,
}

/// A message to the reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub text: String,
    /// Whether it is a refusal or a failure.
    pub bad: bool,
    /// Until when it is shown.
    pub until: Millis,
}

/// A log screen.
#[derive(Debug, Clone, Default)]
pub struct LogView {
    /// Lines scrolled back from the end; `None`: it follows.
    pub back: Option<usize>,
    /// Filter.
    pub filter: String,
}

/// What the console knows.
#[allow(clippy::struct_excessive_bools, reason = "independent facts, each shown by itself")]
#[derive(Debug, Clone)]
pub struct Model {
    /// The newest picture.
    pub snapshot: Arc<Snapshot>,
    /// When it came.
    pub received: Millis,
    /// Now, on the console's own clock.
    pub now_ms: Millis,
    /// Columns and lines.
    pub size: (u16, u16),
    /// Colours and signs.
    pub theme: Theme,
    /// What the terminal can show.
    pub depth: Depth,
    /// The user's themes.
    pub theme_files: Vec<(String, String)>,
    /// Keys.
    pub keymap: Keymap,
    /// Who sits there.
    pub principal: Principal,
    /// Whether the store can carry a decision of two people.
    pub two_people: bool,
    /// Ring when something new needs a person.
    pub bell: bool,
    /// Where the reader is.
    pub place: Place,
    /// Where the reader was.
    pub history: Vec<Place>,
    /// The overview's list.
    pub overview: List,
    /// The approvals' list.
    pub approvals: List,
    /// The list of all.
    pub remediations: List,
    /// Detail beside the list.
    pub detail: bool,
    /// The tree screen.
    pub tree: Tree,
    /// The card, while one is open.
    pub card: Option<Card>,
    /// The case that was asked for.
    pub case: Option<Case>,
    /// The case that was asked for last, and the time of its last event then.
    pub asked_case: Option<(RemediationId, Timestamp)>,
    /// Whether that is not answered yet.
    pub asking_case: bool,
    /// The effectiveness screen.
    pub figures: FiguresView,
    /// Lines of the engine's log.
    pub log_lines: Vec<LogLine>,
    /// The log screen.
    pub logs: LogView,
    /// Events.
    pub event_lines: Vec<TimeLine>,
    /// The event log screen.
    pub audit: LogView,
    /// Position up to which events were asked for.
    pub audit_seq: u64,
    /// The breaker that is selected; `None`: the first.
    pub breaker: Option<Destination>,
    /// First line of the help.
    pub help_top: usize,
    /// What is open over the screen.
    pub overlay: Option<Overlay>,
    /// Keys of an unfinished sequence, and since when.
    pub pending: (Vec<Press>, Millis),
    /// When the last key came.
    pub last_key: Millis,
    /// When the key before that came.
    pub key_before: Millis,
    /// When a lone Esc, or what followed it in its burst, came.
    pub escaped: Option<Millis>,
    /// A message to the reader.
    pub notice: Option<Notice>,
    /// The picture is frozen: rows don't change.
    pub frozen: bool,
    /// Who needed a person at the last look.
    pub known_needs: BTreeSet<RemediationId>,
}

impl Model {
    /// The model at the start.
    #[must_use]
    pub fn new(setup: Setup, now_ms: Millis) -> Self {
        let mut model = Self {
            received: now_ms,
            now_ms,
            size: setup.size,
            theme: setup.theme,
            depth: setup.depth,
            theme_files: setup.theme_files,
            keymap: setup.keymap,
            principal: setup.principal,
            two_people: setup.two_people,
            bell: setup.bell,
            place: Place::Overview,
            history: Vec::new(),
            overview: List::new(Scope::All),
            approvals: List::new(Scope::Decisions),
            remediations: List::new(Scope::All),
            detail: true,
            tree: Tree::default(),
            card: None,
            case: None,
            asked_case: None,
            asking_case: false,
            figures: FiguresView::default(),
            log_lines: Vec::new(),
            logs: LogView::default(),
            event_lines: Vec::new(),
            audit: LogView::default(),
            audit_seq: 0,
            breaker: None,
            help_top: 0,
            overlay: None,
            pending: (Vec::new(), 0),
            last_key: 0,
            key_before: 0,
            escaped: None,
            notice: None,
            frozen: false,
            known_needs: setup.snapshot.needing_you().map(|row| row.id.clone()).collect(),
            snapshot: setup.snapshot,
        };
        let snapshot = Arc::clone(&model.snapshot);
        for list in [&mut model.overview, &mut model.approvals, &mut model.remediations] {
            list.take(&snapshot, false);
        }
        model
    }

    /// The engine's time now: that of the picture and what went by since.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let passed = self.now_ms.saturating_sub(self.received);
        let passed = passed.saturating_mul(u64::from(self.snapshot.speed.max(1)));
        i64::try_from(passed)
            .ok()
            .and_then(chrono::TimeDelta::try_milliseconds)
            .and_then(|delta| self.snapshot.at.checked_add_signed(delta))
            .unwrap_or(self.snapshot.at)
    }

    /// Age of the cluster's data in seconds of the engine's time; `None`: none came yet.
    #[must_use]
    pub fn data_age(&self) -> Option<i64> {
        let source = self.snapshot.sources.iter().find(|source| source.name == "cluster")?;
        source.good_at.map(|at| seconds_between(at, self.now()).max(0))
    }

    /// Whether the terminal is too small to decide on.
    #[must_use]
    pub fn too_small(&self) -> bool {
        self.size.0 < SMALLEST.0 || self.size.1 < SMALLEST.1
    }

    /// Which keys hold now.
    #[must_use]
    pub fn context(&self) -> Context {
        match (&self.place, &self.card) {
            (Place::Card(_), Some(card)) if matches!(card.standing, Standing::Void(_)) => {
                Context::Void
            }
            (place, _) => place.context(),
        }
    }

    /// The list of the screen, if it is one.
    #[must_use]
    pub fn list(&self) -> Option<&List> {
        match self.place {
            Place::Overview => Some(&self.overview),
            Place::Approvals => Some(&self.approvals),
            Place::Remediations => Some(&self.remediations),
            _ => None,
        }
    }

    /// The list of the screen, to change it.
    pub fn list_mut(&mut self) -> Option<&mut List> {
        match self.place {
            Place::Overview => Some(&mut self.overview),
            Place::Approvals => Some(&mut self.approvals),
            Place::Remediations => Some(&mut self.remediations),
            _ => None,
        }
    }

    /// The case that keys are about.
    #[must_use]
    pub fn subject(&self) -> Option<RemediationId> {
        match &self.place {
            Place::Case(id) | Place::Card(id) => Some(id.clone()),
            _ => self.list().and_then(|list| list.selected.clone()),
        }
    }

    /// The breaker that is selected, with its place in the list.
    #[must_use]
    pub fn selected_breaker(&self) -> Option<(usize, &View)> {
        let all = &self.snapshot.breakers;
        let chosen = |(_, view): &(usize, &View)| Some(view.destination) == self.breaker;
        all.iter().enumerate().find(chosen).or_else(|| all.iter().enumerate().next())
    }

    /// Everything known of a case: from the picture, else from the last answer.
    #[must_use]
    pub fn remediation(&self, id: &RemediationId) -> Option<&Remediation> {
        self.snapshot.open.get(id).map(AsRef::as_ref).or_else(|| {
            self.case.as_ref().filter(|case| case.id() == id).map(|case| case.remediation.as_ref())
        })
    }

    /// The row of a case.
    #[must_use]
    pub fn row(&self, id: &RemediationId) -> Option<&Row> {
        self.snapshot.rows.iter().find(|row| row.id == *id)
    }

    /// The first letters of an id that no other has.
    #[must_use]
    pub fn short<'a>(&self, id: &'a RemediationId) -> &'a str {
        let length = self.row(id).map_or(4, |row| usize::from(row.short).max(4));
        id.as_str().get(..length).unwrap_or(id.as_str())
    }

    /// What is under way that leaving would concern; empty: nothing.
    #[must_use]
    pub fn under_way(&self) -> String {
        if !matches!(self.snapshot.role, Role::Driving) {
            return String::new();
        }
        let count = |states: &[State]| {
            self.snapshot.rows.iter().filter(|row| states.contains(&row.state)).count()
        };
        let running = count(&[State::Running, State::Undoing]);
        let verifying = count(&[State::Verifying]);
        let asking = self.snapshot.needing_you().count();
        let mut parts = Vec::new();
        if running > 0 {
            parts.push(format!("{running} running"));
        }
        if verifying > 0 {
            parts.push(format!("{verifying} verifying"));
        }
        if asking > 0 {
            parts.push(format!("{asking} waiting for a person"));
        }
        parts.join(", ")
    }

    /// Whether the calm screen is shown in the overview's place.
    #[must_use]
    pub fn calm(&self) -> bool {
        use super::list::Group;
        self.place == Place::Overview
            && self.overview.filter.is_empty()
            && !self
                .overview
                .rows
                .iter()
                .any(|row| matches!(Group::of(row), Group::NeedsYou | Group::Acting))
    }
}
