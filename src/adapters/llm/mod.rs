//! A language model behind an OpenAI-compatible endpoint (LocalAI, Ollama, vLLM, OpenAI): chat completions, streamed.
//!
//! Promises: a question comes back within its deadline, whatever the endpoint does; answers are bounded in bytes before
//! they are read whole; tokens are counted against a budget before they are spent; nothing is asked past the breaker; a
//! token never follows a redirect.
//! Absent on purpose: what is asked, and what an answer is worth (`domain::advice`); a budget that outlives the process.

mod budget;
mod endpoint;
mod stream;
mod wire;

pub use endpoint::{Llm, LlmOptions};
pub use wire::Provider;
