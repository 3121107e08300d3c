//! Answering Alice's questions about old blocks. Once Bob has said that he does not hold a block,
//! he has burnt it for good.

use helio_keys::EntropySource;

use crate::contact::{Contact, Statement};
use crate::error::{Fault, Result};
use crate::event::Event;
use crate::in_flight::EndsBlocks;
use crate::message::{Answer, Ask, Kind, NO_BLOCK, Reader, Tag};
use crate::pads::Purpose;
use crate::release::{BlockId, BlockState, StationStore};

use super::Session;

impl<E: EntropySource, S: StationStore<E::Origin>> Session<E, S> {
    pub(super) fn hear_ask(&mut self, message: &[u8], body: Reader<'_>) -> Result<()> {
        // A broken question says nothing about the block in progress.
        let Ok(ask) = Ask::read(body) else { return Err(Fault::ResolveTag) };
        let Contact::Open { hellos, .. } = &self.desk.contact else {
            return Err(Fault::NoContact(Kind::ResolveAsk));
        };
        let hellos = hellos.clone();
        let tag = Tag { pad: ask.pad, tag: ask.tag };
        let statement = Ask::statement(&ask.blocks);
        let genuine = self.desk.check_tag(Purpose::Recovery, message, &tag, None, |hash| {
            Statement::Ask(&statement).feed(hash, &hellos);
        });
        if !matches!(genuine, Ok(true)) {
            return Err(Fault::ResolveTag);
        }
        let mut statements = Vec::with_capacity(ask.blocks.len());
        for &id in &ask.blocks {
            statements.push((id, self.settle(id)?));
        }
        let statement = Answer::statement(ask.pad, &statements);
        let mut out = self.desk.envelope(Kind::ResolveAnswer, NO_BLOCK, 0);
        let tag = self.desk.make_tag(Purpose::Recovery, out.written(), |hash| {
            Statement::Answer(&statement).feed(hash, &hellos);
        })?;
        let answer = Answer { ask_pad: ask.pad, statements, pad: tag.pad, tag: tag.tag };
        answer.write(&mut out);
        self.desk.outbox.push_back(out.finish());
        self.announce_next()
    }

    /// What stands for good here: whether this side holds the block. Alice holds it as pending,
    /// as her tag just proved.
    fn settle(&mut self, id: BlockId) -> Result<bool> {
        if id == self.desk.id(id.block) {
            self.end_block(id.block, Fault::GivenUp { block: id.block, reason: 0 })?;
        }
        let (state, changed) = match self.desk.store.state(id)? {
            Some(BlockState::Usable) => (BlockState::Usable, false),
            // Held after Alice's tag over the block was verified: her proof for the second time.
            Some(BlockState::Pending) => {
                self.desk.store.release(id)?;
                (BlockState::Usable, true)
            }
            Some(BlockState::Burnt) => (BlockState::Burnt, false),
            None => {
                self.desk.store.burn(id)?;
                (BlockState::Burnt, true)
            }
        };
        if changed {
            self.desk.events.push_back(Event::Resolved { id, state });
        }
        Ok(state == BlockState::Usable)
    }
}
