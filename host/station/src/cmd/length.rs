//! `helio length`: key lengths from tables of counts, without a station.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use helio_distill::bound::{Bound, Length as Bits, Status, UnknownBound};
use serde_json::{Value, json};

use crate::cli::Global;
use crate::counts::{self, MAX_BYTES, Row, RowFault};
use crate::exit::{Failure, print, print_json};
use crate::term::grouped;

const HELP_END: &str = "\
Examples:
  helio length counts.csv
  helio length counts.json --json

The file is CSV with column names in its first line, or a JSON array of objects. The columns, lists \
by intensity from the brightest: id, bound (varlen2d where none is named; wiesemann, lim2014, \
lim2014-serfling, rusca2018, rusca2018-serfling), mu1-mu3 mean photons, p1-p3, detections nk1-nk3 \
and errors mk1-mk3 in the key basis, nt1-nt3 and mt1-mt3 in the test basis, leak in bits; for \
varlen2d eps_d, eps_a, eps_b, eps_c, eps_pa, eps_ev, delta1, delta2; for the others eps_sec, eps_cor. \
A bound with one decoy takes no third intensity and needs the errors of the key basis; the others do \
without them. Columns with other names are passed over.

A row ends as ok, no_key, vacuous, or error with the reason. The exit code is 0 if every row gave a \
length, be it 0 bits, and 3 if a row or the file was refused; the other rows are printed all the \
same. Live keys are made with varlen2d, and of a source with one decoy with wiesemann at a fixed \
length; here all bounds but varlen2d are as published, for comparison: compare at equal total epsilon.";

/// Compute key lengths from a table of counts
#[derive(Clone, Debug, Args)]
#[command(after_help = HELP_END)]
pub struct Length {
    /// The table, CSV or JSON, at most 64 MiB
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What became of one row.
struct Answer {
    id: String,
    line: u64,
    bound: Result<Bound, UnknownBound>,
    length: Result<Bits, RowFault>,
}

/// Computes and prints.
///
/// # Errors
/// The file cannot be read or is no table, or some of its rows were refused.
pub fn run(args: &Length, global: &Global) -> Result<(), Failure> {
    let file = &args.file;
    let bytes = read(file, MAX_BYTES)?;
    let mut answers = Vec::new();
    let mut answer = |row: Row| {
        let (bound, length) = (row.bound(), row.length());
        answers.push(Answer { id: row.id(), line: row.line(), bound, length });
    };
    counts::read(&bytes, &mut answer).map_err(|fault| Failure::file(file, fault))?;
    match global.json {
        true => print_json(&json!({ "rows": answers.iter().map(to_json).collect::<Vec<_>>() }))?,
        false => print(table(&answers))?,
    }
    let refused = answers.iter().filter(|a| a.length.is_err()).count();
    if refused > 0 {
        let (all, how) = (answers.len(), if refused == 1 { "was" } else { "were" });
        return Err(Failure::file(
            file,
            format!(
                "has {all} rows of which {refused} {how} refused; mend what their reasons name"
            ),
        ));
    }
    Ok(())
}

/// The bytes of a file that must not be longer than `most`; one more of a longer one.
pub(super) fn read(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes))
        .map_err(|why| Failure::file(path, format!("cannot be read ({why}); check its name")))?;
    Ok(bytes)
}

const fn status(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::NoKey => "no_key",
        Status::Vacuous(_) => "vacuous",
    }
}

fn to_json(answer: &Answer) -> Value {
    let Answer { id, line, bound, length } = answer;
    let bound = bound.as_ref().ok().map(|bound| bound.name());
    match length {
        Ok(l) => json!({
            "id": id, "line": line, "bound": bound,
            "status": status(l.status),
            "reason": (l.status != Status::Ok).then(|| l.status.to_string()),
            "ell": l.ell,
            "s0": l.s0, "s1": l.s1, "s1_test": l.s1_test, "v": l.v,
            "phi_obs": l.phi_obs, "phi": l.phi,
            "s0u": l.s0u, "s0u_test": l.s0u_test, "gamma": l.gamma,
            "tau0": l.tau0, "tau1": l.tau1,
            "const": l.constant_bits, "ell_raw": l.ell_raw, "eps_total": l.eps_total,
            "as_published": bound != Some(Bound::Varlen2d.name()),
        }),
        Err(fault) => json!({
            "id": id, "line": line, "bound": bound,
            "status": "error", "reason": fault.to_string(), "kind": fault.kind(),
            "ell": null,
            "s0": null, "s1": null, "s1_test": null, "v": null, "phi_obs": null, "phi": null,
        }),
    }
}

fn table(answers: &[Answer]) -> String {
    let wide = answers.iter().map(|a| a.id.chars().count()).max().unwrap_or(0).max(2);
    let mut text = format!(
        "{:<wide$}  {:<18} {:<8} {:>14} {:>14} {:>11} {:>8} {:>8} {:>14}\n",
        "id", "bound", "status", "s0", "s1", "s1_test", "phi_obs", "phi", "key bits"
    );
    for Answer { id, bound, length, .. } in answers {
        let bound = bound.as_ref().map_or("-", |bound| bound.name());
        _ = match length {
            Ok(l) => writeln!(
                text,
                "{id:<wide$}  {bound:<18} {:<8} {:>14} {:>14} {:>11} {:>8.5} {:>8.5} {:>14}",
                status(l.status),
                whole(l.s0),
                whole(l.s1),
                whole(l.s1_test),
                l.phi_obs,
                l.phi,
                grouped(l.ell),
            ),
            Err(fault) => writeln!(text, "{id:<wide$}  {bound:<18} error    {fault}"),
        };
    }
    let published = |a: &Answer| a.bound.as_ref().is_ok_and(|b| *b != Bound::Varlen2d);
    if answers.iter().any(published) {
        text.push_str(
            "\nBounds other than varlen2d are as published, for comparison with papers; compare at \
             equal total epsilon\n",
        );
    }
    text
}

/// Detections, rounded down; they are lower bounds.
fn whole(bound: f64) -> String {
    grouped(bound as u64)
}
