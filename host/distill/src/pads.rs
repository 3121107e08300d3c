//! One-time pads for the tags: a pool a direction, each pad at an explicit index, used once.
//!
//! A pad is 32 bytes of the pre-shared secret: a 128-bit evaluation point and a 128-bit mask. The
//! book holds the bytes; which index is next is durable in the store, written before the pad is
//! read. The last pads of each pool are a reserve for contact and recovery.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::message::{Malformed, Reader, Role, Writer};

/// Bytes of the pre-shared secret that one tag takes.
pub const PAD_BYTES: usize = 32;

/// A receiver accepts an index less than this far beyond the next one it expects, and burns every pad
/// up to it: a forged index must not burn the whole pool. Pads of blocks that failed in between are
/// made up for at contact.
///
/// Proofs of contact that never arrive spend the sender's pads and not the receiver's, so that
/// somebody who cuts this many of them would shut the stations out for good. Therefore a receiver
/// also takes the one index that the sender's Hello names, however far ahead it is. The Hello may be
/// forged: until the tag proves it, this burns that one pad, marked by itself
/// ([`StationStore::burn_ahead`]), and the watermark stays. So beyond the window a forger burns one
/// pad a contact, fewer than within it, and no pad is read twice. A genuine proof whose pad a forger
/// burnt before is refused; the sender's next contact uses the next pad. What stays is that each
/// proof that is cut costs a pad, and a contact in which a Hello or a proof is forged up to a window
/// of them: at the end of the reserve there is no more contact, and the stations are paired again.
///
/// [`StationStore::burn_ahead`]: crate::release::StationStore::burn_ahead
pub const INDEX_WINDOW: u64 = 16;

/// Recovery pads a direction without which no block is begun: a question or its answer and a
/// contact, twice. Whoever spoils blocks at their last step drains the reserve by a question each;
/// without this floor the last of them could stay pending for good.
pub const SETTLING_PADS: u64 = 4;

/// What a pad is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// The tag of a new block.
    Block,
    /// Contact and the settling of old blocks; never used for new ones.
    Recovery,
}

/// Which way a tag travels, seen from this station.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// From this station.
    Out,
    /// To this station.
    In,
}

/// The next unused index of each pool, counted from 0 within the pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermarks {
    /// Tags of blocks that this station makes.
    pub out_block: u64,
    /// Tags of contact and recovery that this station makes.
    pub out_recovery: u64,
    /// Tags of blocks that this station verifies.
    pub in_block: u64,
    /// Tags of contact and recovery that this station verifies.
    pub in_recovery: u64,
    /// One past the last tag of a block that this station verified as genuine. Forged tags burn pads
    /// too; only genuine ones prove that the other station has used its own.
    pub proven_block: u64,
    /// The same for contact and recovery.
    pub proven_recovery: u64,
}

impl Watermarks {
    /// The next index of one pool.
    pub const fn next(&self, way: Way, purpose: Purpose) -> u64 {
        match (way, purpose) {
            (Way::Out, Purpose::Block) => self.out_block,
            (Way::Out, Purpose::Recovery) => self.out_recovery,
            (Way::In, Purpose::Block) => self.in_block,
            (Way::In, Purpose::Recovery) => self.in_recovery,
        }
    }

    /// The same, to be changed.
    pub const fn next_mut(&mut self, way: Way, purpose: Purpose) -> &mut u64 {
        match (way, purpose) {
            (Way::Out, Purpose::Block) => &mut self.out_block,
            (Way::Out, Purpose::Recovery) => &mut self.out_recovery,
            (Way::In, Purpose::Block) => &mut self.in_block,
            (Way::In, Purpose::Recovery) => &mut self.in_recovery,
        }
    }

    /// One past the last genuine tag of a pool that this station verified.
    pub const fn proven(&self, purpose: Purpose) -> u64 {
        match purpose {
            Purpose::Block => self.proven_block,
            Purpose::Recovery => self.proven_recovery,
        }
    }

    /// The same, to be changed.
    pub const fn proven_mut(&mut self, purpose: Purpose) -> &mut u64 {
        match purpose {
            Purpose::Block => &mut self.proven_block,
            Purpose::Recovery => &mut self.proven_recovery,
        }
    }

    /// The other station has verified tags with pads that this one thinks unused: what it holds is
    /// older than the truth. Pads that the other burnt on forged tags do not count: anybody can
    /// make it burn them.
    pub(crate) const fn is_behind(&self, other: &Watermarks) -> bool {
        other.proven_block > self.out_block || other.proven_recovery > self.out_recovery
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        let Watermarks { out_block, out_recovery, in_block, in_recovery, .. } = *self;
        let next = [out_block, out_recovery, in_block, in_recovery];
        next.into_iter().chain([self.proven_block, self.proven_recovery]).for_each(|n| out.u64(n));
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Watermarks, Malformed> {
        Ok(Watermarks {
            out_block: reader.u64()?,
            out_recovery: reader.u64()?,
            in_block: reader.u64()?,
            in_recovery: reader.u64()?,
            proven_block: reader.u64()?,
            proven_recovery: reader.u64()?,
        })
    }
}

/// Where each pad lies in the pre-shared secret: Alice's pads, then Bob's; in each half those for
/// blocks, then the reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PadLayout {
    /// Pads a direction, reserve included.
    pub per_direction: u64,
    /// Those of them that are kept for contact and recovery.
    pub reserve: u64,
}

impl PadLayout {
    /// Pads of one pool, used ones included.
    pub const fn size(&self, purpose: Purpose) -> u64 {
        match purpose {
            Purpose::Block => self.per_direction.saturating_sub(self.reserve),
            Purpose::Recovery => self.reserve,
        }
    }

    /// The pad's place in the secret, counted in pads, as the station `role` sees it; `None` past
    /// the pool's end.
    pub fn position(&self, role: Role, way: Way, purpose: Purpose, index: u64) -> Option<u64> {
        if index >= self.size(purpose) {
            return None;
        }
        let in_direction = match purpose {
            Purpose::Block => index,
            Purpose::Recovery => self.size(Purpose::Block) + index,
        };
        let maker = match way {
            Way::Out => role,
            Way::In => role.other(),
        };
        Some(in_direction + u64::from(maker.code()) * self.per_direction)
    }
}

/// The pads of both directions, cut from the pre-shared secret.
pub struct PadBook {
    secret: Zeroizing<Vec<u8>>,
    role: Role,
    layout: PadLayout,
}

/// The pre-shared secret is too short for the reserve asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the pre-shared secret gives {pads} pads a direction, but {reserve} are to be kept for \
     recovery; share a secret of more than {} bytes", 2 * PAD_BYTES as u64 * reserve
)]
pub struct SecretTooShort {
    /// Pads a direction.
    pub pads: u64,
    /// Recovery reserve asked for.
    pub reserve: u64,
}

impl PadBook {
    /// Cuts the secret: its first half makes Alice's tags, its second half Bob's. The last
    /// `reserve` pads of each half are kept for contact and recovery. Both stations give the same
    /// secret and the same reserve.
    ///
    /// # Errors
    /// [`SecretTooShort`] if no pad would be left for blocks, or none for recovery.
    pub fn new(
        secret: Zeroizing<Vec<u8>>,
        role: Role,
        reserve: u64,
    ) -> Result<PadBook, SecretTooShort> {
        let pads = (secret.len() / 2 / PAD_BYTES) as u64;
        if reserve == 0 || reserve >= pads {
            return Err(SecretTooShort { pads, reserve });
        }
        Ok(PadBook { secret, role, layout: PadLayout { per_direction: pads, reserve } })
    }

    /// Pads of one pool, used ones included.
    pub fn size(&self, purpose: Purpose) -> u64 {
        self.layout.size(purpose)
    }

    /// The pad at an index, taken out of the book: a second call for it gives `None`, as does an
    /// index past the pool's end. The caller has made the use of the index durable before.
    pub fn take(&mut self, way: Way, purpose: Purpose, index: u64) -> Option<Zeroizing<Box<[u8]>>> {
        let position = self.layout.position(self.role, way, purpose, index)?;
        let bytes = self.secret.chunks_exact_mut(PAD_BYTES).nth(position as usize)?;
        // On the heap: an array would leave a copy on the stack with each move.
        let pad = Zeroizing::new(Box::<[u8]>::from(&*bytes));
        bytes.zeroize();
        // A pad of zeros is one that was taken: a true one has this value once in 2²⁵⁶.
        if pad.iter().all(|&b| b == 0) { None } else { Some(pad) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(bytes: usize) -> Zeroizing<Vec<u8>> {
        Zeroizing::new((0..bytes).map(|i| (i * 7 + i / 256 + 1) as u8).collect())
    }

    #[test]
    fn what_one_makes_the_other_verifies_and_no_pad_serves_twice() {
        let mut alice = PadBook::new(secret(640), Role::Alice, 3).unwrap();
        let mut bob = PadBook::new(secret(640), Role::Bob, 3).unwrap();
        assert_eq!((alice.size(Purpose::Block), alice.size(Purpose::Recovery)), (7, 3));
        let mut seen = Vec::new();
        for purpose in [Purpose::Block, Purpose::Recovery] {
            for index in 0..alice.size(purpose) {
                let made = alice.take(Way::Out, purpose, index).unwrap();
                assert_eq!(made, bob.take(Way::In, purpose, index).unwrap());
                assert!(alice.take(Way::Out, purpose, index).is_none());
                let back = bob.take(Way::Out, purpose, index).unwrap();
                assert_eq!(back, alice.take(Way::In, purpose, index).unwrap());
                seen.push(made.to_vec());
                seen.push(back.to_vec());
            }
            assert!(alice.take(Way::Out, purpose, alice.size(purpose)).is_none());
            assert!(alice.take(Way::Out, purpose, u64::MAX).is_none());
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 20);
    }

    #[test]
    fn a_reserve_that_leaves_nothing_is_refused() {
        for reserve in [0, 10, 11] {
            assert!(PadBook::new(secret(640), Role::Alice, reserve).is_err());
        }
    }
}
