//! A device behind TCP that outlives its hosts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use helio_link::{TcpPort, TcpTransport};

/// What stands behind the port.
pub trait Served {
    /// Talks to a host until that is gone, or until told to stop.
    fn serve(&mut self, host: TcpTransport, stop: &AtomicBool);
}

/// A device on a port of its own, while hosts come and go.
pub struct Device {
    /// Where a host opens it.
    pub address: String,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Device {
    /// Serves what `make` makes, on a thread of its own.
    pub fn serve<S: Served>(make: impl FnOnce() -> S + Send + 'static) -> Device {
        let port = TcpPort::bind("127.0.0.1", 0).unwrap();
        let address = port.address().unwrap().to_string();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut board = make();
            while !stopped.load(Ordering::Relaxed) {
                if let Ok(host) = port.accept(Duration::from_millis(20)) {
                    board.serve(host, &stopped);
                }
            }
        });
        Device { address, stop, thread: Some(thread) }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(ended.is_some_and(|ended| ended.is_ok()), "the device failed");
    }
}
