//! Settings whose randomness this host gives: seeded, or fed as they are used up.
//!
//! What the device then reports is held against what it was given. The device's report is the one
//! that is used; one that says otherwise ends the run.

mod codes;
mod draw;
mod expected;
mod feeder;
mod source;

use std::time::Duration;

use helio_bench::SettingsSource;
use helio_firmware::random::FEED_CAPACITY;
use helio_link::{Connection, Event, Transport};
use helio_units::TickLength;
use helio_wire::{
    Concealed, Configure, DeviceMessage, ErrorCode, HostMessage, Role, SettingsBatch, Stream,
};
use zeroize::Zeroizing;

use super::device::{self, DeviceFault};
pub use draw::bytes_per_slot;
use expected::{Expected, Known, MOST_REACH};
use feeder::Feeder;
pub use feeder::most_bytes_per_second;
pub use source::FeedSource;

/// How often a device that is fed is looked after.
pub(super) const LOOK: Duration = Duration::from_millis(2);
/// What a device calls the bytes that wait in its queue.
const QUEUED: &str = "random.queue";
/// A device that reports none of the settings it was fed for, for so long, has stopped.
const MUTE_S: f64 = 10.0;

/// What this host gives a device, through a run. Nothing, if the device draws by itself.
#[derive(Default)]
pub(super) struct Given<'a> {
    expected: Option<Expected>,
    feeder: Option<Feeder<'a>>,
    /// Codes that may wait for their report.
    most_waiting: usize,
}

impl<'a> Given<'a> {
    /// Seeds a device, or fills its queue, while it does not run.
    ///
    /// # Errors
    /// [`DeviceFault`].
    pub fn give<T: Transport>(
        connection: &mut Connection<T>,
        role: Role,
        configure: &Configure,
        tick: TickLength,
        source: SettingsSource,
        feed: Option<&'a mut FeedSource>,
    ) -> Result<Given<'a>, DeviceFault> {
        match (source, feed) {
            (SettingsSource::HostSeed, _) => {
                let mut seed = Zeroizing::new([0; 32]);
                getrandom::fill(&mut *seed).map_err(|_| DeviceFault::NoSeed { role })?;
                let message = HostMessage::Seed(Concealed(&seed));
                device::command(connection, role, "seed", &message, &mut |_| {})?;
                let expected = Some(Expected::of_seed(role, configure, &seed));
                Ok(Given { expected, ..Given::default() })
            }
            (SettingsSource::HostFeed, Some(feed)) => {
                let slot_s = f64::from(configure.slot_ticks) * tick.as_ps_f64() * 1e-12;
                let mut feeder = Feeder::new(role, feed, bytes_per_slot(role) as f64 / slot_s);
                let before = queued(connection, role)?;
                let mut expected = Expected::of_feed(role, configure, before);
                feeder.fill(|piece| {
                    let message = HostMessage::Feed(Concealed(piece.as_slice()));
                    match device::command(connection, role, "feed", &message, &mut |_| {}) {
                        Ok(_) => {
                            expected.fed(piece.as_slice());
                            Ok(true)
                        }
                        Err(DeviceFault::Refused { code: ErrorCode::Full, .. }) => Ok(false),
                        Err(fault) => Err(fault),
                    }
                })?;
                let most_waiting = most_waiting(role, slot_s);
                Ok(Given { expected: Some(expected), feeder: Some(feeder), most_waiting })
            }
            _ => Ok(Given::default()),
        }
    }

    /// Whether the device is fed.
    pub fn feeds(&self) -> bool {
        self.feeder.is_some()
    }

    /// Feeds it on.
    ///
    /// # Errors
    /// [`DeviceFault`].
    pub fn advance<T: Transport>(
        &mut self,
        connection: &mut Connection<T>,
    ) -> Result<(), DeviceFault> {
        self.feeder.as_mut().map_or(Ok(()), |feeder| feeder.advance(connection))
    }

    /// Looks at what the device says of its commands.
    ///
    /// # Errors
    /// [`DeviceFault`].
    pub fn hear(&mut self, role: Role, event: &Event<'_>) -> Result<(), DeviceFault> {
        let Some(expected) = &mut self.expected else { return Ok(()) };
        match event {
            Event::Message(_, DeviceMessage::LockLost { .. })
            | Event::Lost { stream: Stream::Tags | Stream::Settings, .. } => expected.lost(),
            _ => {}
        }
        let Some(feeder) = &mut self.feeder else { return Ok(()) };
        let taken = match event {
            Event::Lost { stream: Stream::Control, .. } => {
                return Err(DeviceFault::FeedLost { role });
            }
            Event::Message(_, DeviceMessage::Ack { command, .. }) => {
                feeder.answered(*command, None)?
            }
            Event::Message(_, DeviceMessage::Error { command, code, detail }) => {
                feeder.answered(*command, Some((*code, *detail)))?
            }
            _ => return Ok(()),
        };
        if let Some(piece) = taken {
            expected.fed(piece.as_slice());
            // Its reports are fewer than what it takes: memory for them would grow for ever.
            if expected.waiting() > self.most_waiting {
                return Err(DeviceFault::Mute { role });
            }
        }
        Ok(())
    }

    /// Whether settings may be used: those that were drawn from bytes of somebody else's may not.
    ///
    /// # Errors
    /// [`DeviceFault::OtherSettings`] and [`DeviceFault::SettingsAdrift`].
    pub fn check(&mut self, role: Role, batch: &SettingsBatch<'_>) -> Result<bool, DeviceFault> {
        let Some(expected) = &mut self.expected else { return Ok(true) };
        match expected.check(batch) {
            Ok(Known::Adrift) => Err(DeviceFault::SettingsAdrift { role }),
            Ok(known) => Ok(known == Known::Yes),
            Err(differs) => Err(DeviceFault::OtherSettings { role, slot: differs.slot }),
        }
    }
}

/// Codes that wait for their report at most: what the queue holds, what a loss of lock leaves in doubt,
/// and some seconds of slots.
fn most_waiting(role: Role, slot_s: f64) -> usize {
    FEED_CAPACITY / bytes_per_slot(role) + MOST_REACH + (MUTE_S / slot_s) as usize
}

/// What a device says of its queue. It is held against the queue before anything is made of it.
fn queue_of(role: Role, said: i64) -> Result<usize, DeviceFault> {
    match usize::try_from(said) {
        Ok(bytes) if bytes <= FEED_CAPACITY => Ok(bytes),
        _ => Err(DeviceFault::OtherQueue { role, said }),
    }
}

/// Bytes that wait in the device's queue, whoever gave them; it does not run.
fn queued<T: Transport>(connection: &mut Connection<T>, role: Role) -> Result<usize, DeviceFault> {
    for index in 0..u16::MAX {
        let mut found = None;
        let message = HostMessage::Get { index };
        let got = device::command(connection, role, "get", &message, &mut |event| {
            if let Event::Message(_, DeviceMessage::Value { value, entry, .. }) = event
                && entry.name == QUEUED
            {
                found = Some(*value);
            }
        });
        match (found, got) {
            (Some(bytes), _) => return queue_of(role, bytes),
            (None, Ok(_)) => {}
            // Past the end of the table: a device that does not say.
            (None, Err(DeviceFault::Refused { code: ErrorCode::OutOfRange, .. })) => break,
            (None, Err(fault)) => return Err(fault),
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests;
