//! The optimiser on a bench like the project's default one: 5 MHz slots over 25 km of fibre.

use helio_distill::bound::{DetectorTolerance, Epsilon, Status, binary_entropy};
use helio_distill::channel_model::{
    BlockPlan, Channel, ModelError, dark_probability, expected_length,
};
use helio_distill::optimise::{Bias, PARTS, Problem, Settings, Weakest, optimise};
use helio_units::{Decibel, MeanPhotons, Picoseconds};

#[test]
fn no_random_setting_gives_a_longer_key() {
    // From the shortest block that has key at all to a long one; from no fibre to 100 km.
    for (slots, loss) in [
        (4_000_000, 5.0),
        (20_000_000, 5.0),
        (1_000_000_000, 5.0),
        (20_000_000, 0.0),
        (1_000_000_000, 20.0),
    ] {
        let mut problem = bench(slots);
        problem.channel.loss = Decibel(loss);
        let best = optimise(&problem, leak).unwrap();
        let length = best.prospect.length;
        assert_eq!(length.status, Status::Ok, "{slots} slots over {loss} dB");
        let mut random = SplitMix(slots);
        for _ in 0..20_000 {
            let other = evaluate(&problem, &drawn(&mut random));
            assert!(other <= length.ell + slack(length.ell), "{other} against {}", length.ell);
        }
    }
}

/// The search runs on mean counts; rounding them to whole ones shifts a length by this much.
fn slack(ell: u64) -> u64 {
    50 + ell / 500
}

#[test]
fn no_neighbour_gives_a_longer_key() {
    let problem = bench(20_000_000);
    let best = optimise(&problem, leak).unwrap();
    let ell = best.prospect.length.ell;
    for stride in [1, 8, 64, 256] {
        for direction in 0..6 {
            let mut next = best.settings;
            let [p1, p2, p3] = next.intensity_parts;
            match direction {
                0 => next.intensity_parts = [p1 - stride, p2 + stride, p3],
                1 => next.intensity_parts = [p1 + stride, p2 - stride, p3],
                2 => next.intensity_parts = [p1, p2 + stride, p3 - stride],
                3 => next.intensity_parts = [p1, p2 - stride, p3 + stride],
                4 => next.key_basis_parts = next.key_basis_parts.map(|b| b + stride),
                _ => next.key_basis_parts = next.key_basis_parts.map(|b| b - stride),
            }
            assert!(evaluate(&problem, &next) <= ell + slack(ell), "{stride} along {direction}");
        }
    }
}

#[test]
fn settings_are_what_a_sampler_implements_and_the_figures_are_theirs() {
    for bias in [Bias::Shared, Bias::Separate] {
        let problem = Problem { bias, ..bench(20_000_000) };
        let best = optimise(&problem, leak).unwrap();
        let Settings { mu, intensity_parts, key_basis_parts } = best.settings;
        assert_eq!(intensity_parts.iter().sum::<u16>(), PARTS);
        assert!(intensity_parts.iter().all(|&p| p > 0));
        assert!(bias == Bias::Separate || key_basis_parts[0] == key_basis_parts[1]);
        assert_eq!(mu[2], 1e-3 * mu[0]);
        assert_eq!(evaluate(&problem, &best.settings), best.prospect.length.ell);
        assert!(best.prospect.length.eps_total <= problem.eps_total);
    }
}

#[test]
fn a_search_repeats_to_the_bit() {
    let problem = bench(20_000_000);
    assert_eq!(optimise(&problem, leak).unwrap(), optimise(&problem, leak).unwrap());
}

#[test]
fn what_helps_the_channel_helps_the_optimum() {
    let length = |problem: &Problem| optimise(problem, leak).unwrap().prospect.length.ell;
    let usual = length(&bench(20_000_000));
    let mut better = bench(20_000_000);
    better.channel.loss = Decibel(3.0);
    assert!(length(&better) > usual);
    let mut matched = bench(20_000_000);
    matched.mismatch = helio_distill::bound::Mismatch::MATCHED;
    assert!(length(&matched) > usual);
    let vacuum = Problem { weakest: Weakest::Fixed(MeanPhotons::VACUUM), ..bench(20_000_000) };
    assert!(length(&vacuum) > usual);
    assert!(length(&bench(40_000_000)) > 2 * usual);
}

#[test]
fn a_hopeless_link_has_an_optimum_without_key() {
    let mut problem = bench(20_000_000);
    problem.channel.loss = Decibel(60.0);
    let best = optimise(&problem, leak).unwrap();
    assert_eq!(best.prospect.length.ell, 0);
    assert_ne!(best.prospect.length.status, Status::Ok);
}

#[test]
fn a_block_just_too_short_gets_the_settings_nearest_to_a_key() {
    let best = optimise(&bench(3_000_000), leak).unwrap();
    assert_eq!(best.prospect.length.status, Status::NoKey);
    // And not those that detect next to nothing because then next to nothing leaks.
    assert!(best.prospect.length.phi < 0.4, "{:?}", best.prospect.length);
}

#[test]
fn problems_out_of_range_are_refused() {
    let bad = Problem { weakest: Weakest::OfSignal(-0.1), ..bench(1000) };
    assert!(matches!(optimise(&bad, leak), Err(ModelError::Range { .. })));
    let bad = Problem { eps_total: 0.5, ..bench(1000) };
    assert!(matches!(optimise(&bad, leak), Err(ModelError::Bound(_))));
    assert!(matches!(optimise(&bench(1000), |_, _| -1.0), Err(ModelError::Bound(_))));
}

fn leak(n: u64, qber: f64) -> f64 {
    1.3 * n as f64 * binary_entropy(qber)
}

fn bench(slots: u64) -> Problem {
    let dark = dark_probability(100.0, Picoseconds(60_000));
    let tolerance = DetectorTolerance { efficiency: 0.01, dark: 0.05, dark_probability: dark };
    Problem {
        channel: Channel {
            loss: Decibel(25.0 * 0.2),
            receiver_loss: Decibel(2.0),
            efficiency: 0.5,
            dark_probability: dark,
            misalignment: [0.01; 2],
            dead_slots: 1.0,
            ..Channel::IDEAL
        },
        slots,
        sync_fraction: 1.0 / 64.0,
        eps_total: 1e-10,
        mismatch: tolerance.mismatch(true).unwrap(),
        weakest: Weakest::OfSignal(1e-3),
        bias: Bias::Shared,
    }
}

/// The key of rounded counts; settings that the bound refuses make none.
fn evaluate(problem: &Problem, settings: &Settings) -> u64 {
    let plan = BlockPlan {
        slots: problem.slots,
        sync_fraction: problem.sync_fraction,
        decoy: settings.decoy(),
        key_basis: settings.key_basis(),
    };
    let epsilon = Epsilon::split(problem.eps_total, true);
    let length = expected_length(&problem.channel, &plan, &epsilon, &problem.mismatch, leak);
    length.map_or(0, |prospect| prospect.length.ell)
}

fn drawn(random: &mut SplitMix) -> Settings {
    let mut unit = || random.unit();
    let mu1 = 0.1 + unit();
    let mu2 = mu1 * unit();
    let p2 = 1 + (unit() * 2700.0) as u16;
    let p3 = 1 + (unit() * 1300.0) as u16;
    let basis = 1 + (unit() * 4094.0) as u16;
    Settings {
        mu: [mu1, mu2, 1e-3 * mu1],
        intensity_parts: [PARTS - p2 - p3, p2, p3],
        key_basis_parts: [basis; 2],
    }
}

/// SplitMix64: the same settings in every run.
struct SplitMix(u64);

impl SplitMix {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}
