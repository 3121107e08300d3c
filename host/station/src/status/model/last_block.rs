//! A block that ended, in the numbers people ask for.

use helio_distill::certificate::Certificate;
use helio_distill::release::BlockId;
use helio_distill::{BlockReport, ErrorRate};
use serde::{Deserialize, Serialize};

/// A block that ended, with a key or without.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LastBlock {
    /// Its run, as 32 hexadecimal digits.
    pub run: String,
    /// Its number in the run.
    pub block: u64,
    /// When it ended, in seconds since 1970.
    pub ended_unix_s: Option<u64>,
    /// Sifted bits of both bases; `None` where the block did not come so far.
    pub sifted_bits: Option<u64>,
    /// Error rate of the test basis with its 95 % interval.
    pub test_qber: Option<ErrorRate>,
    /// Error rate of the key basis where this station knows it; private to the station.
    pub key_qber: Option<ErrorRate>,
    /// Error rates by detector, where this station knows them.
    pub detectors: Vec<DetectorErrors>,
    /// Length of its key in bits.
    pub key_bits: u64,
    /// Bits that the length pays for reconciliation.
    pub leak_bits: u64,
    /// What it cost of the ledger.
    pub epsilon: f64,
    /// Why there is no key, in words.
    pub no_key: Option<String>,
}

/// What one detector got wrong.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DetectorErrors {
    /// Its name.
    pub detector: String,
    /// In the test basis.
    pub test: Option<ErrorRate>,
    /// In the key basis; private to the station.
    pub key: Option<ErrorRate>,
}

impl LastBlock {
    /// From what the talk tells of a block; detectors are for the caller to add.
    pub fn from_report(report: &BlockReport, ended_unix_s: u64) -> LastBlock {
        LastBlock {
            run: report.id.session.to_string(),
            block: report.id.block,
            ended_unix_s: Some(ended_unix_s),
            sifted_bits: Some(report.sifted_key.saturating_add(report.sifted_test)),
            test_qber: Some(report.test_qber),
            key_qber: report.key_qber,
            detectors: Vec::new(),
            key_bits: report.length,
            leak_bits: report.leak_charged,
            epsilon: report.epsilon,
            no_key: report.reason.clone(),
        }
    }

    /// From the certificate of a key.
    pub fn from_certificate(certificate: &Certificate, ended_unix_s: Option<u64>) -> LastBlock {
        let (public, counts) = (&certificate.public, &certificate.public.announced.counts);
        let sum = |counts: [u64; 3]| counts.into_iter().fold(0, u64::saturating_add);
        let (tests, errors) = (sum(counts.n_test), sum(counts.m_test));
        let key_errors = certificate.private.key_basis_errors;
        LastBlock {
            run: public.id.session.to_string(),
            block: public.id.block,
            ended_unix_s,
            sifted_bits: Some(counts.sifted().saturating_add(tests)),
            test_qber: Some(ErrorRate::new(errors, tests)),
            key_qber: key_errors.map(|m| ErrorRate::new(m, counts.sifted())),
            detectors: Vec::new(),
            key_bits: public.length,
            leak_bits: public.lambda_max,
            epsilon: public.epsilon_total + public.epsilon_auth,
            no_key: None,
        }
    }

    /// A block that failed, of which nothing but this is known.
    pub fn failed(id: BlockId, ended_unix_s: Option<u64>, why: impl Into<String>) -> LastBlock {
        LastBlock {
            run: id.session.to_string(),
            block: id.block,
            ended_unix_s,
            no_key: Some(why.into()),
            ..LastBlock::default()
        }
    }
}
