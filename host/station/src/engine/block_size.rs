//! How long a block should be: what is gained by waiting for more detections, against the waiting.
//!
//! A longer block loses less to statistics (`FINITE_KEY`: deviations fall with the root of the
//! counts) and pays the talk's round trips and constant terms once; its key comes later and it takes
//! more memory. The chosen block is the shortest after which hardly anything is gained.

/// Waiting times that are looked at, in seconds.
pub const TIMES_S: [f64; 13] =
    [0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 200.0, 600.0, 3600.0];

/// A block is long enough when it leaves this share of the key rate of the longest one.
pub const ENOUGH: f64 = 0.95;

/// A talk of a few round trips is to be a small part of the block's own time.
pub const ROUND_TRIPS: f64 = 50.0;

/// What a block of one length is expected to give.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wait {
    /// How long its light takes.
    pub seconds: f64,
    /// Emitted slots.
    pub slots: u64,
    /// Sifted bits in the key basis.
    pub sifted_bits: f64,
    /// Bits of key.
    pub key_bits: u64,
}

impl Wait {
    /// Bits of key for each sifted one.
    pub fn secret_fraction(&self) -> f64 {
        if self.sifted_bits > 0.0 { self.key_bits as f64 / self.sifted_bits } else { 0.0 }
    }

    /// Bits of key a second.
    pub fn key_rate(&self) -> f64 {
        self.key_bits as f64 / self.seconds
    }
}

/// What blocks may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Not shorter, in seconds: see [`ROUND_TRIPS`].
    pub least_seconds: f64,
    /// Not more sifted bits: memory.
    pub most_bits: f64,
    /// Not more slots.
    pub most_slots: u64,
}

/// The chosen block, and what was looked at, shortest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Which of `waits`.
    pub chosen: usize,
    /// All of them; empty lengths are left out.
    pub waits: Vec<Wait>,
}

impl Choice {
    /// The chosen one.
    pub fn block(&self) -> &Wait {
        &self.waits[self.chosen]
    }

    /// Its key rate as a share of the highest.
    pub fn share(&self) -> f64 {
        let best = self.waits.iter().map(Wait::key_rate).fold(f64::MIN_POSITIVE, f64::max);
        self.block().key_rate() / best
    }
}

/// Chooses among [`TIMES_S`]; `at` says what a block of so many seconds is expected to give. `None`
/// where no length within the limits gives a key.
///
/// # Errors
/// The first that `at` gives.
pub fn choose<E>(
    limits: &Limits,
    mut at: impl FnMut(f64) -> Result<Wait, E>,
) -> Result<Option<Choice>, E> {
    let mut waits: Vec<Wait> = Vec::new();
    for seconds in TIMES_S {
        let wait = at(seconds)?;
        if wait.sifted_bits > limits.most_bits || wait.slots > limits.most_slots {
            break;
        }
        waits.push(wait);
    }
    let best = waits.iter().map(Wait::key_rate).fold(0.0, f64::max);
    let enough = |wait: &Wait| {
        wait.key_bits > 0
            && wait.seconds >= limits.least_seconds
            && wait.key_rate() >= ENOUGH * best
    };
    // Where the limits leave nothing long enough, the longest that gives a key.
    let chosen = waits.iter().position(enough).or(waits.iter().rposition(|w| w.key_bits > 0));
    Ok(chosen.map(|chosen| Choice { chosen, waits }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    /// A rate that loses `cost` bits a block and what statistics take.
    fn link(rate: f64, cost: f64) -> impl Fn(f64) -> Result<Wait, Infallible> {
        move |seconds| {
            let sifted_bits = rate * seconds;
            let key = 0.5 * sifted_bits - 20.0 * sifted_bits.sqrt() - cost;
            let slots = (100.0 * sifted_bits) as u64;
            Ok(Wait { seconds, slots, sifted_bits, key_bits: key.max(0.0) as u64 })
        }
    }

    const LIMITS: Limits = Limits { least_seconds: 0.0, most_bits: 1e9, most_slots: u64::MAX };

    fn chosen(limits: &Limits, rate: f64) -> f64 {
        let choice = choose(limits, link(rate, 1000.0)).unwrap().expect("a key");
        choice.block().seconds
    }

    #[test]
    fn a_faster_link_waits_less() {
        let seconds = [1e4, 1e5, 1e6, 1e7, 1e8].map(|rate| chosen(&LIMITS, rate));
        assert!(seconds.is_sorted_by(|a, b| a >= b), "{seconds:?}");
        assert!(seconds[0] > 10.0 && seconds[4] < 1.0, "{seconds:?}");
    }

    #[test]
    fn the_chosen_block_is_the_shortest_that_is_enough() {
        let choice = choose(&LIMITS, link(1e6, 1000.0)).unwrap().unwrap();
        let best = choice.waits.iter().map(Wait::key_rate).fold(0.0, f64::max);
        for (i, wait) in choice.waits.iter().enumerate() {
            let enough = wait.key_rate() >= ENOUGH * best;
            assert!(i >= choice.chosen || !enough, "{wait:?} would have done");
        }
        assert!(choice.block().key_rate() >= ENOUGH * best);
    }

    #[test]
    fn limits_hold_and_no_key_is_no_choice() {
        let far = Limits { least_seconds: 2.5, ..LIMITS };
        assert_eq!(chosen(&far, 1e8), 5.0);
        let small = Limits { most_bits: 3e4, ..LIMITS };
        assert_eq!(chosen(&small, 1e5), 0.2, "the longest that fits");
        let none = choose(&LIMITS, link(1e3, 1e9)).unwrap();
        assert_eq!(none, None);
        let fault = choose(&LIMITS, |_| Err("no"));
        assert_eq!(fault, Err("no"));
    }
}
