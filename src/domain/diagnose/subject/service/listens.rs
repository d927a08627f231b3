//! Where nothing that is written says which ports its pods have: what their programs say in their logs.
//!
//! A log only proposes: it names no port that a plan would send traffic to.

use super::ports::{has_port, protocol_of};
use crate::domain::diagnose::container::{Pod, Role};
use crate::domain::diagnose::fields::{int, items, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::diagnose::subject::case::Case;
use crate::domain::diagnose::subject::findings::Findings;
use crate::domain::resource::ObjectKey;
use std::collections::BTreeSet;

/// Containers of one pod whose logs are read.
const MOST: usize = 3;

/// Notes whether something listens on the ports that the Service sends to. `None` while reads are due.
pub(super) fn note<'a>(
    case: &Case<'a>,
    ready: &[&Pod<'a>],
    findings: &mut Findings,
    reader: &mut Reader<'a>,
) -> Option<()> {
    let Some(pod) = ready.first() else { return Some(()) };
    let number = |port: &&serde_json::Value| {
        let shown = int(port, &["port"])?;
        let wanted = value(port, &["targetPort"]).map_or(Some(shown), serde_json::Value::as_i64)?;
        has_port(pod.object, wanted, protocol_of(port)).is_none().then_some((shown, wanted))
    };
    let unknown = items(case.object, &["spec", "ports"]).iter().filter_map(|one| number(&one));
    let unknown = unknown.collect::<Vec<_>>();
    if unknown.is_empty() {
        return Some(());
    }
    let key = ObjectKey::new("v1", "Pod", case.namespace(), pod.name());
    let serving = pod.containers.iter().filter(|one| one.role != Role::Init).take(MOST);
    let logs = serving.map(|one| reader.logs(&key, one.name, false)).collect::<Vec<_>>();
    if reader.pending() {
        return None;
    }
    let told = logs.into_iter().filter_map(Got::have).flat_map(listens);
    let told = told.collect::<BTreeSet<_>>();
    let source = format!("{}: spec.ports; log of {}", case.path(), key.path());
    for (shown, wanted) in unknown {
        if told.is_empty() {
            let words = format!(
                "port {shown} goes to {wanted}: no container declares a port, no probe asks for one and no log tells \
                 of one, so that whether anything listens there is not known"
            );
            findings.add("port-not-known", words, source.clone());
        } else if told.contains(&wanted) {
            let words = format!("the log of {} says that it listens on {wanted}", pod.name());
            findings.add("port-listened", words, source.clone());
        } else {
            let on = told.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
            let words = format!(
                "port {shown} goes to {wanted}, and the log of {} says that it listens on {on}",
                pod.name()
            );
            findings.add("port-not-listened", words, source.clone());
            findings.put("port", shown);
            findings.put("target_port", wanted);
        }
    }
    Some(())
}

/// Words in lower case of lines that say where a program listens.
const PHRASES: [&str; 7] =
    ["listen", "serving", "started on", "running on", "running at", "bound to", "server started"];

/// Ports that a program says it listens on.
fn listens(log: &str) -> BTreeSet<i64> {
    let lines = log.lines().map(str::to_ascii_lowercase);
    let telling = lines.filter(|line| PHRASES.iter().any(|phrase| line.contains(phrase)));
    telling.flat_map(|line| ports_in(&line)).collect()
}

/// `0.0.0.0:8080`, `http://[::]:80/`, `port 9000`, `port: 9000`, `port=9000`; a time of day is none.
fn ports_in(line: &str) -> Vec<i64> {
    let digits = |at: &str| {
        let end = at.find(|c: char| !c.is_ascii_digit()).unwrap_or(at.len());
        let (number, rest) = at.split_at(end);
        let port = number.parse::<i64>().ok().filter(|port| (1..=65_535).contains(port));
        port.filter(|_| number.len() > 1 && !rest.starts_with(['.', ':']))
    };
    let mut found = Vec::new();
    for (index, _) in line.match_indices(':') {
        // Between two numbers a colon parts hours and minutes, but for those of an address.
        let before = line.get(..index).unwrap_or_default();
        let word = before.rsplit(char::is_whitespace).next().unwrap_or_default();
        let clock = !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_digit() || b"t-:[".contains(&byte));
        if !clock {
            found.extend(line.get(index + 1..).and_then(digits));
        }
    }
    for (index, word) in line.match_indices("port") {
        let rest = line.get(index + word.len()..).unwrap_or_default();
        let rest = rest.trim_start_matches(['s', '(', ')', '"', ' ', ':', '=', '#']);
        found.extend(digits(rest));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_in_which_servers_say_where_they_listen_are_understood() {
        for (line, port) in [
            ("2026/11/25 10:00:01 server listening on 0.0.0.0:8080", 8080),
            ("2026-11-25T10:00:01Z INFO Listening at http://[::]:80/ (pid 7)", 80),
            ("Tomcat started on port(s): 8081 (http) with context path ''", 8081),
            ("[10:00:01] Serving HTTP on 0.0.0.0 port 9000", 9000),
            (" * Running on http://127.0.0.1:5000", 5000),
            ("{\"msg\":\"listening\",\"port\":3000}", 3000),
            ("listening on :4000", 4000),
        ] {
            assert_eq!(listens(line), BTreeSet::from([port]), "{line}");
        }
        for line in ["10:00:01 GET /port 200", "listening for events", "12:30:00 serving 40 users"]
        {
            assert_eq!(listens(line), BTreeSet::new(), "{line}");
        }
    }
}
