//! g²(τ) in linear bins of simulated light whose g² is known: coherent, antibunched, thermal. That
//! in logarithmic bins has the same tests beside its code.

use helio_timetag::analysis::synthetic::{coherent, single_emitter, split, thermal};
use helio_timetag::analysis::{Correlation, CorrelationSettings};
use helio_units::Ticks;

const BIN: u64 = 50;

/// χ² of all delays but zero against theory, within four of its standard deviations; `wider` is
/// what pairs that share photons add to Poisson's errors.
fn check(tags: &[(u64, u8)], what: &str, wider: f64, theory: impl Fn(f64) -> f64) {
    for (a, b) in [(0, 1), (1, 0), (0, 0)] {
        let settings = CorrelationSettings { a, b, bin: Ticks(BIN), bins_per_side: 100 };
        let mut correlation = Correlation::new(settings).unwrap();
        correlation.push(tags.iter().map(|t| (Ticks(t.0), t.1))).unwrap();
        let bins = correlation.bins();
        // Both halves of a channel's own g² are the same pairs.
        let used = if a == b { &bins[101..] } else { &bins[..] };
        let chi2: f64 = used
            .iter()
            .map(|bin| {
                let at =
                    |k: u32| bin.delay as f64 + BIN as f64 * ((f64::from(k) + 0.5) / 16.0 - 0.5);
                let mean = (0..16).map(|k| theory(at(k).abs())).sum::<f64>() / 16.0;
                let error = (mean / bin.expected).sqrt() * wider;
                ((bin.g2.unwrap() - mean) / error).powi(2)
            })
            .sum();
        let freedom = used.len() as f64;
        let limit = freedom + 4.0 * (2.0 * freedom).sqrt();
        assert!(chi2 < limit, "{what} {a},{b}: χ² {chi2} of {freedom}");
    }
}

#[test]
fn coherent_light_has_g2_of_one() {
    check(&split(11, &coherent(11, 500.0, 300_000)), "coherent", 1.0, |_| 1.0);
}

#[test]
fn a_single_emitter_is_antibunched() {
    let recovery = 800.0;
    let tags = split(12, &single_emitter(12, recovery, 0.3, 300_000));
    check(&tags, "emitter", 1.0, |tau| 1.0 - (-tau / recovery).exp());
}

#[test]
fn thermal_light_is_bunched() {
    let coherence = 2_000.0;
    let tags = split(13, &thermal(13, coherence, 4_000.0, 300_000));
    check(&tags, "thermal", 1.4, |tau| 1.0 + (-2.0 * tau / coherence).exp());
}
