//! PicoQuant's older files of one instrument each: a header of fixed fields, then the records that
//! PTU files have too.
//!
//! All begin with a name in 16 bytes and a version in 6. Source: PicoQuant's descriptions of the
//! files in the manuals of the instruments; HydraHarp and TimeHarp 200 were checked on recordings.

mod fields;
mod hydraharp;
mod picoharp;
mod timeharp;

use std::io::Read;

use crate::picoquant::record::Layout;
use crate::{Meta, TraceError, TraceFormat};

/// Reads the header of `format` and leaves `input` at the first record.
pub(crate) fn read(
    input: &mut impl Read,
    format: TraceFormat,
) -> Result<(Meta, Layout), TraceError> {
    match format {
        TraceFormat::HydraHarp => hydraharp::read(input),
        TraceFormat::PicoHarp300 => picoharp::read(input),
        _ => timeharp::read(input),
    }
}
