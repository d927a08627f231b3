//! Label selectors: kubectl's syntax, and `matchLabels` with `matchExpressions`.

use super::json::{items, text};
use serde_json::{Map, Value};

/// Whether labels fit a selector in kubectl's syntax; an empty one fits all. `Err` names what can't be read.
pub(super) fn fits_text(labels: Option<&Value>, selector: &str) -> Result<bool, String> {
    let empty = Map::new();
    let labels = labels.and_then(Value::as_object).unwrap_or(&empty);
    let value = |key: &str| labels.get(key).and_then(Value::as_str);
    for term in terms(selector) {
        let term = term.trim();
        let fits = if let Some((key, values)) = set_term(term, " notin ") {
            value(key).is_none_or(|has| !values.contains(&has))
        } else if let Some((key, values)) = set_term(term, " in ") {
            value(key).is_some_and(|has| values.contains(&has))
        } else if let Some((key, wanted)) = term.split_once("!=") {
            value(key.trim()) != Some(wanted.trim())
        } else if let Some((key, wanted)) = term.split_once("==").or_else(|| term.split_once('=')) {
            value(key.trim()) == Some(wanted.trim())
        } else if let Some(key) = term.strip_prefix('!') {
            value(key.trim()).is_none()
        } else if term.is_empty() {
            return Err(format!("unable to parse label selector {selector:?}"));
        } else {
            value(term).is_some()
        };
        if !fits {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The terms of a selector: parts between commas that don't stand in brackets.
fn terms(selector: &str) -> Vec<&str> {
    if selector.trim().is_empty() {
        return Vec::new();
    }
    let mut depth = 0_i32;
    selector
        .split(move |c: char| {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            c == ',' && depth == 0
        })
        .collect()
}

fn set_term<'a>(term: &'a str, word: &str) -> Option<(&'a str, Vec<&'a str>)> {
    let (key, list) = term.split_once(word)?;
    let list = list.trim().strip_prefix('(')?.strip_suffix(')')?;
    Some((key.trim(), list.split(',').map(str::trim).collect()))
}

/// Whether labels fit a `LabelSelector` object. One that is empty fits nothing here: no controller may own all pods.
pub(super) fn fits(labels: Option<&Value>, selector: &Value) -> bool {
    let wanted = selector.get("matchLabels").and_then(Value::as_object);
    let expressions = items(selector, &["matchExpressions"]);
    if wanted.is_none_or(Map::is_empty) && expressions.is_empty() {
        return false;
    }
    fits_map(labels, wanted) && expressions.iter().all(|one| fits_expression(labels, one))
}

/// Whether labels hold all of these.
pub(super) fn fits_map(labels: Option<&Value>, wanted: Option<&Map<String, Value>>) -> bool {
    wanted.is_none_or(|wanted| {
        wanted.iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
    })
}

fn fits_expression(labels: Option<&Value>, expression: &Value) -> bool {
    let has = labels.and_then(|labels| labels.get(text(expression, &["key"])));
    let listed = has.is_some_and(|has| items(expression, &["values"]).contains(has));
    match text(expression, &["operator"]) {
        "In" => listed,
        "NotIn" => !listed,
        "Exists" => has.is_some(),
        "DoesNotExist" => has.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_are_read_like_kubectl_reads_them() {
        let labels = json!({"app": "web", "tier": "front"});
        for (selector, fits) in [
            ("", true),
            ("app=web", true),
            ("app==web,tier=front", true),
            ("app!=web", false),
            ("app in (web, api),tier", true),
            ("app notin (web)", false),
            ("!app", false),
            ("!other,app", true),
        ] {
            assert_eq!(fits_text(Some(&labels), selector), Ok(fits), "{selector}");
        }
        assert!(fits_text(Some(&labels), "app=web,,").is_err());
    }

    #[test]
    fn an_empty_selector_object_fits_nothing() {
        assert!(!super::fits(Some(&json!({"app": "web"})), &json!({})));
        assert!(super::fits(Some(&json!({"app": "web"})), &json!({"matchLabels": {"app": "web"}})));
    }
}
