//! The pairs of two lists whose difference is close to what a model says.

use super::super::fit::Residual;
use super::super::model::ClockModel;
use super::correlator::Lists;

/// Pairs within ±`reach_ps` of the model, in order of time; at most `limit`, `None` beyond.
pub(super) fn gather(
    lists: Lists<'_>,
    model: &ClockModel,
    reach_ps: f64,
    limit: usize,
) -> Option<Vec<Residual>> {
    let residual = |(a, ps)| Residual { u_s: (a - model.reference_ps) as f64 * 1e-12, ps };
    let near = model.residuals(lists.a, lists.b, reach_ps).map(residual);
    let pairs: Vec<Residual> = near.take(limit.saturating_add(1)).collect();
    (pairs.len() <= limit).then_some(pairs)
}
