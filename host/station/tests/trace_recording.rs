//! Heliograph's own recordings as a user of `helio trace` meets them.

use std::path::{Path, PathBuf};

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
    // Cut as it says, it is whole again, without an index.
    let keep = sentence.split("truncate -s ").nth(1).and_then(|rest| rest.split(' ').next());
    std::fs::write(&copy, &bytes[..keep.unwrap().parse::<usize>().unwrap()]).unwrap();
    let said = json(&["trace", "info", "--json", path]);
    assert_eq!(said["counts"]["photons"], photons);
    assert!(said["notes"][0].as_str().unwrap().contains("no index"), "{}", said["notes"]);
}
