//! Frames that no host of this version sends, made without the encoder: stuffing and checksum as
//! `SPEC.md` has them.

use helio_wire::{Header, HostMessage, MAX_FRAME, Stream, encode_host};

/// A heartbeat whose byte `at` (0: version, 1: kind) is `value`, sealed rightly. It has no nonce, so
/// that its number takes no place among the commands of the host that owns the device.
pub(super) fn altered(sequence: u32, at: usize, value: u8) -> Vec<u8> {
    let header = Header { stream: Stream::Control, boot_nonce: 0, epoch: 0, sequence };
    let mut frame = [0; MAX_FRAME];
    let length = encode_host(&header, &HostMessage::Heartbeat, &mut frame).expect("it fits");
    let mut raw = unstuff(&frame[..length - 1]);
    raw.truncate(raw.len() - 4);
    raw[at] = value;
    raw.extend(crc32(&raw).to_le_bytes());
    let mut frame = stuff(&raw);
    frame.push(0);
    frame
}

/// CRC-32/ISO-HDLC, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    !crc
}

/// COBS of less than 254 bytes.
fn stuff(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for run in raw.split(|byte| *byte == 0) {
        out.push(run.len() as u8 + 1);
        out.extend_from_slice(run);
    }
    out
}

fn unstuff(mut stuffed: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some((code, rest)) = stuffed.split_first() {
        let (run, rest) = rest.split_at(usize::from(*code) - 1);
        out.extend_from_slice(run);
        if !rest.is_empty() {
            out.push(0);
        }
        stuffed = rest;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use helio_wire::Decoder;

    #[test]
    fn an_altered_frame_is_whole_and_altered() {
        let (mut decoder, mut seen) = (Decoder::new(), 0);
        decoder.push(&altered(7, 0, 99), |frame| {
            assert_eq!(frame.expect("sealed rightly").version(), 99);
            seen += 1;
        });
        decoder.push(&altered(8, 1, 0x7f), |frame| {
            let frame = frame.expect("sealed rightly");
            assert_eq!((frame.kind(), frame.header().unwrap().sequence), (0x7f, 8));
            seen += 1;
        });
        assert_eq!(seen, 2);
    }
}
