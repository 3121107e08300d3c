//! Against the obvious way, and light whose coincidences are known.

use super::*;
use crate::analysis::test_light::Light;
use proptest::prelude::*;

fn ticks(tags: &[(u64, u8)]) -> impl Iterator<Item = (Ticks, u8)> {
    tags.iter().map(|(tick, channel)| (Ticks(*tick), *channel))
}

fn counted(channels: &[u8], window: u64, tags: &[(u64, u8)]) -> Coincidences {
    let settings = CoincidenceSettings { channels: channels.to_vec(), window: Ticks(window) };
    let mut coincidences = Coincidences::new(settings).unwrap();
    coincidences.push(ticks(tags)).unwrap();
    coincidences
}

/// The obvious way: every choice of one tag of each channel.
fn oracle(channels: &[u8], window: u64, tags: &[(u64, u8)]) -> u64 {
    fn choices(channels: &[u8], window: u64, tags: &[(u64, u8)], span: Option<(u64, u64)>) -> u64 {
        let Some((channel, others)) = channels.split_first() else { return 1 };
        let of_channel = tags.iter().filter(|tag| tag.1 == *channel);
        let spans = of_channel
            .map(|tag| span.map_or((tag.0, tag.0), |(from, to)| (from.min(tag.0), to.max(tag.0))));
        spans
            .filter(|(from, to)| to - from <= window)
            .map(|span| choices(others, window, tags, Some(span)))
            .sum()
    }
    choices(channels, window, tags, None)
}

proptest! {
    #[test]
    fn every_choice_within_the_window_counts_once(
        gaps in prop::collection::vec((prop_oneof![20 => 0u64..12, 1 => Just(1 << 60)], 0u8..6), 0..60),
        window in 0u64..30,
        channels in prop::sample::subsequence(vec![0u8, 1, 2, 3, 5], 2..=4),
        piece in 1usize..20,
    ) {
        let mut now = 0u64;
        let tags: Vec<_> =
            gaps.iter().map(|&(gap, c)| { now = now.saturating_add(gap); (now, c) }).collect();
        let settings = CoincidenceSettings { channels: channels.clone(), window: Ticks(window) };
        let mut coincidences = Coincidences::new(settings).unwrap();
        for tags in tags.chunks(piece) {
            coincidences.push(ticks(tags)).unwrap();
        }
        let combinations = coincidences.combinations();
        prop_assert_eq!(combinations.len(), (1 << channels.len()) - channels.len() - 1);
        for combination in combinations {
            let expected = oracle(&combination.channels, window, &tags);
            prop_assert_eq!(combination.count, expected, "{:?}", combination.channels);
        }
        for (channel, single) in channels.iter().zip(coincidences.singles()) {
            prop_assert_eq!(*single, tags.iter().filter(|tag| tag.1 == *channel).count() as u64);
        }
    }
}

fn unrelated(tags: usize, channels: u8, mean_gap: f64, seed: u64) -> Vec<(u64, u8)> {
    // In parts of a tick: whole gaps would put more tags into one tick than chance does.
    const PARTS: u64 = 1 << 16;
    let (mut light, mut now) = (Light::new(seed), 0);
    let mut tag = || {
        now += light.gap(mean_gap * PARTS as f64);
        (now / PARTS, (light.uniform() * f64::from(channels)) as u8 % channels)
    };
    (0..tags).map(|_| tag()).collect()
}

#[test]
fn unrelated_channels_meet_as_often_as_they_should() {
    let tags = unrelated(1_000_000, 4, 100.0, 3);
    for window in [0, 1, 30] {
        for combination in counted(&[0, 1, 2, 3], window, &tags).combinations() {
            let spread = combination.error.hypot(combination.accidental_error);
            // A detection is in several coincidences of a wide window: a little more than Poisson.
            let deviation = (combination.count as f64 - combination.accidental).abs() / spread;
            assert!(deviation < 6.0, "{window}: {deviation} σ in {combination:?}");
        }
    }
}

#[test]
fn pairs_first_then_more_channels_each_in_order() {
    let combinations = counted(&[7, 2, 4], 1, &[]).combinations();
    let channels: Vec<_> = combinations.iter().map(|c| c.channels.clone()).collect();
    assert_eq!(channels, [vec![7, 2], vec![7, 4], vec![2, 4], vec![7, 2, 4]]);
    assert!(combinations.iter().all(|c| c.car().is_none() && c.error == 1.0));
}

#[test]
fn a_pair_source_shows_the_efficiency_of_each_arm() {
    let (mut light, mut tags) = (Light::new(11), Vec::new());
    let mut now = 0;
    for _ in 0..200_000 {
        now += light.gap(100_000.0);
        for (channel, efficiency) in [(0, 0.3), (1, 0.6)] {
            if light.uniform() < efficiency {
                tags.push((now + light.gap(20.0).min(100), channel));
            }
        }
    }
    tags.sort_unstable();
    let coincidences = counted(&[0, 1], 100, &tags);
    for (found, expected) in coincidences.heralding().iter().zip([0.6, 0.3]) {
        let deviation = (found.efficiency - expected) / found.error;
        assert!(deviation.abs() < 4.0, "{found:?}: {deviation} σ");
    }
    let (car, error) = coincidences.combinations()[0].car().unwrap();
    assert!(car > 100.0 && error / car < 0.02, "{car} ± {error}");
}

#[test]
fn several_threads_count_the_same() {
    let tags = unrelated(300_000, 4, 50.0, 5);
    let expected = counted(&[0, 1, 3], 40, &tags);
    let mut shared = Coincidences::new(expected.settings().clone()).unwrap();
    let fed =
        shared.on_threads(2, |shared| tags.chunks(9_000).try_for_each(|t| shared.push(ticks(t))));
    assert_eq!(fed, Ok(()));
    assert_eq!(shared.combinations(), expected.combinations());
}

#[test]
fn nonsense_is_refused() {
    for (channels, window) in [
        (vec![], 1),
        (vec![1], 1),
        (vec![1, 2, 1], 1),
        ((0..9).collect(), 1),
        (vec![0, 1], 1 << 59),
    ] {
        let settings = CoincidenceSettings { channels, window: Ticks(window) };
        assert_eq!(Coincidences::new(settings).err(), Some(InvalidCoincidences));
    }
}

#[test]
fn more_clicks_in_a_window_than_can_wait_are_refused() {
    let settings = CoincidenceSettings { channels: vec![0, 1], window: Ticks(1 << 50) };
    for threads in [0, 1] {
        let mut coincidences = Coincidences::new(settings.clone()).unwrap();
        coincidences.counting.most_waiting = 100_000;
        let refused = coincidences.on_threads(threads, |coincidences| {
            (0..20u64).find_map(|n| {
                let tags = (0..10_000).map(|i| (Ticks(n * 10_000 + i), (i % 2) as u8));
                coincidences.push(tags).err().map(|err| (n, err))
            })
        });
        assert_eq!(refused, Some((10, Uncounted::TooDense)), "{threads}");
    }
}
