//! NumPy's `.npy`: one structured array, a record an element.
//!
//! `\x93NUMPY`, version (2 bytes), length of the header (2 bytes, from version 2.0 on 4, least
//! significant first), the header — a Python literal that names the fields, their types and how many
//! elements follow — and the elements. Source: NumPy Enhancement Proposal 1 and `numpy.lib.format`.
//!
//! The fields are the columns of a [`crate::table`]. What an integer in a field means stands in the
//! field's title, which NumPy keeps and shows: `tick 125/32ps` beside `tick`.

mod header;
mod literal;
mod read;
mod write;

pub(crate) use read::{Npy, read};
pub(crate) use write::NpySink;
