//! What the program says about itself: JSON lines in a file, and the newest of them in a ring for the logs screen.
//!
//! Promises: never the terminal; the file is readable by its owner only, and bounded; a slow disk delays nobody (lines
//! are dropped and counted instead).
//! Absent on purpose: telemetry that leaves the machine.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Lines that the ring keeps; older ones are in the file.
pub const RING_CAPACITY: usize = 2_000;
/// Size at which the file is put aside.
const FILE_LIMIT: u64 = 16 * 1024 * 1024;
/// Files that were put aside and are kept.
const KEPT: u32 = 4;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When, RFC 3339, UTC.
    pub at: String,
    /// `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`.
    pub level: &'static str,
    /// Which part of the program.
    pub target: String,
    /// What, with its fields as `name=value`.
    pub text: String,
}

/// The newest lines. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Ring(Arc<Mutex<VecDeque<LogLine>>>);

impl Ring {
    /// All lines that are kept, oldest first.
    #[must_use]
    pub fn lines(&self) -> Vec<LogLine> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn push(&self, line: LogLine) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= RING_CAPACITY {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

/// Keeps the log's writer alive. Dropping it writes what is still waiting.
#[derive(Debug)]
pub struct Guard {
    _writer: Option<tracing_appender::non_blocking::WorkerGuard>,
}

/// Starts logging to a file (where one is named) and to the ring. Call once.
///
/// # Errors
/// When the file can't be written.
pub fn start(file: Option<&Path>, level: &str) -> Result<(Ring, Guard), String> {
    let ring = Ring::default();
    let filter = tracing_subscriber::EnvFilter::try_new(format!("warn,pilothouse={level}"))
        .map_err(|error| format!("log.level: {error}"))?;
    let writer = file.map(LogFile::open).transpose()?;
    let (json, guard) = match writer {
        None => (None, None),
        Some(file) => {
            let (writer, guard) = tracing_appender::non_blocking(file);
            let layer = tracing_subscriber::fmt::layer()
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(true)
                .with_writer(writer);
            (Some(layer), Some(guard))
        }
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(json)
        .with(RingLayer(ring.clone()))
        .try_init()
        .map_err(|error| format!("logging was started already: {error}"))?;
    Ok((ring, Guard { _writer: guard }))
}

struct RingLayer(Ring);

impl<S: tracing::Subscriber> Layer<S> for RingLayer {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut at = String::new();
        let mut writer = tracing_subscriber::fmt::format::Writer::new(&mut at);
        if SystemTime.format_time(&mut writer).is_err() {
            at.clear();
        }
        let mut text = Text::default();
        event.record(&mut text);
        let meta = event.metadata();
        self.0.push(LogLine {
            at,
            level: meta.level().as_str(),
            target: meta.target().to_string(),
            text: format!("{}{}", text.message, text.fields),
        });
    }
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _in_memory = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _in_memory = if field.name() == "message" {
            write!(self.message, "{value}")
        } else {
            write!(self.fields, " {}={value}", field.name())
        };
    }
}

/// The file: made with mode 0600, put aside when it is full.
#[derive(Debug)]
struct LogFile {
    path: PathBuf,
    file: File,
    size: u64,
}

impl LogFile {
    fn open(path: &Path) -> Result<Self, String> {
        let wrong = |error: std::io::Error| {
            format!("log file {} can't be written: {error}; see log.file", path.display())
        };
        if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory).map_err(wrong)?;
        }
        let file = append(path).map_err(wrong)?;
        let size = file.metadata().map_err(wrong)?.len();
        Ok(Self { path: path.to_path_buf(), file, size })
    }

    fn aside(&self, number: u32) -> PathBuf {
        let mut name = self.path.as_os_str().to_os_string();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    }

    fn rotate(&mut self) -> std::io::Result<()> {
        for number in (1..KEPT).rev() {
            if self.aside(number).exists() {
                std::fs::rename(self.aside(number), self.aside(number + 1))?;
            }
        }
        std::fs::rename(&self.path, self.aside(1))?;
        self.file = append(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

fn append(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.size > FILE_LIMIT {
            self.rotate()?;
        }
        let written = self.file.write(bytes)?;
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_file_belongs_to_its_owner_alone_and_is_put_aside_when_full() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/pilothouse.log");
        let mut file = LogFile::open(&path).unwrap();
        file.write_all(b"first\n").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for round in 0..10 {
            file.size = FILE_LIMIT + 1;
            file.write_all(format!("round {round}\n").as_bytes()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "round 9\n");
        assert_eq!(std::fs::read_to_string(file.aside(1)).unwrap(), "round 8\n");
        let files = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(files, 1 + KEPT as usize);
    }

    #[test]
    fn the_ring_keeps_the_newest_lines_only() {
        let ring = Ring::default();
        let subscriber = tracing_subscriber::registry().with(RingLayer(ring.clone()));
        tracing::subscriber::with_default(subscriber, || {
            for number in 0..=RING_CAPACITY {
                tracing::info!(remediation = "t4dx", number, "step done");
            }
        });
        let lines = ring.lines();
        assert_eq!(lines.len(), RING_CAPACITY);
        assert_eq!(lines[0].text, "step done remediation=t4dx number=1");
        assert_eq!(lines[0].level, "INFO");
        assert!(lines[0].at.ends_with('Z'), "{}", lines[0].at);
    }
}
