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
    let mut pairs = Vec::new();
    let mut from = 0;
    for &a in lists.a {
        let expected = a as f64 + model.difference_ps(a);
        while from < lists.b.len() && (lists.b[from] as f64) < expected - reach_ps {
            from += 1;
        }
        let difference = model.difference_ps(a);
        let u_s = (a - model.reference_ps) as f64 * 1e-12;
        for &b in &lists.b[from..] {
            let ps = (b - a) as f64 - difference;
            if ps > reach_ps {
                break;
            }
            pairs.push(Residual { u_s, ps });
        }
        if pairs.len() > limit {
            return None;
        }
    }
    Some(pairs)
}
