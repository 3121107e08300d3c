//! The codec against the tables of `SPEC.md`, byte for byte, both ways.
//!
//! The tables are computed by another program, `tables.py`, so an error in the codec cannot have made its way
//! into them.

mod document;
mod examples;

use std::collections::BTreeSet;

use document::Example;
use examples::Message;
use helio_wire::{
    DecodeError, Decoder, Frame, FrameError, HEADER_LENGTH, Header, MAX_FEED, MAX_FRAME,
    MAX_LOG_TEXT, MAX_PATTERN, MAX_PAYLOAD, MAX_TELEMETRY, MAX_TEXT, VERSION, decode_device,
    decode_host, encode_device, encode_host,
};

fn encode(header: &Header, message: &Message<'_>) -> Vec<u8> {
    let mut out = [0; MAX_FRAME];
    let length = match message {
        Message::Host(message) => encode_host(header, message, &mut out),
        Message::Device(message) => encode_device(header, message, &mut out),
    };
    out[..length.unwrap()].to_vec()
}

/// Reads a frame in the direction its kind says.
fn decode(frame: Frame<'_>) -> Result<(Header, Message<'_>), DecodeError> {
    if frame.kind() & 0x80 == 0 {
        decode_host(frame).map(|(header, message)| (header, Message::Host(message)))
    } else {
        decode_device(frame).map(|(header, message)| (header, Message::Device(message)))
    }
}

/// Hands the only frame in these bytes to `look`.
fn with_frame<R>(cable: &[u8], mut look: impl FnMut(Result<Frame<'_>, FrameError>) -> R) -> R {
    let mut seen = Vec::new();
    Decoder::new().push(cable, |frame| seen.push(look(frame)));
    assert_eq!(seen.len(), 1, "one frame");
    seen.remove(0)
}

fn shown(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x} ")).collect()
}

#[test]
fn every_example_is_what_the_codec_writes_and_reads() {
    let examples = document::examples();
    let mut unused: BTreeSet<&str> = examples.iter().map(|e| e.name).collect();
    assert_eq!(unused.len(), examples.len(), "names are unique");
    examples::each(|name, header, message| {
        assert!(unused.remove(name), "SPEC.md has no example `{name}`, or it is used twice");
        let example = examples.iter().find(|e| e.name == name).unwrap();
        let written = encode(&header, &message);
        assert_eq!(written, example.cable, "{name} is written as\n{}", shown(&written));
        with_frame(&example.cable, |frame| {
            let frame = frame.unwrap();
            let covered = &example.raw()[..];
            assert_eq!(frame.payload(), &covered[HEADER_LENGTH..covered.len() - 4], "{name}");
            assert_eq!(decode(frame), Ok((header, message)), "{name}");
        });
    });
    assert!(unused.is_empty(), "examples in SPEC.md that no test checks: {unused:?}");
}

#[test]
fn every_example_is_right_in_itself() {
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    for Example { name, rows, stated_length, cable } in &document::examples() {
        let mut raw = Vec::new();
        for row in rows {
            assert_eq!(row.offset, raw.len(), "{name}: offset of {}", row.field);
            if let Some(value) = number(row.value).filter(|_| !is_list(row.field)) {
                let little_endian = &value.to_le_bytes()[..row.bytes.len()];
                assert_eq!(row.bytes, little_endian, "{name}: {} is {}", row.field, row.value);
            } else if let Some(text) = row.value.strip_prefix('"') {
                let text = text.strip_suffix('"').unwrap();
                assert_eq!(row.bytes, text.as_bytes(), "{name}: {}", row.field);
            }
            raw.extend_from_slice(&row.bytes);
        }
        let (covered, checksum) = raw.split_at(raw.len() - 4);
        assert_eq!(crc.checksum(covered).to_le_bytes(), checksum, "{name}: checksum");
        let mut unstuffed = cable.clone();
        assert_eq!(unstuffed.pop(), Some(0), "{name}: ends with a zero");
        let length = cobs::decode_in_place(&mut unstuffed).unwrap();
        assert_eq!(unstuffed[..length], raw, "{name}: stuffing");
        assert_eq!(*stated_length, cable.len(), "{name}: stated length");
    }
}

fn number(value: &str) -> Option<i128> {
    match value.strip_prefix("0x") {
        Some(hex) => i128::from_str_radix(hex, 16).ok(),
        None => value.parse().ok(),
    }
}

/// Fields whose value column is a list in the words of its message.
fn is_list(field: &str) -> bool {
    ["codes", "packed", "seed", "random", "values"].contains(&field)
}

#[test]
fn every_example_has_the_fields_of_its_message() {
    let messages = document::messages();
    for Example { name, rows, .. } in &document::examples() {
        let kind = rows[1].bytes[0];
        let message = messages.iter().find(|m| m.kind == kind).unwrap();
        let payload = &rows[6..rows.len() - 1];
        let names: Vec<_> = payload.iter().map(|row| row.field).collect();
        let described: Vec<_> = message.fields.iter().map(|field| field.name).collect();
        assert_eq!(names, described, "{name}");
        for (row, field) in payload.iter().zip(&message.fields) {
            let at = row.offset - HEADER_LENGTH;
            assert_eq!(field.offset.unwrap_or(at), at, "{name}: offset of {}", row.field);
            let length = match field.kind {
                "u8" => 1,
                "u16" => 2,
                "u32" => 4,
                "u64" | "i64" => 8,
                "text" | "codes" | "settings" | "bytes" | "entries" | "edges" => row.bytes.len(),
                unknown => panic!("{name}: type {unknown} of {}", row.field),
            };
            assert_eq!(row.bytes.len(), length, "{name}: length of {}", row.field);
        }
    }
}

#[test]
fn every_kind_has_a_description_and_an_example() {
    let known: BTreeSet<u8> = (0..=u8::MAX)
        .filter(|kind| {
            let raw = [VERSION, *kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            let checksum = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&raw);
            let raw = [&raw[..], &checksum.to_le_bytes()].concat();
            let mut cable = [0; 32];
            cobs::encode(&raw, &mut cable);
            with_frame(&cable, |frame| {
                let frame = frame.unwrap();
                let unknown = Err(DecodeError::UnknownKind(*kind));
                let (host, device) = (decode_host(frame), decode_device(frame));
                let by_host = host.map(|_| ()) != unknown;
                let by_device = device.map(|_| ()) != unknown;
                assert!(!by_host || kind & 0x80 == 0, "{kind:#x} goes to the device");
                assert!(!by_device || kind & 0x80 != 0, "{kind:#x} goes to the host");
                by_host || by_device
            })
        })
        .collect();
    let described: BTreeSet<u8> = document::messages().iter().map(|m| m.kind).collect();
    assert_eq!(known, described);
    let shown: BTreeSet<u8> = document::examples().iter().map(|e| e.rows[1].bytes[0]).collect();
    assert_eq!(known, shown);
}

#[test]
fn refused_frames_are_refused_as_described() {
    let refused = document::refused();
    assert_eq!(refused.len(), 40);
    for (outcome, cable) in refused {
        let found = with_frame(&cable, |frame| match frame {
            Err(error) => format!("{error:?}"),
            Ok(frame) => format!("{:?}", decode(frame).expect_err(outcome)),
        });
        assert_eq!(found, outcome);
    }
}

/// Without header and contents the fuzzer would have to find every kind's shape by itself.
#[test]
fn every_example_is_a_seed_of_the_fuzzing() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = corpus.join("../../fuzz/corpus/wire_decode");
    for example in document::examples() {
        let raw = example.raw();
        let seed = std::fs::read(corpus.join(example.name)).expect(example.name);
        assert_eq!(seed, raw[..raw.len() - 4], "{}", example.name);
    }
}

#[test]
fn the_limits_are_those_of_the_document() {
    let text = document::running_text();
    for sentence in [
        format!("Version of the format: **{VERSION}**."),
        format!("n is 0 to {MAX_PAYLOAD} "),
        format!("A frame on the cable is at most {MAX_FRAME} bytes long, its zero included."),
        format!("| bytes | 0 to {MAX_TEXT} |"),
        format!("at most {MAX_LOG_TEXT} bytes"),
        format!("1 to {MAX_FEED} bytes"),
        format!("1 to {MAX_PATTERN} bytes"),
        format!("at most {MAX_TELEMETRY} |"),
    ] {
        assert!(text.contains(&sentence), "{sentence}");
    }
}
