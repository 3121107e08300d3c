//! The device and its runs: when light begins, what its data become, when it is over.

use std::time::{Duration, Instant};

use crossbeam_channel::{RecvError, bounded};
use helio_bench::{PhaseRandomisation, RandomClass, SettingsSource};
use helio_distill::Role;
use helio_keys::{Origin, Simulated};
use helio_link::DeviceAddress;
use helio_timetag::{Pool, TagBatch};
use helio_wire::Capabilities;

use super::device::{Begin, Note, Order};
use super::pause::doubled;
use super::station::{RunLight, RunState, Station};
use crate::bench::cable::{CableReport, Item};
use crate::bench::device::{DeviceFault, DeviceIdentity};
use crate::bench::given;
use crate::exit::{Exit, Failure};
use crate::line::{Frame, Light};
use crate::side::Side;
use crate::status::unix_now_s;
use crate::store::DiskStore;

/// Items between the device's thread and the station: some seconds of a device at 5 MHz.
const DEPTH: usize = 1024;
/// Tag batches that go round; in a jam more are made, and let go after it. Each takes its turn and
/// grows to the largest batch: many of them would be memory that grows for hours.
const BATCHES: usize = 32;
/// A device sends something each few milliseconds: so much silence is told.
const SILENCE: Duration = Duration::from_secs(3);
/// After a run that the device ended: no other one before the first of these. Each new run costs both
/// stations a pad of the reserve, so the rest doubles up to the second while no run lasts.
const RESTS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(300)];
/// A run that lasts: its device works.
const LASTING: Duration = Duration::from_secs(60);
/// How long what was measured is talked about after the light is over.
const AFTER_LIGHT: Duration = Duration::from_secs(30);

impl<O: Origin, D: Side<Store = DiskStore<O>>> Station<O, D> {
    /// Whatever is due: light that can begin, a run that is over, a line of no use.
    pub fn advance(&mut self) -> Result<(), Failure> {
        self.check_line();
        self.say_light();
        self.begin_light()?;
        self.check_silence();
        let Some(run) = &self.run else { return Ok(()) };
        if let RunLight::Over(since, why) = &run.light
            && self.stopping.is_none()
            && self.line.is_some()
            && !self.device_state.rests()
            && (run.side.is_idle() || since.elapsed() > AFTER_LIGHT)
        {
            let why = why.clone();
            self.ask_for_new_run(&why);
        }
        Ok(())
    }

    /// How long the device of a run has sent nothing, if that is long.
    pub fn silence(&self) -> Option<Duration> {
        let silence = self.device_state.heard?.elapsed();
        (self.is_lit() && silence > SILENCE).then_some(silence)
    }

    /// Whether a run's light is on.
    pub fn is_lit(&self) -> bool {
        self.run.as_ref().is_some_and(|run| matches!(run.light, RunLight::On(_)))
    }

    /// A device that sends nothing is told once, and once that it does again.
    fn check_silence(&mut self) {
        let silent = self.silence().is_some();
        if silent == self.device_state.silence_told {
            return;
        }
        self.device_state.silence_told = silent;
        if silent {
            let text = format!(
                "the device has sent nothing for {} s: its light is held up, or its cable; the station \
                 waits",
                SILENCE.as_secs()
            );
            self.tell(log::Level::Warn, text);
        } else if self.is_lit() {
            self.tell(log::Level::Info, "the device sends again".into());
        }
    }

    /// Tells the other station how far the device is, when that changes.
    fn say_light(&mut self) {
        let Some(run) = &self.run else { return };
        let light = match &run.light {
            RunLight::On(_) => Light::Running,
            _ if self.device_state.absent.is_some() => Light::Absent,
            _ if self.device_state.dark => Light::Ready,
            _ => return,
        };
        let Some(line) = self.line.as_mut().filter(|_| run.side.is_open()) else { return };
        if line.said_light.as_ref() != Some(&light) {
            let _ = line.out.try_send(Frame::Light(light));
            line.said_light = Some(light);
        }
    }

    /// Alice's device is dark first, so that no slot of an earlier run is heard; then Bob's listens, then
    /// hers begins, so that slot 0 is heard.
    fn begin_light(&mut self) -> Result<(), Failure> {
        let rests = self.device_state.rests();
        let (Some(identity), Some(line), Some(run)) =
            (self.device_state.identity.as_ref().filter(|_| !rests), &self.line, &mut self.run)
        else {
            return Ok(());
        };
        let other = match self.role {
            Role::Bob => Light::Ready,
            Role::Alice => Light::Running,
        };
        if !matches!(run.light, RunLight::Dark)
            || !self.device_state.dark
            || !run.side.is_open()
            || line.other_light != Some(other)
            || self.stopping.is_some()
        {
            return Ok(());
        }
        let (items, waiting) = bounded(DEPTH);
        let pool = (self.role == Role::Bob).then(|| {
            let (pool, back) = Pool::new(BATCHES, TagBatch::default);
            self.gauges.empties = Some(back);
            pool
        });
        run.light = RunLight::Ordered(waiting);
        self.device_state.dark = false;
        let configure = self.config.configure(identity.tick_length)?;
        self.device.order(Order::Begin(Begin { configure, items, pool }));
        Ok(())
    }

    pub fn hear_device(&mut self, note: Result<Note, RecvError>) -> Result<(), Failure> {
        match note {
            Ok(Note::Up(identity)) => self.device_up(*identity),
            Ok(Note::Dark) => {
                self.device_state.dark = true;
                Ok(())
            }
            Ok(Note::Down(why)) => {
                self.device_state.dark = false;
                self.device_state.identity = None;
                self.device_state.absent = Some(why.clone());
                self.tell(log::Level::Warn, format!("{why}; the station looks for it again"));
                self.end_light(&why);
                Ok(())
            }
            Err(RecvError) => Err(super::line::thread_failed("device")),
        }
    }

    fn device_up(&mut self, identity: DeviceIdentity) -> Result<(), Failure> {
        check(&self.config, self.role, O::NAME, &identity, unix_now_s())?;
        self.tell(
            log::Level::Info,
            format!(
                "device {} ({}, {}) is ready at {}",
                identity.serial,
                identity.board,
                identity.firmware,
                self.config.device()
            ),
        );
        self.device_state.absent = None;
        if self.device_state.tick.is_some_and(|tick| tick != identity.tick_length) {
            return Err(Failure::new(
                Exit::Device,
                format!(
                    "the device at {} was exchanged for one with another tick; start the station \
                     again",
                    self.config.device()
                ),
            ));
        }
        if self.device_state.tick.replace(identity.tick_length).is_none() {
            // From now on sides of the talk can be made: lines are welcome.
            self.keeper.shared.release();
        }
        self.device_state.identity = Some(identity);
        self.device_state.dark = true;
        Ok(())
    }

    pub fn take_item(&mut self, item: Result<Item, RecvError>) {
        let Some(run) = &mut self.run else { return };
        self.device_state.heard = Some(Instant::now());
        let result = match item {
            Ok(Item::Begun) => {
                self.light_on();
                return;
            }
            Ok(Item::Settings(settings)) => run.side.settings(&settings),
            Ok(Item::MissingSettings(slots)) => run.side.lost_settings(slots),
            Ok(Item::Tags(mut batch)) => {
                self.gauges.to_detectors(&mut batch);
                let result = run.side.tags(&batch);
                self.gauges.give_back(batch);
                result
            }
            Ok(Item::Report(report)) => {
                self.device_state.report = Some(*report);
                Ok(())
            }
            Ok(Item::End(report)) => {
                self.light_ended(*report);
                return;
            }
            Err(RecvError) => {
                self.light_ended(CableReport::default());
                return;
            }
        };
        if let Err(fault) = result {
            log::debug!("{fault}");
        }
    }

    fn light_on(&mut self) {
        let Some(run) = &mut self.run else { return };
        if let RunLight::Ordered(items) = std::mem::replace(&mut run.light, RunLight::Dark) {
            run.light = RunLight::On(items);
        }
        let new = run.new;
        let session = new.session;
        self.keeper.shared.set_run(Some(session));
        self.device_state.on_since = Some(Instant::now());
        self.gauges.run_began();
        self.open_folder(new);
        let text = match self.role {
            Role::Alice => format!("light on: run {session}"),
            Role::Bob => format!("listening for Alice's sync slots: run {session}"),
        };
        self.tell(log::Level::Info, text);
    }

    fn light_ended(&mut self, report: CableReport) {
        let why = match &report.fault {
            Some(fault) => fault.to_string(),
            None => "the device ended its run; both stations begin another one".to_owned(),
        };
        // A port that fails is told by the device's thread, which looks for another one in its time.
        let works = matches!(report.fault, Some(DeviceFault::Port { .. }))
            || self.device_state.on_since.take().is_some_and(|since| since.elapsed() > LASTING);
        let refused = matches!(report.fault, Some(DeviceFault::Refused { .. }));
        let state = &mut self.device_state;
        state.short_runs = if works { 0 } else { state.short_runs.saturating_add(1) };
        state.rest_until = Some(Instant::now() + rest(state.short_runs));
        state.report = Some(report);
        self.tell(log::Level::Warn, format!("light off: {why}"));
        match &mut self.run {
            // Nothing of this run was measured, so it can still begin: no new contact for that.
            Some(RunState { light: light @ RunLight::Ordered(_), .. }) if refused => {
                *light = RunLight::Dark;
            }
            _ => self.end_light(&why),
        }
    }
}

/// How long a device rests after so many runs that did not last.
fn rest(short_runs: u32) -> Duration {
    doubled(RESTS, short_runs.saturating_sub(1))
}

/// Why no real key can come of a device, by what it says of itself.
fn unsound(role: Role, identity: &DeviceIdentity, source: SettingsSource) -> Option<&'static str> {
    if source.class(identity.random_class) == RandomClass::Seeded {
        return Some(
            "draws its settings from a seed, which is for simulations only; flash firmware with a \
             random source",
        );
    }
    if role == Role::Alice && identity.phase == PhaseRandomisation::Unknown {
        return Some(
            "does not know the phase of its pulses, and no decoy-state bound holds without; state \
             in its firmware how the phase is randomised",
        );
    }
    None
}

/// Slots a second whose settings can be fed to a real device. Simulated light waits for its feed.
fn most_fed_hz(device: &DeviceAddress, role: Role) -> f64 {
    let bytes = given::bytes_per_slot(super::begin::device_role(role));
    f64::from(given::most_bytes_per_second(device)) / bytes as f64
}

/// Whether this device can drive this station as configured.
fn check(
    config: &crate::config::StationConfig,
    role: Role,
    origin: &str,
    identity: &DeviceIdentity,
    now_unix_s: u64,
) -> Result<(), Failure> {
    let refuse = |sentence: String| Err(Failure::new(Exit::Configuration, sentence));
    let simulated = identity.capabilities.has(Capabilities::SIMULATED);
    if simulated != (origin == Simulated::NAME) {
        let device = if simulated { "simulated" } else { "real" };
        return refuse(format!(
            "the device at {} is {device} and this station's keys are {origin}; name another \
             device, or a state folder that `helio pair` made for such devices",
            config.device()
        ));
    }
    if let Some(what) =
        unsound(role, identity, config.settings_source().source()).filter(|_| !simulated)
    {
        return refuse(format!("the device at {} {what}", config.device()));
    }
    if !simulated {
        config.check_calibration(now_unix_s)?;
        if let Some(calibrated) = config.calibrated_device()
            && role == Role::Bob
            && calibrated != identity.serial
        {
            return refuse(format!(
                "the device at {} is {}, and `detectors.device` says that {calibrated} was \
                 calibrated; calibrate this one, or name the other one's port",
                config.device(),
                identity.serial
            ));
        }
    }
    if role == Role::Bob && config.is_gated() {
        if !identity.capabilities.has(Capabilities::GATES) {
            return refuse(format!(
                "the device at {} has no gates; remove gate_start and gate_width, or name a device \
                 whose detectors can be gated",
                config.device()
            ));
        }
        if !simulated && config.calibrated_device().is_some() {
            return refuse(
                "device.gate_start gates the detectors, and no calibration says how alike gated \
                 detectors are; remove gate_start and gate_width, or write match = \"assumed\" in \
                 [detectors], which is printed on each key"
                    .into(),
            );
        }
    }
    // A gate that is none in this device's ticks is told before it is ordered.
    config.configure(identity.tick_length)?;
    let slot_ticks = config.slot_ticks(identity.tick_length)?;
    let rate_hz = 1e12 / (f64::from(slot_ticks) * identity.tick_length.as_ps_f64());
    if rate_hz > identity.max_slot_rate.0 as f64 * 1.000_1 {
        return refuse(format!(
            "the device at {} follows {} slots a second at most; lower slot_rate on both stations",
            config.device(),
            identity.max_slot_rate.0
        ));
    }
    if config.settings_source().source() == SettingsSource::HostFeed && !simulated {
        let most = most_fed_hz(&config.device(), role);
        if rate_hz > most {
            return refuse(format!(
                "the device at {} can be fed the settings of {most:.0} slots a second at most; lower \
                 slot_rate on both stations, or choose another settings_source",
                config.device(),
            ));
        }
    }
    match role {
        Role::Alice => {
            let parameters = config.parameters(helio_distill::parameters::SessionId([0; 16]));
            if let Err(bad) = parameters.fits_levels(&identity.levels_nano) {
                return refuse(format!("the device at {}: {bad}", config.device()));
            }
            if let Some(claimed) = parameters.intensity_uncertainty_ppm
                && identity.intensity_uncertainty_ppm.is_none_or(|measured| measured > claimed)
            {
                let measured = match identity.intensity_uncertainty_ppm {
                    Some(ppm) => format!("knows its intensities to {ppm} ppm"),
                    None => "has never had its intensities measured".to_owned(),
                };
                return refuse(format!(
                    "the device at {} {measured}, and intensity_uncertainty claims {claimed} ppm; \
                     write what was measured, or \"unmeasured\", on both stations",
                    config.device()
                ));
            }
        }
        Role::Bob => {
            let wanted = config.detectors().len();
            if usize::from(identity.channels) != wanted {
                return refuse(format!(
                    "the device at {} has {} detectors and the configuration names {wanted}; name \
                     each of them under [[channel]]",
                    config.device(),
                    identity.channels
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use helio_units::{Hertz, TickLength};

    use super::*;

    #[test]
    fn a_device_whose_runs_do_not_last_rests_longer_each_time() {
        let seconds: Vec<u64> = (0..12).map(|runs| rest(runs).as_secs()).collect();
        assert_eq!(seconds, [2, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(rest(u32::MAX), RESTS[1]);
    }

    #[test]
    fn settings_from_a_seed_or_pulses_of_unknown_phase_make_no_real_key() {
        let identity = |random_class, phase| DeviceIdentity {
            role: helio_wire::Role::Alice,
            board: "desk".into(),
            firmware: "1".into(),
            serial: "7".into(),
            tick_length: TickLength::CYCLE_150_MHZ,
            channels: 0,
            capabilities: Capabilities::default(),
            max_slot_rate: Hertz(1_000_000),
            random_class,
            random_name: "r".into(),
            levels_nano: [0; 4],
            phase,
            intensity_uncertainty_ppm: None,
        };
        use PhaseRandomisation::{GainSwitched, Unknown};
        for role in [Role::Alice, Role::Bob] {
            let seeded =
                unsound(role, &identity(RandomClass::Seeded, GainSwitched), SettingsSource::Own);
            assert!(seeded.is_some_and(|what| what.contains("from a seed")));
            let seeded = identity(RandomClass::Seeded, GainSwitched);
            assert!(unsound(role, &seeded, SettingsSource::Expanded).is_some());
            assert_eq!(unsound(role, &seeded, SettingsSource::HostSeed), None);
            let good = identity(RandomClass::Computational, GainSwitched);
            assert_eq!(unsound(role, &good, SettingsSource::Own), None);
            let unknown =
                unsound(role, &identity(RandomClass::TrueRandom, Unknown), SettingsSource::Own);
            assert_eq!(unknown.is_some(), role == Role::Alice);
        }
    }

    /// Source: a real device makes no key on the calibration of another one.
    #[test]
    fn another_device_than_the_calibrated_one_is_refused() {
        let bob = crate::config::StationConfig::parse(
            std::path::Path::new("bob.toml"),
            &crate::config::templates::Template::Bob.text(),
        );
        let bob = bob.expect("the template");
        // Noon of the day of the calibration, 2026-11-24.
        let now = 1_795_521_600;
        let identity = |serial: &str| DeviceIdentity {
            role: helio_wire::Role::Bob,
            board: "desk".into(),
            firmware: "1".into(),
            serial: serial.into(),
            tick_length: TickLength::CYCLE_150_MHZ,
            channels: 2,
            capabilities: Capabilities::default(),
            max_slot_rate: Hertz(100_000_000),
            random_class: RandomClass::TrueRandom,
            random_name: "r".into(),
            levels_nano: [0; 4],
            phase: PhaseRandomisation::GainSwitched,
            intensity_uncertainty_ppm: None,
        };
        assert_eq!(check(&bob, Role::Bob, "real", &identity("virtual Bob"), now), Ok(()));
        let other =
            check(&bob, Role::Bob, "real", &identity("B-8"), now).expect_err("another device");
        assert_eq!(other.exit, Exit::Configuration);
        let told = other.to_string();
        assert!(told.contains("is B-8") && told.contains("virtual Bob was calibrated"), "{told}");
        // A key that says SIMULATED rests on no device's calibration.
        let mut simulated = identity("B-8");
        simulated.capabilities = Capabilities::SIMULATED;
        assert_eq!(check(&bob, Role::Bob, Simulated::NAME, &simulated, now), Ok(()));
        let later = check(&bob, Role::Bob, "real", &identity("virtual Bob"), now + 400 * 86_400);
        assert!(later.is_err_and(|stale| stale.to_string().contains("calibrate again")));

        // A calibration was made of detectors that are always open.
        let gated = crate::config::templates::Template::Bob
            .text()
            .replace("# gate_start", "gate_start")
            .replace("# gate_width", "gate_width");
        let gated = crate::config::StationConfig::parse(std::path::Path::new("bob.toml"), &gated);
        let gated = gated.expect("the template's own gate");
        let mut gates = identity("virtual Bob");
        gates.capabilities = Capabilities::GATES;
        let refused = check(&gated, Role::Bob, "real", &gates, now).expect_err("not calibrated");
        assert!(refused.to_string().contains("how alike gated detectors are"), "{refused}");
        gates.capabilities = Capabilities::GATES.with(Capabilities::SIMULATED);
        assert_eq!(check(&gated, Role::Bob, Simulated::NAME, &gates, now), Ok(()));

        // What no cable can feed is refused with the rate that it can.
        let fed = crate::config::templates::Template::Bob
            .text()
            .replace("settings_source = \"device\"", "settings_source = \"host-feed\"");
        for (address, most) in [("usb:B-7", "70400"), ("serial:/dev/ttyACM0", "3456")] {
            let fed = fed.replace("address = \"sim\"", &format!("address = {address:?}"));
            let fed = crate::config::StationConfig::parse(std::path::Path::new("bob.toml"), &fed);
            let refused = check(&fed.unwrap(), Role::Bob, "real", &identity("virtual Bob"), now);
            let told = refused.expect_err("5 MHz").to_string();
            let expected = format!("the settings of {most} slots a second at most");
            assert!(told.contains(&expected) && told.contains(address), "{told}");
        }
    }
}
