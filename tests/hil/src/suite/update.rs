//! New firmware, cut short.

use super::Figures;
use crate::case::Skip;
use crate::desk::{BootBoard, Desk};
use helio_link::picoboot::{Boot, BootRom, FLASH_BEGIN, PAGE, SECTOR, Uf2, flash};

/// Cortex-M33 image of an RP2350 (data sheet, section 5.5.3).
const FAMILY: u32 = 0xe48b_ff59;
/// Bytes of the images: two sectors and a piece.
const LENGTH: usize = 2 * SECTOR as usize + 700;
/// The least block of metadata that a boot ROM takes for an image (data sheet, section 5.9).
const METADATA: [u32; 5] = [0xffff_ded3, 0x1021_0142, 0x0000_01ff, 0, 0xab12_3579];
/// Where the images have it.
const METADATA_AT: usize = 0x114;

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// An image as a UF2 file, told from others by its seed.
fn image(seed: u8) -> Uf2 {
    let mut bytes: Vec<u8> = (0..LENGTH).map(|i| (i as u8).wrapping_mul(31) ^ seed).collect();
    let block = words(&METADATA);
    bytes[METADATA_AT..][..block.len()].copy_from_slice(&block);
    let count = bytes.len().div_ceil(PAGE as usize) as u32;
    let mut file = Vec::new();
    for (number, page) in (0..).zip(bytes.chunks(PAGE as usize)) {
        let address = FLASH_BEGIN + number * PAGE;
        let head = [0x0a32_4655, 0x9e5d_5157, 0x2000, address, PAGE, number, count, FAMILY];
        let mut block = words(&head);
        block.extend(page);
        block.resize(508, 0);
        block.extend(words(&[0x0ab1_6f30]));
        file.extend(block);
    }
    Uf2::read(&file).expect("it is an image")
}

fn burn(board: &mut dyn BootBoard, image: &Uf2) -> Result<(), String> {
    let mut port = board.port()?;
    let mut rom = BootRom::open(&mut *port).map_err(|fault| fault.to_string())?;
    flash(&mut rom, image, |_| {}).map_err(|fault| fault.to_string())
}

fn holds(board: &dyn BootBoard, image: &Uf2) -> bool {
    let found = board.flash();
    image.sectors().into_iter().all(|at| {
        let offset = (at - FLASH_BEGIN) as usize;
        found[offset..offset + SECTOR as usize] == image.sector(at)
    })
}

/// Cable and supply cut within every block of an update: the board has its old image whole, or none
/// and waits in its boot loader, or the new one whole; and the next update works.
pub(super) fn cut<D: Desk>(desk: &mut D) -> Figures {
    let Some(mut board) = desk.boot_loader() else {
        return Err(Skip::new(
            "there is no boot ROM on this desk whose supply could be cut in mid-update",
            "tests/hil/usb-desk update_cut (on a bus), or cargo test -p helio-tests --test hil -- \
             in-process/update_cut",
        ));
    };
    let (board, [old, new]) = (board.as_mut(), [1, 2].map(image));
    burn(board, &old).expect("nothing is cut");
    let before = board.packets();
    burn(board, &new).expect("nothing is cut");
    let packets = board.packets() - before;
    let step = board.grain();
    let mut seen = [0; 3];
    for cut in (0..packets).step_by(step) {
        board.replug();
        burn(board, &old).expect("nothing is cut");
        assert!(board.boot() == Boot::Image && holds(board, &old), "before {cut}");
        board.cut_after(cut);
        burn(board, &new).expect_err("it was cut");
        let state = match board.boot() {
            Boot::BootLoader => 0,
            Boot::Image if holds(board, &old) => 1,
            Boot::Image => {
                assert!(holds(board, &new), "half an image starts after {cut} packets");
                2
            }
        };
        seen[state] += 1;
        board.replug();
        burn(board, &new).expect("the boot loader is there");
        assert!(board.boot() == Boot::Image && holds(board, &new), "after {cut}");
    }
    let [none, kept, whole] = seen;
    assert!(none > 0 && kept > 0, "{seen:?}");
    Ok(format!(
        "cut at {} of {packets} packets: {kept} kept the old image, {none} had none, {whole} had \
         the new one; all flashed again",
        none + kept + whole
    ))
}
