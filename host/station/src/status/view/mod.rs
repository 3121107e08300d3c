//! A status as people read it: a page, a line, a live picture.

mod line;
pub mod live;
mod page;
mod words;

pub use line::line;
pub use page::page;
