//! A frame done plainly, for the tests: lists of bits for blocks, explicit orders, a parity bit by
//! bit, and what is odd looked up in the difference of the strings.

use super::geometry::Geometry;
use super::order::Bit;

/// Bits of a block, by columns.
type Block = Vec<Vec<usize>>;

pub struct Reference<'a> {
    geometry: &'a Geometry,
    alice: Vec<bool>,
    pub bob: Vec<bool>,
    /// Blocks of each pass whose parity is known, in order.
    passes: Vec<Vec<Block>>,
    /// Alice's parities, by rounds.
    pub told: Vec<Vec<bool>>,
}

impl<'a> Reference<'a> {
    /// For strings of 64 bits for each word of a frame.
    pub fn new(geometry: &'a Geometry, alice: Vec<bool>, bob: Vec<bool>) -> Reference<'a> {
        let passes = geometry.layout.blocks().iter().enumerate().map(|(pass, blocks)| {
            let mut columns: Vec<Vec<(u32, usize)>> = Vec::new();
            for at in 0..alice.len() {
                let place = geometry.place(pass, Bit { word: at / 64, bit: at as u32 % 64 });
                let column = place as usize / 64;
                columns.resize_with(columns.len().max(column + 1), Vec::new);
                columns[column].push((place % 64, at));
            }
            // Rows that no word fills hold a zero on both sides: a bit beyond the strings.
            let rows = blocks.rows;
            let column = |with: &Vec<(u32, usize)>| -> Vec<usize> {
                let of =
                    |row| with.iter().find(|(r, _)| *r == row).map_or(usize::MAX, |(_, at)| *at);
                (0..rows).map(of).collect()
            };
            let columns: Vec<Vec<usize>> = columns.iter().map(column).collect();
            match blocks.parts {
                1 => columns.chunks(blocks.columns as usize).map(<[_]>::to_vec).collect(),
                parts => columns.iter().flat_map(|column| split(column, parts as usize)).collect(),
            }
        });
        let passes = passes.collect();
        Reference { geometry, alice, bob, passes, told: Vec::new() }
    }

    /// Runs to the end.
    pub fn run(&mut self) {
        let first = self.passes.iter().enumerate().flat_map(|(pass, blocks)| {
            blocks[..blocks.len() - usize::from(pass > 0)].iter().map(|b| parity(&self.alice, b))
        });
        self.told.push(first.collect());
        self.waves();
        let layout = &self.geometry.layout;
        let subsets: Vec<Vec<usize>> = (0..layout.subsets)
            .map(|subset| {
                let words = self.geometry.subset(subset);
                (0..self.alice.len()).filter(|at| words[at / 64] >> (at % 64) & 1 == 1).collect()
            })
            .collect();
        let of = |string: &[bool]| subsets.iter().map(|s| parity_of(string, s)).collect::<Vec<_>>();
        self.told.push(of(&self.alice));
        loop {
            let odd = of(&self.alice).iter().zip(of(&self.bob)).position(|(a, b)| *a != b);
            let Some(odd) = odd else { return };
            self.search(&subsets[odd]);
            self.waves();
        }
    }

    /// Bisects odd blocks, the first pass first, as long as there are any.
    fn waves(&mut self) {
        while let Some(pass) = (0..self.passes.len()).find(|pass| !self.odd(*pass).is_empty()) {
            let mut wave = self.odd(pass);
            while !wave.is_empty() {
                let levels = self.geometry.layout.levels(wave.len(), self.told.len() as u32);
                let (mut told, mut next, mut found) = (Vec::new(), Vec::new(), Vec::new());
                for run in wave {
                    let mut pieces = vec![run.clone()];
                    for _ in 0..levels {
                        pieces = pieces.iter().flat_map(halves).collect();
                    }
                    let (_, asked) = pieces.split_last().expect("a piece at least");
                    told.extend(asked.iter().map(|piece| parity(&self.alice, piece)));
                    let at = self.passes[pass].iter().position(|block| *block == run);
                    let at = at.expect("a known block");
                    self.passes[pass].splice(at..=at, pieces.clone());
                    for piece in pieces.into_iter().filter(|piece| self.differs(piece)) {
                        match piece.concat()[..] {
                            [bit] => found.push(bit),
                            _ => next.push(piece),
                        }
                    }
                }
                self.told.push(told);
                found.into_iter().for_each(|bit| self.bob[bit] = !self.bob[bit]);
                wave = next;
            }
        }
    }

    fn odd(&self, pass: usize) -> Vec<Block> {
        self.passes[pass].iter().filter(|block| self.differs(block)).cloned().collect()
    }

    fn differs(&self, block: &Block) -> bool {
        parity(&self.alice, block) != parity(&self.bob, block)
    }

    /// Finds an error in an odd subset: of the words in pieces, then of the bits of one word.
    fn search(&mut self, subset: &[usize]) {
        let fan = self.geometry.layout.fan as usize;
        let in_range = |from: usize, to: usize| -> Vec<usize> {
            subset.iter().copied().filter(|at| (from..to).contains(at)).collect()
        };
        let (mut from, mut to) = (0, self.alice.len());
        loop {
            let unit = if to - from > 64 { 64 } else { 1 };
            if unit == 1 {
                let inside = in_range(from, to);
                (from, to) = (inside[0], inside[inside.len() - 1] + 1);
                if to - from == 1 {
                    self.bob[from] = !self.bob[from];
                    return;
                }
            }
            let units = (to - from) / unit;
            let count = units.min(fan);
            let cut = |i: usize| from + i * units / count * unit;
            let pieces: Vec<Vec<usize>> =
                (0..count).map(|i| in_range(cut(i), cut(i + 1))).collect();
            let told = pieces[..count - 1].iter().map(|piece| parity_of(&self.alice, piece));
            self.told.push(told.collect());
            let odd =
                |piece: &Vec<usize>| parity_of(&self.alice, piece) != parity_of(&self.bob, piece);
            let odd = pieces.iter().position(odd).expect("an odd piece of an odd subset");
            (from, to) = (cut(odd), cut(odd + 1));
        }
    }
}

/// A block of several columns is halved between columns, one column between rows.
fn halves(block: &Block) -> Vec<Block> {
    match block.as_slice() {
        [column] if column.len() == 1 => vec![block.clone()],
        [column] => split(column, 2),
        columns => {
            let (left, right) = columns.split_at(columns.len() / 2);
            vec![left.to_vec(), right.to_vec()]
        }
    }
}

fn split(column: &[usize], parts: usize) -> Vec<Block> {
    let cut = |i: usize| i * column.len() / parts;
    (0..parts).map(|i| vec![column[cut(i)..cut(i + 1)].to_vec()]).collect()
}

fn parity(string: &[bool], block: &Block) -> bool {
    block.iter().fold(false, |sum, column| sum ^ parity_of(string, column))
}

fn parity_of(string: &[bool], bits: &[usize]) -> bool {
    bits.iter().fold(false, |sum, at| sum ^ string.get(*at).copied().unwrap_or(false))
}
