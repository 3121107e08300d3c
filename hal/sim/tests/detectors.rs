//! Detectors, receivers and the source, against what the configuration says of them.

mod common;

use common::{Desk, STEP, binomial, quiet, random_state};
use helio_bench::{Edge, Intensity, Polarization, SlotWord};
use helio_sim::{BenchConfig, ReceiverKind};
use helio_units::{Decibel, MeanPhotons, Picoseconds, TickLength};

/// No loss, no error, no darks, no jitter, no dead time; one level, matched detectors.
fn clean(mean: f64) -> BenchConfig {
    let mut config = quiet();
    config.receiver.insertion_loss = Decibel(0.0);
    config.receiver.detectors.iter_mut().for_each(|detector| detector.jitter_ps = 0.0);
    config.source.levels[0] = MeanPhotons::new(mean).unwrap();
    config.source.levels[1] = MeanPhotons::new(mean / 5.0).unwrap();
    config
}

fn any_click(mean: f64) -> f64 {
    -(-mean).exp_m1()
}

#[test]
fn photon_statistics_are_poissonian_at_each_level() {
    let mut config = clean(2.0);
    config.source.intensity_error = [0.1, -0.2, 0.0, 0.0];
    let mut desk = Desk::new(&config);
    let levels = |_, byte: u8| SlotWord::pulse(Intensity(byte >> 6), Polarization::from_code(byte));
    desk.run(200, levels, |_| ());
    let truth = *desk.world.truth();
    assert_eq!(truth.pulses.iter().sum::<u64>(), 200 * STEP as u64);
    for (level, mean) in [2.0 * 1.1 / 2.0, 0.4 * 0.8 / 2.0, 0.0, 0.0].into_iter().enumerate() {
        binomial("pulses seen", truth.pulses_seen[level], truth.pulses[level], any_click(mean));
        let photons = mean * truth.pulses[level] as f64;
        let off = truth.photons_seen[level] as f64 - photons;
        assert!(off.abs() <= 5.0 * photons.sqrt(), "photons at level {level}: {off} off {photons}");
    }
}

#[test]
fn fluctuation_adds_its_variance_to_the_photon_number() {
    // P(vacuum) = ⟨e^(−m)⟩ = e^(−m + m²σ²/2) for a Gaussian; the quantiles come close.
    let mut config = clean(6.0);
    config.source.intensity_fluctuation = 0.2;
    let mut desk = Desk::new(&config);
    desk.run(400, random_state(0), |_| ());
    let truth = desk.world.truth();
    let unseen = (truth.pulses[0] - truth.pulses_seen[0]) as f64 / truth.pulses[0] as f64;
    let expected = (-3.0f64 + 9.0 * 0.04 / 2.0).exp();
    assert!((unseen / expected - 1.0).abs() < 0.02, "{unseen} {expected}");
    assert!(unseen > 1.1 * (-3.0f64).exp());
}

#[test]
fn unequal_efficiencies_give_unequal_shares() {
    let mut config = clean(1.0);
    config.receiver.mismatch(0.2);
    let (mut counts, mut slots) = ([0u64; 2], 0);
    // H and V measured in the test basis: half the light to each detector.
    let word = |_, byte| SlotWord::pulse(Intensity(0), Polarization::from_code(byte & 1));
    Desk::new(&config).run(200, word, |slot| {
        if slot.setting.basis == helio_bench::Basis::Test {
            slots += 1;
            counts[0] += u64::from(slot.clicks & 1);
            counts[1] += u64::from(slot.clicks >> 1 & 1);
        }
    });
    binomial("detector 0", counts[0], slots, any_click(0.6 / 2.0));
    binomial("detector 1", counts[1], slots, any_click(0.4 / 2.0));
}

#[test]
fn a_passive_receiver_shares_the_light_among_four() {
    let mut config = clean(0.8);
    config.receiver.kind = ReceiverKind::Passive;
    config.receiver.extinction_ratio = Decibel(20.0);
    let leak = 1.0 / 101.0;
    for state in Polarization::ALL {
        let mut counts = [0u64; 4];
        let word = |_, _| SlotWord::pulse(Intensity(0), state);
        Desk::new(&config).run(50, word, |slot| {
            for (channel, count) in counts.iter_mut().enumerate() {
                *count += u64::from(slot.clicks >> channel & 1);
            }
        });
        for (channel, count) in counts.into_iter().enumerate() {
            let share = match Polarization::from_code(channel as u8) {
                measured if measured == state => 1.0 - leak,
                measured if measured.basis() == state.basis() => leak,
                _ => 0.5,
            };
            binomial("channel", count, 50 * STEP as u64, any_click(0.8 * 0.5 * 0.5 * share));
        }
    }
}

/// All edges of `steps` steps with random states.
fn edges(config: &BenchConfig, steps: usize) -> (Desk, Vec<Edge>) {
    let mut desk = Desk::new(config);
    let mut all = Vec::new();
    for _ in 0..steps {
        all.extend(desk.play(random_state(0)).0);
    }
    (desk, all)
}

#[test]
fn edges_come_in_order_and_no_two_of_a_detector_within_its_dead_time() {
    let mut config = clean(1.0);
    for detector in &mut config.receiver.detectors {
        detector.dead_time = Picoseconds(1_100_000);
        detector.dark_rate_hz = 50_000.0;
        detector.jitter_ps = 2_000.0;
        detector.afterpulse_probability = 0.2;
        detector.afterpulse_time_constant_ps = 300_000.0;
    }
    config.receiver.detectors[1].delay = Picoseconds(730_000);
    let (_, edges) = edges(&config, 50);
    assert!(edges.len() > 50_000 && edges.is_sorted());
    let mut closest = u64::MAX;
    for channel in 0..2 {
        let of_channel: Vec<_> = edges.iter().filter(|e| e.channel == channel).collect();
        let gaps = of_channel.windows(2).map(|pair| pair[1].tick.0 - pair[0].tick.0);
        closest = closest.min(gaps.min().unwrap());
    }
    // 1.1 µs are 165 ticks; both ends are rounded down.
    assert!((164..170).contains(&closest), "{closest}");
}

#[test]
fn dead_time_takes_what_the_renewal_process_says() {
    // A dead time of 5.5 slots blinds a detector for 5 pulses after each count: p/(1 + 5p).
    let mut config = clean(0.4);
    config.receiver.detectors.iter_mut().for_each(|d| d.dead_time = Picoseconds(1_100_000));
    let (desk, edges) = edges(&config, 200);
    // Matched basis and wrong basis in equal parts; the light of a state is all in one detector or
    // halved.
    let (full, half) = (any_click(0.2), any_click(0.1));
    let p = 0.5 * half + 0.25 * full;
    let expected = p / (1.0 + 5.0 * p);
    for channel in 0..2 {
        let count = edges.iter().filter(|e| e.channel == channel).count();
        binomial("counts", count as u64, 200 * STEP as u64, expected);
    }
    assert!(desk.world.truth().lost_in_dead_time > 0);
}

#[test]
fn afterpulses_follow_their_share_of_counts_after_their_delay() {
    let mut config = clean(0.0);
    for detector in &mut config.receiver.detectors[..2] {
        detector.dark_rate_hz = 20_000.0;
        detector.dead_time = Picoseconds(100_000);
        detector.afterpulse_probability = 0.3;
        detector.afterpulse_time_constant_ps = 400_000.0;
    }
    let (desk, edges) = edges(&config, 2_000);
    let truth = desk.world.truth();
    binomial("afterpulses", truth.afterpulse_clicks, truth.clicks(), 0.3);
    // Two seconds of darks, and what follows them.
    assert!((truth.dark_clicks as f64 - 80_000.0).abs() < 5.0 * 80_000f64.sqrt() + 200.0);

    let of_channel: Vec<_> = edges.iter().filter(|e| e.channel == 0).collect();
    let gaps: Vec<_> =
        of_channel.windows(2).map(|pair| (pair[1].tick.0 - pair[0].tick.0) as f64).collect();
    // Half of the afterpulses come within the dead time and ln 2 time constants; so do a few darks.
    let median = (100_000.0 + 400_000.0 * 2f64.ln()) / TickLength::CYCLE_150_MHZ.as_ps_f64();
    let early = gaps.iter().filter(|gap| **gap < median).count();
    let dark = any_click(20_000.0 * 400e-9 * 2f64.ln());
    let expected = 1.0 - (1.0 - dark) * (1.0 - 0.15);
    // Rounding to ticks of 6.7 ns moves the median by a hundredth of the time constant.
    let slack = 0.3 * 0.01 * gaps.len() as f64;
    let sigma = (gaps.len() as f64 * expected * (1.0 - expected)).sqrt();
    let off = early as f64 - expected * gaps.len() as f64;
    assert!(off.abs() < 5.0 * sigma + slack, "{off} of {}, σ {sigma}", gaps.len());
}

#[test]
fn darks_are_spread_over_all_time_whether_a_train_plays_or_not() {
    let mut config = clean(0.0);
    config.receiver.detectors[0].dark_rate_hz = 100_000.0;
    let mut desk = Desk::new(&config);
    desk.alice = Default::default();
    desk.bob = Default::default();
    let start = desk.world.bob_now().0;
    let mut phases = [0u64; 3];
    for _ in 0..500 {
        desk.step_world(STEP);
        for edge in desk.drain() {
            assert_eq!(edge.channel, 0);
            phases[((edge.tick.0 - start) % 30 / 10) as usize] += 1;
        }
    }
    let all: u64 = phases.iter().sum();
    assert!((all as f64 - 50_000.0).abs() < 5.0 * 50_000f64.sqrt(), "{all}");
    phases.into_iter().for_each(|third| binomial("third of a slot", third, all, 1.0 / 3.0));
}

#[test]
fn jitter_and_delay_are_as_configured() {
    let mut config = clean(1.0);
    config.tick_length = TickLength::new(1, 1).unwrap();
    config.slot_ticks = 200_000;
    config.clock.offset_ppm = 0.0;
    for detector in &mut config.receiver.detectors {
        detector.jitter_ps = 350.0;
        detector.delay = Picoseconds(12_345);
    }
    let mut desk = Desk::new(&config);
    let start = desk.world.bob_now().0;
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for _ in 0..20 {
        for edge in desk.play(random_state(0)).0 {
            let since = ((edge.tick.0 - start) % 200_000) as f64 + 0.5;
            let off = since - 100_000.0 - 12_345.0;
            (n, sum, squares) = (n + 1.0, sum + off, squares + off * off);
        }
    }
    let (mean, variance): (f64, f64) = (sum / n, squares / n);
    assert!(mean.abs() < 5.0 * 350.0 / n.sqrt(), "{mean}");
    assert!((variance.sqrt() / 350.0 - 1.0).abs() < 5.0 / (2.0 * n).sqrt(), "{variance}");
}

#[test]
fn state_errors_and_rotation_drift_turn_the_states() {
    let mut config = clean(0.2);
    config.source.state_error_rad[1] = 0.2;
    config.channel.rotation_drift_rad_per_s = 1.0;
    let mut desk = Desk::new(&config);
    let mut wrong = |steps, state: Polarization| {
        let (mut clicks, mut errors) = (0u64, 0u64);
        let word = |_, _| SlotWord::pulse(Intensity(0), state);
        desk.run(steps, word, |slot| {
            if slot.setting.basis == state.basis() && matches!(slot.clicks, 1 | 2) {
                clicks += 1;
                errors += u64::from((slot.clicks == 2) != (state.bit() != slot.setting.swap));
            }
        });
        (errors, clicks)
    };
    // The rotation stays within 0.01 rad of its mean over 20 ms.
    let (errors, clicks) = wrong(20, Polarization::V);
    binomial("V, tilted", errors, clicks, (0.2f64 + 0.01).sin().powi(2));
    wrong(260, Polarization::H);
    let (errors, clicks) = wrong(20, Polarization::D);
    binomial("D after 0.29 s", errors, clicks, 0.29f64.sin().powi(2));
}
