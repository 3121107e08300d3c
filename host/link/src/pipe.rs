//! A transport inside the process: two bounded queues of chunks whose buffers go round.

use crate::transport::{Transport, TransportError};
use crossbeam_channel::{Receiver, RecvTimeoutError, Select, Sender, TryRecvError, bounded};
use std::time::Duration;

/// One end of a [`pipe`].
///
/// Sending waits while the queue is full, for as long as it takes: the device behind it is
/// simulated, and simulated light waits for its host. Nothing is ever dropped for want of room. A
/// host must therefore go on receiving whatever else it waits for.
#[derive(Debug)]
pub struct PipeEnd {
    tx: Sender<Vec<u8>>,
    rx: Receiver<Vec<u8>>,
    /// Empty buffers for `tx`, back from the other end.
    spare: Receiver<Vec<u8>>,
    /// Way back for buffers from `rx`.
    empties: Sender<Vec<u8>>,
}

/// Two ends, joined both ways by queues of `depth` chunks (at least one).
pub fn pipe(depth: usize) -> (PipeEnd, PipeEnd) {
    let depth = depth.max(1);
    let (tx_there, rx_there) = bounded(depth);
    let (tx_back, rx_back) = bounded(depth);
    let (empties_there, spare_there) = bounded(depth);
    let (empties_back, spare_back) = bounded(depth);
    let near = PipeEnd { tx: tx_there, rx: rx_back, spare: spare_there, empties: empties_back };
    let far = PipeEnd { tx: tx_back, rx: rx_there, spare: spare_back, empties: empties_there };
    (near, far)
}

impl PipeEnd {
    /// As [`Transport::receive`], without waiting.
    ///
    /// # Errors
    /// [`TransportError::TimedOut`] if there is nothing now.
    pub fn try_receive(&mut self, chunk: &mut Vec<u8>) -> Result<(), TransportError> {
        let received = self.rx.try_recv().map_err(|error| match error {
            TryRecvError::Empty => TransportError::TimedOut,
            TryRecvError::Disconnected => TransportError::Closed,
        });
        self.exchange(received, chunk)
    }

    fn exchange(
        &self,
        received: Result<Vec<u8>, TransportError>,
        chunk: &mut Vec<u8>,
    ) -> Result<(), TransportError> {
        chunk.clear();
        let old = std::mem::replace(chunk, received?);
        if old.capacity() > 0 {
            // A full or closed way back only means that a buffer is freed.
            let _ = self.empties.try_send(old);
        }
        Ok(())
    }
}

impl Transport for PipeEnd {
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut chunk = self.spare.try_recv().unwrap_or_default();
        chunk.extend_from_slice(bytes);
        self.tx.send(chunk).map_err(|_| TransportError::Closed)
    }

    fn receive(&mut self, chunk: &mut Vec<u8>, timeout: Duration) -> Result<(), TransportError> {
        let received = self.rx.recv_timeout(timeout).map_err(|error| match error {
            RecvTimeoutError::Timeout => TransportError::TimedOut,
            RecvTimeoutError::Disconnected => TransportError::Closed,
        });
        self.exchange(received, chunk)
    }
}

/// Waits until one of the ends has bytes or has lost its other end, without taking anything.
pub fn wait_for_bytes(ends: &[&PipeEnd]) {
    let mut select = Select::new();
    for end in ends {
        select.recv(&end.rx);
    }
    if !ends.is_empty() {
        select.ready();
    }
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
    }

    #[test]
    fn an_idle_pipe_times_out_and_a_dropped_one_closes_after_its_last_bytes() {
        let (mut a, mut b) = pipe(2);
        let mut chunk = vec![9];
        assert_eq!(b.try_receive(&mut chunk), Err(TransportError::TimedOut));
        assert!(chunk.is_empty());
        a.send(&[1]).unwrap();
        drop(a);
        wait_for_bytes(&[&b]);
        assert_eq!(b.receive(&mut chunk, LONG), Ok(()));
        wait_for_bytes(&[&b]);
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
}
