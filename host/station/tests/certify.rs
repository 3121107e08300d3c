//! `helio certify`: a certificate stands or falls, figure by figure, by its public part alone.

use std::fs;
use std::path::Path;

use helio_distill::Role;
use helio_distill::bound::{Acceptance, BoundChoice, Ledger};
use helio_distill::certificate::{Certificate, PublicPart};
use helio_distill::parameters::Parameters;
use helio_distill::release::StationStore;
use helio_keys::{EntropySource, SecretKey, SeededEntropy, Simulated, SimulatedDevices};
use helio_station::certificates::{MAX_BYTES, Paper, PaperFault, read};
use helio_station::store::{DiskStore, Identity, Pairing};
use proptest::prelude::*;
use serde_json::{Value, json};

#[path = "../../distill/tests/talk/channel.rs"]
#[allow(dead_code)]
mod channel;
#[path = "support/command.rs"]
mod command;
#[path = "../../distill/tests/talk/pair.rs"]
#[allow(dead_code)]
mod pair;

use channel::Link;
use command::{complaint, helio};
use pair::{Pair, carry};

/// A certificate as the talk makes it: Bob's, with the errors of the key basis.
fn certificate() -> Certificate {
    static MADE: std::sync::OnceLock<Certificate> = std::sync::OnceLock::new();
    let make = || {
        let mut pair = Pair::<pair::Store>::new(1_000_000, 1);
        pair.connect(&mut carry);
        pair.block(0, Link::GOOD, &mut carry);
        let (_, certificate) = pair.bob.store().usable(pair.id(0)).expect("a key");
        certificate.clone()
    };
    MADE.get_or_init(make).clone()
}

fn value(part: &impl serde::Serialize) -> Value {
    serde_json::to_value(part).expect("JSON")
}

fn certify(at: &Path, name: &str, contents: &str, code: i32) -> Vec<Value> {
    fs::write(at.join(name), contents).expect("written");
    let output = helio(at, &["certify", name, "--json"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert_eq!(told.lines().count(), usize::from(code != 0), "{told}");
    let all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    all["certificates"].as_array().expect("a list").clone()
}

#[test]
fn a_public_part_alone_a_full_certificate_and_a_list_stand() {
    let here = tempfile::tempdir().expect("a folder");
    let at = here.path();
    let both = certificate();
    let (public, full) = (value(&both.public), value(&both));
    // Compact, pretty, and one a line with blank lines between.
    let list = format!("{public}\n\n{full}\n{public}\n");
    for (contents, lines) in [
        (public.to_string(), vec![1]),
        (format!("\n{public:#}"), vec![2]),
        (format!("{full:#}\n"), vec![1]),
        (list, vec![1, 3, 4]),
    ] {
        let judged = certify(at, "c.json", &contents, 0);
        let found: Vec<u64> = judged.iter().filter_map(|j| j["line"].as_u64()).collect();
        assert_eq!(found, lines);
        for one in judged {
            assert_eq!((&one["stands"], &one["reason"]), (&json!(true), &Value::Null));
            assert_eq!(
                (&one["length"], &one["computed_length"]),
                (&public["length"], &public["length"])
            );
            assert_eq!(one["differences"], json!([]));
            assert_eq!(one["origin"], "SIMULATED");
        }
    }
    let text = helio(at, &["certify", "c.json"]);
    assert!(text.status.success());
    let text = String::from_utf8(text.stdout).expect("text");
    let (stands, rest): (Vec<_>, Vec<_>) = text.lines().partition(|l| l.ends_with(": stands"));
    assert_eq!((stands.len(), rest.len()), (3, 3), "{text}");
    assert!(rest.iter().all(|l| l.contains("varlen2d") && l.contains("assumed matched")), "{text}");
}

/// Every number, text and flag of the public part that follows from something else is changed, one at
/// a time: each is named. The others are what a certificate says and nobody can recompute.
#[test]
fn every_figure_that_differs_is_named() {
    let mut leaves = Vec::new();
    collect(&value(&certificate().public), String::new(), &mut leaves);
    assert!(leaves.len() > 120, "{} leaves", leaves.len());
    let stated_only =
        ["/software", "/randomness/", "/origin", "/id/block", "/announced/made_unix_s"];
    let here = tempfile::tempdir().expect("a folder");
    let (mut named, mut refused) = (0, Vec::new());
    for leaf in &leaves {
        let mut public = value(&certificate().public);
        let target = public.pointer_mut(leaf).expect("a leaf");
        *target = changed(target);
        let mut papers = Vec::new();
        if read(public.to_string().as_bytes(), &mut |paper| papers.push(paper)).is_err() {
            refused.push(leaf.as_str());
            continue;
        }
        let examined = helio_distill::certificate::examine(&papers[0].public);
        let fell = match &examined {
            Ok(found) => !found.differences.is_empty(),
            Err(_) => true,
        };
        let said_only = stated_only.iter().any(|s| leaf.starts_with(s));
        let parameter_without_effect = [
            "/parameters/hold_off_ps",
            "/parameters/window_ps",
            "/parameters/clock_bound_slots",
            "/parameters/sync_spacing",
            "/parameters/alice_key_weight",
            "/parameters/bob_key_weight",
            "/parameters/slots_per_block",
        ];
        let free = said_only || parameter_without_effect.contains(&leaf.as_str());
        assert!(fell || free, "{leaf} was changed and the certificate stands");
        named += usize::from(fell);
    }
    assert!(named > 100, "{named} of {} were named, {refused:?} refused", leaves.len());

    // And all of them at once, not only the first.
    let mut public = certificate().public;
    public.lambda_max -= 1;
    public.length += 1;
    public.bound.phi /= 2.0;
    let Ledger::Composed(epsilon) = &mut public.epsilon else { panic!("two decoys") };
    epsilon.sampling /= 2.0;
    public.weakest_randomness = "true random (dice, none)".into();
    public.assumptions.pop();
    let judged = certify(here.path(), "c.json", &value(&public).to_string(), 9);
    let fields: Vec<&str> = judged[0]["differences"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|d| d["field"].as_str())
        .collect();
    for field in [
        "lambda_max",
        "length",
        "bound.phi",
        "epsilon.sampling",
        "weakest_randomness",
        "assumptions",
    ] {
        assert!(fields.contains(&field), "{field} is not among {fields:?}");
    }
    assert_eq!(fields.len(), 6, "{fields:?}");
    assert_eq!(judged[0]["stands"], false);
    assert_eq!(judged[0]["computed_length"], certificate().public.length);
    let text = helio(here.path(), &["certify", "c.json"]);
    complaint(&text, 9, &["1 of 1", "do not stand"]);
    let text = String::from_utf8(text.stdout).expect("text");
    assert!(text.contains("DOES NOT STAND") && text.contains("bound.phi is"), "{text}");
}

/// Paths of all numbers, texts, flags and nulls.
fn collect(value: &Value, path: String, leaves: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(name, inner)| collect(inner, format!("{path}/{name}"), leaves));
        }
        Value::Array(list) => {
            let indexed = list.iter().enumerate();
            indexed.for_each(|(i, inner)| collect(inner, format!("{path}/{i}"), leaves));
        }
        _ => leaves.push(path),
    }
}

fn changed(value: &Value) -> Value {
    match value {
        Value::Number(n) if n.is_u64() => json!(n.as_u64().expect("whole") + 1),
        Value::Number(n) => json!(n.as_f64().expect("real") * 1.01 + 1e-30),
        Value::String(text) => json!(format!("{text}0")),
        Value::Bool(flag) => json!(!flag),
        _ => json!(1),
    }
}

#[test]
fn a_private_part_that_contradicts_its_public_one_is_told() {
    let here = tempfile::tempdir().expect("a folder");
    let mut full = certificate();
    full.private.leak_alice = full.public.lambda_max + 1;
    full.private.key_basis_errors = Some(u64::MAX);
    let judged = certify(here.path(), "c.json", &value(&full).to_string(), 9);
    let told = judged[0]["differences"].to_string();
    assert!(
        told.contains("private.leak_alice") && told.contains("private.key_basis_errors"),
        "{told}"
    );
}

#[test]
fn a_runs_folder_and_a_stations_folder_are_certified_whole() {
    let here = tempfile::tempdir().expect("a folder");
    let run = here.path().join("run");
    fs::create_dir(&run).expect("made");
    let public = value(&certificate().public);
    fs::write(run.join("certificates.jsonl"), format!("{public}\n{public}\n")).expect("written");
    let output = helio(here.path(), &["certify", "run"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).matches(": stands\n").count(), 2);

    let devices = SimulatedDevices::declared(true, true).expect("both are simulated");
    let mut random = SeededEntropy::new(devices, 1, "certify");
    let pairing = Pairing::<Simulated>::fresh(&mut random, 10, 5).expect("pads");
    let identity = Identity { role: Role::Bob, peer: "alice".into() };
    let station = here.path().join("bob");
    let mut store = DiskStore::create(&station, &identity, &pairing).expect("a station");
    complaint(&helio(here.path(), &["certify", "bob"]), 3, &["in use"]);
    drop(store);
    complaint(&helio(here.path(), &["certify", "bob"]), 3, &["no key with a certificate"]);
    store = DiskStore::open(&station, None).expect("opens");
    let kept = certificate();
    let key = SecretKey::new(random.bits(200).expect("never fails"), random.provenance());
    store.hold(kept.public.id, key, kept.clone()).expect("held");
    drop(store);
    let output = helio(here.path(), &["certify", "bob", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(all["certificates"][0]["length"], kept.public.length);
}

#[test]
fn what_is_no_certificate_is_one_sentence_with_its_place() {
    let here = tempfile::tempdir().expect("a folder");
    let at = here.path();
    let mut other = value(&certificate().public);
    other["protocol"] = json!(99);
    let judged = certify(at, "c.json", &other.to_string(), 9);
    assert!(judged[0]["reason"].as_str().is_some_and(|r| r.contains("version 99")), "{judged:?}");
    other["parameters"]["sync_spacing"] = json!("no number");
    for (contents, words) in [
        (String::new(), &["holds no certificate"][..]),
        ("{}".to_owned(), &["line 1", "docs/certificate.md"]),
        (format!("{}\n{{\"id\": 3}}", value(&certificate())), &["line 2"]),
        (format!("{}\n{{", value(&certificate())), &["line 2"]),
        (format!("\n\n{other:#}"), &["no number"]),
        ("[".repeat(1_000_000), &["line 1"]),
    ] {
        fs::write(at.join("bad.json"), contents).expect("written");
        complaint(&helio(at, &["certify", "bad.json"]), 3, &[&["bad.json"], words].concat());
    }
    complaint(&helio(at, &["certify", "none.json"]), 3, &["cannot be read"]);
    complaint(&helio(at, &["certify", "."]), 3, &["no station"]);
    assert_eq!(read(&vec![b' '; MAX_BYTES + 1], &mut |_| {}), Err(PaperFault::TooLarge));
}

/// Receivers 2: published bounds may be shown beside the real length, and are marked as such.
#[test]
fn published_bounds_are_compared_and_marked() {
    let here = tempfile::tempdir().expect("a folder");
    fs::write(here.path().join("c.json"), value(&certificate()).to_string()).expect("written");
    let text = helio(here.path(), &["certify", "c.json", "--compare"]);
    let text = String::from_utf8(text.stdout).expect("text");
    for name in ["lim2014", "lim2014-serfling"] {
        assert!(text.contains(&format!("  {name}, as published: ")), "{text}");
    }
    let json = helio(here.path(), &["certify", "c.json", "--compare", "--json"]);
    let json: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    let published = &json["certificates"][0]["as_published"];
    let [lim, serfling] =
        ["lim2014", "lim2014-serfling"].map(|name| published[name].as_u64().expect("a length"));
    let real = certificate().public.length;
    // Lim's counts failures linearly and credits the vacuum: it promises more for the same counts.
    assert!(lim >= serfling && serfling > real, "{lim}, {serfling}, {real}");
    let plain = helio(here.path(), &["certify", "c.json"]);
    assert!(!String::from_utf8_lossy(&plain.stdout).contains("as published"));
}

/// `docs/certificate.md` has a row for each field of a certificate, and no other rows.
#[test]
fn the_page_describes_every_field_and_no_other() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/certificate.md");
    let page = fs::read_to_string(page).expect("the page");
    let (public, private) = page.split_once("## Private part").expect("two parts");
    let described = |part: &str| {
        let rows = part.lines().filter_map(|line| line.strip_prefix("| `"));
        let cells = rows.map(|row| {
            assert_eq!(row.matches(" | ").count(), 3, "four cells: {row}");
            row.split('`').next().expect("a field").to_owned()
        });
        cells.collect::<std::collections::BTreeSet<String>>()
    };
    let mut calibrated = certificate();
    let (id, date) = ("c".to_owned(), "2026-11-20".to_owned());
    calibrated.public.parameters.detectors = helio_distill::parameters::DetectorMatch::Calibrated {
        delta1: 1e-4,
        delta2: 5e-5,
        id,
        date,
        device: "b7".to_owned(),
        valid_days: 365,
    };
    let fields = |values: &[Value]| {
        let mut leaves = Vec::new();
        values.iter().for_each(|value| collect(value, String::new(), &mut leaves));
        let named = leaves.iter().map(|leaf| {
            let parts = leaf.trim_start_matches('/').split('/');
            // Entries of a list are described once.
            let parts = parts.map(|p| if p.parse::<u32>().is_ok() { "[]" } else { p });
            parts.collect::<Vec<_>>().join(".").replace(".[]", "[]")
        });
        named.collect::<std::collections::BTreeSet<String>>()
    };
    let certificates = [certificate(), calibrated, of_one_decoy()];
    let parts = certificates.each_ref().map(|c| value(&c.public));
    assert_eq!(described(public), fields(&parts));
    assert_eq!(described(private), fields(&[value(&certificate().private)]));
}

/// A certificate of a run with one decoy.
fn of_one_decoy() -> Certificate {
    let accept =
        Acceptance { single_photons: 50_000, phase_error_nano: 75_000_000, lambda_max: 14_500 };
    let parameters = Parameters {
        bound: BoundChoice::Wiesemann(accept),
        mu_nano: [600_000_000, 200_000_000, 0],
        intensity_weights: [2458, 1638, 0],
        ..pair::parameters(2_000_000)
    };
    let mut pair = Pair::with(parameters, 3, pair::Store::default(), pair::Store::default());
    pair.connect(&mut carry);
    pair.block(0, Link::GOOD, &mut carry);
    let kept = pair.bob.store().usable(pair.id(0));
    kept.unwrap_or_else(|| panic!("a key: {:?}", pair.events)).1.clone()
}

/// A key of fixed length is recomputed with its own bound, compared with those of its own kind, and a
/// claim of another acceptance or bound falls.
#[test]
fn a_certificate_of_one_decoy_is_recomputed_with_its_bound() {
    let made = of_one_decoy();
    let here = tempfile::tempdir().expect("a folder");
    let judged = certify(here.path(), "c.json", &value(&made).to_string(), 0);
    assert_eq!((&judged[0]["bound"], &judged[0]["stands"]), (&json!("wiesemann"), &json!(true)));
    assert_eq!(judged[0]["calibration"], json!({ "kind": "assumed" }));
    let compared = helio(here.path(), &["certify", "c.json", "--compare", "--json"]);
    let compared: Value = serde_json::from_slice(&compared.stdout).expect("JSON");
    let published = compared["certificates"][0]["as_published"].as_object().expect("bounds");
    let names: Vec<&str> = published.keys().map(String::as_str).collect();
    assert_eq!(names, ["rusca2018", "rusca2018-serfling"]);
    assert!(published.values().all(|length| length.as_u64() > Some(made.public.length)));

    let mut longer = value(&made.public);
    longer["parameters"]["bound"]["single_photons"] = json!(50_010);
    let judged = certify(here.path(), "c.json", &longer.to_string(), 9);
    assert_eq!(judged[0]["stands"], json!(false));
    let mut other = value(&made.public);
    other["parameters"]["bound"] = json!({ "kind": "varlen2d" });
    let judged = certify(here.path(), "c.json", &other.to_string(), 9);
    assert!(judged[0]["reason"].as_str().is_some_and(|why| why.contains("weights")), "{judged:?}");
}

/// A real key's calibration is named as stale or missing by the time of its block.
#[test]
fn a_stale_or_missing_calibration_is_told() {
    let here = tempfile::tempdir().expect("a folder");
    let mut public = certificate().public;
    public.parameters.detectors = helio_distill::parameters::DetectorMatch::Calibrated {
        delta1: 1e-4,
        delta2: 5e-5,
        id: "c".to_owned(),
        date: "2026-11-20".to_owned(),
        device: "b7".to_owned(),
        valid_days: 30,
    };
    let judge = |public: &PublicPart| {
        let judged = certify(here.path(), "c.json", &value(public).to_string(), 9);
        let text = helio(here.path(), &["certify", "c.json"]);
        let text = String::from_utf8(text.stdout).expect("text");
        (judged[0]["calibration"]["kind"].clone(), text)
    };
    let (kind, text) = judge(&public);
    assert_eq!(kind, json!("simulated"));
    assert!(text.contains("calibration c of b7, 2026-11-20: SIMULATED"), "{text}");
    public.origin = "real".to_owned();
    let (kind, text) = judge(&public);
    assert_eq!(kind, json!("missing"));
    assert!(text.contains("calibration MISSING: no time of the block"), "{text}");
    // 2027-01-20.
    public.announced.made_unix_s = Some(20_838 * 86_400);
    let (kind, text) = judge(&public);
    assert_eq!(kind, json!("stale"));
    assert!(text.contains("STALE: 61 days old at the block, taken for 30"), "{text}");
}

/// What the fuzzer begins with stands: seeds of another version would be refused before anything is
/// computed. With `HELIO_WRITE_SEEDS` in the environment they are written anew first.
#[test]
fn the_fuzzers_seeds_are_certificates_that_stand() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/certificate_read");
    if std::env::var_os("HELIO_WRITE_SEEDS").is_some() {
        let both = certificate();
        let full = serde_json::to_string(&both).expect("JSON");
        let public = serde_json::to_string(&both.public).expect("JSON");
        fs::write(seeds.join("both_parts"), full).expect("written");
        fs::write(seeds.join("two_lines"), format!("{public}\n{public}\n")).expect("written");
    }
    for (name, count) in [("both_parts", 1), ("two_lines", 2)] {
        let mut papers = Vec::new();
        let bytes = fs::read(seeds.join(name)).expect("a seed");
        read(&bytes, &mut |paper| papers.push(paper)).expect("certificates");
        assert_eq!(papers.len(), count, "{name}");
        for Paper { public, .. } in papers {
            let found = helio_distill::certificate::recompute(&public);
            assert_eq!(found, Ok(public.length), "{name}");
        }
    }
}

/// A certificate with some of its bytes replaced.
fn mutilated() -> impl Strategy<Value = Vec<u8>> {
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..5);
    (any::<bool>(), changes).prop_map(|(full, changes)| {
        let both = certificate();
        let text = if full { value(&both).to_string() } else { value(&both.public).to_string() };
        let mut bytes = text.into_bytes();
        changes.iter().for_each(|(at, to)| *at.get_mut(&mut bytes) = *to);
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_certificates_or_refused_in_one_line(
        bytes in prop_oneof![
            1 => proptest::collection::vec(any::<u8>(), 0..400),
            4 => mutilated(),
            // A digit of a certificate, so that most stay certificates and some fall.
            4 => any::<prop::sample::Index>().prop_map(|at| {
                let mut text = value(&certificate().public).to_string().into_bytes();
                let digits: Vec<usize> =
                    (0..text.len()).filter(|&i| text[i].is_ascii_digit()).collect();
                let place = *at.get(&digits);
                text[place] = b'9';
                text
            }),
        ],
    ) {
        let mut lengths = Vec::new();
        let mut each = |paper: Paper| {
            if let Ok(found) = helio_distill::certificate::examine(&paper.public) {
                lengths.push((found.differences.is_empty(), paper.public.length, found.length));
            }
        };
        if let Err(fault) = read(&bytes, &mut each) {
            let told = fault.to_string();
            prop_assert!(told.lines().count() == 1 && told.len() < 400, "{told}");
        }
        for (stands, stated, computed) in lengths {
            prop_assert!(!stands || stated == computed, "{stated} stated, {computed} follow");
        }
    }
}
