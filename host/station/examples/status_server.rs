//! Serves the status of a station that is not there, to look at `helio status` with:
//!
//! ```sh
//! cargo run -p helio-station --example status_server -- FOLDER
//! helio status FOLDER --watch
//! ```
//!
//! The folder must be closed to others (mode 0700). A line on standard input changes the scene: `wait`,
//! `stale`, `alice`, `void`, `run`; its end ends the server.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use helio_station::status::{Device, Phase, Status, StatusServer, unix_now_s};

#[path = "../tests/status/filled.rs"]
mod filled;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("name a folder")?);
    let shared = Arc::new(Mutex::new(Status::default()));
    let scene = Arc::new(Mutex::new(String::new()));
    let (own, own_scene) = (shared.clone(), scene.clone());
    thread::spawn(move || {
        for turn in 0.. {
            let name = own_scene.lock().expect("no panic").clone();
            *own.lock().expect("no panic") = moment(turn, &name);
            thread::sleep(Duration::from_millis(100));
        }
    });
    let _server = StatusServer::start(&folder, shared)?;
    for line in std::io::stdin().lines() {
        *scene.lock().expect("no panic") = line?;
    }
    Ok(())
}

fn moment(turn: u64, scene: &str) -> Status {
    let mut status = filled::filled();
    let late = unix_now_s() - filled::NOW;
    let shift = |at: &mut u64| *at += late;
    for block in turn / 30..turn / 30 + 16 {
        let mut last = filled::last_block(396 + block);
        last.ended_unix_s = Some(filled::NOW - 21 - 20 * (turn / 30 + 15 - block));
        status.push_block(last);
    }
    status.last_blocks.iter_mut().filter_map(|b| b.ended_unix_s.as_mut()).for_each(shift);
    status.events.iter_mut().for_each(|e| e.unix_s += late);
    status.phase_since_unix_s.iter_mut().for_each(shift);
    status.station.updated_unix_s.iter_mut().for_each(shift);
    if let Some(line) = &mut status.line {
        line.since_unix_s.iter_mut().for_each(shift);
    }
    for block in &mut status.blocks {
        block.seconds = (turn % 30) as f64 / 10.0;
        block.block = 412 + turn / 30;
    }
    status.queues[0].depth = turn % 64;
    match scene {
        "wait" => {
            status.enter(Phase::WaitingForPeer, unix_now_s() - 75);
            status.ready = false;
            status.waiting_for = Some(
                "the other station at tcp:10.0.0.2:7000 refuses the connection: start `helio \
                 alice` there, or check the address and the firewall"
                    .into(),
            );
            if let Some(line) = &mut status.line {
                line.connected = false;
                line.failed_contacts = 4;
                line.last_fault = Some("connection refused".into());
            }
        }
        "stale" => status.station.updated_unix_s = Some(unix_now_s() - 90),
        "alice" => {
            status.station.role = "alice".into();
            status.station.peer = "bob".into();
            status.window = None;
            status.rates.detectors.clear();
            status.device = status.device.map(|d| Device { locked: None, ..d });
            for block in &mut status.last_blocks {
                block.detectors.clear();
                block.key_qber = None;
            }
        }
        "void" => status.pads.void = true,
        _ => {}
    }
    status
}
