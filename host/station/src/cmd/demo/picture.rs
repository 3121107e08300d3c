//! QBER and key rate over simulated time.

use super::outlook::Outlook;
use crate::bench::{RunOutcome, Scenario};
use crate::block_figure::{self, BlockPoint, Expected};
use crate::plot::Figure;

/// Two panels.
pub fn figure(scenario: &Scenario, outlook: &Outlook, outcome: &RunOutcome) -> Figure {
    let seconds = f64::from(scenario.slots_per_block) / scenario.slot_rate_hz();
    let point = |report: &helio_distill::BlockReport| BlockPoint {
        begin_s: report.id.block as f64 * seconds,
        seconds,
        test: report.announced.bins.clone(),
        key: report.key_qber,
        key_bits: report.length,
    };
    let blocks: Vec<BlockPoint> = outcome.bob.reports.iter().map(point).collect();
    let expected = Expected {
        qber: outlook.prospect.counts.qber_test(),
        key_bits_per_s: outlook.key_bits as f64 / seconds,
    };
    block_figure::figure("simulated time", &blocks, Some(expected))
}
