//! What a tag costs on the cable, framing included.

#[path = "support/poisson.rs"]
mod poisson;

use helio_bench::Edge;
use helio_units::Ticks;
use helio_wire::{
    Decoder, DeviceMessage, Header, MAX_FRAME, MAX_TAG_CODES, Stream, TagRefused, TagWriter,
    decode_device, encode_device,
};
use poisson::Poisson;

const TAGS_PER_SECOND: f64 = 1e5;
const FLUSH_SECONDS: f64 = 5e-3;
/// 20 s of tags.
const TAGS: usize = 2_000_000;

/// Sends batches as a device does: when full, and when the flush timer rings.
struct Device {
    writer: TagWriter<[u8; MAX_TAG_CODES]>,
    cable: Vec<u8>,
    sequence: u32,
}

impl Device {
    fn send(&mut self, reached: Ticks) {
        self.writer.set_reached(reached);
        let header = Header {
            stream: Stream::Tags,
            boot_nonce: 0x5eed_b007,
            epoch: 1,
            sequence: self.sequence,
        };
        let mut frame = [0; MAX_FRAME];
        let message = DeviceMessage::Tags(self.writer.batch());
        let length = encode_device(&header, &message, &mut frame).unwrap();
        self.cable.extend_from_slice(&frame[..length]);
        self.sequence += 1;
        self.writer.restart(reached);
    }
}

/// Bytes a tag, with ticks of this length, with or without marks.
fn cost(tick_seconds: f64, marked: bool) -> f64 {
    let mean_ticks = 1.0 / (TAGS_PER_SECOND * tick_seconds);
    let flush_ticks = (FLUSH_SECONDS / tick_seconds) as u64;
    let sent: Vec<Edge> = Poisson::new(42, mean_ticks, 4).take(TAGS).collect();
    let mut writer = TagWriter::new([0; MAX_TAG_CODES], 2, Ticks(0));
    writer.mark(marked);
    let mut device = Device { writer, cable: Vec::new(), sequence: 0 };
    let mut flush = flush_ticks;
    for edge in &sent {
        while edge.tick.0 >= flush {
            device.send(Ticks(flush));
            flush += flush_ticks;
        }
        if device.writer.push(*edge) == Err(TagRefused::Full) {
            device.send(edge.tick);
            device.writer.push(*edge).unwrap();
        }
    }
    device.send(Ticks(flush));

    // What is counted is what arrives.
    let mut received = Vec::with_capacity(TAGS);
    Decoder::new().push(&device.cable, |frame| {
        let Ok((_, DeviceMessage::Tags(batch))) = decode_device(frame.unwrap()) else {
            panic!("only tags were sent");
        };
        received.extend(batch.iter());
    });
    assert!(received == sent, "the tags came back changed");
    device.cable.len() as f64 / TAGS as f64
}

#[test]
fn a_tag_costs_what_the_document_says() {
    let cost = |marked| (cost(20_000e-12 / 3.0, marked), cost(10e-12, marked));
    let ((coarse, fine), marked) = (cost(false), cost(true));
    println!("{coarse:.3} bytes a tag with ticks of 6.67 ns, {fine:.3} with ticks of 10 ps");
    println!("with marks {:.3} and {:.3}", marked.0, marked.1);
    assert!(coarse <= 2.5 && marked.0 <= 2.5, "{coarse} {marked:?}");
    assert!(fine <= 4.2 && marked.1 <= 4.2, "{fine} {marked:?}");
    let spec: Vec<&str> = include_str!("../SPEC.md").split_whitespace().collect();
    let sentence = format!(
        "{coarse:.2} bytes a tag with ticks of 6.67 ns, {fine:.2} with ticks of 10 ps; where tags \
         have a mark, {:.2} and {:.2}.",
        marked.0, marked.1
    );
    assert!(spec.join(" ").contains(&sentence), "SPEC.md should say: {sentence}");
}
