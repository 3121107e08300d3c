//! What holds for every message and for every string of bytes.

mod support;

use helio_bench::Edge;
use helio_units::Ticks;
use helio_wire::{
    DecodeError, Decoder, DeviceMessage, Frame, FrameError, MAX_FRAME, TagBatch, TagsError,
    decode_device, decode_host, encode_device, encode_host,
};
use proptest::collection::vec;
use proptest::prelude::*;
use support::{device_message, header, host_frame, host_message};

/// Everything that a decoder hands out for these bytes, in a comparable form.
fn outcomes(decoder: &mut Decoder, bytes: &[u8]) -> Vec<Result<(u8, Vec<u8>), FrameError>> {
    let mut seen = Vec::new();
    decoder.push(bytes, |r| seen.push(r.map(|f| (f.kind(), f.payload().to_vec()))));
    seen
}

/// Reads a whole frame in both directions; what reads must write the same bytes again.
fn read_and_write_again(frame: Frame<'_>) {
    let mut out = [0; MAX_FRAME];
    let again = |out: &[u8]| {
        let mut same = false;
        Decoder::new().push(out, |r| {
            let r = r.expect("a frame just written");
            same = (r.kind(), r.payload(), r.header())
                == (frame.kind(), frame.payload(), frame.header());
        });
        assert!(same);
    };
    if let Ok((header, message)) = decode_host(frame) {
        let n = encode_host(&header, &message, &mut out).unwrap();
        again(&out[..n]);
    }
    if let Ok((header, message)) = decode_device(frame) {
        match message {
            DeviceMessage::Tags(batch) => {
                assert_eq!(batch.iter().count(), usize::from(batch.count));
            }
            DeviceMessage::ClockEdges(edges) => {
                assert_eq!(edges.iter().count(), usize::from(edges.count()));
                assert!(edges.iter().is_sorted());
            }
            _ => {}
        }
        let n = encode_device(&header, &message, &mut out).unwrap();
        again(&out[..n]);
    }
}

/// A whole frame around any payload, with a right checksum.
fn frame_around(kind: u8, payload: &[u8]) -> Vec<u8> {
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    let mut raw = vec![helio_wire::VERSION, kind, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    raw.extend_from_slice(payload);
    raw.extend_from_slice(&crc.checksum(&raw).to_le_bytes());
    let mut stuffed = vec![0; cobs::max_encoding_length(raw.len())];
    let n = cobs::encode(&raw, &mut stuffed);
    stuffed.truncate(n);
    stuffed.push(0);
    stuffed
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_device_message_comes_back(h in header(), m in device_message()) {
        let frame = m.frame(&h);
        prop_assert_eq!(frame.iter().position(|b| *b == 0), Some(frame.len() - 1));
        let mut seen = 0;
        Decoder::new().push(&frame, |r| {
            m.with(|message| assert_eq!(decode_device(r.unwrap()), Ok((h, *message))));
            assert!(matches!(decode_host(r.unwrap()), Err(DecodeError::UnknownKind(_))));
            seen += 1;
        });
        prop_assert_eq!(seen, 1);
    }

    #[test]
    fn every_host_message_comes_back(h in header(), m in host_message()) {
        let mut seen = 0;
        Decoder::new().push(&host_frame(&h, &m.message()), |r| {
            assert_eq!(decode_host(r.unwrap()), Ok((h, m.message())));
            assert!(matches!(decode_device(r.unwrap()), Err(DecodeError::UnknownKind(_))));
            seen += 1;
        });
        prop_assert_eq!(seen, 1);
    }

    #[test]
    fn a_short_buffer_is_refused_not_overrun(h in header(), m in device_message(), cut in 1..30usize) {
        let whole = m.frame(&h);
        let mut short = vec![0xaa; whole.len().saturating_sub(cut)];
        let refused = m.with(|message| encode_device(&h, message, &mut short));
        prop_assert_eq!(refused, Err(helio_wire::EncodeError::BufferTooSmall));
        let mut fits = vec![0xaa; whole.len()];
        prop_assert_eq!(m.with(|message| encode_device(&h, message, &mut fits)), Ok(whole.len()));
        prop_assert_eq!(fits, whole);
    }

    #[test]
    fn random_bytes_never_panic_however_they_are_cut(
        bytes in vec(prop_oneof![4 => any::<u8>(), 1 => Just(0u8), 1 => 1..4u8], 0..6000),
        cuts in vec(1..700usize, 1..20),
    ) {
        let at_once = outcomes(&mut Decoder::new(), &bytes);
        let mut decoder = Decoder::new();
        let (mut pieces, mut rest) = (Vec::new(), &bytes[..]);
        for cut in cuts.iter().cycle() {
            let (piece, others) = rest.split_at((*cut).min(rest.len()));
            pieces.extend(outcomes(&mut decoder, piece));
            rest = others;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(at_once, pieces);
    }

    #[test]
    fn any_payload_is_refused_or_written_again_byte_for_byte(
        kind in prop_oneof![0x01..=0x10u8, 0x81..=0x88u8, 0x90..=0x94u8, Just(0xa0u8), any::<u8>()],
        payload in vec(prop_oneof![any::<u8>(), 0..4u8], 0..300),
    ) {
        Decoder::new().push(&frame_around(kind, &payload), |r| read_and_write_again(r.unwrap()));
    }

    #[test]
    fn a_message_with_one_byte_changed_and_checked_is_refused_or_written_again(
        m in device_message(), at in any::<prop::sample::Index>(), by in 1..=255u8,
    ) {
        let h = helio_wire::Header {
            stream: helio_wire::Stream::Tags, boot_nonce: 1, epoch: 2, sequence: 3,
        };
        let (mut kind, mut payload) = (0, Vec::new());
        Decoder::new().push(&m.frame(&h), |r| {
            (kind, payload) = (r.unwrap().kind(), r.unwrap().payload().to_vec());
        });
        if !payload.is_empty() {
            let at = at.index(payload.len());
            payload[at] ^= by;
        }
        Decoder::new().push(&frame_around(kind, &payload), |r| read_and_write_again(r.unwrap()));
    }

    #[test]
    fn hostile_codes_give_an_error_or_exactly_the_counted_tags(
        base in prop_oneof![any::<u64>(), Just(u64::MAX)],
        bits in 0..=5u8,
        marked: bool,
        count in 0..40u16,
        codes in vec(prop_oneof![any::<u8>(), Just(0x80u8), Just(0xffu8), 0..2u8], 0..60),
    ) {
        let batch = TagBatch::new(Ticks(base), Ticks(0), bits, marked, count, &codes);
        if bits > 4 {
            prop_assert_eq!(batch, Err(TagsError::ChannelBits));
        } else if let Ok(batch) = batch {
            let tags: Vec<Edge> = batch.iter().collect();
            prop_assert_eq!(tags.len(), usize::from(count));
            prop_assert!(tags.windows(2).all(|w| w[0].tick <= w[1].tick));
            prop_assert!(tags.iter().all(|t| t.tick.0 >= base && t.channel >> bits == 0));
            let most = u64::from(count) * u64::from(marked);
            prop_assert!(batch.early() <= most);
            let mut out = [Edge { tick: Ticks(0), channel: 0 }; 40];
            prop_assert_eq!(batch.decode_into(&mut out), tags.len());
            prop_assert_eq!(&out[..tags.len()], &tags[..]);
        }
    }
}
