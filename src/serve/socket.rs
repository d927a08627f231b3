//! The Unix socket beside the store: commands of other processes of this machine.
//!
//! Promises: mode 0600 from its first moment; the caller's user is the kernel's word (SO_PEERCRED); a socket that
//! another live engine answers on is left alone; only an engine that writes this store's log listens.

use super::peer::user_name;
use super::wire::{Call, LINE_LIMIT, WIRE_VERSION};
use crate::domain::principal::{Principal, Transport, claimed};
use crate::domain::time::Timestamp;
use crate::engine::command::{Receipt, Refusal};
use crate::engine::handle::Handle;
use crate::engine::snapshot::Role;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Callers at once. More wait in the kernel's queue.
const CALLERS: usize = 32;
/// How long a caller may take for its line.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a receipt may take: preflight asks the cluster several things.
const RECEIPT_TIMEOUT: Duration = Duration::from_mins(1);
/// How long until a socket that could not be bound is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// Longest path that fits into a socket address, with room for its end.
const PATH_LIMIT: usize = 100;

/// The wall clock, handed in.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Listens while this engine writes the log, until `stop`.
pub async fn run(path: PathBuf, handle: Handle, now: Now, stop: CancellationToken) {
    let mut snapshots = handle.snapshots();
    loop {
        let writes = match snapshots.borrow_and_update().role {
            Role::Driving | Role::Observing { .. } | Role::Locked { .. } => true,
            Role::Starting | Role::Following { .. } => false,
        };
        if writes {
            match bind(&path) {
                Ok(bound) => {
                    let until = stop.child_token();
                    let watch = follows(handle.clone());
                    tokio::select! {
                        () = serve(&bound, &handle, &now, &until) => {}
                        () = watch => {}
                    }
                    until.cancel();
                }
                Err(why) => {
                    tracing::warn!(socket = %path.display(), why, "the command socket is not open");
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(RETRY) => {}
                    }
                }
            }
        }
        if stop.is_cancelled() {
            return;
        }
        if !writes {
            tokio::select! {
                () = stop.cancelled() => return,
                changed = snapshots.changed() => if changed.is_err() { return },
            }
        }
    }
}

/// Ends when this engine no longer writes the log.
async fn follows(handle: Handle) {
    let mut snapshots = handle.snapshots();
    loop {
        let follows =
            matches!(snapshots.borrow_and_update().role, Role::Following { .. } | Role::Starting);
        if follows || snapshots.changed().await.is_err() {
            return;
        }
    }
}

/// A socket that is open; taken away when dropped, if it is still the same one.
#[derive(Debug)]
pub struct Bound {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl Drop for Bound {
    fn drop(&mut self) {
        if std::fs::symlink_metadata(&self.path).is_ok_and(|meta| meta.ino() == self.inode) {
            let _gone = std::fs::remove_file(&self.path);
        }
    }
}

/// Opens the socket with mode 0600. It is made in a directory that only this user may enter, and moved into place, so
/// that nobody can connect before its permissions are set.
///
/// # Errors
/// When another engine answers there, or the directory can't be written.
pub fn bind(path: &Path) -> Result<Bound, String> {
    let shown = path.display();
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(format!("{shown} is no path for a socket"));
    };
    if std::os::unix::net::UnixStream::connect(reachable(path)?.1).is_ok() {
        return Err(format!("another engine answers on {shown}"));
    }
    let wrong = |error: std::io::Error| format!("{shown} can't be made: {error}");
    let private = tempfile::Builder::new().prefix(".sock-").tempdir_in(directory).map_err(wrong)?;
    let made = private.path().join(name);
    let (_open, address) = reachable(&made)?;
    let listener = UnixListener::bind(address).map_err(wrong)?;
    std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o600)).map_err(wrong)?;
    let inode = std::fs::symlink_metadata(&made).map_err(wrong)?.ino();
    std::fs::rename(&made, path).map_err(wrong)?;
    Ok(Bound { listener, path: path.to_path_buf(), inode })
}

/// A path that fits into a socket address. Long ones go through an open directory; the file must stay open while the
/// path is used.
///
/// # Errors
/// When the directory can't be opened.
pub fn reachable(path: &Path) -> Result<(Option<std::fs::File>, PathBuf), String> {
    use std::os::fd::AsRawFd as _;
    if path.as_os_str().len() <= PATH_LIMIT {
        return Ok((None, path.to_path_buf()));
    }
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(format!("{} is no path for a socket", path.display()));
    };
    let open = std::fs::File::open(directory)
        .map_err(|error| format!("{} can't be opened: {error}", directory.display()))?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd())).join(name);
    Ok((Some(open), short))
}

async fn serve(bound: &Bound, handle: &Handle, now: &Now, stop: &CancellationToken) {
    let callers = Arc::new(Semaphore::new(CALLERS));
    let mut tasks = JoinSet::new();
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = callers.clone().acquire_owned() => place,
        };
        let Ok(place) = place else { return };
        tokio::select! {
            () = stop.cancelled() => break,
            _done = tasks.join_next(), if !tasks.is_empty() => {}
            accepted = bound.listener.accept() => {
                let Ok((stream, _)) = accepted else {
                    // Out of file descriptors and the like: wait instead of spinning.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                let (handle, now) = (handle.clone(), now.clone());
                tasks.spawn(async move {
                    let _place = place;
                    if let Err(error) = answer(stream, &handle, &now).await {
                        tracing::debug!(%error, "a caller of the command socket went away");
                    }
                });
            }
        }
    }
    // Receipts under way are still delivered.
    while tasks.join_next().await.is_some() {}
}

async fn answer(stream: UnixStream, handle: &Handle, now: &Now) -> std::io::Result<()> {
    let peer = stream.peer_cred()?;
    let (read, mut write) = stream.into_split();
    let mut reader = BufReader::new(read).take(LINE_LIMIT as u64 + 1);
    let mut line = Vec::new();
    let receipt =
        match tokio::time::timeout(READ_TIMEOUT, reader.read_until(b'\n', &mut line)).await {
            Err(_) => invalid("no whole line came in time; nothing was done"),
            Ok(Err(error)) => return Err(error),
            Ok(Ok(0)) => return Ok(()),
            Ok(Ok(_)) if line.len() > LINE_LIMIT => {
                invalid(&format!("the line is longer than {LINE_LIMIT} bytes; nothing was done"))
            }
            Ok(Ok(_)) => run_line(&line, peer.uid(), handle, now).await,
        };
    let mut text = serde_json::to_vec(&receipt)?;
    text.push(b'\n');
    write.write_all(&text).await?;
    write.shutdown().await
}

async fn run_line(line: &[u8], uid: u32, handle: &Handle, now: &Now) -> Receipt {
    let call = match serde_json::from_slice::<Call>(line) {
        Ok(call) => call,
        Err(error) => return invalid(&format!("the line is no command: {error}")),
    };
    if call.version != WIRE_VERSION {
        return invalid(&format!(
            "the caller speaks version {} and this engine {WIRE_VERSION}: use the same release of pilothouse",
            call.version
        ));
    }
    let name = tokio::task::spawn_blocking(move || user_name(uid)).await;
    let by = Principal {
        os_user: name.unwrap_or_else(|_| format!("uid {uid}")),
        uid,
        kube: call.kube,
        host: claimed(&call.host),
        tty: claimed(&call.tty),
        via: Transport::Socket,
    };
    let not_after = call.command.not_after(now());
    let verb = call.command.verb();
    match tokio::time::timeout(RECEIPT_TIMEOUT, handle.command(call.command, by, not_after)).await {
        Ok(receipt) => receipt,
        Err(_) => Receipt::Refused {
            refusal: Refusal::Unavailable,
            why: format!(
                "the engine did not answer `{verb}` in {}s: whether it took it is not known, look before trying again",
                RECEIPT_TIMEOUT.as_secs()
            ),
        },
    }
}

fn invalid(why: &str) -> Receipt {
    Receipt::Refused { refusal: Refusal::Invalid, why: why.into() }
}
