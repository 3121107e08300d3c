//! What a certificate says of the calibration that its key rests on, by the time of its block.
//!
//! A real station refuses to begin a block on a calibration that is too old; a certificate of a real
//! key that shows one, or does not show when the block was made, does not stand. Simulated detectors
//! do not age, and their blocks have no date.

use serde::Serialize;

use super::PublicPart;
use crate::parameters::DetectorMatch;

/// Seconds of a day.
const DAY_S: u64 = 86_400;
/// A clock ahead of UTC writes tomorrow's date.
const AHEAD_DAYS: i64 = 1;

/// How the block's time lies to the calibration's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum CalibrationState {
    /// Nothing was measured: detectors are assumed to be equal.
    Assumed,
    /// A SIMULATED key: what its devices are is known, and nothing ages.
    Simulated,
    /// Taken for the block.
    Valid {
        /// Days from the calibration to the block.
        age_days: i64,
        /// For so many it is taken.
        valid_days: u32,
    },
    /// Too old.
    Stale {
        /// Days from the calibration to the block.
        age_days: i64,
        /// For so many it is taken.
        valid_days: u32,
    },
    /// Made after the block.
    Later {
        /// Days from the block to the calibration.
        days: i64,
    },
    /// Something is not said without which nobody can tell.
    Missing {
        /// What.
        what: &'static str,
    },
}

impl CalibrationState {
    /// Of a calibration that is so old and taken for so many days.
    pub fn of_age(age_days: i64, valid_days: u32) -> CalibrationState {
        if age_days < -AHEAD_DAYS {
            CalibrationState::Later { days: -age_days }
        } else if age_days > i64::from(valid_days) {
            CalibrationState::Stale { age_days, valid_days }
        } else {
            CalibrationState::Valid { age_days, valid_days }
        }
    }

    /// Whether a key may rest on it.
    pub fn holds(&self) -> bool {
        use CalibrationState::{Assumed, Simulated, Valid};
        matches!(self, Assumed | Simulated | Valid { .. })
    }
}

impl std::fmt::Display for CalibrationState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CalibrationState::Assumed => f.write_str("no calibration: detectors assumed matched"),
            CalibrationState::Simulated => {
                f.write_str("SIMULATED: the block has no date, and simulated detectors do not age")
            }
            CalibrationState::Valid { age_days, valid_days } => {
                write!(f, "calibration {age_days} days old at the block, taken for {valid_days}")
            }
            CalibrationState::Stale { age_days, valid_days } => write!(
                f,
                "calibration STALE: {age_days} days old at the block, taken for {valid_days}"
            ),
            CalibrationState::Later { days } => {
                write!(f, "calibration made {days} days after the block")
            }
            CalibrationState::Missing { what } => write!(f, "calibration MISSING: {what}"),
        }
    }
}

/// The state of a public part's calibration.
pub fn calibration_state(public: &PublicPart) -> CalibrationState {
    let PublicPart { parameters, origin, announced, .. } = public;
    state_at(&parameters.detectors, origin, announced.made_unix_s)
}

/// The same, of a block that was made at `made_unix_s` by clocks in UTC.
pub(crate) fn state_at(
    detectors: &DetectorMatch,
    origin: &str,
    made_unix_s: Option<u64>,
) -> CalibrationState {
    let DetectorMatch::Calibrated { id, date, device, valid_days, .. } = detectors else {
        return CalibrationState::Assumed;
    };
    if origin == "SIMULATED" {
        return CalibrationState::Simulated;
    }
    let missing = |what| CalibrationState::Missing { what };
    if id.trim().is_empty() {
        return missing("no name");
    }
    if device.trim().is_empty() {
        return missing("no device");
    }
    let Some(made) = day_of(date) else { return missing("no day on which it was made") };
    let Some(block_s) = made_unix_s else {
        return missing("no time of the block");
    };
    // Below 2^48, as is every quotient of 64 bits by a day.
    let age_days = (block_s / DAY_S) as i64 - made;
    CalibrationState::of_age(age_days, *valid_days)
}

/// Whether a block may go on by the time that was announced of it, which a station with a clock of its
/// own compares: asked by both before anything of the key basis is disclosed.
///
/// # Errors
/// What speaks against it.
pub(crate) fn check(
    detectors: &DetectorMatch,
    origin: &str,
    announced_s: Option<u64>,
    own_s: Option<u64>,
) -> Result<(), CalibrationState> {
    let state = state_at(detectors, origin, announced_s);
    let apart = announced_s.zip(own_s).is_some_and(|(theirs, own)| theirs.abs_diff(own) > DAY_S);
    match state {
        CalibrationState::Valid { .. } if apart => Err(CalibrationState::Missing {
            what: "the stations' clocks are more than a day apart",
        }),
        state if state.holds() => Ok(()),
        state => Err(state),
    }
}

/// Days since 1970 of a day in ISO 8601, with a time behind it or without; years 1970 to 9999.
fn day_of(text: &str) -> Option<i64> {
    let day = text.get(..10)?;
    let rest = text.get(10..)?;
    if !rest.is_empty() && !rest.starts_with(['T', 't', ' ']) {
        return None;
    }
    let bytes = day.as_bytes();
    let shape = |(i, byte): (usize, &u8)| match i {
        4 | 7 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    if !bytes.iter().enumerate().all(shape) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| day.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if year < 1970 || !(1..=longest).contains(&day) {
        return None;
    }
    // Years from March on, so that a leap day is the last of one (H. Hinnant, "chrono-compatible
    // low-level date algorithms").
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year / 4 - year / 100 + year / 400;
    Some(365 * year + leap_days + day_of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn days_are_counted_from_1970() {
        let known = [
            ("1970-01-01", 0),
            ("1970-03-01", 59),
            ("2000-02-29", 11_016),
            ("2000-03-01", 11_017),
            ("2026-11-24T10:00:00Z", 20_781),
            ("2026-11-24 10:00", 20_781),
            ("9999-12-31", 2_932_896),
        ];
        for (text, days) in known {
            assert_eq!(day_of(text), Some(days), "{text}");
        }
        for bad in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "2026-00-10",
            "2026-01-00",
            "2026-04-31",
            "1969-12-31",
            "24.11.2026",
            "2026-11-24x",
            "2026/11/24",
            "+026-11-24",
            "2026-11-2é",
        ] {
            assert_eq!(day_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_block_goes_on_only_on_a_calibration_that_its_certificate_will_show_as_valid() {
        let detectors = DetectorMatch::Calibrated {
            delta1: 1e-3,
            delta2: 1e-3,
            id: "c".into(),
            date: "2026-11-20".into(),
            device: "b7".into(),
            valid_days: 30,
        };
        let day = |n: u64| Some((20_777 + n) * DAY_S);
        // 2026-11-20 is day 20 777.
        assert_eq!(day_of("2026-11-20"), Some(20_777));
        let real = |theirs, own| check(&detectors, "real", theirs, own);
        assert_eq!(real(day(30), day(30)), Ok(()));
        let stale = CalibrationState::Stale { age_days: 31, valid_days: 30 };
        assert_eq!(real(day(31), day(31)), Err(stale));
        for (theirs, own) in [(None, day(3)), (day(3), day(5)), (day(5), day(3))] {
            assert!(matches!(real(theirs, own), Err(CalibrationState::Missing { .. })));
        }
        assert_eq!(check(&detectors, "SIMULATED", None, None), Ok(()));
        assert_eq!(check(&DetectorMatch::AssumedMatched, "real", None, None), Ok(()));
    }

    proptest! {
        /// Day after day without a gap.
        #[test]
        fn each_day_follows_the_one_before(year in 1970i64..9999, month in 1i64..=12, day in 1i64..=31) {
            let text = |y: i64, m: i64, d: i64| format!("{y:04}-{m:02}-{d:02}");
            if let Some(days) = day_of(&text(year, month, day)) {
                let (next_month, next_year) = (month % 12 + 1, year + month / 12);
                let next = day_of(&text(year, month, day + 1));
                let next = next.or_else(|| day_of(&text(next_year, next_month, 1)));
                prop_assert_eq!(next, Some(days + 1));
            }
        }

        #[test]
        fn any_text_is_a_day_or_none(text in ".{0,30}") {
            let _ = day_of(&text);
        }
    }
}
