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
use pilothouse::domain::workflow::lint::lint;
use pilothouse::domain::workflow::template::Library;
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
    let mut out =
        "| action | does | class, risk | undone by | needs |\n| --- | --- | --- | --- | --- |\n"
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
            "| `{action}`{parameters} | {} | {}, {} | {} | {} |\n",
            action.describe, action.class, action.risk, action.undone_by, action.needs
        ));
    }
    out
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
    for destination in Destination::ALL {
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
fn the_template_in_the_readme_has_nothing_that_lint_objects_to() {
    let text = readme();
    let from = text.find("```yaml\n").expect("a template") + "```yaml\n".len();
    let template = &text[from..from + text[from..].find("```").expect("its end")];
    let library = Library::load(&[("README.md".into(), template.into())]);
    let problems = lint("README.md", template, &library);
    let problems = problems.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(problems, Vec::<String>::new());
}
