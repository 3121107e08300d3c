//! Little-endian fields of a payload, written and read in order.

use crate::DecodeError;

/// The longest fixed part of a payload: a `Hello` with four full names.
const LONGEST: usize = 200;

/// Writes fields one after the other. Every message's fixed part fits.
pub(crate) struct FieldWriter {
    bytes: [u8; LONGEST],
    length: usize,
}

impl FieldWriter {
    pub fn new() -> FieldWriter {
        FieldWriter { bytes: [0; LONGEST], length: 0 }
    }

    pub fn bytes(&mut self, field: &[u8]) -> &mut FieldWriter {
        self.bytes[self.length..self.length + field.len()].copy_from_slice(field);
        self.length += field.len();
        self
    }

    pub fn u8(&mut self, value: u8) -> &mut FieldWriter {
        self.bytes(&[value])
    }

    pub fn u16(&mut self, value: u16) -> &mut FieldWriter {
        self.bytes(&value.to_le_bytes())
    }

    pub fn u32(&mut self, value: u32) -> &mut FieldWriter {
        self.bytes(&value.to_le_bytes())
    }

    pub fn u64(&mut self, value: u64) -> &mut FieldWriter {
        self.bytes(&value.to_le_bytes())
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Reads fields one after the other and knows where it stands, because errors name the offset.
pub(crate) struct FieldReader<'a> {
    payload: &'a [u8],
    at: usize,
    last: usize,
}

impl<'a> FieldReader<'a> {
    pub fn new(payload: &'a [u8]) -> FieldReader<'a> {
        FieldReader { payload, at: 0, last: 0 }
    }

    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let field = self.payload[self.at..]
            .get(..length)
            .ok_or(DecodeError::WrongLength { offset: self.at as u16 })?;
        self.last = self.at;
        self.at += length;
        Ok(field)
    }

    pub fn array_ref<const N: usize>(&mut self) -> Result<&'a [u8; N], DecodeError> {
        let at = self.at as u16;
        self.bytes(N)?.try_into().map_err(|_| DecodeError::WrongLength { offset: at })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut field = [0; N];
        field.copy_from_slice(self.bytes(N)?);
        Ok(field)
    }

    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[b]| b)
    }

    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        self.array().map(i64::from_le_bytes)
    }

    /// Everything not read yet.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = &self.payload[self.at..];
        self.last = self.at;
        self.at = self.payload.len();
        rest
    }

    /// The error that names the field read last.
    pub fn out_of_range(&self) -> DecodeError {
        DecodeError::OutOfRange { offset: self.last as u16 }
    }

    /// Refuses bytes after the last field.
    pub fn end(&self) -> Result<(), DecodeError> {
        if self.at == self.payload.len() {
            Ok(())
        } else {
            Err(DecodeError::WrongLength { offset: self.at as u16 })
        }
    }
}
