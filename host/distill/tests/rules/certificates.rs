//! What a certificate says and keeps to itself, and what ends without a key.

use helio_distill::bound::{Counts, Disclosed};
use helio_distill::certificate::{
    CalibrationState, Certificate, Differing, PublicPart, assumptions, calibration_state, recompute,
};
use helio_distill::parameters::{DetectorMatch, Parameters, Receiver};
use helio_distill::reconcile::{self, Code, Plan, PlanRefused};
use helio_distill::release::StationStore;
use helio_distill::{Event, Local, MemoryStore, NoKeyReason, Role, alice, bob};
use helio_keys::{OsEntropy, RandomLabel, Real, RealDevices};

use crate::channel::{Link, emit};
use crate::pair::{Pair, Store, book, carry, local, parameters};

const SLOTS: u32 = 1_000_000;

fn certificate(pair: &Pair) -> Certificate {
    pair.bob.store().usable(pair.id(0)).expect("a key").1.clone()
}

fn run(parameters: Parameters, seed: u64) -> Pair {
    let mut pair = Pair::with(parameters, seed, Store::default(), Store::default());
    pair.connect(&mut carry);
    pair.block(0, Link::GOOD, &mut carry);
    pair
}

/// Receivers 3 and Source: a certificate names the receiver, the calibration with its date or
/// `assumed matched`, and what is taken on trust of the source, as fields.
#[test]
fn a_certificate_names_receiver_calibration_and_source() {
    let calibrated = DetectorMatch::Calibrated {
        delta1: 1e-4,
        delta2: 5e-5,
        id: "bench 7".to_owned(),
        date: "2026-11-20".to_owned(),
        device: "b7".to_owned(),
        valid_days: 365,
    };
    for random_swap in [true, false] {
        for detectors in [calibrated.clone(), DetectorMatch::AssumedMatched] {
            for ppm in [None, Some(2000)] {
                let receiver = Receiver::Active { random_swap };
                let p = Parameters {
                    receiver,
                    detectors: detectors.clone(),
                    intensity_uncertainty_ppm: ppm,
                    ..parameters(3 * SLOTS)
                };
                let pair = run(p, 121);
                let public = certificate(&pair).public;
                assert_eq!(public.parameters.receiver, receiver);
                let json = serde_json::to_value(&public).expect("JSON");
                assert_eq!(json["parameters"]["receiver"]["kind"], "active");
                assert_eq!(json["parameters"]["receiver"]["random_swap"], random_swap);
                let says = |words: &str| public.assumptions.iter().any(|a| a.contains(words));
                let matched = detectors == DetectorMatch::AssumedMatched;
                assert_eq!(says("detectors assumed matched"), matched);
                assert_eq!(says("calibration bench 7 of 2026-11-20"), !matched);
                assert_eq!(says("no random swap"), !random_swap);
                // The bound takes the intensities as exact, whatever their uncertainty.
                assert!(says("source assumed ideal") && says("intensity uncertainty"));
            }
        }
    }
}

/// Certificates 1: the public part knows nothing of the key basis but its announced counts.
#[test]
fn the_public_part_has_no_errors_of_the_key_basis() {
    let pair = run(parameters(SLOTS), 122);
    let kept = certificate(&pair);
    assert!(kept.private.key_basis_errors.is_some_and(|errors| errors > 0));
    let public = serde_json::to_value(&kept.public).expect("JSON");
    assert!(public["announced"]["counts"]["m_key"].is_null());
    let text = public.to_string();
    for secret in ["key_basis_errors", "leak_alice", "leak_bob", "failed_frames"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let alice = pair.alice.store().usable(pair.id(0)).expect("a key").1;
    assert_eq!(alice.public, kept.public);
    assert_eq!(alice.private.key_basis_errors, None, "they never reach Alice");
}

/// Messages 6: t = ⌈log2(L/ε_EV)⌉, L = ⌈n/128⌉ + 1 with the block of the length; t + 1 bits are subtracted once, in place of
/// log2(2/ε_EV) where they are more.
#[test]
fn tag_and_verdict_are_charged_once_inside_the_length() {
    let pair = run(parameters(SLOTS), 123);
    let public = certificate(&pair).public;
    let bound = *public.parameters.bound().varlen2d().expect("two decoys");
    let blocks = helio_distill::hash::blocks(public.announced.counts.sifted()) as f64;
    let tag = (blocks / bound.epsilon.ev).log2().ceil();
    assert_eq!(f64::from(public.verification_bits), tag);
    let charged = (tag + 1.0).max((2.0 / bound.epsilon.ev).log2());
    assert!(charged > (2.0 / bound.epsilon.ev).log2(), "the tag is the dearer here");
    let amplification = -2.0 * (2.0 * bound.epsilon.pa).log2();
    assert!((public.bound.constant_bits - charged - amplification).abs() < 1e-9);
    let pays = |leak, verification_bits| {
        let disclosed = Disclosed { leak, verification_bits };
        bound.length(&public.announced.counts, &disclosed).expect("a length").ell
    };
    let tag = u64::from(public.verification_bits) + 1;
    assert_eq!(public.length, pays(public.lambda_max, Some(tag)));
    assert_eq!(pays(public.lambda_max + 1, Some(tag)), public.length - 1, "a bit a bit");
    assert_eq!(pays(public.lambda_max, Some(tag + 1)), public.length - 1);
    // A shorter tag than log2(2/ε_EV) is charged as that.
    assert_eq!(pays(public.lambda_max, Some(1)), pays(public.lambda_max, None));
    assert!(pays(public.lambda_max, None) > public.length);
}

/// Source: δ1 or δ2 of 1 or more is vacuous, and δ that is not a number is no δ. A calibration bounds a
/// mismatch: one that found 0, also for one of the two, assumes it.
#[test]
fn a_mismatch_of_one_or_more_makes_no_run() {
    let vacuous = [(1.0, 0.1), (0.1, 1.0), (1.2, 0.1), (f64::NAN, 0.1), (0.1, f64::NAN)];
    let assumed = [(0.0, 0.0), (0.0, 0.1), (0.1, 0.0), (-0.1, 0.1), (0.1, -0.0)];
    for (delta1, delta2) in vacuous.into_iter().chain(assumed) {
        let (id, date) = ("c".to_owned(), "2026-11-20".to_owned());
        let (device, valid_days) = ("b7".to_owned(), 365);
        let detectors = DetectorMatch::Calibrated { delta1, delta2, id, date, device, valid_days };
        let p = Parameters { detectors, ..parameters(SLOTS) };
        let why = p.check().expect_err("no run").to_string();
        let remedy = "write assumed-matched where nobody measured one";
        let assumes = assumed.contains(&(delta1, delta2));
        assert_eq!(why.contains(remedy), assumes, "{delta1}, {delta2}: {why}");
        let session = alice::Session::new(
            p,
            local(),
            book(Role::Alice, 1),
            crate::pair::entropy(1, "a"),
            Store::default(),
        );
        assert!(session.is_err());
    }
}

/// A real pair's certificate and report. The light is made up; the types do not know.
fn real_run(p: Parameters, clock_unix_s: Option<u64>) -> (Certificate, Option<String>) {
    let random = || OsEntropy::new(RealDevices::declared(false, false).expect("both real"));
    let noise = RandomLabel::TrueRandom { source: "diode".into(), health_test: "counts".into() };
    let own = || Local { settings_label: noise.clone(), clock_unix_s, ..local() };
    let (store_a, store_b) = (MemoryStore::<Real>::default(), MemoryStore::<Real>::default());
    let mut a =
        alice::Session::new(p.clone(), own(), book(Role::Alice, 1), random(), store_a).unwrap();
    let mut b = bob::Session::new(p.clone(), own(), book(Role::Bob, 1), random(), store_b).unwrap();
    a.connect(1).unwrap();
    b.connect(1).unwrap();
    let n = u64::from(p.slots_per_block);
    let slots = emit(&p, Link::GOOD, 124, 0, n);
    a.push_settings(0, n, &slots.alice).unwrap();
    b.push_settings(0, n, &slots.bob).unwrap();
    b.push_detections(&slots.detections).unwrap();
    b.reached(n).unwrap();
    for now in 2..1_000_000 {
        match (a.poll_message(), b.poll_message()) {
            (None, None) => break,
            (from_a, from_b) => {
                from_a.into_iter().for_each(|m| b.handle(now, &m).unwrap());
                from_b.into_iter().for_each(|m| a.handle(now, &m).unwrap());
            }
        }
    }
    let mut fingerprint = None;
    let mut ended = 0;
    while let Some(event) = a.poll_event().or_else(|| b.poll_event()) {
        if let Event::BlockDone(report) = event {
            assert_eq!(report.origin, "real");
            ended += 1;
            fingerprint = fingerprint.or(report.fingerprint);
        }
    }
    assert_eq!(ended, 2);
    let id = helio_distill::release::BlockId { session: p.session, block: 0 };
    let (key, kept) = a.store().usable(id).expect("a key");
    let (other, _) = b.store().usable(id).expect("a key");
    assert!(bool::from(key.bits().ct_eq(other.bits())));
    assert!(!a.store().pads_are_void().unwrap());
    (kept.clone(), fingerprint)
}

/// Source, calibration: a certificate names the calibrated device, the day and how long it is taken,
/// and the time of the block; a real key whose block is not within it does not stand. SIMULATED keys
/// say that nothing ages.
#[test]
fn a_real_key_rests_on_a_calibration_that_was_valid_at_its_block() {
    const DAY: u64 = 86_400;
    const MADE: u64 = 20_777 * DAY; // 2026-11-20
    let detectors = DetectorMatch::Calibrated {
        delta1: 1e-4,
        delta2: 5e-5,
        id: "bench 7".to_owned(),
        date: "2026-11-20T10:00:00Z".to_owned(),
        device: "b7".to_owned(),
        valid_days: 30,
    };
    let p = Parameters { detectors, ..parameters(3 * SLOTS) };
    let (kept, _) = real_run(p.clone(), Some(MADE + 3 * DAY));
    let public = kept.public;
    assert_eq!(public.announced.made_unix_s, Some(MADE + 3 * DAY));
    let json = serde_json::to_value(&public).expect("JSON");
    let stated = &json["parameters"]["detectors"];
    assert_eq!((&stated["device"], &stated["valid_days"]), (&"b7".into(), &30.into()));
    let within = CalibrationState::Valid { age_days: 3, valid_days: 30 };
    assert_eq!(calibration_state(&public), within);
    assert_eq!(recompute(&public), Ok(public.length));

    let at = |days: i64| {
        let second = MADE.checked_add_signed(days * DAY as i64);
        let mut public = public.clone();
        public.announced.made_unix_s = second;
        (calibration_state(&public).holds(), recompute(&public).is_ok())
    };
    for days in [-1, 0, 30] {
        assert_eq!(at(days), (true, true), "{days} days");
    }
    for days in [-2, 31, 1000] {
        assert_eq!(at(days), (false, false), "{days} days");
    }
    type Change = fn(&mut PublicPart);
    fn calibration(public: &mut PublicPart) -> (&mut String, &mut String, &mut String) {
        let DetectorMatch::Calibrated { id, date, device, .. } = &mut public.parameters.detectors
        else {
            panic!("calibrated")
        };
        (id, date, device)
    }
    let changes: [(&str, Change); 4] = [
        ("no time of the block", |c| c.announced.made_unix_s = None),
        ("no name", |c| calibration(c).0.clear()),
        ("no day", |c| *calibration(c).1 = "lately".into()),
        ("no device", |c| calibration(c).2.clear()),
    ];
    for (what, change) in changes {
        let mut other = public.clone();
        change(&mut other);
        assert!(calibration_state(&other).to_string().contains(what), "{what}");
        assert!(recompute(&other).is_err(), "{what}");
    }
    let simulated = certificate(&run(p, 121)).public;
    assert_eq!(simulated.announced.made_unix_s, None);
    assert_eq!(calibration_state(&simulated), CalibrationState::Simulated);
    assert_eq!(recompute(&simulated), Ok(simulated.length));
}

/// Certificates 2: fingerprints exist for SIMULATED keys only. Randomness: each use has its label,
/// and the key's is the weakest, here the operating system's generator.
#[test]
fn a_real_key_has_no_fingerprint_and_carries_its_weakest_label() {
    let (kept, fingerprint) = real_run(parameters(SLOTS), None);
    assert_eq!(fingerprint, None);
    let public = &kept.public;
    assert_eq!(public.origin, "real");
    let labels: Vec<&str> = public.randomness.values().map(String::as_str).collect();
    let (noise, cipher) =
        ("true random (diode, counts)", "expanded (computational, operating system)");
    assert_eq!(labels.iter().filter(|&&l| l == noise).count(), 2, "{labels:?}");
    assert_eq!(labels.iter().filter(|&&l| l == cipher).count(), 2, "{labels:?}");
    assert_eq!(public.weakest_randomness, cipher);
    assert_eq!(helio_distill::certificate::recompute(public), Ok(public.length));
    let simulated = run(parameters(SLOTS), 124);
    let told = |(_, e): &(Role, Event)| matches!(e, Event::BlockDone(report) if report.fingerprint.is_some());
    assert!(simulated.events.iter().any(told));
    assert_eq!(certificate(&simulated).public.weakest_randomness, "SIMULATED (seeded)");
}

/// Certificates 4: "no key" follows from ℓ = 0 and its reason. Over growing error rates every block
/// without a key is one for which even a perfect code (n·h(QBER) bits) leaves nothing, or nearly so;
/// no error rate is refused that the length would have paid for.
#[test]
fn no_key_follows_from_the_length_and_from_no_threshold_of_its_own() {
    let (mut keys, mut none) = (0, 0);
    for step in 0..24 {
        let link = Link { eta: 0.9, dark: 1e-6, misalignment: 0.006 * f64::from(step) };
        let mut pair =
            Pair::with(parameters(SLOTS), 500 + step as u64, Store::default(), Store::default());
        pair.connect(&mut carry);
        pair.block(0, link, &mut carry);
        let report = pair.events.iter().find_map(|(_, e)| match e {
            Event::BlockDone(report) => Some(report.as_ref().clone()),
            _ => None,
        });
        let Some(report) = report else { continue };
        let Some(reason) = report.no_key else {
            keys += 1;
            continue;
        };
        none += 1;
        let qber = report.test_qber.rate.expect("tests");
        let h = helio_distill::bound::binary_entropy(qber);
        let leak = (report.sifted_key as f64 * h) as u64;
        let counts: Counts = report.announced.counts;
        let disclosed = Disclosed { leak, verification_bits: None };
        let bound = pair.parameters.bound();
        let bound = bound.varlen2d().expect("two decoys");
        let best = bound.length(&counts, &disclosed).expect("a length").ell;
        // 30 %: what codes cost above the entropy, at most, on a block as short as this.
        let code = (0.3 * leak as f64) as u64;
        assert!(best <= code, "QBER {qber:.3}: {reason}, where {best} bits were to be had");
        assert_ne!(reason, NoKeyReason::PassiveReceiver);
        assert!(!reason.to_string().is_empty() && report.length == 0);
    }
    assert!(keys >= 3 && none >= 5, "{keys} keys, {none} without");
}

/// Certificates 4: what refusing a plan above 9.40 % (LDPC) and 10 % (Cascade) costs. In the limit of
/// endless blocks, without dark counts, single photons as often wrong as all others: with the pulses
/// of the default bench the bound leaves nothing for a perfect code above 9.40 %, nor, whatever the
/// pulses, for Cascade above 10 %, which pays at least the entropy in each direction. Only pulses of
/// few photons have some key left between 9.40 % and 11 %, and lose it.
#[test]
fn above_the_rates_without_a_plan_there_is_a_key_of_faint_pulses_only() {
    const MANY: u64 = 10_000_000_000_000;
    let left = |mu_nano: [u64; 3], qber: f64, times_entropy: f64| {
        let p = Parameters { mu_nano, ..Parameters::example() };
        assert_eq!(p.check(), Ok(()));
        let decoy = p.decoy();
        let clicks =
            [0, 1, 2].map(|k| (MANY as f64 * decoy.p[k] * -(-0.1 * decoy.mu[k]).exp_m1()) as u64);
        let counts = Counts {
            n_key: clicks,
            m_key: None,
            n_test: clicks,
            m_test: clicks.map(|n| (n as f64 * qber) as u64),
        };
        let n = counts.sifted() as f64;
        let leak = (times_entropy * n * helio_distill::bound::binary_entropy(qber)) as u64;
        let disclosed = Disclosed { leak, verification_bits: None };
        let bound = p.bound();
        bound.varlen2d().expect("two decoys").length(&counts, &disclosed).expect("a length").ell
    };
    let bench = Parameters::example().mu_nano;
    let faint = [20_000_000, 5_000_000, 0];
    for (qber, times) in [(0.0941, 1.0), (0.1001, 2.0)] {
        assert_eq!(left(bench, qber, times), 0);
    }
    assert_eq!(left(faint, 0.1001, 2.0), 0);
    assert!(left(faint, 0.0941, 1.0) > 0, "what is lost");
    // That the bound gives something where it can.
    assert!(left(bench, 0.03, 1.0) > 0);
    for (code, most) in [(Code::Ldpc, 0.0940), (Code::Cascade, 0.10)] {
        let plan = |qber| {
            let test_bits = 1_000_000_000_000_000;
            let test_errors = (qber * test_bits as f64) as u64;
            let announced =
                reconcile::Announced { n_key: 1 << 30, test_bits, test_errors, margin_ppm: 0 };
            Plan::choose(code, announced)
        };
        assert!(matches!(plan(most + 1e-4), Err(PlanRefused::QberTooHigh { .. })), "{code:?}");
        assert!(!matches!(plan(most - 1e-4), Err(PlanRefused::QberTooHigh { .. })), "{code:?}");
    }
}

/// Certificates 1: counts of a bin that cannot be true are named, also where the sums are.
#[test]
fn a_bin_with_more_errors_than_bits_is_named() {
    let mut public = certificate(&run(parameters(SLOTS), 125)).public;
    let bins = &mut public.announced.bins;
    assert!(bins[0].errors > 1);
    bins[1].bits += bins[0].bits - 1;
    bins[0].bits = 1;
    let stated = bins[0].errors.to_string();
    let found = helio_distill::certificate::examine(&public).expect("it can be read");
    let named = |d: &Differing| d.field == "announced.bins.errors" && d.stated == stated;
    assert!(found.differences.iter().any(named), "{:?}", found.differences);
}

/// The words of the assumptions do not depend on a run.
#[test]
fn assumptions_are_a_function_of_the_parameters() {
    let p = parameters(SLOTS);
    assert_eq!(assumptions(&p), assumptions(&p.clone()));
    let longer = Parameters { slots_per_block: 7, ..p.clone() };
    assert_eq!(assumptions(&p), assumptions(&longer));
    let says = |words: &str| assumptions(&p).iter().any(|a| a == words);
    assert!(says("no detector memory beyond the hold-off (afterpulses)"));
    let timed = |a: &String| a.contains("Bob's decoding time") && a.ends_with("is not charged");
    assert!(assumptions(&p).iter().any(timed));
}
