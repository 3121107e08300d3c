//! Heliograph's own recordings as a user of `helio trace` meets them.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use helio_station::live::{LiveEvent, LiveOptions, LiveSource, Patience};
use helio_station::shutdown::Shutdown;
use helio_trace::{Chunk, ReadOptions, TraceFormat, WriteSettings, open, writer};
use tempfile::TempDir;

use asked::{complaint, json, recording};

#[allow(dead_code)]
#[path = "support/asked.rs"]
mod asked;

/// A recording of what another file holds.
fn copied(from: &Path) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.htr");
    let mut reader = open(from, &ReadOptions::default()).unwrap();
    let out = std::fs::File::create(&path).unwrap();
    let settings = WriteSettings::of(reader.meta());
    let mut to = writer(out, TraceFormat::Recording, &settings).unwrap();
    let mut chunk = Chunk::default();
    while reader.read_chunk(&mut chunk).unwrap() {
        to.write_chunk(&chunk).unwrap();
    }
    to.finish().unwrap();
    (folder, path)
}

#[test]
fn a_recording_says_what_its_source_says() {
    let (_folder, copy) = copied(&recording());
    let said = |path: &Path, args: &[&str]| {
        json(&[&["trace"], args, &["--json", path.to_str().unwrap()]].concat())
    };
    let (before, after) = (said(&recording(), &["info"]), said(&copy, &["info"]));
    for key in ["channels", "tick", "first_5_photons", "begin_ticks", "duration_ps", "hw_type"] {
        assert_eq!(before[key], after[key], "{key}");
    }
    assert_eq!((&after["format"], &after["damage"]), (&"Heliograph recording".into(), &().into()));
    assert_eq!(after["notes"].as_array().unwrap().len(), 0, "{}", after["notes"]);
    let blocks = &after["recording"];
    assert_eq!((&blocks["blocks"], &blocks["index"]), (&19.into(), &"good".into()));
    assert!(blocks["bytes_per_photon"].as_f64().unwrap() < 3.25, "{blocks}");
    for part in [&["--from", "1s", "--to", "2.5s"][..], &["--from", "4s"], &["--to", "1s"]] {
        for part in [part, &[part, &["--delay", "0=-1ns"]].concat()] {
            let asked = [&["rates", "--bin", "100ms"], part].concat();
            let (before, after) = (said(&recording(), &asked), said(&copy, &asked));
            assert_eq!(before["channels"], after["channels"], "{part:?}");
        }
    }
}

#[test]
fn a_recording_that_was_broken_off_is_told_and_salvaged() {
    let (_folder, copy) = copied(&recording());
    let bytes = std::fs::read(&copy).unwrap();
    std::fs::write(&copy, &bytes[..bytes.len() / 2]).unwrap();
    let path = copy.to_str().unwrap();
    let sentence = complaint(&["trace", "info", path], 3);
    assert!(sentence.contains(&format!("ends at byte {}", bytes.len() / 2)), "{sentence}");
    let said = json(&["trace", "info", "--salvage", "--json", path]);
    let photons = said["counts"]["photons"].as_u64().unwrap();
    assert_eq!(photons, said["recording"]["blocks"].as_u64().unwrap() * (1 << 14));
    assert_eq!(said["recording"]["index"], "missing");
    assert!(said["damage"].as_str().unwrap().contains("the recording was broken off"));
    // Cut where it says, it is whole again, without an index.
    let keep = sentence.split("end at byte ").nth(1).and_then(|rest| rest.split(',').next());
    std::fs::write(&copy, &bytes[..keep.unwrap().parse::<usize>().unwrap()]).unwrap();
    let said = json(&["trace", "info", "--json", path]);
    assert_eq!(said["counts"]["photons"], photons);
    assert!(said["notes"][0].as_str().unwrap().contains("no index"), "{}", said["notes"]);
}

/// What is heard at a port of two connections, in a word each, until both have ended. `talk` is told the
/// port, and each time that records came.
fn heard(
    shutdown: &Shutdown,
    with_trace: bool,
    talk: impl FnOnce(SocketAddr, Receiver<()>) -> Vec<TcpStream> + Send + 'static,
) -> Vec<String> {
    let patience = Patience { silence: Duration::ZERO, with_trace };
    let options = LiveOptions { reading: ReadOptions::default(), idle: None, patience };
    let (came, records) = channel();
    let mut talk = Some((talk, records));
    let (mut told, mut talking, mut ended) = (Vec::new(), None, 0);
    let source = LiveSource::from("listen:127.0.0.1:0");
    source
        .read(&options, shutdown, &mut |event| {
            match event {
                LiveEvent::Listening(at) => {
                    let (talk, records) = talk.take().unwrap();
                    talking = Some(std::thread::spawn(move || talk(at, records)));
                }
                LiveEvent::Begun(_) => told.push("begun".to_owned()),
                LiveEvent::Records(chunk) if !chunk.photons.is_empty() => {
                    told.push(chunk.photons.len().to_string());
                    let _ = came.send(());
                }
                LiveEvent::Records(_) | LiveEvent::Waiting => {}
                LiveEvent::Ended(why) => {
                    told.push(why.unwrap_or_else(|| "over".into()));
                    ended += 1;
                }
            }
            Ok(if ended == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
        .unwrap();
    drop(talking.unwrap().join().unwrap());
    told
}

/// Swabian tags, 10 µs apart.
fn tags(range: std::ops::Range<i64>) -> Vec<u8> {
    let tag = |i: i64| {
        let mut bytes = [0; 16];
        bytes[4] = 1;
        bytes[8..].copy_from_slice(&(10_000_000 * i).to_le_bytes());
        bytes
    };
    range.flat_map(tag).collect()
}

fn detections(told: &[String]) -> Vec<usize> {
    told.split(|word| word == "begun")
        .skip(1)
        .map(|trace| trace.iter().filter_map(|word| word.parse::<usize>().ok()).sum())
        .collect()
}

#[test]
fn a_silent_connection_gives_way_to_one_that_waits() {
    let shutdown = Shutdown::install();
    let gave_way = |told: &[String]| told.iter().filter(|w| w.contains("gave way to")).count();
    // One that never said anything, whoever listens.
    for with_trace in [false, true] {
        let told = heard(&shutdown, with_trace, |at, _| {
            let silent = TcpStream::connect(at).unwrap();
            TcpStream::connect(at).unwrap().write_all(&tags(0..5000)).unwrap();
            vec![silent]
        });
        assert!(told[0].starts_with("the connection from 127.0.0.1:"), "{told:?}");
        assert_eq!((gave_way(&told[..1]), gave_way(&told)), (1, 1), "{told:?}");
        assert_eq!(detections(&told), [5000]);
    }
    // One whose trace has begun: whoever watches turns to the next one,
    let told = heard(&shutdown, true, |at, records| {
        let mut first = TcpStream::connect(at).unwrap();
        first.write_all(&tags(0..5000)).unwrap();
        records.recv().unwrap();
        TcpStream::connect(at).unwrap().write_all(&tags(0..4000)).unwrap();
        vec![first]
    });
    assert_eq!((gave_way(&told), detections(&told).len()), (1, 2), "{told:?}");
    assert_eq!(detections(&told)[1], 4000);
    // whoever records does not.
    let told = heard(&shutdown, false, |at, records| {
        let mut first = TcpStream::connect(at).unwrap();
        first.write_all(&tags(0..5000)).unwrap();
        records.recv().unwrap();
        let mut second = TcpStream::connect(at).unwrap();
        second.write_all(&tags(0..4000)).unwrap();
        first.write_all(&tags(5000..9000)).unwrap();
        Vec::new()
    });
    assert_eq!((gave_way(&told), detections(&told)), (0, vec![9000, 4000]), "{told:?}");
}
