//! An AS6500 at the four detectors, polled by core 1.

use crate::bob::Inputs;
use crate::spi::{self, Wait};
use crate::timer;
use helio_bench::{Drained, Edge, EdgeSource};
use helio_chips::as650x::{As650x, As650xSource, Config, Part};
use helio_panel::Seen;
use helio_pio::LossCount;
use helio_units::TickLength;

/// Parts of a period of REFCLK, which is XIN's 12 MHz and 12.5 cycles: 20/3 ps, a thousandth of a cycle.
const DIVISIONS: u32 = 12_500;

/// Periods of REFCLK since the timer began.
fn periods() -> u64 {
    timer::now().0 * 2 / 25
}

/// The inputs of this board. There is one.
pub struct Converter {
    source: As650xSource<spi::Converter, fn() -> u64>,
    lost: LossCount,
}

impl Converter {
    /// Begins, if there is a chip.
    ///
    /// # Panics
    /// Never: the settings are constants that the chip has.
    pub fn new(bus: spi::Converter) -> Converter {
        let period = TickLength::new(250_000, 3).expect("12 MHz");
        let chip = As650x::unconfigured(bus, Config::new(Part::As6500, DIVISIONS)).expect("valid");
        let source = As650xSource::stopped(chip, periods as fn() -> u64, period).expect("20/3 ps");
        let mut converter = Converter { source, lost: LossCount::default() };
        converter.recover();
        converter
    }
}

impl Inputs for Converter {
    fn recover(&mut self) -> bool {
        let stopped = self.has_failed();
        if stopped {
            // What is wrong is asked for by `has_failed`.
            let _ = self.source.restart(&mut Wait);
        }
        stopped
    }

    fn has_failed(&self) -> bool {
        self.source.stop().is_some()
    }

    fn seen(&self) -> Seen {
        Seen {
            gaps: self.lost.gaps,
            lost: self.lost.length,
            converter: self.source.stop().map_or(0, |stop| stop as u8),
            ..Seen::default()
        }
    }
}

impl EdgeSource for Converter {
    /// The last one is the sync channel, which nothing is wired to.
    fn channels(&self) -> u8 {
        self.source.channels() + 1
    }

    fn tick_length(&self) -> TickLength {
        self.source.tick_length()
    }

    fn drain(&mut self, out: &mut [Edge]) -> Drained {
        let drained = self.source.drain(out);
        if let Some(loss) = drained.loss {
            self.lost.add(loss);
        }
        drained
    }
}
