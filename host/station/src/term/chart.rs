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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_from_the_bottom() {
        let lines = bars(&[0.0, 1.0, 8.0, 12.0, 16.0, 99.0, 0.001, -1.0], 16.0, 2);
        assert_eq!(lines, ["   ▄██  ", " ▁████▁ "]);
    }
}
