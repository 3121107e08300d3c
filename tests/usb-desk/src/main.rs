//! The USB desk: boards, bus and hosts in one program, in a real Linux kernel under emulation
//! (`tests/hil/usb-desk` builds and boots it). The firmware's own USB class is the device; between
//! it and `helio-link`'s USB transport lie the kernel's USB core, usbfs and `cdc-acm`.
//!
//! It runs the one suite, `helio_hil`, and what only a bus can do. A line a case; ends with 1 if one
//! has failed. An argument runs the cases whose names hold it; `HELIO_HIL_LONG` makes those long that are
//! shortened in CI.

mod board;
mod boot;
mod cases;
mod depth;
mod desk;
mod key;
mod usbip;

use desk::UsbDesk;
use helio_hil::{Outcome, Report, case, run};
use std::process::ExitCode;
use std::time::Instant;

/// Whether there is time.
fn is_long() -> bool {
    std::env::var_os("HELIO_HIL_LONG").is_some()
}

type Case = (&'static str, fn(&mut UsbDesk) -> String);

/// Beside those of the suite.
const CASES: &[Case] = &[
    ("enumeration", cases::enumeration),
    ("two_boards", cases::two_boards),
    ("liars", cases::liars),
    ("stall_and_clear", cases::stall_and_clear),
    ("unplug_in_transfer", cases::unplug_in_transfer),
    ("reset_of_the_chip", cases::reset_of_the_chip),
    ("transfer_depth", depth::transfer_depth),
    ("main_job_paced", cases::paced),
    ("main_job_key", key::same_key),
];

fn main() -> ExitCode {
    let filter = std::env::args().nth(1).unwrap_or_default();
    let begun = Instant::now();
    let tell = |report: &Report| println!("  {report}");
    let mut reports = Vec::new();
    for (name, of_bus) in CASES.iter().filter(|(name, _)| name.contains(&filter)) {
        // A desk a case: what one leaves behind is no excuse for the next.
        let report = case(name, || Ok(of_bus(&mut UsbDesk::default())));
        tell(&report);
        reports.push(report);
    }
    reports.extend(run(&mut UsbDesk::default(), &filter, tell));
    let count = |is: fn(&Outcome) -> bool| reports.iter().filter(|r| is(&r.outcome)).count();
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    let (ran, seconds) = (reports.len() - skipped, begun.elapsed().as_secs_f64());
    println!("{} held, {failed} failed, {skipped} skipped, {seconds:.1} s", ran - failed);
    ExitCode::from(u8::from(failed > 0 || reports.is_empty()))
}
