//! What the tests of both engines share.

use helio_keys::{EntropySource, SecretBits, SeededEntropy, SimulatedDevices};

use super::{AliceStep, BobStep, Outcome, Plan, ReconcileError};

/// Alice's string and Bob's with independent errors at the given rate.
pub fn strings(len: usize, qber: f64, seed: u64) -> (SecretBits, SecretBits) {
    let devices = SimulatedDevices::declared(true, true).expect("both simulated");
    let mut source = SeededEntropy::new(devices, seed, "reconcile");
    let alice = source.bits(len).expect("never fails");
    let mut bob = alice.duplicate();
    let mut bytes = [0; 8];
    for i in 0..len {
        source.fill(&mut bytes).expect("never fails");
        if (u64::from_le_bytes(bytes) as f64) < qber * 2f64.powi(64) {
            bob.flip(i);
        }
    }
    (alice, bob)
}

/// Whether two strings are the same.
pub fn same(a: &SecretBits, b: &SecretBits) -> bool {
    a.ct_eq(b).into()
}

/// Carries messages until Bob's string is fixed, and checks that both count the same leak.
pub fn run(
    plan: &Plan,
    alice: &SecretBits,
    bob: &SecretBits,
) -> Result<(SecretBits, Outcome), ReconcileError> {
    let (mut alice, mut bob) = (plan.alice(alice)?, plan.bob(bob)?);
    let mut to_bob = alice.first();
    loop {
        match bob.handle(&to_bob)? {
            BobStep::SendDone(last) => {
                assert_eq!(alice.handle(&last), Ok(AliceStep::Done));
                assert_eq!(alice.leak(), bob.leak());
                assert!(bob.leak().total() <= plan.lambda_max());
                return bob.corrected();
            }
            BobStep::Send(to_alice) => match alice.handle(&to_alice)? {
                AliceStep::Send(message) => to_bob = message,
                AliceStep::Done => panic!("Alice ended before Bob"),
            },
        }
    }
}
