//! Where the file lies: made private when it is new, refused where SQLite's locks can't be trusted.

use crate::ports::store::StoreError;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Makes the directory (0700) and the file (0600) where they are absent, and checks the file system.
pub(super) fn prepare(path: &Path) -> Result<(), StoreError> {
    let directory = directory_of(path);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|error| unusable(directory, "can't be made as the store's directory", &error))?;
    check_file_system(directory)?;
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => check_existing(path),
        Err(error) => Err(unusable(path, "can't be made", &error)),
    }
}

/// Checks a file that must be there.
pub(super) fn check_existing(path: &Path) -> Result<(), StoreError> {
    let found = std::fs::metadata(path).map_err(|error| {
        if error.kind() == ErrorKind::NotFound {
            StoreError::Unavailable(format!(
                "there is no store at {}: start the engine once, or give the right path",
                path.display()
            ))
        } else {
            unusable(path, "can't be looked at", &error)
        }
    })?;
    if !found.is_file() {
        return Err(StoreError::Unavailable(format!(
            "{} is no file: give the path of the store's file",
            path.display()
        )));
    }
    check_file_system(path)
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

fn unusable(path: &Path, what: &str, error: &Error) -> StoreError {
    let advice = match error.kind() {
        ErrorKind::PermissionDenied => ": check its owner and mode, or choose another path",
        ErrorKind::ReadOnlyFilesystem => ": its file system is mounted read-only",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ": free some space",
        _ => "",
    };
    StoreError::Unavailable(format!("{} {what} ({error}){advice}", path.display()))
}

#[cfg(target_os = "linux")]
fn check_file_system(path: &Path) -> Result<(), StoreError> {
    let found = rustix::fs::statfs(path)
        .map_err(|error| unusable(path, "can't be looked at", &error.into()))?;
    // The kernel's number is 32 bits wide; its C type is not on every platform.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "32 bits are used")]
    let magic = found.f_type as u32;
    match network_file_system(magic) {
        None => Ok(()),
        Some(name) => Err(StoreError::Unavailable(format!(
            "{} lies on a network file system ({name}), where SQLite's locks don't hold and a log can be torn: \
             choose a path on a local disk",
            path.display()
        ))),
    }
}

#[cfg(not(target_os = "linux"))]
fn check_file_system(_path: &Path) -> Result<(), StoreError> {
    Ok(())
}

/// Names the file systems that are refused. FUSE is among them because sshfs and most object-store mounts come as
/// FUSE, and nothing tells them from local ones.
#[cfg(target_os = "linux")]
fn network_file_system(magic: u32) -> Option<&'static str> {
    match magic {
        0x6969 => Some("NFS"),
        0x517B => Some("SMB"),
        0xFF53_4D42 => Some("CIFS"),
        0xFE53_4D42 => Some("SMB2"),
        0x6573_5546 => Some("FUSE, as sshfs uses"),
        0x0102_1997 => Some("9p"),
        0x00C3_6400 => Some("Ceph"),
        0x5346_414F | 0x6B41_4653 => Some("AFS"),
        0x7375_7245 => Some("Coda"),
        0x564C => Some("NCP"),
        0x0BD0_0BD0 => Some("Lustre"),
        0x4750_4653 => Some("GPFS"),
        0x0116_1970 => Some("GFS2"),
        0x7461_636F => Some("OCFS2"),
        0x1983_0326 => Some("BeeGFS"),
        0x786F_4256 => Some("a VirtualBox shared folder"),
        0xBACB_ACBC => Some("a VMware shared folder"),
        _ => None,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_by_their_numbers() {
        for (magic, name) in [(0x6969, "NFS"), (0xFF53_4D42, "CIFS"), (0xFE53_4D42, "SMB2")] {
            assert_eq!(network_file_system(magic), Some(name));
        }
        assert!(network_file_system(0x6573_5546).is_some_and(|name| name.contains("sshfs")));
    }

    #[test]
    fn local_file_systems_are_accepted() {
        // ext4, xfs, btrfs, tmpfs, overlayfs, zfs, f2fs
        for magic in
            [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630, 0x2FC1_2FC1, 0xF2F5_2010]
        {
            assert_eq!(network_file_system(magic), None);
        }
    }

    #[test]
    fn a_bare_file_name_lies_in_the_current_directory() {
        assert_eq!(directory_of(Path::new("store.db")), Path::new("."));
        assert_eq!(directory_of(Path::new("/var/lib/store.db")), Path::new("/var/lib"));
    }
}
