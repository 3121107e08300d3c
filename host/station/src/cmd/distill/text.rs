//! What a run of the engine showed, for people.

use std::fmt::Write;

use crate::engine::block_size::Choice;
use crate::engine::figures::StationFigures;
use crate::engine::{Outcome, Setup};
use crate::term::{grouped, trimmed};

/// What is about to run.
pub fn opening(setup: &Setup, choice: Option<&Choice>) -> String {
    let (p, expected) = (&setup.link.parameters, &setup.link.prospect);
    let mut text = String::new();
    let weights = |weights: &[u16]| {
        let share = |w: &u16| format!("{:.1}", f64::from(*w) / 40.96);
        weights.iter().map(share).collect::<Vec<_>>().join(" / ")
    };
    let offered = match setup.rate {
        Some(rate) => format!("{} Mbit/s sifted offered", trimmed(rate / 1e6, 4)),
        None => "as fast as it goes".to_owned(),
    };
    let _ = writeln!(
        text,
        "SIMULATED   the engine alone, two stations over TCP on this machine, {offered}, round trip \
         {} ms, {} in flight",
        trimmed(setup.round_trip.as_secs_f64() * 1e3, 3),
        match setup.blocks_in_flight {
            1 => "a block".to_owned(),
            n => format!("{n} blocks"),
        },
    );
    let _ = writeln!(
        text,
        "link        {} dB in all, QBER {:.2} %, mu {} photons, chosen {} %, key basis {} %",
        trimmed(setup.link.channel.loss.0, 3),
        100.0 * expected.counts.qber_key(),
        p.mu_nano.map(|mu| trimmed(mu as f64 / 1e9, 4))[..p.intensities()].join(" / "),
        weights(&p.intensity_weights[..p.intensities()]),
        weights(&[p.alice_key_weight]),
    );
    let _ = writeln!(
        text,
        "block       {} slots, {} sifted bits, expected secret fraction {:.3} at epsilon {:e}",
        grouped(p.slots_per_block.into()),
        grouped(expected.counts.sifted() as u64),
        setup.link.secret_fraction(),
        p.epsilon_total,
    );
    if let Some(choice) = choice {
        text.push_str("waiting     ");
        let one = |(i, wait): (usize, &crate::engine::block_size::Wait)| {
            let mark = if i == choice.chosen { " (chosen)" } else { "" };
            format!("{} s: {:.3}{mark}", trimmed(wait.seconds, 3), wait.secret_fraction())
        };
        let waits: Vec<_> = choice.waits.iter().enumerate().map(one).collect();
        let _ = writeln!(text, "{} of the sifted bits are secret", waits.join(", "));
    }
    text
}

fn mbit(rate: Option<f64>) -> String {
    rate.map_or_else(|| "-".to_owned(), |rate| trimmed(rate, 4))
}

/// The table of stages.
pub fn table([alice, bob]: &[StationFigures; 2]) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "\n{:<11}{:>40}{:>43}\n{:<11}{:>10}{:>10}{:>10}{:>12}   {:>10}{:>10}{:>10}{:>12}",
        "",
        "Alice",
        "Bob",
        "Mbit/s",
        "cpu",
        "wall",
        "waited s",
        "queue",
        "cpu",
        "wall",
        "waited s",
        "queue",
    );
    for (a, b) in alice.stages.iter().zip(&bob.stages) {
        // Bare strings pass through a few stages only.
        if a.wall_s + b.wall_s == 0.0 {
            continue;
        }
        let half = |s: &crate::engine::figures::StageFigures| {
            let queue = match s.queue_most {
                0 => "-".to_owned(),
                most => format!("{:.1} <={most}", s.queue_mean),
            };
            format!(
                "{:>10}{:>10}{:>10.2}{:>12}",
                mbit(s.cpu_mbit_per_s),
                mbit(s.mbit_per_s),
                s.wait_s,
                queue
            )
        };
        let _ = writeln!(text, "{:<11}{}   {}", a.stage, half(a), half(b));
    }
    let _ = writeln!(
        text,
        "{:<11}{:>10}{:>10}{:>10.2}{:>12}   {:>10}{:>10}{:>10.2}",
        "all",
        mbit(alice.cpu_mbit_per_s),
        "",
        alice.idle_s,
        "",
        mbit(bob.cpu_mbit_per_s),
        "",
        bob.idle_s,
    );
    text
}

/// What came of it.
pub fn closing(setup: &Setup, outcome: &Outcome) -> String {
    let totals = &outcome.totals;
    let seconds = outcome.wall.as_secs_f64();
    let mut text = table(&outcome.stations);
    let sifted = totals.sifted[0];
    let over = |bits: u64, of: f64| if of > 0.0 { bits as f64 / of } else { 0.0 };
    let of_sifted = |bits: u64| over(bits, sifted as f64);
    let _ = writeln!(
        text,
        "\nreconcile   f_charged {:.3}, f_alice {:.3}, {} of {} frames failed, {:.1} round trips a block",
        over(totals.leak[2], totals.shannon),
        over(totals.leak[0], totals.shannon),
        totals.frames[1],
        grouped(totals.frames[0]),
        outcome.round_trips,
    );
    let _ = writeln!(
        text,
        "secret      {:.4} of the sifted bits; the bound gives {:.4} for the same counts ({:.4} at f = \
         1.16), the channel model expected {:.4}",
        of_sifted(totals.key_bits),
        of_sifted(totals.predicted_bits),
        of_sifted(totals.predicted_at_116),
        setup.link.secret_fraction(),
    );
    let _ = writeln!(
        text,
        "keys        {} of {} blocks gave {} bits, equal on both sides; the last one's SHA-256 begins \
         {}",
        totals.with_key,
        totals.blocks,
        grouped(totals.key_bits),
        totals.fingerprint.as_deref().unwrap_or("with nothing"),
    );
    for (block, why) in totals.failures.iter().take(3) {
        let _ = writeln!(text, "block {block}     {why}");
    }
    let _ = writeln!(
        text,
        "memory      {} MiB at most, both stations and {} MiB of drawn data",
        outcome.peak_rss_mib.map_or_else(|| "unknown".to_owned(), |mib| format!("{mib:.0}")),
        outcome.data_bytes >> 20,
    );
    if setup.rate.is_some() {
        let late = outcome.late.as_secs_f64();
        let kept = if late < 0.5 { "the stations kept up" } else { "the stations did not keep up" };
        let _ = writeln!(text, "pace        {kept}: the devices were late by at most {late:.2} s");
    }
    let _ = writeln!(
        text,
        "whole       {} Mbit/s sifted, {} Mbit/s secret, in {seconds:.2} s; without waiting Alice would \
         do {}, Bob {} Mbit/s on a core each",
        trimmed(sifted as f64 / 1e6 / seconds, 4),
        trimmed(totals.key_bits as f64 / 1e6 / seconds, 4),
        mbit(outcome.stations[0].cpu_mbit_per_s),
        mbit(outcome.stations[1].cpu_mbit_per_s),
    );
    text
}
