//! The link whose blocks the engine distils: parameters with a chosen error rate, and what the
//! channel model expects of them.
//!
//! A short, bright link, as the fastest ones are: little loss, hardly a dark count. Where the machine
//! sets the pace and not the light, what counts is the work: intensities and bases are those that leave
//! most key of the work, not of a slot, and where a third of the sifted bits is key, those with the least
//! work on a sifted bit. What is asked for is the QBER of the sifted bits and how many of them a block has.

use helio_distill::bound::{Bound, BoundChoice, Epsilon, Mismatch, SecrecyCorrectness};
use helio_distill::channel_model::{
    BlockPlan, Channel, ModelError, Prospect, expected_counts, expected_fixed, expected_length,
};
use helio_distill::optimise::{
    Bias, OneDecoyProblem, Problem, Settings, Weakest, optimise, optimise_one_decoy,
};
use helio_distill::parameters::{
    CodeChoice, DetectorMatch, Parameters, Receiver, SessionId, WEIGHT_TOTAL,
};
use helio_units::{Decibel, MeanPhotons};

/// Every so many slots one is public.
pub const SYNC_SPACING: u16 = 64;
/// Probability of a dark count of a detector in a window: 100 a second in 2 ns.
const DARK: f64 = 2e-7;
/// Mean photons of the weakest intensity: what an extinction of 30 dB leaves of the signal.
const WEAKEST: f64 = 0.0005;
/// Test bits for each sifted bit while the bases' shares are not known yet.
const TESTS: f64 = 1.0 / 50.0;
/// Most slots of a block.
pub const MOST_SLOTS: u64 = 4_000_000_000;

/// What a link is asked to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wanted {
    /// QBER of the sifted bits.
    pub qber: f64,
    /// All of the loss from Alice's output to a click.
    pub loss: Decibel,
    /// Sifted bits of a block in the key basis.
    pub sifted_bits: f64,
    /// Failure probability of a block.
    pub epsilon_total: f64,
    /// What reconciles.
    pub code: CodeChoice,
    /// What gives the length: a bound that live keys are made with.
    pub bound: Bound,
    /// Names the run.
    pub seed: u64,
}

/// A link.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// What both stations agree on.
    pub parameters: Parameters,
    /// The channel.
    pub channel: Channel,
    /// A block's mean counts and the key that the model expects of it.
    pub prospect: Prospect,
}

/// The settings that are tried: mean photons of the signal and the decoy, parts of 4096 for the decoy,
/// the weakest and the key basis. Below the weakest signal a block takes too many slots.
const SIGNAL: [f64; 5] = [0.25, 0.3, 0.4, 0.5, 0.6];
const DECOY: [f64; 5] = [0.05, 0.1, 0.15, 0.2, 0.3];
const DECOY_PARTS: [u16; 5] = [205, 410, 819, 1229, 1638];
const WEAKEST_PARTS: [u16; 4] = [246, 492, 737, 983];
const KEY_PARTS: [u16; 6] = [2867, 3277, 3482, 3584, 3686, 3789];

/// The work on a slot's settings and on a click, as shares of the work on a sifted bit after sifting:
/// about 0.2 and 12 of 10 ns, as the slower station was measured. It weighs bright settings and biased
/// bases, which need few slots and clicks, against settings whose bits hold more key.
const SLOT_COST: f64 = 1.0 / 50.0;
const CLICK_COST: f64 = 1.2;
/// Bits of key in a sifted one beyond which more of them are not looked for: what is sized is a machine,
/// and it is to be shown by bits taken in as well as by key. With a little for the chance in counts.
const ENOUGH_KEY: f64 = 0.345;

impl Link {
    /// Looks for the settings that leave most key of the work on a sifted bit and its slots, and for the
    /// misalignment that makes the QBER what it is asked to be.
    ///
    /// # Errors
    /// A number outside the model's range.
    pub fn design(wanted: &Wanted) -> Result<Link, ModelError> {
        let channel = Channel {
            loss: wanted.loss,
            dark_probability: DARK,
            misalignment: [wanted.qber; 2],
            ..Channel::IDEAL
        };
        let mut best: Option<(f64, Link)> = None;
        for settings in grid(wanted.bound).chain([most_of_a_slot(wanted, &channel)?]) {
            let link = Link::with(wanted, &channel, &settings)?;
            let [alice, bob] = settings.key_basis();
            // Clicks for each sifted bit: those in the other basis, or in two, are no use here.
            let clicks = 1.0 / (alice * bob);
            let work = 1.0 + SLOT_COST / link.sifted_per_slot() + CLICK_COST * clicks;
            let worth = link.secret_fraction().min(ENOUGH_KEY) / work;
            if best.as_ref().is_none_or(|(most, _)| worth > *most) {
                best = Some((worth, link));
            }
        }
        let none = ModelError::Range { field: "settings", value: 0.0, least: 1.0, most: 1.0 };
        let (_, found) = best.ok_or(none)?;
        let settings = Settings {
            mu: found.parameters.mu_nano.map(|mu| mu as f64 / 1e9),
            intensity_parts: found.parameters.intensity_weights,
            key_basis_parts: [found.parameters.alice_key_weight, found.parameters.bob_key_weight],
        };
        let misalignment = misalignment(&channel, &plan(&settings, 1), wanted.qber)?;
        Link::with(wanted, &Channel { misalignment: [misalignment; 2], ..channel }, &settings)
    }

    fn with(wanted: &Wanted, channel: &Channel, settings: &Settings) -> Result<Link, ModelError> {
        let per_slot = expected_counts(channel, &plan(settings, 1))?.sifted();
        let slots = whole(wanted.sifted_bits / per_slot);
        let mut parameters = parameters(wanted, settings, slots);
        let plan = plan(settings, slots);
        let prospect = match wanted.bound {
            Bound::Wiesemann => {
                let epsilon = SecrecyCorrectness::split(wanted.epsilon_total);
                let leak = |n, tests, q| wanted.code.expected_leak(n, tests, q);
                let found = expected_fixed(channel, &plan, &epsilon, leak)?;
                parameters.bound = BoundChoice::Wiesemann(found.bound.acceptance);
                found.prospect()
            }
            _ => {
                let epsilon = Epsilon::split(wanted.epsilon_total, false);
                let [alice, bob] = settings.key_basis();
                let tests = (1.0 - alice) * (1.0 - bob) / (alice * bob);
                let leak = |n, q| leak(wanted.code, n, tests, q);
                expected_length(channel, &plan, &epsilon, &Mismatch::MATCHED, leak)?
            }
        };
        Ok(Link { parameters, channel: *channel, prospect })
    }

    /// Bits of key that the model expects for each sifted one.
    pub fn secret_fraction(&self) -> f64 {
        self.prospect.length.ell as f64 / self.prospect.counts.sifted()
    }

    /// Sifted bits of the key basis for each emitted slot.
    pub fn sifted_per_slot(&self) -> f64 {
        self.prospect.counts.sifted() / f64::from(self.parameters.slots_per_block)
    }
}

/// The settings that leave most key of a slot, which short blocks need.
fn most_of_a_slot(wanted: &Wanted, channel: &Channel) -> Result<Settings, ModelError> {
    let (slots, sync_fraction) = (whole(10.0 * wanted.sifted_bits), sync_fraction());
    let eps_total = wanted.epsilon_total;
    if wanted.bound == Bound::Wiesemann {
        let problem = OneDecoyProblem { channel: *channel, slots, sync_fraction, eps_total };
        let leak = |n, tests, q| wanted.code.expected_leak(n, tests, q);
        return Ok(optimise_one_decoy(&problem, leak)?.settings);
    }
    let problem = Problem {
        channel: *channel,
        slots,
        sync_fraction,
        eps_total,
        mismatch: Mismatch::MATCHED,
        weakest: Weakest::Fixed(MeanPhotons::new(WEAKEST).unwrap_or(MeanPhotons::VACUUM)),
        bias: Bias::Shared,
    };
    Ok(optimise(&problem, |n, q| leak(wanted.code, n, TESTS, q))?.settings)
}

fn grid(bound: Bound) -> impl Iterator<Item = Settings> {
    let (weakest, weakest_parts) = match bound.intensities() {
        2 => (0.0, [0].iter()),
        _ => (WEAKEST, WEAKEST_PARTS.iter()),
    };
    let mu = SIGNAL.into_iter().flat_map(move |signal| DECOY.map(|decoy| [signal, decoy, weakest]));
    let apart = |mu: &[f64; 3]| mu[0] > mu[1] + mu[2];
    let settings = move |mu: [f64; 3]| {
        let thirds = weakest_parts.clone();
        let parts =
            DECOY_PARTS.into_iter().flat_map(move |p2| thirds.clone().map(move |p3| [p2, *p3]));
        parts.flat_map(move |[p2, p3]| {
            KEY_PARTS.map(|key| Settings {
                mu,
                intensity_parts: [WEIGHT_TOTAL - p2 - p3, p2, p3],
                key_basis_parts: [key; 2],
            })
        })
    };
    mu.filter(apart).flat_map(settings)
}

fn sync_fraction() -> f64 {
    1.0 / f64::from(SYNC_SPACING)
}

/// A whole number of slots that keeps the sync slots where they are from block to block.
fn whole(slots: f64) -> u64 {
    let spacing = u64::from(SYNC_SPACING);
    let most = MOST_SLOTS / spacing * spacing;
    ((slots.max(1.0) as u64).min(most)).next_multiple_of(spacing).min(most)
}

fn plan(settings: &Settings, slots: u64) -> BlockPlan {
    BlockPlan {
        slots,
        sync_fraction: sync_fraction(),
        decoy: settings.decoy(),
        key_basis: settings.key_basis(),
    }
}

/// What reconciliation is expected to be charged, with so many test bits for each of the key.
fn leak(code: CodeChoice, n: u64, tests: f64, qber: f64) -> f64 {
    code.expected_leak(n, n as f64 * tests, qber)
}

/// The misalignment at which the sifted bits have this QBER, by bisection: the rate rises with it.
fn misalignment(channel: &Channel, plan: &BlockPlan, qber: f64) -> Result<f64, ModelError> {
    let (mut low, mut high) = (0.0, 0.5);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        let tried = Channel { misalignment: [middle; 2], ..*channel };
        match expected_counts(&tried, plan)?.qber_key() < qber {
            true => low = middle,
            false => high = middle,
        }
    }
    Ok((low + high) / 2.0)
}

fn parameters(wanted: &Wanted, settings: &Settings, slots: u64) -> Parameters {
    let mut session = [0; 16];
    session[..8].copy_from_slice(&wanted.seed.to_le_bytes());
    Parameters {
        session: SessionId(session),
        bound: BoundChoice::Varlen2d,
        mu_nano: settings.mu.map(|mu| (mu * 1e9).round() as u64),
        intensity_weights: settings.intensity_parts,
        intensity_uncertainty_ppm: Some(0),
        alice_key_weight: settings.key_basis_parts[0],
        bob_key_weight: settings.key_basis_parts[1],
        slots_per_block: slots as u32,
        sync_spacing: SYNC_SPACING,
        receiver: Receiver::Active { random_swap: true },
        hold_off_ps: 0,
        window_ps: 2_000,
        clock_bound_slots: 0,
        detectors: DetectorMatch::AssumedMatched,
        epsilon_total: wanted.epsilon_total,
        code: wanted.code,
        qber_margin_ppm: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_the_bits_and_the_qber_that_are_asked_for() {
        let wanted = [(0.01, 1e6), (0.02, 1e5), (0.05, 1e7)].map(|(q, n)| (q, n, Bound::Varlen2d));
        for (qber, sifted_bits, bound) in wanted.into_iter().chain([(0.02, 1e6, Bound::Wiesemann)])
        {
            let wanted = Wanted {
                qber,
                sifted_bits,
                loss: Decibel(3.0),
                epsilon_total: 1e-10,
                code: CodeChoice::Ldpc,
                bound,
                seed: 1,
            };
            let link = Link::design(&wanted).unwrap();
            let counts = &link.prospect.counts;
            assert!((counts.qber_key() / qber - 1.0).abs() < 1e-3, "{}", counts.qber_key());
            assert!((counts.sifted() / sifted_bits - 1.0).abs() < 0.01, "{}", counts.sifted());
            assert_eq!(link.parameters.check(), Ok(()));
            assert_eq!(link.parameters.bound.bound(), bound);
            assert!(link.prospect.length.ell > 0 || sifted_bits < 1e6);
            assert!(link.parameters.slots_per_block.is_multiple_of(SYNC_SPACING.into()));
        }
    }
}
