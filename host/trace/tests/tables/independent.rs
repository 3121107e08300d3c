//! Small readers that follow NumPy's description and RFC 4180, and share nothing with the crate.

use helio_trace::{Chunk, Dtime, Loss, LossKind, Marker, TimeTag, TraceFormat, WriteSettings};
use helio_units::Ticks;

use crate::support::{tick, write};

fn chunk() -> Chunk {
    let tag = |tick, channel| TimeTag { tick: Ticks(tick), channel };
    Chunk {
        photons: vec![tag(5, 0), tag(1_000_000_007, 130)],
        dtimes: vec![0x0102, 7],
        markers: vec![Marker { tick: Ticks(6), bits: 9 }],
        syncs: vec![Ticks(7)],
        losses: vec![Loss { tick: Ticks(8), kind: LossKind::Missed { channel: 3, count: 258 } }],
        reached: Ticks(1_000_000_007),
    }
}

fn settings(dtime: bool) -> WriteSettings {
    let dtime = dtime.then_some(Dtime { unit: Some(tick(4, 1)), adds: true });
    WriteSettings { dtime, counts_missed: true, ..WriteSettings::new(tick(125, 32)) }
}

#[test]
fn an_array_is_what_numpy_describes() {
    let (bytes, _) = write(&[chunk()], TraceFormat::Npy, &settings(true)).unwrap();
    assert_eq!(bytes[..8], *b"\x93NUMPY\x01\x00");
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert_eq!((10 + length) % 64, 0);
    let header = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
    assert_eq!(
        header.trim_end_matches([' ', '\n']),
        "{'descr': [(('tick 125/32ps', 'sync'), '<i8'), ('channel', '|u1'), (('unit 4ps', 'dtime'), \
         '<u2'), ('kind', '|u1'), ('missed', '<u2')], 'fortran_order': False, 'shape': (5,), }"
    );
    assert!(header.ends_with('\n'));
    let rows: Vec<_> = bytes[10 + length..]
        .chunks(14)
        .map(|row| {
            let time = i64::from_le_bytes(row[..8].try_into().unwrap());
            let word = |at: usize| u16::from_le_bytes([row[at], row[at + 1]]);
            (time, row[8], word(9), row[11], word(12))
        })
        .collect();
    let expected = [
        (5, 0, 0x0102, 0, 0),
        (6, 9, 0, 1, 0),
        (7, 0, 0, 2, 0),
        (8, 3, 0, 5, 258),
        (1_000_000_007, 130, 7, 0, 0),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn text_is_what_any_program_reads() {
    let text = |settings: &WriteSettings| {
        String::from_utf8(write(&[chunk()], TraceFormat::Csv, settings).unwrap().0).unwrap()
    };
    assert_eq!(
        text(&settings(true)),
        "sync (125/32ps),channel,dtime (4ps),kind,missed\n5,0,258,0,0\n6,9,0,1,0\n7,0,0,2,0\n\
         8,3,0,5,258\n1000000007,130,7,0,0\n"
    );
    let plain = WriteSettings { all_kinds: false, ..settings(false) };
    assert_eq!(text(&plain), "tick (125/32ps),channel\n5,0\n1000000007,130\n");
    let whole = WriteSettings { tick: tick(4, 1), ..plain };
    assert_eq!(text(&whole), "time_ps,channel\n20,0\n4000000028,130\n");
}
