//! Answers from what was gathered, and the list of what still has to be read.
//!
//! Promises: a read is asked for once; an answer that is *not permitted* or *unavailable* leaves a Missing fact, so
//! that it is never taken for an empty one.

use crate::domain::evidence::{Answer, Bearing, Fact, Gathered, LIST_LIMIT, Read, Series};
use crate::domain::resource::ObjectKey;
use serde_json::Value;
use std::collections::BTreeSet;

/// What a read brought.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Got<T> {
    /// The answer.
    Have(T),
    /// There is no such object.
    Gone,
    /// It can't be read; why.
    Unreadable(String),
    /// It was not read yet.
    Pending,
}

impl<T> Got<T> {
    pub(crate) fn have(self) -> Option<T> {
        match self {
            Self::Have(it) => Some(it),
            Self::Gone | Self::Unreadable(_) | Self::Pending => None,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    gathered: &'a Gathered,
    needs: BTreeSet<Read>,
    missing: Vec<Fact>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(gathered: &'a Gathered) -> Self {
        Self { gathered, needs: BTreeSet::new(), missing: Vec::new() }
    }

    /// Whether something was asked for that is not there yet.
    pub(crate) fn pending(&self) -> bool {
        !self.needs.is_empty()
    }

    /// What has to be read.
    pub(crate) fn needs(self) -> Vec<Read> {
        self.needs.into_iter().collect()
    }

    /// The Missing facts so far, each id once.
    pub(crate) fn missing(&self) -> &[Fact] {
        &self.missing
    }

    /// The Missing facts, each id once.
    pub(crate) fn into_missing(self) -> Vec<Fact> {
        self.missing
    }

    /// Leaves a Missing fact; a second one of the same id adds to the first.
    pub(crate) fn miss(&mut self, id: &str, what: &str, why: &str) {
        let text = format!("{what}: {why}");
        match self.missing.iter_mut().find(|fact| fact.id == id) {
            Some(fact) if fact.text.contains(&text) => {}
            Some(fact) => {
                fact.text.push_str("; ");
                fact.text.push_str(&text);
            }
            None => self.missing.push(Fact {
                id: id.into(),
                text,
                source: what.into(),
                bearing: Bearing::Missing,
                at: None,
            }),
        }
    }

    fn ask(&mut self, read: Read) -> Got<&'a Answer> {
        match self.gathered.get(&read) {
            None => {
                self.needs.insert(read);
                Got::Pending
            }
            Some(Answer::NotFound) => Got::Gone,
            Some(Answer::NotPermitted(why)) => Got::Unreadable(format!("not permitted ({why})")),
            Some(Answer::Unavailable(why)) => Got::Unreadable(format!("unavailable ({why})")),
            Some(answer) => Got::Have(answer),
        }
    }

    /// One object; leaves no Missing fact.
    pub(crate) fn look(&mut self, key: &ObjectKey) -> Got<&'a Value> {
        match self.ask(Read::Object(key.clone())) {
            Got::Have(Answer::Object(object)) => Got::Have(object),
            Got::Have(_) => Got::Unreadable("unavailable (answer of another kind)".into()),
            Got::Gone => Got::Gone,
            Got::Unreadable(why) => Got::Unreadable(why),
            Got::Pending => Got::Pending,
        }
    }

    /// One object; a Missing fact of that id when it can't be read.
    pub(crate) fn object(&mut self, id: &str, key: &ObjectKey) -> Got<&'a Value> {
        let got = self.look(key);
        if let Got::Unreadable(why) = &got {
            self.miss(id, &key.path(), why);
        }
        got
    }

    /// Objects of a kind; a Missing fact of that id when they can't be read or are not all.
    pub(crate) fn list(
        &mut self,
        id: &str,
        api_version: &str,
        kind: &str,
        namespace: &str,
        labels: &str,
    ) -> Got<&'a [Value]> {
        let what = format!("{kind} objects in {namespace}");
        let read = listing(api_version, kind, namespace, labels);
        self.items(id, &what, read)
    }

    /// Objects of a kind, where some of them say nothing: unreadable when they are not all.
    pub(crate) fn whole_list(
        &mut self,
        id: &str,
        api_version: &str,
        kind: &str,
        namespace: &str,
        labels: &str,
    ) -> Got<&'a [Value]> {
        let read = listing(api_version, kind, namespace, labels);
        self.whole(id, &format!("{kind} objects in {namespace}"), read)
    }

    /// Objects of a kind that the cluster may not serve: [`Got::Gone`] when it does not.
    pub(crate) fn served(
        &mut self,
        (api_version, kind): (&str, &str),
        namespace: &str,
        labels: &str,
    ) -> Got<&'a [Value]> {
        let read = listing(api_version, kind, namespace, labels);
        match self.ask(read) {
            Got::Have(Answer::Items { items, .. }) => Got::Have(items.as_slice()),
            Got::Have(_) => Got::Unreadable("unavailable (answer of another kind)".into()),
            Got::Gone => Got::Gone,
            Got::Unreadable(why) => Got::Unreadable(why),
            Got::Pending => Got::Pending,
        }
    }

    /// All pods on a node; unreadable when they are not all.
    pub(crate) fn all_pods_on(&mut self, id: &str, node: &str) -> Got<&'a [Value]> {
        self.whole(id, &format!("pods on {node}"), Read::PodsOn { node: node.into() })
    }

    fn whole(&mut self, id: &str, what: &str, read: Read) -> Got<&'a [Value]> {
        let part = matches!(self.gathered.get(&read), Some(Answer::Items { complete: false, .. }));
        let got = self.items(id, what, read);
        if part { Got::Unreadable(format!("only the first {LIST_LIMIT} were read")) } else { got }
    }

    /// Pods that are bound to a node; unreadable when they are not all.
    pub(crate) fn pods_on(&mut self, node: &str) -> Got<&'a [Value]> {
        let read = Read::PodsOn { node: node.into() };
        let part = matches!(self.gathered.get(&read), Some(Answer::Items { complete: false, .. }));
        let got = self.items("missing-pods", &format!("pods on node {node}"), read);
        if part { Got::Unreadable(format!("only the first {LIST_LIMIT} were read")) } else { got }
    }

    /// Events of one object.
    pub(crate) fn events(&mut self, key: &ObjectKey) -> Got<&'a [Value]> {
        let what = format!("events of {}", key.path());
        let read = Read::Events {
            namespace: key.namespace.clone(),
            kind: key.kind.clone(),
            name: key.name.clone(),
        };
        self.items("missing-events", &what, read)
    }

    fn items(&mut self, id: &str, what: &str, read: Read) -> Got<&'a [Value]> {
        match self.ask(read) {
            Got::Have(Answer::Items { items, complete }) => {
                if !complete {
                    self.miss(id, what, &format!("only the first {LIST_LIMIT} were read"));
                }
                Got::Have(items.as_slice())
            }
            Got::Have(_) => {
                let why = "unavailable (answer of another kind)";
                self.miss(id, what, why);
                Got::Unreadable(why.into())
            }
            Got::Gone => Got::Have(&[]),
            Got::Unreadable(why) => {
                self.miss(id, what, &why);
                Got::Unreadable(why)
            }
            Got::Pending => Got::Pending,
        }
    }

    /// The end of a container's log. `Gone` when there was no such run.
    pub(crate) fn logs(
        &mut self,
        pod: &ObjectKey,
        container: &str,
        previous: bool,
    ) -> Got<&'a str> {
        let read = Read::Logs {
            namespace: pod.namespace.clone(),
            pod: pod.name.clone(),
            container: container.into(),
            previous,
            tail_lines: 40,
        };
        match self.ask(read) {
            // The kubelet says so in place of a log that it has thrown away.
            Got::Have(Answer::Text(text)) if no_log(text) => {
                let what = format!("log of {container} in {}", pod.path());
                self.miss("missing-logs", &what, "the kubelet does not have it any more");
                Got::Gone
            }
            Got::Have(Answer::Text(text)) => Got::Have(text.as_str()),
            Got::Have(_) | Got::Gone => Got::Gone,
            Got::Unreadable(why) => {
                self.miss("missing-logs", &format!("log of {} in {}", container, pod.path()), &why);
                Got::Unreadable(why)
            }
            Got::Pending => Got::Pending,
        }
    }

    /// Series of a query, instant or range.
    pub(crate) fn series(&mut self, read: Read) -> Got<&'a [Series]> {
        match self.ask(read) {
            Got::Have(Answer::Series(series)) => Got::Have(series.as_slice()),
            Got::Have(_) | Got::Gone => {
                self.miss("missing-metrics", "Prometheus", "unavailable (answer of another kind)");
                Got::Unreadable(String::new())
            }
            Got::Unreadable(why) => {
                self.miss("missing-metrics", "Prometheus", &why);
                Got::Unreadable(why)
            }
            Got::Pending => Got::Pending,
        }
    }

    /// Alerts that fire now with these labels.
    pub(crate) fn firing(
        &mut self,
        matching: std::collections::BTreeMap<String, String>,
    ) -> Got<&'a [crate::domain::alert::Alert]> {
        match self.ask(Read::Alerts { matching }) {
            Got::Have(Answer::Alerts(alerts)) => Got::Have(alerts.as_slice()),
            Got::Have(_) | Got::Gone => Got::Unreadable("answer of another kind".into()),
            Got::Unreadable(why) => Got::Unreadable(why),
            Got::Pending => Got::Pending,
        }
    }
}

/// The read of a list.
fn listing(api_version: &str, kind: &str, namespace: &str, labels: &str) -> Read {
    Read::List {
        api_version: api_version.into(),
        kind: kind.into(),
        namespace: namespace.into(),
        labels: labels.into(),
    }
}
/// What a kubelet writes instead of a log, in one line of a good answer.
fn no_log(text: &str) -> bool {
    let words =
        ["unable to retrieve container logs for ", "failed to try resolving symlinks in path "];
    text.lines().nth(1).is_none() && words.iter().any(|start| text.starts_with(start))
}
