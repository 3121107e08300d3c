//! What the talk tells: a line in the log, a count in the status, and sometimes the end.

use std::ops::Range;
use std::time::Duration;

use helio_distill::release::BlockState;
use helio_distill::{BlockReport, Event};
use helio_keys::{Origin, Real};

use super::faults::Gravity;
use super::pause::doubled;
use super::station::Station;
use super::words;
use crate::exit::Failure;
use crate::side::Side;
use crate::status::{LastBlock, Level, StationEvent, unix_now_s};
use crate::store::DiskStore;

/// Each contact costs a pad of the reserve. So many may follow one another without a block in between,
/// then each is the longer away from the last.
const FREE_CONTACTS: u32 = 4;
/// From the first of these to the second: a device that trips all night must not use up the reserve.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(300)];

/// How long after a contact the next one may come at the earliest, if it was one of so many without
/// a block.
fn pause_after(contacts: u32) -> Option<Duration> {
    Some(doubled(PAUSES, contacts.checked_sub(FREE_CONTACTS + 1)?))
}

impl<O: Origin, D: Side<Store = DiskStore<O>>> Station<O, D> {
    /// Everything the talk has told since the last time.
    pub fn hear_events(&mut self) -> Result<(), Failure> {
        let mut next_block = false;
        while let Some(event) = self.run.as_mut().and_then(|run| run.side.poll_event()) {
            use Event::{BlockDone, BlockFailed, BlockUnresolved};
            next_block |=
                matches!(event, BlockDone(_) | BlockFailed { .. } | BlockUnresolved { .. });
            self.event(event)?;
        }
        // A run may outlive its calibration: it is asked at its begin, and again before the next block.
        if next_block && O::NAME == Real::NAME {
            self.config.check_calibration(unix_now_s())?;
        }
        Ok(())
    }

    fn event(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::ContactMade { block_pads_left, recovery_pads_left } => {
                self.contact.made += 1;
                self.contact.failed_in_a_row = 0;
                self.contact.without_block = self.contact.without_block.saturating_add(1);
                if let Some(pause) = pause_after(self.contact.without_block) {
                    self.keeper.shared.hold_off(pause);
                }
                self.contact.last_fault = None;
                let peer = self.line.as_ref().map_or("?", |line| line.peer.as_str());
                let text = format!(
                    "contact with {} at {peer}, proven: {block_pads_left} pads for blocks, \
                     {recovery_pads_left} in reserve",
                    self.config.peer()
                );
                self.tell(log::Level::Info, text);
            }
            Event::ContactLost(fault) => {
                let sentence = fault.to_string();
                if let Some(failure) = Gravity::of(&fault).failure(self.goes_on(), &sentence) {
                    return Err(failure);
                }
                self.contact_failed(&sentence);
                self.tell(
                    log::Level::Warn,
                    format!("contact lost: {sentence}; the station tries again"),
                );
                self.drop_line(&sentence);
            }
            Event::BlockDone(report) => {
                self.gauges.run_sifted_bits += report.sifted_key;
                self.block_done(&report);
            }
            Event::KeyReady { id, bits } => {
                self.gauges.keys.usable += 1;
                self.gauges.keys.usable_bits += bits;
                self.gauges.run_key_bits += bits;
                let certificate = self.run.as_ref().map(|run| run.side.store().certificate(id));
                match certificate {
                    Some(Ok(Some(certificate))) => {
                        if let Some(folder) = self.folder() {
                            folder.certificate(&certificate);
                        }
                    }
                    Some(Err(fault)) => self.tell(log::Level::Warn, fault.to_string()),
                    Some(Ok(None)) | None => {}
                }
            }
            Event::BlockFailed { id, fault } => {
                self.gauges.keys.burnt_blocks += 1;
                self.gauges.block(LastBlock::failed(id, Some(unix_now_s()), fault.to_string()));
                self.tell(log::Level::Warn, words::failed(id.block, &fault));
            }
            Event::BlockUnresolved { id, fault } => {
                self.gauges.keys.pending += 1;
                let text = format!(
                    "block {} is unresolved: {fault}; both stations settle it at the next contact",
                    id.block
                );
                self.gauges.block(LastBlock::failed(id, Some(unix_now_s()), text.clone()));
                self.tell(log::Level::Warn, text);
            }
            Event::Resolved { id, state } => {
                self.recount_keys();
                let end = match state {
                    BlockState::Usable => "usable: both stations hold its key",
                    BlockState::Burnt => "burnt: the other station does not hold its key",
                    BlockState::Pending => "pending",
                };
                self.tell(log::Level::Info, format!("{id} turned out {end}"));
            }
            Event::BlocksDropped(blocks) => self.blocks_dropped(blocks),
        }
        Ok(())
    }

    /// One line when it begins and one when it is over: without contact every block is dropped.
    fn blocks_dropped(&mut self, blocks: Range<u64>) {
        let begun = self.gauges.dropped.is_some();
        let first = self.gauges.dropped.as_ref().map_or(blocks.start, |dropped| dropped.start);
        self.gauges.dropped = Some(first..blocks.end);
        if begun {
            return;
        }
        let why = if self.is_open() && self.line.is_some() {
            "the talk lags behind the light; longer blocks or a faster line help"
        } else {
            "there is no contact with the other station"
        };
        let text = format!(
            "block {} is dropped, and those after it, while this lasts: {why}",
            blocks.start
        );
        self.tell(log::Level::Warn, text);
    }

    /// Blocks are talked about again.
    fn drops_are_over(&mut self) {
        if let Some(Range { start, end }) = self.gauges.dropped.take()
            && end - start > 1
        {
            let text = format!("blocks {start} to {} were dropped; the next ones are not", end - 1);
            self.tell(log::Level::Info, text);
        }
    }

    fn block_done(&mut self, report: &BlockReport) {
        self.contact.without_block = 0;
        let seconds = self.block_seconds();
        self.drops_are_over();
        self.tell(log::Level::Info, words::block(report, seconds));
        let mut last = LastBlock::from_report(report, unix_now_s());
        last.detectors = self.gauges.named(&report.by_detector);
        if report.length == 0 {
            self.gauges.keys.burnt_blocks += 1;
        }
        self.gauges.block(last);
        if let Some(folder) = self.folder() {
            folder.block(report, seconds);
        }
    }

    /// A line for the log, for the status and for the run's folder.
    pub fn tell(&mut self, level: log::Level, text: String) {
        // Parts of it may be others' words.
        let text = text.replace(char::is_control, " ");
        log::log!(level, "{text}");
        let severity = match level {
            log::Level::Error => Level::Error,
            log::Level::Warn => Level::Warn,
            _ => Level::Info,
        };
        if let Some(folder) = self.folder() {
            folder.event(severity, &text);
        }
        self.gauges.event(StationEvent { unix_s: unix_now_s(), level: severity, text });
    }

    fn folder(&mut self) -> Option<&mut super::run_folder::RunFolder> {
        self.run.as_mut().and_then(|run| run.folder.as_mut())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thousand pads last a week-end, whatever ends each contact before a block is done.
    #[test]
    fn contacts_without_a_block_become_rare() {
        assert_eq!(pause_after(0), None);
        assert_eq!(pause_after(FREE_CONTACTS), None);
        assert_eq!(pause_after(FREE_CONTACTS + 1), Some(PAUSES[0]));
        assert_eq!(pause_after(u32::MAX), Some(PAUSES[1]));
        let all: Duration = (0..1_000).filter_map(pause_after).sum();
        assert!(all > Duration::from_secs(3 * 86_400), "{all:?}");
    }
}
