//! Images in UF2 files: blocks of 512 bytes that each say where their 256 bytes belong
//! (<https://github.com/microsoft/uf2>; what the RP2350 takes of it: its data sheet, section 5.5.2).

use super::{FLASH_BEGIN, FLASH_END, PAGE, SECTOR};
use std::collections::BTreeMap;

const BLOCK: usize = 512;
const BEGIN_0: u32 = 0x0a32_4655;
const BEGIN_1: u32 = 0x9e5d_5157;
const END: u32 = 0x0ab1_6f30;
/// Flags: not for the main flash; the family stands in the block.
const NOT_MAIN_FLASH: u32 = 0x1;
const FAMILY_PRESENT: u32 = 0x2000;
/// Families: anywhere; an RP2350's secure Arm side.
const ABSOLUTE: u32 = 0xe48b_ff57;
const RP2350_ARM_S: u32 = 0xe48b_ff59;
/// A block for the last page of a 16 MiB flash that tools put first, for the sake of the drive of
/// boot ROMs with erratum RP2350-E10. Nothing is to be written there by us.
const E10_ADDRESS: u32 = 0x10ff_ff00;
/// No flash is larger.
const MOST_BLOCKS: usize = ((FLASH_END - FLASH_BEGIN) / PAGE) as usize;

/// First word of a block of image metadata (data sheet, section 5.1.5).
pub(super) const METADATA_BEGIN: u32 = 0xffff_ded3;

/// Why a file is no image for a board; goes on where the file's name stops.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUf2 {
    /// Another kind of file.
    #[error("is no UF2 file; choose the board's image, which ends in .uf2")]
    Other,
    /// A block is missing, damaged or there twice.
    #[error("is damaged at its block {0}; fetch it again")]
    Damaged(usize),
    /// Blocks at the end, or in the middle, are missing.
    #[error("has {found} of its {said} blocks; fetch it again")]
    Incomplete {
        /// Blocks in the file.
        found: usize,
        /// Blocks that there should be.
        said: usize,
    },
    /// For another chip.
    #[error("is for {}; choose the image for the RP2350's Arm cores", family(*.0))]
    Family(u32),
    /// Not for flash.
    #[error("is to be written to address {0:#010x}, which is no flash; choose an image for flash")]
    Address(u32),
    /// Not bootable.
    #[error(
        "has no image definition in its first 4096 bytes, so that no board would start it; choose \
         an image for the RP2350"
    )]
    NotBootable,
}

fn family(code: u32) -> String {
    match code {
        0xe48b_ff56 => "an RP2040".into(),
        ABSOLUTE => "an absolute address".into(),
        0xe48b_ff58 => "an RP2350's data partition".into(),
        0xe48b_ff5a => "an RP2350's RISC-V cores".into(),
        0xe48b_ff5b => "an RP2350's non-secure side".into(),
        _ => format!("another chip (family {code:#010x})"),
    }
}

/// An image for an RP2350's flash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uf2 {
    pages: BTreeMap<u32, [u8; PAGE as usize]>,
}

struct Block<'a> {
    flags: u32,
    address: u32,
    length: u32,
    number: u32,
    blocks: u32,
    family: u32,
    data: &'a [u8],
}

fn block(bytes: &[u8]) -> Option<Block<'_>> {
    let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| bytes[at + i]));
    let whole =
        bytes.len() == BLOCK && (word(0), word(4), word(BLOCK - 4)) == (BEGIN_0, BEGIN_1, END);
    whole.then(|| Block {
        flags: word(8),
        address: word(12),
        length: word(16),
        number: word(20),
        blocks: word(24),
        family: word(28),
        data: &bytes[32..32 + PAGE as usize],
    })
}

impl Uf2 {
    /// Reads a file. Only a whole image for the right chip is taken: each of its blocks once, all
    /// in flash, with what makes it bootable.
    ///
    /// # Errors
    /// [`InvalidUf2`].
    pub fn read(file: &[u8]) -> Result<Uf2, InvalidUf2> {
        if file.len() < BLOCK || block(&file[..BLOCK]).is_none() {
            return Err(InvalidUf2::Other);
        }
        let (mut pages, mut said) = (BTreeMap::new(), None);
        let mut numbers = Vec::new();
        for (at, bytes) in file.chunks(BLOCK).enumerate() {
            let block = block(bytes).ok_or(InvalidUf2::Damaged(at))?;
            let workaround = block.family == ABSOLUTE && block.address == E10_ADDRESS;
            if block.flags & NOT_MAIN_FLASH != 0 || workaround {
                continue;
            }
            if block.flags & FAMILY_PRESENT == 0 || block.family != RP2350_ARM_S {
                let family = if block.flags & FAMILY_PRESENT == 0 { 0 } else { block.family };
                return Err(InvalidUf2::Family(family));
            }
            if !(FLASH_BEGIN..FLASH_END).contains(&block.address) {
                return Err(InvalidUf2::Address(block.address));
            }
            let data: [u8; PAGE as usize] =
                block.data.try_into().map_err(|_| InvalidUf2::Damaged(at))?;
            if block.length != PAGE
                || !block.address.is_multiple_of(PAGE)
                || *said.get_or_insert(block.blocks) != block.blocks
                || block.number >= block.blocks
                || numbers.len() >= MOST_BLOCKS
                || pages.insert(block.address, data).is_some()
            {
                return Err(InvalidUf2::Damaged(at));
            }
            numbers.push(block.number);
        }
        numbers.sort_unstable();
        numbers.dedup();
        let (found, said) = (numbers.len(), said.unwrap_or(0) as usize);
        if found != pages.len() || found != said {
            return Err(InvalidUf2::Incomplete { found, said });
        }
        let image = Uf2 { pages };
        match image.metadata_pages().is_empty() {
            true => Err(InvalidUf2::NotBootable),
            false => Ok(image),
        }
    }

    /// Bytes in all pages.
    pub fn length(&self) -> u32 {
        self.pages.len() as u32 * PAGE
    }

    /// CRC-32 (IEEE) of all pages in order of their addresses: which image it is, in a log.
    pub fn checksum(&self) -> u32 {
        let mut crc = crc32fast::Hasher::new();
        self.pages.values().for_each(|page| crc.update(page));
        crc.finalize()
    }

    /// Addresses of the sectors that hold something, in order.
    pub fn sectors(&self) -> Vec<u32> {
        let mut sectors: Vec<u32> = self.pages.keys().map(|at| at - at % SECTOR).collect();
        sectors.dedup();
        sectors
    }

    /// What a sector shall hold: its pages, and 0xff where there is none.
    pub fn sector(&self, address: u32) -> Vec<u8> {
        let page = |at: u32| self.pages.get(&at).copied().unwrap_or([0xff; PAGE as usize]);
        (address..address + SECTOR).step_by(PAGE as usize).flat_map(page).collect()
    }

    /// Addresses of the pages of the first sector in which image metadata begin: what the boot ROM
    /// looks for before it starts an image.
    pub fn metadata_pages(&self) -> Vec<u32> {
        let begins = |page: &[u8; PAGE as usize]| {
            page.chunks_exact(4).any(|word| word == METADATA_BEGIN.to_le_bytes())
        };
        let first = self.pages.range(FLASH_BEGIN..FLASH_BEGIN + SECTOR);
        first.filter(|(_, page)| begins(page)).map(|(at, _)| *at).collect()
    }
}
