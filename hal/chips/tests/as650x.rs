//! The AS650x's registers and transfers, byte by byte against a mock, and its words on any bytes.

mod common;

use common::{exchanged, sent};
use embedded_hal_mock::eh1::spi::Mock;
use helio_chips::as650x::{
    As650x, CONFIG_BYTES, Config, ConfigError, Error, FixedBytes, LvdsOutput, Part, RESULT_BYTES,
    RESULT_REQUEST, RawResult, Reference, Resolution, config_frame, unwrap_index,
};
use proptest::prelude::*;

/// Two channels and the chip's own 8 MHz crystal with ticks of a picosecond.
const TWO_CHANNELS: Config = Config {
    channels: 0b0011,
    reference: Reference::Crystal,
    ..Config::new(Part::As6500, 125_000)
};

/// The registers for it, written out by hand.
const TWO_CHANNELS_BYTES: [u8; CONFIG_BYTES] = [
    0x03, 0x03, 0x00, 0x48, 0xE8, 0x01, 0xC0, 0xD3, 0xA1, 0x13, 0x00, 0x0A, 0xCC, 0xCC, 0xF1, 0x7D,
    0x04,
];

#[test]
fn the_chip_is_configured_checked_started_and_read() {
    let write = [&[0x80][..], &TWO_CHANNELS_BYTES].concat();
    let ask = [&[0x40][..], &[0; CONFIG_BYTES]].concat();
    let back = [&[0xFF][..], &TWO_CHANNELS_BYTES].concat();
    let mut results = [0xFF; 1 + RESULT_BYTES];
    results[1..7].copy_from_slice(&[0x01, 0x02, 0x03, 0x00, 0x04, 0x05]);
    let mut request = [0; 1 + RESULT_BYTES];
    request[0] = 0x68;
    assert_eq!(request, RESULT_REQUEST);
    let script =
        [sent(&write), exchanged(&ask, &back), sent(&[0x18]), exchanged(&request, &results)]
            .concat();
    let mut chip = As650x::new(Mock::new(&script), TWO_CHANNELS).unwrap();
    chip.initialise().unwrap();
    let bytes = chip.take().unwrap();
    let first = RawResult { index: 0x01_0203, stop: 0x00_0405 };
    assert_eq!(RawResult::of_channel(Part::As6500, &bytes, 0), Ok(Some(first)));
    assert_eq!(RawResult::of_channel(Part::As6500, &bytes, 1), Ok(None));
    chip.release().done();
}

#[test]
fn a_register_that_reads_back_wrong_is_named() {
    let mut back = [&[0][..], &TWO_CHANNELS_BYTES].concat();
    back[1 + 13] = 0x05;
    let ask = [&[0x40][..], &[0; CONFIG_BYTES]].concat();
    let script = [sent(&config_frame(&TWO_CHANNELS)), exchanged(&ask, &back)].concat();
    let mut bus = Mock::new(&script);
    let error = As650x::new(bus.clone(), TWO_CHANNELS).unwrap_err();
    assert_eq!(error, Error::Mismatch { address: 13, written: 0xCC, read: 0x05 });
    assert!(error.to_string().contains("register 13"));
    bus.done();
}

#[test]
fn published_register_sets_are_understood() {
    // The TDC-GPX2's example uses channel 1, LVDS output and 200 000 divisions of a 5 MHz
    // reference; as an AS6501's that is channel A.
    let older = [
        0x31, 0x01, 0x1F, 0x40, 0x0D, 0x03, 0xC0, 0x53, 0xA1, 0x13, 0x00, 0x0A, 0xCC, 0xCC, 0x31,
        0x8E, 0x04,
    ];
    let config = Config::decode(Part::As6501, &older).unwrap();
    let lvds = LvdsOutput { double_data_rate: false, stop_code: 3, index_code: 7 };
    assert_eq!((config.channels, config.divisions), (0b01, 200_000));
    assert_eq!((config.lvds_output, config.fixed), (Some(lvds), FixedBytes::OlderExample));
    assert_eq!((lvds.stop_bits(), lvds.index_bits()), (20, 12));
    // The register description of the AS6500 has other fixed bytes.
    let mut described = TWO_CHANNELS_BYTES;
    (described[7], described[13]) = (0xA3, 0x05);
    let config = Config::decode(Part::As6500, &described).unwrap();
    assert_eq!(config, Config { fixed: FixedBytes::RegisterDescription, ..TWO_CHANNELS });
}

#[test]
fn the_second_channel_of_an_as6501_takes_the_third_place() {
    let bytes = Config::new(Part::As6501, 10_000).encode();
    assert_eq!(bytes[0] & 0x0F, 0b0101);
    assert_eq!(bytes[1] & 0x0F, 0b0101);
    let mut results = [0xFF; RESULT_BYTES];
    results[12..18].copy_from_slice(&[0, 0, 7, 0, 0, 9]);
    let b = RawResult::of_channel(Part::As6501, &results, 1);
    assert_eq!(b, Ok(Some(RawResult { index: 7, stop: 9 })));
}

#[test]
fn settings_out_of_range_are_refused_before_anything_is_sent() {
    let (four, two) = (Config::new(Part::As6500, 1), Config::new(Part::As6501, 1));
    let lvds = Some(LvdsOutput { double_data_rate: true, stop_code: 0, index_code: 0 });
    let cases = [
        (Config { channels: 0, ..four }, ConfigError::Channels(0)),
        (Config { channels: 0b10000, ..four }, ConfigError::Channels(0b10000)),
        (Config { channels: 0b100, ..two }, ConfigError::Channels(0b100)),
        (Config { divisions: 0, ..four }, ConfigError::Divisions(0)),
        (Config { divisions: 1 << 20, ..four }, ConfigError::Divisions(1 << 20)),
        (Config { lvds_output: lvds, ..four }, ConfigError::NoLvds),
        (Config { cmos_inputs: false, ..four }, ConfigError::NoLvds),
    ];
    for (config, error) in cases {
        let mut bus = Mock::new(&[]);
        assert_eq!(As650x::new(bus.clone(), config).unwrap_err(), Error::Config(error));
        assert!(!error.to_string().is_empty());
        bus.done();
    }
    assert_eq!(Config { lvds_output: lvds, ..two }.check(), Ok(()));
}

prop_compose! {
    fn any_config()(
        two: bool, channels in 1u8..4, flags: [bool; 3], crystal: bool, divisions in 1u32..1 << 20,
        resolution in 0..3usize, lvds in proptest::option::of((any::<bool>(), 0u8..4, 0u8..8)),
        fixed in 0..3usize,
    ) -> Config {
        let part = if two { Part::As6501 } else { Part::As6500 };
        Config {
            part, channels, divisions,
            index_reset_pin: flags[0], disable_pin: flags[1],
            reference: if crystal { Reference::Crystal } else { Reference::Pin },
            resolution:
                [Resolution::Single, Resolution::Double, Resolution::Fourfold][resolution],
            lvds_output: lvds.filter(|_| two).map(|(double_data_rate, stop_code, index_code)| {
                LvdsOutput { double_data_rate, stop_code, index_code }
            }),
            cmos_inputs: !two || flags[2],
            fixed: [
                FixedBytes::RegisterDescription, FixedBytes::Demonstration, FixedBytes::OlderExample,
            ][fixed],
        }
    }
}

proptest! {
    #[test]
    fn configurations_go_round(config in any_config()) {
        prop_assert_eq!(Config::decode(config.part, &config.encode()), Some(config));
    }

    #[test]
    fn any_registers_are_a_configuration_or_none(
        random in proptest::array::uniform17(any::<u8>()), config in any_config(),
        keep in proptest::array::uniform17(any::<bool>()),
    ) {
        let mut bytes = config.encode();
        for k in 0..CONFIG_BYTES {
            if !keep[k] { bytes[k] = random[k]; }
        }
        for part in [Part::As6500, Part::As6501] {
            if let Some(read) = Config::decode(part, &bytes) {
                prop_assert_eq!(read.encode(), bytes);
            }
        }
    }

    #[test]
    fn any_words_are_a_result_empty_or_malformed(
        bytes in proptest::array::uniform6(any::<u8>()), frame: u64, ddr: bool,
        stop_code: u8, index_code: u8,
    ) {
        if let Ok(Some(raw)) = RawResult::decode(&bytes) {
            prop_assert!(raw.index < 1 << 24 && raw.stop < 1 << 20);
            let back = [&raw.index.to_be_bytes()[1..], &raw.stop.to_be_bytes()[1..]].concat();
            prop_assert_eq!(&bytes[..], &back[..]);
        }
        let output = LvdsOutput { double_data_rate: ddr, stop_code, index_code };
        let raw = RawResult::from_lvds(output, frame);
        prop_assert!(u64::from(raw.index) < 1 << output.index_bits());
        prop_assert!(raw.stop < 1 << output.stop_bits());
        let whole = u64::from(raw.index) << output.stop_bits() | u64::from(raw.stop);
        prop_assert_eq!(RawResult::from_lvds(output, whole), raw);
    }

    #[test]
    fn an_index_is_placed_across_every_wrap_or_not_at_all(
        from in 0u64..1 << 60, span in 0u64..1 << 26, at in 0u64..1 << 26, width in 0..8usize,
    ) {
        let bits = [0, 2, 4, 6, 8, 12, 16, 24][width];
        let (to, turn) = (from + span, 1u64 << bits);
        let truth = from + at % (span + 1);
        let index = (truth % turn) as u32;
        let placed = unwrap_index(index, bits, from, to);
        if span < turn {
            prop_assert_eq!(placed, Some(truth));
        } else {
            prop_assert_eq!(placed, None, "two places are possible, none is guessed");
        }
        // An index that lies nowhere in the span is found nowhere.
        if span + 1 < turn {
            let outside = ((to + 1) % turn) as u32;
            prop_assert_eq!(unwrap_index(outside, bits, from, to), None);
        }
    }
}
