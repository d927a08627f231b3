//! Screenshots from the cells of a real terminal: `cargo run --example screenshots -- OUT [COMMAND …]`.
//!
//! Starts a program in a pty (the fixture console, unless another command is named), sends keys, waits for text, and
//! writes the cells as SVG, with their colours and attributes.

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
#[path = "../console/fixture.rs"]
mod fixture;
#[path = "../console/program.rs"]
mod program;
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

/// Scenes of the fixture console.
const FIXTURE: &[Scene] = &[
    Scene { name: "overview", steps: &[("", "needs you")] },
    Scene {
        name: "card",
        steps: &[("", "needs you"), ("\r", "Type the name"), ("ledger-a", "2 letters to go")],
    },
    Scene { name: "tree", steps: &[("", "needs you"), ("jjjj\r", "steps 2 of 3")] },
];

/// Scenes that any console has once something needs a person: for the demo.
const ANY: &[Scene] = &[
    Scene { name: "overview", steps: &[("", "needs you 1")] },
    Scene { name: "card", steps: &[("", "needs you 1"), ("\r", "expires in"), ("", "unchanged")] },
    Scene { name: "tree", steps: &[("", "needs you 1"), (":show\r", "steps")] },
];

fn main() {
    let mut arguments = std::env::args().skip(1).collect::<Vec<_>>();
    if arguments.first().is_some_and(|first| first == "--fixture") {
        std::process::exit(program::main());
    }
    let out = if arguments.is_empty() { "screenshots".into() } else { arguments.remove(0) };
    let own = std::env::current_exe().expect("this program").to_string_lossy().to_string();
    let (command, scenes) = if arguments.is_empty() {
        (vec![own, "--fixture".into()], FIXTURE)
    } else {
        (arguments, ANY)
    };
    let out = PathBuf::from(out);
    std::fs::create_dir_all(&out).expect("the folder for screenshots");
    for size in [(80, 24), (200, 60)] {
        for scene in scenes {
            shoot(&command, scene, size, &out);
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
