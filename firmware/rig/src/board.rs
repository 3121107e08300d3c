//! What can be set at the simulated parts, as a board tells it.

use helio_bench::{Access, Board, Entry, PartFault, Unit};
use helio_sim::{AliceTrim, BobTrim, HALF_WAVE_MV, ReceiverKind};

/// What an entry is but for its name.
type Kind = (Unit, Access, i64, i64);

fn kind(unit: Unit, access: Access, range: core::ops::RangeInclusive<i32>) -> Kind {
    (unit, access, (*range.start()).into(), (*range.end()).into())
}

fn entry(name: &str, (unit, access, min, max): Kind) -> Entry<'_> {
    Entry { name, unit, access, min, max }
}

/// The board of a sender: its attenuator and its modulator's drivers; delays are its source's.
///
/// The attenuator is not to be touched in a run, because the key rests on what the source states of
/// its levels.
#[derive(Clone, Debug, Default)]
pub struct AliceBoard {
    /// What is set now.
    pub trim: AliceTrim,
}

impl AliceBoard {
    const NAMES: [&str; 6] = [
        "laser.attenuation",
        "modulator.voltage.h",
        "modulator.voltage.v",
        "modulator.voltage.d",
        "modulator.voltage.a",
        "modulator.half_wave",
    ];

    fn place(&mut self, index: u16) -> Option<&mut i32> {
        match usize::from(index) {
            0 => Some(&mut self.trim.attenuation_mdb),
            at @ 1..=4 => self.trim.modulator_mv.get_mut(at - 1),
            _ => None,
        }
    }
}

impl Board for AliceBoard {
    fn entries(&self) -> u16 {
        AliceBoard::NAMES.len() as u16
    }

    fn entry(&self, index: u16) -> Option<Entry<'_>> {
        let name = AliceBoard::NAMES.get(usize::from(index))?;
        let kind = match index {
            0 => kind(Unit::Millidecibels, Access::WhenSafe, AliceTrim::ATTENUATION_MDB),
            1..=4 => kind(Unit::Millivolts, Access::Always, AliceTrim::MODULATOR_MV),
            _ => kind(Unit::Millivolts, Access::ReadOnly, HALF_WAVE_MV..=HALF_WAVE_MV),
        };
        Some(entry(name, kind))
    }

    fn read(&mut self, index: u16) -> i64 {
        self.place(index).map_or(HALF_WAVE_MV, |value| *value).into()
    }

    fn write(&mut self, index: u16, value: i64) -> Result<(), PartFault> {
        write(self.place(index), value)
    }
}

/// The board of a receiver: bias and delay of each detector.
#[derive(Clone, Debug)]
pub struct BobBoard {
    detectors: u16,
    /// What is set now.
    pub trim: BobTrim,
}

impl BobBoard {
    const NAMES: [[&str; 2]; 4] = [
        ["detector.bias.0", "detector.delay.0"],
        ["detector.bias.1", "detector.delay.1"],
        ["detector.bias.2", "detector.delay.2"],
        ["detector.bias.3", "detector.delay.3"],
    ];

    /// As it starts.
    pub fn new(kind: ReceiverKind) -> BobBoard {
        BobBoard { detectors: kind.detectors().into(), trim: BobTrim::default() }
    }

    /// Biases first. Which detector, and whether it is the delay.
    fn split(&self, index: u16) -> Option<(usize, bool)> {
        let is_delay = index >= self.detectors;
        let detector = if is_delay { index - self.detectors } else { index };
        (detector < self.detectors).then_some((detector.into(), is_delay))
    }

    fn place(&mut self, index: u16) -> Option<&mut i32> {
        match self.split(index)? {
            (detector, false) => self.trim.bias_mv.get_mut(detector),
            (detector, true) => self.trim.delay_ps.get_mut(detector),
        }
    }
}

impl Board for BobBoard {
    fn entries(&self) -> u16 {
        2 * self.detectors
    }

    fn entry(&self, index: u16) -> Option<Entry<'_>> {
        let (detector, is_delay) = self.split(index)?;
        let name = BobBoard::NAMES.get(detector)?[usize::from(is_delay)];
        let kind = match is_delay {
            // A bias settles slowly, and what counts meanwhile is of neither value.
            false => kind(Unit::Millivolts, Access::WhenSafe, BobTrim::BIAS_MV),
            true => kind(Unit::Picoseconds, Access::Always, BobTrim::DELAY_PS),
        };
        Some(entry(name, kind))
    }

    fn read(&mut self, index: u16) -> i64 {
        self.place(index).map_or(0, |value| *value).into()
    }

    fn write(&mut self, index: u16, value: i64) -> Result<(), PartFault> {
        write(self.place(index), value)
    }
}

/// The firmware has checked the range.
fn write(place: Option<&mut i32>, value: i64) -> Result<(), PartFault> {
    *place.ok_or(PartFault)? = i32::try_from(value).map_err(|_| PartFault)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use helio_bench::MAX_NAME;
    use std::collections::HashSet;
    use std::string::String;

    fn check(board: &mut impl Board) {
        let mut names = HashSet::new();
        for index in 0..board.entries() {
            let before = board.read(index);
            let entry = board.entry(index).unwrap();
            let name = String::from(entry.name);
            let (access, min, max) = (entry.access, entry.min, entry.max);
            assert!(name.len() <= MAX_NAME && names.insert(name.clone()));
            assert!((min..=max).contains(&before), "{name}");
            for value in [min, max, before] {
                let written = board.write(index, value);
                assert_eq!(written.is_ok(), access != Access::ReadOnly, "{name}");
                if written.is_ok() {
                    assert_eq!(board.read(index), value, "{name}");
                }
            }
        }
        let end = board.entries();
        assert_eq!(board.entry(end), None);
        assert_eq!(board.write(end, 0), Err(PartFault));
    }

    #[test]
    fn every_entry_keeps_what_is_written() {
        let mut alice = AliceBoard::default();
        check(&mut alice);
        assert_eq!(alice.trim, AliceTrim::default());
        for (kind, entries) in [(ReceiverKind::Active, 4), (ReceiverKind::Passive, 8)] {
            let mut bob = BobBoard::new(kind);
            check(&mut bob);
            assert_eq!((bob.entries(), bob.trim), (entries, BobTrim::default()));
        }
    }

    #[test]
    fn an_entry_is_the_part_that_it_names() {
        let mut alice = AliceBoard::default();
        let mut set = |index: u16, name: &str, value| {
            assert_eq!(alice.entry(index).map(|e| e.name), Some(name));
            alice.write(index, value).unwrap();
        };
        set(0, "laser.attenuation", 3_000);
        set(3, "modulator.voltage.d", 1_758);
        assert_eq!(alice.trim.attenuation_mdb, 3_000);
        assert_eq!(alice.trim.modulator_mv, [0, 4_000, 1_758, -2_000]);
        let mut bob = BobBoard::new(ReceiverKind::Passive);
        assert_eq!(bob.entry(5).map(|e| e.name), Some("detector.delay.1"));
        bob.write(5, 70).unwrap();
        bob.write(3, 2_500).unwrap();
        assert_eq!((bob.trim.delay_ps[1], bob.trim.bias_mv[3]), (70, 2_500));
    }
}
