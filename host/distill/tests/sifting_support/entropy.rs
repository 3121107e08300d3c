//! What the messages of sifting say at the least, in bits: the entropy of each choice at the rate at
//! which it was made in this block. (C. Shannon, A mathematical theory of communication, 1948.)

use helio_distill::parameters::Parameters;

use super::naive::{Alice, Bob};

/// Bits to say which of `all` are the `some`, each alike: `all · H(some / all)`.
fn choice(some: u64, all: u64) -> f64 {
    let term = |n: u64| if n == 0 { 0.0 } else { n as f64 * (all as f64 / n as f64).log2() };
    term(some) + term(all - some)
}

fn count(bits: &[bool]) -> u64 {
    bits.iter().filter(|bit| **bit).count() as u64
}

/// Which slots of those that can hold a detection have one, if each that is not in the hold-off of
/// an earlier one had the same chance; and the bases.
pub fn announcement(parameters: &Parameters, block: u64, hold_off: u64, bob: &Bob) -> f64 {
    let spacing = u64::from(parameters.sync_spacing);
    let syncs_below = |slot: u64| slot.div_ceil(spacing);
    let (first, end) = (parameters.first_slot(block), parameters.end_slot(block));
    let free = end - first - (syncs_below(end) - syncs_below(first));
    let clicks = bob.offsets.len() as u64;
    // Free slots of a hold-off; all but the last lie in the block.
    let dark = hold_off as f64 * (spacing - 1) as f64 / spacing as f64;
    let open = free - (dark * clicks.saturating_sub(1) as f64) as u64;
    choice(clicks, open.max(clicks)) + choice(count(&bob.test_basis), clicks)
}

/// Alice's bases, the intensities of the matches, and bits that nothing is known of.
pub fn answer(bob: &Bob, alice: &Alice) -> f64 {
    let test = |i: usize| alice.matched[i] == bob.test_basis[i];
    let known: Vec<bool> = (0..alice.lost.len()).filter(|&i| !alice.lost[i]).map(test).collect();
    let bases = choice(count(&known), known.len() as u64);
    let all = alice.intensities.len() as u64;
    let of = |which: u8| alice.intensities.iter().filter(|i| **i == which).count() as u64;
    let intensities = choice(of(0), all) + choice(of(2), all - of(0));
    bases + intensities + alice.test_bits.len() as f64
}

/// Where Bob errs in the test basis.
pub fn errors(errors: &[bool]) -> f64 {
    choice(count(errors), errors.len() as u64)
}
