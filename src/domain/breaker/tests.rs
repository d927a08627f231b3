use super::*;
use crate::domain::time::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

fn wall(ms: u64) -> Timestamp {
    let start = chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    start + chrono::TimeDelta::milliseconds(i64::try_from(ms).unwrap())
}

fn at(ms: u64) -> Moment {
    Moment { mono: Duration::from_millis(ms), wall: wall(ms) }
}

fn limits() -> Limits {
    Limits {
        window_s: 20,
        min_calls: 4,
        failure_percent: 50,
        slow_percent: 75,
        slow_after_s: 3,
        open_s: 2,
        open_most_s: 16,
        probes: 2,
        probe_lease_s: 10,
    }
}

fn breaker() -> Breaker {
    Breaker::new(Destination::Prometheus, limits(), 7, wall(0))
}

fn down() -> Answer {
    Answer::Down(Down::NoConnection, "refused".into())
}

/// One call that begins and ends now.
fn call(breaker: &mut Breaker, answer: &Answer, ms: u64) -> bool {
    match breaker.begin(at(ms)) {
        Ok(ticket) => {
            breaker.end(ticket, answer, Duration::ZERO, at(ms));
            true
        }
        Err(_) => false,
    }
}

fn opened() -> Breaker {
    let mut breaker = breaker();
    for n in 0..4 {
        assert!(call(&mut breaker, &down(), n));
    }
    assert_eq!(breaker.state(), State::Open);
    breaker
}

fn open_for(breaker: &Breaker, ms: u64) -> u64 {
    let until = breaker.until(at(ms)).unwrap();
    u64::try_from((until - wall(ms)).num_milliseconds()).unwrap()
}

#[test]
fn it_opens_at_the_failure_rate_and_not_before_the_least_number_of_calls() {
    let mut breaker = breaker();
    for n in 0..3 {
        call(&mut breaker, &down(), n);
    }
    assert_eq!(breaker.state(), State::Closed, "three calls are too few");
    call(&mut breaker, &Answer::Good, 3);
    assert_eq!(breaker.state(), State::Open, "3 of 4 are more than half");
    let half = |last: &Answer| {
        let mut breaker = self::breaker();
        for answer in [&Answer::Good, &Answer::Good, &down(), last] {
            call(&mut breaker, answer, 0);
        }
        breaker.state()
    };
    assert_eq!(half(&down()), State::Open, "exactly half is enough");
    assert_eq!(half(&Answer::Good), State::Closed);
}

#[test]
fn answers_that_say_no_and_what_tells_nothing_never_open_it() {
    let mut breaker = breaker();
    for n in 0..1_000 {
        let answer = if n % 2 == 0 { Answer::No("HTTP 404".into()) } else { Answer::Untold };
        assert!(call(&mut breaker, &answer, n));
    }
    assert_eq!(breaker.state(), State::Closed);
    let view = breaker.view("", at(1_000));
    let counted = view.counted.unwrap();
    assert_eq!((counted.calls, counted.down), (500, 0));
    assert_eq!(counted.noes, [("HTTP 404".to_string(), 500)]);
}

#[test]
fn calls_leave_the_window_with_time() {
    let mut breaker = breaker();
    for n in 0..3 {
        call(&mut breaker, &down(), n);
    }
    call(&mut breaker, &down(), 30_000);
    assert_eq!(breaker.state(), State::Closed, "the three are 30 s old, the window has 20");
}

#[test]
fn slow_calls_open_it_although_they_answer() {
    let mut breaker = breaker();
    for n in 0..4 {
        let ticket = breaker.begin(at(n)).unwrap();
        breaker.end(ticket, &Answer::Good, Duration::from_secs(3), at(n + 3_000));
    }
    assert_eq!(breaker.state(), State::Open);
    assert!(breaker.view("", at(4_000)).cause.contains("4 of 4 calls took 3 s or longer"));
}

#[test]
fn a_call_that_was_given_up_counts_as_slow_when_it_had_waited_long_and_else_not_at_all() {
    let mut quick = breaker();
    for n in 0..10 {
        let ticket = quick.begin(at(n)).unwrap();
        quick.give_up(ticket, Duration::from_secs(1), at(n + 1_000));
    }
    assert_eq!(quick.state(), State::Closed);
    let mut long = breaker();
    for n in 0..4 {
        let ticket = long.begin(at(n)).unwrap();
        long.give_up(ticket, Duration::from_secs(4), at(n + 4_000));
    }
    assert_eq!(long.state(), State::Open);
}

#[test]
fn open_time_grows_up_to_the_longest_and_varies_by_a_fifth_with_the_seed() {
    let mut seen = BTreeSet::new();
    for seed in 0..50 {
        let mut breaker = Breaker::new(Destination::Prometheus, limits(), seed, wall(0));
        for n in 0..4 {
            call(&mut breaker, &down(), n);
        }
        let mut now = 3;
        for expected in [2_000_u64, 4_000, 8_000, 16_000, 16_000] {
            let length = open_for(&breaker, now);
            assert!(length.abs_diff(expected) <= expected / 5, "{length} for {expected}");
            seen.insert(length);
            now += length;
            assert!(call(&mut breaker, &down(), now), "its time is over: a probe passes");
            assert_eq!(breaker.state(), State::Open);
        }
    }
    assert!(seen.len() > 100, "the jitter does vary: {}", seen.len());
    assert_eq!(open_for(&opened(), 3), open_for(&opened(), 3), "and follows from the seed");
}

#[test]
fn it_closes_after_enough_good_probes_and_forgets_how_often_it_was_open() {
    let mut breaker = opened();
    let now = 3 + open_for(&breaker, 3);
    assert!(breaker.begin(at(now - 1)).is_err());
    let first = breaker.begin(at(now)).unwrap();
    let second = breaker.begin(at(now)).unwrap();
    let refused = breaker.begin(at(now)).unwrap_err();
    assert_eq!(refused.since, wall(3), "whoever finds no place hears since when it is open");
    breaker.end(first, &Answer::Good, Duration::ZERO, at(now + 1));
    assert_eq!(breaker.state(), State::HalfOpen);
    breaker.end(second, &Answer::No("HTTP 404".into()), Duration::ZERO, at(now + 2));
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(breaker.view("", at(now + 2)).waits_s, Vec::<u64>::new());
    assert_eq!(breaker.view("", at(now + 2)).down_since, None);
}

#[test]
fn a_probe_that_never_answers_gives_its_place_back_and_its_late_word_changes_nothing() {
    let mut breaker = opened();
    let now = 3 + open_for(&breaker, 3);
    let lost = breaker.begin(at(now)).unwrap();
    let _also_lost = breaker.begin(at(now)).unwrap();
    assert!(breaker.begin(at(now + 9_999)).is_err());
    let third = breaker.begin(at(now + 10_000)).unwrap();
    breaker.end(lost, &down(), Duration::from_secs(11), at(now + 11_000));
    assert_eq!(breaker.state(), State::HalfOpen, "its place was given away");
    breaker.end(third, &Answer::Good, Duration::ZERO, at(now + 11_000));
    assert_eq!(breaker.places(), 1, "one is well, one more is wanted");
}

#[test]
fn a_slow_probe_is_a_bad_one() {
    let mut breaker = opened();
    let now = 3 + open_for(&breaker, 3);
    let probe = breaker.begin(at(now)).unwrap();
    breaker.end(probe, &Answer::Good, Duration::from_secs(5), at(now + 5_000));
    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn what_began_before_a_change_of_state_decides_nothing_after_it() {
    let mut breaker = breaker();
    let old = (0..6).map(|_| breaker.begin(at(0)).unwrap()).collect::<Vec<_>>();
    for ticket in &old[..4] {
        breaker.end(*ticket, &down(), Duration::ZERO, at(1));
    }
    let now = 1 + open_for(&breaker, 1);
    breaker.tick(at(now));
    assert_eq!(breaker.state(), State::HalfOpen);
    breaker.end(old[4], &down(), Duration::from_secs(2), at(now + 1));
    breaker.end(old[5], &Answer::Good, Duration::from_secs(2), at(now + 1));
    assert_eq!((breaker.state(), breaker.places()), (State::HalfOpen, 2));
}

#[test]
fn forced_open_lets_nothing_through_until_it_is_taken_back_and_disabled_everything() {
    let mut breaker = breaker();
    breaker.set(Setting::ForcedOpen, "by jonas: floods", at(0));
    assert_eq!(
        breaker.begin(at(1_000_000)).unwrap_err().to_string(),
        "breaker prometheus is forced since 2026-09-21T14:13:20.000Z (by jonas: floods)"
    );
    breaker.set(Setting::Automatic, "by jonas: calm again", at(1_000_001));
    assert!(call(&mut breaker, &Answer::Good, 1_000_002));
    breaker.set(Setting::Disabled, "by mira: it lies", at(1_000_003));
    for n in 0..50 {
        assert!(call(&mut breaker, &down(), 1_000_004 + n));
    }
    assert_eq!(breaker.state(), State::Disabled);
    breaker.set(Setting::Automatic, "by mira: done", at(2_000_000));
    assert!(call(&mut breaker, &down(), 2_000_001));
    assert_eq!(
        breaker.state(),
        State::Closed,
        "what came while it was disabled is not held against it"
    );
    let states = breaker.take_moves().iter().map(|one| (one.from, one.to)).collect::<Vec<_>>();
    assert_eq!(
        states,
        [
            (State::Closed, State::Forced),
            (State::Forced, State::Closed),
            (State::Closed, State::Disabled),
            (State::Disabled, State::Closed),
        ]
    );
}

/// What can happen to a breaker in the small model.
#[derive(Debug, Clone, Copy)]
enum Step {
    Begin,
    EndGood,
    EndDown,
    EndSlow,
    GiveUp,
    Wait(u64),
    Set(Setting),
}

const STEPS: [Step; 10] = [
    Step::Begin,
    Step::EndGood,
    Step::EndDown,
    Step::EndSlow,
    Step::GiveUp,
    Step::Wait(1_000),
    Step::Wait(25_000),
    Step::Set(Setting::ForcedOpen),
    Step::Set(Setting::Disabled),
    Step::Set(Setting::Automatic),
];

/// The edges of the drawing in the module's documentation.
fn allowed(from: State, to: State) -> bool {
    matches!(
        (from, to),
        (State::Closed | State::HalfOpen, State::Open)
            | (State::Open, State::HalfOpen)
            | (State::HalfOpen | State::Forced | State::Disabled, State::Closed)
            | (_, State::Forced | State::Disabled)
    ) && from != to
}

#[derive(Clone)]
struct World {
    breaker: Breaker,
    out: Vec<(Ticket, State)>,
    now: u64,
}

impl World {
    fn step(&mut self, step: Step) {
        let end = |world: &mut Self, answer: &Answer, took: u64| {
            if !world.out.is_empty() {
                let (ticket, _) = world.out.remove(0);
                world.breaker.end(ticket, answer, Duration::from_millis(took), at(world.now));
            }
        };
        match step {
            Step::Begin => {
                let places = {
                    self.breaker.tick(at(self.now));
                    self.breaker.places()
                };
                let state = self.breaker.state();
                let begun = self.breaker.begin(at(self.now));
                match state {
                    State::Closed | State::Disabled => assert!(begun.is_ok()),
                    State::Open | State::Forced => assert!(begun.is_err()),
                    State::HalfOpen => assert_eq!(begun.is_ok(), places > 0),
                }
                if let Ok(ticket) = begun {
                    self.out.push((ticket, state));
                }
            }
            Step::EndGood => end(self, &Answer::Good, 0),
            Step::EndDown => end(self, &down(), 0),
            Step::EndSlow => end(self, &Answer::Good, 3_000),
            Step::GiveUp => {
                if !self.out.is_empty() {
                    let (ticket, _) = self.out.remove(0);
                    self.breaker.give_up(ticket, Duration::from_secs(1), at(self.now));
                }
            }
            Step::Wait(ms) => self.now += ms,
            Step::Set(setting) => self.breaker.set(setting, "test", at(self.now)),
        }
    }

    fn holds(&mut self, path: &[Step]) {
        for one in self.breaker.take_moves() {
            assert!(allowed(one.from, one.to), "{one:?} after {path:?}");
            assert_eq!(one.until.is_some(), one.to == State::Open, "{one:?} after {path:?}");
        }
        let view = self.breaker.view("", at(self.now));
        assert_eq!(view.down_since.is_some(), !view.state.passes(), "{view:?} after {path:?}");
        if let Some((good, out, wanted)) = view.probes {
            assert!(good < wanted && good + out <= wanted, "{view:?} after {path:?}");
        }
    }
}

fn explore(world: &World, path: &mut Vec<Step>, depth: usize, seen: &mut usize) {
    *seen += 1;
    if depth == 0 {
        return;
    }
    for step in STEPS {
        let mut next = world.clone();
        path.push(step);
        next.step(step);
        next.holds(path);
        explore(&next, path, depth - 1, seen);
        path.pop();
    }
}

#[test]
fn no_sequence_of_five_steps_from_any_state_breaks_a_promise() {
    let limits = Limits { min_calls: 1, ..limits() };
    let closed = World {
        breaker: Breaker::new(Destination::Cluster, limits, 1, wall(0)),
        out: Vec::new(),
        now: 0,
    };
    let mut open = closed.clone();
    open.step(Step::Begin);
    open.step(Step::EndDown);
    let mut half = open.clone();
    half.step(Step::Wait(25_000));
    half.step(Step::Begin);
    assert_eq!(half.breaker.state(), State::HalfOpen);
    let mut seen = 0;
    for mut start in [closed, open, half] {
        start.breaker.take_moves();
        explore(&start, &mut Vec::new(), 5, &mut seen);
    }
    assert!(seen > 300_000, "{seen}");
}

#[test]
fn the_hour_that_is_shown_has_thirty_parts_and_forgets_what_is_older() {
    let mut breaker = breaker();
    call(&mut breaker, &down(), 0);
    call(&mut breaker, &Answer::Good, 59 * 60_000);
    let counted = breaker.view("", at(59 * 60_000)).counted.unwrap();
    assert_eq!((counted.parts.len(), counted.parts[0], counted.parts[29]), (30, (1, 1), (1, 0)));
    assert_eq!(counted.kinds, [("no connection".to_string(), 1)]);
    let later = breaker.view("", at(61 * 60_000)).counted.unwrap();
    assert_eq!((later.calls, later.down), (1, 0));
}

#[test]
fn nonsense_in_the_limits_is_named() {
    for destination in Destination::ALL {
        let shipped = Limits::shipped(*destination);
        let call_s = if *destination == Destination::Model { 20 } else { 10 };
        let every_s = Some(30).filter(|_| *destination == Destination::Alertmanager);
        assert_eq!(shipped.nonsense(call_s, every_s), []);
    }
    let odd = Limits { open_s: 99, slow_after_s: 10, probe_lease_s: 2, ..limits() };
    let names = odd.nonsense(10, Some(30)).into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(names, ["open", "slow_after", "probe_lease", "window"]);
}
