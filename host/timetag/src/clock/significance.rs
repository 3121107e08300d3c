//! How likely noise alone makes what was seen. All are upper bounds, as natural logarithms, so that
//! a lock is never told surer than it is.
//!
//! A search looks at many places; by the union bound the chance that any of them shows a value is
//! at most their number times the chance of one, whatever their dependence.

/// ln of a bound on the chance that a Poissonian count of mean `mean` reaches `count`: Chernoff's
/// `e^(k − λ) (λ/k)^k` for k > λ (Mitzenmacher and Upfal, *Probability and Computing*, Theorem 5.4).
pub(crate) fn ln_poisson_tail(count: f64, mean: f64) -> f64 {
    if count <= mean {
        return 0.0;
    }
    if mean <= 0.0 {
        return f64::NEG_INFINITY;
    }
    count - mean - count * (count / mean).ln()
}

/// ln of a bound on the chance that of `total` fair coins `heads` or more show heads:
/// `exp(−n D(k/n ‖ 1/2))` for k > n/2, D the relative entropy (Hoeffding, J. Am. Stat. Assoc. 58,
/// 13 (1963), Theorem 1).
pub(crate) fn ln_fair_coin_tail(heads: f64, total: f64) -> f64 {
    if 2.0 * heads <= total {
        return 0.0;
    }
    let term = |x: f64| if x > 0.0 { x * (2.0 * x / total).ln() } else { 0.0 };
    -(term(heads) + term(total - heads))
}

/// ln of a bound on the chance that `clicks` random phases have a resultant R with
/// `R²/clicks ≥ power`: `e^−power`, which is Rayleigh's law where clicks are many (Mardia and Jupp,
/// *Directional Statistics*, section 6.3.1). The factor e² covers its terms of order 1/clicks.
pub(crate) fn ln_rayleigh_tail(power: f64) -> f64 {
    (2.0 - power).min(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_lie_above_the_exact_tails_and_not_far() {
        // Poisson: P(X ≥ 30 | 10) = 1 − Σ_{k<30}.
        let mut term = (-10.0f64).exp();
        let mut below = 0.0;
        for k in 0..30 {
            below += term;
            term *= 10.0 / f64::from(k + 1);
        }
        let (exact, bound) = ((1.0f64 - below).ln(), ln_poisson_tail(30.0, 10.0));
        assert!(bound >= exact && bound < exact + 3.0, "{exact} {bound}");
        // Coins: P(≥ 18 of 20) = (190 + 20 + 1) / 2²⁰.
        let (exact, bound) = ((211.0f64 / 1_048_576.0).ln(), ln_fair_coin_tail(18.0, 20.0));
        assert!(bound >= exact && bound < exact + 2.0, "{exact} {bound}");
        assert_eq!(ln_fair_coin_tail(20.0, 20.0), -20.0 * 2.0f64.ln());
        assert_eq!((ln_poisson_tail(3.0, 4.0), ln_fair_coin_tail(5.0, 10.0)), (0.0, 0.0));
        assert_eq!(ln_rayleigh_tail(1.0), 0.0);
    }
}
