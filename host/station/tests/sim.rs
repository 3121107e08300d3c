//! `helio sim` as a process, and hosts that come, go and misbehave.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, unbounded};
use helio_bench::{SettingsSource, TripCause};
use helio_link::{Connection, DeviceAddress, Event, Transport, TransportError, open};
use helio_station::bench::device::{self, Run};
use helio_station::bench::{Scenario, defaults};
use helio_wire::{Configure, DeviceMessage, HostMessage, Role};
use serde_json::Value;

const LONG: Duration = Duration::from_secs(20);
const FREE: &str = "127.0.0.1:0";

/// A running `helio sim`, and what it tells.
struct Sim {
    child: Child,
    notes: Receiver<Value>,
    addresses: [DeviceAddress; 2],
}

impl Sim {
    fn start(more: &[&str]) -> Sim {
        let mut child = Command::new(env!("CARGO_BIN_EXE_helio"))
            .args(["sim", "--json", "--alice-port", FREE, "--bob-port", FREE])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("helio runs");
        let out = BufReader::new(child.stdout.take().unwrap());
        let (tell, notes) = unbounded();
        thread::spawn(move || {
            for line in out.lines() {
                let note = serde_json::from_str(&line.unwrap()).expect("one object a line");
                if tell.send(note).is_err() {
                    break;
                }
            }
        });
        let sim = DeviceAddress::Sim;
        let mut sim = Sim { child, notes, addresses: [sim.clone(), sim] };
        for (i, station) in ["alice", "bob"].into_iter().enumerate() {
            let open = sim.wait_for("port_open", station);
            sim.addresses[i] = open["address"].as_str().unwrap().parse().unwrap();
        }
        sim
    }

    fn wait_for(&self, kind: &str, station: &str) -> Value {
        loop {
            let note = self.notes.recv_timeout(LONG).expect("the note comes");
            if note["note"] == kind && note["station"] == station {
                return note;
            }
        }
    }

    fn host(&self, role: Role) -> Host {
        let address = &self.addresses[usize::from(role == Role::Bob)];
        Host { role, connection: Connection::new(open(address).unwrap()), seen: Seen::default() }
    }

    fn stream(&self, role: Role) -> TcpStream {
        match &self.addresses[usize::from(role == Role::Bob)] {
            DeviceAddress::Tcp { host, port } => {
                TcpStream::connect((host.as_str(), *port)).unwrap()
            }
            other => panic!("{other}"),
        }
    }

    /// Ends it by SIGTERM; its last note.
    fn terminate(mut self) -> Value {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        self.notes.iter().last().expect("it tells how far it came")
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Host {
    role: Role,
    connection: Connection<Box<dyn Transport + Send>>,
    seen: Seen,
}

/// What has come of the present run.
#[derive(Default)]
struct Seen {
    epoch: u16,
    /// First slot with a setting, and the one after the last.
    slots: Option<(u64, u64)>,
    marks: u32,
    tags: u32,
    stopped: bool,
}

impl Seen {
    fn event(&mut self, event: &Event<'_>) {
        let Event::Message(header, message) = event else { return };
        if header.epoch != self.epoch {
            return;
        }
        match message {
            DeviceMessage::Settings(settings) => {
                let end = settings.first.0 + u64::from(settings.count);
                self.slots = Some((self.slots.map_or(settings.first.0, |(first, _)| first), end));
            }
            DeviceMessage::SlotMark(_) => self.marks += 1,
            DeviceMessage::Stopped { .. } => self.stopped = true,
            DeviceMessage::Tags(batch) => self.tags += u32::from(batch.count),
            _ => {}
        }
    }

    /// Alice's slots begin with 0, Bob's when he has locked.
    fn is_enough(&self, role: Role) -> bool {
        match (role, self.slots) {
            (Role::Alice, Some((first, end))) => first == 0 && end > 300_000,
            (Role::Bob, Some((_, end))) => end > 300_000 && self.marks > 2 && self.tags > 1_000,
            _ => false,
        }
    }
}

fn configure() -> Configure {
    Scenario::default().configure(defaults::KEY_WEIGHT)
}

impl Host {
    /// From whatever state the device is in to a run.
    fn start(&mut self, epoch: u16) {
        let Host { role, connection, seen } = self;
        *seen = Seen { epoch, ..Seen::default() };
        device::greet(connection, *role).unwrap();
        for cause in TripCause::ALL {
            connection.send(&HostMessage::Clear { cause }).unwrap();
        }
        connection.send(&HostMessage::Disarm).unwrap();
        let source = SettingsSource::Own;
        let run = Run { arming_nonce: epoch.into(), epoch, slots: 0, source };
        device::start(connection, *role, configure(), run, &mut |event| seen.event(event)).unwrap();
    }

    /// Hears the device until `enough`.
    fn hear(&mut self, mut enough: impl FnMut(&Seen) -> bool) {
        let Host { role, connection, seen } = self;
        while !enough(seen) {
            match connection.receive(Duration::from_millis(100), |event| seen.event(&event)) {
                Ok(()) => {}
                Err(TransportError::TimedOut) => connection.beat().unwrap(),
                Err(why) => panic!("{role:?}'s device: {why}"),
            }
        }
    }
}

/// Does something at the end of a scope, also of one that panics.
struct Finally<F: Fn()>(F);

impl<F: Fn()> Drop for Finally<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Both run, from slot 0 on, and Bob's clock locks.
fn both_get_slots(alice: &mut Host, bob: &mut Host, epoch: u16) {
    bob.start(epoch);
    alice.start(epoch);
    let done = [AtomicBool::new(false), AtomicBool::new(false)];
    let hear = |host: &mut Host, me: usize| {
        let role = host.role;
        // A side that fails must not leave the other one waiting.
        let _failed = Finally(|| done.iter().for_each(|done| done.store(true, Relaxed)));
        host.hear(|seen| {
            done[me].fetch_or(seen.is_enough(role), Relaxed);
            done.iter().all(|done| done.load(Relaxed))
        });
    };
    thread::scope(|scope| {
        scope.spawn(|| hear(alice, 0));
        hear(bob, 1);
    });
}

#[test]
fn hosts_come_go_and_come_back_and_sigterm_is_a_good_end() {
    let sim = Sim::start(&["--speed", "fastest", "--seed", "7"]);
    let (mut alice, mut bob) = (sim.host(Role::Alice), sim.host(Role::Bob));
    both_get_slots(&mut alice, &mut bob, 1);
    for epoch in 2..=3 {
        // What the kernel does to the sockets of a process that is killed.
        drop(alice);
        assert_eq!(sim.wait_for("host_gone", "alice")["why"], "left");
        let dark = sim.wait_for("device", "alice");
        assert_eq!((&dark["cause"], &dark["running"]), (&"link_reset".into(), &false.into()));
        alice = sim.host(Role::Alice);
        both_get_slots(&mut alice, &mut bob, epoch);
    }
    drop(bob);
    assert_eq!(sim.wait_for("host_gone", "bob")["why"], "left");
    bob = sim.host(Role::Bob);
    // Or Bob's clock would lock to the old run's slots.
    alice.connection.send(&HostMessage::Stop).unwrap();
    alice.hear(|seen| seen.stopped);
    both_get_slots(&mut alice, &mut bob, 4);
    let last = sim.terminate();
    assert_eq!(last["note"], "progress");
    assert!(last["slots"].as_u64().unwrap() > 4 * 300_000, "{last}");
    let mut closed = Ok(());
    while closed.is_ok() {
        closed = bob.connection.receive(LONG, |_| {});
    }
    assert_eq!(closed, Err(TransportError::Closed));
}

/// Bob's device runs and waits for Alice's, whose port somebody holds and says nothing that a
/// device knows.
fn somebody_holds_alices_port(says: &[u8]) {
    let sim = Sim::start(&["--speed", "fastest"]);
    let mut bob = sim.host(Role::Bob);
    bob.start(1);
    let mut somebody = sim.stream(Role::Alice);
    sim.wait_for("host_connected", "alice");
    let dropped = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !dropped.load(Relaxed) && somebody.write_all(says).is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        });
        // The second host waits for its turn.
        let mut alice = sim.host(Role::Alice);
        assert_eq!(sim.wait_for("host_gone", "alice")["why"], "silent");
        dropped.store(true, Relaxed);
        both_get_slots(&mut alice, &mut bob, 2);
    });
}

#[test]
fn a_silent_host_is_dropped() {
    somebody_holds_alices_port(b"");
}

#[test]
fn a_host_that_speaks_another_language_is_dropped() {
    somebody_holds_alices_port(b"GET / HTTP/1.1\r\n\r\n");
}

#[test]
fn a_host_that_does_not_read_is_dropped_and_the_other_goes_on() {
    let sim = Sim::start(&["--speed", "fastest"]);
    let (mut alice, mut bob) = (sim.host(Role::Alice), sim.host(Role::Bob));
    both_get_slots(&mut alice, &mut bob, 1);
    let dropped = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !dropped.load(Relaxed) && alice.connection.beat().is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        });
        scope.spawn(|| {
            let why = sim.wait_for("host_gone", "alice")["why"].clone();
            dropped.store(true, Relaxed);
            assert_eq!(why, "not_reading");
        });
        let mut when_dropped = None;
        bob.hear(|seen| {
            let tags = dropped.load(Relaxed).then_some(seen.tags);
            when_dropped = when_dropped.or(tags);
            when_dropped.is_some_and(|had| seen.tags > had + 100)
        });
    });
}

#[test]
fn a_host_that_hangs_up_halfway_has_gone() {
    let sim = Sim::start(&["--speed", "100x"]);
    let half = sim.stream(Role::Bob);
    sim.wait_for("host_connected", "bob");
    half.shutdown(Shutdown::Write).unwrap();
    assert_eq!(sim.wait_for("host_gone", "bob")["why"], "left");
    // In time as the clock has it, the next host finds its device as well.
    let (mut alice, mut bob) = (sim.host(Role::Alice), sim.host(Role::Bob));
    both_get_slots(&mut alice, &mut bob, 1);
}

fn helio(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_helio")).args(args).output().expect("helio runs")
}

#[test]
fn refusals_are_one_sentence_with_the_remedy() {
    let listener = TcpListener::bind(FREE).unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    for (args, code, words) in [
        (["--bob-port", &taken], 5, ["in use", "--bob-port"]),
        (["--alice-port", "192.0.2.1:7001"], 5, ["192.0.2.1:7001", "address of this computer"]),
        (["--alice-port", "7001"], 2, ["7001", "HOST:PORT"]),
        (["--speed", "quick"], 2, ["quick", "real-time"]),
        (["--km", "2000"], 2, ["--km", "0 to 1000"]),
    ] {
        let other = if args[0] == "--alice-port" { "--bob-port" } else { "--alice-port" };
        let mut all = vec!["sim", other, FREE];
        all.extend(args);
        let output = helio(&all);
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim_end();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.lines().count() == 1 && !said.ends_with('.'), "{said}");
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    }
}
