//! Cascade (Brassard and Salvail, EUROCRYPT '93), the yardstick for the LDPC codes.
//!
//! In each pass the string is permuted and cut into blocks whose parities Alice tells. Bob finds
//! an error in each block whose parity differs by bisection; each correction turns the parities of
//! that bit's blocks in the other passes, which are searched again. The first blocks hold about
//! one error, each next pass has blocks four times as large (up to half the string), and
//! [`LAST_PASSES`] more of that largest size find the rare pairs left, after Martinez-Mateo and
//! others, "Demystifying the information reconciliation protocol Cascade", arXiv:1407.3257.
//!
//! What Alice tells are prefix parities: the sum of the first x bits in the order of a pass. The
//! parity of a block is the sum of two. All questions of a round are one message, from one pass,
//! so that no two of them chase the same error.
//!
//! **Charge.** For each parity that Alice tells, Bob's next questions tell whether his differs:
//! one bit each way. Counting one direction only is a flaw (arXiv:2307.00576), so Cascade pays
//! about twice the efficiency that is quoted for it.
//! Measured (the command stands in [`super::ldpc`]): `f_alice` 1.04 to 1.09, λ_max 2.3 to 2.6 times
//! the Shannon limit, tens of thousands of rounds for 10^6 bits. It is kept small, not quick.
//!
//! | message | content |
//! |---|---|
//! | Alice: answers | one bit a question, packed, padding zero; first the block ends of pass 0 |
//! | Bob: questions | pass (1 byte), then positions (4 bytes each, least significant first) |
//! | Bob: opens a pass | pass (1 byte): the inner block ends of that pass, in order |
//! | Bob: end | empty |

use std::collections::{BTreeMap, BTreeSet};

use helio_keys::SecretBits;

use super::draw::Draw;
use super::{AliceStep, BobStep, Leak, Outcome, ReconcileAlice, ReconcileBob, ReconcileError};
use crate::bound::binary_entropy;

/// Longest string: the orders of all passes are kept in memory, 8 bytes a bit and pass.
const MAX_BITS: u64 = 1 << 22;
/// Passes with blocks of half the string.
const LAST_PASSES: usize = 8;

/// Block sizes and the number of parities that may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Bits of the string.
    pub bits: u32,
    /// Bits of a block in the first pass.
    pub first_block: u32,
    /// Parities that Alice may tell at most.
    pub parities: u64,
}

impl Layout {
    /// The layout for a string of `bits` bits with error rate `qber`, or `None` if it is too long
    /// or too short.
    ///
    /// The parities allowed are `1.15 · n · h(q + 4 · √(q(1 − q)/n))` + 200: simulation finds 1.05
    /// to 1.12 times the Shannon limit at the true error rate.
    pub fn choose(bits: u64, qber: f64) -> Option<Layout> {
        if !(64..=MAX_BITS).contains(&bits) {
            return None;
        }
        let n = bits as f64;
        let worst = qber + 4.0 * libm::sqrt(qber * (1.0 - qber) / n);
        let parities = libm::ceil(1.15 * n * binary_entropy(worst)) as u64 + 200;
        // The power of two next to 1/q, at most half the string.
        let first_block = libm::exp2(libm::round(libm::log2(1.0 / qber))).min(n / 2.0) as u32;
        Some(Layout { bits: bits as u32, first_block, parities })
    }

    /// Both directions of every parity.
    pub fn lambda_max(&self) -> u64 {
        2 * self.parities
    }

    /// Block size of each pass.
    fn blocks(&self) -> Vec<u32> {
        let largest = self.bits.div_ceil(2);
        let growing = std::iter::successors(Some(self.first_block), |b| b.checked_mul(4));
        let growing = growing.take_while(|block| *block < largest);
        growing.chain(std::iter::repeat_n(largest, LAST_PASSES)).collect()
    }

    /// Ends of the blocks of a pass whose prefix parities are not yet known: that of the whole
    /// string is the same in all passes and told in the first.
    fn ends(&self, pass: usize, block: u32) -> Vec<u32> {
        let inner = (1..).map(|i| i * u64::from(block)).take_while(|end| *end < self.bits.into());
        let whole = (pass == 0).then_some(self.bits);
        inner.map(|end| end as u32).chain(whole).collect()
    }

    /// The order of a pass: position to bit. The first pass leaves the order as it is.
    fn order(&self, pass: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.bits).collect();
        if pass > 0 {
            let mut draw = Draw::new(u64::from(self.bits) << 8 | pass as u64);
            for i in (1..order.len()).rev() {
                order.swap(i, draw.below(i as u64 + 1) as usize);
            }
        }
        order
    }
}

/// Alice: answers questions about prefix parities.
pub struct Alice {
    layout: Layout,
    blocks: Vec<u32>,
    bits: SecretBits,
    /// Prefix parities of the passes that were asked about: bit x is the sum of the first x + 1.
    prefixes: Vec<Option<SecretBits>>,
    told: u64,
    done: bool,
}

impl Alice {
    /// For a string of the length that `layout` was chosen for.
    pub fn new(layout: Layout, bits: &SecretBits) -> Alice {
        let blocks = layout.blocks();
        let prefixes = blocks.iter().map(|_| None).collect();
        Alice { layout, blocks, bits: bits.duplicate(), prefixes, told: 0, done: false }
    }

    fn answer(&mut self, pass: usize, ends: &[u32]) -> Vec<u8> {
        self.told += ends.len() as u64;
        let prefixes = self.prefixes[pass].get_or_insert_with(|| {
            let order = self.layout.order(pass);
            SecretBits::from_bits(order.iter().scan(false, |sum, i| {
                *sum ^= self.bits.get(*i as usize);
                Some(*sum)
            }))
        });
        SecretBits::from_bits(ends.iter().map(|end| prefixes.get(*end as usize - 1)))
            .to_bytes()
            .to_vec()
    }
}

impl ReconcileAlice for Alice {
    fn first(&mut self) -> Vec<u8> {
        self.answer(0, &self.layout.ends(0, self.blocks[0]))
    }

    fn handle(&mut self, message: &[u8]) -> Result<AliceStep, ReconcileError> {
        if self.done || self.told == 0 {
            return Err(ReconcileError::OutOfTurn);
        }
        let Some((&pass, positions)) = message.split_first() else {
            self.done = true;
            return Ok(AliceStep::Done);
        };
        let pass = usize::from(pass);
        let (positions, []) = positions.as_chunks::<4>() else {
            return Err(ReconcileError::Malformed("questions are not whole positions"));
        };
        let Some(&block) = self.blocks.get(pass) else {
            return Err(ReconcileError::Malformed("a question about a pass that there is not"));
        };
        let ends: Vec<u32> = match positions {
            [] => self.layout.ends(pass, block),
            some => some.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect(),
        };
        if ends.iter().any(|end| !(1..=self.layout.bits).contains(end)) {
            return Err(ReconcileError::Malformed("a question beyond the string"));
        }
        if self.told + ends.len() as u64 > self.layout.parities {
            return Err(ReconcileError::LeakExhausted { lambda_max: self.layout.lambda_max() });
        }
        Ok(AliceStep::Send(self.answer(pass, &ends)))
    }

    fn leak(&self) -> Leak {
        Leak { alice_bits: self.told, bob_bits: self.told }
    }
}

/// What Bob knows of one pass.
struct Pass {
    /// Position to bit, and bit to position.
    order: Vec<u32>,
    place: Vec<u32>,
    /// Alice's prefix parities, by position. Neighbours bound a block whose parity is known.
    known: BTreeMap<u32, bool>,
    /// Starts of the blocks in which Bob's parity differs.
    odd: BTreeSet<u32>,
}

impl Pass {
    fn new(layout: &Layout, pass: usize) -> Pass {
        let order = layout.order(pass);
        let mut place = vec![0; order.len()];
        (0..).zip(&order).for_each(|(position, bit)| place[*bit as usize] = position);
        Pass { order, place, known: BTreeMap::from([(0, false)]), odd: BTreeSet::new() }
    }

    /// The end of the block that starts at `start`.
    fn end(&self, start: u32) -> u32 {
        self.known.range(start + 1..).next().map_or(self.order.len() as u32, |(end, _)| *end)
    }

    /// Whether the parities of the block from `start` to the next known position differ.
    fn differs(&self, start: u32, bits: &SecretBits) -> bool {
        let end = self.end(start);
        let inside = &self.order[start as usize..end as usize];
        let own = inside.iter().fold(false, |sum, bit| sum ^ bits.get(*bit as usize));
        own ^ self.known[&start] ^ self.known[&end]
    }

    /// Marks a block as odd or even.
    fn mark(&mut self, start: u32, odd: bool) {
        match odd {
            true => self.odd.insert(start),
            false => self.odd.remove(&start),
        };
    }

    /// Turns the parity of the block that `bit` stands in.
    fn turn(&mut self, bit: u32) {
        let place = self.place[bit as usize];
        let start = self.known.range(..=place).next_back().map_or(0, |(start, _)| *start);
        self.mark(start, !self.odd.contains(&start));
    }
}

/// Bob: asks and corrects.
pub struct Bob {
    layout: Layout,
    blocks: Vec<u32>,
    bits: SecretBits,
    corrected: SecretBits,
    passes: Vec<Pass>,
    /// The pass and positions that were asked about.
    asked: Option<(usize, Vec<u32>)>,
    outcome: Outcome,
}

impl Bob {
    /// For a string of the length that `layout` was chosen for.
    pub fn new(layout: Layout, bits: &SecretBits) -> Bob {
        let blocks = layout.blocks();
        let asked = Some((0, layout.ends(0, blocks[0])));
        Bob {
            layout,
            blocks,
            bits: bits.duplicate(),
            corrected: SecretBits::zeros(bits.len()),
            passes: Vec::new(),
            asked,
            outcome: Outcome { frames: 1, ..Outcome::default() },
        }
    }

    /// Takes Alice's prefix parities and marks the blocks that they bound.
    fn learn(&mut self, pass: usize, ends: &[u32], answers: &SecretBits) {
        if pass == self.passes.len() {
            let mut new = Pass::new(&self.layout, pass);
            if let Some(first) = self.passes.first() {
                new.known.insert(self.layout.bits, first.known[&self.layout.bits]);
            }
            new.known.extend(ends.iter().copied().zip(answers.iter()));
            let starts: Vec<u32> = new.known.keys().copied().collect();
            for start in starts.into_iter().filter(|start| *start < self.layout.bits) {
                new.mark(start, new.differs(start, &self.bits));
            }
            self.passes.push(new);
            return;
        }
        let pass = &mut self.passes[pass];
        for (&middle, answer) in ends.iter().zip(answers.iter()) {
            pass.known.insert(middle, answer);
            let start = pass.known.range(..middle).next_back().map_or(0, |(start, _)| *start);
            // The block was odd: so is just one of its halves.
            let odd = pass.differs(start, &self.bits);
            pass.mark(start, odd);
            pass.mark(middle, !odd);
        }
    }

    /// Corrects what is found and puts the next questions, or ends.
    fn proceed(&mut self) -> Result<BobStep, ReconcileError> {
        loop {
            let Some(pass) = self.passes.iter().position(|pass| !pass.odd.is_empty()) else {
                let next = self.passes.len();
                return match self.blocks.get(next) {
                    Some(&block) => self.ask(next, self.layout.ends(next, block), vec![next as u8]),
                    None => Ok(BobStep::SendDone(Vec::new())),
                };
            };
            let of_pass = &self.passes[pass];
            let found = of_pass.odd.iter().find(|start| of_pass.end(**start) == **start + 1);
            if let Some(&start) = found {
                self.correct(of_pass.order[start as usize])?;
                continue;
            }
            let middle = |start: &u32| start + (of_pass.end(*start) - start) / 2;
            let middles: Vec<u32> = of_pass.odd.iter().map(middle).collect();
            let positions = middles.iter().flat_map(|middle| middle.to_le_bytes());
            let message = std::iter::once(pass as u8).chain(positions).collect();
            return self.ask(pass, middles, message);
        }
    }

    /// Inverts a bit that a block of one has shown to differ.
    fn correct(&mut self, bit: u32) -> Result<(), ReconcileError> {
        // With true answers a corrected bit is right for good.
        if self.corrected.get(bit as usize) {
            return Err(ReconcileError::Malformed("the parities contradict each other"));
        }
        self.corrected.set(bit as usize, true);
        self.bits.flip(bit as usize);
        self.outcome.corrected_errors += 1;
        self.passes.iter_mut().for_each(|pass| pass.turn(bit));
        Ok(())
    }

    fn ask(
        &mut self,
        pass: usize,
        ends: Vec<u32>,
        message: Vec<u8>,
    ) -> Result<BobStep, ReconcileError> {
        if self.outcome.leak.alice_bits + ends.len() as u64 > self.layout.parities {
            return Err(ReconcileError::LeakExhausted { lambda_max: self.layout.lambda_max() });
        }
        self.asked = Some((pass, ends));
        self.outcome.iterations += 1;
        Ok(BobStep::Send(message))
    }
}

impl ReconcileBob for Bob {
    fn handle(&mut self, message: &[u8]) -> Result<BobStep, ReconcileError> {
        let (pass, ends) = self.asked.take().ok_or(ReconcileError::OutOfTurn)?;
        let answers = SecretBits::from_bytes(message, ends.len())
            .map_err(|_| ReconcileError::Malformed("not an answer to each question"))?;
        let told = self.outcome.leak.alice_bits + ends.len() as u64;
        self.outcome.leak = Leak { alice_bits: told, bob_bits: told };
        self.learn(pass, &ends, &answers);
        self.proceed()
    }

    fn leak(&self) -> Leak {
        self.outcome.leak
    }

    fn corrected(self: Box<Self>) -> Result<(SecretBits, Outcome), ReconcileError> {
        let through = self.asked.is_none() && self.passes.len() == self.blocks.len();
        match through && self.passes.iter().all(|pass| pass.odd.is_empty()) {
            true => Ok((self.bits, self.outcome)),
            false => Err(ReconcileError::OutOfTurn),
        }
    }
}

#[cfg(test)]
mod tests;
