//! Bytes in order, in a fixed buffer.

use zeroize::Zeroize;

#[derive(Clone, Debug)]
pub struct Ring<const N: usize> {
    bytes: [u8; N],
    head: usize,
    length: usize,
}

impl<const N: usize> Ring<N> {
    pub const fn new() -> Ring<N> {
        Ring { bytes: [0; N], head: 0, length: 0 }
    }

    pub const fn len(&self) -> usize {
        self.length
    }

    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub const fn room(&self) -> usize {
        N - self.length
    }

    pub fn clear(&mut self) {
        (self.head, self.length) = (0, 0);
    }

    /// Appends all of `bytes`, or none if there is no room.
    pub fn push(&mut self, bytes: &[u8]) -> bool {
        if bytes.len() > self.room() {
            return false;
        }
        let end = (self.head + self.length) % N;
        let (first, rest) = bytes.split_at(bytes.len().min(N - end));
        self.bytes[end..end + first.len()].copy_from_slice(first);
        self.bytes[..rest.len()].copy_from_slice(rest);
        self.length += bytes.len();
        true
    }

    /// The oldest bytes, as far as they lie together; empty only if there are none.
    pub fn front(&self) -> &[u8] {
        &self.bytes[self.head..(self.head + self.length).min(N)]
    }

    /// Forgets the oldest `count` bytes, or all.
    pub fn consume(&mut self, count: usize) {
        let count = count.min(self.length);
        self.head = (self.head + count) % N;
        self.length -= count;
    }

    /// The same for at most what [`Ring::front`] shows, and nothing of it is left in the buffer.
    pub fn wipe(&mut self, count: usize) {
        let count = count.min(self.front().len());
        self.bytes[self.head..self.head + count].zeroize();
        self.consume(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    extern crate std;
    use std::collections::VecDeque;
    use std::vec::Vec;

    #[test]
    fn what_is_wiped_is_gone() {
        let mut ring = Ring::<7>::new();
        assert!(ring.push(&[1; 5]));
        ring.consume(5);
        assert!(ring.push(&[2; 7]));
        while !ring.is_empty() {
            ring.wipe(7);
        }
        assert_eq!(ring.bytes, [0; 7]);
    }

    proptest! {
        #[test]
        fn it_is_a_queue(steps in prop::collection::vec((0..2, 0..9usize), 0..200)) {
            let (mut ring, mut model) = (Ring::<7>::new(), VecDeque::new());
            let mut next = 0u8;
            for (push, count) in steps {
                if push == 1 {
                    let bytes: Vec<u8> = (0..count).map(|i| next.wrapping_add(i as u8)).collect();
                    let fits = count <= 7 - model.len();
                    prop_assert_eq!(ring.push(&bytes), fits);
                    if fits {
                        model.extend(bytes);
                        next = next.wrapping_add(count as u8);
                    }
                } else {
                    let front = ring.front().len();
                    prop_assert!(front <= model.len());
                    prop_assert_eq!(front == 0, model.is_empty());
                    prop_assert!(ring.front().iter().eq(model.iter().take(front)));
                    ring.consume(count);
                    model.drain(..count.min(model.len()));
                }
                prop_assert_eq!(ring.len(), model.len());
                prop_assert_eq!(ring.room(), 7 - model.len());
            }
        }
    }
}
