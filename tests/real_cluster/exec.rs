//! Programs run in containers.

use crate::world::{World, send, until};
use pilothouse::domain::id::AttemptId;
use pilothouse::domain::operation::{Command, Keeps, Operation};
use pilothouse::domain::resource::ObjectRef;
use pilothouse::domain::workflow::execution::AttemptOutcome;
use pilothouse::ports::cluster::{Cluster, Probe};
use serde_json::json;

#[tokio::test]
async fn a_program_runs_as_it_stands_and_its_exit_code_decides() {
    let Some(world) = World::new("exec") else { return };
    let Ok(image) = std::env::var("PILOTHOUSE_TEST_IMAGE") else { return };
    let cluster = world.cluster().await;
    world.create(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "tool"},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [{"name": "app",
            "image": image, "command": ["/bin/sh", "-c", "sleep 3600"]}]}}));
    until("the pod runs", || {
        (world.see("pod", "tool")["status"]["phase"] == "Running").then_some(())
    })
    .await;
    let pod = ObjectRef::of(&world.see("pod", "tool")).unwrap();
    let exec = |argv: &[&str], timeout_s, keeps| {
        Operation::Exec(Command {
            pod: pod.clone(),
            container: "app".into(),
            argv: argv.iter().map(|word| (*word).to_string()).collect(),
            succeeds_on: Vec::new(),
            timeout_s,
            keeps,
        })
    };
    // No shell: what looks like one is an argument.
    let echo = exec(&["echo", "a b; exit 3", "$HOME"], 20, Keeps::Text);
    assert_eq!(cluster.preview(&echo).await.unwrap(), None);
    let outcome = send(&cluster, "a1", &echo).await;
    let AttemptOutcome::Applied { note } = outcome else { panic!("{outcome:?}") };
    // `a b; exit 3 $HOME` and the end of the line.
    assert!(note.starts_with("exit code 0; output of 18 bytes kept as blob "), "{note}");
    let probe = cluster.probe(&AttemptId::new("a1"), &echo).await;
    assert!(matches!(probe, Probe::CantTell(_)), "{probe:?}");

    let failing = exec(&["ls", "/not-there"], 20, Keeps::Text);
    let outcome = send(&cluster, "a2", &failing).await;
    let AttemptOutcome::Failed { why } = outcome else { panic!("{outcome:?}") };
    assert!(why.starts_with("exit code 1: ls: /not-there: No such file"), "{why}");

    let outcome = send(&cluster, "a3", &exec(&["no-such-program"], 20, Keeps::Text)).await;
    assert!(
        matches!(outcome, AttemptOutcome::Failed { .. } | AttemptOutcome::Refused { .. }),
        "{outcome:?}"
    );
    let outcome = send(&cluster, "a4", &exec(&["sleep", "30"], 1, Keeps::Text)).await;
    assert!(matches!(outcome, AttemptOutcome::NoAnswer { .. }), "{outcome:?}");
    // More than a stream's buffer, byte for byte.
    let zeros = exec(&["head", "-c", "3000000", "/dev/zero"], 20, Keeps::Bytes);
    let outcome = send(&cluster, "a5", &zeros).await;
    let AttemptOutcome::Applied { note } = outcome else { panic!("{outcome:?}") };
    assert!(note.contains("output of 3000000 bytes"), "{note}");

    let mut foreign = pod.clone();
    foreign.uid = "another".into();
    let elsewhere = Operation::Exec(Command {
        pod: foreign,
        container: "app".into(),
        argv: vec!["true".into()],
        succeeds_on: Vec::new(),
        timeout_s: 5,
        keeps: Keeps::Text,
    });
    let outcome = send(&cluster, "a6", &elsewhere).await;
    assert!(matches!(outcome, AttemptOutcome::Refused { retryable: false, .. }), "{outcome:?}");
}
