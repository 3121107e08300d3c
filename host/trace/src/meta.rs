//! What a trace says of itself before its records.

use helio_units::TickLength;

use crate::table::Table;
use crate::{RecordType, TraceFormat};

/// One field of a header.
#[derive(Clone, Debug, PartialEq)]
pub struct Tag {
    /// The name in the format's description; in a PTU file at most 32 bytes.
    pub ident: String,
    /// Its place in a list of fields of one name; −1 for one that stands alone.
    pub index: i32,
    /// Its value.
    pub value: TagValue,
}

/// The value of a field, with the type the file gives it.
#[derive(Clone, Debug, PartialEq)]
pub enum TagValue {
    /// No value: the field opens a group or ends the header.
    Empty,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// 64 flags.
    BitSet(u64),
    /// A colour, as the file holds it.
    Color(u64),
    /// A real number; its unit follows from the field's name.
    Float(f64),
    /// Days since the end of 1899-12-29.
    DateTime(f64),
    /// Real numbers.
    Floats(Vec<f64>),
    /// Text in bytes: UTF-8, else Latin-1.
    Text(String),
    /// Text in UTF-16.
    WideText(String),
    /// Bytes without a meaning stated in the file.
    Blob(Vec<u8>),
}

/// The time within a sync period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dtime {
    /// What a dtime of 1 means; `None` where the file does not say it.
    pub unit: Option<TickLength>,
    /// Whether it is added to the time of the sync pulse: not where it runs backwards from the next
    /// pulse, or where the tick is not counted by the pulses.
    pub adds: bool,
}

/// Everything that a trace says before its records, and what follows from it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Meta {
    /// The file format.
    pub format: TraceFormat,
    /// Its version, such as `1.0.00`; empty where it has none.
    pub version: String,
    /// All fields of the header, in the order of the file.
    pub tags: Vec<Tag>,
    /// Length of the header: the byte at which the records begin.
    pub header_bytes: u64,
    /// The layout of the records, in PicoQuant's files.
    pub record_type: Option<RecordType>,
    /// The exact length of a tick; of T3 records that of the sync period.
    pub tick: TickLength,
    /// The time within a sync period, where the records have it.
    pub dtime: Option<Dtime>,
    /// How many records the header claims; a file that was cut, or whose recording was broken off,
    /// holds another number.
    pub claimed_records: Option<u64>,
    /// The byte at which that number stands.
    pub claimed_records_at: Option<u64>,
    /// Whether tick zero is when the measurement began; else it is when the instrument was started,
    /// or any other time.
    pub starts_at_zero: bool,
    /// The columns, in formats that are tables.
    pub(crate) table: Option<Table>,
}

impl Meta {
    /// For a format without a header.
    pub(crate) fn headless(format: TraceFormat, tick: TickLength) -> Meta {
        Meta {
            format,
            version: String::new(),
            tags: Vec::new(),
            header_bytes: 0,
            record_type: None,
            tick,
            dtime: None,
            claimed_records: None,
            claimed_records_at: None,
            starts_at_zero: false,
            table: None,
        }
    }

    /// The first field of this name.
    pub fn tag(&self, ident: &str) -> Option<&TagValue> {
        find(&self.tags, ident)
    }

    /// A whole number; `None` where the field is absent or of another type.
    pub fn int(&self, ident: &str) -> Option<i64> {
        int(&self.tags, ident)
    }

    /// A real number; `None` where the field is absent or of another type.
    pub fn float(&self, ident: &str) -> Option<f64> {
        float(&self.tags, ident)
    }

    /// A text; `None` where the field is absent or of another type.
    pub fn text(&self, ident: &str) -> Option<&str> {
        match self.tag(ident)? {
            TagValue::Text(text) | TagValue::WideText(text) => Some(text),
            _ => None,
        }
    }

    /// The format's name, of PicoQuant's older files with the ending for their mode.
    pub fn format_name(&self) -> &'static str {
        let t2 = self.record_type.is_some_and(RecordType::is_t2);
        match (self.format, t2) {
            (TraceFormat::HydraHarp, true) => "PicoQuant legacy .ht2",
            (TraceFormat::HydraHarp, false) => "PicoQuant legacy .ht3",
            (TraceFormat::PicoHarp300, true) => "PicoQuant legacy .pt2",
            (TraceFormat::PicoHarp300, false) => "PicoQuant legacy .pt3",
            (format, _) => format.name(),
        }
    }

    /// The instrument's name.
    pub fn hardware(&self) -> Option<&str> {
        self.text("HW_Type").or_else(|| self.text("HardwareIdent"))
    }

    /// Whether the trace may hold something else than detections.
    pub fn has_other_kinds(&self) -> bool {
        use TraceFormat::*;
        match self.format {
            QuTag | SFifteen | SFifteenLegacy | QCrypto => false,
            Csv | Npy | Parquet | Hdf5 => self.table.is_some_and(|table| table.kind),
            _ => true,
        }
    }

    /// Whether its losses may say how many detections were missed.
    pub fn counts_missed(&self) -> bool {
        match self.table {
            Some(table) => table.missed,
            None => matches!(self.format, TraceFormat::Swabian | TraceFormat::Recording),
        }
    }

    /// The rate of the sync pulses as the header has it, in hertz.
    pub fn sync_rate_hz(&self) -> Option<i64> {
        let names = ["TTResult_SyncRate", "SyncRate", "InpRate0"];
        names.iter().find_map(|name| self.int(name))
    }
}

pub(crate) fn find<'a>(tags: &'a [Tag], ident: &str) -> Option<&'a TagValue> {
    tags.iter().find(|tag| tag.ident == ident).map(|tag| &tag.value)
}

pub(crate) fn int(tags: &[Tag], ident: &str) -> Option<i64> {
    match find(tags, ident)? {
        TagValue::Int(value) => Some(*value),
        _ => None,
    }
}

pub(crate) fn float(tags: &[Tag], ident: &str) -> Option<f64> {
    match find(tags, ident)? {
        TagValue::Float(value) => Some(*value),
        _ => None,
    }
}
