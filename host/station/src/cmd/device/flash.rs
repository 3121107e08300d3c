//! `helio device flash`: new firmware.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use helio_link::picoboot::{
    BootLoader, BootPort, BootRom, FakeBootRom, RebootTo, Uf2, UsbBootPort, boot_loaders, flash,
};
use helio_link::{DeviceAddress, Plug, Watcher};
use serde_json::json;

use super::run_log::RunLog;
use super::target::Target;
use crate::cli::Global;
use crate::exit::{Exit, Failure, print, print_json};
use crate::term::Progress;

/// Arguments of `helio device flash`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio device flash alice.uf2                       the only board in its boot loader
  helio device flash alice.uf2 --chip 5B7C3A21D0E4F6
  helio device flash alice.uf2 --device sim          into a board in memory, to see that it would work

A board is in its boot loader after helio device reboot --bootloader, or when it is plugged in while its \
BOOTSEL button is held, or when it has no firmware. Everything that is written is read back. A board whose \
cable is pulled meanwhile is in its boot loader again: flash it again. What was written is added to the run log \
of the chip. Exit codes: 3 the file is no image for the board, or the run log cannot be written, 5 the board is not there or does not keep what is written.")]
pub struct Args {
    /// The image
    #[arg(value_name = "FILE.uf2")]
    file: PathBuf,
    #[command(flatten)]
    target: Target,
    /// Which board, by its chip's serial number, where several are in their boot loaders
    #[arg(long, value_name = "SERIAL")]
    chip: Option<String>,
}

/// No image is larger: 32 MiB of flash in blocks twice that size.
const MOST_BYTES: u64 = 65 << 20;
/// Sectors of the board in memory: the 4 MiB of a Pico 2.
const SIM_SECTORS: usize = 1024;
/// How long a board may take from one of its two lives to the other.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(200);

/// Flashes.
///
/// # Errors
/// The file, the board or the output is at fault.
pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    let image = read(&args.file)?;
    let board = match &args.target.device {
        Some(DeviceAddress::Sim) => None,
        _ => Some(find(args.chip.as_deref())?),
    };
    let chip = match &board {
        None => "a board in memory".to_owned(),
        Some(board) => board.serial.clone().unwrap_or_else(|| "without a number".into()),
    };
    let mut log = RunLog::new(&args.target.log);
    log.about_chip(&chip);
    log.check()?;
    let watcher = match &board {
        None => {
            burn(&mut FakeBootRom::new(SIM_SECTORS), &image)?;
            None
        }
        Some(board) => {
            let mut watcher = Watcher::new();
            let _ = watcher.wait(Duration::ZERO);
            let port = UsbBootPort::open(board).map_err(|why| Failure::new(Exit::Device, why))?;
            burn(port, &image)?;
            Some(watcher)
        }
    };
    // Before the wait for its return, which somebody may interrupt.
    let file = args.file.display().to_string();
    let crc32 = format!("{:08x}", image.checksum());
    log.write("flash", json!({ "file": file, "bytes": image.length(), "crc32": crc32 }))?;
    let back = watcher.and_then(returned);
    let (bytes, sectors) = (image.length(), image.sectors().len());
    match global.json {
        true => print_json(&json!({
            "chip": chip,
            "file": file,
            "crc32": crc32,
            "bytes": bytes,
            "sectors": sectors,
            "verified": true,
            "address": back.map(|address| address.to_string()),
        })),
        false => {
            let back = match back {
                Some(address) => format!("it is there as {address}"),
                None => "it is started".into(),
            };
            print(format_args!(
                "{chip}: {bytes} bytes in {sectors} sectors written and read back; {back}\n"
            ))
        }
    }
}

fn read(path: &Path) -> Result<Uf2, Failure> {
    let unreadable = |why: std::io::Error| {
        Failure::file(path, format!("cannot be read ({why}); check its name"))
    };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > MOST_BYTES {
        return Err(Failure::file(path, "is larger than any flash; choose the board's image"));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    Uf2::read(&bytes).map_err(|why| Failure::file(path, why))
}

/// The board that is meant.
fn find(chip: Option<&str>) -> Result<BootLoader, Failure> {
    let failed = |why: String| Failure::new(Exit::Device, why);
    let mut found = boot_loaders().map_err(|why| failed(format!("USB cannot be listed: {why}")))?;
    if let Some(chip) = chip {
        found.retain(|board| board.serial.as_deref() == Some(chip));
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(failed(
            "no board is in its boot loader; helio device reboot --bootloader brings it there, or \
             plug it in while its BOOTSEL button is held"
                .into(),
        )),
        _ => {
            let names: Vec<&str> = found.iter().filter_map(|b| b.serial.as_deref()).collect();
            Err(failed(format!(
                "several boards are in their boot loaders; choose --chip {}",
                names.join(" or ")
            )))
        }
    }
}

fn burn(port: impl BootPort, image: &Uf2) -> Result<(), Failure> {
    let failed = |why: &dyn std::fmt::Display| Failure::new(Exit::Device, why);
    let mut rom = BootRom::open(port).map_err(|why| failed(&why))?;
    let mut bar = Progress::of_bytes("flashing", u64::from(image.length()));
    flash(&mut rom, image, |progress| bar.at(u64::from(progress.done.min(image.length()))))
        .map_err(|why| failed(&why))?;
    rom.reboot(RebootTo::Firmware).map_err(|why| failed(&why))
}

/// Where the board is when its firmware runs; `None` for one that shows no USB in ten seconds.
fn returned(mut watcher: Watcher) -> Option<DeviceAddress> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let plugs = watcher.wait(LOOK).unwrap_or_default();
        let arrived = plugs.into_iter().find_map(|plug| match plug {
            Plug::Arrived(board) => board.address(),
            Plug::Left(_) => None,
        });
        if arrived.is_some() {
            return arrived;
        }
    }
    None
}
