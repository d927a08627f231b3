//! The verbs from outside, in a cleared environment: exit codes, shapes, bad input.

#![allow(
    clippy::duration_suboptimal_units,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may end loudly"
)]

use assert_cmd::Command;
use pilothouse::adapters::store::sqlite::SqliteStore;
use pilothouse::domain::alert::{Alert, AlertStatus};
use pilothouse::domain::envelope::Head;
use pilothouse::domain::event::{Event, Outcome, Recorded};
use pilothouse::domain::id::{BatchId, ClusterId, Fingerprint, RemediationId};
use pilothouse::domain::time::Timestamp;
use pilothouse::engine::log::drafts;
use pilothouse::ports::store::{IndexRow, Store as _};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

/// A home of its own for each test, with nothing of the environment.
struct Home(tempfile::TempDir);

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn store(&self) -> PathBuf {
        self.path(".local/state/pilothouse/pilothouse.db")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        // Not through cargo's runner, which needs a PATH.
        let mut command = Command::new(env!("CARGO_BIN_EXE_pilothouse"));
        command.env_clear().env("HOME", self.0.path()).current_dir(self.0.path()).args(arguments);
        command.timeout(std::time::Duration::from_secs(60));
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments).output().unwrap())
    }

    fn with(&self, name: &str, text: &str) -> &Self {
        std::fs::write(self.path(name), text).unwrap();
        self
    }
}

fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().expect("it ended by itself"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

fn alert() -> Alert {
    Alert {
        fingerprint: Fingerprint::new("cf712301548eb2b4"),
        status: AlertStatus::Firing,
        labels: BTreeMap::from([
            ("alertname".into(), "KubePodOOMKilled".into()),
            ("namespace".into(), "payments".into()),
            ("pod".into(), "ledger-api-1".into()),
        ]),
        annotations: BTreeMap::new(),
        starts_at: at(),
        ends_at: None,
    }
}

fn at() -> Timestamp {
    "2026-11-21T02:01:12Z".parse().unwrap()
}

const CLOSED: &str = "d1xqh7rtv2mkq9fp";
const OPEN: &str = "d2wdz8gcn3wdk7qm";

/// A store with a simulated engine's start, one closed case and one that is stuck, as an engine writes it.
fn seed(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(path).await.unwrap();
        let cluster = ClusterId::new("5e1f");
        let lease = store.acquire(&cluster, "test", 60).await.unwrap();
        let of = |id: Option<&str>, event| Recorded {
            seq: 0,
            at: at(),
            by: "pilothouse".into(),
            cause: String::new(),
            subject: id.map(RemediationId::new),
            event,
        };
        let events = vec![
            of(
                None,
                Event::EngineStarted {
                    holder: "test".into(),
                    version: "0".into(),
                    cluster_name: "prod-eu1".into(),
                    simulated: true,
                },
            ),
            of(Some(CLOSED), Event::Opened { alert: alert(), owner: None }),
            of(Some(CLOSED), Event::Closed { outcome: Outcome::Failed, why: "it broke".into() }),
            of(Some(OPEN), Event::Opened { alert: alert(), owner: None }),
            of(
                Some(OPEN),
                Event::Stuck {
                    during: "diagnosis".into(),
                    why: "no answer".into(),
                    retry_at: None,
                },
            ),
        ];
        let row = |id: &str, first_seq, last_seq| IndexRow {
            id: RemediationId::new(id),
            live: true,
            opened_at: at(),
            first_seq,
            last_seq,
        };
        let index = vec![row(CLOSED, 2, 3), row(OPEN, 4, 5)];
        let drafts = drafts(&store, &events).await.unwrap();
        let batch = BatchId::new("b-1");
        store.append(&lease, &Head::empty(), &batch, drafts, index, Vec::new()).await.unwrap();
        store.release(&lease).await.unwrap();
    });
}

fn seeded() -> Home {
    let home = Home::new();
    seed(&home.store());
    home
}

#[test]
fn help_and_version_are_data_and_a_wrong_command_line_is_talk_with_code_2() {
    let home = Home::new();
    let help = home.run(&["--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    assert!(help.out.contains("approve") && !help.out.contains('\u{1b}'), "{}", help.out);
    assert!(home.run(&["--version"]).out.starts_with("pilothouse "));
    for wrong in [
        &["aprove"][..],
        &["approve", "t4dx"],
        &["stop"],
        &["export"],
        &["list", "--state", "asleep"],
        &["list", "--output", "yaml"],
        &["watch", "--timeout", "soon"],
    ] {
        let ran = home.run(wrong);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{wrong:?} {}", ran.err);
        assert!(!ran.err.is_empty() && !ran.err.contains('\u{1b}'), "{}", ran.err);
    }
    let ran = home.run(&["aprove"]);
    assert!(ran.err.contains("approve"), "a suggestion: {}", ran.err);
}

#[test]
fn without_a_store_reading_says_where_it_looked_and_makes_none() {
    let home = Home::new();
    for verb in
        [&["list"][..], &["show", "d1xq"], &["watch"], &["audit", "verify"], &["logs", "d1"]]
    {
        let ran = home.run(verb);
        assert_eq!((ran.code, ran.out.as_str()), (6, ""), "{verb:?}");
        assert!(ran.err.contains(&home.store().display().to_string()), "{}", ran.err);
    }
    assert!(!home.path(".local").exists());
}

#[test]
fn without_a_terminal_the_console_does_not_start() {
    let home = Home::new();
    let ran = home.run(&[]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("needs a terminal"), "{}", ran.err);
    assert!(!home.path(".local").exists(), "nothing was started");
}

#[test]
fn an_unknown_key_in_the_settings_is_code_2_with_line_and_suggestion() {
    let home = Home::new();
    home.with("c.toml", "[engine]\n\nmod = \"approve\"\n");
    for verb in [&["config", "check"][..], &["list"]] {
        let ran = home.run(&[verb, &["--config", "c.toml"]].concat());
        assert_eq!(ran.code, 2);
        assert!(ran.err.contains("c.toml:3: unknown key `engine.mod`"), "{}", ran.err);
        assert!(ran.err.contains("did you mean `engine.mode`?"), "{}", ran.err);
    }
    let ran = home.run(&["completions", "bash", "--config", "c.toml"]);
    assert_eq!(ran.code, 0, "what needs no settings works with broken ones");
}

#[test]
fn config_show_gives_each_value_with_its_origin_and_no_secret() {
    let home = Home::new();
    home.with("c.toml", "[policy]\nmax_pods = 7\n");
    let ran = ran(home
        .command(&["config", "show", "--output", "json", "--config", "c.toml", "--mode", "suggest"])
        .env("PILOTHOUSE_WEBHOOK_TOKEN", "hunter2")
        .env("SLM_MODEL", "small")
        .env("SLM_ENDPOINT", "http://127.0.0.1:1/v1")
        .output()
        .unwrap());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(!ran.out.contains("hunter2") && !ran.err.contains("hunter2"));
    let value = parsed(&ran.out);
    let of = |key: &str| {
        let items = value["items"].as_array().unwrap();
        items.iter().find(|item| item["key"] == key).unwrap_or_else(|| panic!("{key}")).clone()
    };
    assert_eq!(value["schema"], "pilothouse/v1");
    assert_eq!(of("policy.max_pods")["value"], "7");
    assert!(of("policy.max_pods")["origin"].as_str().unwrap().ends_with("c.toml:2"));
    assert_eq!(of("engine.mode")["origin"], "flag --mode");
    assert_eq!(of("slm.model")["origin"], "environment SLM_MODEL");
    assert_eq!(of("slm.model")["used"], true);
    assert_eq!(of("webhook.token")["value"], "(set, not shown)");
    assert_eq!(of("policy.denied")["origin"], "default");
    let text = home.run(&["config", "show"]);
    assert!(!text.out.contains("(not used yet)"), "each key is used: {}", text.out);
}

#[test]
fn config_check_reads_the_roles_file_and_the_secrets_too() {
    let home = Home::new();
    home.with("c.toml", "[policy]\nroles = \"roles.toml\"\n[webhook]\ntoken_file = \"none\"\n");
    home.with("roles.toml", "[[grant]]\nrole = \"king\"\nusers = [\"mira\"]\n");
    let ran = home.run(&["config", "check", "--config", "c.toml"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("roles.toml:2: role is one of"), "{}", ran.err);
    assert!(ran.err.contains("none can't be read"), "{}", ran.err);
    home.with("roles.toml", "[[grant]]\nrole = \"admin\"\nusers = [\"mira\"]\n").with("none", "t");
    assert_eq!(home.run(&["config", "check", "--config", "c.toml"]).code, 0);
}

#[test]
fn the_example_file_is_accepted_as_it_is() {
    let home = Home::new();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/config.example.toml");
    let ran = home.run(&["config", "check", "--config", example]);
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[test]
fn a_list_is_text_for_people_and_schema_with_items_for_programs() {
    let home = seeded();
    let text = home.run(&["list"]);
    assert_eq!(text.code, 0, "{}", text.err);
    assert!(text.err.contains("SIMULATED"), "{}", text.err);
    assert!(text.out.contains("blocked") && text.out.contains("closed:failed"), "{}", text.out);
    assert!(!text.out.contains('\u{1b}'));

    let value = parsed(&home.run(&["list", "--output", "json"]).out);
    assert_eq!(value["schema"], "pilothouse/v1");
    let items = value["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{value}");
    let stuck = items.iter().find(|item| item["id"] == OPEN).unwrap();
    assert_eq!((&stuck["state"], &stuck["cluster"]), (&json!("blocked"), &json!("prod-eu1")));
    assert_eq!(stuck["alerts"][0]["object"], "payments/Pod/ledger-api-1");

    let lines = home.run(&["list", "--output", "jsonl", "--state", "blocked"]).out;
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert_eq!(parsed(&lines)["id"], OPEN);
}

#[test]
fn show_takes_any_unique_prefix_and_says_what_is_not_unique_or_not_there() {
    let home = seeded();
    let shown = home.run(&["show", "d1"]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    assert!(shown.out.contains(&format!("{CLOSED}  closed  failed")), "{}", shown.out);
    let value = parsed(&home.run(&["show", CLOSED, "-o", "json"]).out);
    assert_eq!(value["id"], CLOSED);
    assert_eq!(value["verdict"]["outcome"], "failed");
    assert_eq!(value["audit"]["head_event"], 5);
    let several = home.run(&["show", "d"]);
    assert_eq!(several.code, 2);
    assert!(several.err.contains("not unique") && several.err.contains(CLOSED), "{}", several.err);
    assert_eq!(home.run(&["show", "zzzz"]).code, 3);
    assert_eq!(home.run(&["logs", "zzzz"]).code, 3);
    let logs = home.run(&["logs", "d2"]);
    assert!(logs.out.contains("diagnosis: no answer; a person has to look"), "{}", logs.out);
}

#[test]
fn watch_ends_with_the_remediation_or_with_code_7() {
    let home = seeded();
    let closed = home.run(&["watch", "d1", "--output", "jsonl"]);
    assert_eq!(closed.code, 0, "{}", closed.err);
    assert_eq!(closed.out.lines().count(), 2);
    assert_eq!(parsed(closed.out.lines().last().unwrap())["kind"], "closed");
    let open = home.run(&["watch", "d2", "--timeout", "1s"]);
    assert_eq!(open.code, 7, "{}", open.err);
    assert_eq!(open.out.lines().count(), 2, "{}", open.out);
    assert_eq!(home.run(&["watch", "--timeout", "1"]).code, 7);
}

#[test]
fn audit_verify_finds_a_changed_byte() {
    let home = seeded();
    let whole = home.run(&["audit", "verify"]);
    assert_eq!(whole.code, 0, "{}", whole.err);
    assert!(whole.out.starts_with("chain whole: 5 events"), "{}", whole.out);
    let value = parsed(&home.run(&["audit", "verify", "--output", "json"]).out);
    assert_eq!((&value["ok"], &value["events"]), (&json!(true), &json!(5)));
    let shown = parsed(&home.run(&["audit", "show", "--after", "3", "--output", "json"]).out);
    assert_eq!(shown["items"].as_array().unwrap().len(), 2);

    // Somebody edits what was said.
    let bytes = std::fs::read(home.store()).unwrap();
    let place = bytes.windows(8).position(|part| part == b"it broke").expect("in the file");
    let mut changed = bytes;
    changed[place..place + 8].copy_from_slice(b"it works");
    std::fs::write(home.store(), changed).unwrap();
    let broken = home.run(&["audit", "verify"]);
    assert_eq!(broken.code, 1, "{}", broken.out);
    assert!(broken.err.contains("event 3"), "{}", broken.err);
    let value = parsed(&home.run(&["audit", "verify", "--output", "json"]).out);
    assert_eq!(value["ok"], false);
}

#[test]
fn export_writes_files_with_their_modes_and_prints_to_stdout() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = seeded();
    let ran = home.run(&["export", "d1", "--to", "out/deep"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.out.lines().count(), 2);
    for line in ran.out.lines() {
        let mode = std::fs::metadata(line).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o644, "{line}");
    }
    let mode = std::fs::metadata(home.path("out/deep")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o755);
    let file = std::fs::read_to_string(home.path(&format!("out/deep/{CLOSED}.json"))).unwrap();
    assert_eq!(parsed(&file)["schema"], "pilothouse/v1");

    let page = home.run(&["export", "d1", "--to", "-", "--format", "md"]).out;
    assert!(page.starts_with(&format!("# Remediation {CLOSED}")), "{page}");
    assert!(page.contains("SIMULATED"));
    let page = home.run(&["export", "d1", "--to", "-", "--format", "html"]).out;
    assert!(page.starts_with("<!doctype html>") && page.contains("SIMULATED"), "{page}");

    let schema = home.run(&["export", "--schema", "period"]);
    assert!(parsed(&schema.out)["$schema"].as_str().unwrap().contains("2020-12"));
    assert_eq!(home.run(&["export", "--schema", "night"]).code, 2);

    home.with("file", "");
    let ran = home.run(&["export", "d1", "--to", "file"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("file"), "{}", ran.err);
}

const ALL: [&str; 3] = ["export", "--since", "2026-01-01T00:00:00Z"];

#[test]
fn a_period_has_a_row_for_each_remediation_and_is_as_it_was_at_its_end() {
    let home = seeded();
    let json = |more: &[&str]| {
        let ran = home.run(&[&ALL[..], &["--to", "-", "--format", "json"], more].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        parsed(&ran.out)
    };
    let all = json(&[]);
    assert_eq!(all["schema"], "pilothouse/v1");
    assert_eq!(all["remediations"].as_array().unwrap().len(), 2);
    assert_eq!((&all["counts"]["failed"], &all["counts"]["open"]), (&json!(1), &json!(1)));
    assert_eq!(all["waits"].as_array().unwrap().len(), 2, "the failed and the stuck one");
    assert!(all["waits"][0]["command"].as_str().unwrap().contains(CLOSED));
    for nothing in
        [&["-n", "other"][..], &["--template", "other"], &["--until", "2026-02-01T00:00:00Z"]]
    {
        assert_eq!(json(nothing)["remediations"], json!([]), "{nothing:?}");
    }
    assert_eq!(json(&["-n", "payments"])["remediations"].as_array().unwrap().len(), 2);

    let rows = home.run(&[&ALL[..], &["--to", "-", "--format", "csv"]].concat()).out;
    let lines = rows.split("\r\n").collect::<Vec<_>>();
    assert_eq!((lines.len(), lines[3]), (4, ""), "{rows}");
    assert!(lines[0].starts_with("id,cluster,simulated,opened_at,"), "{rows}");
    assert!(lines[1].starts_with(&format!("{CLOSED},prod-eu1,true,2026-11-21T02:01:12")), "{rows}");

    let ran = home.run(&[&ALL[..], &["--each", "--to", "out", "--format", "md,html"]].concat());
    assert_eq!((ran.code, ran.out.lines().count()), (0, 6), "{}{}", ran.out, ran.err);
    for (wrong, says) in [
        (&["--until", "2025-01-01T00:00:00Z"][..], "the period is empty"),
        (&["--each", "--to", "-"], "name a directory"),
        (&["--sign", "key", "--to", "-"], "name a directory"),
        (&["--format", "pdf"], "possible values"),
    ] {
        let ran = home.run(&[&ALL[..], wrong].concat());
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{wrong:?}");
        assert!(ran.err.contains(says), "{wrong:?}: {}", ran.err);
    }
}

/// Runs ssh-keygen; `None` when it isn't there.
fn ssh_keygen(home: &Home, arguments: &[&str], input: &[u8]) -> Option<Output> {
    let mut command = Command::new("ssh-keygen");
    command.current_dir(home.0.path()).args(arguments).write_stdin(input.to_vec());
    match command.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        ran => Some(ran.unwrap()),
    }
}

#[test]
fn a_signed_report_verifies_and_one_changed_byte_is_refused() {
    let home = seeded();
    let make = ["-q", "-t", "ed25519", "-N", "", "-C", "mira", "-f", "key"];
    let Some(made) = ssh_keygen(&home, &make, b"") else {
        eprintln!("left out: signatures (no ssh-keygen)");
        return;
    };
    assert!(made.status.success(), "{made:?}");
    let sign = ["export", "d1", "--format", "html", "--to", "out", "--sign"];
    let ran =
        ran(home.command(&[&sign[..], &["key"]].concat()).env("PATH", path()).output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.out.lines().count(), 2, "the report and its signature: {}", ran.out);
    let public = std::fs::read_to_string(home.path("key.pub")).unwrap();
    home.with("signers", &format!("mira {public}"));
    let signature = format!("out/{CLOSED}.html.sig");
    let verify = ["-Y", "verify", "-f", "signers", "-I", "mira", "-n", "pilothouse-report", "-s"];
    let verify = [&verify[..], &[&signature]].concat();
    let mut report = std::fs::read(home.path(&format!("out/{CLOSED}.html"))).unwrap();
    let good = ssh_keygen(&home, &verify, &report).unwrap();
    assert!(good.status.success(), "{good:?}");
    *report.last_mut().unwrap() ^= 1;
    let bad = ssh_keygen(&home, &verify, &report).unwrap();
    assert!(!bad.status.success(), "{bad:?}");
}

fn path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

#[test]
fn what_can_not_be_signed_is_not_written() {
    let home = seeded();
    let sign = ["export", "d1", "--format", "md", "--to", "out", "--sign"];
    let missing = home.run(&[&sign[..], &["none"]].concat());
    assert_eq!(missing.code, 1);
    assert!(missing.err.contains("the key none can't be read"), "{}", missing.err);
    home.with("key", "no key");
    let command = [&sign[..], &["key"]].concat();
    let without = ran(home.command(&command).env("PATH", home.path("none")).output().unwrap());
    assert_eq!(without.code, 1);
    assert!(without.err.contains("install it (Debian: openssh-client)"), "{}", without.err);
    let wrong = ran(home.command(&command).env("PATH", path()).output().unwrap());
    assert_eq!(wrong.code, 1, "{}", wrong.err);
    assert!(wrong.err.contains("nothing was written"), "{}", wrong.err);
    assert!(!home.path("out").exists());
}

#[test]
fn bad_alerts_are_refused_with_the_place_of_the_mistake() {
    let home = seeded();
    home.with("broken.json", "{\n  \"alerts\": [}\n");
    let ran = home.run(&["alert", "broken.json"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("line 2 column"), "{}", ran.err);
    assert_eq!(home.run(&["alert", "none.json"]).code, 3);
    std::fs::write(home.path("huge.json"), vec![b' '; 50 * 1024 * 1024]).unwrap();
    let ran = home.run(&["alert", "huge.json"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("more than 8388608 bytes"), "{}", ran.err);
    home.with("nolabels.json", "{\"version\":\"4\",\"alerts\":[{\"status\":\"firing\"}]}");
    let ran = home.run(&["alert", "nolabels.json"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("left out"), "{}", ran.err);
}

#[test]
fn alerts_without_an_engine_lie_in_the_inbox_of_the_store() {
    let home = seeded();
    let payload = json!({
        "version": "4",
        "alerts": [{
            "status": "firing",
            "labels": { "alertname": "A", "namespace": "shop", "pod": "web-1" },
            "startsAt": "2026-11-23T03:10:00Z",
            "fingerprint": "0011223344556677",
        }],
    })
    .to_string();
    let ran = ran(home.command(&["alert", "-"]).write_stdin(payload).output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("1 alerts lie in the inbox"), "{}", ran.err);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let waiting = runtime.block_on(async {
        let store = SqliteStore::open(&home.store()).await.unwrap();
        store.waiting(&ClusterId::new("5e1f"), 10).await.unwrap()
    });
    assert_eq!(waiting.len(), 1);
}

#[test]
fn deciding_without_an_engine_is_code_6_and_never_done() {
    let home = seeded();
    let digest = "9c41e70b".repeat(8);
    for verb in [
        &["approve", "d2", "--plan", &digest][..],
        &["claim", "d2"],
        &["plan-anew", "d2"],
        &["pause", "d2"],
        &["resume", "d2"],
        &["cancel", "d2", "--leave"],
        &["skip", "d2", "1", "--reason", "x"],
        &["retry", "d2", "2.1"],
        &["undo", "d2"],
        &["take-over", "d2"],
        &["revise", "d2", "--set", "factor=1.5"],
        &["plan", "high-memory", "--target", "deploy/cart", "-n", "shop"],
        &["start", "--cluster", "prod-eu1", "--reason", "x"],
    ] {
        let ran = home.run(verb);
        assert_eq!((ran.code, ran.out.as_str()), (6, ""), "{verb:?} {}", ran.err);
        assert!(ran.err.contains("no engine listens on"), "{}", ran.err);
    }
    assert_eq!(home.run(&["reject", "d2", "--reason", "no"]).code, 4, "there is no plan");
    assert_eq!(home.run(&["reject", "d2", "--reason", " "]).code, 2);
    assert_eq!(home.run(&["approve", "zz", "--plan", &digest]).code, 3);
    assert_eq!(home.run(&["pause", "zz"]).code, 3);
}

#[test]
fn steering_and_asking_say_what_is_missing_on_the_command_line() {
    let home = seeded();
    for (verb, says) in [
        (&["skip", "d2", "1"][..], "--reason must say why"),
        (&["cancel", "d2", "--undo", "--leave"], "cannot be used with"),
        (&["revise", "d2"], "--set NAME=VALUE or --template NAME"),
        (&["revise", "d2", "--set", "factor"], "write NAME=VALUE"),
        (&["plan", "high-memory", "--target", "deploy/cart"], "name it with -n"),
        (&["plan", "high-memory", "--target", "cart", "-n", "shop"], "KIND/NAME"),
        (&["plan", "x", "--target", "no/a", "--set", "a=1", "--set", "a=2"], "is there twice"),
        (&["plan", "high-memory", "--target", "deplyment/cart", "-n", "shop"], "did you mean"),
    ] {
        let ran = home.run(verb);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{verb:?} {}", ran.err);
        assert!(ran.err.contains(says), "{verb:?} {}", ran.err);
    }
}

#[test]
fn a_handover_tells_what_waits_and_what_ended_and_says_since_when() {
    let home = seeded();
    let ran = home.run(&["handover", "--since", "2000-01-01T00:00:00Z"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for part in ["nothing is stopped", "needs you: 2", "it broke", "claim d1", "(as asked)"] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    let ran = home.run(&["handover", "--since", "2000-01-01T00:00:00Z", "--output", "json"]);
    let sheet = serde_json::from_str::<serde_json::Value>(&ran.out).unwrap();
    assert_eq!(sheet["schema"], "pilothouse/v1");
    assert_eq!(sheet["waits"].as_array().unwrap().len(), 2);
    assert!(sheet["stop"].is_null());
    let since = ["handover", "--since", "2000-01-01T00:00:00Z", "--format"];
    let page = home.run(&[&since[..], &["md"]].concat()).out;
    assert!(
        page.starts_with("# Handover of prod-eu1") && page.contains("pilothouse show d1"),
        "{page}"
    );
    let ran = home.run(&[&since[..], &["html,json", "--to", "out"]].concat());
    assert_eq!((ran.code, ran.out.lines().count()), (0, 2), "{}{}", ran.out, ran.err);
    let ran = home.run(&[&since[..], &["csv"]].concat());
    assert_eq!(ran.code, 2, "{}", ran.out);
    assert!(ran.err.contains("no CSV form"), "{}", ran.err);
    let ran = home.run(&["handover", "--since", "yesterday"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    let ran = home.run(&["handover"]);
    assert!(ran.err.contains("nothing that is on record"), "{}", ran.err);
}

#[test]
fn figures_without_records_say_so_and_a_wrong_group_names_what_there_is() {
    let home = seeded();
    let ran = home.run(&["effectiveness"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("SIMULATED prod-eu1, by template"), "{}", ran.out);
    assert!(ran.out.contains("no remediation ended"), "{}", ran.out);
    let ran = home.run(&["effectiveness", "--by", "cause", "--output", "json"]);
    assert_eq!(parsed(&ran.out)["assessment"]["decided"], 0);
    let ran = home.run(&["effectiveness", "--group", "high-memory@3"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.err.contains("there are no records"), "{}", ran.err);
    let ran = home.run(&["effectiveness", "--by", "moon"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("template, pattern, cause"), "{}", ran.err);
}

#[test]
fn breakers_are_listed_from_the_log_and_setting_one_needs_an_engine_and_a_reason() {
    let home = seeded();
    let listed = home.run(&["breakers"]);
    assert_eq!(listed.code, 0, "{}", listed.err);
    assert!(listed.out.contains("prometheus"), "{}", listed.out);
    let items = parsed(&home.run(&["breakers", "list", "--output", "json"]).out);
    assert_eq!(items["schema"], "pilothouse/v1");
    let names = items["items"].as_array().unwrap().iter().map(|one| one["name"].clone());
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["cluster", "store", "prometheus", "alertmanager", "model", "vector-db"]
    );
    assert_eq!(items["items"][0]["state"], "closed");
    let shown = home.run(&["breakers", "show", "cluster"]);
    assert!(shown.out.contains("never sent again blindly"), "{}", shown.out);
    assert_eq!(home.run(&["breakers", "show", "promethus"]).code, 3);
    let without = home.run(&["breakers", "force-open", "prometheus"]);
    assert_eq!(without.code, 2, "{}", without.err);
    let empty = home.run(&["breakers", "force-open", "prometheus", "--reason", " "]);
    assert_eq!(empty.code, 2, "{}", empty.err);
    let alone = home.run(&["breakers", "reset", "prometheus", "--reason", "x"]);
    assert_eq!(alone.code, 6, "no engine answers: {}", alone.err);
}

#[test]
fn a_stop_without_an_engine_is_set_in_the_store_and_says_that_the_lease_is_not() {
    let home = seeded();
    let ran = home.run(&["stop", "--reason", "testing"]);
    assert_eq!(ran.code, 6, "half a stop: {}", ran.err);
    assert!(ran.err.contains("not set in the lease"), "{}", ran.err);
    assert!(ran.err.contains("set in: store"), "{}", ran.err);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let flag = runtime.block_on(async {
        let store = SqliteStore::open(&home.store()).await.unwrap();
        store.stop_flag(&ClusterId::new("5e1f")).await.unwrap()
    });
    assert_eq!(flag.unwrap().reason, "testing");
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let home = seeded();
    let script =
        format!("{} audit show | true; exit ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_pilothouse"));
    let output = std::process::Command::new("/bin/bash")
        .env_clear()
        .env("HOME", home.0.path())
        .env("PATH", "/usr/bin:/bin")
        .args(["-c", &script])
        .output()
        .unwrap();
    let ran = ran(output);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[test]
fn templates_are_listed_and_a_typo_is_found() {
    let home = Home::new();
    assert_eq!(home.run(&["templates", "lint"]).code, 0);
    assert_eq!(home.run(&["templates", "lint", "none.yaml"]).code, 3);
    assert_eq!(home.run(&["templates", "show", "no-such-template"]).code, 3);
    let list = parsed(&home.run(&["templates", "list", "--output", "json"]).out);
    assert_eq!(list["schema"], "pilothouse/v1");
}

#[test]
fn doctor_without_anything_names_each_problem_and_is_code_6() {
    let home = Home::new();
    let ran = home.run(&["doctor", "--output", "json"]);
    assert_eq!(ran.code, 6, "{}", ran.err);
    let value = parsed(&ran.out);
    let cluster =
        value["items"].as_array().unwrap().iter().find(|i| i["name"] == "cluster").unwrap();
    assert_eq!(cluster["ok"], false);
    assert!(!cluster["advice"].as_str().unwrap().is_empty());
}

#[test]
fn the_manual_page_and_completions_name_every_verb() {
    let home = Home::new();
    let (page, script) = (home.run(&["man"]).out, home.run(&["completions", "zsh"]).out);
    for verb in ["demo", "engine", "alert", "approve", "stop", "export", "audit", "doctor"] {
        assert!(page.contains(verb) && script.contains(verb), "{verb}");
    }
}

#[test]
fn templates_are_tested_against_our_own_cases_and_a_difference_is_shown() {
    let home = Home::new();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let (cases, plans) = (tests.join("cases"), tests.join("plans"));
    let (cases, plans) = (cases.to_str().unwrap(), plans.to_str().unwrap());
    let whole = home.run(&["templates", "test", cases, "--plans", plans]);
    assert_eq!(whole.code, 0, "{}{}", whole.out, whole.err);
    assert!(whole.out.contains("limit-too-small: as it must be"), "{}", whole.out);

    let mut case = parsed(&std::fs::read_to_string(tests.join("cases/bad-image.json")).unwrap());
    case["expected"]["cause"] = json!("image-pull");
    case["expected"]["plan"] = json!({"template": "crash-loop", "steps": ["1 pray"]});
    home.with("case.json", &case.to_string());
    let one = home.run(&["templates", "test", "case.json"]);
    assert_eq!(one.code, 1, "{}{}", one.out, one.err);
    for line in ["cause: wanted image-pull, is bad-rollout", "- 1 pray", "+ 2 roll_back on "] {
        assert!(one.out.contains(line), "`{line}` in {}", one.out);
    }
    let json = parsed(&home.run(&["templates", "test", "case.json", "--output", "json"]).out);
    assert_eq!(json["items"][0]["passed"], false);

    assert_eq!(home.run(&["templates", "test", "nowhere"]).code, 3);
    home.with("case.json", "{\"about\": 1}");
    let bad = home.run(&["templates", "test", "case.json"]);
    assert_eq!(bad.code, 1, "{}", bad.out);
    assert!(bad.out.contains("case.json: invalid type"), "{}", bad.out);
}

#[test]
fn record_says_what_it_can_not_record() {
    let home = Home::new();
    let none = home.run(&["record", "abc"]);
    assert_eq!(none.code, 6, "{}", none.err);
    assert!(none.err.contains("no store"), "{}", none.err);
}

/// Answers one HTTP request with `answer`, and gives out what it was asked.
fn answers_once(answer: &'static str) -> (u16, std::thread::JoinHandle<String>) {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut text = Vec::new();
        let mut part = [0; 4096];
        loop {
            let read = stream.read(&mut part).unwrap();
            text.extend_from_slice(&part[..read]);
            let whole = String::from_utf8_lossy(&text);
            let head = whole.split_once("\r\n\r\n");
            let length = whole.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()
            });
            if read == 0 || head.is_some_and(|(_, body)| body.len() >= length.unwrap_or(0)) {
                break;
            }
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(text).unwrap()
    });
    (port, asked)
}

#[test]
fn a_test_over_a_channel_says_what_came_back_and_never_the_secret_address() {
    let home = Home::new();
    let (port, asked) = answers_once("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let url = format!("http://127.0.0.1:{port}/services/T0/hush-hush");
    home.with("url", &url).with(
        "notify.toml",
        "[[channel]]\nname = \"oncall\"\nkind = \"slack\"\nsecret_file = \"url\"\n\
         [[route]]\nchannels = [\"oncall\"]\n",
    );
    home.with("c.toml", "[notify]\nfile = \"notify.toml\"\n");
    let test = |name: &str| home.run(&["--config", "c.toml", "notifications", "test", name]);
    let took = test("oncall");
    assert_eq!(
        (took.code, took.out.as_str()),
        (0, "oncall took it: HTTP 200: ok\n"),
        "{}",
        took.err
    );
    assert!(asked.join().unwrap().contains("test of this channel: it works"));
    let gone = test("oncall");
    assert_eq!(gone.code, 6, "{}", gone.err);
    assert!(gone.err.contains("did not take it: no connection"), "{}", gone.err);
    let unknown = test("oncal");
    assert_eq!((unknown.code, unknown.err.contains("oncall")), (3, true), "{}", unknown.err);
    for said in [&took, &gone, &unknown, &home.run(&["--config", "c.toml", "config", "show"])] {
        assert!(!format!("{}{}", said.out, said.err).contains("hush"), "{} {}", said.out, said.err);
    }
}

#[test]
fn a_mistake_in_the_channels_file_is_named_with_its_line() {
    let home = Home::new();
    home.with("notify.toml", "[[channel]]\nname = \"oncall\"\nkind = \"slak\"\n");
    home.with("c.toml", "[notify]\nfile = \"notify.toml\"\n");
    let ran = home.run(&["--config", "c.toml", "config", "check"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("notify.toml:3: kind: `slak`"), "{}", ran.err);
    assert!(ran.err.contains("did you mean `slack`"), "{}", ran.err);
}

#[test]
fn channels_are_listed_although_nothing_was_told_yet() {
    let home = Home::new();
    seed(&home.store());
    home.with("url", "https://chat.example.org/x").with(
        "notify.toml",
        "[[channel]]\nname = \"oncall\"\nkind = \"slack\"\nsecret_file = \"url\"\n\
         [[route]]\nchannels = [\"oncall\"]\n",
    );
    home.with("c.toml", "[notify]\nfile = \"notify.toml\"\n");
    let text = home.run(&["--config", "c.toml", "notifications"]);
    assert!(text.out.contains("oncall"), "{} {}", text.out, text.err);
    assert!(text.out.contains("never tried"), "{}", text.out);
    let list = home.run(&["--config", "c.toml", "--output", "json", "notifications", "list"]);
    let value = parsed(&list.out);
    assert_eq!(value["channels"][0]["channel"], "oncall", "{}", list.out);
    assert_eq!(value["channels"][0]["waiting"], 0);
}
