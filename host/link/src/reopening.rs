//! A port that comes back: the same device, opened anew.

use crate::open_error::OpenError;
use crate::transport::{Transport, TransportError};
use std::time::{Duration, Instant};

/// Between two tries to open the port again. A board is listed some 100 ms after it is plugged in.
const RETRY: Duration = Duration::from_millis(100);

/// A transport that is opened anew, by the same address, whenever its port is gone: the cable was
/// pulled, the board was reset, the program that serves it was started anew.
///
/// While it is away nothing moves: [`TransportError::TimedOut`]. That it was away shows in
/// [`Transport::openings`], at which a [`Connection`](crate::Connection) greets the device again;
/// the device's boot nonce then tells whether it is still the same boot. What was on the cable is
/// lost, and missed by the frames' own sequence.
pub struct Reopening<T, F> {
    open: F,
    transport: Option<T>,
    openings: u32,
    tried: Instant,
}

impl<T: Transport, F: FnMut() -> Result<T, OpenError>> Reopening<T, F> {
    /// Opens for the first time.
    ///
    /// # Errors
    /// Of the first opening; those of later ones only mean that it is tried again.
    pub fn open(mut open: F) -> Result<Reopening<T, F>, OpenError> {
        let transport = Some(open()?);
        Ok(Reopening { open, transport, openings: 1, tried: Instant::now() })
    }

    /// Whether the port is there, as far as is known.
    pub fn is_there(&self) -> bool {
        self.transport.is_some()
    }

    /// What `moved` says of the port, which is gone where it failed.
    fn note(&mut self, moved: Result<(), TransportError>) -> Result<(), TransportError> {
        match moved {
            Ok(()) | Err(TransportError::TimedOut | TransportError::NoForm) => moved,
            Err(TransportError::Closed | TransportError::Failed(_)) => {
                // Closed first: a serial port cannot be opened twice.
                self.transport = None;
                self.tried = Instant::now();
                Err(TransportError::TimedOut)
            }
        }
    }

    /// Opens the port again if it is away and it is time.
    fn look(&mut self) {
        if self.transport.is_some() || self.tried.elapsed() < RETRY {
            return;
        }
        self.tried = Instant::now();
        if let Ok(transport) = (self.open)() {
            self.transport = Some(transport);
            self.openings = self.openings.wrapping_add(1);
        }
    }
}

impl<T: Transport, F: FnMut() -> Result<T, OpenError>> Transport for Reopening<T, F> {
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.look();
        let sent = self.transport.as_mut().ok_or(TransportError::TimedOut)?.send(bytes);
        self.note(sent)
    }

    fn receive(&mut self, chunk: &mut Vec<u8>, timeout: Duration) -> Result<(), TransportError> {
        chunk.clear();
        let begun = Instant::now();
        while self.transport.is_none() {
            let left = timeout.saturating_sub(begun.elapsed());
            std::thread::sleep(left.min(RETRY.saturating_sub(self.tried.elapsed())));
            self.look();
            if self.transport.is_some() {
                // The device is to be greeted before it is listened to.
                return Err(TransportError::TimedOut);
            }
            if left.is_zero() {
                return Err(TransportError::TimedOut);
            }
        }
        let left = timeout.saturating_sub(begun.elapsed());
        let received =
            self.transport.as_mut().ok_or(TransportError::TimedOut)?.receive(chunk, left);
        self.note(received)
    }

    fn openings(&self) -> u32 {
        self.openings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipe::{PipeEnd, pipe};
    use std::collections::VecDeque;

    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn a_port_that_comes_back_goes_on() {
        let (near, mut far) = pipe(4);
        let (near_again, mut far_again) = pipe(4);
        let mut ports: VecDeque<Result<PipeEnd, OpenError>> =
            VecDeque::from([Ok(near), Err(OpenError::NoPort), Ok(near_again)]);
        let mut transport = Reopening::open(|| ports.pop_front().unwrap()).unwrap();
        let mut chunk = Vec::new();
        far.send(&[1]).unwrap();
        assert_eq!((transport.receive(&mut chunk, LONG), chunk.as_slice()), (Ok(()), &[1][..]));
        drop(far);
        assert_eq!(transport.receive(&mut chunk, LONG), Err(TransportError::TimedOut));
        assert!(!transport.is_there() && transport.openings() == 1);
        assert_eq!(
            transport.send(&[2]),
            Err(TransportError::TimedOut),
            "nothing is kept for later"
        );
        far_again.send(&[3]).unwrap();
        assert_eq!(transport.receive(&mut chunk, LONG), Err(TransportError::TimedOut));
        assert_eq!(transport.openings(), 2);
        assert_eq!((transport.receive(&mut chunk, LONG), chunk.as_slice()), (Ok(()), &[3][..]));
        transport.send(&[4]).unwrap();
        assert_eq!((far_again.receive(&mut chunk, LONG), chunk.as_slice()), (Ok(()), &[4][..]));
    }

    #[test]
    fn a_port_that_was_never_there_is_told() {
        let opened = Reopening::<PipeEnd, _>::open(|| Err(OpenError::NoPort));
        assert!(matches!(opened, Err(OpenError::NoPort)));
    }
}
