//! The simulated light's file: optics, clocks and the eavesdropper of `helio sim`.

use std::path::{Path, PathBuf};

use helio_sim::{ConfigError, Path as LightPath, ReceiverKind};
use helio_units::{Decibel, Picoseconds};
use helio_virt::{VirtBench, VirtConfig};
use toml::de::DeValue;

use super::fault::ConfigFault;
use super::line::HostPort;
use super::section::{Keys, Section};
use super::source::{self, Setting, Source};
use super::value::{Value, texts};
use super::{SIM_PORTS, VERSION};
use crate::bench::Scenario;
use crate::quantity::{
    Angle, Attenuation, Delay, Drift, Frequency, Length, Loss, Offset, Photons, Share, SlotRate,
    Tick,
};
use crate::sim::Speed;

texts!(Speed);

const TOP: Keys = &[
    "version",
    "role",
    "seed",
    "speed",
    "ports",
    "light",
    "fibre",
    "receiver",
    "detectors",
    "clock",
    "eve",
];
const PORTS: Keys = &["alice", "bob"];
const LIGHT: Keys = &["slot_rate", "tick", "mu"];
const FIBRE: Keys = &["length", "attenuation", "loss", "delay", "rotation"];
const RECEIVER: Keys = &["kind", "loss"];
const DETECTORS: Keys = &[
    "efficiency",
    "efficiency_mismatch",
    "dark_rate",
    "dark_mismatch",
    "dead_time",
    "jitter",
    "afterpulse",
];
const CLOCK: Keys = &["offset", "drift"];
const EVE: Keys = &["intercept_resend"];

/// Fields of the bench that the file sets: the bench's name, the key, and the unit in which the
/// bench counts as so many units of the file.
const FIELDS: [(&str, &str, f64, &str); 15] = [
    ("slot_ticks", "light.slot_rate", 1.0, "ticks"),
    ("slot_ticks · tick_length (ps)", "light.slot_rate", 1.0, "ps a slot"),
    ("source.levels (brightest first)", "light.mu", 1.0, "photons, brightest first"),
    ("channel.path.length_km", "fibre.length", 1.0, "km"),
    ("channel.path.attenuation_per_km", "fibre.attenuation", 1.0, "dB/km"),
    ("channel.path.loss", "fibre.loss", 1.0, "dB"),
    ("channel.path.delay", "fibre.delay", 1e-12, "s"),
    ("channel.rotation_rad", "fibre.rotation", 1.0, "rad"),
    ("receiver.insertion_loss", "receiver.loss", 1.0, "dB"),
    ("receiver.detectors.dark_rate_hz", "detectors.dark_rate", 1.0, "Hz"),
    ("receiver.detectors.jitter_ps", "detectors.jitter", 1.0, "ps"),
    ("receiver.detectors.dead_time", "detectors.dead_time", 1e-6, "µs"),
    ("receiver.detectors.afterpulse_probability", "detectors.afterpulse", 100.0, "%"),
    ("clock.offset_ppm", "clock.offset", 1.0, "ppm"),
    ("clock.drift_ppb_per_s", "clock.drift", 1.0, "ppb/s"),
];

/// The light between two simulated stations. What is not written is as in `helio demo`.
#[derive(Clone, Debug, PartialEq)]
pub struct SimConfig {
    path: PathBuf,
    text: String,
    settings: Vec<Setting>,
    scenario: Scenario,
    ports: [String; 2],
    speed: Speed,
}

impl SimConfig {
    /// Reads a file and checks everything in it. Without `seed` in it, one is drawn from the
    /// operating system.
    ///
    /// # Errors
    /// The first fault, with its line.
    pub fn load(path: &Path) -> Result<SimConfig, ConfigFault> {
        SimConfig::parse(path, &source::read(path)?)
    }

    /// The same of a text; `path` stands in faults.
    ///
    /// # Errors
    /// The first fault, with its line.
    pub fn parse(path: &Path, text: &str) -> Result<SimConfig, ConfigFault> {
        let source = Source::new(path, text);
        let tree = source.parse(text)?;
        if let Some(role @ ("alice" | "bob")) = source::written_role(&tree) {
            let wanted = format!("`role` is \"{role}\"; name the file of the light instead");
            return Err(ConfigFault::content(path, None, wanted));
        }
        let top = Section::top(&source, &tree, TOP)?;
        top.whole::<i64>("version", VERSION..=VERSION, None)?;
        top.choice("role", &[("sim", ())], None)?;
        let seed = seed(&top)?;
        let speed = top.or("speed", Speed::RealTime(1.0))?;
        let ports = ports(&top)?;
        let scenario = Scenario { seed, ..scenario(&top)? };
        check(&top, &scenario)?;
        Ok(SimConfig {
            path: path.to_owned(),
            text: text.to_owned(),
            settings: source.settings(),
            scenario,
            ports,
            speed,
        })
    }

    /// The file as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Every value in force, defaults included.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// The light, with the demo's numbers for everything that stations choose.
    pub fn scenario(&self) -> Scenario {
        self.scenario.clone()
    }

    /// HOST:PORT at which Alice's device is served, and Bob's.
    pub fn ports(&self) -> [String; 2] {
        self.ports.clone()
    }

    /// How fast the light goes.
    pub fn speed(&self) -> Speed {
        self.speed
    }

    /// The one seed of everything random in the light and the devices.
    pub fn seed(&self) -> u64 {
        self.scenario.seed
    }
}

fn seed(top: &Section<'_>) -> Result<u64, ConfigFault> {
    if top.has("seed") {
        return top.whole("seed", 0..=i64::MAX, None);
    }
    top.source.record("seed".into(), "a fresh one each time".into(), None);
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|why| {
        top.absent("seed", format_args!("is missing and none can be drawn ({why}); write one"))
    })?;
    Ok(u64::from_le_bytes(bytes))
}

fn ports(top: &Section<'_>) -> Result<[String; 2], ConfigFault> {
    let ports = top.section("ports", PORTS)?;
    let [alice, bob] = SIM_PORTS.map(|port| HostPort(format!("127.0.0.1:{port}")));
    let (alice, bob) = (ports.or("alice", alice)?, ports.or("bob", bob)?);
    if alice == bob {
        let complaint = format_args!("is {bob}, which is Alice's too; choose another port");
        return Err(ports.fault("bob", complaint));
    }
    Ok([alice.0, bob.0])
}

/// An integer number of parts as a real number, the one nearest to the decimal that was written.
fn real(parts: i64, of: f64) -> f64 {
    parts as f64 / of
}

/// And back, for defaults.
fn parts(real: f64, of: f64) -> i64 {
    (real * of).round() as i64
}

fn scenario(top: &Section<'_>) -> Result<Scenario, ConfigFault> {
    // Light of stations lives on: a drift would leave the reach of any receiver in time.
    let base = Scenario { clock_drift_ppb_per_s: 0.0, ..Scenario::default() };
    let light = top.section("light", LIGHT)?;
    let tick: Tick = light.or("tick", Tick(base.tick_length))?;
    let slot_rate: SlotRate = light.or("slot_rate", SlotRate::DEMO)?;
    let slot_ticks = slot_rate.slot_ticks(tick.0).map_err(|nearest| {
        let nearest = nearest.map_or(String::new(), |rate| format!(" such as {rate}"));
        let complaint = format!(
            "is {slot_rate}, a slot of no whole number of ticks of {tick}; choose another rate{nearest}"
        );
        light.fault("slot_rate", complaint)
    })?;
    let Levels(mu) = light.or("mu", Levels(base.mu_nano.map(|nano| Photons(nano as i64))))?;
    let fibre = top.section("fibre", FIBRE)?;
    let receiver = top.section("receiver", RECEIVER)?;
    let detectors = top.section("detectors", DETECTORS)?;
    let clock = top.section("clock", CLOCK)?;
    let eve = top.section("eve", EVE)?;
    let share = |section: &Section<'_>, key, default| -> Result<f64, ConfigFault> {
        Ok(real(section.or(key, Share(parts(default, 1e9)))?.0, 1e9))
    };
    Ok(Scenario {
        path: path(&fibre)?,
        rotation_rad: real(fibre.or("rotation", Angle(parts(base.rotation_rad, 1e9)))?.0, 1e9),
        receiver: receiver.choice(
            "kind",
            &[("active", ReceiverKind::Active), ("passive", ReceiverKind::Passive)],
            Some("active"),
        )?,
        receiver_loss: Decibel(real(
            receiver.or("loss", Loss(parts(base.receiver_loss.0, 1e6)))?.0,
            1e6,
        )),
        efficiency: share(&detectors, "efficiency", base.efficiency)?,
        efficiency_mismatch: share(&detectors, "efficiency_mismatch", base.efficiency_mismatch)?,
        dark_rate_hz: real(
            detectors.or("dark_rate", Frequency(parts(base.dark_rate_hz, 1e6)))?.0,
            1e6,
        ),
        dark_mismatch: share(&detectors, "dark_mismatch", base.dark_mismatch)?,
        dead_time: Picoseconds(detectors.or("dead_time", Delay(base.dead_time.0))?.0),
        jitter_ps: detectors.or("jitter", Delay(parts(base.jitter_ps, 1.0)))?.0 as f64,
        afterpulse: share(&detectors, "afterpulse", base.afterpulse)?,
        clock_offset_ppm: real(
            clock.or("offset", Offset(parts(base.clock_offset_ppm, 1e6)))?.0,
            1e6,
        ),
        clock_drift_ppb_per_s: real(
            clock.or("drift", Drift(parts(base.clock_drift_ppb_per_s, 1e6)))?.0,
            1e6,
        ),
        intercepted: share(&eve, "intercept_resend", base.intercepted)?,
        mu_nano: mu.map(|mu| mu.0.unsigned_abs()),
        slot_ticks,
        tick_length: tick.0,
        ..base
    })
}

/// Two or three mean photon numbers, brightest first; a third that is not written is dark.
struct Levels([Photons; 3]);

impl Value for Levels {
    fn read(value: &DeValue<'_>) -> Result<Levels, String> {
        match value {
            DeValue::Array(items) if items.len() == 2 => {
                let [signal, decoy] = <[Photons; 2]>::read(value)?;
                Ok(Levels([signal, decoy, Photons(0)]))
            }
            DeValue::Array(items) if items.len() == 3 => Ok(Levels(<[Photons; 3]>::read(value)?)),
            _ => Err("a list of two or three is wanted; write [A, B] or [A, B, C]".into()),
        }
    }

    fn show(&self) -> String {
        self.0.show()
    }
}

/// A fibre, or a loss without one.
fn path(fibre: &Section<'_>) -> Result<LightPath, ConfigFault> {
    let LightPath::Fibre { length_km, attenuation_per_km, group_index } = Scenario::default().path
    else {
        return Err(fibre.fault_of_all("the demo has no fibre"));
    };
    if let Some(Loss(loss)) = fibre.maybe("loss")? {
        if let Some(key) = ["length", "attenuation"].into_iter().find(|key| fibre.has(key)) {
            return Err(fibre.fault(
                "loss",
                format_args!("stands beside `{key}`; remove one, a fixed loss has no fibre"),
            ));
        }
        let delay: Delay = fibre.or("delay", Delay(0))?;
        let loss = Decibel(real(loss, 1e6));
        return Ok(LightPath::Fixed { loss, delay: Picoseconds(delay.0) });
    }
    if fibre.has("delay") {
        return Err(fibre.absent("delay", "follows from a fibre's length; remove it"));
    }
    let length = fibre.or("length", Length(parts(length_km, 1e6)))?;
    let attenuation = fibre.or("attenuation", Attenuation(parts(attenuation_per_km.0, 1e6)))?;
    Ok(LightPath::Fibre {
        length_km: real(length.0, 1e6),
        attenuation_per_km: Decibel(real(attenuation.0, 1e6)),
        group_index,
    })
}

/// What the simulator itself refuses, told of the key that is behind it.
fn check(top: &Section<'_>, scenario: &Scenario) -> Result<(), ConfigFault> {
    let source = top.source;
    let bench = scenario.bench();
    bench.validate().map_err(|ConfigError { field, value, min, max }| {
        let named = FIELDS.iter().find(|(name, ..)| *name == field);
        match named {
            Some((_, key, factor, unit)) => {
                let [value, min, max] =
                    [value, min, max].map(|n| crate::term::trimmed(n * factor, 9));
                source.fault(
                    key,
                    format_args!("gives {value} {unit}; choose it within {min} to {max} {unit}"),
                )
            }
            None => top.fault_of_all(format_args!(
                "the light cannot have {field} = {value}; choose values that keep it within \
                 {min} to {max}"
            )),
        }
    })?;
    VirtBench::new(VirtConfig { bench, link_depth: 1 }).map_err(|why| {
        source.fault("light.slot_rate", format_args!("cannot be simulated: {why}; choose another"))
    })?;
    if let Err(why) = scenario.mismatch() {
        return Err(source.fault("detectors", format_args!("cannot be: {why}; choose others")));
    }
    Ok(())
}
