//! Scenarios made from a seed: many incidents, each on a workload of its own, with faults by rate.
//!
//! Each incident's workload comes some minutes before it and goes some time after it, so that the world stays small
//! however many there are, and what one case leaves behind never meets another.

use super::behaviour::{Crash, Profile};
use super::faults::Rates;
use super::people::{Does, Habit};
use super::scenario::{Happens, Incident, NodeSpec, Of, Scenario, Workload};
use super::seeded::Seeded;
use crate::domain::time::Timestamp;
use crate::domain::workflow::plan::Risk;
use std::collections::BTreeMap;

/// Seconds between the beginnings of incidents.
const APART_S: u64 = 240;
/// Seconds that a workload runs well before its incident.
const BEFORE_S: u64 = 300;
/// Seconds that it stays after the incident began: longer than a request stays open and a rollout may take.
const AFTER_S: u64 = 4_200;
/// 2026-11-23T00:00:00Z.
const BEGINS: i64 = 1_795_392_000;

/// What can go wrong in a generated scenario.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// The program needs more than its limit.
    Outgrown,
    /// It leaks.
    Leak,
    /// A new image crashes.
    BadRollout,
    /// A new image does not exist.
    NoImage,
    /// Its Secret is deleted, and it is rolled.
    NoSecret,
    /// Its limit is lowered below what it needs.
    Lowered,
    /// A variable makes it crash.
    BadEnv,
}

const KINDS: [Kind; 7] = [
    Kind::Outgrown,
    Kind::Leak,
    Kind::BadRollout,
    Kind::NoImage,
    Kind::NoSecret,
    Kind::Lowered,
    Kind::BadEnv,
];

impl Scenario {
    /// A scenario of so many incidents, made from a seed.
    #[must_use]
    pub fn generated(seed: u64, incidents: u32) -> Self {
        let mut random = Seeded::new(seed, "scenario");
        let lasts = BEFORE_S + u64::from(incidents) * APART_S + AFTER_S;
        let mut scenario = Self {
            cluster: format!("generated-{seed}"),
            about: format!("{incidents} incidents from seed {seed}"),
            start: Timestamp::from_timestamp(BEGINS, 0).unwrap_or_default(),
            lasts,
            opens_after: 0,
            nodes: nodes(),
            images: BTreeMap::new(),
            workloads: Vec::new(),
            config: BTreeMap::new(),
            quota: BTreeMap::new(),
            timeline: Vec::new(),
            people: people(),
            rights: Vec::new(),
            faults: Rates {
                api_down: 2,
                throttled: 2,
                conflict: 30,
                answer_lost: 30,
                request_lost: 30,
                metrics_down: 5,
            },
        };
        for number in 0..incidents {
            scenario.add(number, &mut random);
        }
        scenario.timeline.sort_by_key(|incident| incident.at);
        scenario
    }

    fn add(&mut self, number: u32, random: &mut Seeded) {
        let kind = random.pick(&KINDS).copied().unwrap_or(Kind::Outgrown);
        let name = format!("svc-{number:04}");
        let namespace = format!("team-{}", random.below(6));
        let image = |tag: &str| format!("registry.example/{name}:{tag}");
        let needs = random.between(80, 240) << 20;
        let log = vec![format!("{name} ready")];
        let good = Profile { needs, log, ..Profile::default() };
        let crash = |when_env: Option<&str>| {
            Some(Crash {
                after_s: 3,
                code: 1,
                log: vec!["fatal: simulated failure".into()],
                when_env: when_env.map(String::from),
                without_env: None,
            })
        };
        let steady = match kind {
            Kind::BadEnv => Profile { crash: crash(Some("MODE=broken")), ..good.clone() },
            _ => good.clone(),
        };
        self.images.insert(image("1"), steady);
        self.images.insert(image("2"), Profile { crash: crash(None), ..good });
        let workload = Workload {
            kind: "Deployment".into(),
            namespace: namespace.clone(),
            name: name.clone(),
            image: image("1"),
            replicas: random.between(1, 3),
            limit: Some(format!("{}Mi", (needs >> 20) * 3 / 2)),
            request: Some(format!("{}Mi", needs >> 20)),
            cpu: None,
            env: Vec::new(),
            secret_env: vec![format!("TOKEN={name}/token")],
            config_maps: Vec::new(),
            min_available: random.chance(300).then_some(1),
            history: Vec::new(),
            annotations: BTreeMap::new(),
            labels: BTreeMap::new(),
            by: "ci-deployer".into(),
            no_service: true,
        };
        let at = BEFORE_S + u64::from(number) * APART_S + random.below(APART_S / 2);
        let target = format!("{namespace}/Deployment/{name}");
        let secret = format!("{namespace}/Secret/{name}");
        let mut put =
            |at: u64, note: String, what: Happens| self.timeline.push(Incident { at, note, what });
        let keys = vec!["token".to_string()];
        put(at - BEFORE_S, String::new(), Happens::Config { target: secret.clone(), keys });
        put(at - BEFORE_S, String::new(), Happens::Deploy { workload: Box::new(workload) });
        for (late, what) in trouble(kind, &target, &secret, &image("1"), &image("2"), needs) {
            put(at + late, format!("{target}: {kind:?}"), what);
        }
        for gone in [target, secret, format!("{namespace}/PodDisruptionBudget/{name}")] {
            put(at + AFTER_S, String::new(), Happens::Delete { target: gone });
        }
    }
}

fn trouble(
    kind: Kind,
    target: &str,
    secret: &str,
    good: &str,
    bad: &str,
    needs: i64,
) -> Vec<(u64, Happens)> {
    let of = |by: &str| Of { target: target.into(), by: by.into() };
    let good = good.to_string();
    match kind {
        Kind::Outgrown => vec![(0, Happens::Needs { image: good, needs: needs * 7 / 4, over: 60 })],
        Kind::Leak => vec![(0, Happens::Leaks { image: good, per_hour: needs * 2 })],
        Kind::BadRollout => {
            vec![(0, Happens::SetImage { of: of("ci-deployer"), image: bad.into() })]
        }
        Kind::NoImage => {
            let image = bad.replace(":2", ":missing");
            vec![(0, Happens::SetImage { of: of("kubectl-set"), image })]
        }
        Kind::NoSecret => vec![
            (0, Happens::Delete { target: secret.into() }),
            (5, Happens::SetEnv { of: of("kubectl-edit"), name: "ROLL".into(), value: "1".into() }),
        ],
        Kind::Lowered => {
            let limit = format!("{}Mi", (needs >> 20) * 3 / 4);
            vec![(0, Happens::SetLimit { of: of("kubectl-edit"), limit })]
        }
        Kind::BadEnv => {
            let (name, value) = ("MODE".to_string(), "broken".to_string());
            vec![(0, Happens::SetEnv { of: of("kubectl-edit"), name, value })]
        }
    }
}

fn nodes() -> Vec<NodeSpec> {
    (1..=4)
        .map(|number| NodeSpec {
            name: format!("wk-{number:02}"),
            cpu: "16".into(),
            memory: "64Gi".into(),
            labels: BTreeMap::new(),
        })
        .collect()
}

/// Most approve soon, some late, some reject, some let it expire.
fn people() -> Vec<Habit> {
    let habit =
        |who: &str, does: Does, after: u64, spread: u64, per_mille: u64, risks: &[Risk]| Habit {
            who: who.into(),
            target: String::new(),
            risks: risks.to_vec(),
            does,
            after,
            spread,
            per_mille,
            reason: if does == Does::Reject { "not now".into() } else { String::new() },
        };
    vec![
        habit("mira", Does::Ignore, 1, 0, 60, &[]),
        habit("mira", Does::Reject, 60, 300, 60, &[]),
        habit("mira", Does::Approve, 900, 600, 60, &[]),
        habit("mira", Does::Approve, 20, 240, 1_000, &[]),
        habit("sam", Does::Approve, 120, 240, 1_000, &[Risk::Critical]),
    ]
}
