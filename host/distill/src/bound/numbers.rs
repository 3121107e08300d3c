//! Entropies and statistical deviations shared by the bounds. Probabilities enter as their
//! logarithms: 1e-200 is a legal ε and its square underflows.

use core::f64::consts::{LN_2, LOG2_E};

/// Binary entropy `h(x) = -x log2 x - (1-x) log2 (1-x)` in bits; `h(0) = h(1) = 0`. Outside
/// [0, 1] and for what is not a number, 1: the entropy of which nothing is known.
pub fn binary_entropy(x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        0.0
    } else if x > 0.0 && x < 1.0 {
        -(x * libm::log(x) + (1.0 - x) * libm::log1p(-x)) * LOG2_E
    } else {
        1.0
    }
}

/// Entropy charged for a phase-error rate: `h(min(x, 1/2))`, so that more errors never cost less.
pub fn phase_error_entropy(x: f64) -> f64 {
    if x < 0.5 { binary_entropy(x) } else { 1.0 }
}

/// One-sided Hoeffding deviation `sqrt(n/2 · ln(events/eps))` of a count among `n`.
pub fn hoeffding_one_sided(n: f64, events: f64, eps: f64) -> f64 {
    libm::sqrt(n / 2.0 * (libm::log(events) - libm::log(eps)))
}

/// Two-sided Hoeffding deviation `sqrt(n/2 · ln(2/eps²))` of a count among `n`: exceeded with
/// probability at most `eps²`.
pub fn hoeffding_two_sided_squared(n: f64, eps: f64) -> f64 {
    libm::sqrt(n / 2.0 * (LN_2 - 2.0 * libm::log(eps)))
}

/// Serfling's deviation for sampling without replacement: `population` rounds are not seen,
/// `sample` rounds are, and the unseen error rate exceeds the seen one by more than this with
/// probability at most `eps²`. Infinite where there is no population or no sample.
pub fn serfling_deviation(eps: f64, population: f64, sample: f64) -> f64 {
    let scale = (population + sample) * (sample + 1.0) / (population * sample * sample);
    libm::sqrt(scale * -libm::log(eps))
}

/// The sampling term of Lim et al. 2014 (`events` 21) and Rusca et al. 2018 (`events` 19), as
/// printed there: normal-type, not rigorous, and 0 for an observed error rate of 0. `None` where
/// the expression has no real value.
pub fn sampling_deviation_published(
    eps: f64,
    observed: f64,
    c: f64,
    d: f64,
    events: f64,
) -> Option<f64> {
    if observed == 0.0 {
        return Some(0.0);
    }
    let variance = (1.0 - observed) * observed;
    let rate = (c + d) / (c * d);
    let log2_argument = libm::log2(rate / variance) + 2.0 * (libm::log2(events) - libm::log2(eps));
    let squared = rate * variance / LN_2 * log2_argument;
    (squared >= 0.0).then(|| libm::sqrt(squared))
}

/// Hoeffding's deviation of a binomial rate over `n` rounds, exceeded with probability at most
/// `eps²`; 0 where the underlying probability `delta` is 0, for then the binomial is 0.
pub(super) fn binomial_deviation(eps: f64, n: f64, delta: f64) -> f64 {
    if delta == 0.0 { 0.0 } else { libm::sqrt(-libm::log(eps) / n) }
}

/// `x` in `[0, top]`, for a quantity whose lower bound is taken: what is not a number gives 0.
pub(super) fn clip_lower_bound(x: f64, top: f64) -> f64 {
    if x > 0.0 { libm::fmin(x, top) } else { 0.0 }
}

/// `x` in `[0, top]`, for a quantity whose upper bound is taken: what is not a number gives `top`.
pub(super) fn clip_upper_bound(x: f64, top: f64) -> f64 {
    if x < top { libm::fmax(x, 0.0) } else { top }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_entropy_is_full_entropy() {
        for x in [f64::NAN, -0.1, 1.1, f64::INFINITY] {
            assert_eq!(binary_entropy(x), 1.0);
        }
        assert_eq!(phase_error_entropy(f64::NAN), 1.0);
    }

    #[test]
    fn clips_fail_to_the_side_that_gives_no_key() {
        assert_eq!(clip_lower_bound(f64::NAN, 5.0), 0.0);
        assert_eq!(clip_upper_bound(f64::NAN, 5.0), 5.0);
        assert_eq!(clip_lower_bound(7.0, 5.0), 5.0);
        assert_eq!(clip_upper_bound(-7.0, 5.0), 0.0);
    }

    #[test]
    fn published_sampling_term_without_real_value_is_none() {
        assert_eq!(sampling_deviation_published(0.9, 0.4, 1e12, 1e12, 1.0), None);
        assert_eq!(sampling_deviation_published(1e-9, 1.0, 1e6, 1e5, 21.0), None);
    }
}
