//! Volumes that fill, measured by the kubelet. Each is a file system of its own, in memory, of a few megabytes.

use crate::place::{OK, Place};
use serde_json::json;
use std::path::PathBuf;
use std::process::Command;

/// A mounted file system; it goes with this, also after a panic.
struct Disk(PathBuf);

impl Disk {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(format!("/run/pilothouse-tests/{name}"));
        std::fs::create_dir_all(&path).expect("a directory");
        let it = Self(path);
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(&it.0)
            .status();
        assert!(done.expect("mount").success(), "a file system on {}", it.0.display());
        it
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What a kubelet still holds goes when it lets go.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

/// A claim on such a volume, and a pod that writes so many bytes to it.
fn written(place: &Place, disk: &Disk, bytes: u32) {
    let name = place.namespace.clone();
    let script = format!(
        "trap 'exit 0' TERM; dd if=/dev/zero of=/data/wal bs=100000 count={}; {OK}",
        bytes / 100_000
    );
    let mut web = place.deployment("web", 1, &script);
    let pod = &mut web["spec"]["template"]["spec"];
    pod["volumes"] = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]);
    pod["containers"][0]["volumeMounts"] = json!([{"name": "data", "mountPath": "/data"}]);
    place.apply(&[
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": {
            "capacity": {"storage": "8Mi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "",
            "persistentVolumeReclaimPolicy": "Retain", "local": {"path": disk.0},
            "claimRef": {"namespace": place.namespace, "name": "data"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                {"key": "kubernetes.io/hostname", "operator": "In", "values": ["node1"]}]}]}}}}),
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "volumeName": name,
                "resources": {"requests": {"storage": "8Mi"}}}}),
        web,
    ]);
    place.rolled_out("web");
    place.until("Prometheus knows how full it is", 240, || place.measured(bytes));
}

fn gone(place: &Place) {
    place.try_kubectl(&["delete", "pv", &place.namespace, "--wait=false"]);
}

#[test]
fn a_volume_that_is_full_is_told_with_its_figures_and_nothing_is_restarted() {
    let Some(place) = Place::new("full") else { return };
    let disk = Disk::new(&place.namespace);
    written(&place, &disk, 9_000_000);
    let pod = place.pods("app=web").remove(0);
    place.alert_saying(
        "KubePersistentVolumeFillingUp",
        json!({"persistentvolumeclaim": "data"}),
        "OOMKilled: raise the limit",
    );
    // Its figures too, but for a kubelet that is too busy to be scraped: then what its pod says is enough.
    let words = ["its volume is full", "of 8388608 bytes", "No space left on device"];
    place.told("volume-full", "PersistentVolumeClaim/data", &words);
    assert_eq!(place.pods("app=web"), [pod], "nothing was restarted");
    gone(&place);
}

#[test]
fn a_volume_that_is_nearly_full_is_told_before_it_is() {
    let Some(place) = Place::new("filling") else { return };
    let disk = Disk::new(&place.namespace);
    written(&place, &disk, 7_200_000);
    place.alert("KubePersistentVolumeFillingUp", json!({"persistentvolumeclaim": "data"}));
    let words = ["86 % full", "1.1Mi left"];
    place.told("volume-filling", "PersistentVolumeClaim/data", &words);
    gone(&place);
}
