//! Settling of blocks of which one station does not know whether the other keeps the key.

use super::{Malformed, Reader, Writer};
use crate::release::BlockId;

/// Most blocks settled by one exchange; the rest wait for the next.
pub(crate) const MAX_STATEMENTS: usize = 1024;

/// Alice → Bob: "I hold these blocks as pending", with a tag from the recovery reserve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub blocks: Vec<BlockId>,
    pub pad: u64,
    pub tag: [u8; 16],
}

impl Ask {
    /// The bytes the tag covers.
    pub fn statement(blocks: &[BlockId]) -> Vec<u8> {
        let mut out = Writer::default();
        out.varint(blocks.len() as u64);
        blocks.iter().for_each(|id| id.write(&mut out));
        out.finish()
    }

    pub fn write(&self, out: &mut Writer) {
        out.raw(&Ask::statement(&self.blocks));
        out.u64(self.pad);
        out.raw(&self.tag);
    }

    pub fn read(mut reader: Reader<'_>) -> Result<Ask, Malformed> {
        let count = reader.count(MAX_STATEMENTS as u64)?;
        let mut blocks = Vec::with_capacity(count);
        for _ in 0..count {
            blocks.push(BlockId::read(&mut reader)?);
        }
        let ask = Ask { blocks, pad: reader.u64()?, tag: reader.array()? };
        reader.end()?;
        Ok(ask)
    }
}

/// Bob → Alice: for each block whether he holds it; he has burnt the others for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Pad index of the question: binds the answer to it.
    pub ask_pad: u64,
    pub statements: Vec<(BlockId, bool)>,
    pub pad: u64,
    pub tag: [u8; 16],
}

impl Answer {
    /// The bytes the tag covers.
    pub fn statement(ask_pad: u64, statements: &[(BlockId, bool)]) -> Vec<u8> {
        let mut out = Writer::default();
        out.u64(ask_pad);
        out.varint(statements.len() as u64);
        for (id, holds) in statements {
            id.write(&mut out);
            out.u8(u8::from(*holds));
        }
        out.finish()
    }

    pub fn write(&self, out: &mut Writer) {
        out.raw(&Answer::statement(self.ask_pad, &self.statements));
        out.u64(self.pad);
        out.raw(&self.tag);
    }

    pub fn read(mut reader: Reader<'_>) -> Result<Answer, Malformed> {
        let ask_pad = reader.u64()?;
        let count = reader.count(MAX_STATEMENTS as u64)?;
        let mut statements = Vec::with_capacity(count);
        for _ in 0..count {
            let id = BlockId::read(&mut reader)?;
            let holds = match reader.u8()? {
                0 => false,
                1 => true,
                _ => return Err(Malformed::BadValue),
            };
            statements.push((id, holds));
        }
        let answer = Answer { ask_pad, statements, pad: reader.u64()?, tag: reader.array()? };
        reader.end()?;
        Ok(answer)
    }
}
