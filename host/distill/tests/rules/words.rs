//! What was said in a run, message by message.

use helio_distill::{Inspected, Kind, Role, inspect};

use crate::channel::Slots;
use crate::pair::{Pair, Store, carry, parameters};

/// A message as it left.
pub struct Said {
    pub from: Role,
    pub seen: Inspected,
    pub bytes: Vec<u8>,
}

/// Contact and one block with these slots over an honest line.
pub fn run(slots: &Slots, seed: u64) -> (Pair, Vec<Said>) {
    let slots_per_block = u32::try_from(slots.count).expect("a block");
    let pair = Pair::with(parameters(slots_per_block), seed, Store::default(), Store::default());
    run_with(pair, slots)
}

/// The same with a pair that is there already.
pub fn run_with(mut pair: Pair, slots: &Slots) -> (Pair, Vec<Said>) {
    let mut said = Vec::new();
    let mut record = |from, index, bytes: Vec<u8>| {
        let seen = inspect(&bytes).expect("an honest message");
        said.push(Said { from, seen, bytes: bytes.clone() });
        carry(from, index, bytes)
    };
    pair.connect(&mut record);
    pair.feed(slots);
    pair.pump(&mut record);
    (pair, said)
}

/// The first message of a kind.
pub fn first(said: &[Said], kind: Kind) -> &Said {
    let found = said.iter().find(|s| s.seen.kind == kind);
    found.unwrap_or_else(|| panic!("no {kind:?} was said"))
}

/// Where messages of a kind stand among all.
pub fn places(said: &[Said], kind: Kind) -> Vec<usize> {
    (0..said.len()).filter(|&i| said[i].seen.kind == kind).collect()
}
