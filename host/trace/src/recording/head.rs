//! The head of a block: 64 bytes that say what its payload holds, so that a reader can pass it by.

use helio_units::Ticks;

use super::cursor::Cursor;

/// The first bytes of every block.
pub(super) const MAGIC: &[u8; 4] = b"HTRB";
pub(super) const HEAD_BYTES: usize = 64;
/// Where the least and the greatest tick stand.
pub(super) const TIMES_AT: u64 = 16;
/// At most so many records of each kind; a block of more than a reader should hold is none.
pub(super) const MAX_RECORDS: usize = 1 << 16;
/// More than [`MAX_RECORDS`] of each kind can be.
pub(super) const MAX_PAYLOAD: u32 = 1 << 23;

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Records,
    Index,
}

/// What stands before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: Kind,
    pub(super) has_dtimes: bool,
    /// Blocks of records before this one.
    pub(super) number: u32,
    pub(super) payload_bytes: u32,
    /// The least and the greatest tick of all records, or of none what was reached.
    pub(super) first: Ticks,
    pub(super) last: Ticks,
    pub(super) reached: Ticks,
    pub(super) photons: u32,
    pub(super) syncs: u32,
    pub(super) markers: u32,
    pub(super) losses: u32,
    pub(super) payload_crc: u32,
}

impl Head {
    pub(super) fn to_bytes(self) -> [u8; HEAD_BYTES] {
        let mut bytes = Vec::with_capacity(HEAD_BYTES);
        bytes.extend(MAGIC);
        bytes.extend([self.kind as u8, self.has_dtimes.into(), 0, 0]);
        bytes.extend(self.number.to_le_bytes());
        bytes.extend(self.payload_bytes.to_le_bytes());
        for tick in [self.first, self.last, self.reached] {
            bytes.extend(tick.0.to_le_bytes());
        }
        for count in [self.photons, self.syncs, self.markers, self.losses, self.payload_crc] {
            bytes.extend(count.to_le_bytes());
        }
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes.try_into().expect("as long as the fields are")
    }

    /// What is wrong with bytes that are no head is said in a few words.
    pub(super) fn parse(bytes: &[u8; HEAD_BYTES]) -> Result<Head, &'static str> {
        let mut from = Cursor::new(bytes, HEAD_BYTES);
        if from.array() != Some(*MAGIC) {
            return Err("no block");
        }
        let (fields, crc) = bytes.split_at(HEAD_BYTES - 4);
        if crc32fast::hash(fields).to_le_bytes() != crc {
            return Err("a head with a wrong checksum");
        }
        Head::fields(&mut from).ok_or("a head that no writer makes")
    }

    fn fields(from: &mut Cursor<'_>) -> Option<Head> {
        let [kind, flags, 0, 0] = from.array()? else { return None };
        let kind = match kind {
            0 => Kind::Records,
            1 => Kind::Index,
            _ => return None,
        };
        let head = Head {
            kind,
            has_dtimes: flags & 1 == 1,
            number: from.u32()?,
            payload_bytes: from.u32()?,
            first: Ticks(from.u64()?),
            last: Ticks(from.u64()?),
            reached: Ticks(from.u64()?),
            photons: from.u32()?,
            syncs: from.u32()?,
            markers: from.u32()?,
            losses: from.u32()?,
            payload_crc: from.u32()?,
        };
        let most = [head.photons, head.syncs, head.markers, head.losses].into_iter().max()?;
        let holds = most as usize <= MAX_RECORDS && head.payload_bytes <= MAX_PAYLOAD;
        let nothing = most == 0;
        let good = flags <= 1
            && head.first <= head.last
            && (head.photons > 0 || !head.has_dtimes)
            && match kind {
                Kind::Records if nothing => {
                    (head.first, head.last) == (head.reached, head.reached)
                        && head.payload_bytes == 0
                }
                Kind::Records => holds,
                Kind::Index => nothing,
            };
        good.then_some(head)
    }

    /// Records of all kinds.
    pub(super) fn records(&self) -> u64 {
        [self.photons, self.syncs, self.markers, self.losses].map(u64::from).iter().sum()
    }
}
