//! `helio demo --compare`: what the bounds of papers would have given for the blocks of the run.

use std::fmt::Write;

use helio_distill::BlockReport;
use serde_json::{Map, Value, json};

use crate::bench::{RunOutcome, Scenario};
use crate::published::{self, Published};
use crate::term::grouped;

/// What every listing of these lengths says of them.
const LABEL: &str = "comparison only, as published: no key is made with these bounds";

fn blocks<'a>(scenario: &Scenario, outcome: &'a RunOutcome) -> Vec<(&'a BlockReport, Published)> {
    let Ok(parameters) = scenario.parameters() else { return Vec::new() };
    let of = |report| (report, published::of_report(&parameters, report));
    outcome.bob.reports.iter().map(of).collect()
}

/// A table, a line a block and their sum.
pub fn text(scenario: &Scenario, outcome: &RunOutcome) -> String {
    let blocks = blocks(scenario, outcome);
    let mut out = format!("\n{LABEL}\n");
    let Some((_, first)) = blocks.first() else { return out };
    let own = scenario.bound.bound().name();
    let heads = first.iter().map(|(bound, _)| bound.name());
    let row = |out: &mut String, name: &str, cells: &mut dyn Iterator<Item = String>| {
        let cells: Vec<String> = cells.map(|cell| format!("{cell:>20}")).collect();
        let _ = writeln!(out, "{name:>5} {}", cells.concat());
    };
    row(&mut out, "block", &mut [own].into_iter().chain(heads).map(str::to_owned));
    let shown = |bits: Option<u64>| bits.map_or("-".to_owned(), grouped);
    for (report, others) in &blocks {
        let lengths = [Some(report.length)].into_iter().chain(others.iter().map(|(_, ell)| *ell));
        row(&mut out, &report.id.block.to_string(), &mut lengths.map(shown));
    }
    let made = blocks.iter().map(|(report, _)| report.length).sum();
    let sum = |i: usize| blocks.iter().filter_map(|(_, others)| others.get(i)?.1).sum();
    let sums = [made].into_iter().chain((0..first.len()).map(sum));
    row(&mut out, "all", &mut sums.map(grouped));
    out
}

/// The same for a script; a length is null where it cannot be computed.
pub fn object(scenario: &Scenario, outcome: &RunOutcome) -> Value {
    let lengths = |others: &Published| -> Map<String, Value> {
        others.iter().map(|(bound, ell)| (bound.name().to_owned(), json!(ell))).collect()
    };
    let blocks = blocks(scenario, outcome);
    let block = |(report, others): &(&BlockReport, Published)| {
        json!({
            "block": report.id.block,
            "key_bits": report.length,
            "as_published": lengths(others),
        })
    };
    json!({
        "label": LABEL,
        "bound": scenario.bound.bound().name(),
        "blocks": blocks.iter().map(block).collect::<Vec<_>>(),
    })
}
