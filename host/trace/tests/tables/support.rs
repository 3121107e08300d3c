//! Traces at random, written and read.

use std::io::Cursor;

use helio_trace::{
    Chunk, Counts, Dtime, Loss, LossKind, Marker, Meta, ReadOptions, TimeTag, TraceFormat,
    WriteError, WriteSettings, Written, from_read, writer,
};
use helio_units::{TickLength, Ticks};
use proptest::prelude::*;

pub const TABLES: &[TraceFormat] = &[
    TraceFormat::Npy,
    TraceFormat::Csv,
    #[cfg(feature = "parquet")]
    TraceFormat::Parquet,
];

pub fn tick(numerator: u64, denominator: u32) -> TickLength {
    TickLength::new(numerator, denominator).unwrap()
}

pub fn write(
    chunks: &[Chunk],
    format: TraceFormat,
    settings: &WriteSettings,
) -> Result<(Vec<u8>, Written), WriteError> {
    let mut bytes = Vec::new();
    let mut writer = writer(Cursor::new(&mut bytes), format, settings)?;
    chunks.iter().try_for_each(|chunk| writer.write_chunk(chunk))?;
    let written = writer.finish()?;
    assert_eq!(written.bytes, bytes.len() as u64);
    Ok((bytes, written))
}

pub struct Content {
    pub meta: Meta,
    pub all: Chunk,
    pub counts: Counts,
    pub fault: Option<String>,
}

pub fn read(bytes: &[u8], options: &ReadOptions) -> Result<Content, String> {
    let mut reader = from_read(bytes, options).map_err(|e| e.to_string())?;
    let (mut chunk, mut all) = (Chunk::default(), Chunk::default());
    let fault = loop {
        match reader.read_chunk(&mut chunk) {
            Ok(true) => all.append(&chunk),
            Ok(false) => break None,
            Err(fault) => break Some(fault.to_string()),
        }
    };
    Ok(Content { meta: reader.meta().clone(), all, counts: reader.counts(), fault })
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Photon(u8, u16),
    Marker(u8),
    Sync,
    Loss(LossKind),
}

fn events() -> impl Strategy<Value = Vec<(u64, Event)>> {
    let loss = prop_oneof![
        Just(LossKind::Begin),
        Just(LossKind::End),
        Just(LossKind::Gap),
        Just(LossKind::ClockError),
        (any::<u8>(), any::<u16>())
            .prop_map(|(channel, count)| LossKind::Missed { channel, count }),
    ];
    let kind = prop_oneof![
        8 => any::<(u8, u16)>().prop_map(|(channel, dtime)| Event::Photon(channel, dtime)),
        1 => (1u8..16).prop_map(Event::Marker),
        1 => Just(Event::Sync),
        1 => loss.prop_map(Event::Loss),
    ];
    let gap = prop_oneof![3 => 0u64..1000, 1 => 0u64..1 << 40];
    prop::collection::vec((gap, kind), 0..200)
}

/// A trace of every kind of record in two chunks, and what is known of it beforehand.
pub fn trace() -> impl Strategy<Value = ([Chunk; 2], WriteSettings)> {
    let unit = prop_oneof![Just(None), (1u64..1000, 1u32..10).prop_map(|(n, d)| Some(tick(n, d)))];
    let dtime = prop::option::of((unit, any::<bool>()));
    let length = prop_oneof![
        Just(tick(1, 1)),
        Just(tick(4, 1)),
        Just(tick(125, 32)),
        (1u64..100_000, 1u32..100).prop_map(|(n, d)| tick(n, d)),
    ];
    (events(), dtime, length).prop_map(|(events, dtime, length)| {
        let settings = WriteSettings {
            dtime: dtime.map(|(unit, adds)| Dtime { unit, adds }),
            counts_missed: true,
            ..WriteSettings::new(length)
        };
        let mut chunks = [Chunk::default(), Chunk::default()];
        let (half, mut now) = (events.len() / 2, 0);
        for (index, (gap, event)) in events.into_iter().enumerate() {
            now += gap;
            let tick = Ticks(now);
            let chunk = &mut chunks[usize::from(index >= half)];
            match event {
                Event::Photon(channel, dtime) => {
                    chunk.photons.push(TimeTag { tick, channel });
                    chunk.dtimes.extend(settings.dtime.map(|_| dtime));
                }
                Event::Marker(bits) => chunk.markers.push(Marker { tick, bits }),
                Event::Sync => chunk.syncs.push(tick),
                Event::Loss(kind) => chunk.losses.push(Loss { tick, kind }),
            }
            chunk.reached = tick;
        }
        chunks[1].reached = Ticks(now);
        (chunks, settings)
    })
}

pub fn joined(chunks: &[Chunk]) -> Chunk {
    let mut all = Chunk::default();
    chunks.iter().for_each(|chunk| all.append(chunk));
    all
}
