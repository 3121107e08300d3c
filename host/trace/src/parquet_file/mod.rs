//! Apache Parquet: the columns of a [`crate::table`], for pandas, Polars and DuckDB.
//!
//! Columns are required and not compressed; times are stored as differences
//! (`DELTA_BINARY_PACKED`), the others by dictionary. The exact tick stands in the file's key-value
//! metadata: `helio.tick` and `helio.dtime_unit`, such as `125/32ps`, and `helio.starts_at_zero`.
//!
//! Read are such files, also where another program has written them anew, without compression: a
//! compressed page claims how long it will be, and memory is not given on such a claim.

mod input;
mod pages;
mod read;
mod write;

pub(crate) use input::Whole;
pub(crate) use read::open;
pub(crate) use write::ParquetSink;

const TICK: &str = "helio.tick";
const DTIME_UNIT: &str = "helio.dtime_unit";
const STARTS_AT_ZERO: &str = "helio.starts_at_zero";
