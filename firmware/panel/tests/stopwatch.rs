//! A TDC7200 in the table, byte by byte on a mock of the bus.

use embedded_hal_mock::eh1::spi::{Mock, Transaction};
use helio_bench::{Board, BootCause};
use helio_panel::{Analog, Chip, Input, Panel, Parts, Shot};
use helio_units::{TickLength, Ticks};

struct Silent;

impl Analog for Silent {
    fn take(&mut self) -> Option<u16> {
        None
    }
    fn begin(&mut self, _: Input) {}
}

type Script = Vec<Transaction<u8>>;

fn sent(bytes: &[u8]) -> Script {
    let written = Transaction::write_vec(bytes.to_vec());
    vec![Transaction::transaction_start(), written, Transaction::transaction_end()]
}

fn exchanged(out: &[u8], back: &[u8]) -> Script {
    let exchanged = Transaction::transfer_in_place(out.to_vec(), back.to_vec());
    vec![Transaction::transaction_start(), exchanged, Transaction::transaction_end()]
}

const SHORT: u8 = 0xC0;
const LONG: u8 = 0xC2;

/// One STOP, 40 periods of calibration, no mask, the longest time that there is.
fn written(config1: u8) -> Script {
    let limits = [0xC3, 0x07, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0];
    [sent(&[0xC0, config1, 0xC0]), sent(&limits)].concat()
}

/// A look at a chip whose interrupt status is this.
fn look(config1: u8, status: u8) -> Script {
    exchanged(&[0x80, 0, 0, 0], &[0, config1, 0xC0, status])
}

fn arm(config1: u8) -> Script {
    sent(&[0xC0, config1 | 1])
}

/// TIME1 and the calibrations: at 12 MHz a period is 1500 counts here, 55.56 ps each.
fn results(time: u32) -> Script {
    let mut bytes = vec![0; 40];
    for (at, value) in [(1, time), (34, 1_500), (37, 60_000u32)] {
        let parity = (value.count_ones() & 1) << 23;
        bytes[at..at + 3].copy_from_slice(&(value | parity).to_be_bytes()[1..]);
    }
    let mut request = vec![0; 40];
    request[0] = 0x90;
    exchanged(&request, &bytes)
}

struct Desk {
    panel: Panel<'static, Mock<u8>, Silent>,
    stopwatch: Mock<u8>,
    dac: Mock<u8>,
    now: u64,
}

impl Desk {
    fn new(script: &[Script]) -> Desk {
        let (dac, stopwatch) = (Mock::new(&[]), Mock::new(&script.concat()));
        let parts = Parts {
            dac: dac.clone(),
            delays: None,
            stopwatch: stopwatch.clone(),
            analog: Silent,
            clock: TickLength::CYCLE_150_MHZ,
        };
        let chip = Chip { stepping: 2, cause: BootCause::Power, faults: 0 };
        Desk { panel: Panel::bob(parts, 0, chip, None), stopwatch, dac, now: 0 }
    }

    /// Turns of a quarter of a millisecond.
    fn milliseconds(&mut self, n: u64) -> &mut Desk {
        for _ in 0..4 * n {
            self.panel.turn(Ticks(self.now));
            self.now += 37_500;
        }
        self
    }

    fn get(&mut self, name: &str) -> i64 {
        let at = (0..self.panel.entries()).find(|i| self.panel.entry(*i).unwrap().name == name);
        self.panel.read(at.unwrap())
    }

    fn state(&mut self) -> i64 {
        self.get("board.stopwatch")
    }

    fn done(mut self) {
        self.stopwatch.done();
        self.dac.done();
    }
}

#[test]
fn a_shot_is_measured_once_and_the_next_one_armed_when_it_was_asked_for() {
    let mut desk = Desk::new(&[
        written(SHORT),
        look(SHORT, 0),
        arm(SHORT),
        look(SHORT | 1, 0),
        look(SHORT | 1, 0x08),
        look(SHORT, 0x19),
        results(1_800),
        // Nobody asks: looked at, not armed.
        look(SHORT, 0x19),
        look(SHORT, 0x19),
        // Asked.
        look(SHORT, 0x19),
        arm(SHORT),
        look(SHORT | 1, 0),
        look(SHORT, 0x19),
        results(3_600),
    ]);
    for state in [Shot::Armed, Shot::Armed, Shot::Started, Shot::Measured, Shot::Measured] {
        assert_eq!(desk.milliseconds(1).state(), state as i64);
    }
    desk.milliseconds(1);
    assert_eq!((desk.get("count.stopwatch"), desk.get("sensor.stopwatch")), (1, 100_000));
    assert_eq!(desk.milliseconds(1).state(), Shot::Armed as i64);
    desk.milliseconds(1);
    // Until the next shot has ended there is the last one.
    assert_eq!((desk.get("count.stopwatch"), desk.get("sensor.stopwatch")), (1, 100_000));
    desk.milliseconds(1);
    assert_eq!((desk.get("count.stopwatch"), desk.get("sensor.stopwatch")), (2, 200_000));
    desk.done();
}

#[test]
fn no_stop_in_time_disturbance_and_a_time_out_of_range_are_no_times() {
    let disturbed = {
        let mut all = results(1_800);
        all[1] = Transaction::transfer_in_place([vec![0x90], vec![0; 39]].concat(), vec![1; 40]);
        all
    };
    let cases: [(u8, Script, Shot); 6] = [
        (0x1C, vec![], Shot::NoStop),
        (0x1A, vec![], Shot::NoStop),
        (0x19, results(200), Shot::NoStop),
        (0x19, results(9_100), Shot::NoStop),
        (0x19, disturbed, Shot::Disturbed),
        (0x19, exchanged(&[vec![0x90], vec![0; 39]].concat(), &[0; 40]), Shot::Disturbed),
    ];
    for (status, answer, state) in cases {
        let begin = [written(SHORT), look(SHORT, 0), arm(SHORT), look(SHORT, 0x19), results(1_800)];
        let next = [look(SHORT, 0x19), arm(SHORT), look(SHORT, status), answer];
        let mut desk = Desk::new(&[begin.concat(), next.concat()]);
        assert_eq!(desk.milliseconds(2).get("sensor.stopwatch"), 100_000);
        assert_eq!(desk.milliseconds(2).state(), state as i64);
        assert_eq!(
            (desk.get("sensor.stopwatch"), desk.get("count.stopwatch")),
            (0, 1),
            "{state:?}"
        );
        desk.done();
    }
}

#[test]
fn a_chip_that_is_not_there_is_tried_each_second_and_never_waited_for() {
    let absent = exchanged(&[0x80, 0, 0, 0], &[0; 4]);
    let floats = exchanged(&[0x80, 0, 0, 0], &[0xFF; 4]);
    let mut desk = Desk::new(&[
        written(SHORT),
        absent,
        // A second later.
        written(SHORT),
        floats,
        // Plugged in.
        written(SHORT),
        look(SHORT, 0),
        arm(SHORT),
        look(SHORT | 1, 0x08),
        // Its supply fails, and it comes back with what it has after a reset.
        exchanged(&[0x80, 0, 0, 0], &[0, 0, 0x40, 0]),
        written(SHORT),
        look(SHORT, 0),
        arm(SHORT),
    ]);
    assert_eq!(desk.milliseconds(500).state(), Shot::NoChip as i64);
    assert_eq!(desk.milliseconds(1_000).state(), Shot::NoChip as i64);
    assert_eq!(desk.milliseconds(504).state(), Shot::Started as i64);
    assert_eq!(desk.milliseconds(1).state(), Shot::NoChip as i64);
    assert_eq!(desk.milliseconds(1_001).state(), Shot::Armed as i64);
    desk.done();
}

#[test]
fn the_long_mode_is_a_setting() {
    let mut long = vec![0; 40];
    // CLOCK_COUNT1 of 1200 periods, and as much of the ring oscillator at both ends.
    for (at, value) in [(1, 700u32), (4, 1_200), (7, 700), (34, 1_500), (37, 60_000)] {
        let parity = (value.count_ones() & 1) << 23;
        long[at..at + 3].copy_from_slice(&(value | parity).to_be_bytes()[1..]);
    }
    let mut desk = Desk::new(&[
        written(SHORT),
        look(SHORT, 0),
        arm(SHORT),
        written(LONG),
        look(LONG, 0),
        arm(LONG),
        look(LONG, 0x19),
        exchanged(&[vec![0x90], vec![0; 39]].concat(), &long),
    ]);
    desk.milliseconds(1);
    let at = (0..desk.panel.entries())
        .find(|i| desk.panel.entry(*i).unwrap().name == "stopwatch.long")
        .unwrap();
    assert_eq!(desk.panel.read(at), 0);
    desk.panel.write(at, 1).unwrap();
    assert_eq!((desk.panel.read(at), desk.state()), (1, Shot::NoChip as i64));
    assert_eq!(desk.milliseconds(2).get("sensor.stopwatch"), 100_000_000);
    desk.done();
}
