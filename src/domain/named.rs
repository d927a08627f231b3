//! Objects as people name them on a command line: `deploy/ledger-api`, `Node/wk-03`, `payments/deploy/ledger-api`.
//!
//! Promises: a name is never completed or guessed; a kind that lives in namespaces needs one. Kinds that are not in
//! the table are written whole, `VirtualService.v1.networking.istio.io/cart`, and looked up on the cluster.
//! Absent on purpose: a default namespace. The one that somebody forgot to name is how the wrong object is hit.

use super::resource::{ObjectKey, short_kind};
use super::spelling::nearest;

/// (API version, kind, other words for it, whether it lives in namespaces)
const KINDS: &[(&str, &str, &[&str], bool)] = &[
    ("v1", "Pod", &["po", "pods"], true),
    ("v1", "Node", &["no", "nodes"], false),
    ("v1", "Namespace", &["namespaces"], false),
    ("v1", "Service", &["services"], true),
    ("v1", "ConfigMap", &["cm", "configmaps"], true),
    ("v1", "Secret", &["secrets"], true),
    ("v1", "ServiceAccount", &["sa"], true),
    ("v1", "PersistentVolumeClaim", &["persistentvolumeclaims"], true),
    ("v1", "PersistentVolume", &["pv", "persistentvolumes"], false),
    ("v1", "ResourceQuota", &["quota", "resourcequotas"], true),
    ("v1", "LimitRange", &["limits", "limitranges"], true),
    ("apps/v1", "Deployment", &["deployments"], true),
    ("apps/v1", "StatefulSet", &["statefulsets"], true),
    ("apps/v1", "DaemonSet", &["daemonsets"], true),
    ("apps/v1", "ReplicaSet", &["replicasets"], true),
    ("batch/v1", "Job", &["jobs"], true),
    ("batch/v1", "CronJob", &["cj", "cronjobs"], true),
    ("autoscaling/v2", "HorizontalPodAutoscaler", &["hpa"], true),
    ("policy/v1", "PodDisruptionBudget", &["pdb"], true),
    ("networking.k8s.io/v1", "NetworkPolicy", &["netpol", "networkpolicies"], true),
    ("networking.k8s.io/v1", "Ingress", &["ing", "ingresses"], true),
    ("storage.k8s.io/v1", "StorageClass", &["sc", "storageclasses"], false),
];

/// Reads a name. `namespace` is what `-n` said; a name of three parts brings its own.
///
/// # Errors
/// A sentence that says what is missing or not known.
pub fn parse(text: &str, namespace: Option<&str>) -> Result<ObjectKey, String> {
    let parts = text.trim().split('/').collect::<Vec<_>>();
    let (own, kind, name) = match parts.as_slice() {
        [kind, name] => (None, *kind, *name),
        [own, kind, name] => (Some(*own), *kind, *name),
        _ => return Err(format!("`{text}` is no object: write KIND/NAME, such as deploy/cart")),
    };
    if let (Some(own), Some(other)) = (own, namespace.filter(|other| Some(*other) != own)) {
        return Err(format!("`{text}` is in namespace {own}, and -n says {other}"));
    }
    let namespace = own.or(namespace).unwrap_or("");
    if name.is_empty() || kind.is_empty() {
        return Err(format!("`{text}` is no object: write KIND/NAME, such as deploy/cart"));
    }
    for part in [name, namespace].into_iter().filter(|part| !part.is_empty()) {
        if !is_name(part) {
            return Err(format!("`{part}` can't be a name in Kubernetes"));
        }
    }
    if let Some((kind, rest)) = kind.split_once('.') {
        let Some((version, group)) = rest.split_once('.') else {
            return Err(format!("`{kind}.{rest}`: write KIND.VERSION.GROUP/NAME"));
        };
        let word = !kind.is_empty() && kind.chars().all(|c| c.is_ascii_alphanumeric());
        if !word || !is_name(version) || !is_name(group) {
            return Err(format!("`{kind}.{rest}` is no kind: write KIND.VERSION.GROUP/NAME"));
        }
        return Ok(ObjectKey::new(&format!("{group}/{version}"), kind, namespace, name));
    }
    let wanted = kind.to_ascii_lowercase();
    let known = KINDS.iter().find(|(_, kind, words, _)| {
        kind.eq_ignore_ascii_case(&wanted)
            || short_kind(kind) == wanted
            || words.contains(&wanted.as_str())
    });
    let Some((api_version, kind, _, namespaced)) = known else {
        let words = KINDS.iter().map(|(_, kind, ..)| *kind);
        let near = nearest(kind, words).map(|near| format!("; did you mean {near}?"));
        return Err(format!(
            "`{kind}` is not a kind known here{}; others are written KIND.VERSION.GROUP/NAME",
            near.unwrap_or_default()
        ));
    };
    match (namespaced, namespace) {
        (true, "") => Err(format!("{kind}/{name} lives in a namespace: name it with -n")),
        (true, namespace) => Ok(ObjectKey::new(api_version, kind, namespace, name)),
        (false, "") => Ok(ObjectKey::new(api_version, kind, "", name)),
        (false, namespace) => {
            Err(format!("{kind}/{name} lives in no namespace, and {namespace} was named"))
        }
    }
}

fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= 253
        && text.chars().all(|c| plain(c) || matches!(c, '-' | '.' | ':'))
        && text.starts_with(plain)
        && text.ends_with(plain)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn an_object_is_named_in_short_in_full_and_as_lists_show_it() {
        for (text, namespace) in [
            ("deploy/cart", Some("shop")),
            ("Deployment/cart", Some("shop")),
            ("deployments/cart", Some("shop")),
            ("shop/deploy/cart", None),
            ("shop/Deployment/cart", Some("shop")),
        ] {
            let key = parse(text, namespace).expect(text);
            assert_eq!(
                (key.api_version.as_str(), key.path().as_str()),
                ("apps/v1", "shop/Deployment/cart")
            );
        }
        assert_eq!(parse("no/wk-03", None).expect("a node").path(), "Node/wk-03");
        let own = parse("VirtualService.v1.networking.istio.io/cart", Some("shop")).expect("own");
        assert_eq!(own.api_version, "networking.istio.io/v1");
    }

    #[test]
    fn what_is_missing_wrong_or_contradicts_itself_is_refused_in_words() {
        for (text, namespace, says) in [
            ("deploy/cart", None, "-n"),
            ("node/wk-03", Some("shop"), "no namespace"),
            ("shop/deploy/cart", Some("pay"), "-n says pay"),
            ("cart", Some("shop"), "KIND/NAME"),
            ("deploy/", Some("shop"), "KIND/NAME"),
            ("a/b/c/d", None, "KIND/NAME"),
            ("deplyment/cart", Some("shop"), "did you mean Deployment?"),
            ("deploy/--all", Some("shop"), "can't be a name"),
            ("pod/../x", Some("shop"), "-n says shop"),
            ("pod/../x", None, "KIND.VERSION.GROUP"),
            ("../x", Some("shop"), "KIND.VERSION.GROUP"),
            ("A/b.v1.c d/x", Some("shop"), "-n says shop"),
            ("Thing.v1.a b/x", Some("shop"), "KIND.VERSION.GROUP"),
            ("deploy/Cart", Some("shop"), "can't be a name"),
        ] {
            let why = parse(text, namespace).expect_err(text);
            assert!(why.contains(says), "{text}: {why}");
        }
    }
}
