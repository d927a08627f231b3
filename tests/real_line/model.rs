//! An endpoint that speaks the protocol of chat completions, and says what a test wants it to.

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What it does with a question.
#[derive(Debug, Clone)]
pub enum Manner {
    /// Says these words, streamed.
    Says(String),
    /// Says them in one piece of JSON.
    InOnePiece(String),
    /// Says a part of them, and the connection ends.
    HalfOf(String),
    /// Takes the question, and says nothing.
    Hangs,
    /// Says one word after the other, so far apart.
    Drips(Duration),
    /// Never stops: so many megabytes.
    Floods(usize),
    /// Answers with this status, type and body.
    Answers(u16, &'static str, String),
    /// Refuses questions with a schema, and answers the others.
    WithoutSchema(String),
    /// Ends each connection at once.
    Dead,
}

#[derive(Default)]
struct Shared {
    manner: Mutex<Option<Manner>>,
    asked: Mutex<Vec<(String, Value)>>,
}

/// See the module.
pub struct Model {
    pub port: u16,
    shared: Arc<Shared>,
}

impl Model {
    pub fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let shared = Arc::new(Shared::default());
        let mine = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&mine);
                std::thread::spawn(move || serve(client, &shared));
            }
        });
        let model = Self { port, shared };
        model.becomes(manner);
        model
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    pub fn becomes(&self, manner: Manner) {
        *self.shared.manner.lock().expect("the manner") = Some(manner);
    }

    /// The head and the body of each question so far.
    pub fn asked(&self) -> Vec<(String, Value)> {
        self.shared.asked.lock().expect("the questions").clone()
    }
}

fn serve(client: TcpStream, shared: &Shared) {
    // Who hangs up does not harm the endpoint.
    let _ended = answer(client, shared);
}

fn answer(client: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let manner = shared.manner.lock().expect("the manner").clone().expect("a manner");
    if matches!(manner, Manner::Dead) {
        return Ok(());
    }
    let mut reader = BufReader::new(client.try_clone()?);
    let (mut head, mut length) = (String::new(), 0_usize);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    if head.starts_with("GET") {
        let list = json!({"object": "list", "data": [{"id": "small"}]}).to_string();
        return match manner {
            Manner::Hangs => wait(),
            _ => whole(client, 200, "application/json", &list),
        };
    }
    let body = serde_json::from_slice::<Value>(&body).expect("JSON");
    let with_schema = body["response_format"].is_object();
    shared.asked.lock().expect("the questions").push((head, body));
    match manner {
        Manner::Dead => Ok(()),
        Manner::Hangs => wait(),
        Manner::Says(words) => stream(client, &words, true),
        Manner::HalfOf(words) => stream(client, words.split_at(words.len() / 2).0, false),
        Manner::InOnePiece(words) => {
            let message =
                json!({"choices": [{"message": {"content": words}, "finish_reason": "stop"}]});
            whole(client, 200, "application/json", &message.to_string())
        }
        Manner::Drips(pause) => {
            let mut client = begin(client)?;
            loop {
                client.write_all(event("x").as_bytes())?;
                std::thread::sleep(pause);
            }
        }
        Manner::Floods(megabytes) => {
            let mut client = begin(client)?;
            let much = event(&"x".repeat(1024)).repeat(1024);
            (0..megabytes).try_for_each(|_| client.write_all(much.as_bytes()))
        }
        Manner::Answers(status, kind, body) => whole(client, status, kind, &body),
        Manner::WithoutSchema(_) if with_schema => {
            whole(client, 400, "application/json", "{\"error\": \"response_format is unknown\"}")
        }
        Manner::WithoutSchema(words) => stream(client, &words, true),
    }
}

fn wait() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(600));
    }
}

fn whole(mut client: TcpStream, status: u16, kind: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\nlocation: /elsewhere\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n"
    );
    client.write_all(head.as_bytes())?;
    client.write_all(body.as_bytes())
}

fn begin(mut client: TcpStream) -> std::io::Result<TcpStream> {
    client.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n: hello\n\n",
    )?;
    Ok(client)
}

fn event(words: &str) -> String {
    format!("data: {}\n\n", json!({"choices": [{"delta": {"content": words}}]}))
}

fn stream(client: TcpStream, words: &str, to_the_end: bool) -> std::io::Result<()> {
    let mut client = begin(client)?;
    for part in words.split_inclusive(' ') {
        client.write_all(event(part).as_bytes())?;
    }
    if !to_the_end {
        return Ok(());
    }
    let last = json!({"choices": [{"delta": {}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 900, "completion_tokens": 80}});
    client.write_all(format!("data: {last}\n\ndata: [DONE]\n\n").as_bytes())
}
