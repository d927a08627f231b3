//! The whole line with keys in a real terminal.

use crate::world::{Environment, PROGRAM, World, hold};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use std::io::{Read as _, Write as _};
use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A console in a pty.
pub struct Console {
    screen: Arc<Mutex<vt100::Parser>>,
    keys: Box<dyn std::io::Write + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    _pty: Box<dyn portable_pty::MasterPty + Send>,
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ended = self.child.kill();
    }
}

impl Console {
    pub fn start(world: &World) -> Self {
        let size = PtySize { rows: 36, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).expect("a pty");
        let mut command = CommandBuilder::new(PROGRAM);
        command.env_clear();
        command.env("PATH", std::env::var("PATH").unwrap_or_default());
        command.env("HOME", &world.directory);
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.arg("--config");
        command.arg(&world.config);
        let child = pty.slave.spawn_command(command).expect("the console");
        drop(pty.slave);
        let parser: vt100::Parser = {
            let (rows, columns) =
                (NonZero::new(36).expect("rows"), NonZero::new(120).expect("columns"));
            vt100::Parser::new(rows, columns, 0)
        };
        let screen = Arc::new(Mutex::new(parser));
        let mut reader = pty.master.try_clone_reader().expect("its output");
        let keys = pty.master.take_writer().expect("its input");
        let cells = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut buffer = [0_u8; 65_536];
            while let Ok(count) = reader.read(&mut buffer) {
                if count == 0 {
                    break;
                }
                cells.lock().expect("the screen").process(&buffer[..count]);
            }
        });
        Self { screen, keys, child, _pty: pty.master }
    }

    pub fn text(&self) -> String {
        self.screen.lock().expect("the screen").screen().contents()
    }

    pub fn wait_for(&self, wanted: &str, seconds: u64) -> String {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        loop {
            let text = self.text();
            if text.contains(wanted) {
                return text;
            }
            assert!(Instant::now() < deadline, "`{wanted}` is not on the screen:\n{text}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Whether a text comes in time.
    pub fn shows(&self, wanted: &str, seconds: u64) -> bool {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < deadline {
            if self.text().contains(wanted) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        false
    }

    /// Types like a person: one key after the other.
    pub fn typed(&mut self, keys: &str) {
        for key in keys.chars() {
            self.press(&key.to_string());
            std::thread::sleep(Duration::from_millis(80));
        }
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("keys");
        self.keys.flush().expect("keys");
    }
}

#[test]
fn a_container_killed_for_memory_is_cured_by_an_approval_with_keys() {
    let Some(environment) = Environment::find("the whole line with keys") else { return };
    let world = World::new(&environment, "line", "");
    world.apply(&world.deployment("ledger-api", 1, &hold(66_000_000), Some("64Mi")));
    let mut console = Console::start(&world);
    console.wait_for("driving", 30);
    console.wait_for("ploy/ledger-api", 120);
    console.wait_for("? approval", 60);
    let case = world.wait_for("a plan", 30, |case| case["state"] == "awaiting_approval");
    assert_eq!(case["pattern"], "high-memory", "{case:#}");
    assert_eq!(case["plan"]["risk"], "medium");

    console.press(" a");
    let card = console.wait_for("CHANGE", 15);
    assert!(card.contains("64Mi"), "the diff is on the card:\n{card}");
    assert!(card.contains("ledger-api"), "{card}");
    // Keys in the first half second are dead: these decide nothing.
    console.press("ay");
    std::thread::sleep(Duration::from_millis(1_500));
    let still = world.show(case["id"].as_str().expect("an id"));
    assert_eq!(still["state"], "awaiting_approval", "dead keys decided");
    // A paste decides nothing either.
    console.press("\u{1b}[200~ay\u{1b}[201~");
    std::thread::sleep(Duration::from_millis(800));
    let still = world.show(case["id"].as_str().expect("an id"));
    assert_eq!(still["state"], "awaiting_approval", "a paste decided");
    console.press("a");
    std::thread::sleep(Duration::from_millis(200));
    console.press("y");

    let case = world.wait_for("the verdict", 300, |case| case["state"] == "closed");
    assert_eq!(case["verdict"]["outcome"], "effective", "{}\n{}", case, console.text());
    let approval = &case["approvals"][0];
    assert!(approval.to_string().contains("chord"), "how it was decided is recorded: {approval}");
    let live = world.get("deploy", "ledger-api");
    assert_ne!(
        live["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"],
        "64Mi"
    );
    assert_eq!(live["status"]["availableReplicas"], 1);

    let id = case["id"].as_str().expect("an id");
    let to = world.path("out");
    let (code, out, err) =
        world.run(&["export", id, "--format", "json,md", "--to", to.to_str().expect("a path")]);
    assert_eq!(code, 0, "{out}{err}");
    let report = std::fs::read_dir(&to)
        .expect("reports")
        .filter_map(Result::ok)
        .find(|file| file.path().extension().is_some_and(|end| end == "md"))
        .map(|file| std::fs::read_to_string(file.path()).expect("the report"))
        .expect("a Markdown report");
    for step in case["plan"]["steps"].as_array().expect("steps") {
        let title = step["title"].as_str().unwrap_or_default();
        assert!(report.contains(title), "the report names step `{title}`:\n{report}");
    }
    world.audit();
    console.press("\u{1b}");
    std::thread::sleep(Duration::from_secs(1));
    console.press("q");
    let deadline = Instant::now() + Duration::from_secs(20);
    while console.child.try_wait().expect("its state").is_none() {
        assert!(Instant::now() < deadline, "q does not end the console:\n{}", console.text());
        std::thread::sleep(Duration::from_millis(100));
        if console.text().contains("leave") {
            console.press("y");
        }
    }
}
