//! Writes the array.

use std::io::{self, BufWriter, Seek, SeekFrom, Write};

use crate::format::NPY_MAGIC;
use crate::table::{Row, RowSink, Table};
use crate::units::tick_text;
use crate::writer::Output;

/// The header fills the file to a multiple of this, as NumPy's own do, so that elements of any type
/// could be mapped into memory.
const ALIGNMENT: usize = 64;
/// Digits of the largest number of elements.
const SHAPE_DIGITS: usize = 20;

#[derive(Debug)]
pub(crate) struct NpySink<W: Output> {
    out: BufWriter<W>,
    table: Table,
}

impl<W: Output> NpySink<W> {
    pub(crate) fn new(out: W, table: Table) -> io::Result<NpySink<W>> {
        let mut out = BufWriter::new(out);
        out.write_all(&header(&table, 0))?;
        Ok(NpySink { out, table })
    }
}

impl<W: Output> RowSink for NpySink<W> {
    #[inline]
    fn row(&mut self, row: &Row) -> io::Result<()> {
        let mut element = [0; 14];
        element[..8].copy_from_slice(&row.time.to_le_bytes());
        element[8] = row.channel;
        let mut length = 9;
        let mut put = |bytes: &[u8]| {
            element[length..length + bytes.len()].copy_from_slice(bytes);
            length += bytes.len();
        };
        if self.table.dtime.is_some() {
            put(&row.dtime.to_le_bytes());
        }
        if self.table.kind {
            put(&[row.kind]);
        }
        if self.table.missed {
            put(&row.missed.to_le_bytes());
        }
        self.out.write_all(&element[..length])
    }

    fn finish(mut self, rows: u64) -> io::Result<u64> {
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&header(&self.table, rows))?;
        let bytes = self.out.seek(SeekFrom::End(0))?;
        self.out.flush()?;
        Ok(bytes)
    }
}

/// As long for any number of elements.
fn header(table: &Table, rows: u64) -> Vec<u8> {
    let mut fields = vec![
        format!("(('tick {}', '{}'), '<i8')", tick_text(table.tick), table.time_name()),
        "('channel', '|u1')".into(),
    ];
    match table.dtime {
        Some(Some(unit)) => fields.push(format!("(('unit {}', 'dtime'), '<u2')", tick_text(unit))),
        Some(None) => fields.push("('dtime', '<u2')".into()),
        None => {}
    }
    if table.kind {
        fields.push("('kind', '|u1')".into());
    }
    if table.missed {
        fields.push("('missed', '<u2')".into());
    }
    let dictionary = |rows: &str| {
        let fields = fields.join(", ");
        format!("{{'descr': [{fields}], 'fortran_order': False, 'shape': ({rows},), }}")
    };
    let longest = NPY_MAGIC.len() + 4 + dictionary(&"9".repeat(SHAPE_DIGITS)).len() + 1;
    let length = longest.next_multiple_of(ALIGNMENT);
    let mut header = Vec::from(*NPY_MAGIC);
    header.extend([1, 0]);
    header.extend(((length - NPY_MAGIC.len() - 4) as u16).to_le_bytes());
    header.extend(dictionary(&rows.to_string()).bytes());
    header.resize(length - 1, b' ');
    header.push(b'\n');
    header
}
