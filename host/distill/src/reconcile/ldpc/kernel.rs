//! The inner loops of the decoder, generic over what does the checks of a word.
//!
//! Layered normalised min-sum on 8-bit integers, with a weight that follows its progress. The checks
//! of a row are taken 64 at a time: their inputs are a word of each column, turned. A word stands as
//! the last row left it, so that it is turned as it is read and written back as it is. A posterior or
//! an input x stands for x + ½: then its complement is its opposite, both ends saturate alike, and none is
//! without a sign. Integer arithmetic alone: all [`Kernel`]s give the same bits.

/// Checks that are taken at a time.
pub const WORD: usize = 64;
/// Most circulants in a row.
pub const MAX_DEGREE: usize = 256;
/// Most iterations.
pub const ITERATIONS: u32 = 60;
/// A check's message is its smallest input times a weight, over this.
pub const ONE: u16 = 128;
/// Smallest weight: of the first messages, when all inputs are priors.
const LEAST_WEIGHT: i32 = 32;
/// Largest magnitude of a check's message: a quarter of the range, or posteriors saturate and
/// forget what they consist of.
pub const LIMIT: u16 = 32;
/// Frames in which less than one check in so many contradicts ...
const SETTLED: i32 = 256;
/// ... for so many iterations lose the prior from the posteriors of the staircase. What is wrong
/// then are a few bits in a row of one of its chains: their priors together outweigh the limited
/// message that comes from either end, which without them runs through.
const STUCK: u32 = 4;
/// A part of one in 4096 of a row's checks.
const PART: i32 = 1 << 12;

/// How the weight depends on the part u of checks whose inputs contradict them, which tells how good
/// the inputs are: 1 − linear·u − square·u², both in 128ths. Min-sum overstates what a check knows,
/// the more so the worse its inputs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Curve {
    /// The slope at no contradictions.
    pub linear: i32,
    /// The curvature.
    pub square: i32,
}

impl Curve {
    fn weight(self, part: i32) -> u16 {
        let reduced = self.linear * part / PART + self.square * (part * part / PART) / PART;
        (i32::from(ONE) - reduced).max(LEAST_WEIGHT) as u16
    }
}

/// A circulant, as the kernel sees it.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// The column's first word.
    pub first: u32,
    /// Its shift, in words.
    pub words: u32,
    /// Its shift in the words.
    pub place: u8,
    /// By how much the row turns words further than the row before did that has the column.
    pub turn: u8,
    /// The same, further than the last row did.
    pub turn_after: u8,
}

impl Edge {
    /// The word of posteriors that the checks of word `word` of the row have as inputs.
    #[inline(always)]
    pub fn input(&self, word: usize, width: usize) -> usize {
        let at = word + self.words as usize;
        self.first as usize + if at >= width { at - width } else { at }
    }
}

/// What does the checks of a row.
pub trait Kernel: Copy {
    /// How often the posteriors of a word stand, one after the other.
    const COPIES: usize;

    /// Bytes of what the checks of a word remember, of this degree.
    fn message_bytes(degree: usize) -> usize;

    /// Whether the signs of the posteriors have a row's syndrome, after the last row.
    fn satisfied(self, posteriors: &[i8], syndrome: &[u64], row: &[Edge]) -> bool;

    /// Updates the checks of a row with a weight, and the bits that it touches. Returns how many of the checks contradicted their inputs.
    fn update(
        self,
        posteriors: &mut [i8],
        messages: &mut [i8],
        syndrome: &[u64],
        row: &[Edge],
        weight: u16,
        scratch: &mut Scratch,
    ) -> u32;
}

/// A decoder's memory.
pub struct State {
    /// Words of a column.
    pub width: usize,
    /// The circulants of the rows.
    pub rows: Vec<Vec<Edge>>,
    /// [`Kernel::COPIES`] times 64 posteriors a word: positive for no error.
    pub posteriors: Aligned,
    /// What checks remember: by row, word of checks.
    pub messages: Aligned,
    /// Room for the work on one row.
    pub scratch: Scratch,
    /// The syndrome of as many rows as are taken.
    pub syndrome: Vec<u64>,
    /// The prior of an unknown bit.
    pub prior: i8,
    /// The first words, which are those of the staircase.
    pub staircase: usize,
    /// The weight of messages.
    pub curve: Curve,
}

/// Runs at most [`ITERATIONS`] over as many rows as the syndrome has. Returns the number of iterations
/// after which the signs of the posteriors had the syndrome.
#[inline(always)]
pub fn run<K: Kernel>(kernel: K, state: &mut State) -> Option<u32> {
    let width = state.width;
    let rows = &state.rows[..state.syndrome.len() / width];
    // A mean of the last rows' parts of contradicting checks; at first it is not known.
    let mut part = PART / 2;
    let mut settled = 0;
    for iteration in 0..=ITERATIONS {
        let mut checks = rows.iter().zip(state.syndrome.chunks_exact(width));
        if checks.all(|(row, syndrome)| kernel.satisfied(&state.posteriors, syndrome, row)) {
            return Some(iteration);
        }
        if iteration == ITERATIONS {
            break;
        }
        settled = if part < PART / SETTLED { settled + 1 } else { 0 };
        if settled == STUCK {
            let chains = &mut state.posteriors[..state.staircase * K::COPIES * WORD];
            chains.iter_mut().for_each(|p| *p = p.saturating_sub(state.prior));
        }
        let mut messages = &mut state.messages[..];
        for (row, syndrome) in rows.iter().zip(state.syndrome.chunks_exact(width)) {
            let (of_row, rest) = messages.split_at_mut(K::message_bytes(row.len()) * width);
            messages = rest;
            let weight = state.curve.weight(part);
            let (bits, scratch) = (&mut state.posteriors, &mut state.scratch);
            let odd = kernel.update(bits, of_row, syndrome, row, weight, scratch);
            part += (odd as i32 * PART / (width * WORD) as i32 - part) / 8;
        }
    }
    None
}

/// Memory for the work on one row.
pub struct Scratch {
    /// The inputs of a word of checks.
    pub inputs: Aligned,
    /// Places of its edges, as a kernel wants them.
    pub places: Box<[[u32; MAX_DEGREE]; 5]>,
}

impl Scratch {
    /// For rows of at most [`MAX_DEGREE`] edges.
    pub fn new() -> Scratch {
        let places = Box::new([[0; MAX_DEGREE]; 5]);
        Scratch { inputs: Aligned::zeros(MAX_DEGREE * WORD), places }
    }
}

/// Bytes from a line of the cache on.
pub struct Aligned {
    memory: Vec<i8>,
    from: usize,
    len: usize,
}

impl Aligned {
    /// Zeros.
    pub fn zeros(len: usize) -> Aligned {
        let memory = vec![0; len + WORD];
        let from = memory.as_ptr().align_offset(WORD).min(WORD);
        Aligned { memory, from, len }
    }

    /// Overwrites them, once and for all.
    pub fn wipe(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.memory);
    }
}

impl std::ops::Deref for Aligned {
    type Target = [i8];

    fn deref(&self) -> &[i8] {
        &self.memory[self.from..][..self.len]
    }
}

impl std::ops::DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [i8] {
        &mut self.memory[self.from..][..self.len]
    }
}
