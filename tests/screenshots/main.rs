//! Screenshots from the cells of a real terminal: `cargo run --example screenshots -- OUT [COMMAND …]`.
//!
//! Starts `pilothouse demo` (the program beside this one; another command may be named) in a pty, types keys, waits for
//! text, and writes the cells as SVG, with their colours and attributes.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::large_stack_arrays,
    clippy::duration_suboptimal_units,
    clippy::struct_excessive_bools,
    clippy::format_collect,
    reason = "not product code"
)]
#[path = "../console/pty.rs"]
mod pty;
mod svg;

use portable_pty::CommandBuilder;
use pty::Pty;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is shown: file name, then pairs of keys to type and text to wait for.
struct Scene {
    name: &'static str,
    /// Each: keys, and what to wait for afterwards.
    steps: &'static [(&'static str, &'static str)],
}

/// The first needs are there when the screen opens; which comes first is chance, so one is looked for.
const SCENES: &[Scene] = &[
    Scene { name: "overview", steps: &[("", "3 need you"), ("", "mailer")] },
    Scene { name: "card", steps: CARD },
    Scene { name: "tree", steps: TREE },
    Scene {
        name: "told",
        steps: &[("", "escalated"), ("/mailer\r", "missing-config"), ("\r", "steps")],
    },
];
const CARD: &[(&str, &str)] =
    &[("", "need you"), ("/ledger\r", "ledger-api"), ("\r", "expires in"), ("G", "Medium risk.")];
const TREE: &[(&str, &str)] = &[
    ("", "need you"),
    ("/ledger\r", "ledger-api"),
    ("\r", "expires in"),
    ("G", "Medium risk."),
    ("a", "now y"),
    ("y", "approved plan"),
    ("\r", "steps"),
    ("", "of Deployment ledger-api is complete"),
];

fn main() {
    let mut arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let out = if arguments.is_empty() { "screenshots".into() } else { arguments.remove(0) };
    if arguments.is_empty() {
        let own = std::env::current_exe().expect("this program");
        let program = own.ancestors().nth(2).expect("target/PROFILE").join("pilothouse");
        assert!(program.exists(), "{} is missing: cargo build first", program.display());
        arguments = vec![program.to_string_lossy().to_string(), "demo".into()];
    }
    let out = PathBuf::from(out);
    std::fs::create_dir_all(&out).expect("the folder for screenshots");
    for size in [(80, 24), (200, 60)] {
        for scene in SCENES {
            shoot(&arguments, scene, size, &out);
        }
    }
}

fn shoot(command: &[String], scene: &Scene, size: (u16, u16), out: &Path) {
    let mut builder = CommandBuilder::new(&command[0]);
    builder.args(&command[1..]);
    builder.cwd(std::env::current_dir().expect("a working directory"));
    builder.env("TERM", "xterm-256color");
    builder.env("COLORTERM", "truecolor");
    builder.env("LANG", "C.UTF-8");
    builder.env_remove("NO_COLOR");
    let mut pty = Pty::spawn(builder, size);
    for (keys, text) in scene.steps {
        pty.typed(keys);
        pty.until_within(text, Duration::from_secs(120));
    }
    // Whatever was still being drawn.
    std::thread::sleep(Duration::from_millis(700));
    let path = out.join(format!("{}-{}x{}.svg", scene.name, size.0, size.1));
    std::fs::write(&path, svg::picture(&pty.screen())).expect("the screenshot");
    println!("{}", path.display());
}
