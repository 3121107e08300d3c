//! QBER and key rate over time.

use helio_distill::ErrorRate;

use super::outlook::Outlook;
use crate::bench::{RunOutcome, Scenario};
use crate::plot::{Axis, Figure, Layer, Panel, Range};

/// Two panels over simulated time.
pub fn figure(scenario: &Scenario, outlook: &Outlook, outcome: &RunOutcome) -> Figure {
    let block_s = f64::from(scenario.slots_per_block) / scenario.slot_rate_hz();
    let mut test = Vec::new();
    let mut key = Vec::new();
    let mut edges = vec![0.0];
    let mut rates = Vec::new();
    for report in &outcome.bob.reports {
        let begin = report.id.block as f64 * block_s;
        let bins = &report.announced.bins;
        for (i, bin) in bins.iter().enumerate() {
            let middle = begin + block_s * (i as f64 + 0.5) / bins.len() as f64;
            test.extend(mark(middle, bin));
        }
        key.extend(report.key_qber.as_ref().and_then(|rate| mark(begin + block_s / 2.0, rate)));
        edges.push(begin + block_s);
        rates.push(report.length as f64 / block_s);
    }
    let time = || Axis {
        label: "simulated time".into(),
        unit: "s",
        range: Range::Fixed(0.0, scenario.seconds()),
    };
    let expected_percent = 100.0 * outlook.prospect.counts.qber_test();
    let expected_rate = outlook.key_bits as f64 / block_s;
    Figure::new(vec![
        Panel {
            title: "Errors".into(),
            x: time(),
            y: Axis { label: "QBER".into(), unit: "%", range: Range::FromZero },
            layers: vec![
                Layer::marks("test basis, twentieths of a block", test),
                Layer::marks("key basis, whole blocks", key),
                Layer::level("expected", expected_percent),
            ],
        },
        Panel {
            title: "Final key, block by block".into(),
            x: time(),
            y: Axis { label: "key rate".into(), unit: "bit/s", range: Range::FromZero },
            layers: vec![
                Layer::step("made", edges, rates),
                Layer::level("expected", expected_rate),
            ],
        },
    ])
}

/// Time, rate and standard error in percent.
fn mark(at_s: f64, rate: &ErrorRate) -> Option<(f64, f64, f64)> {
    let value = rate.rate?;
    let error = (value * (1.0 - value) / rate.bits as f64).sqrt();
    Some((at_s, 100.0 * value, 100.0 * error))
}
