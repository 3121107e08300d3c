//! Against the obvious way, and light whose g² is known.

use super::*;
use crate::analysis::test_light::Light;
use proptest::prelude::*;

fn correlate(settings: CorrelationSettings, tags: &[(u64, u8)]) -> Correlation {
    let mut correlation = Correlation::new(settings).unwrap();
    correlation.push(ticks(tags)).unwrap();
    correlation
}

fn ticks(tags: &[(u64, u8)]) -> impl Iterator<Item = (Ticks, u8)> {
    tags.iter().map(|(tick, channel)| (Ticks(*tick), *channel))
}

/// The obvious way: every tag against every other.
fn oracle(settings: CorrelationSettings, tags: &[(u64, u8)]) -> Vec<u64> {
    let (bin, side) = (settings.bin.0 as i64, i64::from(settings.bins_per_side));
    let mut pairs = vec![0; 2 * side as usize + 1];
    for (i, start) in tags.iter().enumerate().filter(|(_, t)| t.1 == settings.a) {
        for (j, stop) in tags.iter().enumerate().filter(|(_, t)| t.1 == settings.b) {
            let delay = stop.0 as i64 - start.0 as i64;
            let inside =
                (-side..=side).position(|k| (0..bin).contains(&(delay - k * bin + bin / 2)));
            if let (true, Some(index)) = (i != j, inside) {
                pairs[index] += 1;
            }
        }
    }
    pairs
}

fn settings(a: u8, b: u8, bin: u64, bins_per_side: u32) -> CorrelationSettings {
    CorrelationSettings { a, b, bin: Ticks(bin), bins_per_side }
}

fn mean_g2(bins: &[Bin]) -> f64 {
    let expected: f64 = bins.iter().map(|b| b.expected).sum();
    bins.iter().map(|b| b.pairs as f64).sum::<f64>() / expected
}

fn pairs(correlation: &Correlation) -> Vec<u64> {
    correlation.bins().iter().map(|bin| bin.pairs).collect()
}

/// Mostly near each other; now and then too far for one base.
fn gap() -> impl Strategy<Value = u64> {
    prop_oneof![60 => 0u64..20, 1 => 1u64 << 58..1 << 61]
}

proptest! {
    #[test]
    fn every_level_counts_the_pairs_of_the_obvious_way(
        gaps in prop::collection::vec((gap(), 0u8..3), 0..150),
        b in 0u8..2,
        bin in 1u64..12,
        side in 1u32..12,
        piece in 1usize..40,
    ) {
        let mut now = 1000u64;
        let tags: Vec<_> =
            gaps.iter().map(|&(gap, c)| { now = now.saturating_add(gap).min(1 << 62); (now, c) }).collect();
        let settings = settings(0, b, bin, side);
        let expected = oracle(settings, &tags);
        for level in Level::all() {
            let mut correlation = Correlation::at_level(settings, level).unwrap();
            for tags in tags.chunks(piece) {
                correlation.push(ticks(tags)).unwrap();
            }
            prop_assert_eq!(&pairs(&correlation), &expected, "{:?}", level);
        }
    }
}

#[test]
fn several_threads_count_the_same() {
    let mut light = Light::new(9);
    let mut now = 0;
    let tags: Vec<_> = (0..400_000)
        .map(|_| {
            now += light.gap(100.0);
            (now, u8::from(light.uniform() < 0.5))
        })
        .collect();
    for b in [0, 1] {
        let settings = settings(0, b, 10, 100);
        let expected = correlate(settings, &tags);
        for threads in [0, 1, 3] {
            let mut correlation = Correlation::new(settings).unwrap();
            let fed = correlation.on_threads(threads, |correlation| {
                tags.chunks(7_000).try_for_each(|tags| correlation.push(ticks(tags)))
            });
            assert_eq!(fed, Ok(()));
            assert_eq!(correlation.counts(), expected.counts());
            assert_eq!(correlation.duration(), expected.duration());
            assert_eq!(pairs(&correlation), pairs(&expected), "{threads} threads");
        }
    }
}

#[test]
fn unrelated_light_has_g2_of_one_between_and_within_channels() {
    let mut light = Light::new(1);
    let mut now = 0;
    let tags: Vec<_> = (0..200_000)
        .map(|_| {
            now += light.gap(1_000.0);
            (now, u8::from(light.uniform() < 0.3))
        })
        .collect();
    for (a, b) in [(0, 0), (1, 1), (0, 1), (1, 0)] {
        let bins = correlate(settings(a, b, 101, 50), &tags).bins();
        // Both halves of a channel's own g2 are the same pairs: one half is all there is to
        // test.
        let bins = if a == b { &bins[51..] } else { &bins[..] };
        let chi2: f64 =
            bins.iter().map(|b| ((b.g2.unwrap() - 1.0) / b.error.unwrap()).powi(2)).sum();
        let freedom = bins.len() as f64;
        let limit = 4.0 * (2.0 * freedom).sqrt();
        assert!((chi2 - freedom).abs() < limit, "{a},{b}: chi² {chi2} of {freedom}");
        let total: u64 = bins.iter().map(|b| b.pairs).sum();
        let deviation = (mean_g2(bins) - 1.0) * (total as f64).sqrt();
        assert!(deviation.abs() < 4.0, "{a},{b}: {deviation} σ");
    }
}

#[test]
fn the_expectation_holds_up_to_delays_as_long_as_the_measurement() {
    let mut light = Light::new(3);
    let mut times: Vec<u64> = (0..4_000).map(|_| (light.uniform() * 1e6) as u64).collect();
    times.sort_unstable();
    let tags: Vec<_> = times.iter().map(|t| (*t, 0)).collect();
    let bins = correlate(settings(0, 0, 20_000, 45), &tags).bins();
    for bin in &bins[46..] {
        assert!((bin.g2.unwrap() - 1.0).abs() < 0.12, "{bin:?}");
    }
}

/// Light that switches between two intensities at random times (a telegraph signal) has
/// g²(τ) = 1 + ((I₁ − I₂)/(I₁ + I₂))² · exp(−2|τ|/τ₀), with τ₀ the mean dwell time.
#[test]
fn light_that_switches_between_two_levels_is_bunched_as_it_should() {
    let (mut light, dwell, gaps) = (Light::new(5), 40_000.0, [500.0, 2_000.0]);
    let (mut tags, mut begin) = (Vec::new(), 0);
    for level in (0..20_000).map(|i| gaps[i % 2]) {
        let end = begin + light.gap(dwell);
        let mut now = begin + light.gap(level);
        while now < end {
            tags.push((now, u8::from(light.uniform() < 0.5)));
            now += light.gap(level);
        }
        begin = end;
    }
    let contrast = (1.0 / gaps[0] - 1.0 / gaps[1]) / (1.0 / gaps[0] + 1.0 / gaps[1]);
    for (a, b) in [(0, 0), (0, 1)] {
        for bin in correlate(settings(a, b, 2_000, 60), &tags).bins() {
            let tau = bin.delay.unsigned_abs() as f64;
            let expected = 1.0 + contrast * contrast * (-2.0 * tau / dwell).exp();
            let g2 = bin.g2.unwrap();
            assert!((g2 - expected).abs() < 0.03, "{a},{b}: g²({tau}) = {g2}, not {expected}");
        }
    }
}

#[test]
fn a_tag_never_pairs_with_itself_but_with_another_of_the_same_tick() {
    let bins = correlate(settings(0, 0, 1, 1), &[(5, 0), (9, 0), (9, 0)]).bins();
    assert_eq!(bins[1].pairs, 2);
    let expected = 3.0 * 2.0 / 5.0;
    assert!((bins[1].expected - expected).abs() < 1e-12);
    // One pair, counted twice: 100 % error.
    assert!((bins[1].error.unwrap() - 2.0 / expected).abs() < 1e-12);
}

#[test]
fn what_is_remembered_does_not_grow_with_the_trace() {
    let mut correlation = Correlation::new(settings(0, 1, 10, 10)).unwrap();
    for tick in 0..10_000 {
        correlation.push([(Ticks(tick), 0)]).unwrap();
    }
    assert!(correlation.counting.intake.waiting().len() <= 106);
}

#[test]
fn nothing_counted_gives_no_value_rather_than_not_a_number() {
    for tags in [&[][..], &[(5, 0)]] {
        let correlation = correlate(settings(0, 0, 1, 3), tags);
        assert!(correlation.bins().iter().all(|b| b.g2.is_none() && b.error.is_none()));
    }
}

#[test]
fn nonsense_is_refused() {
    for (bin, side) in [(0, 1), (1, 0), (1, (1 << 20) + 1), (1 << 61, 2), (u64::MAX, 9)] {
        assert_eq!(Correlation::new(settings(0, 1, bin, side)).err(), Some(InvalidCorrelation));
    }
    let mut correlation = Correlation::new(settings(0, 1, 1, 1)).unwrap();
    correlation.push([(Ticks(7), 0)]).unwrap();
    assert_eq!(correlation.push([(Ticks(6), 5)]), Ok(()), "a channel that is not asked for");
    assert!(correlation.push([(Ticks(6), 1)]).is_err());
}
