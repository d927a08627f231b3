//! What the operator meant by a key. The words are those of the keymap.

macro_rules! intents {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// What the operator meant.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Intent { $($(#[$doc])* $variant,)* }

        impl Intent {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its word in the keymap.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

intents! {
    /// Open what is selected; unfold; follow.
    Open = "open",
    /// One down.
    Down = "down",
    /// One up.
    Up = "up",
    /// To the first.
    First = "first",
    /// To the last.
    Last = "last",
    /// Half a screen down.
    HalfDown = "half_down",
    /// Half a screen up.
    HalfUp = "half_up",
    /// Back, close.
    Back = "back",
    /// To the previous screen.
    JumpBack = "jump_back",
    /// Next pane; leave or enter the field.
    NextPane = "next_pane",
    /// Next row that needs a person.
    NextNeed = "next_need",
    /// Previous row that needs a person.
    PreviousNeed = "previous_need",
    /// Detail on, off.
    Detail = "detail",
    /// Fold, unfold.
    Fold = "fold",
    /// Fold all, none.
    FoldAll = "fold_all",
    /// Log in place of the peek.
    LogPane = "log_pane",
    /// Filter.
    Filter = "filter",
    /// Next match.
    NextMatch = "next_match",
    /// Previous match.
    PreviousMatch = "previous_match",
    /// Freeze the picture.
    Freeze = "freeze",
    /// Copy the id.
    CopyId = "copy_id",
    /// Next theme.
    Theme = "theme",
    /// All evidence on the card.
    Evidence = "evidence",
    /// All steps and fields on the card.
    AllDiffs = "all_diffs",
    /// Draw anew.
    Redraw = "redraw",
    /// Suspend.
    Suspend = "suspend",
    /// Leave.
    Quit = "quit",
    /// The key that approves low risk, and ends the chord.
    Approve = "approve",
    /// The key that begins the chord.
    Arm = "arm",
    /// Reject.
    Reject = "reject",
    /// Not now.
    NotNow = "not_now",
    /// Open the card.
    OpenCard = "open_card",
    /// Open the card at the reason for rejecting.
    OpenReject = "open_reject",
    /// Take charge.
    Claim = "claim",
    /// A new plan.
    PlanAnew = "plan_anew",
    /// Pause: finish the operation in hand, start no other.
    Pause = "pause",
    /// Go on; hand back.
    Resume = "resume",
    /// End a run.
    Cancel = "cancel",
    /// Leave a step out.
    SkipStep = "skip_step",
    /// Try what failed again.
    RetryStep = "retry_step",
    /// Take back what a closed case changed.
    Undo = "undo",
    /// Do it by hand.
    TakeOver = "take_over",
    /// Hold a breaker open.
    ForceBreaker = "force_breaker",
    /// Take a breaker out of the way.
    DisableBreaker = "disable_breaker",
    /// Let a breaker go by itself again.
    NormalBreaker = "normal_breaker",
    /// Stop everything.
    Stop = "stop",
    /// Lift the stop.
    Start = "start",
    /// Overview.
    GoOverview = "go_overview",
    /// Approvals.
    GoApprovals = "go_approvals",
    /// All remediations.
    GoRemediations = "go_remediations",
    /// Breakers.
    GoBreakers = "go_breakers",
    /// Effectiveness.
    GoEffectiveness = "go_effectiveness",
    /// Effectiveness: what is grouped by.
    FiguresBy = "figures_by",
    /// Effectiveness: over which time.
    FiguresPeriod = "figures_period",
    /// Event log.
    GoAudit = "go_audit",
    /// Engine logs.
    GoLogs = "go_logs",
    /// Command palette.
    Palette = "palette",
    /// Help.
    Help = "help",
}

impl Intent {
    /// Whether it can decide on a plan. These are bound on cards only.
    #[must_use]
    pub fn decides(self) -> bool {
        matches!(self, Self::Approve | Self::Arm | Self::Reject)
    }

    /// Whether it changes anything outside the console, or opens what does.
    #[must_use]
    pub fn acts(self) -> bool {
        self.decides()
            || matches!(
                self,
                Self::OpenCard
                    | Self::OpenReject
                    | Self::Claim
                    | Self::PlanAnew
                    | Self::ForceBreaker
                    | Self::DisableBreaker
                    | Self::NormalBreaker
                    | Self::Stop
                    | Self::Start
            )
            || self.steers()
    }

    /// Whether it steers a case.
    #[must_use]
    pub fn steers(self) -> bool {
        matches!(
            self,
            Self::Pause
                | Self::Resume
                | Self::Cancel
                | Self::SkipStep
                | Self::RetryStep
                | Self::Undo
                | Self::TakeOver
        )
    }

    /// The one with that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|intent| intent.word() == word)
    }
}
