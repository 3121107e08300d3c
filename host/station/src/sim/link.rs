//! A port's thread: one host after the other, each joined to the bench by a pipe.
//!
//! A host has two threads while it is there, the port's own for what it says and one for what it is
//! told, and they end each other: whoever finds one end gone closes both.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::Sender;
use helio_link::{
    PipeEnd, PipeReceiver, PipeSender, TcpPort, TcpReceiver, TcpSender, TcpTransport,
    TransportError, pipe,
};
use helio_wire::{Decoder, Role, decode_host};

/// How often a thread that waits for a host looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);
/// How long a port that fails is left alone.
const REST: Duration = Duration::from_secs(1);
/// Chunks on the way to a host.
const DEPTH: usize = 64;

/// A host has come.
pub(super) struct Arrival {
    pub role: Role,
    /// The device's end.
    pub end: PipeEnd,
    pub traffic: Arc<Traffic>,
    pub from: String,
}

/// What a host does, as the bench sees it while it waits.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// Commands that a device knows. Other bytes are no sign of life.
    pub words: AtomicU64,
    /// Chunks that the host's connection has taken.
    pub taken: AtomicU64,
    /// The bench has done with this host.
    pub dropped: AtomicBool,
}

/// Takes hosts until `stop`.
pub(super) fn attend(role: Role, port: &TcpPort, arrivals: &Sender<Arrival>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        match port.accept(LOOK) {
            Ok(host) => {
                if let Err(fault) = carry(role, host, arrivals, stop) {
                    log::warn!("{role:?}'s port: a host could not be served: {fault}");
                }
            }
            Err(TransportError::TimedOut) => {}
            Err(fault) => {
                log::warn!("{role:?}'s port: {fault}");
                thread::sleep(REST);
            }
        }
    }
}

/// Carries one host until either end is gone.
fn carry(
    role: Role,
    host: TcpTransport,
    arrivals: &Sender<Arrival>,
    stop: &AtomicBool,
) -> Result<(), String> {
    let from = host.peer().map_or_else(|_| "nowhere".into(), |peer| peer.to_string());
    let (to_host, from_host) = host.split().map_err(|fault| fault.to_string())?;
    let (near, end) = pipe(DEPTH);
    let (to_device, from_device) = near.split();
    let traffic = Arc::new(Traffic::default());
    let taken = Arc::clone(&traffic);
    let name = format!("{role:?}-out").to_lowercase();
    let outward = thread::Builder::new()
        .name(name)
        .spawn(move || outward(from_device, to_host, &taken))
        .map_err(|fault| fault.to_string())?;
    // The bench may have ended: then this end of the pipe is alone, and both ways close.
    let _ = arrivals.send(Arrival { role, end, traffic: Arc::clone(&traffic), from });
    inward(from_host, to_device, &traffic, stop);
    outward.join().map_err(|_| "its thread failed".to_owned())
}

/// What the host says. Ends with the link closed both ways.
fn inward(mut host: TcpReceiver, mut device: PipeSender, traffic: &Traffic, stop: &AtomicBool) {
    let (mut decoder, mut chunk) = (Decoder::new(), Vec::new());
    while !stop.load(Ordering::Relaxed) && !traffic.dropped.load(Ordering::Relaxed) {
        match host.receive(&mut chunk, LOOK) {
            Ok(()) => {
                decoder.push(&chunk, |frame| {
                    if frame.is_ok_and(|frame| decode_host(frame).is_ok()) {
                        traffic.words.fetch_add(1, Ordering::Relaxed);
                    }
                });
                if device.send(&chunk).is_err() {
                    break;
                }
            }
            Err(TransportError::TimedOut) => {}
            Err(_) => break,
        }
    }
    host.close();
}

/// What the host is told.
fn outward(mut device: PipeReceiver, mut host: TcpSender, traffic: &Traffic) {
    let mut chunk = Vec::new();
    loop {
        match device.receive(&mut chunk, REST) {
            Ok(()) if host.send(&chunk).is_ok() => {
                traffic.taken.fetch_add(1, Ordering::Relaxed);
            }
            Err(TransportError::TimedOut) => {}
            Ok(()) | Err(_) => break,
        }
    }
    host.close();
}
