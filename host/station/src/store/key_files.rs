//! The keys' bits, a file each.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use helio_distill::parameters::SessionId;
use helio_distill::release::BlockId;
use helio_keys::{BadRecord, Origin, SecretKey};
use zeroize::Zeroizing;

use super::fault::StoreFault;
use super::folder;

type Result<T> = std::result::Result<T, StoreFault>;

const ENDING: &str = ".key";
const PART: &str = ".part";

/// The folder with the keys of one station.
pub(super) struct KeyFiles {
    folder: PathBuf,
    marker: &'static str,
}

impl KeyFiles {
    /// `marker` ends the name of a file before its ending.
    pub fn new(station: &Path, marker: &'static str) -> KeyFiles {
        KeyFiles { folder: station.join("keys"), marker }
    }

    /// Makes the folder, if it is not there.
    pub fn make(&self) -> Result<()> {
        folder::make(&self.folder)
    }

    /// Writes a key, durably, under a name that says that its block is not known yet.
    pub fn write<O: Origin>(&self, id: BlockId, key: &SecretKey<O>) -> Result<()> {
        folder::write(&self.part(id), &key.to_record())
    }

    /// The block is known: the key's file gets its name. Not synced: either name is good.
    pub fn settle(&self, id: BlockId) {
        if let Err(error) = fs::rename(self.part(id), self.whole(id)) {
            log::debug!("{} keeps its name: {error}", self.part(id).display());
        }
    }

    /// Reads a key back.
    pub fn read<O: Origin>(&self, id: BlockId) -> Result<SecretKey<O>> {
        let mut path = self.whole(id);
        if !path.exists() {
            path = self.part(id);
        }
        let fault = |e| StoreFault::io(&path, &e);
        let lost = |what: String| StoreFault::Corrupted { path: path.clone(), what };
        let mut file = match fs::File::open(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Err(lost("it is gone".into())),
            file => file.map_err(fault)?,
        };
        let length = file.metadata().map_err(fault)?.len();
        // As long as the file from the start: a buffer that grows leaves copies behind.
        let mut record = Zeroizing::new(vec![0; length as usize]);
        file.read_exact(&mut record).map_err(fault)?;
        SecretKey::from_record(&record).map_err(|bad| match bad {
            BadRecord::Origin { found, wanted } => {
                StoreFault::Origin { path: path.clone(), found, wanted }
            }
            bad => lost(bad.to_string()),
        })
    }

    /// Wipes a key, under whichever name.
    pub fn wipe(&self, id: BlockId) -> Result<()> {
        folder::wipe(&self.part(id))?;
        folder::wipe(&self.whole(id))
    }

    /// Blocks with a key's file, and whether it has its name; other files are left alone.
    pub fn found(&self) -> Result<Vec<(BlockId, bool)>> {
        let fault = |e| StoreFault::io(&self.folder, &e);
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(fault)? {
            let name = entry.map_err(fault)?.file_name();
            let Some(name) = name.to_str() else { continue };
            let whole = name.strip_suffix(PART).unwrap_or(name);
            let stem = whole.strip_suffix(ENDING).and_then(|s| s.strip_suffix(self.marker));
            if let Some(id) = stem.and_then(parse) {
                found.push((id, whole == name));
            }
        }
        Ok(found)
    }

    fn whole(&self, id: BlockId) -> PathBuf {
        let BlockId { session, block } = id;
        self.folder.join(format!("{session}-{block}{}{ENDING}", self.marker))
    }

    fn part(&self, id: BlockId) -> PathBuf {
        let mut path = self.whole(id).into_os_string();
        path.push(PART);
        path.into()
    }
}

fn parse(stem: &str) -> Option<BlockId> {
    let (session, block) = stem.split_once('-')?;
    let session = SessionId::try_from(session.to_owned()).ok()?;
    Some(BlockId { session, block: block.parse().ok()? })
}
