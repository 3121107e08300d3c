//! Seeded light for the tests: Poissonian photons from a small generator (xorshift64*).

pub(super) struct Light(u64);

impl Light {
    pub(super) fn new(seed: u64) -> Light {
        Light(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Uniform in (0, 1].
    pub(super) fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        (bits + 1) as f64 / (1u64 << 53) as f64
    }

    /// An exponentially distributed gap with this mean, in whole ticks.
    pub(super) fn gap(&mut self, mean: f64) -> u64 {
        (-mean * self.uniform().ln()) as u64
    }
}
