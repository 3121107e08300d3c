//! A talk with one device: commands and their answers, with the time that they take.

use std::time::{Duration, Instant};

use helio_bench::SettingsSource;
use helio_link::{Connection, DeviceAddress, Event, LatencyHistogram, TransportError};
use helio_units::Ticks;
use helio_wire::{Capabilities, Configure, DeviceMessage, ErrorCode, Health, HostMessage};

use super::run_log::RunLog;
use super::slots::source_name;
use super::target::{Bench, Port};
use crate::bench::device::{DeviceIdentity, own};
use crate::bench::refusal::refusal_words;
use crate::exit::{Exit, Failure};

/// A device answers a command within this time, or it is not there.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a device is listened to at a time.
const TURN: Duration = Duration::from_millis(50);
/// Over such a silence the host beats: the interlock bears 250 ms.
const BEAT: Duration = Duration::from_millis(100);

/// A refusal of a command, or why there is no answer.
#[derive(Debug)]
pub(in crate::cmd) enum NoAnswer {
    /// The device refused.
    Refused(ErrorCode, u32),
    /// The device or its port failed; in words.
    Failed(String),
}

/// A device that has told who it is.
pub(in crate::cmd) struct Session {
    pub connection: Connection<Port>,
    pub address: DeviceAddress,
    pub identity: DeviceIdentity,
    /// Its last word on how it stands.
    pub health: Option<Health>,
    pub latency: LatencyHistogram,
    /// What is written down of changes.
    pub log: RunLog,
    /// Where it stands, if it is simulated in this process.
    pub bench: Option<Bench>,
    begun: Instant,
    beaten: Instant,
}

impl Session {
    /// Asks who is there.
    ///
    /// # Errors
    /// Nobody answers.
    pub fn greet(
        port: Port,
        address: DeviceAddress,
        bench: Option<Bench>,
        log: RunLog,
    ) -> Result<Session, Failure> {
        let mut connection = Connection::new(port);
        let (mut identity, mut health) = (None, None);
        let begun = Instant::now();
        let number = connection.send(&HostMessage::Hello).map_err(|why| gone(&address, why))?;
        while identity.is_none() {
            if begun.elapsed() >= PATIENCE {
                return Err(silent(&address, "hello"));
            }
            let received = connection.receive(TURN, |event| match event {
                Event::Message(_, DeviceMessage::Hello { command, hello }) if command == number => {
                    identity = Some(own(&hello));
                }
                Event::Message(_, DeviceMessage::Health(told)) => health = Some(told),
                Event::Unknown(why) => log::warn!("{address} speaks another version: {why}"),
                _ => {}
            });
            match received {
                Ok(()) | Err(TransportError::TimedOut) => {}
                Err(why) => return Err(gone(&address, why)),
            }
        }
        let identity = identity.ok_or_else(|| silent(&address, "hello"))?;
        Ok(Session { health, bench, ..Session::with(connection, address, identity, log) })
    }

    /// Goes on with a device that has told who it is.
    pub fn with(
        connection: Connection<Port>,
        address: DeviceAddress,
        identity: DeviceIdentity,
        mut log: RunLog,
    ) -> Session {
        log.about(&identity, connection.nonce());
        let (latency, begun) = (LatencyHistogram::new(identity.tick_length), Instant::now());
        let (health, bench, beaten) = (None, None, begun);
        Session { connection, address, identity, health, latency, log, bench, begun, beaten }
    }

    /// Host time in nanoseconds.
    pub fn now_ns(&self) -> u64 {
        self.begun.elapsed().as_nanos() as u64
    }

    /// Whether its light is simulated.
    pub fn is_simulated(&self) -> bool {
        self.identity.capabilities.has(Capabilities::SIMULATED)
    }

    /// Listens once, for 50 ms at most, and beats if it was silent for long.
    ///
    /// # Errors
    /// The port is gone.
    pub fn listen(&mut self, mut sink: impl FnMut(&Event<'_>)) -> Result<(), Failure> {
        let (begun, latency, health) = (self.begun, &mut self.latency, &mut self.health);
        let received = self.connection.receive(TURN, |event| {
            let now = begun.elapsed().as_nanos() as u64;
            match &event {
                Event::Message(_, DeviceMessage::Health(told)) => *health = Some(*told),
                Event::Message(_, DeviceMessage::Tags(tags)) => {
                    tags.iter().for_each(|edge| latency.arrived(edge.tick, now));
                }
                Event::Rebooted { .. } => latency.rebooted(),
                _ => {}
            }
            sink(&event);
        });
        match received {
            Ok(()) | Err(TransportError::TimedOut) => {}
            Err(why) => return Err(gone(&self.address, why)),
        }
        if self.beaten.elapsed() >= BEAT {
            self.beaten = Instant::now();
            // A port that fails here fails at the next receive.
            let _ = self.connection.beat();
        }
        Ok(())
    }

    /// Gives a command and waits for its answer: the tick at which it took effect. Everything else
    /// that the device says meanwhile goes to `sink`.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub fn order(
        &mut self,
        message: &HostMessage<'_>,
        sink: impl FnMut(&Event<'_>),
    ) -> Result<Ticks, NoAnswer> {
        let sent = self.now_ns();
        let tick = self.exchange(message, sink, |answer, number| match answer {
            DeviceMessage::Ack { command, tick } if *command == number => Some(*tick),
            _ => None,
        })?;
        let received = self.now_ns();
        self.latency.answered(sent, tick, received);
        Ok(tick)
    }

    /// Gives a command and waits until `answer` takes a message for its answer; it is told the
    /// command's number.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub fn exchange<R>(
        &mut self,
        message: &HostMessage<'_>,
        mut sink: impl FnMut(&Event<'_>),
        mut answer: impl FnMut(&DeviceMessage<'_>, u32) -> Option<R>,
    ) -> Result<R, NoAnswer> {
        let failed = |failure: Failure| NoAnswer::Failed(failure.sentence);
        let sent = self.connection.send(message);
        let number = sent.map_err(|why| failed(gone(&self.address, why)))?;
        let deadline = Instant::now() + PATIENCE;
        let mut answered = None;
        while answered.is_none() {
            if Instant::now() >= deadline {
                return Err(failed(silent(&self.address, "a command")));
            }
            self.listen(|event| {
                if let Event::Message(_, message) = event {
                    match message {
                        DeviceMessage::Error { command, code, detail } if *command == number => {
                            answered = Some(Err(NoAnswer::Refused(*code, *detail)));
                            return;
                        }
                        message => {
                            if let Some(answer) = answer(message, number) {
                                answered = Some(Ok(answer));
                                return;
                            }
                        }
                    }
                }
                sink(event);
            })
            .map_err(failed)?;
        }
        answered.unwrap_or_else(|| Err(failed(silent(&self.address, "a command"))))
    }

    /// As [`Session::order`], for a command that should not be refused.
    ///
    /// # Errors
    /// In one sentence.
    pub fn command(&mut self, name: &str, message: &HostMessage<'_>) -> Result<Ticks, Failure> {
        self.order(message, |_| {}).map_err(|no| self.failure(name, no))
    }

    /// Why a command came to nothing.
    pub fn failure(&self, name: &str, no: NoAnswer) -> Failure {
        let address = &self.address;
        match no {
            NoAnswer::Failed(sentence) => Failure::new(Exit::Device, sentence),
            NoAnswer::Refused(code, detail) => {
                let why = refusal_words(code, detail, self.health.map(|health| health.interlock));
                Failure::new(Exit::Device, format!("{address} refused {name}: {why}"))
            }
        }
    }

    /// Configures and arms the device; its settings come from `source`, if it has any.
    ///
    /// # Errors
    /// The device refuses or fails.
    pub fn arm(
        &mut self,
        configure: Configure,
        source: Option<SettingsSource>,
    ) -> Result<Ticks, Failure> {
        if let Some(source) = source {
            self.command("its source of settings", &HostMessage::Source(source))?;
        }
        self.command("its configuration", &HostMessage::Configure(configure))?;
        let mut nonce = [0; 4];
        getrandom::fill(&mut nonce).map_err(|why| {
            Failure::new(Exit::Internal, format!("the system gives no random numbers ({why})"))
        })?;
        let nonce = u32::from_le_bytes(nonce);
        let tick = self.command("to be armed", &HostMessage::Arm { nonce })?;
        let source = source_name(&self.identity, source);
        let armed = serde_json::json!({ "nonce": nonce, "tick": tick.0, "source": source });
        self.log.write("arm", armed)?;
        Ok(tick)
    }

    /// Back to the device's own generator, where settings came from another `source`.
    ///
    /// # Errors
    /// The device refuses or fails.
    pub fn own_source(&mut self, source: Option<SettingsSource>) -> Result<(), Failure> {
        if source.is_none() {
            return Ok(());
        }
        self.command("its own generator", &HostMessage::Source(SettingsSource::Own)).map(drop)
    }

    /// To safe; what was latched stays latched.
    ///
    /// # Errors
    /// The device fails; a refusal is none, it is dark then.
    pub fn disarm(&mut self) -> Result<bool, Failure> {
        match self.order(&HostMessage::Disarm, |_| {}) {
            Ok(tick) => {
                self.log.write("disarm", serde_json::json!({ "tick": tick.0 }))?;
                Ok(true)
            }
            Err(NoAnswer::Refused(..)) => Ok(false),
            Err(no) => Err(self.failure("to be disarmed", no)),
        }
    }
}

fn gone(address: &DeviceAddress, why: TransportError) -> Failure {
    Failure::new(Exit::Device, format!("{address}: {why}; check the cable and the power"))
}

fn silent(address: &DeviceAddress, command: &str) -> Failure {
    Failure::new(
        Exit::Device,
        format!(
            "{address} did not answer {command} within 5 s; unplug and replug it, or end the other \
             program that has it"
        ),
    )
}
