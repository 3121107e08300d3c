//! Firmware images: any file is one or is refused, and what is taken can be flashed and starts.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run uf2_read -- -max_total_time=120`

#![no_main]

use helio_link::picoboot::{BootRom, FLASH_BEGIN, FLASH_END, FakeBootRom, SECTOR, Uf2, flash};
use libfuzzer_sys::fuzz_target;

/// Sectors of the board that the image is flashed into.
const SECTORS: u32 = 16;

fuzz_target!(|data: &[u8]| {
    let Ok(image) = Uf2::read(data) else { return };
    let sectors = image.sectors();
    assert!(sectors.iter().all(|at| (FLASH_BEGIN..FLASH_END).contains(at)));
    let mut board = FakeBootRom::new(SECTORS as usize);
    let mut rom = BootRom::open(&mut board).expect("a fresh board");
    let fits = sectors.iter().all(|at| *at < FLASH_BEGIN + SECTORS * SECTOR);
    assert_eq!(flash(&mut rom, &image, |_| {}).is_ok(), fits);
    if fits {
        for at in sectors {
            let offset = (at - FLASH_BEGIN) as usize;
            assert_eq!(board.flash()[offset..][..SECTOR as usize], image.sector(at));
        }
    }
});
