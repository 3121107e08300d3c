//! First words of a contact: every parameter as named text, pad counters, random labels.

use super::{Malformed, Reader, Writer};
use crate::labels::WireLabel;
use crate::pads::Watermarks;

/// One parameter, by its name and canonical value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HelloField {
    pub name: String,
    pub value: String,
}

/// A Hello. Not authenticated by itself: the proof that follows covers both Hellos.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    /// Makes each contact different.
    pub nonce: [u8; 16],
    /// Parameters that must be equal.
    pub fields: Vec<HelloField>,
    /// Next index of each pad pool as this station knows it.
    pub watermarks: Watermarks,
    /// Where this station's randomness comes from.
    pub labels: Vec<WireLabel>,
}

const MAX_FIELDS: u64 = 64;
const MAX_TEXT: usize = 256;

impl Hello {
    pub fn write(&self, out: &mut Writer) {
        out.raw(&self.nonce);
        out.varint(self.fields.len() as u64);
        for field in &self.fields {
            out.blob(field.name.as_bytes());
            out.blob(field.value.as_bytes());
        }
        self.watermarks.write(out);
        out.varint(self.labels.len() as u64);
        for (purpose, class, source, health_test) in &self.labels {
            out.u8(*purpose);
            out.u8(*class);
            out.blob(source.as_bytes());
            out.blob(health_test.as_bytes());
        }
    }

    pub fn read(mut reader: Reader<'_>) -> Result<Hello, Malformed> {
        let nonce = reader.array()?;
        let count = reader.count(MAX_FIELDS)?;
        let mut fields = Vec::with_capacity(count);
        for _ in 0..count {
            fields.push(HelloField { name: text(&mut reader)?, value: text(&mut reader)? });
        }
        let watermarks = Watermarks::read(&mut reader)?;
        let count = reader.count(MAX_FIELDS)?;
        let mut labels = Vec::with_capacity(count);
        for _ in 0..count {
            let (purpose, class) = (reader.u8()?, reader.u8()?);
            labels.push((purpose, class, text(&mut reader)?, text(&mut reader)?));
        }
        reader.end()?;
        Ok(Hello { nonce, fields, watermarks, labels })
    }
}

fn text(reader: &mut Reader<'_>) -> Result<String, Malformed> {
    let bytes = reader.blob(MAX_TEXT)?;
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| Malformed::BadText)
}
