//! What the talk asks of its memory.

use std::time::{SystemTime, UNIX_EPOCH};

use helio_distill::certificate::Certificate;
use helio_distill::pads::{Purpose, Watermarks, Way};
use helio_distill::release::{BlockId, BlockState, StationStore, StoreError};
use helio_keys::{Origin, SecretKey};
use redb::{ReadableDatabase, ReadableTable, WriteTransaction};

use super::block_table::{
    BLOCKS, BURNT_AHEAD, CERTIFICATES, COUNTERS, EPSILON, PENDING, Row, SEQUENCE, VOID,
    counter_name, id_of, key_of, proven_name, purpose_code,
};
use super::disk_store::DiskStore;

impl<O: Origin> StationStore<O> for DiskStore<O> {
    fn watermarks(&self) -> Result<Watermarks, StoreError> {
        Ok(self.read_watermarks()?)
    }

    fn spend_pads(&mut self, way: Way, purpose: Purpose, next: u64) -> Result<(), StoreError> {
        let name = counter_name(way, purpose);
        let watermark = self.counter(name)?;
        if next <= watermark {
            return Err(StoreError::PadSpent { next, watermark });
        }
        self.write(|transaction| {
            transaction.open_table(COUNTERS)?.insert(name, next)?;
            if way == Way::In {
                let code = purpose_code(purpose);
                transaction
                    .open_table(BURNT_AHEAD)?
                    .retain_in((code, 0)..(code, next), |_, ()| false)?;
            }
            Ok(())
        })?;
        self.wipe_pads(way, purpose, watermark, next);
        Ok(())
    }

    fn burn_ahead(&mut self, purpose: Purpose, index: u64) -> Result<(), StoreError> {
        let watermark = self.counter(counter_name(Way::In, purpose))?;
        let next = index.saturating_add(1);
        let spent = StoreError::PadSpent { next, watermark };
        if index < watermark {
            return Err(spent);
        }
        let known = self.write(|transaction| {
            let mut table = transaction.open_table(BURNT_AHEAD)?;
            let known = table.insert((purpose_code(purpose), index), ())?;
            Ok(known.is_some())
        })?;
        if known {
            return Err(spent);
        }
        self.wipe_pads(Way::In, purpose, index, next);
        Ok(())
    }

    fn burnt_ahead(&self, purpose: Purpose) -> Result<Vec<u64>, StoreError> {
        Ok(self.read_burnt_ahead(purpose)?)
    }

    fn record_proven(&mut self, purpose: Purpose, next: u64) -> Result<(), StoreError> {
        let name = proven_name(purpose);
        if next > self.counter(name)? {
            self.write(|transaction| {
                transaction.open_table(COUNTERS)?.insert(name, next)?;
                Ok(())
            })?;
        }
        Ok(())
    }

    fn void_pads(&mut self) -> Result<(), StoreError> {
        Ok(self.write(|transaction| {
            transaction.open_table(COUNTERS)?.insert(VOID, 1)?;
            Ok(())
        })?)
    }

    fn pads_are_void(&self) -> Result<bool, StoreError> {
        Ok(self.counter(VOID)? != 0)
    }

    fn epsilon_spent(&self) -> Result<f64, StoreError> {
        Ok(f64::from_bits(self.counter(EPSILON)?))
    }

    fn record_epsilon(&mut self, total: f64) -> Result<(), StoreError> {
        // A sum that is not a number is raised to one that stops the station.
        let total = if total.is_nan() { f64::INFINITY } else { total };
        if total > self.epsilon_spent()? {
            self.write(|transaction| {
                transaction.open_table(COUNTERS)?.insert(EPSILON, total.to_bits())?;
                Ok(())
            })?;
        }
        Ok(())
    }

    fn state(&self, id: BlockId) -> Result<Option<BlockState>, StoreError> {
        Ok(self.row(&key_of(id))?.map(|row| row.state))
    }

    fn hold(
        &mut self,
        id: BlockId,
        key: SecretKey<O>,
        certificate: Certificate,
    ) -> Result<(), StoreError> {
        let block = key_of(id);
        if let Some(row) = self.row(&block)? {
            return Err(StoreError::WrongState { id, found: Some(row.state) });
        }
        let certificate = serde_json::to_vec(&certificate)
            .map_err(|e| StoreError::Medium(format!("the certificate of {id} as JSON: {e}")))?;
        self.keys.write(id, &key)?;
        let known = self.write(|transaction| {
            let sequence = next_sequence(transaction)?;
            let (bits, held_at) = (key.len() as u64, seconds_since_1970());
            let row = Row { state: BlockState::Pending, sequence, bits, held_at, taken_at: 0 };
            transaction.open_table(BLOCKS)?.insert(&block, row.to_bytes())?;
            transaction.open_table(CERTIFICATES)?.insert(&block, certificate.as_slice())?;
            transaction.open_table(PENDING)?.insert(sequence, &block)?;
            Ok(())
        });
        known?;
        self.keys.settle(id);
        Ok(())
    }

    fn release(&mut self, id: BlockId) -> Result<(), StoreError> {
        let block = key_of(id);
        match self.row(&block)? {
            Some(row) if row.state == BlockState::Pending => Ok(self.write(|transaction| {
                let row = Row { state: BlockState::Usable, ..row };
                transaction.open_table(BLOCKS)?.insert(&block, row.to_bytes())?;
                transaction.open_table(PENDING)?.remove(row.sequence)?;
                Ok(())
            })?),
            row => Err(StoreError::WrongState { id, found: row.map(|r| r.state) }),
        }
    }

    fn burn(&mut self, id: BlockId) -> Result<(), StoreError> {
        let block = key_of(id);
        let row = self.row(&block)?;
        match row.map(|r| r.state) {
            Some(BlockState::Usable) => {
                return Err(StoreError::WrongState { id, found: Some(BlockState::Usable) });
            }
            Some(BlockState::Burnt) => {}
            Some(BlockState::Pending) | None => self.write(|transaction| {
                let row = match row {
                    Some(row) => {
                        transaction.open_table(PENDING)?.remove(row.sequence)?;
                        Row { state: BlockState::Burnt, ..row }
                    }
                    None => {
                        let sequence = next_sequence(transaction)?;
                        let state = BlockState::Burnt;
                        let held_at = seconds_since_1970();
                        Row { state, sequence, bits: 0, held_at, taken_at: 0 }
                    }
                };
                transaction.open_table(BLOCKS)?.insert(&block, row.to_bytes())?;
                transaction.open_table(CERTIFICATES)?.remove(&block)?;
                Ok(())
            })?,
        }
        Ok(self.keys.wipe(id)?)
    }

    fn pending(&self) -> Result<Vec<BlockId>, StoreError> {
        let read = || -> Result<Vec<BlockId>, redb::Error> {
            let table = self.database.begin_read()?.open_table(PENDING)?;
            table.iter()?.map(|entry| Ok(id_of(entry?.1.value()))).collect()
        };
        Ok(read().map_err(|e| self.fault(e))?)
    }
}

impl<O: Origin> DiskStore<O> {
    /// Wipes pads whose use is durable. One that cannot be wiped now is wiped when the store is
    /// opened.
    fn wipe_pads(&mut self, way: Way, purpose: Purpose, from: u64, to: u64) {
        let role = self.header().identity.role;
        if let Err(fault) = self.pads.wipe(role, way, purpose, from, to) {
            log::warn!("a spent pad stays on disk: {fault}");
        }
    }
}

fn next_sequence(transaction: &WriteTransaction) -> Result<u64, redb::Error> {
    let mut table = transaction.open_table(COUNTERS)?;
    let next = table.get(SEQUENCE)?.map_or(0, |value| value.value());
    table.insert(SEQUENCE, next + 1)?;
    Ok(next)
}

/// For people: nothing is decided by it. 0 on a machine that believes to live before 1970.
pub(super) fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
