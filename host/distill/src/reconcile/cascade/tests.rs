use proptest::prelude::*;

use super::*;
use crate::reconcile::testing::{run, same, strings};
use crate::reconcile::{Announced, Code, Plan};

fn plan(n_key: u64, qber: f64) -> Plan {
    let test_bits = 100_000_000;
    let test_errors = (test_bits as f64 * qber) as u64;
    let announced = Announced { n_key, test_bits, test_errors, margin_ppm: 0 };
    Plan::choose(Code::Cascade, announced).expect("within the range")
}

#[test]
fn strings_agree_and_both_directions_are_charged() {
    for (len, qber) in [(2_001, 0.02), (10_000, 0.05), (50_000, 0.001), (100_000, 0.03)] {
        let (alice, bob) = strings(len, qber, len as u64);
        let plan = plan(len as u64, qber);
        let (corrected, outcome) = run(&plan, &alice, &bob).expect("within λ_max");
        assert!(same(&corrected, &alice), "{len} bits at {qber}");
        assert_eq!(outcome.corrected_errors, bob.distance(&alice) as u64);
        assert_eq!(outcome.leak.alice_bits, outcome.leak.bob_bits);
        let limit = binary_entropy(bob.distance(&alice) as f64 / len as f64) * len as f64;
        assert!(outcome.leak.alice_bits as f64 >= limit, "below the Shannon limit");
    }
}

#[test]
fn equal_strings_cost_the_block_parities_only() {
    let (alice, _) = strings(10_000, 0.0, 1);
    let (corrected, outcome) = run(&plan(10_000, 0.02), &alice, &alice).expect("nothing to do");
    assert!(same(&corrected, &alice));
    // Blocks of 64, 256, 1024, 4096, then 8 passes of halves; ends of the whole told once.
    let ends = 157 + 39 + 9 + 2 + 8;
    assert_eq!(outcome.leak, Leak { alice_bits: ends, bob_bits: ends });
}

#[test]
fn more_errors_than_planned_drop_the_block_within_lambda_max() {
    let (of_alice, of_bob) = strings(20_000, 0.09, 2);
    let plan = plan(20_000, 0.01);
    let lambda_max = plan.lambda_max();
    let error = run(&plan, &of_alice, &of_bob).err();
    assert_eq!(error, Some(ReconcileError::LeakExhausted { lambda_max }));
    // Alice keeps the bound herself, whoever asks.
    let mut alice = plan.alice(&of_alice).expect("its length");
    alice.first();
    let greedy = [&[0][..], &[1, 0, 0, 0].repeat(1_000)].concat();
    let refused = std::iter::repeat_with(|| alice.handle(&greedy)).find(Result::is_err);
    assert_eq!(refused, Some(Err(ReconcileError::LeakExhausted { lambda_max })));
    assert!(alice.leak().total() <= lambda_max);
}

#[test]
fn questions_beyond_the_string_are_refused() {
    let (bits, _) = strings(5_000, 0.0, 3);
    let mut alice = plan(5_000, 0.02).alice(&bits).expect("its length");
    assert_eq!(alice.handle(&[0]), Err(ReconcileError::OutOfTurn));
    alice.first();
    for message in [&[200][..], &[0, 1, 2], &[0, 0, 0, 0, 0], &[1, 0x89, 0x13, 0, 0]] {
        assert!(matches!(alice.handle(message), Err(ReconcileError::Malformed(_))), "{message:?}");
    }
    assert!(alice.handle(&[1, 0x88, 0x13, 0, 0]).is_ok());
    assert_eq!(alice.handle(&[]), Ok(AliceStep::Done));
    assert_eq!(alice.handle(&[0]), Err(ReconcileError::OutOfTurn));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_question_panics(messages in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..14), 1..20,
    )) {
        let (bits, _) = strings(3_000, 0.0, 4);
        let mut alice = plan(3_000, 0.02).alice(&bits).expect("its length");
        alice.first();
        for message in messages {
            let _ = alice.handle(&message);
        }
    }

    /// Lies end: in an error, or in a string that verification will refuse.
    #[test]
    fn no_answer_panics_or_goes_on_for_ever(noise in proptest::collection::vec(any::<u8>(), 1..50)) {
        let plan = plan(3_000, 0.05);
        let (of_alice, of_bob) = strings(3_000, 0.05, 5);
        let mut alice = plan.alice(&of_alice).expect("its length");
        let mut bob = plan.bob(&of_bob).expect("its length");
        let mut noise = noise.iter().cycle();
        let mut message = alice.first();
        while let Ok(BobStep::Send(questions)) = bob.handle(&message) {
            match alice.handle(&questions) {
                Ok(AliceStep::Send(answers)) => message = answers,
                _ => break,
            }
            if let Some(first) = message.first_mut() {
                *first ^= noise.next().expect("endless") & 1;
            }
        }
        prop_assert!(bob.leak().total() <= plan.lambda_max());
    }
}
