//! The last check of a frame: parities of random halves of it, all in one round. Each misses a
//! frame that still differs with probability one half. A half that differs is searched in its
//! natural order, in pieces, for one error; the passes find the others.

use std::ops::Range;

use super::geometry::Geometry;
use super::order::Bit;

/// Where the search for an error of an odd subset stands.
pub struct Search {
    subset: u32,
    /// Places in the natural order of the frame: the subset's bits among them differ by an odd
    /// number.
    places: Range<u32>,
}

/// What a search comes to.
pub enum Next {
    /// Ask for the parities of these runs of the subset's places, all but the last of its pieces.
    Ask(Vec<Range<u32>>),
    /// This bit is the error.
    Found(Bit),
    /// There is no bit left: somebody lied.
    Nothing,
}

impl Search {
    /// Begins with all of the subset.
    pub fn new(geometry: &Geometry, subset: u32) -> Search {
        Search { subset, places: 0..64 * geometry.words as u32 }
    }

    /// What to ask, or what was found.
    pub fn next(&mut self, geometry: &Geometry) -> Next {
        self.shrink(geometry);
        match self.places.len() {
            0 => Next::Nothing,
            1 => {
                let place = self.places.start;
                Next::Found(Bit { word: place as usize >> 6, bit: place & 63 })
            }
            _ => {
                let mut pieces = self.pieces(geometry);
                pieces.pop();
                Next::Ask(pieces)
            }
        }
    }

    /// Goes on in the first odd piece, or in the last if all those asked about are even.
    pub fn narrow(&mut self, geometry: &Geometry, first_odd: usize) {
        self.places = self.pieces(geometry).swap_remove(first_odd);
    }

    /// The parity of this station's bits in a run of places.
    pub fn parity(
        &self,
        geometry: &Geometry,
        words: impl Fn(usize) -> u64,
        run: &Range<u32>,
    ) -> u64 {
        let subset = geometry.subset(self.subset);
        let (first, last) = (run.start as usize >> 6, (run.end as usize - 1) >> 6);
        let mut sum = (first..=last).fold(0, |sum, word| sum ^ words(word) & subset[word]);
        if first == last {
            sum = sum >> (run.start & 63) << (64 - run.len());
        }
        u64::from(sum.count_ones() & 1)
    }

    /// Equal pieces: of whole words as long as there are several.
    fn pieces(&self, geometry: &Geometry) -> Vec<Range<u32>> {
        let Range { start, end } = self.places;
        let unit = if end - start > 64 { 64 } else { 1 };
        let units = (end - start) / unit;
        let count = units.min(geometry.layout.fan);
        let cut = |i: u32| start + i * units / count * unit;
        (0..count).map(|i| cut(i)..cut(i + 1)).collect()
    }

    /// Within a word, leaves out what is not of the subset at both ends.
    fn shrink(&mut self, geometry: &Geometry) {
        if self.places.len() > 64 {
            return;
        }
        let first = self.places.start & !63;
        let run = !0 >> (64 - self.places.len()) << (self.places.start & 63);
        let bits = geometry.subset(self.subset)[first as usize >> 6] & run;
        self.places = match bits {
            0 => first..first,
            _ => first + bits.trailing_zeros()..first + 64 - bits.leading_zeros(),
        };
    }
}
