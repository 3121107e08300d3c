//! What all frames of a block share: sizes, orders of the passes, subsets of the last check.

use zeroize::Zeroizing;

use super::layout::Layout;
use super::order::{Bit, Order};
use super::pass::Pass;
use crate::reconcile::draw::Draw;

/// What follows from a layout.
pub struct Geometry {
    /// What it follows from.
    pub layout: Layout,
    /// Words of the longest frame.
    pub words: usize,
    /// Orders of the passes after the first, which leaves the order as it is.
    orders: Vec<Order>,
    /// For each subset of the last check and each word, which bits are in it.
    subsets: Vec<u64>,
}

impl Geometry {
    /// Of a layout. Two stations with the same layout have the same.
    pub fn new(layout: Layout) -> Geometry {
        let words = layout.frame_words();
        let seed = |pass: u64| (words as u64) << 8 | pass;
        let orders = (1..).zip(&layout.blocks()[1..]);
        let orders = orders.map(|(p, blocks)| Order::new(words, blocks.rows as usize, seed(p)));
        let mut draw = Draw::new(seed(u8::MAX.into()));
        let subsets = (0..words * layout.subsets as usize).map(|_| draw.next());
        let (orders, subsets) = (orders.collect(), subsets.collect());
        Geometry { layout, words, orders, subsets }
    }

    /// The passes of a frame with these words, all of the geometry's.
    pub fn passes(&self, words: &[u64]) -> Vec<Pass> {
        let blocks = self.layout.blocks();
        let mut passes = Vec::with_capacity(blocks.len());
        let mut bits = Zeroizing::new(vec![0; self.words]);
        bits[..words.len()].copy_from_slice(words);
        passes.push(Pass::new(bits, blocks[0]));
        for (order, block) in self.orders.iter().zip(&blocks[1..]) {
            let mut bits = Zeroizing::new(vec![0; order.columns()]);
            order.arrange(words, &mut bits);
            passes.push(Pass::new(bits, *block));
        }
        passes
    }

    /// Where a bit stands in a pass.
    #[inline]
    pub fn place(&self, pass: usize, bit: Bit) -> u32 {
        match pass {
            0 => (bit.word as u32) << 6 | bit.bit,
            _ => self.orders[pass - 1].place(bit),
        }
    }

    /// Which bit stands at a place of a pass.
    #[inline]
    pub fn bit(&self, pass: usize, place: u32) -> Bit {
        match pass {
            0 => Bit { word: place as usize >> 6, bit: place & 63 },
            _ => self.orders[pass - 1].bit(place),
        }
    }

    /// The bits of each word that are in a subset.
    pub fn subset(&self, subset: u32) -> &[u64] {
        &self.subsets[subset as usize * self.words..][..self.words]
    }

    /// The subsets that a bit is in, subset i in bit i.
    pub fn subsets_of(&self, Bit { word, bit }: Bit) -> u64 {
        let of = |subset: u32| self.subset(subset)[word] >> bit & 1;
        (0..self.layout.subsets).fold(0, |all, subset| all | of(subset) << subset)
    }
}
