//! One door to all bounds, by name and with lists: for tables, comparisons and the command line.
//! What distils blocks calls [`Varlen2d`] with its own types instead.

use super::epsilon::{Epsilon, SecrecyCorrectness};
use super::input::{Counts, Decoy, Disclosed, OneDecoy, OneDecoyCounts};
use super::length::Length;
use super::mismatch::Mismatch;
use super::published::{self, Sampling};
use super::refusal::Refusal;
use super::varlen::Varlen2d;

/// A finite-key bound by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bound {
    /// `varlen2d`: what keys are made with.
    Varlen2d,
    /// `wiesemann`, one decoy.
    Wiesemann,
    /// `lim2014`, two decoys, as printed.
    Lim2014,
    /// `lim2014-serfling`: Lim's with a rigorous sampling term.
    Lim2014Serfling,
    /// `rusca2018`, one decoy, as printed.
    Rusca2018,
    /// `rusca2018-serfling`: Rusca's with a rigorous sampling term.
    Rusca2018Serfling,
}

impl Bound {
    /// All of them, the product's first.
    pub const ALL: [Bound; 6] = [
        Bound::Varlen2d,
        Bound::Wiesemann,
        Bound::Lim2014,
        Bound::Lim2014Serfling,
        Bound::Rusca2018,
        Bound::Rusca2018Serfling,
    ];

    /// The name it is asked for by.
    pub const fn name(self) -> &'static str {
        match self {
            Bound::Varlen2d => "varlen2d",
            Bound::Wiesemann => "wiesemann",
            Bound::Lim2014 => "lim2014",
            Bound::Lim2014Serfling => "lim2014-serfling",
            Bound::Rusca2018 => "rusca2018",
            Bound::Rusca2018Serfling => "rusca2018-serfling",
        }
    }

    /// How many intensities its source has: 3, or 2 for the one-decoy bounds.
    pub const fn intensities(self) -> usize {
        match self {
            Bound::Varlen2d | Bound::Lim2014 | Bound::Lim2014Serfling => 3,
            Bound::Wiesemann | Bound::Rusca2018 | Bound::Rusca2018Serfling => 2,
        }
    }

    /// The length of the block in `query`.
    ///
    /// # Errors
    /// Lists of the wrong length, failure probabilities of the wrong kind, and every input outside
    /// its range.
    pub fn length(self, query: &Query) -> Result<Length, Refusal> {
        match self {
            Bound::Varlen2d => {
                let Security::Composed { epsilon, mismatch, verification_bits } = query.security
                else {
                    return Err(self.other_security(
                        "eps_d, eps_a, eps_b, eps_c, eps_pa, eps_ev and the detector mismatch",
                    ));
                };
                let bound = Varlen2d { decoy: query.decoy()?, epsilon, mismatch };
                bound.length(&query.counts()?, &Disclosed { leak: query.leak, verification_bits })
            }
            Bound::Lim2014 => self.lim(query, Sampling::AsPrinted),
            Bound::Lim2014Serfling => self.lim(query, Sampling::Serfling),
            Bound::Rusca2018 => self.rusca(query, Sampling::AsPrinted),
            Bound::Rusca2018Serfling => self.rusca(query, Sampling::Serfling),
            Bound::Wiesemann => {
                let (decoy, counts) = query.one_decoy()?;
                let disclosed = Disclosed { leak: query.leak, verification_bits: None };
                published::wiesemann(&decoy, &counts, &disclosed, &self.published(query)?)
            }
        }
    }

    fn lim(self, query: &Query, sampling: Sampling) -> Result<Length, Refusal> {
        let eps = self.published(query)?;
        published::lim2014(&query.decoy()?, &query.counts()?, query.leak, &eps, sampling)
    }

    fn rusca(self, query: &Query, sampling: Sampling) -> Result<Length, Refusal> {
        let eps = self.published(query)?;
        let (decoy, counts) = query.one_decoy()?;
        published::rusca2018(&decoy, &counts, query.leak, &eps, sampling)
    }

    fn published(self, query: &Query) -> Result<SecrecyCorrectness, Refusal> {
        match query.security {
            Security::Published(eps) => Ok(eps),
            Security::Composed { .. } => Err(self.other_security("eps_sec and eps_cor")),
        }
    }

    fn other_security(self, expected: &'static str) -> Refusal {
        Refusal::Security { bound: self.name(), expected }
    }
}

impl core::fmt::Display for Bound {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no bound has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no bound; there are varlen2d, wiesemann, lim2014, lim2014-serfling, rusca2018, \
     rusca2018-serfling"
)]
pub struct UnknownBound(pub String);

impl core::str::FromStr for Bound {
    type Err = UnknownBound;
    fn from_str(name: &str) -> Result<Bound, UnknownBound> {
        let found = Bound::ALL.into_iter().find(|bound| bound.name() == name);
        found.ok_or_else(|| UnknownBound(name.to_owned()))
    }
}

/// A block for any bound; lists are by intensity, the signal first.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Mean photons a pulse.
    pub mu: Vec<f64>,
    /// Probability of each intensity.
    pub p: Vec<f64>,
    /// Sifted detections in the key basis.
    pub n_key: Vec<u64>,
    /// Errors among them; one-decoy bounds need them.
    pub m_key: Option<Vec<u64>>,
    /// Sifted detections in the test basis.
    pub n_test: Vec<u64>,
    /// Errors among them.
    pub m_test: Vec<u64>,
    /// Bits disclosed by error correction.
    pub leak: u64,
    /// Failure probabilities, of the kind the bound takes.
    pub security: Security,
}

/// Failure probabilities and assumptions by the kind of bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Security {
    /// Of the published bounds.
    Published(SecrecyCorrectness),
    /// Of `varlen2d`.
    Composed {
        /// Failure probabilities.
        epsilon: Epsilon,
        /// Detector mismatch.
        mismatch: Mismatch,
        /// Bits of verification tag and verdict.
        verification_bits: Option<u64>,
    },
}

impl Query {
    fn decoy(&self) -> Result<Decoy, Refusal> {
        Ok(Decoy { mu: entries("mu", &self.mu)?, p: entries("p", &self.p)? })
    }

    fn counts(&self) -> Result<Counts, Refusal> {
        Ok(Counts {
            n_key: entries("n_key", &self.n_key)?,
            m_key: self.m_key.as_deref().map(|m| entries("m_key", m)).transpose()?,
            n_test: entries("n_test", &self.n_test)?,
            m_test: entries("m_test", &self.m_test)?,
        })
    }

    fn one_decoy(&self) -> Result<(OneDecoy, OneDecoyCounts), Refusal> {
        let m_key = self.m_key.as_deref().ok_or(Refusal::KeyErrorsMissing)?;
        let decoy = OneDecoy { mu: entries("mu", &self.mu)?, p: entries("p", &self.p)? };
        let counts = OneDecoyCounts {
            n_key: entries("n_key", &self.n_key)?,
            m_key: entries("m_key", m_key)?,
            n_test: entries("n_test", &self.n_test)?,
            m_test: entries("m_test", &self.m_test)?,
        };
        Ok((decoy, counts))
    }
}

fn entries<T: Copy, const K: usize>(field: &'static str, list: &[T]) -> Result<[T; K], Refusal> {
    list.try_into().map_err(|_| Refusal::Intensities { field, expected: K, found: list.len() })
}
