//! Reading everything, and what holds for every format.

use helio_trace::{
    Chunk, Counts, Loss, Marker, Meta, ReadOptions, TimeTag, TraceError, TraceFormat, from_read,
};
use helio_units::Ticks;
use proptest::prelude::*;

/// All that a trace held, up to its end or the first error.
#[derive(Debug)]
pub struct Content {
    pub meta: Meta,
    pub photons: Vec<TimeTag>,
    pub dtimes: Vec<u16>,
    pub markers: Vec<Marker>,
    pub syncs: Vec<Ticks>,
    pub losses: Vec<Loss>,
    pub reached: Ticks,
    pub counts: Counts,
    pub fault: Option<TraceError>,
    pub damage: Option<String>,
    pub position: u64,
}

pub fn read_with(bytes: &[u8], options: &ReadOptions) -> Result<Content, TraceError> {
    let mut reader = from_read(bytes, options)?;
    let mut chunk = Chunk::default();
    let mut all = Chunk::default();
    let fault = loop {
        match reader.read_chunk(&mut chunk) {
            Ok(true) => {
                assert!(all.reached <= chunk.reached);
                all.append(&chunk);
            }
            Ok(false) => break None,
            Err(fault) => break Some(fault),
        }
    };
    assert!(!reader.read_chunk(&mut chunk).unwrap(), "an error or the end ends the file");
    assert_eq!(reader.counts().photons, all.photons.len() as u64);
    Ok(Content {
        meta: reader.meta().clone(),
        photons: all.photons,
        dtimes: all.dtimes,
        markers: all.markers,
        syncs: all.syncs,
        losses: all.losses,
        reached: all.reached,
        counts: reader.counts(),
        fault,
        damage: reader.damage().map(ToString::to_string),
        position: reader.position(),
    })
}

pub fn of(format: TraceFormat) -> ReadOptions {
    ReadOptions { format: Some(format), ..ReadOptions::default() }
}

/// Reads a file whose content alone has to tell its format.
pub fn read(bytes: &[u8]) -> Content {
    read_with(bytes, &ReadOptions::default()).unwrap()
}

pub fn tag(tick: u64, channel: u8) -> TimeTag {
    TimeTag { tick: Ticks(tick), channel }
}

/// Cut anywhere, a file gives what was whole before the cut, and the fault names the cut's byte
/// where it is inside a header or a record; salvaging gives the same without a fault.
pub fn check_cut(good: &[u8], header: usize, record: usize, cut: usize, options: &ReadOptions) {
    let whole = read_with(good, options).unwrap();
    let bytes = &good[..cut.min(good.len())];
    let salvage = ReadOptions { salvage: true, ..*options };
    if bytes.len() < header {
        for options in [options, &salvage] {
            let fault = read_with(bytes, options).unwrap_err().to_string();
            assert!(fault.contains(&format!("byte {}", bytes.len())), "{fault}");
        }
        return;
    }
    let inside = !(bytes.len() - header).is_multiple_of(record);
    let content = read_with(bytes, options).unwrap();
    assert_eq!(content.counts.records(), ((bytes.len() - header) / record) as u64);
    assert_eq!(content.photons[..], whole.photons[..content.photons.len()]);
    assert_eq!(content.fault.is_some(), inside);
    if let Some(fault) = content.fault {
        let fault = fault.to_string();
        assert!(fault.contains(&format!("ends at byte {}", bytes.len())), "{fault}");
    }
    let salvaged = read_with(bytes, &salvage).unwrap();
    assert_eq!(salvaged.photons, content.photons);
    assert!(salvaged.fault.is_none() && salvaged.damage.is_some() == inside);
}

/// Changed bytes, a cut and bytes at random never make a reader panic, and never make it hold more
/// than a few bytes for each of the file's; what it says is one sentence.
pub fn check_damaged(good: &[u8], changes: &[(prop::sample::Index, u8)], options: &ReadOptions) {
    let mut bytes = good.to_vec();
    for (at, value) in changes {
        let at = at.index(bytes.len());
        bytes[at] = *value;
    }
    let salvage = ReadOptions { salvage: true, ..*options };
    for options in [options, &salvage, &ReadOptions::default()] {
        match read_with(&bytes, options) {
            Ok(content) => {
                assert!(content.photons.len() <= 4 * bytes.len());
                assert!(content.position <= bytes.len() as u64);
                let faults = content.fault.iter().map(ToString::to_string);
                faults.chain(content.damage).for_each(|fault| sentence(&fault));
            }
            Err(fault) => sentence(&fault.to_string()),
        }
    }
}

/// One sentence without its full stop, which names a byte.
pub fn sentence(fault: &str) {
    assert!(!fault.contains(". ") && !fault.ends_with('.') && !fault.contains('\n'), "{fault}");
    let names_a_field = fault.contains("header tag") || fault.contains("MeasDesc_");
    let names_a_type = fault.contains("unsupported type");
    assert!(fault.contains("byte") || names_a_field || names_a_type, "{fault}");
}

pub fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)
}
