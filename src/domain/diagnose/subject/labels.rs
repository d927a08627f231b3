//! Label selectors, matched as the API server matches them.

use crate::domain::diagnose::fields::{items, text, value};
use serde_json::Value;

/// Whether a label selector (`matchLabels`, `matchExpressions`) matches an object's labels. An empty one matches all.
pub(crate) fn matches(selector: &Value, object: &Value) -> bool {
    let label = |key: &str| value(object, &["metadata", "labels", key]).and_then(Value::as_str);
    let plain = value(selector, &["matchLabels"]).and_then(Value::as_object);
    plain.into_iter().flatten().all(|(key, wanted)| label(key) == wanted.as_str())
        && items(selector, &["matchExpressions"]).iter().all(|one| {
            let has = label(text(one, &["key"]));
            let named = items(one, &["values"]).iter().any(|value| value.as_str() == has);
            match text(one, &["operator"]) {
                "In" => has.is_some() && named,
                "NotIn" => has.is_none() || !named,
                "Exists" => has.is_some(),
                "DoesNotExist" => has.is_none(),
                _ => false,
            }
        })
}

/// Whether a Service's plain selector matches an object's labels. One that is empty selects nothing.
pub(crate) fn selects(selector: &Value, object: &Value) -> bool {
    let Some(wanted) = selector.as_object().filter(|wanted| !wanted.is_empty()) else {
        return false;
    };
    wanted.iter().all(|(key, wanted)| value(object, &["metadata", "labels", key]) == Some(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_match_as_the_api_server_matches_them() {
        let pod = json!({"metadata": {"labels": {"app": "web", "tier": "a"}}});
        let yes = |selector: Value| assert!(matches(&selector, &pod), "{selector}");
        let no = |selector: Value| assert!(!matches(&selector, &pod), "{selector}");
        yes(json!({}));
        yes(json!({"matchLabels": {"app": "web"}}));
        no(json!({"matchLabels": {"app": "db"}}));
        yes(json!({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}]}));
        no(json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["a"]}]}));
        yes(json!({"matchExpressions": [{"key": "gone", "operator": "NotIn", "values": ["a"]}]}));
        no(json!({"matchExpressions": [{"key": "gone", "operator": "Exists"}]}));
        yes(json!({"matchExpressions": [{"key": "gone", "operator": "DoesNotExist"}]}));
        no(json!({"matchExpressions": [{"key": "app", "operator": "Near"}]}));
        assert!(selects(&json!({"app": "web"}), &pod));
        assert!(!selects(&json!({"app": "web", "tier": "b"}), &pod));
        assert!(!selects(&json!({}), &pod), "an empty selector of a Service selects nothing");
    }
}
