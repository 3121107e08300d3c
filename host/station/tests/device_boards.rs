//! `helio device arm`, `fire` and `selftest` on devices as the RP2350 images are: generators that give less
//! than slots of 1 µs take, ticks of different lengths, a tagger without a slot clock. The firmware's own
//! control plane and receiver are behind TCP; time is 0.1 ms a turn.

use std::collections::VecDeque;
use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use assert_cmd::Command;
use helio_bench::{Drained, Edge, EdgeSource, GateLimits, PhaseRandomisation, RandomClass};
use helio_firmware::{
    BobData, Control, Event, Identity, Orders, PassiveReceiver, Profile, RunOrder, Transmit, text,
};
use helio_link::{TcpTransport, Transport, TransportError};
use helio_units::{Hertz, Picoseconds, SlotIndex, TickLength, Ticks};
use helio_wire::{Capabilities, Role};
use serde_json::Value;

#[path = "support/served.rs"]
mod served;
use served::{Device, Served};

/// A turn of the device.
const TURN: Picoseconds = Picoseconds(100_000_000);
/// Slots that the cable carries.
const SLOTS: u64 = 1000;
/// Of the chip's generator, as the images state it.
const BYTES_PER_SECOND: u32 = 18_750;

/// Which of the images a device is like.
#[derive(Clone, Copy)]
enum Image {
    Alice,
    Bob,
    Converter,
}

fn profile(image: Image) -> Profile {
    let sender = matches!(image, Image::Alice);
    let converter = matches!(image, Image::Converter);
    let (capabilities, random_rate) = match image {
        Image::Alice => (Capabilities::REPORTS_SETTINGS, Some(BYTES_PER_SECOND)),
        Image::Bob => {
            let active = Capabilities::ACTIVE_RECEIVER.with(Capabilities::REPORTS_SETTINGS);
            (active, Some(BYTES_PER_SECOND))
        }
        Image::Converter => (Capabilities::PASSIVE_RECEIVER, None),
    };
    let tick_length = match converter {
        true => TickLength::new(20, 3).unwrap(),
        false => TickLength::CYCLE_150_MHZ,
    };
    Profile {
        role: if sender { Role::Alice } else { Role::Bob },
        identity: Identity {
            board: text("rp2350"),
            serial: text(if sender { "A-1" } else { "B-1" }),
            boot_nonce: 7,
            tick_length,
            max_slot_rate: Hertz(1_000_000),
            capabilities,
        },
        channels: if sender { 0 } else { 4 },
        gate_limits: GateLimits::NONE,
        settling_time: Picoseconds(if converter { 0 } else { 100_000 }),
        random_class: RandomClass::TrueRandom,
        random_name: text("trng"),
        random_rate,
        free_clock_only: converter,
        levels: if sender { 3 } else { 0 },
        levels_nano: [500_000_000, 100_000_000, 0, 0],
        max_trigger_rate: Hertz(1_000_000),
        delay_range: None,
        phase: PhaseRandomisation::Unknown,
        intensity_uncertainty_ppm: None,
    }
}

/// The edges of a cable.
struct Cable {
    tick: TickLength,
    now: Ticks,
    waiting: VecDeque<u64>,
}

impl EdgeSource for Cable {
    fn channels(&self) -> u8 {
        5
    }

    fn tick_length(&self) -> TickLength {
        self.tick
    }

    fn drain(&mut self, out: &mut [Edge]) -> Drained {
        let due = self.waiting.iter().take_while(|tick| **tick <= self.now.0).count();
        let edges = due.min(out.len());
        for (edge, tick) in out.iter_mut().zip(self.waiting.drain(..edges)) {
            *edge = Edge { tick: Ticks(tick), channel: 1 };
        }
        let next = self.waiting.front().map_or(self.now, |next| self.now.min(Ticks(*next)));
        Drained { edges, reached: next, loss: None }
    }
}

/// The data plane: a tagger's is the firmware's, of the others there is but the begin and the end.
enum Data {
    Tagger(Box<BobData<Cable, PassiveReceiver>>),
    Runs { epoch: Option<u16>, slots: Option<SlotIndex> },
}

impl Data {
    fn turn(&mut self, orders: &Orders, slot_ticks: u32, now: Ticks, tx: &mut Sent) -> Vec<Event> {
        match self {
            Data::Tagger(bob) => {
                bob.parts_mut().0.now = now;
                bob.order(orders);
                let events = bob.run(now, tx).as_slice().to_vec();
                if matches!(orders.run, Some(RunOrder::Start { .. })) {
                    // Sync slots are dark.
                    let lit = (0..SLOTS).filter(|slot| slot % 64 != 0);
                    let ticks = lit.map(|slot| now.0 + 1 + slot * u64::from(slot_ticks));
                    bob.parts_mut().0.waiting.extend(ticks);
                }
                events
            }
            Data::Runs { epoch, slots } => {
                let mut events = Vec::new();
                let stops = orders.halt || matches!(orders.run, Some(RunOrder::Stop));
                if let Some(epoch) = epoch.take_if(|_| stops || slots.is_some()) {
                    let end = slots.take().unwrap_or(SlotIndex(0));
                    events.push(Event::Stopped { epoch, end, tick: now });
                }
                if let Some(RunOrder::Start { epoch: begun, slots: asked }) = orders.run {
                    (*epoch, *slots) = (Some(begun), asked);
                    events.push(Event::Started { epoch: begun, tick: now });
                }
                events
            }
        }
    }
}

#[derive(Default)]
struct Sent(Vec<u8>);

impl Transmit for Sent {
    fn space(&self) -> usize {
        (1usize << 20).saturating_sub(self.0.len())
    }

    fn send(&mut self, frame: &[u8]) {
        self.0.extend_from_slice(frame);
    }
}

fn start(image: Image) -> Device {
    Device::serve(move || Running::new(image))
}

struct Running {
    control: Control,
    data: Data,
    events: Vec<Event>,
    slot_ticks: u32,
    now: Ticks,
}

impl Served for Running {
    fn serve(&mut self, mut host: TcpTransport, stop: &AtomicBool) {
        let (mut chunk, mut sent) = (Vec::new(), Sent::default());
        while !stop.load(Ordering::Relaxed) {
            match host.receive(&mut chunk, Duration::from_millis(1)) {
                Ok(()) => {}
                Err(TransportError::TimedOut) => chunk.clear(),
                Err(_) => break,
            }
            self.turn(&chunk, &mut sent);
            if host.send(&std::mem::take(&mut sent.0)).is_err() {
                break;
            }
        }
        self.events.push(Event::LinkReset);
        self.turn(&[], &mut sent);
    }
}

impl Running {
    fn new(image: Image) -> Running {
        let profile = profile(image);
        let tick = profile.identity.tick_length;
        let cable = Cable { tick, now: Ticks(0), waiting: VecDeque::new() };
        let data = match image {
            Image::Converter => Data::Tagger(Box::new(BobData::new(7, cable, PassiveReceiver))),
            Image::Alice | Image::Bob => Data::Runs { epoch: None, slots: None },
        };
        let control = Control::new(profile);
        Running { control, data, events: Vec::new(), slot_ticks: 0, now: Ticks(0) }
    }

    fn turn(&mut self, heard: &[u8], tx: &mut Sent) {
        let tick = self.control.profile().identity.tick_length;
        self.now.0 += tick.ticks_covering(TURN).0;
        let events = std::mem::take(&mut self.events);
        let orders = self.control.poll(self.now, &events, heard, tx);
        while self.control.supply().is_some() {}
        if let Some(configure) = &orders.configure {
            self.slot_ticks = configure.slot_ticks;
        }
        self.events = self.data.turn(&orders, self.slot_ticks, self.now, tx);
    }
}

fn helio(logs: &Path, device: &Device, args: &[&str]) -> Output {
    let mut helio = Command::cargo_bin("helio").unwrap();
    helio.env_remove("HELIO_LOG").arg("device").args(args).arg("--json");
    helio.args(["--device", &device.address, "--log-dir"]).arg(logs).output().unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn log(logs: &Path, serial: &str, event: &str) -> Value {
    let text = std::fs::read_to_string(logs.join(format!("{serial}.jsonl"))).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.rfind(|line| line["event"] == event).unwrap()
}

/// Which source the next run has: 0 is the device's own generator.
fn source_now(logs: &Path, device: &Device) -> Value {
    json(&helio(logs, device, &["get", "random.source"]))["settings"][0]["value"].clone()
}

#[test]
fn a_device_whose_generator_is_slow_is_armed_with_settings_expanded_from_it() {
    let logs = tempfile::tempdir().unwrap();
    let sources = [Some("csprng"), Some("csprng"), None];
    let serials = ["A-1", "B-1", "B-1"];
    for ((image, source), serial) in
        [Image::Alice, Image::Bob, Image::Converter].into_iter().zip(sources).zip(serials)
    {
        let device = start(image);
        let told = json(&helio(logs.path(), &device, &["arm", "--seconds", "0"]));
        let source = source.map_or(Value::Null, Value::from);
        assert_eq!((&told["disarmed"], &told["source"]), (&true.into(), &source));
        assert_eq!(log(logs.path(), serial, "arm")["source"], source);
        assert_eq!(source_now(logs.path(), &device), 0);
    }
}

#[test]
fn devices_whose_generators_are_slow_fire_a_pattern_and_what_they_draw() {
    let logs = tempfile::tempdir().unwrap();
    let (alice, bob) = (start(Image::Alice), start(Image::Bob));
    let fire = ["fire", "--slots", "1000", "--arm", "--with", &bob.address];
    for (more, source) in [(&[][..], "csprng"), (&["--pattern", "hv"][..], "pattern")] {
        let told = json(&helio(logs.path(), &alice, &[&fire[..], more].concat()));
        assert_eq!((&told["slots"], &told["source"]), (&SLOTS.into(), &source.into()));
        assert_eq!(told["receiver"]["source"], "csprng");
        assert_eq!(log(logs.path(), "A-1", "fire")["source"], source);
        assert_eq!(source_now(logs.path(), &alice), 0);
        assert_eq!(source_now(logs.path(), &bob), 0);
    }
}

#[test]
fn a_selftest_goes_by_the_ticks_of_a_tagger_without_a_slot_clock() {
    let logs = tempfile::tempdir().unwrap();
    let (alice, tagger) = (start(Image::Alice), start(Image::Converter));
    let test = ["selftest", "--slots", "1000", "--arm", "--with", &tagger.address];
    let told = json(&helio(logs.path(), &alice, &test));
    assert_eq!((&told["pulses"], &told["found"]), (&984.into(), &984.into()));
    assert_eq!((&told["missed"], &told["extra"]), (&0.into(), &0.into()));
    // A microsecond in ticks of 20/3 ps; the sender's are a thousand times as long.
    let slot_ticks = told["slot_ticks"].as_f64().unwrap();
    assert!((slot_ticks - 150_000.0).abs() < 1e-3, "{told}");
    assert_eq!(told["source"], "pattern");
    assert_eq!(log(logs.path(), "A-1", "fire")["slot_ticks"], 150);
}
