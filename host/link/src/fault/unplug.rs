//! A cable that is pulled.

use super::happens;
use crate::transport::{Transport, TransportError};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use std::time::Duration;

/// A transport that is gone from a drawn chunk on, for good; that chunk is lost with it. The end
/// below is dropped, so that the other side sees what a board sees of a pulled cable.
///
/// A cable that is plugged in again is a new transport: [`crate::Reopening`] over one of these.
#[derive(Debug)]
pub struct Unplug<T> {
    transport: Option<T>,
    rng: ChaCha8Rng,
    ppm: u32,
}

impl<T: Transport> Unplug<T> {
    /// The cable is pulled at `ppm` chunks in a million, of both ways together.
    pub fn new(transport: T, seed: u64, ppm: u32) -> Unplug<T> {
        Unplug { transport: Some(transport), rng: ChaCha8Rng::seed_from_u64(seed), ppm }
    }

    /// Whether it has been pulled.
    pub fn is_pulled(&self) -> bool {
        self.transport.is_none()
    }

    /// Whether it is pulled at this chunk.
    fn pull(&mut self) -> Result<(), TransportError> {
        if happens(&mut self.rng, self.ppm) {
            self.transport = None;
            return Err(TransportError::Closed);
        }
        Ok(())
    }
}

impl<T: Transport> Transport for Unplug<T> {
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.transport.as_ref().ok_or(TransportError::Closed)?;
        self.pull()?;
        self.transport.as_mut().ok_or(TransportError::Closed)?.send(bytes)
    }

    fn receive(&mut self, chunk: &mut Vec<u8>, timeout: Duration) -> Result<(), TransportError> {
        chunk.clear();
        self.transport.as_mut().ok_or(TransportError::Closed)?.receive(chunk, timeout)?;
        self.pull().inspect_err(|_| chunk.clear())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipe::pipe;

    const SOON: Duration = Duration::from_millis(1);

    #[test]
    fn a_pulled_cable_is_gone_on_both_sides_and_the_same_seed_pulls_it_at_the_same_chunk() {
        let pulled_after = |seed| {
            let (near, mut far) = pipe(4);
            let mut near = Unplug::new(near, seed, 50_000);
            let (mut chunk, mut passed) = (Vec::new(), 0);
            while far.send(&[1]).is_ok() && near.receive(&mut chunk, SOON).is_ok() {
                passed += 1;
            }
            assert!(chunk.is_empty() && near.is_pulled());
            assert_eq!(near.send(&[1]), Err(TransportError::Closed));
            assert_eq!(near.receive(&mut chunk, SOON), Err(TransportError::Closed));
            assert_eq!(far.send(&[1]), Err(TransportError::Closed));
            passed
        };
        assert_eq!(pulled_after(3), pulled_after(3));
        let mean = (0..200).map(pulled_after).sum::<u64>() as f64 / 200.0;
        assert!((15.0..25.0).contains(&mean), "once in 20 chunks: {mean}");
    }
}
