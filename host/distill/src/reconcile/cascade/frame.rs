//! One frame: which parities are asked for next, and what follows from their comparison.
//!
//! Both stations run this on the same comparisons and so know what is asked without saying it.
//! A frame begins with the blocks of all passes. Then, wave by wave, all odd blocks of the first
//! pass that has any are bisected at once: blocks of one pass have no bit in common, so no two of
//! them chase the same error. What a wave corrects turns blocks of the other passes. When no
//! block is odd, the last check is made ([`super::check`]).

use super::check::{Next, Search};
use super::geometry::Geometry;
use super::layout::Blocks;
use super::order::Bit;
use super::pass::{Pass, Run};
use super::wire::{Reader, Writer};
use crate::reconcile::ReconcileError;

const SHORT: ReconcileError = ReconcileError::Malformed("too few parities");
const CONTRADICTION: ReconcileError =
    ReconcileError::Malformed("the parities contradict each other");

/// What a frame has asked for.
enum Asked {
    /// The blocks of all passes.
    Blocks,
    /// The left halves of the wave.
    Halves,
    /// The subsets of the last check.
    Subsets,
    /// Pieces of a subset.
    Pieces(Search),
    /// Nothing: no difference is left that a parity would show.
    Nothing,
}

/// One frame, as one station sees it.
pub struct Frame {
    passes: Vec<Pass>,
    /// Bits of the frame; the words may have more.
    bits: usize,
    /// Which bits were corrected.
    corrected: Vec<u64>,
    count: u32,
    /// Runs that are bisected, and of which pass.
    wave: Vec<Run>,
    wave_pass: usize,
    /// How often its runs are halved at once.
    levels: u32,
    /// Rounds of comparisons.
    rounds: u32,
    asked: Asked,
    /// Subsets of the last check that are odd, once it was made.
    odd_subsets: Option<u64>,
    /// This station's parities of what is asked, 64 a word.
    own: Vec<u64>,
    questions: u32,
    /// Whether this station's string is the one that changes.
    changes: bool,
}

impl Frame {
    /// A frame of `bits` bits. It asks for the blocks of all passes.
    pub fn new(geometry: &Geometry, words: &[u64], bits: usize, changes: bool) -> Frame {
        let passes = geometry.passes(words);
        let mut frame = Frame {
            passes,
            bits,
            corrected: vec![0; words.len()],
            count: 0,
            wave: Vec::new(),
            wave_pass: 0,
            levels: 1,
            rounds: 0,
            asked: Asked::Blocks,
            odd_subsets: None,
            own: Vec::new(),
            questions: 0,
            changes,
        };
        for (number, (pass, blocks)) in
            frame.passes.iter().zip(geometry.layout.blocks()).enumerate()
        {
            for block in pass.first_blocks(*blocks).take(first_told(number, pass, *blocks)) {
                push(&mut frame.own, &mut frame.questions, pass.parity(block));
            }
        }
        frame
    }

    /// Whether nothing is asked any more.
    pub fn is_done(&self) -> bool {
        matches!(self.asked, Asked::Nothing)
    }

    /// Bits corrected.
    pub fn corrections(&self) -> u32 {
        self.count
    }

    /// Rounds of comparisons.
    pub fn rounds(&self) -> u32 {
        self.rounds
    }

    /// The corrected bits, as a pattern.
    pub fn corrected(&self) -> &[u64] {
        &self.corrected
    }

    /// Tells this station's parities of what is asked.
    pub fn tell(&self, out: &mut Writer) {
        let mut left = self.questions;
        for word in &self.own {
            out.put(*word, left.min(64));
            left = left.saturating_sub(64);
        }
    }

    /// Compares with the other station's parities, corrects what that shows, and asks for more.
    pub fn hear(&mut self, geometry: &Geometry, theirs: &mut Reader) -> Result<(), ReconcileError> {
        if self.is_done() {
            return Ok(());
        }
        self.rounds += 1;
        let mut left = self.questions;
        for word in &mut self.own {
            *word ^= theirs.take(left.min(64)).ok_or(SHORT)?;
            left = left.saturating_sub(64);
        }
        match std::mem::replace(&mut self.asked, Asked::Nothing) {
            Asked::Blocks => self.open(geometry),
            Asked::Halves if self.levels == 1 => self.halve(geometry)?,
            Asked::Halves => self.cut(geometry)?,
            Asked::Subsets => self.odd_subsets = Some(self.own[0]),
            Asked::Pieces(mut search) => {
                search.narrow(geometry, self.own[0].trailing_zeros().min(self.questions) as usize);
                self.search(geometry, search)?;
            }
            Asked::Nothing => {}
        }
        self.ask(geometry)
    }

    /// Notes which blocks are odd.
    fn open(&mut self, geometry: &Geometry) {
        let (mut at, mut total) = (0, 0);
        let passes = self.passes.iter_mut().zip(geometry.layout.blocks());
        for (number, (pass, blocks)) in passes.enumerate() {
            let told = first_told(number, pass, *blocks);
            let mut sum = 0;
            for (i, block) in pass.first_blocks(*blocks).enumerate() {
                let odd = if i < told { bit(&self.own, at + i) } else { sum ^ total };
                sum ^= odd;
                if odd == 1 {
                    pass.turn(block.start);
                }
            }
            at += told;
            total = sum;
        }
    }

    /// Goes on in the half of each run that is odd, and corrects what is found.
    fn halve(&mut self, geometry: &Geometry) -> Result<(), ReconcileError> {
        let pass = &mut self.passes[self.wave_pass];
        let rows = pass.rows();
        let mut kept = 0;
        let mut found = Vec::new();
        for i in 0..self.wave.len() {
            let Run { start, end } = self.wave[i];
            let middle = self.wave[i].middle();
            pass.begin(middle);
            // Which half it is, is a coin toss: no branch guesses it.
            let left = (bit(&self.own, i) as u32).wrapping_neg();
            let half =
                Run { start: start & left | middle & !left, end: middle & left | end & !left };
            let half = half.within(rows);
            match half.is_found() {
                true => found.push(half.start),
                false => {
                    self.wave[kept] = half;
                    kept += 1;
                }
            }
        }
        self.wave.truncate(kept);
        found.into_iter().try_for_each(|place| {
            self.correct(geometry, geometry.bit(self.wave_pass, place), Some(self.wave_pass))
        })
    }

    /// The same for runs that were halved more than once: each piece that is odd goes on.
    fn cut(&mut self, geometry: &Geometry) -> Result<(), ReconcileError> {
        let pass = &mut self.passes[self.wave_pass];
        let rows = pass.rows();
        let (mut at, mut next, mut found) = (0, Vec::new(), Vec::new());
        for run in &self.wave {
            let mut sum = 1;
            run.pieces(self.levels, rows, &mut |piece, is_last| {
                pass.begin(piece.start);
                let odd = if is_last { sum } else { bit(&self.own, at) };
                at += usize::from(!is_last);
                sum ^= odd;
                match (odd, piece.is_found()) {
                    (0, _) => {}
                    (_, false) => next.push(piece),
                    (_, true) => found.push(piece.start),
                }
            });
        }
        self.wave = next;
        found.into_iter().try_for_each(|place| {
            self.correct(geometry, geometry.bit(self.wave_pass, place), Some(self.wave_pass))
        })
    }

    /// Corrects a bit. It was found in the pass `found_in`, where its block is even by now.
    fn correct(
        &mut self,
        geometry: &Geometry,
        bit: Bit,
        found_in: Option<usize>,
    ) -> Result<(), ReconcileError> {
        // With true parities a bit that was corrected is right for good.
        let mask = 1 << bit.bit;
        if 64 * bit.word + bit.bit as usize >= self.bits || self.corrected[bit.word] & mask != 0 {
            return Err(CONTRADICTION);
        }
        self.corrected[bit.word] |= mask;
        self.count += 1;
        for (number, pass) in self.passes.iter_mut().enumerate() {
            let place = geometry.place(number, bit);
            if self.changes {
                pass.flip(place);
            }
            if found_in != Some(number) {
                pass.turn(place);
            }
        }
        if let Some(odd) = &mut self.odd_subsets {
            *odd ^= geometry.subsets_of(bit);
        }
        Ok(())
    }

    /// Prepares the next questions, if any.
    fn ask(&mut self, geometry: &Geometry) -> Result<(), ReconcileError> {
        if let Asked::Pieces(_) = self.asked {
            return Ok(());
        }
        self.own.clear();
        self.questions = 0;
        loop {
            if !self.wave.is_empty() {
                let pass = &self.passes[self.wave_pass];
                self.levels = geometry.layout.levels(self.wave.len(), self.rounds);
                if self.levels == 1 {
                    for run in &self.wave {
                        let left = Run { start: run.start, end: run.middle() };
                        push(&mut self.own, &mut self.questions, pass.parity(left));
                    }
                } else {
                    for run in &self.wave {
                        run.pieces(self.levels, pass.rows(), &mut |piece, is_last| {
                            if !is_last {
                                push(&mut self.own, &mut self.questions, pass.parity(piece));
                            }
                        });
                    }
                }
                self.asked = Asked::Halves;
                return Ok(());
            }
            if self.begin_wave(geometry)? {
                continue;
            }
            match self.odd_subsets {
                None => {
                    for subset in 0..geometry.layout.subsets {
                        let bits = geometry.subset(subset).iter().zip(self.passes[0].bits());
                        let sum = bits.fold(0, |sum, (subset, bits)| sum ^ subset & bits);
                        let parity = u64::from(sum.count_ones() & 1);
                        push(&mut self.own, &mut self.questions, parity);
                    }
                    self.asked = Asked::Subsets;
                    return Ok(());
                }
                Some(0) => return Ok(()),
                Some(odd) => {
                    self.search(geometry, Search::new(geometry, odd.trailing_zeros()))?;
                    if let Asked::Pieces(_) = self.asked {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Takes the odd blocks of the first pass that has any. Whether there are some.
    fn begin_wave(&mut self, geometry: &Geometry) -> Result<bool, ReconcileError> {
        for pass in 0..self.passes.len() {
            self.passes[pass].take_odd(&mut self.wave);
            if self.wave.is_empty() {
                continue;
            }
            self.wave_pass = pass;
            // A block of one bit needs no question.
            let found: Vec<Run> = self.wave.extract_if(.., |run| run.is_found()).collect();
            for run in found {
                self.correct(geometry, geometry.bit(pass, run.start), Some(pass))?;
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Goes on with a search: asks, or corrects what it found.
    fn search(&mut self, geometry: &Geometry, mut search: Search) -> Result<(), ReconcileError> {
        match search.next(geometry) {
            Next::Nothing => Err(CONTRADICTION),
            Next::Found(bit) => self.correct(geometry, bit, None),
            Next::Ask(pieces) => {
                self.own.clear();
                self.questions = 0;
                let words = self.passes[0].bits();
                for piece in &pieces {
                    let parity = search.parity(geometry, |word| words[word], piece);
                    push(&mut self.own, &mut self.questions, parity);
                }
                self.asked = Asked::Pieces(search);
                Ok(())
            }
        }
    }
}

/// Blocks of a pass of which the parity is told at first: the sum over all is known from the first
/// pass, and with it the last of every other one.
fn first_told(number: usize, pass: &Pass, blocks: Blocks) -> usize {
    pass.first_blocks(blocks).count() - usize::from(number > 0)
}

#[inline]
fn bit(bits: &[u64], at: usize) -> u64 {
    bits[at / 64] >> (at % 64) & 1
}

/// Appends a bit.
#[inline]
fn push(bits: &mut Vec<u64>, count: &mut u32, bit: u64) {
    match *count % 64 {
        0 => bits.push(bit),
        at => {
            if let Some(last) = bits.last_mut() {
                *last |= bit << at;
            }
        }
    }
    *count += 1;
}
