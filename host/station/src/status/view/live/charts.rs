//! Small charts of characters: a row of bars, a gauge, a histogram with the window below it.

use std::ops::Range;

use crate::term::bars;

/// A bar for each value from left to right, from zero to the largest, each as wide as there is room,
/// three columns at most; the last ones if there is no room for all. Unknown values leave a blank. One
/// value far above the others is cut, so that the others can still be told apart.
pub fn spark(values: &[Option<f64>], width: usize) -> String {
    let values = &values[values.len().saturating_sub(width)..];
    let wide = (width / values.len().max(1)).clamp(1, 3);
    let known: Vec<f64> =
        values.iter().map(|v| v.filter(|v| v.is_finite()).unwrap_or(0.0)).collect();
    let mut sorted = known.clone();
    sorted.sort_by(f64::total_cmp);
    let largest = sorted.last().copied().unwrap_or(0.0);
    let usual = 3.0 * sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let top = if usual > 0.0 { largest.min(usual) } else { largest };
    row(&known, top, 1).remove(0).chars().flat_map(|bar| std::iter::repeat_n(bar, wide)).collect()
}

/// `share` of a bar of `width` columns filled; outside of 0 to 1 it is cut.
pub fn gauge(share: f64, width: usize) -> String {
    // A number that is none casts to zero.
    let full = ((share.clamp(0.0, 1.0) * width as f64).round() as usize).min(width);
    // What is not quite empty or full does not look so.
    let full = if share > 0.0 { full.max(1.min(width)) } else { full };
    let full = if share < 1.0 { full.min(width.saturating_sub(1)) } else { full };
    format!("{}{}", "█".repeat(full), "░".repeat(width - full))
}

/// The histogram `rows` high and, as the last line, its window.
pub fn histogram(
    counts: &[u64],
    window: Option<Range<usize>>,
    width: usize,
    rows: usize,
) -> Vec<String> {
    if counts.is_empty() || width == 0 {
        return Vec::new();
    }
    // Either several bins share a column, or a bin takes several.
    let share = counts.len().div_ceil(width);
    let sums: Vec<f64> = counts
        .chunks(share)
        .map(|bins| bins.iter().fold(0u64, |sum, &n| sum.saturating_add(n)) as f64)
        .collect();
    let wide = (width / sums.len()).max(1);
    let sums: Vec<f64> = sums.into_iter().flat_map(|n| std::iter::repeat_n(n, wide)).collect();
    let mut lines = if rows == 0 { Vec::new() } else { row(&sums, largest(&sums), rows) };
    if let Some(window) = window {
        let from = window.start / share * wide;
        let to = (window.end.div_ceil(share) * wide).clamp(from + 1, sums.len().max(from + 1));
        let edge = match to - from {
            1 => "┴".to_owned(),
            columns => format!("└{}┘", "─".repeat(columns - 2)),
        };
        lines.push(format!("{}{edge}", " ".repeat(from)));
    }
    lines
}

fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

fn row(values: &[f64], top: f64, rows: usize) -> Vec<String> {
    bars(values, if top > 0.0 { top } else { 1.0 }, rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sparks_show_the_last_values_and_blanks() {
        assert_eq!(spark(&[Some(1.0), None, Some(2.0)], 3), "▄ █");
        assert_eq!(spark(&[Some(9.0), Some(1.0), Some(2.0)], 2), "▄█");
        assert_eq!(spark(&[Some(1.0)], 5), "███");
        assert_eq!(spark(&[], 5), "");
        assert_eq!(spark(&[Some(f64::NAN), Some(0.0)], 2), "  ");
    }

    #[test]
    fn gauges_are_full_or_empty_only_if_they_are() {
        assert_eq!(gauge(0.0, 4), "░░░░");
        assert_eq!(gauge(0.001, 4), "█░░░");
        assert_eq!(gauge(0.5, 4), "██░░");
        assert_eq!(gauge(0.999, 4), "███░");
        assert_eq!(gauge(7.0, 4), "████");
        assert_eq!(gauge(f64::NAN, 4), "░░░░");
        assert_eq!(gauge(0.5, 0), "");
    }

    #[test]
    fn the_window_stands_below_its_bins() {
        let counts = [0, 0, 4, 8, 4, 0, 0, 0];
        assert_eq!(histogram(&counts, Some(2..5), 8, 1), ["  ▄█▄   ", "  └─┘"]);
        assert_eq!(histogram(&counts, Some(2..5), 4, 1), [" █▃ ", " └┘"]);
        assert_eq!(histogram(&counts, Some(3..4), 9, 1), ["  ▄█▄   ", "   ┴"]);
        assert_eq!(histogram(&counts, None, 16, 1), ["    ▄▄██▄▄      "]);
        assert!(histogram(&[], Some(0..1), 8, 2).is_empty());
    }

    proptest! {
        #[test]
        fn charts_stay_in_their_width(
            counts in prop::collection::vec(any::<u64>(), 0..200),
            edges in any::<Option<(u16, u16)>>(),
            width in 0usize..120,
            rows in 0usize..9,
        ) {
            let bins = counts.len();
            let window = edges.map(|(a, b)| (a as usize % (bins + 1), b as usize % (bins + 1)));
            let window = window.map(|(a, b)| a.min(b)..a.max(b)).filter(|w| !w.is_empty());
            let lines = histogram(&counts, window, width, rows);
            prop_assert!(lines.len() <= rows + 1);
            prop_assert!(lines.iter().all(|l| l.chars().count() <= width), "{lines:?}");
            let values: Vec<_> = counts.iter().map(|&n| Some(n as f64)).collect();
            prop_assert!(spark(&values, width).chars().count() <= width);
        }
    }
}
