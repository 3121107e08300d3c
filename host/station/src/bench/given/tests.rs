//! Whole runs on the bench in the process, over cables of every kind.

use super::*;
use crate::bench::cable::{self, CableReport, Item, Outlet, SettingsRun, WhenFull};
use crate::bench::device::Run;
use crate::bench::run::spawn;
use crate::bench::{Scenario, defaults};
use crossbeam_channel::unbounded;
use helio_link::{PipeEnd, TransportError};
use helio_virt::{Step, VirtBench, VirtConfig};
use helio_wire::{Decoder, MAX_FRAME, decode_device, encode_device};

const SLOTS: u64 = 300_000;

/// A cable whose device reports one slot otherwise than it played it, from a batch on.
struct Liar {
    end: PipeEnd,
    batch: Option<u64>,
    said: Decoder,
    batches: u64,
}

impl Transport for Liar {
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.end.send(bytes)
    }

    fn receive(&mut self, chunk: &mut Vec<u8>, timeout: Duration) -> Result<(), TransportError> {
        self.end.receive(chunk, timeout)?;
        let Some(lie) = self.batch else { return Ok(()) };
        let told = std::mem::take(chunk);
        let batches = &mut self.batches;
        self.said.push(&told, |frame| {
            let (header, mut message) = decode_device(frame.unwrap()).unwrap();
            let mut packed;
            if let DeviceMessage::Settings(batch) = &mut message {
                *batches += 1;
                if *batches == lie {
                    packed = batch.packed.to_vec();
                    packed[1] ^= 1;
                    batch.packed = &packed;
                }
            }
            let mut again = [0; MAX_FRAME];
            let length = encode_device(&header, &message, &mut again).unwrap();
            chunk.extend_from_slice(&again[..length]);
        });
        Ok(())
    }
}

/// What the two cables gave: Alice's, then Bob's.
struct Outcome {
    settings: [Vec<SettingsRun>; 2],
    missing: [u64; 2],
    reports: [CableReport; 2],
}

/// A run of both devices; `sources` are theirs, `lie` is the batch in which Alice's reports what
/// she has not played.
fn run(
    sources: [SettingsSource; 2],
    feeds: [Option<FeedSource>; 2],
    lie: Option<u64>,
    before: &[u8],
) -> Outcome {
    let scenario = Scenario::default();
    let config = VirtConfig { bench: scenario.bench(), link_depth: 64 };
    let (mut bench, alice, bob) = VirtBench::new(config).unwrap();
    let pump = spawn("bench", move || {
        let mut gone = 0;
        while gone < 2 {
            gone += usize::from(matches!(bench.step(), Step::Unplugged(_)));
        }
    });
    let (over, ended) = unbounded::<()>();
    let threads: Vec<_> = [(Role::Alice, alice, lie), (Role::Bob, bob, None)]
        .into_iter()
        .zip(sources)
        .zip(feeds)
        .map(|(((role, end, batch), source), mut feed)| {
            let (items, heard) = unbounded();
            let before = before.to_vec();
            let (over, ended) = (over.clone(), ended.clone());
            let configure = Scenario::default().configure(defaults::KEY_WEIGHT);
            let cable = spawn("cable", move || {
                let liar = Liar { end, batch, said: Decoder::new(), batches: 0 };
                let mut connection = Connection::new(liar);
                let identity = device::greet(&mut connection, role).unwrap();
                if !before.is_empty() {
                    let message = HostMessage::Feed(Concealed(&before));
                    device::command(&mut connection, role, "feed", &message, &mut |_| {}).unwrap();
                }
                let run = Run { arming_nonce: 1, epoch: 1, slots: 0, source };
                let outlet = Outlet { items: &items, pool: None, when_full: WhenFull::Wait };
                let stop = || !ended.is_empty();
                let feed = feed.as_mut();
                let (connection, _) =
                    cable::carry(connection, &identity, configure, run, feed, outlet, stop);
                let _ = over.send(());
                drop(items);
                connection
            });
            (cable, heard, over_at(role))
        })
        .collect();
    let mut outcome =
        Outcome { settings: Default::default(), missing: [0; 2], reports: Default::default() };
    let mut connections = Vec::new();
    let mut all = Vec::new();
    for (side, (cable, heard, enough)) in threads.into_iter().enumerate() {
        all.push((side, cable, heard, enough));
    }
    // Alice's slots tell when it is enough.
    for (side, cable, heard, enough) in all {
        for item in heard.iter() {
            match item {
                Item::Settings(run) => {
                    let end = run.first + run.count;
                    outcome.settings[side].push(run);
                    if end >= enough {
                        let _ = over.send(());
                    }
                }
                Item::MissingSettings(slots) => outcome.missing[side] += slots.end - slots.start,
                Item::End(report) => outcome.reports[side] = *report,
                _ => {}
            }
        }
        connections.push(cable.join().unwrap());
    }
    drop(connections);
    pump.join().unwrap();
    outcome
}

fn over_at(role: Role) -> u64 {
    if role == Role::Alice { SLOTS } else { u64::MAX }
}

fn slots(runs: &[SettingsRun]) -> u64 {
    runs.iter().map(|run| run.count).sum()
}

#[test]
fn devices_that_are_fed_or_seeded_report_what_they_were_given() {
    use SettingsSource::{HostFeed, HostSeed};
    for sources in [[HostFeed, HostFeed], [HostSeed, HostFeed], [HostFeed, HostSeed]] {
        let feeds = sources.map(|source| (source == HostFeed).then(FeedSource::system));
        let outcome = run(sources, feeds, None, &[]);
        for side in [0, 1] {
            assert_eq!(outcome.reports[side].fault, None, "{sources:?}");
            assert!(outcome.reports[side].losses.is_clean());
            assert_eq!(outcome.missing[side], 0);
        }
        assert!(slots(&outcome.settings[0]) >= SLOTS && slots(&outcome.settings[1]) > SLOTS / 2);
    }
}

#[test]
fn a_device_that_reports_what_it_was_not_given_ends_the_run() {
    for source in [SettingsSource::HostFeed, SettingsSource::HostSeed] {
        let outcome = run([source; 2], [(); 2].map(|()| Some(FeedSource::system())), Some(9), &[]);
        let fault = outcome.reports[0].fault.clone().expect("a fault");
        let known = slots(&outcome.settings[0]);
        let DeviceFault::OtherSettings { role: Role::Alice, slot } = fault else {
            panic!("{fault}")
        };
        assert!(fault.to_string().contains("no key is made of that block"), "{fault}");
        // Not one slot of the batch that lies, nor of any after it.
        assert!(known <= slot && slot < known + 2048, "{slot} of {known}");
    }
}

#[test]
fn slots_of_bytes_that_were_there_before_are_missing() {
    let feeds = [(); 2].map(|()| Some(FeedSource::system()));
    let outcome = run([SettingsSource::HostFeed; 2], feeds, None, &[1; 401]);
    for (side, fewest) in [(0, 101), (1, 201)] {
        assert_eq!(outcome.reports[side].fault, None);
        let missing = outcome.missing[side];
        assert!(missing >= fewest && missing <= 2 * 4096, "{missing}");
    }
}

/// A number from outside makes no memory.
#[test]
fn a_queue_that_cannot_be_is_a_fault() {
    for said in [0, 1, 401, FEED_CAPACITY as i64] {
        assert_eq!(queue_of(Role::Bob, said), Ok(said as usize));
    }
    for said in [-1, i64::MIN, FEED_CAPACITY as i64 + 1, 1 << 38, i64::MAX] {
        let fault = DeviceFault::OtherQueue { role: Role::Bob, said };
        assert_eq!(queue_of(Role::Bob, said), Err(fault));
    }
}

/// A cable that takes everything and says nothing.
struct Sink;

impl Transport for Sink {
    fn send(&mut self, _: &[u8]) -> Result<(), TransportError> {
        Ok(())
    }

    fn receive(&mut self, _: &mut Vec<u8>, _: Duration) -> Result<(), TransportError> {
        Err(TransportError::TimedOut)
    }
}

#[test]
fn a_fed_device_that_reports_nothing_ends_the_run() {
    let configure = Scenario::default().configure(defaults::KEY_WEIGHT);
    for role in [Role::Alice, Role::Bob] {
        let mut source = FeedSource::system();
        let mut given = Given {
            expected: Some(Expected::of_feed(role, &configure, 0)),
            feeder: Some(Feeder::new(role, &mut source, 1e5)),
            most_waiting: most_waiting(role, 1e-4),
        };
        let mut connection = Connection::new(Sink);
        let header =
            helio_wire::Header { stream: Stream::Control, boot_nonce: 0, epoch: 0, sequence: 0 };
        let fault = (0..10_000).find_map(|command| {
            given.advance(&mut connection).unwrap();
            let ack = DeviceMessage::Ack { command, tick: helio_units::Ticks(0) };
            given.hear(role, &Event::Message(header, ack)).err()
        });
        assert_eq!(fault, Some(DeviceFault::Mute { role }));
        let waiting = given.expected.unwrap().waiting();
        assert!(waiting <= most_waiting(role, 1e-4) + 256, "{waiting}");
    }
}

/// A generator that ends in mid-run, and one that only stands still.
#[cfg(unix)]
#[test]
fn a_source_that_ends_or_stands_still_ends_the_run() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    for (name, ends) in [("qrng.ends", true), ("qrng.stands", false)] {
        let path = folder.path().join(name);
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let feed = FeedSource::of_file(&path).unwrap();
        let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        let writer = spawn("generator", move || {
            // The last piece is not whole.
            let written = file.write_all(&vec![3; 200 * 1024 + 100]);
            if !ends {
                std::thread::sleep(Duration::from_secs(4));
            }
            written
        });
        let sources = [SettingsSource::HostFeed, SettingsSource::Own];
        let outcome = run(sources, [Some(feed), None], None, &[]);
        let fault = outcome.reports[0].fault.clone().expect("a fault").to_string();
        assert!(fault.contains("run dry") && fault.contains(name), "{fault}");
        let why = if ends { "has ended" } else { "has brought nothing" };
        assert!(fault.contains(why) && fault.contains("remove settings_feed"), "{fault}");
        assert!(slots(&outcome.settings[0]) <= 200 * 1024 / 4);
        writer.join().unwrap().unwrap();
    }
    let file = folder.path().join("file");
    std::fs::write(&file, [1; 1000]).unwrap();
    let refused = FeedSource::of_file(&file).err().unwrap().to_string();
    assert!(refused.contains("the same bytes again"), "{refused}");
    assert!(FeedSource::of_file(&folder.path().join("none")).is_err());
}
