use proptest::prelude::*;

use super::*;
use crate::bound::binary_entropy;
use crate::reconcile::testing::{same, strings};
use crate::reconcile::{Announced, Code, Plan};

fn layout(len: usize, qber: f64) -> Layout {
    Layout::choose(len as u64, qber).expect("within the range")
}

#[test]
fn strings_agree_and_the_leak_stays_within_the_plan() {
    for (len, qber) in [(4_001, 0.02), (20_000, 0.005), (65_537, 0.05), (200_003, 0.08)] {
        let (of_alice, of_bob) = strings(len, qber, len as u64);
        let layout = layout(len, qber);
        let mut alice = Alice::new(layout, &of_alice);
        let mut bob = Box::new(Bob::new(layout, &of_bob));
        let Ok(BobStep::SendDone(verdicts)) = bob.handle(&alice.first()) else {
            panic!("a frame failed");
        };
        assert_eq!(alice.handle(&verdicts), Ok(AliceStep::Done));
        assert_eq!(alice.leak(), bob.leak());
        assert!(bob.leak().total() <= layout.lambda_max());
        assert!(bob.leak().total() >= (binary_entropy(qber) * len as f64) as u64);
        let (corrected, outcome) = bob.corrected().expect("fixed");
        assert!(same(&corrected, &of_alice));
        assert_eq!(outcome.corrected_errors, of_bob.distance(&of_alice) as u64);
    }
}

/// One frame of three gets far more errors than the plan has room for, and is disclosed.
#[test]
fn a_failed_frame_is_disclosed_charged_and_kept() {
    let len = 3 * 65_536 - 17;
    let (of_alice, mut of_bob) = strings(len, 0.02, 5);
    let layout = Layout { allowed: 1, ..layout(len, 0.02) };
    for i in (0..len).filter(|i| i / 64 % 3 == 2 && i % 9 == 0) {
        of_bob.flip(i);
    }
    let mut alice = Alice::new(layout, &of_alice);
    let mut bob = Box::new(Bob::new(layout, &of_bob));
    let Ok(BobStep::Send(verdicts)) = bob.handle(&alice.first()) else {
        panic!("the bad frame decoded");
    };
    assert_eq!(verdicts, [0b100]);
    let Ok(AliceStep::Send(disclosed)) = alice.handle(&verdicts) else {
        panic!("not disclosed");
    };
    assert_eq!(bob.handle(&disclosed), Ok(BobStep::SendDone(Vec::new())));
    assert_eq!(alice.handle(&[]), Ok(AliceStep::Done));
    // Two syndromes, three verdicts, and all bits of the last frame.
    let expected = 2 * layout.syndrome_bits() + 3 + 65_536 - 17;
    assert_eq!(alice.leak().total(), expected);
    assert_eq!(bob.leak(), alice.leak());
    assert!(expected <= layout.lambda_max());
    let (corrected, outcome) = bob.corrected().expect("fixed");
    assert!(same(&corrected, &of_alice));
    assert_eq!(outcome.failed_frames, 1);
    assert_eq!(outcome.corrected_errors, of_bob.distance(&of_alice) as u64);
}

#[test]
fn failures_beyond_the_allowance_drop_the_block() {
    let len = 20_000;
    let (of_alice, of_bob) = strings(len, 0.09, 6);
    let layout = layout(len, 0.02);
    assert_eq!((layout.frames, layout.allowed), (1, 0));
    let mut alice = Alice::new(layout, &of_alice);
    let mut bob = Box::new(Bob::new(layout, &of_bob));
    let error = ReconcileError::TooManyFailedFrames { failed: 1, allowed: 0 };
    assert_eq!(bob.handle(&alice.first()), Err(error));
    assert_eq!(bob.handle(&[]), Err(ReconcileError::OutOfTurn));
    assert_eq!(bob.corrected().err(), Some(ReconcileError::OutOfTurn));
    // And Alice does not disclose a frame because she is asked to.
    assert_eq!(alice.handle(&[1]), Err(error));
    assert_eq!(alice.handle(&[1]), Err(ReconcileError::OutOfTurn));
    assert_eq!(alice.leak().alice_bits, layout.syndrome_bits());
}

#[test]
fn frames_share_out_all_bits() {
    for len in [4_000, 65_536 * 3 - 17, 65_536 * 5 + 1] {
        let (bits, _) = strings(len, 0.0, 1);
        let frames = Frames::new(layout(len, 0.02), &bits);
        let counts = (0..frames.count()).map(|f| frames.bit_count(f));
        assert_eq!(counts.sum::<usize>(), len);
        assert!((0..frames.count()).all(|f| frames.words(f).count() == frames.word_count(f)));
    }
}

#[test]
fn wrong_syndromes_do_not_pass_for_right_ones() {
    let len = 10_000;
    let (of_alice, of_bob) = strings(len, 0.02, 7);
    let layout = layout(len, 0.02);
    let mut message = Alice::new(layout, &of_alice).first();
    message.iter_mut().for_each(|byte| *byte ^= 0x55);
    let mut bob = Box::new(Bob::new(layout, &of_bob));
    assert!(matches!(
        bob.handle(&message),
        Err(ReconcileError::TooManyFailedFrames { failed: 1, allowed: 0 })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_message_panics(messages in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..40), 1..4,
    )) {
        let (of_alice, of_bob) = strings(4_000, 0.02, 8);
        let announced = Announced { n_key: 4_000, test_bits: 10_000, test_errors: 200, margin_ppm: 0 };
        let plan = Plan::choose(Code::Ldpc, announced).expect("within the range");
        let mut alice = plan.alice(&of_alice).expect("its length");
        let mut bob = plan.bob(&of_bob).expect("its length");
        let first = alice.first();
        for message in &messages {
            let _ = alice.handle(message);
            prop_assert!(bob.handle(message).is_err());
        }
        // A message of the right length may still hold anything.
        let mut bob = plan.bob(&of_bob).expect("its length");
        let noise: Vec<u8> = first.iter().zip(messages.concat().iter().cycle()).map(|(a, b)| a ^ b).collect();
        let _ = bob.handle(&noise);
        prop_assert!(alice.leak().total() <= plan.lambda_max());
        prop_assert!(bob.leak().total() <= plan.lambda_max());
    }
}
