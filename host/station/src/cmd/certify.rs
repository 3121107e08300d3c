//! `helio certify`: the length again, from a certificate's public part alone.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use helio_distill::certificate::{
    CalibrationState, Differing, calibration_state, contradictions, examine,
};
use helio_distill::parameters::DetectorMatch;
use helio_keys::Origin;
use serde_json::{Value, json};

use super::length::read;
use crate::certificates::{self, MAX_BYTES, Paper};
use crate::cli::Global;
use crate::exit::{Exit, Failure, print, print_json};
use crate::published::{Published, of_certificate};
use crate::store::{AnyStore, DiskStore, StoreFault};
use crate::term::grouped;

const HELP_END: &str = "\
Examples:
  helio certify runs/2026-11-26T10-00-00Z-bob-0f3c9a12
  helio certify certificate.json --json
  helio certify bob

FILE is a certificate as JSON (its public part alone is enough), a file with one after the other, the \
folder of a run, or the folder of a station that does not run. The length, the leak that is paid, \
every value of the bound, the parts of epsilon and the assumptions are computed again from the \
announced data and the parameters; every figure that differs is named. Where the randomness came from \
and what a calibration found is what a certificate says, not what it proves. The fields are described \
in docs/certificate.md.

--compare adds what published bounds give for the same announced counts and the same leak, at equal \
total epsilon shared half and half: as published, for comparison with papers, and no key is made with \
them. A bound for another number of decoys needs another source and cannot be compared.

The exit code is 0 if every certificate stands, 9 if one does not, 3 if the file is no certificate.";

/// Recompute a key's length from its certificate
#[derive(Clone, Debug, Args)]
#[command(after_help = HELP_END)]
pub struct Certify {
    /// A certificate, a file of them, a run's folder or a station's
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Give the lengths of published bounds beside the real one
    #[arg(long)]
    compare: bool,
}

/// What became of one certificate.
struct Judged {
    paper: Paper,
    /// The length that follows; `None` where nothing can be computed.
    computed: Option<u64>,
    /// Why nothing can.
    reason: Option<String>,
    differences: Vec<Differing>,
    /// What the key rests on, at the time of its block.
    calibration: CalibrationState,
    /// What other bounds give, as published; empty unless asked for.
    published: Published,
}

impl Judged {
    fn stands(&self) -> bool {
        self.reason.is_none() && self.differences.is_empty()
    }
}

/// Recomputes and prints.
///
/// # Errors
/// The file cannot be read or is no certificate, or a certificate does not stand.
pub fn run(args: &Certify, global: &Global) -> Result<(), Failure> {
    let mut judged = Vec::new();
    every(&args.file, &mut |paper| judged.push(judge(paper, args.compare)))?;
    match global.json {
        true => {
            print_json(&json!({ "certificates": judged.iter().map(to_json).collect::<Vec<_>>() }))?;
        }
        false => print(text(&judged))?,
    }
    let fallen = judged.iter().filter(|j| !j.stands()).count();
    if fallen > 0 {
        let all = judged.len();
        return Err(Failure::new(
            Exit::DoesNotStand,
            format!(
                "{fallen} of {all} certificates in {} do not stand: use no key on their word, and \
                 ask where they come from",
                args.file.display()
            ),
        ));
    }
    Ok(())
}

fn every(path: &Path, each: &mut dyn FnMut(Paper)) -> Result<(), Failure> {
    let of_a_run = path.join("certificates.jsonl");
    let file = match path.is_dir() {
        false => path,
        true if of_a_run.is_file() => &of_a_run,
        true => {
            let store = AnyStore::open(path).map_err(|fault| Failure::new(Exit::File, fault))?;
            let kept = match store {
                AnyStore::Simulated(store) => of_a_station(&store, each),
                AnyStore::Real(store) => of_a_station(&store, each),
            };
            return match kept.map_err(|fault| Failure::new(Exit::File, fault))? {
                0 => {
                    Err(Failure::file(path, "holds no key with a certificate; name another folder"))
                }
                _ => Ok(()),
            };
        }
    };
    certificates::read(&read(file, MAX_BYTES)?, each).map_err(|fault| Failure::file(file, fault))
}

/// The certificates of all keys in a station's folder, and how many there are.
fn of_a_station<O: Origin>(
    store: &DiskStore<O>,
    each: &mut dyn FnMut(Paper),
) -> Result<usize, StoreFault> {
    let mut count = 0;
    for entry in store.entries()? {
        if let Some(kept) = store.certificate(entry.id)? {
            count += 1;
            each(Paper { line: count, public: kept.public, private: Some(kept.private) });
        }
    }
    Ok(count)
}

fn judge(paper: Paper, compare: bool) -> Judged {
    let (mut computed, mut reason, mut differences) = (None, None, Vec::new());
    match examine(&paper.public) {
        Ok(found) => {
            computed = Some(found.length);
            differences = found.differences;
        }
        Err(why) => reason = Some(why.to_string()),
    }
    if let Some(private) = &paper.private {
        differences.extend(contradictions(&paper.public, private));
    }
    let published =
        if compare && computed.is_some() { of_certificate(&paper.public) } else { Vec::new() };
    let calibration = calibration_state(&paper.public);
    Judged { paper, computed, reason, differences, calibration, published }
}

fn to_json(judged: &Judged) -> Value {
    let Judged { paper, computed, reason, differences, calibration, published } = judged;
    let public = &paper.public;
    json!({
        "line": paper.line,
        "run": public.id.session,
        "block": public.id.block,
        "origin": public.origin,
        "randomness": public.weakest_randomness,
        "stands": judged.stands(),
        "length": public.length,
        "computed_length": computed,
        "lambda_max": public.lambda_max,
        "epsilon_total": public.epsilon_total,
        "bound": public.parameters.bound.bound().name(),
        "made_unix_s": public.announced.made_unix_s,
        "calibration": calibration,
        "reason": reason,
        "as_published": published
            .iter()
            .map(|(bound, ell)| (bound.name().to_owned(), json!(ell)))
            .collect::<serde_json::Map<String, Value>>(),
        "differences": differences
            .iter()
            .map(|d| json!({ "field": d.field, "stated": d.stated, "computed": d.computed }))
            .collect::<Vec<_>>(),
    })
}

fn text(judged: &[Judged]) -> String {
    let mut text = String::new();
    for one in judged {
        let public = &one.paper.public;
        let word = if one.stands() { "stands" } else { "DOES NOT STAND" };
        _ = writeln!(
            text,
            "{}, {} bits, {}, {}: {word}",
            public.id,
            grouped(public.length),
            shown(&public.origin),
            shown(&public.weakest_randomness)
        );
        if let Some(reason) = &one.reason {
            _ = writeln!(text, "  {}", shown(reason));
        }
        let calibration = one.calibration.to_string();
        _ = writeln!(
            text,
            "  {}, {}: {}",
            public.parameters.bound.bound(),
            named(&public.parameters.detectors),
            shown(&calibration)
        );
        for (bound, ell) in &one.published {
            let bits =
                ell.map_or("cannot be computed".to_owned(), |ell| format!("{} bits", grouped(ell)));
            _ = writeln!(text, "  {bound}, as published: {bits}");
        }
        for difference in &one.differences {
            _ = writeln!(text, "  {}", shown(&difference.to_string()));
        }
    }
    text
}

/// Which calibration, of which device, when.
fn named(detectors: &DetectorMatch) -> String {
    match detectors {
        DetectorMatch::AssumedMatched => "no detectors measured".to_owned(),
        DetectorMatch::Calibrated { id, date, device, .. } => {
            shown(&format!("calibration {id} of {device}, {date}"))
        }
    }
}

/// A stranger's words on one line.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(400).collect()
}
