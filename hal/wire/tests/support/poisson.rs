//! Detections as a Poisson process, reproducible from a seed.

use helio_bench::Edge;
use helio_units::Ticks;

/// xorshift64*: good enough to draw waiting times, and the same everywhere.
pub struct Poisson {
    state: u64,
    mean_ticks: f64,
    channels: u64,
    tick: u64,
}

impl Poisson {
    /// `mean_ticks` between edges on any of `channels` equally likely channels.
    pub fn new(seed: u64, mean_ticks: f64, channels: u8) -> Poisson {
        Poisson { state: seed | 1, mean_ticks, channels: channels.into(), tick: 0 }
    }

    fn draw(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

impl Iterator for Poisson {
    type Item = Edge;

    fn next(&mut self) -> Option<Edge> {
        let uniform = ((self.draw() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        self.tick += (-uniform.ln() * self.mean_ticks) as u64;
        let channel = (self.draw() >> 32) % self.channels;
        Some(Edge { tick: Ticks(self.tick), channel: channel as u8 })
    }
}
