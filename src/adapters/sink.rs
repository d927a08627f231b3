//! Report files below one directory.
//!
//! Promises: a file is there whole or not at all (written beside its place, synced, moved); permissions are those
//! configured, whatever the umask; nothing is written outside the base directory, through links neither.

use crate::ports::sink::Sink;
use std::fs::{DirBuilder, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};

/// A directory for files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectorySink {
    /// Everything is below this.
    pub base: PathBuf,
    /// Whether missing directories are made.
    pub create: bool,
    /// Permissions of directories that are made.
    pub dir_mode: u32,
    /// Permissions of files.
    pub file_mode: u32,
}

impl Sink for DirectorySink {
    fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, String> {
        let relative = inside(name)?;
        self.make(&self.base)?;
        let base = self.base.canonicalize().map_err(|error| wrong(&self.base, &error))?;
        let path = base.join(&relative);
        let directory = path.parent().unwrap_or(&base);
        self.make(directory)?;
        let real = directory.canonicalize().map_err(|error| wrong(directory, &error))?;
        if !real.starts_with(&base) {
            return Err(format!(
                "{} leads out of {} (a link): nothing was written",
                directory.display(),
                base.display()
            ));
        }
        if path.is_dir() {
            return Err(format!("{} is a directory: nothing was written", path.display()));
        }
        self.place(&real, &path, bytes).map_err(|error| wrong(&path, &error))?;
        Ok(path)
    }
}

impl DirectorySink {
    fn make(&self, directory: &Path) -> Result<(), String> {
        if directory.is_dir() {
            return Ok(());
        }
        if !self.create {
            return Err(format!(
                "{} does not exist: make it, or set report_export.create_directories = true",
                directory.display()
            ));
        }
        if let Some(parent) = directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            self.make(parent)?;
        }
        let made = DirBuilder::new().mode(0o700).create(directory).and_then(|()| {
            // The umask has no say in it.
            std::fs::set_permissions(directory, Permissions::from_mode(self.dir_mode))
        });
        match made {
            // Somebody else was faster.
            Err(error)
                if error.kind() == std::io::ErrorKind::AlreadyExists && directory.is_dir() =>
            {
                Ok(())
            }
            Err(error) => Err(wrong(directory, &error)),
            Ok(()) => Ok(()),
        }
    }

    fn place(&self, directory: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".report-").tempfile_in(directory)?;
        file.write_all(bytes)?;
        file.as_file().set_permissions(Permissions::from_mode(self.file_mode))?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(directory)?.sync_all()
    }
}

/// A name as a path that stays below.
fn inside(name: &str) -> Result<PathBuf, String> {
    let path = Path::new(name);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    if name.is_empty() || !plain || name.ends_with('/') || name.contains('\0') {
        return Err(format!("`{name}` is no name for a report file: it must stay below the base"));
    }
    Ok(path.to_path_buf())
}

fn wrong(path: &Path, error: &std::io::Error) -> String {
    let hint = match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            "; give this user the right to write there, or set report_export.base_directory"
        }
        std::io::ErrorKind::StorageFull => "; make room, nothing half-written was left",
        _ => "",
    };
    format!("{} can't be written: {error}{hint}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink(base: PathBuf) -> DirectorySink {
        DirectorySink { base, create: true, dir_mode: 0o755, file_mode: 0o644 }
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn directories_are_made_and_modes_are_as_configured_whatever_the_umask() {
        let root = tempfile::tempdir().unwrap();
        let base = root.path().join("a/b");
        let old = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
        let written = sink(base.clone()).write("2026/x.md", b"text");
        let odd = DirectorySink { dir_mode: 0o750, file_mode: 0o664, ..sink(base.clone()) }
            .write("odd/y.json", b"{}");
        rustix::process::umask(old);
        let written = written.unwrap();
        assert_eq!(std::fs::read(&written).unwrap(), b"text");
        assert_eq!(mode(&written), 0o644);
        for made in [root.path().join("a"), base.clone(), base.join("2026")] {
            assert_eq!(mode(&made), 0o755, "{}", made.display());
        }
        assert_eq!((mode(&base.join("odd")), mode(&odd.unwrap())), (0o750, 0o664));
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is_left() {
        let root = tempfile::tempdir().unwrap();
        let sink = sink(root.path().into());
        sink.write("r.md", &vec![b'a'; 100_000]).unwrap();
        // A reader that has it open keeps the old one whole: the name moves, the content does not change.
        let mut open = File::open(root.path().join("r.md")).unwrap();
        sink.write("r.md", b"new").unwrap();
        let mut old = Vec::new();
        std::io::Read::read_to_end(&mut open, &mut old).unwrap();
        assert_eq!(old.len(), 100_000);
        assert_eq!(std::fs::read(root.path().join("r.md")).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn no_name_leads_out_of_the_base_directory() {
        let root = tempfile::tempdir().unwrap();
        let base = root.path().join("base");
        for name in ["../x", "/etc/x", "a/../../x", "", ".", "a/", "a\0b"] {
            assert!(sink(base.clone()).write(name, b"").is_err(), "{name:?}");
        }
        std::fs::create_dir_all(&base).unwrap();
        std::os::unix::fs::symlink(root.path(), base.join("out")).unwrap();
        let why = sink(base).write("out/x.md", b"").unwrap_err();
        assert!(why.contains("leads out of"), "{why}");
        assert!(!root.path().join("x.md").exists());
    }

    #[test]
    fn a_link_in_place_of_the_file_is_replaced_and_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let victim = root.path().join("victim");
        std::fs::write(&victim, "keep").unwrap();
        let base = root.path().join("base");
        std::fs::create_dir(&base).unwrap();
        std::os::unix::fs::symlink(&victim, base.join("r.md")).unwrap();
        sink(base).write("r.md", b"new").unwrap();
        assert_eq!(std::fs::read(&victim).unwrap(), b"keep");
    }

    #[test]
    fn missing_directories_are_not_made_when_that_is_off() {
        let root = tempfile::tempdir().unwrap();
        let off = DirectorySink { create: false, ..sink(root.path().join("none")) };
        let why = off.write("r.md", b"").unwrap_err();
        assert!(why.contains("report_export.create_directories"), "{why}");
        assert!(!root.path().join("none").exists());
    }

    #[test]
    fn a_place_that_can_not_be_written_is_named_with_what_to_do() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        let why = sink(file.join("below")).write("r.md", b"").unwrap_err();
        assert!(why.contains("can't be written"), "{why}");
        // Mode 0500 does not stop the superuser, so this half says something only for others.
        if !rustix::process::geteuid().is_root() {
            let locked = root.path().join("locked");
            DirBuilder::new().mode(0o500).create(&locked).unwrap();
            let why = sink(locked).write("r.md", b"").unwrap_err();
            assert!(why.contains("report_export.base_directory"), "{why}");
        }
    }
}
