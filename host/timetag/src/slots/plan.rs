//! What time the stream has given slots to: stretches with and without a timing, and gaps.

use super::batch::DropCause;
use super::grid::Grid;
use std::collections::VecDeque;

/// What holds from a point in time on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    /// Slots have no number.
    Unlocked(DropCause),
    /// Slots lie on this grid.
    Locked(Grid),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    /// In 2⁻³² ticks, delays taken off.
    pub from: i128,
    pub rule: Rule,
}

/// A span in which clicks may be missing, in 2⁻³² ticks, delays taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hole {
    pub from: i128,
    pub to: i128,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The front holds now; each ends where the next begins.
    stretches: VecDeque<Stretch>,
    current: Stretch,
    /// Disjoint, in order.
    holes: VecDeque<Hole>,
}

impl Plan {
    pub fn new() -> Plan {
        let current = Stretch { from: i128::MIN, rule: Rule::Unlocked(DropCause::NoLock) };
        Plan { stretches: VecDeque::new(), current, holes: VecDeque::new() }
    }

    pub fn current(&self) -> Stretch {
        self.current
    }

    /// The stretch after the current one.
    pub fn next(&self) -> Option<&Stretch> {
        self.stretches.front()
    }

    /// Ends the current stretch; stays if there is no next.
    pub fn advance(&mut self) {
        if let Some(next) = self.stretches.pop_front() {
            self.current = next;
        }
    }

    fn last(&self) -> Stretch {
        self.stretches.back().copied().unwrap_or(self.current)
    }

    /// Slots lie on `grid` from its first slot on, but not before `done`, which is final, nor
    /// before the loss of lock that this mark ends. Takes the place of what was planned from there
    /// on.
    pub fn lock(&mut self, grid: Grid, done: i128) {
        let mut from = grid.window_start(grid.first).max(done);
        let last = self.last();
        if matches!(last.rule, Rule::Unlocked(_)) {
            from = from.max(last.from);
        }
        while self
            .stretches
            .back()
            .is_some_and(|s| s.from > from || s.from == from && matches!(s.rule, Rule::Locked(_)))
        {
            self.stretches.pop_back();
        }
        self.stretches.push_back(Stretch { from, rule: Rule::Locked(grid) });
    }

    /// Slots have no number from `from` on. Marks for later slots that came before are void.
    pub fn unlock(&mut self, from: i128, cause: DropCause) {
        while self.stretches.back().is_some_and(|s| s.from >= from) {
            self.stretches.pop_back();
        }
        self.stretches.push_back(Stretch { from, rule: Rule::Unlocked(cause) });
    }

    pub fn hole(&self) -> Option<Hole> {
        self.holes.front().copied()
    }

    pub fn add_hole(&mut self, mut hole: Hole) {
        let at = self.holes.partition_point(|h| h.to < hole.from);
        while let Some(other) = self.holes.get(at).copied()
            && other.from <= hole.to
        {
            hole = Hole { from: hole.from.min(other.from), to: hole.to.max(other.to) };
            self.holes.remove(at);
        }
        self.holes.insert(at, hole);
    }

    /// Forgets the first hole.
    pub fn fill_hole(&mut self) {
        self.holes.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_merge_and_stay_in_order() {
        let mut plan = Plan::new();
        for (from, to) in [(10, 20), (40, 50), (30, 35), (20, 22), (33, 41)] {
            plan.add_hole(Hole { from, to });
        }
        assert_eq!(plan.holes, [Hole { from: 10, to: 22 }, Hole { from: 30, to: 50 }]);
    }
}
