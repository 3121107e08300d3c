//! A source with one decoy: keys of fixed length, or none.

use helio_distill::bound::{
    Acceptance, BoundChoice, ERROR_COUNT_BITS, LiveBound, SecrecyCorrectness, Wiesemann,
};
use helio_distill::certificate::{self, BadCertificate, PublicPart};
use helio_distill::channel_model::{BlockPlan, Channel, expected_fixed};
use helio_distill::parameters::{CodeChoice, Parameters};
use helio_distill::release::BlockState;
use helio_distill::{BlockReport, Event, Kind, NoKeyReason, Role, inspect};

use crate::channel::{Link, emit};
use crate::pair::{Pair, Store, carry, parameters};

const SLOTS: u32 = 2_000_000;

/// Parameters with the acceptance that the channel model has for a link.
pub fn one_decoy(link: Link) -> Parameters {
    let base = Parameters {
        mu_nano: [600_000_000, 200_000_000, 0],
        intensity_weights: [2458, 1638, 0],
        ..parameters(SLOTS)
    };
    let channel = Channel {
        efficiency: link.eta,
        dark_probability: link.dark,
        misalignment: [link.misalignment; 2],
        ..Channel::IDEAL
    };
    let plan = BlockPlan {
        slots: SLOTS.into(),
        sync_fraction: 1.0 / f64::from(base.sync_spacing),
        decoy: base.decoy(),
        key_basis: [0.5; 2],
    };
    let epsilon = SecrecyCorrectness::split(base.epsilon_total);
    let leak = |n, tests, qber| CodeChoice::ON_A_SHORT_LINE.expected_leak(n, tests, qber);
    let found = expected_fixed(&channel, &plan, &epsilon, leak).expect("a channel");
    Parameters { bound: BoundChoice::Wiesemann(found.bound.acceptance), ..base }
}

fn pair(parameters: Parameters, seed: u64) -> Pair {
    Pair::with(parameters, seed, Store::default(), Store::default())
}

fn bound(parameters: &Parameters) -> Wiesemann {
    let LiveBound::Wiesemann(bound) = parameters.bound() else { panic!("one decoy") };
    bound
}

fn reports(pair: &Pair) -> Vec<(Role, BlockReport)> {
    let done = |(role, event): &(Role, Event)| match event {
        Event::BlockDone(report) => Some((*role, report.as_ref().clone())),
        _ => None,
    };
    pair.events.iter().filter_map(done).collect()
}

fn public(pair: &Pair, block: u64) -> PublicPart {
    pair.bob.store().usable(pair.id(block)).expect("a key").1.public.clone()
}

/// Four blocks of one link: each ends in one key on both sides, all of the length that was agreed,
/// and each certificate gives it again.
#[test]
fn every_key_of_a_run_has_the_length_that_was_agreed() {
    let parameters = one_decoy(Link::GOOD);
    let key_bits = bound(&parameters).key_bits();
    assert!(key_bits > 1_000, "{key_bits}");
    let mut pair = pair(parameters, 5);
    pair.connect(&mut carry);
    for block in 0..4 {
        pair.block(block, Link::GOOD, &mut carry);
        assert_eq!(pair.common_key(block), Some(key_bits), "{:?}", pair.faults);
        let public = public(&pair, block);
        assert_eq!(certificate::recompute(&public), Ok(key_bits));
        assert!(public.bound.ell > key_bits, "more than the fixed length is not taken");
        let errors = public.announced.counts.m_key.expect("told");
        assert!(errors[0] > errors[1] && errors[1] > 0 && errors[2] == 0, "{errors:?}");
    }
    assert_eq!(pair.faults, []);
    for (role, report) in reports(&pair) {
        assert_eq!((report.length, report.no_key), (key_bits, None), "{role}");
        assert_eq!(report.bound.expect("a bound").s1, public(&pair, report.id.block).bound.s1);
        // Private as ever, and the same number as was told.
        let told = public(&pair, report.id.block).announced.counts.m_key.unwrap();
        let known = report.key_qber.map(|rate| rate.errors);
        assert_eq!(known, (role == Role::Bob).then(|| told.iter().sum()));
    }
}

/// Bob's verdict is the one message with a count of the key basis, 128 bits that every key pays; a
/// verdict that the tags differ has none.
#[test]
fn errors_of_the_key_basis_are_told_once_and_paid() {
    let mut said = Vec::new();
    let mut pair = pair(one_decoy(Link::GOOD), 6);
    let mut listen = |from: Role, _: usize, message: Vec<u8>| {
        let seen = inspect(&message).expect("a message");
        if seen.kind == Kind::Verdict {
            said.push((from, message[32..].to_vec()));
        }
        vec![(from.other(), message)]
    };
    pair.connect(&mut listen);
    pair.block(0, Link::GOOD, &mut listen);
    let public = public(&pair, 0);
    let [(Role::Bob, body)] = &said[..] else { panic!("one verdict: {said:?}") };
    let errors = public.announced.counts.m_key.unwrap();
    let told: Vec<u8> = errors[..2].iter().flat_map(|m| m.to_le_bytes()).collect();
    assert_eq!(body[..], [&[1], &told[..]].concat());
    assert_eq!(8 * told.len() as u64, ERROR_COUNT_BITS);
    // The length without them would be longer by as much.
    let bound = bound(&pair.parameters);
    let secret = bound.acceptance.single_photons as f64
        * (1.0 - helio_distill::bound::binary_entropy(bound.acceptance.phase_error()));
    let rest = secret - bound.acceptance.lambda_max as f64 - bound.key_bits() as f64;
    let constant = 4.0 * (15.0 / bound.epsilon.sec).log2() - 1.0;
    assert!(rest >= constant + ERROR_COUNT_BITS as f64, "{rest}");
}

/// λ_max is the agreed one whatever the block shows, and a code that might need more ends the block
/// before anything is disclosed for it.
#[test]
fn the_leak_is_fixed_before_the_run() {
    let good = one_decoy(Link::GOOD);
    let mut lambdas = Vec::new();
    for misalignment in [0.004, 0.01] {
        let link = Link { misalignment, ..Link::GOOD };
        let mut pair = pair(good.clone(), 7);
        pair.connect(&mut carry);
        pair.block(0, link, &mut carry);
        assert!(pair.common_key(0).is_some(), "{:?}", pair.faults);
        lambdas.push(public(&pair, 0).lambda_max);
    }
    assert_eq!(lambdas, [bound(&good).acceptance.lambda_max; 2]);

    let BoundChoice::Wiesemann(accept) = good.bound else { panic!("one decoy") };
    let tight = Acceptance { lambda_max: accept.lambda_max / 2, ..accept };
    let mut pair = pair(Parameters { bound: BoundChoice::Wiesemann(tight), ..good }, 7);
    let kinds = kinds_of_block(&mut pair);
    assert!(pair.both_without_key());
    assert!(reports(&pair).iter().all(|(_, r)| r.no_key == Some(NoKeyReason::FixedLeak)));
    assert!(!kinds.contains(&Kind::Reconcile), "{kinds:?}");
    assert_eq!(pair.states(0), [Some(BlockState::Burnt); 2]);
}

/// Contact and one block on a good link; gives the kinds of all messages.
fn kinds_of_block(pair: &mut Pair) -> Vec<Kind> {
    let mut kinds = Vec::new();
    let mut listen = |from: Role, index: usize, message: Vec<u8>| {
        kinds.extend(inspect(&message).map(|seen| seen.kind));
        carry(from, index, message)
    };
    pair.connect(&mut listen);
    pair.block(0, Link::GOOD, &mut listen);
    kinds
}

/// A block that does not pass gives no key, though the formula would give one for its counts: before
/// reconciliation where announced data show it, after it where only the errors of the key basis do.
#[test]
fn a_block_that_is_not_accepted_gives_no_key_on_either_side() {
    let good = one_decoy(Link::GOOD);
    let BoundChoice::Wiesemann(accept) = good.bound else { panic!("one decoy") };
    let mut first = pair(good.clone(), 8);
    first.connect(&mut carry);
    first.block(0, Link::GOOD, &mut carry);
    let shown = public(&first, 0).bound;
    // One photon more than certain now; many more than certain with no error in the key basis.
    let after = Acceptance { single_photons: shown.s1 as u64 + 1, ..accept };
    let before = Acceptance { single_photons: 2 * shown.s1 as u64, ..accept };
    for (accept, reconciled) in [(after, true), (before, false)] {
        let parameters = Parameters { bound: BoundChoice::Wiesemann(accept), ..good.clone() };
        let mut pair = pair(parameters, 8);
        let kinds = kinds_of_block(&mut pair);
        assert_eq!(pair.faults, []);
        let reports = reports(&pair);
        assert_eq!(reports.len(), 2);
        for (_, report) in reports {
            assert_eq!((report.no_key, report.length), (Some(NoKeyReason::NotAccepted), 0));
        }
        assert_eq!(kinds.contains(&Kind::Verdict), reconciled);
        assert!(!kinds.contains(&Kind::Amplify));
        assert_eq!(pair.states(0), [Some(BlockState::Burnt); 2]);
    }
}

/// Errors that only the key basis has make the acceptance fail too: it is a function of what Bob
/// tells, and he cannot tell of more errors than detections.
#[test]
fn counts_that_cannot_be_end_the_block() {
    type Forge = fn(&mut Vec<u8>);
    let forges: [Forge; 4] = [
        |m| m[33..41].copy_from_slice(&u64::MAX.to_le_bytes()),
        |m| m[41..49].copy_from_slice(&u64::MAX.to_le_bytes()),
        |m| m.truncate(33),
        |m| m.push(0),
    ];
    for forge in forges {
        let mut pair = pair(one_decoy(Link::GOOD), 9);
        let mut line = |from: Role, _: usize, mut message: Vec<u8>| {
            if inspect(&message).is_some_and(|seen| seen.kind == Kind::Verdict) {
                forge(&mut message);
            }
            vec![(from.other(), message)]
        };
        pair.connect(&mut line);
        pair.block(0, Link::GOOD, &mut line);
        let fault = &pair.faults.first().expect("a fault").1;
        assert!(matches!(fault, helio_distill::Fault::Malformed { kind: Some(Kind::Verdict), .. }));
        assert_eq!(pair.common_key(0), None);
        // Later blocks go on.
        pair.block(1, Link::GOOD, &mut carry);
        assert!(pair.common_key(1).is_some(), "{:?}", pair.faults);
    }
    // Counts that could be, and are not Bob's: the tags over the transcript differ.
    let mut pair = pair(one_decoy(Link::GOOD), 9);
    let mut line = |from: Role, _: usize, mut message: Vec<u8>| {
        if inspect(&message).is_some_and(|seen| seen.kind == Kind::Verdict) {
            message[33] ^= 1;
        }
        vec![(from.other(), message)]
    };
    pair.connect(&mut line);
    pair.block(0, Link::GOOD, &mut line);
    assert_eq!(pair.common_key(0), None);
}

/// A device that sends a third intensity: the bound knows of two.
#[test]
fn a_third_intensity_makes_no_key() {
    let parameters = one_decoy(Link::GOOD);
    let mut pair = pair(parameters.clone(), 10);
    pair.connect(&mut carry);
    let mut slots = emit(&parameters, Link::GOOD, 10, 0, SLOTS.into());
    // A decoy in a hundred is the third intensity.
    for at in (0..SLOTS as usize).step_by(100) {
        let shift = 4 * (at % 2);
        if slots.alice[at / 2] >> shift & 0b1100 == 0b0100 {
            slots.alice[at / 2] ^= 0b1100 << shift;
        }
    }
    pair.feed(&slots);
    pair.pump(&mut carry);
    assert!(pair.both_without_key());
    assert!(reports(&pair).iter().all(|(_, r)| r.no_key == Some(NoKeyReason::UnknownIntensity)));
}

/// Every figure of the certificate follows, and a certificate of another bound, another acceptance or
/// a longer key does not stand.
#[test]
fn a_certificate_of_a_fixed_length_is_recomputed_with_its_bound() {
    let parameters = one_decoy(Link::GOOD);
    let mut pair = pair(parameters, 11);
    pair.connect(&mut carry);
    pair.block(0, Link::GOOD, &mut carry);
    let stated = public(&pair, 0);
    let text = serde_json::to_string(&stated).unwrap();
    assert_eq!(serde_json::from_str::<PublicPart>(&text).unwrap(), stated);
    assert!(text.contains("\"bound\":{\"kind\":\"wiesemann\",\"single_photons\":"), "{text}");
    assert!(text.contains("\"epsilon\":{\"secrecy\":"), "{text}");
    let more = text.replace("\"single_photons\":", "\"more\":1,\"single_photons\":");
    assert!(serde_json::from_str::<PublicPart>(&more).is_err(), "an unknown key is refused");

    fn accept(public: &mut PublicPart) -> &mut Acceptance {
        let BoundChoice::Wiesemann(accept) = &mut public.parameters.bound else { panic!() };
        accept
    }
    type Change = fn(&mut PublicPart);
    let changes: [(&str, Change); 10] = [
        ("length", |c| c.length += 1),
        ("length", |c| accept(c).single_photons -= 10),
        ("length", |c| accept(c).single_photons *= 2),
        ("lambda_max", |c| accept(c).lambda_max -= 1),
        ("bound.s0u", |c| c.announced.counts.m_key.as_mut().unwrap()[0] -= 1),
        ("bound.s1", |c| c.bound.s1 += 1.0),
        ("announced.counts.m_key", |c| c.announced.counts.m_key = None),
        ("announced.counts.m_key", |c| c.announced.counts.m_key = Some([0, u64::MAX, 0])),
        ("epsilon.secrecy", |c| {
            let helio_distill::bound::Ledger::Shared(parts) = &mut c.epsilon else { panic!() };
            parts.secrecy /= 2.0;
        }),
        ("verification_bits", |c| c.verification_bits -= 1),
    ];
    for (name, change) in changes {
        let mut forged = stated.clone();
        change(&mut forged);
        let why = certificate::recompute(&forged);
        let Err(BadCertificate::Differs(all)) = &why else { panic!("{name}: {why:?}") };
        assert!(all.iter().any(|d| d.field == name), "{name}: {all:?}");
    }
    // The same counts as if by the other bound.
    let mut other = stated.clone();
    other.parameters.bound = BoundChoice::Varlen2d;
    assert!(certificate::recompute(&other).is_err());
    other.parameters.mu_nano[2] = 1_000_000;
    other.parameters.intensity_weights = [2458, 1637, 1];
    let Err(BadCertificate::Differs(all)) = certificate::recompute(&other) else { panic!() };
    assert!(all.iter().any(|d| d.field == "epsilon"), "{all:?}");
}

/// Loss and error rate from good to hopeless, with one acceptance: keys are equal, of one length, and
/// every certificate stands.
#[test]
fn keys_agree_over_many_links_with_one_decoy() {
    let parameters = one_decoy(Link::GOOD);
    let key_bits = bound(&parameters).key_bits();
    let (mut keys, mut none) = (0, 0);
    for seed in 0..24u64 {
        let link = Link {
            eta: 0.62 * 0.97f64.powi((seed % 4) as i32),
            dark: 1e-5,
            misalignment: 0.004 * (seed % 6) as f64,
        };
        let mut pair = pair(parameters.clone(), 3000 + seed);
        pair.connect(&mut carry);
        pair.block(0, link, &mut carry);
        let [a, b] = pair.states(0);
        assert_eq!(a, b, "seed {seed}: {:?}", pair.faults);
        match pair.common_key(0) {
            Some(bits) => {
                keys += 1;
                assert_eq!(bits, key_bits);
                assert_eq!(certificate::recompute(&public(&pair, 0)), Ok(bits));
            }
            None => none += 1,
        }
    }
    assert!(keys >= 5 && none >= 5, "{keys} keys, {none} blocks without");
}
