//! Smoke test of verification: `cargo run --release -p helio-distill --example verified_bits`
//! compares the tags of 1,000 pairs of strings of 10^6 bits, 10^9 bits in all, each once with an
//! equal string and once with one that differs in 1 to 1,000 random bits.
//!
//! With tags as long as ε_EV = 10^−10 asks, no pair of equal strings may be told apart, and a pair
//! that differs passes with probability at most 10^−10.

use std::time::Instant;

use helio_distill::gf2::Level;
use helio_distill::hash::{same_tag, verification_bits, verification_tag};
use helio_keys::{EntropySource, SeededEntropy, SimulatedDevices};

const BITS: usize = 1_000_000;
const BLOCKS: usize = 1_000;

fn main() {
    let devices = SimulatedDevices::declared(true, true).expect("both simulated");
    let mut entropy = SeededEntropy::new(devices, 1, "verified bits");
    let t = verification_bits(BITS as u64, 1e-10).expect("a tag fits");
    let (mut agreed, mut told_apart) = (0, 0);
    let start = Instant::now();
    for block in 0..BLOCKS {
        let alice = entropy.bits(BITS).expect("never fails");
        let mut bob = alice.duplicate();
        let draws = entropy.bits(64 * (3 + block)).expect("never fails");
        let ([k0, k1, ..], errors) = (draws.words(), &draws.words()[2..]) else {
            unreachable!("three words at least")
        };
        let point = (u128::from(*k0) | u128::from(*k1) << 64).to_le_bytes();
        let tag = verification_tag(&alice, point, t);
        agreed += usize::from(same_tag(tag, verification_tag(&bob, point, t)));
        // A first flip that no later one takes back, and as many others as the block's number.
        let first = errors[0] as usize % BITS;
        bob.flip(first);
        for place in errors[1..].iter().map(|e| *e as usize % BITS).filter(|p| *p != first) {
            bob.flip(place);
        }
        told_apart += usize::from(!same_tag(tag, verification_tag(&bob, point, t)));
    }
    println!(
        "{} bits, tags of {t} bits, {}: {agreed} of {BLOCKS} equal strings agreed, {told_apart} of \
         {BLOCKS} differing strings told apart, in {:.1} s",
        BITS * BLOCKS,
        Level::best().name(),
        start.elapsed().as_secs_f64(),
    );
    assert!(agreed == BLOCKS && told_apart == BLOCKS);
}
