//! Slot rates and ticks: what a decimal number need not hold exactly. A slot of 31 cycles of
//! 150 MHz comes `150 MHz / 31` a second; a cycle takes `20000/3 ps`.

use std::fmt;
use std::str::FromStr;

use helio_units::TickLength;

use super::decimal::{InvalidQuantity, Kind};
use super::{Frequency, Span};

/// A rate in Hz times this is what is counted.
const MICRO: u128 = 1_000_000;

/// Slots a second, exact: `5 MHz` or `150 MHz / 31`. Above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotRate {
    micro_hz: u64,
    over: u32,
}

/// The exact length of a tick: `0.5 ps` or `20000/3 ps`. Below one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick(pub TickLength);

/// A text that is no [`SlotRate`] or no [`Tick`].
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum InvalidRational {
    /// The decimal number or its unit.
    #[error(transparent)]
    Quantity(#[from] InvalidQuantity),
    /// What stands after the stroke of a rate.
    #[error("a slot rate is divided by a whole number; write for example 150 MHz / 31")]
    Over,
    /// No slots.
    #[error("a slot rate lies above zero; write for example 5 MHz")]
    NoSlots,
    /// What stands after the stroke of a tick.
    #[error(
        "a tick is a number of ps, divided by a whole number or not; write for example 20000/3 ps"
    )]
    Tick,
}

impl SlotRate {
    /// The rate of `helio demo`: 5 MHz.
    pub const DEMO: SlotRate = SlotRate { micro_hz: 5_000_000_000_000, over: 1 };

    fn new(micro_hz: u128, over: u128) -> Option<SlotRate> {
        let common = gcd(micro_hz, over);
        let (micro_hz, over) = (micro_hz.checked_div(common)?, over.checked_div(common)?);
        let max = u128::from(Frequency::KIND.max.unsigned_abs());
        let micro_hz = u64::try_from(micro_hz).ok().filter(|n| *n > 0 && u128::from(*n) <= max)?;
        Some(SlotRate { micro_hz, over: u32::try_from(over).ok().filter(|n| *n > 0)? })
    }

    /// Slots a second, for display and statistics.
    pub fn hz(self) -> f64 {
        self.micro_hz as f64 / (MICRO as f64 * f64::from(self.over))
    }

    /// The slot in ticks of this length.
    ///
    /// # Errors
    /// It is no whole number of them: the nearest rate of which it is, if that can be written.
    pub fn slot_ticks(self, tick: TickLength) -> Result<u32, Option<SlotRate>> {
        let (n, d) = (u128::from(tick.numerator_ps()), u128::from(tick.denominator()));
        // 10¹⁸ (µHz · ps) · 2³² · 2³² stays below 2¹²⁴.
        let above = PS_MICRO_HZ * u128::from(self.over) * d;
        let below = u128::from(self.micro_hz) * n;
        let ticks = above / below;
        match u32::try_from(ticks) {
            Ok(exact @ 1..) if above.is_multiple_of(below) => Ok(exact),
            _ => {
                let rounded = ticks + u128::from(2 * (above % below) >= below);
                let rounded = rounded.clamp(1, u128::from(u32::MAX));
                Err(SlotRate::new(PS_MICRO_HZ * d, n * rounded))
            }
        }
    }

    /// Slots in a span, the last begun one too.
    pub fn slots_covering(self, span: Span) -> u128 {
        let above = u128::from(span.0.unsigned_abs()) * u128::from(self.micro_hz);
        above.div_ceil(PS_MICRO_HZ * u128::from(self.over))
    }
}

const PS_MICRO_HZ: u128 = 1_000_000_000_000 * MICRO;

impl FromStr for SlotRate {
    type Err = InvalidRational;

    fn from_str(text: &str) -> Result<SlotRate, InvalidRational> {
        let (rate, over) = match text.split_once('/') {
            None => (text, 1),
            Some((rate, over)) => {
                let over = over.trim();
                let digits = over.bytes().all(|b| b.is_ascii_digit());
                let over: u32 = over.parse().map_err(|_| InvalidRational::Over)?;
                if over == 0 || !digits {
                    return Err(InvalidRational::Over);
                }
                (rate, over)
            }
        };
        let rate: Frequency = rate.parse()?;
        let micro_hz = u128::from(rate.0.unsigned_abs());
        SlotRate::new(micro_hz, over.into()).ok_or(InvalidRational::NoSlots)
    }
}

impl fmt::Display for SlotRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = Frequency(i64::try_from(self.micro_hz).unwrap_or(i64::MAX));
        match self.over {
            1 => write!(f, "{rate}"),
            over => write!(f, "{rate} / {over}"),
        }
    }
}

/// A tick before it is divided, in 10⁻⁶ ps.
const TICK: Kind = Kind {
    what: "a tick",
    units: &[("ps", 1_000_000), ("ns", 1_000_000_000), ("us", 1_000_000_000_000)],
    example: "20000/3 ps",
    min: 1,
    max: 1_000_000_000_000_000_000,
};

impl FromStr for Tick {
    type Err = InvalidRational;

    fn from_str(text: &str) -> Result<Tick, InvalidRational> {
        let (whole, over) = match text.split_once('/') {
            None => (TICK.parse(text)?, 1),
            Some((number, rest)) => {
                let rest = rest.trim();
                let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                let over: u64 = rest[..end].parse().map_err(|_| InvalidRational::Tick)?;
                (TICK.parse(&format!("{} {}", number.trim(), &rest[end..]))?, over)
            }
        };
        let (above, below) = (u128::from(whole.unsigned_abs()), u128::from(over) * MICRO);
        let common = gcd(above, below).max(1);
        let numerator = u64::try_from(above / common).map_err(|_| InvalidRational::Tick)?;
        let denominator = u32::try_from(below / common).map_err(|_| InvalidRational::Tick)?;
        let length = TickLength::new(numerator, denominator).map_err(|_| InvalidRational::Tick)?;
        Ok(Tick(length))
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.numerator_ps(), self.0.denominator()) {
            (ps, 1) => write!(f, "{ps} ps"),
            (ps, over) => write!(f, "{ps}/{over} ps"),
        }
    }
}

/// Greatest common divisor.
pub(crate) fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(text: &str) -> SlotRate {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn a_slot_is_a_whole_number_of_ticks_or_the_nearest_rate_is_told() {
        let tick = TickLength::CYCLE_150_MHZ;
        assert_eq!(rate("5 MHz").slot_ticks(tick), Ok(30));
        assert_eq!(rate("150 MHz / 31").slot_ticks(tick), Ok(31));
        assert_eq!(rate("4.9 MHz").slot_ticks(tick), Err(Some(rate("150 MHz / 31"))));
        assert_eq!(rate("4.99 MHz").slot_ticks(tick), Err(Some(rate("5 MHz"))));
        assert_eq!(rate("80 GHz").slot_ticks(tick), Err(Some(rate("150 MHz"))));
        let half = TickLength::new(1, 2).unwrap();
        assert_eq!(rate("80 MHz").slot_ticks(half), Ok(25_000));
        assert!(rate("0.000001 Hz").slot_ticks(half).is_err());
    }

    #[test]
    fn spans_in_slots_are_rounded_up() {
        let slots = |text: &str, span: &str| rate(text).slots_covering(span.parse().unwrap());
        assert_eq!(slots("5 MHz", "1.1226 ms"), 5_613);
        assert_eq!(slots("5 MHz", "1 ps"), 1);
        assert_eq!(slots("150 MHz / 31", "1 s"), 4_838_710);
    }

    #[test]
    fn rates_and_ticks_show_what_they_read() {
        for text in ["5 MHz", "150 MHz / 31", "0.000001 Hz", "1 Hz / 4294967291"] {
            assert_eq!(rate(text).to_string(), text);
        }
        assert_eq!(rate("10 MHz/2").to_string(), "5 MHz");
        for (text, shown) in [
            ("20000/3 ps", "20000/3 ps"),
            ("0.5 ps", "1/2 ps"),
            ("6.5ns", "6500 ps"),
            ("20/3 ns", "20000/3 ps"),
        ] {
            assert_eq!(text.parse::<Tick>().unwrap().to_string(), shown, "{text}");
        }
        for text in ["5", "0 MHz", "5 MHz / 0", "5 MHz / x", "5 MHz / +2", "-5 MHz", "5 MHz / 1/2"]
        {
            let said = text.parse::<SlotRate>().unwrap_err().to_string();
            assert!(said.contains("write") || said.contains("choose"), "{text}: {said}");
        }
        for text in ["5", "0 ps", "1/0 ps", "20000/ ps", "1 s", "1/3", "/3 ps", "1/99999999999 ps"]
        {
            let said = text.parse::<Tick>().unwrap_err().to_string();
            assert!(said.contains("write") || said.contains("choose"), "{text}: {said}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(
            text in prop_oneof![any::<String>(), "[0-9.]{0,20} ?(MHz|Hz|ps|ns)? ?/? ?[0-9]{0,12} ?(ps|ns)?"],
            numerator in 1u64..1_000_000,
            denominator in 1u32..1_000_000,
        ) {
            let tick = TickLength::new(numerator, denominator).unwrap();
            prop_assert_eq!(Tick(tick).to_string().parse(), Ok(Tick(tick)));
            if let Ok(rate) = text.parse::<SlotRate>() {
                prop_assert_eq!(rate.to_string().parse(), Ok(rate));
                match rate.slot_ticks(tick) {
                    Ok(ticks) => prop_assert!(ticks > 0),
                    Err(Some(nearest)) => prop_assert!(nearest.slot_ticks(tick).is_ok()),
                    Err(None) => {}
                }
            }
            if let Ok(tick) = text.parse::<Tick>() {
                prop_assert_eq!(tick.to_string().parse(), Ok(tick));
            }
        }
    }
}
