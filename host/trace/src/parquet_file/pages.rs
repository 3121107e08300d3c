//! Pages whose claims their own bytes bear out.

use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

/// A column's pages.
pub(super) struct Honest(pub(super) Box<dyn PageReader>);

/// No value of a dictionary is shorter: 32 bits.
const SHORTEST: u64 = 4;

impl PageReader for Honest {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.0.get_next_page()?;
        // A dictionary is made as long as its page claims before its bytes are looked at.
        if let Some(Page::DictionaryPage { buf, num_values, .. }) = &page
            && u64::from(*num_values) * SHORTEST > buf.len() as u64
        {
            return Err(ParquetError::General("a dictionary longer than its page".into()));
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.0.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.0.skip_next_page()
    }
}

impl Iterator for Honest {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Result<Page>> {
        self.get_next_page().transpose()
    }
}
