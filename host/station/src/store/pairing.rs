//! The first secret that two stations share.

use std::marker::PhantomData;

use helio_distill::pads::{PAD_BYTES, PadBook, PadLayout, SecretTooShort};
use helio_distill::{Role, pads::Purpose};
use helio_keys::{EntropySource, Origin};
use zeroize::Zeroizing;

use super::fault::StoreFault;
use super::header::PairingId;

/// A fresh pre-shared secret, to be kept by both stations and by nobody else.
pub struct Pairing<O: Origin> {
    pub(super) id: PairingId,
    pub(super) layout: PadLayout,
    pub(super) secret: Zeroizing<Vec<u8>>,
    origin: PhantomData<O>,
}

impl<O: Origin> Pairing<O> {
    /// Most pads of a direction: 64 MiB each.
    pub const MOST_PADS: u64 = 1 << 21;

    /// Draws pads for `blocks` tags of blocks and `reserve` tags of contact and recovery in each
    /// direction.
    ///
    /// # Errors
    /// [`StoreFault::TooFewPads`] if one of the numbers is zero or they are far too many;
    /// [`StoreFault::Entropy`].
    pub fn fresh(
        entropy: &mut impl EntropySource<Origin = O>,
        blocks: u64,
        reserve: u64,
    ) -> Result<Pairing<O>, StoreFault> {
        let per_direction = blocks.saturating_add(reserve);
        if blocks == 0 || reserve == 0 || per_direction > Self::MOST_PADS {
            return Err(StoreFault::TooFewPads(format!(
                "{blocks} pads for blocks and {reserve} in reserve do not work; give at least one \
                 of each and no more than {} together",
                Self::MOST_PADS
            )));
        }
        let mut id = [0; 16];
        entropy.fill(&mut id)?;
        let mut secret = Zeroizing::new(vec![0; 2 * PAD_BYTES * per_direction as usize]);
        entropy.fill(&mut secret)?;
        let layout = PadLayout { per_direction, reserve };
        Ok(Pairing { id: PairingId(id), layout, secret, origin: PhantomData })
    }

    /// The secret's name.
    pub fn id(&self) -> PairingId {
        self.id
    }

    /// Tags of a purpose that it lasts for, each direction.
    pub fn pads(&self, purpose: Purpose) -> u64 {
        self.layout.size(purpose)
    }

    /// The pads as `role` uses them.
    pub fn book(&self, role: Role) -> Result<PadBook, SecretTooShort> {
        PadBook::new(self.secret.clone(), role, self.layout.reserve)
    }
}
