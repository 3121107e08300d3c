//! Two stations and the line between them.

use helio_distill::pads::{PadBook, Watermarks};
use helio_distill::parameters::{PROTOCOL_VERSION, Parameters, SessionId};
use helio_distill::release::{BlockId, BlockState, StationStore};
use helio_distill::{Event, Fault, Local, MemoryStore, Role, alice, bob};
use helio_keys::{RandomLabel, SeededEntropy, Simulated, SimulatedDevices};
use zeroize::Zeroizing;

use crate::channel::{Link, Slots, emit};

pub const SILENCE_NS: u64 = 1_000_000_000;
pub const PADS: usize = 64;
pub const RESERVE: u64 = 24;

pub type Store = MemoryStore<Simulated>;

pub fn parameters(slots_per_block: u32) -> Parameters {
    Parameters {
        session: SessionId([7; 16]),
        slots_per_block,
        // A bright decoy, often sent, and balanced bases: a block of 10⁶ slots is tiny.
        mu_nano: [600_000_000, 200_000_000, 1_000_000],
        alice_key_weight: 2048,
        bob_key_weight: 2048,
        intensity_weights: [1638, 1638, 820],
        ..Parameters::example()
    }
}

pub fn secret(seed: u8) -> Zeroizing<Vec<u8>> {
    let byte = |i: usize| (i.wrapping_mul(2_654_435_761) >> 7) as u8 ^ seed;
    Zeroizing::new((0..PADS * 64).map(byte).collect())
}

pub fn book(role: Role, seed: u8) -> PadBook {
    PadBook::new(secret(seed), role, RESERVE).expect("the secret is long enough")
}

pub fn entropy(seed: u64, stream: &str) -> SeededEntropy {
    let devices = SimulatedDevices::declared(true, true).expect("both are simulated");
    SeededEntropy::new(devices, seed, stream)
}

pub fn local() -> Local {
    Local { silence_ns: SILENCE_NS, ..Local::new(RandomLabel::Seeded) }
}

/// What the line does with the message `index` (counted over both directions) from `from`.
pub type Line<'a> = dyn FnMut(Role, usize, Vec<u8>) -> Vec<(Role, Vec<u8>)> + 'a;

/// A line that carries.
pub fn carry(from: Role, _: usize, message: Vec<u8>) -> Vec<(Role, Vec<u8>)> {
    vec![(from.other(), message)]
}

pub struct Pair<S: StationStore<Simulated> = Store> {
    pub alice: alice::Session<SeededEntropy, S>,
    pub bob: bob::Session<SeededEntropy, S>,
    pub parameters: Parameters,
    pub now_ns: u64,
    pub carried: usize,
    pub events: Vec<(Role, Event)>,
    pub faults: Vec<(Role, Fault)>,
    pub seed: u64,
}

impl Pair<Store> {
    pub fn new(slots_per_block: u32, seed: u64) -> Pair<Store> {
        Pair::with(parameters(slots_per_block), seed, Store::default(), Store::default())
    }
}

impl<S: StationStore<Simulated>> Pair<S> {
    pub fn with(parameters: Parameters, seed: u64, alice: S, bob: S) -> Pair<S> {
        Pair::of(parameters, &local(), seed, alice, bob)
    }

    pub fn of(parameters: Parameters, local: &Local, seed: u64, alice: S, bob: S) -> Pair<S> {
        let local = || local.clone();
        let a = entropy(seed, "alice");
        let b = entropy(seed, "bob");
        let (pads_a, pads_b) = (book(Role::Alice, 1), book(Role::Bob, 1));
        let p = &parameters;
        Pair {
            alice: alice::Session::new(p.clone(), local(), pads_a, a, alice).expect("good"),
            bob: bob::Session::new(p.clone(), local(), pads_b, b, bob).expect("good"),
            parameters,
            now_ns: 1,
            carried: 0,
            events: Vec::new(),
            faults: Vec::new(),
            seed,
        }
    }

    pub fn connect(&mut self, line: &mut Line<'_>) {
        let a = self.alice.connect(self.now_ns);
        self.note(Role::Alice, a);
        let b = self.bob.connect(self.now_ns);
        self.note(Role::Bob, b);
        self.pump(line);
    }

    /// Both devices report the slots of one block; the talk runs until both are quiet.
    pub fn block(&mut self, block: u64, link: Link, line: &mut Line<'_>) {
        let (first, count) =
            (self.parameters.first_slot(block), u64::from(self.parameters.slots_per_block));
        let slots = emit(&self.parameters, link, self.seed, first, count);
        self.feed(&slots);
        self.pump(line);
    }

    pub fn feed(&mut self, slots: &Slots) {
        let a = self.alice.push_settings(slots.first, slots.count, &slots.alice);
        self.note(Role::Alice, a);
        let b = self.bob.push_detections(&slots.detections);
        self.note(Role::Bob, b);
        let b = self.bob.push_settings(slots.first, slots.count, &slots.bob);
        self.note(Role::Bob, b);
        let b = self.bob.reached(slots.first + slots.count);
        self.note(Role::Bob, b);
    }

    /// Carries messages until none is left.
    pub fn pump(&mut self, line: &mut Line<'_>) {
        loop {
            self.drain_events();
            let (from, message) = match (self.alice.poll_message(), self.bob.poll_message()) {
                (Some(message), None) => (Role::Alice, message),
                (None, Some(message)) => (Role::Bob, message),
                (Some(a), Some(b)) => {
                    self.carry(Role::Alice, a, line);
                    (Role::Bob, b)
                }
                (None, None) => return,
            };
            self.carry(from, message, line);
        }
    }

    fn carry(&mut self, from: Role, message: Vec<u8>, line: &mut Line<'_>) {
        let index = self.carried;
        self.carried += 1;
        self.now_ns += 1_000;
        for (to, message) in line(from, index, message) {
            let result = match to {
                Role::Alice => self.alice.handle(self.now_ns, &message),
                Role::Bob => self.bob.handle(self.now_ns, &message),
            };
            self.note(to, result);
        }
    }

    /// Lets both stations wait in vain, and talk about it.
    pub fn wait(&mut self, line: &mut Line<'_>) {
        self.now_ns += SILENCE_NS + 1_000_000;
        let a = self.alice.tick(self.now_ns);
        self.note(Role::Alice, a);
        let b = self.bob.tick(self.now_ns);
        self.note(Role::Bob, b);
        self.pump(line);
    }

    pub fn note(&mut self, role: Role, result: Result<(), Fault>) {
        if let Err(fault) = result {
            self.faults.push((role, fault));
        }
        self.drain_events();
    }

    pub fn drain_events(&mut self) {
        while let Some(event) = self.alice.poll_event() {
            self.events.push((Role::Alice, event));
        }
        while let Some(event) = self.bob.poll_event() {
            self.events.push((Role::Bob, event));
        }
    }

    /// The Hello with which a station would begin a contact now.
    pub fn hello(&mut self, role: Role) -> Vec<u8> {
        let hello = match role {
            Role::Alice => self.alice.connect(self.now_ns).map(|()| self.alice.poll_message()),
            Role::Bob => self.bob.connect(self.now_ns).map(|()| self.bob.poll_message()),
        };
        hello.ok().flatten().expect("a Hello leaves first")
    }

    pub fn watermarks(&self, role: Role) -> Watermarks {
        let watermarks = match role {
            Role::Alice => self.alice.store().watermarks(),
            Role::Bob => self.bob.store().watermarks(),
        };
        watermarks.expect("memory does not fail")
    }

    pub fn id(&self, block: u64) -> BlockId {
        BlockId { session: self.parameters.session, block }
    }

    /// Whether each station came to the end of a block that gives no key.
    pub fn both_without_key(&self) -> bool {
        let without = |e: &Event| matches!(e, Event::BlockDone(report) if report.no_key.is_some());
        let of = |role| self.events.iter().any(|(r, e)| *r == role && without(e));
        of(Role::Alice) && of(Role::Bob)
    }

    pub fn states(&self, block: u64) -> [Option<BlockState>; 2] {
        let id = self.id(block);
        [
            self.alice.store().state(id).expect("memory does not fail"),
            self.bob.store().state(id).expect("memory does not fail"),
        ]
    }
}

impl Pair<Store> {
    /// The key of a block if both can use it; panics if the two differ.
    pub fn common_key(&self, block: u64) -> Option<u64> {
        let id = self.id(block);
        let (a, b) = (self.alice.store().usable(id)?, self.bob.store().usable(id)?);
        assert!(bool::from(a.0.bits().ct_eq(b.0.bits())), "the keys differ");
        assert_eq!(a.1.public, b.1.public, "the certificates differ");
        Some(a.0.len() as u64)
    }
}

/// The envelope of a message that a station of this version could send at this slot.
pub fn envelope(kind: u8, from: Role, block: u64, sequence: u32, slot: u64) -> Vec<u8> {
    let mut bytes = vec![PROTOCOL_VERSION, kind, from as u8, 0];
    bytes.extend_from_slice(&block.to_le_bytes());
    bytes.extend_from_slice(&sequence.to_le_bytes());
    bytes.extend_from_slice(&1u64.to_le_bytes());
    bytes.extend_from_slice(&slot.to_le_bytes());
    bytes
}
