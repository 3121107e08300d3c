//! Which state was sent and which was found.

use helio_bench::{Basis, Polarization};

use crate::Measured;

/// Clicks by the state that was sent and the state that the detector stands for, both in the order H, V,
/// D, A. A detection of several detectors counts once for each: this is about light, not about bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClickMatrix {
    /// `clicks[sent][found]`.
    pub clicks: [[u64; 4]; 4],
    /// Slots in which several detectors clicked.
    pub multiple: u64,
}

/// Light of one state in its own basis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StateFigures {
    /// The state.
    pub state: Polarization,
    /// Clicks of the right detector and of the wrong one.
    pub clicks: [u64; 2],
    /// Right over wrong in dB, with its standard error; `None` without clicks of either kind.
    pub extinction_db: Option<Measured>,
}

/// Light of a basis, measured in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BasisFigures {
    /// The basis.
    pub basis: Basis,
    /// Clicks of right and wrong detectors.
    pub clicks: [u64; 2],
    /// Wrong clicks over all.
    pub qber: Option<Measured>,
    /// (right − wrong) / (right + wrong) = 1 − 2·QBER.
    pub visibility: Option<Measured>,
    /// The two states.
    pub states: [StateFigures; 2],
}

impl ClickMatrix {
    /// Counts a click of the detector that stands for `found` in a slot of `sent`.
    #[inline]
    pub fn click(&mut self, sent: Polarization, found: Polarization) {
        self.clicks[sent as usize][found as usize] += 1;
    }

    /// Counts what another matrix counted.
    pub fn add(&mut self, other: &ClickMatrix) {
        for (row, from) in self.clicks.iter_mut().zip(&other.clicks) {
            row.iter_mut().zip(from).for_each(|(to, n)| *to += n);
        }
        self.multiple += other.multiple;
    }

    /// All clicks.
    pub fn total(&self) -> u64 {
        self.clicks.iter().flatten().sum()
    }

    /// The figures of a basis.
    pub fn basis(&self, basis: Basis) -> BasisFigures {
        let states = [false, true].map(|bit| self.state(Polarization::new(basis, bit)));
        let [right, wrong] = [0, 1].map(|i| states[0].clicks[i] + states[1].clicks[i]);
        let qber = Measured::share(wrong, right + wrong);
        let visibility = qber.map(|q| Measured::new(1.0 - 2.0 * q.value, 2.0 * q.error));
        BasisFigures { basis, clicks: [right, wrong], qber, visibility, states }
    }

    fn state(&self, state: Polarization) -> StateFigures {
        let row = &self.clicks[state as usize];
        let other = Polarization::new(state.basis(), !state.bit());
        let [right, wrong] = [row[state as usize], row[other as usize]];
        let both = right > 0 && wrong > 0;
        let extinction_db = both.then(|| {
            let (r, w) = (right as f64, wrong as f64);
            // d(10 log10 x) = 10 / ln 10 · dx / x, Poisson errors of both counts.
            let error = 10.0 / std::f64::consts::LN_10 * (1.0 / r + 1.0 / w).sqrt();
            Measured::new(10.0 * (r / w).log10(), error)
        });
        StateFigures { state, clicks: [right, wrong], extinction_db }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Polarization::{A, D, H, V};

    #[test]
    fn figures_follow_from_the_clicks_of_their_basis_alone() {
        let mut matrix = ClickMatrix::default();
        for (sent, found, n) in
            [(H, H, 990), (H, V, 10), (V, V, 980), (V, H, 20), (H, D, 500), (D, A, 7)]
        {
            (0..n).for_each(|_| matrix.click(sent, found));
        }
        let key = matrix.basis(Basis::Key);
        assert_eq!(key.clicks, [1970, 30]);
        assert_eq!(key.qber.unwrap().value, 0.015);
        assert!((key.visibility.unwrap().value - 0.97).abs() < 1e-12);
        let [h, v] = key.states.map(|s| s.extinction_db.unwrap());
        assert!((h.value - 19.956).abs() < 1e-3 && (v.value - 16.902).abs() < 1e-3, "{h:?} {v:?}");
        let test = matrix.basis(Basis::Test);
        assert_eq!((test.clicks, test.qber.unwrap().value), ([0, 7], 1.0));
        assert!(test.states.iter().all(|s| s.extinction_db.is_none()), "{A:?}");
        assert_eq!(ClickMatrix::default().basis(Basis::Key).qber, None);
    }
}
