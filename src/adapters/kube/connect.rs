//! From a kubeconfig to a client, and to a new one when the credential has run out.
//!
//! Promises: a renewed client talks to the same server under the same certificate authority, or there is none.
//! Credential plugins run without a terminal. The client never repeats a request by itself.

use crate::domain::text::{clean, error_line};
use crate::ports::clock::Clock;
use crate::ports::cluster::{LEASE_NAME, LEASE_NAMESPACE};
use crate::ports::line::Line;
use kube::config::{ExecInteractiveMode, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How the cluster is reached.
#[derive(Debug, Clone)]
pub struct KubeOptions {
    /// Kubeconfig file; `None`: `$KUBECONFIG`, `~/.kube/config`, or the pod's service account.
    pub kubeconfig: Option<PathBuf>,
    /// Context in it; `None`: the current one.
    pub context: Option<String>,
    /// Longest wait for one answer.
    pub timeout: Duration,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Namespace of the engines' Lease.
    pub lease_namespace: String,
    /// Name of the engines' Lease.
    pub lease_name: String,
}

impl Default for KubeOptions {
    fn default() -> Self {
        Self {
            kubeconfig: None,
            context: None,
            timeout: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(5),
            lease_namespace: LEASE_NAMESPACE.into(),
            lease_name: LEASE_NAME.into(),
        }
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig can't be used.
    #[error("the kubeconfig {file} can't be used: {why}")]
    Kubeconfig {
        /// Which.
        file: String,
        /// Why.
        why: String,
    },
    /// The settings of the chosen context make no client.
    #[error("no connection can be made with context {context}: {why}")]
    Client {
        /// Which.
        context: String,
        /// Why.
        why: String,
    },
    /// A renewed kubeconfig points elsewhere.
    #[error(
        "context {context} now points to another cluster than when this process started; restart to use it"
    )]
    Moved {
        /// Which.
        context: String,
    },
}

/// The client, and what it takes to make it anew.
pub(super) struct Connection {
    options: KubeOptions,
    context: String,
    clock: Arc<dyn Clock>,
    line: Line,
    server: http::Uri,
    authority: Option<Vec<Vec<u8>>>,
    current: Mutex<Current>,
}

struct Current {
    client: Client,
    /// The server no longer takes the credential.
    stale: bool,
    made: Duration,
}

/// Shortest time between two attempts to make a new client.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(5);

impl Connection {
    /// Makes a client. Runs a credential plugin if the context names one; asks the cluster nothing.
    pub(super) async fn open(
        options: KubeOptions,
        clock: Arc<dyn Clock>,
        line: Line,
    ) -> Result<Self, ConnectError> {
        let (config, context) = load(&options).await?;
        let server = config.cluster_url.clone();
        let authority = config.root_cert.clone();
        let client = make(config, &context).await?;
        let made = clock.monotonic();
        let current = Mutex::new(Current { client, stale: false, made });
        Ok(Self { options, context, clock, line, server, authority, current })
    }

    pub(super) fn context(&self) -> &str {
        &self.context
    }

    pub(super) fn options(&self) -> &KubeOptions {
        &self.options
    }

    pub(super) fn line(&self) -> &Line {
        &self.line
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// The client, made anew when its credential has run out.
    pub(super) async fn client(&self) -> Client {
        let mut current = self.current.lock().await;
        let now = self.clock.monotonic();
        if (current.stale || self.has_run_out(&current.client))
            && now.saturating_sub(current.made) >= BETWEEN_RENEWALS
        {
            current.made = now;
            match self.renew().await {
                Ok(client) => {
                    current.client = client;
                    current.stale = false;
                }
                Err(error) => tracing::warn!(%error, "the credential could not be renewed"),
            }
        }
        current.client.clone()
    }

    /// The server refused the credential: the next request tries a new client.
    pub(super) async fn mark_stale(&self) {
        self.current.lock().await.stale = true;
    }

    fn has_run_out(&self, client: &Client) -> bool {
        client
            .valid_until()
            .is_some_and(|until| until.as_second() <= self.clock.now().timestamp() + 10)
    }

    async fn renew(&self) -> Result<Client, ConnectError> {
        let (config, context) = load(&self.options).await?;
        if config.cluster_url != self.server || config.root_cert != self.authority {
            return Err(ConnectError::Moved { context });
        }
        make(config, &context).await
    }
}

async fn load(options: &KubeOptions) -> Result<(Config, String), ConnectError> {
    let file = options.kubeconfig.as_ref().map_or_else(
        || "($KUBECONFIG or ~/.kube/config)".to_owned(),
        |path| path.display().to_string(),
    );
    let refuse = |why: &dyn std::error::Error| ConnectError::Kubeconfig {
        file: file.clone(),
        why: error_line(why, 600),
    };
    let read = match &options.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let (mut config, context) = match read {
        Ok(kubeconfig) => {
            let context = options.context.clone().or_else(|| kubeconfig.current_context.clone());
            let choice = KubeConfigOptions { context: context.clone(), cluster: None, user: None };
            let config = Config::from_custom_kubeconfig(kubeconfig, &choice)
                .await
                .map_err(|error| refuse(&error))?;
            (config, context.unwrap_or_else(|| "(no context)".into()))
        }
        Err(error) if options.kubeconfig.is_some() || options.context.is_some() => {
            return Err(refuse(&error));
        }
        Err(error) => match Config::incluster() {
            Ok(config) => (config, "in-cluster".into()),
            Err(_) => return Err(refuse(&error)),
        },
    };
    config.connect_timeout = Some(options.connect_timeout);
    // A 503 or 504 may follow a change that was made: whether to repeat is not the client's to decide.
    config.default_retry = false;
    if let Some(plugin) = &mut config.auth_info.exec {
        plugin.interactive_mode = Some(ExecInteractiveMode::Never);
    }
    Ok((config, clean(&context)))
}

async fn make(config: Config, context: &str) -> Result<Client, ConnectError> {
    let refuse = |why: String| ConnectError::Client { context: context.into(), why };
    // A credential plugin runs in here, and blocks.
    tokio::time::timeout(
        PLUGIN_TIME,
        tokio::task::spawn_blocking({
            let runtime = tokio::runtime::Handle::current();
            move || {
                let _inside = runtime.enter();
                Client::try_from(config)
            }
        }),
    )
    .await
    .map_err(|_| refuse("the credential plugin did not end within a minute".into()))?
    .map_err(|error| refuse(error_line(&error, 600)))?
    .map_err(|error| refuse(error_line(&error, 600)))
}

const PLUGIN_TIME: Duration = Duration::from_mins(1);
