//! The entries of each station, in order of their index.

use crate::analog::Input;
use crate::shots::{LONGEST_SHOT, Shot};
use helio_bench::{Access, Entry, Unit};
use helio_chips::ad5686r::{Channel, Gain, LevelRange, Millivolts};

/// What an output of the AD5686R reaches on this bench: its reference, gain 1, 3.3 V of supply.
pub(crate) const LEVELS: LevelRange =
    match LevelRange::new(LevelRange::INTERNAL_REFERENCE, Gain::One, Millivolts(3_300)) {
        Some(range) => range,
        None => panic!("reference and supply are within what the part bears"),
    };

/// What an entry stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Output(Channel),
    Sensor(Input),
    Stepping,
    DacAnswers,
    FaultCount,
    References,
    ReferenceTick,
    Gaps,
    LostTicks,
    Converter,
    Shot,
    ShotState,
    ShotCount,
    LongShots,
    Turn(Loop),
    RecentTurn(Loop),
}

/// Whose turns are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loop {
    Control,
    Data,
}

type Row = (&'static str, Item);

const OUTPUTS: [Channel; 4] = [Channel::A, Channel::B, Channel::C, Channel::D];

const COMMON: [Row; 14] = [
    ("sensor.temperature.board", Item::Sensor(Input::Temperature)),
    ("sensor.bias.0", Item::Sensor(Input::Bias)),
    ("sensor.supply.0", Item::Sensor(Input::Supply)),
    ("board.stepping", Item::Stepping),
    ("board.dac", Item::DacAnswers),
    ("count.faults", Item::FaultCount),
    ("board.turn.longest", Item::Turn(Loop::Control)),
    ("board.turn.recent", Item::RecentTurn(Loop::Control)),
    ("board.turn.data.longest", Item::Turn(Loop::Data)),
    ("board.turn.data.recent", Item::RecentTurn(Loop::Data)),
    ("sensor.stopwatch", Item::Shot),
    ("board.stopwatch", Item::ShotState),
    ("count.stopwatch", Item::ShotCount),
    ("stopwatch.long", Item::LongShots),
];

const ALICE: [Row; 4] = [
    ("laser.level.0", Item::Output(OUTPUTS[0])),
    ("laser.level.1", Item::Output(OUTPUTS[1])),
    ("laser.level.2", Item::Output(OUTPUTS[2])),
    ("laser.level.3", Item::Output(OUTPUTS[3])),
];

const CAPTURE: [Row; 4] = [
    ("reference.count", Item::References),
    ("reference.tick", Item::ReferenceTick),
    ("count.capture.gaps", Item::Gaps),
    ("count.capture.lost", Item::LostTicks),
];

const CONVERTER: [Row; 3] = [
    ("board.converter", Item::Converter),
    ("count.capture.gaps", Item::Gaps),
    ("count.capture.lost", Item::LostTicks),
];

const THRESHOLDS: [Row; 4] = [
    ("detector.threshold.0", Item::Output(OUTPUTS[0])),
    ("detector.threshold.1", Item::Output(OUTPUTS[1])),
    ("detector.threshold.2", Item::Output(OUTPUTS[2])),
    ("detector.threshold.3", Item::Output(OUTPUTS[3])),
];

/// Whose table it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Station {
    Alice,
    Bob {
        detectors: usize,
    },
    /// Bob with a time-to-digital converter at his four detectors, and no input beside them.
    Converter,
}

impl Station {
    fn parts(self) -> [&'static [Row]; 3] {
        match self {
            Station::Alice => [&COMMON, &ALICE, &[]],
            Station::Bob { detectors } => [&COMMON, &CAPTURE, &THRESHOLDS[..detectors.min(4)]],
            Station::Converter => [&COMMON, &CONVERTER, &THRESHOLDS],
        }
    }

    pub fn entries(self) -> u16 {
        self.parts().iter().map(|rows| rows.len() as u16).sum()
    }

    fn row(self, index: u16) -> Option<Row> {
        self.parts().into_iter().flatten().nth(index.into()).copied()
    }

    pub fn item(self, index: u16) -> Option<Item> {
        self.row(index).map(|(_, item)| item)
    }

    pub fn entry(self, index: u16) -> Option<Entry<'static>> {
        let (name, item) = self.row(index)?;
        let highest = i64::from(LEVELS.highest().0);
        let (unit, access, max) = match item {
            // Levels stand still during a run; a threshold is found with light on it.
            Item::Output(_) if self == Station::Alice => {
                (Unit::Millivolts, Access::WhenSafe, highest)
            }
            Item::Output(_) => (Unit::Millivolts, Access::Always, highest),
            Item::Sensor(Input::Temperature) => (Unit::Millikelvin, Access::ReadOnly, 1_000_000),
            Item::Sensor(Input::Bias) => (Unit::Millivolts, Access::ReadOnly, 3_300),
            Item::Sensor(Input::Supply) => (Unit::Millivolts, Access::ReadOnly, 9_900),
            Item::Stepping => (Unit::None, Access::ReadOnly, 15),
            Item::DacAnswers => (Unit::None, Access::ReadOnly, 1),
            Item::Converter => (Unit::None, Access::ReadOnly, u8::MAX.into()),
            Item::Shot => (Unit::Picoseconds, Access::ReadOnly, LONGEST_SHOT.0),
            Item::ShotState => (Unit::None, Access::ReadOnly, Shot::Disturbed as i64),
            Item::LongShots => (Unit::None, Access::Always, 1),
            Item::Turn(_) | Item::RecentTurn(_) => (Unit::Picoseconds, Access::ReadOnly, i64::MAX),
            Item::FaultCount | Item::References | Item::Gaps | Item::ShotCount => {
                (Unit::None, Access::ReadOnly, u32::MAX.into())
            }
            Item::ReferenceTick | Item::LostTicks => (Unit::Ticks, Access::ReadOnly, i64::MAX),
        };
        Some(Entry { name, unit, access, min: 0, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use helio_bench::MAX_NAME;

    #[test]
    fn every_index_has_a_row_and_every_row_a_name_of_its_own() {
        let receivers = [2, 4].map(|detectors| Station::Bob { detectors });
        for station in [Station::Alice, Station::Converter].into_iter().chain(receivers) {
            let n = station.entries();
            assert_eq!(station.entry(n), None);
            assert_eq!(station.item(u16::MAX), None);
            for i in 0..n {
                let entry = station.entry(i).unwrap();
                assert!(entry.name.is_ascii() && entry.name.len() <= MAX_NAME);
                assert!(entry.min <= entry.max);
                assert!((0..i).all(|j| station.entry(j).unwrap().name != entry.name));
            }
        }
        assert_eq!(
            Station::Bob { detectors: 2 }.entries() + 2,
            Station::Bob { detectors: 9 }.entries()
        );
    }
}
