//! `helio trace` as a user meets it: good files, bad files, bad arguments; exit code, standard
//! output, standard error.

use std::path::Path;

use assert_cmd::Command;
use helio_timetag::clock::ClockModel;
use helio_timetag::clock::synthetic::PairSource;
use helio_trace::TimeTag;
use helio_units::{TickLength, Ticks};
use serde_json::Value;

use asked::{complaint, helio, json, recording, stdout};
use figures::{assert_includes, recordings};

#[path = "support/asked.rs"]
mod asked;
#[allow(dead_code)]
#[path = "support/clicks.rs"]
mod clicks;
#[path = "../../trace/tests/figures/mod.rs"]
mod figures;

const HEADER_BYTES: usize = 4392;

#[test]
fn info_says_of_every_recording_what_is_known_of_it() {
    // What the files of known figures say beyond the traces themselves.
    let beyond =
        ["sha256", "peer_check", "source", "licence", "note", "truncated", "truncated_by_source"];
    for path in recordings() {
        let known = std::fs::read_to_string(format!("{}.expected.json", path.display())).unwrap();
        let known: Value = serde_json::from_str(&known).unwrap();
        let said = json(&["trace", "info", "--json", path.to_str().unwrap()]);
        let mut compared = 0;
        for (key, value) in known.as_object().unwrap() {
            if !beyond.contains(&key.as_str()) {
                assert_includes(&said[key], value, &format!("{}: {key}", path.display()));
                compared += 1;
            }
        }
        assert!(compared >= 15, "{compared}");
        assert_eq!(said["tags"].as_array().unwrap().len(), said["header_tags"]);
    }
    let said = json(&["trace", "info", "--json", recording().to_str().unwrap()]);
    assert_eq!(said["tick"], serde_json::json!({ "numerator_ps": 1, "denominator": 1 }));
    assert_eq!(said["channels"]["0"]["smallest_gap_ps"], 81_134);
    assert_eq!(said["notes"].as_array().unwrap().len(), 0);
}

/// One small file of each format whose content has to tell it, and which needs an argument.
#[test]
fn other_formats_are_read_by_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let times = || (1..=1000u64).map(|i| 1_000_000_000 + i * 1_000_003);
    let swabian: Vec<u8> =
        times().flat_map(|t| [&[0, 0, 0, 0, 1, 0, 0, 0][..], &t.to_le_bytes()].concat()).collect();
    let qutag: Vec<u8> = times().flat_map(|t| [&t.to_le_bytes()[..], &[1, 0]].concat()).collect();
    let qutag = [&[0; 40][..], &qutag].concat();
    let words: Vec<u8> = times().flat_map(|t| (t << 10 | 0x302).to_le_bytes()).collect();
    let raw: Vec<u8> = times().flat_map(|t| (t << 15 | 2).rotate_left(32).to_le_bytes()).collect();
    let csv: String = times().map(|t| format!("{t},1\n")).collect();
    let named = format!("channel;time_ns\n1;{}\n", times().next().unwrap());
    let cases: [(&[u8], &str, u64); 6] = [
        (&swabian, "Swabian 16-byte tags", 1000),
        (&qutag, "quTAG binary", 1000),
        (&words, "S-Fifteen a1", 1000),
        (&raw, "qcrypto readevents raw", 1000),
        (csv.as_bytes(), "CSV", 1000),
        (named.as_bytes(), "CSV", 1),
    ];
    for (bytes, format, count) in cases {
        // No ending: the content tells.
        let path = folder.path().join("trace");
        std::fs::write(&path, bytes).unwrap();
        let path = path.to_str().unwrap();
        let said = json(&["trace", "info", "--json", path]);
        assert_eq!(
            (&said["format"], &said["channels"]["1"]["count"]),
            (&format.into(), &count.into())
        );
        assert_eq!(said["begin_ticks"], said["channels"]["1"]["first_tick"]);
        assert!(stdout(&helio(&["trace", "info", path])).contains(format));
        if count > 1 {
            let said = json(&["trace", "rates", "--json", path]);
            let counts = said["channels"]["1"]["counts"].as_array().unwrap();
            assert_eq!(counts.iter().map(|n| n.as_u64().unwrap()).sum::<u64>(), count);
            assert!(counts.len() < 1000, "bins begin with the trace: {}", counts.len());
            stdout(&helio(&["trace", "g2", path]));
        }
    }
    let path = folder.path().join("trace");
    let path = path.to_str().unwrap();
    let said = json(&["trace", "info", "--json", path, "--unit", "us"]);
    assert_eq!(said["channels"]["1"]["first_ps"], 1_001_000_003_000_000u64);
    let sentence = complaint(&["trace", "info", path, "--format", "ptu"], 3);
    assert!(sentence.contains("is not a PicoQuant PTU file"), "{sentence}");
    for (args, part) in [(["--format", "xyz"], "ptu, hydraharp"), (["--unit", "mile"], "write ps")]
    {
        let sentence = complaint(&["trace", "info", path, args[0], args[1]], 2);
        assert!(sentence.contains(part), "{sentence}");
    }
}

#[test]
fn a_damaged_trace_is_salvaged_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.ptu");
    let bytes = std::fs::read(recording()).unwrap();
    std::fs::write(&path, &bytes[..HEADER_BYTES + 40_003]).unwrap();
    let path = path.to_str().unwrap();
    let said = json(&["trace", "info", "--json", "--salvage", path]);
    assert_eq!(said["records_in_file"], 10_000);
    let damage = format!("ends at byte {}", HEADER_BYTES + 40_003);
    assert!(said["damage"].as_str().unwrap().contains(&damage));
    assert!(said["notes"][0].as_str().unwrap().contains(&damage));
    let output = helio(&["trace", "rates", "--salvage", path]);
    assert!(String::from_utf8_lossy(&output.stderr).contains(&damage));
    assert!(stdout(&output).contains("rate of channel 0"));
}

#[test]
fn the_fields_of_a_header_are_listed() {
    let text = stdout(&helio(&["trace", "info", "--tags", recording().to_str().unwrap()]));
    for part in ["TTResultFormat_TTTRRecType", "MeasDesc_Resolution", "HydraHarp 400"] {
        assert!(text.contains(part), "{part} in:\n{text}");
    }
}

#[test]
fn info_draws_for_people() {
    let text = stdout(&helio(&["trace", "info", recording().to_str().unwrap()]));
    for part in ["HydraHarp V2 T2 (0x01010204)", "305 565", "61.11 kHz", "81.13 ns", "1 ps", "█"]
    {
        assert!(text.contains(part), "{part} in:\n{text}");
    }
}

#[test]
fn info_counts_what_is_there_when_the_header_claims_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.ptu");
    let bytes = std::fs::read(recording()).unwrap();
    std::fs::write(&path, &bytes[..HEADER_BYTES + 4 * 1000]).unwrap();
    let said = json(&["trace", "info", "--json", path.to_str().unwrap()]);
    assert_eq!(said["records_in_file"], 1000);
    assert_eq!(said["header_number_of_records"], 435_319);
    assert!(said["notes"][0].as_str().unwrap().contains("435319 records, the file holds 1000"));
}

#[test]
fn rates_count_every_photon_once() {
    let path = recording();
    let said = json(&["trace", "rates", "--json", "--bin", "10ms", path.to_str().unwrap()]);
    let counts = said["channels"]["0"]["counts"].as_array().unwrap();
    assert_eq!((said["bin_ps"].as_u64(), counts.len()), (Some(10_000_000_000), 500));
    let total: u64 = counts.iter().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(total, 305_565);
    let of = &said["channels"]["0"];
    let at = |key: &str| of[key][3].as_f64().unwrap();
    let error = counts[3].as_f64().unwrap().sqrt() / 0.01;
    assert!((at("rate_hz") * 0.01 - counts[3].as_f64().unwrap()).abs() < 1e-6);
    assert!((at("error_hz") - error).abs() < 1e-6, "{error}");
    let text = stdout(&helio(&["trace", "rates", path.to_str().unwrap()]));
    assert!(text.contains("rate of channel 0") && text.contains("kHz"), "{text}");
}

#[test]
fn a_last_bin_that_was_hardly_begun_has_counts_and_no_rate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pulses.csv");
    // A trace that ends with a detection, which is alone in its bin.
    let lines: String = (0..=100u64).map(|i| format!("{},1\n", i * 1_000_000)).collect();
    std::fs::write(&path, lines).unwrap();
    let path = path.to_str().unwrap();
    let args = ["trace", "rates", path, "--bin", "10us"];
    let said = json(&[&args[..], &["--json"]].concat());
    let of = &said["channels"]["1"];
    assert_eq!((&of["counts"][10], &of["counts"][9]), (&1.into(), &10.into()));
    assert_eq!((&of["rate_hz"][10], &of["error_hz"][10]), (&Value::Null, &Value::Null));
    assert!((of["rate_hz"][9].as_f64().unwrap() - 1e6).abs() < 1.0);
    let table = stdout(&helio(&[&args[..], &["--csv", "-"]].concat()));
    assert_eq!(table.lines().next(), Some("begin_s,length_s,counts_1,rate_1_hz,error_1_hz"));
    assert!(table.lines().last().unwrap().ends_with(",1,,"), "{table}");
    for args in [&args[..], &["trace", "info", path]] {
        let text = stdout(&helio(args));
        assert!(text.contains("1 MHz") || text.contains("1.01 MHz"), "{text}");
        assert!(!text.contains("THz") && !text.contains("GHz"), "{text}");
    }
}

#[test]
fn what_was_left_out_of_a_trace_is_told_by_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    // Each tenth detection is 5 µs late.
    let lines = (10..2_000u64).map(|i| {
        let late = if i % 10 == 0 { 5_000_000 } else { 0 };
        format!("{},{}\n", i * 1_000_000 - late, i % 2)
    });
    std::fs::write(path("late.csv"), lines.collect::<String>()).unwrap();
    let late = "came later in the file than the window allows";
    // Swabian's channel numbers of no input.
    let tag = |(i, channel): (i64, i32)| {
        let mut bytes = [0u8; 16];
        bytes[4..8].copy_from_slice(&channel.to_le_bytes());
        bytes[8..].copy_from_slice(&(i * 1_000_000).to_le_bytes());
        bytes
    };
    let tags = (0..900).zip([1, 2, 1001].into_iter().cycle()).flat_map(tag);
    std::fs::write(path("virtual.raw"), tags.collect::<Vec<u8>>()).unwrap();
    // Cut where a record ends.
    let whole = std::fs::read(recording()).unwrap();
    std::fs::write(path("cut.ptu"), &whole[..HEADER_BYTES + 4 * 20_000]).unwrap();
    let cases: [(&str, &[&str], &str); 3] = [
        ("late.csv", &["--window", "1us"], late),
        ("virtual.raw", &["--format", "swabian"], "records have no known meaning"),
        ("cut.ptu", &[], "claims 435319 records, the file holds 20000"),
    ];
    let commands: [&[&str]; 8] = [
        &["info"],
        &["rates"],
        &["g2"],
        &["coincidences"],
        &["histogram"],
        &["drift"],
        &["drift", "--period", "1us"],
        &["convert"],
    ];
    for (name, how, expected) in cases {
        for command in commands {
            let (file, npy) = (path(name), path("new.npy"));
            let mut args = [&["trace"], command, how, &["--json", &file]].concat();
            match command[0] {
                "convert" => args.extend([npy.as_str(), "--force"]),
                "coincidences" if name == "cut.ptu" => continue,
                _ => {}
            }
            let output = helio(&args);
            let said: Value = serde_json::from_str(&stdout(&output)).unwrap();
            let notes: Vec<&str> =
                said["notes"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert!(notes.iter().any(|note| note.contains(expected)), "{args:?}: {said}");
            let told = String::from_utf8_lossy(&output.stderr);
            let times = told.matches(expected).count();
            assert_eq!(times, usize::from(!["info", "convert"].contains(&command[0])), "{args:?}");
        }
    }
    // A part says nothing of the whole.
    let said = json(&["trace", "rates", &path("cut.ptu"), "--to", "1ms", "--json"]);
    assert_eq!(said["notes"], Value::Array(Vec::new()));
}

#[test]
fn no_answer_takes_the_place_of_the_trace() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("victim.csv"), folder.path().join("other.csv"));
    std::fs::write(&path, pairs_csv()).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let (path, link) = (path.to_str().unwrap(), link.to_str().unwrap());
    for out in [path, link] {
        let sentence = complaint(&["trace", "rates", path, "--csv", out], 2);
        assert!(sentence.contains("is the trace that is read"), "{sentence}");
        complaint(&["trace", "sync", link, path, "--csv", out], 2);
        assert_eq!(std::fs::read_to_string(path).unwrap(), pairs_csv());
    }
}

#[test]
fn whole_sync_periods_tell_no_gap() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trace/tests/data");
    let t3 = data.join("lpq_hydraharp_v20.ht3");
    let said = json(&["trace", "info", "--json", t3.to_str().unwrap()]);
    let channels = said["channels"].as_object().unwrap();
    assert!(!channels.is_empty());
    assert!(channels.values().all(|channel| channel["smallest_gap_ps"].is_null()), "{said}");
}

/// The recording is of one detector: nothing within its dead time, afterpulses behind it, and no
/// relation at long delays.
#[test]
fn g2_shows_dead_time_afterpulses_and_unrelated_light() {
    let path = recording();
    let args = ["trace", "g2", "--json", "--range", "5us", "--bin", "10ns", path.to_str().unwrap()];
    let said = json(&args);
    let column = |name: &str| -> Vec<f64> {
        said[name].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    };
    let (delays, g2) = (column("delay_ps"), column("g2"));
    assert_eq!(delays.len(), 1001);
    let between = |from: f64, to: f64| {
        let inside = |d: &f64| (from..to).contains(&d.abs());
        let chosen: Vec<f64> =
            delays.iter().zip(&g2).filter(|(d, _)| inside(d)).map(|(_, g)| *g).collect();
        chosen.iter().sum::<f64>() / chosen.len() as f64
    };
    assert_eq!(between(0.0, 75e3), 0.0, "dead time");
    assert!(between(90e3, 200e3) > 1.5, "afterpulses");
    let late = between(2e6, 5.1e6);
    // 600 bins of 187 pairs; both halves are the same pairs.
    assert!((late - 1.0).abs() < 4.0 / (300.0f64 * 187.0).sqrt(), "unrelated: {late}");
    let text = stdout(&helio(&["trace", "g2", path.to_str().unwrap()]));
    assert!(text.contains("201 of 10 ns, to ±1 µs") && text.contains('█'), "{text}");
}

#[test]
fn a_part_of_a_trace_is_looked_at_alone() {
    let path = recording();
    let path = path.to_str().unwrap();
    let whole = json(&["trace", "rates", "--json", "--bin", "100ms", path]);
    let counts = |said: &Value| -> Vec<u64> {
        let counts = said["channels"]["0"]["counts"].as_array().unwrap();
        counts.iter().map(|n| n.as_u64().unwrap()).collect()
    };
    let part = ["--from", "1s", "--to", "2.5s"];
    let said = json(&[&["trace", "rates", "--json", "--bin", "100ms", path], &part[..]].concat());
    assert_eq!(counts(&said), counts(&whole)[10..25]);
    let info = json(&[&["trace", "info", "--json", path], &part[..]].concat());
    let selected: u64 = counts(&said).iter().sum();
    assert_eq!(info["channels"]["0"]["count"], selected);
    assert_eq!(info["counts"]["photons"], 305_565, "records are counted over the whole file");
    assert_eq!(info["duration_ps"].as_u64().unwrap(), 1_500_000_000_000 - 1);
    let table = stdout(&helio(
        &[&["trace", "rates", "--csv", "-", "--bin", "100ms", path], &part[..]].concat(),
    ));
    let lines: Vec<_> = table.lines().collect();
    assert_eq!((lines.len(), lines[0]), (16, "begin_s,length_s,counts_0,rate_0_hz,error_0_hz"));
}

#[test]
fn delays_of_channels_are_taken_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs.csv");
    let pair = |i: u64| format!("{t},0\n{},1\n", i * 1_000_000 + 350, t = i * 1_000_000);
    std::fs::write(&path, (1..2_000).map(pair).collect::<String>()).unwrap();
    let path = path.to_str().unwrap();
    let peak = |delay: &[&str]| {
        let asked = ["trace", "g2", "--json", "--range", "1ns", "--bin", "50ps", path];
        let said = json(&[&asked[..], delay].concat());
        let pairs = said["pairs"].as_array().unwrap();
        let at = pairs.iter().position(|n| n.as_u64() > Some(1_000)).unwrap();
        said["delay_ps"][at].as_f64().unwrap()
    };
    assert_eq!(peak(&[]), 350.0);
    assert_eq!(peak(&["--delay", "1=-350"]), 0.0);
    assert_eq!(peak(&["--delay", "0=350ps,1=0.1ns"]), 100.0);
    for (args, wanted) in [
        (&["--delay", "1"][..], "1=350ps"),
        (&["--delay", "x=1ns"], "0 to 255"),
        (&["--from", "2ms", "--to", "1ms"], "exchange them"),
        (&["--json", "--csv", "-"], "into a file"),
    ] {
        let sentence = complaint(&[&["trace", "rates", path], args].concat(), 2);
        assert!(sentence.contains(wanted), "{sentence}");
    }
}

#[test]
fn plots_are_written_as_svg_and_png() {
    let folder = tempfile::tempdir().unwrap();
    let (svg, png) = (folder.path().join("g2.svg"), folder.path().join("rate.PNG"));
    let path = recording();
    stdout(&helio(&[Path::new("trace"), "g2".as_ref(), &path, "--plot".as_ref(), &svg]));
    stdout(&helio(&[Path::new("trace"), "rates".as_ref(), &path, "--plot".as_ref(), &png]));
    let text = std::fs::read_to_string(svg).unwrap();
    assert!(text.starts_with("<svg") && text.contains("delay τ (µs)") && text.contains("g⁽²⁾(τ)"));
    assert!(std::fs::read(png).unwrap().starts_with(b"\x89PNG\r\n"));
}

#[test]
fn a_bad_file_is_named_with_its_fault_and_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = std::fs::read(recording()).unwrap();
    type Case<'a> = (&'a str, Option<&'a [u8]>, &'a [&'a str]);
    let cases: [Case; 5] = [
        ("missing.ptu", None, &["cannot be opened", "check the path"]),
        ("empty.ptu", Some(b""), &["of no format known here", "empty", "name the format"]),
        ("table.ptu", Some(b"Dear all,\n"), &["found the text “Dear all”"]),
        ("header.ptu", Some(&recorded[..2000]), &["ends at byte 2000 inside its header", "copy"]),
        ("record.ptu", Some(&recorded[..HEADER_BYTES + 4002]), &["byte 8394", "--salvage"]),
    ];
    for (name, bytes, parts) in cases {
        let path = folder.path().join(name);
        if let Some(bytes) = bytes {
            std::fs::write(&path, bytes).unwrap();
        }
        for command in ["info", "rates", "g2"] {
            let sentence = complaint(&["trace", command, path.to_str().unwrap()], 3);
            for part in parts.iter().chain(&[name]) {
                assert!(sentence.contains(part), "“{part}” in: {sentence}");
            }
        }
    }
}

#[test]
fn a_bad_argument_is_named_with_the_remedy() {
    let path = recording();
    let path = path.to_str().unwrap();
    let cases: [(&[&str], &[&str]); 10] = [
        (&["g2", path, "--range", "1"], &["--range", "needs a unit", "10ns"]),
        (&["g2", path, "--bin", "10 parsecs"], &["--bin", "needs a unit"]),
        (&["g2", path, "--bin", "0ns"], &["--bin", "within 1 ps"]),
        (&["g2", path, "--bin", "0.5ps"], &["--bin", "round it to 1 ps"]),
        (&["g2", path, "--channel", "0;1"], &["--channel", "0,1"]),
        (&["g2", path, "--channel", "0,7"], &["no photons on channel 7", "choose from [0]"]),
        (&["g2", path, "--bin", "10ns", "--range", "1ns"], &["--range", "choose a longer"]),
        (&["g2", path, "--range", "4s"], &["pairs to count", "choose at most"]),
        (&["rates", path, "--bin", "1ns"], &["--bin is too short", "at least 5 µs"]),
        (&["rates", path, "--plot", "a.pdf"], &["a.pdf", ".svg", ".png"]),
    ];
    for (args, parts) in cases {
        let sentence = complaint(&[&["trace"], args].concat(), 2);
        for part in parts {
            assert!(sentence.contains(part), "“{part}” in: {sentence}");
        }
    }
}

#[test]
fn a_plot_that_cannot_be_written_is_the_files_fault() {
    let path = recording();
    let plot = "/no/such/folder/g2.svg";
    let sentence = complaint(&["trace", "g2", path.to_str().unwrap(), "--plot", plot], 3);
    assert!(sentence.contains(plot) && sentence.contains("check the folder"), "{sentence}");
}

#[test]
fn help_documents_the_exit_codes_and_gives_examples() {
    assert!(stdout(&helio(&["--help"])).contains("3 file"));
    for command in ["info", "rates", "g2"] {
        let help = stdout(&helio(&["trace", command, "--help"]));
        assert!(help.contains(&format!("helio trace {command} trace.ptu")), "{help}");
    }
    let output = helio(&["trace", "g2", "--rnage", "1us"]);
    assert_eq!(output.status.code(), Some(2));
}

/// A recording of one channel, of clicks in ps.
fn record(path: &Path, ps: &[i64]) {
    let click = |&ps: &i64| TimeTag { tick: Ticks(ps as u64), channel: 0 };
    clicks::record(path, TickLength::new(1, 1).unwrap(), ps.iter().map(click));
}

#[test]
fn sync_finds_the_clock_of_one_recording_against_the_other() {
    let clock = ClockModel {
        reference_ps: 0,
        offset_ps: 0.25e12,
        frequency_ppm: -12.5,
        drift_ppb_per_s: 0.5,
    };
    let source = PairSource {
        pairs_hz: 1_000.0,
        noise_a_hz: 4_000.0,
        noise_b_hz: 4_000.0,
        span_s: 4.0,
        jitter_ps: 300.0,
        clock,
    };
    let (alice, bob) = source.clicks(1);
    let folder = tempfile::tempdir().unwrap();
    let [a, b, dark, plot] = ["a.ptu", "b.ptu", "dark.ptu", "delays.svg"]
        .map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    record(Path::new(&a), &alice[1..]);
    record(Path::new(&b), &bob);
    record(Path::new(&dark), &PairSource { pairs_hz: 0.0, ..source }.clicks(2).1);

    let said = json(&["trace", "sync", &a, &b, "--channel", "0,0", "--json", "--plot", &plot]);
    let number = |name: &str| said[name].as_f64().unwrap();
    let truth = clock.at(said["reference_ps"].as_i64().unwrap());
    let wrong = number("offset_ps") - truth.offset_ps;
    assert!(wrong.abs() < 5.0 * number("offset_error_ps"), "{said}");
    assert!(number("offset_error_ps") < 50.0 && number("log10_false_alarm") < -100.0, "{said}");
    let picture = std::fs::read_to_string(&plot).unwrap();
    assert!(picture.contains("delay (ns)") && picture.contains("pairs in a bin"));
    let text = stdout(&helio(&["trace", "sync", &a, &b]));
    assert!(text.contains("frequency") && text.contains("ppb/s"), "{text}");

    let line = complaint(&["trace", "sync", &a, &dark, "--effort", "0.05"], 3);
    assert!(line.contains("no lock") && line.contains("noise"), "{line}");
}

/// Pairs 200 ps apart on channels 1 and 2, every third with a photon on channel 5, as CSV.
fn pairs_csv() -> String {
    let lines = (1..=900u64).map(|i| {
        let (at, third) = (i * 1_000_000, i * 1_000_000 + 300);
        let pair = format!("{at},1\n{},2\n", at + 200);
        if i % 3 == 0 { format!("{pair}{third},5\n") } else { pair }
    });
    lines.collect()
}

#[test]
fn coincidences_of_every_combination_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs.csv");
    std::fs::write(&path, pairs_csv()).unwrap();
    let path = path.to_str().unwrap();
    let counts = |said: &Value| -> Vec<(Value, u64)> {
        let combinations = said["combinations"].as_array().unwrap().iter();
        combinations.map(|c| (c["channels"].clone(), c["count"].as_u64().unwrap())).collect()
    };
    let expected = |pair, third| {
        [(vec![1, 2], pair), (vec![1, 5], third), (vec![2, 5], third), (vec![1, 2, 5], third)]
            .map(|(channels, count)| (Value::from(channels), count))
    };
    let said = json(&["trace", "coincidences", "--json", path]);
    assert_eq!(counts(&said), expected(900, 300));
    assert_eq!(said["window_ps"], 1_000);
    assert_eq!(said["heralding"].as_array().unwrap().len(), 6);
    let said = json(&["trace", "coincidences", "--json", path, "--delay", "5=10ns,2=-200"]);
    assert_eq!(counts(&said), expected(900, 0));
    let said = json(&["trace", "coincidences", "--json", path, "--within", "100ps"]);
    assert_eq!(counts(&said)[0].1 + counts(&said)[1].1, 0, "none of 1 within 100 ps");

    let plot = folder.path().join("pairs.svg");
    let text = stdout(&helio(&["trace", "coincidences", path, "--plot", plot.to_str().unwrap()]));
    assert!(text.contains("1,2,5") && text.contains("2 given 1: "), "{text}");
    let drawn = std::fs::read_to_string(&plot).unwrap();
    assert!(drawn.contains("accidentals") && !drawn.contains("none counted"));
    // Nothing is no point on a logarithmic axis.
    let none = ["--delay", "5=10ns", "--plot", plot.to_str().unwrap()];
    stdout(&helio(&[&["trace", "coincidences", path][..], &none].concat()));
    assert!(std::fs::read_to_string(&plot).unwrap().contains("none counted"));
    let table = stdout(&helio(&["trace", "coincidences", path, "--channel", "1,2", "--csv", "-"]));
    assert!(
        table.starts_with("channels,count,error,accidental,") && table.contains("\n1+2,900,30,")
    );
    for (channels, part) in [("1", "two channels"), ("1,7", "no photons on channel 7")] {
        let sentence = complaint(&["trace", "coincidences", path, "--channel", channels], 2);
        assert!(sentence.contains(part), "{sentence}");
    }
}

#[test]
fn what_needs_one_pass_reads_standard_input_and_the_rest_says_so() {
    let piped = |args: &[&str]| {
        let mut command = Command::cargo_bin("helio").unwrap();
        command.env_remove("HELIO_LOG").args(args).write_stdin(pairs_csv()).output().unwrap()
    };
    let said = |args: &[&str]| -> Value { serde_json::from_str(&stdout(&piped(args))).unwrap() };
    assert_eq!(said(&["trace", "info", "-", "--json"])["channels"]["5"]["count"], 300);
    let pairs = said(&["trace", "coincidences", "-", "--channel", "1,2", "--json"]);
    assert_eq!(pairs["combinations"][0]["count"], 900);
    let g2 = ["trace", "g2", "-", "--json", "--channel", "1,2", "--range", "1ns", "--bin", "100ps"];
    assert_eq!(said(&g2)["pairs"][12], 900);
    let silent = ["trace", "g2", "-", "--channel", "1,6", "--range", "1ns", "--bin", "100ps"];
    let output = piped(&silent);
    assert_eq!(output.status.code(), Some(2));
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert!(sentence.contains("no photons on channel 6"), "{sentence}");
    for args in
        [&["trace", "g2", "-"][..], &["trace", "rates", "-"], &["trace", "coincidences", "-"]]
    {
        let output = piped(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let sentence = String::from_utf8(output.stderr).unwrap();
        assert!(sentence.contains("can be read only once"), "{sentence}");
    }
}
