//! A real PostgreSQL as the store, killed, hung, slowed and restored while work runs: nothing begins, it is said, what
//! can be watched is watched, and nothing is lost.

use crate::breakers::{Drill, waits};
use crate::gate::Harm;
use crate::team::sql;
use crate::world::{Environment, World, text};
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server of this test's own.
struct Server {
    script: String,
    directory: PathBuf,
    port: u16,
    child: Child,
}

impl Server {
    fn start(directory: PathBuf) -> Self {
        let script = std::env::var("PILOTHOUSE_TEST_POSTGRES_SERVER").expect("the script");
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
        let child = Self::process(&script, &directory, port);
        let mut server = Self { script, directory, port, child };
        server.ready();
        server
    }

    fn process(script: &str, directory: &std::path::Path, port: u16) -> Child {
        let mut command = Command::new(script);
        command.arg("serve").arg(directory).arg(port.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the server")
    }

    fn url(&self) -> url::Url {
        let mut command = Command::new(&self.script);
        let said = command.arg("url").arg(&self.directory).arg(self.port.to_string()).output();
        url::Url::parse(text(&said.expect("its URL").stdout).trim()).expect("a URL")
    }

    /// Waits until it answers. One that ended (the old one's children were still there) is started again.
    fn ready(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(180);
        loop {
            if self.child.try_wait().expect("its state").is_some() {
                self.child = Self::process(&self.script, &self.directory, self.port);
            }
            let made = self.directory.join("made").exists();
            if made && sql(self.url().as_str(), &["SELECT 1".into()]).is_ok() {
                return;
            }
            assert!(Instant::now() < deadline, "PostgreSQL does not answer");
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    fn kill(&mut self) {
        self.child.kill().expect("a kill");
        self.child.wait().expect("its end");
    }

    /// Stops or continues the server and all its children.
    fn signal(&self, signal: &str) {
        let pid = self.child.id();
        let script = format!("kill -{signal} {pid}; pkill -{signal} -P {pid}; true");
        assert!(Command::new("sh").args(["-c", &script]).status().expect("sh").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal("CONT");
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What an endpoint of the engine answers: status and body.
fn http(port: u16, request: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer))
}

fn get(port: u16, path: &str) -> Option<(u16, String)> {
    http(port, &format!("GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"))
}

fn hand_in(world: &World, port: u16, name: &str) -> Option<u16> {
    let labels = json!({"alertname": name, "namespace": world.namespace, "pod": "nobody"});
    let body = json!({"version": "4", "status": "firing", "alerts": [{
        "status": "firing", "labels": labels, "annotations": {}, "fingerprint": name,
        "startsAt": "2026-11-21T03:00:00Z", "endsAt": "0001-01-01T00:00:00Z"}]})
    .to_string();
    let head = format!(
        "POST /alertmanager HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    http(port, &format!("{head}{body}")).map(|(status, _)| status)
}

fn eventually(what: &str, seen: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(180);
    while !seen() {
        assert!(Instant::now() < deadline, "{what} was not seen");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn while_postgresql_is_gone_nothing_begins_and_afterwards_each_change_was_made_once() {
    let Some(environment) = Environment::find("PostgreSQL breaks while work runs") else { return };
    let home = tempfile::tempdir().expect("a directory");
    let mut server = Server::start(home.path().join("pg"));
    let url = server.url();
    let password = home.path().join("password");
    std::fs::write(&password, url.password().expect("a password")).expect("a file");
    let drill = Drill::on_store(
        &environment,
        "brk-store",
        &format!("127.0.0.1:{}", server.port),
        &|_, port, text| {
            let way = format!(
                "[store]\nurl = \"postgres://postgres@127.0.0.1:{port}/postgres\"\npassword_file = \"{}\"\n",
                password.display()
            );
            text.replacen("[store]\n", &way, 1)
        },
    );
    let config = std::fs::read_to_string(&drill.world.config).expect("settings");
    let from = config.find("listen = \"127.0.0.1:").expect("an address") + 20;
    let port: u16 = config[from..].split('"').next().and_then(|p| p.parse().ok()).expect("a port");

    for (harm, pair) in ["killed", "hung", "slow"].into_iter().zip([
        ("96Mi", "112Mi"),
        ("72Mi", "88Mi"),
        ("104Mi", "120Mi"),
    ]) {
        let before = drill.generation();
        let id = drill.begun(pair.0, pair.1);
        drill.until(&id, "the wait", waits);
        match harm {
            "killed" => server.kill(),
            "hung" => server.signal("STOP"),
            _ => drill.gate.harm(Harm::Slow(Duration::from_secs(6))),
        }
        eventually("the breaker of the store to be open", || {
            get(port, "/metrics").is_some_and(|(_, text)| {
                text.contains("pilothouse_breaker_passes{breaker=\"store\"} 0")
            })
        });
        eventually("the engine to say that it is not ready", || {
            get(port, "/readyz").is_some_and(|(status, text)| {
                status == 503 && text.contains("the store can't be written")
            })
        });
        // An alert that can't be made durable is not acknowledged: its sender keeps it.
        let name = format!("While-{harm}");
        eventually("an alert to be refused", || hand_in(&drill.world, port, &name) == Some(503));
        // The rollout ends meanwhile; what would come next does not begin.
        let namespace = drill.world.namespace.clone();
        let done = ["-n", &namespace, "rollout", "status", "deploy/cart", "--timeout=240s"];
        drill.world.kubectl(&done);
        std::thread::sleep(Duration::from_secs(3));
        assert_eq!(drill.limit(), pair.0, "{harm}: the second change must not have been made");
        match harm {
            "killed" => server.ready(),
            "hung" => server.signal("CONT"),
            _ => drill.gate.harm(Harm::None),
        }
        eventually("the alert to be taken", || hand_in(&drill.world, port, &name) == Some(200));
        let case = drill.until(&id, "the end", |case| case["state"] == "closed");
        assert_eq!(case["outcome"], "effective", "{harm}: {case:#}");
        assert_eq!(drill.limit(), pair.1);
        assert_eq!(drill.generation(), before + 2, "{harm}: each change was made once");
        drill.world.wait_for("the alert of the outage", 120, |case| {
            case["alerts"]
                .as_array()
                .is_some_and(|all| all.iter().any(|alert| alert["name"] == name.as_str()))
        });
    }
    let history = drill.breaker("store")["history"].to_string();
    assert!(history.contains("open"), "{history}");
    drill.world.audit();
}
