//! Kubeconfigs, contexts, credential plugins.

use crate::world::{CLOCK, Kept, World, connect, keep, line};
use pilothouse::adapters::kube::{KubeCluster, KubeOptions};
use pilothouse::ports::cluster::Cluster;
use serde_json::{Value, json};
use std::path::PathBuf;

fn options(kubeconfig: &Kept) -> KubeOptions {
    KubeOptions { kubeconfig: Some(kubeconfig.path.clone()), ..KubeOptions::default() }
}

/// The admin's kubeconfig as JSON, with the certificates inside.
fn flat(world: &World) -> Value {
    let text = world.kubectl(&["config", "view", "--flatten", "--raw", "-o", "json"]);
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn a_credential_plugin_runs_without_a_terminal() {
    let Some(world) = World::new("plugin") else { return };
    let mut config = flat(&world);
    let user = config["users"][0]["user"].clone();
    let pem = |field: &str| {
        let text = user[field].as_str().unwrap();
        let file = keep("secret.b64", text);
        let output =
            std::process::Command::new("base64").arg("-d").arg(&file.path).output().unwrap().stdout;
        String::from_utf8(output).unwrap()
    };
    let credential = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
        "status": {"clientCertificateData": pem("client-certificate-data"),
            "clientKeyData": pem("client-key-data")},
    });
    let answer = keep("credential.json", &credential.to_string());
    let seen = answer.path.with_file_name("seen");
    // Ends at once only when its standard input is not a terminal and has an end.
    let script = keep(
        "plugin.sh",
        &format!(
            "#!/bin/sh\n[ -t 0 ] && exit 7\ncat >/dev/null\nprintf '%s' \"$KUBERNETES_EXEC_INFO\" >'{}'\ncat '{}'\n",
            seen.display(),
            answer.path.display()
        ),
    );
    config["users"][0]["user"] = json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/sh",
        "args": [script.path.to_str().unwrap()], "interactiveMode": "IfAvailable",
    }});
    let cluster = connect(options(&keep("kubeconfig.json", &config.to_string()))).await;
    assert!(!cluster.identity().await.unwrap().user.username.is_empty());
    let info = serde_json::from_str::<Value>(&std::fs::read_to_string(seen).unwrap()).unwrap();
    assert_eq!(info["spec"]["interactive"], false);
}

#[tokio::test]
async fn a_kubeconfig_that_is_of_no_use_is_refused_in_words() {
    let good = json!({"apiVersion": "v1", "kind": "Config", "current-context": "a",
        "clusters": [{"name": "a", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "a", "user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1",
            "command": "/bin/sh", "args": ["-c", "echo token=abcdef99 >&2; exit 3"]}}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}]});
    let _ = rustls::crypto::ring::default_provider().install_default();
    let absent = PathBuf::from("/nonexistent/kubeconfig");
    let broken = keep("kubeconfig", "clusters: [unclosed");
    let plugin = keep("kubeconfig", &good.to_string());
    for (path, context, expected) in [
        (absent, None, "/nonexistent/kubeconfig"),
        (broken.path.clone(), None, broken.path.to_str().unwrap()),
        (plugin.path.clone(), Some("nobody".to_owned()), "nobody"),
        (plugin.path.clone(), None, "context a"),
    ] {
        let options = KubeOptions { kubeconfig: Some(path), context, ..KubeOptions::default() };
        let error =
            KubeCluster::connect(options, CLOCK.clone(), line()).await.err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("abcdef99"), "{error}");
    }
}

#[tokio::test]
async fn another_context_can_be_chosen() {
    let Some(world) = World::new("context") else { return };
    let mut config = flat(&world);
    let mut other = config["contexts"][0].clone();
    other["name"] = "other".into();
    config["contexts"].as_array_mut().unwrap().push(other);
    config["current-context"] = "nowhere".into();
    let file = keep("kubeconfig.json", &config.to_string());
    let cluster = connect(KubeOptions { context: Some("other".into()), ..options(&file) }).await;
    assert_eq!(cluster.identity().await.unwrap().name, "other");
}
