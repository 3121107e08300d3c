//! A simulated station in a folder of its own.

use std::path::Path;
use std::sync::OnceLock;

use helio_distill::Role;
use helio_distill::certificate::Certificate;
use helio_distill::parameters::SessionId;
use helio_distill::release::BlockId;
use helio_keys::{EntropySource, SecretKey, SeededEntropy, Simulated, SimulatedDevices};
use helio_station::store::{DiskStore, Identity, Pairing};

use crate::channel::Link;
use crate::pair::{self, Pair, carry};

pub type Store = DiskStore<Simulated>;

pub fn entropy(seed: u64) -> SeededEntropy {
    let devices = SimulatedDevices::declared(true, true).expect("both are simulated");
    SeededEntropy::new(devices, seed, "store tests")
}

pub fn identity(role: Role) -> Identity {
    Identity { role, peer: role.other().to_string().to_lowercase() }
}

pub fn pairing(seed: u64) -> Pairing<Simulated> {
    Pairing::fresh(&mut entropy(seed), 40, 24).expect("a sound number of pads")
}

pub fn create(station: &Path) -> Store {
    Store::create(station, &identity(Role::Alice), &pairing(1)).expect("a new station")
}

pub fn open(station: &Path) -> Store {
    Store::open(station, Some(&identity(Role::Alice))).expect("the station opens")
}

pub fn id(block: u64) -> BlockId {
    BlockId { session: SessionId([9; 16]), block }
}

/// The key of a block: the same one whenever it is asked for.
pub fn key(block: u64) -> SecretKey<Simulated> {
    let mut source = entropy(1000 + block);
    let bits = source.bits(300 + block as usize % 50).expect("never fails");
    SecretKey::new(bits, source.provenance())
}

/// A certificate as the talk makes it.
pub fn certificate() -> Certificate {
    static MADE: OnceLock<Certificate> = OnceLock::new();
    let make = || {
        let mut pair = Pair::<pair::Store>::new(1_000_000, 1);
        pair.connect(&mut carry);
        pair.block(0, Link::GOOD, &mut carry);
        let (_, certificate) = pair.bob.store().usable(pair.id(0)).expect("a key");
        certificate.clone()
    };
    MADE.get_or_init(make).clone()
}
