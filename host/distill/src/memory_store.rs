//! A station's memory that lasts as long as the process: for tests, demonstrations and replays.

use std::collections::{BTreeMap, BTreeSet};

use helio_keys::{Origin, SecretKey};

use crate::certificate::Certificate;
use crate::pads::{Purpose, Watermarks, Way};
use crate::release::{BlockId, BlockState, StationStore, StoreError};

/// Remembers in memory only.
pub struct MemoryStore<O: Origin> {
    watermarks: Watermarks,
    /// By purpose: pads to this station that were used beyond the watermark.
    ahead: [BTreeSet<u64>; 2],
    void: bool,
    epsilon: f64,
    blocks: BTreeMap<BlockId, Entry<O>>,
}

struct Entry<O: Origin> {
    state: BlockState,
    held: Option<(SecretKey<O>, Certificate)>,
}

impl<O: Origin> Default for MemoryStore<O> {
    fn default() -> Self {
        MemoryStore {
            watermarks: Watermarks::default(),
            ahead: Default::default(),
            void: false,
            epsilon: 0.0,
            blocks: BTreeMap::new(),
        }
    }
}

impl<O: Origin> MemoryStore<O> {
    /// A memory that goes on where another one stood: for the replay of a station's talk. Of blocks that
    /// were pending it knows the names, not the keys.
    pub fn resumed(
        watermarks: Watermarks,
        burnt_ahead: [Vec<u64>; 2],
        epsilon: f64,
        pending: impl IntoIterator<Item = BlockId>,
    ) -> MemoryStore<O> {
        let entry = |id| (id, Entry { state: BlockState::Pending, held: None });
        MemoryStore {
            watermarks,
            epsilon,
            ahead: burnt_ahead.map(|indices| indices.into_iter().collect()),
            blocks: pending.into_iter().map(entry).collect(),
            ..MemoryStore::default()
        }
    }

    /// A usable key and its certificate.
    pub fn usable(&self, id: BlockId) -> Option<(&SecretKey<O>, &Certificate)> {
        let entry = self.blocks.get(&id).filter(|e| e.state == BlockState::Usable)?;
        entry.held.as_ref().map(|(key, certificate)| (key, certificate))
    }

    /// Takes a usable key out, to be delivered once. The block stays known as usable.
    pub fn take(&mut self, id: BlockId) -> Option<(SecretKey<O>, Certificate)> {
        let entry = self.blocks.get_mut(&id).filter(|e| e.state == BlockState::Usable)?;
        entry.held.take()
    }

    /// Every block known here and where it stands.
    pub fn blocks(&self) -> impl Iterator<Item = (BlockId, BlockState)> + '_ {
        self.blocks.iter().map(|(&id, entry)| (id, entry.state))
    }
}

impl<O: Origin> StationStore<O> for MemoryStore<O> {
    fn watermarks(&self) -> Result<Watermarks, StoreError> {
        Ok(self.watermarks)
    }

    fn spend_pads(&mut self, way: Way, purpose: Purpose, next: u64) -> Result<(), StoreError> {
        let watermark = self.watermarks.next_mut(way, purpose);
        if next <= *watermark {
            return Err(StoreError::PadSpent { next, watermark: *watermark });
        }
        *watermark = next;
        if way == Way::In {
            let ahead = &mut self.ahead[purpose as usize];
            *ahead = ahead.split_off(&next);
        }
        Ok(())
    }

    fn burn_ahead(&mut self, purpose: Purpose, index: u64) -> Result<(), StoreError> {
        let watermark = self.watermarks.next(Way::In, purpose);
        if index < watermark || !self.ahead[purpose as usize].insert(index) {
            return Err(StoreError::PadSpent { next: index.saturating_add(1), watermark });
        }
        Ok(())
    }

    fn burnt_ahead(&self, purpose: Purpose) -> Result<Vec<u64>, StoreError> {
        Ok(self.ahead[purpose as usize].iter().copied().collect())
    }

    fn record_proven(&mut self, purpose: Purpose, next: u64) -> Result<(), StoreError> {
        let proven = self.watermarks.proven_mut(purpose);
        *proven = next.max(*proven);
        Ok(())
    }

    fn void_pads(&mut self) -> Result<(), StoreError> {
        self.void = true;
        Ok(())
    }

    fn pads_are_void(&self) -> Result<bool, StoreError> {
        Ok(self.void)
    }

    fn epsilon_spent(&self) -> Result<f64, StoreError> {
        Ok(self.epsilon)
    }

    fn record_epsilon(&mut self, total: f64) -> Result<(), StoreError> {
        self.epsilon = self.epsilon.max(total);
        Ok(())
    }

    fn state(&self, id: BlockId) -> Result<Option<BlockState>, StoreError> {
        Ok(self.blocks.get(&id).map(|e| e.state))
    }

    fn hold(
        &mut self,
        id: BlockId,
        key: SecretKey<O>,
        certificate: Certificate,
    ) -> Result<(), StoreError> {
        if let Some(entry) = self.blocks.get(&id) {
            return Err(StoreError::WrongState { id, found: Some(entry.state) });
        }
        let entry = Entry { state: BlockState::Pending, held: Some((key, certificate)) };
        self.blocks.insert(id, entry);
        Ok(())
    }

    fn release(&mut self, id: BlockId) -> Result<(), StoreError> {
        match self.blocks.get_mut(&id) {
            Some(entry) if entry.state == BlockState::Pending => {
                entry.state = BlockState::Usable;
                Ok(())
            }
            found => Err(StoreError::WrongState { id, found: found.map(|e| e.state) }),
        }
    }

    fn burn(&mut self, id: BlockId) -> Result<(), StoreError> {
        let burnt = Entry { state: BlockState::Burnt, held: None };
        let entry = self.blocks.entry(id).or_insert(burnt);
        if entry.state == BlockState::Usable {
            return Err(StoreError::WrongState { id, found: Some(BlockState::Usable) });
        }
        entry.state = BlockState::Burnt;
        entry.held = None;
        Ok(())
    }

    fn pending(&self) -> Result<Vec<BlockId>, StoreError> {
        let pending = self.blocks.iter().filter(|(_, e)| e.state == BlockState::Pending);
        Ok(pending.map(|(&id, _)| id).collect())
    }
}
