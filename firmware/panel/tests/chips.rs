//! The table over its chips, byte by byte on a mock of the bus.

use embedded_hal::spi::{ErrorKind, ErrorType, Operation, SpiDevice};
use embedded_hal_mock::eh1::spi::{Mock, Transaction};
use helio_bench::{Access, Board, BootCause, KEPT_LENGTH, PartFault, Polarization};
use helio_panel::{Analog, Chip, Input, LongestTurns, Panel, Parts, Seen};
use helio_units::{Picoseconds, TickLength, Ticks};

const CHIP: Chip = Chip { stepping: 2, cause: BootCause::Power, faults: 3 };

struct Volt;

/// 1.65 V everywhere.
impl Analog for Volt {
    fn take(&mut self) -> Option<u16> {
        Some(2048)
    }
    fn begin(&mut self, _: Input) {}
}

const CLOCK: TickLength = TickLength::CYCLE_150_MHZ;

/// A stopwatch that is not there: what is written to it at the start.
fn no_stopwatch() -> Mock<u8> {
    let limits = [0xC3, 0x07, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0];
    Mock::new(&[sent(&[0xC0, 0xC0, 0xC0]), sent(&limits)].concat())
}

/// Its parts, of which the stopwatch is told apart to be looked after.
fn parts(dac: &Mock<u8>, delays: Option<&Mock<u8>>, stopwatch: &Mock<u8>) -> Parts<Mock<u8>, Volt> {
    let (dac, delays, stopwatch) = (dac.clone(), delays.cloned(), stopwatch.clone());
    Parts { dac, delays, stopwatch, analog: Volt, clock: CLOCK }
}

fn sent(bytes: &[u8]) -> Vec<Transaction<u8>> {
    let written = Transaction::write_vec(bytes.to_vec());
    vec![Transaction::transaction_start(), written, Transaction::transaction_end()]
}

fn exchanged(out: &[u8], back: &[u8]) -> Vec<Transaction<u8>> {
    vec![
        Transaction::transaction_start(),
        Transaction::transfer_in_place(out.to_vec(), back.to_vec()),
        Transaction::transaction_end(),
    ]
}

/// A level written to output `n` and read back as `read`.
fn level(n: u8, code: u16, read: u16) -> Vec<Transaction<u8>> {
    let ([h, l], [rh, rl]) = (code.to_be_bytes(), read.to_be_bytes());
    let mut all = sent(&[0x30 | 1 << n, h, l]);
    all.extend(sent(&[0x90 | 1 << n, 0, 0]));
    all.push(Transaction::transaction_start());
    all.push(Transaction::transfer_in_place(vec![0, 0, 0], vec![0, rh, rl]));
    all.push(Transaction::transaction_end());
    all
}

fn index(board: &impl Board, name: &str) -> u16 {
    (0..board.entries()).find(|i| board.entry(*i).unwrap().name == name).unwrap()
}

#[test]
fn levels_and_delays_of_alice_reach_their_chips() {
    // 1 V of 2.5 V is code 26214.
    let mut expected: Vec<_> = (0..4).flat_map(|n| level(n, 0, 0)).collect();
    expected.extend(level(2, 26_214, 26_214));
    let mut dac = Mock::new(&expected);
    let mut shift = Mock::new(&[sent(&[0; 8]), sent(&[0, 0, 0, 0, 0, 100, 0, 0])].concat());
    let mut none = no_stopwatch();
    let parts = parts(&dac, Some(&shift), &none);
    let mut kept = [0; KEPT_LENGTH];
    let mut board = Panel::alice(parts, CHIP, Some(&mut kept));
    let l = index(&board, "laser.level.2");
    assert_eq!(board.entry(l).unwrap().max, 2_500);
    assert_eq!(board.entry(l).unwrap().access, Access::WhenSafe);
    board.write(l, 1_000).unwrap();
    assert_eq!(board.read(l), 1_000);
    // To the nearest step of the chip.
    board.set_delay(Polarization::V, Picoseconds(1_004)).unwrap();
    // Beyond the chip, though nobody should ask: nothing is sent.
    assert_eq!(board.write(l, -1), Err(PartFault));
    assert_eq!(board.set_delay(Polarization::H, Picoseconds(20_000)), Err(PartFault));
    assert_eq!(board.write(index(&board, "board.stepping"), 1), Err(PartFault));
    assert_eq!(board.boot_cause(), BootCause::Power);
    assert!(board.kept().is_some());
    for (name, value) in [("board.stepping", 2), ("board.dac", 1), ("count.faults", 3)] {
        assert_eq!(board.read(index(&board, name)), value, "{name}");
    }
    dac.done();
    shift.done();
    none.done();
}

#[test]
fn a_converter_says_why_it_tells_no_time() {
    let thresholds: Vec<_> = (0..4).flat_map(|n| level(n, 15_729, 15_729)).collect();
    let (mut dac, mut none) = (Mock::new(&thresholds), no_stopwatch());
    let mut board = Panel::converter(parts(&dac, None, &none), CHIP, None);
    board.saw(Seen { gaps: 2, lost: Ticks(5), converter: 3, ..Seen::default() });
    for (name, value) in [
        ("board.converter", 3),
        ("count.capture.gaps", 2),
        ("count.capture.lost", 5),
        ("detector.threshold.3", 600),
    ] {
        assert_eq!(board.read(index(&board, name)), value, "{name}");
    }
    let names = (0..board.entries()).filter_map(|n| board.entry(n));
    assert!(!names.into_iter().any(|entry| entry.name.starts_with("reference.")));
    dac.done();
    none.done();
}

#[test]
fn sensors_are_read_without_a_conversion() {
    let thresholds: Vec<_> = (0..2).flat_map(|n| level(n, 15_729, 15_729)).collect();
    let mut dac = Mock::new(&thresholds);
    let limits = [0xC3, 0x07, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0];
    let written = [sent(&[0xC0, 0xC0, 0xC0]), sent(&limits)].concat();
    let mut none = Mock::new(&[written, exchanged(&[0x80, 0, 0, 0], &[0; 4])].concat());
    let mut board = Panel::bob(parts(&dac, None, &none), 2, CHIP, None);
    assert_eq!(board.read(index(&board, "sensor.bias.0")), 0);
    (0..1000).for_each(|n| board.turn(Ticks(30_000 * n)));
    board.data_turned(LongestTurns { longest: Ticks(6), recent: Ticks(3) });
    let (reference, lost) = (Ticks(900), Ticks(16_384));
    board.saw(Seen { references: 7, reference, gaps: 1, lost, converter: 0 });
    for (name, value) in [
        ("sensor.bias.0", 1_650),
        ("sensor.supply.0", 4_950),
        ("sensor.temperature.board", 300_150 - 548_518),
        ("detector.threshold.1", 600),
        ("reference.count", 7),
        ("reference.tick", 900),
        ("count.capture.gaps", 1),
        ("count.capture.lost", 16_384),
        ("board.turn.longest", 200_000_000),
        ("board.turn.recent", 200_000_000),
        ("board.turn.data.longest", 40_000),
        ("board.turn.data.recent", 20_000),
        ("board.stopwatch", 0),
        ("sensor.stopwatch", 0),
    ] {
        assert_eq!(board.read(index(&board, name)), value, "{name}");
    }
    assert_eq!(board.read(u16::MAX), 0);
    dac.done();
    none.done();
}

#[test]
fn a_chip_that_does_not_answer_is_a_fault_of_its_part_and_of_nothing_else() {
    // No chip: the data line stays low.
    let mut expected = level(0, 15_729, 0);
    expected.extend(level(0, 26_214, 0));
    expected.extend(level(0, 26_214, 26_214));
    let mut dac = Mock::new(&expected);
    let mut none = no_stopwatch();
    let mut board = Panel::bob(parts(&dac, None, &none), 1, CHIP, None);
    let (t, answers) = (index(&board, "detector.threshold.0"), index(&board, "board.dac"));
    assert_eq!((board.read(t), board.read(answers)), (0, 0));
    assert_eq!(board.write(t, 1_000), Err(PartFault));
    assert_eq!((board.read(t), board.read(answers)), (0, 0));
    // It was plugged in.
    assert_eq!(board.write(t, 1_000), Ok(()));
    assert_eq!((board.read(t), board.read(answers)), (1_000, 1));
    dac.done();
    none.done();
}

/// A bus that fails after so many transfers; what it reads is zero.
struct Failing(u32);

impl ErrorType for Failing {
    type Error = ErrorKind;
}

impl SpiDevice for Failing {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), ErrorKind> {
        self.0 = self.0.checked_sub(1).ok_or(ErrorKind::Other)?;
        for operation in operations {
            if let Operation::TransferInPlace(bytes) = operation {
                bytes.fill(0);
            }
        }
        Ok(())
    }
}

#[test]
fn a_bus_that_fails_leaves_the_old_value() {
    let parts = Parts {
        dac: Failing(12),
        delays: Some(Failing(2)),
        stopwatch: Failing(0),
        analog: Volt,
        clock: CLOCK,
    };
    let mut board = Panel::alice(parts, CHIP, None);
    let l = index(&board, "laser.level.0");
    assert_eq!(board.set_delay(Polarization::H, Picoseconds(10)), Ok(()));
    assert_eq!(board.set_delay(Polarization::H, Picoseconds(20)), Err(PartFault));
    assert_eq!(board.write(l, 20), Err(PartFault));
    assert_eq!(board.read(l), 0);
    board.turn(Ticks(0));
    assert_eq!(board.write(index(&board, "stopwatch.long"), 1), Err(PartFault));
    assert_eq!(board.read(index(&board, "board.stopwatch")), 0);
}
