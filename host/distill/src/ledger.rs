//! What failure probability the attempts with one pre-shared secret have cost so far.

use helio_keys::Origin;

use crate::error::Fault;
use crate::release::StationStore;
use crate::transcript::MAX_TAGGED_WORDS;

/// Sum of ε over all attempts at which a station asks for a new pre-shared secret.
pub const EPSILON_LIMIT: f64 = 1e-6;

/// Probability that one of `tags` verified tags was forged: polynomial hashing of at most
/// `MAX_TAGGED_WORDS` words of 128 bits.
pub fn epsilon_auth(tags: u64) -> f64 {
    // 2¹²⁸ as a float, exact.
    const FIELD: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0;
    tags as f64 * (MAX_TAGGED_WORDS + 1) as f64 / FIELD
}

/// Adds `amount` to the peer's sum before the attempt is made.
///
/// # Errors
/// [`Fault::EpsilonSpent`] if the sum would pass [`EPSILON_LIMIT`]: the attempt is not made.
pub(crate) fn charge<O: Origin>(
    store: &mut impl StationStore<O>,
    amount: f64,
) -> Result<(), Fault> {
    let spent = store.epsilon_spent()?;
    let after = sum(spent, amount);
    // A sum that is not a number stops the station too.
    if after.is_nan() || after > EPSILON_LIMIT {
        return Err(Fault::EpsilonSpent { spent, asked: amount });
    }
    Ok(store.record_epsilon(after)?)
}

/// Whether `amount` and the tags of blocks that are in progress still fit.
pub(crate) fn has_room<O: Origin>(
    store: &impl StationStore<O>,
    amount: f64,
) -> Result<bool, Fault> {
    // A second time the amount: far more than any number of tags costs.
    Ok(sum(store.epsilon_spent()?, 2.0 * amount) <= EPSILON_LIMIT)
}

fn sum(spent: f64, amount: f64) -> f64 {
    // Rounded up: a tag's ε is below the last digit of the sum and must not be lost in it.
    if amount == 0.0 { spent } else { (spent + amount).next_up() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory_store::MemoryStore;
    use helio_keys::Simulated;

    #[test]
    fn the_sum_stops_at_its_limit_and_not_before() {
        let mut store = MemoryStore::<Simulated>::default();
        for _ in 0..9_999 {
            charge(&mut store, 1e-10).unwrap();
        }
        assert!(matches!(charge(&mut store, 3e-10), Err(Fault::EpsilonSpent { .. })));
        assert!(charge(&mut store, f64::NAN).is_err());
        assert!(store.epsilon_spent().unwrap() <= EPSILON_LIMIT);
    }

    #[test]
    fn authentication_costs_far_less_than_a_block() {
        let one = epsilon_auth(1);
        assert!(one > 1e-32 && one < 1e-30, "{one}");
        assert_eq!(epsilon_auth(4), 4.0 * one);
    }
}
