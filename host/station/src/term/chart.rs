//! Bar charts of block characters, for a first look without leaving the terminal.

/// Columns of a chart: with its scale it fits a terminal of 80.
pub const CHART_COLUMNS: usize = 68;

/// Eighths of a character's height.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar for each value, `rows` characters high, from zero at the bottom to `top`; the first line
/// is the highest. Values above `top` are cut there; a value above zero shows at least an eighth of
/// a character.
pub fn bars(values: &[f64], top: f64, rows: usize) -> Vec<String> {
    let eighths = |value: &f64| {
        let filled = (value / top * (8 * rows) as f64).round().clamp(0.0, (8 * rows) as f64);
        if *value > 0.0 { (filled as usize).max(1) } else { 0 }
    };
    let heights: Vec<usize> = values.iter().map(eighths).collect();
    (0..rows)
        .rev()
        .map(|row| heights.iter().map(|h| BLOCKS[h.saturating_sub(8 * row).min(8)]).collect())
        .collect()
}

/// Merges neighbours by `mean` so that at most `columns` remain; the last group may be smaller.
pub fn merge<T>(values: &[T], columns: usize, mean: impl Fn(&[T]) -> f64) -> Vec<f64> {
    let group = values.len().div_ceil(columns.max(1)).max(1);
    values.chunks(group).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_from_the_bottom() {
        let lines = bars(&[0.0, 1.0, 8.0, 12.0, 16.0, 99.0, 0.001, -1.0], 16.0, 2);
        assert_eq!(lines, ["   ▄██  ", " ▁████▁ "]);
    }

    #[test]
    fn neighbours_are_merged() {
        let sum = |g: &[f64]| g.iter().sum();
        assert_eq!(merge(&[1.0, 2.0, 3.0, 4.0, 5.0], 3, sum), [3.0, 7.0, 5.0]);
        assert_eq!(merge(&[1.0, 2.0], 3, sum), [1.0, 2.0]);
        assert!(merge(&[], 3, sum).is_empty());
    }
}
