//! `helio status` and what is behind it, as its users see it.

#[path = "status/filled.rs"]
mod filled;
#[cfg(unix)]
#[path = "status/process.rs"]
mod process;
#[path = "status/reasons.rs"]
mod reasons;
#[cfg(unix)]
#[path = "status/server.rs"]
mod server;
#[path = "status/views.rs"]
mod views;
