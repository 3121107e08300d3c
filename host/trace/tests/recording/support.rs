//! Writing and reading everything, and chunks of all kinds.

use helio_trace::{
    Chunk, Counts, Dtime, IndexState, Loss, LossKind, Marker, Meta, ReadOptions, RecordingOptions,
    RecordingWriter, TimeTag, TraceError, TraceReader, WriteSettings, from_read,
};
use helio_units::{TickLength, Ticks};
use proptest::prelude::*;

/// All that a recording held, up to its end or the first error.
#[derive(Debug)]
pub struct Content {
    pub meta: Meta,
    pub all: Chunk,
    pub counts: Counts,
    pub fault: Option<TraceError>,
    pub damage: Option<String>,
    pub blocks: u64,
    pub index: IndexState,
}

pub fn settings() -> WriteSettings {
    WriteSettings::new(TickLength::new(125, 32).unwrap())
}

pub fn blocks_of(block_records: usize) -> RecordingOptions {
    RecordingOptions { block_records }
}

/// A finished recording, with dtimes where the chunks have them.
pub fn written(chunks: &[Chunk], options: RecordingOptions) -> Vec<u8> {
    let mut out = Vec::new();
    let has_dtimes = chunks.iter().any(|chunk| !chunk.dtimes.is_empty());
    let dtime = has_dtimes.then_some(Dtime { unit: None, adds: false });
    let settings = WriteSettings { dtime, ..settings() };
    let mut writer = RecordingWriter::new(&mut out, &settings, options).unwrap();
    chunks.iter().for_each(|chunk| writer.write_chunk(chunk).unwrap());
    let done = writer.finish().unwrap();
    assert_eq!(done.bytes, out.len() as u64);
    out
}

/// Reads to the end; the reader is at its end for good then.
pub fn drain(reader: &mut dyn TraceReader) -> Content {
    let (mut all, mut chunk) = (Chunk::default(), Chunk::default());
    let fault = loop {
        match reader.read_chunk(&mut chunk) {
            Ok(true) => {
                assert!(chunk.dtimes.is_empty() || chunk.dtimes.len() == chunk.photons.len());
                all.append(&chunk);
            }
            Ok(false) => break None,
            Err(fault) => break Some(fault),
        }
    };
    assert!(!reader.read_chunk(&mut chunk).unwrap(), "an error or the end ends the file");
    let info = reader.recording().unwrap();
    Content {
        meta: reader.meta().clone(),
        all,
        counts: reader.counts(),
        fault,
        damage: reader.damage().map(ToString::to_string),
        blocks: info.blocks,
        index: info.index,
    }
}

pub fn read_with(bytes: &[u8], salvage: bool) -> Result<Content, TraceError> {
    let options = ReadOptions { salvage, ..ReadOptions::default() };
    let mut reader = from_read(bytes, &options)?;
    let content = drain(&mut *reader);
    assert!(reader.position() <= bytes.len() as u64);
    Ok(content)
}

/// Reads a recording that is whole.
pub fn read(bytes: &[u8]) -> Content {
    let content = read_with(bytes, false).unwrap();
    assert!(content.fault.is_none(), "{:?}", content.fault);
    content
}

/// One chunk after the other.
pub fn together(chunks: &[Chunk]) -> Chunk {
    let mut all = Chunk::default();
    chunks.iter().for_each(|chunk| all.append(chunk));
    all
}

/// Detections in order, some of them at one tick, with a pause now and then.
pub fn photons(count: u64, seed: u64) -> Vec<TimeTag> {
    let mut state = seed;
    let mut tick = 1_000_000;
    let mut photon = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let random = state >> 33;
        tick += match random % 1000 {
            0 => 1 << 40,
            1..=50 => 0,
            _ => random % 100_000,
        };
        TimeTag { tick: Ticks(tick), channel: (random >> 20 & 3) as u8 }
    };
    (0..count).map(|_| photon()).collect()
}

/// Records of all kinds with any times in any order.
pub fn any_chunk() -> impl Strategy<Value = Chunk> {
    let tick = || {
        prop_oneof![
            (0u32..64).prop_flat_map(|shift| any::<u64>().prop_map(move |t| Ticks(t >> shift))),
            (0u64..1000).prop_map(Ticks),
        ]
    };
    let kind = prop_oneof![
        Just(LossKind::Begin),
        Just(LossKind::End),
        Just(LossKind::Gap),
        Just(LossKind::ClockError),
        any::<(u8, u16)>().prop_map(|(channel, count)| LossKind::Missed { channel, count }),
    ];
    let photon = (tick(), prop_oneof![0u8..4, any::<u8>()])
        .prop_map(|(tick, channel)| TimeTag { tick, channel });
    let marker = (tick(), 1u8..16).prop_map(|(tick, bits)| Marker { tick, bits });
    let loss = (tick(), kind).prop_map(|(tick, kind)| Loss { tick, kind });
    (
        prop::collection::vec((photon, any::<u16>()), 0..300),
        prop::collection::vec(marker, 0..20),
        prop::collection::vec(tick(), 0..50),
        prop::collection::vec(loss, 0..20),
        (any::<bool>(), any::<bool>()),
    )
        .prop_map(|(photons, markers, mut syncs, losses, (sorted, with_dtimes))| {
            let (mut photons, mut dtimes): (Vec<_>, Vec<_>) = photons.into_iter().unzip();
            if sorted {
                photons.sort_by_key(|tag| tag.tick);
                syncs.sort_unstable();
            }
            if !with_dtimes {
                dtimes.clear();
            }
            Chunk { photons, dtimes, markers, syncs, losses, reached: Ticks(0) }
        })
}

/// Such chunks; all with dtimes or none, so that they can be put together.
pub fn any_chunks() -> impl Strategy<Value = Vec<Chunk>> {
    (prop::collection::vec(any_chunk(), 0..6), any::<u64>()).prop_map(|(mut chunks, reached)| {
        let with_dtimes = chunks.iter().all(|c| c.dtimes.len() == c.photons.len());
        let count = chunks.len() as u64;
        for (chunk, i) in chunks.iter_mut().zip(1..) {
            if !with_dtimes {
                chunk.dtimes.clear();
            }
            chunk.reached = Ticks(reached / count * i);
        }
        chunks
    })
}
