use super::*;
use helio_keys::{EntropySource, SeededEntropy, SimulatedDevices};

fn random(len: usize, seed: u64) -> SecretBits {
    let devices = SimulatedDevices::declared(true, true).expect("both simulated");
    SeededEntropy::new(devices, seed, "amplify").bits(len).expect("never fails")
}

/// The definition, bit by bit.
fn by_definition(x: &SecretBits, seed: &SecretBits, output: usize) -> SecretBits {
    let tail = x.len() - output;
    SecretBits::from_bits((0..output).map(|i| {
        (0..tail).fold(x.get(i), |sum, j| sum ^ (x.get(output + j) & seed.get(i + tail - 1 - j)))
    }))
}

#[test]
fn every_level_is_the_matrix() {
    let sizes = [1, 2, 3, 31, 32, 33, 63, 64, 65, 127, 128, 129, 191, 320, 777, 1024, 1500, 2049];
    for (s, &n) in sizes.iter().enumerate() {
        for output in sizes.iter().copied().chain([n - 1, n / 2, n / 3]).filter(|o| *o <= n) {
            let x = random(n, s as u64);
            let seed = random(seed_bits(n, output), 1000 + output as u64);
            let expected = by_definition(&x, &seed, output);
            for level in Level::available() {
                let fast = amplify_at(level, &x, &seed, output).expect("fits");
                assert_eq!(fast.len(), output);
                assert!(bool::from(fast.ct_eq(&expected)), "{n} to {output} bits, {level:?}");
            }
        }
    }
}

#[test]
fn wrong_lengths_are_refused() {
    let x = random(100, 1);
    for (seed, output) in [(98, 51), (100, 51), (0, 1), (1, 0), (99, 100)] {
        let result = amplify(&x, &random(seed, 2), output);
        assert!(matches!(result, Err(AmplifyError::SeedLength { .. })), "{seed} {output}");
    }
    let result = amplify(&x, &random(200, 2), 101);
    assert!(matches!(result, Err(AmplifyError::OutputTooLong { input: 100, output: 101 })));
    assert!(amplify(&x, &SecretBits::new(), 0).expect("nothing").is_empty());
    assert!(amplify(&SecretBits::new(), &SecretBits::new(), 0).expect("nothing").is_empty());
    let whole = amplify(&x, &SecretBits::new(), 100).expect("the identity");
    assert!(bool::from(whole.ct_eq(&x)));
}
