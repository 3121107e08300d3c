//! How the analyses show numbers with errors, and charts in the terminal.

use std::fmt::Write;

use helio_timetag::analysis::Estimate;

use crate::term::{CHART_COLUMNS, bars, si, si_with_error, with_error};

/// An estimate in other units.
pub(super) fn scaled(estimate: Estimate, factor: f64) -> Estimate {
    Estimate { value: estimate.value * factor, error: estimate.error * factor.abs() }
}

/// A quantity with its error, both with the prefix that fits the larger: `80.123 ± 0.012 ns`.
pub(super) fn quantity(estimate: Estimate, unit: &str) -> String {
    si_with_error(estimate.value, estimate.error, unit)
}

/// A share in per cent with its error.
pub(super) fn percent(estimate: Estimate) -> String {
    format!("{} %", with_error(100.0 * estimate.value, 100.0 * estimate.error))
}

/// χ² with its degrees of freedom.
pub(super) fn chi2(chi2: f64, freedom: u32) -> String {
    format!("χ² = {chi2:.0} of {freedom} degrees of freedom")
}

/// Values as a chart of `rows` lines, the neighbours of many taken together by their mean; few are
/// drawn wide. `top` is the label of the highest, `ends` those of the horizontal axis.
pub(super) fn chart(text: &mut String, values: &[f64], rows: usize, top: &str, ends: [&str; 2]) {
    let columns = columns(values);
    let highest = columns.iter().copied().fold(0.0, f64::max);
    if columns.is_empty() || highest <= 0.0 {
        return;
    }
    for (row, line) in bars(&columns, highest, rows).into_iter().enumerate() {
        let label = if row == 0 { top } else { "" };
        _ = writeln!(text, "{label:>10} ▏{line}");
    }
    let [left, right] = ends;
    let width = columns.len().saturating_sub(left.chars().count());
    _ = writeln!(text, "{:>11} {left}{right:>width$}", "");
}

/// So few columns that the chart fits: means of neighbours, or each repeated.
pub(super) fn columns(values: &[f64]) -> Vec<f64> {
    let group = values.len().div_ceil(CHART_COLUMNS).max(1);
    let wide = (CHART_COLUMNS / values.len().max(1)).max(1);
    let mean = |group: &[f64]| group.iter().sum::<f64>() / group.len() as f64;
    values.chunks(group).map(mean).flat_map(|v| std::iter::repeat_n(v, wide)).collect()
}

/// A time as an end of an axis.
pub(super) fn time(seconds: f64) -> String {
    si(seconds, "s", 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_carry_their_error_and_one_prefix() {
        let q = |value, error, unit| quantity(Estimate { value, error }, unit);
        assert_eq!(q(8.0123e-8, 1.2e-11, "s"), "80.123 ± 0.012 ns");
        assert_eq!(q(0.0, 2e-9, "s"), "0.0 ± 2.0 ns");
        assert_eq!(q(61_113.0, 111.0, "Hz"), "61.11 ± 0.11 kHz");
        assert_eq!(q(0.0, 0.0, "s"), "0.0 ± 0.0 s");
        assert_eq!(percent(Estimate { value: 0.0123, error: 0.0004 }), "1.230 ± 0.040 %");
    }

    #[test]
    fn charts_fit_and_few_values_are_wide() {
        assert_eq!(columns(&[1.0; 1000]).len(), 67);
        assert_eq!(columns(&[1.0, 2.0]).len(), 68);
        assert_eq!(columns(&[]).len(), 0);
        let mut text = String::new();
        chart(&mut text, &[], 4, "", ["", ""]);
        chart(&mut text, &[0.0, 0.0], 4, "", ["", ""]);
        assert_eq!(text, "");
    }
}
