//! Holds the rules of the house by reading the source: who may import whom, where the dangerous calls are, how large
//! files are, what they are called. The checker itself is tested on small sources below, so that it is known to fail.

#![allow(
    clippy::expect_used,
    clippy::similar_names,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may end loudly"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

/// Top-level modules, and which parts of each.
type Parts = &'static [(&'static str, &'static [&'static str])];

/// Who may import whom, and more narrowly which parts. An empty list of parts: all of it.
const LAYERS: &[(&str, Parts)] = &[
    ("domain", &[]),
    ("ports", &[("domain", &[])]),
    ("engine", &[("domain", &[]), ("ports", &[])]),
    ("adapters", &[("domain", &[]), ("ports", &[]), ("export", &[])]),
    ("export", &[("domain", &[])]),
    ("ui", &[("domain", &[]), ("export", &[]), ("engine", CLIENT)]),
    ("serve", &[("domain", &[]), ("engine", CLIENT)]),
    ("config", &[("domain", &[])]),
    ("telemetry", &[("domain", &[])]),
    (
        "assemble",
        &[
            ("config", &[]),
            ("telemetry", &[]),
            ("engine", &[]),
            ("ports", &[]),
            ("adapters", &[]),
            ("domain", &[]),
        ],
    ),
    (
        "cli",
        &[
            ("assemble", &[]),
            ("ui", &[]),
            ("serve", &[]),
            ("engine", &[]),
            ("config", &[]),
            ("export", &[]),
            ("telemetry", &[]),
            ("domain", &[]),
        ],
    ),
    ("main", &[("cli", &[])]),
    ("lib", &[]),
];

/// What a client of the engine sees of it.
const CLIENT: &[&str] = &["handle", "command", "query", "snapshot"];

/// Crates that a layer may name; layers that are not listed may name any.
const CRATES: &[(&str, &[&str])] = &[
    (
        "domain",
        &[
            "std",
            "core",
            "serde",
            "serde_json",
            "thiserror",
            "chrono",
            // Time zones are data.
            "chrono_tz",
            "sha2",
            "hex",
            "serde_saphyr",
            "cel",
            "unicode_segmentation",
        ],
    ),
    ("export", &["std", "core", "serde", "serde_json"]),
    ("ports", &["std", "core", "serde", "serde_json", "thiserror", "async_trait", "chrono"]),
];

/// Crates that a layer may not name.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("engine", &["kube", "k8s_openapi", "sqlx", "ratatui", "crossterm", "reqwest", "axum", "clap"]),
    ("ui", &["kube", "k8s_openapi", "sqlx", "reqwest", "axum", "clap"]),
    ("serve", &["kube", "k8s_openapi", "sqlx", "ratatui", "crossterm", "clap"]),
    ("adapters", &["ratatui", "crossterm", "axum", "clap"]),
    ("config", &["kube", "sqlx", "ratatui", "crossterm", "axum", "tokio", "reqwest"]),
];

/// Parts of std that are I/O, for layers that do none.
const NO_IO: &[&str] = &["domain", "ports", "export"];
const IO: &[&str] = &["fs", "net", "process", "os", "env", "thread"];

const FILE_LIMIT: usize = 500;
const BAD_NAMES: &[&str] = &["util", "utils", "common", "helpers", "types", "imp", "manager"];

/// One path that a file names, with the line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    segments: Vec<String>,
    line: usize,
}

/// Everything that the rules look at in one file, tests left out.
#[derive(Debug, Default)]
struct Seen {
    /// Absolute paths (`crate::…` resolved), and others as written.
    paths: Vec<Named>,
    /// Lines of method calls `receiver.send(a, b)`, with the receiver's last name.
    sends: Vec<(String, usize)>,
    /// Lines with `feature = "ui"`.
    ui_features: Vec<usize>,
    /// Modules declared, and the kinds of other items.
    modules: Vec<String>,
    other_items: Vec<(String, usize)>,
}

struct Reader {
    /// Module path of the place being read: `["adapters", "kube"]`.
    here: Vec<String>,
    seen: Seen,
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return false };
        let text = list.tokens.to_string();
        attribute.path().is_ident("cfg") && (text == "test" || text.starts_with("all (test"))
    })
}

impl Reader {
    fn name(&mut self, segments: &[String], line: usize) {
        let mut absolute = match segments.first().map(String::as_str) {
            Some("crate" | "pilothouse") => segments[1..].to_vec(),
            Some("self") => [self.here.as_slice(), &segments[1..]].concat(),
            Some("super") => {
                let ups = segments.iter().take_while(|s| *s == "super").count();
                let kept = self.here.len().saturating_sub(ups);
                [&self.here[..kept], &segments[ups..]].concat()
            }
            _ => {
                self.seen.paths.push(Named { segments: segments.to_vec(), line });
                return;
            }
        };
        absolute.insert(0, "crate".into());
        self.seen.paths.push(Named { segments: absolute, line });
    }

    fn use_tree(&mut self, prefix: &[String], tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => {
                let prefix = [prefix, &[path.ident.to_string()]].concat();
                self.use_tree(&prefix, &path.tree);
            }
            syn::UseTree::Name(name) => {
                let full = [prefix, &[name.ident.to_string()]].concat();
                self.name(&full, name.span().start().line);
            }
            syn::UseTree::Rename(name) => {
                let full = [prefix, &[name.ident.to_string()]].concat();
                self.name(&full, name.span().start().line);
            }
            syn::UseTree::Glob(star) => {
                let full = [prefix, &["*".to_string()]].concat();
                self.name(&full, star.span().start().line);
            }
            syn::UseTree::Group(group) => {
                for item in &group.items {
                    self.use_tree(prefix, item);
                }
            }
        }
    }

    /// Paths and calls inside macros: `format!("{}", crate::engine::x())` is read as tokens.
    fn tokens(&mut self, tokens: proc_macro2::TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let (mut line, mut colons) = (0, 0);
        for token in tokens {
            match token {
                proc_macro2::TokenTree::Ident(ident) if path.is_empty() || colons == 2 => {
                    if path.is_empty() {
                        line = ident.span().start().line;
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                proc_macro2::TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                other => {
                    self.flush(&mut path, line);
                    colons = 0;
                    match other {
                        proc_macro2::TokenTree::Ident(ident) => {
                            line = ident.span().start().line;
                            path.push(ident.to_string());
                        }
                        proc_macro2::TokenTree::Group(group) => self.tokens(group.stream()),
                        _ => {}
                    }
                }
            }
        }
        self.flush(&mut path, line);
    }

    fn flush(&mut self, path: &mut Vec<String>, line: usize) {
        if path.len() > 1 {
            self.name(path, line);
        }
        path.clear();
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if is_test(&item.attrs) {
            return;
        }
        if item.content.is_some() {
            self.here.push(item.ident.to_string());
            visit::visit_item_mod(self, item);
            self.here.pop();
        } else {
            self.seen.modules.push(item.ident.to_string());
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if !is_test(&item.attrs) {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_test(&item.attrs) {
            self.use_tree(&[], &item.tree);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|s| s.ident.to_string()).collect::<Vec<_>>();
        if names.len() > 1 {
            self.name(&names, path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta
            && list.tokens.to_string().contains("feature = \"ui\"")
        {
            self.seen.ui_features.push(attribute.span().start().line);
        }
        visit::visit_attribute(self, attribute);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if call.method == "send" && call.args.len() == 2 {
            let receiver = match &*call.receiver {
                syn::Expr::Path(path) => path.path.segments.last().map(|s| s.ident.to_string()),
                syn::Expr::Field(field) => match &field.member {
                    syn::Member::Named(name) => Some(name.to_string()),
                    syn::Member::Unnamed(_) => None,
                },
                syn::Expr::MethodCall(inner) => Some(inner.method.to_string()),
                syn::Expr::Call(inner) => match &*inner.func {
                    syn::Expr::Path(path) => path.path.segments.last().map(|s| s.ident.to_string()),
                    _ => None,
                },
                _ => None,
            };
            let line = call.method.span().start().line;
            self.seen.sends.push((receiver.unwrap_or_default(), line));
        }
        visit::visit_expr_method_call(self, call);
    }
}

/// Reads one file. `module` is its module path: `["adapters", "kube", "client"]`.
fn read(module: &[&str], text: &str) -> Seen {
    let file = syn::parse_file(text).expect("a source file that compiles can be parsed");
    let mut reader =
        Reader { here: module.iter().map(ToString::to_string).collect(), seen: Seen::default() };
    for item in &file.items {
        if matches!(item, syn::Item::Fn(item) if is_test(&item.attrs)) {
            continue;
        }
        // Words (types, constants) may stand there; what does something may not.
        let kind = match item {
            syn::Item::Fn(item) => format!("fn {}", item.sig.ident),
            syn::Item::Impl(_) => "impl".to_string(),
            _ => continue,
        };
        reader.seen.other_items.push((kind, item.span().start().line));
    }
    reader.visit_file(&file);
    reader.seen
}

/// Lines before the tests at the end of a file.
fn lines_without_tests(text: &str) -> usize {
    let lines = text.lines().collect::<Vec<_>>();
    let end = lines.windows(2).position(|pair| {
        pair[0].trim() == "#[cfg(test)]" && pair[1].trim_start().starts_with("mod ")
    });
    end.unwrap_or(lines.len())
}

/// What is wrong with one file. `path` is relative to `src/`.
fn problems_of(path: &str, text: &str) -> Vec<String> {
    let module = module_of(path);
    let names = module.iter().map(String::as_str).collect::<Vec<_>>();
    let layer = if path == "main.rs" { "main" } else { names.first().copied().unwrap_or("lib") };
    let seen = read(&names, text);
    let mut out = Vec::new();
    for named in &seen.paths {
        if let Some(problem) = import_problem(layer, &names, named) {
            out.push(format!("src/{path}:{}: {problem}", named.line));
        }
    }
    out.extend(call_problems(path, &seen));
    let file = Path::new(path);
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let folder_names = file.iter().filter_map(|part| part.to_str()).chain([stem]);
    for name in folder_names.chain(seen.modules.iter().map(String::as_str)) {
        if BAD_NAMES.contains(&name.trim_end_matches(".rs")) {
            out.push(format!("src/{path}: `{name}` says nothing about what is in it"));
        }
    }
    if stem == "mod" {
        for (item, line) in &seen.other_items {
            out.push(format!("src/{path}:{line}: logic in mod.rs ({item})"));
        }
    }
    let lines = lines_without_tests(text);
    if lines > FILE_LIMIT {
        out.push(format!("src/{path}: {lines} lines without tests; at most {FILE_LIMIT}"));
    }
    if !text.starts_with("//!") {
        out.push(format!("src/{path}: no module documentation"));
    }
    out.sort();
    out.dedup();
    out
}

fn module_of(path: &str) -> Vec<String> {
    let mut parts = path.trim_end_matches(".rs").split('/').map(String::from).collect::<Vec<_>>();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        parts.pop();
    }
    parts
}

fn import_problem(layer: &str, here: &[&str], named: &Named) -> Option<String> {
    let names = named.segments.iter().map(String::as_str).collect::<Vec<_>>();
    if names[0] != "crate" {
        return crate_problem(layer, here, &names);
    }
    let to = *names.get(1)?;
    if to == "*" {
        return Some("imports everything of the crate".into());
    }
    if to == layer {
        // Adapters are strangers to one another; how to get into a database is said once for all.
        let (mine, theirs) = (here.get(1), names.get(2));
        let known = mine == theirs || theirs == Some(&"database");
        let strangers = layer == "adapters" && here.len() > 1 && theirs.is_some() && !known;
        return strangers.then(|| format!("adapter {} imports {}", here[1], names[2]));
    }
    if layer == "lib" || !LAYERS.iter().any(|(name, _)| *name == to) {
        return None;
    }
    let allowed = LAYERS.iter().find(|(name, _)| *name == layer)?.1;
    let Some((_, parts)) = allowed.iter().find(|(name, _)| *name == to) else {
        return Some(format!("{layer} imports {to}"));
    };
    let part = names.get(2).copied().unwrap_or("*");
    (!parts.is_empty() && !parts.contains(&part))
        .then(|| format!("{layer} imports {to}::{part}; it may see {}", parts.join(", ")))
}

fn crate_problem(layer: &str, here: &[&str], names: &[&str]) -> Option<String> {
    let name = names[0];
    let known = KNOWN_CRATES.contains(&name);
    if !known && name != "std" && name != "core" {
        return None;
    }
    if name == "cel" && here.get(..2) != Some(&["domain", "expr"]) {
        return Some("names cel outside domain/expr".into());
    }
    if let Some((_, allowed)) = CRATES.iter().find(|(who, _)| *who == layer)
        && !allowed.contains(&name)
    {
        return Some(format!("{layer} names the crate {name}"));
    }
    // The expression parser recurses: it gets a thread with a larger stack, joined before it returns.
    let room = here == ["domain", "expr", "room"] && names.get(1) == Some(&"thread");
    let io = NO_IO.contains(&layer) && name == "std" && !room;
    if io && names.get(1).is_some_and(|part| IO.contains(part)) {
        return Some(format!("{layer} does I/O: std::{}", names[1]));
    }
    let forbidden = FORBIDDEN.iter().find(|(who, _)| *who == layer)?.1;
    forbidden.contains(&name).then(|| format!("{layer} names the crate {name}"))
}

/// Crates that rules speak of; other first segments are types and local modules.
const KNOWN_CRATES: &[&str] = &[
    "serde",
    "serde_json",
    "thiserror",
    "chrono",
    "sha2",
    "hex",
    "serde_saphyr",
    "cel",
    "unicode_segmentation",
    "async_trait",
    "tokio",
    "tokio_util",
    "futures",
    "kube",
    "k8s_openapi",
    "sqlx",
    "ratatui",
    "crossterm",
    "reqwest",
    "axum",
    "clap",
    "uuid",
    "toml",
    "url",
    "tracing",
    "tempfile",
    "rustix",
    "secrecy",
    "http",
    "rustls",
    "backon",
    "color_eyre",
];

fn call_problems(path: &str, seen: &Seen) -> Vec<String> {
    let mut out = Vec::new();
    let executor = path.starts_with("engine/executor");
    for named in &seen.paths {
        let names = named.segments.iter().map(String::as_str).collect::<Vec<_>>();
        let ends = |tail: &[&str]| names.ends_with(tail);
        if ends(&["Permit", "issue"]) && !executor {
            out.push(format!("src/{path}:{}: issues a permit", named.line));
        }
        if ends(&["Cluster", "send"]) {
            out.push(format!("src/{path}:{}: sends past the one call site", named.line));
        }
    }
    for (receiver, line) in &seen.sends {
        if !executor && !receiver.contains("relay") {
            out.push(format!("src/{path}:{line}: sends to a cluster (`{receiver}.send(…, …)`)"));
        }
    }
    for line in &seen.ui_features {
        if path != "lib.rs" && path != "cli/console.rs" {
            out.push(format!(
                "src/{path}:{line}: cfg(feature = \"ui\") outside lib.rs and one verb"
            ));
        }
    }
    out
}

/// All source files, relative to `src/`, but those of modules that are declared for tests only.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let all = walkdir::WalkDir::new(&root)
        .sort_by_file_name()
        .into_iter()
        .map(|entry| entry.expect("src can be read"))
        .filter(|entry| entry.path().extension().is_some_and(|ext| ext == "rs"))
        .map(|entry| {
            let path = entry.path().strip_prefix(&root).expect("below src");
            let path = path.to_str().expect("UTF-8").to_string();
            (path, std::fs::read_to_string(entry.path()).expect("a source file"))
        })
        .collect();
    without_tests(all)
}

fn without_tests(mut sources: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let tests = sources
        .iter()
        .flat_map(|(path, text)| {
            test_modules(text).into_iter().map(|name| [module_of(path), vec![name]].concat())
        })
        .collect::<Vec<_>>();
    sources.retain(|path, _| !tests.iter().any(|test| module_of(path).starts_with(test)));
    sources
}

/// Names of `#[cfg(test)] mod name;` in a file.
fn test_modules(text: &str) -> Vec<String> {
    let file = syn::parse_file(text).expect("a source file that compiles can be parsed");
    file.items
        .iter()
        .filter_map(|item| match item {
            syn::Item::Mod(item) if item.content.is_none() && is_test(&item.attrs) => {
                Some(item.ident.to_string())
            }
            _ => None,
        })
        .collect()
}

#[test]
fn the_source_keeps_the_rules_of_the_house() {
    let sources = sources();
    assert!(sources.len() > 30, "the source was found: {} files", sources.len());
    let problems =
        sources.iter().flat_map(|(path, text)| problems_of(path, text)).collect::<Vec<_>>();
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn no_two_top_level_modules_import_each_other() {
    let edges = edges(&sources());
    let both = edges
        .iter()
        .filter(|(from, to)| from < to && edges.contains(&(to.clone(), from.clone())))
        .collect::<Vec<_>>();
    assert!(both.is_empty(), "{both:?}");
}

fn edges(sources: &BTreeMap<String, String>) -> BTreeSet<(String, String)> {
    let mut edges = BTreeSet::new();
    for (path, text) in sources {
        let module = module_of(path);
        let Some(from) = module.first() else { continue };
        let names = module.iter().map(String::as_str).collect::<Vec<_>>();
        for named in read(&names, text).paths {
            if let [first, to, ..] = named.segments.as_slice()
                && first == "crate"
                && to != from
                && LAYERS.iter().any(|(name, _)| name == to)
            {
                edges.insert((from.clone(), to.clone()));
            }
        }
    }
    edges
}

#[test]
fn one_place_sends_to_a_cluster_and_one_issues_permits() {
    let (mut sends, mut permits) = (Vec::new(), Vec::new());
    for (path, text) in sources() {
        if !path.starts_with("engine/executor") {
            continue;
        }
        let module = module_of(&path);
        let seen = read(&module.iter().map(String::as_str).collect::<Vec<_>>(), &text);
        sends.extend(seen.sends.iter().map(|(_, line)| format!("{path}:{line}")));
        permits.extend(
            seen.paths
                .iter()
                .filter(|named| named.segments.ends_with(&["Permit".into(), "issue".into()]))
                .map(|named| format!("{path}:{}", named.line)),
        );
    }
    assert!(sends.len() <= 1, "Cluster::send is called at one place: {sends:?}");
    assert!(permits.len() <= 1, "Permit::issue is called at one place: {permits:?}");
}

// The checker itself.

fn found(path: &str, text: &str, problem: &str) -> bool {
    problems_of(path, &format!("//! Doc.\n{text}")).iter().any(|line| line.contains(problem))
}

#[test]
fn the_checker_sees_every_way_of_writing_an_import() {
    for text in [
        "use crate::engine::core::Core;",
        "use crate::{domain::id, engine::core};",
        "use crate::engine::core as brain;",
        "use crate::engine::*;",
        "use super::super::engine::core::Core;",
        "fn f() { crate::engine::core::go(); }",
        "fn f(x: &crate::engine::core::Core) {}",
        "mod inner { use super::super::super::engine::core::Core; }",
        "fn f() { let _ = format!(\"{}\", crate::engine::core::NAME); }",
        "use pilothouse::engine::core::Core;",
    ] {
        assert!(found("serve/http.rs", text, "serve imports engine"), "{text}");
    }
    assert!(!found("serve/http.rs", "use crate::engine::handle::Handle;", "imports"));
    assert!(!found("serve/http.rs", "use super::webhook;", "imports"));
    assert!(found("domain/id.rs", "use crate::ports::clock::Clock;", "domain imports ports"));
    assert!(found("ui/run.rs", "use crate::ports::store::Store;", "ui imports ports"));
    assert!(found(
        "adapters/kube/client.rs",
        "use super::super::store::Db;",
        "adapter kube imports"
    ));
    assert!(!found("adapters/kube/client.rs", "use super::patch::go;", "adapter"));
}

#[test]
fn the_checker_leaves_tests_alone_and_nothing_else() {
    let text = "#[cfg(test)]\nmod tests { use crate::engine::core::Core; }";
    assert!(!found("serve/http.rs", text, "imports"));
    let text = "#[cfg(unix)]\nmod unix { use crate::engine::core::Core; }";
    assert!(found("serve/http.rs", text, "imports"));
}

#[test]
fn the_checker_sees_crates_and_io_where_they_do_not_belong() {
    assert!(found("domain/id.rs", "use tokio::sync::mpsc;", "domain names the crate tokio"));
    assert!(found("domain/id.rs", "fn f() { std::fs::read(\"x\"); }", "domain does I/O"));
    assert!(found("domain/id.rs", "use cel::Program;", "cel outside domain/expr"));
    assert!(!found("domain/expr/eval.rs", "use cel::Program;", "cel"));
    assert!(found("engine/core.rs", "use sqlx::Row;", "engine names the crate sqlx"));
}

#[test]
fn the_checker_sees_a_second_way_to_the_cluster() {
    assert!(found(
        "engine/planner.rs",
        "fn f() { cluster.send(permit, &op); }",
        "sends to a cluster"
    ));
    assert!(found("engine/planner.rs", "fn f() { self.cluster.send(p, op).await; }", "sends to"));
    assert!(found("engine/planner.rs", "fn f() { Permit::issue(a, 1, d); }", "issues a permit"));
    assert!(found("engine/planner.rs", "fn f() { Cluster::send(&*c, p, op); }", "sends past"));
    assert!(!found("engine/executor.rs", "fn f() { cluster.send(permit, &op); }", "sends"));
    assert!(!found("cli/approve.rs", "fn f() { relay.send(&by, text); }", "sends"));
    assert!(!found("engine/handle.rs", "fn f() { self.to.send(message); }", "sends"));
}

#[test]
fn the_checker_sees_names_sizes_features_and_logic_out_of_place() {
    assert!(found("engine/util.rs", "", "says nothing"));
    assert!(found("engine/helpers/x.rs", "", "says nothing"));
    assert!(found("engine/mod.rs", "fn f() {}", "logic in mod.rs"));
    assert!(!found("engine/mod.rs", "pub mod core;\npub use core::Core;", "logic"));
    let long = "const A: u8 = 0;\n".repeat(501);
    assert!(found("engine/core.rs", &long, "lines without tests"));
    let tested = format!("#[cfg(test)]\nmod tests {{\n{long}}}");
    assert!(!found("engine/core.rs", &tested, "lines without tests"));
    assert!(found("ui/run.rs", "#[cfg(feature = \"ui\")]\nfn f() {}", "feature"));
    assert!(problems_of("engine/core.rs", "fn f() {}")[0].contains("no module documentation"));
}

#[test]
fn modules_for_tests_only_are_left_out_with_all_that_is_below_them() {
    let sources = BTreeMap::from([
        ("engine/mod.rs".to_string(), "#[cfg(test)]\nmod trial;\nmod core;".to_string()),
        ("engine/core.rs".to_string(), String::new()),
        ("engine/trial/mod.rs".to_string(), "mod deep;".to_string()),
        ("engine/trial/deep.rs".to_string(), String::new()),
        ("ui/trial.rs".to_string(), String::new()),
    ]);
    let kept = without_tests(sources).into_keys().collect::<Vec<_>>();
    assert_eq!(kept, ["engine/core.rs", "engine/mod.rs", "ui/trial.rs"]);
}

#[test]
fn two_modules_that_import_each_other_are_found() {
    let sources = BTreeMap::from([
        ("config/load.rs".to_string(), "use crate::telemetry::Ring;".to_string()),
        ("telemetry.rs".to_string(), "use crate::config::settings::Settings;".to_string()),
    ]);
    let edges = edges(&sources);
    assert!(edges.contains(&("config".into(), "telemetry".into())));
    assert!(edges.contains(&("telemetry".into(), "config".into())));
}
