//! A station that crashes at any write of its memory, before or after the write took effect, and
//! comes back: the keys never differ and no pad is used twice.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use helio_distill::certificate::Certificate;
use helio_distill::pads::{Purpose, Watermarks, Way};
use helio_distill::release::{BlockId, BlockState, StationStore, StoreError};
use helio_distill::{Role, alice, bob};
use helio_keys::{SecretKey, Simulated};

use crate::channel::{Link, emit};
use crate::pair::{Pair, Store, book, carry, entropy, local, parameters};

/// A disk that outlives its station, and a fuse that blows at one of the writes.
#[derive(Clone)]
struct Disk {
    kept: Rc<RefCell<Store>>,
    /// Writes until the crash; `None`: never.
    fuse: Rc<Cell<Option<u32>>>,
    /// Whether the write that crashes takes effect.
    after: bool,
    writes: Rc<Cell<u32>>,
    dead: Rc<Cell<bool>>,
}

impl Disk {
    fn new(fuse: Option<u32>, after: bool) -> Disk {
        Disk {
            kept: Rc::default(),
            fuse: Rc::new(Cell::new(fuse)),
            after,
            writes: Rc::default(),
            dead: Rc::default(),
        }
    }

    fn write(
        &mut self,
        action: impl FnOnce(&mut Store) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let crash = || StoreError::Medium("crash".to_owned());
        if self.dead.get() {
            return Err(crash());
        }
        self.writes.set(self.writes.get() + 1);
        match self.fuse.get() {
            Some(0) => {
                self.dead.set(true);
                if self.after {
                    action(&mut self.kept.borrow_mut())?;
                }
                Err(crash())
            }
            left => {
                self.fuse.set(left.map(|n| n - 1));
                action(&mut self.kept.borrow_mut())
            }
        }
    }

    fn replace(&mut self) {
        self.dead.set(false);
        self.fuse.set(None);
    }
}

impl StationStore<Simulated> for Disk {
    fn watermarks(&self) -> Result<Watermarks, StoreError> {
        self.kept.borrow().watermarks()
    }
    fn spend_pads(&mut self, way: Way, purpose: Purpose, next: u64) -> Result<(), StoreError> {
        self.write(|s| s.spend_pads(way, purpose, next))
    }
    fn record_proven(&mut self, purpose: Purpose, next: u64) -> Result<(), StoreError> {
        self.write(|s| s.record_proven(purpose, next))
    }
    fn void_pads(&mut self) -> Result<(), StoreError> {
        self.write(|s| s.void_pads())
    }
    fn pads_are_void(&self) -> Result<bool, StoreError> {
        self.kept.borrow().pads_are_void()
    }
    fn epsilon_spent(&self) -> Result<f64, StoreError> {
        self.kept.borrow().epsilon_spent()
    }
    fn record_epsilon(&mut self, total: f64) -> Result<(), StoreError> {
        self.write(|s| s.record_epsilon(total))
    }
    fn state(&self, id: BlockId) -> Result<Option<BlockState>, StoreError> {
        self.kept.borrow().state(id)
    }
    fn hold(
        &mut self,
        id: BlockId,
        key: SecretKey<Simulated>,
        certificate: Certificate,
    ) -> Result<(), StoreError> {
        self.write(|s| s.hold(id, key, certificate))
    }
    fn release(&mut self, id: BlockId) -> Result<(), StoreError> {
        self.write(|s| s.release(id))
    }
    fn burn(&mut self, id: BlockId) -> Result<(), StoreError> {
        self.write(|s| s.burn(id))
    }
    fn pending(&self) -> Result<Vec<BlockId>, StoreError> {
        self.kept.borrow().pending()
    }
}

/// A run with a crash of one station; it restarts from its disk. Returns the writes it made.
fn crash(who: Role, fuse: Option<u32>, after: bool) -> u32 {
    let what = format!("{who} crashes at write {fuse:?}, after {after}");
    let disks = match who {
        Role::Alice => [Disk::new(fuse, after), Disk::new(None, false)],
        Role::Bob => [Disk::new(None, false), Disk::new(fuse, after)],
    };
    let p = parameters(1_000_000);
    let mut pair = Pair::with(p.clone(), 21, disks[0].clone(), disks[1].clone());
    pair.connect(&mut carry);
    pair.block(0, Link::GOOD, &mut carry);
    let writes = disks[who as usize].writes.get();

    // The station starts anew: nothing but its disk is left.
    let mut disk = disks[who as usize].clone();
    disk.replace();
    match who {
        Role::Alice => {
            let random = entropy(22, "alice");
            pair.alice =
                alice::Session::new(p.clone(), local(), book(who, 1), random, disk).unwrap();
            pair.alice.lost_settings(0..1_000_000).unwrap();
        }
        Role::Bob => {
            let random = entropy(22, "bob");
            pair.bob = bob::Session::new(p.clone(), local(), book(who, 1), random, disk).unwrap();
            pair.bob.lost_settings(0..1_000_000).unwrap();
            pair.bob.reached(1_000_000).unwrap();
        }
    }
    pair.connect(&mut carry);
    pair.wait(&mut carry);
    assert!(pair.alice.is_open() && pair.bob.is_open(), "{what}: {:?}", pair.faults);

    let states = pair.states(0);
    let [a, b] = &disks;
    let (a, b) = (a.kept.borrow(), b.kept.borrow());
    match states {
        [Some(BlockState::Usable), Some(BlockState::Usable)] => {
            let (a, b) = (a.usable(pair.id(0)).unwrap(), b.usable(pair.id(0)).unwrap());
            assert!(bool::from(a.0.bits().ct_eq(b.0.bits())), "{what}");
        }
        [None | Some(BlockState::Burnt), None | Some(BlockState::Burnt)] => {
            assert!(fuse.is_some(), "{what}: {:?}", pair.faults);
        }
        _ => panic!("{what}: {states:?} {:?}", pair.faults),
    }
    drop((a, b));
    // The next block makes a key.
    let slots = emit(&p, Link::GOOD, 23, 1_000_000, 1_000_000);
    pair.feed(&slots);
    pair.pump(&mut carry);
    assert_eq!(pair.states(1), [Some(BlockState::Usable); 2], "{what}: {:?}", pair.faults);
    writes
}

#[test]
fn a_crash_at_any_write_of_alice_leaves_equal_keys_or_none() {
    let writes = crash(Role::Alice, None, false);
    assert!(writes >= 10, "{writes} writes");
    for write in 0..writes {
        crash(Role::Alice, Some(write), false);
        crash(Role::Alice, Some(write), true);
    }
}

#[test]
fn a_crash_at_any_write_of_bob_leaves_equal_keys_or_none() {
    let writes = crash(Role::Bob, None, false);
    assert!(writes >= 10, "{writes} writes");
    for write in 0..writes {
        crash(Role::Bob, Some(write), false);
        crash(Role::Bob, Some(write), true);
    }
}
