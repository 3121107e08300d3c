//! Settings from where the stations say: keys are equal, everything written down names the source, and a
//! device that plays something else makes none.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use helio_wire::{Decoder, DeviceMessage, MAX_FRAME, decode_device, encode_device};
use serde_json::Value;

use crate::desk::{Desk, entries, free_port};
use crate::taped::replay;

/// Sets a station's source; `host-qrng:NAME` is a FIFO of that name, for which a thread writes.
fn set(desk: &Desk, name: &str, source: &str) {
    let lines = match source.strip_prefix("host-qrng:") {
        None => format!("settings_source = {source:?}"),
        Some(fifo) => {
            let path = desk.path(fifo);
            assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
            let lines = format!("settings_source = \"host-feed\"\nsettings_feed = {path:?}");
            std::thread::spawn(move || {
                // Ends with its reader.
                let mut fifo = std::fs::OpenOptions::new().write(true).open(path).expect("a FIFO");
                while fifo.write_all(&[0x5a; 4096]).is_ok() {}
            });
            lines
        }
    };
    desk.edit(name, "settings_source = \"device\"", &lines);
}

#[test]
fn every_source_makes_equal_keys_and_is_named() {
    // A simulated generator is one of a known seed, and so is what is expanded from it.
    let seeded = "SIMULATED (seeded)";
    for [alice_source, bob_source] in
        [["csprng", "host-feed"], ["host-seed", "csprng"], ["host-feed", "host-qrng:qrng-7"]]
    {
        let desk = Desk::new("4x");
        set(&desk, "alice", alice_source);
        set(&desk, "bob", bob_source);
        let _sim = desk.start("sim");
        let bob = desk.start_with("bob", &["--record"]);
        let mut alice = desk.start_with("alice", &["--record"]);
        alice.wait_for("bits of key", 2);
        alice.terminate();
        bob.terminate();
        assert!(desk.equal_keys() >= 2);

        let label = |source: &str| match source {
            "csprng" => seeded.to_owned(),
            _ => format!("expanded (computational, {source})"),
        };
        for run in entries(&desk.path("runs")) {
            let read = |name: &str| std::fs::read_to_string(run.join(name)).expect(name);
            let record: Value = serde_json::from_str(&read("station.json")).unwrap();
            let own = if record["role"] == "alice" { alice_source } else { bob_source };
            assert_eq!(record["settings_source"], own);
            let certificates = read("certificates.jsonl");
            assert!(certificates.lines().count() >= 2);
            for line in certificates.lines() {
                let certificate: Value = serde_json::from_str(line).unwrap();
                let randomness = &certificate["randomness"];
                assert_eq!(randomness["alice-settings"], label(alice_source), "{randomness}");
                assert_eq!(randomness["bob-settings"], label(bob_source), "{randomness}");
                assert_eq!(certificate["weakest_randomness"], seeded);
            }
            assert_eq!(replay(&run)["same_keys"], true);
        }
    }
}

/// Somebody inside Alice's device: from when `lie` is set, one slot is reported otherwise than it was
/// played.
fn possess(desk: &Desk, lie: &Arc<AtomicBool>) {
    let config = std::fs::read_to_string(desk.path("alice.toml")).expect("the configuration");
    let address = config.split("\"tcp:127.0.0.1:").nth(1).expect("a port");
    let device: u16 = address.split('"').next().unwrap().parse().expect("a port");
    let port = free_port();
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
    desk.edit("alice", &format!("tcp:127.0.0.1:{device}"), &format!("tcp:127.0.0.1:{port}"));
    let lie = lie.clone();
    std::thread::spawn(move || {
        for host in listener.incoming().map_while(Result::ok) {
            let Ok(device) = TcpStream::connect(("127.0.0.1", device)) else { continue };
            let clone = |s: &TcpStream| s.try_clone().expect("a socket");
            let (mut from_host, mut to_device) = (clone(&host), clone(&device));
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from_host, &mut to_device);
                let _ = to_device.shutdown(std::net::Shutdown::Both);
            });
            pass_on(device, host, &lie);
        }
    });
}

fn pass_on(mut device: TcpStream, mut host: TcpStream, lie: &AtomicBool) {
    let (mut decoder, mut chunk) = (Decoder::new(), vec![0; 1 << 16]);
    while let Ok(length @ 1..) = device.read(&mut chunk) {
        let mut said = Vec::new();
        decoder.push(&chunk[..length], |frame| {
            let (header, mut message) = decode_device(frame.expect("a frame")).expect("a message");
            let mut packed;
            if let DeviceMessage::Settings(batch) = &mut message
                && lie.swap(false, Relaxed)
            {
                packed = batch.packed.to_vec();
                packed[7] ^= 0x20;
                batch.packed = &packed;
            }
            let mut frame = [0; MAX_FRAME];
            let length = encode_device(&header, &message, &mut frame).expect("a frame");
            said.extend_from_slice(&frame[..length]);
        });
        if host.write_all(&said).is_err() {
            break;
        }
    }
    let _ = host.shutdown(std::net::Shutdown::Both);
}

/// One slot of Alice's is another one than her host gave: that block makes no key, nor does any after
/// it in the run; the next run does.
#[test]
fn a_device_that_lies_about_one_slot_makes_no_key_of_the_block() {
    let desk = Desk::new("4x");
    set(&desk, "alice", "host-feed");
    let lie = Arc::new(AtomicBool::new(false));
    possess(&desk, &lie);
    let _sim = desk.start("sim");
    let mut bob = desk.start("bob");
    let mut alice = desk.start("alice");
    bob.wait_for("bits of key", 1);
    alice.wait_for("bits of key", 1);
    lie.store(true, Relaxed);
    alice.wait_for("the Alice device reports another setting of slot", 1);
    alice.wait_for("light on", 2);
    let (_, log) = alice.terminate();
    bob.terminate();
    assert!(desk.equal_keys() >= 1);
    let slot: u64 = log
        .iter()
        .find_map(|line| line.split("setting of slot ").nth(1)?.split(' ').next()?.parse().ok())
        .unwrap_or_else(|| panic!("no slot in:\n{}", log.join("\n")));
    let runs = entries(&desk.path("runs"));
    let first = runs.iter().find(|run| run.to_string_lossy().contains("-alice-")).expect("a run");
    let read = |name: &str| std::fs::read_to_string(first.join(name)).expect(name);
    let record: Value = serde_json::from_str(&read("station.json")).unwrap();
    let per_block = record["parameters"]["slots_per_block"].as_u64().unwrap();
    for line in read("certificates.jsonl").lines() {
        let certificate: Value = serde_json::from_str(line).unwrap();
        let block = certificate["id"]["block"].as_u64().unwrap();
        assert!(block < slot / per_block, "a key of block {block} with slot {slot}");
    }
}

/// A generator that ends: dark, told, and light again once there is another one.
#[test]
fn a_feed_that_ends_ends_the_run_and_the_next_one_goes_on() {
    let desk = Desk::new("4x");
    let path = desk.path("qrng");
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    let lines = format!("settings_source = \"host-feed\"\nsettings_feed = {path:?}");
    desk.edit("alice", "settings_source = \"device\"", &lines);
    let open = || std::fs::OpenOptions::new().write(true).open(&path).expect("a FIFO");
    let _sim = desk.start("sim");
    let _bob = desk.start("bob");
    let mut alice = desk.start("alice");
    // Half a block's settings.
    open().write_all(&vec![1; 5_000_000]).expect("a reader");
    alice.wait_for("the settings of the Alice device run dry", 1);
    alice.wait_for("qrng has ended", 1);
    let writer = std::thread::spawn({
        let mut generator = open();
        move || while generator.write_all(&[2; 4096]).is_ok() {}
    });
    alice.wait_for("bits of key", 1);
    alice.terminate();
    writer.join().expect("no panic");
}
