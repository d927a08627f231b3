//! Another side that people are told through: speaks HTTP or SMTP as much as is needed, and fails as it is told.
#![allow(clippy::disallowed_methods, reason = "its tasks end with the runtime of each test")]

use hmac::{Hmac, KeyInit as _, Mac as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    Http,
    Smtp,
}

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It takes what it gets.
    Takes,
    /// It takes it, after so long.
    Slow(Duration),
    /// It reads and says nothing.
    Hangs,
    /// It reads and goes away.
    Cuts,
    /// Nothing listens there.
    Gone,
    /// It answers so: status, and headers with their line ends (HTTP only).
    Answers(u16, &'static str),
}

/// One message that it took: head and body.
#[derive(Debug, Clone)]
pub struct Got {
    head: String,
    body: String,
}

impl Got {
    pub fn text(&self) -> &str {
        &self.body
    }

    pub fn is_json(&self) -> bool {
        serde_json::from_str::<serde_json::Value>(&self.body).is_ok()
    }

    fn header(&self, name: &str) -> Option<String> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.trim().to_string())
    }

    /// Its id: a header, or at the end of the text.
    pub fn id(&self) -> String {
        self.header("X-Pilothouse-Id").unwrap_or_else(|| {
            let (_, id) = self.body.rsplit_once("message ").expect("a foot with the id");
            id.chars().take_while(char::is_ascii_hexdigit).collect()
        })
    }

    pub fn check_signature(&self, key: &str) {
        let time = self.header("X-Pilothouse-Timestamp").expect("a time");
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
        mac.update(format!("{time}.{}", self.body).as_bytes());
        let made = format!("v1={}", hex::encode(mac.finalize().into_bytes()));
        assert_eq!(self.header("X-Pilothouse-Signature"), Some(made));
    }
}

#[derive(Default)]
struct Seen {
    taken: Vec<Got>,
    heard: String,
}

pub struct Listener {
    port: u16,
    speaks: Speaks,
    seen: Arc<Mutex<Seen>>,
    task: Option<JoinHandle<()>>,
}

impl Listener {
    pub async fn start(speaks: Speaks, mode: Mode) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let task = Some(tokio::spawn(serve(socket, speaks, mode, Arc::clone(&seen))));
        Self { port, speaks, seen, task }
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Behaves so from now on; what is under way is dropped.
    pub async fn turn(&mut self, mode: Mode) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ended = task.await;
        }
        if mode != Mode::Gone {
            let socket = loop {
                match TcpListener::bind(("127.0.0.1", self.port)).await {
                    Ok(socket) => break socket,
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            };
            let task = serve(socket, self.speaks, mode, Arc::clone(&self.seen));
            self.task = Some(tokio::spawn(task));
        }
    }

    pub fn taken(&self) -> Vec<Got> {
        self.seen.lock().unwrap().taken.clone()
    }

    pub fn heard(&self) -> String {
        self.seen.lock().unwrap().heard.clone()
    }
}

/// Connections end with the task: whoever is connected is cut off.
async fn serve(socket: TcpListener, speaks: Speaks, mode: Mode, seen: Arc<Mutex<Seen>>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = socket.accept().await else { return };
        let seen = Arc::clone(&seen);
        connections.spawn(async move {
            let _gone = match speaks {
                Speaks::Http => http(stream, mode, &seen).await,
                Speaks::Smtp => smtp(stream, mode, &seen).await,
            };
        });
    }
}

async fn http(stream: TcpStream, mode: Mode, seen: &Mutex<Seen>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let length = head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).await?;
        let got = Got { head, body: String::from_utf8(body).unwrap() };
        let (status, headers) = match mode {
            Mode::Takes => (200, ""),
            Mode::Slow(length) => {
                tokio::time::sleep(length).await;
                (200, "")
            }
            Mode::Hangs => std::future::pending().await,
            Mode::Cuts | Mode::Gone => return Ok(()),
            Mode::Answers(status, headers) => (status, headers),
        };
        if status == 200 {
            seen.lock().unwrap().taken.push(got);
        }
        let answer = format!("HTTP/1.1 {status} x\r\n{headers}Content-Length: 2\r\n\r\nok");
        stream.write_all(answer.as_bytes()).await?;
    }
}

async fn smtp(stream: TcpStream, mode: Mode, seen: &Mutex<Seen>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 here ESMTP\r\n").await?;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        seen.lock().unwrap().heard.push_str(&line);
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let mut text = String::new();
                while !text.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut text).await? == 0 {
                        return Ok(());
                    }
                }
                match mode {
                    Mode::Takes | Mode::Answers(..) => {}
                    Mode::Slow(length) => tokio::time::sleep(length).await,
                    Mode::Hangs => std::future::pending().await,
                    Mode::Cuts | Mode::Gone => return Ok(()),
                }
                let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
                let got = Got { head: head.into(), body: body.into() };
                seen.lock().unwrap().taken.push(got);
                stream.write_all(b"250 queued\r\n").await?;
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => stream.write_all(b"250 fine\r\n").await?,
        }
    }
}
