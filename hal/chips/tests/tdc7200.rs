//! The TDC7200's driver, byte by byte against a mock, and its arithmetic on any bytes.

mod common;

use common::{exchanged, sent};
use embedded_hal_mock::eh1::spi::{Mock, Transaction};
use helio_bench::Stopwatch;
use helio_chips::tdc7200::{
    Calibration, CalibrationPeriods, Config1, Config2, Error, Mode, NotConfigured, RESULT_BYTES,
    RESULT_REQUEST, Results, Settings, SettingsError, Tdc7200,
};
use helio_units::{Hertz, Picoseconds};
use proptest::prelude::*;

const CLOCK: Hertz = Hertz(8_000_000);

/// The result registers, with even parity in bit 23.
fn registers(values: [u32; 13]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|v| {
            let parity = (v.count_ones() & 1) << 23;
            (v | parity).to_be_bytes()[1..].to_vec()
        })
        .collect()
}

fn answer(values: [u32; 13]) -> Vec<u8> {
    [vec![0], registers(values)].concat()
}

/// What the configuration of [`Settings::new`] sends.
fn configured(config1: u8, config2: u8) -> Vec<Transaction<u8>> {
    let limits = [0xC3, 0x07, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00];
    [sent(&[0xC0, config1, config2]), sent(&limits)].concat()
}

#[test]
fn a_measurement_in_mode_1_as_in_the_data_sheet() {
    let mut values = [0; 13];
    (values[0], values[11], values[12]) = (4175, 2110, 21_121);
    let script = [
        configured(0xC0, 0x40),
        sent(&[0xC0, 0xC1]),
        exchanged(&[0x82, 0], &[0, 0x08]),
        exchanged(&[0x82, 0], &[0, 0x19]),
        exchanged(&RESULT_REQUEST, &answer(values)),
    ]
    .concat();
    let mut tdc = Tdc7200::new(Mock::new(&script), Settings::new(CLOCK, Mode::Short)).unwrap();
    tdc.arm().unwrap();
    assert_eq!(tdc.read(), Ok(None), "started, not complete");
    let laps = tdc.read().unwrap().unwrap();
    assert_eq!(laps.stops(), [Picoseconds(247_061)]);
    tdc.release().done();
}

#[test]
fn five_stops_in_mode_2_take_their_own_registers() {
    let mut settings = Settings::new(CLOCK, Mode::Long);
    settings.stops = 5;
    let (cal, period) = ((2315, 23_133), 125_000);
    let values = [2147, 3814, 201, 3815, 201, 3816, 201, 3817, 201, 3818, 201, cal.0, cal.1];
    let script = [
        configured(0xC2, 0x44),
        sent(&[0xC0, 0xC3]),
        exchanged(&[0x82, 0], &[0, 0x19]),
        exchanged(&RESULT_REQUEST, &answer(values)),
    ]
    .concat();
    let mut tdc = Tdc7200::new(Mock::new(&script), settings).unwrap();
    tdc.arm().unwrap();
    let laps = tdc.read().unwrap().unwrap();
    let expected: Vec<_> = (0..5).map(|n| Picoseconds(476_855_161 + n * period)).collect();
    assert_eq!(laps.stops(), expected);
    tdc.release().done();
}

#[test]
fn overflow_parity_and_a_dead_clock_are_errors_not_times() {
    let clean = [0; 13];
    let mut flipped = answer([7; 13]);
    flipped[1 + 3 * 12] ^= 1;
    let cases: [(u8, Option<Vec<u8>>, &str); 4] = [
        (0x1C, None, "ClockOverflow"),
        (0x1A, None, "CoarseOverflow"),
        (0x19, Some(flipped), "Parity(ParityError { address: 28 })"),
        (0x19, Some(answer(clean)), "NotCalibrated"),
    ];
    for (status, results, name) in cases {
        let mut script = [configured(0xC0, 0x40), exchanged(&[0x82, 0], &[0, status])].concat();
        if let Some(r) = results {
            script.extend(exchanged(&RESULT_REQUEST, &r));
        }
        let mut tdc = Tdc7200::new(Mock::new(&script), Settings::new(CLOCK, Mode::Short)).unwrap();
        let error = tdc.read().unwrap_err();
        assert_eq!(format!("{error:?}"), name);
        assert!(!error.to_string().is_empty());
        tdc.release().done();
    }
}

#[test]
fn settings_out_of_range_are_refused_before_anything_is_sent() {
    let good = Settings::new(CLOCK, Mode::Long);
    let masked = SettingsError::MaskBeyondOverflow { stop_mask: 9, clock_overflow: 9 };
    let cases = [
        (Settings { clock: Hertz(999_999), ..good }, SettingsError::Clock(Hertz(999_999))),
        (Settings { clock: Hertz(16_000_001), ..good }, SettingsError::Clock(Hertz(16_000_001))),
        (Settings { stops: 0, ..good }, SettingsError::Stops(0)),
        (Settings { stops: 6, ..good }, SettingsError::Stops(6)),
        (Settings { averaging: 8, ..good }, SettingsError::Averaging(8)),
        (Settings { stop_mask: 9, clock_overflow: 9, ..good }, masked),
    ];
    for (settings, error) in cases {
        let mut bus = Mock::new(&[]);
        assert_eq!(Tdc7200::new(bus.clone(), settings).unwrap_err(), Error::Settings(error));
        bus.done();
    }
}

#[test]
fn a_chip_that_lost_its_configuration_has_no_status() {
    let settings = Settings::new(CLOCK, Mode::Long);
    assert_eq!(settings.status_frame(), [0x80, 0, 0, 0]);
    // Armed and not, which the chip changes by itself.
    for config1 in [0xC2, 0xC3] {
        let status = settings.status([0xFF, config1, 0x40, 0x19]).unwrap();
        assert!(status.complete() && status.started() && !status.clock_overflow());
    }
    for answer in [[0; 4], [0xFF; 4], [0, 0xC0, 0x40, 0x19], [0, 0xC2, 0x41, 0x19]] {
        let NotConfigured { config1, config2 } = settings.status(answer).unwrap_err();
        assert_eq!([config1, config2], answer[1..3]);
    }
}

#[test]
fn a_stop_mask_goes_to_its_registers() {
    let settings = Settings {
        stop_mask: 0x0123,
        clock_overflow: 0x4567,
        coarse_overflow: 0x89AB,
        averaging: 3,
        calibration: CalibrationPeriods::Forty,
        ..Settings::new(CLOCK, Mode::Long)
    };
    let (configuration, limits) = settings.frames();
    assert_eq!(configuration, [0xC0, 0xC2, 0xD8]);
    assert_eq!(limits, [0xC3, 0x07, 0x89, 0xAB, 0x45, 0x67, 0x01, 0x23]);
}

proptest! {
    #[test]
    fn registers_go_round(byte: u8) {
        if let Some(config) = Config1::decode(byte) {
            prop_assert_eq!(config.encode(), byte);
        } else {
            prop_assert!(byte & 0x04 != 0);
        }
        let config = Config2::decode(byte);
        prop_assert_eq!(Config2::decode(config.encode()), config);
    }

    #[test]
    fn any_bytes_are_results_or_an_error(
        bytes in proptest::array::uniform32(any::<u8>()), rest in proptest::array::uniform7(any::<u8>()),
        stops in 0u8..9, long: bool, clock: u32,
    ) {
        let mut all = [0; RESULT_BYTES];
        all[..32].copy_from_slice(&bytes);
        all[32..].copy_from_slice(&rest);
        let mode = if long { Mode::Long } else { Mode::Short };
        let settings = Settings { stops, ..Settings::new(Hertz(clock), mode) };
        if let Ok(results) = Results::decode(&all) {
            let _ = settings.laps(&results);
        }
        // With its parity put right, every result reads back.
        let values: [u32; 13] = std::array::from_fn(|k| {
            u32::from_be_bytes([0, all[3 * k] & 0x7F, all[3 * k + 1], all[3 * k + 2]])
        });
        let results = Results::decode(&registers(values).try_into().unwrap()).unwrap();
        prop_assert_eq!(results.time[5], values[10]);
        prop_assert_eq!(results.clock_count[4], values[9]);
        prop_assert_eq!(results.calibration_2, values[12]);
        let _ = settings.laps(&results);
    }

    #[test]
    fn more_counts_are_never_less_time(
        first in 1u32..0x40_0000, more in 1u32..0x40_0000, a: u16, b: u16, n in 0u32..0x7F_FFFF,
    ) {
        let results =
            Results { calibration_1: first, calibration_2: first + more, ..Results::default() };
        let c = Calibration::new(&results, CalibrationPeriods::Forty, CLOCK).unwrap();
        let (low, high) = (u32::from(a.min(b)), u32::from(a.max(b)));
        prop_assert!(c.short(low) <= c.short(high));
        prop_assert!(c.long(low, low, n) <= c.long(high, low, n));
        prop_assert!(c.long(low, high, n) <= c.long(low, low, n));
        prop_assert!(c.long(low, low, n) < c.long(low, low, n + 1));
    }
}
