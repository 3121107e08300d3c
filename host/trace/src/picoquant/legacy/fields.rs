//! Fields of a fixed header, read one after the other and kept under their names.

use std::io::Read;

use helio_units::TickLength;

use crate::meta::{Tag, TagValue};
use crate::picoquant::ptu::{MAX_HEADER_BYTES, text_of};
use crate::stream::read_header;
use crate::{Meta, TraceError, TraceFormat};

pub(super) struct Fields<'a, R> {
    input: &'a mut R,
    pub(super) offset: u64,
    pub(super) tags: Vec<Tag>,
}

/// The fields that all of these files have from the display settings to the script's name.
const PARAMETERS: [&str; 3] = ["Start", "Step", "End"];
const REPEATS: [&str; 4] = ["RepeatMode", "RepeatsPerCurve", "RepeatTime", "RepeatWaitTime"];
const CURVES: i32 = 8;

impl<'a, R: Read> Fields<'a, R> {
    /// `input` stands at the beginning of the file.
    pub(super) fn new(input: &'a mut R) -> Fields<'a, R> {
        Fields { input, offset: 0, tags: Vec::new() }
    }

    fn raw<const N: usize>(&mut self) -> Result<[u8; N], TraceError> {
        let mut bytes = [0; N];
        read_header(self.input, &mut bytes, self.offset)?;
        self.offset += N as u64;
        Ok(bytes)
    }

    fn keep(&mut self, ident: &str, index: i32, value: TagValue) {
        self.tags.push(Tag { ident: ident.into(), index, value });
    }

    pub(super) fn text<const N: usize>(&mut self, ident: &str) -> Result<String, TraceError> {
        let text = text_of(&self.raw::<N>()?).trim_end_matches(['\r', '\n', '\x1a']).to_owned();
        self.keep(ident, -1, TagValue::Text(text.clone()));
        Ok(text)
    }

    pub(super) fn int_of(&mut self, ident: &str, index: i32) -> Result<i32, TraceError> {
        let value = i32::from_le_bytes(self.raw()?);
        self.keep(ident, index, TagValue::Int(value.into()));
        Ok(value)
    }

    pub(super) fn int(&mut self, ident: &str) -> Result<i32, TraceError> {
        self.int_of(ident, -1)
    }

    pub(super) fn ints(&mut self, idents: &[&str]) -> Result<(), TraceError> {
        idents.iter().try_for_each(|ident| self.int(ident).map(|_| ()))
    }

    pub(super) fn long(&mut self, ident: &str) -> Result<i64, TraceError> {
        let value = i64::from_le_bytes(self.raw()?);
        self.keep(ident, -1, TagValue::Int(value));
        Ok(value)
    }

    pub(super) fn double(&mut self, ident: &str) -> Result<f64, TraceError> {
        let value = f64::from_le_bytes(self.raw()?);
        self.keep(ident, -1, TagValue::Float(value));
        Ok(value)
    }

    /// A number of 32 bits as the shortest decimal that stands for it, which is what was meant.
    pub(super) fn single(&mut self, ident: &str, index: i32) -> Result<f64, TraceError> {
        let value = f32::from_le_bytes(self.raw()?);
        let value = value.to_string().parse().unwrap_or(f64::NAN);
        self.keep(ident, index, TagValue::Float(value));
        Ok(value)
    }

    /// Curves, parameters, repetitions and the script: settings of the display, alike in all.
    pub(super) fn display(&mut self) -> Result<(), TraceError> {
        for curve in 0..CURVES {
            self.int_of("DispCurveMapTo", curve)?;
            self.int_of("DispCurveShow", curve)?;
        }
        for parameter in 0..3 {
            for name in PARAMETERS {
                self.single(&format!("Param{name}"), parameter)?;
            }
        }
        self.ints(&REPEATS)?;
        self.text::<20>("ScriptName").map(|_| ())
    }

    /// The special header of images, `words` times four bytes, as the field at byte `at` says.
    pub(super) fn special(&mut self, at: u64, words: i32) -> Result<(), TraceError> {
        let claimed = u64::try_from(words).ok().map(|words| 4 * words);
        let Some(bytes) = claimed.filter(|bytes| self.offset + bytes <= MAX_HEADER_BYTES) else {
            return Err(self.unusable(at, "a special header (in words) of", words.into()));
        };
        let mut content = vec![0; bytes as usize];
        read_header(self.input, &mut content, self.offset)?;
        self.offset += bytes;
        if !content.is_empty() {
            self.keep("ImgHdr", -1, TagValue::Blob(content));
        }
        Ok(())
    }

    pub(super) fn unusable(&self, offset: u64, what: &'static str, value: f64) -> TraceError {
        TraceError::UnusableField { offset, what, value }
    }

    /// The sync period as the exact inverse of a rate in hertz that stands at `offset`.
    pub(super) fn period(&self, offset: u64, rate_hz: i32) -> Result<TickLength, TraceError> {
        let rate = u32::try_from(rate_hz).ok();
        rate.and_then(|rate| TickLength::new(1_000_000_000_000, rate).ok())
            .ok_or_else(|| self.unusable(offset, "a sync rate in hertz of", rate_hz.into()))
    }

    /// What is common to all.
    pub(super) fn meta(self, format: TraceFormat, version: String, tick: TickLength) -> Meta {
        let header_bytes = self.offset;
        Meta {
            version,
            tags: self.tags,
            header_bytes,
            starts_at_zero: true,
            table: None,
            ..Meta::headless(format, tick)
        }
    }
}
