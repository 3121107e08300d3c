//! Plain text: a detection a line, its time and where there is one its channel.
//!
//! Fields are separated by a comma, a semicolon, a tab or spaces. A first line that is not a number
//! names the columns: one whose name begins with `time` or `t` (and one with `ch`) are read, whatever
//! stands beside them; without it the first column is the time and the second the channel. Empty
//! lines and those that begin with `#` are skipped. A channel −n is the falling edge of an input.
//!
//! A line that names exactly the columns of a [`crate::table`], as the writer here writes it, has
//! records of all kinds below it.

mod decimal;
mod write;

use helio_units::Ticks;

use self::decimal::Decimal;
use crate::TraceError;
use crate::chunk::edge_channel;
use crate::stream::Decode;
use crate::table::{Row, Rows, Table, Time};
use crate::units::{CsvUnit, named_unit, time_column};
use crate::{Chunk, Counts, Meta, TraceFormat};

pub(crate) use write::CsvSink;

const BLOCK_BYTES: usize = 1 << 18;
/// The longest line that is shown in an error.
const SHOWN: usize = 40;

/// Which columns are read, and the unit that the header line states.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    time: usize,
    channel: Option<usize>,
    unit: Option<CsvUnit>,
    /// Whether further columns may stand beside them.
    named: bool,
    /// Where all columns are known: those beside time and channel.
    own: Option<Table>,
}

/// The columns of a file that begins with `head`, by its first line with content.
pub(crate) fn columns(head: &[u8]) -> Columns {
    let plain = Columns { time: 0, channel: Some(1), unit: None, named: false, own: None };
    let mut lines = head.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    let line = lines.find(|line| !skipped(line)).unwrap_or_default();
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    if fields(line).next().is_none_or(is_number) {
        return plain;
    }
    let names: Vec<String> =
        fields(line).map(|name| String::from_utf8_lossy(name).to_lowercase()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let time = time_column(&names).unwrap_or(0);
    let channel = names.iter().position(|name| name.trim_matches('"').starts_with("ch"));
    let (channel, unit) = (channel.filter(|channel| *channel != time), named_unit(names[time]));
    Columns { time, channel, unit, named: true, own: own_table(&names) }
}

/// The table of which these are all columns, in their order.
fn own_table(names: &[&str]) -> Option<Table> {
    let unit_of = |name: &str| named_unit(name).and_then(CsvUnit::whole_tick);
    let dtime = names.iter().find(|name| name.starts_with("dtime"));
    let time = names.first()?;
    let table = Table {
        time: match time {
            time if time.starts_with("sync") => Time::Syncs,
            time if time.starts_with("tick") => Time::Ticks,
            _ => Time::Picoseconds,
        },
        tick: unit_of(time)?,
        dtime: dtime.map(|name| unit_of(name)),
        kind: names.contains(&"kind"),
        missed: names.contains(&"missed"),
    };
    (write::names(&table) == names).then_some(table)
}

/// Whether the first line with content behind a line of names begins with a number.
pub(crate) fn is_likely(head: &[u8]) -> bool {
    let named = columns(head);
    let lines = head.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    let content = lines.filter(|line| !skipped(line)).nth(usize::from(named.named));
    match content {
        Some(line) => fields(line).nth(named.time).is_some_and(is_number),
        // Nothing but names: a trace without detections, if they are those of one.
        None => named.named && named.unit.is_some(),
    }
}

impl Columns {
    /// Whether the unit is known, and not only taken for picoseconds.
    pub(crate) fn states_unit(&self, asked: Option<CsvUnit>) -> bool {
        asked.or(self.unit).is_some()
    }

    /// The unit that holds: the one asked for, else that of the header line, else picoseconds.
    pub(crate) fn unit(&self, asked: Option<CsvUnit>) -> CsvUnit {
        asked.or(self.unit).unwrap_or(CsvUnit::PICOSECONDS)
    }

    /// What is known before the first line.
    pub(crate) fn meta(&self, unit: CsvUnit) -> Meta {
        Meta {
            dtime: self.own.and_then(|table| table.dtime_meaning()),
            table: self.own,
            ..Meta::headless(TraceFormat::Csv, unit.tick())
        }
    }

    /// The columns beside time and channel, in a line that has nothing else.
    fn further(&self, row: &mut Row, column: usize, field: &[u8]) -> Result<(), &'static str> {
        let Some(table) = self.own else { return Ok(()) };
        let number = std::str::from_utf8(field).ok();
        let dtimes = usize::from(table.dtime.is_some());
        let parsed = match column - 2 {
            0 if dtimes == 1 => number.and_then(|n| n.parse().ok()).map(|n| row.dtime = n),
            at if at == dtimes && table.kind => {
                number.and_then(|n| n.parse().ok()).map(|n| row.kind = n)
            }
            _ => number.and_then(|n| n.parse().ok()).map(|n| row.missed = n),
        };
        parsed.ok_or("no small number in a column beside time and channel")
    }
}

fn skipped(line: &[u8]) -> bool {
    line.is_empty() || line.starts_with(b"#")
}

fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    // Several spaces are one separator; spaces beside a comma belong to it.
    let strong = line.iter().any(|b| matches!(b, b',' | b';' | b'\t'));
    line.split(move |b| match strong {
        true => matches!(b, b',' | b';' | b'\t'),
        false => *b == b' ',
    })
    .map(<[u8]>::trim_ascii)
    .filter(move |field| strong || !field.is_empty())
}

fn is_number(field: &[u8]) -> bool {
    Decimal::parse(field.strip_prefix(b"-").unwrap_or(field)).is_some()
}

pub(crate) struct Csv {
    columns: Columns,
    unit: CsvUnit,
    /// Whether somebody has said so.
    unit_is_stated: bool,
    /// Fields of a line, by the line of names or the first of a detection.
    width: Option<usize>,
    rows: Rows,
    /// Whether the line with names is still to come.
    names: bool,
    lines: u64,
}

impl Csv {
    /// `asked`: the unit asked for.
    pub(crate) fn new(columns: Columns, asked: Option<CsvUnit>, window: Ticks) -> Csv {
        let (unit, unit_is_stated) = (columns.unit(asked), columns.states_unit(asked));
        // Times are already counted in ticks.
        let plain =
            Table { time: Time::Ticks, tick: unit.tick(), dtime: None, kind: false, missed: false };
        let table = Table { time: Time::Ticks, ..columns.own.unwrap_or(plain) };
        let rows = Rows::new(&table, window);
        let width = columns.own.map(|table| write::names(&table).len());
        Csv { columns, unit, unit_is_stated, width, rows, names: columns.named, lines: 0 }
    }

    fn read(&mut self, line: &[u8], offset: u64, chunk: &mut Chunk) -> Result<(), TraceError> {
        self.lines += 1;
        let line = match offset {
            0 => line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line),
            _ => line,
        };
        let line = line.trim_ascii();
        if skipped(line) {
            return Ok(());
        }
        let width = fields(line).count();
        if std::mem::take(&mut self.names) {
            self.width.get_or_insert(width);
            return Ok(());
        }
        let fault = |what| {
            let shown = &line[..line.len().min(SHOWN)];
            let found = String::from_utf8_lossy(shown).escape_debug().to_string();
            TraceError::BadLine { offset, line: self.lines, what, found }
        };
        let (mut time, mut row) = (None, Row::default());
        if self.columns.own.is_some() && self.width != Some(width) {
            return Err(fault("another number of columns than the line that names them"));
        }
        for (column, field) in fields(line).enumerate() {
            if column == self.columns.time {
                time = Some(self.time(field).map_err(fault)?);
            } else if Some(column) == self.columns.channel {
                row.channel = self.channel(field).map_err(fault)?;
            } else if self.columns.named {
                self.columns.further(&mut row, column, field).map_err(fault)?;
            } else {
                return Err(fault(
                    "more columns than a time and a channel, and no line names them",
                ));
            }
        }
        row.time = time.ok_or_else(|| fault("no time"))?;
        // Without names the first line tells whether there are channels.
        let usual = *self.width.get_or_insert(width);
        let has_channel = |width| self.columns.channel.is_some_and(|channel| channel < width);
        if has_channel(usual) && !has_channel(width) {
            return Err(fault("no channel, which the lines before it have"));
        }
        self.rows.take(&row, offset, chunk)
    }

    /// Whether it is a table with more than detections, as the writer here writes it.
    fn is_table(&self) -> bool {
        self.columns.own.is_some_and(|table| table.is_beyond_photons())
    }

    /// Whether a line has fewer fields than those before it.
    fn is_short(&self, line: &[u8]) -> bool {
        let line = line.trim_ascii();
        !skipped(line) && self.width.is_some_and(|width| fields(line).count() < width)
    }

    fn channel(&self, field: &[u8]) -> Result<u8, &'static str> {
        let number = std::str::from_utf8(field).ok().and_then(|f| f.parse().ok());
        let channel = match (number, self.columns.own) {
            (Some(number @ 128..=255), Some(_)) => Some(number as u8),
            (number, _) => number.and_then(edge_channel),
        };
        channel.ok_or("no channel number from -127 to 127")
    }

    fn time(&self, field: &[u8]) -> Result<u64, &'static str> {
        if field.starts_with(b"-") {
            return Err("a time before zero");
        }
        let decimal = Decimal::parse(field).ok_or("no number where the time is expected")?;
        if !self.unit_is_stated && !decimal.is_whole() {
            return Err(
                "a time with a fraction, and nothing that states its unit (--unit, such as s)",
            );
        }
        if matches!(self.unit, CsvUnit::Ticks(_)) && !decimal.is_whole() {
            return Err("a time that is no whole number of ticks");
        }
        decimal.scaled(self.unit.exponent()).ok_or("a time beyond 2^64 ticks")
    }
}

impl Decode for Csv {
    fn block_bytes(&self) -> usize {
        BLOCK_BYTES
    }

    fn decode(
        &mut self,
        block: &[u8],
        offset: u64,
        last: bool,
        chunk: &mut Chunk,
    ) -> Result<usize, TraceError> {
        let mut used = 0;
        let mut result = Ok(());
        while used < block.len() && result.is_ok() {
            let rest = &block[used..];
            let length = match rest.iter().position(|b| *b == b'\n') {
                Some(end) => end + 1,
                // A table that was written here ends in the end of a line; a number that was cut reads
                // as another one. Of others a line that was cut shows it where a column is missing.
                None if last && (self.is_table() || self.is_short(rest)) => {
                    let keep = offset + used as u64;
                    let (offset, complete) = (offset + block.len() as u64, self.counts().records());
                    result = Err(TraceError::RecordTruncated { offset, complete, keep });
                    break;
                }
                None if last => rest.len(),
                None if rest.len() >= BLOCK_BYTES => {
                    let (offset, line) = (offset + used as u64, self.lines + 1);
                    let what = "a line of a quarter of a million bytes";
                    result = Err(TraceError::BadLine { offset, line, what, found: String::new() });
                    break;
                }
                None => break,
            };
            result = self.read(&rest[..length], offset + used as u64, chunk);
            used += length;
        }
        self.rows.line.end_block(last || result.is_err(), chunk);
        result.map(|()| used)
    }

    fn counts(&self) -> Counts {
        self.rows.counts()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_line_names_columns_and_unit() {
        let found = |head: &str| {
            let c = columns(head.as_bytes());
            (c.time, c.channel, c.unit)
        };
        assert_eq!(found("1,2\n"), (0, Some(1), None));
        assert_eq!(
            found("# x\n\ntime (ns);channel\n1;2\n"),
            (0, Some(1), Some(CsvUnit::Seconds(-9)))
        );
        assert_eq!(found("Channel\tTime_ps\n"), (1, Some(0), Some(CsvUnit::Seconds(-12))));
        assert_eq!(found("timestamp,value\n"), (0, None, None));
        assert_eq!(found("index,channel,time [s]"), (2, Some(1), Some(CsvUnit::Seconds(0))));
    }
}
