//! Unequal detectors, with and without the random swap: the key pays what δ1 and δ2 say.

use helio_station::bench::{Scenario, run};
use helio_tests::support::expected;

/// Key bits of one long block, checked against the channel model.
fn key_bits(efficiency_mismatch: f64, random_swap: bool) -> (u64, f64) {
    let scenario = Scenario {
        seed: 5,
        efficiency_mismatch,
        random_swap,
        slots_per_block: 40_000_000,
        blocks: 1,
        ..Scenario::default()
    };
    let (price, prospect) = (scenario.mismatch().expect("in range"), expected(&scenario));
    let outcome = run(&scenario, None, |_| {}).expect("the run comes to its end");
    assert!(outcome.keys_equal());
    let (made, expected) = (outcome.alice.key_bits, prospect.length.ell);
    println!(
        "±{efficiency_mismatch}, swap {random_swap}: {made} bits, {expected} expected, delta1 {:.2e}",
        price.delta1
    );
    let near = (made as f64 - expected as f64).abs() <= 0.1 * expected as f64;
    assert!(near, "{made} bits for {expected}");
    let [report] = &outcome.bob.reports[..] else { panic!("one block") };
    let spent = report.breakdown.iter().find(|(term, _)| term == "detector mismatch");
    let spent = spent.expect("the breakdown has the term").1;
    assert!(price.delta1 > 0.0 && (made == 0 || spent > 0.0));
    (made, price.delta1)
}

#[test]
fn the_swap_lowers_the_price_of_unequal_detectors() {
    let (equal, delta_equal) = key_bits(0.001, true);
    let (swapped, delta_swapped) = key_bits(0.05, true);
    let (fixed, delta_fixed) = key_bits(0.05, false);
    assert!(delta_equal < delta_swapped && delta_swapped < delta_fixed / 10.0);
    assert!(equal > swapped && swapped > fixed, "{equal}, {swapped}, {fixed}");
    assert!(swapped > 0);
    // Without the swap even a fifth of that difference costs more than the whole with it.
    let (slight, delta_slight) = key_bits(0.01, false);
    assert!(delta_slight > delta_swapped && (1..swapped).contains(&slight), "{slight}");
}
