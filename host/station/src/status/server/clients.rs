//! The clients of a status socket, served in turns.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::super::request::{self, Heard, Request};
use super::super::socket::Socket;
use super::super::{Status, unix_now_s};
use super::{EVERY, MOST_CLIENTS, PATIENCE, TURN};

/// Connections taken in one turn: whoever floods the socket cannot keep the others waiting.
const MOST_A_TURN: usize = 16;

/// The socket and those who are connected to it.
pub(super) struct Desk {
    socket: Socket,
    shared: Arc<Mutex<Status>>,
    clients: Vec<Client>,
    /// When those who watch had their last look.
    told: Option<Instant>,
}

impl Desk {
    pub fn new(socket: Socket, shared: Arc<Mutex<Status>>) -> Desk {
        Desk { socket, shared, clients: Vec::new(), told: None }
    }

    /// Serves until the other end of `stopped` is dropped.
    pub fn serve(mut self, stopped: &Receiver<()>) {
        while stopped.recv_timeout(TURN) == Err(RecvTimeoutError::Timeout) {
            let now = Instant::now();
            self.take_in(now);
            self.clients.retain_mut(|client| client.listen(now));
            self.tell(now);
            self.clients.retain_mut(|client| client.hand_over(now));
        }
    }

    fn take_in(&mut self, now: Instant) {
        for _ in 0..MOST_A_TURN {
            // No connection waits, or none can be taken now: the next turn tries again.
            let Ok((mut stream, _)) = self.socket.listener.accept() else { return };
            if stream.set_nonblocking(true).is_err() {
                continue;
            }
            if self.clients.len() >= MOST_CLIENTS {
                let why = format!("{MOST_CLIENTS} others look at this station; close one of them");
                let _ = stream.write(&error_line(&why));
                continue;
            }
            self.clients.push(Client::new(stream, now));
        }
    }

    /// A look for everyone who is due; made once a turn, if anybody is.
    fn tell(&mut self, now: Instant) {
        let round = self.told.is_none_or(|at| now.duration_since(at) >= EVERY);
        let due = |client: &Client| match client.wants {
            Some(Request::Status) => true,
            Some(Request::Watch) => client.fresh || round,
            None => false,
        };
        if !self.clients.iter().any(due) {
            return;
        }
        if round {
            self.told = Some(now);
        }
        let look = look(&self.shared);
        for client in self.clients.iter_mut().filter(|c| due(c)) {
            client.give(&look, now);
        }
    }
}

/// The status as one line.
fn look(shared: &Mutex<Status>) -> Arc<[u8]> {
    // A thread that panicked with the lock in its hands has left numbers that can be looked at.
    let mut status = shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
    status.station.now_unix_s = unix_now_s();
    let line = serde_json::to_vec(&status).map(|mut line| {
        line.push(b'\n');
        line
    });
    line.unwrap_or_else(|e| error_line(&format!("the status cannot be told: {e}"))).into()
}

fn error_line(why: &str) -> Vec<u8> {
    format!("{}\n", serde_json::json!({ "error": why })).into_bytes()
}

struct Client {
    stream: UnixStream,
    heard: Vec<u8>,
    wants: Option<Request>,
    /// Whether it watches and had no look yet.
    fresh: bool,
    /// What it has not taken yet.
    waiting: Option<(Arc<[u8]>, usize)>,
    /// Whether it is dropped when it has taken that.
    last: bool,
    /// When it last did something that was waited for.
    moved: Instant,
}

impl Client {
    fn new(stream: UnixStream, now: Instant) -> Client {
        let heard = Vec::with_capacity(request::MOST_BYTES);
        Client { stream, heard, wants: None, fresh: false, waiting: None, last: false, moved: now }
    }

    /// Reads what came; whether the client stays.
    fn listen(&mut self, now: Instant) -> bool {
        if self.wants.is_some() || self.last {
            // Whatever else it says stays in its socket; that it is gone is seen when writing.
            return true;
        }
        let mut bytes = [0; request::MOST_BYTES];
        let room = request::MOST_BYTES - self.heard.len();
        match self.stream.read(&mut bytes[..room]) {
            Ok(0) => return false,
            Ok(count) => self.heard.extend_from_slice(&bytes[..count]),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => return false,
        }
        match request::hear(&self.heard) {
            Heard::Part => return now.duration_since(self.moved) < PATIENCE,
            Heard::Whole(request) => {
                self.wants = Some(request);
                self.fresh = true;
            }
            Heard::Unknown => {
                self.give(
                    &error_line("the request is not known; send `status` or `watch`").into(),
                    now,
                );
                self.last = true;
            }
        }
        self.moved = now;
        true
    }

    /// Has a line for it; one that has not taken its last line yet misses this one.
    fn give(&mut self, line: &Arc<[u8]>, now: Instant) {
        if self.waiting.is_some() {
            return;
        }
        self.fresh = false;
        self.waiting = Some((line.clone(), 0));
        self.moved = now;
        if self.wants == Some(Request::Status) {
            self.wants = None;
            self.last = true;
        }
    }

    /// Writes what the socket takes; whether the client stays.
    fn hand_over(&mut self, now: Instant) -> bool {
        while let Some((line, from)) = &mut self.waiting {
            match self.stream.write(&line[*from..]) {
                Ok(0) => return false,
                Ok(count) => {
                    *from += count;
                    self.moved = now;
                    if *from == line.len() {
                        self.waiting = None;
                    }
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    return now.duration_since(self.moved) < PATIENCE;
                }
                Err(_) => return false,
            }
        }
        !self.last
    }
}
