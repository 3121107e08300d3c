//! Which device is meant, and its port.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use helio_link::record::{RecordWriter, Recorded};
use helio_link::{DeviceAddress, PipeEnd, Transport, TransportError, usb_devices};
use helio_virt::{Step, VirtBench, VirtConfig};

use super::run_log::{RunLog, RunLogArgs};
use super::session::Session;
use crate::bench::Scenario;
use crate::bench::run::spawn;
use crate::exit::{Exit, Failure};

/// A device's port, whatever it is.
pub(in crate::cmd) type Port = Box<dyn Transport + Send>;

/// Chunks on a simulated cable.
const DEPTH: usize = 256;

/// The device that a command is for.
#[derive(Clone, Debug, Args)]
pub(super) struct Target {
    /// usb:SERIAL, serial:/dev/ttyACM0, tcp:HOST:PORT, replay:FILE or sim [default: the only board
    /// that is plugged in]
    #[arg(long, value_name = "ADDRESS")]
    pub device: Option<DeviceAddress>,
    /// Which of the two simulated devices, with --device sim
    #[arg(long, value_enum, default_value_t = Which::Alice)]
    pub role: Which,
    /// Write every frame, both ways, to this file; --device replay:FILE plays it again. As secret as
    /// what the device measures
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Where changes are written down.
    #[command(flatten)]
    pub log: RunLogArgs,
}

/// One of the two simulated devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Which {
    /// The sender's.
    Alice,
    /// The receiver's.
    Bob,
}

/// The simulated bench, and its other device's port.
pub(in crate::cmd) struct Bench {
    pub other: Option<PipeEnd>,
    _thread: JoinHandle<()>,
}

impl Target {
    /// The address: the one that is named, or that of the only board.
    ///
    /// # Errors
    /// None is named, and none or several are plugged in.
    pub fn address(&self) -> Result<DeviceAddress, Failure> {
        if let Some(address) = &self.device {
            return Ok(address.clone());
        }
        let boards = usb_devices().map_err(|why| {
            Failure::new(Exit::Device, format!("USB cannot be listed ({why}); name --device"))
        })?;
        let found: Vec<DeviceAddress> = boards.iter().filter_map(|b| b.address()).collect();
        match found.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(Failure::new(
                Exit::Device,
                "no board is plugged in and no --device is named; plug one in, or choose --device \
                 sim for a simulated one (helio device list shows what there is)",
            )),
            several => {
                let names: Vec<String> = several.iter().map(ToString::to_string).collect();
                Err(Failure::new(
                    Exit::Device,
                    format!(
                        "several boards are plugged in; choose --device {}",
                        names.join(" or ")
                    ),
                ))
            }
        }
    }

    /// Opens the device and asks who it is.
    ///
    /// # Errors
    /// No such device, or one that does not answer.
    pub fn open(&self) -> Result<Session, Failure> {
        self.open_on(&Scenario::default())
    }

    /// As [`Target::open`]; a simulated device stands on the bench of this scenario.
    ///
    /// # Errors
    /// As [`Target::open`].
    pub fn open_on(&self, scenario: &Scenario) -> Result<Session, Failure> {
        let address = self.address()?;
        let (port, bench) = match &address {
            DeviceAddress::Sim => {
                let (port, bench) = simulated(scenario, self.role)?;
                (Box::new(port) as Port, Some(bench))
            }
            real => (open(real)?, None),
        };
        let port = self.recorded(port)?;
        let log = RunLog::new(&self.log);
        Session::greet(port, address, bench, log)
    }

    /// A simulated device's port.
    ///
    /// # Errors
    /// A bench that cannot be.
    pub fn simulated(&self) -> Result<(Port, Bench), Failure> {
        let (port, bench) = simulated(&Scenario::default(), self.role)?;
        Ok((Box::new(port), bench))
    }

    /// The port, recorded if that is asked for.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn recorded(&self, port: Port) -> Result<Port, Failure> {
        let Some(path) = &self.record else { return Ok(port) };
        let unwritable = |why| Failure::unwritable(path, why);
        let file =
            crate::recording::private_file(path).map_err(|why| Failure::new(Exit::File, why))?;
        let writer = RecordWriter::new(BufWriter::new(file)).map_err(unwritable)?;
        let begun = Instant::now();
        let clock = move || begun.elapsed().as_nanos() as u64;
        Ok(Box::new(Watched { path: path.clone(), port: Recorded::new(port, writer, clock) }))
    }
}

/// Opens a port that is not simulated in this process.
///
/// # Errors
/// In one sentence, with the remedy.
pub(super) fn open(address: &DeviceAddress) -> Result<Port, Failure> {
    helio_link::open(address).map_err(|why| {
        let exit = match why {
            helio_link::OpenError::Recording { .. } => Exit::File,
            _ => Exit::Device,
        };
        Failure::new(exit, why)
    })
}

fn simulated(scenario: &Scenario, role: Which) -> Result<(PipeEnd, Bench), Failure> {
    let config = VirtConfig { bench: scenario.bench(), link_depth: DEPTH };
    let (mut bench, alice, bob) = VirtBench::new(config)
        .map_err(|why| Failure::usage(format!("{why}; choose other numbers")))?;
    let thread = spawn("bench", move || {
        let mut gone = 0;
        // Until both hosts have gone: one device goes on without the other one's.
        while gone < 2 {
            gone += usize::from(matches!(bench.step(), Step::Unplugged(_)));
        }
    });
    let (port, other) = match role {
        Which::Alice => (alice, bob),
        Which::Bob => (bob, alice),
    };
    Ok((port, Bench { other: Some(other), _thread: thread }))
}

/// A recorded port that says when its recording has ended early.
struct Watched<C> {
    path: PathBuf,
    port: Recorded<Port, BufWriter<File>, C>,
}

impl<C: FnMut() -> u64> Transport for Watched<C> {
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.port.send(bytes)
    }

    fn receive(&mut self, chunk: &mut Vec<u8>, timeout: Duration) -> Result<(), TransportError> {
        let received = self.port.receive(chunk, timeout);
        if let Some(why) = self.port.fault() {
            log::warn!(
                "{} ends here, the device goes on ({why}); check the disk's space",
                self.path.display()
            );
        }
        received
    }

    fn openings(&self) -> u32 {
        self.port.openings()
    }
}
