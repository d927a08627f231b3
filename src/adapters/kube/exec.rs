//! Runs a program in a container.
//!
//! Promises: the argument vector goes as it stands, to the container of the pod of that uid; both streams are read to
//! their end and kept only up to a limit; the exit code decides. Refused: nothing was started. No end in time, or a
//! connection that broke: unknown, and never repeated.
//! Absent on purpose: a shell, standard input, a terminal.

use super::call::{CallError, says_of_server, sort_out};
use super::cluster::KubeCluster;
use super::write::{Stop, not_read, refused, same_uid};
use crate::domain::breaker::{Answer, Down};
use crate::domain::operation::{Command, Keeps};
use crate::domain::text::{clean, clean_lines, redact, shorten};
use crate::domain::workflow::execution::AttemptOutcome;
use crate::ports::cluster::{Permit, Sent};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::Api;
use kube::api::{AttachParams, AttachedProcess};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Most bytes of each stream that are kept as text.
const TEXT_LIMIT: usize = 1 << 20;
/// Most bytes of standard output that are kept as they are.
const BYTES_LIMIT: usize = 64 << 20;

/// One stream, read to its end.
struct Stream {
    bytes: Vec<u8>,
    /// Bytes that came beyond the limit.
    more: usize,
}

impl KubeCluster {
    pub(super) async fn run(&self, permit: &Permit, command: &Command) -> Result<Sent, Stop> {
        if command.argv.first().is_none_or(String::is_empty) {
            return Err(Stop::For(refused("there is no program to run", false)));
        }
        self.time_left(permit)?;
        let live = self.live(&command.pod.key).await.map_err(|e| Stop::For(not_read(&e)))?;
        same_uid(&live, &command.pod).map_err(|why| Stop::For(refused(&why, false)))?;
        let left = self.time_left(permit)?;
        let process = self.begin(command, left).await.map_err(Stop::For)?;
        let limit = Duration::from_secs(command.timeout_s.max(1));
        let running = tokio::time::timeout(limit, follow(process, command.keeps));
        let Ok((status, out, err)) = running.await else {
            let why = format!("no end within {} s; it may run on", command.timeout_s);
            return Ok(AttemptOutcome::NoAnswer { why }.into());
        };
        Ok(ended(command, status, &out, &err))
    }

    /// Starts the program. An error is an answer before anything ran.
    async fn begin(
        &self,
        command: &Command,
        left: Duration,
    ) -> Result<AttachedProcess, AttemptOutcome> {
        let calling = self
            .connection
            .line()
            .begin()
            .map_err(|closed| AttemptOutcome::Held { why: closed.to_string() })?;
        let client = self.connection.client().await;
        let pods = Api::<Pod>::namespaced(client, &command.pod.key.namespace);
        let how = AttachParams::default()
            .container(&command.container)
            .stdin(false)
            .stdout(true)
            .stderr(true);
        let starting = pods.exec(&command.pod.key.name, command.argv.clone(), &how);
        let started = tokio::time::timeout(left, starting).await;
        // The kubelet answers: only that there was no connection at all is about the API server.
        calling.end(&match &started {
            Ok(Err(error)) => match says_of_server(error) {
                down @ Answer::Down(Down::NoConnection, _) => down,
                Answer::Down(..) | Answer::Good | Answer::No(_) | Answer::Untold => Answer::Untold,
            },
            Ok(Ok(_)) | Err(_) => Answer::Untold,
        });
        let Ok(started) = started else {
            let why = "it is not known whether it was started: no answer in time".to_string();
            return Err(AttemptOutcome::NoAnswer { why });
        };
        started.map_err(|error| match (&error, sort_out(&error)) {
            (kube::Error::UpgradeConnection(_), failure) => refused(&failure.words(), true),
            (_, CallError::Lost(why)) => AttemptOutcome::NoAnswer { why },
            (_, failure @ CallError::NotSent(_)) => refused(&failure.words(), true),
            (_, failure @ CallError::Answered { code: 429 | 500.., .. }) => {
                refused(&failure.words(), true)
            }
            (_, failure @ CallError::Answered { .. }) => refused(&failure.words(), false),
        })
    }
}

/// Reads both streams to their end, and how it ended.
async fn follow(mut process: AttachedProcess, keeps: Keeps) -> (Option<Status>, Stream, Stream) {
    let (stdout, stderr) = (process.stdout(), process.stderr());
    let status = process.take_status();
    let limit = match keeps {
        Keeps::Text => TEXT_LIMIT,
        Keeps::Bytes => BYTES_LIMIT,
    };
    let status = async {
        match status {
            Some(status) => status.await,
            None => None,
        }
    };
    let (status, out, err) = tokio::join!(status, drain(stdout, limit), drain(stderr, TEXT_LIMIT));
    drop(process);
    (status, out, err)
}

/// Reads on past the limit, so that the program is not held up, and counts what is left out.
async fn drain(stream: Option<impl AsyncRead + Unpin>, limit: usize) -> Stream {
    let mut kept = Stream { bytes: Vec::new(), more: 0 };
    let Some(mut stream) = stream else { return kept };
    let mut part = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = stream.read(&mut part).await {
        let room = limit.saturating_sub(kept.bytes.len()).min(read);
        kept.bytes.extend_from_slice(part.get(..room).unwrap_or_default());
        kept.more += read - room;
    }
    kept
}

/// What the exit code and the output say.
fn ended(command: &Command, status: Option<Status>, out: &Stream, err: &Stream) -> Sent {
    let output = match command.keeps {
        Keeps::Text => printed(out, err),
        Keeps::Bytes => out.bytes.clone(),
    };
    let Some(status) = status else {
        let why = "the connection broke before its exit code came".to_string();
        return Sent { outcome: AttemptOutcome::NoAnswer { why }, output };
    };
    let last_words = || {
        let text = redact(&clean_lines(&String::from_utf8_lossy(&err.bytes)));
        let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        shorten(line.trim(), 200)
    };
    let outcome = match exit_code(&status) {
        Err(why) => AttemptOutcome::Failed { why },
        Ok(code) if !succeeds(command, code) => {
            let words = last_words();
            let words = if words.is_empty() { words } else { format!(": {words}") };
            AttemptOutcome::Failed { why: format!("exit code {code}{words}") }
        }
        Ok(_) if command.keeps == Keeps::Bytes && out.more > 0 => {
            let why = format!("its output is longer than {} MiB", BYTES_LIMIT >> 20);
            return AttemptOutcome::Failed { why }.into();
        }
        Ok(code) => AttemptOutcome::Applied { note: format!("exit code {code}") },
    };
    Sent { outcome, output }
}

fn succeeds(command: &Command, code: i32) -> bool {
    if command.succeeds_on.is_empty() { code == 0 } else { command.succeeds_on.contains(&code) }
}

/// Both streams as text: what is kept may be shown anywhere.
fn printed(out: &Stream, err: &Stream) -> Vec<u8> {
    let mut text = String::new();
    for (name, stream) in [("", out), ("--- standard error\n", err)] {
        if stream.bytes.is_empty() {
            continue;
        }
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(name);
        text.push_str(&redact(&clean_lines(&String::from_utf8_lossy(&stream.bytes))));
        if stream.more > 0 {
            text.push_str("\n… ");
            text.push_str(&stream.more.to_string());
            text.push_str(" more bytes were not kept\n");
        }
    }
    text.into_bytes()
}

/// The code, or why the program did not even run.
fn exit_code(status: &Status) -> Result<i32, String> {
    if status.status.as_deref() == Some("Success") {
        return Ok(0);
    }
    let causes = status.details.iter().flat_map(|details| details.causes.iter().flatten());
    let code = causes
        .filter(|cause| cause.reason.as_deref() == Some("ExitCode"))
        .find_map(|cause| cause.message.as_deref()?.parse::<i32>().ok());
    code.ok_or_else(|| {
        let words = status.message.as_deref().or(status.reason.as_deref()).unwrap_or("no reason");
        shorten(&redact(&clean(words)), 500)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::resource::{ObjectKey, ObjectRef};

    fn command(keeps: Keeps, succeeds_on: Vec<i32>) -> Command {
        let pod = ObjectRef { key: ObjectKey::new("v1", "Pod", "a", "b"), uid: "u".into() };
        let argv = vec!["true".into()];
        Command { pod, container: "app".into(), argv, succeeds_on, timeout_s: 5, keeps }
    }

    fn stream(text: &str, more: usize) -> Stream {
        Stream { bytes: text.as_bytes().to_vec(), more }
    }

    fn exit(code: i32) -> Status {
        let cause = k8s_openapi::apimachinery::pkg::apis::meta::v1::StatusCause {
            reason: Some("ExitCode".into()),
            message: Some(code.to_string()),
            field: None,
        };
        let details = k8s_openapi::apimachinery::pkg::apis::meta::v1::StatusDetails {
            causes: Some(vec![cause]),
            ..Default::default()
        };
        Status { status: Some("Failure".into()), details: Some(details), ..Status::default() }
    }

    #[test]
    fn the_exit_code_decides_and_the_last_words_are_said() {
        let text = command(Keeps::Text, Vec::new());
        let success = Status { status: Some("Success".into()), ..Status::default() };
        let sent = ended(&text, Some(success.clone()), &stream("hello\n", 0), &stream("", 0));
        assert_eq!(sent.outcome, AttemptOutcome::Applied { note: "exit code 0".into() });
        assert_eq!(sent.output, b"hello\n");
        let sent = ended(&text, Some(exit(3)), &stream("", 0), &stream("bad\nno such table\n", 0));
        let why = "exit code 3: no such table".to_string();
        assert_eq!(sent.outcome, AttemptOutcome::Failed { why });
        let lenient = command(Keeps::Text, vec![0, 3]);
        let sent = ended(&lenient, Some(exit(3)), &stream("", 0), &stream("", 0));
        assert!(matches!(sent.outcome, AttemptOutcome::Applied { .. }));
        let sent = ended(&text, None, &stream("half", 0), &stream("", 0));
        assert!(matches!(sent.outcome, AttemptOutcome::NoAnswer { .. }));
        let whole = command(Keeps::Bytes, Vec::new());
        let sent = ended(&whole, Some(success), &stream("x", 1), &stream("", 0));
        assert!(matches!(sent.outcome, AttemptOutcome::Failed { .. }));
    }

    #[test]
    fn what_is_kept_as_text_is_cleaned_and_says_what_is_left_out() {
        let kept = printed(&stream("a\u{1b}[31mb\n", 7), &stream("oops", 0));
        let kept = String::from_utf8(kept).unwrap();
        assert!(!kept.contains('\u{1b}'), "{kept}");
        assert!(kept.contains("7 more bytes") && kept.ends_with("--- standard error\noops"));
    }
}
