//! The station's memory on disk: pads used, ε spent, keys and their certificates.
//!
//! A station has a folder of its own, mode 0700, with files of mode 0600:
//!
//! | file | holds |
//! |---|---|
//! | `station.redb` | role, peer, watermarks, ε, each block's state and certificate |
//! | `pads-<pairing>.secret` | the pre-shared secret, spent pads zeroed |
//! | `keys/<run>-<block>.key` | the key's bits with origin and label |
//!
//! In a simulated station's folder every one of these names has `SIMULATED` in it, and every header
//! says so too. A [`DiskStore<Real>`](DiskStore) takes and gives keys of that type only:
//!
//! ```compile_fail,E0308
//! use helio_distill::{certificate::Certificate, release::{BlockId, StationStore}};
//! use helio_keys::{Real, SecretKey, Simulated};
//! use helio_station::store::DiskStore;
//! fn keep(store: &mut DiskStore<Real>, id: BlockId, key: SecretKey<Simulated>, c: Certificate) {
//!     let _ = store.hold(id, key, c);
//! }
//! ```
//!
//! The database is `redb`: pure Rust, one file, ACID, a crash at any moment leaves the last commit,
//! permissive licence, kept up. Its lock on the file keeps a second process out.
//!
//! # When a thing is durable
//! One rule: a method that returns `Ok` has passed an `fsync` of everything it changed. Each change
//! is one transaction, committed with `Durability::Immediate`. A key file is written and synced,
//! and its folder too, before the transaction that makes its block known, under a name ending in
//! `.part`; a `.part` whose block is unknown when the store is opened was never held, and is wiped.
//! Spent pads and burnt keys are wiped after the commit, so that a crash in between wipes too
//! little, never too much; opening the store makes up for it.
//!
//! # What wiping is worth
//! Key bits never enter the database: it copies pages on write, and a deleted value would stay in
//! a free page. They lie in files of their own, overwritten in place with zeros and synced, then
//! removed. A flash disk may keep the old cells until it erases them, and a file system that copies
//! on write (btrfs, ZFS, snapshots) keeps the old blocks: there, keep the folder on an encrypted
//! volume whose key can be destroyed.

mod block_table;
mod disk_store;
mod fault;
mod folder;
mod header;
mod key_files;
mod listing;
mod pad_file;
mod pairing;
mod station_store;

pub use disk_store::DiskStore;
pub use fault::StoreFault;
pub use folder::create as new_secret_file;
pub(crate) use folder::sync_names;
pub use header::{Header, Identity, PairingId};
pub use listing::{AnyStore, KeyEntry};
pub use pairing::Pairing;
