//! From SVG to PNG, with the built-in font.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use super::PlotError;

/// The font's name in the SVG; a viewer without it takes another sans-serif.
pub(super) const FONT_FAMILY: &str = "DejaVu Sans";
/// Pixels of the PNG to one of the SVG, so that print and projector look sharp.
const PIXELS: f32 = 2.0;

static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(include_bytes!("../../assets/DejaVuSans.ttf").to_vec());
    fonts.set_sans_serif_family(FONT_FAMILY);
    Arc::new(fonts)
});

pub(super) fn from_svg(svg: &str) -> Result<Vec<u8>, PlotError> {
    let options =
        Options { fontdb: FONTS.clone(), font_family: FONT_FAMILY.into(), ..Options::default() };
    let fault = |err: &dyn std::fmt::Display| PlotError(err.to_string());
    let tree = Tree::from_str(svg, &options).map_err(|err| fault(&err))?;
    let size = tree.size();
    let (width, height) = ((size.width() * PIXELS) as u32, (size.height() * PIXELS) as u32);
    let mut pixels = Pixmap::new(width, height).ok_or_else(|| fault(&"it has no pixels"))?;
    resvg::render(&tree, Transform::from_scale(PIXELS, PIXELS), &mut pixels.as_mut());
    pixels.encode_png().map_err(|err| fault(&err))
}
