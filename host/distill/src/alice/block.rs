//! The steps of a block at Alice.

use helio_keys::EntropySource;

use crate::announced::Announced;
use crate::error::{Fault, Result};
use crate::event::Event;
use crate::in_flight::{EndsBlocks, OfBlock};
use crate::message::{Detections, Envelope, FreeSlots, Kind, Reader, Sift, TestResult};
use crate::progress::BlockProgress;
use crate::reconcile::ReconcileAlice;
use crate::release::StationStore;
use crate::report::BlockReport;
use crate::stage::Stage;
use crate::talk::Talk;
use crate::token::{BlockLedger, Corrected, Sifted};

use super::{Session, sift};

/// A block in progress.
pub(super) struct Current {
    talk: Talk,
    step: Step,
}

impl Current {
    fn new(mut talk: Talk, step: Step, now_ns: u64) -> Current {
        talk.enter(step.name(), now_ns);
        Current { talk, step }
    }

    pub fn progress(&self) -> BlockProgress {
        self.talk.progress()
    }

    /// Whether Bob's announcement waits for this station's own slots.
    fn waits_for_slots(&self) -> bool {
        matches!(self.step, Step::OwnSlots { .. })
    }
}

impl OfBlock for Current {
    fn block(&self) -> u64 {
        self.talk.id.block
    }
}

/// What Alice waits for.
pub(super) enum Step {
    /// Her own last slot of the block.
    OwnSlots { announcement: Detections },
    /// Bob's errors in the test basis.
    TestResult { announcement: Detections, sift: Sift, sifted: Sifted, lost_slots: u64 },
    /// Bob's next step of the reconciliation.
    Reconciling {
        engine: Box<dyn ReconcileAlice>,
        sifted: Sifted,
        ledger: BlockLedger,
        lost_slots: u64,
    },
    /// Whether Bob's tag of the string agrees.
    Verdict { corrected: Corrected, lost_slots: u64 },
    /// Bob's tag. Her own has left: she holds the key until an authenticated word.
    BobTag { report: Box<BlockReport> },
    /// Nothing: the block failed and is about to be ended.
    Failed,
}

impl Step {
    fn name(&self) -> &'static str {
        match self {
            Step::OwnSlots { .. } => "waiting for this station's own slots",
            Step::TestResult { .. } => "waiting for the test results",
            Step::Reconciling { .. } => "reconciling",
            Step::Verdict { .. } => "waiting for the verdict",
            Step::BobTag { .. } => "waiting for Bob's tag",
            Step::Failed => "the block had failed",
        }
    }
}

impl<E: EntropySource, S: StationStore<E::Origin>> Session<E, S> {
    pub(super) fn hear_step(
        &mut self,
        envelope: &Envelope,
        message: &[u8],
        body: Reader<'_>,
    ) -> Result<()> {
        let block = envelope.block;
        let Some(mut current) = self.talks.take(block) else {
            return if block < self.next_block {
                // Left before Bob heard that the block is over here.
                Ok(())
            } else if envelope.kind == Kind::Detections {
                self.hear_detections(envelope, message, body)
            } else {
                Err(Fault::FutureBlock(block))
            };
        };
        self.at_work = Some(block);
        let heard = current.talk.hear(envelope, message, self.desk.now_ns);
        if let Err(fault) = heard {
            self.talks.put(current);
            return Err(fault);
        }
        self.step(current, envelope.kind, body)?;
        // It may have waited for this one to be over.
        self.answer_if_due()
    }

    fn hear_detections(
        &mut self,
        envelope: &Envelope,
        message: &[u8],
        body: Reader<'_>,
    ) -> Result<()> {
        let block = envelope.block;
        if self.desk.winding_down {
            let fault = Fault::NotWanted(block);
            self.desk.hint(block, &fault);
            return Err(fault);
        }
        // Bob may be as far ahead as blocks may be in flight.
        let in_flight = self.desk.local.blocks_in_flight;
        let ahead = in_flight as u64 * u64::from(self.desk.parameters.slots_per_block);
        if self.desk.parameters.first_slot(block) > self.desk.slot.saturating_add(ahead) {
            return Err(Fault::FutureBlock(block));
        }
        while let Some(oldest) = self.oldest_block()
            && self.talks.len() >= in_flight
        {
            // He begins no more than so many at a time: the oldest one he has given up.
            self.end_block(oldest, Fault::GivenUp { block: oldest, reason: 0 })?;
        }
        let parameters = &self.desk.parameters;
        let end = parameters.end_slot(block);
        self.next_block = block + 1;
        self.at_work = Some(block);
        let id = self.desk.id(block);
        if self.desk.store.state(id)?.is_some() {
            return Err(Fault::Unexpected {
                kind: Kind::Detections,
                state: "the block is over here",
            });
        }
        let mut talk = Talk::new(parameters, id, self.desk.now_ns);
        let heard = talk.hear(envelope, message, self.desk.now_ns);
        self.desk.enter(Stage::Sift);
        // Nothing is decoded that is refused anyway.
        let announcement = match heard {
            Err(fault) => Err(fault),
            Ok(()) if envelope.slot < end => {
                Err(Fault::AnnouncedTooEarly { block, slot: envelope.slot, end })
            }
            Ok(()) => {
                let free = FreeSlots::of(&self.desk.parameters, block);
                Detections::read(body, &free, std::mem::take(&mut self.spare))
                    .map_err(|why| Fault::Malformed { kind: Some(Kind::Detections), why })
            }
        };
        let (step, refused) = match announcement {
            Ok(announcement) => (Step::OwnSlots { announcement }, None),
            Err(fault) => (Step::Failed, Some(fault)),
        };
        self.talks.put(Current::new(talk, step, self.desk.now_ns));
        match refused {
            Some(fault) => Err(fault),
            None => self.answer_if_due(),
        }
    }

    /// Answers announcements once this station's own slots of their block are past, the oldest first.
    pub(super) fn answer_if_due(&mut self) -> Result<()> {
        let slot = self.desk.slot;
        let bound = u64::from(self.desk.parameters.clock_bound_slots);
        while self.desk.is_open() {
            let answered = self.talks.iter().filter(|c| !c.waits_for_slots()).count();
            let waiting = self.talks.iter().find(|c| c.waits_for_slots());
            let Some(block) = waiting.map(OfBlock::block) else { break };
            let end = self.desk.parameters.end_slot(block).saturating_add(bound);
            if slot < end || !self.desk.can_afford_beside(answered)? {
                break;
            }
            self.at_work = Some(block);
            self.answer(block)?;
        }
        Ok(())
    }

    fn answer(&mut self, block: u64) -> Result<()> {
        self.desk.enter(Stage::Sift);
        self.desk.afford_block()?;
        let Some(Current { mut talk, step }) = self.talks.take(block) else { return Ok(()) };
        let Step::OwnSlots { announcement } = step else {
            self.talks.put(Current { talk, step });
            return Ok(());
        };
        let now_ns = self.desk.now_ns;
        if self.settings.first_block() > block {
            self.talks.put(Current::new(talk, Step::Failed, now_ns));
            return Err(Fault::Forgotten(block));
        }
        let first = self.desk.parameters.first_slot(block);
        let lost_slots = self.settings.lost_in(block);
        let sifting = sift(&self.settings, block, first, &announcement);
        // Nothing asks for these settings again.
        self.settings.forget_below(block + 1);
        let (sift, key) = match sifting {
            Ok(sifted) => sifted,
            Err(error) => {
                self.talks.put(Current::new(talk, Step::Failed, now_ns));
                return Err(error.into());
            }
        };
        let said =
            self.desk.say(&mut talk, Kind::Sift, |out| sift.write(out, &announcement.test_basis));
        let sifted = Sifted::new(key);
        let step = Step::TestResult { announcement, sift, sifted, lost_slots };
        self.talks.put(Current::new(talk, step, now_ns));
        said
    }

    /// One step on Bob's message. On an error the block's talk is kept, so that it can be ended.
    fn step(&mut self, current: Current, kind: Kind, body: Reader<'_>) -> Result<()> {
        let Current { mut talk, step } = current;
        let state = step.name();
        let result = match (step, kind) {
            (Step::TestResult { announcement, sift, sifted, lost_slots }, Kind::TestResult) => {
                self.desk.enter(Stage::Estimate);
                let tests = sift.test_bits.len();
                TestResult::read(body, tests)
                    .map_err(|why| Fault::Malformed { kind: Some(kind), why })
                    .and_then(|result| {
                        let slots = self.desk.parameters.slots_per_block;
                        let announced = Announced::gather(slots, &announcement, &sift, &result);
                        self.spare = announcement.offsets;
                        self.hear_result(&mut talk, announced, result, sifted, lost_slots)
                    })
            }
            (Step::Reconciling { engine, sifted, ledger, lost_slots }, Kind::Reconcile) => {
                self.hear_reconcile(&mut talk, (engine, sifted, ledger, lost_slots), body)
            }
            (Step::Verdict { corrected, lost_slots }, Kind::Verdict) => {
                self.hear_verdict(&mut talk, corrected, lost_slots, body)
            }
            (Step::BobTag { report }, Kind::Tag) => match self.desk.hear_tag(&talk, body) {
                Ok(()) => return self.finish(&talk, *report),
                Err(fault) => {
                    let step = Step::BobTag { report };
                    self.talks.put(Current::new(talk, step, self.desk.now_ns));
                    return Err(fault);
                }
            },
            (step @ Step::BobTag { .. }, _) => {
                self.talks.put(Current::new(talk, step, self.desk.now_ns));
                return Err(Fault::Unexpected { kind, state });
            }
            _ => Err(Fault::Unexpected { kind, state }),
        };
        match result {
            Ok(Some(step)) => {
                self.talks.put(Current::new(talk, step, self.desk.now_ns));
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(fault) => {
                self.talks.put(Current::new(talk, Step::Failed, self.desk.now_ns));
                Err(fault)
            }
        }
    }

    fn finish(&mut self, talk: &Talk, report: BlockReport) -> Result<()> {
        self.desk.store.release(talk.id)?;
        let ready = Event::KeyReady { id: talk.id, bits: report.length };
        self.desk.events.push_back(Event::BlockDone(Box::new(report)));
        self.desk.events.push_back(ready);
        Ok(())
    }

    pub(super) fn hear_abort(&mut self, envelope: &Envelope, mut body: Reader<'_>) -> Result<()> {
        let block = envelope.block;
        if !self.talks.contains(block) {
            return Ok(());
        }
        self.at_work = Some(block);
        Err(Fault::GivenUp { block, reason: body.u8().unwrap_or(0) })
    }

    pub(super) fn check_silence(&mut self) -> Result<()> {
        let now = self.desk.now_ns;
        let limit = self.desk.local.silence_ns;
        let silence = |c: &Current| now.saturating_sub(c.talk.heard_at_ns);
        let is_silent = |c: &&Current| !c.waits_for_slots() && silence(c) > limit;
        if let Some(current) = self.talks.iter().find(is_silent) {
            self.at_work = Some(current.block());
            return Err(Fault::Silent(silence(current) / 1_000_000, current.step.name()));
        }
        self.ask_again()?;
        self.answer_if_due()
    }
}

impl<E: EntropySource, S: StationStore<E::Origin>> EndsBlocks for Session<E, S> {
    fn oldest_block(&self) -> Option<u64> {
        self.talks.oldest().map(OfBlock::block)
    }

    /// Ends a block in progress. What the store holds stays pending until it is settled.
    fn end_block(&mut self, block: u64, fault: Fault) -> Result<()> {
        let Some(current) = self.talks.take(block) else { return Ok(()) };
        let id = current.talk.id;
        // A later talk may end while an earlier one still waits for its slots.
        let waiting = self.talks.iter().find(|c| c.waits_for_slots());
        let needed = waiting.map_or(u64::MAX, OfBlock::block);
        self.settings.forget_below(needed.min(id.block + 1));
        if self.desk.is_open() {
            self.desk.hint(id.block, &fault);
        }
        if let Step::BobTag { .. } = current.step {
            self.desk.events.push_back(Event::BlockUnresolved { id, fault });
            return self.ask_about_pending();
        }
        self.desk.events.push_back(Event::BlockFailed { id, fault });
        Ok(self.desk.store.burn(id)?)
    }
}
