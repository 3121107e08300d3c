//! A station's status with every part filled, as Bob has it in the middle of a run.

use helio_distill::ErrorRate;
use helio_station::status::{
    BlockInProgress, DetectorErrors, DetectorOffset, DetectorRate, Device, Epsilon, Keys,
    LastBlock, Level, Line, Lost, Pads, Phase, Queue, Rates, Station, Status, Window,
};

/// The moment of the look, in seconds since 1970.
pub const NOW: u64 = 1_790_000_000;

/// Bob in block 412.
pub fn filled() -> Status {
    let mut status = Status {
        station: station(),
        phase: Phase::Running,
        phase_since_unix_s: Some(NOW - 7_999),
        ready: true,
        device: Some(device()),
        line: Some(Line {
            endpoint: "tcp:10.0.0.2:7000".into(),
            connected: true,
            since_unix_s: Some(NOW - 8_010),
            bytes_in: 812_345_678,
            bytes_out: 98_765_432,
            contacts: 3,
            failed_contacts: 0,
            last_fault: None,
        }),
        blocks: vec![BlockInProgress { block: 412, step: "reconciling".into(), seconds: 1.24 }],
        blocks_waiting: 1,
        pads: Pads {
            block_left: 3_588,
            block_size: 4_000,
            recovery_left: 60,
            recovery_size: 64,
            void: false,
        },
        epsilon: Epsilon::new(4.12e-8, Some(1e-10)),
        keys: Keys {
            usable: 371,
            pending: 1,
            burnt_blocks: 2,
            usable_bits: 31_234_567,
            delivered_bits: 3_400_000,
        },
        rates: Rates {
            detectors: detectors(|name| DetectorRate { detector: name, clicks_per_s: 21_034.2 }),
            outside_window_per_s: 620.4,
            held_off_per_s: 16.2,
            sifted_bits_per_s: 22_804.0,
            key_bits_per_s: 4_324.0,
            run_key_bits: 34_634_567,
        },
        window: Some(Window {
            width_ps: 40_000,
            detectors: detectors(|name| DetectorOffset {
                mean_offset_ps: Some(if name == "D0" { 312.0 } else { -1_240.0 }),
                detector: name,
            }),
            histogram: (0..50)
                .map(|bin: i64| 30 + 9_000 / (1 + (bin - 25).pow(4) as u64))
                .collect(),
            first_bin_ps: -100_000.0,
            bin_ps: 4_000.0,
        }),
        queues: [("tags", 3, 64), ("batches", 1, 16), ("detections", 15, 16), ("messages", 0, 256)]
            .map(|(name, depth, capacity)| Queue { name: name.into(), depth, capacity })
            .to_vec(),
        lost: Lost { tags: 1_204, frames: 2, slots_without_setting: 0 },
        ..Status::default()
    };
    for block in 396..412 {
        status.push_block(last_block(block));
    }
    for (before, level, text) in [
        (8_010, Level::Info, "contact made with \"alice\""),
        (7_999, Level::Info, "light is on, slots are locked"),
        (4_100, Level::Warn, "the cable lost 2 frames and 1 204 tags; try a shorter one"),
        (
            1_204,
            Level::Error,
            "block 352 failed: the verification tags differ: reconciliation left errors; the block is dropped",
        ),
        (21, Level::Info, "block 411: 84 063 bits of key"),
    ] {
        status.push_event(NOW - before, level, text);
    }
    status
}

/// A block that ended; number 404 has no key.
pub fn last_block(block: u64) -> LastBlock {
    let wobble = block * 37 % 11;
    let rate = |errors: u64| Some(ErrorRate::new(errors + 20 * wobble, 55_000));
    let lost = block == 404;
    LastBlock {
        run: "0123456789abcdef0123456789abcdef".into(),
        block,
        ended_unix_s: Some(NOW - 21 - 20 * (411_u64.saturating_sub(block))),
        sifted_bits: Some(456_647 - 400 * wobble),
        test_qber: if lost { Some(ErrorRate::new(6_100, 55_000)) } else { rate(520) },
        key_qber: if lost { None } else { rate(510) },
        detectors: detectors(|name| DetectorErrors {
            test: rate(if name == "D0" { 490 } else { 560 }),
            key: rate(500),
            detector: name,
        }),
        key_bits: if lost { 0 } else { 84_063 + 512 * wobble },
        leak_bits: 50_691,
        epsilon: 1e-10,
        no_key: lost.then(|| "the bound leaves no secret bit: too many errors".into()),
    }
}

fn detectors<T>(make: impl Fn(String) -> T) -> Vec<T> {
    ["D0", "D1"].map(|name| make(name.to_owned())).into()
}

fn station() -> Station {
    Station {
        role: "bob".into(),
        peer: "alice".into(),
        origin: "SIMULATED".into(),
        program_version: "0.1.0".into(),
        pid: Some(4_242),
        started_unix_s: Some(NOW - 8_040),
        updated_unix_s: Some(NOW),
        now_unix_s: NOW,
        state_folder: "/var/lib/helio/bob".into(),
        run_folder: Some("/var/lib/helio/runs/2026-09-21".into()),
        session: Some("0123456789abcdef0123456789abcdef".into()),
    }
}

fn device() -> Device {
    Device {
        address: "serial:/dev/ttyACM0".into(),
        connected: true,
        board: Some("pico2".into()),
        serial: Some("E463A8574B2F1D35".into()),
        interlock: "armed".into(),
        slots: 39_995_000_000,
        slot_rate_hz: 5e6,
        locked: Some(true),
        lock_losses: 1,
        ..Device::default()
    }
}
