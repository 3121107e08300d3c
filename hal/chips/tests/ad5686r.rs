//! The AD5686R's driver, byte by byte against a mock, and its codes on any level.

mod common;

use common::{exchanged, sent};
use embedded_hal_mock::eh1::spi::Mock;
use helio_chips::ad5686r::{
    Ad5686r, Chain, Channel, Channels, Command, Error, Gain, LevelError, LevelRange, Millivolts,
    PowerMode, read_value,
};
use proptest::prelude::*;

/// Internal reference, gain 1, supply 3.3 V.
fn range() -> LevelRange {
    LevelRange::new(LevelRange::INTERNAL_REFERENCE, Gain::One, Millivolts(3_300)).unwrap()
}

#[test]
fn frames_are_those_of_the_tables() {
    use PowerMode::*;
    let (a, d) = (Channels::one(Channel::A), Channels::one(Channel::D));
    for (command, frame) in [
        (Command::NoOperation, [0x00, 0x00, 0x00]),
        (Command::Write(a, 0xBEEF), [0x11, 0xBE, 0xEF]),
        (Command::Update(d), [0x28, 0x00, 0x00]),
        (Command::WriteAndUpdate(Channels::ALL, 0x8000), [0x3F, 0x80, 0x00]),
        (Command::WriteAndUpdate(a.and(Channel::B), 1), [0x33, 0x00, 0x01]),
        (Command::Power([Normal, Pull1k, Pull100k, Open]), [0x40, 0x00, 0b11_10_01_00]),
        (Command::LdacMask(Channels::NONE.and(Channel::C)), [0x50, 0x00, 0x04]),
        (Command::Reset, [0x60, 0x12, 0x34]),
        (Command::InternalReference(false), [0x70, 0x00, 0x01]),
        (Command::InternalReference(true), [0x70, 0x00, 0x00]),
        (Command::DaisyChain(true), [0x80, 0x00, 0x01]),
        (Command::ReadBack(Channel::B), [0x92, 0x00, 0x00]),
    ] {
        assert_eq!(command.frame(), frame, "{command:?}");
        assert_eq!(Command::decode(frame), Some(command));
    }
    // The sheet's example of a readback names no channel, which means A.
    assert_eq!(Command::decode([0x90, 0, 0]), Some(Command::ReadBack(Channel::A)));
    assert_eq!(Command::decode([0xA0, 0, 0]), None);
}

#[test]
fn a_level_is_set_and_read_back_as_in_the_data_sheet() {
    let script = [
        sent(&[0x31, 0x80, 0x00]),
        sent(&[0x91, 0x00, 0x00]),
        exchanged(&[0x00, 0x00, 0x00], &[0xF0, 0x80, 0x00]),
        sent(&[0x18, 0x40, 0x00]),
        sent(&[0x28, 0x00, 0x00]),
    ]
    .concat();
    let mut dac = Ad5686r::new(Mock::new(&script), range());
    dac.set_checked(Channel::A, Millivolts(1_250)).unwrap();
    dac.prepare(Channels::one(Channel::D), Millivolts(625)).unwrap();
    dac.send(Command::Update(Channels::one(Channel::D))).unwrap();
    dac.release().done();
}

#[test]
fn what_reads_back_wrong_is_told() {
    let script =
        [sent(&[0x34, 0x80, 0x00]), sent(&[0x94, 0x00, 0x00]), exchanged(&[0; 3], &[0xFF; 3])]
            .concat();
    let mut dac = Ad5686r::new(Mock::new(&script), range());
    let error = dac.set_checked(Channel::C, Millivolts(1_250)).unwrap_err();
    let expected = Error::Mismatch { channel: Channel::C, written: 0x8000, read: 0xFFFF };
    assert_eq!(error, expected);
    dac.release().done();
}

#[test]
fn a_level_out_of_range_names_the_range_and_sends_nothing() {
    let supply = Millivolts(3_300);
    let doubled = LevelRange::new(LevelRange::INTERNAL_REFERENCE, Gain::Two, supply).unwrap();
    let bias = doubled.capped(Millivolts(1_800));
    for (range, level, highest) in
        [(range(), 2_501, 2_500), (doubled, 3_301, 3_300), (bias, 1_801, 1_800)]
    {
        let mut dac = Ad5686r::new(Mock::new(&[]), range);
        let error = dac.set(Channels::ALL, Millivolts(level)).unwrap_err();
        let expected = LevelError { level: Millivolts(level), highest: Millivolts(highest) };
        assert_eq!(error, Error::Level(expected));
        assert_eq!(error.to_string(), format!("{level} mV is outside 0 mV to {highest} mV"));
        dac.release().done();
    }
    assert_eq!(LevelRange::new(Millivolts(0), Gain::One, supply), None);
    assert_eq!(LevelRange::new(Millivolts(5_501), Gain::One, supply), None);
}

#[test]
fn two_chips_in_a_chain_are_linked_one_after_the_other() {
    let script = [
        sent(&[0x80, 0x00, 0x01]),
        sent(&[0x80, 0x00, 0x01, 0x80, 0x00, 0x01]),
        // What goes out first comes to the second chip.
        sent(&[0x32, 0x80, 0x00, 0x00, 0x00, 0x00]),
        sent(&[0x00, 0x00, 0x00, 0x38, 0x40, 0x00]),
        sent(&[0x28, 0x00, 0x00, 0x21, 0x00, 0x00]),
    ]
    .concat();
    let mut chain = Chain::new(Mock::new(&script), [range(); 2]).unwrap();
    chain.set(1, Channels::one(Channel::B), Millivolts(1_250)).unwrap();
    chain.set(0, Channels::one(Channel::D), Millivolts(625)).unwrap();
    let update = |channel| Command::Update(Channels::one(channel));
    chain.send([update(Channel::A), update(Channel::D)]).unwrap();
    assert!(chain.set(0, Channels::ALL, Millivolts(2_501)).is_err());
    assert_eq!(chain.set(2, Channels::ALL, Millivolts(1)), Err(Error::NoChip(2)));
    chain.release().done();
}

proptest! {
    #[test]
    fn any_frame_is_a_command_or_none(frame: [u8; 3]) {
        if let Some(command) = Command::decode(frame) {
            prop_assert_eq!(Command::decode(command.frame()), Some(command));
        }
        prop_assert_eq!(read_value(&frame), u16::from_be_bytes([frame[1], frame[2]]));
    }

    #[test]
    fn levels_go_round_and_rise_with_their_codes(
        reference in 1u32..=5_500, doubled: bool, supply in 1u32..=5_500, a: u16, b: u16,
    ) {
        let gain = if doubled { Gain::Two } else { Gain::One };
        let range = LevelRange::new(Millivolts(reference), gain, Millivolts(supply)).unwrap();
        let (low, high) = (a.min(b), a.max(b));
        prop_assert!(range.level(low) <= range.level(high));
        let highest = range.highest().0;
        let (x, y) = (u32::from(low) % (highest + 1), u32::from(high) % (highest + 1));
        let code = |mv| range.code(Millivolts(mv)).unwrap();
        prop_assert!(code(x.min(y)) <= code(x.max(y)));
        prop_assert_eq!(range.level(code(x)), Millivolts(x));
        prop_assert!(range.code(Millivolts(highest + 1)).is_err());
    }
}
