//! From a figure to SVG.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::figure::{Axis, Figure, Layer, Panel, Range, Shape};
use super::ruler::Ruler;
use super::{PlotError, png};
use crate::term::{si, trimmed};

/// Colours that colour-blind readers tell apart (Okabe and Ito, "Color universal design").
const COLORS: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xB2),
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0x56, 0xB4, 0xE9),
    RGBColor(0x00, 0x00, 0x00),
];
const INK: RGBColor = RGBColor(0x26, 0x26, 0x26);
const GRID: RGBColor = RGBColor(0xE0, 0xE0, 0xE0);
/// Pixels: the strip of title and legend, the space around a panel, that of the vertical axis.
const HEAD: i32 = 40;
const MARGIN: u32 = 14;
const LABELS: u32 = 68;

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Ruler, Ruler>>;

pub(super) fn svg(figure: &Figure) -> Result<String, PlotError> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, figure.size).into_drawing_area();
        area.fill(&WHITE).map_err(fault)?;
        let rows = area.split_evenly((figure.panels.len().max(1), 1));
        for (panel, row) in figure.panels.iter().zip(&rows) {
            draw_panel(panel, row)?;
        }
        area.present().map_err(fault)?;
    }
    Ok(text)
}

fn draw_panel<'a>(panel: &Panel, area: &Area<'a>) -> Result<(), PlotError> {
    let points: Vec<_> = panel.layers.iter().flat_map(Layer::points).collect();
    let x = Scale::of(&panel.x, points.iter().filter_map(|p| p.0));
    let y = Scale::of(&panel.y, points.iter().map(|p| p.1));
    let (head, body) = area.split_vertically(HEAD);
    draw_head(panel, &head)?;
    let mut chart = ChartBuilder::on(&body)
        .margin(MARGIN)
        .margin_top(4)
        .margin_right(2 * MARGIN)
        .x_label_area_size(48)
        .y_label_area_size(LABELS)
        .build_cartesian_2d(x.ruler(), y.ruler())
        .map_err(fault)?;
    chart
        .configure_mesh()
        .x_desc(&x.title)
        .y_desc(&y.title)
        .axis_desc_style(font(16))
        .label_style(font(14))
        .x_labels(12)
        .y_labels(8)
        .x_label_formatter(&|v| x.label(*v))
        .y_label_formatter(&|v| y.label(*v))
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(INK.stroke_width(1))
        .draw()
        .map_err(fault)?;
    for (layer, color) in panel.layers.iter().zip(colors(panel)) {
        draw_layer(&mut chart, layer, &x, &y, color)?;
    }
    Ok(())
}

/// Title on the left, legend on the right, above the plot so that it never covers data.
fn draw_head(panel: &Panel, head: &Area) -> Result<(), PlotError> {
    let left = (MARGIN + LABELS) as i32;
    let (title, middle) = (font(18), HEAD / 2);
    let at_middle = |style: TextStyle<'static>| style.pos(Pos::new(HPos::Left, VPos::Center));
    let title = Text::new(panel.title.clone(), (left, middle), at_middle(title));
    head.draw(&title).map_err(fault)?;
    let named: Vec<_> =
        panel.layers.iter().zip(colors(panel)).filter(|(l, _)| !l.name.is_empty()).collect();
    if named.len() < 2 {
        return Ok(());
    }
    let mut right = head.dim_in_pixel().0 as i32 - 2 * MARGIN as i32;
    for (layer, color) in named.into_iter().rev() {
        let style = font(14);
        let (width, _) = head.estimate_text_size(&layer.name, &style).map_err(fault)?;
        right -= width as i32;
        let name = Text::new(layer.name.clone(), (right, middle), at_middle(style));
        head.draw(&name).map_err(fault)?;
        let key = vec![(right - 24, middle), (right - 6, middle)];
        head.draw(&PathElement::new(key, pen(layer, color))).map_err(fault)?;
        right -= 40;
    }
    Ok(())
}

/// A colour for each layer: the next one for each but levels, and for a band that of what follows
/// it.
fn colors(panel: &Panel) -> impl Iterator<Item = RGBColor> + '_ {
    panel.layers.iter().scan(0, |next, layer| {
        let color = COLORS[*next % COLORS.len()];
        if !matches!(layer.shape, Shape::Band(_) | Shape::Level(_)) {
            *next += 1;
        }
        Some(color)
    })
}

fn pen(layer: &Layer, color: RGBColor) -> ShapeStyle {
    match layer.shape {
        Shape::Level(_) => INK.mix(0.6).stroke_width(1),
        _ => color.stroke_width(2),
    }
}

fn font(size: u32) -> TextStyle<'static> {
    (png::FONT_FAMILY, size).into_font().color(&INK)
}

fn draw_layer(
    chart: &mut Chart,
    layer: &Layer,
    x: &Scale,
    y: &Scale,
    color: RGBColor,
) -> Result<(), PlotError> {
    let at = |px: f64, py: f64| (x.at(px), y.at(py));
    let pen = pen(layer, color);
    match &layer.shape {
        Shape::Line(points) => {
            let points: Vec<_> = points.iter().map(|p| at(p.0, p.1)).collect();
            draw_line(chart, &points, pen)?;
        }
        Shape::Step { edges, values } => {
            let corners: Vec<_> = values
                .iter()
                .zip(edges.windows(2))
                .flat_map(|(v, edge)| [at(edge[0], *v), at(edge[1], *v)])
                .collect();
            draw_line(chart, &corners, pen)?;
        }
        Shape::Band(points) => {
            let finite = points.iter().filter(|p| p.1.is_finite() && p.2.is_finite());
            let low = finite.clone().map(|p| at(p.0, p.1));
            let high: Vec<_> = finite.map(|p| at(p.0, p.2)).collect();
            let outline: Vec<_> = low.chain(high.into_iter().rev()).collect();
            let shade = color.mix(0.22).filled();
            chart.draw_series([Polygon::new(outline, shade)]).map_err(fault)?;
        }
        Shape::Marks(points) => {
            let points: Vec<_> =
                points.iter().filter(|p| p.1.is_finite() && p.2.is_finite()).collect();
            let bars = points.iter().map(|p| vec![at(p.0, p.1 - p.2), at(p.0, p.1 + p.2)]);
            // A bar without length is no path, and is hidden by its dot.
            let long = |ends: &Vec<(f64, f64)>| {
                chart.backend_coord(&ends[0]) != chart.backend_coord(&ends[1])
            };
            let bars: Vec<_> = bars.filter(long).collect();
            let bars = bars.into_iter().map(|ends| PathElement::new(ends, color.stroke_width(1)));
            chart.draw_series(bars).map_err(fault)?;
            let dots = points.iter().map(|p| Circle::new(at(p.0, p.1), 3, color.filled()));
            chart.draw_series(dots).map_err(fault)?;
        }
        Shape::Level(height) => {
            let height = y.at(*height);
            let ends = [(x.from, height), (x.to, height)];
            let dash = DashedLineSeries::new(ends, 6, 5, pen);
            chart.draw_series(dash).map_err(fault)?;
        }
    }
    Ok(())
}

/// A line that breaks where a point is not finite.
fn draw_line(chart: &mut Chart, points: &[(f64, f64)], pen: ShapeStyle) -> Result<(), PlotError> {
    let pieces = points.split(|p| !p.0.is_finite() || !p.1.is_finite());
    let paths = pieces.filter(|p| p.len() > 1).map(|p| PathElement::new(p.to_vec(), pen));
    chart.draw_series(paths).map_err(fault)?;
    Ok(())
}

/// An axis that knows its prefix and its ends; all in shown units.
struct Scale {
    /// On a logarithmic axis the unit, which each of its labels carries.
    log: Option<&'static str>,
    factor: f64,
    title: String,
    from: f64,
    to: f64,
}

impl Scale {
    fn of(axis: &Axis, values: impl Iterator<Item = f64>) -> Scale {
        let log = axis.range == Range::Log;
        let (low, high) = values
            .filter(|v| v.is_finite() && (!log || *v > 0.0))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let (low, high) = match (low <= high, log) {
            (true, _) => (low, high),
            (false, false) => (0.0, 1.0),
            (false, true) => (1.0, 1.0),
        };
        let (from, to) = match axis.range {
            Range::Fixed(from, to) => (from, to),
            Range::Data | Range::Log => (low, high),
            Range::FromZero => (0.0f64.min(low), 1.08 * high.max(0.0)),
        };
        // A single value still needs an axis around it, and so do values that differ by rounding
        // only: between those no label fits, and its search would not end.
        let narrow = to - from <= 1e-6 * from.abs().max(to.abs());
        if log {
            let middle = if low > 0.0 { low } else { 1.0 };
            let (from, to) = if narrow { (middle / 2.0, middle * 2.0) } else { (from, to) };
            let title = axis.label.clone();
            return Scale { log: Some(axis.unit), factor: 1.0, title, from, to };
        }
        let half = 0.5 * if from == 0.0 { 1.0 } else { from.abs().min(1.0) };
        let (from, to) = if narrow { (from - half, from + half) } else { (from, to) };
        let (factor, unit) = prefixed(axis.unit, from.abs().max(to.abs()));
        let title = match unit.is_empty() {
            true => axis.label.clone(),
            false => format!("{} ({unit})", axis.label),
        };
        Scale { log: None, factor, title, from: from * factor, to: to * factor }
    }

    fn ruler(&self) -> Ruler {
        match self.log {
            None => Ruler::linear(self.from, self.to),
            Some(_) => Ruler::logarithmic(self.from, self.to),
        }
    }

    /// Where a value lies, in shown units.
    fn at(&self, value: f64) -> f64 {
        match self.log {
            Some(_) if value <= self.from => self.from,
            _ => value * self.factor,
        }
    }

    fn label(&self, value: f64) -> String {
        match self.log {
            None => tick_label(value),
            Some("") => power_label(value),
            Some(unit @ ("counts/s" | "%")) => format!("{} {unit}", trimmed(value, 3)),
            Some(unit) => si(value, unit, 3),
        }
    }
}

/// The factor to the unit that is shown, and that unit.
fn prefixed(unit: &str, largest: f64) -> (f64, String) {
    let steps: &[(f64, &str)] = match unit {
        "s" => &[(1.0, ""), (1e3, "m"), (1e6, "µ"), (1e9, "n"), (1e12, "p")],
        "Hz" | "bit/s" | "counts/s" => &[(1e-9, "G"), (1e-6, "M"), (1e-3, "k"), (1.0, "")],
        _ => &[(1.0, "")],
    };
    let last = steps[steps.len() - 1];
    let (factor, prefix) = steps.iter().find(|s| largest * s.0 >= 1.0).unwrap_or(&last);
    // "kcounts/s" reads badly; physicists write kcps.
    let unit = if unit == "counts/s" && !prefix.is_empty() { "cps" } else { unit };
    (*factor, format!("{prefix}{unit}"))
}

fn tick_label(value: f64) -> String {
    let text = trimmed(value, 6);
    // What rounding leaves of zero.
    if value.abs() < 1e-12 { "0".into() } else { text.replace('-', "−") }
}

/// As a plain number where that is short, else as a power of ten.
fn power_label(value: f64) -> String {
    if (1e-3..1e5).contains(&value) {
        return trimmed(value, 3);
    }
    let exponent = value.log10().floor();
    let mantissa = trimmed(value / 10f64.powf(exponent), 2);
    let power: String = format!("{exponent:.0}")
        .chars()
        .filter_map(|c| match c {
            '-' => Some('⁻'),
            digit => "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(digit.to_digit(10)? as usize),
        })
        .collect();
    if mantissa == "1" { format!("10{power}") } else { format!("{mantissa}·10{power}") }
}

fn fault(err: impl std::fmt::Display) -> PlotError {
    PlotError(err.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_choose_a_prefix_that_fits() {
        for (unit, largest, factor, shown) in [
            ("s", 1e-6, 1e6, "µs"),
            ("s", 5.0, 1.0, "s"),
            ("s", 3e-13, 1e12, "ps"),
            ("counts/s", 61_000.0, 1e-3, "kcps"),
            ("counts/s", 61.0, 1.0, "counts/s"),
            ("bit/s", 2e6, 1e-6, "Mbit/s"),
            ("%", 0.01, 1.0, "%"),
            ("", 5e6, 1.0, ""),
        ] {
            assert_eq!(prefixed(unit, largest), (factor, shown.to_owned()), "{unit} {largest}");
        }
    }

    #[test]
    fn an_axis_has_room_for_all_and_never_no_length() {
        let axis = |range| Axis { label: "a".into(), unit: "", range };
        let ends = |range, values: &[f64]| {
            let s = Scale::of(&axis(range), values.iter().copied());
            (s.from, s.to)
        };
        assert_eq!(ends(Range::Data, &[2.0, f64::NAN, -1.0]), (-1.0, 2.0));
        assert_eq!(ends(Range::FromZero, &[1.0]), (0.0, 1.08));
        assert_eq!(ends(Range::Data, &[3.0]), (2.5, 3.5));
        assert_eq!(ends(Range::FromZero, &[0.0]), (-0.5, 0.5));
        assert_eq!(ends(Range::Data, &[]), (0.0, 1.0));
        assert_eq!(ends(Range::Fixed(1.0, 2.0), &[9.0]), (1.0, 2.0));
        assert_eq!(ends(Range::Log, &[0.0, -1.0, 0.1, 50.0]), (0.1, 50.0));
        assert_eq!(ends(Range::Log, &[0.0]), (0.5, 2.0));
        let nearly = [3e-17, 3e-17 * (1.0 + f64::EPSILON)];
        assert_eq!(ends(Range::Log, &nearly), (1.5e-17, 6e-17));
        assert_eq!(ends(Range::Data, &[1.0, 1.0 + f64::EPSILON]), (0.5, 1.5));
    }

    #[test]
    fn labels_and_names_are_in_the_drawing() {
        let figure = Figure::new(vec![Panel {
            title: "Rate <1 & more>".into(),
            x: Axis { label: "time".into(), unit: "s", range: Range::Data },
            y: Axis { label: "rate".into(), unit: "counts/s", range: Range::FromZero },
            layers: vec![
                Layer::band(vec![(0.0, 900.0, 1100.0), (1.0, 900.0, f64::NAN)]),
                Layer::line("one", vec![(0.0, 1000.0), (0.5, f64::NAN), (1.0, 1000.0)]),
                Layer::step("two", vec![0.0, 0.5, 1.0], vec![2000.0, 3000.0]),
                Layer::marks("three", vec![(0.2, 500.0, 50.0)]),
                Layer::level("four", 2500.0),
            ],
        }]);
        let svg = figure.svg().unwrap();
        for text in ["time (s)", "rate (kcps)", "one", "two", "three", "four", "&lt;1 &amp; more"] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        let png = png::from_svg(&svg).unwrap();
        assert!(png.starts_with(b"\x89PNG"));
    }
}
