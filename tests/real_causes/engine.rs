//! The one engine of this target, and the verbs that speak to it.

use crate::world::{Environment, PROGRAM, text};
use serde_json::Value;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// An engine with settings of its own. It ends with this process, however that ends: its shell reads from a pipe that
/// only this process holds.
pub struct Engine {
    directory: PathBuf,
}

impl Engine {
    /// The engine, started by whoever asks first.
    pub fn get(environment: &Environment) -> &'static Self {
        static ENGINE: OnceLock<Engine> = OnceLock::new();
        ENGINE.get_or_init(|| Self::start(environment))
    }

    fn start(environment: &Environment) -> Self {
        let directory = tempfile::tempdir().expect("a directory").keep();
        let namespace = format!("ph-causes-{}", std::process::id());
        let settings = format!(
            "[cluster]\nkubeconfig = \"{}\"\n[store]\npath = \"{}\"\n\
             [engine]\nlease_ttl = \"6s\"\nrequest_timeout = \"5s\"\nlease_namespace = \"{namespace}\"\n\
             [policy]\nsettle = \"8s\"\nhelped_repeats = 1\n[prometheus]\nurl = \"{}\"\n[webhook]\nlisten = \"off\"\n\
             [approval]\nwithout_terminal = \"high\"\n",
            environment.kubeconfig,
            directory.join("store.db").display(),
            environment.prometheus,
        );
        std::fs::write(directory.join("config.toml"), settings).expect("settings");
        let it = Self { directory };
        let mut create = Command::new(&environment.kubectl);
        create.args(["--kubeconfig", &environment.kubeconfig, "create", "namespace", &namespace]);
        assert!(create.stdout(Stdio::null()).status().expect("kubectl").success());
        let script = "\"$0\" \"$@\" & engine=$!; cat >/dev/null; kill $engine; wait $engine; \
                      $KUBECTL delete namespace $NAMESPACE --wait=false; rm -rf \"$HOME\"";
        let log = std::fs::File::create(it.directory.join("engine.log")).expect("a log");
        let child = Command::new("/bin/sh")
            .args(["-c", script, PROGRAM, "--config"])
            .arg(it.directory.join("config.toml"))
            .arg("engine")
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("HOME", &it.directory)
            .env("NAMESPACE", &namespace)
            .env(
                "KUBECTL",
                format!("{} --kubeconfig {}", environment.kubectl, environment.kubeconfig),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the engine");
        // Its stdin stays open for as long as this process lives.
        std::mem::forget(child);
        it
    }

    /// Runs a verb, with that on its stdin: exit code, stdout, stderr.
    pub fn run(&self, args: &[&str], input: &str) -> (i32, String, String) {
        let mut child = Command::new(PROGRAM)
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("HOME", &self.directory)
            .arg("--config")
            .arg(self.directory.join("config.toml"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        // It may end without having read its input.
        let _ = child.stdin.take().expect("its stdin").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("its end");
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }

    /// What a verb prints as JSON; `None` when it does not end well.
    pub fn json(&self, args: &[&str]) -> Option<Value> {
        let args = args.iter().copied().chain(["--output", "json"]).collect::<Vec<_>>();
        let (code, out, _) = self.run(&args, "");
        if code == 0 { serde_json::from_str(&out).ok() } else { None }
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        let log = std::fs::read_to_string(self.directory.join("engine.log")).unwrap_or_default();
        log.lines().rev().take(20).collect::<Vec<_>>().join("\n")
    }
}
