//! A gate on loopback in front of something real, which can be killed, hung and slowed.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// Nothing.
    None,
    /// Connections end at once, those that were open too.
    Killed,
    /// Connections are accepted, and nothing is said on them; those that were open fall silent.
    Hung,
    /// Everything that comes back is so late.
    Slow(Duration),
}

struct State {
    harm: Mutex<Harm>,
}

/// See the module.
pub struct Gate {
    pub port: u16,
    state: Arc<State>,
}

impl Gate {
    /// A gate before `host:port`, open.
    pub fn before(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let state = Arc::new(State { harm: Mutex::new(Harm::None) });
        let (target, shared) = (target.to_string(), Arc::clone(&state));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (target, state) = (target.clone(), Arc::clone(&shared));
                std::thread::spawn(move || pass(client, &target, &state));
            }
        });
        Self { port, state }
    }

    /// Breaks it, or lets everything through again.
    pub fn harm(&self, harm: Harm) {
        *self.state.harm.lock().expect("the harm") = harm;
    }
}

impl State {
    fn harm(&self) -> Harm {
        *self.harm.lock().expect("the harm")
    }
}

fn pass(client: TcpStream, target: &str, state: &Arc<State>) {
    if state.harm() == Harm::Killed {
        return;
    }
    while state.harm() == Harm::Hung {
        std::thread::sleep(Duration::from_millis(50));
    }
    let Ok(server) = TcpStream::connect(target) else { return };
    let there = (client.try_clone(), server.try_clone());
    let (Ok(client_in), Ok(server_in)) = there else { return };
    let shared = Arc::clone(state);
    std::thread::spawn(move || pump(client_in, server, &shared, false));
    pump(server_in, client, state, true);
}

/// Moves bytes one way until either end closes or the gate is killed.
fn pump(mut from: TcpStream, mut to: TcpStream, state: &State, back: bool) {
    let _ = from.set_read_timeout(Some(Duration::from_millis(50)));
    let mut bytes = vec![0; 64 * 1024];
    loop {
        match state.harm() {
            Harm::Killed => break,
            Harm::Hung => {
                std::thread::sleep(Duration::from_millis(50));
                continue;
            }
            Harm::None | Harm::Slow(_) => {}
        }
        match from.read(&mut bytes) {
            Ok(0) => break,
            Ok(read) => {
                if let (Harm::Slow(by), true) = (state.harm(), back) {
                    std::thread::sleep(by);
                }
                // What fell silent stays unsaid until it is over; what was killed is lost.
                while state.harm() == Harm::Hung {
                    std::thread::sleep(Duration::from_millis(50));
                }
                if state.harm() == Harm::Killed || to.write_all(&bytes[..read]).is_err() {
                    break;
                }
            }
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ) => {}
            Err(_) => break,
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
