//! The keys of a station, to be looked at and delivered.

use std::path::Path;

use helio_distill::certificate::Certificate;
use helio_distill::release::{BlockId, BlockState};
use helio_keys::{Origin, Real, SecretKey, Simulated};
use redb::{ReadableDatabase, ReadableTable};

use super::block_table::{BLOCKS, CERTIFICATES, Row, id_of, key_of};
use super::disk_store::{DiskStore, found_origin};
use super::fault::StoreFault;
use super::header::Identity;
use super::station_store::seconds_since_1970;

type Result<T> = std::result::Result<T, StoreFault>;

/// One block as the store knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyEntry {
    /// Which block.
    pub id: BlockId,
    /// Where it stands.
    pub state: BlockState,
    /// Length of the key in bits; 0 for a block that never had one.
    pub bits: u64,
    /// The weakest randomness that went into the key, from its certificate.
    pub randomness: Option<String>,
    /// When the block was held or burnt first, in seconds since 1970 by this machine's clock.
    pub held_at: Option<u64>,
    /// When the key was delivered.
    pub taken_at: Option<u64>,
}

impl<O: Origin> DiskStore<O> {
    /// Every block known here, in the order in which they became known.
    ///
    /// # Errors
    /// The medium.
    pub fn entries(&self) -> Result<Vec<KeyEntry>> {
        let read = || -> std::result::Result<Vec<_>, redb::Error> {
            let table = self.database.begin_read()?.open_table(BLOCKS)?;
            let row = |entry: std::result::Result<_, redb::StorageError>| {
                let (key, row): (redb::AccessGuard<'_, &[u8; 24]>, redb::AccessGuard<'_, _>) =
                    entry?;
                Ok((id_of(key.value()), row.value()))
            };
            table.iter()?.map(row).collect()
        };
        let mut rows = Vec::new();
        for (id, row) in read().map_err(|e| self.fault(e))? {
            let bad = || self.lost(&format!("the state of {id}"));
            rows.push((id, Row::from_bytes(row).ok_or_else(bad)?));
        }
        rows.sort_by_key(|(_, row)| row.sequence);
        let seconds = |at: u64| (at > 0).then_some(at);
        rows.into_iter()
            .map(|(id, row)| {
                let certificate = self.certificate(id)?;
                Ok(KeyEntry {
                    id,
                    state: row.state,
                    bits: row.bits,
                    randomness: certificate.map(|c| c.public.weakest_randomness),
                    held_at: seconds(row.held_at),
                    taken_at: seconds(row.taken_at),
                })
            })
            .collect()
    }

    /// The certificate of a block that is pending or usable.
    ///
    /// # Errors
    /// The medium.
    pub fn certificate(&self, id: BlockId) -> Result<Option<Certificate>> {
        let read = || -> std::result::Result<_, redb::Error> {
            let table = self.database.begin_read()?.open_table(CERTIFICATES)?;
            Ok(table.get(&key_of(id))?.map(|json| json.value().to_vec()))
        };
        let Some(json) = read().map_err(|e| self.fault(e))? else { return Ok(None) };
        let bad = |e| self.lost(&format!("the certificate of {id}: {e}"));
        serde_json::from_slice(&json).map(Some).map_err(bad)
    }

    /// A usable key; it stays in the store and is not marked as taken.
    ///
    /// # Errors
    /// The key's file is gone or damaged, or does not fit the block's length; the medium.
    pub fn usable(&self, id: BlockId) -> Result<Option<SecretKey<O>>> {
        let Some(row) = self.row(&key_of(id))?.filter(|r| r.state == BlockState::Usable) else {
            return Ok(None);
        };
        let key = self.keys.read(id)?;
        if key.len() as u64 != row.bits {
            let what = format!("the key of {id} has {} bits in place of {}", key.len(), row.bits);
            return Err(self.lost(&what));
        }
        Ok(Some(key))
    }

    /// Marks a usable key as delivered, durably.
    ///
    /// # Errors
    /// As [`DiskStore::may_take`]; the medium.
    pub fn mark_taken(&mut self, id: BlockId, again: bool) -> Result<()> {
        let key = key_of(id);
        let row = self.takeable(id, again)?;
        self.write(|transaction| {
            let row = Row { taken_at: seconds_since_1970().max(1), ..row };
            transaction.open_table(BLOCKS)?.insert(&key, row.to_bytes())?;
            Ok(())
        })
    }

    /// Whether a key may be delivered.
    ///
    /// # Errors
    /// [`StoreFault::NoKey`] if the block is not usable; if it was taken before, unless `again`.
    pub fn may_take(&self, id: BlockId, again: bool) -> Result<()> {
        self.takeable(id, again).map(|_| ())
    }

    fn takeable(&self, id: BlockId, again: bool) -> Result<Row> {
        let why = match self.row(&key_of(id))? {
            Some(row) if row.state == BlockState::Usable => {
                if row.taken_at == 0 || again {
                    return Ok(row);
                }
                "it was delivered before; with --again it is delivered once more"
            }
            Some(row) if row.state == BlockState::Pending => {
                "the other station has not proven that it holds it; let both make contact"
            }
            Some(_) => "it is burnt; take another block",
            None => "the block is not known here; see `helio keys list`",
        };
        Err(StoreFault::NoKey { block: id.to_string(), why: why.to_owned() })
    }
}

/// A store whose origin is known only when its folder is looked at.
pub enum AnyStore {
    /// Simulated.
    Simulated(DiskStore<Simulated>),
    /// Real.
    Real(DiskStore<Real>),
}

impl AnyStore {
    /// Opens whatever station lies in the folder.
    ///
    /// # Errors
    /// As [`DiskStore::open`].
    pub fn open(station: &Path) -> Result<AnyStore> {
        AnyStore::open_as(station, None)
    }

    /// The same; with an identity, only this one.
    ///
    /// # Errors
    /// As [`DiskStore::open`].
    pub fn open_as(station: &Path, identity: Option<&Identity>) -> Result<AnyStore> {
        if found_origin(station) == Some(Simulated::NAME) {
            DiskStore::open(station, identity).map(AnyStore::Simulated)
        } else {
            DiskStore::open(station, identity).map(AnyStore::Real)
        }
    }
}
