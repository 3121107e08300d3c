//! A station's file.

use std::path::{Path, PathBuf};

use helio_bench::SlotClockMode;
use helio_distill::Role;
use helio_distill::parameters::{Parameters, Receiver, SessionId};
use helio_link::DeviceAddress;
use helio_timetag::SlotterConfig;
use helio_units::{Picoseconds, TickLength};
use helio_wire::Configure;

use super::calibration;
use super::channels::{self, ChannelConfig};
use super::fault::ConfigFault;
use super::line::{self, LineConfig};
use super::protocol::{self, Protocol};
use super::receiving::{self, Receiving};
use super::section::{Keys, Section};
use super::settings_source::{self, SettingsChoice};
use super::source::{self, Setting, Source};
use super::{SIM_PORTS, VERSION};
use crate::slotting::{Slotting, fine_ticks};

pub(super) const TOP: Keys =
    &["version", "role", "station", "device", "line", "protocol", "detectors", "channel"];
const STATION: Keys = &["state", "runs", "peer"];
const DEVICE: Keys =
    &["address", "settings_source", "settings_feed", "slot_clock", "gate_start", "gate_width"];

/// What a station is told: who it is, where its device and the other station are, and what the two
/// must have equal.
#[derive(Clone, Debug, PartialEq)]
pub struct StationConfig {
    path: PathBuf,
    text: String,
    settings: Vec<Setting>,
    /// The file with the calibration: this one, or the one that it names.
    calibrated_in: PathBuf,
    role: Role,
    state: PathBuf,
    runs: PathBuf,
    peer: String,
    device: DeviceAddress,
    settings_source: SettingsChoice,
    receiving: Receiving,
    line: LineConfig,
    protocol: Protocol,
    detectors: Vec<ChannelConfig>,
}

impl StationConfig {
    /// Reads a file and checks everything in it.
    ///
    /// # Errors
    /// The first fault, with its line.
    pub fn load(path: &Path) -> Result<StationConfig, ConfigFault> {
        StationConfig::parse(path, &source::read(path)?)
    }

    /// The same of a text; `path` stands in faults, and relative folders begin at its folder.
    ///
    /// # Errors
    /// The first fault, with its line.
    pub fn parse(path: &Path, text: &str) -> Result<StationConfig, ConfigFault> {
        let source = Source::new(path, text);
        let tree = source.parse(text)?;
        if let Some("sim") = source::written_role(&tree) {
            let wanted = "`role` is \"sim\"; name a station's file instead";
            return Err(ConfigFault::content(path, None, wanted));
        }
        let top = Section::top(&source, &tree, TOP)?;
        top.whole::<i64>("version", VERSION..=VERSION, None)?;
        let role = top.choice("role", &[("alice", Role::Alice), ("bob", Role::Bob)], None)?;

        let station = top.section("station", STATION)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let state = folder.join(station.need::<String>("state")?);
        let runs = folder.join(station.or("runs", "runs".to_owned())?);
        let peer = station.or("peer", role.other().to_string().to_lowercase())?;

        let section = top.section("device", DEVICE)?;
        let device = section.need("address")?;
        let settings_source = settings_source::read(&section)?;
        let line = line::read(&top.section("line", line::LINE)?)?;
        let own = top.section("detectors", calibration::DETECTORS)?;
        let file = calibration::file(&own, folder)?;
        let file = file.as_ref().map(|(path, text)| (Source::new(path, text), text));
        let tree = file.as_ref().map(|(source, text)| source.parse(text)).transpose()?;
        let outside = match (&file, &tree) {
            (Some((source, _)), Some(tree)) => Some(calibration::of_file(source, tree)?),
            _ => None,
        };
        let detectors = outside.as_ref().unwrap_or(&own);
        let protocol = protocol::read(&top.section("protocol", protocol::PROTOCOL)?, detectors)?;
        if role == Role::Bob
            && protocol.parameters.receiver == Receiver::Passive
            && settings_source != SettingsChoice::Device
        {
            let complaint = "has no meaning with a passive receiver, whose basis a beam splitter \
                             chooses; remove it";
            return Err(section.fault("settings_source", complaint));
        }
        let detectors = match role {
            Role::Bob => channels::read(&top, protocol.parameters.receiver)?,
            Role::Alice if top.sections("channel", channels::CHANNEL)?.is_empty() => Vec::new(),
            Role::Alice => {
                return Err(top.absent(
                    "channel",
                    "is for Bob, Alice's device has no detectors; remove it, or write role = \"bob\"",
                ));
            }
        };
        let receiver = protocol.parameters.receiver;
        let receiving = receiving::read(&section, role, receiver, &protocol.slot_rate)?;
        let (mut text, mut settings) = (text.to_owned(), source.settings());
        let mut calibrated_in = path.to_owned();
        if let Some((source, with)) = file {
            text = calibration::joined(&text, source.path, with);
            calibrated_in = source.path.to_owned();
            settings.extend(source.settings());
        }
        Ok(StationConfig {
            path: path.to_owned(),
            text,
            settings,
            calibrated_in,
            role,
            state,
            runs,
            peer,
            device,
            settings_source,
            receiving,
            line,
            protocol,
            detectors,
        })
    }

    /// The file as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file as it was read, for the run's folder; behind it, commented out, the calibration's file.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Every value in force, defaults included.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// Which station this is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The folder that `helio pair` made.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The folder of the run folders.
    pub fn runs(&self) -> &Path {
        &self.runs
    }

    /// Name of the other station in [`StationConfig::state`].
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// Where the device is. `sim` has become the port at which `helio sim` serves this role.
    pub fn device(&self) -> DeviceAddress {
        match &self.device {
            DeviceAddress::Sim => {
                let [alice, bob] = SIM_PORTS;
                let port = if self.role == Role::Alice { alice } else { bob };
                DeviceAddress::Tcp { host: "127.0.0.1".into(), port }
            }
            other => other.clone(),
        }
    }

    /// Where the settings of this station's device come from.
    pub fn settings_source(&self) -> &SettingsChoice {
        &self.settings_source
    }

    /// What Bob's slot clock follows.
    pub fn slot_clock(&self) -> SlotClockMode {
        self.receiving.slot_clock
    }

    /// The same as it is written.
    pub fn slot_clock_word(&self) -> &'static str {
        receiving::word(self.receiving.slot_clock)
    }

    /// When Bob's detectors are open in a slot, as it is written.
    pub fn gate_words(&self) -> Option<String> {
        self.receiving.gate.map(|gate| format!("{} from {}", gate.width, gate.start))
    }

    /// Whether Bob's detectors are gated.
    pub fn is_gated(&self) -> bool {
        self.receiving.gate.is_some()
    }

    /// Takes another device than the file names.
    pub fn use_device(&mut self, address: DeviceAddress) {
        self.device = address;
    }

    /// The line to the other station.
    pub fn line(&self) -> &LineConfig {
        &self.line
    }

    /// What the two stations compare at contact.
    pub fn parameters(&self, session: SessionId) -> Parameters {
        Parameters { session, ..self.protocol.parameters.clone() }
    }

    /// How Bob chooses his basis.
    pub fn receiver(&self) -> Receiver {
        self.protocol.parameters.receiver
    }

    /// Slots a second, for display and statistics.
    pub fn slot_rate_hz(&self) -> f64 {
        self.protocol.slot_rate.hz()
    }

    /// What the two stations compare besides the parameters: names and values.
    pub fn compared(&self) -> Vec<(String, String)> {
        let pair = |name: &str, value: String| (name.to_owned(), value);
        vec![
            pair("slot rate", self.protocol.slot_rate.to_string()),
            pair("sync seed", self.protocol.sync_seed.to_string()),
        ]
    }

    /// Blocks that are talked about at a time.
    pub fn blocks_in_flight(&self) -> usize {
        self.protocol.blocks_in_flight
    }

    /// Serial of the device whose detectors were calibrated; `None` where they are assumed to be
    /// matched.
    pub fn calibrated_device(&self) -> Option<&str> {
        self.protocol.calibration.as_ref().map(|c| c.device.as_str())
    }

    /// Whether the detectors' calibration may still be taken at this time, in seconds since 1970.
    /// Simulated detectors do not age: this is asked for real keys.
    ///
    /// # Errors
    /// It is older than `detectors.valid_days`, or dated in the future.
    pub fn check_calibration(&self, now_unix_s: u64) -> Result<(), ConfigFault> {
        let Some(calibration) = &self.protocol.calibration else { return Ok(()) };
        let second = i64::try_from(now_unix_s).unwrap_or(i64::MAX);
        let now = jiff::Timestamp::from_second(second).unwrap_or(jiff::Timestamp::MAX);
        let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let line = self.settings.iter().find(|s| s.key == "detectors.date").and_then(|s| s.line);
        match calibration.stale(today) {
            None => Ok(()),
            Some(why) => Err(calibration::fault(&self.calibrated_in, line, &why)),
        }
    }

    /// Start of the public sync sequence.
    pub fn sync_seed(&self) -> u32 {
        self.protocol.sync_seed
    }

    pub(super) fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// The detectors of the talk in their order, 0, 1, …, and where each is connected; none at
    /// Alice.
    pub fn detectors(&self) -> &[ChannelConfig] {
        &self.detectors
    }

    /// Length of a slot in the device's ticks.
    ///
    /// # Errors
    /// The slot rate gives no whole number of them.
    pub fn slot_ticks(&self, tick: TickLength) -> Result<u32, ConfigFault> {
        let rate = self.protocol.slot_rate;
        rate.slot_ticks(tick).map_err(|nearest| {
            let fault = |advice: &dyn std::fmt::Display| {
                let of = crate::quantity::Tick(tick);
                let complaint =
                    format_args!("is {rate}, a slot of no whole number of ticks of {of}; {advice}");
                source::fault(&self.path, &self.settings, "protocol.slot_rate", complaint)
            };
            match nearest {
                Some(nearest) => fault(&format_args!("write the nearest rate that is, {nearest}")),
                None => fault(&"choose another rate"),
            }
        })
    }

    /// What this role's device is told.
    ///
    /// # Errors
    /// As [`StationConfig::slot_ticks`], and a gate that is none in the device's ticks.
    pub fn configure(&self, tick: TickLength) -> Result<Configure, ConfigFault> {
        self.configure_of(self.role, tick)
    }

    /// What the device of a role is told: this one's or the other station's.
    ///
    /// # Errors
    /// As [`StationConfig::slot_ticks`].
    pub fn configure_of(&self, role: Role, tick: TickLength) -> Result<Configure, ConfigFault> {
        let parameters = &self.protocol.parameters;
        let [a, b, c] = parameters.intensity_weights;
        let slot_ticks = self.slot_ticks(tick)?;
        // Alice's station says nothing of Bob's.
        let clicks = fine_ticks(tick, picoseconds(parameters.window_ps));
        let gate = self.receiving.window(tick, slot_ticks, clicks).map_err(|complaint| {
            source::fault(&self.path, &self.settings, "device.gate_width", complaint)
        })?;
        Ok(Configure {
            slot_ticks,
            sync_spacing: parameters.sync_spacing,
            sync_seed: self.protocol.sync_seed,
            intensity_weights: [a, b, c, 0],
            key_basis_weight: match role {
                Role::Alice => parameters.alice_key_weight,
                Role::Bob => parameters.bob_key_weight,
            },
            random_swap: parameters.receiver == Receiver::Active { random_swap: true },
            burst_slots: 0,
            slot_clock: self.receiving.slot_clock,
            gate: gate.filter(|_| role == Role::Bob),
        })
    }

    /// How Bob's tags become slots; delays in the order of [`StationConfig::detectors`].
    ///
    /// # Errors
    /// As [`StationConfig::slot_ticks`].
    pub fn slotter(&self, tick: TickLength) -> Result<SlotterConfig, ConfigFault> {
        let parameters = &self.protocol.parameters;
        let slotting = Slotting {
            tick,
            slot_ticks: self.slot_ticks(tick)?,
            delays: self.detectors.iter().map(|d| Picoseconds(d.delay_ps)).collect(),
            window: fine_ticks(tick, picoseconds(parameters.window_ps)),
            hold_off: picoseconds(parameters.hold_off_ps),
            sync_spacing: parameters.sync_spacing,
        };
        Ok(slotting.config())
    }
}

fn picoseconds(ps: u64) -> Picoseconds {
    Picoseconds(i64::try_from(ps).unwrap_or(i64::MAX))
}
