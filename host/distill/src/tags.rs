//! Making and checking tags: a pad for each, spent in the store before it is read, and its ε.

use helio_keys::EntropySource;

use crate::desk::Desk;
use crate::error::{Fault, Result};
use crate::hash::TranscriptHash;
use crate::ledger;
use crate::message::{Envelope, Kind, Reader, Tag};
use crate::pads::{INDEX_WINDOW, Purpose, SETTLING_PADS, Way};
use crate::release::StationStore;
use crate::talk::Talk;

impl<E: EntropySource, S: StationStore<E::Origin>> Desk<E, S> {
    /// Pads left in a pool, in the direction that has fewer.
    pub fn pads_left(&self, purpose: Purpose) -> Result<u64> {
        let watermarks = self.store.watermarks()?;
        let ahead = self.store.burnt_ahead(purpose)?.len() as u64;
        let verified = watermarks.next(Way::In, purpose).saturating_add(ahead);
        let used = watermarks.next(Way::Out, purpose).max(verified);
        Ok(self.pads.size(purpose).saturating_sub(used))
    }

    /// Makes a tag with the next pad; its use is durable before the pad is read. The tag covers
    /// what `feed` gives, the envelope it travels in (role, kind, block, sequence, time) and the
    /// pad's index.
    pub fn make_tag(
        &mut self,
        purpose: Purpose,
        envelope: &[u8],
        feed: impl FnOnce(&mut TranscriptHash),
    ) -> Result<Tag> {
        if self.store.pads_are_void()? {
            return Err(Fault::PadsVoid);
        }
        let index = self.store.watermarks()?.next(Way::Out, purpose);
        if index >= self.pads.size(purpose) {
            return Err(Fault::PadsEmpty(purpose));
        }
        ledger::charge(&mut self.store, ledger::epsilon_auth(1))?;
        self.store.spend_pads(Way::Out, purpose, index + 1)?;
        let pad = self.pads.take(Way::Out, purpose, index).ok_or(Fault::PadsVoid)?;
        let (point, mask) = halves(&pad);
        let mut hash = TranscriptHash::new(point);
        feed(&mut hash);
        close(&mut hash, envelope, index);
        Ok(Tag { pad: index, tag: hash.tag(mask) })
    }

    /// Whether a tag that came in `message` is the other station's. Its pad is burnt first, pass
    /// or fail. An index beyond the window is taken only if it is the one that was `named` before;
    /// see [`INDEX_WINDOW`].
    pub fn check_tag(
        &mut self,
        purpose: Purpose,
        message: &[u8],
        tag: &Tag,
        named: Option<u64>,
        feed: impl FnOnce(&mut TranscriptHash),
    ) -> Result<bool> {
        let next = self.store.watermarks()?.next(Way::In, purpose);
        let index = tag.pad;
        let in_window = (next..next.saturating_add(INDEX_WINDOW)).contains(&index);
        let ahead = !in_window && index > next && named == Some(index);
        let burnt = self.store.burnt_ahead(purpose)?;
        if !(in_window || ahead)
            || index >= self.pads.size(purpose)
            || burnt.binary_search(&index).is_ok()
        {
            let is_free = |i: &u64| burnt.binary_search(i).is_err();
            let expected = (next..).find(is_free).unwrap_or(next);
            return Err(Fault::PadIndex { index, expected });
        }
        ledger::charge(&mut self.store, ledger::epsilon_auth(1))?;
        if ahead {
            self.store.burn_ahead(purpose, index)?;
        } else {
            self.store.spend_pads(Way::In, purpose, index + 1)?;
        }
        let pad = self.pads.take(Way::In, purpose, index).ok_or(Fault::PadsVoid)?;
        let (point, mask) = halves(&pad);
        let mut hash = TranscriptHash::new(point);
        feed(&mut hash);
        let envelope = message.get(..Envelope::BYTES).unwrap_or(message);
        close(&mut hash, envelope, index);
        let genuine = hash.verify(mask, &tag.tag);
        if genuine {
            if ahead {
                // Now it is the other station's word that all pads up to this one are used.
                self.store.spend_pads(Way::In, purpose, index + 1)?;
            }
            self.store.record_proven(purpose, index + 1)?;
        }
        Ok(genuine)
    }

    /// Ends this station's part of a block with a tag over all that was said.
    pub fn say_tag(&mut self, talk: &mut Talk) -> Result<()> {
        let head = self.envelope(Kind::Tag, talk.id.block, talk.transcript.next_sequence());
        let transcript = talk.transcript.bytes();
        let tag = self.make_tag(Purpose::Block, head.written(), |hash| hash.update(transcript))?;
        self.say(talk, Kind::Tag, |out| tag.write(out))
    }

    /// The other's tag, which stands last in the transcript and covers all before.
    pub fn hear_tag(&mut self, talk: &Talk, body: Reader<'_>) -> Result<()> {
        let malformed = |why| Fault::Malformed { kind: Some(Kind::Tag), why };
        let tag = Tag::read(body).map_err(malformed)?;
        let (before, message) = talk.transcript.split_last();
        let genuine = self.check_tag(Purpose::Block, message, &tag, None, |hash| {
            hash.update(before);
        })?;
        if genuine { Ok(()) } else { Err(Fault::BlockTag) }
    }

    /// Whether a block can be begun beside `others` in progress without the risk that one of them finds
    /// nothing left for its tag: else it waits for them, and only the last one that cannot be afforded
    /// stops the station.
    pub fn can_afford_beside(&self, others: usize) -> Result<bool> {
        if others == 0 {
            return Ok(true);
        }
        let blocks = others as u64 + 1;
        Ok(self.pads_left(Purpose::Block)? >= blocks
            && self.pads_left(Purpose::Recovery)? >= blocks * SETTLING_PADS
            && ledger::has_room(&self.store, self.parameters.epsilon_total)?)
    }

    /// Before a block is begun: pads for both tags, enough of the reserve to settle the block should
    /// it fail at its last step, and room in the ledger for its ε.
    pub fn afford_block(&mut self) -> Result<()> {
        if self.store.pads_are_void()? {
            return Err(Fault::PadsVoid);
        }
        if self.pads_left(Purpose::Block)? == 0 {
            return Err(Fault::PadsEmpty(Purpose::Block));
        }
        if self.pads_left(Purpose::Recovery)? < SETTLING_PADS {
            return Err(Fault::PadsEmpty(Purpose::Recovery));
        }
        ledger::charge(&mut self.store, self.parameters.epsilon_total)
    }
}

fn close(hash: &mut TranscriptHash, envelope: &[u8], index: u64) {
    hash.update(envelope);
    hash.update(&index.to_le_bytes());
}

/// The two halves of a pad, which has 32 bytes.
fn halves(pad: &[u8]) -> (&[u8; 16], &[u8; 16]) {
    let (halves, _) = pad.as_chunks::<16>();
    (&halves[0], &halves[1])
}
