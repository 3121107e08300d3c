use std::path::Path;
use std::time::Duration;

use helio_distill::Role;
use helio_distill::bound::{Acceptance, BoundChoice};
use helio_distill::parameters::{CodeChoice, Parameters, Receiver, SessionId};
use helio_units::TickLength;
use proptest::prelude::*;

use super::templates::Template;
use super::*;
use crate::bench::Scenario;
use crate::exit::Exit;
use crate::sim::Speed;

const TICK: TickLength = TickLength::CYCLE_150_MHZ;
const NOBODY: SessionId = SessionId([0; 16]);

fn station(template: Template) -> StationConfig {
    parse_station(template, &template.text()).unwrap_or_else(|e| panic!("{e}"))
}

fn parse_station(template: Template, text: &str) -> Result<StationConfig, ConfigFault> {
    StationConfig::parse(Path::new(template.file_name()), text)
}

fn sim(text: &str) -> Result<SimConfig, ConfigFault> {
    SimConfig::parse(Path::new("sim.toml"), text)
}

/// Where a part of a file stands outside comments.
fn at(text: &str, part: &str) -> usize {
    let in_comment = |at: usize| text[..at].rsplit('\n').next().is_some_and(|l| l.starts_with('#'));
    let mut all = text.match_indices(part).map(|(at, _)| at).filter(|at| !in_comment(*at));
    all.next().unwrap_or_else(|| panic!("{part:?} is not in the file"))
}

/// Replaces what must be there.
fn with(text: &str, from: &str, to: &str) -> String {
    let at = at(text, from);
    format!("{}{to}{}", &text[..at], &text[at + from.len()..])
}

/// The demo, with a clock that keeps its rate: the light of stations lives longer than a demo.
fn steady() -> Scenario {
    Scenario { clock_drift_ppb_per_s: 0.0, ..Scenario::default() }
}

#[test]
fn the_default_files_are_the_demo() {
    let demo = steady();
    let light = sim(&with(&Template::Sim.text(), "speed = ", "seed = 1\nspeed = ")).unwrap();
    assert_eq!(light.scenario(), demo);
    assert_eq!(light.scenario().bench(), demo.bench());
    assert_eq!((light.speed(), light.seed()), (Speed::RealTime(1.0), 1));
    assert_eq!(light.ports(), ["127.0.0.1:7001", "127.0.0.1:7002"]);

    let [alice, bob] = [station(Template::Alice), station(Template::Bob)];
    // Stations have a line between them: blocks of 4 s, round trips of 10 ms.
    let code = CodeChoice::Auto { round_trips: 400 };
    let parameters = Parameters { session: NOBODY, code, ..demo.parameters().unwrap() };
    for (station, key_weight) in [&alice, &bob].into_iter().zip(demo.key_weights) {
        assert_eq!(station.parameters(NOBODY), parameters);
        assert_eq!(station.configure(TICK).unwrap(), demo.configure(key_weight));
        assert_eq!(unlike_light(station, &light), [""; 0]);
    }
    assert_eq!(bob.slotter(TICK).unwrap(), demo.slotter());
    assert_eq!(differences(&alice, &bob), [""; 0]);
}

#[test]
fn a_sim_file_without_values_is_the_demo_too() {
    let text = "version = 1\nrole = \"sim\"\n";
    let (one, other) = (sim(text).unwrap(), sim(text).unwrap());
    assert_ne!(one.seed(), other.seed());
    assert_eq!(Scenario { seed: 1, ..one.scenario() }, steady());
    let shown = |config: &SimConfig| -> Vec<(String, String)> {
        let settings = config.settings().iter().filter(|s| s.key != "seed");
        settings.map(|s| (s.key.clone(), s.value.clone())).collect()
    };
    assert_eq!(shown(&one), shown(&sim(&Template::Sim.text()).unwrap()));
    assert!(
        one.settings().iter().all(|s| s.line.is_some() == ["version", "role"].contains(&&*s.key))
    );
}

#[test]
fn the_templates_write_every_key() {
    for template in [Template::Alice, Template::Bob] {
        let station = station(template);
        assert!(station.settings().iter().all(|s| s.line.is_some()), "{:?}", station.settings());
        assert_eq!(station.text(), template.text());
        let text = template.text();
        let lines: Vec<&str> = text.lines().collect();
        for setting in station.settings() {
            let key = setting.key.rsplit('.').next().unwrap();
            let line = lines[setting.line.unwrap() - 1];
            assert!(line.starts_with(&format!("{key} = ")), "{key}: {line}");
        }
    }
    for line in Template::ALL.map(Template::text).iter().flat_map(|text| text.lines()) {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn a_station_knows_itself() {
    let text = Template::Alice.text();
    let text = with(&text, "state = \"alice\"", "state = \"/var/alice\"");
    let alice = StationConfig::parse(Path::new("/etc/helio/a.toml"), &text).unwrap();
    assert_eq!((alice.role(), alice.peer()), (Role::Alice, "bob"));
    assert_eq!(alice.state(), Path::new("/var/alice"));
    assert_eq!(alice.runs(), Path::new("/etc/helio/runs"));
    assert_eq!(alice.device().to_string(), "tcp:127.0.0.1:7001");
    assert_eq!(
        *alice.line(),
        LineConfig {
            endpoint: Endpoint::Connect("127.0.0.1:7010".into()),
            silence: Duration::from_secs(30),
            lost_after: Duration::from_secs(10),
            clock_tolerance: Duration::from_secs(60),
        }
    );
    assert!(alice.detectors().is_empty());
    let bob = station(Template::Bob);
    assert_eq!(bob.line().endpoint, Endpoint::Listen("127.0.0.1:7010".into()));
    assert_eq!(bob.device().to_string(), "tcp:127.0.0.1:7002");
    let names: Vec<(u8, &str)> = bob.detectors().iter().map(|d| (d.input, &*d.name)).collect();
    assert_eq!(names, [(0, "SPAD 1"), (1, "SPAD 2")]);
    assert_eq!(bob.state(), Path::new("bob"));
}

#[test]
fn detectors_are_in_the_order_of_the_talk() {
    let text = Template::Bob.text();
    let text = with(&text, "role = \"H\"\n", "role = \"x\"\n");
    let text = with(&text, "role = \"V\"\ndelay = \"0 ps\"", "role = \"H\"\ndelay = \"-20 ns\"");
    let text = with(&text, "role = \"x\"\n", "role = \"V\"\n");
    let bob = parse_station(Template::Bob, &text).unwrap();
    let inputs: Vec<u8> = bob.detectors().iter().map(|d| d.input).collect();
    assert_eq!(inputs, [1, 0]);
    let delays = bob.slotter(TICK).unwrap().delays;
    assert_eq!(delays.iter().map(|d| d.0).collect::<Vec<_>>(), [(-3 << 32) - (1 << 31), -1 << 31]);

    let text =
        with(&Template::Bob.text(), "receiver = \"active with swap\"", "receiver = \"passive\"");
    let text = with(&text, "input = 2\n", "input = 4\n");
    let text =
        text + "[[channel]]\ninput = 3\nrole = \"D\"\n[[channel]]\ninput = 2\nrole = \"A\"\n";
    let bob = parse_station(Template::Bob, &text).unwrap();
    let names: Vec<(u8, &str)> = bob.detectors().iter().map(|d| (d.input, &*d.name)).collect();
    assert_eq!(names, [(0, "SPAD 1"), (1, "SPAD 2"), (3, "D"), (2, "A")]);
    assert_eq!(bob.parameters(NOBODY).receiver, Receiver::Passive);
    assert!(!bob.configure(TICK).unwrap().random_swap);
}

/// Each change of Bob's file, and the words with which it is refused.
#[test]
fn what_is_wrong_is_one_sentence_with_line_key_and_remedy() {
    let bob = Template::Bob.text();
    let line_of = |part: &str| 1 + bob[..at(&bob, part)].matches('\n').count();
    for (from, to, words) in [
        (
            "slot_rate",
            "slot_rat",
            &["unknown key `slot_rat` in [protocol], did you mean `slot_rate`?"][..],
        ),
        ("[station]", "[stations]", &["unknown key `stations`, did you mean `station`?"]),
        ("mu =", "nu =", &["unknown key `nu` in [protocol.intensity[0]]", "`mu`"]),
        ("listen =", "flimsy =", &["unknown key `flimsy` in [line], choose among `listen`"]),
        (
            "window = \"40 ns\"",
            "window = 40",
            &["`protocol.window` is 40:", "needs a unit", "10ns"],
        ),
        ("window = \"40 ns\"", "window = 40 ns", &["not TOML", "in double quotes"]),
        ("window = \"40 ns\"", "window = \"40 nm\"", &["\"40 nm\"", "a unit of ps, ns"]),
        ("window = \"40 ns\"", "window = \"0.0001 ns\"", &["`protocol.window`", "1 ps"]),
        ("window = \"40 ns\"", "window = \"201 ns\"", &["longer than a slot", "choose a shorter"]),
        ("window = \"40 ns\"", "window = [40]", &["`protocol.window` is a list", "double quotes"]),
        ("window = \"40 ns\"", "# none", &["`protocol.window` is missing", "helio config init"]),
        (
            "hold_off = \"100 ns\"",
            "hold_off = \"40 ns\"",
            &[
                "`protocol.hold_off` is 40 ns",
                "`detectors.longest_dead_time` of 50 ns",
                "at least 50 ns",
            ],
        ),
        ("version = 1", "version = 2", &["`version` is 2"]),
        ("version = 1", "", &["`version` is missing"]),
        ("role = \"bob\"", "role = \"rob\"", &["`role`", "\"bob\""]),
        ("role = \"bob\"", "role = \"sim\"", &["name a station's file"]),
        ("role = \"bob\"", "role = \"alice\"", &["`channel` is for Bob"]),
        ("address = \"sim\"", "address = \"usb\"", &["`device.address`", "write usb:SERIAL"]),
        ("address = \"sim\"", "address = true", &["`device.address` is true", "double quotes"]),
        (
            "listen = \"127.0.0.1:7010\"",
            "listen = \"127.0.0.1\"",
            &["`line.listen`", "127.0.0.1:7010"],
        ),
        ("listen = \"127.0.0.1:7010\"", "", &["`line.listen` is missing, and so is `connect`"]),
        (
            "listen = \"127.0.0.1:7010\"",
            "listen = \"a:1\"\nconnect = \"b:1\"",
            &["beside `listen`"],
        ),
        ("silence = \"30 s\"", "silence = \"30\"", &["`line.silence`", "needs a unit"]),
        ("silence = \"30 s\"", "silence = \"30000000 s\"", &["`line.silence`", "choose"]),
        ("silence = \"30 s\"", "silence = \"90000 s\"", &["`line.silence`", "at most 86400 s"]),
        ("slot_rate = \"5 MHz\"", "slot_rate = 5", &["`protocol.slot_rate` is 5", "unit of Hz"]),
        ("20_000_000", "\"20 M\"", &["`protocol.slots_per_block`", "a whole number"]),
        ("20_000_000", "0", &["`protocol.slots_per_block` is 0", "from 1 to 4000000000"]),
        ("20_000_000", "99999999999999999999", &["`protocol.slots_per_block`", "whole number"]),
        ("sync_spacing = 64", "sync_spacing = 1", &["from 2 to 65535"]),
        ("0x4f1b_bcdd", "0x8000_0000", &["`protocol.sync_seed` is 2147483648", "2147483647"]),
        ("intensity_uncertainty = \"0 %\"", "intensity_uncertainty = \"half\"", &["unmeasured"]),
        (
            "intensity_uncertainty = \"0 %\"",
            "intensity_uncertainty = \"0.00016 %\"",
            &["round it to 0.0002 %"],
        ),
        ("0.6278 photons", "0.6278", &["mu` is \"0.6278\"", "photons"]),
        (
            "0.6278 photons",
            "0.6278000007 photons",
            &["round it to 0.627800001 photons", "0.000000001"],
        ),
        ("0.6278 photons", "0.26 photons", &["`protocol.intensity`", "two decoys need"]),
        ("1035/4096", "24.9 %", &["`protocol.intensity[0].probability`", "the nearest, 1020/4096"]),
        ("1035/4096", "1036/4096", &["4097/4096"]),
        ("1035/4096", "0/4096", &["at least 1/4096"]),
        (
            "bob_key_basis = \"3028/4096\"",
            "bob_key_basis = \"1/1\"",
            &["`protocol.bob_key_basis` is 4096/4096"],
        ),
        (
            "receiver = \"active with swap\"",
            "receiver = \"active with swab\"",
            &["did you mean \"active with swap\"?"],
        ),
        (
            "receiver = \"active with swap\"",
            "receiver = \"none\"",
            &["choose \"active with swap\", \"active without swap\" or \"passive\""],
        ),
        (
            "receiver = \"active with swap\"",
            "receiver = \"passive\"",
            &["`channel[2].input` is 2", "always the device's last one", "write 4"],
        ),
        ("1.1226 ms", "5613", &["`protocol.clock_bound`", "5613 slots"]),
        ("1.1226 ms", "1000 s", &["`protocol.clock_bound`", "4294967295"]),
        ("epsilon = 1e-10", "epsilon = 1", &["`protocol.epsilon`", "choose"]),
        ("epsilon = 1e-10", "epsilon = nan", &["`protocol.epsilon` is nan", "1e-10"]),
        ("epsilon = 1e-10", "epsilon = \"1e-10\"", &["without quotes"]),
        ("code = \"auto\"", "code = \"ldcp\"", &["did you mean \"ldpc\"?"]),
        ("qber_margin = \"0 %\"", "qber_margin = \"101 %\"", &["within 0 % and 100 %"]),
        ("match = \"calibrated\"", "match = \"assumed\"", &["although `delta1` is written"]),
        ("match = \"calibrated\"", "", &["`detectors.match` is missing"]),
        (
            "delta1 = 0.0003921346608734328",
            "",
            &["`detectors.delta1` is missing", "nobody may guess"],
        ),
        (
            "delta2 = 0.00019605771983720026",
            "",
            &["`detectors.delta2` is missing", "nobody may guess"],
        ),
        ("delta2 = 0.00019605771983720026", "delta2 = 1.0", &["`detectors.delta2`", "[0, 1)"]),
        (
            "delta2 = 0.00019605771983720026",
            "delta2 = 0.0",
            &["`detectors.delta2` cannot be", "bounds a mismatch", "match = \"assumed\""],
        ),
        (
            "delta1 = 0.0003921346608734328\ndelta2 = 0.00019605771983720026",
            "efficiency_tolerance = \"0 %\"\ndark_tolerance = \"0 %\"\ndark_probability = 1e-6",
            &["`detectors.efficiency_tolerance` and", "delta1 = 0,", "match = \"assumed\""],
        ),
        ("date = \"2026-11-24\"", "date = \"2026-02-30\"", &["ISO 8601", "2026-11-24"]),
        ("date = \"2026-11-24\"", "date = \"24.11.2026\"", &["ISO 8601"]),
        ("date = \"2026-11-24\"", "date = 07:30:00", &["ISO 8601"]),
        ("device = \"virtual Bob\"", "", &["`detectors.device` is missing"]),
        ("valid_days = 365", "valid_days = 0", &["`detectors.valid_days`", "1 to 3650"]),
        (
            "delta1 = 0.0003921346608734328",
            "efficiency_tolerance = \"1 %\"",
            &["`detectors.delta2`", "`efficiency_tolerance` too", "remove one"],
        ),
        (
            "delta1 = 0.0003921346608734328\ndelta2 = 0.00019605771983720026",
            "efficiency_tolerance = \"1 %\"\ndark_tolerance = \"0 %\"",
            &["`detectors.dark_probability` is missing"],
        ),
        (
            "delta1 = 0.0003921346608734328\ndelta2 = 0.00019605771983720026",
            "efficiency_tolerance = \"100 %\"\ndark_tolerance = \"0 %\"\ndark_probability = 1e-6",
            &["delta1 = 1.172", "no key", "match the detectors better"],
        ),
        ("longest_dead_time = \"50 ns\"", "", &["`detectors.longest_dead_time` is missing"]),
        ("input = 1\n", "input = 0\n", &["`channel[1].input` is 0 a second time"]),
        ("input = 1\n", "input = 7\n", &["`channel[1].input` is 7", "at 0 to 1"]),
        (
            "input = 2\n",
            "input = 3\n",
            &["`channel[2].input` is 3", "always the device's last", "write 2"],
        ),
        ("role = \"V\"", "role = \"H\"", &["`channel[1].role` is \"H\" a second time"]),
        ("role = \"V\"", "role = \"D\"", &["an active receiver has H, V and sync"]),
        (
            "role = \"sync\"",
            "role = \"sync\"\ndelay = \"1 ns\"",
            &["`channel[2].delay` has no meaning"],
        ),
        ("delay = \"0 ps\"", "delay = \"1 s\"", &["100 µs"]),
        (
            "[[channel]]\ninput = 2\nname = \"sync photodiode\"\nrole = \"sync\"\n",
            "",
            &["`channel` lacks the role \"sync\"", "H, V and sync", "add a [[channel]]"],
        ),
        ("[[channel]]\ninput = 2", "[x]\ninput = 2", &["unknown key `x`"]),
        ("[[channel]]\ninput = 0", "[channel]\ninput = 0", &["TOML"]),
        ("[device]", "device = 3\n[other]", &["`device"]),
    ] {
        let text = with(&bob, from, to);
        let fault = parse_station(Template::Bob, &text).expect_err(to);
        let said = fault.to_string();
        for word in words {
            assert!(said.contains(word), "{from:?} -> {to:?}: {word:?} is not in: {said}");
        }
        assert!(said.starts_with("bob.toml") && said.lines().count() == 1, "{said}");
        assert!(!said.ends_with('.'), "{said}");
        assert_eq!(fault.exit(), Exit::Configuration);
        // Where the key is still written, its own line is named.
        if to.contains('=')
            && !to.contains('\n')
            && !words[0].contains("intensity`")
            && !to.contains("passive")
        {
            let ConfigFault::Content { line, .. } = fault else { panic!("{said}") };
            let line = line.unwrap_or(line_of(from));
            assert_eq!(line, line_of(from), "{to}: {said}");
        }
    }
}

/// Source: δ1 and δ2 follow from measured tolerances, and a calibration of too long ago, or of a day
/// that is yet to come, is refused.
#[test]
fn deltas_follow_from_tolerances_and_a_calibration_ages() {
    let bob = Template::Bob.text();
    let written = "delta1 = 0.0003921346608734328\ndelta2 = 0.00019605771983720026";
    let measured =
        "efficiency_tolerance = \"5 %\"\ndark_tolerance = \"5 %\"\ndark_probability = 1e-6";
    for (receiver, deltas) in [
        ("active with swap", [0.009_080_584_678_291_046, 0.004_535_138_775_514_297]),
        ("active without swap", [0.195_240_694_678_939_84, 0.095_238_049_999_976_25]),
    ] {
        let text = with(&bob, "\"active with swap\"", &format!("{receiver:?}"));
        let station = parse_station(Template::Bob, &with(&text, written, measured)).unwrap();
        let found = station.parameters(NOBODY).detectors.mismatch();
        for (found, expected) in [found.delta1, found.delta2].into_iter().zip(deltas) {
            assert!((found - expected).abs() < 1e-12, "{receiver}: {found}, not {expected}");
        }
    }
    // Noon of the day of the calibration, 2026-11-24.
    const MADE: u64 = 1_795_521_600;
    const DAY: u64 = 86_400;
    let station = station(Template::Bob);
    assert_eq!(station.calibrated_device(), Some("virtual Bob"));
    for age in [0, 1, 364, 365] {
        assert_eq!(station.check_calibration(MADE + age * DAY), Ok(()), "{age} days");
    }
    let line = 1 + bob[..at(&bob, "date = \"2026-11-24\"")].matches('\n').count();
    let old = station.check_calibration(MADE + 366 * DAY).unwrap_err();
    assert_eq!(old.exit(), Exit::Configuration);
    let told = old.to_string();
    for words in [&format!("bob.toml line {line}"), "366 days ago", "calibrate again"] {
        assert!(told.contains(words), "{words:?} is not in: {told}");
    }
    assert!(station.check_calibration(MADE - 3 * DAY).is_err(), "of a day that is yet to come");
    let short = with(&bob, "valid_days = 365", "valid_days = 7");
    let short = parse_station(Template::Bob, &short).unwrap();
    assert!(short.check_calibration(MADE + 8 * DAY).is_err());
    // What nobody calibrated does not age; each key says that it is assumed.
    let assumed = with(&bob, "\"calibrated\"", "\"assumed\"");
    let from = at(&assumed, "delta1 = ");
    let to = at(&assumed, "# The longest dead time");
    let assumed = format!("{}{}", &assumed[..from], &assumed[to..]);
    let assumed = parse_station(Template::Bob, &assumed).unwrap();
    assert_eq!(assumed.calibrated_device(), None);
    assert_eq!(assumed.check_calibration(u64::MAX), Ok(()));
}

#[test]
fn light_that_cannot_be_is_told_by_its_key() {
    let text = Template::Sim.text();
    for (from, to, words) in [
        ("\"real time\"", "\"warp\"", &["`speed` is \"warp\"", "2x"][..]),
        ("speed = ", "seed = -1\nspeed = ", &["`seed` is -1", "from 0"]),
        ("7002\"\n\n", "7001\"\n\n", &["`ports.bob`", "Alice's too"]),
        ("\"5 MHz\"", "\"4.99 MHz\"", &["`light.slot_rate`", "20000/3 ps", "such as 5 MHz"]),
        ("\"5 MHz\"", "\"1 kHz\"", &["`light.slot_rate`", "choose"]),
        ("\"5 MHz\"", "\"200 MHz\"", &["`light.slot_rate`", "such as 150 MHz"]),
        ("\"20000/3 ps\"", "\"0 ps\"", &["`light.tick`"]),
        (
            "\"0.6278 photons\", \"0.2734 photons\", ",
            "",
            &["`light.mu` is a list", "a list of two or three"],
        ),
        ("\"0.6278 photons\"", "\"0.1 photons\"", &["`light.mu`", "brightest first"]),
        ("\"25 km\"", "\"1001 km\"", &["`fibre.length` gives 1001 km", "0 to 1000 km"]),
        (
            "length = \"25 km\"",
            "length = \"25 km\"\nloss = \"3 dB\"",
            &["`fibre.loss`", "beside `length`"],
        ),
        ("\"0.2 dB/km\"", "\"0.2 dB\"", &["`fibre.attenuation`", "the unit dB/km"]),
        ("\"95 mrad\"", "\"7 rad\"", &["`fibre.rotation`", "6.28"]),
        ("loss = \"2 dB\"", "loss = \"101 dB\"", &["`receiver.loss`", "0 to 100 dB"]),
        ("\"80 %\"", "\"101 %\"", &["`detectors.efficiency`"]),
        ("\"100 Hz\"", "\"20 MHz\"", &["`detectors.dark_rate`", "10000000 Hz"]),
        ("\"100 ps\"", "\"-1 ps\"", &["`detectors.jitter`", "0 to 50000"]),
        ("dead_time = \"50 ns\"", "dead_time = \"2 ms\"", &["`detectors.dead_time`", "1000 µs"]),
        ("afterpulse = \"0 %\"", "afterpulse = \"60 %\"", &["`detectors.afterpulse` gives 60 %"]),
        ("\"3.7 ppm\"", "\"201 ppm\"", &["`clock.offset`"]),
        ("drift = \"0 ppb/s\"", "drift = \"2 ppb\"", &["`clock.drift`", "ppb/s"]),
        ("[eve]", "[evil]", &["unknown key `evil`", "`eve`"]),
        ("role = \"sim\"", "role = \"bob\"", &["name the file of the light"]),
    ] {
        let said = sim(&with(&text, from, to)).expect_err(to).to_string();
        for word in words {
            assert!(said.contains(word), "{to:?}: {word:?} is not in: {said}");
        }
        assert!(said.starts_with("sim.toml line ") || to.contains("bob"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let fixed = with(&text, "length = \"25 km\"\nattenuation = \"0.2 dB/km\"", "loss = \"5 dB\"");
    let scenario = sim(&fixed).unwrap().scenario();
    assert_eq!((scenario.km(), scenario.path.loss().0), (None, 5.0));
}

#[test]
fn a_slot_of_no_whole_ticks_is_refused_with_the_nearest_rate() {
    let text = with(&Template::Bob.text(), "\"5 MHz\"", "\"4.9 MHz\"");
    let bob = parse_station(Template::Bob, &text).unwrap();
    let said = bob.slot_ticks(TICK).unwrap_err().to_string();
    for word in ["bob.toml line ", "`protocol.slot_rate` is 4.9 MHz", "20000/3 ps", "150 MHz / 31"]
    {
        assert!(said.contains(word), "{said}");
    }
    assert!(bob.configure(TICK).is_err() && bob.slotter(TICK).is_err());
    let text = with(&Template::Bob.text(), "\"5 MHz\"", "\"150 MHz / 31\"");
    assert_eq!(parse_station(Template::Bob, &text).unwrap().slot_ticks(TICK), Ok(31));
}

#[test]
fn every_difference_of_a_pair_is_named() {
    let (alice, text) = (station(Template::Alice), Template::Bob.text());
    for (from, to, key) in [
        ("\"5 MHz\"", "\"150 MHz / 31\"", "protocol.slot_rate` is 5 MHz in alice.toml line "),
        ("20_000_000", "20_000_001", "protocol.slots_per_block` is 20000000 in alice.toml line "),
        ("sync_spacing = 64", "sync_spacing = 32", "protocol.sync_spacing` is 64"),
        ("0x4f1b_bcdd", "7", "protocol.sync_seed` is 1327217885"),
        ("uncertainty = \"0 %\"", "uncertainty = \"unmeasured\"", "intensity_uncertainty` is 0 %"),
        ("alice_key_basis = \"3028", "alice_key_basis = \"3008", "protocol.alice_key_basis`"),
        ("bob_key_basis = \"3028", "bob_key_basis = \"3008", "protocol.bob_key_basis`"),
        ("with swap\"", "without swap\"", "protocol.receiver` is active with swap"),
        ("\"40 ns\"", "\"41 ns\"", "protocol.window` is 40 ns"),
        ("\"100 ns\"", "\"101 ns\"", "protocol.hold_off` is 100 ns"),
        ("1.1226 ms", "5614 slots", "protocol.clock_bound` is 1.1226 ms"),
        ("= 1e-10", "= 2e-10", "protocol.epsilon` is 1e-10"),
        ("\"auto\"\n", "\"cascade\"\n", "code` is auto"),
        ("round_trip = \"10 ms\"", "round_trip = \"1 s\"", "round_trip` is 10 ms"),
        ("qber_margin = \"0 %\"", "qber_margin = \"1 %\"", "protocol.qber_margin` is 0 %"),
        ("0.2734", "0.2735", "mu (1e-9 photons)`"),
        ("id = \"", "id = \"not ", "detectors.id`"),
        ("2026-11-24", "2026-11-25", "detectors.date`"),
        ("delta1 = 0.0003", "delta1 = 0.0004", "detectors.delta1`"),
        ("delta2 = 0.0001", "delta2 = 0.0002", "detectors.delta2`"),
    ] {
        let bob = parse_station(Template::Bob, &with(&text, from, to));
        let bob = bob.unwrap_or_else(|fault| panic!("{fault}"));
        let found = differences(&alice, &bob);
        assert!(found.len() == 1 && found[0].contains(key), "{to}: {found:?}");
    }
    // The same in other words is the same.
    for (from, to) in
        [("1.1226 ms", "5613 slots"), ("\"40 ns\"", "\"0.04 us\""), ("\"50 ns\"", "\"60 ns\"")]
    {
        let bob = parse_station(Template::Bob, &with(&text, from, to)).unwrap();
        assert_eq!(differences(&alice, &bob), [""; 0]);
    }
}

/// Some text instead of a part of a file.
fn mutilated() -> impl Strategy<Value = String> {
    let templates = Template::ALL.map(Template::text);
    let part = prop_oneof![
        any::<String>(),
        "[a-z_]{0,8} ?= ?\"?[0-9./-]{0,24} ?(ps|ns|s|%|dB|MHz|photons|slots)?\"?\n?",
        "(= ?)?(\\[\\]|\\{\\}|\\[\\[|inf|-1|0x|true|1e999|2026-01-01)",
    ];
    (0..templates.len(), any::<(prop::sample::Index, prop::sample::Index)>(), part).prop_map(
        move |(which, (from, length), part)| {
            let text = &templates[which];
            let from = text.floor_char_boundary(from.index(text.len()));
            let to = text.ceil_char_boundary((from + length.index(40)).min(text.len()));
            format!("{}{part}{}", &text[..from], &text[to..])
        },
    )
}

proptest! {
    /// Whatever a file holds, it is read or refused in one line.
    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof![any::<String>(), mutilated()]) {
        for refused in [
            AnyConfig::parse(Path::new("x.toml"), &text).err(),
            StationConfig::parse(Path::new("x.toml"), &text).err(),
            SimConfig::parse(Path::new("x.toml"), &text).err(),
        ].into_iter().flatten() {
            prop_assert_eq!(refused.to_string().lines().count(), 1, "{}", refused);
        }
        if let Ok(AnyConfig::Station(station)) = AnyConfig::parse(Path::new("x.toml"), &text) {
            for tick in [TICK, TickLength::new(1, 2).unwrap()] {
                prop_assert_eq!(station.slotter(tick).is_ok(), station.slot_ticks(tick).is_ok());
            }
        }
    }
}

/// A station's file for one decoy, from the template.
fn one_decoy(template: Template) -> String {
    let text = template.text();
    let acceptance = "bound = \"wiesemann\"\n\n[protocol.acceptance]\nsingle_photons = 346_713\n\
                      phase_error = \"7.77057 %\"\nleak_bits = 76_164\n";
    let text = with(&text, "bound = \"varlen2d\"", acceptance);
    let third = "[[protocol.intensity]]\nmu = \"0.0005 photons\"\nprobability = \"1004/4096\"\n";
    let text = with(&text, third, "");
    let text = with(&text, "1035/4096", "2039/4096");
    let (begin, end) = (at(&text, "match = \"calibrated\""), at(&text, "longest_dead_time"));
    format!("{}match = \"assumed\"\n{}", &text[..begin], &text[end..])
}

#[test]
fn a_file_may_ask_for_one_decoy_and_a_fixed_length() {
    let [alice, bob] = [Template::Alice, Template::Bob]
        .map(|t| parse_station(t, &one_decoy(t)).unwrap_or_else(|e| panic!("{e}")));
    assert_eq!(differences(&alice, &bob), [""; 0]);
    let parameters = alice.parameters(NOBODY);
    assert_eq!(parameters.check(), Ok(()));
    let accept =
        Acceptance { single_photons: 346_713, phase_error_nano: 77_705_700, lambda_max: 76_164 };
    assert_eq!(parameters.bound, BoundChoice::Wiesemann(accept));
    assert_eq!(parameters.mu_nano, [627_800_000, 273_400_000, 0]);
    assert_eq!(alice.configure(TICK).unwrap().intensity_weights, [2039, 2057, 0, 0]);
    // The light may have two levels, or a third that nobody chooses.
    let two = with(&Template::Sim.text(), ", \"0.0005 photons\"]", "]");
    assert_eq!(sim(&two).unwrap().scenario().mu_nano, [627_800_000, 273_400_000, 0]);

    let text = one_decoy(Template::Bob);
    let other = with(&text, "leak_bits = 76_164", "leak_bits = 76_165");
    let other = parse_station(Template::Bob, &other).unwrap();
    let found = differences(&alice, &other);
    assert!(matches!(&found[..], [d] if d.contains("protocol.acceptance.leak_bits")), "{found:?}");
    for (from, to, words) in [
        ("bound = \"wiesemann\"", "bound = \"rusca2018\"", "choose"),
        ("bound = \"wiesemann\"", "bound = \"varlen2d\"", "`protocol.acceptance` is written"),
        ("single_photons = 346_713", "single_photons = 0", "single_photons"),
        ("single_photons = 346_713", "single_photons = 76_000", "leaves no key"),
        ("single_photons = 346_713", "photons = 346_713", "unknown key `photons`"),
        ("phase_error = \"7.77057 %\"", "phase_error = \"50 %\"", "below 50 %"),
        ("phase_error = \"7.77057 %\"", "", "`protocol.acceptance.phase_error` is missing"),
        ("[protocol.acceptance]", "[protocol.accept]", "unknown key"),
        (
            "match = \"assumed\"\n",
            "match = \"calibrated\"\ndelta1 = 0.001\ndelta2 = 0.001\n\
          id = \"c\"\ndate = \"2026-11-24\"\ndevice = \"b\"\n",
            "no term for detectors that differ",
        ),
    ] {
        let fault = parse_station(Template::Bob, &with(&text, from, to)).unwrap_err().to_string();
        assert!(fault.contains(words), "{words:?} is missing in: {fault}");
    }
    let three = with(&Template::Bob.text(), "bound = \"varlen2d\"", "bound = \"wiesemann\"");
    let fault = parse_station(Template::Bob, &three).unwrap_err().to_string();
    assert!(fault.contains("optimise --bound wiesemann"), "{fault}");
}

#[test]
fn a_station_says_where_its_settings_come_from() {
    let alice = Template::Alice.text();
    let path = Path::new("alice.toml");
    let parse = |text: &str| StationConfig::parse(path, text);
    let source = |text: &str| parse(text).unwrap().settings_source().clone();
    for (word, choice) in [
        ("device", SettingsChoice::Device),
        ("csprng", SettingsChoice::Csprng),
        ("host-seed", SettingsChoice::HostSeed),
        ("host-feed", SettingsChoice::HostFeed),
    ] {
        let text = with(&alice, "\"device\"\n", &format!("\"{word}\"\n"));
        assert_eq!(source(&text), choice);
    }
    let missing = with(&alice, "settings_source = \"device\"\n", "");
    assert_eq!(source(&missing), SettingsChoice::Device);
    let fed = |path: &str| {
        let lines = format!("\"host-feed\"\nsettings_feed = {path:?}\n");
        with(&alice, "\"device\"\n", &lines)
    };
    let generator = source(&fed("/dev/hwrng"));
    assert_eq!(generator, SettingsChoice::HostQrng("/dev/hwrng".into()));
    assert_eq!(generator.to_string(), "host-qrng:hwrng");
    let long = "/dev/".to_owned() + &"x".repeat(32);
    for (text, told) in [
        (with(&alice, "\"device\"\n", "\"pattern\"\n"), "choose"),
        (with(&alice, "\"device\"\n", "\"host-sed\"\n"), "did you mean \"host-seed\"?"),
        (with(&alice, "settings_source", "settings_sauce"), "settings_sauce"),
        (fed("/dev/a b"), "`device.settings_feed` must end in a name"),
        (fed("/dev/.."), "`device.settings_feed` must end in a name"),
        (fed(&long), "at most 31 letters"),
        (with(&fed("/dev/hwrng"), "\"host-feed\"", "\"csprng\""), "is for settings_source"),
    ] {
        let fault = parse(&text).unwrap_err().to_string();
        assert!(fault.contains(told), "{fault}");
    }
    let bob = with(&Template::Bob.text(), "\"device\"\n", "\"host-feed\"\n");
    let path = Path::new("bob.toml");
    assert!(StationConfig::parse(path, &bob).is_ok());
}

#[test]
fn bobs_station_says_what_its_slots_follow_and_when_detectors_are_open() {
    use helio_bench::{GateWindow, SlotClockMode};
    let bob = Template::Bob.text();
    let tick = TickLength::CYCLE_150_MHZ;
    let parse = |text: &str| StationConfig::parse(Path::new("bob.toml"), text);
    let plain = parse(&bob).unwrap();
    let configure = plain.configure(tick).unwrap();
    assert_eq!((configure.slot_clock, configure.gate), (SlotClockMode::Sync, None));
    let missing = parse(&with(&bob, "slot_clock = \"sync\"\n", "")).unwrap();
    assert_eq!(missing.slot_clock(), SlotClockMode::Sync);

    let gated = with(&bob, "# gate_start = \"60ns\"", "gate_start = \"60ns\"");
    let gated = with(&gated, "# gate_width = \"80ns\"", "gate_width = \"80ns\"");
    let gated = with(&gated, "slot_clock = \"sync\"", "slot_clock = \"steered\"");
    let configure = parse(&gated).unwrap().configure(tick).unwrap();
    assert_eq!(configure.slot_clock, SlotClockMode::Steered);
    assert_eq!(configure.gate, Some(GateWindow { start: 9, width: 12 }));

    for (from, to, told) in [
        ("\"steered\"", "\"free\"", "make no key"),
        ("\"steered\"", "\"steerd\"", "did you mean \"steered\"?"),
        ("gate_start = \"60ns\"", "gate_start = \"160ns\"", "the gate lies within the slot"),
        ("gate_start = \"60ns\"\n", "", "write both or none"),
        ("gate_width = \"80ns\"\n", "", "write both or none"),
        ("gate_width = \"80ns\"", "gate_width = \"0ns\"", "a time lies within"),
        ("gate_start = \"60ns\"", "gate_start = \"-1ns\"", "the gate lies within the slot"),
        ("gate_width", "gate_widht", "gate_widht"),
    ] {
        let fault = parse(&with(&gated, from, to)).unwrap_err().to_string();
        assert!(fault.contains(told), "{fault}");
    }
    let narrow = parse(&with(&gated, "gate_width = \"80ns\"", "gate_width = \"1ns\"")).unwrap();
    let fault = narrow.configure(tick).unwrap_err().to_string();
    assert!(fault.contains("a gate of a tick or more"), "{fault}");
    // The window is 80 ns to 120 ns: a gate opens 6.67 ns before it and closes as much after it.
    for (start, width, fits) in
        [("73ns", "54ns", true), ("80ns", "60ns", false), ("60ns", "60ns", false)]
    {
        let moved = with(&gated, "gate_start = \"60ns\"", &format!("gate_start = {start:?}"));
        let moved = with(&moved, "gate_width = \"80ns\"", &format!("gate_width = {width:?}"));
        let found = parse(&moved).unwrap().configure(tick);
        assert_eq!(found.is_ok(), fits, "{start} {width}: {found:?}");
        if let Err(fault) = found {
            assert!(fault.to_string().contains("narrower window"), "{fault}");
        }
    }
    let alice = Template::Alice.text();
    let alice = with(&alice, "settings_source", "slot_clock = \"steered\"\nsettings_source");
    let fault = StationConfig::parse(Path::new("alice.toml"), &alice).unwrap_err().to_string();
    assert!(fault.contains("is for Bob"), "{fault}");
}
