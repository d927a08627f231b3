//! One POST, and what its answer means for a message.

use crate::domain::breaker::{Answer, Down};
use crate::domain::text::{clean, error_line, redact, shorten};
use crate::ports::channel::Carried;
use crate::ports::line::Line;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use std::time::Duration;

/// How much of an answer is read.
const LONGEST_ANSWER: usize = 2_048;

/// The way to one HTTP channel.
pub(super) struct Post {
    line: Line,
    http: Client,
}

impl Post {
    pub(super) fn new(line: Line, timeout: Duration) -> Result<Self, String> {
        let http = Client::builder()
            .timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(5)))
            // What is secret in a request must not follow a redirect to another place.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| format!("no HTTP client: {}", sentence(error)))?;
        Ok(Self { line, http })
    }

    /// Sends what `make` makes.
    pub(super) async fn send(&self, make: impl FnOnce(&Client) -> RequestBuilder) -> Carried {
        let calling = match self.line.begin() {
            Ok(calling) => calling,
            Err(refused) => return Carried::NotLetThrough(refused.to_string()),
        };
        let (answer, carried) = match make(&self.http).send().await {
            Ok(response) => judge(response).await,
            Err(error) => no_answer(error),
        };
        calling.end(&answer);
        carried
    }

    /// Whether something answers there. Nothing is told: it is asked for the head only.
    pub(super) async fn probe(&self, url: &reqwest::Url) -> Result<String, String> {
        let calling = self.line.begin().map_err(|refused| refused.to_string())?;
        match self.http.head(url.clone()).send().await {
            Ok(response) if response.status().is_server_error() => {
                let why = format!("HTTP {}", response.status().as_u16());
                calling.end(&Answer::Down(Down::SaysDown, why.clone()));
                Err(why)
            }
            Ok(response) => {
                calling.end(&Answer::Good);
                Ok(format!("answers (HTTP {} to a HEAD)", response.status().as_u16()))
            }
            Err(error) => {
                let (answer, _) = no_answer(error);
                let why = match &answer {
                    Answer::Down(_, why) => why.clone(),
                    Answer::Good | Answer::No(_) | Answer::Untold => "no answer".into(),
                };
                calling.end(&answer);
                Err(why)
            }
        }
    }
}

/// What an answer means for the breaker, and for the message.
async fn judge(mut response: Response) -> (Answer, Carried) {
    let status = response.status();
    let after = response.headers().get(reqwest::header::RETRY_AFTER);
    let after_s = after.and_then(|text| text.to_str().ok()).and_then(|text| text.parse().ok());
    let mut body = Vec::new();
    while body.len() < LONGEST_ANSWER {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            // The status is the answer; its words are an extra.
            Err(_) if status.is_success() => break,
            Err(error) => return no_answer(error),
        }
    }
    let words = shorten(redact(&clean(&String::from_utf8_lossy(&body))).trim(), 200);
    let said = format!("HTTP {}: {words}", status.as_u16());
    let said = said.trim_end_matches([':', ' ']).to_string();
    let word = format!("HTTP {}", status.as_u16());
    if status.is_success() {
        return (Answer::Good, Carried::Told(said));
    }
    if status.is_server_error() {
        let answer = Answer::Down(Down::SaysDown, said.clone());
        return (answer, Carried::Later { why: said, after_s });
    }
    let later = matches!(
        status,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
    );
    let carried =
        if later { Carried::Later { why: said, after_s } } else { Carried::Refused(said) };
    (Answer::No(word), carried)
}

fn no_answer(error: reqwest::Error) -> (Answer, Carried) {
    let down = if error.is_connect() {
        Down::NoConnection
    } else if error.is_timeout() {
        Down::NoAnswer
    } else if error.is_builder() {
        return (Answer::Untold, Carried::Refused(sentence(error)));
    } else {
        Down::BrokeOff
    };
    let why = format!("{down}: {}", sentence(error));
    (Answer::Down(down, why.clone()), Carried::Later { why, after_s: None })
}

/// An error and its causes in one line, without the address: that may be a secret.
fn sentence(error: reqwest::Error) -> String {
    error_line(&error.without_url(), 300)
}
