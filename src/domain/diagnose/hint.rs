//! What the last lines of a log, or an exit code, point at.
//!
//! A hint for the person who is told: no rule weighs it, since a text of the cluster decides nothing. Known words of
//! kernels, libraries and runtimes, each with what they mean; the last line that has any of them counts.

/// Lines from the end that are looked at.
const LINES: usize = 40;

/// Words in lower case and what they point at, most telling first.
const KNOWN: [(&[&str], &str); 15] = [
    (&["exec format error"], "an image for another processor, or a file that is no program"),
    (
        &["read-only file system", "erofs"],
        "a file that it writes where nothing may be written (readOnlyRootFilesystem, or a mount that is read-only)",
    ),
    (
        &["no space left on device", "enospc", "disk quota exceeded"],
        "a disk or volume that is full",
    ),
    (
        &["address already in use", "eaddrinuse"],
        "a port that another program of the pod or of the host has",
    ),
    (
        &[
            "is forbidden: user",
            "cannot list resource",
            "cannot get resource",
            "cannot create resource",
        ],
        "its ServiceAccount, to which the API server does not give that right (RBAC)",
    ),
    (
        &[
            "certificate has expired",
            "x509:",
            "certificate verify failed",
            "self-signed certificate",
        ],
        "a TLS certificate that is not accepted",
    ),
    (
        &[
            "password authentication failed",
            "access denied for user",
            "authentication failed",
            "invalid credentials",
            "invalid username or password",
        ],
        "credentials that are refused",
    ),
    (
        &["permission denied", "operation not permitted", "eacces"],
        "a file, volume or port that its user may not have (runAsUser, fsGroup, capabilities)",
    ),
    (
        &["outofmemoryerror", "heap out of memory", "cannot allocate memory", "memoryerror"],
        "the memory that the program itself may use, not the container's limit",
    ),
    (
        &[
            "unknown flag",
            "unknown option",
            "unknown command",
            "unrecognized option",
            "unrecognized argument",
            "unrecognised option",
            "invalid option",
            "flag provided but not defined",
        ],
        "an argument that the program does not know",
    ),
    (&["environment variable"], "an environment variable that is missing or wrong"),
    (
        &[
            "invalid config",
            "bad config",
            "parse error",
            "failed to parse",
            "syntax error",
            "cannot unmarshal",
            "unexpected token",
        ],
        "its configuration, which it can't read",
    ),
    (
        &["command not found", "executable file not found", ": not found"],
        "a program that is not in the image",
    ),
    (&["no such file or directory", "enoent", "filenotfound"], "a file that is not there"),
    (
        &["panic:", "traceback (most recent call last)", "segmentation fault", "core dumped"],
        "an error of the program itself",
    ),
];

/// What the log points at, and the line that does.
pub(crate) fn of_log(log: &str) -> Option<(&'static str, &str)> {
    let lines = log.lines().rev().map(str::trim).filter(|line| !line.is_empty());
    lines.take(LINES).find_map(|line| {
        let lower = line.to_lowercase();
        let known =
            KNOWN.iter().find(|(words, _)| words.iter().any(|word| lower.contains(word)))?;
        Some((known.1, line))
    })
}

/// What the kubelet's words about a probe point at; empty: nothing that they do not say themselves.
pub(crate) fn of_probe(message: &str) -> &'static str {
    const PROBES: [(&[&str], &str); 9] = [
        (
            &["gave HTTP response to HTTPS client"],
            "it asks by HTTPS, and the server speaks plain HTTP: the probe's scheme is wrong",
        ),
        (
            &["malformed HTTP response"],
            "it asks by plain HTTP, and what answers speaks something else: TLS, or no HTTP at all",
        ),
        (
            &["strconv.Atoi", "couldn't find port", "invalid port"],
            "it names a port that the container does not declare",
        ),
        (&["statuscode: 404"], "the server has no such path"),
        (&["statuscode: 401", "statuscode: 403"], "the path wants credentials"),
        (
            &["unknown service grpc.health", "Unimplemented"],
            "the server has no gRPC health service",
        ),
        (
            &["failed to connect service"],
            "what listens there, if anything, speaks no gRPC, or not in time",
        ),
        (
            &["executable file not found", "no such file or directory: unknown"],
            "the program that it runs is not in the image",
        ),
        (&["connection refused"], "nothing listens there"),
    ];
    let known = PROBES.iter().find(|(words, _)| words.iter().any(|word| message.contains(word)));
    known.map_or("", |(_, meaning)| meaning)
}

/// What an exit code says by itself, where it says something; empty else.
pub(crate) fn of_exit(code: i64) -> &'static str {
    match code {
        0 => " — without a failure, though it should stay",
        126 => " — what it was told to run can't be run",
        127 => " — what it was told to run is not there",
        132 => " — SIGILL, often a processor that lacks an instruction",
        134 => " — SIGABRT, it gave up by itself",
        137 => " — SIGKILL, but not for memory",
        139 => " — SIGSEGV, an error of the program itself",
        143 => " — SIGTERM, it was told to end",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_that_tells_something_counts() {
        let log = "open /tmp/x: permission denied\nretrying\ntouch: /cache/x: Read-only file system\nbye\n";
        let (what, line) = of_log(log).unwrap_or_default();
        assert!(what.contains("read-only"), "{what}");
        assert_eq!(line, "touch: /cache/x: Read-only file system");
        assert_eq!(of_log("all is well\n"), None);
        assert_eq!(of_log(""), None);
    }

    #[test]
    fn a_refusal_by_the_api_server_is_not_taken_for_file_permissions() {
        let log = "pods is forbidden: User \"system:serviceaccount:x:default\" cannot list resource \"pods\"";
        assert!(of_log(log).is_some_and(|(what, _)| what.contains("ServiceAccount")));
    }

    #[test]
    fn the_kubelets_words_about_a_probe_are_explained_where_they_need_it() {
        let https =
            "Get \"https://10.0.0.1:8080/\": http: server gave HTTP response to HTTPS client";
        assert!(of_probe(https).contains("scheme"));
        assert!(of_probe("strconv.Atoi: parsing \"web\": invalid syntax").contains("declare"));
        assert_eq!(of_probe("Liveness probe failed: cat: no such thing"), "");
    }

    #[test]
    fn an_exit_code_is_only_explained_where_it_says_something() {
        assert!(of_exit(127).contains("not there") && of_exit(0).contains("should stay"));
        assert_eq!(of_exit(1), "");
    }
}
