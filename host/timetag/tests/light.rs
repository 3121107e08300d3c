//! g²(τ) of simulated light whose g² is known, coherent, antibunched and thermal, in linear and in
//! logarithmic bins.

use helio_timetag::analysis::synthetic::{coherent, single_emitter, split, thermal};
use helio_timetag::analysis::{
    Correlation, CorrelationSettings, LogBin, LogCorrelation, LogCorrelationSettings,
};
use helio_units::Ticks;

const BIN: u64 = 50;

/// A bin of g²: the delays that it holds, its value, and the pairs that unrelated light would give.
struct Seen {
    begin: f64,
    end: f64,
    g2: f64,
    expected: f64,
}

/// χ² against theory, averaged over each bin and at least `least`, within four of its standard
/// deviations; `wider` is what pairs that share photons add to Poisson's errors.
fn agree(
    what: &str,
    bins: impl ExactSizeIterator<Item = Seen>,
    wider: f64,
    least: f64,
    theory: &impl Fn(f64) -> f64,
) {
    let freedom = bins.len() as f64;
    let chi2: f64 = bins
        .map(|bin| {
            let at = |k: u32| bin.begin + (f64::from(k) + 0.5) / 16.0 * (bin.end - bin.begin);
            let mean = (0..16).map(|k| theory(at(k).abs())).sum::<f64>() / 16.0;
            let error = (mean.max(least) / bin.expected).sqrt() * wider;
            ((bin.g2 - mean) / error).powi(2)
        })
        .sum();
    let limit = freedom + 4.0 * (2.0 * freedom).sqrt();
    assert!(chi2 < limit, "{what}: χ² {chi2} of {freedom}");
}

const CHANNELS: [(u8, u8); 3] = [(0, 1), (1, 0), (0, 0)];

/// All delays but zero.
fn linear(tags: &[(u64, u8)], what: &str, wider: f64, theory: impl Fn(f64) -> f64) {
    for (a, b) in CHANNELS {
        let settings = CorrelationSettings { a, b, bin: Ticks(BIN), bins_per_side: 100 };
        let mut correlation = Correlation::new(settings).unwrap();
        correlation.push(tags.iter().map(|t| (Ticks(t.0), t.1))).unwrap();
        let bins = correlation.bins();
        // Both halves of a channel's own g² are the same pairs.
        let used = if a == b { &bins[101..] } else { &bins[..] };
        let seen = used.iter().map(|bin| {
            let (middle, half) = (bin.delay as f64, BIN as f64 / 2.0);
            let (begin, end) = (middle - half, middle + half);
            Seen { begin, end, g2: bin.g2.unwrap(), expected: bin.expected }
        });
        agree(&format!("{what} {a},{b}"), seen, wider, 0.0, &theory);
    }
}

fn log_bins(tags: &[(u64, u8)], (a, b): (u8, u8), [shortest, longest]: [u64; 2]) -> Vec<LogBin> {
    let [shortest, longest] = [shortest, longest].map(Ticks);
    let settings = LogCorrelationSettings { a, b, shortest, longest, bits: 2 };
    let mut correlation = LogCorrelation::new(settings).unwrap();
    tags.iter().for_each(|t| correlation.push(Ticks(t.0), t.1).unwrap());
    correlation.bins()
}

/// Five decades, where fifty pairs are expected.
fn logarithmic(tags: &[(u64, u8)], what: &str, wider: f64, theory: impl Fn(f64) -> f64) {
    for channels in CHANNELS {
        let bins = log_bins(tags, channels, [20, 2_000_000]);
        let used: Vec<_> = bins[1..].iter().filter(|bin| bin.expected > 50.0).collect();
        assert!(used.len() > 30, "{what}: {}", used.len());
        let seen = used.iter().map(|bin| {
            let (begin, end) = (bin.from as f64, (bin.to + 1) as f64);
            Seen { begin, end, g2: bin.g2.unwrap(), expected: bin.expected }
        });
        agree(&format!("{what} {channels:?}, logarithmic"), seen, wider, 0.02, &theory);
    }
}

#[test]
fn coherent_light_has_g2_of_one() {
    linear(&split(11, &coherent(11, 500.0, 300_000)), "coherent", 1.0, |_| 1.0);
    logarithmic(&split(1, &coherent(1, 500.0, 300_000)), "coherent", 1.0, |_| 1.0);
}

#[test]
fn a_single_emitter_is_antibunched() {
    let theory = |recovery: f64| move |tau: f64| 1.0 - (-tau / recovery).exp();
    let tags = split(12, &single_emitter(12, 800.0, 0.3, 300_000));
    linear(&tags, "emitter", 1.0, theory(800.0));
    let tags = split(2, &single_emitter(2, 400.0, 0.3, 300_000));
    logarithmic(&tags, "emitter", 1.0, theory(400.0));
    let bins = log_bins(&tags, (0, 1), [4, 20_000]);
    assert!(bins[0].g2.unwrap() < 0.05, "{:?}", bins[0]);
}

#[test]
fn thermal_light_is_bunched() {
    let theory = |coherence: f64| move |tau: f64| 1.0 + (-2.0 * tau / coherence).exp();
    // Clumps of photons that share neighbours: errors beyond Poisson's.
    let tags = split(13, &thermal(13, 2_000.0, 4_000.0, 300_000));
    linear(&tags, "thermal", 1.4, theory(2_000.0));
    let tags = split(3, &thermal(3, 4_000.0, 4_000.0, 300_000));
    logarithmic(&tags, "thermal", 1.8, theory(4_000.0));
}
