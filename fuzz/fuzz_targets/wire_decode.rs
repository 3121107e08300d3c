//! Bytes on the cable: nothing panics, cutting the bytes elsewhere changes nothing, and what is
//! read as a message is written again byte for byte.
//!
//! Every input is used twice: as bytes on the cable, and as the inside of a frame, to which a
//! right checksum and the stuffing are added, because a fuzzer seldom finds a checksum.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run wire_decode -- -max_total_time=120`

#![no_main]

use helio_wire::{
    Decoder, DeviceMessage, Frame, FrameError, MAX_FRAME, SequenceTracker, decode_device,
    decode_host, encode_device, encode_host,
};
use libfuzzer_sys::fuzz_target;

type Outcome = Result<(u8, u8, Vec<u8>), FrameError>;

fuzz_target!(|data: &[u8]| {
    let at_once = outcomes(data.len().max(1), data);
    let cut = usize::from(data.first().copied().unwrap_or(0)) % 64 + 1;
    assert_eq!(at_once, outcomes(cut, data), "cut every {cut} bytes");

    if data.len() >= 13 {
        let cable = frame_around(data);
        Decoder::new().push(&cable, |frame| {
            if let Ok(frame) = frame {
                assert!(written_again(frame).is_none_or(|again| again == cable));
            }
        });
    }
});

/// What a decoder makes of bytes that come in pieces of this length.
fn outcomes(piece: usize, data: &[u8]) -> Vec<Outcome> {
    let mut seen = Vec::new();
    let mut decoder = Decoder::new();
    let mut tracker = SequenceTracker::new();
    for bytes in data.chunks(piece) {
        decoder.push(bytes, |frame| {
            if let Ok(frame) = frame {
                written_again(frame);
                if let Ok(header) = frame.header() {
                    tracker.account(&header);
                }
            }
            seen.push(frame.map(|f| (f.version(), f.kind(), f.payload().to_vec())));
        });
    }
    let counters = decoder.counters();
    assert_eq!(seen.len() as u64, counters.frames + counters.bad_frames());
    seen
}

/// The frame that the message in this one is written as, if it is a message.
fn written_again(frame: Frame<'_>) -> Option<Vec<u8>> {
    let mut out = [0; MAX_FRAME];
    let length = if let Ok((header, message)) = decode_host(frame) {
        encode_host(&header, &message, &mut out)
    } else if let Ok((header, message)) = decode_device(frame) {
        match message {
            DeviceMessage::Tags(batch) => {
                assert_eq!(batch.iter().count(), usize::from(batch.count));
                assert!(batch.iter().is_sorted_by_key(|edge| edge.tick));
            }
            DeviceMessage::ClockEdges(edges) => {
                assert_eq!(edges.iter().count(), usize::from(edges.count()));
                assert!(edges.iter().is_sorted());
            }
            _ => {}
        }
        encode_device(&header, &message, &mut out)
    } else {
        return None;
    };
    Some(out[..length.expect("a message that was read can be written")].to_vec())
}

fn frame_around(inside: &[u8]) -> Vec<u8> {
    let checksum = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(inside);
    let raw = [inside, &checksum.to_le_bytes()].concat();
    let mut cable = vec![0; cobs::max_encoding_length(raw.len()) + 1];
    let length = cobs::encode(&raw, &mut cable);
    cable.truncate(length);
    cable.push(0);
    cable
}
