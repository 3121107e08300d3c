//! Proof that a block's bits went through each step:
//! `Sifted → Corrected → Agreed → Verified → SecretKey`.
//!
//! Each type is made only by the step it names and consumed by the next. The ledger of what was
//! announced and disclosed travels inside and ends in the certificate.

use helio_keys::{EntropyFault, EntropySource, Origin, Provenance, SecretBits, SecretKey};

use crate::amplify::{amplify, seed_bits};
use crate::announced::Announced;
use crate::bound::{Length, LiveBound};
use crate::certificate::{Certificate, PrivatePart, PublicPart, SCHEMA, assumptions, hex};
use crate::decide::{NoKeyReason, Way, accept};
use crate::error::{Fault, Result};
use crate::hash::{same_tag, verification_tag};
use crate::labels::{self, Labels};
use crate::ledger::epsilon_auth;
use crate::message::{Kind, Malformed, VerifyKey};
use crate::parameters::{BadParameter, PROTOCOL_VERSION, Parameters};
use crate::reconcile::{Leak, Outcome};
use crate::release::BlockId;

/// Key-basis bits of a block, as measured or sent.
pub(crate) struct Sifted {
    bits: SecretBits,
}

/// What was announced and declared about a block; consumed with it.
pub(crate) struct BlockLedger {
    pub announced: Announced,
    pub way: Box<Way>,
}

impl Sifted {
    pub fn new(bits: SecretBits) -> Sifted {
        Sifted { bits }
    }

    pub fn bits(&self) -> &SecretBits {
        &self.bits
    }

    /// Alice's string is the reference: reconciliation does not change it.
    pub fn reference(self, ledger: BlockLedger, leak: Leak) -> Result<Corrected> {
        let outcome = Outcome { leak, ..Outcome::default() };
        Corrected::new(self.bits, ledger, outcome, None)
    }

    /// Bob's string after reconciliation.
    pub fn corrected(
        self,
        corrected: SecretBits,
        ledger: BlockLedger,
        outcome: Outcome,
    ) -> Result<Corrected> {
        if corrected.len() != self.bits.len() {
            return Err(Fault::Reconciliation("the string changed its length".to_owned()));
        }
        let errors = self.bits.distance(&corrected) as u64;
        Corrected::new(corrected, ledger, outcome, Some(errors))
    }
}

/// Bits that should be the other station's, and what they cost.
pub(crate) struct Corrected {
    bits: SecretBits,
    ledger: BlockLedger,
    private: PrivatePart,
}

impl Corrected {
    fn new(
        bits: SecretBits,
        ledger: BlockLedger,
        outcome: Outcome,
        errors: Option<u64>,
    ) -> Result<Corrected> {
        let (used, lambda_max) = (outcome.leak.total(), ledger.way.declaration.lambda_max);
        if used > lambda_max {
            return Err(Fault::LeakExceeded { used, lambda_max });
        }
        Ok(Corrected { bits, ledger, private: PrivatePart::new(&outcome, errors) })
    }

    /// Alice: a fresh point and her tag. Both strings are fixed by now.
    pub fn verify_key(&self, entropy: &mut impl EntropySource) -> Result<VerifyKey, EntropyFault> {
        let mut point = [0; 16];
        entropy.fill(&mut point)?;
        let tag =
            verification_tag(&self.bits, point, self.ledger.way.declaration.verification_bits);
        Ok(VerifyKey { point, tag: tag.to_le_bytes() })
    }

    /// Bob: compares the tags.
    pub fn verify(self, key: &VerifyKey) -> Result<Agreed> {
        let bits = self.ledger.way.declaration.verification_bits;
        let tag = verification_tag(&self.bits, key.point, bits);
        if !same_tag(tag, u128::from_le_bytes(key.tag)) {
            return Err(Fault::VerificationFailed);
        }
        Ok(Agreed { corrected: self })
    }

    /// Alice: Bob says whether the tags agree. What he says is authenticated at the block's end.
    pub fn verdict(self, agree: bool) -> Result<Agreed> {
        if agree { Ok(Agreed { corrected: self }) } else { Err(Fault::VerificationFailed) }
    }
}

/// Bits of which the other station has the same, but for ε_EV.
pub(crate) struct Agreed {
    corrected: Corrected,
}

/// What becomes of them.
pub(crate) enum Settled {
    /// A key of the declared length.
    Key(Box<Verified>),
    /// A block of fixed length that is not accepted: its bits are thrown away.
    NoKey { announced: Announced, reason: NoKeyReason, lambda_max: u64 },
}

impl Agreed {
    /// Settles how the length came about: it is known already, or takes the errors of the key basis
    /// at each intensity as Bob counted them, the same at both stations. They become public.
    pub fn settle(self, parameters: &Parameters, errors: Option<[u64; 2]>) -> Result<Settled> {
        let Agreed { mut corrected } = self;
        let BlockLedger { announced, way } = &mut corrected.ledger;
        let malformed = Fault::Malformed { kind: Some(Kind::Verdict), why: Malformed::BadValue };
        let length = match (parameters.bound(), way.length, errors) {
            (LiveBound::Varlen2d(_), Some(length), None) => length,
            (LiveBound::Wiesemann(bound), None, Some(errors)) => {
                let detections = announced.counts.n_key;
                if errors.iter().zip(detections).any(|(&m, n)| m > n) {
                    return Err(malformed);
                }
                let tag_bits = way.declaration.verification_bits;
                let accepted = accept(&bound, &announced.counts, errors, tag_bits);
                match accepted.map_err(BadParameter::from)? {
                    Ok(length) => {
                        announced.counts.m_key = Some([errors[0], errors[1], 0]);
                        length
                    }
                    Err(reason) => {
                        let lambda_max = way.declaration.lambda_max;
                        let announced = corrected.ledger.announced;
                        return Ok(Settled::NoKey { announced, reason, lambda_max });
                    }
                }
            }
            _ => return Err(malformed),
        };
        Ok(Settled::Key(Box::new(Verified { corrected, length })))
    }
}

/// Bits that a key of the declared length can be hashed out of.
pub(crate) struct Verified {
    corrected: Corrected,
    length: Length,
}

/// What a certificate says of where the key comes from.
pub(crate) struct Origins<'a> {
    pub id: BlockId,
    pub parameters: &'a Parameters,
    pub labels: &'a Labels,
}

impl Verified {
    /// Bits of public seed that the last hash takes.
    pub fn seed_bits(&self) -> usize {
        seed_bits(self.corrected.bits.len(), self.length() as usize)
    }

    /// Length of the key, as declared.
    pub fn length(&self) -> u64 {
        self.corrected.ledger.way.declaration.length
    }

    /// Hashes to the declared length; consumes the ledger into the certificate.
    pub fn amplify<O: Origin>(
        self,
        seed: &SecretBits,
        provenance: Provenance<O>,
        origins: &Origins<'_>,
    ) -> Result<(SecretKey<O>, Certificate)> {
        let length = self.length();
        let bound = self.length;
        let Corrected { bits, ledger, private } = self.corrected;
        let output = usize::try_from(length).map_err(|_| Fault::AmplifyDiffers)?;
        let bits = amplify(&bits, seed, output).map_err(|_| Fault::AmplifyDiffers)?;
        let provenance = provenance.and(labels::weakest(origins.labels));
        let weakest_randomness = provenance.label().to_string();
        let key = SecretKey::new(bits, provenance);
        let epsilon = origins.parameters.bound().ledger();
        let public = PublicPart {
            schema: SCHEMA,
            id: origins.id,
            protocol: PROTOCOL_VERSION,
            software: env!("CARGO_PKG_VERSION").to_owned(),
            origin: key.origin().to_owned(),
            parameters: origins.parameters.clone(),
            announced: ledger.announced,
            plan: hex(&ledger.way.declaration.plan),
            lambda_max: ledger.way.declaration.lambda_max,
            verification_bits: ledger.way.declaration.verification_bits,
            length,
            bound,
            epsilon,
            epsilon_total: epsilon.total(),
            epsilon_auth: epsilon_auth(2),
            randomness: labels::texts(origins.labels),
            weakest_randomness,
            assumptions: assumptions(origins.parameters),
        };
        Ok((key, Certificate { public, private }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bound::Counts;
    use crate::decide::{Decision, decide};
    use helio_keys::{SeededEntropy, SimulatedDevices};

    const SIFTED: usize = 400_000;

    fn ledger() -> BlockLedger {
        let counts = Counts {
            n_key: [290_000, 109_700, 300],
            m_key: None,
            n_test: [290_000, 109_700, 300],
            m_test: [3_000, 1_100, 100],
        };
        let parameters = Parameters {
            mu_nano: [600_000_000, 200_000_000, 1_000_000],
            intensity_weights: [1638, 1638, 820],
            ..Parameters::example()
        };
        let announced = Announced {
            detections: 1_600_000,
            without_setting: 0,
            mismatched: 800_000,
            counts,
            bins: Vec::new(),
            made_unix_s: None,
        };
        match decide(&parameters, &counts) {
            Ok(Decision::Reconcile(way)) => BlockLedger { announced, way },
            _ => panic!("these counts give a key"),
        }
    }

    fn entropy() -> SeededEntropy {
        let devices = SimulatedDevices::declared(true, true).unwrap();
        SeededEntropy::new(devices, 1, "token")
    }

    #[test]
    fn a_leak_beyond_what_was_declared_drops_the_block() {
        let lambda_max = ledger().way.declaration.lambda_max;
        for (alice_bits, bob_bits, fits) in
            [(lambda_max, 0, true), (lambda_max - 5, 5, true), (lambda_max - 5, 6, false)]
        {
            let sifted = Sifted::new(SecretBits::zeros(SIFTED));
            let result = sifted.reference(ledger(), Leak { alice_bits, bob_bits });
            assert_eq!(result.is_ok(), fits);
            let sifted = Sifted::new(SecretBits::zeros(SIFTED));
            let outcome = Outcome { leak: Leak { alice_bits, bob_bits }, ..Outcome::default() };
            let result = sifted.corrected(SecretBits::zeros(SIFTED), ledger(), outcome);
            assert_eq!(result.is_ok(), fits);
        }
    }

    #[test]
    fn one_wrong_bit_is_not_verified() {
        for wrong in [None, Some(0), Some(SIFTED - 1)] {
            let alice = Sifted::new(entropy().bits(SIFTED).unwrap());
            let mut string = alice.bits().duplicate();
            wrong.into_iter().for_each(|i| string.flip(i));
            let alice = alice.reference(ledger(), Leak::default()).ok().unwrap();
            let key = alice.verify_key(&mut entropy()).unwrap();
            let bob = Sifted::new(string.duplicate());
            let bob = bob.corrected(string, ledger(), Outcome::default()).ok().unwrap();
            assert_eq!(bob.verify(&key).is_ok(), wrong.is_none());
        }
    }
}
