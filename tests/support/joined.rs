//! Both stations' data side by side, which only a test may see: errors of each basis.

use helio_bench::Polarization;
use helio_link::Event;
use helio_station::bench::Scenario;
use helio_timetag::{Buffer, SlotBatch, Slotter, TagBatch, TagDecoder};
use helio_wire::{DeviceMessage, Stream};

use super::record::{Cable, Recording};

/// Bits that were sent and measured in one basis, and how many of them differ.
#[derive(Clone, Copy, Debug, Default)]
pub struct Errors {
    /// All.
    pub bits: u64,
    /// Those that differ.
    pub errors: u64,
}

impl Errors {
    /// Error rate; not a number without bits.
    pub fn rate(&self) -> f64 {
        self.errors as f64 / self.bits as f64
    }
}

/// Errors of the key basis and of the test basis, over all intensities.
#[derive(Clone, Copy, Debug, Default)]
pub struct Joined(pub [Errors; 2]);

impl Joined {
    /// Joins what both devices said. Double clicks count as half an error, as a random bit does on
    /// average.
    ///
    /// # Panics
    /// Where the scenario's windows are impossible.
    pub fn of(recording: &Recording, scenario: &Scenario) -> Joined {
        let slots = scenario.slots() as usize;
        let (mut sent, mut measured) = (vec![None; slots], vec![None; slots]);
        Cable::new(&recording.alice).play(|event| note_settings(&event, &mut sent));

        let mut slotter = Slotter::new(scenario.slotter()).expect("the window is possible");
        let (mut decoder, mut tags) = (TagDecoder::new(), TagBatch::default());
        let mut out = SlotBatch::default();
        Cable::new(&recording.bob).play(|event| {
            note_settings(&event, &mut measured);
            match event {
                Event::Message(_, message) => decoder.push(&message, &mut tags),
                Event::Lost { stream: Stream::Tags, .. } => decoder.frames_lost(&mut tags),
                _ => {}
            }
            slotter.push(&tags, &mut out);
            tags.clear();
        });
        slotter.flush(&mut out);

        let (mut joined, mut doubles) = (Joined::default(), [0; 2]);
        for detection in &out.detections {
            let slot = detection.slot as usize;
            let (Some(Some(sent)), Some(Some(setting))) = (sent.get(slot), measured.get(slot))
            else {
                continue;
            };
            let sent = Polarization::from_code(*sent);
            let basis = sent.basis() as usize;
            if basis != usize::from(setting & 1) {
                continue;
            }
            let bit = (detection.mask == 2) != (setting & 2 != 0);
            let of = &mut joined.0[basis];
            of.bits += 1;
            if detection.mask == 3 {
                doubles[basis] += 1;
            } else {
                of.errors += u64::from(bit != sent.bit());
            }
        }
        for (of, doubles) in joined.0.iter_mut().zip(doubles) {
            of.errors += doubles / 2;
        }
        joined
    }
}

fn note_settings(event: &Event<'_>, codes: &mut [Option<u8>]) {
    if let Event::Message(_, DeviceMessage::Settings(batch)) = event {
        for (slot, code) in batch.iter() {
            if let Some(entry) = codes.get_mut(slot.0 as usize) {
                *entry = Some(code);
            }
        }
    }
}
