//! The analyses of `helio trace` as a user meets them: what simulated light was made with is said
//! of it, in every form of answer, and what cannot be answered is a sentence.

use std::path::{Path, PathBuf};

use helio_timetag::analysis::synthetic::{
    Dice, coherent, renewal, response, single_emitter, split,
};
use helio_trace::{Chunk, Dtime, TimeTag, TraceFormat, WriteSettings, writer};
use helio_units::{TickLength, Ticks};
use serde_json::Value;

#[path = "support/asked.rs"]
mod asked;

use asked::{complaint, helio, json, recording, stdout};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// A trace in CSV, in ps.
    fn trace(&self, name: &str, tags: &[(u64, u8)]) -> String {
        let text: String =
            tags.iter().map(|(tick, channel)| format!("{tick},{channel}\n")).collect();
        std::fs::write(self.path(name), format!("time_ps,channel\n{text}")).unwrap();
        self.path(name)
    }
}

/// Within four stated errors.
fn near(value: &Value, error: &Value, expected: f64) {
    let (value, error) = (value.as_f64().unwrap(), error.as_f64().unwrap());
    assert!((value - expected).abs() < 4.0 * error, "{value} ± {error}, not {expected}");
}

fn on(channel: u8, ticks: Vec<u64>) -> Vec<(u64, u8)> {
    ticks.into_iter().map(|tick| (tick, channel)).collect()
}

/// 80 MHz pulses, 40 ps of jitter and a tail.
fn laser(counts: usize, detuning: f64) -> Vec<(u64, u8)> {
    let (mut dice, mut now) = (Dice::new(7), 0.0);
    let mut ticks: Vec<u64> = (0..counts)
        .map(|_| {
            now += (1.0 + dice.exponential(80.0)).floor() * 12_500.0 * (1.0 + detuning);
            (now + response(&mut dice, 4_000.0, 40.0, 0.3, 250.0)) as u64
        })
        .collect();
    ticks.sort_unstable();
    on(1, ticks)
}

#[test]
fn gaps_tell_dead_time_and_afterpulses() {
    let folder = Folder::new();
    let tags = renewal(1, 100_000, |dice| {
        let light = dice.exponential(2e7);
        let trap = dice.uniform() < 0.04;
        50_000.0 + if trap { light.min(dice.exponential(2e5)) } else { light }
    });
    let file = folder.trace("detector.csv", &on(3, tags));
    let said = &json(&["trace", "histogram", &file, "--json"])["channels"]["3"];
    near(&said["dead_time_ps"], &said["dead_time_error_ps"], 50_000.0);
    let (p, error) = (&said["afterpulse_probability"], &said["afterpulse_probability_error"]);
    near(p, error, 0.04);
    near(&said["afterpulse_decay_ps"], &said["afterpulse_decay_error_ps"], 2e5);
    near(&said["alive_rate_hz"], &said["alive_rate_error_hz"], 5e4);
    let counts = said["counts"].as_array().unwrap();
    assert_eq!(counts.iter().map(|n| n.as_u64().unwrap()).sum::<u64>(), 99_999);
    let text = stdout(&helio(&["trace", "histogram", &file]));
    for word in ["dead time", "50.0", "afterpulses", " %, after", "kHz", "χ²"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let linear = json(&["trace", "histogram", &file, "--bin", "10ns", "--range", "1us", "--json"]);
    let linear = linear["channels"]["3"]["counts"].as_array().unwrap();
    assert_eq!((linear.len(), &linear[4]), (100, &Value::from(0)), "dead for 50 ns");
    // A real recording: its gaps begin at 81 to 84 ns.
    let said = json(&["trace", "histogram", recording().to_str().unwrap(), "--json"]);
    let dead = said["channels"]["0"]["dead_time_ps"].as_f64().unwrap();
    assert!((81_000.0..85_000.0).contains(&dead), "{dead}");
}

#[test]
fn start_stop_and_counts_and_decades_of_g2() {
    let folder = Folder::new();
    let file = folder.trace("emitter.csv", &split(2, &single_emitter(2, 3_000.0, 0.2, 100_000)));
    let said = json(&[
        "trace",
        "histogram",
        &file,
        "--of",
        "start-stop",
        "--bin",
        "500ps",
        "--range",
        "50ns",
        "--json",
    ]);
    let counts = said["counts"].as_array().unwrap();
    let early = counts[0].as_u64().unwrap();
    assert!(early * 5 < counts[30].as_u64().unwrap(), "antibunched: {counts:?}");
    assert!(said["stop_rate_hz"][30].as_f64().unwrap() > 0.0);

    let said = json(&["trace", "g2", &file, "--log", "--bin", "100ps", "--range", "1us", "--json"]);
    let g2 = said["g2"].as_array().unwrap();
    assert!(g2[0].as_f64().unwrap() < 0.1, "{g2:?}");
    let (last, error) = (&g2[g2.len() - 1], &said["error"][g2.len() - 1]);
    near(last, error, 1.0);
    assert!(stdout(&helio(&["trace", "g2", &file, "--log"])).contains("an octave"));

    let steady = folder.trace("steady.csv", &on(0, coherent(3, 1e6, 100_000)));
    let said = json(&["trace", "histogram", &steady, "--of", "counts", "--json"]);
    near(&said["fano"], &said["fano_error"], 1.0);
    near(&said["mean"], &said["mean_error"], said["window_ps"].as_f64().unwrap() / 1e6);
    assert!(
        stdout(&helio(&["trace", "histogram", &steady, "--of", "counts"])).contains("Mandel Q")
    );
}

#[test]
fn a_folded_peak_has_its_width_and_its_drift() {
    let folder = Folder::new();
    let file = folder.trace("laser.csv", &laser(100_000, 0.0));
    let said = json(&["trace", "histogram", &file, "--of", "sync", "--period", "80MHz", "--json"]);
    assert_eq!(said["total"], 100_000);
    let at = said["peak_bin"].as_f64().unwrap() * said["bin_ps"].as_f64().unwrap();
    assert!((3_900.0..4_100.0).contains(&at), "{at}");

    let said = json(&["trace", "jitter", &file, "--period", "12.5ns", "--json"]);
    near(&said["sigma_ps"], &said["sigma_error_ps"], 40.0);
    near(&said["tail_decay_ps"], &said["tail_decay_error_ps"], 250.0);
    near(&said["tail_share"], &said["tail_share_error"], 0.3);
    assert!(said["fwhm_ps"].as_f64().unwrap() > 94.2, "wider than the Gaussian alone");

    // A peak across the begin of a period is as wide.
    let early: Vec<_> = laser(100_000, 0.0).into_iter().map(|(t, c)| (t - 4_000, c)).collect();
    let early = folder.trace("early.csv", &early);
    let said = json(&["trace", "jitter", &early, "--period", "12.5ns", "--json"]);
    near(&said["sigma_ps"], &said["sigma_error_ps"], 40.0);

    // The same against pulses on a channel of their own, some of them missing.
    let mut with_sync = laser(50_000, 0.0);
    let end = with_sync[with_sync.len() - 1].0 / 12_500;
    with_sync.extend((0..end).filter(|i| i % 1000 != 7).map(|i| (i * 12_500, 0)));
    with_sync.sort_unstable();
    let synced = folder.trace("synced.csv", &with_sync);
    let said = json(&["trace", "jitter", &synced, "--sync", "0", "--json"]);
    near(&said["sigma_ps"], &said["sigma_error_ps"], 40.0);
    assert_eq!(said["channels"], serde_json::json!([1]));
    let said = json(&["trace", "histogram", &synced, "--of", "sync", "--sync", "0", "--json"]);
    let missing = said["wide_sync_spacings"].as_u64().unwrap();
    assert!(missing.abs_diff(end / 1000) <= 1, "{missing} of {end}");

    let file = folder.trace("detuned.csv", &laser(100_000, 3e-9));
    let said = &json(&["trace", "drift", &file, "--period", "12.5ns", "--json"])["channels"]["1"];
    near(&said["slope_s_per_s"], &said["slope_error_s_per_s"], 3e-9);
    let steady = &json(&["trace", "drift", &file, "--json"])["channels"]["1"];
    near(&steady["slope_hz_per_s"], &steady["slope_error_hz_per_s"], 0.0);
    assert!(stdout(&helio(&["trace", "drift", &file])).contains("standard errors from none"));
}

/// T3 records: detections of channel 0 at once after the sync, of channel 1 at `dtime` of 16 ps and one
/// beside it.
fn t3(folder: &Folder, dtime: u16) -> String {
    let path = folder.path("t3.ptu");
    let tick = TickLength::new(12_500, 1).unwrap();
    let unit = TickLength::new(16, 1).ok();
    let settings =
        WriteSettings { dtime: Some(Dtime { unit, adds: true }), ..WriteSettings::new(tick) };
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = writer(file, TraceFormat::PicoQuantPtu, &settings).unwrap();
    let mut chunk = Chunk::default();
    for nsync in (0..200_000).step_by(20) {
        // Some jitter: a peak without any has no error.
        let late = (nsync / 20 % 3) as u16;
        for (channel, dtime) in [(0, 0), (1, dtime + late - 1)] {
            chunk.photons.push(TimeTag { tick: Ticks(nsync), channel });
            chunk.dtimes.push(dtime);
        }
    }
    chunk.reached = Ticks(200_000);
    writer.write_chunk(&chunk).unwrap();
    writer.finish().unwrap();
    path
}

#[test]
fn delays_move_times_after_the_sync_within_its_period() {
    let folder = Folder::new();
    let file = t3(&folder, 125);
    let number = |said: &Value, key: &str| said[key].as_f64().unwrap();
    // 2 ns; 4 ns with the delay; and beyond the period's end, and before its begin.
    for (delay, mean_ps) in [("0", 2_000.0), ("2ns", 4_000.0), ("11ns", 500.0), ("-3ns", 11_500.0)]
    {
        let delay = format!("1={delay}");
        let asked = ["--channel", "1", "--delay", &delay, "--json"];
        let of = |args: &[&str]| json(&[&["trace"], args, &[&file], &asked[..]].concat());
        let said = of(&["histogram", "--of", "sync", "--bin", "16ps"]);
        assert!((number(&said, "mean_ps") - mean_ps).abs() < 20.0, "{delay}: {said}");
        assert!((number(&said, "period_s") - 12.5e-9).abs() < 1e-18);
        assert_eq!(said["total"], 10_000);
        let said = of(&["drift", "--peak"]);
        let mean = number(&said["channels"]["1"], "mean_s");
        let off = ((mean * 1e12 - mean_ps) / 12_500.0).rem_euclid(1.0);
        assert!(off.min(1.0 - off) < 0.01, "{delay}: {mean}");
    }
    // Times that have no period to be delayed in.
    let absolute = folder.path("absolute.csv");
    stdout(&helio(&["trace", "convert", &file, &absolute, "--absolute"]));
    let said = json(&["trace", "histogram", &absolute, "--of", "sync", "--json"]);
    assert_eq!(said["period_s"], Value::Null);
    let refused =
        complaint(&["trace", "histogram", &absolute, "--of", "sync", "--delay", "1=2ns"], 2);
    assert!(refused.contains("--sync"), "{refused}");
}

#[test]
fn the_time_after_the_sync_counts_when_folding_over_something_else() {
    let folder = Folder::new();
    let file = t3(&folder, 125);
    for other in [&["--sync", "0", "--divider", "20"][..], &["--period", "12.5ns"]] {
        let args = ["trace", "histogram", &file, "--of", "sync", "--channel", "1", "--bin", "10ps"];
        let said = json(&[&args[..], other, &["--json"]].concat());
        let mean = said["mean_ps"].as_f64().unwrap();
        assert!((mean - 2_000.0).abs() < 20.0, "{other:?}: {said}");
        assert!((said["bin_ps"].as_f64().unwrap() - 10.0).abs() < 1e-6);
        let said =
            json(&[&["trace", "drift", &file, "--channel", "1"], other, &["--json"]].concat());
        let mean = said["channels"]["1"]["mean_s"].as_f64().unwrap();
        assert!((mean - 2e-9).abs() < 20e-12, "{other:?}: {said}");
    }
}

#[test]
fn photons_have_no_allan_deviation() {
    let folder = Folder::new();
    let light = folder.trace("light.csv", &on(0, coherent(7, 1e6, 20_000)));
    let refused = complaint(&["trace", "allan", &light], 3);
    assert!(refused.contains("holds no clock there"), "{refused}");
}

#[test]
fn a_clock_has_its_allan_deviation() {
    let folder = Folder::new();
    let mut dice = Dice::new(5);
    let pulses: Vec<u64> =
        (0..20_000u64).map(|i| 1_000_000 * (i + 1) + (100.0 * dice.uniform()) as u64).collect();
    let file = folder.trace("clock.csv", &on(2, pulses));
    let said = json(&["trace", "allan", &file, "--json"]);
    // White phase noise of 100 ps/√12.
    let expected = 3.0f64.sqrt() * 100.0 / 12.0f64.sqrt() / 1e6;
    near(&said["deviation"][0], &said["error"][0], expected);
    let text = stdout(&helio(&["trace", "allan", &file]));
    assert!(text.contains("averaged") && text.contains("logarithmic, from 1e"), "{text}");
    // The 25 sync records of a real recording.
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trace/tests/data");
    let real = data.join("lpq_hydraharp_v20.ht2");
    let said = json(&["trace", "allan", real.to_str().unwrap(), "--json"]);
    assert_eq!(said["pulses"], 25);
}

#[test]
fn every_analysis_draws_and_writes_a_table() {
    let folder = Folder::new();
    let t2 = recording().to_str().unwrap().to_owned();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trace/tests/data");
    let t3 = data.join("lpq_hydraharp_v20.ht3").to_str().unwrap().to_owned();
    let clock = folder.trace("clock", &on(0, (1..5_000).map(|i| i * 1_000_000).collect()));
    let laser = folder.trace("laser", &laser(30_000, 0.0));
    let cases: [(&[&str], &[&str], &str); 10] = [
        (&["histogram", &t2], &["gap", "gaps per ns"], "channel,from_ps,to_ps,count,error,fit"),
        (
            &["histogram", &t2, "--bin", "5ns"],
            &["gap (µs)"],
            "channel,from_ps,to_ps,count,error,fit",
        ),
        (
            &["histogram", &t2, "--of", "start-stop"],
            &["delay (µs)", "first stops in"],
            "delay_ps,count,error,stop_rate_hz,stop_rate_error_hz",
        ),
        (&["histogram", &t3, "--of", "sync"], &["time after the sync (ns)"], "time_ps,count,error"),
        (
            &["histogram", &t2, "--of", "counts"],
            &["counts in a window", "windows"],
            "count,windows,error,poissonian",
        ),
        (&["drift", &t2], &["count rate"], "channel,time_s,value_hz,error_hz"),
        (&["drift", &t3, "--peak"], &["peak after the sync"], "channel,time_s,value_s,error_s"),
        (&["allan", &clock], &["averaging time"], "time_s,deviation,error,differences"),
        (
            &["jitter", &laser, "--period", "12.5ns"],
            &["time after the sync (ns)", "FWHM"],
            "time_ps,count,error,fit",
        ),
        (&["g2", &t2, "--log"], &["delay τ"], "from_ps,to_ps,pairs,expected,g2,error"),
    ];
    for (args, labels, header) in cases {
        let (svg, png, csv) = (folder.path("p.svg"), folder.path("p.png"), folder.path("t.csv"));
        let outputs = ["--plot", &svg, "--plot", &png, "--csv", &csv];
        let all: Vec<&str> = ["trace"].iter().chain(args).chain(&outputs).copied().collect();
        assert!(!stdout(&helio(&all)).is_empty());
        let svg = std::fs::read_to_string(svg).unwrap();
        for label in labels {
            assert!(svg.contains(label), "{args:?}: {label}");
        }
        assert!(!svg.contains("NaN"), "{args:?}");
        assert!(std::fs::read(png).unwrap().starts_with(b"\x89PNG"));
        let table = std::fs::read_to_string(csv).unwrap();
        assert_eq!(table.lines().next(), Some(header), "{args:?}");
        assert!(table.lines().count() > 5, "{args:?}");
        let part: Vec<&str> =
            ["trace"].iter().chain(args).chain(&["--from", "1ms", "--json"]).copied().collect();
        json(&part);
    }
}

#[test]
fn what_cannot_be_answered_is_told_in_a_sentence() {
    let folder = Folder::new();
    let t2 = recording().to_str().unwrap().to_owned();
    let empty = folder.trace("empty.csv", &[]);
    let one = folder.trace("one.csv", &[(5, 0)]);
    let same = folder.trace("same.csv", &vec![(7, 0); 2_000]);
    let far = folder.trace("far.csv", &[(0, 0), (1, 1), (u64::MAX / 4, 0), (u64::MAX / 4 + 1, 1)]);
    for args in [
        &["histogram"][..],
        &["histogram", "--of", "start-stop"],
        &["histogram", "--of", "sync", "--period", "1ns"],
        &["histogram", "--of", "counts"],
        &["drift"],
        &["drift", "--period", "1ns"],
        &["allan"],
        &["jitter", "--period", "1ns"],
        &["g2", "--log"],
    ] {
        let all: Vec<&str> =
            ["trace"].iter().chain(args).chain(&[empty.as_str()]).copied().collect();
        complaint(&all, 3);
        for file in [&one, &same, &far] {
            let all: Vec<&str> =
                ["trace"].iter().chain(args).chain(&[file.as_str()]).copied().collect();
            let code = helio(&all).status.code().unwrap();
            assert!([0, 2, 3].contains(&code), "{all:?}: {code}");
        }
    }
    for args in [
        &["histogram", "--bin", "1ps", "--range", "1s"][..],
        &["histogram", "--bin", "1s", "--range", "1ps"],
        &["histogram", "--period", "1ns"],
        &["histogram", "--of", "sync"],
        &["histogram", "--of", "sync", "--sync", "9"],
        &["histogram", "--of", "sync", "--period", "1ns", "--sync", "0"],
        &["histogram", "--of", "start-stop", "--channel", "0,0,0"],
        &["histogram", "--of", "counts", "--bin", "100s"],
        &["histogram", "--channel", "7"],
        &["drift", "--bin", "1ps"],
        &["drift", "--peak"],
        &["allan", "--channel", "9"],
        &["jitter", "--period", "5 apples"],
        &["g2", "--log", "--bin", "1s", "--range", "1ms"],
    ] {
        let all: Vec<&str> = ["trace"].iter().chain(args).chain(&[t2.as_str()]).copied().collect();
        assert_eq!(helio(&all).status.code(), Some(2), "{all:?}");
    }
    // Photons are no clock, and steady light has no peak.
    complaint(&["trace", "jitter", "--period", "1us", &t2], 3);
    let lonely = PathBuf::from(folder.path("gone.ptu"));
    complaint(&["trace", "allan", lonely.to_str().unwrap()], 3);
}
