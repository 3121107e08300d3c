//! HDF5: arrays of times and channels, as programs around Swabian's Time Tagger and others export them.
//!
//! There is no common layout: which datasets are the columns is asked for ([`crate::Datasets`]) or found by
//! their names, in the root group or else in the first group of it that has times. A dataset of times has one
//! dimension and whole numbers; the one of channels beside it is as long. Contiguous and compact datasets
//! are read, and chunked ones with or without deflate, shuffle and Fletcher's checksum.
//!
//! The library bounds what it allocates by the file's length and by limits that are set here. What it claims
//! beyond what so many bytes can be deflated from is refused here: a dataset need not be there to have a
//! length.

mod find;
mod read;

pub(crate) use read::{open, open_bytes};
