//! An axis that is linear or logarithmic.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::coord::types::RangedCoordf64;

/// The coordinate along an axis.
#[derive(Clone)]
pub(super) struct Ruler {
    from: f64,
    to: f64,
    linear: RangedCoordf64,
    log: bool,
}

impl Ruler {
    pub(super) fn linear(from: f64, to: f64) -> Ruler {
        Ruler { from, to, linear: (from..to).into(), log: false }
    }

    /// From a value above zero to a larger one.
    pub(super) fn logarithmic(from: f64, to: f64) -> Ruler {
        Ruler { from, to, linear: (from.log10()..to.log10()).into(), log: true }
    }

    /// Values that are labelled on a logarithmic axis: powers of ten, every second or third of them
    /// where there are many, and twice and five times those where there are few.
    fn decades(&self, most: usize) -> Vec<f64> {
        let (low, high) = (self.from.log10().floor() as i32, self.to.log10().ceil() as i32);
        let within = |value: &f64| (self.from * 0.999..self.to * 1.001).contains(value);
        let marks = |multiples: &[f64], every: i32| -> Vec<f64> {
            let powers = (low..=high).filter(|power| power.rem_euclid(every) == 0);
            powers
                .flat_map(|power| multiples.iter().map(move |m| m * 10f64.powi(power)))
                .filter(within)
                .collect()
        };
        let fine = marks(&[1.0, 2.0, 5.0], 1);
        if fine.len() <= most {
            return fine;
        }
        let all = (1..).map(|every| marks(&[1.0], every));
        all.into_iter().find(|points| points.len() <= most.max(1)).unwrap_or_default()
    }

    /// Values that are labelled where the axis is linear. The library looks for them with an absolute
    /// tolerance, and forever where the axis is shorter than that: it is given one of usual length.
    fn round_values<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        let length = 10f64.powf((self.to - self.from).log10().floor());
        let marks = RangedCoordf64::from(self.from / length..self.to / length).key_points(hint);
        marks.into_iter().map(|mark| mark * length).collect()
    }
}

impl Ranged for Ruler {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let value = if self.log { value.max(f64::MIN_POSITIVE).log10() } else { *value };
        self.linear.map(&value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        match self.log {
            false => self.round_values(hint),
            true => match self.decades(hint.bold_points()) {
                marks if marks.len() > 1 => marks,
                _ => self.round_values(hint),
            },
        }
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logarithmic_axis_labels_round_values() {
        let marks = |from, to, most| Ruler::logarithmic(from, to).decades(most);
        assert_eq!(marks(1.0, 1000.0, 12).len(), 10);
        assert_eq!(marks(0.9, 1100.0, 8), [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(marks(1.0, 1e12, 7).len(), 7);
        assert!(marks(2.2, 4.9, 8).is_empty(), "nothing round between");
        assert!(marks(1e-300, 1e300, 5).len() <= 5);
    }

    #[test]
    fn an_axis_of_any_length_has_its_labels() {
        use plotters::coord::ranged1d::BoldPoints;
        for (from, to) in [(2.2e-17, 4.9e-17), (1.0, 1.0 + 2e-6), (-3e-300, 1e-300), (0.0, 1e300)] {
            let marks = Ruler::linear(from, to).key_points(BoldPoints(8));
            assert!((2..=9).contains(&marks.len()), "{from} to {to}: {marks:?}");
            assert!(marks.iter().all(|mark| (from..=to * (1.0 + 1e-9)).contains(mark)));
        }
        assert!(Ruler::logarithmic(2.2e-17, 4.9e-17).key_points(BoldPoints(8)).len() > 1);
    }

    #[test]
    fn powers_of_ten_are_equally_far_apart() {
        let ruler = Ruler::logarithmic(1.0, 1e4);
        let at = |value| ruler.map(&value, (0, 400));
        assert_eq!([at(1.0), at(10.0), at(100.0), at(1e4)], [0, 100, 200, 400]);
        assert_eq!(Ruler::linear(0.0, 4.0).map(&1.0, (0, 400)), 100);
    }
}
