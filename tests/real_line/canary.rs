//! Secrets are found nowhere: not in the store, the log, the screens, the reports, what verbs print, or a recorded case.
//!
//! Each way in has a value of its own, so that a find says which way it took.

use crate::console::Console;
use crate::world::{Environment, OK, World, text};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// What nothing may say. Each as it would be written where people put secrets.
const SECRETS: [&str; 9] = [
    "Zq7-prometheus-4471",
    "Zq7-alertmanager-4472",
    "Zq7-webhook-4473",
    "Zq7-secret-4474",
    "Zq7-literal-4475",
    "Zq7-argument-4476",
    "Zq7-logged-4477",
    "Zq7-bearer-4478",
    "Zq7-annotation-4479",
];
/// What is written into the pod template itself.
const KEPT: [&str; 2] = [SECRETS[4], SECRETS[5]];
/// The Secret's value as the API server shows it.
const ENCODED: &str = "WnE3LXNlY3JldC00NDc0";

/// A workload that has secrets wherever workloads have them, and tells them as it dies.
fn shop(world: &World, script: &str) -> Value {
    let mut shop = world.deployment("shop", 1, script, None);
    let container = &mut shop["spec"]["template"]["spec"]["containers"][0];
    container["env"] = json!([
        {"name": "DB_PASSWORD", "value": "Zq7-literal-4475"},
        {"name": "API_KEY", "valueFrom": {"secretKeyRef": {"name": "shop", "key": "password"}}},
        {"name": "PIN", "valueFrom": {"secretKeyRef": {"name": "shop", "key": "pin"}}},
        {"name": "HEADER", "valueFrom": {"secretKeyRef": {"name": "shop", "key": "header"}}},
    ]);
    container["args"] = json!(["shop", "--password=Zq7-argument-4476"]);
    // A new pod that dies at once never counts as available: those of before stay.
    shop["spec"]["minReadySeconds"] = json!(10);
    shop["metadata"]["annotations"] = json!({"example.com/api-token": "Zq7-annotation-4479"});
    shop
}

/// All that is written below a directory.
fn files(directory: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, into);
        } else if path.is_file() {
            into.push((path.display().to_string(), std::fs::read(&path).expect("a file")));
        }
    }
}

/// What the verbs print and write of the case.
fn printed(world: &World, id: &str, tokens: [(&str, &str); 3]) -> Vec<(String, Vec<u8>)> {
    let mut said = Vec::new();
    let reports = world.path("out").display().to_string();
    let recorded = world.path("case.json").display().to_string();
    for verb in [
        &["show", id][..],
        &["show", id, "--output", "json"],
        &["list", "--output", "json"],
        &["logs", id],
        &["watch", id, "--timeout", "1s"],
        &["audit", "show", "--output", "json"],
        &["config", "show"],
        &["doctor"],
        &["handover"],
        &["export", id, "--format", "json,md,html,csv", "--to", &reports],
        &["export", "--since", "1h", "--format", "json,md,html,csv", "--to", &reports],
        &["record", id, "--to", &recorded],
    ] {
        let output = world.command(verb).envs(tokens).output().expect("the program");
        assert!(!output.stdout.is_empty() || output.status.success(), "{verb:?}: {output:?}");
        said.push((format!("{verb:?}"), [output.stdout, output.stderr].concat()));
    }
    said
}

fn none_of_them_in(said: &[(String, Vec<u8>)]) {
    for (place, bytes) in said {
        let words = text(bytes);
        // Undo needs the pod template from before as it was, also what people wrote into it for all to read.
        let kept = |secret: &&&str| place.contains("store.db") && KEPT.contains(*secret);
        for secret in SECRETS.iter().chain([&ENCODED]).filter(|secret| !kept(secret)) {
            let found = words.find(secret).map(|at| {
                let start = words[..at].char_indices().rev().nth(80).map_or(0, |(at, _)| at);
                words[start..at + secret.len()].to_string()
            });
            assert_eq!(found, None, "{secret} is in {place}");
        }
    }
}

#[test]
fn secrets_are_found_nowhere() {
    let Some(environment) = Environment::find("secrets that are found nowhere") else { return };
    let mut world = World::new(&environment, "canary", "[log]\nlevel = \"debug\"\n");
    let medium = std::fs::read_to_string(&world.config).expect("settings");
    std::fs::write(&world.config, format!("{medium}[approval]\nwithout_terminal = \"medium\"\n"))
        .expect("settings");
    let tokens = [
        ("PILOTHOUSE_PROMETHEUS_TOKEN", SECRETS[0]),
        ("PILOTHOUSE_ALERTMANAGER_TOKEN", SECRETS[1]),
        ("PILOTHOUSE_WEBHOOK_TOKEN", SECRETS[2]),
    ];
    world.apply(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "shop"},
        "stringData": {"password": SECRETS[3], "pin": SECRETS[6],
            "header": SECRETS[7]}}));
    world.apply(&shop(&world, OK));
    world.kubectl(&["-n", &world.namespace, "rollout", "status", "deploy/shop", "--timeout=120s"]);
    world.start_engine_with(&tokens);
    world.apply(&shop(
        &world,
        "echo \"connecting with password=$PIN\"; echo \"Authorization: Bearer $HEADER\"
         echo \"postgres://shop:$PIN@db/shop: no pg_hba.conf entry\"; exit 1",
    ));
    let case = world.wait_for("a plan", 180, |case| case["state"] == "awaiting_approval");
    assert_eq!(case["cause"], "bad-rollout", "{case:#}");
    let told = case.to_string();
    assert!(told.contains("<redacted>"), "the log was read, and what is secret taken out: {told}");

    let mut said = Vec::new();
    let id = case["id"].as_str().expect("an id").to_string();
    let mut console = Console::start(&world);
    let mut look = |console: &mut Console, keys: &str, wanted: &str| {
        console.press(keys);
        said.push((format!("screen after {keys:?}"), console.wait_for(wanted, 60).into_bytes()));
    };
    look(&mut console, "", "ploy/shop");
    look(&mut console, " a", "CHANGE");
    // Keys are dead for half a second after the card came.
    std::thread::sleep(Duration::from_secs(2));
    look(&mut console, "\u{1b}", "? approval");
    let (code, out, err) = world.approve(&case);
    assert_eq!(code, 0, "{out}{err}");
    let case = world.wait_for("the verdict", 300, |case| case["state"] == "closed");
    assert_eq!(case["outcome"], "effective", "{case:#}");
    look(&mut console, "\r", "tries");
    look(&mut console, "", "effective");
    drop(console);

    said.extend(printed(&world, &id, tokens));
    // An end in the middle of everything says nothing of them either.
    world.kill_engine();
    files(&world.directory, &mut said);
    let written = said.iter().map(|(place, _)| place.as_str()).collect::<Vec<_>>();
    for needed in ["store.db", "pilothouse.log", "engine.log", ".html", "case.json"] {
        assert!(written.iter().any(|place| place.contains(needed)), "{needed} of {written:?}");
    }
    none_of_them_in(&said);
}
