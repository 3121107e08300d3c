//! The table of `docs/cable.md`: bytes a tag, and the largest rate without loss. Printed by
//! `cargo test -p helio-firmware --test usb table -- --nocapture`.

use super::rig::{FRAMES, Rig};
use helio_bench::Edge;
use helio_firmware::{CONTROL_HEADROOM, FLUSH_INTERVAL, Transmit};
use helio_units::{TickLength, Ticks};
use helio_wire::{
    DeviceMessage, Header, HostMessage, MAX_FRAME, MAX_TAG_CODES, Stream, TagWriter, encode_device,
};

/// Bytes a second of bulk data at full speed: 19 packets of 64 bytes a millisecond.
const BUS: f64 = 19.0 * 64.0 * 1e3;

/// Numbers from a seed (SplitMix64), uniform in (0, 1].
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ (z >> 31)) >> 11) + 1) as f64 / (1u64 << 53) as f64
    }
}

/// Packets of each millisecond.
#[derive(Clone, Copy)]
enum Bus {
    /// Nobody else, and a host that always asks.
    Full,
    /// 12 to 19: other devices, and a host that is late.
    Shared,
}

/// Poisson tags on four channels through the cable; bytes sent and tags made, and lost.
struct Outcome {
    bytes: u64,
    tags: u64,
    lost: u64,
}

fn run(rate: f64, tick: TickLength, milliseconds: u64, bus: Bus) -> Outcome {
    let mut rig = Rig::new();
    rig.command(FRAMES, &HostMessage::Hello);
    let (mut draws, mut sequence) = (Draws(1), 0);
    let per_second = 1e12 / tick.as_ps_f64();
    let flush = tick.ticks_covering(FLUSH_INTERVAL).0;
    let mut writer = TagWriter::new([0; MAX_TAG_CODES], 2, Ticks(0));
    let (mut out, mut held, mut flushed) = (Outcome { bytes: 0, tags: 0, lost: 0 }, 0, 0);
    let mut next = -draws.next().ln() / rate;
    let begun = rig.now.0;
    for ms in 0..milliseconds {
        let packets = match bus {
            Bus::Full => 19,
            Bus::Shared => 12 + (draws.next() * 7.999) as u64,
        };
        for packet in 0..packets {
            let until = ms as f64 / 1e3 + (packet + 1) as f64 / packets as f64 / 1e3;
            let mut send = |writer: &mut TagWriter<_>, held: &mut u64, at: u64| {
                writer.set_reached(Ticks(at));
                let header = Header { stream: Stream::Tags, boot_nonce: 7, epoch: 1, sequence };
                let message = DeviceMessage::Tags(writer.batch());
                let mut frame = [0; MAX_FRAME];
                let length = encode_device(&header, &message, &mut frame).unwrap();
                if length + CONTROL_HEADROOM <= rig.cable.space() {
                    rig.cable.send(&frame[..length]);
                    sequence += 1;
                    out.bytes += length as u64;
                } else {
                    out.lost += *held;
                }
                writer.restart(Ticks(at));
                *held = 0;
            };
            while next < until {
                let edge = Edge {
                    tick: Ticks((next * per_second) as u64),
                    channel: (draws.next() * 3.999) as u8,
                };
                if writer.push(edge).is_err() {
                    send(&mut writer, &mut held, edge.tick.0);
                    writer.push(edge).unwrap();
                }
                (out.tags, held) = (out.tags + 1, held + 1);
                next -= draws.next().ln() / rate;
            }
            let at = (until * per_second) as u64;
            if at - flushed >= flush {
                flushed = at;
                send(&mut writer, &mut held, at);
            }
            let now = begun + (until * 1e6) as u64;
            rig.pass(now.saturating_sub(rig.now.0));
            rig.bus.take(FRAMES);
        }
    }
    out
}

/// To 1 %, over half a second.
fn largest_rate(tick: TickLength, bus: Bus) -> f64 {
    let (mut holds, mut fails) = (1e4, 2e6);
    while fails / holds > 1.01 {
        let rate = f64::sqrt(holds * fails);
        match run(rate, tick, 500, bus).lost {
            0 => holds = rate,
            _ => fails = rate,
        }
    }
    holds
}

#[test]
fn bytes_a_tag_and_the_largest_rate_without_loss() {
    let ticks = [
        ("6.67 ns", TickLength::CYCLE_150_MHZ, 2.5),
        ("10 ps", TickLength::new(10, 1).unwrap(), 4.2),
    ];
    println!("| tick | tags a second | bytes a tag | of the bus | lost |");
    println!("|---|---|---|---|---|");
    for (name, tick, most) in ticks {
        for rate in [10e3, 100e3, 300e3] {
            let Outcome { bytes, tags, lost } = run(rate, tick, 1_000, Bus::Full);
            let each = bytes as f64 / (tags - lost) as f64;
            let load = each * rate / BUS * 100.0;
            println!("| {name} | {:.0} k | {each:.2} | {load:.0} % | {lost} |", rate / 1e3);
            assert!(rate != 100e3 || each <= most, "{each} bytes a tag at {name}");
            assert_eq!(lost > 0, each * rate > BUS, "{lost} lost at {rate} and {name}");
        }
    }
    println!("\n| tick | bus arithmetic | paced model | shared bus, 12 to 19 packets | board |");
    println!("|---|---|---|---|---|");
    for (name, tick, _) in ticks {
        let (full, shared) = (largest_rate(tick, Bus::Full), largest_rate(tick, Bus::Shared));
        let Outcome { bytes, tags, .. } = run(full, tick, 500, Bus::Full);
        let arithmetic = BUS / (bytes as f64 / tags as f64);
        let k = |rate: f64| format!("{:.0} k/s", rate / 1e3);
        println!("| {name} | {} | {} | {} | none yet |", k(arithmetic), k(full), k(shared));
        assert!(full <= arithmetic && full > 0.95 * arithmetic, "{full} of {arithmetic}");
        assert!(shared < full && shared > 0.7 * full, "{shared} of {full}");
    }
}
