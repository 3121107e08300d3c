//! The first words with a device: who is there, what it shall do, go.

use std::time::{Duration, Instant};

use helio_bench::{InterlockState, PhaseRandomisation, RandomClass, SettingsSource, TripCause};
use helio_link::{Connection, Event, Transport, TransportError};
use helio_units::{Hertz, TickLength};
use helio_wire::{Capabilities, Configure, DeviceMessage, ErrorCode, HostMessage, Role};

use super::refusal::refusal_words;

/// A device answers a command within this time, or it is not there.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who a device says it is; the owned form of [`helio_wire::Hello`].
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceIdentity {
    /// Which station it drives.
    pub role: Role,
    /// Board name.
    pub board: String,
    /// Firmware version.
    pub firmware: String,
    /// Serial number.
    pub serial: String,
    /// Exact length of a tick.
    pub tick_length: TickLength,
    /// Number of detector channels.
    pub channels: u8,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Highest slot rate.
    pub max_slot_rate: Hertz,
    /// Class of the random source behind its settings.
    pub random_class: RandomClass,
    /// Name of that source.
    pub random_name: String,
    /// Mean photon numbers of its levels in 10⁻⁹ photons a pulse.
    pub levels_nano: [u64; 4],
    /// Phase of its pulses.
    pub phase: PhaseRandomisation,
    /// Uncertainty of the levels in parts per million.
    pub intensity_uncertainty_ppm: Option<u32>,
}

impl DeviceIdentity {
    /// Where it takes settings from that nobody chose and no key is made of: ChaCha20 keyed by its
    /// generator, which alone may be too slow for short slots. `None` for a device without settings.
    pub fn drawn(&self) -> Option<SettingsSource> {
        let draws = self.capabilities.has(Capabilities::REPORTS_SETTINGS);
        draws.then_some(SettingsSource::Expanded)
    }
}

/// Where an interlock stands, in words.
pub fn interlock_words(state: InterlockState) -> String {
    match state {
        InterlockState::Safe => "safe".to_owned(),
        InterlockState::Armed => "armed".to_owned(),
        InterlockState::Emitting => "emitting".to_owned(),
        InterlockState::Tripped(cause) => {
            let cause = match cause {
                TripCause::HeartbeatLost => "its host was silent",
                TripCause::BadFrames => "frames came damaged",
                TripCause::UnknownCommand => "an unknown command came",
                TripCause::RandomFault => "its random source failed",
                TripCause::LinkReset => "its host went away",
                TripCause::PlayerFault => "its player failed",
                TripCause::External => "an outside signal",
            };
            format!("tripped ({cause})")
        }
    }
}

/// A device that did not do as told.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DeviceFault {
    /// The port.
    #[error("the {role:?} device's port failed: {why}; check the cable and the power")]
    Port {
        /// Whose device.
        role: Role,
        /// What the port said.
        why: TransportError,
    },
    /// No answer.
    #[error(
        "the {role:?} device did not answer {command} within 5 s; unplug \
             and replug it, or end the other program that has it"
    )]
    Silent {
        /// Whose device.
        role: Role,
        /// Which command.
        command: &'static str,
    },
    /// A refusal.
    #[error("the {role:?} device refused {command}: {}", refusal_words(*code, *detail, None))]
    Refused {
        /// Whose device.
        role: Role,
        /// Which command.
        command: &'static str,
        /// Why.
        code: ErrorCode,
        /// More, by code.
        detail: u32,
    },
    /// The port leads to another device.
    #[error("the port of {expected:?}'s device answers as {found:?}; swap the two ports")]
    WrongRole {
        /// Who should be there.
        expected: Role,
        /// Who is.
        found: Role,
    },
    /// It started anew.
    #[error("the {role:?} device started anew in mid-run; check its power and its cable")]
    Rebooted {
        /// Whose device.
        role: Role,
    },
    /// Its settings do not come from where the certificate says.
    #[error(
        "the {role:?} device plays settings from {} and was told to from {}; no key is made of them",
        source_used.name("its own generator"),
        source_asked.name("its own generator")
    )]
    OtherSource {
        /// Whose device.
        role: Role,
        /// Where they come from.
        source_used: SettingsSource,
        /// Where they should.
        source_asked: SettingsSource,
    },
    /// Its settings are not those that this host gave it the randomness for.
    #[error(
        "the {role:?} device reports another setting of slot {slot} than follows from what it was \
         given; no key is made of that block: look for a fault of its firmware or its memory"
    )]
    OtherSettings {
        /// Whose device.
        role: Role,
        /// The first such slot.
        slot: u64,
    },
    /// It lost its lock, or the cable its frames, too often for its settings to be found again.
    #[error(
        "the {role:?} device lost its lock, or the cable its reports, so often that its settings \
         cannot be held against what it was given; a new run is begun: look after the sync light and \
         the cable"
    )]
    SettingsAdrift {
        /// Whose device.
        role: Role,
    },
    /// It says of its queue what cannot be.
    #[error(
        "the {role:?} device says that {said} random bytes wait in its queue of {}; flash the \
         firmware of this release",
        helio_firmware::random::FEED_CAPACITY
    )]
    OtherQueue {
        /// Whose device.
        role: Role,
        /// What it says.
        said: i64,
    },
    /// The operating system gave no random numbers.
    #[error(
        "the system gives no random numbers for the {role:?} device's settings; mend that first"
    )]
    NoSeed {
        /// Whose device.
        role: Role,
    },
    /// The source of its random bytes gives none.
    #[error(
        "the settings of the {role:?} device run dry: {name} {why}; start the generator again, or \
         remove settings_feed"
    )]
    FeedEnded {
        /// Whose device.
        role: Role,
        /// What gave them.
        name: String,
        /// What became of it.
        why: String,
    },
    /// It used its random bytes up.
    #[error(
        "the {role:?} device went dark, its settings ran dry: the random bytes come too slowly; lower \
         slot_rate on both stations, or free this computer of other work"
    )]
    FeedDry {
        /// Whose device.
        role: Role,
    },
    /// Nobody knows which random bytes it has.
    #[error(
        "the cable lost answers of the {role:?} device, so that it is not known which random bytes it \
         took; check the cable"
    )]
    FeedLost {
        /// Whose device.
        role: Role,
    },
    /// It answers and has no data.
    #[error(
        "the {role:?} device answers but has sent no data for 10 s: its light is held up, or it has \
         stopped by itself; a new run is begun"
    )]
    Mute {
        /// Whose device.
        role: Role,
    },
    /// The interlock.
    #[error("the {role:?} device went dark, {}", interlock_words(*state))]
    Tripped {
        /// Whose device.
        role: Role,
        /// Where the interlock stands.
        state: InterlockState,
    },
}

/// Sends a command and waits for its answer; events in between go to `sink`.
pub(super) fn command<T: Transport>(
    connection: &mut Connection<T>,
    role: Role,
    name: &'static str,
    message: &HostMessage,
    sink: &mut dyn FnMut(&Event<'_>),
) -> Result<Option<DeviceIdentity>, DeviceFault> {
    let port = |why| DeviceFault::Port { role, why };
    let number = connection.send(message).map_err(port)?;
    let deadline = Instant::now() + PATIENCE;
    let mut answer = None;
    while answer.is_none() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(DeviceFault::Silent { role, command: name });
        }
        let received = connection.receive(left, |event| {
            match &event {
                Event::Message(
                    _,
                    DeviceMessage::Ack { command, .. } | DeviceMessage::Value { command, .. },
                ) if *command == number => {
                    answer = Some(Ok(None));
                }
                Event::Message(_, DeviceMessage::Hello { command, hello })
                    if *command == number =>
                {
                    answer = Some(Ok(Some(own(hello))));
                }
                Event::Message(_, DeviceMessage::Error { command, code, detail })
                    if *command == number =>
                {
                    let (code, detail) = (*code, *detail);
                    answer = Some(Err(DeviceFault::Refused { role, command: name, code, detail }));
                }
                _ => {}
            }
            sink(&event);
        });
        match received {
            Ok(()) | Err(TransportError::TimedOut) => {}
            Err(why) => return Err(port(why)),
        }
    }
    answer.unwrap_or(Ok(None))
}

/// Asks who is there.
///
/// # Errors
/// [`DeviceFault`]; also where the device drives the other station.
pub fn greet<T: Transport>(
    connection: &mut Connection<T>,
    role: Role,
) -> Result<DeviceIdentity, DeviceFault> {
    let hello = command(connection, role, "hello", &HostMessage::Hello, &mut |_| {})?;
    let identity = hello.ok_or(DeviceFault::Silent { role, command: "hello" })?;
    if identity.role != role {
        return Err(DeviceFault::WrongRole { expected: role, found: identity.role });
    }
    Ok(identity)
}

/// Configures, arms and starts a run; everything the device says meanwhile goes to `sink`, data
/// included. What a source needs of this host has been given before ([`super::given`]).
///
/// # Errors
/// [`DeviceFault`]; the device is left as it is, dark unless it had started.
pub fn start<T: Transport>(
    connection: &mut Connection<T>,
    role: Role,
    configure: Configure,
    run: Run,
    sink: &mut dyn FnMut(&Event<'_>),
) -> Result<(), DeviceFault> {
    let Run { arming_nonce, epoch, slots, source } = run;
    let steps = [
        // Whatever a person has left it at by hand.
        ("source", HostMessage::Source(source)),
        ("configure", HostMessage::Configure(configure)),
        ("arm", HostMessage::Arm { nonce: arming_nonce }),
        ("start", HostMessage::Start { epoch, slots }),
    ];
    for (name, message) in steps {
        command(connection, role, name, &message, sink)?;
    }
    Ok(())
}

/// Ends whatever run is on and leaves the device dark and ready to be armed. A trip that a lost host
/// or a bad cable caused is cleared; every other one is for a person. Of a device that is fed, to
/// want for random bytes is one of the first kind: its own generator has no part in its settings.
///
/// # Errors
/// [`DeviceFault::Port`] and [`DeviceFault::Silent`].
pub fn rest<T: Transport>(
    connection: &mut Connection<T>,
    role: Role,
    source: SettingsSource,
) -> Result<(), DeviceFault> {
    let clear = [TripCause::LinkReset, TripCause::HeartbeatLost, TripCause::BadFrames];
    let dry = (source == SettingsSource::HostFeed).then_some(TripCause::RandomFault);
    let clear = clear.into_iter().chain(dry);
    let clear = clear.map(|cause| ("clear", HostMessage::Clear { cause }));
    for (name, message) in clear.chain([("disarm", HostMessage::Disarm)]) {
        match command(connection, role, name, &message, &mut |_| {}) {
            Ok(_) | Err(DeviceFault::Refused { .. }) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}

/// Which run a device is to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Fresh at each arming.
    pub arming_nonce: u32,
    /// Number of the run.
    pub epoch: u16,
    /// Slots after which the device stops by itself; 0: until told.
    pub slots: u64,
    /// Where its settings come from.
    pub source: SettingsSource,
}

/// The owned form.
pub(crate) fn own(hello: &helio_wire::Hello<'_>) -> DeviceIdentity {
    DeviceIdentity {
        role: hello.role,
        board: hello.board.to_owned(),
        firmware: hello.firmware.to_owned(),
        serial: hello.serial.to_owned(),
        tick_length: hello.tick_length,
        channels: hello.channels,
        capabilities: hello.capabilities,
        max_slot_rate: hello.max_slot_rate,
        random_class: hello.random_class,
        random_name: hello.random_name.to_owned(),
        levels_nano: hello.levels_nano,
        phase: hello.phase,
        intensity_uncertainty_ppm: hello.intensity_uncertainty_ppm,
    }
}
