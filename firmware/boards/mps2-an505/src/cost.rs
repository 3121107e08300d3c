//! What the firmware costs on a Cortex-M33, in instructions and in stack: to be run under
//! `qemu -icount`, as `tests/hil/cost` does. Not silicon: no wait states, no caches, no bus.
//!
//! The parts are as cheap as parts can be, so that it is the firmware that is counted: the random
//! source repeats one buffer, the player takes words and forgets them, the cable too.
#![no_std]
#![no_main]

mod parts;
mod probe;

use core::hint::black_box;
use core::panic::PanicInfo;
use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};
use helio_bench::{RandomSource, SettingsSource, SlotClockMode};
use helio_firmware::{
    ActiveReceiver, AliceData, BobData, Control, DEAD_TIMES, Identity, Orders, PassiveReceiver,
    Profile, Receiver, RunOrder, text,
};
use helio_sim::SimRandom;
use helio_units::{Hertz, SlotIndex, TickLength, Ticks};
use helio_wire::{Capabilities, Configure, Header, HostMessage, MAX_FRAME, Stream, encode_host};
use parts::{Again, Clock, Forgets, MODULATOR, Repeats, SOURCE, Sink};
use probe::{Probe, stack};

/// A millisecond of 150 MHz.
const MS: u64 = 150_000;
/// Slots and edges of a batch.
const BATCH: u64 = 1_000;
/// Batches.
const TIMES: u64 = 20;
/// Edges of the longer of two batches of tags.
const EDGES: usize = 1_000;

const TICK: TickLength = TickLength::CYCLE_150_MHZ;

fn configure() -> Configure {
    Configure {
        slot_ticks: 150,
        sync_spacing: 64,
        sync_seed: 1,
        intensity_weights: [2900, 1000, 196, 0],
        key_basis_weight: 3687,
        random_swap: true,
        burst_slots: 0,
        slot_clock: SlotClockMode::Sync,
        gate: None,
    }
}

fn orders() -> Orders {
    Orders {
        enable: true,
        halt: false,
        configure: Some(configure()),
        run: Some(RunOrder::Start { epoch: 1, slots: None }),
        permit_until: Ticks(u64::MAX),
        source: SettingsSource::Own,
        dead_times: [0; DEAD_TIMES],
        delays: [0; 4],
        slot_clock: None,
    }
}

#[entry]
fn main() -> ! {
    let core = cortex_m::Peripherals::take().expect("nobody else has taken them");
    let probe = Probe::new(core.SYST);
    hprintln!("what,instructions,unit,stack_bytes");
    cipher(&probe);
    alice(&probe);
    bob_settings(&probe);
    for edges in [0, EDGES] {
        bob_tags(&probe, edges);
    }
    control(&probe);
    loop {
        debug::exit(debug::EXIT_SUCCESS);
    }
}

/// What the settings of a slot cost where they come from a stream cipher: not in the lines below.
fn cipher(probe: &Probe) {
    let (mut random, mut bytes) = (SimRandom::new(1, 0), [0; 4 * BATCH as usize]);
    let mut run = || _ = black_box(random.fill(black_box(&mut bytes)));
    run();
    let deep = stack(&mut run);
    let all = probe.instructions(|| (0..TIMES).for_each(|_| run()));
    tell("ChaCha20: four bytes", all, TIMES * BATCH, "slot", deep);
}

fn alice(probe: &Probe) {
    let mut data = AliceData::new(1, TICK, Forgets::new(BATCH), Repeats::new());
    data.order(&orders());
    let mut now = 0;
    let mut run = || {
        now += MS;
        data.parts_mut().0.play_all();
        black_box(data.run(Ticks(now), &mut Sink));
    };
    run();
    let deep = stack(&mut run);
    let all = probe.instructions(|| (0..TIMES).for_each(|_| run()));
    tell("Alice: settings", all, TIMES * BATCH, "slot", deep);
}

fn bob_settings(probe: &Probe) {
    let mut receiver =
        ActiveReceiver::new(1, TICK, MODULATOR, Forgets::new(BATCH), Clock, Repeats::new());
    receiver.begin(&configure(), 1, SlotIndex(0), None);
    let mut now = 0;
    let mut run = || {
        now += MS;
        receiver.parts_mut().1.play_all();
        let _ = black_box(receiver.feed(Ticks(now), &mut Sink));
    };
    run();
    let deep = stack(&mut run);
    let all = probe.instructions(|| (0..TIMES).for_each(|_| run()));
    tell("Bob: settings", all, TIMES * BATCH, "slot", deep);
}

/// With no edges: what a call costs by itself.
fn bob_tags(probe: &Probe, edges: usize) {
    let mut data = BobData::new(1, Again::new(edges), PassiveReceiver);
    data.order(&orders());
    let mut now = 0;
    let mut run = || {
        data.parts_mut().0.again(now);
        now += MS;
        black_box(data.run(Ticks(now), &mut Sink));
    };
    run();
    let deep = stack(&mut run);
    let all = probe.instructions(|| (0..TIMES).for_each(|_| run()));
    match edges {
        0 => tell("Bob: a turn without tags", all, TIMES, "turn", deep),
        _ => tell("Bob: tags, turn included", all, TIMES * edges as u64, "tag", deep),
    }
}

fn control(probe: &Probe) {
    let identity = Identity {
        board: text("mps2-an505"),
        serial: text("cost"),
        boot_nonce: 7,
        tick_length: TICK,
        max_slot_rate: Hertz(1_000_000),
        capabilities: Capabilities::SIMULATED,
    };
    let mut control = Control::new(Profile::alice(identity, &SOURCE, &MODULATOR, &Repeats::new()));
    let mut now = 0;
    let mut poll = |rx: &[u8]| {
        now += 1;
        black_box(control.poll(Ticks(now), &[], rx, &mut Sink));
    };
    poll(&[]);
    let deep = stack(|| poll(&[]));
    let all = probe.instructions(|| (0..TIMES).for_each(|_| poll(&[])));
    tell("control: a poll with nothing", all, TIMES, "poll", deep);
    let mut sequence = 0;
    for (what, message) in [
        ("control: a heartbeat", HostMessage::Heartbeat),
        ("control: a configuration", HostMessage::Configure(configure())),
        ("control: a greeting", HostMessage::Hello),
    ] {
        let mut frame = [0; MAX_FRAME];
        let mut next = |deep: &mut usize, count: bool| {
            sequence += 1;
            let header = Header { stream: Stream::Control, boot_nonce: 7, epoch: 0, sequence };
            let length = encode_host(&header, &message, &mut frame).unwrap_or(0);
            if count {
                return probe.instructions(|| poll(&frame[..length]));
            }
            *deep = stack(|| poll(&frame[..length]));
            0
        };
        let mut deep = 0;
        next(&mut deep, false);
        let all = (0..TIMES).map(|_| next(&mut deep, true)).sum();
        tell(what, all, TIMES, "command", deep);
    }
}

fn tell(what: &str, instructions: u64, of: u64, unit: &str, deep: usize) {
    let tenths = instructions * 10 / of;
    hprintln!("{},{}.{},{},{}", what, tenths / 10, tenths % 10, unit, deep);
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    hprintln!("{}", info);
    loop {
        debug::exit(debug::EXIT_FAILURE);
    }
}
