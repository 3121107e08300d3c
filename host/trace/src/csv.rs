//! Plain text: a detection a line, its time and where there is one its channel.
//!
//! Fields are separated by a comma, a semicolon, a tab or spaces. A first line that is not a number
//! names the columns: one whose name begins with `time` or `t` (and one with `ch`) are read, whatever
//! stands beside them; without it the first column is the time and the second the channel. Empty lines and those that
//! begin with `#` are skipped. A channel −n is the falling edge of an input.

use std::str::FromStr;

use helio_units::{TickLength, Ticks};

use crate::TraceError;
use crate::chunk::edge_channel;
use crate::order::Timeline;
use crate::stream::Decode;
use crate::{Chunk, Counts};

/// What a 1 in the time column means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsvUnit {
    /// This power of ten of a second, from −15 (fs) to 0. Ticks are 1 ps, or 1 fs for that unit;
    /// digits beyond are rounded to the nearest.
    Seconds(i8),
    /// A tick of this length; times are whole numbers.
    Ticks(TickLength),
}

/// Picoseconds, where nothing else is said.
const DEFAULT_UNIT: CsvUnit = CsvUnit::Seconds(-12);
const NAMES: [(&str, i8); 8] = [
    ("fs", -15),
    ("ps", -12),
    ("ns", -9),
    ("us", -6),
    ("µs", -6),
    ("μs", -6),
    ("ms", -3),
    ("s", 0),
];
const BLOCK_BYTES: usize = 1 << 18;
/// The longest line that is shown in an error.
const SHOWN: usize = 40;

impl CsvUnit {
    /// The length of a tick of a trace in this unit.
    pub fn tick(self) -> TickLength {
        match self {
            CsvUnit::Ticks(tick) => tick,
            CsvUnit::Seconds(exponent) => {
                let denominator = if exponent < -12 { 1000 } else { 1 };
                TickLength::new(1, denominator).expect("1 ps or 1 fs")
            }
        }
    }

    /// The exponent by which a number in this unit becomes ticks.
    fn exponent(self) -> i32 {
        match self {
            CsvUnit::Ticks(_) => 0,
            CsvUnit::Seconds(exponent) if exponent < -12 => i32::from(exponent) + 15,
            CsvUnit::Seconds(exponent) => i32::from(exponent) + 12,
        }
    }
}

/// A unit by its name: `fs`, `ps`, `ns`, `us`, `µs`, `ms`, `s`, or a tick such as `81ps` or
/// `125/32ps`.
impl FromStr for CsvUnit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<CsvUnit, &'static str> {
        const WRONG: &str =
            "a unit of time is needed; write ps, ns, us, ms, s or a tick as 125/32ps";
        if let Some((_, exponent)) = NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(CsvUnit::Seconds(*exponent));
        }
        let number = text.strip_suffix("ps").ok_or(WRONG)?.trim_end();
        let (n, d) = number.split_once('/').unwrap_or((number, "1"));
        let (n, d) = (n.parse().map_err(|_| WRONG)?, d.parse().map_err(|_| WRONG)?);
        TickLength::new(n, d).map(CsvUnit::Ticks).map_err(|_| WRONG)
    }
}

/// Which columns are read, and the unit that the header line states.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    time: usize,
    channel: Option<usize>,
    unit: Option<CsvUnit>,
    /// Whether further columns may stand beside them.
    named: bool,
}

/// The columns of a file that begins with `head`, by its first line with content.
pub(crate) fn columns(head: &[u8]) -> Columns {
    let plain = Columns { time: 0, channel: Some(1), unit: None, named: false };
    let mut lines = head.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    let line = lines.find(|line| !skipped(line)).unwrap_or_default();
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    if fields(line).next().is_none_or(is_number) {
        return plain;
    }
    let names: Vec<String> =
        fields(line).map(|name| String::from_utf8_lossy(name).to_lowercase()).collect();
    let begins =
        |with: &str| names.iter().position(|name| name.trim_matches('"').starts_with(with));
    let time = begins("time").or_else(|| begins("t")).unwrap_or(0);
    let unit = names[time].trim_end_matches(|c: char| !c.is_alphanumeric());
    let unit = unit.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    // A name that is nothing but the unit is no unit: a column “s” alone says too little.
    let unit = NAMES.iter().find(|(name, _)| *name == unit && names[time] != *name);
    let unit = unit.map(|(_, exponent)| CsvUnit::Seconds(*exponent));
    Columns { time, channel: begins("ch").filter(|channel| *channel != time), unit, named: true }
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
    /// The unit that holds: the one asked for, else that of the header line, else picoseconds.
    pub(crate) fn unit(&self, asked: Option<CsvUnit>) -> CsvUnit {
        asked.or(self.unit).unwrap_or(DEFAULT_UNIT)
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

/// A number as it is written: mantissa times a power of ten.
struct Decimal {
    mantissa: u128,
    exponent: i32,
}

impl Decimal {
    fn parse(text: &[u8]) -> Option<Decimal> {
        let text = text.strip_prefix(b"+").unwrap_or(text);
        let cut = text.iter().position(|b| matches!(b, b'e' | b'E'));
        let (number, power) = cut.map_or((text, None), |at| (&text[..at], Some(&text[at + 1..])));
        let mut exponent = match power {
            Some(power) => std::str::from_utf8(power).ok()?.parse::<i16>().ok()?.into(),
            None => 0,
        };
        let (mut mantissa, mut digits, mut point) = (0u128, 0, false);
        for byte in number {
            match byte {
                b'.' if !point => point = true,
                b'0'..=b'9' => {
                    mantissa = mantissa.checked_mul(10)?.checked_add(u128::from(byte - b'0'))?;
                    digits += 1;
                    exponent -= i32::from(point);
                }
                _ => return None,
            }
        }
        (digits > 0).then_some(Decimal { mantissa, exponent })
    }

    /// Times this power of ten, rounded to the nearest; `None` beyond 64 bits.
    fn scaled(&self, exponent: i32) -> Option<u64> {
        let exponent = self.exponent + exponent;
        let power = 10u128.checked_pow(exponent.unsigned_abs());
        let value = match (exponent < 0, power) {
            (_, _) if self.mantissa == 0 => 0,
            (false, power) => self.mantissa.checked_mul(power?)?,
            (true, Some(power)) => {
                self.mantissa / power + u128::from(self.mantissa % power >= power.div_ceil(2))
            }
            (true, None) => 0,
        };
        u64::try_from(value).ok()
    }

    fn is_whole(&self) -> bool {
        self.exponent >= 0
    }
}

pub(crate) struct Csv {
    columns: Columns,
    unit: CsvUnit,
    line: Timeline,
    /// Whether the line with names is still to come.
    names: bool,
    lines: u64,
}

impl Csv {
    pub(crate) fn new(columns: Columns, unit: CsvUnit, window: Ticks) -> Csv {
        Csv { columns, unit, line: Timeline::new(window), names: columns.named, lines: 0 }
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
        if std::mem::take(&mut self.names) {
            return Ok(());
        }
        let fault = |what| {
            let shown = &line[..line.len().min(SHOWN)];
            let found = String::from_utf8_lossy(shown).escape_debug().to_string();
            TraceError::BadLine { offset, line: self.lines, what, found }
        };
        let (mut time, mut channel) = (None, 0);
        for (column, field) in fields(line).enumerate() {
            if column == self.columns.time {
                time = Some(self.time(field).map_err(fault)?);
            } else if Some(column) == self.columns.channel {
                let number = std::str::from_utf8(field).ok().and_then(|f| f.parse().ok());
                channel = number
                    .and_then(edge_channel)
                    .ok_or_else(|| fault("no channel number from -127 to 127"))?;
            } else if !self.columns.named {
                return Err(fault(
                    "more columns than a time and a channel, and no line names them",
                ));
            }
        }
        let time = time.ok_or_else(|| fault("no time"))?;
        self.line.photon(time, channel, offset, chunk)
    }

    fn time(&self, field: &[u8]) -> Result<u64, &'static str> {
        if field.starts_with(b"-") {
            return Err("a time before zero");
        }
        let decimal = Decimal::parse(field).ok_or("no number where the time is expected")?;
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
        self.line.end_block(last || result.is_err(), chunk);
        result.map(|()| used)
    }

    fn counts(&self) -> Counts {
        self.line.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_become_ticks_rounded_to_the_nearest() {
        let ticks = |text: &str, unit: &str| {
            let unit: CsvUnit = unit.parse().unwrap();
            Decimal::parse(text.as_bytes()).and_then(|d| d.scaled(unit.exponent()))
        };
        assert_eq!(ticks("1.0000000000015", "s"), Some(1_000_000_000_002));
        assert_eq!(ticks("1.25e-6", "s"), Some(1_250_000));
        assert_eq!(ticks("17", "ns"), Some(17_000));
        assert_eq!(ticks("0.4", "ps"), Some(0));
        assert_eq!(ticks("3", "fs"), Some(3));
        assert_eq!(ticks("1e-999", "s"), Some(0));
        assert_eq!(ticks("0e999", "s"), Some(0));
        assert_eq!(ticks("1e999", "s"), None);
        assert_eq!(ticks("18446744073709551615", "ps"), Some(u64::MAX));
        assert_eq!(ticks("18446744073709551616", "ps"), None);
        for bad in ["", ".", "1.2.3", "1e", "0x10", "1e99999"] {
            assert!(Decimal::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }

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

    #[test]
    fn units_have_names() {
        assert_eq!("125/32ps".parse(), Ok(CsvUnit::Ticks(TickLength::new(125, 32).unwrap())));
        assert_eq!("81 ps".parse(), Ok(CsvUnit::Ticks(TickLength::new(81, 1).unwrap())));
        assert_eq!("us".parse(), Ok(CsvUnit::Seconds(-6)));
        for bad in ["", "parsec", "0ps", "1/0ps"] {
            assert!(bad.parse::<CsvUnit>().is_err(), "{bad}");
        }
    }
}
