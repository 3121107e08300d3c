//! Fine time between a START and a few STOPs, one measurement at a time.

use helio_units::Picoseconds;

/// Most STOPs that one measurement of any [`Stopwatch`] holds.
pub const MAX_STOPS: usize = 5;

/// The times of one measurement, from its START to each STOP, in order of arrival.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Laps {
    stops: [Picoseconds; MAX_STOPS],
    count: u8,
}

impl Laps {
    /// No STOP yet.
    pub const NONE: Laps = Laps { stops: [Picoseconds(0); MAX_STOPS], count: 0 };

    /// Adds a STOP.
    ///
    /// # Errors
    /// [`TooManyStops`] beyond [`MAX_STOPS`]; nothing was added.
    pub fn push(&mut self, stop: Picoseconds) -> Result<(), TooManyStops> {
        let place = self.stops.get_mut(usize::from(self.count)).ok_or(TooManyStops)?;
        *place = stop;
        self.count += 1;
        Ok(())
    }

    /// Times since START, in picoseconds.
    pub fn stops(&self) -> &[Picoseconds] {
        &self.stops[..usize::from(self.count)]
    }
}

/// A measurement has no place for another STOP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyStops;

impl core::fmt::Display for TooManyStops {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "a measurement has at most {MAX_STOPS} STOPs")
    }
}

impl core::error::Error for TooManyStops {}

/// The spans that a stopwatch measures; both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopwatchRange {
    /// Shortest time from START to a STOP.
    pub shortest: Picoseconds,
    /// Longest time from START to the last STOP.
    pub longest: Picoseconds,
}

/// A one-shot stopwatch: armed, it takes one START and the STOPs after it, and is blind until it
/// is armed again. It gives the fine time inside a tick of the capture, or the delay of a cable; it
/// is no [`crate::EdgeSource`], because light does not wait for it to be armed.
pub trait Stopwatch {
    /// What the bus or the chip reports: overflow, calibration out of reason, a lost transfer.
    type Error;

    /// STOPs a measurement takes, 1 to [`MAX_STOPS`].
    fn stops(&self) -> u8;

    /// What it can measure.
    fn range(&self) -> StopwatchRange;

    /// Forgets the last measurement and waits for a START.
    ///
    /// # Errors
    /// From the bus; the stopwatch may or may not be armed.
    fn arm(&mut self) -> Result<(), Self::Error>;

    /// The measurement, once it is complete; `None` while it is not. It can be read again until
    /// [`Stopwatch::arm`].
    ///
    /// # Errors
    /// What the hardware says is wrong with the measurement: it is over, and holds no time.
    fn read(&mut self) -> Result<Option<Laps>, Self::Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_holds_five_stops_in_order() {
        let mut laps = Laps::NONE;
        for k in 0..5 {
            laps.push(Picoseconds(k)).unwrap();
        }
        assert_eq!(laps.push(Picoseconds(5)), Err(TooManyStops));
        assert!(laps.stops().iter().map(|s| s.0).eq(0..5));
    }
}
