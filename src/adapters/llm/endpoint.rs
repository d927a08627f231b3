//! Asking the endpoint.

use super::budget::Budget;
use super::stream::{LONGEST_STREAM, Stream};
use super::wire::{Provider, body};
use crate::domain::advice::{Question, Tokens};
use crate::domain::breaker::{Answer, Down};
use crate::domain::text::{clean, error_line, redact, shorten};
use crate::ports::advisor::{Advisor, Heard};
use crate::ports::clock::Clock;
use crate::ports::line::Line;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;
use url::Url;

/// Most bytes that are read of an answer that says no, and of a list of models.
const LONGEST_OTHER: usize = 256 * 1024;
/// Longest wait for a connection, and for the list of models.
const SHORT: Duration = Duration::from_secs(5);

/// How the endpoint is reached and how much it may take.
#[derive(Debug, Clone)]
pub struct LlmOptions {
    /// Its address; `/v1` is added where it has no path.
    pub endpoint: Url,
    /// What serves the model.
    pub provider: Provider,
    /// The model's name.
    pub model: String,
    /// Bearer token.
    pub token: Option<SecretString>,
    /// Longest wait for the whole answer.
    pub whole: Duration,
    /// Longest wait for its first word.
    pub first_word: Duration,
    /// Tokens that an answer may have at most.
    pub max_tokens: u64,
    /// Tokens in an hour and in 24; 0: no limit.
    pub budget: (u64, u64),
}

/// A model behind an OpenAI-compatible endpoint.
pub struct Llm {
    options: LlmOptions,
    base: Url,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    line: Line,
    budget: Mutex<Budget>,
}

/// What one try says of the endpoint, and the answer.
type Tried = (Answer, Result<String, String>);

impl Llm {
    /// A client.
    ///
    /// # Errors
    /// The address is of no use, or the system's certificates can't be read.
    pub fn new(options: LlmOptions, clock: Arc<dyn Clock>, line: Line) -> Result<Self, String> {
        let endpoint = &options.endpoint;
        if !matches!(endpoint.scheme(), "http" | "https") || endpoint.host().is_none() {
            return Err(format!("{} is no http address of a model", redact(endpoint.as_str())));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(options.first_word.min(SHORT))
            // A token must not follow a redirect to another place.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| format!("no HTTP client: {}", error_line(&error, 400)))?;
        let (base, budget) = (base(endpoint), Mutex::new(Budget::new(options.budget)));
        Ok(Self { options, base, http, clock, line, budget })
    }

    fn below(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", self.base.path()));
        url
    }

    fn authorised(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.options.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    /// One question; once more without the schema where the endpoint refuses that. `stream` keeps what came.
    async fn exchange(&self, question: &Question, stream: &mut Stream) -> Tried {
        let LlmOptions { provider, model, max_tokens, .. } = &self.options;
        let how = (*provider, model.as_str(), *max_tokens);
        let with_schema = provider.takes_schema();
        let (refused, tried) = self.try_once(&body(question, how, with_schema), stream).await;
        if !(with_schema && refused) {
            return tried;
        }
        tracing::debug!("the endpoint refuses the schema; asked without");
        *stream = Stream::default();
        self.try_once(&body(question, how, false), stream).await.1
    }

    /// Whether the request was refused as it stands, and what came of it.
    async fn try_once(&self, body: &Value, stream: &mut Stream) -> (bool, Tried) {
        let first = self.options.first_word;
        let no_word = || {
            let why = format!("no word in {}s", first.as_secs());
            (false, down(Down::NoAnswer, why))
        };
        let began = self.clock.monotonic();
        let left = || first.saturating_sub(self.clock.monotonic().saturating_sub(began));
        let request = self.authorised(self.http.post(self.below("chat/completions")).json(body));
        let mut answer = match timeout(left(), request.send()).await {
            Err(_) => return no_word(),
            Ok(Err(error)) => return (false, no_answer(&error)),
            Ok(Ok(answer)) => answer,
        };
        let status = answer.status().as_u16();
        if !(200..300).contains(&status) {
            let words = timeout(left(), bounded(&mut answer, LONGEST_OTHER)).await;
            return (matches!(status, 400 | 422), says_no(status, words.ok().as_deref()));
        }
        let kind = answer.headers().get(reqwest::header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_lowercase();
        if kind.starts_with("application/json") {
            return (false, self.in_one_piece(&mut answer, stream, left()).await);
        }
        if !kind.starts_with("text/event-stream") {
            let why = format!("it answers with `{}`, not with a stream of events", harmless(&kind));
            return (false, nonsense(&why));
        }
        while !stream.is_done() {
            let chunk = if stream.begun {
                answer.chunk().await
            } else {
                match timeout(left(), answer.chunk()).await {
                    Err(_) => return no_word(),
                    Ok(chunk) => chunk,
                }
            };
            match chunk {
                Err(error) => return (false, no_answer(&error)),
                Ok(None) => break,
                Ok(Some(chunk)) => {
                    if let Err(why) = stream.take(&chunk) {
                        return (false, nonsense(&why));
                    }
                }
            }
        }
        (false, ended(stream))
    }

    async fn in_one_piece(
        &self,
        answer: &mut reqwest::Response,
        stream: &mut Stream,
        left: Duration,
    ) -> Tried {
        let mut bytes = Vec::new();
        let mut left = Some(left);
        loop {
            let chunk = match left.take() {
                Some(left) => match timeout(left, answer.chunk()).await {
                    Err(_) => return down(Down::NoAnswer, "no word in time".into()),
                    Ok(chunk) => chunk,
                },
                None => answer.chunk().await,
            };
            match chunk {
                Err(error) => return no_answer(&error),
                Ok(None) => break,
                Ok(Some(chunk)) if bytes.len() + chunk.len() > LONGEST_STREAM => {
                    let why =
                        format!("the answer is longer than {LONGEST_STREAM} bytes: it is cut off");
                    return nonsense(&why);
                }
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            }
        }
        match stream.whole(&bytes) {
            Ok(()) => ended(stream),
            Err(why) => nonsense(&why),
        }
    }

    fn budget(&self) -> std::sync::MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl Advisor for Llm {
    fn model(&self) -> String {
        self.options.model.clone()
    }

    async fn ask(&self, question: &Question) -> Heard {
        let calling = match self.line.begin() {
            Ok(calling) => calling,
            Err(refused) => return Heard::not_asked(refused.to_string()),
        };
        let asked = estimate(question.system.len() + question.user.len());
        let began = self.clock.monotonic();
        let aside = asked.saturating_add(self.options.max_tokens);
        let set_aside = self.budget().set_aside(aside, began);
        let number = match set_aside {
            Ok(number) => number,
            Err(why) => {
                calling.end(&Answer::Untold);
                return Heard::not_asked(why);
            }
        };
        let mut stream = Stream::default();
        let whole = self.options.whole;
        let tried = timeout(whole, self.exchange(question, &mut stream)).await;
        let (heard, answer) = tried.unwrap_or_else(|_| {
            down(Down::NoAnswer, format!("no whole answer in {}s", whole.as_secs()))
        });
        calling.end(&heard);
        let tokens = stream.tokens.unwrap_or_else(|| Tokens {
            asked,
            answered: estimate(stream.words.len()),
            estimated: true,
        });
        self.budget().settle(number, tokens.asked.saturating_add(tokens.answered));
        let took = self.clock.monotonic().saturating_sub(began);
        Heard {
            answer,
            came: stream.words,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            tokens: Some(tokens),
        }
    }

    async fn probe(&self) -> Result<String, String> {
        let calling = self.line.begin().map_err(|refused| refused.to_string())?;
        let asked = async {
            let request = self.authorised(self.http.get(self.below("models")));
            let mut answer = request.send().await.map_err(|error| no_answer(&error))?;
            let status = answer.status().as_u16();
            Ok((status, bounded(&mut answer, LONGEST_OTHER).await))
        };
        let (heard, result) = match timeout(SHORT, asked).await {
            Err(_) => {
                let (heard, why) =
                    down(Down::NoAnswer, format!("no answer in {}s", SHORT.as_secs()));
                (heard, why)
            }
            Ok(Err(tried)) => tried,
            Ok(Ok((status @ 200..300, body))) => {
                (Answer::Good, listed(status, &body, &self.options.model))
            }
            // Some don't list their models: they answer all the same.
            Ok(Ok((404, _))) => (Answer::Good, Ok("answers; it does not list its models".into())),
            Ok(Ok((status, body))) => says_no(status, Some(&body)),
        };
        calling.end(&heard);
        result
    }
}

/// Whether the model is among those that are listed.
fn listed(status: u16, body: &[u8], model: &str) -> Result<String, String> {
    let value = serde_json::from_slice::<Value>(body)
        .map_err(|_| format!("HTTP {status}, and the list of models is not JSON"))?;
    let names = value["data"].as_array().into_iter().flatten();
    let names = names.filter_map(|one| one["id"].as_str()).collect::<Vec<_>>();
    // Ollama lists `name:latest` for what is asked for as `name`.
    let same = |name: &&str| **name == *model || name.strip_suffix(":latest") == Some(model);
    if names.iter().any(same) {
        return Ok(format!("has model {model}"));
    }
    let some = names.iter().take(8).copied().collect::<Vec<_>>().join(", ");
    Err(format!(
        "has no model {model}; it lists {}",
        harmless(if some.is_empty() { "none" } else { &some })
    ))
}

/// What a stream that has come to its end says.
fn ended(stream: &Stream) -> Tried {
    if !stream.ended() {
        return down(Down::BrokeOff, "the answer broke off before its end".into());
    }
    match stream.answer() {
        Ok(words) => (Answer::Good, Ok(words)),
        Err(why) => nonsense(&why),
    }
}

fn nonsense(why: &str) -> Tried {
    let why = harmless(why);
    (Answer::No("no answer of use".into()), Err(why))
}

fn down(how: Down, why: String) -> Tried {
    (Answer::Down(how, why.clone()), Err(why))
}

/// What the lack of an answer says of the endpoint, and in words.
fn no_answer(error: &reqwest::Error) -> Tried {
    let words = error_line(error, 400);
    if error.is_connect() {
        down(Down::NoConnection, words)
    } else if error.is_builder() {
        (Answer::Untold, Err(words))
    } else {
        down(Down::BrokeOff, words)
    }
}

fn says_no(status: u16, body: Option<&[u8]>) -> Tried {
    let words = body.map(|body| harmless(&String::from_utf8_lossy(body))).unwrap_or_default();
    let why = format!("HTTP {status}: {words}");
    match status {
        500.. => down(Down::SaysDown, why),
        _ => (Answer::No(format!("HTTP {status}")), Err(why)),
    }
}

/// The beginning of a body, so many bytes at most.
async fn bounded(answer: &mut reqwest::Response, most: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        let room = most.saturating_sub(bytes.len());
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if room <= chunk.len() {
            break;
        }
    }
    bytes
}

/// Tokens of so many bytes, rather too many: three bytes each.
fn estimate(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(3)).unwrap_or(u64::MAX)
}

/// The address that paths are set below: with `/v1` where it has none, without what people copy along.
fn base(endpoint: &Url) -> Url {
    let mut url = endpoint.clone();
    let path = endpoint.path().trim_end_matches('/');
    let path = path.strip_suffix("/chat/completions").unwrap_or(path);
    url.set_path(if path.is_empty() { "/v1" } else { path });
    url.set_query(None);
    url.set_fragment(None);
    url
}

fn harmless(text: &str) -> String {
    shorten(&redact(&clean(text)), 400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_may_be_written_as_people_have_it() {
        for (given, wanted) in [
            ("http://h:8080", "http://h:8080/v1"),
            ("http://h:8080/", "http://h:8080/v1"),
            ("http://h:8080/v1/", "http://h:8080/v1"),
            ("http://h/openai/v1?x=1#y", "http://h/openai/v1"),
            ("http://h/v1/chat/completions", "http://h/v1"),
        ] {
            assert_eq!(base(&Url::parse(given).unwrap()).as_str(), wanted, "{given}");
        }
    }

    #[test]
    fn a_list_of_models_says_whether_the_model_is_there() {
        let body = br#"{"data":[{"id":"qwen:latest"},{"id":"phi"}]}"#;
        assert!(listed(200, body, "qwen").is_ok());
        assert!(listed(200, body, "phi").is_ok());
        assert!(listed(200, body, "gemma").unwrap_err().contains("qwen:latest, phi"));
        assert!(listed(200, b"<html>", "phi").is_err());
    }

    #[test]
    fn only_what_says_that_the_endpoint_is_down_counts_against_it() {
        for (status, counts) in
            [(400, false), (401, false), (404, false), (429, false), (500, true), (503, true)]
        {
            let (heard, result) = says_no(status, Some(b"x"));
            assert_eq!(matches!(heard, Answer::Down(..)), counts, "{status}");
            assert!(result.is_err());
        }
    }
}
