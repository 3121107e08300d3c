//! s
/// p
pub struct SyncPlan<'a> {
    /// Length of a slot on Alice's clock, in ps.
    pub slot_ps: f64,
    /// Slots from one sync slot to the next; at least 2.
    pub spacing: u16,
    /// b
    pub bits: &'a [u64],
}
impl SyncPlan<'_> {
    /// b
    pub fn bit(&self, position: u64) -> bool {
        let word = self.bits.get((position / 64) as usize).copied().unwrap_or(0);
        word >> (position % 64) & 1 != 0
    }
}
