//! A station that does not run, read from its store.

use std::path::Path;

use helio_distill::pads::{Purpose, SETTLING_PADS, Way};
use helio_distill::release::{BlockState, StationStore, StoreError};
use helio_keys::Origin;

use super::{Epsilon, Keys, LastBlock, MOST_BLOCKS, Pads, Phase, Station, Status, unix_now_s};
use crate::store::{AnyStore, DiskStore, KeyEntry, StoreFault};

/// Reads the store of a station that does not run. While it is read the store is locked, as by a
/// station.
///
/// # Errors
/// Every [`StoreFault`] of opening and reading; [`StoreFault::InUse`] if the station runs.
pub fn read_store(state_folder: &Path) -> Result<Status, StoreFault> {
    match AnyStore::open(state_folder)? {
        AnyStore::Simulated(store) => read(state_folder, &store),
        AnyStore::Real(store) => read(state_folder, &store),
    }
}

fn read<O: Origin>(state_folder: &Path, store: &DiskStore<O>) -> Result<Status, StoreFault> {
    let identity = &store.header().identity;
    let entries = store.entries()?;
    let mut status = Status {
        phase: Phase::Stopped,
        station: Station {
            role: identity.role.to_string().to_lowercase(),
            peer: identity.peer.clone(),
            origin: O::NAME.to_owned(),
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            now_unix_s: unix_now_s(),
            state_folder: shown(state_folder),
            ..Station::default()
        },
        keys: keys(&entries),
        ..Status::default()
    };
    // The newest blocks' certificates tell the most.
    let mut block_epsilon = None;
    for entry in entries.iter().rev().take(MOST_BLOCKS) {
        let last = match store.certificate(entry.id)? {
            Some(certificate) => {
                let total = certificate.public.parameters.epsilon_total;
                block_epsilon = block_epsilon.or(Some(total));
                LastBlock {
                    run: entry.id.session.to_string(),
                    block: entry.id.block,
                    ..LastBlock::from_certificate(&certificate, entry.held_at)
                }
            }
            None => LastBlock::failed(entry.id, entry.held_at, "burnt"),
        };
        status.last_blocks.push(last);
    }
    (status.pads, status.epsilon) = store_budget(state_folder, store, block_epsilon)?;
    let found = obstacles(&status);
    status.waiting_for = Some(match found.is_empty() {
        true => format!("it does not run; start it with `helio {}`", status.station.role),
        false => found.join("; "),
    });
    Ok(status)
}

/// What keeps a station from making key, or what its next contact will settle, a sentence each:
/// the weightiest first; empty if nothing does.
pub fn obstacles(status: &Status) -> Vec<String> {
    const RENEW: &str = "give both stations of the pair a new secret with `helio pair --renew`";
    let (pads, epsilon, pending) = (&status.pads, &status.epsilon, status.keys.pending);
    let mut found = Vec::new();
    if pads.void {
        found.push(format!(
            "its pads are void, a restored backup would have used some of them twice: {RENEW}"
        ));
    }
    if pads.block_left == 0 {
        found.push(format!("no pads are left for blocks: {RENEW}"));
    }
    if pads.recovery_left < SETTLING_PADS {
        let left = pads.recovery_left;
        found.push(format!(
            "{left} pads are left for contact and recovery, and no block is begun with fewer than \
             {SETTLING_PADS}: {RENEW}"
        ));
    }
    if epsilon.blocks_left == Some(0) || epsilon.spent >= epsilon.limit {
        found.push(format!(
            "ε is spent, {:.2e} of {:e}, and no block fits in what is left: {RENEW}",
            epsilon.spent, epsilon.limit
        ));
    }
    if pending > 0 {
        let (keys, wait) = if pending == 1 { ("key", "waits") } else { ("keys", "wait") };
        found.push(format!(
            "{pending} {keys} {wait} for the other station's word, which the next contact brings: \
             start both stations"
        ));
    }
    found
}

/// Pads and ε that a store has left; `per_block` is what a block takes of ε.
///
/// # Errors
/// [`StoreFault::Io`] of reading.
pub fn store_budget<O: Origin>(
    folder: &Path,
    store: &DiskStore<O>,
    per_block: Option<f64>,
) -> Result<(Pads, Epsilon), StoreFault> {
    let spent = store.epsilon_spent().map_err(|e| medium(folder, e))?;
    Ok((pads(folder, store)?, Epsilon::new(spent, per_block)))
}

fn pads<O: Origin>(folder: &Path, store: &DiskStore<O>) -> Result<Pads, StoreFault> {
    let used = store.watermarks().map_err(|e| medium(folder, e))?;
    let left = |purpose| {
        let used = used.next(Way::Out, purpose).max(used.next(Way::In, purpose));
        store.pads(purpose).saturating_sub(used)
    };
    Ok(Pads {
        block_left: left(Purpose::Block),
        block_size: store.pads(Purpose::Block),
        recovery_left: left(Purpose::Recovery),
        recovery_size: store.pads(Purpose::Recovery),
        void: store.pads_are_void().map_err(|e| medium(folder, e))?,
    })
}

fn keys(entries: &[KeyEntry]) -> Keys {
    let mut keys = Keys::default();
    for entry in entries {
        match (entry.state, entry.taken_at) {
            (BlockState::Usable, None) => {
                keys.usable += 1;
                keys.usable_bits = keys.usable_bits.saturating_add(entry.bits);
            }
            (BlockState::Usable, Some(_)) => {
                keys.delivered_bits = keys.delivered_bits.saturating_add(entry.bits);
            }
            (BlockState::Pending, _) => keys.pending += 1,
            (BlockState::Burnt, _) => keys.burnt_blocks += 1,
        }
    }
    keys
}

/// The whole name of a folder: a relative one says little in another terminal.
fn shown(folder: &Path) -> String {
    let whole = std::path::absolute(folder);
    whole.unwrap_or_else(|_| folder.to_owned()).display().to_string()
}

fn medium(folder: &Path, error: StoreError) -> StoreFault {
    StoreFault::Io { path: folder.to_owned(), error: error.to_string() }
}
