//! Traces that are still being written.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use helio_trace::{Chunk, ReadOptions};

use super::support::{Running, json, lines, run};

/// Swabian tags from `from` on, 10 µs apart, on channels 1 and 2 in turn.
fn swabian(from: u64, count: u64) -> Vec<u8> {
    let tag = |i: u64| {
        let mut bytes = [0; 16];
        bytes[4..8].copy_from_slice(&(1 + (i % 2) as i32).to_le_bytes());
        bytes[8..].copy_from_slice(&(10_000_000 * i as i64).to_le_bytes());
        bytes
    };
    (from..from + count).flat_map(tag).collect()
}

fn append(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_growing_file_is_watched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tags");
    append(&path, &swabian(0, 100_000));
    let mut watch =
        Running::start(&["watch", text(&path), "--json", "--seconds", "1.5", "--period", "20us"]);
    let mut out = std::io::BufReader::new(watch.0.stdout.take().unwrap());
    let mut line = String::new();
    // Three refreshes of 0.25 s are whole before the file's end; what follows comes by appending.
    for _ in 0..3 {
        line.clear();
        std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    }
    append(&path, &swabian(100_000, 100_001));
    let rest: Vec<String> = std::io::BufRead::lines(out).map(Result::unwrap).collect();
    assert!(watch.end().status.success());
    let seen = lines(rest.join("\n").as_bytes());
    let last = seen.last().unwrap();
    let rate = |i: usize| last["channels"][i]["rate_hz"].as_f64().unwrap();
    assert!((rate(0) - 50_000.0).abs() < 10.0 && (rate(1) - 50_000.0).abs() < 10.0, "{last}");
    assert_eq!(last["channels"][0]["channel"], 1);
    // All clicks of a channel have one phase of 20 µs.
    let apart: Vec<f64> = last["window"]["detectors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["offset_ps"].as_f64().unwrap())
        .collect();
    assert!(((apart[0] - apart[1]).abs() - 10_000_000.0).abs() < 100_000.0, "{apart:?}");
}

#[test]
fn a_file_that_is_cut_is_told_and_an_idle_one_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tags");
    append(&path, &swabian(0, 200_000));
    let idle = run(&["trace", "rates", "--follow", text(&path), "--idle", "200ms", "--json"]);
    assert!(idle.status.success(), "{}", String::from_utf8_lossy(&idle.stderr));
    assert!(String::from_utf8_lossy(&idle.stderr).contains("ch 1 50 kHz"));
    let whole: serde_json::Value = serde_json::from_slice(&idle.stdout).unwrap();
    assert_eq!(whole["channels"]["1"]["counts"][0], 50_000);

    let follow = Running::start(&["watch", text(&path), "--json"]);
    std::thread::sleep(std::time::Duration::from_millis(300));
    OpenOptions::new().write(true).open(&path).unwrap().set_len(160).unwrap();
    assert_eq!(follow.end().status.code(), Some(3));
}

#[test]
fn a_port_takes_one_connection_after_the_other() {
    let mut watch = Running::start(&[
        "watch",
        "--listen",
        "127.0.0.1:0",
        "--json",
        "--idle",
        "2s",
        "--every",
        "100ms",
    ]);
    let (address, _err) = watch.address();
    for _ in 0..2 {
        let mut program = TcpStream::connect(&address).unwrap();
        program.write_all(&swabian(1 << 39, 50_000)[..16 * 50_000 - 3]).unwrap();
    }
    let seen = lines(&watch.end().stdout);
    // Each is half a second: four whole refreshes, and the clock begins anew.
    let begins = seen.windows(2).filter(|pair| pair[1]["at_s"].as_f64() < pair[0]["at_s"].as_f64());
    assert_eq!((begins.count(), seen.len()), (1, 8));
}

#[test]
fn a_port_bears_nonsense() {
    let mut watch = Running::start(&["watch", "--listen", "127.0.0.1:0", "--json", "--idle", "2s"]);
    let (address, _err) = watch.address();
    TcpStream::connect(&address).unwrap().write_all(&[0xAA; 100_000]).unwrap();
    drop(TcpStream::connect(&address).unwrap());
    TcpStream::connect(&address).unwrap().write_all(&swabian(0, 60_000)).unwrap();
    let output = watch.end();
    assert!(output.status.success());
    assert_eq!(lines(&output.stdout).len(), 2);
}

fn photons(path: &Path) -> Vec<(u64, u8)> {
    let mut reader = helio_trace::open(path, &ReadOptions::default()).unwrap();
    let (mut chunk, mut all) = (Chunk::default(), Vec::new());
    while reader.read_chunk(&mut chunk).unwrap() {
        all.extend(chunk.photons.iter().map(|p| (p.tick.0, p.channel)));
    }
    all
}

#[test]
fn what_another_program_sends_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.ptu");
    let mut record =
        Running::start(&["trace", "record", "listen:127.0.0.1:0", text(&out), "--json"]);
    let (address, _err) = record.address();
    // An instrument that has been on for two hours.
    TcpStream::connect(&address).unwrap().write_all(&swabian(720_000_000, 5_000)).unwrap();
    let output = record.end();
    assert!(output.status.success());
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["records"], 5_000);
    // Told as convert tells it.
    assert_eq!((&told["format"], &told["tick"]["numerator_ps"]), (&"ptu".into(), &1.into()));
    assert_eq!((&told["file"], &told["damage"]), (&text(&out).into(), &serde_json::Value::Null));
    let read = photons(&out);
    assert_eq!((read.len(), read[0], read[4_999]), (5_000, (0, 1), (4_999 * 10_000_000, 2)));
    // As a recording of Heliograph's own, the instrument's losses included.
    let own = folder.path().join("out.helio");
    let mut record =
        Running::start(&["trace", "record", "listen:127.0.0.1:0", text(&own), "--json"]);
    let (address, _err) = record.address();
    let mut bytes = swabian(720_000_000, 5_000);
    bytes.extend(&{
        let mut overflow = [0; 16];
        overflow[0] = 2;
        overflow[8..].copy_from_slice(&(10_000_000i64 * 720_005_000).to_le_bytes());
        overflow
    });
    TcpStream::connect(&address).unwrap().write_all(&bytes).unwrap();
    let told: serde_json::Value = serde_json::from_slice(&record.end().stdout).unwrap();
    assert_eq!(
        (told["records"].as_u64(), told["not_kept"]["losses"].as_u64()),
        (Some(5_001), Some(0))
    );
    assert_eq!(photons(&own), read);
    let followed = run(&[
        "trace",
        "rates",
        "--follow",
        text(&own),
        "--idle",
        "200ms",
        "--bin",
        "10ms",
        "--json",
    ]);
    let followed: serde_json::Value = serde_json::from_slice(&followed.stdout).unwrap();
    assert_eq!(followed["channels"]["1"]["counts"][0], 500);
    // A file that is there stays.
    let again = run(&["trace", "record", "-", text(&out)]);
    assert_eq!(again.status.code(), Some(2));
    assert_eq!(photons(&out).len(), 5_000);
}

#[test]
fn a_damaged_stream_is_recorded_up_to_the_damage_and_ends_in_failure() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = swabian(0, 5_000);
    bytes.extend(swabian(2_000, 5_000));
    for (salvage, code) in [(false, 3), (true, 0)] {
        let out = folder.path().join(format!("{code}.ptu"));
        let mut args = vec!["trace", "record", "listen:127.0.0.1:0", text(&out), "--json"];
        args.extend(salvage.then_some("--salvage"));
        let mut record = Running::start(&args);
        let (address, _err) = record.address();
        // The other side may have gone before all is sent.
        let _ = TcpStream::connect(&address).unwrap().write_all(&bytes);
        let output = record.end();
        assert_eq!(output.status.code(), Some(code));
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((told["records"].as_u64(), photons(&out).len()), (Some(5_000), 5_000));
        assert!(told["damage"].as_str().unwrap().contains("steps back"), "{told}");
        assert_eq!(told["notes"][0], told["damage"]);
    }
}

#[test]
fn ctrl_c_completes_a_recording() {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join("tags"), folder.path().join("out.ptu"));
    append(&path, &swabian(0, 150_000));
    let record = Running::start(&["trace", "record", text(&path), text(&out)]);
    let begun = std::time::Instant::now();
    // The first block is written when the file has grown.
    while std::fs::metadata(&out).map_or(0, |m| m.len()) < 10_000 {
        assert!(begun.elapsed().as_secs() < 60, "nothing is written");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    std::thread::sleep(std::time::Duration::from_millis(300));
    record.interrupt();
    assert!(record.end().status.success());
    assert_eq!(photons(&out).len(), 150_000);
    let cut = folder.path().join("cut.ptu");
    let told = json(&["trace", "record", text(&path), text(&cut), "--seconds", "0.5", "--json"]);
    assert_eq!((told["records"].as_u64(), photons(&cut).len()), (Some(50_000), 50_000));
    // Standard input, and nothing at all.
    let empty = folder.path().join("empty.ptu");
    let nothing = run(&["trace", "record", "-", text(&empty)]);
    assert_eq!(nothing.status.code(), Some(3));
    assert!(!empty.exists());
}

/// The script for Swabian's stream, with its simulated source.
#[test]
fn the_python_script_sends_what_helio_reads() {
    let python = Command::new("python3").arg("--version").stdout(Stdio::null()).status();
    if !python.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: there is no python3 on this computer");
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/python/send_swabian.py");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.ptu");
    let mut record =
        Running::start(&["trace", "record", "listen:127.0.0.1:0", text(&out), "--json"]);
    let (address, _err) = record.address();
    let sent = Command::new("python3")
        .args([script, "--simulate", "--fast", "--seconds", "2", "--to", &address])
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&sent.stderr).into_owned();
    assert!(sent.status.success(), "{words}");
    let count: u64 = words.split_whitespace().nth(1).unwrap().parse().unwrap();
    let output = record.end();
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["records"].as_u64(), Some(count));
    // 20 000 and 10 000 a second for two seconds.
    let read = photons(&out);
    let ones = read.iter().filter(|(_, channel)| *channel == 1).count() as f64;
    assert!((ones - 40_000.0).abs() < 5.0 * 200.0, "{ones}");
    assert!((read.len() as f64 - 60_000.0).abs() < 5.0 * 245.0);
    // Nobody listens there any more.
    let alone =
        Command::new("python3").args([script, "--simulate", "--to", &address]).output().unwrap();
    assert!(!alone.status.success());
    assert!(String::from_utf8_lossy(&alone.stderr).contains("start helio"), "{alone:?}");
}
