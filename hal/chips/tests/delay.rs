//! Fine delays: pins and bytes against mocks, and the way from a delay to a code on any table.

mod common;

use common::sent;
use embedded_hal_mock::eh1::digital::{Mock as Pin, State, Transaction as PinTransaction};
use embedded_hal_mock::eh1::spi::Mock as Spi;
use helio_chips::delay::{CODES, DelayError, DelayTable, SPAN_NEEDED, Series};
use helio_chips::{sy89295u, sy89297u};
use helio_units::{Picoseconds, TickLength};
use proptest::prelude::*;

#[test]
fn the_span_needed_is_a_tick_and_a_fifth() {
    let tick = TickLength::CYCLE_150_MHZ;
    let needed = 12 * tick.numerator_ps() / (10 * u64::from(tick.denominator()));
    assert_eq!(SPAN_NEEDED, Picoseconds(needed as i64));
}

#[test]
fn a_code_goes_to_the_pins_behind_a_closed_latch() {
    let code = 0b10_0000_0101;
    let levels = sy89295u::data_pins(code, true);
    assert!(levels[0] && levels[2] && levels[9] && levels[10]);
    assert_eq!(levels.iter().filter(|l| **l).count(), 4);
    let set = |high: bool| PinTransaction::set(if high { State::High } else { State::Low });
    let data = levels.map(|level| Pin::new(&[set(level)]));
    let latch = Pin::new(&[set(true), set(false), set(true)]);
    let mut chip = sy89295u::Sy89295u::new(data, latch).unwrap();
    chip.set(code, true).unwrap();
    let (data, mut latch) = chip.release();
    data.into_iter().for_each(|mut pin| pin.done());
    latch.done();
}

#[test]
fn two_codes_go_out_least_significant_bit_first() {
    // Channel A's bit 0 is the first of the twenty after four that are lost, channel B's bit 9 the
    // last.
    assert_eq!(sy89297u::frame(1, 0), [0x08, 0x00, 0x00]);
    assert_eq!(sy89297u::frame(0, 0x200), [0x00, 0x00, 0x01]);
    assert_eq!(sy89297u::frame(0x3FF, 0), [0x0F, 0xFC, 0x00]);
    let mut chip = sy89297u::Sy89297u::new(Spi::new(&sent(&[0x08, 0x00, 0x01])));
    chip.set(1, 0x200).unwrap();
    chip.release().done();
}

#[test]
fn one_sy89295u_spans_a_tick_and_an_sy89297u_needs_both_channels() {
    assert_eq!(sy89295u::NOMINAL.check_span(SPAN_NEEDED), Ok(()));
    let one = &sy89297u::NOMINAL;
    let span = Picoseconds(5 * 1023);
    let refused = DelayError::SpanTooShort { span, needed: SPAN_NEEDED };
    assert_eq!(one.check_span(SPAN_NEEDED), Err(refused));
    let both = Series { first: one, second: one };
    assert_eq!(both.check_span(SPAN_NEEDED), Ok(()));
    assert_eq!(both.ends(), (Picoseconds(4_000), Picoseconds(14_230)));
    assert!(!one.is_measured());
    let error = both.nearest(Picoseconds(3_999)).unwrap_err();
    assert_eq!(error.to_string(), "a delay of 3999 ps is outside 4000 ps to 14230 ps");
}

/// A part with steps of −10 ps to 25 ps, as the sheets state them.
fn table() -> impl Strategy<Value = DelayTable> {
    (1_500i64..4_000, proptest::collection::vec(-10i64..=25, CODES - 1)).prop_map(
        |(first, steps)| {
            let mut delays = [Picoseconds(first); CODES];
            for (code, step) in steps.iter().enumerate() {
                delays[code + 1] = Picoseconds(delays[code].0 + step);
            }
            DelayTable::measured(&delays)
        },
    )
}

proptest! {
    #[test]
    fn frames_go_round(a in 0u16..1024, b in 0u16..1024, any: [u8; 3]) {
        prop_assert_eq!(sy89297u::codes(sy89297u::frame(a, b)), (a, b));
        let (a, b) = sy89297u::codes(any);
        prop_assert_eq!(sy89297u::frame(a, b), [any[0] & 0x0F, any[1], any[2]]);
    }

    #[test]
    fn the_nearest_code_is_the_nearest_and_rises_with_what_is_asked(
        table in table(), x in 0i64..1 << 20, y in 0i64..1 << 20,
    ) {
        let (shortest, longest) = table.ends();
        let span = longest.0 - shortest.0 + 1;
        let (x, y) = (shortest.0 + x.min(y) % span, shortest.0 + x.max(y) % span);
        let (low, high) = (x.min(y), x.max(y));
        let chosen = table.nearest(Picoseconds(low)).unwrap();
        let off = (chosen.delay.0 - low).abs();
        prop_assert_eq!(table.delay(chosen.code), chosen.delay);
        prop_assert!((0..CODES as u16).all(|code| (table.delay(code).0 - low).abs() >= off));
        prop_assert!(chosen.delay <= table.nearest(Picoseconds(high)).unwrap().delay);
        prop_assert!(table.nearest(Picoseconds(shortest.0 - 1)).is_err());
        prop_assert!(table.nearest(Picoseconds(longest.0 + 1)).is_err());
    }

    #[test]
    fn two_in_series_are_one_rising_delay(
        first in table(), second in table(), x in 0i64..1 << 20, y in 0i64..1 << 20,
    ) {
        let both = Series { first: &first, second: &second };
        let (shortest, longest) = both.ends();
        let span = longest.0 - shortest.0 + 1;
        let (x, y) = (shortest.0 + x % span, shortest.0 + y % span);
        let low = both.nearest(Picoseconds(x.min(y))).unwrap();
        let high = both.nearest(Picoseconds(x.max(y))).unwrap();
        prop_assert!(low.delay <= high.delay);
        for (asked, chosen) in [(x.min(y), low), (x.max(y), high)] {
            let (a, b) = chosen.code;
            prop_assert_eq!(first.delay(a).0 + second.delay(b).0, chosen.delay.0);
            // Off by no more than half of the widest step of either.
            prop_assert!((chosen.delay.0 - asked).abs() <= 13, "{} {:?}", asked, chosen);
        }
    }
}
