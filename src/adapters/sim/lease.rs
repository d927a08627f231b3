//! The Lease object that keeps a second engine from driving.

use super::json::{int, micro_stamp, set, text, time};
use super::store::Door;
use super::world::World;
use crate::domain::resource::ObjectKey;
use crate::ports::cluster::{
    ClusterError, LEASE_NAME, LEASE_NAMESPACE, LeaseView, STOP_ANNOTATION,
};
use serde_json::{Value, json};

fn place() -> ObjectKey {
    ObjectKey::new("coordination.k8s.io/v1", "Lease", LEASE_NAMESPACE, LEASE_NAME)
}

impl World {
    /// The Lease as it is.
    pub(super) fn lease_view(&self) -> Option<LeaseView> {
        let lease = self.object(&place())?;
        let stop = text(lease, &["metadata", "annotations", STOP_ANNOTATION]);
        Some(LeaseView {
            holder: text(lease, &["spec", "holderIdentity"]).into(),
            renewed_at: time(lease, &["spec", "renewTime"]),
            ttl_s: u64::try_from(int(lease, &["spec", "leaseDurationSeconds"])).unwrap_or(0),
            stop: (!stop.is_empty()).then(|| stop.to_string()),
            version: text(lease, &["metadata", "resourceVersion"]).into(),
        })
    }

    /// Takes or renews the Lease.
    pub(super) fn hold_lease(
        &mut self,
        holder: &str,
        ttl_s: u64,
        expected: Option<&str>,
    ) -> Result<LeaseView, ClusterError> {
        let manager = super::cluster::FIELD_MANAGER;
        self.create(super::manifest::namespace(LEASE_NAMESPACE), manager);
        self.create(
            json!({
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": {"name": LEASE_NAME, "namespace": LEASE_NAMESPACE}, "spec": {},
            }),
            manager,
        );
        let refused = |view: &LeaseView| {
            ClusterError::Refused(format!(
                "the Lease {LEASE_NAMESPACE}/{LEASE_NAME} is held by {} (version {})",
                view.holder, view.version
            ))
        };
        let view =
            self.lease_view().ok_or_else(|| ClusterError::Refused("the Lease vanished".into()))?;
        let free = view.holder.is_empty() || view.holder == holder;
        if !free && expected != Some(view.version.as_str()) {
            return Err(refused(&view));
        }
        let now = micro_stamp(self.now);
        let taken = view.holder != holder;
        self.modify(&place(), manager, Door::Main, |lease| {
            if taken {
                let transitions = int(lease, &["spec", "leaseTransitions"]) + 1;
                set(lease, &["spec", "leaseTransitions"], Value::from(transitions));
                set(lease, &["spec", "acquireTime"], Value::from(now.clone()));
            }
            set(lease, &["spec", "holderIdentity"], Value::from(holder));
            set(lease, &["spec", "leaseDurationSeconds"], Value::from(ttl_s));
            set(lease, &["spec", "renewTime"], Value::from(now));
        });
        self.lease_view().ok_or_else(|| ClusterError::Refused("the Lease vanished".into()))
    }

    /// Gives the Lease back.
    pub(super) fn release_lease(&mut self, holder: &str) {
        if self.lease_view().is_some_and(|view| view.holder == holder) {
            self.modify(&place(), super::cluster::FIELD_MANAGER, Door::Main, |lease| {
                set(lease, &["spec", "holderIdentity"], Value::from(""));
            });
        }
    }
}
