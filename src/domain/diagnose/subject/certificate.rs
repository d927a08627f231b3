//! A certificate: a cert-manager Certificate, or a TLS Secret. Its dates come from cert-manager's status, from the public
//! certificate of the Secret (see [`certificate`]) and from metrics: no other value of a Secret is read.
//!
//! Values: `not_after` (RFC 3339), `seconds_left`, `secret`, `certificate`, `issuer`, `used_by` (of a Secret that
//! cert-manager does not keep).

use super::case::Case;
use super::findings::{Examined, Findings, Well, condition, quoted};
use super::handing::{Handed, hand_over};
use crate::domain::certificate;
use crate::domain::diagnose::fields::{items, moment, name, terminating, text};
use crate::domain::diagnose::reader::Reader;
use crate::domain::diagnose::workload::some_names;
use crate::domain::diagnosis::{Cause, Pattern};
use crate::domain::evidence::Read;
use crate::domain::resource::ObjectKey;
use crate::domain::time::{Timestamp, rfc3339, seconds_between, spoken};
use serde_json::Value;

/// A certificate with less than this left is worth a person's time.
const SOON_S: i64 = 21 * 86_400;
/// cert-manager's own note on the Secrets that it keeps.
const KEEPER: &str = "cert-manager.io/certificate-name";

/// The examiner of cert-manager's Certificates.
pub(super) fn examine<'a>(case: &Case<'a>, reader: &mut Reader<'a>) -> Examined {
    let events = reader.events(&case.reference.key);
    if reader.pending() {
        return Examined::Pending;
    }
    let path = case.path();
    let mut findings = Findings::new(case, Pattern::Generic);
    findings.put("certificate", case.name());
    findings.put("secret", text(case.object, &["spec", "secretName"]));
    findings.put("issuer", text(case.object, &["spec", "issuerRef", "name"]));
    if let Some(at) = moment(case.object, &["status", "notAfter"]) {
        ends(case, at, format!("{path}: status.notAfter"), &mut findings);
    }
    if let Some(due) = moment(case.object, &["status", "renewalTime"])
        && due < case.now
    {
        let words =
            format!("it should have been renewed {} ago", spoken(seconds_between(due, case.now)));
        findings.add_at("renewal-overdue", words, format!("{path}: status.renewalTime"), Some(due));
    }
    let mut renewed = None;
    for kind in ["Ready", "Issuing"] {
        let Some(found) = condition(case.object, kind) else { continue };
        let holds = text(found, &["status"]) == "True";
        let words =
            format!("{}: {}", text(found, &["reason"]), quoted(text(found, &["message"]), 200));
        let at = moment(found, &["lastTransitionTime"]);
        let source = format!("{path}: condition {kind}");
        match (kind, holds) {
            ("Ready", false) => findings.add_at("certificate-not-ready", words, source, at),
            ("Ready", true) => renewed = at,
            (_, true) => findings.add_at("issuing", words, source, at),
            (_, false) => findings.add_at("issuing-failed", words, source, at),
        }
    }
    let failed =
        events.have().unwrap_or_default().iter().map(crate::domain::diagnose::event::Event);
    let failed = failed
        .filter(|event| matches!(event.reason(), "Failed" | "IssuerNotReady" | "IssuerNotFound"));
    if let Some(event) = failed.max_by_key(|event| event.last()) {
        let words = format!("{}: {}", event.reason(), quoted(event.message(), 200));
        findings.add_at("issuer-says", words, event.source(), event.last());
    }
    if !findings.any(&["expired", "expires-soon", "certificate-not-ready", "renewal-overdue"]) {
        let why = format!("it is ready; {}", findings.quote(&["expires-later"]));
        findings.well = Some(Well { why, since: renewed });
    }
    weigh(findings.sealed(reader))
}

fn ends(case: &Case<'_>, at: Timestamp, source: String, findings: &mut Findings) {
    let left = seconds_between(case.now, at);
    findings.put("not_after", rfc3339(at));
    findings.put("seconds_left", left);
    let day = at.format("%Y-%m-%d %H:%MZ");
    let (id, words) = match left {
        _ if left <= 0 => ("expired", format!("it expired {} ago, at {day}", spoken(-left))),
        _ if left <= SOON_S => {
            ("expires-soon", format!("it expires in {}, at {day}", spoken(left)))
        }
        _ => ("expires-later", format!("it expires in {}, at {day}", spoken(left))),
    };
    findings.add_at(id, words, source, Some(at));
}

/// The examiner of Secrets: only those that hold a certificate say anything.
pub(super) fn examine_secret<'a>(case: &Case<'a>, reader: &mut Reader<'a>) -> Examined {
    let mut findings = Findings::new(case, Pattern::Generic);
    let path = case.path();
    let keeper = text(case.object, &["metadata", "annotations", KEEPER]);
    findings.put("secret", case.name());
    if !keeper.is_empty() {
        let key = ObjectKey::new("cert-manager.io/v1", "Certificate", case.namespace(), keeper);
        let words = format!("cert-manager keeps it for Certificate {keeper}");
        findings.add("kept-by", words, format!("{path}: metadata.annotations[{KEEPER}]"));
        let facts = findings.facts.iter().filter(|fact| fact.id == "kept-by").cloned().collect();
        if let Some(trail) = case.trail.from(&case.reference.key, facts) {
            match hand_over(case.alerts, &key, trail, case.now, reader) {
                Handed::Done(found) => return Examined::Elsewhere(found),
                Handed::Pending => return Examined::Pending,
                Handed::Not(why) => findings.add("no-further", why, key.path()),
            }
        }
    }
    let kind = text(case.object, &["type"]);
    if kind != "kubernetes.io/tls" {
        findings.otherwise =
            format!("it is a Secret of type {kind}, and its values are never read");
        return findings.sealed(reader).done();
    }
    if keeper.is_empty() && users(case, &mut findings, reader).is_none() {
        return Examined::Pending;
    }
    if let Some(at) = moment(case.object, &[certificate::MEMBER, "notAfter"]) {
        ends(case, at, format!("{path}: the certificate in tls.crt"), &mut findings);
        if !findings.any(&["expired", "expires-soon"]) {
            let since = moment(case.object, &[certificate::MEMBER, "notBefore"]);
            findings.well = Some(Well { why: findings.quote(&["expires-later"]), since });
        }
        return weigh(findings.sealed(reader));
    }
    let (place, name) = (case.namespace(), case.name());
    let got = reader.series(Read::Query {
        promql: format!(
            "max(x509_cert_not_after{{secret_namespace=\"{place}\",secret_name=\"{name}\"}})"
        ),
    });
    if reader.pending() {
        return Examined::Pending;
    }
    let at = got.have().and_then(|all| all.first()?.points.last().map(|(_, value)| *value));
    // Unix seconds, far below 2^53.
    #[allow(clippy::cast_possible_truncation)]
    let at = at.and_then(|seconds| chrono::DateTime::from_timestamp(seconds as i64, 0));
    if let Some(at) = at {
        ends(case, at, "Prometheus: x509_cert_not_after".into(), &mut findings);
    } else {
        let what = format!("dates of the certificate in {path}");
        reader.miss(
            "missing-dates",
            &what,
            "it holds no certificate that can be read, and no metric tells",
        );
        findings.otherwise =
            "until when its certificate is valid is not known: its tls.crt holds none that can be \
            read, and no metric x509_cert_not_after tells it"
                .into();
    }
    weigh(findings.sealed(reader))
}

/// Who renews it, and who serves it: that nobody keeps it is why it was forgotten. `None` while reads are due.
fn users<'a>(case: &Case<'a>, findings: &mut Findings, reader: &mut Reader<'a>) -> Option<()> {
    let place = case.namespace();
    let ingresses = reader.list("missing-ingresses", "networking.k8s.io/v1", "Ingress", place, "");
    let pods = reader.list("missing-pods", "v1", "Pod", place, "");
    if reader.pending() {
        return None;
    }
    let words = "no cert-manager keeps it: who put it there has to renew it".to_string();
    findings.add("renewed-by-hand", words, format!("{}: metadata.annotations", case.path()));
    let serves = |one: &&Value| {
        items(one, &["spec", "tls"]).iter().any(|tls| text(tls, &["secretName"]) == case.name())
    };
    let mounts = |pod: &&Value| {
        let volumes = items(pod, &["spec", "volumes"]).iter();
        !terminating(pod) && volumes.flat_map(secrets_of).any(|secret| secret == case.name())
    };
    let ingresses = ingresses.have().unwrap_or_default().iter().filter(serves).map(name);
    let pods = pods.have().unwrap_or_default().iter().filter(mounts).map(name).collect::<Vec<_>>();
    let mut used = ingresses.map(|one| format!("Ingress {one}")).collect::<Vec<_>>();
    if !pods.is_empty() {
        used.push(format!("pods {}", some_names(&pods)));
    }
    let words = match used.as_slice() {
        [] => "no Ingress and no pod of its namespace uses it".to_string(),
        all => format!("it is used by {}", all.join(", ")),
    };
    findings.add("certificate-used-by", words, "Ingresses and pods of its namespace".into());
    findings.put("used_by", used);
    Some(())
}

/// Secrets that a volume mounts.
fn secrets_of(volume: &Value) -> impl Iterator<Item = &str> {
    let projected = items(volume, &["projected", "sources"]).iter();
    let projected = projected.map(|source| text(source, &["secret", "name"]));
    projected.chain([text(volume, &["secret", "secretName"])])
}

fn weigh(mut findings: Findings) -> Examined {
    let scale = findings
        .weigh(Pattern::Generic, Cause::CertificateExpiring)
        .first_for(&[("expired", 0.8), ("expires-soon", 0.6)])
        .speaks_against("expires-later", 0.4);
    let scale = if findings.any(&["expired", "expires-soon"]) {
        scale
            .speaks_for("certificate-not-ready", 0.1)
            .speaks_for("renewal-overdue", 0.1)
            .speaks_for("issuing-failed", 0.05)
    } else {
        scale.speaks_for("renewal-overdue", 0.55).speaks_for("certificate-not-ready", 0.2)
    };
    let weighed = scale.relies_on(&["missing-events"]).done();
    let ids =
        ["expired", "expires-soon", "renewal-overdue", "certificate-not-ready", "issuer-says"];
    let say = findings.quote(&ids);
    findings.judge(weighed, say);
    let known = findings.quote(&["certificate-not-ready", "issuer-says", "expires-later"]);
    if !known.is_empty() {
        findings.otherwise = known;
    }
    findings.done()
}
