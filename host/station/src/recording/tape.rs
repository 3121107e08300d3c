//! `SECRET-talk.tape`: everything a station's talk was told, in order, so that it can be told again.
//!
//! The file begins with `HELIOTAPE2` and holds records: kind (1 byte), length (4 bytes, least
//! significant first), content. The first record is the header; settings and tags stand in files of
//! their own, a record says only that the next piece of them came.

use std::io::{self, BufRead, Write};

use helio_distill::pads::{PAD_BYTES, Purpose, Watermarks, Way};
use helio_distill::release::BlockId;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::config::SettingsChoice;

const MAGIC: &[u8; 10] = b"HELIOTAPE2";
/// A record is a message and a time at most.
const LONGEST: usize = helio_distill::MAX_MESSAGE_BYTES + 16;
/// Room is made as bytes come.
const STEP: usize = 64 * 1024;

/// What the talk started from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TapeHeader {
    /// Whose.
    pub role: helio_distill::Role,
    /// What both stations agreed on.
    pub parameters: helio_distill::parameters::Parameters,
    /// Seed of what this station drew.
    pub seed: u64,
    /// Where the settings came from.
    #[serde(default)]
    pub settings_source: SettingsChoice,
    /// How long a silence may last, in nanoseconds.
    pub silence_ns: u64,
    /// Blocks that are kept while the talk lags.
    pub max_blocks: usize,
    /// Blocks that are talked about at a time.
    pub blocks_in_flight: usize,
    /// What was compared besides the parameters.
    pub compared: Vec<(String, String)>,
    /// Pads a direction.
    pub pads_per_direction: u64,
    /// Those of them that are in reserve.
    pub reserve: u64,
    /// The store before the first word.
    pub watermarks: Watermarks,
    /// Pads burnt beyond them: for blocks, in reserve.
    pub burnt_ahead: [Vec<u64>; 2],
    /// The sum of ε before the first word.
    pub epsilon_spent: f64,
    /// Blocks that were pending.
    pub pending: Vec<BlockId>,
}

/// One thing that the talk was told, or said.
#[derive(Clone, PartialEq)]
pub enum Record {
    /// First of all.
    Header(Box<TapeHeader>),
    /// The line stood.
    Connect {
        /// The station's clock.
        now_ns: u64,
    },
    /// A message came.
    Message {
        /// The station's clock.
        now_ns: u64,
        /// As it came.
        bytes: Vec<u8>,
    },
    /// Time passed.
    Tick {
        /// The station's clock.
        now_ns: u64,
    },
    /// The next settings, or missing ones, of the settings' file.
    Settings,
    /// The next batch of tags.
    Tags,
    /// No new block from here on.
    WindDown,
    /// The block in progress was given up.
    Abort {
        /// The station's clock.
        now_ns: u64,
    },
    /// A pad that was used here.
    Pad {
        /// Whose tag it was for.
        way: Way,
        /// Which pool.
        purpose: Purpose,
        /// Which pad.
        index: u64,
        /// Its bytes.
        pad: Zeroizing<[u8; PAD_BYTES]>,
    },
    /// A message left.
    Said {
        /// Its CRC-32.
        crc32: u32,
    },
    /// A block ended with a key.
    Key {
        /// Its number.
        block: u64,
        /// Length of the key.
        bits: u64,
        /// SHA-256 over the SIMULATED key, cut.
        fingerprint: String,
    },
}

/// The kind alone: a record may hold a pad.
impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Record({})", char::from(self.kind()))
    }
}

impl Record {
    fn kind(&self) -> u8 {
        match self {
            Record::Header(_) => b'H',
            Record::Connect { .. } => b'C',
            Record::Message { .. } => b'M',
            Record::Tick { .. } => b'T',
            Record::Settings => b'S',
            Record::Tags => b'B',
            Record::WindDown => b'W',
            Record::Abort { .. } => b'A',
            Record::Pad { .. } => b'P',
            Record::Said { .. } => b'O',
            Record::Key { .. } => b'K',
        }
    }

    fn content(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::new());
        match self {
            Record::Header(header) => out.extend(serde_json::to_vec(header).unwrap_or_default()),
            Record::Connect { now_ns } | Record::Tick { now_ns } | Record::Abort { now_ns } => {
                out.extend(now_ns.to_le_bytes());
            }
            Record::Message { now_ns, bytes } => {
                out.extend(now_ns.to_le_bytes());
                out.extend(bytes);
            }
            Record::Settings | Record::Tags | Record::WindDown => {}
            Record::Pad { way, purpose, index, pad } => {
                out.push(u8::from(*way == Way::In));
                out.push(u8::from(*purpose == Purpose::Recovery));
                out.extend(index.to_le_bytes());
                out.extend(pad.as_slice());
            }
            Record::Said { crc32 } => out.extend(crc32.to_le_bytes()),
            Record::Key { block, bits, fingerprint } => {
                out.extend(block.to_le_bytes());
                out.extend(bits.to_le_bytes());
                out.extend(fingerprint.as_bytes());
            }
        }
        out
    }

    fn read(kind: u8, content: &[u8]) -> Option<Record> {
        let number = |at: usize| {
            let bytes = content.get(at..at + 8)?;
            Some(u64::from_le_bytes(bytes.try_into().ok()?))
        };
        let now = || number(0).filter(|_| content.len() == 8);
        let empty = || content.is_empty().then_some(());
        Some(match kind {
            b'H' => Record::Header(serde_json::from_slice(content).ok()?),
            b'C' => Record::Connect { now_ns: now()? },
            b'T' => Record::Tick { now_ns: now()? },
            b'A' => Record::Abort { now_ns: now()? },
            b'M' => Record::Message { now_ns: number(0)?, bytes: content[8..].to_vec() },
            b'S' => empty().map(|()| Record::Settings)?,
            b'B' => empty().map(|()| Record::Tags)?,
            b'W' => empty().map(|()| Record::WindDown)?,
            b'P' => {
                let way = [Way::Out, Way::In].get(usize::from(*content.first()?)).copied()?;
                let purposes = [Purpose::Block, Purpose::Recovery];
                let purpose = purposes.get(usize::from(*content.get(1)?)).copied()?;
                let pad = Zeroizing::new(content.get(10..)?.try_into().ok()?);
                Record::Pad { way, purpose, index: number(2)?, pad }
            }
            b'O' => Record::Said { crc32: u32::from_le_bytes(content.try_into().ok()?) },
            b'K' => {
                let fingerprint =
                    str::from_utf8(&content[16.min(content.len())..]).ok()?.to_owned();
                Record::Key { block: number(0)?, bits: number(8)?, fingerprint }
            }
            _ => return None,
        })
    }
}

/// Writes the first bytes of a tape.
///
/// # Errors
/// Of the writer.
pub fn begin(out: &mut impl Write) -> io::Result<()> {
    out.write_all(MAGIC)
}

/// Writes a record.
///
/// # Errors
/// Of the writer.
pub fn write(out: &mut impl Write, record: &Record) -> io::Result<()> {
    let content = record.content();
    out.write_all(&[record.kind()])?;
    out.write_all(&u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes())?;
    out.write_all(&content)
}

/// Reads records one by one.
pub struct TapeReader<R> {
    input: R,
}

impl<R: BufRead> TapeReader<R> {
    /// Checks the first bytes.
    ///
    /// # Errors
    /// In words: it is no tape, or cannot be read.
    pub fn new(mut input: R) -> Result<TapeReader<R>, String> {
        let mut magic = [0; MAGIC.len()];
        input.read_exact(&mut magic).map_err(|_| "is no tape of a station's talk".to_owned())?;
        if &magic != MAGIC {
            return Err("is no tape of a station's talk, or of another version".into());
        }
        Ok(TapeReader { input })
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// In words: it was cut or damaged.
    pub fn next_record(&mut self) -> Result<Option<Record>, String> {
        let torn = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => "was cut; record the run again".to_owned(),
            _ => format!("cannot be read on ({error}); copy the recording again"),
        };
        if self.input.fill_buf().map_err(torn)?.is_empty() {
            return Ok(None);
        }
        let mut head = [0; 5];
        self.input.read_exact(&mut head).map_err(torn)?;
        let [kind, length @ ..] = head;
        let length = u32::from_le_bytes(length) as usize;
        let damaged = || "is damaged; copy the recording again".to_owned();
        if length > LONGEST {
            return Err(damaged());
        }
        let mut content = Zeroizing::new(Vec::new());
        while content.len() < length {
            let from = content.len();
            content.resize(from + (length - from).min(STEP), 0);
            self.input.read_exact(&mut content[from..]).map_err(torn)?;
        }
        Record::read(kind, &content).map(Some).ok_or_else(damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn records() -> Vec<Record> {
        let header = TapeHeader {
            role: helio_distill::Role::Bob,
            parameters: helio_distill::parameters::Parameters::example(),
            seed: 7,
            settings_source: SettingsChoice::HostSeed,
            silence_ns: 1,
            max_blocks: 9,
            blocks_in_flight: 2,
            compared: vec![("slot rate".into(), "5 MHz".into())],
            pads_per_direction: 100,
            reserve: 20,
            watermarks: Watermarks { out_block: 3, ..Watermarks::default() },
            burnt_ahead: [vec![], vec![7]],
            epsilon_spent: 1e-9,
            pending: Vec::new(),
        };
        let pad = Zeroizing::new([5; PAD_BYTES]);
        vec![
            Record::Header(Box::new(header)),
            Record::Connect { now_ns: 1 },
            Record::Pad { way: Way::In, purpose: Purpose::Recovery, index: 3, pad },
            Record::Message { now_ns: 2, bytes: vec![1; 1000] },
            Record::Message { now_ns: 2, bytes: vec![] },
            Record::Said { crc32: 77 },
            Record::Tick { now_ns: 3 },
            Record::Settings,
            Record::Tags,
            Record::Key { block: 4, bits: 5, fingerprint: "ab".into() },
            Record::WindDown,
            Record::Abort { now_ns: 9 },
        ]
    }

    fn tape() -> Vec<u8> {
        let mut out = Vec::new();
        begin(&mut out).unwrap();
        records().iter().for_each(|record| write(&mut out, record).unwrap());
        out
    }

    fn read(bytes: &[u8]) -> Result<Vec<Record>, String> {
        let mut reader = TapeReader::new(bytes)?;
        let mut all = Vec::new();
        while let Some(record) = reader.next_record()? {
            all.push(record);
        }
        Ok(all)
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(read(&tape()), Ok(records()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_tape_or_refused(at in 0usize..3000, flip in any::<u8>(), cut: bool) {
            let mut bytes = tape();
            let at = at % bytes.len();
            if cut {
                bytes.truncate(at);
            } else {
                bytes[at] ^= flip;
            }
            let _ = read(&bytes);
        }
    }
}
