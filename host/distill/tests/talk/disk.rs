//! A disk that outlives its station: a write is durable once its method returned `Ok`, and a fuse
//! makes one write fail before or after it took effect.

use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use helio_distill::certificate::Certificate;
use helio_distill::pads::{Purpose, Watermarks, Way};
use helio_distill::release::{BlockId, BlockState, StationStore, StoreError};
use helio_keys::{EntropySource, SecretBits, SecretKey, Simulated};

use crate::pair::{Store, entropy};

/// What happens to one write to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fuse {
    /// Writes that succeed before.
    pub writes: u32,
    /// Whether the failing write takes effect.
    pub after: bool,
    /// Whether all later writes fail too, until the station is started anew.
    pub dies: bool,
}

const PURPOSES: [Purpose; 2] = [Purpose::Block, Purpose::Recovery];

type Held = (SecretBits, Certificate);

#[derive(Default)]
struct Platter {
    kept: Store,
    /// Every key that was ever held, so that tests can look at pending ones.
    held: BTreeMap<BlockId, Held>,
    fuse: Option<Fuse>,
    writes: u32,
    dead: bool,
}

/// A handle on a station's disk; clones are the same disk.
#[derive(Clone, Default)]
pub struct Disk {
    platter: Rc<RefCell<Platter>>,
}

/// A disk's content, to start other machines from.
pub struct Content {
    blocks: Vec<(BlockId, BlockState, Option<Held>)>,
    spent: Watermarks,
    ahead: [Vec<u64>; 2],
    epsilon: f64,
}

impl Disk {
    pub fn set_fuse(&self, fuse: Option<Fuse>) {
        self.platter.borrow_mut().fuse = fuse;
    }

    /// Writes asked for so far, those after death not counted.
    pub fn writes(&self) -> u32 {
        self.platter.borrow().writes
    }

    /// Whether a crash happened at a write.
    pub fn is_dead(&self) -> bool {
        self.platter.borrow().dead
    }

    /// The machine is up again; what was durable is there.
    pub fn revive(&self) {
        let mut platter = self.platter.borrow_mut();
        platter.dead = false;
        platter.fuse = None;
    }

    pub fn kept(&self) -> Ref<'_, Store> {
        Ref::map(self.platter.borrow(), |p| &p.kept)
    }

    /// Bits of the key that a block has or had here.
    pub fn held(&self, id: BlockId) -> Option<SecretBits> {
        self.platter.borrow().held.get(&id).map(|(bits, _)| bits.duplicate())
    }

    /// What is on the disk now.
    pub fn content(&self) -> Content {
        let platter = self.platter.borrow();
        let copy = |(bits, certificate): &Held| (bits.duplicate(), certificate.clone());
        let blocks = platter.kept.blocks();
        Content {
            blocks: blocks.map(|(id, s)| (id, s, platter.held.get(&id).map(copy))).collect(),
            spent: platter.kept.watermarks().expect("memory"),
            ahead: PURPOSES.map(|p| platter.kept.burnt_ahead(p).expect("memory")),
            epsilon: platter.kept.epsilon_spent().expect("memory"),
        }
    }

    /// A new disk with that content.
    pub fn of(content: &Content) -> Result<Disk, StoreError> {
        let mut disk = Disk::default();
        for (id, state, held) in &content.blocks {
            if let Some((bits, certificate)) = held {
                let key = SecretKey::new(bits.duplicate(), entropy(0, "copy").provenance());
                disk.hold(*id, key, certificate.clone())?;
            }
            match state {
                BlockState::Pending => {}
                BlockState::Usable => disk.release(*id)?,
                BlockState::Burnt => disk.burn(*id)?,
            }
        }
        for way in [Way::Out, Way::In] {
            for purpose in PURPOSES {
                let next = content.spent.next(way, purpose);
                if next > 0 {
                    disk.spend_pads(way, purpose, next)?;
                }
            }
        }
        for (purpose, ahead) in PURPOSES.into_iter().zip(&content.ahead) {
            ahead.iter().try_for_each(|&index| disk.burn_ahead(purpose, index))?;
            disk.record_proven(purpose, content.spent.proven(purpose))?;
        }
        disk.record_epsilon(content.epsilon)?;
        Ok(disk)
    }

    fn write(
        &self,
        action: impl FnOnce(&mut Platter) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let broken = || StoreError::Medium("a write failed".to_owned());
        let mut platter = self.platter.borrow_mut();
        if platter.dead {
            return Err(broken());
        }
        platter.writes += 1;
        match platter.fuse {
            Some(Fuse { writes: 0, after, dies }) => {
                platter.fuse = None;
                platter.dead = dies;
                if after {
                    action(&mut platter)?;
                }
                Err(broken())
            }
            fuse => {
                platter.fuse = fuse.map(|f| Fuse { writes: f.writes - 1, ..f });
                action(&mut platter)
            }
        }
    }
}

impl StationStore<Simulated> for Disk {
    fn watermarks(&self) -> Result<Watermarks, StoreError> {
        self.kept().watermarks()
    }
    fn spend_pads(&mut self, way: Way, purpose: Purpose, next: u64) -> Result<(), StoreError> {
        self.write(|p| p.kept.spend_pads(way, purpose, next))
    }
    fn burn_ahead(&mut self, purpose: Purpose, index: u64) -> Result<(), StoreError> {
        self.write(|p| p.kept.burn_ahead(purpose, index))
    }
    fn burnt_ahead(&self, purpose: Purpose) -> Result<Vec<u64>, StoreError> {
        self.kept().burnt_ahead(purpose)
    }
    fn record_proven(&mut self, purpose: Purpose, next: u64) -> Result<(), StoreError> {
        self.write(|p| p.kept.record_proven(purpose, next))
    }
    fn void_pads(&mut self) -> Result<(), StoreError> {
        self.write(|p| p.kept.void_pads())
    }
    fn pads_are_void(&self) -> Result<bool, StoreError> {
        self.kept().pads_are_void()
    }
    fn epsilon_spent(&self) -> Result<f64, StoreError> {
        self.kept().epsilon_spent()
    }
    fn record_epsilon(&mut self, total: f64) -> Result<(), StoreError> {
        self.write(|p| p.kept.record_epsilon(total))
    }
    fn state(&self, id: BlockId) -> Result<Option<BlockState>, StoreError> {
        self.kept().state(id)
    }
    fn hold(
        &mut self,
        id: BlockId,
        key: SecretKey<Simulated>,
        certificate: Certificate,
    ) -> Result<(), StoreError> {
        self.write(|p| {
            let copy = (key.bits().duplicate(), certificate.clone());
            p.kept.hold(id, key, certificate)?;
            p.held.insert(id, copy);
            Ok(())
        })
    }
    fn release(&mut self, id: BlockId) -> Result<(), StoreError> {
        self.write(|p| p.kept.release(id))
    }
    fn burn(&mut self, id: BlockId) -> Result<(), StoreError> {
        self.write(|p| p.kept.burn(id))
    }
    fn pending(&self) -> Result<Vec<BlockId>, StoreError> {
        self.kept().pending()
    }
}
