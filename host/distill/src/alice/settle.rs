//! Settling old blocks: Alice asks about what she still holds as pending, Bob answers, both with
//! tags from the recovery reserve.

use helio_keys::EntropySource;

use crate::contact::{Contact, Statement};
use crate::error::{Fault, Result};
use crate::event::Event;
use crate::message::{Answer, Ask, Kind, MAX_STATEMENTS, NO_BLOCK, Reader, Tag};
use crate::pads::Purpose;
use crate::release::{BlockId, BlockState, StationStore};

use super::Session;

/// Questions asked in one contact before waiting for the next: each costs both stations a pad.
const MAX_QUESTIONS: u32 = 4;

/// The question that is out.
#[derive(Default)]
pub(super) struct Question {
    asked: u32,
    open: Option<Asked>,
    closed: bool,
}

impl Question {
    /// No more of them in this contact.
    pub fn close(&mut self) {
        self.closed = true;
    }
}

struct Asked {
    pad: u64,
    at_ns: u64,
    blocks: Vec<BlockId>,
}

impl<E: EntropySource, S: StationStore<E::Origin>> Session<E, S> {
    /// Asks about every pending block, if there is one and contact is made.
    pub(super) fn ask_about_pending(&mut self) -> Result<()> {
        let Contact::Open { hellos, .. } = &self.desk.contact else { return Ok(()) };
        let Question { asked, open, closed } = &self.question;
        if *closed || open.is_some() || *asked >= MAX_QUESTIONS {
            // With one question out, what else is pending is asked about after its answer.
            return Ok(());
        }
        let session = self.desk.parameters.session;
        let mut blocks = self.desk.store.pending()?;
        blocks.retain(|id| id.session != session || !self.talks.contains(id.block));
        blocks.truncate(MAX_STATEMENTS);
        if blocks.is_empty() {
            return Ok(());
        }
        let hellos = hellos.clone();
        let statement = Ask::statement(&blocks);
        let mut out = self.desk.envelope(Kind::ResolveAsk, NO_BLOCK, 0);
        let tag = self.desk.make_tag(Purpose::Recovery, out.written(), |hash| {
            Statement::Ask(&statement).feed(hash, &hellos);
        })?;
        let Tag { pad, tag } = tag;
        let ask = Ask { blocks, pad, tag };
        ask.write(&mut out);
        self.desk.outbox.push_back(out.finish());
        self.question.asked += 1;
        let at_ns = self.desk.now_ns;
        self.question.open = Some(Asked { pad, at_ns, blocks: ask.blocks });
        Ok(())
    }

    /// Asks again when no answer came.
    pub(super) fn ask_again(&mut self) -> Result<()> {
        let limit = self.desk.local.silence_ns;
        let now = self.desk.now_ns;
        match &self.question.open {
            Some(asked) if now.saturating_sub(asked.at_ns) > limit => {
                self.question.open = None;
                self.ask_about_pending()
            }
            _ => Ok(()),
        }
    }

    pub(super) fn hear_answer(&mut self, message: &[u8], body: Reader<'_>) -> Result<()> {
        let kind = Kind::ResolveAnswer;
        let answer = Answer::read(body).map_err(|why| Fault::Malformed { kind: Some(kind), why });
        // A broken answer says nothing about the block in progress.
        let Ok(answer) = answer else { return Err(Fault::ResolveTag) };
        let Contact::Open { hellos, .. } = &self.desk.contact else {
            return Err(Fault::NoContact(kind));
        };
        let fits = |asked: &Asked| {
            asked.pad == answer.ask_pad
                && asked.blocks.iter().eq(answer.statements.iter().map(|(id, _)| id))
        };
        if !self.question.open.as_ref().is_some_and(fits) {
            return Err(Fault::ResolveTag);
        }
        let hellos = hellos.clone();
        let tag = Tag { pad: answer.pad, tag: answer.tag };
        let statement = Answer::statement(answer.ask_pad, &answer.statements);
        let genuine = self.desk.check_tag(Purpose::Recovery, message, &tag, None, |hash| {
            Statement::Answer(&statement).feed(hash, &hellos);
        });
        if !matches!(genuine, Ok(true)) {
            return Err(Fault::ResolveTag);
        }
        self.question.open = None;
        for &(id, holds) in &answer.statements {
            let state = if holds {
                self.desk.store.release(id)?;
                BlockState::Usable
            } else {
                self.desk.store.burn(id)?;
                BlockState::Burnt
            };
            self.desk.events.push_back(Event::Resolved { id, state });
        }
        // More may be pending than one question holds. The limit is for those without an answer.
        self.question.asked = 0;
        self.ask_about_pending()
    }
}
