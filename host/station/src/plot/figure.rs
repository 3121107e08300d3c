//! What is to be drawn, as data.

use super::{PlotError, draw};

/// A drawing: panels one above the other.
#[derive(Clone, Debug)]
pub struct Figure {
    /// From top to bottom.
    pub panels: Vec<Panel>,
    /// Width and height in pixels of the SVG; a PNG has twice as many.
    pub size: (u32, u32),
}

/// One coordinate system.
#[derive(Clone, Debug)]
pub struct Panel {
    /// One line above it.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// Drawn in this order.
    pub layers: Vec<Layer>,
}

/// An axis. Values are given in the base unit and shown with an SI prefix that fits; units other
/// than `s`, `Hz`, `bit/s` and `counts/s` are shown as they are.
#[derive(Clone, Debug)]
pub struct Axis {
    /// The quantity.
    pub label: String,
    /// Its unit; empty for a pure number.
    pub unit: &'static str,
    /// What part of the axis is shown.
    pub range: Range,
}

/// What part of an axis is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// From the smallest value to the largest.
    Data,
    /// From zero to a little above the largest value.
    FromZero,
    /// From here to there.
    Fixed(f64, f64),
    /// From the smallest value above zero to the largest, on a logarithmic scale; what is not above
    /// zero lies on the axis.
    Log,
}

/// Something drawn into a panel. Points that are not finite interrupt a line and are left out
/// elsewhere.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Shown in the legend unless empty.
    pub name: String,
    /// How it is drawn.
    pub shape: Shape,
}

/// How a layer is drawn.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A line through points (x, y).
    Line(Vec<(f64, f64)>),
    /// A shaded area between points (x, low, high): an error band. It takes the colour of the next
    /// line, step or set of marks.
    Band(Vec<(f64, f64, f64)>),
    /// A histogram: one more edge than values.
    Step {
        /// The edges of the bins, rising.
        edges: Vec<f64>,
        /// The height of each bin.
        values: Vec<f64>,
    },
    /// Points (x, y, standard error) with error bars.
    Marks(Vec<(f64, f64, f64)>),
    /// A dashed horizontal line over the whole panel.
    Level(f64),
}

impl Figure {
    /// Panels in their usual size.
    pub fn new(panels: Vec<Panel>) -> Figure {
        let size = (900, 60 + 380 * panels.len().max(1) as u32);
        Figure { panels, size }
    }

    /// The drawing as SVG.
    ///
    /// # Errors
    /// The drawing library fails.
    pub fn svg(&self) -> Result<String, PlotError> {
        draw::svg(self)
    }
}

impl Layer {
    /// A line through points (x, y).
    pub fn line(name: impl Into<String>, points: Vec<(f64, f64)>) -> Layer {
        Layer { name: name.into(), shape: Shape::Line(points) }
    }

    /// An error band of points (x, low, high), in the colour of the next line.
    pub fn band(points: Vec<(f64, f64, f64)>) -> Layer {
        Layer { name: String::new(), shape: Shape::Band(points) }
    }

    /// A histogram; `edges` has one more entry than `values`.
    pub fn step(name: impl Into<String>, edges: Vec<f64>, values: Vec<f64>) -> Layer {
        Layer { name: name.into(), shape: Shape::Step { edges, values } }
    }

    /// Points (x, y, standard error) with error bars.
    pub fn marks(name: impl Into<String>, points: Vec<(f64, f64, f64)>) -> Layer {
        Layer { name: name.into(), shape: Shape::Marks(points) }
    }

    /// A dashed horizontal line.
    pub fn level(name: impl Into<String>, y: f64) -> Layer {
        Layer { name: name.into(), shape: Shape::Level(y) }
    }

    /// Everything that the axes must have room for.
    pub(super) fn points(&self) -> Vec<(Option<f64>, f64)> {
        match &self.shape {
            Shape::Line(points) => points.iter().map(|p| (Some(p.0), p.1)).collect(),
            Shape::Band(points) => {
                points.iter().flat_map(|p| [(Some(p.0), p.1), (Some(p.0), p.2)]).collect()
            }
            Shape::Step { edges, values } => {
                let ends = edges.iter().skip(1).zip(values);
                let begins = edges.iter().zip(values);
                begins.chain(ends).map(|(x, y)| (Some(*x), *y)).collect()
            }
            Shape::Marks(points) => points
                .iter()
                .flat_map(|p| [(Some(p.0), p.1 - p.2), (Some(p.0), p.1 + p.2)])
                .collect(),
            Shape::Level(y) => vec![(None, *y)],
        }
    }
}
