//! Seeded light of known statistics, for tests and for the figures of the documentation.
//! SIMULATED: nothing here is measured. All times are in ticks.

pub use crate::clock::synthetic::Dice;

/// Coherent light: unrelated photons at a mean distance, g²(τ) = 1.
pub fn coherent(seed: u64, mean_gap: f64, photons: usize) -> Vec<u64> {
    renewal(seed, photons, |dice| dice.exponential(mean_gap))
}

/// A single emitter under steady pumping: it waits to be pumped, then for its emission, each for an
/// exponential time of mean 2 · `recovery`, so that g²(τ) = 1 − exp(−|τ|/`recovery`) (Carmichael and
/// Walls, J. Phys. B 9, L43 (1976), in the limit of incoherent pumping). Of its photons a share
/// `efficiency` is detected, which leaves g² as it is.
pub fn single_emitter(seed: u64, recovery: f64, efficiency: f64, photons: usize) -> Vec<u64> {
    renewal(seed, photons, |dice| {
        let mut gap = 0.0;
        loop {
            gap += dice.exponential(2.0 * recovery) + dice.exponential(2.0 * recovery);
            if dice.uniform() <= efficiency {
                return gap;
            }
        }
    })
}

/// Chaotic light of one mode with a Lorentzian spectrum: a complex Gaussian field with
/// g¹(τ) = exp(−|τ|/`coherence`), so that g²(τ) = 1 + exp(−2|τ|/`coherence`) (Siegert's relation;
/// Loudon, *The Quantum Theory of Light*, 3rd ed., 3.7). The field moves in steps of 1/64 of the
/// coherence time.
pub fn thermal(seed: u64, coherence: f64, mean_gap: f64, photons: usize) -> Vec<u64> {
    const STEPS: f64 = 64.0;
    let mut dice = Dice::new(seed);
    let (step, keep) = (coherence / STEPS, (-1.0 / STEPS).exp());
    let kick = (0.5 * (1.0 - keep * keep)).sqrt();
    // Either quadrature has variance 1/2: a mean intensity of 1.
    let mut field = [0.0; 2].map(|_: f64| dice.normal() * 0.5f64.sqrt());
    let mut ticks = Vec::with_capacity(photons);
    let (mut now, mut due) = (0.0, dice.exponential(mean_gap));
    while ticks.len() < photons {
        // `due` is the intensity that is still to pass until the next photon.
        let intensity = field[0] * field[0] + field[1] * field[1];
        let mut at = 0.0;
        while due < (step - at) * intensity && ticks.len() < photons {
            at += due / intensity;
            ticks.push((now + at) as u64);
            due = dice.exponential(mean_gap);
        }
        due -= (step - at) * intensity;
        now += step;
        field = field.map(|x| keep * x + kick * dice.normal());
    }
    ticks
}

/// Gaps drawn one after the other.
pub fn renewal(seed: u64, photons: usize, mut gap: impl FnMut(&mut Dice) -> f64) -> Vec<u64> {
    let (mut dice, mut now) = (Dice::new(seed), 0.0);
    let mut next = || {
        now += gap(&mut dice);
        now as u64
    };
    (0..photons).map(|_| next()).collect()
}

/// A beam splitter: each photon goes to channel 0 or 1 at random. Ticks with their channels.
pub fn split(seed: u64, ticks: &[u64]) -> Vec<(u64, u8)> {
    let mut dice = Dice::new(seed ^ 0x5EED);
    ticks.iter().map(|tick| (*tick, u8::from(dice.uniform() < 0.5))).collect()
}

/// Counts of a detector's response to short pulses of one photon: a time after the pulse with
/// Gaussian jitter, of which a share `tail` has an exponential delay of mean `decay` as well.
pub fn response(dice: &mut Dice, centre: f64, sigma: f64, tail: f64, decay: f64) -> f64 {
    let slow = if dice.uniform() < tail { dice.exponential(decay) } else { 0.0 };
    centre + sigma * dice.normal() + slow
}
