//! Contact: parameters, versions, secrets, pads.

use helio_distill::pads::{PadBook, Purpose, Watermarks, Way};
use helio_distill::parameters::{PROTOCOL_VERSION, Receiver};
use helio_distill::release::StationStore;
use helio_distill::{Blame, Event, Fault, MemoryStore, Role, alice, bob};
use helio_keys::{OsEntropy, Real, RealDevices};

use crate::channel::Link;
use crate::pair::{Pair, RESERVE, Store, book, carry, entropy, local, parameters, secret};

fn no_key_comes(pair: &mut Pair) {
    pair.block(0, Link::GOOD, &mut carry);
    assert!(!pair.alice.is_open() && !pair.bob.is_open());
    assert_eq!(pair.states(0), [None; 2]);
}

#[test]
fn every_parameter_that_differs_is_named() {
    let mut pair = Pair::new(1_000_000, 1);
    let mut other = parameters(1_000_000);
    other.mu_nano[1] += 1;
    other.receiver = Receiver::Active { random_swap: false };
    other.epsilon_total = 1e-9;
    let book = book(Role::Bob, 1);
    pair.bob =
        bob::Session::new(other, local(), book, entropy(1, "bob"), Store::default()).unwrap();
    pair.connect(&mut carry);
    assert_eq!(pair.faults.len(), 2);
    for (_, fault) in &pair.faults {
        let Fault::ParametersDiffer(list) = fault else { panic!("{fault:?}") };
        let names: Vec<&str> = list.iter().map(|d| d.field.as_str()).collect();
        let split = "epsilon split (d a b c pa ev)";
        assert_eq!(names, ["mu (1e-9 photons a pulse)", "receiver", "epsilon total", split]);
        assert_eq!(fault.blame(), Blame::Configuration);
        assert!(fault.to_string().contains("200000001"), "{fault}");
    }
    no_key_comes(&mut pair);
}

/// A station whose devices are real and one whose devices are simulated make no key of either type.
#[test]
fn real_and_simulated_devices_make_no_contact() {
    let devices = RealDevices::declared(false, false).expect("both real");
    let pads = book(Role::Bob, 1);
    let store = MemoryStore::<Real>::default();
    let p = parameters(1_000);
    let mut real = bob::Session::new(p, local(), pads, OsEntropy::new(devices), store).unwrap();
    let mut pair = Pair::new(1_000, 1);
    let hello = pair.hello(Role::Alice);
    real.connect(1).unwrap();
    let Err(Fault::ParametersDiffer(list)) = real.handle(2, &hello) else { panic!("no fault") };
    let [difference] = list.as_slice() else { panic!("{list:?}") };
    assert_eq!((difference.mine.as_str(), difference.theirs.as_str()), ("real", "SIMULATED"));
    assert!(!real.is_open());
}

#[test]
fn another_version_is_named() {
    let mut pair = Pair::new(1_000_000, 1);
    pair.connect(&mut |from, index, mut message| {
        message[0] = 9;
        carry(from, index, message)
    });
    assert!(
        pair.faults
            .iter()
            .any(|(_, f)| *f == Fault::WrongVersion { mine: PROTOCOL_VERSION, theirs: 9 })
    );
    no_key_comes(&mut pair);
}

#[test]
fn another_secret_is_noticed_at_contact() {
    let mut pair = Pair::new(1_000_000, 1);
    let parameters = parameters(1_000_000);
    let pads = book(Role::Alice, 2);
    let random = entropy(1, "alice");
    pair.alice = alice::Session::new(parameters, local(), pads, random, Store::default()).unwrap();
    pair.connect(&mut carry);
    let both = [(Role::Alice, Fault::ContactTag), (Role::Bob, Fault::ContactTag)];
    assert!(pair.faults.len() == 2 && both.iter().all(|f| pair.faults.contains(f)));
    // Whoever only reads events hears of it too.
    pair.drain_events();
    for role in [Role::Alice, Role::Bob] {
        let lost = (role, Event::ContactLost(Fault::ContactTag));
        assert!(pair.events.contains(&lost), "{role}: {:?}", pair.events);
    }
    no_key_comes(&mut pair);
}

#[test]
fn another_reserve_is_a_difference() {
    let mut pair = Pair::new(1_000_000, 1);
    let pads = PadBook::new(secret(1), Role::Bob, RESERVE + 1).unwrap();
    let random = entropy(1, "bob");
    pair.bob =
        bob::Session::new(parameters(1_000_000), local(), pads, random, Store::default()).unwrap();
    pair.connect(&mut carry);
    assert!(matches!(&pair.faults[0].1, Fault::ParametersDiffer(list) if list.len() == 2));
}

#[test]
fn any_altered_byte_of_the_greeting_prevents_contact_on_one_side_at_least() {
    let mut clean = Pair::new(1_000, 1);
    let mut lengths = Vec::new();
    clean.connect(&mut |from, index, message| {
        lengths.push(message.len());
        carry(from, index, message)
    });
    assert_eq!(lengths.len(), 4);
    for (at, length) in lengths.into_iter().enumerate() {
        for byte in (0..length).step_by(if length > 100 { 7 } else { 1 }) {
            let mut pair = Pair::new(1_000, 1);
            pair.connect(&mut |from, index, mut message| {
                if index == at {
                    message[byte] ^= 0x10;
                }
                carry(from, index, message)
            });
            assert!(!pair.alice.is_open() || !pair.bob.is_open(), "message {at}, byte {byte}");
            assert!(!pair.faults.is_empty());
        }
    }
}

#[test]
fn a_restored_backup_voids_the_pads() {
    for restored in [Role::Alice, Role::Bob] {
        let mut pair = Pair::new(1_000_000, 1);
        pair.connect(&mut carry);
        pair.block(0, Link::GOOD, &mut carry);
        assert!(pair.common_key(0).is_some());
        // One station comes back with the memory it had before.
        let p = parameters(1_000_000);
        let pads = book(restored, 1);
        let random = entropy(2, "again");
        match restored {
            Role::Alice => {
                pair.alice =
                    alice::Session::new(p, local(), pads, random, Store::default()).unwrap();
            }
            Role::Bob => {
                pair.bob = bob::Session::new(p, local(), pads, random, Store::default()).unwrap();
            }
        }
        pair.connect(&mut carry);
        let fault_of = |role| pair.faults.iter().filter(move |(r, _)| *r == role).map(|(_, f)| f);
        assert!(fault_of(restored).any(|f| *f == Fault::PadsVoid), "{:?}", pair.faults);
        assert!(!pair.alice.is_open() && !pair.bob.is_open());
        let void = match restored {
            Role::Alice => pair.alice.store().pads_are_void(),
            Role::Bob => pair.bob.store().pads_are_void(),
        };
        assert_eq!(void, Ok(true));
        // And no later attempt uses them.
        pair.faults.clear();
        pair.connect(&mut carry);
        assert!(pair.faults.contains(&(restored, Fault::PadsVoid)));
    }
}

/// Somebody without the secret greets `victim` in the other station's name and guesses its proof,
/// `ahead` pads beyond the next one.
fn guess(pair: &mut Pair, victim: Role, ahead: u64) {
    let (now, next) = (pair.now_ns, pair.watermarks(victim).in_recovery);
    let counters = pair.watermarks(victim.other());
    let claimed = counters.out_recovery.max(next) + ahead;
    let mut hello = pair.hello(victim.other());
    // Each counter in eight bytes; she changes the second, how far the other's proofs have come.
    let Watermarks { out_block, out_recovery, in_block, in_recovery, .. } = counters;
    let known = [out_block, out_recovery, in_block, in_recovery].map(u64::to_le_bytes).concat();
    let at = hello.windows(32).position(|w| w == known).expect("the counters") + 8;
    hello[at..at + 8].copy_from_slice(&claimed.to_le_bytes());
    let mut proof = vec![PROTOCOL_VERSION, 1, victim.other() as u8, 0];
    proof.extend_from_slice(&u64::MAX.to_le_bytes());
    proof.extend_from_slice(&[0; 20]);
    proof.extend_from_slice(&claimed.to_le_bytes());
    proof.extend_from_slice(&[0x5A; 16]);
    let results = match victim {
        Role::Alice => {
            pair.alice.connect(now).unwrap();
            [pair.alice.handle(now, &hello), pair.alice.handle(now, &proof)]
        }
        Role::Bob => {
            pair.bob.connect(now).unwrap();
            [pair.bob.handle(now, &hello), pair.bob.handle(now, &proof)]
        }
    };
    assert_eq!(results, [Ok(()), Err(Fault::ContactTag)]);
    assert_eq!(pair.watermarks(victim).in_recovery, claimed + 1, "the guess burnt its pad");
}

/// Whoever reaches the line can guess proofs. That burns pads, but it is no restored backup: the
/// pairing survives as long as pads are left, and blocks go on while they could be settled.
#[test]
fn guessed_proofs_burn_pads_and_do_not_void_them() {
    for (victims, ahead) in [
        (&[Role::Alice][..], 0),
        (&[Role::Bob], 0),
        (&[Role::Alice; 5], 0),
        (&[Role::Bob; 5], 0),
        (&[Role::Alice], 15),
        (&[Role::Alice, Role::Bob, Role::Bob], 1),
        (&[Role::Bob; 3], 5),
    ] {
        let mut pair = Pair::new(1_000_000, 1);
        pair.connect(&mut carry);
        victims.iter().for_each(|victim| guess(&mut pair, *victim, ahead));
        pair.faults.clear();
        pair.connect(&mut carry);
        assert_eq!(pair.faults, [], "{victims:?}, {ahead} ahead");
        pair.block(0, Link::GOOD, &mut carry);
        assert!(pair.common_key(0).is_some(), "{:?}", pair.faults);
    }
}

#[test]
fn the_end_of_the_pads_stops_new_blocks_and_then_contact() {
    let mut store = Store::default();
    let mut other = Store::default();
    let blocks = crate::pair::PADS as u64 - RESERVE;
    for (s, way) in [(&mut store, Way::Out), (&mut other, Way::In)] {
        s.spend_pads(way, Purpose::Block, blocks - 1).unwrap();
    }
    let mut pair = Pair::with(parameters(1_000_000), 1, store, other);
    pair.connect(&mut carry);
    assert!(pair.events.iter().any(|(_, e)| {
        *e == Event::ContactMade { block_pads_left: 1, recovery_pads_left: RESERVE - 1 }
    }));
    pair.block(0, Link::GOOD, &mut carry);
    assert!(pair.common_key(0).is_some(), "{:?}", pair.faults);
    pair.block(1, Link::GOOD, &mut carry);
    assert!(pair.faults.contains(&(Role::Bob, Fault::PadsEmpty(Purpose::Block))));
    // The reserve is still there for contact; it is never used for blocks.
    for _ in 0..RESERVE - 1 {
        pair.faults.clear();
        pair.connect(&mut carry);
    }
    assert_eq!(pair.states(1), [None; 2]);
    pair.faults.clear();
    pair.connect(&mut carry);
    assert!(pair.faults.iter().any(|(_, f)| *f == Fault::PadsEmpty(Purpose::Recovery)));
}

#[test]
fn the_ledger_stops_the_station_at_its_limit() {
    let mut store = Store::default();
    store.record_epsilon(1e-6 - 1.5e-10).unwrap();
    let mut pair = Pair::with(parameters(1_000_000), 1, store, Store::default());
    pair.connect(&mut carry);
    pair.block(0, Link::GOOD, &mut carry);
    assert!(pair.common_key(0).is_some(), "{:?}", pair.faults);
    pair.block(1, Link::GOOD, &mut carry);
    let (role, fault) = pair.faults.first().unwrap();
    assert!(*role == Role::Alice && matches!(fault, Fault::EpsilonSpent { .. }), "{fault:?}");
    assert_eq!(fault.blame(), Blame::ThisStation);
    pair.wait(&mut carry);
    assert_eq!(pair.common_key(1), None);
}
