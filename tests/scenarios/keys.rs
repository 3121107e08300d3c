//! Many seeds on many links, from photon to key: the two stations never hold different keys.

use helio_distill::release::BlockState;
use helio_sim::Path;
use helio_station::bench::{RunOutcome, Scenario, run};
use helio_station::cmd::optimise::search;
use helio_units::{Decibel, Picoseconds};

/// Loss of the path in dB, and rotation of the polarization in radians: the rows and columns.
const LOSSES: [f64; 4] = [0.0, 1.0, 2.5, 12.0];
const ROTATIONS: [f64; 4] = [0.0, 0.05, 0.09, 0.2];
/// Runs in each field of the table.
const RUNS: u64 = 15;
const SLOTS: u32 = 2_000_000;

/// A bright, short link with small blocks, and the intensities that suit it.
fn short_link() -> Scenario {
    let mut link = Scenario {
        path: Path::Fixed { loss: Decibel(1.0), delay: Picoseconds(5_000_000) },
        slots_per_block: SLOTS,
        blocks: 1,
        ..Scenario::default()
    };
    let found = search(&link).expect("the link can be modelled");
    assert!(found.prospect.length.ell > 0, "no settings leave a key on the representative link");
    link.mu_nano = found.settings.mu.map(|mu| (mu * 1e9).round() as u64);
    link.intensity_weights = found.settings.intensity_parts;
    link.key_weights = found.settings.key_basis_parts;
    link
}

/// A link of the table, with clocks, dark counts, detectors and code that change from run to run.
fn scenario(base: &Scenario, seed: u64, loss: f64, rotation: f64) -> Scenario {
    let spread = |step: u64, of: u64| (seed * step % of) as f64 / (of - 1) as f64;
    Scenario {
        seed,
        path: Path::Fixed { loss: Decibel(loss), delay: Picoseconds(7_654_321 * seed as i64) },
        rotation_rad: rotation,
        clock_offset_ppm: 100.0 * spread(7, 23) - 50.0,
        clock_drift_ppb_per_s: 20.0 * spread(5, 17) - 10.0,
        dark_rate_hz: [10.0, 100.0, 1_000.0][(seed % 3) as usize],
        efficiency_mismatch: 0.03 * spread(3, 11),
        jitter_ps: 50.0 + 300.0 * spread(2, 13),
        ..base.clone()
    }
}

/// Equal keys, or none on either side, and burnt then.
fn check(seed: u64, outcome: &RunOutcome) -> u64 {
    assert!(outcome.keys_equal(), "seed {seed}: {:?}", outcome.alice.fingerprints);
    assert_eq!(outcome.alice.states, outcome.bob.states, "seed {seed}");
    let [(0, state)] = outcome.alice.states[..] else { panic!("{:?}", outcome.alice.states) };
    let bits = outcome.alice.key_bits;
    let expected = if bits > 0 { BlockState::Usable } else { BlockState::Burnt };
    assert_eq!(state, expected, "seed {seed}: {:?}", outcome.alice.failures);
    assert_eq!((outcome.alice.key_bits, bits > 0), (outcome.bob.key_bits, bits > 0));
    for side in [&outcome.alice, &outcome.bob] {
        assert!(side.complaints.is_empty(), "seed {seed}: {:?}", side.complaints);
        assert!(side.cable.losses.is_clean());
        assert_eq!(side.reports.len() + side.failures.len(), 1, "seed {seed}");
    }
    bits
}

#[test]
fn two_stations_hold_the_same_key_whatever_the_link() {
    let base = short_link();
    let (mut keys, mut runs, mut burnt) = (0, 0, 0);
    println!("loss, QBER of the optics: runs, with key, mean bits of a key");
    for (row, loss) in LOSSES.into_iter().enumerate() {
        for (column, rotation) in ROTATIONS.into_iter().enumerate() {
            let (mut with_key, mut bits) = (0, 0);
            for i in 0..RUNS {
                let seed = 1 + i + RUNS * (column + ROTATIONS.len() * row) as u64;
                let scenario = scenario(&base, seed, loss, rotation);
                let outcome = run(&scenario, None, |_| {}).expect("the run comes to its end");
                let made = check(seed, &outcome);
                with_key += u64::from(made > 0);
                bits += made;
            }
            let qber = 100.0
                * Scenario { rotation_rad: rotation, ..base.clone() }.channel().misalignment[0];
            let mean = bits.checked_div(with_key).unwrap_or(0);
            println!("{loss:5.1} dB {qber:5.2} %: {RUNS:3} {with_key:3} {mean:8}");
            keys += with_key;
            runs += RUNS;
            burnt += RUNS - with_key;
        }
    }
    println!("{runs} runs, {keys} keys, {burnt} blocks burnt");
    assert!(runs >= 200 && keys >= 100 && burnt >= 20, "{runs} runs, {keys} keys");
}
