//! Writes a T2 recording of PicoQuant's (not PicoHarp 300) to standard output as if it had gone on for
//! so many records: to see what a program does with more than a disk holds.
//!
//! ```sh
//! recording=host/trace/tests/data/lpq_hydraharp_v30_t2.ptu
//! cargo run --release -p helio-trace --example repeat -- $recording 1000000000 | helio trace info -
//! ```

use std::error::Error;
use std::io::{ErrorKind, Write};

use helio_trace::{ReadOptions, RecordType, open};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(path), Some(records)) = (args.next(), args.next()) else {
        return Err("a recording and a number of records are needed".into());
    };
    let mut left: u64 = records.parse()?;
    let reader = open(&path, &ReadOptions::default())?;
    let kind = reader.meta().record_type.filter(|kind| kind.is_t2());
    if kind.is_none_or(|kind| kind == RecordType::PicoHarp300T2) {
        return Err(
            "its records do not count overflows as those of a HydraHarp in T2 mode do".into()
        );
    }
    let mut bytes = std::fs::read(&path)?;
    let mut piece = bytes.split_off(reader.meta().header_bytes as usize);
    piece.truncate(piece.len() / 4 * 4);
    // One overflow, so that the next beginning is not before this end.
    piece.extend(0xFE00_0001u32.to_le_bytes());
    let mut out = std::io::stdout().lock();
    let mut write = |bytes: &[u8]| match out.write_all(bytes) {
        // Who reads has seen enough.
        Err(err) if err.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        result => result,
    };
    write(&bytes)?;
    while left > 0 {
        let now = left.min(piece.len() as u64 / 4);
        write(&piece[..4 * now as usize])?;
        left -= now;
    }
    Ok(())
}
