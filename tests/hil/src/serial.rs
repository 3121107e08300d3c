//! The emulated board: three serial ports of qemu's, opened by name as any serial port.

use crate::case::Skip;
use crate::desk::{Desk, Effort};
use helio_link::{SerialTransport, Transport, TransportError};
use helio_rig::{Hand, Light, Plan};
use helio_wire::Role;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const QEMU: &str = "qemu-system-arm";
const IMAGE: &str = "firmware/boards/mps2-an505/target/thumbv8m.main-none-eabihf/release/stations";
/// What builds the image and installs the emulator.
const REMEDY: &str = "tests/hil/serial-desk";
/// Silence after which nothing of an earlier cable is on the line any more.
const QUIET: Duration = Duration::from_millis(40);
/// The longest that the bench's own line is waited for: it passes time before it answers.
const HAND_PATIENCE: Duration = Duration::from_secs(120);

/// The board's image below the workspace's root, if it and the emulator are there.
///
/// # Errors
/// A [`Skip`] that names the command that makes them.
pub fn image(root: &Path) -> Result<PathBuf, Skip> {
    let image = std::env::var_os("HELIO_IMAGE").map_or_else(|| root.join(IMAGE), PathBuf::from);
    if !image.is_file() {
        return Err(Skip::new(format!("{} is not built", image.display()), REMEDY));
    }
    match Command::new(QEMU).arg("--version").stdout(Stdio::null()).status() {
        Ok(_) => Ok(image),
        Err(error) => Err(Skip::new(format!("{QEMU}: {error}"), REMEDY)),
    }
}

/// A cable of the board: the port stays open when the cable is pulled, as qemu's end does not see
/// that anyway; the bench's line tells the board.
#[derive(Clone)]
pub struct SerialCable(Arc<Mutex<SerialTransport>>);

impl Transport for SerialCable {
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).send(bytes)
    }

    fn receive(&mut self, chunk: &mut Vec<u8>, timeout: Duration) -> Result<(), TransportError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).receive(chunk, timeout)
    }
}

/// qemu with the image `stations` of the board mps2-an505.
pub struct SerialDesk {
    qemu: Child,
    cables: [SerialCable; 2],
    hands: SerialTransport,
}

impl SerialDesk {
    /// Starts the emulator.
    ///
    /// # Panics
    /// If it does not start, or its ports cannot be opened.
    pub fn new(image: &Path) -> SerialDesk {
        // -S: the processor waits, so that not a byte is lost before the ports are open.
        let mut qemu = Command::new(QEMU)
            .args(["-M", "mps2-an505", "-nographic", "-S", "-monitor", "stdio"])
            .args(["-serial", "pty", "-serial", "pty", "-serial", "pty"])
            .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
            .arg(image)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("qemu starts");
        let mut said = BufReader::new(qemu.stdout.take().expect("it is piped"));
        let mut ports = Vec::new();
        while ports.len() < 3 {
            let mut line = String::new();
            assert_ne!(said.read_line(&mut line).expect("qemu talks"), 0, "qemu ended");
            ports.extend(
                line.split_whitespace().filter(|w| w.starts_with("/dev/pts/")).map(str::to_owned),
            );
        }
        // The monitor echoes; somebody must read.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        let open = |n: usize| SerialTransport::open(&ports[n]).expect("the port is there");
        let cables = [open(0), open(1)].map(|port| SerialCable(Arc::new(Mutex::new(port))));
        let hands = open(2);
        qemu.stdin.as_mut().expect("it is piped").write_all(b"cont\n").expect("qemu listens");
        SerialDesk { qemu, cables, hands }
    }
}

impl Desk for SerialDesk {
    type Cable = SerialCable;

    fn name(&self) -> String {
        "serial desk (mps2-an505 in qemu)".into()
    }

    fn effort(&self) -> Effort {
        Effort { starts: 50, tag_slots: 100_000, job_slots: 100_000, faults: 20 }
    }

    fn rebuild(&mut self, plan: Plan) -> bool {
        self.lay(Hand::World(plan)).is_some()
    }

    fn plug(&mut self, role: Role) -> SerialCable {
        let mut cable = self.cables[usize::from(role.code())].clone();
        let mut chunk = Vec::new();
        while cable.receive(&mut chunk, QUIET).is_ok() {}
        cable
    }

    fn unplug(&mut self, role: Role) {
        self.lay(Hand::Signal(role, helio_firmware::Event::LinkReset));
    }

    fn lay(&mut self, hand: Hand) -> Option<Light> {
        let status = self.qemu.try_wait().expect("qemu can be asked for");
        assert_eq!(status, None, "the board has ended");
        self.hands.send(format!("{hand}\n").as_bytes()).expect("the bench listens");
        let (mut answer, mut chunk) = (Vec::new(), Vec::new());
        while answer.last() != Some(&b'\n') {
            let came = self.hands.receive(&mut chunk, HAND_PATIENCE);
            came.unwrap_or_else(|error| panic!("the bench does not answer to {hand}: {error}"));
            answer.extend_from_slice(&chunk);
        }
        let answer = String::from_utf8_lossy(&answer);
        let light = answer.parse();
        Some(light.unwrap_or_else(|_| panic!("the bench answers to {hand}: {answer}")))
    }
}

impl Drop for SerialDesk {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}
