//! Who runs this process: the kernel's word for the user, claims for the rest.

use crate::domain::principal::{KubeIdentity, Principal, Transport};
use crate::serve::peer::user_name;

/// The person at this process.
#[must_use]
pub fn person(kube: Option<KubeIdentity>, via: Transport) -> Principal {
    let uid = rustix::process::getuid().as_raw();
    Principal { os_user: user_name(uid), uid, kube, host: host(), tty: tty(), via }
}

/// Where the person sits: the far end of the SSH connection, else this host.
fn host() -> String {
    std::env::var("SSH_CONNECTION")
        .ok()
        .and_then(|ends| ends.split(' ').next().map(String::from))
        .filter(|address| address.parse::<std::net::IpAddr>().is_ok())
        .unwrap_or_else(|| rustix::system::uname().nodename().to_string_lossy().into_owned())
}

/// `pts/3`; empty without a terminal.
fn tty() -> String {
    (0..3)
        .filter_map(|fd| std::fs::read_link(format!("/proc/self/fd/{fd}")).ok())
        .filter_map(|path| path.to_str()?.strip_prefix("/dev/").map(String::from))
        .find(|name| name.starts_with("pts/") || name.starts_with("tty"))
        .unwrap_or_default()
}
