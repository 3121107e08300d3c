//! Codes of slots that wait for the device's report, wiped as they go.

use zeroize::{Zeroize, Zeroizing};

/// A queue whose memory holds nothing but what is in it.
#[derive(Default)]
pub(super) struct Codes {
    held: Zeroizing<Vec<u8>>,
    /// Of them, how many are gone.
    gone: usize,
}

impl Codes {
    pub fn as_slice(&self) -> &[u8] {
        &self.held[self.gone..]
    }

    pub fn len(&self) -> usize {
        self.held.len() - self.gone
    }

    pub fn extend(&mut self, codes: impl ExactSizeIterator<Item = u8>) {
        let more = codes.len();
        if self.held.len() + more > self.held.capacity() {
            // A vector that grows by itself leaves a copy behind.
            let room = (2 * (self.len() + more)).next_power_of_two();
            let mut larger = Zeroizing::new(Vec::with_capacity(room));
            larger.extend_from_slice(self.as_slice());
            (self.held, self.gone) = (larger, 0);
        }
        self.held.extend(codes);
    }

    /// Drops the first ones.
    pub fn drop_front(&mut self, count: usize) {
        let gone = self.held.len().min(self.gone + count);
        self.held[self.gone..gone].zeroize();
        self.gone = gone;
        if self.gone == self.held.len() {
            self.held.clear();
            self.gone = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_and_leaves_nothing() {
        let mut codes = Codes::default();
        let (mut put, mut taken) = (0u32, 0u32);
        for step in 0..300u32 {
            let more = step * 7 % 97;
            codes.extend((put..put + more).map(|n| n as u8 | 1).collect::<Vec<_>>().into_iter());
            put += more;
            let fewer = (step * 5 % 101).min(put - taken);
            for (i, code) in codes.as_slice()[..fewer as usize].iter().enumerate() {
                assert_eq!(*code, (taken + i as u32) as u8 | 1);
            }
            codes.drop_front(fewer as usize);
            taken += fewer;
            assert_eq!(codes.len() as u32, put - taken);
            assert!(codes.held[..codes.gone].iter().all(|code| *code == 0));
        }
    }
}
