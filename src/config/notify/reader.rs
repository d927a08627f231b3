//! Reading the file: every problem with its line.

use super::settings::NotifySettings;
use crate::config::document::{Problem, did_you_mean, line_of, owned};
use crate::config::load::ConfigError;
use crate::config::value::{Kind, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// Largest channels file.
const FILE_LIMIT: u64 = 256 * 1024;

/// Reads the file, where one is named; every problem found, with its line.
pub(in crate::config) fn of(
    file: Option<&Path>,
    environment: &BTreeMap<String, String>,
) -> (NotifySettings, Vec<Problem>) {
    let found = file.map(|file| read(file, environment));
    match found {
        None => (NotifySettings::default(), Vec::new()),
        Some(Ok(settings)) => (settings, Vec::new()),
        Some(Err(error)) => (NotifySettings::default(), error.0),
    }
}

/// Reads the file.
///
/// # Errors
/// Every problem found, with its line.
pub fn read(
    file: &Path,
    environment: &BTreeMap<String, String>,
) -> Result<NotifySettings, ConfigError> {
    let shown = file.display().to_string();
    let wrong = |message: String| ConfigError(vec![Problem { place: shown.clone(), message }]);
    let length = std::fs::metadata(file).map_or(0, |meta| meta.len());
    if length > FILE_LIMIT {
        return Err(wrong(format!("has {length} bytes: this is no channels file")));
    }
    let text = std::fs::read_to_string(file)
        .map_err(|error| wrong(format!("channels file can't be read: {error}")))?;
    let base = file.parent().unwrap_or(Path::new("/"));
    let settings = parse(&shown, &text, base, environment)?;
    Ok(NotifySettings { file: Some(file.to_path_buf()), ..settings })
}

/// Reads the text of a channels file. Relative paths start at `base`.
///
/// # Errors
/// Every problem found, with its line.
pub fn parse(
    file: &str,
    text: &str,
    base: &Path,
    environment: &BTreeMap<String, String>,
) -> Result<NotifySettings, ConfigError> {
    let mut reader = Reader { file, text, base, environment, problems: Vec::new() };
    let table = DeTable::parse(text).map_err(|error| {
        let byte = error.span().map_or(0, |span| span.start);
        reader.wrong(byte, error.message().to_string());
        ConfigError(std::mem::take(&mut reader.problems))
    })?;
    let mut settings = NotifySettings::default();
    for (table, start) in reader.sections(table.get_ref(), "channel") {
        if let Some((channel, rules)) = reader.channel(table, start) {
            if settings.routes.channels.insert(channel.name, rules).is_some() {
                reader.wrong(start, format!("there are two channels `{}`", channel.name));
            }
            settings.channels.push(channel);
        }
    }
    for (table, start) in reader.sections(table.get_ref(), "route") {
        let route = reader.route(table, start, &settings.routes.channels);
        settings.routes.routes.extend(route);
    }
    for (key, _) in table.get_ref() {
        if !matches!(key.get_ref().as_ref(), "channel" | "route") {
            let hint = did_you_mean(key.get_ref(), ["channel", "route"].into_iter());
            reader.wrong(key.span().start, format!("unknown key `{}`{hint}", key.get_ref()));
        }
    }
    let told = settings.routes.routes.iter().flat_map(|route| route.channels.iter().copied());
    let told = told.collect::<BTreeSet<_>>();
    if reader.problems.is_empty() {
        for channel in settings.channels.iter().filter(|channel| !told.contains(&channel.name)) {
            reader.wrong(0, format!("no [[route]] leads to channel `{}`", channel.name));
        }
    }
    if reader.problems.is_empty() { Ok(settings) } else { Err(ConfigError(reader.problems)) }
}

pub(super) struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    pub(super) base: &'a Path,
    pub(super) environment: &'a BTreeMap<String, String>,
    pub(super) problems: Vec<Problem>,
}

impl Reader<'_> {
    pub(super) fn wrong(&mut self, byte: usize, message: String) {
        let place = format!("{}:{}", self.file, line_of(self.text, byte));
        self.problems.push(Problem { place, message });
    }

    /// The sections `[[name]]`, each with where it begins.
    pub(super) fn sections<'t>(
        &mut self,
        table: &'t DeTable<'t>,
        name: &str,
    ) -> Vec<(&'t DeTable<'t>, usize)> {
        let Some((key, value)) = table.iter().find(|(key, _)| key.get_ref() == name) else {
            return Vec::new();
        };
        let mut out = Vec::new();
        if let DeValue::Array(items) = value.get_ref() {
            for item in items {
                if let DeValue::Table(table) = item.get_ref() {
                    out.push((table, item.span().start));
                } else {
                    self.wrong(item.span().start, format!("a {name} is a section"));
                }
            }
        } else {
            let how = format!("write [[{name}]], once for each {name}");
            self.wrong(key.span().start, how);
        }
        out
    }

    pub(super) fn unknown(&mut self, table: &DeTable<'_>, known: &[&str], what: &str) {
        for (key, _) in table {
            if !known.contains(&key.get_ref().as_ref()) {
                let hint = did_you_mean(key.get_ref(), known.iter().copied());
                let why = format!("{what} has no key `{}`{hint}", key.get_ref());
                self.wrong(key.span().start, why);
            }
        }
    }

    /// A member, read as that kind of value.
    pub(super) fn value(&mut self, table: &DeTable<'_>, name: &str, kind: Kind) -> Option<Value> {
        let (key, value) = table.iter().find(|(key, _)| key.get_ref() == name)?;
        match kind.from_toml(&owned(value.get_ref())) {
            Ok(value) => Some(value),
            Err(why) => {
                self.wrong(key.span().start, format!("{name}: {why}"));
                None
            }
        }
    }

    pub(super) fn words(&mut self, table: &DeTable<'_>, name: &str) -> Option<String> {
        match self.value(table, name, Kind::Text) {
            Some(Value::Text(text)) if !text.is_empty() => Some(text),
            Some(_) | None => None,
        }
    }

    /// A member that must be there.
    pub(super) fn needed(
        &mut self,
        table: &DeTable<'_>,
        start: usize,
        name: &str,
    ) -> Option<String> {
        let found = self.words(table, name);
        // One that is there and wrong has been named already.
        let is_there = table.iter().any(|(key, _)| key.get_ref() == name);
        if found.is_none() && (!is_there || self.problems.is_empty()) {
            self.wrong(start, format!("`{name}` is missing"));
        }
        found
    }

    pub(super) fn seconds(
        &mut self,
        table: &DeTable<'_>,
        name: &str,
        min: u64,
        default: &str,
    ) -> u64 {
        let kind = Kind::Duration { min, optional: false };
        let value = self.value(table, name, kind).or_else(|| kind.from_text(default).ok());
        match value {
            Some(Value::Number(seconds)) => seconds,
            Some(_) | None => 0,
        }
    }

    pub(super) fn list(&mut self, table: &DeTable<'_>, name: &str) -> Vec<String> {
        match self.value(table, name, Kind::List) {
            Some(Value::List(items)) => items,
            Some(_) | None => Vec::new(),
        }
    }

    /// A list of known words.
    pub(super) fn known<T: Ord>(
        &mut self,
        table: &DeTable<'_>,
        (name, all): (&str, &[&str]),
        read: impl Fn(&str) -> Option<T>,
    ) -> BTreeSet<T> {
        let byte = place_of(table, name);
        let mut out = BTreeSet::new();
        for word in self.list(table, name) {
            if let Some(one) = read(&word) {
                out.insert(one);
            } else {
                let hint = did_you_mean(&word, all.iter().copied());
                let all = all.join(", ");
                self.wrong(byte, format!("{name}: `{word}` is none of {all}{hint}"));
            }
        }
        out
    }
}

pub(super) fn place_of(table: &DeTable<'_>, name: &str) -> usize {
    table.iter().find(|(key, _)| key.get_ref() == name).map_or(0, |(key, _)| key.span().start)
}
