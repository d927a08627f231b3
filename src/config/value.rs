//! Values of settings, and how each kind is read from a TOML value or from text (environment, flags, defaults).

use crate::domain::time::parse_duration;
use std::collections::BTreeMap;

/// What a setting holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text; empty means *not set*.
    Text(String),
    /// A whole number; durations in seconds, file modes as they are.
    Number(u64),
    /// Yes or no.
    Flag(bool),
    /// Texts.
    List(Vec<String>),
    /// Names and texts.
    Map(BTreeMap<String, String>),
}

impl Value {
    /// The value in TOML's syntax, as `config show` prints it.
    #[must_use]
    pub fn shown(&self, kind: Kind) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Number(number) => match kind {
                Kind::FileMode => format!("\"{number:04o}\""),
                Kind::Duration { .. } => format!("\"{number}s\""),
                _ => number.to_string(),
            },
            Self::Flag(flag) => flag.to_string(),
            Self::List(items) => {
                format!(
                    "[{}]",
                    items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", ")
                )
            }
            Self::Map(map) => {
                let members = map
                    .iter()
                    .map(|(key, value)| format!("{} = {}", quoted(key), quoted(value)))
                    .collect::<Vec<_>>();
                format!("{{ {} }}", members.join(", ")).replace("{  }", "{}")
            }
        }
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_string()).to_string()
}

/// What kind of value a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A path; `~/` is the home directory, relative ones start at the settings file's directory (from flags and
    /// environment: at the working directory).
    Path,
    /// `http://` or `https://`.
    Url,
    /// `postgres://role@host/database`, without a password.
    Database,
    /// `host:port`, or `off`.
    Listen,
    /// `30s`, `5m`, `2h`, `1d` or seconds; at least `min` seconds. With `optional`, empty text means *not set*.
    Duration {
        /// Least seconds.
        min: u64,
        /// Whether it may be left empty.
        optional: bool,
    },
    /// A whole number within limits.
    Number {
        /// Least.
        min: u64,
        /// Most.
        max: u64,
    },
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Texts.
    List,
    /// Names and texts.
    Map,
    /// Octal permissions, `"0644"`.
    FileMode,
    /// A secret: from the environment only.
    Secret,
}

impl Kind {
    /// Reads a TOML value.
    ///
    /// # Errors
    /// A sentence about what is expected.
    pub fn from_toml(self, value: &toml::Value) -> Result<Value, String> {
        match (self, value) {
            (Self::Secret, _) => Err(
                "a secret does not belong in this file: use the `_file` key beside it, or the environment"
                    .into(),
            ),
            (Self::List, toml::Value::Array(items)) => items
                .iter()
                .map(|item| {
                    item.as_str().map(String::from).ok_or_else(|| self.expected(&kind_of(item)))
                })
                .collect::<Result<_, _>>()
                .map(Value::List),
            (Self::Map, toml::Value::Table(table)) => table
                .iter()
                .map(|(key, item)| {
                    let text = item.as_str().ok_or_else(|| self.expected(&kind_of(item)))?;
                    Ok((key.clone(), text.to_string()))
                })
                .collect::<Result<_, _>>()
                .map(Value::Map),
            (Self::Flag, toml::Value::Boolean(flag)) => Ok(Value::Flag(*flag)),
            (Self::Number { .. } | Self::Duration { .. }, toml::Value::Integer(number)) => {
                self.from_text(&number.to_string())
            }
            (Self::List | Self::Map | Self::Flag | Self::Number { .. }, other) => {
                Err(self.expected(&kind_of(other)))
            }
            (_, toml::Value::String(text)) => self.from_text(text),
            (_, other) => Err(self.expected(&kind_of(other))),
        }
    }

    /// Reads text: lists are split at commas, maps are `name=text` split at commas.
    ///
    /// # Errors
    /// A sentence about what is expected.
    pub fn from_text(self, text: &str) -> Result<Value, String> {
        let text = text.trim();
        let wrong = || self.expected(&format!("`{text}`"));
        let parts = || text.split(',').map(str::trim).filter(|part| !part.is_empty());
        match self {
            Self::Text | Self::Path | Self::Secret => Ok(Value::Text(text.into())),
            Self::Url => {
                let fits = text.is_empty()
                    || url::Url::parse(text).is_ok_and(|url| {
                        matches!(url.scheme(), "http" | "https") && url.has_host()
                    });
                if fits { Ok(Value::Text(text.into())) } else { Err(wrong()) }
            }
            Self::Database => match url::Url::parse(text) {
                Ok(url) if url.password().is_some() => Err("it holds a password, which would be shown with it: \
                     put that into a file and name it in store.password_file, or into PILOTHOUSE_STORE_PASSWORD"
                    .into()),
                Ok(url) if matches!(url.scheme(), "postgres" | "postgresql") => {
                    Ok(Value::Text(text.into()))
                }
                Err(_) if text.is_empty() => Ok(Value::Text(String::new())),
                Ok(_) | Err(_) => Err(self.expected("another text")),
            },
            Self::Listen => {
                let fits = text == "off" || text.parse::<std::net::SocketAddr>().is_ok();
                if fits { Ok(Value::Text(text.into())) } else { Err(wrong()) }
            }
            Self::Duration { optional: true, .. } if text.is_empty() => {
                Ok(Value::Text(String::new()))
            }
            Self::Duration { min, .. } => match parse_duration(text) {
                Ok(seconds) if seconds >= min => Ok(Value::Number(seconds)),
                Ok(_) | Err(_) => Err(wrong()),
            },
            Self::Number { min, max } => match text.parse::<u64>() {
                Ok(number) if (min..=max).contains(&number) => Ok(Value::Number(number)),
                Ok(_) | Err(_) => Err(wrong()),
            },
            Self::Flag => text.parse::<bool>().map(Value::Flag).map_err(|_| wrong()),
            Self::Choice(words) => {
                if words.contains(&text) {
                    Ok(Value::Text(text.into()))
                } else {
                    Err(wrong())
                }
            }
            Self::List => Ok(Value::List(parts().map(String::from).collect())),
            Self::Map => parts()
                .map(|part| part.split_once('=').map(|(k, v)| (k.trim().into(), v.trim().into())))
                .collect::<Option<_>>()
                .map(Value::Map)
                .ok_or_else(wrong),
            Self::FileMode => u64::from_str_radix(text, 8)
                .ok()
                .filter(|mode| *mode > 0 && *mode <= 0o7777 && text.len() >= 3)
                .map(Value::Number)
                .ok_or_else(wrong),
        }
    }

    fn expected(self, got: &str) -> String {
        let wants = match self {
            Self::Text | Self::Secret => "a text".to_string(),
            Self::Path => "a path".into(),
            Self::Url => "an address like http://host:9090".into(),
            Self::Database => "an address like postgres://role@host:5432/database".into(),
            Self::Listen => "an address like 127.0.0.1:9765, or `off`".into(),
            Self::Duration { min: 0, .. } => "a duration like 30s, 5m or 2h".into(),
            Self::Duration { min, .. } => {
                format!("a duration like 30s, 5m or 2h, at least {min}s")
            }
            Self::Number { min, max: u64::MAX } => format!("a whole number from {min}"),
            Self::Number { min, max } => format!("a whole number from {min} to {max}"),
            Self::Flag => "true or false".into(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::List => "a list of texts".into(),
            Self::Map => "names with texts, like { cluster = \"prod\" }".into(),
            Self::FileMode => "octal permissions in quotes, like \"0644\"".into(),
        };
        format!("expected {wants}, got {got}")
    }
}

fn kind_of(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => format!("`{text}`"),
        toml::Value::Integer(number) => format!("`{number}`"),
        toml::Value::Float(number) => format!("`{number}`"),
        toml::Value::Boolean(flag) => format!("`{flag}`"),
        toml::Value::Datetime(at) => format!("`{at}`"),
        toml::Value::Array(_) => "a list".into(),
        toml::Value::Table(_) => "a section".into(),
    }
}
