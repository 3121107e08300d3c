//! A transport inside the process: two bounded queues of chunks whose buffers go round.

use crate::transport::{Transport, TransportError};
use crossbeam_channel::{
    Receiver, RecvTimeoutError, Select, Sender, TryRecvError, TrySendError, bounded,
};
use std::time::Duration;

/// One end of a [`pipe`].
///
/// Sending waits while the queue is full, for as long as it takes: the device behind it is
/// simulated, and simulated light waits for its host. Nothing is ever dropped for want of room. A
/// host must therefore go on receiving whatever else it waits for.
#[derive(Debug)]
pub struct PipeEnd {
    sender: PipeSender,
    receiver: PipeReceiver,
}

/// The half of a [`PipeEnd`] that sends. Dropping either half is what the other end takes for the
/// loss of the link.
#[derive(Debug)]
pub struct PipeSender {
    tx: Sender<Vec<u8>>,
    /// Empty buffers for `tx`, back from the other end.
    spare: Receiver<Vec<u8>>,
}

/// The half of a [`PipeEnd`] that receives.
#[derive(Debug)]
pub struct PipeReceiver {
    rx: Receiver<Vec<u8>>,
    /// Way back for buffers from `rx`.
    empties: Sender<Vec<u8>>,
}

/// Two ends, joined both ways by queues of `depth` chunks (at least one).
pub fn pipe(depth: usize) -> (PipeEnd, PipeEnd) {
    let depth = depth.max(1);
    let way = || {
        let ((tx, rx), (empties, spare)) = (bounded(depth), bounded(depth));
        (PipeSender { tx, spare }, PipeReceiver { rx, empties })
    };
    let ((near_tx, far_rx), (far_tx, near_rx)) = (way(), way());
    (PipeEnd { sender: near_tx, receiver: near_rx }, PipeEnd { sender: far_tx, receiver: far_rx })
}

impl PipeEnd {
    /// As [`Transport::receive`], without waiting.
    ///
    /// # Errors
    /// [`TransportError::TimedOut`] if there is nothing now.
    pub fn try_receive(&mut self, chunk: &mut Vec<u8>) -> Result<(), TransportError> {
        let received = self.receiver.rx.try_recv().map_err(|error| match error {
            TryRecvError::Empty => TransportError::TimedOut,
            TryRecvError::Disconnected => TransportError::Closed,
        });
        self.receiver.exchange(received, chunk)
    }

    /// As [`Transport::send`], without waiting: all bytes are sent, or none.
    ///
    /// # Errors
    /// [`TransportError::TimedOut`] if there is no room now.
    pub fn try_send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.sender.try_send(bytes)
    }

    /// Both halves, for a thread each.
    pub fn split(self) -> (PipeSender, PipeReceiver) {
        (self.sender, self.receiver)
    }
}

impl PipeSender {
    /// As [`Transport::send`] of a [`PipeEnd`].
    ///
    /// # Errors
    /// [`TransportError::Closed`].
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.tx.send(self.filled(bytes)).map_err(|refused| {
            refused.into_inner().fill(0);
            TransportError::Closed
        })
    }

    fn try_send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.tx.try_send(self.filled(bytes)).map_err(|refused| {
            let why = match refused {
                TrySendError::Full(_) => TransportError::TimedOut,
                TrySendError::Disconnected(_) => TransportError::Closed,
            };
            refused.into_inner().fill(0);
            why
        })
    }

    fn filled(&self, bytes: &[u8]) -> Vec<u8> {
        let mut chunk = self.spare.try_recv().unwrap_or_default();
        chunk.clear();
        chunk.extend_from_slice(bytes);
        chunk
    }
}

impl PipeReceiver {
    /// As [`Transport::receive`].
    ///
    /// # Errors
    /// [`TransportError::TimedOut`], [`TransportError::Closed`].
    pub fn receive(
        &mut self,
        chunk: &mut Vec<u8>,
        timeout: Duration,
    ) -> Result<(), TransportError> {
        let received = self.rx.recv_timeout(timeout).map_err(|error| match error {
            RecvTimeoutError::Timeout => TransportError::TimedOut,
            RecvTimeoutError::Disconnected => TransportError::Closed,
        });
        self.exchange(received, chunk)
    }

    fn exchange(
        &self,
        received: Result<Vec<u8>, TransportError>,
        chunk: &mut Vec<u8>,
    ) -> Result<(), TransportError> {
        // A seed or random bytes may have been in it, and it goes back to whoever sent them.
        chunk.fill(0);
        let old = match received {
            Ok(received) => std::mem::replace(chunk, received),
            Err(why) => {
                chunk.clear();
                return Err(why);
            }
        };
        if old.capacity() > 0 {
            // A full or closed way back only means that a buffer is freed.
            let _ = self.empties.try_send(old);
        }
        Ok(())
    }
}

impl Transport for PipeEnd {
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.sender.send(bytes)
    }

    fn receive(&mut self, chunk: &mut Vec<u8>, timeout: Duration) -> Result<(), TransportError> {
        self.receiver.receive(chunk, timeout)
    }
}

/// Waits until one of `bytes` has bytes, one of `room` has room to send, or either has lost its
/// other end; without taking anything. Whether one did before `timeout`; with no ends at all,
/// `false` after it.
pub fn wait_for_bytes_or_room(bytes: &[&PipeEnd], room: &[&PipeEnd], timeout: Duration) -> bool {
    let mut select = Select::new();
    for end in bytes {
        select.recv(&end.receiver.rx);
    }
    for end in room {
        select.send(&end.sender.tx);
    }
    select.ready_timeout(timeout).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn bytes_pass_both_ways_and_buffers_return() {
        let (mut a, mut b) = pipe(2);
        let mut chunk = Vec::new();
        a.send(&[1, 2, 3]).unwrap();
        b.send(&[4]).unwrap();
        b.receive(&mut chunk, LONG).unwrap();
        assert_eq!(chunk, [1, 2, 3]);
        let first = chunk.as_ptr();
        a.send(&[5]).unwrap();
        b.receive(&mut chunk, LONG).unwrap();
        a.send(&[6]).unwrap();
        b.receive(&mut chunk, LONG).unwrap();
        assert_eq!((chunk.as_slice(), chunk.as_ptr()), ([6].as_slice(), first));
        a.receive(&mut chunk, LONG).unwrap();
        assert_eq!(chunk, [4]);
        let returned = a.sender.spare.try_recv().unwrap();
        assert_eq!(returned, [0], "nothing is left of what was sent");
    }

    #[test]
    fn an_idle_pipe_times_out_and_a_dropped_one_closes_after_its_last_bytes() {
        let (mut a, mut b) = pipe(2);
        let mut chunk = vec![9];
        assert_eq!(b.try_receive(&mut chunk), Err(TransportError::TimedOut));
        assert!(chunk.is_empty());
        assert!(!wait_for_bytes_or_room(&[&b], &[], Duration::from_millis(1)));
        a.send(&[1]).unwrap();
        drop(a);
        assert!(wait_for_bytes_or_room(&[&b], &[], LONG));
        assert_eq!(b.receive(&mut chunk, LONG), Ok(()));
        assert!(wait_for_bytes_or_room(&[&b], &[], LONG));
        assert_eq!(b.receive(&mut chunk, LONG), Err(TransportError::Closed));
        assert_eq!(b.send(&[1]), Err(TransportError::Closed));
    }

    #[test]
    fn sending_waits_for_room() {
        let (mut a, mut b) = pipe(1);
        let sender = std::thread::spawn(move || {
            for i in 0..100u8 {
                a.send(&[i]).unwrap();
            }
        });
        let (mut seen, mut chunk) = (Vec::new(), Vec::new());
        while b.receive(&mut chunk, LONG).is_ok() {
            seen.extend_from_slice(&chunk);
        }
        sender.join().unwrap();
        assert_eq!(seen, (0..100).collect::<Vec<u8>>());
    }

    #[test]
    fn a_full_pipe_takes_nothing_until_there_is_room() {
        let (mut a, mut b) = pipe(1);
        let mut chunk = Vec::new();
        a.try_send(&[1]).unwrap();
        assert_eq!(a.try_send(&[2]), Err(TransportError::TimedOut));
        assert!(!wait_for_bytes_or_room(&[], &[&a], Duration::from_millis(1)));
        b.receive(&mut chunk, LONG).unwrap();
        assert!(wait_for_bytes_or_room(&[], &[&a], LONG));
        a.try_send(&[3]).unwrap();
        b.receive(&mut chunk, LONG).unwrap();
        assert_eq!(chunk, [3]);
        a.try_send(&[4]).unwrap();
        drop(b);
        assert_eq!(a.try_send(&[5]), Err(TransportError::Closed));
    }

    #[test]
    fn halves_work_apart_and_losing_one_is_told() {
        let (a, mut b) = pipe(2);
        let (mut sender, mut receiver) = a.split();
        let echo = std::thread::spawn(move || {
            let mut chunk = Vec::new();
            while receiver.receive(&mut chunk, LONG).is_ok() {}
            chunk.len()
        });
        sender.send(&[1, 2]).unwrap();
        b.send(&[3]).unwrap();
        let mut chunk = Vec::new();
        b.receive(&mut chunk, LONG).unwrap();
        assert_eq!(chunk, [1, 2]);
        drop(sender);
        assert_eq!(b.try_receive(&mut chunk), Err(TransportError::Closed));
        drop(b);
        assert_eq!(echo.join().unwrap(), 0);
    }
}
