//! The same search for a source with one decoy and a key of fixed length. It has a dimension less
//! and a smooth height, so that steps on the hardware's grid find the top from a coarse one.

use super::{BRIGHTEST, MU_PARTS, PARTS, Settings};
use crate::bound::SecrecyCorrectness;
use crate::channel_model::{BlockPlan, Channel, FixedProspect, ModelError, expected_fixed};

/// What is given to a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneDecoyProblem {
    /// The channel, as measured or assumed.
    pub channel: Channel,
    /// Slots of a block, synchronisation slots included.
    pub slots: u64,
    /// Fraction of the slots that are public synchronisation slots, in [0, 1).
    pub sync_fraction: f64,
    /// Total failure probability of a block's key, split as [`SecrecyCorrectness::split`] does.
    pub eps_total: f64,
}

/// The end of a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneDecoyOptimum {
    /// The best settings found; the third intensity is 0 and never chosen.
    pub settings: Settings,
    /// The block, its acceptance and the key they would give; without key where none was found.
    pub prospect: FixedProspect,
    /// Points that were tried.
    pub evaluations: u32,
}

/// `mu1`, `mu2` in parts of [`MU_PARTS`], decoy and key basis in parts of [`PARTS`].
type Point = [i32; 4];

const MOVES: [Point; 6] =
    [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 1, 0, 0], [0, 1, 1, 0]];

/// Looks for the settings with the longest fixed key. `leak` as in [`expected_fixed`]. Alice and Bob
/// choose the key basis with the same probability.
///
/// # Errors
/// A parameter of the problem outside its range, or a leak model that gives no bits.
pub fn optimise_one_decoy(
    problem: &OneDecoyProblem,
    leak: impl Fn(u64, f64, f64) -> f64,
) -> Result<OneDecoyOptimum, ModelError> {
    let epsilon = SecrecyCorrectness::split(problem.eps_total);
    let mut evaluations = 0;
    let at =
        |point: &Point| expected_fixed(&problem.channel, &plan(problem, point), &epsilon, &leak);
    let mut height = |point: &Point| -> f64 {
        if !possible(point) {
            return f64::NEG_INFINITY;
        }
        evaluations += 1;
        at(point).map_or(f64::NEG_INFINITY, |prospect| prospect.bound.expect())
    };
    let mut starts: Vec<(f64, Point)> = grid().map(|point| (height(&point), point)).collect();
    starts.sort_by(|a, b| b.0.total_cmp(&a.0));
    starts.truncate(3);
    let mut best = (f64::NEG_INFINITY, [5000, 1500, 1024, 3072]);
    for mut start in starts {
        let mut stride = 512;
        while stride > 0 {
            let mut improved = false;
            for (step, sign) in MOVES.iter().flat_map(|step| [(step, 1), (step, -1)]) {
                let next: Point = std::array::from_fn(|i| start.1[i] + sign * stride * step[i]);
                let there = height(&next);
                if there > start.0 {
                    (start, improved) = ((there, next), true);
                }
            }
            if !improved {
                stride /= 2;
            }
        }
        if start.0 > best.0 {
            best = start;
        }
    }
    let prospect = at(&best.1)?;
    Ok(OneDecoyOptimum { settings: settings(&best.1), prospect, evaluations })
}

fn grid() -> impl Iterator<Item = Point> {
    let mus = [3000, 5000, 7500].into_iter().flat_map(|mu1| [0.2, 0.35, 0.5].map(|r| (mu1, r)));
    let sources = mus.flat_map(|(mu1, ratio)| {
        [410, 1024, 2048].map(|p2| [mu1, (f64::from(mu1) * ratio) as i32, p2])
    });
    sources.flat_map(|[mu1, mu2, p2]| [2048, 2867, 3482, 3891].map(|basis| [mu1, mu2, p2, basis]))
}

fn possible(&[mu1, mu2, p2, basis]: &Point) -> bool {
    let parts = 1..i32::from(PARTS);
    let separable = mu2 > 0 && mu1 > mu2 && f64::from(mu1) <= BRIGHTEST * MU_PARTS;
    separable && parts.contains(&p2) && parts.contains(&basis)
}

fn settings(&[mu1, mu2, p2, basis]: &Point) -> Settings {
    Settings {
        mu: [f64::from(mu1) / MU_PARTS, f64::from(mu2) / MU_PARTS, 0.0],
        intensity_parts: [PARTS - p2 as u16, p2 as u16, 0],
        key_basis_parts: [basis as u16; 2],
    }
}

fn plan(problem: &OneDecoyProblem, point: &Point) -> BlockPlan {
    let settings = settings(point);
    BlockPlan {
        slots: problem.slots,
        sync_fraction: problem.sync_fraction,
        decoy: settings.decoy(),
        key_basis: settings.key_basis(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::CodeChoice;
    use helio_units::Decibel;

    #[test]
    fn no_neighbour_leaves_a_longer_key() {
        let channel = Channel {
            loss: Decibel(8.0),
            dark_probability: 2e-7,
            misalignment: [0.01; 2],
            ..Channel::IDEAL
        };
        let problem =
            OneDecoyProblem { channel, slots: 20_000_000, sync_fraction: 0.015, eps_total: 1e-10 };
        let leak = |n, tests, qber| CodeChoice::Ldpc.expected_leak(n, tests, qber);
        let found = optimise_one_decoy(&problem, leak).unwrap();
        assert!(found.prospect.key_bits > 10_000, "{found:?}");
        let [mu1, mu2, _] = found.settings.mu.map(|mu| (mu * MU_PARTS).round() as i32);
        let [_, p2, third] = found.settings.intensity_parts;
        assert_eq!(third, 0);
        let top: Point = [mu1, mu2, p2.into(), found.settings.key_basis_parts[0].into()];
        let epsilon = SecrecyCorrectness::split(1e-10);
        for (i, by) in (0..4).flat_map(|i| [(i, 150), (i, -150), (i, 400), (i, -400)]) {
            let mut other = top;
            other[i] += by;
            if possible(&other) {
                let there = expected_fixed(&channel, &plan(&problem, &other), &epsilon, leak);
                assert!(there.unwrap().key_bits <= found.prospect.key_bits, "{other:?}");
            }
        }
        let hopeless = Channel { loss: Decibel(70.0), ..channel };
        let none = optimise_one_decoy(&OneDecoyProblem { channel: hopeless, ..problem }, leak);
        assert_eq!(none.unwrap().prospect.key_bits, 0);
    }
}
