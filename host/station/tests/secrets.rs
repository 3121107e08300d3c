//! No secret where none belongs: not in a log, an answer or a file beside the keys', and not in the
//! memory of a station that has stored its keys.

#![cfg(target_os = "linux")]

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use helio_keys::Simulated;
use helio_station::store::DiskStore;

#[path = "stations/desk.rs"]
#[allow(dead_code)]
mod desk;

use desk::{Desk, Process, helio};

/// Bytes of a secret that are looked for together: by chance they stand nowhere.
const WINDOW: usize = 12;

/// What is looked for, by its first eight bytes: what it is, and the rest.
#[derive(Default)]
struct Needles {
    filter: Vec<u64>,
    all: HashMap<[u8; WINDOW], String>,
}

impl Needles {
    /// A secret as it stands in memory: a window every `step` bytes.
    fn add(&mut self, name: &str, secret: &[u8], step: usize) {
        self.filter.resize(1024, 0);
        for (i, window) in secret.windows(WINDOW).enumerate().step_by(step) {
            let window: [u8; WINDOW] = window.try_into().expect("its length");
            // Zeros and other plain patterns are everywhere.
            if window.iter().collect::<BTreeSet<_>>().len() < 6 {
                continue;
            }
            let hash = usize::from(u16::from_le_bytes([window[0], window[1]]));
            self.filter[hash / 64] |= 1 << (hash % 64);
            self.all.insert(window, format!("{name}, byte {i}"));
        }
    }

    /// What of it stands in these bytes, and where.
    fn find(&self, bytes: &[u8]) -> Vec<(usize, &str)> {
        let may = |w: &[u8]| {
            let hash = usize::from(u16::from_le_bytes([w[0], w[1]]));
            self.filter[hash / 64] >> (hash % 64) & 1 == 1
        };
        let windows = bytes.windows(WINDOW).enumerate().filter(|(_, w)| may(w));
        windows.filter_map(|(i, w)| self.all.get(w).map(|name| (i, name.as_str()))).collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Base64 of all bytes from the first on, and from the second and the third: as it would stand in a
/// longer text.
fn base64(bytes: &[u8]) -> [String; 3] {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    [0, 1, 2].map(|skip| {
        let groups = bytes[skip..].chunks_exact(3);
        let digits = groups.flat_map(|g| {
            let n = u32::from(g[0]) << 16 | u32::from(g[1]) << 8 | u32::from(g[2]);
            [18, 12, 6, 0].map(|shift| char::from(DIGITS[(n >> shift & 63) as usize]))
        });
        digits.collect()
    })
}

/// Every key of a station, with its block's name, from its file.
fn keys(station: &Path) -> Vec<(String, Vec<u8>)> {
    let folder = station.join("keys");
    let mut all: Vec<(String, Vec<u8>)> = desk::entries(&folder)
        .into_iter()
        .map(|path| {
            let record = fs::read(&path).expect("a key's record");
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            // Magic, version, names and length stand before the bits, a check after them.
            let bits = record[60..record.len() - 8].to_vec();
            (name, bits)
        })
        .collect();
    all.sort();
    all
}

fn pad_file(station: &Path) -> PathBuf {
    let name = |p: &PathBuf| p.file_name().is_some_and(|n| n.to_string_lossy().contains("pads-"));
    desk::entries(station).into_iter().find(name).expect("a pad file")
}

/// All memory that a process can read and that is not a file's: `None` where the system does not let
/// anybody look.
fn image(pid: u32) -> Option<Vec<(String, Vec<u8>)>> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let mut memory = File::open(format!("/proc/{pid}/mem")).ok()?;
    let mut image = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next()?, words.next()?);
        let name = words.nth(3).unwrap_or("anonymous").to_owned();
        // The program's text and the kernel's own pages hold nothing of a run.
        if !rights.starts_with("rw") || name.starts_with("[v") {
            continue;
        }
        let (from, to) = range.split_once('-')?;
        let [from, to] = [from, to].map(|n| u64::from_str_radix(n, 16).expect("an address"));
        let mut bytes = vec![0; (to - from) as usize];
        memory.seek(SeekFrom::Start(from)).ok()?;
        // A map that has gone meanwhile holds nothing any more.
        if memory.read_exact(&mut bytes).is_ok() {
            image.push((format!("{name} at {from:x}"), bytes));
        }
    }
    Some(image)
}

/// A station that logs all it can; the process is the program's own.
fn start(desk: &Desk, name: &'static str) -> Process {
    let mut command = Command::new("sh");
    let script = "HELIO_LOG=trace exec \"$0\" \"$@\"";
    command.args(["-c", script, env!("CARGO_BIN_EXE_helio"), name, "-vv", "--config"]);
    command.arg(desk.path(&format!("{name}.toml")));
    Process::start(name, command)
}

#[test]
fn no_key_in_any_output_and_none_left_in_memory() {
    let desk = Desk::new("2x");
    let pads: Vec<Vec<u8>> =
        ["alice", "bob"].iter().map(|s| fs::read(pad_file(&desk.path(s))).expect("pads")).collect();
    let mut sim = desk.start("sim");
    let mut stations = [start(&desk, "alice"), start(&desk, "bob")];
    for station in &mut stations {
        station.wait_for("bits of key", 4);
    }
    let status: Vec<u8> = ["alice", "bob"]
        .iter()
        .flat_map(|name| {
            let folder = desk.path(name);
            let folder = folder.to_str().expect("UTF-8");
            let mut out = helio(&["status", folder, "--json"]).stdout;
            out.extend(helio(&["status", folder]).stdout);
            out
        })
        .collect();
    // Without light the block in progress ends; then nothing is left to do but to wait.
    sim.kill();
    std::thread::sleep(Duration::from_secs(3));
    let images: Vec<_> = stations.iter().map(|station| image(station.id())).collect();
    let mut log = String::new();
    for station in stations {
        let (status, lines) = station.terminate();
        assert_eq!(status.code(), Some(0), "{}", lines.join("\n"));
        log.push_str(&lines.join("\n"));
    }
    assert!(desk.equal_keys() >= 4);

    let (held, other) = (keys(&desk.path("alice")), keys(&desk.path("bob")));
    assert_eq!(held, other, "the bits stand where this test looks for them");
    assert!(held.len() >= 4 && held.iter().all(|(_, bits)| bits.len() > 100), "{}", held.len());
    assert_store_agrees(&desk, &held);
    outputs_hold_no_key(&desk, &held, &log, &String::from_utf8_lossy(&status));

    for (i, (name, image)) in ["alice", "bob"].into_iter().zip(images).enumerate() {
        let Some(image) = image else {
            println!("skipped: the memory of {name} cannot be read here (ptrace is restricted)");
            continue;
        };
        let (before, after) = (&pads[i], fs::read(pad_file(&desk.path(name))).expect("pads"));
        let mut needles = Needles::default();
        for (block, bits) in &held {
            needles.add(block, bits, 4);
            needles.add(&format!("{block} in hexadecimal"), hex(bits).as_bytes(), 8);
        }
        let (mut burnt, mut fresh) = (0, Needles::default());
        for (n, pad) in before.chunks_exact(32).enumerate().skip(2) {
            let now = &after[32 * n..32 * n + 32];
            if now.iter().all(|&b| b == 0) {
                burnt += 1;
                needles.add(&format!("burnt pad {n}"), pad, 4);
            } else if n % 64 == 0 {
                fresh.add(&format!("pad {n}"), pad, 20);
            }
        }
        assert!(burnt >= 8, "{burnt} pads were burnt");
        let bytes: usize = image.iter().map(|(_, bytes)| bytes.len()).sum();
        // The search finds what is there: pads that are not burnt yet.
        let there: usize = image.iter().map(|(_, bytes)| fresh.find(bytes).len()).sum();
        assert!(there >= fresh.all.len() / 2, "{there} of {} fresh pads found", fresh.all.len());
        let mut found = Vec::new();
        for (map, bytes) in &image {
            found.extend(
                needles.find(bytes).iter().map(|(at, what)| format!("{map} + {at:x}: {what}")),
            );
        }
        println!(
            "{name}: {} MiB looked at, {} keys, {burnt} burnt pads, {} places",
            bytes >> 20,
            held.len(),
            found.len()
        );
        assert!(
            found.is_empty(),
            "{name} still holds secrets:\n{}",
            found[..found.len().min(60)].join("\n")
        );
    }
}

/// The bits that are looked for are those of the store's keys.
fn assert_store_agrees(desk: &Desk, held: &[(String, Vec<u8>)]) {
    let store: DiskStore<Simulated> = desk.store("bob");
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for entry in store.entries().expect("a sound store") {
        if let Some(key) = store.usable(entry.id).expect("a sound store") {
            kept.push(key.bits().to_bytes().to_vec());
        }
    }
    for bits in kept {
        let part = &bits[bits.len() / 4..bits.len() / 2];
        let whole = |(_, b): &(String, Vec<u8>)| b.windows(part.len()).any(|w| w == part);
        assert!(held.iter().any(whole), "a key is not where this test looks for it");
    }
}

fn outputs_hold_no_key(desk: &Desk, held: &[(String, Vec<u8>)], log: &str, status: &str) {
    let mut raw = Needles::default();
    let mut texts = Needles::default();
    for (block, bits) in held {
        raw.add(block, bits, 1);
        texts.add(block, hex(bits).as_bytes(), 1);
        texts.add(block, hex(bits).to_uppercase().as_bytes(), 1);
        base64(bits).iter().for_each(|text| texts.add(block, text.as_bytes(), 1));
    }
    for (what, text) in [("a log", log), ("a status", status)] {
        assert!(text.len() > 1000, "{what} is short: {text}");
        for needles in [&raw, &texts] {
            assert_eq!(needles.find(text.as_bytes()), [], "{what} holds key bytes");
        }
        // Runs are named by 32 digits; nothing that is printed is longer.
        let longest = text.split(|c: char| !c.is_ascii_hexdigit()).map(str::len).max();
        assert!(longest <= Some(40), "{what} has {longest:?} hexadecimal digits in a row");
    }
    assert!(log.contains("debug"), "the log has everything");
    // Every file of the desk but the keys' own.
    let (mut folders, mut files) = (vec![desk.path("")], 0);
    while let Some(folder) = folders.pop() {
        for path in desk::entries(&folder) {
            match path.is_dir() {
                true if path.file_name().is_some_and(|n| n == "keys") => {}
                true => folders.push(path),
                false => {
                    files += 1;
                    let bytes = fs::read(&path).unwrap_or_default();
                    let found = [raw.find(&bytes), texts.find(&bytes)].concat();
                    assert!(found.is_empty(), "{} holds {found:?}", path.display());
                }
            }
        }
    }
    assert!(files >= 15, "{files} files looked at");
}
