//! Hides what looks like a secret in free text and in objects.
//!
//! Promises: errs on the side of hiding; ends on any input; what is not hidden stays byte for byte.
//! Absent on purpose: any claim to find every secret. It is the last net, not the first: secrets aren't read where
//! that can be helped.

use serde_json::Value;

/// What stands for a secret.
pub const REDACTED: &str = "<redacted>";

/// Hides bearer tokens, `password=…`, `token: …` and the like, cloud and forge keys, private keys, JSON web tokens and
/// the user part of URLs.
#[must_use]
pub fn redact(text: &str) -> String {
    let text = hide_private_keys(text);
    let text = hide_url_users(&text);
    let text = hide_pairs(&text);
    hide_words(&text)
}

/// Hides secrets in a value: strings by [`redact`], values whose key sounds secret, and `{name, value}` pairs
/// (environment variables) whose name does.
pub fn redact_value(value: &mut Value) {
    match value {
        Value::String(text) => *text = redact(text),
        Value::Array(items) => items.iter_mut().for_each(redact_value),
        Value::Object(map) => {
            if map.get("name").and_then(Value::as_str).is_some_and(sounds_secret)
                && let Some(held @ (Value::String(_) | Value::Number(_))) = map.get_mut("value")
            {
                *held = REDACTED.into();
            }
            for (key, item) in map.iter_mut() {
                match item {
                    Value::String(text) if sounds_secret(key) && !is_plain_word(text) => {
                        *item = REDACTED.into();
                    }
                    Value::Number(_) if sounds_secret(key) => *item = REDACTED.into(),
                    Value::Null
                    | Value::Bool(_)
                    | Value::Number(_)
                    | Value::String(_)
                    | Value::Array(_)
                    | Value::Object(_) => redact_value(item),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The text of a field, as it may be shown: hidden whole when its path says that it is a secret (`env[DB_PASSWORD].value`,
/// `data.token`), else by [`redact`].
#[must_use]
pub fn redact_at(path: &str, text: &str) -> String {
    let mut names = path.rsplit(['.', '[', ']', '"']).filter(|name| !name.is_empty());
    let key = names.next().unwrap_or_default();
    let key = if key == "value" { names.next().unwrap_or_default() } else { key };
    if sounds_secret(key) && !is_plain_word(text) { REDACTED.into() } else { redact(text) }
}

fn hide_private_keys(text: &str) -> String {
    const BEGIN: &str = "-----BEGIN ";
    const END: &str = "PRIVATE KEY-----";
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(BEGIN) {
        let after = &rest[start + BEGIN.len()..];
        let is_key = after.find("-----").is_some_and(|dashes| {
            after[..dashes].ends_with("PRIVATE KEY")
                || after[..dashes].ends_with("PRIVATE KEY BLOCK")
        });
        if !is_key {
            out.push_str(&rest[..start + BEGIN.len()]);
            rest = after;
            continue;
        }
        out.push_str(&rest[..start]);
        out.push_str(REDACTED);
        // A key whose end was cut off hides all that follows.
        rest = after.find("-----END ").map_or("", |end| {
            let tail = &after[end + "-----END ".len()..];
            tail.find(END)
                .map(|at| &tail[at + END.len()..])
                .or_else(|| tail.find("BLOCK-----").map(|at| &tail[at + "BLOCK-----".len()..]))
                .unwrap_or("")
        });
    }
    out.push_str(rest);
    out
}

fn hide_url_users(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        out.push_str(head);
        let end = tail
            .find(|c: char| {
                c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '<' | '>')
            })
            .unwrap_or(tail.len());
        rest = tail;
        if let Some(user) = tail[..end].rfind('@') {
            out.push_str(REDACTED);
            rest = &tail[user..];
        }
    }
    out.push_str(rest);
    out
}

/// Hides the value in `key=value`, `key: value`, `"key": "value"`, `--key value` where the key sounds secret, and the
/// word after `Bearer` or `Basic`.
fn hide_pairs(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_key_char) {
        let (before, tail) = rest.split_at(start);
        out.push_str(before);
        let end = tail.find(|c| !is_key_char(c)).unwrap_or(tail.len());
        let (key, after) = tail.split_at(end);
        out.push_str(key);
        rest = after;
        let Some(gap) = gap_to_value(key, after) else { continue };
        let (between, value) = after.split_at(gap);
        let length = value_length(key, between, value);
        if length == 0 || is_plain_word(&value[..length]) || value.starts_with(REDACTED) {
            continue;
        }
        out.push_str(between);
        out.push_str(REDACTED);
        rest = &value[length..];
    }
    out.push_str(rest);
    out
}

/// How far the value of this key is; `None` when it has none that would have to be hidden.
fn gap_to_value(key: &str, after: &str) -> Option<usize> {
    let scheme = key.eq_ignore_ascii_case("bearer") || key.eq_ignore_ascii_case("basic");
    if scheme {
        let gap = after.len() - after.trim_start_matches(' ').len();
        let word = after[gap..].split(|c: char| !is_token_char(c)).next().unwrap_or("");
        let random = word.len() >= 20 || word.chars().any(|c| c.is_ascii_digit() || c == '=');
        return (gap > 0 && word.len() >= 6 && random).then_some(gap);
    }
    if !sounds_secret(key) {
        return None;
    }
    let closed = after.trim_start_matches('\\').trim_start_matches(['"', '\'']);
    let at_separator = closed.trim_start_matches(' ');
    let value = if let Some(value) = at_separator.strip_prefix(['=', ':']) {
        value.strip_prefix(['>', '=']).unwrap_or(value)
    } else if key.starts_with('-')
        && at_separator.len() < after.len()
        && closed.len() == after.len()
    {
        (!at_separator.starts_with('-')).then_some(at_separator)?
    } else {
        return None;
    };
    let value = value.trim_start_matches([' ', '\t']).trim_start_matches('\\');
    let value = value.strip_prefix(['"', '\'', '`']).unwrap_or(value);
    Some(after.len() - value.len())
}

/// Length of the value in bytes. A quoted one goes to its quote, an authorization header to the end of the line.
fn value_length(key: &str, between: &str, value: &str) -> usize {
    let quote = between.chars().next_back().filter(|c| matches!(c, '"' | '\'' | '`'));
    let whole_line = key.to_ascii_lowercase().ends_with("authorization");
    let mut escaped = false;
    for (at, c) in value.char_indices() {
        let ends = match quote {
            Some(quote) if c == quote && !escaped => return at,
            // `\"` ends a value that was itself opened by `\"`.
            Some(quote) if c == quote => return at.saturating_sub(1),
            Some(_) => c == '\n',
            None if whole_line => matches!(c, '\n' | '"' | '\''),
            None => {
                c.is_whitespace()
                    || matches!(c, ',' | ';' | '&' | '"' | '\'' | '`' | ')' | '}' | ']' | '|')
                    || (at == 0 && matches!(c, '{' | '['))
            }
        };
        if ends {
            return at;
        }
        escaped = c == '\\' && !escaped && between.contains('\\');
    }
    value.len()
}

/// Whether a name is that of a secret's value, and not of a reference to one or a property of one.
fn sounds_secret(key: &str) -> bool {
    const ANYWHERE: [&str; 11] = [
        "password",
        "passwd",
        "passphrase",
        "pgpass",
        "apikey",
        "accesskey",
        "privatekey",
        "secretkey",
        "clientsecret",
        "credential",
        "authtoken",
    ];
    const AT_THE_END: [&str; 7] =
        ["secret", "token", "pwd", "authorization", "cookie", "pass", "encryptionkey"];
    const PROPERTY: [&str; 17] = [
        "name",
        "names",
        "ref",
        "refs",
        "path",
        "paths",
        "file",
        "dir",
        "policy",
        "length",
        "seconds",
        "count",
        "url",
        "type",
        "version",
        "mode",
        "namespace",
    ];
    let plain = key
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect::<String>();
    let plain = plain.trim_end_matches(|c: char| c.is_ascii_digit());
    !PROPERTY.iter().any(|end| plain.ends_with(end))
        && (ANYWHERE.iter().any(|word| plain.contains(word))
            || AT_THE_END.iter().any(|word| plain.ends_with(word)))
}

fn is_plain_word(value: &str) -> bool {
    ["", "true", "false", "null", "none", "nil", "not", "is", "was"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word))
}

fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '~' | '+' | '/' | '=')
}

/// Hides words that are keys by their shape.
fn hide_words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_key_char) {
        let (before, tail) = rest.split_at(start);
        out.push_str(before);
        let end = tail.find(|c| !is_key_char(c)).unwrap_or(tail.len());
        let (word, after) = tail.split_at(end);
        out.push_str(if has_shape_of_key(word) { REDACTED } else { word });
        rest = after;
    }
    out.push_str(rest);
    out
}

fn has_shape_of_key(word: &str) -> bool {
    const PREFIXES: [(&str, usize); 15] = [
        ("ghp_", 30),
        ("gho_", 30),
        ("ghu_", 30),
        ("ghs_", 30),
        ("ghr_", 30),
        ("github_pat_", 30),
        ("glpat-", 20),
        ("xoxb-", 20),
        ("xoxp-", 20),
        ("xoxa-", 20),
        ("xoxs-", 20),
        ("sk-", 24),
        ("AIza", 35),
        ("hvs.", 24),
        ("dop_v1_", 40),
    ];
    let word = word.trim_matches(['.', '-']);
    let aws = |prefix: &str| {
        word.strip_prefix(prefix).is_some_and(|rest| {
            rest.len() == 16 && rest.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
        })
    };
    let jwt = word.starts_with("eyJ") && word.len() >= 20 && word.matches('.').count() == 2;
    jwt || aws("AKIA")
        || aws("ASIA")
        || PREFIXES.iter().any(|(prefix, least)| {
            word.starts_with(prefix)
                && word.len() >= *least
                && word.chars().any(|c| c.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_in_text_are_hidden() {
        let cases = [
            ("password=hunter2 next", "password=<redacted> next"),
            ("DB_PASSWORD: hunter2, x", "DB_PASSWORD: <redacted>, x"),
            ("{\"password\":\"hun ter\",\"a\":1}", "{\"password\":\"<redacted>\",\"a\":1}"),
            ("{\\\"token\\\":\\\"abc\\\"}", "{\\\"token\\\":\\\"<redacted>\\\"}"),
            ("--password hunter2 --host db", "--password <redacted> --host db"),
            ("--token=abc", "--token=<redacted>"),
            ("Authorization: Bearer abc.def-ghi\nHost: x", "Authorization: <redacted>\nHost: x"),
            ("got Bearer 0123456789abcdef from", "got Bearer <redacted> from"),
            ("postgres://app:s3cret@db:5432/x", "postgres://<redacted>@db:5432/x"),
            ("key AKIAIOSFODNN7EXAMPLE.", "key <redacted>"),
            ("AWS_SECRET_ACCESS_KEY=wJalr/K7+b", "AWS_SECRET_ACCESS_KEY=<redacted>"),
            ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln end", "jwt <redacted> end"),
            ("secret: s3cr3t", "secret: <redacted>"),
            ("client-secret='a b'", "client-secret='<redacted>'"),
            ("password=\"a\\\"b\"", "password=\"<redacted>\"b\""),
        ];
        for (text, expected) in cases {
            assert_eq!(redact(text), expected, "of {text}");
        }
    }

    #[test]
    fn a_private_key_is_hidden_even_when_its_end_is_missing() {
        let key = "a -----BEGIN RSA PRIVATE KEY----- MIIE== -----END RSA PRIVATE KEY----- b";
        assert_eq!(redact(key), "a <redacted> b");
        assert_eq!(redact("a -----BEGIN PRIVATE KEY-----\nMIIE"), "a <redacted>");
        let certificate = "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----";
        assert_eq!(redact(certificate), certificate);
    }

    #[test]
    fn what_only_speaks_of_secrets_stays_readable() {
        for text in [
            "secret \"payments-db\" not found",
            "couldn't find key token in Secret payments/db",
            "secretName: payments-db",
            "secretKeyRef:\n  name: db",
            "automountServiceAccountToken: false",
            "tokenExpirationSeconds: 3607",
            "https://example.com/a@b?x=1",
            "basic authentication failed",
            "imagePullSecrets: [regcred]",
            "OOMKilled exit code 137",
            "memory: 256Mi",
        ] {
            assert_eq!(redact(text), text);
        }
    }

    #[test]
    fn environment_variables_that_sound_secret_lose_their_value() {
        let mut value = json!({"env": [
            {"name": "DB_PASSWORD", "value": "hunter2"},
            {"name": "MODE", "value": "fast"},
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "db", "key": "t"}}},
        ], "apiKey": 12});
        redact_value(&mut value);
        assert_eq!(value["env"][0]["value"], REDACTED);
        assert_eq!(value["env"][1]["value"], "fast");
        assert_eq!(value["env"][2]["valueFrom"]["secretKeyRef"]["name"], "db");
        assert_eq!(value["apiKey"], REDACTED);
    }

    #[test]
    fn odd_input_ends_without_a_panic() {
        for text in [
            "",
            "password=",
            "password:",
            "://",
            "://@",
            "-----BEGIN ",
            "Bearer ",
            "token=\"",
            "token=\\",
            "pässword=ü",
            "password=\u{1F980}",
            "--password",
            "--token -x",
            "\\\"token\\\":\\\"",
        ] {
            let _ = redact(text);
        }
        let long = "token=a ".repeat(20_000);
        assert_eq!(redact(&long).matches(REDACTED).count(), 20_000);
    }
}
