//! A side of the talk with a tape running beside it.
//!
//! Everything the talk is told goes onto the tape before it is told, and a checksum of everything it
//! says after. Without a tape this passes everything through.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::Path;

use helio_distill::pads::{PAD_BYTES, PadBook, Purpose, Watermarks, Way};
use helio_distill::release::StationStore;
use helio_distill::{Event, Fault, Progress};
use helio_keys::Origin;
use helio_timetag::TagBatch;
use zeroize::Zeroizing;

use crate::bench::cable::SettingsRun;
use crate::meter::Account;
use crate::recording::tape::{self, Record, TapeHeader};
use crate::recording::{CRC_32, Recorder, RecordingFault, private_file};
use crate::side::{Receiver, Side};
use crate::store::DiskStore;

/// Bytes of a tape that wait for their folder: a contact's words, no block's.
const MOST_WAITING: usize = 64 << 20;

/// See the module's head.
pub(super) struct Taped<D> {
    side: D,
    tape: Option<Tape>,
}

/// A running tape.
pub(super) struct Tape {
    /// What was written before the run had a folder; secret.
    waiting: Zeroizing<Vec<u8>>,
    open: Option<(BufWriter<File>, Recorder)>,
    /// The pads as they were at the start, to copy those that are used.
    pads: PadBook,
    seen: Watermarks,
    fault: Option<RecordingFault>,
}

impl Tape {
    /// A tape of a talk that has not begun.
    pub fn new(header: TapeHeader, pads: PadBook) -> Tape {
        let seen = header.watermarks;
        let mut tape = Tape { waiting: Zeroizing::default(), open: None, pads, seen, fault: None };
        let _ = tape::begin(&mut *tape.waiting);
        tape.put(&Record::Header(Box::new(header)));
        tape
    }

    fn put(&mut self, record: &Record) {
        if self.fault.is_some() {
            return;
        }
        let written = match &mut self.open {
            Some((file, _)) => tape::write(file, record),
            None if self.waiting.len() > MOST_WAITING => {
                return self.note(Err(RecordingFault::Content {
                    path: "SECRET-talk.tape".into(),
                    what: "would be too long: more was said before the light began than a contact \
                           takes"
                        .into(),
                }));
            }
            None => tape::write(&mut *self.waiting, record),
        };
        if let Err(why) = written {
            self.note(Err(RecordingFault::File {
                path: "SECRET-talk.tape".into(),
                doing: "cannot be written; check the disk's space",
                why,
            }));
        }
    }

    fn data(
        &mut self,
        record: &Record,
        write: impl FnOnce(&mut Recorder) -> Result<(), RecordingFault>,
    ) {
        if self.fault.is_some() {
            return;
        }
        let written = match &mut self.open {
            Some((_, recorder)) => write(recorder),
            None => Ok(()),
        };
        self.note(written);
        self.put(record);
    }

    fn note(&mut self, written: Result<(), RecordingFault>) {
        if let Err(fault) = written {
            log::warn!("the recording ends here, the run goes on: {fault}");
            self.fault = Some(fault);
        }
    }

    /// Copies the pads that a call has used.
    fn used(&mut self, now: Watermarks, ahead: [(Purpose, Vec<u64>); 2]) {
        for (purpose, indices) in ahead {
            for index in indices {
                self.copy(Way::In, purpose, index);
            }
        }
        for (way, purpose) in [
            (Way::Out, Purpose::Block),
            (Way::Out, Purpose::Recovery),
            (Way::In, Purpose::Block),
            (Way::In, Purpose::Recovery),
        ] {
            for index in self.seen.next(way, purpose)..now.next(way, purpose) {
                self.copy(way, purpose, index);
            }
        }
        self.seen = now;
    }

    /// Copies a pad, once.
    fn copy(&mut self, way: Way, purpose: Purpose, index: u64) {
        if let Some(pad) = self.pads.take(way, purpose, index) {
            let mut bytes = Zeroizing::new([0; PAD_BYTES]);
            bytes.copy_from_slice(&pad);
            self.put(&Record::Pad { way, purpose, index, pad: bytes });
        }
    }
}

impl<O: Origin, D: Side<Store = DiskStore<O>>> Taped<D> {
    /// A side, with a tape if the run is recorded.
    pub fn new(side: D, tape: Option<Tape>) -> Taped<D> {
        Taped { side, tape }
    }

    /// Whether a tape runs and has no folder yet.
    pub fn wants_folder(&self) -> bool {
        self.tape.as_ref().is_some_and(|tape| tape.open.is_none() && tape.fault.is_none())
    }

    /// The run's folder is there: the tape goes into it from its beginning on.
    pub fn open(&mut self, folder: &Path, recorder: Recorder) {
        let Some(tape) = &mut self.tape else { return };
        let opened = private_file(&folder.join("SECRET-talk.tape")).and_then(|file| {
            let mut file = BufWriter::new(file);
            file.write_all(&tape.waiting).map_err(|why| RecordingFault::File {
                path: folder.join("SECRET-talk.tape"),
                doing: "cannot be written; check the disk's space",
                why,
            })?;
            Ok(file)
        });
        match opened {
            Ok(file) => {
                tape.waiting = Zeroizing::default();
                tape.open = Some((file, recorder));
            }
            Err(fault) => tape.note(Err(fault)),
        }
    }

    fn put(&mut self, record: impl FnOnce() -> Record) {
        if let Some(tape) = &mut self.tape {
            tape.put(&record());
        }
    }

    /// After a call that may have used pads.
    fn after(&mut self, result: Result<(), Fault>) -> Result<(), Fault> {
        if let Some(tape) = &mut self.tape {
            let store = self.side.store();
            let ahead = [Purpose::Block, Purpose::Recovery]
                .map(|purpose| (purpose, store.burnt_ahead(purpose).unwrap_or_default()));
            if let Ok(watermarks) = store.watermarks() {
                tape.used(watermarks, ahead);
            }
        }
        result
    }
}

impl<O: Origin, D: Side<Store = DiskStore<O>>> Side for Taped<D> {
    type Store = DiskStore<O>;

    fn connect(&mut self, now_ns: u64) -> Result<(), Fault> {
        self.put(|| Record::Connect { now_ns });
        let result = self.side.connect(now_ns);
        self.after(result)
    }

    fn handle(&mut self, now_ns: u64, message: &[u8]) -> Result<(), Fault> {
        self.put(|| Record::Message { now_ns, bytes: message.to_vec() });
        let result = self.side.handle(now_ns, message);
        self.after(result)
    }

    fn tick(&mut self, now_ns: u64) -> Result<(), Fault> {
        self.put(|| Record::Tick { now_ns });
        let result = self.side.tick(now_ns);
        self.after(result)
    }

    fn poll_message(&mut self) -> Option<Vec<u8>> {
        let message = self.side.poll_message()?;
        self.put(|| Record::Said { crc32: CRC_32.checksum(&message) });
        Some(message)
    }

    fn poll_event(&mut self) -> Option<Event> {
        let event = self.side.poll_event()?;
        if let Event::BlockDone(report) = &event
            && let Some(fingerprint) = &report.fingerprint
        {
            let (block, bits) = (report.id.block, report.length);
            self.put(|| Record::Key { block, bits, fingerprint: fingerprint.clone() });
        }
        Some(event)
    }

    fn is_open(&self) -> bool {
        self.side.is_open()
    }

    fn wind_down(&mut self) {
        self.put(|| Record::WindDown);
        self.side.wind_down();
    }

    fn is_idle(&self) -> bool {
        self.side.is_idle()
    }

    fn abort(&mut self, now_ns: u64) -> Result<(), Fault> {
        self.put(|| Record::Abort { now_ns });
        let result = self.side.abort(now_ns);
        self.after(result)
    }

    fn progress(&self) -> Progress {
        self.side.progress()
    }

    fn store(&self) -> &DiskStore<O> {
        self.side.store()
    }

    fn settings(&mut self, run: &SettingsRun) -> Result<(), Fault> {
        if let Some(tape) = &mut self.tape {
            tape.data(&Record::Settings, |recorder| recorder.settings(run));
        }
        let result = self.side.settings(run);
        self.after(result)
    }

    fn lost_settings(&mut self, slots: Range<u64>) -> Result<(), Fault> {
        if let Some(tape) = &mut self.tape {
            tape.data(&Record::Settings, |recorder| recorder.missing(&slots));
        }
        let result = self.side.lost_settings(slots);
        self.after(result)
    }

    fn tags(&mut self, batch: &TagBatch) -> Result<(), Fault> {
        if let Some(tape) = &mut self.tape {
            tape.data(&Record::Tags, |recorder| recorder.tags(batch));
        }
        let result = self.side.tags(batch);
        self.after(result)
    }

    fn reached(&self) -> u64 {
        self.side.reached()
    }

    fn tags_ended(&mut self, end: u64) -> Result<(), Fault> {
        self.side.tags_ended(end)
    }

    fn receiver(&self) -> Option<Receiver<'_>> {
        self.side.receiver()
    }

    fn account(&self) -> Account {
        self.side.account()
    }

    fn into_store(self) -> DiskStore<O> {
        if let Some(Tape { open: Some((mut file, recorder)), fault: None, .. }) = self.tape {
            let path = || "SECRET-talk.tape".into();
            let doing = "cannot be written; check the disk's space";
            let flushed =
                file.flush().map_err(|why| RecordingFault::File { path: path(), doing, why });
            if let Err(fault) = flushed.and_then(|()| recorder.finish()) {
                log::warn!("the recording is not complete: {fault}");
            }
        }
        self.side.into_store()
    }
}
