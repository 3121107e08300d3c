//! The microcontroller's converter: 12 bits against 3.3 V, one input after the other.

/// What the converter can be switched to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The sensor on the chip.
    Temperature,
    /// A voltage of the bench, divided to 0 V to 3.3 V: the laser's or the detectors' bias.
    Bias,
    /// A third of the board's supply.
    Supply,
}

/// All inputs, in the order in which they are sampled.
pub const INPUTS: [Input; 3] = [Input::Temperature, Input::Bias, Input::Supply];

/// A converter that is asked and never waited for.
pub trait Analog {
    /// The code, 0 to 4095, of the conversion begun last; `None` while it lasts.
    fn take(&mut self) -> Option<u16>;

    /// Begins a conversion.
    fn begin(&mut self, input: Input);
}

/// Conversions that make one value: the noise of a single one is some codes, and a code is 0.5 K.
const MEAN_OF: u32 = 64;

/// Full scale: the supply of the converter, which is not measured.
const FULL_SCALE_MICROVOLTS: u64 = 3_300_000;

/// Samples all inputs in turn; the last whole mean of each can be had at any time.
#[derive(Debug)]
pub struct Sampler<A> {
    analog: A,
    at: usize,
    sum: u32,
    taken: u32,
    begun: bool,
    /// In microvolts at the pin.
    means: [Option<u32>; INPUTS.len()],
}

impl<A: Analog> Sampler<A> {
    /// Nothing sampled.
    pub const fn new(analog: A) -> Sampler<A> {
        Sampler { analog, at: 0, sum: 0, taken: 0, begun: false, means: [None; INPUTS.len()] }
    }

    /// To be called as often as there is time; does not wait. A converter that never answers is
    /// asked for ever and keeps nobody.
    pub fn turn(&mut self) {
        if self.begun {
            let Some(code) = self.analog.take() else { return };
            self.sum += u32::from(code.min(4095));
            self.taken += 1;
            if self.taken == MEAN_OF {
                self.means[self.at] = Some(microvolts(self.sum));
                (self.sum, self.taken) = (0, 0);
                self.at = (self.at + 1) % INPUTS.len();
            }
        }
        self.analog.begin(INPUTS[self.at]);
        self.begun = true;
    }

    /// The last mean of an input, in microvolts at the pin; `None` before the first.
    pub fn microvolts(&self, input: Input) -> Option<u32> {
        let at = INPUTS.iter().position(|i| *i == input)?;
        self.means[at]
    }
}

/// From the sum of [`MEAN_OF`] codes.
const fn microvolts(sum: u32) -> u32 {
    (sum as u64 * FULL_SCALE_MICROVOLTS / (4096 * MEAN_OF as u64)) as u32
}

/// The chip's temperature, `T = 27 °C − (V − 0.706 V) / 1.721 mV/K` (RP2350 data sheet, section
/// on the temperature sensor, a typical part), in millikelvin. Parts differ by some kelvin, and
/// the converter's supply enters: 1 % of it is 4 K.
pub const fn millikelvin(microvolts: u32) -> i64 {
    300_150 - (microvolts as i64 - 706_000) * 1000 / 1721
}

/// To the nearest millivolt.
pub const fn millivolts(microvolts: u32) -> i64 {
    (microvolts as i64 + 500) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_temperature_by_the_formula_of_the_data_sheet() {
        assert_eq!(millikelvin(706_000), 300_150);
        // 1.721 mV less is a kelvin more.
        assert_eq!(millikelvin(704_279), 301_150);
        // The sheet's own example: a code of 891 is about 20.1 °C.
        let t = millikelvin(microvolts(891 * MEAN_OF));
        assert!((292_500..294_500).contains(&t), "{t}");
    }

    #[test]
    fn codes_span_the_supply() {
        assert_eq!(microvolts(0), 0);
        assert_eq!(microvolts(2048 * MEAN_OF), 1_650_000);
        assert_eq!(millivolts(microvolts(4095 * MEAN_OF)), 3_299);
    }

    /// Answers every third time, with a code of its own for each input.
    struct Slow {
        input: Option<Input>,
        asked: u32,
    }

    impl Analog for Slow {
        fn take(&mut self) -> Option<u16> {
            self.asked += 1;
            let code = 100 * (INPUTS.iter().position(|i| Some(*i) == self.input)? as u16 + 1);
            self.asked.is_multiple_of(3).then_some(code)
        }
        fn begin(&mut self, input: Input) {
            self.input = Some(input);
        }
    }

    #[test]
    fn every_input_gets_its_turn_and_its_own_value() {
        let mut sampler = Sampler::new(Slow { input: None, asked: 0 });
        sampler.turn();
        assert_eq!(sampler.microvolts(Input::Temperature), None);
        (0..10_000).for_each(|_| sampler.turn());
        for (n, input) in INPUTS.into_iter().enumerate() {
            assert_eq!(sampler.microvolts(input), Some(microvolts(100 * (n as u32 + 1) * MEAN_OF)));
        }
    }

    #[test]
    fn a_converter_that_never_answers_keeps_nobody() {
        struct Dead;
        impl Analog for Dead {
            fn take(&mut self) -> Option<u16> {
                None
            }
            fn begin(&mut self, _: Input) {}
        }
        let mut sampler = Sampler::new(Dead);
        (0..1000).for_each(|_| sampler.turn());
        assert_eq!(sampler.microvolts(Input::Supply), None);
    }
}
