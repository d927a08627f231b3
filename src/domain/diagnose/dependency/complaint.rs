//! Addresses that the end of a log complains about.
//!
//! Programs say it in many ways: `dial tcp 10.0.0.1:5432: connect: connection refused`, `getaddrinfo ENOTFOUND db`,
//! `wget: bad address 'db'`, `could not translate host name "db" to address`. A line counts when it holds one of a few
//! phrases; names and addresses in it are proposals, those that stand where an address stands first.

/// Why it could not be reached, as the program says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    Refused,
    /// The name is not known.
    Unresolved,
    /// The name server said nothing of use about the name.
    Unanswered,
    TimedOut,
    Unreachable,
    /// The program only says that it waits for it.
    Awaited,
}

impl How {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Refused => "refuses connections",
            Self::Unresolved => "is a name that is not resolved",
            Self::Unanswered => "is a name that the name server gave no answer for",
            Self::TimedOut => "does not answer in time",
            Self::Unreachable => "can't be reached",
            Self::Awaited => "is waited for",
        }
    }

    /// Whether it is the name that failed, and not what stands behind it.
    pub(crate) fn of_name(self) -> bool {
        match self {
            Self::Unresolved | Self::Unanswered => true,
            Self::Refused | Self::TimedOut | Self::Unreachable | Self::Awaited => false,
        }
    }
}

/// One address that a line complains about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Name or IPv4 address, in lower case.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) how: How,
    /// The line.
    pub(crate) line: String,
}

/// Lines from the end that are looked at.
const LINES: usize = 12;
/// Addresses that are kept.
const MOST: usize = 4;

const PHRASES: [(&str, How); 38] = [
    ("connection refused", How::Refused),
    ("econnrefused", How::Refused),
    ("actively refused", How::Refused),
    // JDBC: `Connection to db:5432 refused.`
    (" refused. ", How::Refused),
    ("no such host", How::Unresolved),
    ("name or service not known", How::Unresolved),
    ("name resolution", How::Unresolved),
    ("name does not resolve", How::Unresolved),
    ("could not resolve", How::Unresolved),
    ("couldn't resolve", How::Unresolved),
    ("could not translate host name", How::Unresolved),
    ("enotfound", How::Unresolved),
    ("bad address", How::Unresolved),
    ("unknownhost", How::Unresolved),
    ("unknown host", How::Unresolved),
    ("server misbehaving", How::Unresolved),
    ("eai_again", How::Unresolved),
    ("no address associated", How::Unresolved),
    ("nodename nor servname", How::Unresolved),
    ("nxdomain", How::Unresolved),
    ("can't resolve", How::Unresolved),
    ("i/o timeout", How::TimedOut),
    ("etimedout", How::TimedOut),
    ("timed out", How::TimedOut),
    ("deadline exceeded", How::TimedOut),
    ("timeout expired", How::TimedOut),
    ("timeout awaiting", How::TimedOut),
    ("connecttimeout", How::TimedOut),
    ("connect timeout", How::TimedOut),
    ("connection timeout", How::TimedOut),
    ("no route to host", How::Unreachable),
    ("network is unreachable", How::Unreachable),
    ("host is unreachable", How::Unreachable),
    // Programs that don't say how: after all that does.
    ("could not connect", How::Refused),
    ("can't connect to", How::Refused),
    ("could not be established", How::Refused),
    ("waiting for", How::Awaited),
    ("wait for", How::Awaited),
];

/// Addresses that the end of a log complains about, newest line first, likeliest first within a line.
pub(crate) fn complaints(log: &str) -> Vec<Address> {
    let mut found: Vec<Address> = Vec::new();
    let lines = log.lines().rev().map(str::trim).filter(|line| !line.is_empty()).take(LINES);
    for line in lines {
        let lower = line.to_ascii_lowercase();
        let Some((_, how)) = PHRASES.iter().find(|(phrase, _)| lower.contains(phrase)) else {
            continue;
        };
        let how = of_look_up(&lower, *how);
        for (host, port) in addresses(&lower, how == How::Awaited) {
            if !found.iter().any(|known| known.host == host) {
                found.push(Address { host, port, how, line: line.into() });
            }
        }
    }
    found.truncate(MOST);
    found
}

/// A look-up that was not answered is no answer of what was looked up, and says nothing of the name either.
fn of_look_up(line: &str, how: How) -> How {
    const SILENT: [&str; 6] = [
        "i/o timeout",
        "timed out",
        "server misbehaving",
        "eai_again",
        "temporary failure in name resolution",
        "connection refused",
    ];
    if !line.contains("lookup ") && !how.of_name() {
        return how;
    }
    let silent = SILENT.iter().any(|words| line.contains(words));
    if silent { How::Unanswered } else { How::Unresolved }
}

/// Words before which an address stands.
const BEFORE: [&str; 15] = [
    "eai_again",
    "lookup",
    "host",
    "to",
    "address",
    "enotfound",
    "econnrefused",
    "resolve",
    "tcp",
    "server",
    "name",
    "connect",
    "unknownhostexception",
    "getaddrinfo",
    "at",
];

/// Names and addresses of a line in lower case: `(host, port)`, likeliest first.
fn addresses(line: &str, awaited: bool) -> Vec<(String, Option<u16>)> {
    // What a resolver was asked through is no dependency: `lookup db on 10.0.0.10:53: no such host`.
    let line = line
        .find(" on ")
        .filter(|_| line.contains("lookup "))
        .map_or(line, |at| line.get(..at).unwrap_or(line));
    let split = |c: char| c.is_whitespace() || "'\"()[]{},;=<>|`".contains(c);
    let words = line.split(split).map(|word| word.trim_end_matches([':', '.', '!', '?']));
    let words = words.filter(|word| !word.is_empty()).collect::<Vec<_>>();
    let mut ranked = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let url = word.contains("://");
        let Some((host, port)) = host_and_port(word) else { continue };
        let before = index.checked_sub(1).and_then(|at| words.get(at)).copied().unwrap_or_default();
        // `java.net.UnknownHostException: db`
        let before = before.trim_end_matches(':').rsplit('.').next().unwrap_or_default();
        let quoted = line.contains(&format!("'{word}'")) || line.contains(&format!("\"{word}\""));
        let placed = BEFORE.contains(&before) || (awaited && before == "for");
        let rank = match (url || port.is_some(), placed || quoted) {
            (true, _) => 0,
            (false, true) if host.contains('.') => 1,
            (false, true) => 2,
            // A word that stands anywhere is a name only if it looks like one.
            (false, false) if host.contains('.') && !is_source_file(&host) => 3,
            (false, false) => continue,
        };
        let word_of_ours = KNOWN_WORDS.contains(&host.as_str()) || BEFORE.contains(&host.as_str());
        if !word_of_ours || port.is_some() {
            ranked.push((rank, index, host, port));
        }
    }
    ranked.sort();
    ranked.into_iter().map(|(_, _, host, port)| (host, port)).collect()
}

/// `main.go`, `app.py`: programs log where they are.
fn is_source_file(host: &str) -> bool {
    let ending = host.rsplit('.').next().unwrap_or_default();
    matches!(ending, "go" | "py" | "js" | "ts" | "rb" | "java" | "rs" | "c" | "cpp" | "log" | "sh")
}

/// Words that stand where a name may stand, and are none.
const KNOWN_WORDS: [&str; 48] = [
    "tcp",
    "udp",
    "the",
    "a",
    "remote",
    "host",
    "server",
    "database",
    "connect",
    "connection",
    "to",
    "http",
    "https",
    "is",
    "failed",
    "error",
    "address",
    "name",
    "service",
    "not",
    "database-server",
    "localhost",
    "or",
    "and",
    "could",
    "can",
    "cannot",
    "unable",
    "was",
    "has",
    "no",
    "temporary",
    "timeout",
    "timed",
    "while",
    "with",
    "for",
    "in",
    "of",
    "it",
    "this",
    "that",
    "any",
    "hostname",
    "upstream",
    "backend",
    "retrying",
    "unknown",
];

/// `db:5432`, `http://api.shop:8080/v1`, `db`, `10.0.0.1`. A host is a DNS name or an IPv4 address.
fn host_and_port(word: &str) -> Option<(String, Option<u16>)> {
    let rest = word.rsplit_once("://").map_or(word, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let (host, port) = match rest.split_once(':') {
        Some((host, port)) => {
            let digits = port.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
            (host, Some(digits.parse::<u16>().ok()?))
        }
        None => (rest, None),
    };
    let host = host.trim_matches('.');
    let good = !host.is_empty()
        && host.len() <= 253
        && host.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
        && host.starts_with(|c: char| c.is_ascii_alphanumeric())
        && host.ends_with(|c: char| c.is_ascii_alphanumeric());
    // `12:03:55` is a time of day, `1.2` a number, `exit 1` a code.
    let number = host.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    (good && (!number || is_ipv4(host))).then(|| (host.to_string(), port))
}

/// Four numbers below 256, in the only way that addresses are written.
pub(crate) fn is_ipv4(text: &str) -> bool {
    let part = |part: &str| {
        part.bytes().all(|b| b.is_ascii_digit())
            && part.parse::<u8>().is_ok()
            && (part.len() == 1 || !part.starts_with('0'))
    };
    text.split('.').count() == 4 && text.split('.').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(log: &str) -> Option<(String, Option<u16>, How)> {
        complaints(log).into_iter().next().map(|one| (one.host, one.port, one.how))
    }

    type Cases<'a> = &'a [(&'a str, &'a str, Option<u16>, How)];

    fn understood(cases: Cases<'_>) {
        for (line, host, port, how) in cases {
            assert_eq!(first(line), Some(((*host).to_string(), *port, *how)), "{line}");
        }
    }

    #[test]
    fn the_ways_in_which_programs_say_it_are_understood() {
        understood(&[
            (
                "dial tcp 10.96.44.3:5432: connect: connection refused",
                "10.96.44.3",
                Some(5432),
                How::Refused,
            ),
            (
                "dial tcp: lookup db.shop on 10.96.0.10:53: no such host",
                "db.shop",
                None,
                How::Unresolved,
            ),
            (
                "dial tcp: lookup api.example.com on 10.96.0.10:53: i/o timeout",
                "api.example.com",
                None,
                How::Unanswered,
            ),
            ("Error: getaddrinfo ENOTFOUND redis-master", "redis-master", None, How::Unresolved),
            ("Error: connect ECONNREFUSED 10.0.0.5:6379", "10.0.0.5", Some(6379), How::Refused),
            ("wget: bad address 'db'", "db", None, How::Unresolved),
            (
                "nc: bad address 'db.data.svc.cluster.local'",
                "db.data.svc.cluster.local",
                None,
                How::Unresolved,
            ),
            (
                "wget: can't connect to remote host (10.0.0.9): Connection refused",
                "10.0.0.9",
                None,
                How::Refused,
            ),
            (
                "psql: error: could not translate host name \"orders-db\" to address: Name or service not known",
                "orders-db",
                None,
                How::Unresolved,
            ),
            (
                "java.net.UnknownHostException: inventory: Name or service not known",
                "inventory",
                None,
                How::Unresolved,
            ),
            (
                "Get \"http://api.shop.svc:8080/v1/items\": dial tcp 10.1.2.3:8080: i/o timeout",
                "api.shop.svc",
                Some(8080),
                How::TimedOut,
            ),
            (
                "2026/11/25 10:00:01 FATAL redis://:secret@cache:6379/0: connection refused",
                "cache",
                Some(6379),
                How::Refused,
            ),
        ]);
    }

    #[test]
    fn the_ways_of_drivers_and_clients_are_understood_too() {
        understood(&[
            (
                "org.postgresql.util.PSQLException: Connection to db:5432 refused. Check that the hostname and port are correct",
                "db",
                Some(5432),
                How::Refused,
            ),
            (
                "MongoServerSelectionError: getaddrinfo EAI_AGAIN mongo",
                "mongo",
                None,
                How::Unanswered,
            ),
            (
                "ERROR 2003 (HY000): Can't connect to MySQL server on 'orders-db:3306' (110)",
                "orders-db",
                Some(3306),
                How::Refused,
            ),
            (
                "connection to server at \"db\" (10.0.0.1), port 5432 failed: timeout expired",
                "db",
                None,
                How::TimedOut,
            ),
            (
                "Get \"http://api/\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
                "api",
                None,
                How::TimedOut,
            ),
            (
                "Error 111 connecting to cache:6379. Connection refused.",
                "cache",
                Some(6379),
                How::Refused,
            ),
        ]);
    }

    #[test]
    fn what_is_waited_for_is_named_after_for() {
        assert_eq!(first("waiting for orders-db"), Some(("orders-db".into(), None, How::Awaited)));
        assert_eq!(first("wait for db:5432 ..."), Some(("db".into(), Some(5432), How::Awaited)));
        assert_eq!(first("request timed out waiting for condition"), None);
        let nslookup = "** server can't find myservice.shop.svc.cluster.local: NXDOMAIN";
        assert_eq!(
            first(nslookup),
            Some(("myservice.shop.svc.cluster.local".into(), None, How::Unresolved))
        );
    }

    #[test]
    fn times_numbers_and_lines_without_a_complaint_name_nothing() {
        assert_eq!(first("12:03:55 connection refused"), None);
        assert_eq!(first("panic: no route to database"), None);
        assert_eq!(first("listening on 0.0.0.0:8080"), None);
        assert_eq!(first("the request timed out after 30 seconds"), None);
        assert_eq!(first(""), None);
    }

    #[test]
    fn the_newest_complaint_comes_first() {
        let log = "dial tcp: lookup a: no such host\nretrying\ndial tcp b:1: connection refused\n";
        assert_eq!(first(log).map(|found| found.0).as_deref(), Some("b"));
    }
}
