//! Running the cases on a desk, and what is told of it.

use crate::desk::Desk;
use crate::suite::{CASES, SOAK};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// Why a case cannot be run on a desk, and the command that would run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    reason: String,
    command: String,
}

impl Skip {
    /// For this reason; none is without its remedy.
    pub fn new(reason: impl Into<String>, command: impl Into<String>) -> Skip {
        Skip { reason: reason.into(), command: command.into() }
    }

    /// Of a case that asks for what only a bench in software has.
    pub fn off_the_table(reason: &str, case: &str) -> Skip {
        Skip::new(reason, format!("cargo test -p helio-tests --test hil -- in-process/{case}"))
    }

    /// Of a case that asks for a station that a desk file does not name.
    pub fn alone(reason: &str) -> Skip {
        Skip::new(
            reason,
            "HELIO_DESK=desk.toml cargo test -p helio-tests --test hil, with both \
             stations in the file",
        )
    }
}

impl std::fmt::Display for Skip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; run: {}", self.reason, self.command)
    }
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It held; with its figures.
    Held(String),
    /// It did not; with what was said.
    Failed(String),
    /// It was not run.
    Skipped(String),
}

/// A case on a desk.
#[derive(Clone, Debug)]
pub struct Report {
    /// Of the case.
    pub name: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// By the wall clock.
    pub took: Duration,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Report { name, outcome, took } = self;
        let (word, said) = match outcome {
            Outcome::Held(said) => ("ok", said),
            Outcome::Failed(said) => ("FAILED", said),
            Outcome::Skipped(said) => ("SKIPPED", said),
        };
        write!(f, "{name:<32} {word:<8} {:6.1} s  {said}", took.as_secs_f64())
    }
}

/// Runs all cases whose name holds `filter` and tells of each as it ends; `soak` is run when that is
/// the filter.
pub fn run<D: Desk>(desk: &mut D, filter: &str, mut tell: impl FnMut(&Report)) -> Vec<Report> {
    let soak = [SOAK];
    let cases = if filter == SOAK { &soak } else { CASES };
    let wanted = cases.iter().filter(|name| name.contains(filter));
    wanted
        .map(|name| {
            let report = run_one(desk, name);
            tell(&report);
            report
        })
        .collect()
}

/// Runs the case with this name.
pub fn run_one<D: Desk>(desk: &mut D, name: &'static str) -> Report {
    case(name, || crate::suite::case(desk, name))
}

/// Runs a case of a desk's own; it fails by a panic.
pub fn case(name: &'static str, run: impl FnOnce() -> Result<String, Skip>) -> Report {
    let begun = Instant::now();
    let outcome = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(said)) => Outcome::Held(said),
        Ok(Err(skip)) => Outcome::Skipped(skip.to_string()),
        Err(panic) => Outcome::Failed(said(&*panic)),
    };
    Report { name, outcome, took: begun.elapsed() }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
}
