use helio_keys::SecretBits;
use proptest::prelude::*;

use super::frames::{Frames, Next};
use super::*;
use crate::bound::binary_entropy;
use crate::reconcile::draw::Draw;
use crate::reconcile::testing::{same, strings};
use crate::reconcile::{
    AliceStep, Announced, BobStep, Code, Outcome, Plan, ReconcileAlice, ReconcileBob,
    ReconcileError,
};

fn layout(len: usize, qber: f64) -> Layout {
    Layout::choose(len as u64, qber).expect("within the range")
}

/// Carries messages to the end. Returns Bob's string, what was done, and the leak that both count.
fn talk(
    layout: Layout,
    of_alice: &SecretBits,
    of_bob: &SecretBits,
) -> Result<(SecretBits, Outcome), ReconcileError> {
    let mut alice = Alice::new(layout, of_alice);
    let mut bob = Box::new(Bob::new(layout, of_bob));
    let mut message = alice.first();
    loop {
        match bob.handle(&message)? {
            BobStep::Send(question) => match alice.handle(&question)? {
                AliceStep::Send(answer) => message = answer,
                AliceStep::Done => panic!("Alice ended before Bob"),
            },
            BobStep::SendDone(last) => {
                assert_eq!(alice.handle(&last), Ok(AliceStep::Done));
                assert_eq!(alice.leak(), bob.leak());
                assert!(bob.leak().total() <= layout.lambda_max());
                return bob.corrected();
            }
        }
    }
}

#[test]
fn strings_agree_and_the_leak_stays_within_the_plan() {
    for (len, qber) in [(4_001, 0.02), (20_000, 0.005), (131_073, 0.05), (400_003, 0.08)] {
        let (of_alice, of_bob) = strings(len, qber, len as u64);
        let layout = layout(len, qber);
        let (corrected, outcome) = talk(layout, &of_alice, &of_bob).expect("within λ_max");
        assert!(outcome.leak.total() >= (binary_entropy(qber) * len as f64) as u64);
        assert!(same(&corrected, &of_alice));
        assert_eq!(outcome.corrected_errors, of_bob.distance(&of_alice) as u64);
        assert_eq!(outcome.frames, layout.frames as u32);
    }
}

/// One frame of three has more errors than the core has room for, and is decoded with more checks.
#[test]
fn a_blind_round_decodes_what_the_core_does_not_and_is_charged() {
    let len = 3 * 262_144 - 17;
    let (of_alice, mut of_bob) = strings(len, 0.02, 5);
    let layout = layout(len, 0.02);
    assert!(layout.extra_rows >= 1);
    let layout = Layout { extra_rows: 14, ..layout };
    let mut draw = Draw::new(1);
    for i in (0..len).filter(|i| i / 64 % 3 == 2) {
        if draw.below(230) == 0 {
            of_bob.flip(i);
        }
    }
    let (corrected, outcome) = talk(layout, &of_alice, &of_bob).expect("within λ_max");
    assert!(same(&corrected, &of_alice));
    assert_eq!((outcome.failed_at_first, outcome.failed_frames), (1, 0));
    assert!(outcome.blind_rounds > 0);
    let steps = budget::steps(layout.shape);
    let rows = steps[outcome.blind_rounds as usize - 1] as u64;
    assert_eq!(outcome.leak.alice_bits, 3 * layout.core_bits() + rows * layout.row_bits());
    assert_eq!(outcome.leak.bob_bits, 3 + u64::from(outcome.blind_rounds));
}

/// One frame of three is beyond all checks, and is disclosed.
#[test]
fn a_failed_frame_is_disclosed_charged_and_kept() {
    let len = 3 * 262_144 - 17;
    let (of_alice, mut of_bob) = strings(len, 0.02, 5);
    let layout = Layout { extra_rows: 1_000, ..layout(len, 0.02) };
    for i in (0..len).filter(|i| i / 64 % 3 == 2 && i % 9 == 0) {
        of_bob.flip(i);
    }
    let (corrected, outcome) = talk(layout, &of_alice, &of_bob).expect("within λ_max");
    // Two cores and all bits of the last frame; its verdict in each round.
    let last = 262_144 - 17;
    assert_eq!(outcome.leak.alice_bits, 2 * layout.core_bits() + last);
    assert_eq!(outcome.leak.bob_bits, 3 + budget::ROUNDS as u64);
    assert!(same(&corrected, &of_alice));
    assert_eq!((outcome.failed_at_first, outcome.failed_frames), (1, 1));
    assert_eq!(outcome.blind_rounds, budget::ROUNDS as u32 + 1);
    assert_eq!(outcome.corrected_errors, of_bob.distance(&of_alice) as u64);
}

#[test]
fn what_lambda_max_has_no_room_for_drops_the_block() {
    let len = 20_000;
    let (of_alice, of_bob) = strings(len, 0.09, 6);
    let layout = layout(len, 0.02);
    let error = ReconcileError::LeakExhausted { lambda_max: layout.lambda_max() };
    assert_eq!(talk(layout, &of_alice, &of_bob).err(), Some(error));
    // With no budget at all Bob does not ask, and Alice does not answer.
    let layout = Layout { extra_rows: 0, ..layout };
    let error = ReconcileError::LeakExhausted { lambda_max: layout.lambda_max() };
    let mut alice = Alice::new(layout, &of_alice);
    let mut bob = Box::new(Bob::new(layout, &of_bob));
    assert_eq!(bob.handle(&alice.first()), Err(error));
    assert_eq!(bob.handle(&[]), Err(ReconcileError::OutOfTurn));
    assert_eq!(bob.leak().total(), layout.lambda_max());
    assert_eq!(bob.corrected().err(), Some(ReconcileError::OutOfTurn));
    assert_eq!(alice.handle(&[1]), Err(error));
    assert_eq!(alice.handle(&[1]), Err(ReconcileError::OutOfTurn));
    assert_eq!(alice.leak().alice_bits, layout.core_bits());
}

#[test]
fn wrong_checks_do_not_pass_for_right_ones() {
    let len = 10_000;
    let (of_alice, of_bob) = strings(len, 0.02, 7);
    let layout = Layout { extra_rows: 0, ..layout(len, 0.02) };
    let mut message = Alice::new(layout, &of_alice).first();
    message.iter_mut().for_each(|byte| *byte ^= 0x55);
    let mut bob = Box::new(Bob::new(layout, &of_bob));
    assert!(matches!(bob.handle(&message), Err(ReconcileError::LeakExhausted { .. })));
}

/// Every message of another length is refused, in every state.
#[test]
fn lengths_are_the_layouts() {
    let len = 4_001;
    let (of_alice, mut of_bob) = strings(len, 0.02, 7);
    (0..len).step_by(3).for_each(|i| of_bob.flip(i));
    let layout = Layout { extra_rows: 10_000, ..layout(len, 0.02) };
    let malformed = |result| matches!(result, Err(ReconcileError::Malformed(_)));
    for round in 0..=budget::ROUNDS + 1 {
        for change in [-1_i64, 1] {
            let mut alice = Alice::new(layout, &of_alice);
            let mut bob = Bob::new(layout, &of_bob);
            let mut message = alice.first();
            for _ in 0..round {
                let Ok(BobStep::Send(question)) = bob.handle(&message) else { panic!("decoded") };
                let Ok(AliceStep::Send(answer)) = alice.handle(&question) else { panic!("ended") };
                message = answer;
            }
            message.resize((message.len() as i64 + change) as usize, 0);
            assert!(malformed(bob.handle(&message).map(|_| ())), "{round}");
            assert!(malformed(alice.handle(&[1, 0]).map(|_| ())), "{round}");
        }
    }
}

#[test]
fn a_disclosed_frame_has_no_bits_in_its_padding() {
    let len = 4_001;
    let (of_alice, mut of_bob) = strings(len, 0.02, 7);
    (0..len).step_by(3).for_each(|i| of_bob.flip(i));
    let layout = Layout { extra_rows: 10_000, ..layout(len, 0.02) };
    let (mut alice, mut bob) = (Alice::new(layout, &of_alice), Bob::new(layout, &of_bob));
    let mut message = alice.first();
    while message.len() != Frames::new(layout, &of_alice).message_bytes(&Next::InFull, &[0]) {
        let Ok(BobStep::Send(question)) = bob.handle(&message) else { panic!("decoded") };
        let Ok(AliceStep::Send(answer)) = alice.handle(&question) else { panic!("ended") };
        message = answer;
    }
    *message.last_mut().expect("not empty") |= 0x80;
    let padding = ReconcileError::Malformed("a disclosed frame has bits in its padding");
    assert_eq!(bob.handle(&message), Err(padding));
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
