//! What both stations know of the sync slots before a run.

/// The public slots of a run: each `spacing`-th carries a pulse where the sequence has a one and
/// nothing where it has a zero. Nothing in it is secret, and nothing depends on any setting.
///
/// By Alice's clock, the pulse of slot `n` comes at `(n + ½) · slot_ps`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SyncPlan<'a> {
    /// Length of a slot on Alice's clock, in ps; 100 or more.
    pub slot_ps: f64,
    /// Slots from one sync slot to the next; at least 2.
    pub spacing: u16,
    /// The sequence from position 0 on, bit `p` in `bits[p / 64] >> (p % 64)`. Position `p` is slot
    /// `p · spacing`. It needs to reach to the last click that is searched, and the offset's range
    /// beyond; what is not in it is taken as dark.
    pub bits: &'a [u64],
}

impl SyncPlan<'_> {
    /// Whether there is a pulse in slot `position · spacing`.
    pub fn bit(&self, position: u64) -> bool {
        let word = self.bits.get((position / 64) as usize).copied().unwrap_or(0);
        word >> (position % 64) & 1 != 0
    }

    /// The 64 bits from `position` on; dark before the first and after the last.
    pub(super) fn word(&self, position: i64) -> u64 {
        let (word, shift) = (position.div_euclid(64), position.rem_euclid(64));
        let at = |w: i64| usize::try_from(w).ok().and_then(|w| self.bits.get(w)).copied();
        let (low, high) = (at(word).unwrap_or(0), at(word + 1).unwrap_or(0));
        low >> shift | (high << 1) << (63 - shift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_anywhere() {
        let plan = SyncPlan { slot_ps: 1.0, spacing: 2, bits: &[0x8000_0000_0000_0001, 0b110] };
        assert_eq!(plan.word(0), 0x8000_0000_0000_0001);
        assert_eq!(plan.word(63), 0b1101);
        assert_eq!(plan.word(-1), 0b10);
        assert_eq!((plan.word(-64), plan.word(128), plan.word(i64::MAX - 200)), (0, 0, 0));
        assert!(plan.bit(65) && !plan.bit(64) && !plan.bit(1000));
    }
}
