//! Designs the ensembles of LDPC codes by density evolution: prints the table that stands in
//! `src/reconcile/ldpc/ensemble.rs`.
//!
//! `cargo run --release -p helio-distill --example protograph_design -- [candidates of each ensemble, default
//! 2000] [QBER in percent, default all of the table]`
//!
//! A local search with a fixed seed: the fractions of the degrees and the degrees themselves are
//! changed at random, and a change stays if the code then decodes with a smaller share of syndrome.
//! Bounded are the mean degree, which the decoder's time is proportional to, the largest degree,
//! for which a base matrix needs rows, the iterations, and the columns of degree 2, which must fit
//! into a staircase through the rows. The output is the same on every machine.

use helio_distill::bound::binary_entropy;
use helio_distill::reconcile::density::{Evolution, ITERATIONS, MARGIN, prior_for};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Error rates of the table, in percent.
const QBERS: [f64; 8] = [0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 9.0];
/// Largest mean degree of a column.
const MOST_MEAN: f64 = 6.2;
/// Largest degree.
const MOST: usize = 16;
/// Columns of degree 2 over rows, at most.
const STAIRCASE: f64 = 0.85;
/// Where the search begins.
const START: [(usize, f64); 5] = [(2, 0.1), (3, 0.6), (4, 0.03), (7, 0.05), (13, 0.22)];
/// Steps of f in which the search goes on.
const STEP: f64 = 0.002;
/// Parts in which fractions are written down.
const WHOLE: f64 = 10_000.0;

type Degrees = Vec<(usize, f64)>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let candidates: usize = args.next().map_or(Ok(2000), |count| count.parse())?;
    let asked: Option<f64> = args.next().map(|percent| percent.parse()).transpose()?;
    println!("pub static TABLE: &[Ensemble] = &[");
    for percent in asked.map_or(QBERS.to_vec(), |percent| vec![percent]) {
        let qber = percent / 100.0;
        let degrees = search(qber, candidates);
        let mut evolution = Evolution::new(&degrees, qber, prior_for(qber));
        let threshold = evolution.threshold(ITERATIONS);
        evolution.run(threshold + MARGIN, ITERATIONS);
        let curve = evolution.curve();
        let parts: Vec<String> =
            degrees.iter().map(|(d, part)| format!("({d}, {:.0})", part * WHOLE)).collect();
        println!("    Ensemble {{");
        println!("        qber: {qber},");
        println!("        degrees: &[{}],", parts.join(", "));
        println!("        prior: {},", prior_for(qber));
        println!("        curve: Curve {{ linear: {}, square: {} }},", curve.linear, curve.square);
        println!("        threshold: {threshold:.3},");
        println!("    }},");
    }
    println!("];");
    Ok(())
}

fn search(qber: f64, candidates: usize) -> Degrees {
    let mut draw = ChaCha8Rng::seed_from_u64(1);
    let mut best = rounded(START.to_vec());
    let mut f = Evolution::new(&best, qber, prior_for(qber)).threshold(ITERATIONS);
    for candidate in 0..candidates {
        // Large changes first.
        let reach = 0.05 + 0.3 * (1.0 - candidate as f64 / candidates as f64);
        let next = changed(&best, &mut draw, reach, qber, f);
        let mut evolution = Evolution::new(&next, qber, prior_for(qber));
        if evolution.mean_degree() > MOST_MEAN || evolution.run(f - STEP, ITERATIONS).is_none() {
            continue;
        }
        while evolution.run(f - STEP, ITERATIONS).is_some() {
            f -= STEP;
        }
        eprintln!("{:.1} %, candidate {candidate}: {f:.4} {next:?}", 100.0 * qber);
        best = next;
    }
    best
}

fn uniform(draw: &mut ChaCha8Rng) -> f64 {
    f64::from(draw.next_u32()) / 2f64.powi(32)
}

fn changed(from: &Degrees, draw: &mut ChaCha8Rng, reach: f64, qber: f64, f: f64) -> Degrees {
    let mut next = from.clone();
    for (degree, part) in &mut next {
        if uniform(draw) < 0.6 {
            *part *= 1.0 + reach * (2.0 * uniform(draw) - 1.0);
        }
        if *degree > 4 && uniform(draw) < 0.15 {
            let up = uniform(draw) < 0.5;
            *degree = if up { (*degree + 1).min(MOST) } else { (*degree - 1).max(5) };
        }
    }
    let whole: f64 = next.iter().map(|(_, part)| part).sum();
    next.iter_mut().for_each(|(_, part)| *part /= whole);
    let room = STAIRCASE * f * binary_entropy(qber);
    let beyond = (next[0].1 - room).max(0.0);
    next[0].1 -= beyond;
    next[1].1 += beyond;
    rounded(next)
}

/// Fractions as they are written down; those of degree 3 make the sum whole.
fn rounded(mut degrees: Degrees) -> Degrees {
    degrees.iter_mut().for_each(|(_, part)| *part = (*part * WHOLE).round() / WHOLE);
    let others: f64 = degrees.iter().map(|(d, part)| if *d == 3 { 0.0 } else { *part }).sum();
    if let Some((_, part)) = degrees.iter_mut().find(|(d, _)| *d == 3) {
        *part = ((1.0 - others) * WHOLE).round() / WHOLE;
    }
    degrees
}
