use super::sections::{self, CHANNEL, QUIET};
use super::{NotifySettings, parse};
use crate::config::load::ConfigError;
use crate::domain::notify::{ChannelKind, Topic};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn with(text: &str) -> Result<NotifySettings, ConfigError> {
    let environment = BTreeMap::from([("KEY".to_string(), "hunter2".to_string())]);
    parse("notify.toml", text, Path::new("/etc/p"), &environment)
}

fn error(text: &str) -> String {
    with(text).unwrap_err().to_string()
}

const SLACK: &str = "[[channel]]\nname = \"oncall\"\nkind = \"slack\"\nsecret_env = \"KEY\"\n";
const ROUTE: &str = "[[route]]\nchannels = [\"oncall\"]\n";

#[test]
fn the_example_is_whole_and_can_be_read() {
    let text = include_str!("../../../assets/notify.example.toml");
    let environment = BTreeMap::from([("PILOTHOUSE_BUS_KEY".to_string(), "k".to_string())]);
    let read = parse("notify.example.toml", text, Path::new("/"), &environment).unwrap();
    let kinds = read.routes.channels.values().map(|one| one.kind).collect::<BTreeSet<_>>();
    assert_eq!(kinds.len(), ChannelKind::ALL.len(), "one channel of each kind");
    let members = CHANNEL.iter().chain(sections::ROUTE).chain(QUIET);
    let own = ChannelKind::ALL.iter().flat_map(|kind| sections::own(*kind));
    for member in members.chain(own) {
        assert!(text.contains(&format!("{member} = ")), "{member}");
    }
    for topic in Topic::ALL {
        assert!(text.contains(topic.word()), "{topic}");
    }
}

#[test]
fn a_channel_and_its_route_are_read_and_its_secret_is_never_shown() {
    let read = with(&format!("{SLACK}{ROUTE}")).unwrap();
    assert!(!format!("{read:?}").contains("hunter2"));
    let rules = read.routes.channels.values().next().unwrap();
    assert_eq!((rules.group_s, rules.give_up_s), (10, 6 * 3_600));
    assert!(read.channels[0].secret.is_set());
}

#[test]
fn mistakes_are_named_with_their_line_and_a_suggestion() {
    for (text, wanted) in [
        (
            format!("{SLACK}goup = \"1m\"\n{ROUTE}"),
            ":5: a channel of kind slack has no key `goup` (did you mean `group`?)",
        ),
        (format!("{SLACK}url = \"http://x\"\n{ROUTE}"), "has no key `url`"),
        (SLACK.to_string(), "no [[route]] leads to channel `oncall`"),
        (
            format!("{SLACK}[[route]]\nchannels = [\"oncal\"]\n"),
            ":6: channels: `oncal` is none of oncall (did you mean `oncall`?)",
        ),
        (
            format!("{SLACK}{ROUTE}topics = [\"need-approval\"]\n"),
            "(did you mean `needs-approval`?)",
        ),
        (format!("{SLACK}{ROUTE}risk = \"huge\"\n"), "risk: `huge` is none of"),
        (format!("{SLACK}{SLACK}{ROUTE}"), "there are two channels `oncall`"),
        (
            SLACK.replace("slack", "slak"),
            "kind: `slak` is none of slack, webhook, ntfy, email (did you mean `slack`?)",
        ),
        (SLACK.replace("KEY", "NO_KEY"), "environment NO_KEY is not set"),
        (SLACK.replace("secret_env = \"KEY\"\n", ""), "it holds the address"),
        (SLACK.replace("oncall", "On Call"), "is no name of a channel"),
        (
            format!("{SLACK}quiet = {{ from = \"22:00\", to = \"7\", zone = \"UTC\" }}\n{ROUTE}"),
            "to: expected a time like 22:00, got `7`",
        ),
        (
            format!(
                "{SLACK}quiet = {{ from = \"22:00\", to = \"07:00\", zone = \"Europe/Berln\" }}\n{ROUTE}"
            ),
            "(did you mean `Europe/Berlin`?)",
        ),
        ("[[chanel]]\n".to_string(), ":1: unknown key `chanel` (did you mean `channel`?)"),
        ("channel = 1\n".to_string(), "write [[channel]]"),
    ] {
        let found = error(&text);
        assert!(found.contains(wanted), "{text}\n{found}");
    }
}

#[test]
fn nothing_secret_goes_in_the_clear_to_another_host() {
    let mail = |host: &str, tls: &str| {
        format!(
            "[[channel]]\nname = \"m\"\nkind = \"email\"\nhost = \"{host}\"\ntls = \"{tls}\"\n\
             from = \"a@b\"\nto = [\"c@d\"]\n[[route]]\nchannels = [\"m\"]\n"
        )
    };
    assert!(error(&mail("mail.example.org", "none")).contains("goes encrypted"));
    assert!(with(&mail("127.0.0.1", "none")).is_ok());
    assert!(with(&mail("mail.example.org", "tls")).is_ok());
    let ntfy = |url: &str| {
        format!(
            "[[channel]]\nname = \"n\"\nkind = \"ntfy\"\nurl = \"{url}\"\nsecret_env = \"KEY\"\n\
             [[route]]\nchannels = [\"n\"]\n"
        )
    };
    assert!(error(&ntfy("http://ntfy.example.org/t")).contains("in the clear"));
    assert!(with(&ntfy("https://ntfy.example.org/t")).is_ok());
}
