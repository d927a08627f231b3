//! The body of a request, as each provider wants it.

use crate::domain::advice::Question;
use serde_json::{Value, json};

/// What serves the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// LocalAI.
    LocalAi,
    /// Ollama.
    Ollama,
    /// vLLM.
    Vllm,
    /// OpenAI itself.
    OpenAi,
    /// Something that is not named: only what all have is used.
    Unnamed,
}

impl Provider {
    /// The one of that name; what is not known is not named.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "localai" => Self::LocalAi,
            "ollama" => Self::Ollama,
            "vllm" => Self::Vllm,
            "openai" => Self::OpenAi,
            _ => Self::Unnamed,
        }
    }

    /// Whether it can be held to a JSON Schema.
    pub(super) fn takes_schema(self) -> bool {
        match self {
            Self::LocalAi | Self::Ollama | Self::Vllm | Self::OpenAi => true,
            Self::Unnamed => false,
        }
    }
}

/// The body of a question.
pub(super) fn body(
    question: &Question,
    (provider, model, max_tokens): (Provider, &str, u64),
    with_schema: bool,
) -> Value {
    let mut body = json!({
        "model": model,
        "stream": true,
        "messages": [
            {"role": "system", "content": question.system},
            {"role": "user", "content": question.user},
        ],
    });
    let Some(members) = body.as_object_mut() else { return body };
    match provider {
        // Its newer models refuse the older name, and any temperature but their own.
        Provider::OpenAi => {
            members.insert("max_completion_tokens".into(), max_tokens.into());
        }
        Provider::LocalAi | Provider::Ollama | Provider::Vllm | Provider::Unnamed => {
            members.insert("max_tokens".into(), max_tokens.into());
            members.insert("temperature".into(), 0.into());
        }
    }
    if matches!(provider, Provider::OpenAi | Provider::Vllm) {
        members.insert("stream_options".into(), json!({"include_usage": true}));
    }
    if with_schema {
        let schema = json!({"name": "advice", "strict": true, "schema": question.schema});
        members.insert(
            "response_format".into(),
            json!({"type": "json_schema", "json_schema": schema}),
        );
    }
    body
}
