//! Silences: made with the attempt's id in their comment, found again by it, ended by their id.

use super::{Alertmanager, LONGEST_ANSWER, no_answer};
use crate::domain::breaker::{Answer, Down};
use crate::domain::id::AttemptId;
use crate::domain::operation::Silence;
use crate::domain::text::{clean, redact, shorten};
use crate::domain::time::{Timestamp, plus, rfc3339};
use crate::domain::workflow::execution::{AttemptOutcome, Passing};
use crate::ports::line::Line;
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// How a request ended that was no success.
enum Wrong {
    /// It can't have arrived.
    NotSent(String),
    /// Whether it arrived is not known.
    Lost(String),
    /// It said no.
    Said(u16, String),
}

impl Wrong {
    fn words(self) -> String {
        match self {
            Self::NotSent(why) | Self::Lost(why) => why,
            Self::Said(code, why) => format!("HTTP {code}: {why}"),
        }
    }
}

impl Alertmanager {
    pub(super) async fn make_silence(
        &self,
        silence: &Silence,
        attempt: &AttemptId,
        now: Timestamp,
    ) -> AttemptOutcome {
        let matchers = silence.matchers.iter().map(|(name, value)| {
            json!({"name": name, "value": value, "isRegex": false, "isEqual": true})
        });
        let body = json!({
            "matchers": matchers.collect::<Vec<_>>(),
            "startsAt": rfc3339(now),
            "endsAt": rfc3339(plus(now, u64::from(silence.minutes) * 60)),
            "createdBy": "pilothouse",
            "comment": format!("{} (attempt {})", silence.reason, attempt.as_str()),
        });
        let request = self.request(Method::POST, "api/v2/silences").json(&body);
        match answer(&self.line, request).await {
            Ok(made) => {
                let id = made.get("silenceID").and_then(Value::as_str).unwrap_or("?");
                AttemptOutcome::Applied { note: format!("silence {}", shorten(&clean(id), 60)) }
            }
            Err(wrong) => outcome(wrong),
        }
    }

    pub(super) async fn end_silences(&self, made_by: &[AttemptId]) -> AttemptOutcome {
        let mut ended = Vec::new();
        for attempt in made_by {
            let found = match self.active(attempt).await {
                Ok(found) => found,
                Err(wrong) => {
                    let why = format!("nothing was sent: {}", wrong.words());
                    return AttemptOutcome::Refused { why, retryable: true, passing: None };
                }
            };
            for id in found {
                let request = self.request(Method::DELETE, &format!("api/v2/silence/{id}"));
                if let Err(wrong) = answer(&self.line, request).await {
                    return outcome(wrong);
                }
                ended.push(id);
            }
        }
        if ended.is_empty() {
            let note = "it has ended already; nothing was sent".into();
            return AttemptOutcome::SeenDone { note };
        }
        AttemptOutcome::Applied { note: format!("ended silence {}", ended.join(", ")) }
    }

    /// Ids of silences that an attempt made and that have not ended.
    pub(super) async fn active_silences(&self, attempt: &AttemptId) -> Result<Vec<String>, String> {
        self.active(attempt).await.map_err(Wrong::words)
    }

    async fn active(&self, attempt: &AttemptId) -> Result<Vec<String>, Wrong> {
        let list = answer(&self.line, self.request(Method::GET, "api/v2/silences")).await?;
        let mark = format!("(attempt {})", attempt.as_str());
        let text = |one: &Value, pointer: &str| {
            one.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_string()
        };
        let ours = list.as_array().into_iter().flatten().filter(|one| {
            text(one, "/comment").ends_with(&mark) && text(one, "/status/state") != "expired"
        });
        let ids = ours.map(|one| text(one, "/id"));
        // It becomes part of a path.
        let plain = |id: &String| id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        Ok(ids.filter(plain).collect())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        let request = self.http.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }
}

async fn answer(line: &Line, request: RequestBuilder) -> Result<Value, Wrong> {
    let calling = line.begin().map_err(|refused| Wrong::NotSent(refused.to_string()))?;
    let (heard, result) = exchange(request).await;
    calling.end(&heard);
    result
}

/// What the answer says of the destination, and itself.
async fn exchange(request: RequestBuilder) -> (Answer, Result<Value, Wrong>) {
    let mut answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => {
            let (heard, why) = no_answer(&error);
            let unsent = error.is_connect() || error.is_builder();
            return (heard, Err(if unsent { Wrong::NotSent(why) } else { Wrong::Lost(why) }));
        }
    };
    let status = answer.status();
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= LONGEST_ANSWER => {
                body.extend_from_slice(&chunk);
            }
            Ok(Some(_)) => {
                let why = "the answer is longer than 16 MiB".to_string();
                return (Answer::No("too long".into()), Err(Wrong::Lost(why)));
            }
            Ok(None) => break,
            Err(error) => {
                let (heard, why) = no_answer(&error);
                return (heard, Err(Wrong::Lost(why)));
            }
        }
    }
    if status.is_success() {
        return (Answer::Good, Ok(serde_json::from_slice(&body).unwrap_or(Value::Null)));
    }
    let words = shorten(&redact(&clean(&String::from_utf8_lossy(&body))), 200);
    let code = status.as_u16();
    let heard = match code {
        500.. => Answer::Down(Down::SaysDown, format!("HTTP {code}: {words}")),
        _ => Answer::No(format!("HTTP {code}")),
    };
    (heard, Err(Wrong::Said(code, words)))
}

fn outcome(wrong: Wrong) -> AttemptOutcome {
    match wrong {
        Wrong::NotSent(why) => {
            let passing = Some(Passing::ServerError);
            AttemptOutcome::Refused { why, retryable: true, passing }
        }
        Wrong::Said(code @ (408 | 429), why) => {
            let kind = if code == 408 { Passing::Timeout } else { Passing::Throttled };
            let why = format!("HTTP {code}: {why}");
            AttemptOutcome::Refused { why, retryable: true, passing: Some(kind) }
        }
        Wrong::Said(code @ 500.., why) => {
            AttemptOutcome::NoAnswer { why: format!("HTTP {code}: {why}") }
        }
        Wrong::Said(code, why) => AttemptOutcome::Refused {
            why: format!("HTTP {code}: {why}"),
            retryable: false,
            passing: None,
        },
        Wrong::Lost(why) => AttemptOutcome::NoAnswer { why },
    }
}
