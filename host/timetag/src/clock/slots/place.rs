//! Which slot is slot 0: clicks on a known grid against the public sequence.
//!
//! For every shift, clicks that fall into sync slots fall onto ones of the sequence if the shift is
//! right, and onto ones and zeros alike if it is wrong: an m-sequence is balanced. Sixty-four shifts
//! are tried at once, in the bits of a word; what they have hit so far is counted in bit planes by
//! carry-save adders (Harley and Seal; see Warren, *Hacker's Delight*, 2nd ed., section 5-1).

use super::super::significance::ln_fair_coin_tail;
use super::plan::SyncPlan;

/// The best shift.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    /// What to add to the slots' numbers.
    pub shift: i64,
    /// Clicks in sync slots that the sequence says are bright, and in all sync slots.
    pub hits: u32,
    pub clicks: u32,
    /// ln of the chance that noise makes it anywhere.
    pub ln_chance: f64,
}

/// Words of shifts that are tried side by side.
const WIDE: usize = 32;
const PLANES: usize = 20;

type Words = [u64; WIDE];

/// The best of all shifts within ±`range` of slots that were clicked in, in order and each once.
pub(super) fn find(slots: &[i64], plan: &SyncPlan<'_>, range: i64) -> Option<Place> {
    let spacing = i64::from(plan.spacing);
    let mut classes = vec![Vec::new(); spacing as usize];
    for &slot in slots {
        // With a shift of `r`, slots of −r modulo the spacing are sync slots.
        classes[(-slot).rem_euclid(spacing) as usize]
            .push((slot + spacing - 1).div_euclid(spacing));
    }
    // The ceiling of slot / spacing is (slot + r) / spacing for 0 ≤ r < spacing.
    let steps = range.div_euclid(spacing) + 1;
    let words = (2 * steps + 1) as usize / 64 + 1;
    let places = (spacing as f64) * (2 * steps + 1) as f64;
    let mut best: Option<Place> = None;
    let mut best_ln = 0.0;
    for (r, class) in classes.iter().enumerate().filter(|c| c.1.len() < 1 << PLANES) {
        let total = class.len() as u32;
        let (mut hits, mut at) = (0, 0);
        for begin in (0..words).step_by(WIDE) {
            let origin = 64 * begin as i64 - steps;
            let planes = count(class, plan, origin);
            for word in 0..WIDE {
                let (most, lane) = largest(&planes, word);
                if most > hits {
                    (hits, at) = (most, origin + 64 * word as i64 + i64::from(lane));
                }
            }
        }
        let ln = ln_fair_coin_tail(f64::from(hits), f64::from(total));
        let shift = spacing * at + r as i64;
        if ln < best_ln && shift.abs() <= range + spacing {
            best_ln = ln;
            let ln_chance = (ln + places.ln()).min(0.0);
            best = Some(Place { shift, hits, clicks: total, ln_chance });
        }
    }
    best
}

/// How many of the positions are ones, for 64 · WIDE shifts from `origin` on.
fn count(positions: &[i64], plan: &SyncPlan<'_>, origin: i64) -> [Words; PLANES] {
    let mut planes = [[0; WIDE]; PLANES];
    let mut groups = positions.chunks_exact(7);
    for group in &mut groups {
        let w: [Words; 7] = core::array::from_fn(|i| window(plan, group[i] + origin));
        let (s1, c1) = add(&w[0], &w[1], &w[2]);
        let (s2, c2) = add(&w[3], &w[4], &w[5]);
        let (ones, c3) = add(&s1, &s2, &w[6]);
        let (twos, fours) = add(&c1, &c2, &c3);
        ripple(&mut planes, [ones, twos, fours]);
    }
    for position in groups.remainder() {
        ripple(&mut planes, [window(plan, position + origin), [0; WIDE], [0; WIDE]]);
    }
    planes
}

// Steps are not inlined: unrolled together, their loops are a block that the optimiser takes minutes for.

/// The sequence from a position on.
#[inline(never)]
fn window(plan: &SyncPlan<'_>, from: i64) -> Words {
    let (word, shift) = (from.div_euclid(64), from.rem_euclid(64));
    let inside = usize::try_from(word).ok().and_then(|w| plan.bits.get(w..w + WIDE + 1));
    match inside {
        Some(bits) => {
            core::array::from_fn(|i| bits[i] >> shift | (bits[i + 1] << 1) << (63 - shift))
        }
        None => core::array::from_fn(|i| plan.word(from + 64 * i as i64)),
    }
}

#[inline(never)]
fn add(a: &Words, b: &Words, c: &Words) -> (Words, Words) {
    let (mut sum, mut carry) = ([0; WIDE], [0; WIDE]);
    for i in 0..WIDE {
        let half = a[i] ^ b[i];
        sum[i] = half ^ c[i];
        carry[i] = a[i] & b[i] | half & c[i];
    }
    (sum, carry)
}

#[inline]
fn ripple(planes: &mut [Words; PLANES], number: [Words; 3]) {
    let mut carry = [0; WIDE];
    for (plane, digit) in planes.iter_mut().zip(&number) {
        (*plane, carry) = add(plane, digit, &carry);
    }
    for plane in &mut planes[3..] {
        if !half_add(plane, &mut carry) {
            break;
        }
    }
}

/// Whether there is something to carry on.
#[inline(never)]
fn half_add(plane: &mut Words, carry: &mut Words) -> bool {
    let mut left = 0;
    for (plane, carry) in plane.iter_mut().zip(carry) {
        let next = *plane & *carry;
        *plane ^= *carry;
        *carry = next;
        left |= next;
    }
    left != 0
}

/// The largest of 64 counts and the first lane that has it.
#[inline(never)]
fn largest(planes: &[Words; PLANES], word: usize) -> (u32, u32) {
    let (mut lanes, mut value) = (u64::MAX, 0);
    for (digit, plane) in planes.iter().enumerate().rev() {
        let with = lanes & plane[word];
        if with != 0 {
            (lanes, value) = (with, value | 1 << digit);
        }
    }
    (value, lanes.trailing_zeros())
}

#[cfg(test)]
mod tests {
    use super::super::tests::SPACING;
    use super::*;
    use crate::clock::synthetic::sync_bits;

    /// Counts of all shifts against one bit after the other.
    #[test]
    fn planes_count_what_bits_say() {
        let bits = sync_bits(1 << 14);
        let plan = SyncPlan { slot_ps: 200_000.0, spacing: SPACING, bits: &bits };
        let positions: Vec<i64> = (0..100).map(|i| i * 37 % 9_000).collect();
        for origin in [-3_000, 0, 77, 15_000] {
            let planes = count(&positions, &plan, origin);
            for lane in (0..64 * WIDE).step_by(11) {
                let said: u32 = (0..PLANES)
                    .map(|p| ((planes[p][lane / 64] >> (lane % 64) & 1) as u32) << p)
                    .sum();
                let shifted = positions.iter().map(|p| p + origin + lane as i64);
                let true_count = shifted.filter(|p| *p >= 0 && plan.bit(*p as u64)).count();
                assert_eq!(said as usize, true_count, "{origin} {lane}");
            }
        }
    }

    #[test]
    fn the_shift_is_found_and_noise_is_not() {
        let bits = sync_bits(1 << 14);
        let plan = SyncPlan { slot_ps: 200_000.0, spacing: SPACING, bits: &bits };
        let true_slots: Vec<i64> = (4_000..4_200)
            .filter(|p| plan.bit(*p as u64))
            .flat_map(|p| [p * 64, p * 64 + 1 + p % 63])
            .collect();
        for shift in [-100_000, -65, -64, -1, 0, 1, 63, 64, 129_999] {
            let slots: Vec<i64> = true_slots.iter().map(|s| s - shift).collect();
            let place = find(&slots, &plan, 130_000).unwrap();
            assert_eq!(place.shift, shift);
            assert!(place.ln_chance < -30.0, "{place:?}");
        }
        let noise: Vec<i64> = (0..400).map(|i| 300_000 + i * i * 7 % 1_003 * 641).collect();
        let mut noise = noise;
        noise.sort_unstable();
        assert!(find(&noise, &plan, 130_000).is_none_or(|p| p.ln_chance > -5.0));
    }
}
