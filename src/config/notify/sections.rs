//! What each section holds: channels, their quiet hours, routes.

use super::reader::{Reader, place_of};
use super::settings::{ChannelSettings, MailSettings, MailTls, Way};
use crate::config::document::did_you_mean;
use crate::config::secret::Secret;
use crate::config::value::{Kind, Value};
use crate::domain::diagnosis::Pattern;
use crate::domain::notify::{ChannelKind, ChannelName, Quiet, Route, Rules, Topic};
use crate::domain::workflow::plan::Risk;
use chrono::NaiveTime;
use std::collections::BTreeMap;
use std::net::IpAddr;
use toml::de::{DeTable, DeValue};
use url::Url;

/// Members of every channel.
pub(super) const CHANNEL: &[&str] =
    &["name", "kind", "group", "quiet", "give_up", "secret_file", "secret_env"];
/// Members of a route.
pub(super) const ROUTE: &[&str] = &["topics", "channels", "namespaces", "risk", "patterns"];
/// Members of quiet hours.
pub(super) const QUIET: &[&str] = &["from", "to", "zone"];
/// How the way to a mail server is protected.
const TLS: &[&str] = &["starttls", "tls", "none"];
/// What comes within this goes in one message, unless the channel says otherwise.
const GROUP: &str = "10s";
/// What can't be told for so long is a dead letter, unless the channel says otherwise.
const GIVE_UP: &str = "6h";

impl Reader<'_> {
    pub(super) fn route(
        &mut self,
        table: &DeTable<'_>,
        start: usize,
        channels: &BTreeMap<ChannelName, Rules>,
    ) -> Option<Route> {
        let before = self.problems.len();
        self.unknown(table, ROUTE, "a route");
        let topics = Topic::ALL.iter().map(|one| one.word()).collect::<Vec<_>>();
        let patterns = Pattern::ALL.iter().map(|one| one.word()).collect::<Vec<_>>();
        let names = channels.keys().map(ChannelName::as_str).collect::<Vec<_>>();
        let route = Route {
            topics: self.known(table, ("topics", &topics), Topic::from_word),
            channels: self.known(table, ("channels", &names), |word| {
                ChannelName::parse(word).ok().filter(|name| channels.contains_key(name))
            }),
            namespaces: self.list(table, "namespaces").into_iter().collect(),
            at_least: self.risk(table),
            patterns: self.known(table, ("patterns", &patterns), Pattern::from_word),
        };
        if route.channels.is_empty() && self.problems.len() == before {
            self.wrong(start, "this route leads nowhere: set channels".into());
        }
        (self.problems.len() == before).then_some(route)
    }

    fn risk(&mut self, table: &DeTable<'_>) -> Option<Risk> {
        let word = self.words(table, "risk")?;
        let risk = Risk::from_word(&word);
        if risk.is_none() {
            let all = Risk::ALL.iter().map(|one| one.word()).collect::<Vec<_>>().join(", ");
            self.wrong(place_of(table, "risk"), format!("risk: `{word}` is none of {all}"));
        }
        risk
    }

    pub(super) fn channel(
        &mut self,
        table: &DeTable<'_>,
        start: usize,
    ) -> Option<(ChannelSettings, Rules)> {
        let before = self.problems.len();
        let name = self.needed(table, start, "name");
        let name = name.and_then(|name| match ChannelName::parse(&name) {
            Ok(name) => Some(name),
            Err(why) => {
                self.wrong(place_of(table, "name"), why);
                None
            }
        });
        let word = self.needed(table, start, "kind")?;
        let Some(kind) = ChannelKind::from_word(&word) else {
            let all = ChannelKind::ALL.iter().map(|one| one.word()).collect::<Vec<_>>();
            let hint = did_you_mean(&word, all.iter().copied());
            let why = format!("kind: `{word}` is none of {}{hint}", all.join(", "));
            self.wrong(place_of(table, "kind"), why);
            return None;
        };
        let known = CHANNEL.iter().chain(own(kind)).copied().collect::<Vec<_>>();
        self.unknown(table, &known, &format!("a channel of kind {kind}"));
        let secret = self.secret(table, start, kind);
        let way = self.way(table, start, kind, &secret);
        let rules = Rules {
            kind,
            group_s: self.seconds(table, "group", 0, GROUP),
            quiet: self.quiet(table),
            give_up_s: self.seconds(table, "give_up", 1, GIVE_UP),
        };
        let (name, way) = (name?, way?);
        (self.problems.len() == before).then_some((ChannelSettings { name, way, secret }, rules))
    }

    fn secret(&mut self, table: &DeTable<'_>, start: usize, kind: ChannelKind) -> Secret {
        let file = self.words(table, "secret_file").map(|file| self.base.join(file));
        let variable = self.words(table, "secret_env");
        let set = variable.as_ref().and_then(|name| self.environment.get(name));
        let value = set.map(|text| text.trim()).filter(|text| !text.is_empty());
        let value = value.map(secrecy::SecretString::from);
        if let (Some(name), None) = (&variable, &value) {
            let why = format!("environment {name} is not set, and secret_env names it");
            self.wrong(place_of(table, "secret_env"), why);
        }
        if file.is_some() && variable.is_some() {
            let why = "secret_file and secret_env are two ways to the same: choose one";
            self.wrong(place_of(table, "secret_env"), why.into());
        }
        let secret = Secret { file, value };
        let must = match kind {
            ChannelKind::Slack => "the address of the incoming webhook",
            ChannelKind::Webhook => "the key of the signature",
            ChannelKind::Ntfy | ChannelKind::Email => return secret,
        };
        if !secret.is_set() && variable.is_none() {
            self.wrong(start, format!("set secret_file or secret_env: it holds {must}"));
        }
        secret
    }

    fn way(
        &mut self,
        table: &DeTable<'_>,
        start: usize,
        kind: ChannelKind,
        secret: &Secret,
    ) -> Option<Way> {
        match kind {
            ChannelKind::Slack => Some(Way::Slack),
            ChannelKind::Webhook => {
                let url = self.url(table, start)?;
                Some(Way::Webhook { url })
            }
            ChannelKind::Ntfy => {
                let url = self.url(table, start)?;
                if url.scheme() == "http" && secret.is_set() && !is_here(url.host_str()) {
                    let why = "url: the token would go in the clear: use https";
                    self.wrong(place_of(table, "url"), why.into());
                }
                let click = self.words(table, "click").and_then(|text| match Url::parse(&text) {
                    Ok(url) => Some(url),
                    Err(error) => {
                        self.wrong(place_of(table, "click"), format!("click: {error}"));
                        None
                    }
                });
                Some(Way::Ntfy { url, click })
            }
            ChannelKind::Email => self.mail(table, start).map(|mail| Way::Email(Box::new(mail))),
        }
    }

    fn url(&mut self, table: &DeTable<'_>, start: usize) -> Option<Url> {
        self.needed(table, start, "url")?;
        match self.value(table, "url", Kind::Url) {
            Some(Value::Text(text)) => Url::parse(&text).ok(),
            Some(_) | None => None,
        }
    }

    fn mail(&mut self, table: &DeTable<'_>, start: usize) -> Option<MailSettings> {
        let host = self.needed(table, start, "host")?;
        let from = self.needed(table, start, "from")?;
        let to = self.list(table, "to");
        if to.is_empty() {
            self.wrong(start, "`to` is missing: who gets the mail".into());
        }
        let addresses = to.iter().map(|one| ("to", one)).chain([("from", &from)]);
        for (name, address) in addresses.collect::<Vec<_>>() {
            if !address.contains('@') || address.chars().any(char::is_control) {
                let why = format!("{name}: `{address}` is no mail address");
                self.wrong(place_of(table, name), why);
            }
        }
        let tls = self.value(table, "tls", Kind::Choice(TLS));
        let tls = match tls {
            Some(Value::Text(word)) if word == "none" => MailTls::Plain,
            Some(Value::Text(word)) if word == "tls" => MailTls::Implicit,
            Some(_) | None => MailTls::Starttls,
        };
        if tls == MailTls::Plain && !is_here(Some(&host)) {
            let why = "tls: mail to another host goes encrypted: use starttls or tls";
            self.wrong(place_of(table, "tls"), why.into());
        }
        let ports = Kind::Number { min: 1, max: 65_535 };
        let port = match self.value(table, "port", ports) {
            Some(Value::Number(port)) => u16::try_from(port).ok()?,
            Some(_) | None if tls == MailTls::Implicit => 465,
            Some(_) | None => 587,
        };
        let ca_file = self.words(table, "ca_file").map(|file| self.base.join(file));
        let user = self.words(table, "user").unwrap_or_default();
        Some(MailSettings { host, port, tls, from, to, user, ca_file })
    }

    fn quiet(&mut self, table: &DeTable<'_>) -> Option<Quiet> {
        let (key, value) = table.iter().find(|(key, _)| key.get_ref() == "quiet")?;
        let start = key.span().start;
        let DeValue::Table(inner) = value.get_ref() else {
            let how = "quiet: write { from = \"22:00\", to = \"07:00\", zone = \"Europe/Berlin\" }";
            self.wrong(start, how.into());
            return None;
        };
        self.unknown(inner, QUIET, "quiet");
        let mut time = |name: &str| {
            let text = self.needed(inner, start, name)?;
            let time = NaiveTime::parse_from_str(&text, "%H:%M").ok();
            if time.is_none() {
                self.wrong(
                    start,
                    format!("quiet: {name}: expected a time like 22:00, got `{text}`"),
                );
            }
            time
        };
        let (from, to) = (time("from"), time("to"));
        let zone = self.needed(inner, start, "zone")?;
        let Ok(zone) = zone.parse::<chrono_tz::Tz>() else {
            let all = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
            let hint = did_you_mean(&zone, all);
            self.wrong(start, format!("quiet: `{zone}` is no time zone{hint}"));
            return None;
        };
        Some(Quiet { from: from?, to: to?, zone })
    }
}

/// Members that only channels of this kind have.
pub(super) fn own(kind: ChannelKind) -> &'static [&'static str] {
    match kind {
        ChannelKind::Slack => &[],
        ChannelKind::Webhook => &["url"],
        ChannelKind::Ntfy => &["url", "click"],
        ChannelKind::Email => &["host", "port", "tls", "from", "to", "user", "ca_file"],
    }
}

/// Whether a host is this machine.
fn is_here(host: Option<&str>) -> bool {
    host.is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}
