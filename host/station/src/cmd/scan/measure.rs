//! What a scan looks at.

use std::fmt;
use std::str::FromStr;

use helio_bench::{Basis, Polarization};
use helio_distill::bound::binary_entropy;
use helio_tune::fit::Extremum;
use helio_tune::{Look, Measured};

const STATES: [&str; 4] = ["H", "V", "D", "A"];

pub(super) fn state(name: &str) -> Option<Polarization> {
    Polarization::ALL.into_iter().find(|state| state_name(*state) == name)
}

pub(super) fn state_name(state: Polarization) -> &'static str {
    STATES[state as usize]
}

/// A measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Wrong clicks over all, of both bases.
    Qber,
    /// Of one basis.
    QberOf(Basis),
    /// Of one state in its basis.
    Error(Polarization),
    /// 1 − 2·QBER of both bases.
    Visibility,
    /// Clicks a second, of all detectors or one.
    Rate(Option<usize>),
    /// Share of slots in which a detector clicked in its window.
    Inside(usize),
    /// Photons counted a pulse, over all levels.
    Counted,
    /// Clicks a second in the basis of their pulse, times 1 − 2h(QBER): what a key's rate goes with (Shor and
    /// Preskill, PRL 85, 441 (2000)). A guide to a setting, no length of any key.
    Yield,
}

impl FromStr for Measure {
    type Err = String;

    fn from_str(text: &str) -> Result<Measure, String> {
        let bad = || {
            "choose qber, qber-key, qber-test, error:H (or V, D, A), visibility, rate, rate:0, inside:0, \
             counted or yield"
                .to_owned()
        };
        match (text, text.split_once(':')) {
            ("qber", _) => Ok(Measure::Qber),
            ("qber-key", _) => Ok(Measure::QberOf(Basis::Key)),
            ("qber-test", _) => Ok(Measure::QberOf(Basis::Test)),
            ("visibility", _) => Ok(Measure::Visibility),
            ("rate", _) => Ok(Measure::Rate(None)),
            ("counted", _) => Ok(Measure::Counted),
            ("yield", _) => Ok(Measure::Yield),
            (_, Some(("error", of))) => state(of).map(Measure::Error).ok_or_else(bad),
            (_, Some(("rate", of))) => {
                of.parse().map(|n| Measure::Rate(Some(n))).map_err(|_| bad())
            }
            (_, Some(("inside", of))) => of.parse().map(Measure::Inside).map_err(|_| bad()),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Measure::Qber => f.write_str("QBER"),
            Measure::QberOf(Basis::Key) => f.write_str("QBER of the key basis"),
            Measure::QberOf(Basis::Test) => f.write_str("QBER of the test basis"),
            Measure::Error(of) => write!(f, "errors of {}", state_name(*of)),
            Measure::Visibility => f.write_str("visibility"),
            Measure::Rate(None) => f.write_str("count rate"),
            Measure::Rate(Some(of)) => write!(f, "count rate of detector {of}"),
            Measure::Inside(of) => write!(f, "slots with a click of detector {of}"),
            Measure::Counted => f.write_str("photons counted a pulse"),
            Measure::Yield => f.write_str("clicks × (1 − 2h(QBER))"),
        }
    }
}

impl Measure {
    /// Which way is better.
    pub fn goal(self) -> Extremum {
        match self {
            Measure::Qber | Measure::QberOf(_) | Measure::Error(_) => Extremum::Minimum,
            _ => Extremum::Maximum,
        }
    }

    /// Its unit.
    pub fn unit(self) -> &'static str {
        if matches!(self, Measure::Rate(_) | Measure::Yield) { "counts/s" } else { "" }
    }

    /// What a look says of it; `None` where nothing was counted that it needs.
    pub fn of(self, look: &Look) -> Option<Measured> {
        let bases = look.bases();
        let [right, wrong] = [0, 1].map(|i| bases[0].clicks[i] + bases[1].clicks[i]);
        let both = || Measured::share(wrong, right + wrong);
        let slots: u64 = look.sent.slots.iter().sum();
        match self {
            Measure::Qber => both(),
            Measure::QberOf(basis) => bases.iter().find(|b| b.basis == basis)?.qber,
            Measure::Error(of) => {
                let states = bases.iter().flat_map(|b| b.states);
                let [right, wrong] = states.clone().find(|s| s.state == of)?.clicks;
                Measured::share(wrong, right + wrong)
            }
            Measure::Visibility => {
                both().map(|q| Measured::new(1.0 - 2.0 * q.value, 2.0 * q.error))
            }
            Measure::Rate(None) => {
                let rates = look.rates.iter().map(|rate| rate.rate_hz);
                rates.reduce(Measured::plus)
            }
            Measure::Rate(Some(of)) => look.rates.get(of).map(|rate| rate.rate_hz),
            Measure::Inside(of) => Measured::share(*look.sent.clicks.get(of)?, slots),
            Measure::Counted => {
                let seen = Measured::share(look.sent.detected.iter().sum(), slots)?;
                let none = 1.0 - seen.value;
                (none > 0.0).then(|| Measured::new(-none.ln(), seen.error / none))
            }
            Measure::Yield => {
                let (qber, clicks) = (both()?, Measured::count(right + wrong));
                let share = 1.0 - 2.0 * binary_entropy(qber.value);
                // dh/dq = log₂((1 − q)/q), which its error keeps off zero.
                let q = qber.value.clamp(qber.error, 1.0 - qber.error);
                let slope = 2.0 * ((1.0 - q) / q).log2() * qber.error;
                let error = (clicks.error * share).hypot(clicks.value * slope);
                Some(Measured::new(clicks.value * share, error).times(1.0 / look.seconds))
            }
        }
    }
}
