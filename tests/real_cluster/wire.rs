//! What can go wrong on the way to the real API server.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What happens to a request that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It passes.
    None,
    /// It is passed on; the connection ends when the answer is there, and the answer is lost.
    LoseAnswer,
    /// It is passed on; the answer never comes, and the connection stays.
    HoldAnswer,
    /// It never arrives; the connection ends.
    LoseRequest,
}

/// `kubectl proxy` (the real API server in plain HTTP) with a faulty wire before it.
pub struct Wire {
    pub port: u16,
    pub patches: Arc<AtomicUsize>,
    fault: Arc<Mutex<Fault>>,
    proxy: Child,
    _tasks: JoinSet<()>,
}

impl Wire {
    pub async fn new(kubeconfig: &std::path::Path) -> Self {
        let kubectl = std::env::var("PILOTHOUSE_TEST_KUBECTL").unwrap_or_else(|_| "kubectl".into());
        let mut proxy = Command::new(kubectl)
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .args(["proxy", "--port=0", "--address=127.0.0.1"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(proxy.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let upstream = line.trim().rsplit(':').next().unwrap().parse::<u16>().unwrap();

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let fault = Arc::new(Mutex::new(Fault::None));
        let patches = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        let (seen, faults) = (patches.clone(), fault.clone());
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(pass(client, upstream, faults.clone(), seen.clone()));
            }
        });
        Self { port, patches, fault, proxy, _tasks: tasks }
    }

    pub fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let _ = self.proxy.kill();
        let _ = self.proxy.wait();
    }
}

async fn pass(
    mut client: TcpStream,
    upstream: u16,
    fault: Arc<Mutex<Fault>>,
    patches: Arc<AtomicUsize>,
) {
    let mut server = TcpStream::connect(("127.0.0.1", upstream)).await.unwrap();
    let (mut from_client, mut from_server) = (vec![0; 65_536], vec![0; 65_536]);
    let mut lose = Fault::None;
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let Ok(length @ 1..) = read else { return };
                let bytes = &from_client[..length];
                // One connection carries one request at a time: a method stands at the start of what comes.
                if is_change(bytes) {
                    patches.fetch_add(1, Ordering::SeqCst);
                    lose = *fault.lock().unwrap();
                }
                if lose == Fault::LoseRequest || server.write_all(bytes).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut from_server) => {
                let Ok(length @ 1..) = read else { return };
                match lose {
                    Fault::LoseAnswer => return,
                    Fault::HoldAnswer => {}
                    Fault::None | Fault::LoseRequest => {
                        if client.write_all(&from_server[..length]).await.is_err() {
                            return;
                        }
                    }
                }
            }
        }
    }
}

/// Whether it is a request that changes an object: no dry-run, no question about rights or identity.
fn is_change(bytes: &[u8]) -> bool {
    let writes = ["PATCH ", "POST ", "DELETE "];
    let text = String::from_utf8_lossy(bytes);
    let first = text.lines().next().unwrap_or_default();
    writes.iter().any(|verb| first.starts_with(verb))
        && !text.contains("dryRun")
        && !first.contains("reviews")
}
