//! The thirteen result registers, and times from them.

use helio_units::{Hertz, Picoseconds};

use super::registers::{Address, CalibrationPeriods, read_command};

/// Bytes of TIME1 to CALIBRATION2 (addresses 0x10 to 0x1C, three each).
pub const RESULT_BYTES: usize = 39;

/// A transfer that reads all results: send this, drop the first byte that comes back.
pub const RESULT_REQUEST: [u8; 1 + RESULT_BYTES] = {
    let mut frame = [0; 1 + RESULT_BYTES];
    frame[0] = read_command(Address::Time1);
    frame
};

/// What the result registers hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Results {
    /// TIME1 to TIME6: cycles of the ring oscillator, 23 bits.
    pub time: [u32; 6],
    /// CLOCK_COUNT1 to CLOCK_COUNT5: periods of the external clock, 23 bits.
    pub clock_count: [u32; 5],
    /// CALIBRATION1: cycles of the ring oscillator in one period of the external clock.
    pub calibration_1: u32,
    /// CALIBRATION2: the same in CALIBRATION2_PERIODS periods.
    pub calibration_2: u32,
}

/// A result whose parity is odd: the transfer was disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParityError {
    /// Address of the register.
    pub address: u8,
}

impl Results {
    /// From the bytes of the registers in order of address, most significant byte first, with
    /// PARITY_EN set.
    ///
    /// # Errors
    /// [`ParityError`] names the first register whose 24 bits have odd parity.
    pub fn decode(bytes: &[u8; RESULT_BYTES]) -> Result<Results, ParityError> {
        let mut registers = [0; RESULT_BYTES / 3];
        for (k, (register, b)) in registers.iter_mut().zip(bytes.chunks_exact(3)).enumerate() {
            let word = u32::from_be_bytes([0, b[0], b[1], b[2]]);
            if word.count_ones() % 2 == 1 {
                return Err(ParityError { address: Address::Time1 as u8 + k as u8 });
            }
            *register = word & 0x7F_FFFF;
        }
        // TIME and CLOCK_COUNT take turns up to TIME6; then the two calibrations.
        let r = registers;
        Ok(Results {
            time: [r[0], r[2], r[4], r[6], r[8], r[10]],
            clock_count: [r[1], r[3], r[5], r[7], r[9]],
            calibration_1: r[11],
            calibration_2: r[12],
        })
    }
}

/// What turns cycles of the ring oscillator into time (section 8.4.1, "Calibration").
///
/// `calCount = (CALIBRATION2 − CALIBRATION1) / (CALIBRATION2_PERIODS − 1)` and
/// `normLSB = CLOCKperiod / calCount`. Kept as a fraction, so that nothing is rounded before the
/// end: `normLSB = (CALIBRATION2_PERIODS − 1) / (clock · (CALIBRATION2 − CALIBRATION1))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calibration {
    difference: u32,
    steps: u32,
    clock: u32,
}

/// The calibration registers cannot be right: the longer one is not the larger one, or the clock
/// stands still. After a reset and before the first measurement both are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotCalibrated;

const PS_PER_SECOND: i128 = 1_000_000_000_000;

impl Calibration {
    /// From the two registers.
    ///
    /// # Errors
    /// [`NotCalibrated`].
    pub fn new(
        results: &Results,
        periods: CalibrationPeriods,
        clock: Hertz,
    ) -> Result<Calibration, NotCalibrated> {
        let difference =
            results.calibration_2.checked_sub(results.calibration_1).ok_or(NotCalibrated)?;
        if difference == 0 || clock.0 == 0 {
            return Err(NotCalibrated);
        }
        Ok(Calibration { difference, steps: periods.periods() - 1, clock: clock.0 })
    }

    /// `normLSB`, a cycle of the ring oscillator, in femtoseconds; about 55 000 (front page).
    pub fn lsb_fs(self) -> u64 {
        let fs = 1000 * PS_PER_SECOND * i128::from(self.steps) / self.denominator();
        // A difference of one count at 1 Hz makes 3.9e16: it fits.
        fs as u64
    }

    /// Mode 1 (equation 1): `TOFn = TIMEn · normLSB`, to the nearest picosecond.
    pub fn short(self, time: u32) -> Picoseconds {
        self.to_ps(i128::from(time), 0)
    }

    /// Mode 2 (equation 2): `TOFn = normLSB · (TIME1 − TIME(n+1)) + CLOCK_COUNTn · CLOCKperiod`,
    /// to the nearest picosecond.
    pub fn long(self, first_time: u32, next_time: u32, clock_count: u32) -> Picoseconds {
        self.to_ps(i128::from(first_time) - i128::from(next_time), clock_count)
    }

    fn denominator(self) -> i128 {
        i128::from(self.clock) * i128::from(self.difference)
    }

    /// Not inlined: a division of 128 bits is a kilobyte on a small processor, and a call takes five.
    #[inline(never)]
    fn to_ps(self, cycles: i128, clocks: u32) -> Picoseconds {
        let counted = i128::from(clocks) * i128::from(self.difference);
        let scaled = PS_PER_SECOND * (cycles * i128::from(self.steps) + counted);
        let denominator = self.denominator();
        let nearest = (2 * scaled + denominator).div_euclid(2 * denominator);
        // 24-bit counts at a clock of 1 Hz and a difference of one reach 6.6e20 ps; no clock that
        // the settings accept comes near, but the registers are bytes from outside.
        Picoseconds(nearest.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibrated(first: u32, second: u32) -> Calibration {
        let results = Results { calibration_1: first, calibration_2: second, ..Results::default() };
        Calibration::new(&results, CalibrationPeriods::Ten, Hertz(8_000_000)).unwrap()
    }

    #[test]
    fn the_data_sheets_example_of_mode_1() {
        // Section 8.4.2.1.1: calCount 2112.33, normLSB 5.917e-11 s, TOF1 247.061 ns.
        let c = calibrated(2110, 21_121);
        assert_eq!(c.lsb_fs(), 59_176);
        assert_eq!(c.short(4175), Picoseconds(247_061));
    }

    #[test]
    fn the_data_sheets_example_of_mode_2() {
        // Section 8.4.2.2.1: TOF1 476.855 µs.
        let c = calibrated(2315, 23_133);
        assert_eq!(c.long(2147, 201, 3814).0, 476_855_161);
    }

    #[test]
    fn calibrations_out_of_order_are_refused() {
        for (first, second) in [(0, 0), (5, 5), (6, 5)] {
            let r = Results { calibration_1: first, calibration_2: second, ..Results::default() };
            assert_eq!(
                Calibration::new(&r, CalibrationPeriods::Two, Hertz(8_000_000)),
                Err(NotCalibrated)
            );
        }
    }
}
