//! The edges of what fits and of what is accepted.

mod support;

use helio_bench::{Access, Edge, Entry, SettingsSource, SlotTiming, Unit};
use helio_units::{FineTicks, Hertz, Picoseconds, SlotIndex, TickLength, Ticks};
use helio_wire::{
    Capabilities, Concealed, DecodeError, Decoder, DecoderCounters, DeviceMessage, EncodeError,
    ErrorCode, FrameError, Header, Hello, HostMessage, LogLevel, MAX_FEED, MAX_FRAME, MAX_PATTERN,
    MAX_SETTINGS_BYTES, MAX_TAG_CODES, MAX_TELEMETRY, Role, SettingsBatch, SettingsError, Stream,
    TagRefused, TagWriter, TagsError, TelemetryWriter, decode_device, encode_device, encode_host,
};
use support::host_frame;

const HEADER: Header =
    Header { stream: Stream::Control, boot_nonce: u32::MAX, epoch: u16::MAX, sequence: u32::MAX };

fn edge(tick: u64, channel: u8) -> Edge {
    Edge { tick: Ticks(tick), channel }
}

fn encode(message: &DeviceMessage<'_>) -> Result<usize, EncodeError> {
    encode_device(&HEADER, message, &mut [0; MAX_FRAME])
}

fn batch(first: u64, bits_per_slot: u8, count: u16, packed: &[u8]) -> SettingsBatch<'_> {
    let first = SlotIndex(first);
    SettingsBatch { first, bits_per_slot, source: SettingsSource::Own, count, packed }
}

#[test]
fn a_tag_writer_knows_when_it_is_full() {
    let mut w = TagWriter::new([0; 3], 2, Ticks(100));
    assert_eq!(w.push(edge(131, 3)), Ok(()), "31 << 2 | 3 takes one byte");
    assert_eq!(w.push(edge(131, 3)), Ok(()), "the same tick again");
    assert_eq!(w.push(edge(163, 0)), Err(TagRefused::Full), "32 << 2 takes two");
    assert_eq!(w.push(edge(162, 0)), Ok(()));
    assert_eq!((w.count(), w.length(), w.last()), (3, 3, Ticks(162)));
    assert!(w.batch().iter().eq([edge(131, 3), edge(131, 3), edge(162, 0)]));
    w.restart(Ticks(163));
    assert!(w.is_empty() && w.batch().iter().next().is_none());
    assert_eq!(w.push(edge(163, 0)), Ok(()));
}

#[test]
fn a_tag_writer_borrows_or_owns_and_stays_within_a_frame() {
    let mut buffer = [0; 2 * MAX_TAG_CODES];
    let mut w = TagWriter::new(&mut buffer[..], 0, Ticks(0));
    let pushed = (0..).take_while(|_| w.push(edge(5, 0)).is_ok()).count();
    assert_eq!(pushed, MAX_TAG_CODES);
    assert_eq!(usize::from(w.count()), MAX_TAG_CODES);
    assert!(encode(&DeviceMessage::Tags(w.batch())).is_ok());
}

#[test]
fn a_tag_writer_refuses_what_it_cannot_say() {
    let mut w = TagWriter::new([0; 64], 2, Ticks(10));
    assert_eq!(w.push(edge(9, 0)), Err(TagRefused::OutOfOrder));
    assert_eq!(w.push(edge(10, 4)), Err(TagRefused::Channel));
    let widest = u64::MAX >> 2;
    assert_eq!(w.push(edge(10 + widest + 1, 0)), Err(TagRefused::Full));
    assert_eq!(w.push(edge(10 + widest, 3)), Ok(()));
    assert!(w.batch().iter().eq([edge(10 + widest, 3)]));
    w.restart(Ticks(u64::MAX));
    assert_eq!(w.push(edge(u64::MAX, 1)), Ok(()), "at its own base every tag fits");
}

#[test]
fn fields_changed_after_the_check_shorten_a_batch_and_no_more() {
    let mut w = TagWriter::new([0; 64], 4, Ticks(0));
    w.push(edge(1, 15)).unwrap();
    w.push(edge(2, 14)).unwrap();
    let mut batch = w.batch();
    (batch.base, batch.count, batch.channel_bits) = (Ticks(u64::MAX), 9, 200);
    assert_eq!(batch.iter().count(), 2);
    assert_eq!(encode(&DeviceMessage::Tags(batch)), Err(EncodeError::OutOfRange));
}

#[test]
fn settings_are_read_from_the_low_bits_up() {
    let alice = batch(7, 4, 3, &[0xba, 0x0c]);
    assert_eq!(alice.check(), Ok(()));
    assert!(alice.iter().eq([(SlotIndex(7), 0xa), (SlotIndex(8), 0xb), (SlotIndex(9), 0xc)]));
    let bob = SettingsBatch { bits_per_slot: 2, count: 5, packed: &[0b11_10_01_00, 0b01], ..alice };
    assert!(bob.iter().map(|(_, setting)| setting).eq([0, 1, 2, 3, 1]));
    assert_eq!((bob.get(4), bob.get(5)), (Some(1), None));
}

#[test]
fn settings_whose_parts_disagree_are_refused() {
    let good = batch(0, 2, 5, &[0xff, 0x03]);
    assert_eq!(good.check(), Ok(()));
    for (batch, error) in [
        (SettingsBatch { bits_per_slot: 3, ..good }, SettingsError::BitsPerSlot),
        (SettingsBatch { count: 4, ..good }, SettingsError::PackedLength),
        (SettingsBatch { count: 9, ..good }, SettingsError::PackedLength),
        (SettingsBatch { packed: &[0xff, 0x04], ..good }, SettingsError::Padding),
        (SettingsBatch { first: SlotIndex(u64::MAX - 4), ..good }, SettingsError::SlotOverflow),
    ] {
        assert_eq!(batch.check(), Err(error));
        assert_eq!(encode(&DeviceMessage::Settings(batch)), Err(EncodeError::OutOfRange));
    }
}

#[test]
fn the_longest_payload_fits_and_one_byte_more_does_not() {
    let packed = [0xff; MAX_SETTINGS_BYTES + 1];
    let batch = |bytes: usize| batch(u64::MAX >> 1, 4, 2 * bytes as u16, &packed[..bytes]);
    let longest = encode(&DeviceMessage::Settings(batch(MAX_SETTINGS_BYTES)));
    assert!(longest.is_ok_and(|length| length <= MAX_FRAME), "{longest:?}");
    let more = encode(&DeviceMessage::Settings(batch(MAX_SETTINGS_BYTES + 1)));
    assert_eq!(more, Err(EncodeError::PayloadTooLong));
}

#[test]
fn values_without_a_form_are_not_written() {
    let plain = Hello {
        role: Role::Bob,
        board: "",
        firmware: "",
        serial: "",
        tick_length: TickLength::CYCLE_150_MHZ,
        channels: 2,
        capabilities: Capabilities(0),
        max_slot_rate: Hertz(1),
        settling_time: Picoseconds(-1),
        random_class: helio_bench::RandomClass::Seeded,
        random_name: "",
        levels_nano: [0; 4],
        phase: helio_bench::PhaseRandomisation::Unknown,
        intensity_uncertainty_ppm: None,
    };
    let hello = |hello| encode(&DeviceMessage::Hello { command: 0, hello });
    assert!(hello(plain).is_ok());
    let thirty_two = "0123456789abcdef0123456789abcdef";
    assert!(hello(Hello { board: &thirty_two[1..], ..plain }).is_ok());
    assert_eq!(hello(Hello { board: thirty_two, ..plain }), Err(EncodeError::Text));
    assert_eq!(hello(Hello { random_name: "µ", ..plain }), Err(EncodeError::Text));
    let ppm = Hello { intensity_uncertainty_ppm: Some(u32::MAX), ..plain };
    assert_eq!(hello(ppm), Err(EncodeError::OutOfRange));

    let long = "x".repeat(121);
    let log = |text| encode(&DeviceMessage::Log { level: LogLevel::Warn, text });
    assert!(log(&long[1..]).is_ok());
    assert_eq!(log(&long), Err(EncodeError::Text));

    let gap = DeviceMessage::Gap { from: Ticks(2), to: Ticks(1), lost: 1 };
    assert_eq!(encode(&gap), Err(EncodeError::OutOfRange));

    let timing =
        SlotTiming { slot: SlotIndex(0), start: FineTicks(0), period: FineTicks((1 << 64) - 1) };
    let mark = |timing| encode(&DeviceMessage::SlotMark(timing));
    assert!(mark(timing).is_ok());
    for bad in [
        SlotTiming { start: FineTicks(-1), ..timing },
        SlotTiming { start: FineTicks(1 << 96), ..timing },
        SlotTiming { period: FineTicks(0), ..timing },
        SlotTiming { period: FineTicks(-1), ..timing },
        SlotTiming { period: FineTicks(1 << 64), ..timing },
    ] {
        assert_eq!(mark(bad), Err(EncodeError::OutOfRange), "{bad:?}");
    }
}

#[test]
fn entries_without_a_form_are_not_written() {
    let entry = Entry {
        name: "count.boots",
        unit: Unit::None,
        access: Access::ReadOnly,
        min: 0,
        max: i64::MAX,
    };
    let value = |entry| encode(&DeviceMessage::Value { command: 0, index: 0, value: 0, entry });
    assert!(value(entry).is_ok());
    let thirty_two = "0123456789abcdef0123456789abcdef";
    assert!(value(Entry { name: &thirty_two[1..], ..entry }).is_ok());
    assert_eq!(value(Entry { name: thirty_two, ..entry }), Err(EncodeError::Text));
    assert_eq!(value(Entry { name: "µ", ..entry }), Err(EncodeError::Text));
    assert_eq!(value(Entry { min: 1, max: 0, ..entry }), Err(EncodeError::OutOfRange));

    let mut telemetry = TelemetryWriter::<{ 11 * MAX_TELEMETRY }>::new(Ticks(0));
    let pushed = (0..).take_while(|n| telemetry.push(*n, 1)).count();
    assert_eq!(pushed, MAX_TELEMETRY);
    assert!(encode(&DeviceMessage::Telemetry(telemetry.telemetry())).is_ok());
}

#[test]
fn commands_without_a_form_are_not_written() {
    let encode = |message| encode_host(&HEADER, &message, &mut [0; MAX_FRAME]);
    let bytes = [15; MAX_FEED + 1];
    let feed = |n: usize| encode(HostMessage::Feed(Concealed(&bytes[..n])));
    let pattern = |n: usize| encode(HostMessage::Pattern(&bytes[..n]));
    assert!(feed(1).is_ok() && feed(MAX_FEED).is_ok());
    assert!(pattern(1).is_ok() && pattern(MAX_PATTERN).is_ok());
    for refused in [feed(0), feed(MAX_FEED + 1), pattern(0), pattern(MAX_PATTERN + 1)] {
        assert_eq!(refused, Err(EncodeError::OutOfRange));
    }
    assert_eq!(encode(HostMessage::Pattern(&[16])), Err(EncodeError::OutOfRange));
}

#[test]
fn secrets_are_not_printed() {
    let seed = HostMessage::Seed(Concealed(&[77; 32]));
    let feed = HostMessage::Feed(Concealed(&[77]));
    assert!(!format!("{seed:?}{feed:?}").contains("77"));
}

#[test]
fn a_decoder_is_in_step_again_after_anything() {
    let good = host_frame(&HEADER, &HostMessage::Heartbeat);
    let mut noise = Vec::new();
    noise.extend_from_slice(&good[4..]);
    noise.extend_from_slice(&[0xff; 3 * MAX_FRAME]);
    noise.push(0);
    noise.extend_from_slice(&[2, 1, 0, 0, 0]);
    noise.extend_from_slice(&good);
    for piece in [1, 7, MAX_FRAME, noise.len()] {
        let mut decoder = Decoder::new();
        let mut seen = Vec::new();
        for bytes in noise.chunks(piece) {
            decoder.push(bytes, |frame| seen.push(frame.map(|_| ())));
        }
        let errors = [FrameError::Stuffing, FrameError::TooLong, FrameError::TooShort];
        let expected = errors.map(Err).into_iter().chain([Ok(())]);
        assert!(seen.into_iter().eq(expected), "in pieces of {piece}");
        let skipped_bytes = (good.len() - 5 + 3 * MAX_FRAME + 2) as u64;
        let (frames, bad_stuffing, too_short, too_long, bad_checksum) = (1, 1, 1, 1, 0);
        let expected = DecoderCounters {
            frames,
            bad_stuffing,
            too_short,
            too_long,
            bad_checksum,
            skipped_bytes,
        };
        assert_eq!(*decoder.counters(), expected);
        assert_eq!(decoder.counters().bad_frames(), 3);
    }
}

#[test]
fn a_decoder_forgets_a_frame_begun_when_the_port_is_opened_again() {
    let good = host_frame(&HEADER, &HostMessage::Heartbeat);
    let mut decoder = Decoder::new();
    decoder.push(&good[..5], |_| panic!("not whole yet"));
    decoder.reset();
    decoder.push(&good, |frame| assert!(frame.is_ok()));
    assert_eq!((decoder.counters().frames, decoder.counters().bad_frames()), (1, 0));
}

#[test]
fn an_error_says_what_a_device_answers() {
    assert_eq!(DecodeError::UnknownVersion(9).answer(), (ErrorCode::UnknownCommand, 9));
    assert_eq!(DecodeError::OutOfRange { offset: 4 }.answer(), (ErrorCode::OutOfRange, 4));
    assert_eq!(DecodeError::Tags(TagsError::Count).answer(), (ErrorCode::OutOfRange, 19));
    let trips = |error: DecodeError| error.is_unknown();
    assert!(trips(DecodeError::UnknownKind(9)) && trips(DecodeError::UnknownStream(9)));
    assert!(!trips(DecodeError::WrongLength { offset: 0 }));
}

#[test]
fn an_unknown_kind_still_has_a_header() {
    let frame = host_frame(&HEADER, &HostMessage::Stop);
    Decoder::new().push(&frame, |frame| {
        let frame = frame.unwrap();
        assert_eq!(decode_device(frame), Err(DecodeError::UnknownKind(frame.kind())));
        assert_eq!(frame.header(), Ok(HEADER));
    });
}
