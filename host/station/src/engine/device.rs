//! The thread that hands a station its data, in place of a device: at the pace that is asked for, or
//! as fast as the station takes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use helio_timetag::{Pool, SlotBatch};

use super::machine::stay_on;
use super::slots::Slots;
use crate::meter::thread_time;

/// A piece on its way: its settings are looked up in the drawn block, its clicks lie in a batch that
/// goes round.
pub(crate) struct Handed {
    pub first: u64,
    pub block: u64,
    pub index: u64,
    /// Bob's clicks; empty at Alice.
    pub batch: SlotBatch,
}

/// What a device is to do.
pub(crate) struct Device {
    pub slots: Arc<Slots>,
    pub slots_per_block: u64,
    pub blocks: u64,
    /// Slots a second; `None` for as fast as it goes.
    pub slot_rate: Option<f64>,
    /// Whether clicks belong to it.
    pub clicks: bool,
    pub core: Option<usize>,
    pub stop: Arc<AtomicBool>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    /// Time on this thread's own clock.
    pub cpu: Duration,
    /// Most by which a piece was late.
    pub most_late: Duration,
}

impl Device {
    /// Hands over piece after piece until the last block's, or until the station is gone.
    pub fn play(self, to: &Sender<Handed>, pool: &Pool<SlotBatch>) -> Pace {
        self.core.map(stay_on);
        let begun = Instant::now();
        let mut pace = Pace::default();
        'run: for block in 0..self.blocks {
            let mut first = block * self.slots_per_block;
            for index in 0..self.slots.pieces() {
                let piece = self.slots.piece(block, index);
                let Ok(mut batch) = pool.take() else { break 'run };
                if self.clicks {
                    batch.detections.extend(piece.clicks(first));
                }
                batch.reached = first + piece.count;
                if let Some(rate) = self.slot_rate {
                    let due = begun + Duration::from_secs_f64(batch.reached as f64 / rate);
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    pace.most_late = pace.most_late.max(due.elapsed());
                }
                let mut handed = Handed { first, block, index, batch };
                // The station may have ended while this waited for room.
                loop {
                    if self.stop.load(Ordering::Relaxed) {
                        break 'run;
                    }
                    match to.send_timeout(handed, Duration::from_millis(50)) {
                        Ok(()) => break,
                        Err(error) if error.is_timeout() => handed = error.into_inner(),
                        Err(_) => break 'run,
                    }
                }
                first += piece.count;
            }
        }
        pace.cpu = thread_time();
        pace
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use helio_distill::parameters::CodeChoice;
    use helio_units::Decibel;

    use crate::engine::link::{Link, Wanted};

    #[test]
    fn every_slot_is_handed_over_once_and_in_order() {
        let wanted = Wanted {
            qber: 0.02,
            loss: Decibel(3.0),
            sifted_bits: 20_000.0,
            epsilon_total: 1e-10,
            code: CodeChoice::Ldpc,
            bound: helio_distill::bound::Bound::Varlen2d,
            seed: 3,
        };
        let link = Link::design(&wanted).unwrap();
        let slots_per_block = u64::from(link.parameters.slots_per_block);
        let device = Device {
            slots: Arc::new(Slots::draw(&link.parameters, &link.channel, 3)),
            slots_per_block,
            blocks: 3,
            slot_rate: None,
            clicks: true,
            core: None,
            stop: Arc::default(),
        };
        let (pool, back) = Pool::new(2, SlotBatch::default);
        let (to, handed) = crossbeam_channel::bounded(1);
        let thread = std::thread::spawn(move || device.play(&to, &pool));
        let mut next = 0;
        for piece in handed {
            assert_eq!(piece.first, next);
            assert!(piece.batch.detections.iter().all(|d| d.slot >= next));
            next = piece.batch.reached;
            back.give(piece.batch);
        }
        assert_eq!(next, 3 * slots_per_block);
        thread.join().unwrap();
    }
}
