//! Signals, apart from the input reader: a terminal that is gone still lets the process end in order.

use super::msg::{Msg, Signal};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

/// Sends what comes until told to end.
///
/// # Errors
/// When a signal can't be listened to.
pub async fn watch(to: Sender<Msg>, end: CancellationToken) -> std::io::Result<()> {
    let suspend = SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw());
    let proceed = SignalKind::from_raw(rustix::process::Signal::CONT.as_raw());
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut resized = signal(SignalKind::window_change())?;
    let mut suspend = signal(suspend)?;
    let mut proceed = signal(proceed)?;
    loop {
        let msg = tokio::select! {
            () = end.cancelled() => return Ok(()),
            _ = hang_up.recv() => Some(Msg::Signal(Signal::HangUp)),
            _ = terminate.recv() => Some(Msg::Signal(Signal::HangUp)),
            _ = interrupt.recv() => Some(Msg::Signal(Signal::HangUp)),
            _ = suspend.recv() => Some(Msg::Signal(Signal::Suspend)),
            _ = proceed.recv() => Some(Msg::Signal(Signal::Continue)),
            _ = resized.recv() => crossterm::terminal::size()
                .ok()
                .map(|(columns, lines)| Msg::Resize(columns, lines)),
        };
        if let Some(msg) = msg
            && to.send(msg).await.is_err()
        {
            return Ok(());
        }
    }
}

/// How long the stop may take to reach a process on a busy machine.
const STOPS_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);

/// Stops this process, and comes back once it is continued.
pub(super) async fn stopped_until_continued() -> std::io::Result<()> {
    let mut continued = signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?;
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)?;
    let _late = tokio::time::timeout(STOPS_WITHIN, continued.recv()).await;
    Ok(())
}
