//! `helio device get`, `set`, `replay-log` and `reboot` against a device on TCP that keeps a table.

use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use assert_cmd::Command;
use helio_bench::{Access, Entry, PhaseRandomisation, RandomClass, Unit};
use helio_link::{TcpTransport, Transport, TransportError};
use helio_units::{Hertz, Picoseconds, TickLength, Ticks};
use helio_wire::{
    Capabilities, Decoder, DeviceMessage, ErrorCode, Header, Hello, HostMessage, MAX_FRAME, Role,
    Stream, decode_host, encode_device,
};
use serde_json::Value;

#[path = "support/served.rs"]
mod served;
use served::{Device, Served};

/// What the device can be set to.
const TABLE: [Entry<'_>; 4] = [
    entry("laser.intensity.0", Unit::Nanophotons, Access::Always, 1_000_000, 1_000_000_000),
    entry("detector.threshold.0", Unit::Millivolts, Access::WhenSafe, -1_000, 1_000),
    entry("gate.width", Unit::Ticks, Access::Always, 1, 30),
    entry("sensor.temperature.board", Unit::Millikelvin, Access::ReadOnly, 0, 1_000_000),
];

const fn entry(name: &str, unit: Unit, access: Access, min: i64, max: i64) -> Entry<'_> {
    Entry { name, unit, access, min, max }
}

/// One that keeps its table while hosts come and go.
fn table_device() -> Device {
    Device::serve(|| Board { nonce: 7, values: [500_000_000, -100, 4, 298_150] })
}

struct Board {
    nonce: u32,
    values: [i64; 4],
}

impl Served for Board {
    fn serve(&mut self, mut host: TcpTransport, stop: &AtomicBool) {
        let (mut decoder, mut chunk, mut sequence) = (Decoder::new(), Vec::new(), 0);
        while !stop.load(Ordering::Relaxed) {
            match host.receive(&mut chunk, Duration::from_millis(20)) {
                Ok(()) => {}
                Err(TransportError::TimedOut) => continue,
                Err(_) => return,
            }
            let (mut said, mut reboots) = (Vec::new(), false);
            decoder.push(&chunk, |frame| {
                let (header, message) = decode_host(frame.unwrap()).unwrap();
                reboots |= matches!(message, HostMessage::Reboot(_));
                let answer = self.answer(header.sequence, message);
                let header =
                    Header { stream: Stream::Control, boot_nonce: self.nonce, epoch: 0, sequence };
                sequence += 1;
                let mut frame = [0; MAX_FRAME];
                let length = encode_device(&header, &answer, &mut frame).unwrap();
                said.extend_from_slice(&frame[..length]);
            });
            host.send(&said).unwrap();
            if reboots {
                self.nonce += 1;
                return;
            }
        }
    }
}

impl Board {
    fn answer(&mut self, command: u32, message: HostMessage<'_>) -> DeviceMessage<'static> {
        let refused = |code, detail| DeviceMessage::Error { command, code, detail };
        match message {
            HostMessage::Hello => DeviceMessage::Hello { command, hello: hello() },
            HostMessage::Get { index } => match TABLE.get(usize::from(index)) {
                Some(entry) => {
                    let value = self.values[usize::from(index)];
                    DeviceMessage::Value { command, index, value, entry: *entry }
                }
                None => refused(ErrorCode::OutOfRange, 0),
            },
            HostMessage::Set { index, value, .. } => {
                let entry = TABLE[usize::from(index)];
                if entry.access == Access::ReadOnly {
                    return refused(ErrorCode::WrongState, 0);
                }
                if !(entry.min..=entry.max).contains(&value) {
                    return refused(ErrorCode::OutOfRange, HostMessage::AT_SET_VALUE);
                }
                self.values[usize::from(index)] = value;
                DeviceMessage::Ack { command, tick: Ticks(1) }
            }
            _ => DeviceMessage::Ack { command, tick: Ticks(1) },
        }
    }
}

fn hello() -> Hello<'static> {
    Hello {
        role: Role::Alice,
        board: "test",
        firmware: "0",
        serial: "T-1",
        tick_length: TickLength::CYCLE_150_MHZ,
        channels: 0,
        capabilities: Capabilities::default(),
        max_slot_rate: Hertz(1_000_000),
        settling_time: Picoseconds(1),
        random_class: RandomClass::Computational,
        random_name: "os",
        levels_nano: [500_000_000, 0, 0, 0],
        phase: PhaseRandomisation::Unknown,
        intensity_uncertainty_ppm: None,
    }
}

fn helio(folder: &Path, device: &Device, args: &[&str]) -> Output {
    let mut helio = Command::cargo_bin("helio").unwrap();
    helio.env_remove("HELIO_LOG").arg("device").args(args);
    helio.args(["--device", &device.address, "--log-dir"]).arg(folder).output().unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn refused(output: &Output, code: i32, says: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(says) && said.lines().count() == 1, "{said}");
}

#[test]
fn the_table_is_shown_changed_written_down_and_changed_again_on_another_board() {
    let (folder, device) = (tempfile::tempdir().unwrap(), table_device());
    let ask = |args: &[&str]| helio(folder.path(), &device, args);
    let table = String::from_utf8(ask(&["get"]).stdout).unwrap();
    for shown in
        ["laser.intensity.0", "0.5 photons", "0.001 photons to 1 photons", "-100 mV", "25.00 °C"]
    {
        assert!(table.contains(shown), "{table}");
    }
    assert_eq!(json(&ask(&["get", "gate.width", "--json"]))["settings"][0]["value"], 4);

    let set = json(&ask(&["set", "laser.intensity.0", "0.4", "--json"]));
    assert_eq!((&set["old"], &set["new"]), (&500_000_000.into(), &400_000_000.into()));
    let said = ask(&["set", "detector.threshold.0", "-0.25 V"]);
    assert_eq!(String::from_utf8_lossy(&said.stdout), "detector.threshold.0: -100 mV -> -250 mV\n");

    refused(
        &ask(&["set", "laser.intensity.0", "1.5"]),
        2,
        "choose a value of 0.001 photons to 1 photons",
    );
    refused(&ask(&["set", "laser.intensity", "0.4"]), 2, "choose laser.intensity.0");
    refused(&ask(&["set", "detector.threshold.0", "5"]), 2, "mV");
    refused(&ask(&["set", "sensor.temperature.board", "300 K"]), 2, "read only");
    refused(&ask(&["get", "nothing"]), 2, "helio device get");

    let log = folder.path().join("T-1.jsonl");
    let lines = std::fs::read_to_string(&log).unwrap();
    assert_eq!(lines.lines().count(), 2, "what was refused changed nothing: {lines}");
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["device"], &first["boot"], &first["name"]),
        (&"T-1".into(), &7.into(), &"laser.intensity.0".into())
    );
    assert!(first["time"].is_string() && first["tick"] == 1);

    let other = table_device();
    let elsewhere = tempfile::tempdir().unwrap();
    let log = log.to_str().unwrap();
    let again = helio(elsewhere.path(), &other, &["replay-log", log, "--json"]);
    assert_eq!(json(&again)["made"], 2);
    let there = helio(elsewhere.path(), &other, &["get", "detector", "--json"]);
    assert_eq!(json(&there)["settings"][0]["value"], -250);
    let again = helio(elsewhere.path(), &other, &["replay-log", log, "--json"]);
    assert_eq!(json(&again)["made"], 0);
}

#[test]
fn a_reboot_is_over_when_the_device_is_back_in_another_boot() {
    let (folder, device) = (tempfile::tempdir().unwrap(), table_device());
    let told = json(&helio(folder.path(), &device, &["reboot", "--json"]));
    assert_eq!((&told["state"], &told["boot"]), (&"started".into(), &8.into()));
}
