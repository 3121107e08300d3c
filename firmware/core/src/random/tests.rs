use super::health::{ALPHA_BITS, Cutoffs, HealthTests, STARTUP_SAMPLES};
use super::*;
use crate::fakes::{FakeRandom, Noise};
use helio_bench::{NoiseSource, RandomClass};

extern crate std;
use std::vec;

/// A coin that falls on one with `ones` of 256.
struct Coin {
    noise: Noise,
    ones: u64,
    stuck: bool,
    /// Samples that have been taken and not handed out.
    there: usize,
}

impl NoiseSource for Coin {
    fn name(&self) -> &str {
        "coin"
    }
    fn samples(&mut self, out: &mut [u8]) -> Result<usize, RandomFault> {
        let n = out.len().min(self.there);
        for sample in &mut out[..n] {
            let one = self.noise.below(256) < self.ones;
            *sample = u8::from(one && !self.stuck);
        }
        if self.there != usize::MAX {
            self.there -= n;
        }
        Ok(n)
    }
    fn samples_per_second(&self) -> u32 {
        750_000
    }
}

fn coin(ones: u64) -> Coin {
    Coin { noise: Noise::new(9), ones, stuck: false, there: usize::MAX }
}

/// CRITBINOM computed by another program, in log-gamma form.
#[test]
fn the_cut_offs_are_those_of_the_standard() {
    assert_eq!(ALPHA_BITS, 20);
    for (bits, millibits, repetition, proportion) in [
        (1, 1000, 21, 589),
        (1, 500, 41, 793),
        (1, 100, 201, 991),
        (8, 4000, 6, 62),
        (8, 8000, 4, 13),
        (8, 1000, 21, 311),
        (4, 50, 401, 511),
    ] {
        let window = if bits == 1 { 1024 } else { 512 };
        assert_eq!(Cutoffs::new(bits, millibits), Cutoffs { repetition, window, proportion });
    }
}

#[test]
fn a_fair_coin_passes_and_a_stuck_or_biased_one_does_not() {
    let mut out = vec![0; 100_000];
    ConditionedNoise::new(coin(128), 1, 500).fill(&mut out).unwrap();
    let ones: u32 = out.iter().map(|byte| byte.count_ones()).sum();
    assert!((398_000..402_000).contains(&ones), "{ones}");
    // 0.5 bits are stated; a coin of 0.19 bits is found by the proportion, a stuck one by both.
    assert_eq!(ConditionedNoise::new(coin(224), 1, 500).fill(&mut out), Err(RandomFault));
    let mut stuck = ConditionedNoise::new(coin(128), 1, 500);
    stuck.fill(&mut out[..32]).unwrap();
    assert_eq!((stuck.class(), stuck.name()), (RandomClass::TrueRandom, "coin"));
}

/// What is there is made use of, and nobody waits for more.
#[test]
fn bytes_are_gathered_as_the_samples_come() {
    let mut noise = ConditionedNoise::new(Coin { there: 0, ..coin(128) }, 1, 500);
    assert_eq!(noise.bytes_per_second(), Some(37_500));
    noise.gather();
    assert_eq!(noise.available(), 0);
    let mut samples = 0u32;
    let mut seen = vec![];
    for turn in 0..4000 {
        let come = [7, 0, 64, 33][turn % 4];
        noise.source.there += come;
        samples += come as u32;
        noise.gather();
        if noise.source.there > 1000 {
            break;
        }
        let left = samples - noise.source.there as u32;
        let blocks = left.saturating_sub(STARTUP_SAMPLES) / 640;
        assert!(noise.available().abs_diff(32 * blocks.min(8) as usize) <= 32);
        seen.push(noise.available());
    }
    assert_eq!(seen.last(), Some(&256), "the pool is full, and takes no more");
    let mut one = [0; 100];
    noise.fill(&mut one).unwrap();
    assert_eq!(noise.available(), 156);
    noise.source.stuck = true;
    while noise.available() < 256 {
        noise.source.there = 64;
        noise.gather();
    }
    assert_eq!((noise.available(), noise.fill(&mut one)), (usize::MAX, Err(RandomFault)));
}

#[test]
fn a_failure_stays() {
    let mut tests = HealthTests::new(Cutoffs::new(1, 1000));
    let mut noise = Noise::new(3);
    while !tests.is_started() {
        tests.sample(noise.below(2) as u8).unwrap();
    }
    let failed = (0..21).map(|_| tests.sample(1)).filter(|r| r.is_err()).count();
    assert!(failed >= 1 && tests.has_failed() && !tests.is_started());
    assert_eq!(tests.sample(0), Err(RandomFault));
    const { assert!(STARTUP_SAMPLES >= 1024) };
}

fn supply(sources: &mut Sources<FakeRandom>, kind: SupplyKind, bytes: &[u8]) {
    Supply::pieces(kind, bytes).for_each(|piece| sources.supply(piece));
}

#[test]
fn each_source_gives_what_it_says() {
    let mut sources = Sources::new(FakeRandom::new(1));
    let mut out = [0; 100];
    sources.select(SettingsSource::HostSeed);
    assert_eq!(sources.fill(&mut out), Err(RandomFault), "no seed");
    supply(&mut sources, SupplyKind::Seed, &[7; 32]);
    sources.fill(&mut out).unwrap();
    let mut expected = [0; 200];
    ChaCha20::new(&[7; 32]).fill(&mut expected);
    assert_eq!(out, expected[..100]);
    sources.fill(&mut out).unwrap();
    assert_eq!(out, expected[100..], "it goes on and never begins again");

    sources.select(SettingsSource::HostFeed);
    let bytes: [u8; 150] = core::array::from_fn(|i| i as u8);
    supply(&mut sources, SupplyKind::Feed, &bytes);
    assert_eq!(sources.available(), 150);
    sources.fill(&mut out).unwrap();
    assert_eq!((&out[..], sources.consumed()), (&bytes[..100], 100));
    assert_eq!(sources.fill(&mut out), Err(RandomFault), "starved");

    sources.select(SettingsSource::Pattern);
    assert_eq!(sources.pattern(), None);
    let pattern: [u8; 100] = core::array::from_fn(|i| i as u8 & 15);
    supply(&mut sources, SupplyKind::Pattern, &pattern);
    assert_eq!(sources.pattern(), Some(&pattern[..]));

    sources.select(SettingsSource::Expanded);
    sources.own.faulty = true;
    assert_eq!(sources.fill(&mut out), Err(RandomFault), "no key without the own generator");
    sources.own.faulty = false;
    sources.fill(&mut out).unwrap();
}

#[test]
fn what_the_host_gave_is_not_printed() {
    let piece = Supply::pieces(SupplyKind::Seed, &[77; 32]).next().unwrap();
    assert!(!std::format!("{piece:?}").contains("77"));
}
