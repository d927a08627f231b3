//! The edges of a running engine: HTTP endpoints and the command socket, as tasks of that engine.

use super::exit::{Exit, Failure};
use super::session::Session;
use crate::assemble::running::Running;
use crate::assemble::without_engine::now;
use crate::serve::{http, socket};
use std::sync::Arc;
use tokio::net::TcpListener;

/// Opens the endpoints of the settings. Returns a line for each.
///
/// # Errors
/// When an address is taken or the token can't be read.
pub fn endpoints(session: &Session, running: &Running) -> Result<Vec<String>, Failure> {
    let mut lines = Vec::new();
    let webhook = &session.settings().webhook;
    if let Some(address) = webhook.listen {
        let token = webhook.token.read().map_err(Failure::usage)?;
        let listener = session.wait(TcpListener::bind(address)).map_err(|error| {
            Failure::unavailable(format!(
                "webhook.listen: {address} can't be opened: {error}; name another with --listen, or `off`"
            ))
        })?;
        let actual = listener
            .local_addr()
            .map_err(|error| Failure::new(Exit::Failed, format!("{address}: {error}")))?;
        lines.push(format!("alerts at http://{actual}/alertmanager"));
        let handle = running.handle.clone();
        running.serve(|stop| async move {
            if let Err(error) = http::run(listener, handle, token, stop).await {
                tracing::error!(%error, "the HTTP endpoints ended");
            }
        });
    }
    let path = session.settings().socket_path();
    lines.push(format!("commands at {}", path.display()));
    let handle = running.handle.clone();
    running.serve(|stop| socket::run(path, handle, Arc::new(now), stop));
    Ok(lines)
}
