//! Server-sent events of a chat completion, put together as they come.

use crate::domain::advice::Tokens;
use serde_json::Value;

/// Most bytes that are read of an answer, with all that surrounds its words.
pub(super) const LONGEST_STREAM: usize = 4 * 1024 * 1024;
/// Most bytes of words.
const LONGEST_WORDS: usize = 48 * 1024;

/// What has come so far.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The model's words.
    pub words: String,
    /// Whether any event came: it has begun to answer.
    pub begun: bool,
    /// Tokens, once the endpoint said them.
    pub tokens: Option<Tokens>,
    /// Why it ended, as the model says: `stop`, `length`, ….
    finish: Option<String>,
    done: bool,
    bytes: usize,
    rest: Vec<u8>,
}

/// Why an answer can't be used, although it came.
pub(super) type Nonsense = String;

impl Stream {
    /// Takes the next bytes.
    pub(super) fn take(&mut self, chunk: &[u8]) -> Result<(), Nonsense> {
        self.bytes = self.bytes.saturating_add(chunk.len());
        if self.bytes > LONGEST_STREAM {
            return Err(format!("the answer is longer than {LONGEST_STREAM} bytes: it is cut off"));
        }
        self.rest.extend_from_slice(chunk);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line = self.rest.drain(..=end).collect::<Vec<_>>();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\n', '\r']);
            // Comments keep a connection alive, and say nothing.
            if let Some(data) = line.strip_prefix("data:") {
                self.event(data.trim())?;
            }
        }
        Ok(())
    }

    fn event(&mut self, data: &str) -> Result<(), Nonsense> {
        self.begun = true;
        if data == "[DONE]" {
            self.done = true;
            return Ok(());
        }
        let value = serde_json::from_str::<Value>(data)
            .map_err(|error| format!("an event of the answer is not JSON: {error}"))?;
        self.completion(&value, "delta")
    }

    /// An answer in one piece, from an endpoint that does not stream.
    pub(super) fn whole(&mut self, body: &[u8]) -> Result<(), Nonsense> {
        self.begun = true;
        let value = serde_json::from_slice::<Value>(body)
            .map_err(|error| format!("the answer is not JSON: {error}"))?;
        self.completion(&value, "message")?;
        self.done = true;
        Ok(())
    }

    fn completion(&mut self, value: &Value, member: &str) -> Result<(), Nonsense> {
        if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
            let words = error["message"].as_str().or(error.as_str()).unwrap_or("no reason given");
            return Err(format!("the endpoint says: {words}"));
        }
        let choice = &value["choices"][0];
        if let Some(words) = choice[member]["content"].as_str() {
            if self.words.len().saturating_add(words.len()) > LONGEST_WORDS {
                return Err(format!(
                    "the model says more than {LONGEST_WORDS} bytes: it is cut off"
                ));
            }
            self.words.push_str(words);
        }
        if let Some(finish) = choice["finish_reason"].as_str() {
            self.finish = Some(finish.into());
        }
        let count = |name: &str| value["usage"][name].as_u64();
        if let (Some(asked), Some(answered)) = (count("prompt_tokens"), count("completion_tokens"))
        {
            self.tokens = Some(Tokens { asked, answered, estimated: false });
        }
        Ok(())
    }

    /// Whether the answer has come to its end.
    pub(super) fn ended(&self) -> bool {
        self.done || self.finish.is_some()
    }

    /// Whether nothing more is to come.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// The answer, once it has ended.
    pub(super) fn answer(&self) -> Result<String, Nonsense> {
        match self.finish.as_deref() {
            Some("length") => {
                Err("the answer is cut at its limit of tokens (slm.max_tokens)".into())
            }
            Some("content_filter") => Err("the endpoint's filter cut the answer".into()),
            Some(_) | None if self.words.trim().is_empty() => Err("the answer is empty".into()),
            Some(_) | None => Ok(self.words.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(chunks: &[&str]) -> (Stream, Result<(), Nonsense>) {
        let mut stream = Stream::default();
        for chunk in chunks {
            if let Err(why) = stream.take(chunk.as_bytes()) {
                return (stream, Err(why));
            }
        }
        (stream, Ok(()))
    }

    #[test]
    fn words_are_put_together_however_the_bytes_are_cut() {
        let text = ": ping\r\n\r\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\r\n\r\n\
                    data:{\"choices\":[{\"delta\":{\"content\":\"zwölf\"}}]}\n\n\
                    data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
                    data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\n\
                    data: [DONE]\n\n";
        for size in 1..40 {
            let mut stream = Stream::default();
            text.as_bytes().chunks(size).for_each(|chunk| stream.take(chunk).unwrap());
            assert!(stream.is_done());
            assert_eq!(stream.answer().unwrap(), "zwölf");
            let tokens = Tokens { asked: 7, answered: 2, estimated: false };
            assert_eq!(stream.tokens, Some(tokens));
        }
    }

    #[test]
    fn a_stream_that_stops_has_not_ended_and_one_at_its_limit_is_no_answer() {
        let half = "data: {\"choices\":[{\"delta\":{\"content\":\"{\"}}]}\n\n";
        let (stream, result) = taken(&[half]);
        assert!(result.is_ok() && stream.begun && !stream.ended());
        let cut = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n";
        let (stream, _) = taken(&[half, cut]);
        assert!(stream.ended() && stream.answer().unwrap_err().contains("slm.max_tokens"));
        let (stream, _) = taken(&[": ping\n", ": ping\n"]);
        assert!(!stream.begun, "a comment is no word");
    }

    #[test]
    fn nonsense_and_errors_and_floods_are_no_answers() {
        let (_, not_json) = taken(&["data: {\n"]);
        assert!(not_json.unwrap_err().contains("not JSON"));
        let (_, error) = taken(&["data: {\"error\":{\"message\":\"out of memory\"}}\n"]);
        assert!(error.unwrap_err().contains("out of memory"));
        let (_, deep) = taken(&[&format!("data: {}\n", "[".repeat(100_000))]);
        assert!(deep.is_err());
        let mut stream = Stream::default();
        let chunk = vec![b'x'; 1024 * 1024];
        let cut = (0..100).find_map(|_| stream.take(&chunk).err()).unwrap();
        assert!(cut.contains("cut off"), "{cut}");
        let long = format!(
            "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n",
            "x".repeat(1024)
        );
        let mut stream = Stream::default();
        assert!((0..100).any(|_| stream.take(long.as_bytes()).is_err()));
    }
}
