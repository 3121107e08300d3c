//! Buffers that go round: filled by a stage, moved down a bounded channel, emptied at its end and
//! returned. The way back carries no data.

use crossbeam_channel::{Receiver, Sender, bounded};

/// What a [`Pool`] recycles.
pub trait Buffer {
    /// Empties the buffer and keeps its allocation.
    fn clear(&mut self);
}

impl Buffer for Vec<u8> {
    fn clear(&mut self) {
        Vec::clear(self);
    }
}

/// Every holder of the way back is gone; no buffer will ever return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stages that return buffers have ended")]
pub struct PoolClosed;

/// Where the first stage takes empty buffers from. There are never more than were made at the
/// start, so a slow last stage slows the first one.
#[derive(Debug)]
pub struct Pool<T> {
    free: Receiver<T>,
}

/// Where the last stage returns buffers to.
#[derive(Clone, Debug)]
pub struct PoolReturn<T> {
    back: Sender<T>,
}

impl<T: Buffer> Pool<T> {
    /// A pool of `count` buffers made by `make`, and the way back to it.
    pub fn new(count: usize, mut make: impl FnMut() -> T) -> (Pool<T>, PoolReturn<T>) {
        let (back, free) = bounded(count);
        for _ in 0..count {
            if back.try_send(make()).is_err() {
                break;
            }
        }
        (Pool { free }, PoolReturn { back })
    }

    /// An empty buffer; waits until one returns.
    ///
    /// # Errors
    /// [`PoolClosed`] when none can return any more.
    pub fn take(&self) -> Result<T, PoolClosed> {
        self.free.recv().map_err(|_| PoolClosed)
    }

    /// An empty buffer if one is there.
    pub fn try_take(&self) -> Option<T> {
        self.free.try_recv().ok()
    }
}

impl<T: Buffer> PoolReturn<T> {
    /// Clears the buffer and returns it. A pool that is gone, or full because a buffer from
    /// elsewhere was returned to it, lets the buffer drop.
    pub fn give(&self, mut buffer: T) {
        buffer.clear();
        let _ = self.back.try_send(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_return_empty_with_their_allocation() {
        let (pool, back) = Pool::new(1, || Vec::<u8>::with_capacity(100));
        let mut buffer = pool.take().unwrap();
        assert!(pool.try_take().is_none());
        buffer.extend_from_slice(&[1; 50]);
        back.give(buffer);
        let again = pool.take().unwrap();
        assert!(again.is_empty() && again.capacity() >= 100);
    }

    #[test]
    fn a_pool_without_a_way_back_closes() {
        let (pool, back) = Pool::<Vec<u8>>::new(1, Vec::new);
        drop(back);
        assert!(pool.take().is_ok());
        assert_eq!(pool.take(), Err(PoolClosed));
    }
}
