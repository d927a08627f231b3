//! A server that speaks HTTP and nothing else: it answers what a test says.

use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What the fake server answers.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Status and body.
    Body(u16, String),
    /// Bytes as they are, then the end.
    Raw(Vec<u8>),
    /// Never.
    Nothing,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self::Body(status, body.to_string())
    }
}

/// A server that speaks HTTP, no more, and counts what changes something.
pub struct Fake {
    pub port: u16,
    pub patches: Arc<AtomicUsize>,
    /// Requests as they came.
    pub requests: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Fake {
    pub async fn new(reply: impl Fn(&str, &str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let patches = Arc::new(AtomicUsize::new(0));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, reply, log) = (patches.clone(), Arc::new(reply), requests.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(serve(client, reply.clone(), seen.clone(), log.clone()));
            }
        });
        Self { port, patches, requests, _tasks: tasks }
    }
}

async fn serve(
    mut client: TcpStream,
    reply: Arc<impl Fn(&str, &str) -> Reply + Send + Sync + 'static>,
    patches: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
) {
    loop {
        let Some(text) = request(&mut client).await else { return };
        let mut words = text.split(' ').map(String::from);
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        requests.lock().unwrap().push(text);
        if method == "PATCH" && !path.contains("dryRun") {
            patches.fetch_add(1, Ordering::SeqCst);
        }
        match reply(&method, &path) {
            Reply::Body(status, body) => {
                let head = format!(
                    "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                if client.write_all(format!("{head}{body}").as_bytes()).await.is_err() {
                    return;
                }
            }
            Reply::Raw(bytes) => {
                let _ = client.write_all(&bytes).await;
                return;
            }
            Reply::Nothing => std::future::pending::<()>().await,
        }
    }
}

/// Reads one request whole.
async fn request(client: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8_192];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some(end) = text.find("\r\n\r\n") {
            let length = text[..end]
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, value)| value.trim().parse::<usize>().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some(text);
            }
        }
        let length = client.read(&mut chunk).await.ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&chunk[..length]);
    }
}
