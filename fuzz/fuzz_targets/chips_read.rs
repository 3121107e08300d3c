//! Bytes from a chip: nothing panics, edges come in order whatever the bus brings, and what is
//! read as a setting is written again byte for byte.
//!
//! The first byte says how the coarse clock runs and how much is asked for at a time; the rest is
//! what the SPI bus answers, transfer after transfer, and ones after that, which an AS650x means
//! as empty.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run chips_read -- -max_total_time=120`

#![no_main]

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use embedded_hal::spi::{ErrorType, Operation, SpiDevice};
use helio_bench::{Edge, EdgeSource};
use helio_chips::{ad5686r, as650x, sy89297u, tdc7200};
use helio_units::{Hertz, TickLength, Ticks};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (&first, rest) = data.split_first().unwrap_or((&0, &[]));
    edges(first, rest);
    registers(rest);
    times(rest);
    for frame in rest.chunks_exact(3).map(|f| [f[0], f[1], f[2]]) {
        if let Some(command) = ad5686r::Command::decode(frame) {
            assert_eq!(ad5686r::Command::decode(command.frame()), Some(command));
        }
        let (a, b) = sy89297u::codes(frame);
        assert_eq!(sy89297u::frame(a, b)[1..], frame[1..]);
    }
});

/// The chip that answers with the input.
struct Bus {
    answers: Vec<u8>,
    at: usize,
    /// Coarse periods; each transfer takes some.
    now: u64,
    step: u64,
    registers: Vec<u8>,
}

#[derive(Clone)]
struct Shared(Rc<RefCell<Bus>>);

impl ErrorType for Shared {
    type Error = Infallible;
}

impl SpiDevice for Shared {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        let mut bus = self.0.borrow_mut();
        for operation in operations {
            match operation {
                Operation::Write([0x80, config @ ..]) => bus.registers = config.to_vec(),
                Operation::TransferInPlace(frame) if frame[0] == 0x40 => {
                    frame[1..].copy_from_slice(&bus.registers);
                }
                Operation::TransferInPlace(frame) => {
                    for byte in frame[1..].iter_mut() {
                        *byte = bus.answers.get(bus.at).copied().unwrap_or(0xFF);
                        bus.at += 1;
                    }
                    bus.now = bus.now.wrapping_add(bus.step);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A source fed with anything keeps the promises of an edge source.
fn edges(first: u8, answers: &[u8]) {
    let part = if first & 1 == 0 { as650x::Part::As6500 } else { as650x::Part::As6501 };
    let bus = Shared(Rc::new(RefCell::new(Bus {
        answers: answers.to_vec(),
        at: 0,
        now: 0,
        step: 1 << (first >> 3),
        registers: Vec::new(),
    })));
    let chip = as650x::As650x::new(bus.clone(), as650x::Config::new(part, 10_000)).unwrap();
    let clock = bus.clone();
    let reference = TickLength::new(100_000, 1).unwrap();
    let mut source =
        as650x::As650xSource::start(chip, move || clock.0.borrow().now, reference).unwrap();
    let mut out = vec![Edge { tick: Ticks(0), channel: 0 }; 1 << (first >> 1 & 3)];
    let mut last = Ticks(0);
    let mut reached = Ticks(0);
    for _ in 0..answers.len() / 24 + 8 {
        let drained = source.drain(&mut out);
        assert!(reached <= drained.reached, "time runs backwards");
        for edge in &out[..drained.edges] {
            assert!(last <= edge.tick && reached <= edge.tick && edge.tick <= drained.reached);
            assert!(edge.channel < source.channels());
            last = edge.tick;
        }
        assert!(drained.loss.is_none_or(|l| l.from <= l.to));
        reached = drained.reached;
    }
}

/// Registers that are understood are written again as they were.
fn registers(bytes: &[u8]) {
    if let Some(config) = bytes.first_chunk::<{ as650x::CONFIG_BYTES }>() {
        for part in [as650x::Part::As6500, as650x::Part::As6501] {
            if let Some(read) = as650x::Config::decode(part, config) {
                assert_eq!(read.encode(), *config);
            }
        }
    }
    for byte in bytes.iter().take(4) {
        if let Some(config) = tdc7200::Config1::decode(*byte) {
            assert_eq!(config.encode(), *byte);
        }
    }
}

/// Results of a stopwatch are times or an error; more counts are never less time.
fn times(bytes: &[u8]) {
    let Some(registers) = bytes.first_chunk::<{ tdc7200::RESULT_BYTES }>() else { return };
    let Ok(results) = tdc7200::Results::decode(registers) else { return };
    for mode in [tdc7200::Mode::Short, tdc7200::Mode::Long] {
        let settings =
            tdc7200::Settings { stops: 5, ..tdc7200::Settings::new(Hertz(8_000_000), mode) };
        let Ok(laps) = settings.laps(&results) else { continue };
        assert_eq!(laps.stops().len(), 5);
        if matches!(mode, tdc7200::Mode::Short) {
            for (a, b) in [(0, 1), (2, 3), (3, 4)] {
                let rises = results.time[a] <= results.time[b];
                assert!(!rises || laps.stops()[a] <= laps.stops()[b]);
            }
        }
    }
}
