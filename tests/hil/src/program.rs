//! The program behind `cargo test --test hil`.

use crate::case::{Outcome, Report, run};
use crate::desk::Desk;
use crate::faults::{self, Tally};
use crate::file::{DeskFile, Kind};
use crate::in_process::InProcess;
use crate::real::RealDesk;
use crate::serial::{SerialDesk, image};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Runs the suite on every desk that there is, or on the one that the file named by `HELIO_DESK`
/// describes. The first argument that is no option filters: a part of a desk's name (`in-process`,
/// `serial`, `faults`), a slash, a part of a case's name.
pub fn program() -> ExitCode {
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let filter = filter.unwrap_or_default();
    let (of_desk, of_case) = filter.split_once('/').unwrap_or(("", &filter));
    let mut reports = Vec::new();
    // A case that fails is told with its words in the report; here, where it was.
    std::panic::set_hook(Box::new(|panic| match panic.location() {
        Some(place) => println!("  at {place}:"),
        None => println!("  somewhere:"),
    }));
    match std::env::var_os("HELIO_DESK") {
        Some(path) => match named(Path::new(&path), of_case) {
            Ok(told) => reports.extend(told),
            Err(complaint) => {
                println!("{complaint}");
                return ExitCode::FAILURE;
            }
        },
        None => {
            if "in-process".contains(of_desk) {
                reports.extend(on(&mut InProcess::new(), of_case));
            }
            if "serial".contains(of_desk) {
                match image(&root()) {
                    Ok(image) => reports.extend(on(&mut SerialDesk::new(&image), of_case)),
                    Err(skip) => println!("\nserial desk SKIPPED: {skip}"),
                }
            }
            if "faults".contains(of_desk) && (of_case.is_empty() || !of_desk.is_empty()) {
                reports.push(bad_cables());
                println!("  {}", reports[reports.len() - 1]);
            }
            if of_desk.is_empty() {
                println!("\nUSB desk SKIPPED: it lives in a guest kernel; run: tests/hil/usb-desk");
                println!(
                    "\nreal desk SKIPPED: none is named; run: \
                     HELIO_DESK=desk.toml cargo test -p helio-tests --test hil"
                );
            }
        }
    }
    let failed = reports.iter().filter(|r| matches!(r.outcome, Outcome::Failed(_))).count();
    let skipped = reports.iter().filter(|r| matches!(r.outcome, Outcome::Skipped(_))).count();
    println!("\n{} held, {failed} failed, {skipped} skipped", reports.len() - failed - skipped);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs on bad cables: so many as `HELIO_HIL_FAULTS` says, seeds counted from 1.
const FAULTS: u64 = 1_000;

fn bad_cables() -> Report {
    let said = std::env::var("HELIO_HIL_FAULTS").ok().and_then(|count| count.parse().ok());
    let runs = said.unwrap_or(FAULTS);
    println!("\n{runs} runs on bad cables, without a clock (HELIO_HIL_FAULTS=10000 for all)");
    let begun = Instant::now();
    let next = AtomicU64::new(1);
    let (mut sum, mut failed) = (Tally::default(), Vec::new());
    let work = || {
        let (mut sum, mut failed) = (Tally::default(), Vec::new());
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > runs {
                return (sum, failed);
            }
            match std::panic::catch_unwind(|| faults::run(seed)) {
                Ok(tally) => sum.add(&tally),
                Err(_) => failed.push(seed),
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            let (of_one, failures) = worker.join().expect("a panic of a run is caught");
            sum.add(&of_one);
            failed.extend(failures);
        }
    });
    let [bits, errors] = sum.bits;
    // Wrong numbers of slots would make half of the bits wrong; the optics make 1 %.
    let numbered = bits > 100 * runs && errors * 20 < bits;
    let outcome = match failed.is_empty() && numbered {
        true => Outcome::Held(format!("{sum:?}")),
        false => Outcome::Failed(format!("seeds {failed:?}, {sum:?}")),
    };
    Report { name: "bad_cables", outcome, took: begun.elapsed() }
}

/// The desk that a file describes.
fn named(path: &Path, cases: &str) -> Result<Vec<Report>, String> {
    let complain = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| complain(&error))?;
    let file = DeskFile::parse(&text).map_err(|error| complain(&error))?;
    for cable in &file.cables {
        println!("cable: {cable}");
    }
    Ok(match file.kind {
        Kind::InProcess => on(&mut InProcess::new(), cases),
        Kind::Serial => {
            let image = image(&root()).map_err(|skip| complain(&skip))?;
            on(&mut SerialDesk::new(&image), cases)
        }
        Kind::Real => on(&mut RealDesk::new(&file).map_err(|error| complain(&error))?, cases),
    })
}

fn on<D: Desk>(desk: &mut D, cases: &str) -> Vec<Report> {
    println!("\n{}", desk.name());
    run(desk, cases, |report| println!("  {report}"))
}

/// The workspace's root folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
