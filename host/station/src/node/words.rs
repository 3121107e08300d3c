//! One line a block, one line an event, with what to do: the log of a station.

use helio_distill::{BlockReport, Fault};

use crate::term::{grouped, si};

/// A block that ended, with a key or without. Errors of the key basis are private to the station: they
/// stand in its status and its run folder, and not in a log that may be sent elsewhere.
pub fn block(report: &BlockReport, seconds: f64) -> String {
    let rate =
        report.test_qber.rate.map_or("-".to_owned(), |rate| format!("{:.2} %", 100.0 * rate));
    let head = format!(
        "block {}: {} sifted, test QBER {rate}",
        report.id.block,
        grouped(report.sifted_key + report.sifted_test)
    );
    let lost = match report.lost_slots {
        0 => String::new(),
        lost => format!(", {} slots without data", grouped(lost)),
    };
    match &report.reason {
        Some(reason) => format!("{head}{lost}, {reason}"),
        None => {
            let per_second = si(report.length as f64 / seconds.max(1e-9), "bit/s", 3);
            format!(
                "{head}{lost}, {} bits of key ({per_second}), epsilon {:.2e} spent",
                grouped(report.length),
                report.epsilon_spent
            )
        }
    }
}

/// Why a block failed, and what becomes of it.
pub fn failed(block: u64, fault: &Fault) -> String {
    format!("block {block} failed and is burnt: {fault}")
}
