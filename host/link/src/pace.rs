//! When a heartbeat is due, by the device's own time.
//!
//! A device goes dark 250 ms of its time after the last heartbeat. Its time shows in what it
//! sends: ticks of tags, answers and health, and at Alice the slots whose settings she reports, which
//! come every millisecond while light leaves. So the host beats by what it has received: it needs
//! no clock, and a simulated device may run faster or slower than the wall. A device that sends
//! nothing for long (armed, not started) needs the caller's own beat, [`crate::Connection::beat`].

use helio_units::{Picoseconds, TickLength, Ticks};
use helio_wire::{DeviceMessage, HostMessage};

/// Device time between two beats.
const INTERVAL: Picoseconds = Picoseconds(100_000_000_000);

#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    /// [`INTERVAL`] in ticks, once the device has said how long a tick is.
    interval: Option<u64>,
    slot_ticks: u64,
    /// The `Start` that waits for its answer, and when the run began.
    start_command: Option<u32>,
    start: Option<u64>,
    /// Latest device time seen.
    now: u64,
    /// The interval in which the last beat was due.
    beaten: u64,
}

impl Pace {
    pub fn sent(&mut self, command: u32, message: &HostMessage<'_>) {
        match message {
            HostMessage::Configure(configure) => {
                self.slot_ticks = u64::from(configure.slot_ticks);
            }
            HostMessage::Start { .. } => {
                self.start_command = Some(command);
                self.start = None;
            }
            _ => {}
        }
    }

    pub fn received(&mut self, message: &DeviceMessage<'_>) {
        let time = match message {
            DeviceMessage::Hello { hello, .. } => {
                self.tick_length(hello.tick_length);
                return;
            }
            DeviceMessage::Ack { command, tick } => {
                if self.start_command == Some(*command) {
                    self.start = Some(tick.0);
                }
                *tick
            }
            DeviceMessage::Health(health) => health.now,
            DeviceMessage::Tags(tags) => tags.reached,
            DeviceMessage::Stopped { tick, .. } => *tick,
            DeviceMessage::Settings(settings) => {
                let Some(start) = self.start else { return };
                let slots = settings.first.0.saturating_add(u64::from(settings.count));
                Ticks(start.saturating_add(slots.saturating_mul(self.slot_ticks)))
            }
            _ => return,
        };
        self.now = self.now.max(time.0);
    }

    /// Whether a beat is due; asking again right away gives `false`. Beats lie on a fixed grid of
    /// device time, so that how late the host is does not move later ones.
    pub fn due(&mut self) -> bool {
        let Some(interval) = self.interval else { return false };
        let at = self.now / interval;
        let due = at > self.beaten;
        self.beaten = at;
        due
    }

    /// The device starts anew.
    pub fn reset(&mut self) {
        *self = Pace { interval: self.interval, slot_ticks: self.slot_ticks, ..Pace::default() };
    }

    fn tick_length(&mut self, length: TickLength) {
        self.interval = Some(length.ticks_covering(INTERVAL).0.max(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use helio_wire::Health;

    fn health(now: u64) -> DeviceMessage<'static> {
        DeviceMessage::Health(Health { now: Ticks(now), ..Health::default() })
    }

    #[test]
    fn one_beat_each_tenth_of_a_second_of_device_time() {
        let mut pace = Pace::default();
        pace.received(&health(20_000_000));
        assert!(!pace.due(), "the length of a tick is not known");
        pace.tick_length(TickLength::CYCLE_150_MHZ);
        assert!(pace.due() && !pace.due());
        pace.received(&health(29_999_999));
        assert!(!pace.due());
        pace.received(&health(95_000_000));
        assert!(pace.due() && !pace.due());
    }

    #[test]
    fn settings_tell_the_time_of_a_run() {
        let mut pace = Pace::default();
        pace.tick_length(TickLength::CYCLE_150_MHZ);
        pace.slot_ticks = 30;
        pace.sent(7, &HostMessage::Start { epoch: 1, slots: 0 });
        pace.received(&DeviceMessage::Ack { command: 7, tick: Ticks(14_000_000) });
        assert!(!pace.due());
        let settings = helio_wire::SettingsBatch {
            first: helio_units::SlotIndex(30_000),
            bits_per_slot: 4,
            source: helio_bench::SettingsSource::Own,
            count: 4000,
            packed: &[0; 2000],
        };
        pace.received(&DeviceMessage::Settings(settings));
        assert!(pace.due());
    }
}
