//! Plots as SVG, and as PNG made from the same SVG.
//!
//! A [`Figure`] is data: panels one above the other, each with two axes in base units and layers of
//! points. Axes choose their own SI prefix. The font is built in, so that a figure looks the same
//! on every machine.
//!
//! ```
//! use helio_station::plot::{Axis, Figure, Layer, Panel, Range};
//!
//! let time = Axis { label: "time".into(), unit: "s", range: Range::Data };
//! let qber = Axis { label: "QBER".into(), unit: "%", range: Range::FromZero };
//! let figure = Figure::new(vec![Panel {
//!     title: "QBER".into(),
//!     x: time,
//!     y: qber,
//!     layers: vec![
//!         Layer::band(vec![(0.0, 1.8, 2.2), (60.0, 1.9, 2.4)]),
//!         Layer::line("X basis", vec![(0.0, 2.0), (60.0, 2.1)]),
//!         Layer::level("abort", 11.0),
//!     ],
//! }]);
//! assert!(figure.svg().unwrap().contains("QBER (%)"));
//! ```

mod draw;
mod figure;
mod png;
mod ruler;

pub use figure::{Axis, Figure, Layer, Panel, Range};

use std::path::Path;

use crate::exit::{Failure, check_writable};

/// Why a figure could not be drawn: a fault of this program, not of its user.
#[derive(Debug, thiserror::Error)]
#[error("the figure cannot be drawn ({0}); please report this")]
pub struct PlotError(pub(crate) String);

/// Whether a file of this name can be written; told before hours of counting. A file that is there
/// keeps what it holds.
///
/// # Errors
/// The name ends neither in `.svg` nor in `.png`, or the file cannot be opened for writing.
pub fn check(path: &Path) -> Result<(), Failure> {
    if kind(path).is_none() {
        return Err(Failure::usage(format!(
            "--plot {} ends neither in .svg nor in .png; choose one of the two",
            path.display()
        )));
    }
    check_writable(path)
}

/// Writes a figure; the name's ending says how.
///
/// # Errors
/// The file cannot be written, or the figure not drawn.
pub fn save(figure: &Figure, path: &Path) -> Result<(), Failure> {
    let internal = |err: PlotError| Failure::new(crate::exit::Exit::Internal, err);
    let svg = figure.svg().map_err(internal)?;
    let bytes = match kind(path) {
        Some(Kind::Png) => png::from_svg(&svg).map_err(internal)?,
        _ => svg.into_bytes(),
    };
    crate::unfinished::write(path, &bytes).map_err(|err| Failure::unwritable(path, err))
}

enum Kind {
    Svg,
    Png,
}

fn kind(path: &Path) -> Option<Kind> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "svg" => Some(Kind::Svg),
        "png" => Some(Kind::Png),
        _ => None,
    }
}
