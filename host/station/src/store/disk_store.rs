//! A station's folder, open.

use std::fs;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use helio_distill::pads::{PadBook, Purpose, Watermarks, Way};
use helio_distill::release::BlockState;
use helio_keys::{Origin, Simulated};
use redb::backends::FileBackend;
use redb::{Builder, Database, Durability, ReadableDatabase, TableError, WriteTransaction};

use super::block_table::{
    BLOCKS, BURNT_AHEAD, CERTIFICATES, COUNTERS, EPSILON, PENDING, POOLS, Row, VOID, counter_name,
    id_of, key_of, proven_name, purpose_code,
};
use super::fault::StoreFault;
use super::folder;
use super::header::{self, Header, Identity, PairingId};
use super::key_files::KeyFiles;
use super::pad_file::PadFile;
use super::pairing::Pairing;

type Result<T> = std::result::Result<T, StoreFault>;

/// Pages kept in memory: the counters and the last some hundred blocks. More would only be memory that
/// grows for hours, as nothing old is read again.
const CACHE_BYTES: usize = 2 << 20;

/// The memory of one station on disk; while it lives, no other process can open it.
pub struct DiskStore<O: Origin> {
    pub(super) database: Database,
    pub(super) path: PathBuf,
    pub(super) keys: KeyFiles,
    pub(super) pads: PadFile,
    station: PathBuf,
    header: Header,
    origin: PhantomData<O>,
}

impl<O: Origin> DiskStore<O> {
    /// Makes the memory of a new station, which shares `pairing` with its peer.
    ///
    /// # Errors
    /// [`StoreFault::Exists`] if a station is there, of whichever origin; a folder that others can
    /// read; the medium.
    pub fn create(station: &Path, identity: &Identity, pairing: &Pairing<O>) -> Result<Self> {
        if holds_a_station(station) {
            return Err(StoreFault::Exists(station.to_owned()));
        }
        folder::make(station)?;
        KeyFiles::new(station, marker::<O>()).make()?;
        let pads = pads_path::<O>(station, pairing.id);
        PadFile::create(&pads, pairing)?;
        // The database appears whole under its name, and last: it makes the folder a station.
        let path = database_path::<O>(station);
        let new = path.with_extension("new");
        let header = Header { identity: identity.clone(), pairing: pairing.id };
        let made = (|| {
            let backend = FileBackend::new(folder::create(&new)?)
                .map_err(|e| StoreFault::database(&new, e))?;
            let database = builder()
                .create_with_backend(backend)
                .map_err(|e| StoreFault::database(&new, e))?;
            write(&database, &new, |transaction| {
                header::write(transaction, &header, O::NAME)?;
                reset_counters(transaction)?;
                transaction.open_table(BLOCKS)?;
                transaction.open_table(CERTIFICATES)?;
                transaction.open_table(PENDING)?;
                Ok(())
            })?;
            drop(database);
            fs::rename(&new, &path).map_err(|e| StoreFault::io(&path, &e))?;
            folder::sync_folder(station)
        })();
        if let Err(fault) = made {
            let _ = folder::wipe(&pads);
            let _ = folder::wipe(&new);
            return Err(fault);
        }
        DiskStore::open(station, Some(identity))
    }

    /// Opens the memory of a station; with an identity, only of this one.
    ///
    /// # Errors
    /// Every [`StoreFault`] but those of making one.
    pub fn open(station: &Path, identity: Option<&Identity>) -> Result<Self> {
        let path = database_path::<O>(station);
        if !path.exists() {
            return Err(match found_origin(station) {
                Some(found) => StoreFault::Origin {
                    path: station.to_owned(),
                    found: found.to_owned(),
                    wanted: O::NAME,
                },
                None => StoreFault::Missing(station.to_owned()),
            });
        }
        folder::private(station)?;
        folder::private(&path)?;
        let database = builder().open(&path).map_err(|e| StoreFault::database(&path, e))?;
        let header = header::read(&database, &path, O::NAME)?;
        if let Some(wanted) = identity {
            let found = &header.identity;
            let station = station.to_owned();
            if found.role != wanted.role {
                let (found, wanted) = (found.role, wanted.role);
                return Err(StoreFault::Role { path: station, found, wanted });
            }
            if found.peer != wanted.peer {
                let (found, wanted) = (found.peer.clone(), wanted.peer.clone());
                return Err(StoreFault::Peer { path: station, found, wanted });
            }
        }
        let keys = KeyFiles::new(station, marker::<O>());
        keys.make()?;
        let pads = PadFile::open::<O>(&pads_path::<O>(station, header.pairing), header.pairing)?;
        let station = station.to_owned();
        let mut store =
            DiskStore { database, path, keys, pads, station, header, origin: PhantomData };
        store.tidy_keys()?;
        store.wipe_spent_pads()?;
        Ok(store)
    }

    /// Role, peer and pairing.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The pads that are left.
    ///
    /// # Errors
    /// The medium.
    pub fn pad_book(&self) -> Result<PadBook> {
        self.pads.book(self.header.identity.role)
    }

    /// Pads of one pool in each direction, used ones included.
    pub fn pads(&self, purpose: Purpose) -> u64 {
        self.pads.size(purpose)
    }

    /// Takes a new pre-shared secret in place of the old one, which is wiped: counters and ε begin
    /// at zero, keys and blocks stay. The other station must take the same one.
    ///
    /// # Errors
    /// The medium. The station then has the old secret or the new one; if in doubt, renew again.
    pub fn renew(&mut self, pairing: &Pairing<O>) -> Result<()> {
        let new = pads_path::<O>(&self.station, pairing.id);
        if pairing.id == self.header.pairing {
            return Err(StoreFault::Exists(new));
        }
        PadFile::create(&new, pairing)?;
        let pads = PadFile::open::<O>(&new, pairing.id)?;
        let header = Header { pairing: pairing.id, ..self.header.clone() };
        // If the commit fails both secrets stay: which one counts is known at the next opening.
        self.write(|transaction| {
            header::write(transaction, &header, O::NAME)?;
            reset_counters(transaction)
        })?;
        self.pads = pads;
        let old = pads_path::<O>(&self.station, self.header.pairing);
        self.header = header;
        folder::wipe(&old)
    }

    /// Takes a station back that was just made: its secret is wiped and its folder holds none.
    ///
    /// # Errors
    /// The medium.
    pub fn undo(self) -> Result<()> {
        let DiskStore { database, path, station, header, .. } = self;
        drop(database);
        folder::wipe(&path)?;
        folder::wipe(&pads_path::<O>(&station, header.pairing))
    }

    /// Runs one transaction; on `Ok` it is durable.
    pub(super) fn write<T>(
        &self,
        change: impl FnOnce(&WriteTransaction) -> std::result::Result<T, redb::Error>,
    ) -> Result<T> {
        write(&self.database, &self.path, change)
    }

    pub(super) fn fault(&self, error: impl Into<redb::Error>) -> StoreFault {
        StoreFault::database(&self.path, error)
    }

    pub(super) fn counter(&self, name: &str) -> Result<u64> {
        let read = || -> std::result::Result<Option<u64>, redb::Error> {
            let table = self.database.begin_read()?.open_table(COUNTERS)?;
            Ok(table.get(name)?.map(|value| value.value()))
        };
        read().map_err(|e| self.fault(e))?.ok_or_else(|| self.lost(&format!("no count of {name}")))
    }

    pub(super) fn read_watermarks(&self) -> Result<Watermarks> {
        let mut watermarks = Watermarks::default();
        for (way, purpose) in POOLS {
            *watermarks.next_mut(way, purpose) = self.counter(counter_name(way, purpose))?;
        }
        for purpose in [Purpose::Block, Purpose::Recovery] {
            *watermarks.proven_mut(purpose) = self.counter(proven_name(purpose))?;
        }
        Ok(watermarks)
    }

    /// Pads to this station that were used beyond the watermark.
    pub(super) fn read_burnt_ahead(&self, purpose: Purpose) -> Result<Vec<u64>> {
        let code = purpose_code(purpose);
        let read = || -> std::result::Result<Vec<u64>, redb::Error> {
            let table = match self.database.begin_read()?.open_table(BURNT_AHEAD) {
                Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                table => table?,
            };
            let entries = table.range((code, 0)..=(code, u64::MAX))?;
            entries.map(|entry| Ok(entry?.0.value().1)).collect()
        };
        read().map_err(|e| self.fault(e))
    }

    pub(super) fn lost(&self, what: &str) -> StoreFault {
        StoreFault::Corrupted { path: self.path.clone(), what: what.to_owned() }
    }

    /// After a crash: burnt keys and keys that were never held are wiped; held ones get their name.
    fn tidy_keys(&self) -> Result<()> {
        for (id, whole) in self.keys.found()? {
            match self.row(&key_of(id))?.map(|row| row.state) {
                Some(BlockState::Burnt) => self.keys.wipe(id)?,
                Some(_) if !whole => self.keys.settle(id),
                Some(_) => {}
                None if !whole => self.keys.wipe(id)?,
                // Only a database older than its keys does not know a key of a whole name.
                None => log::warn!(
                    "the key of {id} lies in {} and its block is not known; was {} put back from \
                     a backup?",
                    self.station.display(),
                    self.path.display()
                ),
            }
        }
        Ok(())
    }

    fn wipe_spent_pads(&mut self) -> Result<()> {
        let watermarks = self.read_watermarks()?;
        let role = self.header.identity.role;
        for (way, purpose) in POOLS {
            self.pads.wipe(role, way, purpose, 0, watermarks.next(way, purpose))?;
        }
        for purpose in [Purpose::Block, Purpose::Recovery] {
            for index in self.read_burnt_ahead(purpose)? {
                self.pads.wipe(role, Way::In, purpose, index, index.saturating_add(1))?;
            }
        }
        Ok(())
    }

    pub(super) fn row(&self, key: &[u8; 24]) -> Result<Option<Row>> {
        let read = || -> std::result::Result<_, redb::Error> {
            let table = self.database.begin_read()?.open_table(BLOCKS)?;
            Ok(table.get(key)?.map(|row| row.value()))
        };
        let Some(row) = read().map_err(|e| self.fault(e))? else { return Ok(None) };
        let bad = || self.lost(&format!("the state of {}", id_of(key)));
        Row::from_bytes(row).map(Some).ok_or_else(bad)
    }
}

/// The name of the origin whose station lies in the folder.
pub(super) fn found_origin(station: &Path) -> Option<&'static str> {
    [
        (Simulated::NAME, database_path::<Simulated>(station)),
        (helio_keys::Real::NAME, database_path::<helio_keys::Real>(station)),
    ]
    .into_iter()
    .find_map(|(name, path)| path.exists().then_some(name))
}

/// Whether a station lies there, or a secret that one left behind.
fn holds_a_station(station: &Path) -> bool {
    let secret = |entry: fs::DirEntry| {
        let name = entry.file_name();
        name.to_str().is_some_and(|n| n.starts_with("pads-") && n.ends_with(".secret"))
    };
    found_origin(station).is_some()
        || fs::read_dir(station).is_ok_and(|mut list| list.any(|e| e.is_ok_and(secret)))
}

fn builder() -> Builder {
    let mut builder = Database::builder();
    // The whole file is read once at opening: a damaged page is told then, not at the worst moment.
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    builder
}

fn write<T>(
    database: &Database,
    path: &Path,
    change: impl FnOnce(&WriteTransaction) -> std::result::Result<T, redb::Error>,
) -> Result<T> {
    let run = || -> std::result::Result<T, redb::Error> {
        let mut transaction = database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        let value = change(&transaction)?;
        transaction.commit()?;
        Ok(value)
    };
    run().map_err(|e| StoreFault::database(path, e))
}

fn reset_counters(transaction: &WriteTransaction) -> std::result::Result<(), redb::Error> {
    let mut table = transaction.open_table(COUNTERS)?;
    for (way, purpose) in POOLS {
        table.insert(counter_name(way, purpose), 0)?;
    }
    for purpose in [Purpose::Block, Purpose::Recovery] {
        table.insert(proven_name(purpose), 0)?;
    }
    table.insert(VOID, 0)?;
    table.insert(EPSILON, 0f64.to_bits())?;
    transaction.open_table(BURNT_AHEAD)?.retain(|_, ()| false)?;
    Ok(())
}

fn marker<O: Origin>() -> &'static str {
    if O::NAME == Simulated::NAME { ".SIMULATED" } else { "" }
}

fn database_path<O: Origin>(station: &Path) -> PathBuf {
    station.join(format!("station{}.redb", marker::<O>()))
}

fn pads_path<O: Origin>(station: &Path, pairing: PairingId) -> PathBuf {
    station.join(format!("pads-{pairing}{}.secret", marker::<O>()))
}
