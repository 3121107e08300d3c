//! The plan of a block's reconciliation: a function of announced data only.

use helio_keys::SecretBits;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{ReconcileAlice, ReconcileBob, ReconcileError, cascade, ldpc};

/// Version of what a plan means: codes, schedules and message formats.
const VERSION: u8 = 4;
/// Longest string.
const MAX_BITS: u64 = 1 << 30;
/// Largest error rate to plan for with Cascade, margins included; hardly any key is left there.
const CASCADE_MAX_QBER: f64 = 0.10;
/// Standard deviations between the test basis' estimate and the rate to plan for.
const DEVIATIONS: f64 = 2.0;

/// Which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Code {
    /// One-way, quasi-cyclic LDPC codes: the default.
    Ldpc = 0,
    /// Cascade, charged for both directions: for short strings, and the yardstick.
    Cascade = 1,
}

/// What both stations know before reconciliation, by public announcements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Announced {
    /// Bits of the key-basis string.
    pub n_key: u64,
    /// Bits compared in the test basis.
    pub test_bits: u64,
    /// Those that differed.
    pub test_errors: u64,
    /// Agreed addition to the error rate, in parts per million, for a key basis known to be worse
    /// than the test basis. A setting, never a count of the key basis.
    pub margin_ppm: u32,
}

/// Why no plan was made. Nothing has been disclosed.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum PlanRefused {
    /// No estimate without test bits; and not more errors than bits.
    #[error("{test_errors} errors in {test_bits} test bits are no estimate of the QBER")]
    NoEstimate {
        /// Bits compared.
        test_bits: u64,
        /// Those that differed.
        test_errors: u64,
    },
    /// More errors than can be corrected with key left.
    #[error("a QBER of {:.2} % (with its margin) is more than {:.2} %", 100.0 * .qber, 100.0 * .most)]
    QberTooHigh {
        /// The rate to plan for.
        qber: f64,
        /// The largest that the engine plans for.
        most: f64,
    },
    /// The string is too short to be coded at this error rate, or too long altogether.
    #[error("no code for {n_key} bits at a QBER of {:.2} %", 100.0 * .qber)]
    Length {
        /// Bits of the string.
        n_key: u64,
        /// The rate to plan for.
        qber: f64,
    },
}

/// Code, rate, frames and λ_max of one block. Two stations with the same announced data have the
/// same plan, to the bit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    announced: Announced,
    qber: f64,
    engine: Engine,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Engine {
    Ldpc(ldpc::Layout),
    Cascade(cascade::Layout),
}

impl Plan {
    /// Makes the plan.
    ///
    /// The error rate to plan for is the Wilson score bound of the test basis at two standard
    /// deviations (Wilson, J. Am. Stat. Assoc. 22, 209 (1927)) plus the agreed margin; the room
    /// for what a frame has by chance is added by the code's design.
    ///
    /// # Errors
    /// [`PlanRefused`]: the block makes no key.
    pub fn choose(code: Code, announced: Announced) -> Result<Plan, PlanRefused> {
        let Announced { n_key, test_bits, test_errors, margin_ppm } = announced;
        if test_bits == 0 || test_errors > test_bits {
            return Err(PlanRefused::NoEstimate { test_bits, test_errors });
        }
        let qber =
            wilson_bound(test_errors as f64, test_bits as f64) + f64::from(margin_ppm) * 1e-6;
        let most = match code {
            Code::Ldpc => ldpc::MAX_QBER,
            Code::Cascade => CASCADE_MAX_QBER,
        };
        if qber > most {
            return Err(PlanRefused::QberTooHigh { qber, most });
        }
        if n_key > MAX_BITS {
            return Err(PlanRefused::Length { n_key, qber });
        }
        let engine = match code {
            Code::Ldpc => ldpc::Layout::choose(n_key, qber).map(Engine::Ldpc),
            Code::Cascade => cascade::Layout::choose(n_key, qber).map(Engine::Cascade),
        };
        let plan =
            Plan { announced, qber, engine: engine.ok_or(PlanRefused::Length { n_key, qber })? };
        match plan.lambda_max() < n_key {
            true => Ok(plan),
            false => Err(PlanRefused::Length { n_key, qber }),
        }
    }

    /// The engine.
    pub fn code(&self) -> Code {
        match self.engine {
            Engine::Ldpc(_) => Code::Ldpc,
            Engine::Cascade(_) => Code::Cascade,
        }
    }

    /// What the plan was made from.
    pub fn announced(&self) -> Announced {
        self.announced
    }

    /// The error rate that it has room for.
    pub fn qber(&self) -> f64 {
        self.qber
    }

    /// The most that reconciliation can disclose, both directions, in bits: what the key pays.
    pub fn lambda_max(&self) -> u64 {
        match self.engine {
            Engine::Ldpc(layout) => layout.lambda_max(),
            Engine::Cascade(layout) => layout.lambda_max(),
        }
    }

    /// Frames that the string is cut into.
    pub fn frames(&self) -> u64 {
        match self.engine {
            Engine::Ldpc(layout) => layout.frames,
            Engine::Cascade(layout) => layout.frames,
        }
    }

    /// Round trips of the line that it may take, about: what LDPC takes at most, what Cascade was seen
    /// to take.
    pub fn round_trips(&self) -> u32 {
        match self.engine {
            Engine::Ldpc(_) => ldpc::ROUND_TRIPS,
            Engine::Cascade(layout) => layout.round_trips(),
        }
    }

    /// Alice's side of it.
    ///
    /// # Errors
    /// [`ReconcileError::WrongKeyLength`] if the string is not the plan's.
    pub fn alice(&self, bits: &SecretBits) -> Result<Box<dyn ReconcileAlice>, ReconcileError> {
        self.check_length(bits)?;
        Ok(match self.engine {
            Engine::Ldpc(layout) => Box::new(ldpc::Alice::new(layout, bits)),
            Engine::Cascade(layout) => Box::new(cascade::Alice::new(layout, bits)),
        })
    }

    /// Bob's side of it.
    ///
    /// # Errors
    /// [`ReconcileError::WrongKeyLength`] if the string is not the plan's.
    pub fn bob(&self, bits: &SecretBits) -> Result<Box<dyn ReconcileBob>, ReconcileError> {
        self.check_length(bits)?;
        Ok(match self.engine {
            Engine::Ldpc(layout) => Box::new(ldpc::Bob::new(layout, bits)),
            Engine::Cascade(layout) => Box::new(cascade::Bob::new(layout, bits)),
        })
    }

    /// The canonical bytes: version, engine, announced data, then what follows from them (error
    /// rate, shape, frames, budget, how LDPC's codes are drawn, λ_max), all integers least significant
    /// byte first.
    pub fn encode(&self) -> Vec<u8> {
        let Announced { n_key, test_bits, test_errors, margin_ppm } = self.announced;
        let mut bytes = vec![VERSION, self.code() as u8];
        let mut put = |x: u64| bytes.extend_from_slice(&x.to_le_bytes());
        [n_key, test_bits, test_errors, u64::from(margin_ppm)].into_iter().for_each(&mut put);
        put(self.qber.to_bits());
        match self.engine {
            Engine::Ldpc(l) => {
                let shape = [l.shape.z, l.shape.rows, l.shape.columns];
                shape.into_iter().for_each(|x| put(x as u64));
                put(l.shape.ensemble.qber.to_bits());
                [l.frames, l.frame_words, l.extra_rows].into_iter().for_each(&mut put);
                put(ldpc::construction());
            }
            Engine::Cascade(l) => l.numbers().for_each(&mut put),
        }
        put(self.lambda_max());
        bytes
    }

    /// Reads a plan. It is made anew from its announced data, so that what is returned is a plan
    /// that this station would make, or nothing.
    ///
    /// # Errors
    /// [`ReconcileError::Malformed`] if these are not the canonical bytes of a plan.
    pub fn decode(bytes: &[u8]) -> Result<Plan, ReconcileError> {
        let foreign = ReconcileError::Malformed("not a plan that this station would make");
        let [VERSION, code, rest @ ..] = bytes else {
            return Err(foreign);
        };
        let code = match code {
            0 => Code::Ldpc,
            1 => Code::Cascade,
            _ => return Err(foreign),
        };
        let (numbers, _) = rest.as_chunks::<8>();
        let [n_key, test_bits, test_errors, margin_ppm, ..] = numbers else {
            return Err(foreign);
        };
        let announced = Announced {
            n_key: u64::from_le_bytes(*n_key),
            test_bits: u64::from_le_bytes(*test_bits),
            test_errors: u64::from_le_bytes(*test_errors),
            margin_ppm: u64::from_le_bytes(*margin_ppm).try_into().map_err(|_| foreign)?,
        };
        let plan = Plan::choose(code, announced).map_err(|_| foreign)?;
        if plan.encode() == bytes { Ok(plan) } else { Err(foreign) }
    }

    fn check_length(&self, bits: &SecretBits) -> Result<(), ReconcileError> {
        let (expected, found) = (self.announced.n_key, bits.len() as u64);
        match expected == found {
            true => Ok(()),
            false => Err(ReconcileError::WrongKeyLength { expected, found }),
        }
    }
}

/// The upper end of the Wilson score interval for `errors` in `bits`.
fn wilson_bound(errors: f64, bits: f64) -> f64 {
    let (rate, z2) = (errors / bits, DEVIATIONS * DEVIATIONS);
    let spread = libm::sqrt(rate * (1.0 - rate) / bits + z2 / (4.0 * bits * bits));
    (rate + z2 / (2.0 * bits) + DEVIATIONS * spread) / (1.0 + z2 / bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bound::binary_entropy;

    fn announced(n_key: u64, test_bits: u64, test_errors: u64) -> Announced {
        Announced { n_key, test_bits, test_errors, margin_ppm: 0 }
    }

    #[test]
    fn the_bound_is_wilsons() {
        // 10 in 100: (0.1 + 0.02 + 2·√(0.0009 + 0.0001))/1.04.
        assert!((wilson_bound(10.0, 100.0) - 0.176_200).abs() < 1e-5);
        assert!((wilson_bound(0.0, 96.0) - 0.04).abs() < 1e-12);
        assert!(wilson_bound(20_000.0, 1e6) > 0.02 && wilson_bound(20_000.0, 1e6) < 0.0203);
    }

    #[test]
    fn refusals_name_their_reason() {
        let choose = |announced| Plan::choose(Code::Ldpc, announced);
        for (bits, errors) in [(0, 0), (0, 1), (10, 11)] {
            let no = PlanRefused::NoEstimate { test_bits: bits, test_errors: errors };
            assert_eq!(choose(announced(100_000, bits, errors)), Err(no));
        }
        assert!(matches!(
            choose(announced(100_000, 10_000, 1_000)),
            Err(PlanRefused::QberTooHigh { qber, .. }) if qber > 0.10 && qber < 0.11
        ));
        assert!(choose(announced(100_000, 1_000_000, 90_000)).is_ok());
        let margin = Announced { margin_ppm: 20_000, ..announced(100_000, 1_000_000, 90_000) };
        assert!(matches!(choose(margin), Err(PlanRefused::QberTooHigh { .. })));
        for n_key in [0, 1, 63, 1_000, MAX_BITS + 1, u64::MAX] {
            let result = choose(announced(n_key, 10_000, 200));
            assert!(matches!(result, Err(PlanRefused::Length { .. })), "{n_key}");
        }
    }

    #[test]
    fn plans_go_round_as_bytes_and_forged_ones_are_refused() {
        let plan = Plan::choose(Code::Ldpc, announced(1_000_000, 50_000, 1_000)).expect("fits");
        let bytes = plan.encode();
        assert_eq!(Plan::decode(&bytes), Ok(plan));
        for at in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[at] ^= 1;
            // Other announced data may make a plan, if its other numbers agree; never this one.
            let read = Plan::decode(&forged);
            assert!(read != Ok(plan) && (at < 34 || read.is_err()), "byte {at}");
        }
        assert!(Plan::decode(&bytes[..bytes.len() - 1]).is_err());
        assert!(Plan::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
        assert!(Plan::decode(&[]).is_err());
    }

    #[test]
    fn more_test_bits_leak_less_and_more_errors_leak_more() {
        let lambda = |bits, errors| {
            let plan = Plan::choose(Code::Ldpc, announced(1_000_000, bits, errors));
            plan.expect("fits").lambda_max()
        };
        assert!(lambda(1_000, 20) > lambda(10_000, 200));
        assert!(lambda(10_000, 200) > lambda(1_000_000, 20_000));
        assert!(lambda(10_000, 300) > lambda(10_000, 200));
        // λ_max over the Shannon limit at 2 % with a large test sample.
        let charged = lambda(100_000_000, 2_000_000) as f64 / (1e6 * binary_entropy(0.02));
        assert!((1.15..1.25).contains(&charged), "{charged}");
    }

    #[test]
    fn a_string_of_another_length_is_refused() {
        let plan = Plan::choose(Code::Ldpc, announced(10_000, 50_000, 1_000)).expect("fits");
        let error = ReconcileError::WrongKeyLength { expected: 10_000, found: 9_999 };
        assert_eq!(plan.alice(&SecretBits::zeros(9_999)).err(), Some(error));
        assert_eq!(plan.bob(&SecretBits::zeros(9_999)).err(), Some(error));
    }
}
