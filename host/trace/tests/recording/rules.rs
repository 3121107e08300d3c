//! Every rule of `docs/recording.md` that a hostile file could break with right checksums.

use helio_trace::{Chunk, Dtime, ReadOptions, RecordingWriter, TimeTag, WriteSettings, open};
use helio_units::Ticks;

use crate::support::{blocks_of, photons, read, read_with, settings, written};

const HEAD: usize = 64;

/// A recording of one block, without an index: three detections at ticks 10, 20 and 35 on channels 2, 5
/// and 9, as the document describes it; `change` may break it before it gets its checksums.
fn made(change: impl FnOnce(&mut Vec<u8>, &mut Vec<u8>)) -> Vec<u8> {
    let mut payload = vec![2, 2, 5, 9];
    payload.extend(0u64.to_le_bytes());
    // k = 2, one exception, no quotients in unary, least gap 10 (signed), low parts 0, 0, 1.
    payload.extend([2, 1, 0, 0, 0, 20, 0b01_00_00, 0b111]);
    // The third gap is 10 + 1 + 2² · 1; indices 0, 1, 2.
    payload.extend([2, 0, 1, 0b10_01_00]);
    let mut head = b"HTRB".to_vec();
    head.extend([0; 8]);
    head.extend((payload.len() as u32).to_le_bytes());
    [10u64, 35, 35].iter().for_each(|tick| head.extend(tick.to_le_bytes()));
    [3u32, 0, 0, 0].iter().for_each(|count| head.extend(count.to_le_bytes()));
    change(&mut head, &mut payload);
    head[12..16].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    head.extend(crc32fast::hash(&payload).to_le_bytes());
    head.extend(crc32fast::hash(&head).to_le_bytes());
    let mut file = written(&[], blocks_of(9));
    file.truncate(read(&file).meta.header_bytes as usize);
    file.extend(head);
    file.extend(payload);
    file
}

/// What is said of it, and that nothing of it is believed.
fn refused(file: &[u8]) -> String {
    let content = read_with(file, false).unwrap();
    assert_eq!((content.blocks, content.all.photons.len()), (0, 0));
    let salvaged = read_with(file, true).unwrap();
    assert!(salvaged.all.photons.is_empty() && salvaged.damage.is_some());
    content.fault.map(|fault| fault.to_string()).unwrap_or_default()
}

#[test]
fn the_block_that_the_others_break_is_whole() {
    let photon = |tick, channel| TimeTag { tick: Ticks(tick), channel };
    let expected = vec![photon(10, 2), photon(20, 5), photon(35, 9)];
    assert_eq!(read(&made(|_, _| {})).all.photons, expected);
    // This crate writes the same file, which then cannot be refused by it alone.
    let chunk = Chunk { photons: expected, reached: Ticks(35), ..Chunk::default() };
    let own = written(&[chunk], blocks_of(9));
    assert_eq!(read(&own).all.photons.len(), 3);
}

#[test]
fn a_payload_that_breaks_a_rule_is_refused_with_its_byte() {
    type Change = fn(&mut Vec<u8>);
    let cases: [(&str, Change); 14] = [
        ("a palette that falls", |p| p[2..4].copy_from_slice(&[9, 5])),
        ("a palette with a channel twice", |p| p[2] = 2),
        ("k beyond 56", |p| p[12] = 57),
        ("more exceptions than there are", |p| p[13] = 2),
        ("a sum of other quotients", |p| p[15] = 1),
        ("a sum of quotients beyond all", |p| p[16] = 0xFF),
        ("bits behind the low parts", |p| p[18] |= 0x40),
        ("bits behind the quotients", |p| p[19] |= 0x08),
        ("too few quotients", |p| p[19] = 0b011),
        ("an exception behind the frame", |p| p[20] = 3),
        ("an exception twice", |p| {
            p[13] = 2;
            p.splice(22..23, [1, 2, 0, 1]);
        }),
        ("exceptions out of order", |p| {
            p[13] = 2;
            p.splice(22..23, [1, 1, 0, 1]);
        }),
        ("an index that names no channel", |p| p[23] = 0b11_01_00),
        ("bits behind the indices", |p| p[23] |= 0x40),
    ];
    for (name, change) in cases {
        let fault = refused(&made(|_, payload| change(payload)));
        assert!(fault.contains("a payload that no writer makes at byte"), "{name}: “{fault}”");
    }
    let fault = refused(&made(|_, payload| payload.push(0)));
    assert!(fault.contains("a payload that no writer makes at byte"), "a byte too many: {fault}");
}

#[test]
fn a_head_that_breaks_a_rule_is_refused_with_its_byte() {
    type Change = fn(&mut Vec<u8>);
    let cases: [(&str, Change); 6] = [
        ("reserved", |h| h[6] = 1),
        ("reserved", |h| h[7] = 0x80),
        ("a flag without a meaning", |h| h[5] = 2),
        ("a kind without a meaning", |h| h[4] = 2),
        ("an index with records", |h| h[4] = 1),
        ("times the wrong way round", |h| h[16] = 36),
    ];
    for (name, change) in cases {
        let fault = refused(&made(|head, _| change(head)));
        assert!(fault.contains("a head that no writer makes at byte"), "{name}: “{fault}”");
    }
    let empty = |change: Change| {
        made(|head, payload| {
            payload.clear();
            head[40] = 0;
            head[16] = 35;
            change(head);
        })
    };
    assert!(read(&empty(|_| {})).all.photons.is_empty());
    let changes: [Change; 3] = [|h| h[16] = 34, |h| h[24] = 36, |h| h[5] = 1];
    for change in changes {
        assert!(refused(&empty(change)).contains("a head that no writer makes at byte"));
    }
}

#[test]
fn a_head_with_other_times_than_its_records_is_refused() {
    // Earlier, later, and such as a reader that looks for a time would pass by.
    for (first, last) in [(9u64, 35u64), (11, 35), (10, 34), (10, 36), (0, u64::MAX), (35, 35)] {
        let file = made(|head, _| {
            head[16..24].copy_from_slice(&first.to_le_bytes());
            head[24..32].copy_from_slice(&last.to_le_bytes());
        });
        let fault = refused(&file);
        let at = read(&made(|_, _| {})).meta.header_bytes + 16;
        let part = format!("another least or greatest time than its records at byte {at}");
        assert!(fault.contains(&part), "“{part}” in: {fault}");
    }
}

#[test]
fn times_of_all_kinds_of_record_count() {
    let markers = vec![helio_trace::Marker { tick: Ticks(3), bits: 1 }];
    let loss = helio_trace::Loss { tick: Ticks(70), kind: helio_trace::LossKind::Gap };
    let chunk = Chunk {
        photons: vec![TimeTag { tick: Ticks(9), channel: 0 }],
        markers,
        syncs: vec![Ticks(4), Ticks(60)],
        losses: vec![loss],
        ..Chunk::default()
    };
    let bytes = written(std::slice::from_ref(&chunk), blocks_of(9));
    assert_eq!(read(&bytes).all.losses, chunk.losses);
    let begin = read(&bytes).meta.header_bytes as usize;
    for (at, other) in [(16, 4u64), (24, 60)] {
        let mut bytes = bytes.clone();
        bytes[begin + at..begin + at + 8].copy_from_slice(&other.to_le_bytes());
        let crc = crc32fast::hash(&bytes[begin..begin + 60]);
        bytes[begin + 60..begin + HEAD].copy_from_slice(&crc.to_le_bytes());
        assert!(refused(&bytes).contains("least or greatest time"));
    }
}

#[test]
fn a_dtime_beyond_16_bits_is_refused() {
    let dtime = Some(Dtime { unit: None, adds: false });
    let chunk = Chunk { photons: photons(2, 1), dtimes: vec![0xFFF0, 0xFFFF], ..Chunk::default() };
    let mut bytes = written(std::slice::from_ref(&chunk), blocks_of(9));
    assert_eq!((read(&bytes).meta.dtime, read(&bytes).all.dtimes), (dtime, chunk.dtimes));
    let begin = read(&bytes).meta.header_bytes as usize;
    let length = u32::from_le_bytes(bytes[begin + 12..begin + 16].try_into().unwrap()) as usize;
    // The least dtime and its bits are the payload's last four bytes.
    let end = begin + HEAD + length;
    assert_eq!(bytes[end - 4..end], [0xF0, 0xFF, 4, 0xF0]);
    bytes[end - 4] = 0xF1;
    let crc = crc32fast::hash(&bytes[begin + HEAD..end]);
    bytes[begin + 56..begin + 60].copy_from_slice(&crc.to_le_bytes());
    let crc = crc32fast::hash(&bytes[begin..begin + 60]);
    bytes[begin + 60..begin + HEAD].copy_from_slice(&crc.to_le_bytes());
    assert!(refused(&bytes).contains("a payload that no writer makes at byte"));
}

#[test]
fn a_header_that_breaks_a_rule_is_refused_with_its_byte() {
    let mut good = Vec::new();
    let settings = WriteSettings { comment: "dark".into(), ..settings() };
    RecordingWriter::new(&mut good, &settings, blocks_of(9)).unwrap().finish().unwrap();
    let length = read(&good).meta.header_bytes as usize;
    let text = good.windows(4).position(|four| four == b"dark").unwrap();
    let name = good.windows(12).position(|name| name == b"File_Comment").unwrap();
    // An unknown flag; what is said of dtimes that there are none of; no UTF-8.
    for (at, value) in
        [(10, 17), (11, 1), (10, 5), (10, 9), (32, 1), (40, 1), (text, 0xFF), (name, 0xC0)]
    {
        let mut bytes = good.clone();
        bytes[at] = value;
        let crc = crc32fast::hash(&bytes[..length - 4]);
        bytes[length - 4..length].copy_from_slice(&crc.to_le_bytes());
        let fault = read_with(&bytes, true).unwrap_err().to_string();
        assert!(fault.contains("at byte ") && fault.contains("header is damaged"), "{at}: {fault}");
    }
}

#[test]
fn a_time_that_a_head_hides_is_not_passed_by_unseen() {
    let all = Chunk { photons: photons(300, 4), ..Chunk::default() };
    let bytes = written(std::slice::from_ref(&all), blocks_of(100));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hidden");
    // The second block says that it ends where it begins, and so does the index.
    let begin = read(&bytes).meta.header_bytes as usize;
    let second = begin
        + HEAD
        + u32::from_le_bytes(bytes[begin + 12..begin + 16].try_into().unwrap()) as usize;
    let mut bytes = bytes[..bytes.len() - (3 * 32 + 16 + HEAD)].to_vec();
    bytes.copy_within(second + 16..second + 24, second + 24);
    let crc = crc32fast::hash(&bytes[second..second + 60]);
    bytes[second + 60..second + HEAD].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let mut reader = open(&path, &ReadOptions::default()).unwrap();
    let mut chunk = Chunk::default();
    assert!(reader.read_chunk(&mut chunk).unwrap());
    let fault = reader.read_chunk(&mut chunk).unwrap_err().to_string();
    assert!(fault.contains("least or greatest time"), "{fault}");
}
