//! The client of a model at an endpoint that speaks the protocol: well, badly, and not at all.

use crate::model::{Manner, Model};
use pilothouse::adapters::clock::SystemClock;
use pilothouse::adapters::llm::{Llm, LlmOptions, Provider};
use pilothouse::domain::advice::Question;
use pilothouse::domain::breaker::{Destination, Limits, State};
use pilothouse::ports::advisor::{Advisor as _, Heard};
use pilothouse::ports::clock::Clock;
use pilothouse::ports::line::Line;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

const WORDS: &str = "{\"ranking\": [ ] }";

struct Bench {
    model: Model,
    llm: Llm,
    line: Line,
    runtime: tokio::runtime::Runtime,
}

impl Bench {
    fn new(manner: Manner) -> Self {
        Self::with(manner, Provider::Vllm, (0, 0))
    }

    fn with(manner: Manner, provider: Provider, budget: (u64, u64)) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let model = Model::start(manner);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let limits = Limits {
            min_calls: 2,
            open_s: 1,
            open_most_s: 1,
            probes: 1,
            ..Limits::shipped(Destination::Model)
        };
        let line = Line::new(Destination::Model, limits, "", 1, Arc::clone(&clock));
        let options = LlmOptions {
            endpoint: model.endpoint().parse().unwrap(),
            provider,
            model: "small".into(),
            token: Some("s3cret-token".into()),
            whole: Duration::from_secs(3),
            first_word: Duration::from_secs(2),
            max_tokens: 500,
            budget,
        };
        let llm = Llm::new(options, clock, line.clone()).unwrap();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { model, llm, line, runtime }
    }

    fn ask(&self) -> Heard {
        let question = Question {
            prompt: "choose@1".into(),
            system: "you advise".into(),
            user: "what now?".into(),
            schema: json!({"type": "object"}),
        };
        let began = Instant::now();
        let heard = self.runtime.block_on(self.llm.ask(&question));
        // Three seconds are the limit; the machine may be busy.
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        heard
    }

    fn refused(&self) -> String {
        self.ask().answer.expect_err("no answer")
    }
}

#[test]
fn a_streamed_answer_is_put_together_and_its_tokens_are_known() {
    let bench = Bench::new(Manner::Says(WORDS.into()));
    let heard = bench.ask();
    assert_eq!(heard.answer.as_deref(), Ok(WORDS));
    let tokens = heard.tokens.unwrap();
    assert_eq!((tokens.asked, tokens.answered, tokens.estimated), (900, 80, false));
    let (head, body) = bench.model.asked().remove(0);
    assert!(head.starts_with("POST /v1/chat/completions"), "{head}");
    assert!(head.to_lowercase().contains("authorization: bearer s3cret-token"), "{head}");
    assert_eq!(body["response_format"]["type"], "json_schema");
    assert_eq!((&body["stream"], &body["max_tokens"]), (&json!(true), &json!(500)));
    bench.model.becomes(Manner::InOnePiece(WORDS.into()));
    let heard = bench.ask();
    assert_eq!(heard.answer.as_deref(), Ok(WORDS), "one that does not stream");
    assert!(heard.tokens.unwrap().estimated);
    assert_eq!(bench.runtime.block_on(bench.llm.probe()), Ok("has model small".into()));
}

#[test]
fn an_endpoint_that_refuses_the_schema_is_asked_once_more_without() {
    let bench = Bench::new(Manner::WithoutSchema(WORDS.into()));
    assert_eq!(bench.ask().answer.as_deref(), Ok(WORDS));
    assert_eq!(bench.model.asked().len(), 2);
    bench.model.becomes(Manner::Answers(400, "application/json", "{\"error\": \"no\"}".into()));
    assert!(bench.refused().contains("HTTP 400"));
    assert_eq!(bench.model.asked().len(), 4, "and not a third time");
    let unnamed = Bench::with(Manner::Says(WORDS.into()), Provider::Unnamed, (0, 0));
    assert_eq!(unnamed.ask().answer.as_deref(), Ok(WORDS));
    assert!(unnamed.model.asked()[0].1["response_format"].is_null());
}

#[test]
fn nonsense_is_an_answer_of_no_use_and_does_not_open_the_breaker() {
    let bench = Bench::new(Manner::Dead);
    let html = "<html>sign in</html>".to_string();
    let deep = format!("data: {}\n\n", "[".repeat(50_000));
    for (manner, why) in [
        (Manner::Answers(200, "text/html", html), "`text/html`"),
        (Manner::Answers(200, "text/event-stream", "data: {\n\n".into()), "not JSON"),
        (Manner::Answers(200, "text/event-stream", deep), "not JSON"),
        (Manner::Answers(200, "application/json", "[]".into()), "empty"),
        (Manner::Answers(200, "application/json", "nonsense".into()), "not JSON"),
        (Manner::Answers(401, "text/plain", "password=hunter2trombone".into()), "HTTP 401"),
        (Manner::Answers(429, "text/plain", "slowly".into()), "HTTP 429"),
        (Manner::Answers(307, "text/plain", String::new()), "HTTP 307"),
        (Manner::Floods(100), "cut off"),
        (Manner::Says(String::new()), "empty"),
    ] {
        bench.model.becomes(manner.clone());
        let said = bench.refused();
        assert!(said.contains(why), "{manner:?}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    assert_eq!(bench.line.state(), State::Closed);
}

#[test]
fn half_a_stream_a_hang_and_drops_one_by_one_end_in_time_and_count_against_it() {
    for (manner, why) in [
        (Manner::HalfOf("one two three four".into()), "broke off"),
        (Manner::Hangs, "no word in 2s"),
        (Manner::Drips(Duration::from_millis(300)), "no whole answer in 3s"),
        (Manner::Answers(503, "text/plain", "loading".into()), "HTTP 503"),
    ] {
        let bench = Bench::new(manner.clone());
        let heard = bench.ask();
        let said = heard.answer.unwrap_err();
        assert!(said.contains(why), "{manner:?}: {said}");
        if matches!(manner, Manner::HalfOf(_)) {
            assert_eq!(heard.came, "one two t", "what came is kept");
        }
        let again = bench.refused();
        assert!(again.contains(why), "{manner:?}: {again}");
        assert_ne!(bench.line.state(), State::Closed, "{manner:?}");
    }
}

#[test]
fn one_that_is_killed_is_not_asked_and_is_asked_again_once_it_is_back() {
    let bench = Bench::new(Manner::Dead);
    bench.refused();
    bench.refused();
    assert_eq!(bench.line.state(), State::Open);
    let heard = bench.ask();
    assert_eq!(heard.tokens, None, "nothing was sent");
    assert!(heard.answer.unwrap_err().contains("breaker model is open"));
    bench.model.becomes(Manner::Says(WORDS.into()));
    let deadline = Instant::now() + Duration::from_secs(30);
    while bench.runtime.block_on(bench.llm.probe()).is_err() {
        assert!(Instant::now() < deadline, "it is not asked again");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(bench.line.state(), State::Closed);
    assert_eq!(bench.ask().answer.as_deref(), Ok(WORDS));
}

#[test]
fn beyond_its_budget_of_tokens_it_is_not_asked() {
    let bench = Bench::with(Manner::Says(WORDS.into()), Provider::Vllm, (1_200, 0));
    assert_eq!(bench.ask().answer.as_deref(), Ok(WORDS));
    let heard = bench.ask();
    assert_eq!(heard.tokens, None, "nothing was sent");
    let why = heard.answer.unwrap_err();
    assert!(why.contains("980 of 1200 tokens are spent (slm.tokens_per_hour)"), "{why}");
    assert_eq!(bench.model.asked().len(), 1);
    assert_eq!(bench.line.state(), State::Closed);
}
