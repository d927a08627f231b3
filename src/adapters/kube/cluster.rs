//! The port, answered by the files beside this one.

use super::connect::{ConnectError, Connection, KubeOptions};
use super::kinds::Kinds;
use crate::domain::evidence::{Answer, Read};
use crate::domain::id::AttemptId;
use crate::domain::operation::Operation;
use crate::domain::principal::KubeIdentity;
use crate::ports::clock::Clock;
use crate::ports::cluster::{Cluster, ClusterError, Identity, LeaseView, Permit, Probe, Sent};
use crate::ports::line::Line;
use serde_json::Value;
use std::sync::Arc;

/// A Kubernetes cluster behind its API server.
pub struct KubeCluster {
    pub(super) connection: Connection,
    pub(super) kinds: Kinds,
}

impl KubeCluster {
    /// Makes the client. Asks the cluster nothing yet: [`Cluster::identity`] does. `clock` must be the one that permits'
    /// deadlines are on. `line` is the only way to the API server.
    ///
    /// # Errors
    /// The kubeconfig, its context, or a credential plugin is of no use; which and why.
    pub async fn connect(
        options: KubeOptions,
        clock: Arc<dyn Clock>,
        line: Line,
    ) -> Result<Self, ConnectError> {
        let connection = Connection::open(options, clock, line).await?;
        Ok(Self { connection, kinds: Kinds::default() })
    }

    /// Name of the kubeconfig's context.
    pub fn context(&self) -> &str {
        self.connection.context()
    }
}

#[async_trait::async_trait]
impl Cluster for KubeCluster {
    async fn identity(&self) -> Result<Identity, ClusterError> {
        self.who_is_there().await
    }

    async fn read(&self, read: &Read) -> Answer {
        self.answer(read).await
    }

    async fn preview(&self, operation: &Operation) -> Result<Option<(Value, Value)>, ClusterError> {
        self.dry_run(operation).await
    }

    async fn admits(&self, namespace: &str, pod_template: &Value) -> Result<(), ClusterError> {
        self.would_admit(namespace, pod_template).await
    }

    async fn can(
        &self,
        who: &KubeIdentity,
        operation: &Operation,
    ) -> Result<(bool, String, String), ClusterError> {
        self.may(who, operation).await
    }

    async fn send(&self, permit: Permit, operation: &Operation) -> Sent {
        self.apply(&permit, operation).await
    }

    async fn probe(&self, attempt: &AttemptId, operation: &Operation) -> Probe {
        self.look(attempt, operation).await
    }

    async fn lease(&self) -> Result<Option<LeaseView>, ClusterError> {
        self.see_lease().await
    }

    async fn hold_lease(
        &self,
        holder: &str,
        ttl_s: u64,
        expected: Option<&str>,
    ) -> Result<LeaseView, ClusterError> {
        self.take_lease(holder, ttl_s, expected).await
    }

    async fn release_lease(&self, holder: &str) -> Result<(), ClusterError> {
        self.give_lease_back(holder).await
    }

    async fn set_stop(&self, text: Option<&str>) -> Result<(), ClusterError> {
        self.write_stop(text).await
    }
}
