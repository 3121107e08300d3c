//! Speed and peak memory of privacy amplification, half out:
//! `cargo run --release -p helio-distill --example amplify_memory -- [BITS] [RUNS]`
//! (10^8 bits and 3 runs unless given; Linux).
//!
//! Throughput is of input bits, by the clock and by the time on the processor. Peak memory is the
//! kernel's VmHWM of the whole process, which holds input, seed and output too.

use std::time::Instant;

use helio_distill::amplify::{amplify, seed_bits};
use helio_distill::gf2::Level;
use helio_keys::{EntropySource, SecretBits, SeededEntropy, SimulatedDevices};

fn random(bits: usize, stream: &str) -> SecretBits {
    let devices = SimulatedDevices::declared(true, true).expect("both simulated");
    SeededEntropy::new(devices, 1, stream).bits(bits).expect("never fails")
}

/// A number of a file in /proc, on the line that starts with `key`.
fn from_proc(file: &str, key: &str) -> Option<f64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

fn main() {
    let mut numbers = std::env::args().skip(1).map(|arg| arg.parse().expect("a number"));
    let bits: usize = numbers.next().unwrap_or(100_000_000);
    let runs = numbers.next().unwrap_or(3);
    let output = bits / 2;
    let (input, seed) = (random(bits, "input"), random(seed_bits(bits, output), "seed"));
    let mib = |key: &str| from_proc("/proc/self/status", key).unwrap_or(f64::NAN) / 1024.0;
    println!("{bits} to {output} bits, {}", Level::best().name());
    println!("peak before: {:.1} MiB with input and seed", mib("VmHWM:"));
    // Nanoseconds on the processor.
    let cpu = || from_proc("/proc/thread-self/schedstat", "").unwrap_or(f64::NAN);
    let (start, cpu_start) = (Instant::now(), cpu());
    let mut ones = 0;
    for _ in 0..runs {
        ones += amplify(&input, &seed, output).expect("fits").count_ones();
    }
    let hashed = (bits * runs) as f64;
    println!(
        "{:.0} Mbit/s by the clock, {:.0} Mbit/s by processor time ({:.3} of the bits set)",
        hashed / start.elapsed().as_secs_f64() / 1e6,
        hashed / (cpu() - cpu_start) * 1e3,
        ones as f64 / (output * runs) as f64
    );
    println!("peak after: {:.1} MiB", mib("VmHWM:"));
}
