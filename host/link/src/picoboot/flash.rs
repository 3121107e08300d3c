//! An image into a board, so that it can be cut at any point.
//!
//! A board starts what it finds metadata of in the first 4096 bytes of flash (data sheet, section
//! 5.1.5), and goes to its boot loader where there are none. So the first sector is erased first,
//! and from then on there is nothing to start; every other sector is written and read back; and of
//! the first sector the pages in which metadata begin are written last. At every point before the
//! last page the board has its old image whole, or none; after it, the new one whole.
//!
//! The grain is a page, which the boot ROM programs once it has all of its 256 bytes. A supply that
//! fails within the 0.4 ms of programming the very last page may leave it half programmed; an image
//! sealed with a hash (data sheet, section 5.1.8) is proof against that too.

use super::port::BootPort;
use super::rom::{BootFault, BootRom};
use super::uf2::Uf2;
use super::{FLASH_BEGIN, PAGE, SECTOR};

/// Why a board was not flashed. It is in its boot loader, or has its old image if nothing was
/// erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlashFault {
    /// The boot loader.
    #[error(transparent)]
    Boot(#[from] BootFault),
    /// What was written does not read the same.
    #[error(
        "the board's flash at {address:#010x} does not keep what is written to it; flash it again, \
         and replace the board if that fails"
    )]
    Verify {
        /// The first byte that differs.
        address: u32,
    },
}

/// How far flashing has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlashProgress {
    /// Bytes of sectors that are written and read back.
    pub done: u32,
    /// Of so many.
    pub total: u32,
}

/// Brings an image into a board and reads all of it back.
///
/// # Errors
/// [`FlashFault`].
pub fn flash<P: BootPort>(
    rom: &mut BootRom<P>,
    image: &Uf2,
    mut progress: impl FnMut(FlashProgress),
) -> Result<(), FlashFault> {
    let sectors = image.sectors();
    let total = sectors.len() as u32 * SECTOR;
    let mut done = 0;
    rom.erase(FLASH_BEGIN, SECTOR)?;
    for address in sectors.into_iter().filter(|address| *address != FLASH_BEGIN) {
        let sector = image.sector(address);
        rom.erase(address, SECTOR)?;
        rom.write(address, &sector)?;
        verify(rom, address, &sector)?;
        done += SECTOR;
        progress(FlashProgress { done, total });
    }
    first_sector(rom, image)?;
    progress(FlashProgress { done: total, total });
    Ok(())
}

fn first_sector<P: BootPort>(rom: &mut BootRom<P>, image: &Uf2) -> Result<(), FlashFault> {
    let last = image.metadata_pages();
    let mut sector = image.sector(FLASH_BEGIN);
    let pages = (FLASH_BEGIN..FLASH_BEGIN + SECTOR).step_by(PAGE as usize);
    for address in pages.filter(|address| !last.contains(address)) {
        rom.write(address, page(&sector, address))?;
    }
    // Read back before there is something to start.
    let whole = std::mem::replace(&mut sector, vec![0xff; SECTOR as usize]);
    for (at, byte) in whole.iter().enumerate() {
        if !last.contains(&(FLASH_BEGIN + at as u32 / PAGE * PAGE)) {
            sector[at] = *byte;
        }
    }
    verify(rom, FLASH_BEGIN, &sector)?;
    for address in last {
        rom.write(address, page(&whole, address))?;
    }
    verify(rom, FLASH_BEGIN, &whole).inspect_err(|_| {
        // Nothing to start is better than what is not the image.
        let _ = rom.erase(FLASH_BEGIN, SECTOR);
    })
}

fn page(sector: &[u8], address: u32) -> &[u8] {
    let at = (address % SECTOR) as usize;
    &sector[at..at + PAGE as usize]
}

fn verify<P: BootPort>(
    rom: &mut BootRom<P>,
    address: u32,
    sector: &[u8],
) -> Result<(), FlashFault> {
    let found = rom.read(address, sector.len() as u32)?;
    match found.iter().zip(sector).position(|(found, wanted)| found != wanted) {
        Some(at) => Err(FlashFault::Verify { address: address + at as u32 }),
        None => Ok(()),
    }
}
