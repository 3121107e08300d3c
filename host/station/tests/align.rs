//! `helio watch`, `scan`, `calibrate`, `trace record` and followed traces, as processes and in this one.
#![cfg(unix)]

#[path = "align/calibrate.rs"]
mod calibrate;
#[path = "align/live.rs"]
mod live;
#[path = "align/scan.rs"]
mod scan;
#[path = "align/scan_device.rs"]
mod scan_device;
#[path = "align/support.rs"]
mod support;
#[path = "align/watch.rs"]
mod watch;
