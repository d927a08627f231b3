//! Commands to the engine that drives, through its Unix socket.
//!
//! Absent on purpose: a second try. A command with no answer may have been taken; whoever sent it looks first.

use crate::domain::principal::Principal;
use crate::ports::relay::Relay;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// Version of the lines.
const WIRE_VERSION: u32 = 1;
/// Longest answer.
const ANSWER_LIMIT: u64 = 1024 * 1024;
/// Longest command: the engine reads no longer line.
const COMMAND_LIMIT: usize = 1024 * 1024;
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the receipt may take: longer than the engine's own patience.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(75);
/// Longest path that fits into a socket address.
const PATH_LIMIT: usize = 100;

/// The socket beside the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketRelay {
    /// Where it is.
    pub path: PathBuf,
}

#[async_trait::async_trait]
impl Relay for SocketRelay {
    async fn send(&self, by: &Principal, command_json: &str) -> Result<String, String> {
        let command = serde_json::from_str::<serde_json::Value>(command_json)
            .map_err(|error| format!("the command is no JSON: {error}"))?;
        let call = serde_json::json!({
            "version": WIRE_VERSION,
            "command": command,
            "kube": by.kube,
            "host": by.host,
            "tty": by.tty,
        });
        let mut line = call.to_string();
        line.push('\n');
        if line.len() > COMMAND_LIMIT {
            return Err(format!(
                "the command has {} bytes; the engine takes at most {COMMAND_LIMIT}: send fewer alerts at once",
                line.len()
            ));
        }
        let mut stream = self.connect().await?;
        stream
            .write_all(line.as_bytes())
            .await
            .map_err(|error| format!("the engine went away while it was asked: {error}"))?;
        let mut answer = String::new();
        let mut limited = stream.take(ANSWER_LIMIT);
        match tokio::time::timeout(ANSWER_TIMEOUT, limited.read_to_string(&mut answer)).await {
            Ok(Ok(_)) if answer.ends_with('\n') => Ok(answer.trim_end().to_string()),
            Ok(Ok(_)) => {
                Err("the engine ended before it answered: look before trying again".into())
            }
            Ok(Err(error)) => {
                Err(format!("the engine's answer broke off: {error}; look before trying again"))
            }
            Err(_) => Err("the engine did not answer in time: look before trying again".into()),
        }
    }
}

impl SocketRelay {
    /// The relay to the engine that listens there.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    async fn connect(&self) -> Result<UnixStream, String> {
        let shown = self.path.display();
        let (_open, address) = reachable(&self.path)?;
        match tokio::time::timeout(CONNECT_TIMEOUT, UnixStream::connect(address)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(match error.kind() {
                std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => format!(
                    "no engine listens on {shown}: start `pilothouse` or `pilothouse engine` with this store"
                ),
                std::io::ErrorKind::PermissionDenied => {
                    format!(
                        "{shown} belongs to another user: only the engine's own user may command it"
                    )
                }
                _ => format!("{shown}: {error}"),
            }),
            Err(_) => Err(format!("the engine on {shown} takes no calls now")),
        }
    }
}

/// A path that fits into a socket address; long ones go through an open directory.
fn reachable(path: &Path) -> Result<(Option<std::fs::File>, PathBuf), String> {
    use std::os::fd::AsRawFd as _;
    if path.as_os_str().len() <= PATH_LIMIT {
        return Ok((None, path.to_path_buf()));
    }
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(format!("{} is no path for a socket", path.display()));
    };
    let open = std::fs::File::open(directory)
        .map_err(|error| format!("no engine listens there: {}: {error}", directory.display()))?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd())).join(name);
    Ok((Some(open), short))
}
