use proptest::prelude::*;

use super::frame::Frame;
use super::geometry::Geometry;
use super::reference::Reference;
use super::wire::{Reader, Writer};
use super::*;
use crate::bound::binary_entropy;
use crate::reconcile::testing::{run, same, strings};
use crate::reconcile::{Announced, Code, Plan, PlanRefused};

fn try_plan(n_key: u64, qber: f64) -> Result<Plan, PlanRefused> {
    let test_bits = 100_000_000;
    let test_errors = (test_bits as f64 * qber) as u64;
    Plan::choose(Code::Cascade, Announced { n_key, test_bits, test_errors, margin_ppm: 0 })
}

fn plan(n_key: u64, qber: f64) -> Plan {
    try_plan(n_key, qber).expect("within the range")
}

/// Which errors Bob's string gets.
#[derive(Clone, Copy, Debug)]
enum Errors {
    None,
    Independent,
    /// In one run: the same number of errors, half of the bits there.
    Burst,
    /// Every so many bits.
    Regular,
    /// Two in a word, at the same distance.
    Pairs,
}

fn with_errors(len: usize, qber: f64, kind: Errors, seed: u64) -> (SecretBits, SecretBits) {
    let (alice, mut bob) =
        strings(len, if matches!(kind, Errors::Independent) { qber } else { 0.0 }, seed);
    let count = (len as f64 * qber) as usize;
    let errors: Vec<usize> = match kind {
        Errors::None | Errors::Independent => Vec::new(),
        Errors::Burst => {
            (0..count).map(|i| (seed as usize % len + 2 * i + i % 3 % 2) % len).collect()
        }
        Errors::Regular => (0..count).map(|i| i * len / count).collect(),
        Errors::Pairs => (0..count)
            .map(|i| ((i / 2 * 2 * len / count.max(1)) & !63) + 5 + 20 * (i % 2))
            .collect(),
    };
    let errors: std::collections::BTreeSet<usize> =
        errors.into_iter().filter(|at| *at < len).collect();
    errors.into_iter().for_each(|at| bob.flip(at));
    (alice, bob)
}

#[test]
fn strings_agree_and_both_directions_are_charged() {
    for (len, qber) in [
        (700, 0.02),
        (2_001, 0.02),
        (10_000, 0.05),
        (50_000, 0.001),
        (100_000, 0.03),
        (1_000_001, 0.02),
        (7_000_000, 0.02),
    ] {
        let (alice, bob) = strings(len, qber, len as u64);
        let plan = plan(len as u64, qber);
        let (corrected, outcome) = run(&plan, &alice, &bob).expect("within λ_max");
        assert!(same(&corrected, &alice), "{len} bits at {qber}");
        assert_eq!(outcome.corrected_errors, bob.distance(&alice) as u64);
        assert_eq!(outcome.leak.alice_bits, outcome.leak.bob_bits);
        assert_eq!(u64::from(outcome.frames), plan.frames());
        let limit = binary_entropy(bob.distance(&alice) as f64 / len as f64) * len as f64;
        assert!(outcome.leak.alice_bits as f64 >= limit, "below the Shannon limit");
        if len >= 100_000 {
            let f_alice = outcome.leak.alice_bits as f64 / limit;
            assert!(f_alice < 1.08, "{f_alice} at {qber}");
        }
    }
}

#[test]
fn equal_strings_cost_the_blocks_and_the_check_only() {
    let (alice, _) = strings(100_000, 0.0, 1);
    let (corrected, outcome) = run(&plan(100_000, 0.02), &alice, &alice).expect("nothing to do");
    assert!(same(&corrected, &alice));
    // 1563 words with blocks of 32; 25 tiles of 64 rows and so 1600 columns, four and 64
    // a block; ten subsets. The last of the later passes' blocks need not be told.
    let parities = 2 * 1_563 + (400 - 1) + (25 - 1) + 10;
    assert_eq!(outcome.leak, Leak { alice_bits: parities, bob_bits: parities });
    assert_eq!(outcome.iterations, 2, "the blocks and the check");
}

#[test]
fn more_errors_than_planned_drop_the_block_within_lambda_max() {
    let (of_alice, of_bob) = strings(20_000, 0.09, 2);
    let plan = plan(20_000, 0.01);
    let lambda_max = plan.lambda_max();
    let error = run(&plan, &of_alice, &of_bob).err();
    assert_eq!(error, Some(ReconcileError::LeakExhausted { lambda_max }));
    // Each station keeps the bound itself: one that has nothing in common with the other asks without
    // end.
    let (of_stranger, _) = strings(20_000, 0.0, 77);
    for alice_is_true in [true, false] {
        let strings =
            if alice_is_true { (&of_alice, &of_stranger) } else { (&of_stranger, &of_bob) };
        let mut alice = plan.alice(strings.0).expect("its length");
        let mut bob = plan.bob(strings.1).expect("its length");
        let mut message = alice.first();
        let error = loop {
            match bob.handle(&message) {
                Ok(BobStep::Send(reply) | BobStep::SendDone(reply)) => match alice.handle(&reply) {
                    Ok(AliceStep::Send(next)) => message = next,
                    Ok(AliceStep::Done) => panic!("nothing in common"),
                    Err(error) => break error,
                },
                Err(error) => break error,
            }
        };
        assert_eq!(error, ReconcileError::LeakExhausted { lambda_max });
        for leak in [alice.leak(), bob.leak()] {
            assert!(leak.total() <= lambda_max && leak.total() > lambda_max / 2, "{leak:?}");
        }
    }
}

/// The last message, with parities that nobody asked for: Bob's string is right by then, and he gives
/// nothing out all the same.
#[test]
fn a_refused_last_message_leaves_nothing() {
    let (of_alice, of_bob) = strings(5_000, 0.02, 3);
    let plan = plan(5_000, 0.02);
    let mut alice = plan.alice(&of_alice).expect("its length");
    let mut bob = plan.bob(&of_bob).expect("its length");
    let mut heard = vec![alice.first()];
    while let Ok(BobStep::Send(reply)) = bob.handle(&heard[heard.len() - 1]) {
        let Ok(AliceStep::Send(next)) = alice.handle(&reply) else { panic!("Bob asks") };
        heard.push(next);
    }
    let last = heard.pop().expect("the last one");
    for refused in [[&last[..], &[0]].concat(), last[..last.len() - 1].to_vec()] {
        let mut bob = plan.bob(&of_bob).expect("its length");
        assert!(heard.iter().all(|message| matches!(bob.handle(message), Ok(BobStep::Send(_)))));
        assert!(matches!(bob.handle(&refused), Err(ReconcileError::Malformed(_))));
        assert_eq!(bob.handle(&last), Err(ReconcileError::OutOfTurn));
        assert_eq!(bob.corrected().err(), Some(ReconcileError::OutOfTurn));
    }
    let (corrected, _) = bob.corrected().expect("this one heard all");
    assert!(same(&corrected, &of_alice));
}

#[test]
fn messages_of_another_length_or_out_of_turn_are_refused() {
    let (of_alice, of_bob) = strings(5_000, 0.02, 3);
    let plan = plan(5_000, 0.02);
    let mut alice = plan.alice(&of_alice).expect("its length");
    assert_eq!(alice.handle(&[0]), Err(ReconcileError::OutOfTurn));
    let first = alice.first();
    for change in [-1, 1] {
        let mut bob = plan.bob(&of_bob).expect("its length");
        let mut message = first.clone();
        message.resize(first.len().strict_add_signed(change), 0);
        assert!(matches!(bob.handle(&message), Err(ReconcileError::Malformed(_))));
        assert_eq!(bob.handle(&first), Err(ReconcileError::OutOfTurn), "it was dropped");
        assert!(bob.corrected().is_err());
    }
    // A set bit in the padding.
    let parities = plan.lambda_max();
    let mut bob = plan.bob(&of_bob).expect("its length");
    let Ok(BobStep::Send(reply)) = bob.handle(&first) else { panic!("there are errors") };
    assert!(bob.leak().total() < parities);
    for message in [&reply[..reply.len() - 1], &[&reply[..], &[0]].concat(), &[]] {
        let mut alice = plan.alice(&of_alice).expect("its length");
        alice.first();
        assert!(matches!(alice.handle(message), Err(ReconcileError::Malformed(_))));
        assert_eq!(alice.handle(&reply), Err(ReconcileError::OutOfTurn));
    }
    assert!(alice.handle(&reply).is_ok());
}

#[test]
fn plans_go_round_as_bytes_and_forged_ones_are_refused() {
    for len in [2_000, 100_000, 1 << 30] {
        let plan = plan(len, 0.02);
        let bytes = plan.encode();
        assert_eq!(Plan::decode(&bytes), Ok(plan));
        for at in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[at] ^= 1;
            assert!(Plan::decode(&forged) != Ok(plan), "byte {at}");
        }
    }
    assert!(try_plan((1 << 30) + 1, 0.02).is_err());
}

/// Runs both sides of a frame, and the reference, on the same strings.
fn compare_with_reference(len: u64, planned: f64, kind: Errors, qber: f64, seed: u64) {
    let layout = Layout::choose(len, planned).expect("within the range");
    let geometry = Geometry::new(layout);
    let bits = 64 * geometry.words;
    let (alice, bob) = with_errors(bits, qber, kind, seed);
    let mut reference = Reference::new(&geometry, alice.iter().collect(), bob.iter().collect());
    reference.run();

    let mut of_alice = Frame::new(&geometry, alice.words(), bits, false);
    let mut of_bob = Frame::new(&geometry, bob.words(), bits, true);
    let mut rounds = Vec::new();
    while !of_bob.is_done() {
        let (mut from_alice, mut from_bob) = (Writer::default(), Writer::default());
        of_alice.tell(&mut from_alice);
        of_bob.tell(&mut from_bob);
        let count = from_alice.len() as usize;
        let (from_alice, from_bob) = (from_alice.finish(), from_bob.finish());
        rounds.push((0..count).map(|i| from_alice[i / 8] >> (i % 8) & 1 == 1).collect::<Vec<_>>());
        of_alice.hear(&geometry, &mut Reader::new(&from_bob)).expect("true parities");
        of_bob.hear(&geometry, &mut Reader::new(&from_alice)).expect("true parities");
        assert_eq!(of_alice.corrected(), of_bob.corrected());
    }
    assert!(of_alice.is_done());
    for (round, (fast, slow)) in rounds.iter().zip(&reference.told).enumerate() {
        assert_eq!(fast, slow, "round {round}");
    }
    assert_eq!(rounds.len(), reference.told.len());
    let mut corrected = bob.duplicate();
    corrected.xor_assign(&SecretBits::from_words(of_bob.corrected().to_vec(), bits));
    assert!(same(&corrected, &SecretBits::from_bits(reference.bob.iter().copied())));
}

#[test]
fn the_plain_reference_tells_the_same_and_corrects_the_same() {
    for (len, qber) in [(64, 0.05), (1_000, 0.03), (5_000, 0.05), (20_000, 0.02), (40_000, 0.005)] {
        for kind in
            [Errors::None, Errors::Independent, Errors::Burst, Errors::Regular, Errors::Pairs]
        {
            compare_with_reference(len, qber, kind, qber, len);
        }
    }
    // Of a string of many frames, where a run is cut into more than two pieces.
    compare_with_reference(8_000_000, 0.02, Errors::Independent, 0.02, 1);
    compare_with_reference(8_000_000, 0.05, Errors::Pairs, 0.02, 2);
}

#[test]
fn every_layout_has_room_for_its_first_parities() {
    for shift in 6..=30 {
        for bits in [(1 << shift) - 1, 1 << shift, (1_u64 << shift) + 1] {
            for qber in [1e-9, 1e-4, 0.001, 0.01, 0.03, 0.06, 0.1] {
                let Some(layout) = Layout::choose(bits, qber) else {
                    assert!(!(64..=1 << 30).contains(&bits));
                    continue;
                };
                let words = layout.frame_words() as u64;
                let blocks = layout.blocks().iter().enumerate().map(|(pass, b)| {
                    let columns = match pass {
                        0 => words,
                        _ => 64 * words.div_ceil(b.rows.into()),
                    };
                    columns.div_ceil(b.columns.into()) * u64::from(b.parts)
                });
                let first: u64 = layout.frames * blocks.sum::<u64>();
                assert!(first <= layout.parities, "{bits} bits at {qber}: {layout:?}");
                assert!(layout.subsets <= 32 && layout.fan <= 64);
            }
        }
    }
}

#[test]
fn a_plan_for_a_short_string_is_made_or_refused_and_works() {
    let mut made = 0;
    for len in (64..2_000).step_by(37) {
        for qber in [0.001, 0.01, 0.05] {
            let Ok(plan) = try_plan(len, qber) else { continue };
            made += 1;
            let (alice, bob) = strings(len as usize, qber, len);
            match run(&plan, &alice, &bob) {
                // Rarely a difference stays for the verification to find.
                Ok((corrected, _)) => assert!(corrected.distance(&alice) <= 4),
                Err(error) => assert!(matches!(error, ReconcileError::LeakExhausted { .. })),
            }
        }
    }
    assert!(made > 100, "{made}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the errors are: the strings agree, or the block is dropped, or (once in thousands of
    /// short strings) verification finds what is left. [`run`] checks the leaks.
    #[test]
    fn strings_agree_for_all_kinds_of_errors(
        len in 600_usize..30_000,
        planned in 0.005_f64..0.08,
        share in 0.0_f64..1.2,
        kind in prop::sample::select(vec![
            Errors::None, Errors::Independent, Errors::Burst, Errors::Regular, Errors::Pairs,
        ]),
        seed in 0_u64..1000,
    ) {
        let Ok(plan) = try_plan(len as u64, planned) else { return Ok(()) };
        let (alice, bob) = with_errors(len, planned * share, kind, seed);
        match run(&plan, &alice, &bob) {
            Ok((corrected, outcome)) => {
                let left = corrected.distance(&alice);
                prop_assert!(left <= 4, "{} errors left", left);
                prop_assert!(outcome.corrected_errors >= (bob.distance(&alice) - left) as u64);
            }
            Err(error) => {
                let dropped = matches!(error, ReconcileError::LeakExhausted { .. });
                prop_assert!(dropped, "{}", error);
            }
        }
    }

    /// Lies end in a typed error or in a string that verification will refuse, after no more parities
    /// than λ_max has room for.
    #[test]
    fn no_lie_panics_or_goes_on_for_ever(
        noise in proptest::collection::vec(any::<u8>(), 1..50),
        from in 0_usize..20,
        to_alice in any::<bool>(),
    ) {
        let plan = plan(3_000, 0.05);
        let (of_alice, of_bob) = strings(3_000, 0.05, 5);
        let mut alice = plan.alice(&of_alice).expect("its length");
        let mut bob = plan.bob(&of_bob).expect("its length");
        let mut noise = noise.iter().cycle();
        let mut turn = 0;
        let mut disturb = |message: &mut Vec<u8>, is_due: bool| {
            turn += 1;
            // The last byte has padding, which a lie would show at once.
            let end = message.len().saturating_sub(1);
            if is_due && turn >= from {
                message[..end].iter_mut().for_each(|byte| *byte ^= noise.next().expect("endless"));
            }
        };
        let mut message = alice.first();
        let mut turns = 0;
        loop {
            disturb(&mut message, !to_alice);
            let Ok(BobStep::Send(mut reply)) = bob.handle(&message) else { break };
            disturb(&mut reply, to_alice);
            let Ok(AliceStep::Send(next)) = alice.handle(&reply) else { break };
            message = next;
            turns += 1;
            prop_assert!(turns <= plan.lambda_max());
        }
        prop_assert!(bob.leak().total() <= plan.lambda_max());
        prop_assert!(alice.leak().total() <= plan.lambda_max());
    }

    #[test]
    fn no_bytes_panic(messages in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..200), 1..20,
    )) {
        let (bits, _) = strings(3_000, 0.0, 4);
        let plan = plan(3_000, 0.02);
        let mut alice = plan.alice(&bits).expect("its length");
        let mut bob = plan.bob(&bits).expect("its length");
        alice.first();
        for message in messages {
            let _ = alice.handle(&message);
            let _ = bob.handle(&message);
        }
    }
}
