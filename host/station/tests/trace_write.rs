//! `helio trace convert`, `cut` and `merge` as a user meets them.

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use helio_trace::{Chunk, ReadOptions, TimeTag, TraceFormat};
use helio_units::{TickLength, Ticks};
use serde_json::Value;

#[allow(dead_code)]
#[path = "support/clicks.rs"]
mod clicks;

fn recording(name: &str) -> String {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trace/tests/data");
    data.join(name).to_str().unwrap().to_owned()
}

const T2: &str = "lpq_hydraharp_v30_t2.ptu";
const T3: &str = "lpq_hydraharp_v20.ht3";

fn helio(args: &[&str]) -> Output {
    Command::cargo_bin("helio").unwrap().env_remove("HELIO_LOG").args(args).output().unwrap()
}

fn json(args: &[&str]) -> Value {
    let output = helio(&[args, &["--json"]].concat());
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn complaint(args: &[&str], code: i32) -> String {
    let output = helio(args);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
    let text = String::from_utf8(output.stderr).unwrap().trim_end().to_owned();
    assert!(!text.contains('\n'), "one sentence: {text}");
    text
}

fn read(path: impl AsRef<Path>) -> (TickLength, Chunk) {
    let mut reader = helio_trace::open(path, &ReadOptions::default()).unwrap();
    let (mut all, mut chunk) = (Chunk::default(), Chunk::default());
    while reader.read_chunk(&mut chunk).unwrap() {
        all.append(&chunk);
    }
    (reader.tick_length(), all)
}

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Home {
        Home(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Names of all files.
    fn files(&self) -> Vec<String> {
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.unwrap().file_name().into_string().unwrap()
        };
        std::fs::read_dir(self.0.path()).unwrap().map(name).collect()
    }
}

#[test]
fn a_trace_is_the_same_in_every_format_it_is_converted_to() {
    let home = Home::new();
    for source in [T2, T3, "lpq_timeharp_v50.t3r", "lpq_hydraharp_v10.ht2"] {
        let source = recording(source);
        let (_, whole) = read(&source);
        for format in TraceFormat::written() {
            let there = home.name(&format!("there.{}", format.ending()));
            let told = json(&["trace", "convert", &source, &there, "--force"]);
            assert_eq!(told["format"], format.word());
            assert_eq!(told["rounded"], false);
            let (_, found) = read(&there);
            let (tick, scale) = (read(&source).0, told["tick"]["numerator_ps"].as_u64().unwrap());
            // Text says picoseconds, and not of what they are whole multiples.
            let scaled = format == TraceFormat::Csv
                && tick.denominator() == 1
                && std::fs::read_to_string(&there).unwrap().starts_with("time_ps");
            let scale = if scaled { scale } else { 1 };
            let times = |chunk: &Chunk, scale| -> Vec<_> {
                chunk.photons.iter().map(|tag| (tag.tick.0 * scale, tag.channel)).collect()
            };
            assert!(times(&found, 1) == times(&whole, scale), "{source} as {format:?}");
            assert_eq!(found.markers.len(), whole.markers.len());
            if told["not_kept"]["dtimes"] == 0 {
                assert_eq!(found.dtimes, whole.dtimes);
            }
        }
    }
    assert_eq!(home.files().len(), TraceFormat::written().count(), "no part of a file is left");
}

#[test]
fn what_a_format_has_no_place_for_is_told_in_a_sentence() {
    let home = Home::new();
    // TimeHarp 200 measures backwards to the next sync pulse: no T3 in PTU.
    let source = recording("lpq_timeharp_v50.t3r");
    let output = helio(&["trace", "convert", &source, &home.name("a.ptu")]);
    let text = String::from_utf8(output.stdout).unwrap();
    let dtimes = read(&source).1.dtimes.len();
    let note = format!("PicoQuant PTU has no place for {dtimes} times within the sync period");
    assert!(text.contains(&note), "{text}");
    let told = json(&["trace", "convert", &recording(T2), &home.name("a.npy"), "--photons-only"]);
    assert_eq!(told["not_kept"]["markers"], 0);
    assert!(told["not_kept"]["header_fields"].as_u64().unwrap() > 50, "{told}");
    // From PTU to PTU they are kept.
    let told = json(&["trace", "convert", &recording(T2), &home.name("b.ptu")]);
    assert_eq!(told["not_kept"]["header_fields"], 0);
}

#[test]
fn ticks_are_exact_or_rounded_when_asked() {
    let home = Home::new();
    let odd = home.name("odd.csv");
    std::fs::write(&odd, "tick (1/3ps),channel\n4,0\n5,0\n7,0\n").unwrap();
    let told = json(&["trace", "convert", &odd, &home.name("a.npy")]);
    assert_eq!(
        (told["tick"]["denominator"].as_u64(), told["rounded"].as_bool()),
        (Some(3), Some(false))
    );
    let told = json(&["trace", "convert", &odd, &home.name("a.ptu"), "--tick", "1ps"]);
    assert_eq!(told["rounded"], true);
    assert!(told["notes"][0].as_str().unwrap().contains("times are rounded down to 1 ps"));
    let (_, found) = read(home.path("a.ptu"));
    assert_eq!(found.photons.iter().map(|tag| tag.tick.0).collect::<Vec<_>>(), [1, 1, 2]);

    std::fs::write(&odd, "tick (1099511627775/2147483647ps),channel\n4,0\n").unwrap();
    let refused = complaint(&["trace", "convert", &odd, &home.name("b.ptu")], 3);
    assert!(refused.contains("round times to another tick with --tick 1ps"), "{refused}");
    let t3 = recording(T3);
    let refused = complaint(&["trace", "convert", &t3, &home.name("b.npy"), "--tick", "1ps"], 2);
    assert!(refused.contains("--absolute"), "{refused}");
    json(&["trace", "convert", &t3, &home.name("b.npy"), "--absolute", "--tick", "4ps"]);
    assert_eq!(read(home.path("b.npy")).0, TickLength::new(4, 1).unwrap());
}

#[test]
fn a_file_is_not_overwritten_and_appears_whole_or_not_at_all() {
    let home = Home::new();
    let (source, there) = (recording(T2), home.name("a.csv"));
    std::fs::write(&there, "mine").unwrap();
    let refused = complaint(&["trace", "convert", &source, &there], 2);
    assert!(refused.contains("add --force"), "{refused}");
    assert_eq!(std::fs::read_to_string(&there).unwrap(), "mine");
    // A trace that is cut: nothing is written, and with --salvage what precedes the cut is.
    let cut = home.name("cut.ptu");
    std::fs::write(&cut, &std::fs::read(&source).unwrap()[..100_001]).unwrap();
    complaint(&["trace", "convert", &cut, &there, "--force"], 3);
    assert_eq!(std::fs::read_to_string(&there).unwrap(), "mine");
    let told = json(&["trace", "convert", &cut, &there, "--force", "--salvage"]);
    assert!(told["notes"][0].as_str().unwrap().contains("what precedes it is used"));
    assert_eq!(home.files().len(), 2);
    let refused = complaint(&["trace", "convert", &source, &home.name("a.xyz")], 2);
    assert!(refused.contains("--as ptu"), "{refused}");
    complaint(&["trace", "convert", &source, &home.name("none/a.npy")], 3);
    // Into itself: the file is read to its end before it is replaced.
    let whole = read(&there).1;
    json(&["trace", "convert", &there, &there, "--force"]);
    assert_eq!(read(&there).1, whole);
}

#[test]
fn a_cut_keeps_times_channels_and_format() {
    let home = Home::new();
    let source = recording(T2);
    let refused = complaint(&["trace", "cut", &source, &home.name("a.ptu")], 2);
    assert!(refused.contains("needs --from, --to or --channel"), "{refused}");
    let args = ["--from", "10ms", "--to", "20ms", "--channel", "0,40"];
    let told = json(&[&["trace", "cut", &source, &home.name("part")][..], &args].concat());
    assert_eq!(told["format"], "ptu");
    assert!(told["notes"][0].as_str().unwrap().contains("no detections on channel 40"), "{told}");
    let (tick, whole) = read(&source);
    let ps = |tag: &TimeTag| tick.to_ps(tag.tick).unwrap().0;
    let inside =
        |tag: &&TimeTag| tag.channel == 0 && (10_000_000_000..20_000_000_000).contains(&ps(tag));
    let expected: Vec<TimeTag> = whole.photons.iter().filter(inside).copied().collect();
    assert!(!expected.is_empty());
    assert_eq!(read(home.path("part")).1.photons, expected);
}

#[test]
fn traces_are_merged_in_order_on_a_common_tick() {
    let home = Home::new();
    let write = |name: &str, text: &str| {
        std::fs::write(home.path(name), text).unwrap();
        home.name(name)
    };
    let a = write("a.csv", "tick (4ps),channel\n1,0\n5,1\n6,0\n");
    let b = write("b.csv", "tick (25/2ps),channel,kind\n0,0,0\n1,7,1\n2,0,0\n");
    let both = home.name("both.npy");
    let told = json(&["trace", "merge", &a, &b, &both, "--channel", "2:+4", "--channel", "1:0=9"]);
    assert_eq!(
        (told["tick"]["numerator_ps"].as_u64(), told["records"].as_u64()),
        (Some(1), Some(6))
    );
    let (tick, merged) = read(&both);
    assert_eq!(tick, TickLength::new(1, 2).unwrap());
    let tags: Vec<_> = merged.photons.iter().map(|tag| (tag.tick.0, tag.channel)).collect();
    assert_eq!(tags, [(0, 4), (8, 9), (40, 1), (48, 9), (50, 4)]);
    assert_eq!((merged.markers[0].tick, merged.markers[0].bits), (Ticks(25), 7));
    // A delay before zero moves the others.
    json(&["trace", "merge", &a, &b, &both, "--delay", "2=-10ps", "--force"]);
    let first = read(&both).1.photons;
    assert_eq!((first[0].tick, first[1].tick), (Ticks(0), Ticks(28)));
    for (args, part) in [
        (["--channel", "3:+1"], "there is no file number 3; they are 1 to 2"),
        (["--channel", "1:+255"], "becomes more than 255"),
        (["--delay", "2"], "write for example 2=350ps"),
    ] {
        let output = helio(&["trace", "merge", &a, &b, &both, "--force", args[0], args[1]]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(part), "{output:?}");
    }
    let back = write("c.csv", "tick (4ps),channel\n1,0\n5,1\n");
    let twice = json(&["trace", "merge", &a, &back, &a, &home.name("three.ptu")]);
    assert_eq!(twice["records"], 8);
}

#[test]
fn merging_what_was_cut_gives_the_whole_again() {
    let home = Home::new();
    let source = recording(T2);
    let (one, rest, whole) = (home.name("one.npy"), home.name("rest.ptu"), home.name("whole.csv"));
    json(&["trace", "cut", &source, &one, "--to", "2s"]);
    json(&["trace", "cut", &source, &rest, "--from", "2s", "--photons-only"]);
    json(&["trace", "merge", &rest, &one, &whole]);
    let again = home.name("again.ptu");
    json(&["trace", "convert", &whole, &again]);
    let (tick, expected) = read(&source);
    assert_eq!((tick.numerator_ps(), tick.denominator()), (1, 1));
    assert!(read(&again).1.photons == expected.photons);
}

#[cfg(unix)]
#[test]
fn a_conversion_that_is_interrupted_leaves_nothing_behind() {
    use std::io::Write;
    use std::process::{Command, Stdio};

    let bytes = std::fs::read(recording(T2)).unwrap();
    for signal in ["-INT", "-TERM"] {
        let home = Home::new();
        let mut helio = Command::new(env!("CARGO_BIN_EXE_helio"))
            .args(["trace", "convert", "-", &home.name("out.npy")])
            .env_remove("HELIO_LOG")
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The pipe stays open, so that it waits for more.
        let mut pipe = helio.stdin.take().unwrap();
        pipe.write_all(&bytes).unwrap();
        while home.files().is_empty() {
            assert!(helio.try_wait().unwrap().is_none(), "it ended before it began to write");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert!(home.files()[0].ends_with(".part"), "{:?}", home.files());
        let pid = helio.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        assert_eq!(helio.wait().unwrap().code(), Some(130), "{signal}");
        assert_eq!(home.files(), Vec::<String>::new(), "{signal}");
    }
}
