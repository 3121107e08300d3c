//! The station's memory on disk, through the eyes of those who use it.

#[path = "../../distill/tests/talk/channel.rs"]
#[allow(dead_code)]
mod channel;
#[path = "store/crash.rs"]
mod crash;
#[path = "store/export.rs"]
mod export;
#[path = "store/faults.rs"]
mod faults;
#[path = "store/kept.rs"]
mod kept;
#[path = "../../distill/tests/talk/pair.rs"]
#[allow(dead_code)]
mod pair;
#[path = "store/status.rs"]
mod status;
#[path = "store/support.rs"]
mod support;
#[path = "store/talk.rs"]
mod talk;
