//! The USB desk: boards, bus and hosts in one program, in a real Linux kernel under emulation
//! (`tests/hil/usb-desk` builds and boots it). The firmware's own USB class is the device; between
//! it and `helio-link`'s USB transport lie the kernel's USB core, usbfs and `cdc-acm`.
//!
//! A line a test; ends with 1 if one has failed. An argument runs the tests whose names hold it.

mod cases;
mod desk;
mod faults;
mod host;
mod job;
mod usbip;

use desk::Desk;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

type Case = (&'static str, fn(&mut Desk) -> String);

const CASES: &[Case] = &[
    ("enumeration", cases::enumeration),
    ("versions", cases::versions),
    ("both_pipes", cases::both_pipes),
    ("two_boards", cases::two_boards),
    ("liars", cases::liars),
    ("stall_and_clear", cases::stall_and_clear),
    ("unplug_and_replug", cases::unplug_and_replug),
    ("reboot", cases::reboot),
    ("starts", cases::starts),
    ("streaming", cases::streaming),
    ("bad_cables", faults::bad_cables),
    ("main_job", job::main_job),
];

fn main() -> ExitCode {
    let filter = std::env::args().nth(1).unwrap_or_default();
    let (begun, mut failed, mut ran) = (Instant::now(), 0, 0);
    for (name, case) in CASES.iter().filter(|(name, _)| name.contains(&filter)) {
        let at = Instant::now();
        // A desk a case: what one leaves behind is no excuse for the next.
        let outcome = catch_unwind(AssertUnwindSafe(|| case(&mut Desk::new(job::bench(1)))));
        let seconds = at.elapsed().as_secs_f64();
        ran += 1;
        match outcome {
            Ok(said) => println!("ok      {name:<20} {seconds:6.1} s  {said}"),
            Err(_) => {
                failed += 1;
                println!("FAILED  {name:<20} {seconds:6.1} s");
            }
        }
    }
    println!("{ran} tests, {failed} failed, {:.1} s", begun.elapsed().as_secs_f64());
    ExitCode::from(u8::from(failed > 0 || ran == 0))
}
