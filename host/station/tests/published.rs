//! Published experiments through the whole simulated chain: Alice's firmware draws settings, light
//! goes through source, loss and detectors, Bob's firmware numbers slots, tags become slots, and both
//! stations sift. What takes too many slots for that is done by the channel model alone
//! (`host/distill/tests/finite_key_scenarios.rs`); `docs/scenarios.md` says which.

use std::path::Path as File;

use helio_distill::BlockReport;
use helio_sim::Path;
use helio_station::bench::{Scenario, run};
use helio_units::{Decibel, Picoseconds};

/// A row of the shared table of experiments.
struct Row {
    head: csv::StringRecord,
    cells: csv::StringRecord,
}

impl Row {
    fn of(name: &str) -> Row {
        let path =
            File::new(env!("CARGO_MANIFEST_DIR")).join("../distill/tests/finite-key/scenarios.csv");
        let mut reader = csv::Reader::from_path(path).expect("the table");
        let head = reader.headers().expect("a head").clone();
        let mut rows = reader.records().map(|row| row.expect("a row"));
        let cells = rows.find(|row| row.get(0) == Some(name)).expect("the experiment");
        Row { head, cells }
    }

    fn given(&self, column: &str) -> Option<f64> {
        let at = self.head.iter().position(|name| name == column).expect("a column");
        self.cells.get(at).and_then(|cell| cell.parse().ok())
    }

    fn number(&self, column: &str) -> f64 {
        self.given(column).unwrap_or_else(|| panic!("{column} is empty"))
    }
}

/// The experiment at one loss, for so many slots. The chain's slots may be slower than the
/// experiment's: what one slot holds is the same.
fn scenario(row: &Row, loss_db: f64, slot_ticks: u32, slots: u32) -> Scenario {
    let nano = |k: usize, column: &str| match row.given(column) {
        Some(mu) => (mu * 1e9).round() as u64,
        // One intensity: the others are hardly ever sent.
        None => [0, 10_000_000, 0][k],
    };
    let parts = |column: &str| (row.given(column).unwrap_or(0.0) * 4096.0).round() as u16;
    let mut intensity_weights = [parts("p1"), parts("p2"), parts("p3")];
    if intensity_weights[1] == 0 {
        intensity_weights = [4094, 1, 1];
    }
    assert_eq!(row.number("e_mis_key"), row.number("e_mis_tst"));
    let base = Scenario::default();
    Scenario {
        seed: 2004,
        path: Path::Fixed { loss: Decibel(loss_db), delay: Picoseconds(5_000_000) },
        receiver_loss: Decibel(row.number("rx_loss_db")),
        efficiency: row.number("eta_det"),
        efficiency_mismatch: 0.0,
        // Dark counts a window, as the experiments give them.
        dark_rate_hz: row.number("p_dc") / (base.window().0 as f64 * 1e-12),
        dark_mismatch: 0.0,
        rotation_rad: row.number("e_mis_key").sqrt().asin(),
        mu_nano: [nano(0, "mu1"), nano(1, "mu2"), nano(2, "mu3")],
        intensity_weights,
        key_weights: [row.number("pA_key"), row.number("pB_key")].map(|p| (p * 4096.0) as u16),
        slot_ticks,
        slots_per_block: slots,
        blocks: 1,
        ..base
    }
}

/// Sifted bits a second of the experiment, and the QBER of its test basis.
fn measure(row: &Row, loss_db: f64, slot_ticks: u32, slots: u32) -> (f64, f64) {
    let scenario = scenario(row, loss_db, slot_ticks, slots);
    let outcome = run(&scenario, None, |_| {}).expect("the run comes to its end");
    let report: &BlockReport = outcome.bob.reports.first().expect("a block");
    let signal = report.sifted_key + report.sifted_test;
    // Public slots of the chain carry no signal.
    let emitted = f64::from(slots) * (1.0 - 1.0 / f64::from(scenario.sync_spacing));
    let rate = signal as f64 / emitted * row.number("f_rep");
    let qber = report.test_qber.rate.expect("tests");
    println!(
        "{loss_db:.2} dB: {slots} slots, {signal} sifted bits, {rate:.1} a second, QBER {:.2} % [{:.2}, {:.2}]",
        100.0 * qber,
        100.0 * report.test_qber.low,
        100.0 * report.test_qber.high
    );
    (rate, qber)
}

fn within_factor(what: &str, found: f64, published: f64, least: f64, most: f64) {
    let ratio = found / published;
    assert!(ratio >= least && ratio <= most, "{what}: {found}, published {published}");
}

/// Gobby 2004 at 122 km: 150 s of its 2 MHz.
#[test]
fn gobby_2004_through_the_chain() {
    let row = Row::of("gobby2004_122km");
    let (rate, qber) = measure(&row, row.number("loss_db"), 75, 300_000_000);
    within_factor("sifted", rate, row.number("pub_sifted_bps"), 0.5, 2.0);
    assert!((qber - row.number("pub_qber")).abs() <= 0.010, "QBER {qber}");
    // And as the model says, within four standard deviations of about 2100 bits.
    within_factor("sifted of the model", rate, row.number("ref_sifted"), 0.91, 1.09);
}

/// Micius 2016 at its nearest and its farthest: a second of its 100 MHz each.
#[test]
fn micius_2016_at_both_ends_of_the_pass_through_the_chain() {
    let row = Row::of("micius2017_20161219");
    let (near, qber) = measure(&row, row.number("pass_loss_rmin_db"), 30, 100_000_000);
    within_factor("sifted at 645 km", near, 12_000.0, 0.6, 1.4);
    assert!((qber - row.number("pub_qber")).abs() <= 0.003, "QBER {qber}");
    let (far, _) = measure(&row, row.number("pass_loss_rmax_db"), 30, 100_000_000);
    within_factor("sifted at 1200 km", far, 1_000.0, 0.6, 1.4);
    // The channel model's figures for the same: FINITE_KEY.md section 11.
    within_factor("sifted of the model", near, 11_100.0, 0.96, 1.04);
    within_factor("sifted of the model", far, 1_340.0, 0.9, 1.1);
}
