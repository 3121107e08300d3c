//! A number and its standard error.

/// A measured number with its standard error, both in the same unit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// The estimate.
    pub value: f64,
    /// One standard deviation of it.
    pub error: f64,
}

impl Measured {
    /// A number with its standard error.
    pub const fn new(value: f64, error: f64) -> Measured {
        Measured { value, error }
    }

    /// A count of independent events. The error is √(n + 1): it stays honest where nothing was counted.
    pub fn count(n: u64) -> Measured {
        Measured { value: n as f64, error: (n as f64 + 1.0).sqrt() }
    }

    /// `part` of `whole` independent trials: the mean and deviation of the Beta distribution that a
    /// uniform prior becomes, around the plain ratio (Gelman et al., Bayesian Data Analysis, 3rd ed., 2.1).
    /// `None` without trials.
    pub fn share(part: u64, whole: u64) -> Option<Measured> {
        if whole == 0 || part > whole {
            return None;
        }
        let (a, b) = (part as f64 + 1.0, (whole - part) as f64 + 1.0);
        let error = (a * b / ((a + b) * (a + b) * (a + b + 1.0))).sqrt();
        Some(Measured { value: part as f64 / whole as f64, error })
    }

    /// The same times a factor without an error.
    pub fn times(self, factor: f64) -> Measured {
        Measured { value: self.value * factor, error: self.error * factor.abs() }
    }

    /// The difference of two independent ones.
    pub fn less(self, other: Measured) -> Measured {
        Measured { value: self.value - other.value, error: self.error.hypot(other.error) }
    }

    /// The sum of two independent ones.
    pub fn plus(self, other: Measured) -> Measured {
        Measured { value: self.value + other.value, error: self.error.hypot(other.error) }
    }

    /// The quotient of two independent ones, to first order; not finite where the divisor is zero.
    pub fn over(self, other: Measured) -> Measured {
        let value = self.value / other.value;
        let error = (self.error / other.value).hypot(value * other.error / other.value);
        Measured { value, error }
    }

    /// How many standard errors the value lies from `truth`.
    pub fn sigmas_from(self, truth: f64) -> f64 {
        (self.value - truth).abs() / self.error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_counted_is_not_certain() {
        let none = Measured::share(0, 100).unwrap();
        assert_eq!(none.value, 0.0);
        assert!(none.error > 0.009 && none.error < 0.011, "{none:?}");
        assert_eq!(Measured::share(1, 0), None);
        assert_eq!(Measured::count(0).error, 1.0);
    }

    #[test]
    fn errors_add_in_squares() {
        let (a, b) = (Measured::new(10.0, 3.0), Measured::new(5.0, 4.0));
        assert_eq!(a.less(b), Measured::new(5.0, 5.0));
        assert_eq!(a.over(b).value, 2.0);
        assert!((a.over(b).error - (0.36f64 + 2.56).sqrt()).abs() < 1e-12);
    }
}
