//! What must not run does not run, and says so.

use crate::world::{Environment, World, hold, payload};
use std::time::{Duration, Instant};

#[test]
fn stop_everything_set_with_kubectl_holds_until_start_names_the_cluster() {
    let Some(environment) = Environment::find("stop everything by kubectl") else { return };
    let more = "[approval]\nwithout_terminal = \"medium\"\n";
    let mut world = World::new(&environment, "stop", more);
    world.start_engine();
    world.apply(&world.deployment("ledger-api", 1, &hold(66_000_000), Some("64Mi")));
    let case = world.wait_for("a plan", 150, |case| case["state"] == "awaiting_approval");
    world.kubectl(&[
        "-n",
        &world.namespace,
        "annotate",
        "lease",
        "pilothouse-engine",
        "pilothouse.dev/stop=drill",
    ]);
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let (code, out, err) = world.approve(&case);
        if code == 4 && format!("{out}{err}").contains("drill") {
            break;
        }
        assert!(Instant::now() < deadline, "approve answered {code}: {out}{err}");
        assert_ne!(code, 0, "approved although everything is stopped");
        std::thread::sleep(Duration::from_secs(1));
    }
    let (code, _, err) = world.run(&["start", "--cluster", "elsewhere", "--reason", "over"]);
    assert_eq!(code, 2, "{err}");
    // The engine comes back, and still is stopped.
    world.kill_engine();
    world.start_engine();
    // It may drive only after the dead one's time to live and one request have passed.
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        let (code, out, err) = world.approve(&case);
        assert_ne!(code, 0, "approved although everything is stopped: {out}{err}");
        let (code, out, err) = world.run(&["start", "--cluster", "test", "--reason", "drill over"]);
        if code == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "start answered {code}: {out}{err}");
        std::thread::sleep(Duration::from_secs(1));
    }
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        let case =
            world.wait_for("a plan that stands", 90, |case| case["state"] == "awaiting_approval");
        let (code, out, err) = world.approve(&case);
        if code == 0 {
            break;
        }
        // Until it drives, it says who does.
        assert!(code == 6 && Instant::now() < deadline, "approve answered {code}: {out}{err}");
        std::thread::sleep(Duration::from_secs(1));
    }
    world.wait_for("the verdict", 240, |case| case["state"] == "closed");
    world.audit();
}

#[test]
fn a_second_engine_with_another_store_observes_instead_of_driving() {
    let Some(environment) = Environment::find("two engines, one cluster") else { return };
    let mut world = World::new(&environment, "two", "");
    world.start_engine();
    std::thread::sleep(Duration::from_secs(4));
    let other = world.path("other.db");
    let other = other.to_str().expect("a path").to_string();
    let args = ["--store", &other, "--listen", "off", "engine"];
    let mut second = world.command(&args).spawn().expect("a second engine");
    std::thread::sleep(Duration::from_secs(5));
    let labels = serde_json::json!({"alertname": "KubePodCrashLooping",
        "namespace": world.namespace, "pod": "nobody"});
    let payload = payload(&labels, "Something is wrong");
    let file = world.path("alert.json");
    std::fs::write(&file, payload.to_string()).expect("a file");
    let lease =
        world.kubectl(&["-n", &world.namespace, "get", "lease", "pilothouse-engine", "-o", "json"]);
    let first =
        serde_json::from_str::<serde_json::Value>(&lease).expect("JSON")["spec"]["holderIdentity"]
            .clone();
    std::thread::sleep(Duration::from_secs(8));
    let lease =
        world.kubectl(&["-n", &world.namespace, "get", "lease", "pilothouse-engine", "-o", "json"]);
    let still =
        serde_json::from_str::<serde_json::Value>(&lease).expect("JSON")["spec"]["holderIdentity"]
            .clone();
    assert_eq!(first, still, "the first engine drives on");
    let (_, out, err) =
        world.run(&["--store", &other, "alert", file.to_str().expect("a path"), "--wait"]);
    second.kill().expect("a kill");
    second.wait().expect("its end");
    println!("{out}{err}");
    // The first one dies without a word; the second may take over only after its time to live and one request.
    world.audit();
}
