//! The demo's outcome in words and tables.

use std::fmt::Write;

use helio_distill::bound::Term;
use helio_distill::{BlockReport, ErrorRate};
use helio_sim::{Path, ReceiverKind};
use helio_wire::Role;

use super::outlook::Outlook;
use crate::bench::{RunOutcome, Scenario};
use crate::term::{grouped, si, trimmed};

/// What the run is made of, and what it should give.
pub fn opening(scenario: &Scenario, outlook: &Outlook) -> String {
    let s = scenario;
    let mut out = String::new();
    let mut line = |name: &str, text: String| {
        let _ = writeln!(out, "{name:<11} {text}");
    };
    line(
        "Heliograph",
        "two stations and the light between them, in software: SIMULATED keys".into(),
    );
    let link = match s.path {
        Path::Fibre { length_km, .. } => format!("{} km of fibre, ", trimmed(length_km, 6)),
        Path::Fixed { .. } => String::new(),
    };
    line(
        "link",
        format!(
            "{link}{} dB, then {} dB in the receiver; Bob's clock {:+} ppm, drifting {} ppb/s",
            trimmed(s.path.loss().0, 5),
            trimmed(s.receiver_loss.0, 2),
            s.clock_offset_ppm,
            s.clock_drift_ppb_per_s
        ),
    );
    line(
        "slots",
        format!(
            "{}, {} a block, {} of light in {} block{}; seed {}",
            si(s.slot_rate_hz(), "Hz", 3),
            grouped(u64::from(s.slots_per_block)),
            si(s.seconds(), "s", 3),
            s.blocks,
            if s.blocks == 1 { "" } else { "s" },
            s.seed
        ),
    );
    let used = s.bound.bound().intensities();
    let mu = s.mu_nano.map(|nano| trimmed(nano as f64 / 1e9, 4))[..used].join(" / ");
    let p = s.intensity_weights.map(|w| format!("{:.1}", f64::from(w) / 40.96))[..used].join(" / ");
    let basis = s.key_weights.map(|w| format!("{:.1}", f64::from(w) / 40.96));
    line(
        "source",
        format!(
            "mu {mu} photons, chosen {p} %; key basis {} % at Alice, {} % at Bob",
            basis[0], basis[1]
        ),
    );
    let receiver = match s.receiver {
        ReceiverKind::Active if s.random_swap => "active receiver, random swap",
        ReceiverKind::Active => "active receiver, no swap",
        ReceiverKind::Passive => "passive receiver: measured, no key",
    };
    line(
        "detectors",
        format!(
            "{} ({receiver}), {} % ± {} %, {} dark counts/s, dead {}; window {}, hold-off {}",
            s.receiver.detectors(),
            trimmed(100.0 * s.efficiency, 3),
            trimmed(100.0 * s.efficiency_mismatch, 3),
            s.dark_rate_hz,
            si(s.dead_time.0 as f64 * 1e-12, "s", 3),
            si(s.window().0 as f64 * 1e-12, "s", 3),
            si(s.hold_off.0 as f64 * 1e-12, "s", 3),
        ),
    );
    line(
        "security",
        format!(
            "epsilon {:e} a block; delta1 {:.2e}, delta2 {:.2e}",
            s.epsilon_total, outlook.mismatch.delta1, outlook.mismatch.delta2
        ),
    );
    if let Some(bound) = s.one_decoy_bound() {
        let accept = bound.acceptance;
        line(
            "bound",
            format!(
                "wiesemann, one decoy: {} bits of key from a block with at least {} certain single \
                 photons, phase errors up to {:.2} % and a leak of {} bits, none from another",
                grouped(bound.key_bits()),
                grouped(accept.single_photons),
                100.0 * accept.phase_error(),
                grouped(accept.lambda_max)
            ),
        );
    }
    if s.intercepted > 0.0 {
        line(
            "Eve",
            format!("intercepts and resends {} % of the pulses", trimmed(100.0 * s.intercepted, 4)),
        );
    }
    let counts = &outlook.prospect.counts;
    line(
        "expected",
        format!(
            "a block: {} sifted bits, QBER {:.2} %, {} bits of key",
            grouped(counts.sifted() as u64),
            100.0 * counts.qber_test(),
            grouped(outlook.key_bits)
        ),
    );
    out.push('\n');
    out
}

/// The table of blocks, a line as each ends.
pub struct Table {
    expected: u64,
    headed: bool,
}

impl Table {
    /// A table that compares with this.
    pub fn new(outlook: &Outlook) -> Table {
        Table { expected: outlook.key_bits, headed: false }
    }

    /// The next line, with the table's head before the first. Bob's reports are shown: he knows the
    /// errors of the key basis.
    pub fn line(&mut self, role: Role, report: &BlockReport) -> Option<String> {
        if role != Role::Bob {
            return None;
        }
        let mut out = String::new();
        if !self.headed {
            self.headed = true;
            let _ = writeln!(
                out,
                "{:>5} {:>11} {:>11} {:>21} {:>8} {:>10} {:>7} {:>9} {:>8} {:>10} {:>8}  fingerprint",
                "block",
                "detections",
                "sifted",
                "test QBER [95 %]",
                "key QBER",
                "leak",
                "f_alice",
                "f_charged",
                "epsilon",
                "key bits",
                "expected"
            );
        }
        let percent = |rate: f64| 100.0 * rate;
        let test = report.test_qber;
        let qber = match test.rate {
            Some(rate) => format!(
                "{:.2} [{:.2}, {:.2}] %",
                percent(rate),
                percent(test.low),
                percent(test.high)
            ),
            None => "-".into(),
        };
        let key = report.key_qber.and_then(|r| r.rate);
        let number = |value: Option<f64>, digits: usize| {
            value.map_or("-".to_owned(), |v| format!("{v:.digits$}"))
        };
        let share = match self.expected {
            0 => "-".to_owned(),
            expected => format!("{:.0} %", percent(report.length as f64 / expected as f64)),
        };
        let _ = writeln!(
            out,
            "{:>5} {:>11} {:>11} {:>21} {:>8} {:>10} {:>7} {:>9} {:>8.1e} {:>10} {:>8}  {}",
            report.id.block,
            grouped(report.announced.detections),
            grouped(report.sifted_key),
            qber,
            key.map_or("-".to_owned(), |rate| format!("{:.2} %", percent(rate))),
            grouped(report.leak_charged),
            number(report.f_alice, 3),
            number(report.f_charged, 3),
            report.epsilon,
            grouped(report.length),
            share,
            report.fingerprint.as_deref().unwrap_or("no key")
        );
        Some(out)
    }
}

/// Terms as they are read: what is not of certain single photons, what their phase errors cost, what
/// was told or spent, what is left.
const ORDER: [Term; 11] = [
    Term::Vacuum,
    Term::MultiPhoton,
    Term::FiniteSizeSinglePhotons,
    Term::PhaseError,
    Term::FiniteSizePhaseError,
    Term::DetectorMismatch,
    Term::Leak,
    Term::Verification,
    Term::PrivacyAmplification,
    Term::Rounding,
    Term::Key,
];

/// Each reason for no key, once, with the blocks that have it.
fn unkeyed(reports: &[BlockReport]) -> Vec<(String, &str)> {
    let mut reasons: Vec<(Vec<u64>, &str)> = Vec::new();
    for report in reports {
        let Some(why) = report.reason.as_deref() else { continue };
        match reasons.iter_mut().find(|(_, known)| *known == why) {
            Some((blocks, _)) => blocks.push(report.id.block),
            None => reasons.push((vec![report.id.block], why)),
        }
    }
    let named = |blocks: Vec<u64>| match blocks[..] {
        _ if blocks.len() == reports.len() => "in any block".to_owned(),
        [only] => format!("in block {only}"),
        [first, .., last] => format!("in {} blocks from {first} to {last}", blocks.len()),
        [] => String::new(),
    };
    reasons.into_iter().map(|(blocks, why)| (named(blocks), why)).collect()
}

/// Where the bits went, and the sum of it all.
pub fn closing(scenario: &Scenario, outlook: &Outlook, outcome: &RunOutcome) -> String {
    let mut out = String::new();
    let (alice, bob) = (&outcome.alice, &outcome.bob);
    let sifted: u64 = bob.reports.iter().map(|r| r.sifted_key).sum();
    if bob.reports.iter().any(|r| !r.breakdown.is_empty()) && sifted > 0 {
        let _ = writeln!(out, "\nwhere the {} sifted bits went", grouped(sifted));
        for term in ORDER {
            let bits: f64 = bob
                .reports
                .iter()
                .flat_map(|r| &r.breakdown)
                .filter(|(name, _)| name == term.name())
                .map(|(_, bits)| bits)
                .sum();
            let share = bits / sifted as f64;
            let line = format!(
                "  {:<28} {:>12} {:>6.2} % {}",
                term.name(),
                grouped(bits.round() as u64),
                100.0 * share,
                "█".repeat((share * 50.0).round() as usize)
            );
            let _ = writeln!(out, "{}", line.trim_end());
        }
    }
    for (blocks, why) in unkeyed(&bob.reports) {
        let _ = writeln!(out, "no key      {}: {}", blocks, why.trim_start_matches("no key: "));
    }
    for (block, why) in &bob.failures {
        let _ = writeln!(out, "block {block} failed and is burnt: {why}");
    }
    let losses = &bob.cable.health;
    let clicks: u64 = bob.slots.clicks.iter().sum();
    let _ = writeln!(
        out,
        "\ntags        {}, {} lost; {} outside the window, {} in hold-off; {} slots without settings",
        grouped(clicks),
        grouped(losses.lost_edges),
        grouped(bob.slots.outside),
        grouped(bob.slots.held_off),
        grouped(losses.lost_settings + alice.cable.health.lost_settings),
    );
    if let Some(warning) = suspicion(outlook, outcome) {
        let _ = writeln!(out, "errors      {warning}");
    }
    let _ = writeln!(
        out,
        "speed       {} M slots/s through both firmwares and the optics, {} s in all",
        trimmed(scenario.slots() as f64 / 1e6 / outcome.light.as_secs_f64(), 1),
        trimmed(outcome.wall.as_secs_f64(), 1)
    );
    let verdict = if !outcome.keys_equal() {
        "the two keys DIFFER".to_owned()
    } else if bob.key_bits == 0 {
        "no key".to_owned()
    } else {
        format!(
            "{} bits at both stations, equal, SIMULATED; fingerprint {} (Alice) {} (Bob)",
            grouped(bob.key_bits),
            alice.fingerprint.as_deref().unwrap_or("-"),
            bob.fingerprint.as_deref().unwrap_or("-")
        )
    };
    let _ = writeln!(out, "key         {verdict}");
    out
}

/// More errors than the link makes by itself, in words.
fn suspicion(outlook: &Outlook, outcome: &RunOutcome) -> Option<String> {
    let natural = outlook.natural_qber;
    let reports = &outcome.bob.reports;
    let errors = reports.iter().map(|r| r.test_qber.errors).sum();
    let test = ErrorRate::new(errors, reports.iter().map(|r| r.test_qber.bits).sum());
    let rate = test.rate.filter(|_| test.low > natural)?;
    let times = if natural > 0.0 { rate / natural } else { f64::INFINITY };
    (times > 1.5).then(|| {
        format!(
            "{:.2} % in the test basis where this link makes {:.2} %: somebody may be listening",
            100.0 * rate,
            100.0 * natural
        )
    })
}

/// Why there is no key, in one sentence.
pub fn why_no_key(outlook: &Outlook, outcome: &RunOutcome) -> String {
    let bob = &outcome.bob;
    let reason = bob.reports.iter().find_map(|r| r.reason.clone());
    let failure = bob.failures.first().map(|(_, why)| why.clone());
    let why = reason.or(failure).unwrap_or_else(|| "no block was finished".into());
    let why = if why.starts_with("no key") { why } else { format!("no key: {why}") };
    match suspicion(outlook, outcome) {
        Some(suspicion) => format!("{why}; {suspicion}"),
        None => why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_term_is_listed_once() {
        for term in Term::ALL {
            assert_eq!(ORDER.iter().filter(|t| **t == term).count(), 1, "{}", term.name());
        }
    }
}
