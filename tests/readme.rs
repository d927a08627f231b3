//! What the README says is what is there: the key table is made of the keymap, that of actions of the catalogue, every
//! verb and every file it names is there.

#![allow(
    clippy::format_push_string,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may end loudly"
)]

use clap::CommandFactory as _;
use pilothouse::cli::arguments::Arguments;
use pilothouse::domain::action::Action;
use pilothouse::domain::breaker::Destination;
use pilothouse::domain::notify::ChannelName;
use pilothouse::domain::workflow::lint::lint;
use pilothouse::domain::workflow::template::Library;
use pilothouse::export::csv;
use std::path::Path;

const OPENING: &str = "<!-- keys: made of assets/keymap.toml, held by tests/readme.rs -->\n";
const CLOSING: &str = "<!-- /keys -->";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).unwrap()
}

/// The table: one row for each line of the keymap.
fn keys() -> String {
    let text = std::fs::read_to_string(root().join("assets/keymap.toml")).unwrap();
    let keymap = toml::from_str::<toml::Table>(&text).unwrap();
    let mut out = "| keys | does | where |\n| --- | --- | --- |\n".to_string();
    for bind in keymap["bind"].as_array().unwrap() {
        let texts = |name: &str| {
            let items = bind[name].as_array().unwrap().iter().map(|item| item.as_str().unwrap());
            items.map(String::from).collect::<Vec<_>>()
        };
        let cell = |text: &str| text.replace('|', "\\|");
        let pressed =
            texts("keys").iter().map(|key| format!("`{}`", cell(key))).collect::<Vec<_>>();
        let help = bind["help"].as_str().unwrap();
        let places = texts("where").join(", ").replace("all", "everywhere");
        out.push_str(&format!("| {} | {} | {places} |\n", pressed.join(", "), cell(help)));
    }
    out
}

#[test]
fn the_key_table_is_that_of_the_keymap() {
    let text = readme();
    let start = text.find(OPENING).expect("the opening mark") + OPENING.len();
    let end = text.find(CLOSING).expect("the closing mark");
    let wanted = keys();
    if std::env::var_os("UPDATE_README").is_some() {
        let updated = format!("{}{wanted}{}", &text[..start], &text[end..]);
        std::fs::write(root().join("README.md"), updated).unwrap();
        return;
    }
    assert_eq!(&text[start..end], wanted, "run with UPDATE_README=1 to write the table anew");
}

const ACTIONS: &str =
    "<!-- actions: made of the catalogue in src/domain/action, held by tests/readme.rs -->\n";
const ACTIONS_END: &str = "<!-- /actions -->";

/// The table: one row for each action of the catalogue.
fn actions() -> String {
    let mut out = "| action | does | class, risk | undone by | needs | tried on |\n\
                   | --- | --- | --- | --- | --- | --- |\n"
        .to_string();
    let mut all = Action::ALL.to_vec();
    all.sort_by_key(|action| action.word());
    for action in all {
        let parameters = action.parameters.iter().map(|parameter| {
            let (open, close) = if parameter.required { ("", "") } else { ("[", "]") };
            format!("{open}{}{close}", parameter.name)
        });
        let parameters = parameters.collect::<Vec<_>>().join(" ");
        let parameters =
            if parameters.is_empty() { String::new() } else { format!(" `{parameters}`") };
        out.push_str(&format!(
            "| `{action}`{parameters} | {} | {}, {} | {} | {} | {} |\n",
            action.describe,
            action.class,
            action.risk,
            action.undone_by,
            action.needs,
            tried(action).0.words()
        ));
    }
    out
}

/// On what an action was tried. Each says what was not real.
#[derive(Clone, Copy)]
enum Tried {
    /// Done on the real cluster, its effect seen, taken back, seen again.
    Undone(&'static str),
    /// Done on the real cluster, its effect seen; its plan says that nothing takes it back.
    Final(&'static str),
    /// Read on the real cluster; it changes nothing.
    Reads,
    /// On the real API with the kind's CRD installed; the test writes what this operator would.
    Played(&'static str),
    /// On the real cluster, with a stand-in for this.
    StoodIn(&'static str),
    /// On the real API; what would follow, nobody does here.
    Asked(&'static str),
}

impl Tried {
    fn words(self) -> String {
        let and = |note: &str| if note.is_empty() { String::new() } else { format!("; {note}") };
        match self {
            Self::Undone(note) => format!("real cluster, undone{}", and(note)),
            Self::Final(note) => format!("real cluster{}", and(note)),
            Self::Reads => "real cluster".into(),
            Self::Played(who) => format!("real API, CRD installed, {who} played"),
            Self::StoodIn(what) => format!("real cluster, with a stand-in for {what}"),
            Self::Asked(why) => format!("real API; {why}"),
        }
    }
}

const POLICY: &str = "the policy is made and not enforced, without a network plugin";

/// How, in which test of which file, and a text of that test that is about it.
#[allow(clippy::too_many_lines, reason = "a table")]
fn tried(action: Action) -> (Tried, &'static str, &'static str, &'static str) {
    use Tried::{Asked, Final, Played, Reads, StoodIn, Undone};
    let (actions, definitions, helped, site) = (
        "real_actions/actions",
        "real_actions/definitions",
        "real_actions/helped",
        "real_actions/site",
    );
    let nodes = "real_nodes/actions";
    match action {
        Action::AuditLogs => (
            Reads,
            helped,
            "debug_mode_ends_by_itself_also_after_its_engine_died",
            "speak of errors",
        ),
        Action::BackUpData => (
            Played("the snapshot controller"),
            definitions,
            "a_program_in_a_pod_and_an_object_for_an_operator_each_with_its_check",
            "pg-snapshot",
        ),
        Action::CleanUpStorage => (
            Final(""),
            definitions,
            "only_old_files_of_the_declared_directory_are_deleted",
            "clean-up-files",
        ),
        Action::CollectDiagnostics => (
            Reads,
            helped,
            "diagnostics_of_nodes_claims_and_services_hold_what_belongs_to_them",
            "collect_diagnostics",
        ),
        Action::CompactStorage => (
            StoodIn("etcdctl; the etcd is real"),
            definitions,
            "an_etcd_gives_back_the_room_that_its_compaction_left",
            "etcd-defragment",
        ),
        Action::Cordon | Action::Uncordon => (
            Undone(""),
            nodes,
            "a_node_is_cordoned_its_workload_moves_and_it_takes_pods_again",
            if action == Action::Cordon { "Action::Cordon," } else { "Action::Uncordon" },
        ),
        Action::DeleteFailedPods => (
            Final(""),
            actions,
            "pods_that_have_ended_are_deleted_and_those_that_run_stay",
            "Action::DeleteFailedPods",
        ),
        Action::EnableDebugMode => (
            Undone(""),
            helped,
            "debug_mode_ends_by_itself_also_after_its_engine_died",
            "debug-mode",
        ),
        Action::EvictPod => (
            Final(""),
            actions,
            "a_budget_that_allows_nothing_is_relaxed_for_an_eviction_and_put_back",
            "Action::EvictPod",
        ),
        Action::ExpandPvc => (
            Asked("no driver is there that resizes"),
            actions,
            "a_claim_asks_for_more_room_where_its_class_allows_it",
            "Action::ExpandPvc",
        ),
        Action::FailOverDatabase => (
            Played("CloudNativePG"),
            site,
            "a_cloud_native_pg_cluster_is_switched_over_and_back_through_its_status",
            "pg-switchover-cnpg",
        ),
        Action::HeapDump => (
            StoodIn("jcmd; the Go program is real"),
            helped,
            "a_heap_dump_is_fetched_byte_for_byte_and_named_in_the_report",
            "heap_dump",
        ),
        Action::MigrateWorkload => (
            Final(""),
            nodes,
            "a_node_is_cordoned_its_workload_moves_and_it_takes_pods_again",
            "Action::MigrateWorkload",
        ),
        Action::OptimiseResources => (
            Undone(""),
            actions,
            "requests_are_set_to_what_was_really_used",
            "Action::OptimiseResources",
        ),
        Action::PauseRollout | Action::ResumeRollout => (
            Undone(""),
            actions,
            "a_paused_rollout_keeps_its_pods_until_it_is_resumed",
            if action == Action::PauseRollout { "PauseRollout" } else { "ResumeRollout" },
        ),
        Action::QuarantinePod => (
            Undone(POLICY),
            actions,
            "a_pod_in_quarantine_runs_on_out_of_its_service_and_controller",
            "Action::QuarantinePod",
        ),
        Action::RelaxDisruptionBudget => (
            Undone(""),
            actions,
            "a_budget_that_allows_nothing_is_relaxed_for_an_eviction_and_put_back",
            "Action::RelaxDisruptionBudget",
        ),
        Action::RemoveFinalizer => (
            Final(""),
            actions,
            "a_named_finalizer_lets_what_is_being_deleted_go",
            "Action::RemoveFinalizer",
        ),
        Action::RemoveTaint => {
            (Undone(""), nodes, "a_named_taint_is_removed_and_put_back", "Action::RemoveTaint")
        }
        Action::RepairDatabase => (
            StoodIn("the database's programs"),
            site,
            "a_repair_runs_as_a_job_with_its_secret_and_its_end_decides",
            "pg-amcheck",
        ),
        Action::RepairService => (
            Undone(""),
            actions,
            "a_service_whose_selector_matches_nothing_gets_endpoints_and_its_selector_back",
            "Action::RepairService",
        ),
        Action::ResetServiceMesh => (
            StoodIn("istiod"),
            site,
            "the_meshs_control_plane_starts_anew_and_is_waited_for",
            "mesh-restart",
        ),
        Action::RestartNetworkComponents => (
            StoodIn("CoreDNS"),
            actions,
            "the_clusters_dns_is_found_by_its_label_and_restarted",
            "Action::RestartNetworkComponents",
        ),
        Action::RestartPod => {
            (Final(""), actions, "one_pod_is_restarted_and_the_others_stay", "Action::RestartPod")
        }
        Action::RestartWorkload => (
            Final(""),
            actions,
            "a_daemon_set_is_restarted_node_by_node",
            "Action::RestartWorkload",
        ),
        Action::RollBack => (
            Undone(""),
            actions,
            "an_ordered_stateful_set_is_rolled_back_with_its_broken_pod",
            "Action::RollBack",
        ),
        Action::RotateSecret => (
            Undone(""),
            "real_actions/secrets",
            "a_secret_gets_a_value_that_nobody_sees_its_users_start_anew_and_both_come_back",
            "Action::RotateSecret",
        ),
        Action::RunJob => {
            (Final(""), helped, "a_cron_job_is_run_at_once_and_what_it_printed_is_kept", "run-job")
        }
        Action::Scale => (
            Undone(""),
            actions,
            "a_deployment_is_scaled_and_scaled_back_unless_an_autoscaler_holds_it",
            "Action::Scale,",
        ),
        Action::SetProbe => (
            Undone(""),
            actions,
            "a_probe_that_kills_a_slow_start_gets_more_time_and_its_old_timing_back",
            "Action::SetProbe",
        ),
        Action::SetResources => (
            Undone(""),
            "real_line/steering",
            "a_paused_run_holds_through_a_kill_goes_on_when_resumed_and_is_undone_afterwards",
            "assert_eq!(drill.limit(), \"64Mi\")",
        ),
        Action::SilenceAlert => (
            Undone("at a real Alertmanager"),
            "real_actions/secrets",
            "an_alert_is_silenced_at_the_real_alertmanager_and_heard_again_after_the_undo",
            "silence_alert",
        ),
        Action::SuspendSync => (
            Played("Argo CD"),
            "real_site/managed",
            "with_argo_cd_suspended_the_change_stands_until_the_verdict_and_the_next_engine_resumes_it",
            "suspend_sync",
        ),
        Action::UpdateHpa => (
            Undone("by its bounds alone, without metrics"),
            actions,
            "a_deployment_is_scaled_and_scaled_back_unless_an_autoscaler_holds_it",
            "Action::UpdateHpa",
        ),
        Action::UpdateNetworkPolicy => (
            Undone(POLICY),
            actions,
            "a_policy_gets_a_rule_and_a_workload_a_policy_of_its_own",
            "Action::UpdateNetworkPolicy",
        ),
    }
}

#[test]
fn each_action_was_tried_by_the_test_that_its_row_rests_on() {
    for action in Action::ALL {
        let (how, file, test, about) = tried(*action);
        let text = std::fs::read_to_string(root().join(format!("tests/{file}.rs"))).unwrap();
        let start = text
            .find(&format!("fn {test}("))
            .unwrap_or_else(|| panic!("{action}: no test {test} in {file}"));
        let end = start + text[start..].find("\n}\n").expect("its end");
        let body = &text[start..end];
        assert!(body.contains(about), "{action}: {test} says nothing of `{about}`");
        match how {
            Tried::Undone(_) => {
                assert!(action.undoable, "{action} can't be undone");
                let back = ["take_back(", "undo", "before);"];
                assert!(back.iter().any(|word| body.contains(word)), "{action}: not taken back");
            }
            Tried::Final(_) => assert!(!action.undoable, "{action} can be undone: show it"),
            Tried::Reads => assert!(!action.mutates, "{action} changes something"),
            Tried::Played(_) | Tried::StoodIn(_) | Tried::Asked(_) => {}
        }
    }
}

#[test]
fn the_table_of_actions_is_that_of_the_catalogue() {
    let text = readme();
    let start = text.find(ACTIONS).expect("the opening mark") + ACTIONS.len();
    let end = text.find(ACTIONS_END).expect("the closing mark");
    let wanted = actions();
    if std::env::var_os("UPDATE_README").is_some() {
        let updated = format!("{}{wanted}{}", &text[..start], &text[end..]);
        std::fs::write(root().join("README.md"), updated).unwrap();
        return;
    }
    assert_eq!(&text[start..end], wanted, "run with UPDATE_README=1 to write the table anew");
}

const BREAKERS: &str =
    "<!-- breakers: made of the table in src/domain/breaker, held by tests/readme.rs -->\n";
const BREAKERS_END: &str = "<!-- /breakers -->";

/// The table: one row for each destination.
fn breakers() -> String {
    let mut out = "| destination | counts as down | is an answer | running work | waiting work |\n\
                   | --- | --- | --- | --- | --- |\n"
        .to_string();
    let channel = Destination::Channel(ChannelName::parse("name").unwrap());
    for destination in Destination::ALL.iter().copied().chain([channel]) {
        let declared = destination.declared();
        out.push_str(&format!(
            "| `{destination}` | {} | {} | {} | {} |\n",
            declared.down, declared.answers, declared.running, declared.waiting
        ));
    }
    out
}

#[test]
fn the_table_of_breakers_is_the_one_that_work_goes_by() {
    let text = readme();
    let start = text.find(BREAKERS).expect("the opening mark") + BREAKERS.len();
    let end = text.find(BREAKERS_END).expect("the closing mark");
    let wanted = breakers();
    if std::env::var_os("UPDATE_README").is_some() {
        let updated = format!("{}{wanted}{}", &text[..start], &text[end..]);
        std::fs::write(root().join("README.md"), updated).unwrap();
        return;
    }
    assert_eq!(&text[start..end], wanted, "run with UPDATE_README=1 to write the table anew");
}

const COLUMNS: &str =
    "<!-- columns: made of those in src/export/csv.rs, held by tests/readme.rs -->\n";
const COLUMNS_END: &str = "<!-- /columns -->";

#[test]
fn the_columns_of_the_csv_are_those_of_the_readme() {
    let text = readme();
    let start = text.find(COLUMNS).expect("the opening mark") + COLUMNS.len();
    let end = text.find(COLUMNS_END).expect("the closing mark");
    let mut wanted = "| column | is |\n| --- | --- |\n".to_string();
    for column in csv::COLUMNS {
        wanted.push_str(&format!("| `{}` | {} |\n", column.name, column.about));
    }
    if std::env::var_os("UPDATE_README").is_some() {
        let updated = format!("{}{wanted}{}", &text[..start], &text[end..]);
        std::fs::write(root().join("README.md"), updated).unwrap();
        return;
    }
    assert_eq!(&text[start..end], wanted, "run with UPDATE_README=1 to write the list anew");
}

#[test]
fn every_verb_is_in_the_table_of_verbs() {
    let text = readme();
    for verb in Arguments::command().get_subcommands() {
        assert!(text.contains(&format!("`{}", verb.get_name())), "{}", verb.get_name());
    }
}

#[test]
fn every_file_that_is_named_is_there() {
    for word in readme().split(|c: char| c.is_whitespace() || "`();,".contains(c)) {
        let word = word.trim_end_matches(['.', ':', '/']);
        let own =
            ["src/", "tests/", "assets/", "themes/"].iter().any(|folder| word.starts_with(folder));
        if own || ["config.example.toml", "rust-toolchain.toml", "LICENSE"].contains(&word) {
            assert!(root().join(word).exists(), "{word}");
        }
    }
}

#[test]
fn the_channels_file_in_the_readme_can_be_read() {
    let text = readme();
    let start = text.find("    [[channel]]").expect("a channels file");
    let lines =
        text[start..].lines().take_while(|line| line.is_empty() || line.starts_with("    "));
    let file = lines.map(str::trim_start).collect::<Vec<_>>().join("\n");
    let environment = std::collections::BTreeMap::new();
    let read = pilothouse::config::notify::parse("README.md", &file, root(), &environment);
    let read = read.unwrap_or_else(|error| panic!("{error}\n{file}"));
    assert_eq!((read.channels.len(), read.routes.routes.len()), (1, 1));
}

#[test]
fn the_template_in_the_readme_has_nothing_that_lint_objects_to() {
    let text = readme();
    let from = text.find("```yaml\n").expect("a template") + "```yaml\n".len();
    let template = &text[from..from + text[from..].find("```").expect("its end")];
    let library = Library::load(&[("README.md".into(), template.into())]);
    let problems = lint("README.md", template, &library);
    let problems = problems.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(problems, Vec::<String>::new());
}
