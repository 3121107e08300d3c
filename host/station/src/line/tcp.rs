//! The line over TCP: each message is its length (4 bytes, least significant first) and its bytes.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use helio_distill::MAX_MESSAGE_BYTES;

use super::{Ends, LineFault, Meeting, MessageIn, MessageOut};

/// Room is made as bytes come, never by what a length claims.
const STEP: usize = 64 * 1024;
/// How long a call to one address may take.
const CALL: Duration = Duration::from_secs(3);
/// How often a listening station looks for a caller.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Calls looked through for the newest one; the system keeps fewer.
const MOST_CALLS: usize = 10_000;
/// A frame is a message and the byte before it.
const LONGEST: usize = MAX_MESSAGE_BYTES + 1;

/// Calls the other station.
pub struct Caller {
    address: String,
    stuck_after: Duration,
}

impl Caller {
    /// Will call `host:port`; a station that takes no byte for `stuck_after` loses its line.
    pub fn new(address: &str, stuck_after: Duration) -> Caller {
        Caller { address: address.to_owned(), stuck_after }
    }
}

impl Meeting for Caller {
    fn meet(&mut self, patience: Duration) -> Result<Option<Ends>, LineFault> {
        let begun = Instant::now();
        // A name that does not resolve now may do so when the network is up.
        let addresses = self.address.to_socket_addrs().map(Vec::from_iter);
        for address in addresses.iter().flatten() {
            if let Ok(stream) = TcpStream::connect_timeout(address, CALL) {
                return ends(stream, self.stuck_after).map(Some);
            }
        }
        std::thread::sleep(patience.saturating_sub(begun.elapsed()));
        Ok(None)
    }

    fn calls(&self) -> bool {
        true
    }

    fn endpoint(&self) -> String {
        format!("calls {}", self.address)
    }
}

/// Waits for the other station's call.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: String,
    stuck_after: Duration,
}

impl Listener {
    /// Listens on `host:port`; port 0 takes a free one, which [`Meeting::endpoint`] tells.
    ///
    /// # Errors
    /// The port is taken, or the address is not this machine's.
    pub fn bind(address: &str, stuck_after: Duration) -> Result<Listener, LineFault> {
        let bind = || {
            let listener = TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?.to_string();
            Ok(Listener { listener, address, stuck_after })
        };
        bind().map_err(|error: std::io::Error| {
            let remedy = match error.kind() {
                ErrorKind::AddrInUse => {
                    "another program has this port: stop it, or choose another port under [line] on \
                     both stations"
                }
                ErrorKind::PermissionDenied => "choose a port above 1023 under [line]",
                _ => "write an address of this machine under [line] listen",
            };
            LineFault::Endpoint(format!("cannot listen on {address} ({error}); {remedy}"))
        })
    }
}

impl Listener {
    /// Where it listens, with the port that was free.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The newest of the calls that wait, the others ended. A station that was held up finds calls that
    /// the other one gave up long ago, with its first words still in them: each would cost a failed
    /// contact, and while it waits longer after each, more would gather than it gets through.
    fn newest_after(&self, mut newest: TcpStream) -> TcpStream {
        for _ in 0..MOST_CALLS {
            match self.listener.accept() {
                Ok((later, _)) => newest = later,
                Err(_) => break,
            }
        }
        newest
    }
}

impl Meeting for Listener {
    fn meet(&mut self, patience: Duration) -> Result<Option<Ends>, LineFault> {
        let begun = Instant::now();
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    return ends(self.newest_after(stream), self.stuck_after).map(Some);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let left = patience.saturating_sub(begun.elapsed());
                    if left.is_zero() {
                        return Ok(None);
                    }
                    std::thread::sleep(left.min(LOOK_EVERY));
                }
                // A caller that went away before it was its turn.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::ConnectionAborted | ErrorKind::Interrupted
                    ) => {}
                Err(error) => return Err(LineFault::of(&error)),
            }
        }
    }

    fn endpoint(&self) -> String {
        format!("listens on {}", self.address)
    }
}

fn ends(stream: TcpStream, stuck_after: Duration) -> Result<Ends, LineFault> {
    let open = || {
        stream.set_nonblocking(false)?;
        // Questions and answers are small and each is waited for.
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(stuck_after))?;
        let peer = stream.peer_addr()?.to_string();
        let inward = TcpIn { stream: stream.try_clone()?, bytes: Vec::new(), heard: 0 };
        let out = TcpOut { stream, stuck_after };
        Ok(Ends { out: Box::new(out), inward: Box::new(inward), peer })
    };
    open().map_err(|error: std::io::Error| LineFault::of(&error))
}

struct TcpOut {
    stream: TcpStream,
    stuck_after: Duration,
}

impl MessageOut for TcpOut {
    fn send(&mut self, message: &[u8]) -> Result<(), LineFault> {
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_le_bytes();
        // One write for what is small: two would be two packets.
        let sent = if message.len() < STEP {
            let whole = [&length, message].concat();
            self.stream.write_all(&whole)
        } else {
            self.stream.write_all(&length).and_then(|()| self.stream.write_all(message))
        };
        sent.map_err(|error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                LineFault::Stuck(self.stuck_after.as_secs())
            }
            _ => LineFault::of(&error),
        })
    }
}

impl Drop for TcpOut {
    fn drop(&mut self) {
        // What was sent goes out; the other way ends with the reader.
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

struct TcpIn {
    stream: TcpStream,
    /// What has come of the message at hand, its length first.
    bytes: Vec<u8>,
    heard: u64,
}

impl TcpIn {
    /// Bytes still missing of the message at hand.
    fn missing(&self) -> Result<usize, LineFault> {
        let Some(length) = self.bytes.first_chunk::<4>() else { return Ok(4 - self.bytes.len()) };
        let length = u32::from_le_bytes(*length) as usize;
        if length > LONGEST {
            return Err(LineFault::TooLong(length as u64));
        }
        Ok(4 + length - self.bytes.len())
    }
}

impl MessageIn for TcpIn {
    fn receive(&mut self, patience: Duration) -> Result<Option<Vec<u8>>, LineFault> {
        let begun = Instant::now();
        loop {
            let missing = self.missing()?;
            if missing == 0 && self.bytes.len() >= 4 {
                self.bytes.drain(..4);
                return Ok(Some(std::mem::take(&mut self.bytes)));
            }
            let left = patience.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            let timeout = left.max(Duration::from_millis(1));
            self.stream.set_read_timeout(Some(timeout)).map_err(|e| LineFault::of(&e))?;
            let before = self.bytes.len();
            self.bytes.resize(before + missing.min(STEP), 0);
            let read = self.stream.read(&mut self.bytes[before..]);
            self.bytes.truncate(before + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => return Err(LineFault::Closed),
                Ok(count) => self.heard += count as u64,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(LineFault::of(&error)),
            }
        }
    }

    fn heard(&self) -> u64 {
        self.heard
    }
}

impl Drop for TcpIn {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    fn pair() -> (Ends, Ends) {
        let mut listener = Listener::bind("127.0.0.1:0", LONG).unwrap();
        let mut caller = Caller::new(&listener.address, LONG);
        let called = caller.meet(LONG).unwrap().unwrap();
        (called, listener.meet(LONG).unwrap().unwrap())
    }

    /// A socket that says what it likes, and the station's end.
    fn raw() -> (TcpStream, Ends) {
        let mut listener = Listener::bind("127.0.0.1:0", LONG).unwrap();
        let stream = TcpStream::connect(&listener.address).unwrap();
        (stream, listener.meet(LONG).unwrap().unwrap())
    }

    #[test]
    fn messages_arrive_whole_and_in_order() {
        let (mut near, mut far) = pair();
        let big: Vec<u8> = (0..1_000_000u32).map(|i| i as u8).collect();
        let sent = [vec![], vec![1, 2, 3], big, vec![4]];
        let writer = std::thread::spawn({
            let sent = sent.clone();
            move || {
                sent.iter().for_each(|message| near.out.send(message).unwrap());
                near
            }
        });
        for message in &sent {
            let got = far.inward.receive(LONG).unwrap().unwrap();
            assert!(got == *message, "{} bytes", got.len());
        }
        assert_eq!(far.inward.receive(Duration::ZERO), Ok(None));
        drop(writer.join().unwrap());
        assert_eq!(far.inward.receive(LONG), Err(LineFault::Closed));
    }

    #[test]
    fn calls_that_were_given_up_are_passed_over() {
        let mut listener = Listener::bind("127.0.0.1:0", LONG).unwrap();
        let mut caller = Caller::new(&listener.address, LONG);
        for _ in 0..30 {
            let mut given_up = caller.meet(LONG).unwrap().unwrap();
            given_up.out.send(b"first words").unwrap();
        }
        let mut last = caller.meet(LONG).unwrap().unwrap();
        let mut met = listener.meet(LONG).unwrap().unwrap();
        met.out.send(b"heard").unwrap();
        assert_eq!(last.inward.receive(LONG), Ok(Some(b"heard".to_vec())));
        assert!(listener.meet(Duration::ZERO).unwrap().is_none(), "no old call is left");
    }

    #[test]
    fn a_length_that_no_message_has_is_told_and_takes_no_memory() {
        let (mut liar, mut far) = raw();
        liar.write_all(&u32::MAX.to_le_bytes()).unwrap();
        assert_eq!(far.inward.receive(LONG), Err(LineFault::TooLong(u64::from(u32::MAX))));
        let (mut liar, mut far) = raw();
        liar.write_all(&(LONGEST as u32).to_le_bytes()).unwrap();
        liar.write_all(&[0; 100]).unwrap();
        let came = |far: &Ends| far.inward.heard() >= 104;
        while !came(&far) {
            assert_eq!(far.inward.receive(Duration::from_millis(5)), Ok(None));
        }
        drop(liar);
        assert_eq!(far.inward.receive(LONG), Err(LineFault::Closed));
    }

    #[test]
    fn a_message_in_pieces_is_one_message() {
        let (mut slow, mut far) = raw();
        for byte in [3u8, 0, 0, 0, 9, 8] {
            slow.write_all(&[byte]).unwrap();
            assert_eq!(far.inward.receive(Duration::from_millis(2)), Ok(None));
        }
        slow.write_all(&[7]).unwrap();
        assert_eq!(far.inward.receive(LONG), Ok(Some(vec![9, 8, 7])));
    }

    #[test]
    fn a_port_in_use_names_the_remedy() {
        let first = Listener::bind("127.0.0.1:0", LONG).unwrap();
        let fault = Listener::bind(&first.address, LONG).unwrap_err().to_string();
        assert!(fault.contains("another program has this port"), "{fault}");
        assert!(Listener::bind("no such host:1", LONG).is_err());
    }
}
