//! Somebody on the line between two stations: passes frames on, looks at them, and meddles.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use helio_distill::pads::Purpose;
use helio_distill::{Inspected, Role, inspect};

use crate::desk::{Desk, free_port};

/// The byte of a frame that carries talk.
const TALK: u8 = 4;

/// What a tap makes of a frame of one station: the frames that go on, each after a pause.
pub type Meddler = Box<dyn FnMut(Role, Vec<u8>) -> Vec<(Duration, Vec<u8>)> + Send>;

/// A running tap; Alice connects to it and it connects to Bob.
pub struct Tap {
    shared: Arc<Shared>,
}

struct Shared {
    bob: u16,
    meddler: Mutex<Option<Meddler>>,
    sockets: Mutex<Vec<TcpStream>>,
    seen: Mutex<Seen>,
}

/// What has passed.
#[derive(Default)]
pub struct Seen {
    /// Which message each pad was spent on, by sender, pool and index.
    pads: HashMap<(Role, Purpose, u64), u64>,
    /// Pads that were spent on two different messages.
    pub twice: Vec<(Role, Purpose, u64)>,
    /// Messages of the talk.
    pub messages: u64,
}

impl Seen {
    fn note(&mut self, from: Role, message: &[u8]) {
        self.messages += 1;
        let Some(Inspected { pad: Some((purpose, index)), .. }) = inspect(message) else { return };
        let mut hash = DefaultHasher::new();
        message.hash(&mut hash);
        let hash = hash.finish();
        if *self.pads.entry((from, purpose, index)).or_insert(hash) != hash {
            self.twice.push((from, purpose, index));
        }
    }

    /// Pads seen in use.
    pub fn pads_used(&self) -> usize {
        self.pads.len()
    }
}

impl Tap {
    /// A tap on the desk's line; to be made before Alice starts.
    pub fn between(desk: &Desk) -> Tap {
        let port = free_port();
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
        desk.edit("alice", &format!("127.0.0.1:{}", desk.line), &format!("127.0.0.1:{port}"));
        let shared = Arc::new(Shared {
            bob: desk.line,
            meddler: Mutex::new(None),
            sockets: Mutex::default(),
            seen: Mutex::default(),
        });
        let accepting = shared.clone();
        std::thread::spawn(move || {
            for alice in listener.incoming().map_while(Result::ok) {
                // Where Bob is not there, Alice's call ends at once, as it would without a tap.
                let Ok(bob) = TcpStream::connect(("127.0.0.1", accepting.bob)) else { continue };
                let clone = |s: &TcpStream| s.try_clone().expect("a socket");
                *accepting.sockets.lock().expect("no panic") = vec![clone(&alice), clone(&bob)];
                for (from, input, output) in
                    [(Role::Alice, clone(&alice), clone(&bob)), (Role::Bob, bob, alice)]
                {
                    let shared = accepting.clone();
                    std::thread::spawn(move || shared.pump(from, input, output));
                }
            }
        });
        Tap { shared }
    }

    /// From now on frames go through this.
    pub fn meddle(
        &self,
        meddler: impl FnMut(Role, Vec<u8>) -> Vec<(Duration, Vec<u8>)> + Send + 'static,
    ) {
        *self.shared.meddler.lock().expect("no panic") = Some(Box::new(meddler));
    }

    /// From now on frames pass as they are.
    pub fn leave(&self) {
        *self.shared.meddler.lock().expect("no panic") = None;
    }

    /// Cuts the line that stands.
    pub fn cut(&self) {
        for socket in self.shared.sockets.lock().expect("no panic").drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// A look at what has passed.
    pub fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.shared.seen.lock().expect("no panic"))
    }
}

impl Shared {
    fn pump(&self, from: Role, mut input: TcpStream, mut output: TcpStream) {
        while let Some(frame) = read(&mut input) {
            if let Some((&TALK, message)) = frame.split_first() {
                self.seen.lock().expect("no panic").note(from, message);
            }
            let frames = match self.meddler.lock().expect("no panic").as_mut() {
                Some(meddler) => meddler(from, frame),
                None => vec![(Duration::ZERO, frame)],
            };
            for (pause, frame) in frames {
                std::thread::sleep(pause);
                if write(&mut output, &frame).is_err() {
                    let _ = input.shutdown(Shutdown::Both);
                    return;
                }
            }
        }
        let _ = output.shutdown(Shutdown::Both);
    }
}

/// The talk in a frame, if it carries talk.
pub fn talk(frame: &[u8]) -> Option<(Inspected, &[u8])> {
    let (&kind, message) = frame.split_first()?;
    (kind == TALK).then_some(())?;
    Some((inspect(message)?, message))
}

/// A frame as the line sends it, unchanged.
pub fn pass(frame: Vec<u8>) -> Vec<(Duration, Vec<u8>)> {
    vec![(Duration::ZERO, frame)]
}

/// The next frame.
pub fn read(input: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    input.read_exact(&mut length).ok()?;
    let mut frame = vec![0; u32::from_le_bytes(length) as usize];
    input.read_exact(&mut frame).ok()?;
    Some(frame)
}

/// Sends a frame.
pub fn write(output: &mut TcpStream, frame: &[u8]) -> std::io::Result<()> {
    let mut bytes = (frame.len() as u32).to_le_bytes().to_vec();
    bytes.extend_from_slice(frame);
    output.write_all(&bytes)
}
