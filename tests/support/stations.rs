//! Both stations' sessions on one thread, with a perfect line between them, and their hosts' data.

use std::time::{Duration, Instant};

use helio_distill::pads::PadBook;
use helio_distill::parameters::Parameters;
use helio_distill::{Event as Talk, Local, MemoryStore, Role, alice, bob};
use helio_keys::{EntropySource, RandomLabel, SeededEntropy, Simulated, SimulatedDevices};
use helio_link::Event;
use helio_station::bench::Scenario;
use helio_timetag::{Buffer, SlotBatch, Slotter, TagBatch, TagDecoder};
use helio_wire::{DeviceMessage, Stream};
use zeroize::Zeroizing;

use super::record::{Cable, Recording};

/// Alice's session.
pub type Alice = alice::Session<SeededEntropy, MemoryStore<Simulated>>;
/// Bob's session.
pub type Bob = bob::Session<SeededEntropy, MemoryStore<Simulated>>;

/// What came of the one block.
#[derive(Clone, Copy, Debug)]
pub struct Sifted {
    /// Sifted bits of the key basis.
    pub key_bits: u64,
    /// Length of the key.
    pub length: u64,
}

/// Two sessions and the time each has taken.
pub struct Stations {
    /// Alice's.
    pub alice: Alice,
    /// Bob's.
    pub bob: Bob,
    /// Time spent in each one's calls while they talk or take data from [`Heard`], Alice's first.
    pub spent: [Duration; 2],
}

impl Stations {
    /// Fresh sessions with a common secret.
    ///
    /// # Panics
    /// Where the parameters are refused.
    pub fn new(parameters: &Parameters, seed: u64) -> Stations {
        let devices = SimulatedDevices::declared(true, true).expect("both are simulated");
        let entropy = |stream: &str| SeededEntropy::new(devices, seed, stream);
        let pads = |role| {
            let mut secret = Zeroizing::new(vec![0; 128 * 64]);
            entropy("pre-shared secret").fill(&mut secret).expect("a generator does not fail");
            PadBook::new(secret, role, 64).expect("the secret is long enough")
        };
        let local = || Local::new(RandomLabel::Seeded);
        let (a, b) = (parameters.clone(), parameters.clone());
        let (alice_pads, bob_pads) = (pads(Role::Alice), pads(Role::Bob));
        let (for_alice, for_bob) = (entropy("alice"), entropy("bob"));
        Stations {
            alice: Alice::new(a, local(), alice_pads, for_alice, MemoryStore::default())
                .expect("the parameters are good"),
            bob: Bob::new(b, local(), bob_pads, for_bob, MemoryStore::default())
                .expect("the parameters are good"),
            spent: [Duration::ZERO; 2],
        }
    }

    /// Makes contact.
    ///
    /// # Panics
    /// On any fault, as all methods.
    pub fn connect(&mut self) {
        self.alice.connect(1).expect("contact");
        self.bob.connect(1).expect("contact");
        self.talk();
    }

    /// Carries messages until nobody has more to say.
    ///
    /// # Panics
    /// On any fault.
    pub fn talk(&mut self) {
        loop {
            let (to_bob, to_alice) = (self.alice.poll_message(), self.bob.poll_message());
            if to_bob.is_none() && to_alice.is_none() {
                return;
            }
            let begun = Instant::now();
            if let Some(message) = to_alice {
                self.alice.handle(2, &message).expect("Alice understands");
            }
            let between = Instant::now();
            if let Some(message) = to_bob {
                self.bob.handle(2, &message).expect("Bob understands");
            }
            self.spent[0] += between - begun;
            self.spent[1] += between.elapsed();
        }
    }

    /// What both sessions report of the block.
    ///
    /// # Panics
    /// Where the block is not done on both sides, or the two differ.
    pub fn sifted(&mut self) -> Sifted {
        let done = |event| if let Talk::BlockDone(report) = event { Some(report) } else { None };
        let alice = std::iter::from_fn(|| self.alice.poll_event()).find_map(done);
        let bob = std::iter::from_fn(|| self.bob.poll_event()).find_map(done);
        let (alice, bob) = (alice.expect("Alice's block"), bob.expect("Bob's block"));
        assert_eq!((alice.length, &alice.fingerprint), (bob.length, &bob.fingerprint));
        Sifted { key_bits: bob.sifted_key, length: bob.length }
    }
}

/// Settings as they came: first slot, count, packed codes.
type Settings = Vec<(u64, u64, Vec<u8>)>;

/// Bob's tags on their way to slots.
pub struct HostSide {
    slotter: Slotter,
    decoder: TagDecoder,
    tags: TagBatch,
    out: SlotBatch,
}

impl HostSide {
    /// Nothing heard yet.
    ///
    /// # Panics
    /// Where the scenario's window is impossible.
    pub fn new(scenario: &Scenario) -> HostSide {
        HostSide {
            slotter: Slotter::new(scenario.slotter()).expect("the window is possible"),
            decoder: TagDecoder::new(),
            tags: TagBatch::default(),
            out: SlotBatch::default(),
        }
    }

    /// An event of Alice's cable.
    ///
    /// # Panics
    /// On a fault of the session.
    pub fn alice(&mut self, event: &Event<'_>, session: &mut Alice) {
        if let Event::Message(_, DeviceMessage::Settings(batch)) = event {
            let count = u64::from(batch.count);
            session.push_settings(batch.first.0, count, batch.packed).expect("in order");
        }
    }

    /// An event of Bob's cable.
    ///
    /// # Panics
    /// On a fault of the session.
    pub fn bob(&mut self, event: &Event<'_>, session: &mut Bob) {
        if let Event::Message(_, DeviceMessage::Settings(batch)) = event {
            let count = u64::from(batch.count);
            session.push_settings(batch.first.0, count, batch.packed).expect("in order");
        } else if self.tags(event) {
            session.push_batch(&self.out).expect("in order");
            self.out.clear();
        }
    }

    /// No event follows.
    ///
    /// # Panics
    /// On a fault of the session.
    pub fn end(&mut self, session: &mut Bob) {
        self.slotter.flush(&mut self.out);
        session.push_batch(&self.out).expect("in order");
    }

    /// Whether the event was one of tags.
    fn tags(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::Message(_, message) => self.decoder.push(message, &mut self.tags),
            Event::Lost { stream: Stream::Tags, .. } => self.decoder.frames_lost(&mut self.tags),
            _ => return false,
        }
        self.slotter.push(&self.tags, &mut self.out);
        self.tags.clear();
        true
    }

    /// All of a recording, to be given to sessions again and again.
    ///
    /// # Panics
    /// Where the scenario's window is impossible.
    pub fn hear(recording: &Recording, scenario: &Scenario) -> Heard {
        let settings = |to: &mut Settings, event: &Event<'_>| {
            if let Event::Message(_, DeviceMessage::Settings(batch)) = event {
                to.push((batch.first.0, u64::from(batch.count), batch.packed.to_vec()));
            }
        };
        let (mut alice, mut bob, mut host) = (Vec::new(), Vec::new(), HostSide::new(scenario));
        Cable::new(&recording.alice).play(|event| settings(&mut alice, &event));
        Cable::new(&recording.bob).play(|event| {
            settings(&mut bob, &event);
            host.tags(&event);
        });
        host.slotter.flush(&mut host.out);
        let tags = host.out.counters.clicks.iter().sum();
        Heard { alice, bob, slots: host.out, tags }
    }
}

/// What both hosts know after a run.
pub struct Heard {
    alice: Settings,
    bob: Settings,
    slots: SlotBatch,
    /// Tags of Bob's detectors.
    pub tags: u64,
}

impl Heard {
    /// Gives each session its data; counted as time of that session.
    ///
    /// # Panics
    /// On a fault of a session.
    pub fn give(&self, stations: &mut Stations) {
        let begun = Instant::now();
        for (first, count, packed) in &self.alice {
            stations.alice.push_settings(*first, *count, packed).expect("in order");
        }
        let between = Instant::now();
        stations.bob.push_batch(&self.slots).expect("in order");
        for (first, count, packed) in &self.bob {
            stations.bob.push_settings(*first, *count, packed).expect("in order");
        }
        stations.spent[0] += between - begun;
        stations.spent[1] += between.elapsed();
    }
}
