//! Why an image can't be had, by the runtime's words, and what its pull secrets are.

use super::fields::{items, text};
use super::reader::{Got, Reader};
use crate::domain::resource::ObjectKey;
use serde_json::Value;

/// What the words mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The registry wants other credentials, or none would do.
    Denied,
    /// No such name or tag.
    NotThere,
    /// The registry can't be reached.
    NotReached,
    /// The registry answers too many requests.
    Limited,
    /// It is no name of an image.
    NotAName,
    /// It may only be used if it is on the node, and is not.
    NeverPulled,
    /// It is for another kind of machine.
    OtherPlatform,
    /// In other words.
    Other,
}

impl Refusal {
    /// What the kubelet's reason and the runtime's message mean.
    pub(crate) fn of(reason: &str, message: &str) -> Self {
        let lower = message.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|one| lower.contains(one));
        if reason == "InvalidImageName"
            || has(&["invalid reference format", "couldn't parse image"])
        {
            Self::NotAName
        } else if reason == "ErrImageNeverPull" {
            Self::NeverPulled
        } else if has(&["toomanyrequests", "too many requests", "rate limit"]) {
            Self::Limited
        } else if has(&[
            "unauthorized",
            "authentication required",
            "access denied",
            "denied:",
            "403 forbidden",
            "401",
            "no basic auth",
            "authorization failed",
            "insufficient_scope",
        ]) {
            Self::Denied
        } else if has(&[
            "no such host",
            "dial tcp",
            "connection refused",
            "i/o timeout",
            "timeout",
            "x509",
            "tls:",
            "server misbehaving",
            "no route to host",
            "network is unreachable",
            "failed to do request",
        ]) {
            Self::NotReached
        } else if has(&["no match for platform", "no matching manifest"]) {
            Self::OtherPlatform
        } else if has(&["not found", "manifest unknown", "does not exist", "404"]) {
            Self::NotThere
        } else {
            Self::Other
        }
    }

    /// In words, behind *the registry says* or the like.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Denied => "the registry refuses the credentials, or there are none",
            Self::NotThere => "no image of that name and tag is there",
            Self::NotReached => "the registry can't be reached from the node",
            Self::Limited => "the registry limits the number of pulls",
            Self::NotAName => "it is no valid name of an image",
            Self::NeverPulled => "its pull policy is Never, and the node does not have it",
            Self::OtherPlatform => "it is not made for this kind of node",
            Self::Other => "the runtime says no more",
        }
    }

    /// For templates.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::NotThere => "not-there",
            Self::NotReached => "registry-not-reached",
            Self::Limited => "limited",
            Self::NotAName => "no-name",
            Self::NeverPulled => "never-pulled",
            Self::OtherPlatform => "other-platform",
            Self::Other => "other",
        }
    }
}

/// What became of one pull secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PullSecret {
    There,
    /// Its type, which is none for pulling.
    OtherType(String),
    Absent,
    NotKnown,
}

/// Looks at the pull secrets of a pod (those of its service account are among them: admission copies them).
pub(crate) fn pull_secrets(
    pod_spec: &Value,
    namespace: &str,
    reader: &mut Reader<'_>,
) -> Vec<(String, PullSecret)> {
    items(pod_spec, &["imagePullSecrets"])
        .iter()
        .map(|one| text(one, &["name"]))
        .filter(|name| !name.is_empty())
        .take(5)
        .map(|name| {
            let key = ObjectKey::new("v1", "Secret", namespace, name);
            let found = match reader.object("missing-configuration", &key) {
                Got::Have(secret) => match text(secret, &["type"]) {
                    "kubernetes.io/dockerconfigjson" | "kubernetes.io/dockercfg" => {
                        PullSecret::There
                    }
                    other => PullSecret::OtherType(other.into()),
                },
                Got::Gone => PullSecret::Absent,
                Got::Unreadable(_) | Got::Pending => PullSecret::NotKnown,
            };
            (name.to_string(), found)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtimes_words_are_told_apart() {
        let of = |message: &str| Refusal::of("ErrImagePull", message);
        assert_eq!(
            of(
                "failed to pull and unpack image \"docker.io/library/web:9\": failed to resolve reference: docker.io/library/web:9: not found"
            ),
            Refusal::NotThere
        );
        assert_eq!(
            of(
                "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed"
            ),
            Refusal::Denied
        );
        assert_eq!(
            of(
                "failed to do request: Head \"https://test.local/v2/none/manifests/1\": dial tcp: lookup test.local: no such host"
            ),
            Refusal::NotReached
        );
        assert_eq!(of("429 Too Many Requests - toomanyrequests: rate limit"), Refusal::Limited);
        assert_eq!(Refusal::of("InvalidImageName", ""), Refusal::NotAName);
        assert_eq!(of("no match for platform in manifest"), Refusal::OtherPlatform);
    }
}
