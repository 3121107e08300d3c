//! Two stations on disks, the messages between them in the test's hands, and the two invariants of
//! the release checked after everything that happens.

use std::collections::{HashSet, VecDeque};
use std::hash::{Hash, Hasher};

use helio_distill::pads::{PadBook, Purpose, Watermarks, Way};
use helio_distill::parameters::{CodeChoice, Parameters};
use helio_distill::release::{BlockState, StationStore};
use helio_distill::{Progress, Role, alice, bob, inspect};
use zeroize::Zeroizing;

use crate::channel::{Link, Slots, emit};
use crate::disk::{Content, Disk, Fuse};
use crate::pair::{Pair, SILENCE_NS, entropy, local, parameters};

/// About the smallest block that gives a key under the real bound, on a nearly perfect link.
pub const SLOTS: u32 = 240_000;
const LINK: Link = Link { eta: 1.0, dark: 1e-7, misalignment: 0.001 };
const ROLES: [Role; 2] = [Role::Alice, Role::Bob];

/// With LDPC: Cascade, which such a block would take, has many more messages for a fault to fall on, and
/// at this error rate now and then runs out of λ_max by itself.
pub fn small_block() -> Parameters {
    let mu_nano = [900_000_000, 300_000_000, 1_000_000];
    Parameters { mu_nano, code: CodeChoice::Ldpc, ..parameters(SLOTS) }
}

/// The data of blocks 0 to `count - 1`.
pub fn blocks(seed: u64, count: u64) -> Vec<Slots> {
    let slots = u64::from(SLOTS);
    (0..count).map(|block| emit(&small_block(), LINK, seed, block * slots, slots)).collect()
}

/// How many pads a direction, and how many of them for recovery.
#[derive(Clone, Copy)]
pub struct Pads {
    pub all: usize,
    pub reserve: u64,
}

impl Pads {
    fn book(self, role: Role) -> PadBook {
        let byte = |i: usize| (i.wrapping_mul(2_654_435_761) >> 7) as u8;
        let secret = Zeroizing::new((0..self.all * 64).map(byte).collect());
        PadBook::new(secret, role, self.reserve).expect("the secret is long enough")
    }
}

pub struct World<'a> {
    pub pair: Pair<Disk>,
    pub disks: [Disk; 2],
    /// What is on its way to Alice and to Bob, oldest first.
    pub lines: [VecDeque<Vec<u8>>; 2],
    /// Everything that ever left, by the receiver.
    pub sent: Vec<(Role, Vec<u8>)>,
    pub fed: usize,
    /// Digest of all that each station was told since the beginning: a session is a function of it.
    pub told: [[u64; 2]; 2],
    blocks: &'a [Slots],
    pads: Pads,
    seed: u64,
    lives: [u64; 2],
    made: HashSet<(Role, Purpose, u64)>,
    burnt_in: [Watermarks; 2],
    last: Vec<[Option<BlockState>; 2]>,
}

impl<'a> World<'a> {
    pub fn new(blocks: &'a [Slots], pads: Pads, seed: u64) -> World<'a> {
        World::on([Disk::default(), Disk::default()], blocks, pads, seed)
    }

    /// What outlives both machines.
    pub fn snapshot(&self) -> Snapshot<'a> {
        Snapshot {
            disks: [self.disks[0].content(), self.disks[1].content()],
            made: self.made.clone(),
            fed: self.fed,
            blocks: self.blocks,
            pads: self.pads,
            seed: self.seed + 1,
        }
    }

    fn on(disks: [Disk; 2], blocks: &'a [Slots], pads: Pads, seed: u64) -> World<'a> {
        let mut pair = Pair::with(small_block(), seed, disks[0].clone(), disks[1].clone());
        let p = small_block();
        let [a, b] = [("alice", Role::Alice), ("bob", Role::Bob)]
            .map(|(stream, role)| (pads.book(role), entropy(seed, stream)));
        pair.alice = alice::Session::new(p.clone(), local(), a.0, a.1, disks[0].clone()).unwrap();
        pair.bob = bob::Session::new(p, local(), b.0, b.1, disks[1].clone()).unwrap();
        World {
            pair,
            disks,
            lines: Default::default(),
            sent: Vec::new(),
            fed: 0,
            told: [[0; 2]; 2],
            blocks,
            pads,
            seed,
            lives: [0; 2],
            made: HashSet::new(),
            burnt_in: Default::default(),
            last: Vec::new(),
        }
    }

    /// Both stations begin a contact. What was on its way is lost with the old line.
    pub fn connect(&mut self) {
        self.lines.iter_mut().for_each(VecDeque::clear);
        let a = self.pair.alice.connect(self.pair.now_ns);
        self.pair.note(Role::Alice, a);
        let b = self.pair.bob.connect(self.pair.now_ns);
        self.pair.note(Role::Bob, b);
        ROLES.iter().for_each(|&role| self.tell(role, b"connect"));
        self.after();
    }

    pub fn feed(&mut self) {
        let blocks = self.blocks;
        let slots = &blocks[self.fed];
        self.fed += 1;
        self.pair.feed(slots);
        ROLES.iter().for_each(|&role| self.tell(role, b"slots"));
        self.after();
    }

    /// Both stations wait in vain.
    pub fn wait(&mut self) {
        self.pair.now_ns += SILENCE_NS + 1_000_000;
        let now = self.pair.now_ns;
        let a = self.pair.alice.tick(now);
        self.pair.note(Role::Alice, a);
        let b = self.pair.bob.tick(now);
        self.pair.note(Role::Bob, b);
        ROLES.iter().for_each(|&role| self.tell(role, b"tick"));
        self.after();
    }

    /// Hands over the oldest message to `role`.
    pub fn deliver(&mut self, role: Role) {
        if let Some(message) = self.lines[role as usize].pop_front() {
            self.hand(role, &message);
        }
    }

    /// Hands a message to `role`. A tag whose pad was burnt before must change nothing for good.
    pub fn hand(&mut self, role: Role, message: &[u8]) {
        let now = self.pair.now_ns;
        let stale = inspect(message).and_then(|seen| seen.pad).is_some_and(|(purpose, index)| {
            let burnt = self.disks[role as usize].burnt_ahead(purpose).unwrap();
            index < self.watermarks(role).next(Way::In, purpose) || burnt.contains(&index)
        });
        let before = (self.usable(role), self.is_open(role));
        let result = match role {
            Role::Alice => self.pair.alice.handle(now, message),
            Role::Bob => self.pair.bob.handle(now, message),
        };
        self.pair.note(role, result);
        let after = (self.usable(role), self.is_open(role));
        assert!(!stale || (after.0 == before.0 && after.1 <= before.1), "a tag verified twice");
        self.tell(role, message);
        self.after();
    }

    /// The station begins no more blocks.
    pub fn wind_down(&mut self, role: Role) {
        match role {
            Role::Alice => self.pair.alice.wind_down(),
            Role::Bob => self.pair.bob.wind_down(),
        }
        self.tell(role, b"wind down");
        self.after();
    }

    /// The station ends what is in progress; nothing of it may be left.
    pub fn abort(&mut self, role: Role) {
        let now = self.pair.now_ns;
        let result = match role {
            Role::Alice => self.pair.alice.abort(now),
            Role::Bob => self.pair.bob.abort(now),
        };
        self.pair.note(role, result);
        assert!(self.is_idle(role), "{role} goes on");
        self.tell(role, b"abort");
        self.after();
    }

    pub fn is_idle(&self, role: Role) -> bool {
        match role {
            Role::Alice => self.pair.alice.is_idle(),
            Role::Bob => self.pair.bob.is_idle(),
        }
    }

    pub fn progress(&self, role: Role) -> Progress {
        match role {
            Role::Alice => self.pair.alice.progress(),
            Role::Bob => self.pair.bob.progress(),
        }
    }

    /// The station's machine stops; a new session begins with what its disk holds.
    pub fn crash(&mut self, role: Role) {
        let i = role as usize;
        self.disks[i].revive();
        self.lives[i] += 1;
        let random = entropy(self.seed.wrapping_mul(1_000) + self.lives[i], "a later life");
        let (p, book, disk) = (small_block(), self.pads.book(role), self.disks[i].clone());
        let past = self.fed as u64 * u64::from(SLOTS);
        match role {
            Role::Alice => {
                self.pair.alice = alice::Session::new(p, local(), book, random, disk).unwrap();
                let lost = self.pair.alice.lost_settings(0..past);
                self.pair.note(role, lost);
            }
            Role::Bob => {
                self.pair.bob = bob::Session::new(p, local(), book, random, disk).unwrap();
                let lost = self.pair.bob.lost_settings(0..past);
                self.pair.note(role, lost);
                let reached = self.pair.bob.reached(past);
                self.pair.note(role, reached);
            }
        }
        self.tell(role, b"crash");
        self.after();
    }

    /// Delivers until nothing is on its way.
    pub fn deliver_all(&mut self) {
        for _ in 0..2_000 {
            if self.lines.iter().all(VecDeque::is_empty) {
                return;
            }
            ROLES.iter().for_each(|&role| self.deliver(role));
        }
        panic!("the stations talk without end");
    }

    /// Clean contacts until nothing is open; gives how many it took.
    pub fn settle(&mut self) -> usize {
        for disk in &self.disks {
            disk.set_fuse(None);
        }
        for contacts in 1..=4 {
            self.connect();
            self.deliver_all();
            self.wait();
            self.deliver_all();
            let open = ROLES.iter().all(|&role| self.is_open(role));
            let pending = self.disks.iter().any(|d| !d.pending().unwrap().is_empty());
            if open && !pending {
                let usable = ROLES.map(|role| self.usable(role));
                assert_eq!(usable[0], usable[1], "usable on one side only");
                return contacts;
            }
        }
        panic!("not settled after four clean contacts: {:?}", self.pair.faults);
    }

    pub fn is_open(&self, role: Role) -> bool {
        match role {
            Role::Alice => self.pair.alice.is_open(),
            Role::Bob => self.pair.bob.is_open(),
        }
    }

    pub fn watermarks(&self, role: Role) -> Watermarks {
        self.disks[role as usize].watermarks().unwrap()
    }

    /// Blocks whose key `role` may use.
    pub fn usable(&self, role: Role) -> Vec<u64> {
        let kept = self.disks[role as usize].kept();
        let usable = kept.blocks().filter(|(_, state)| *state == BlockState::Usable);
        usable.map(|(id, _)| id.block).collect()
    }

    pub fn set_fuse(&mut self, role: Role, fuse: Fuse) {
        self.disks[role as usize].set_fuse(Some(fuse));
        self.tell(role, format!("{fuse:?}").as_bytes());
    }

    /// Digest of all that decides what can come: what each station was told, and the lines.
    pub fn digest(&self) -> [u64; 2] {
        [0, 1].map(|salt: u64| {
            let mut hasher = std::hash::DefaultHasher::new();
            (salt, &self.told, &self.lines).hash(&mut hasher);
            hasher.finish()
        })
    }

    fn tell(&mut self, role: Role, what: &[u8]) {
        let told = self.told[role as usize];
        self.told[role as usize] = [0, 1].map(|salt: u64| {
            let mut hasher = std::hash::DefaultHasher::new();
            (salt, told, self.pair.now_ns, what).hash(&mut hasher);
            hasher.finish()
        });
    }

    /// Crashes what its disk stopped, takes what the stations say, and checks the invariants.
    fn after(&mut self) {
        for role in ROLES {
            // What a machine would have said after the write that killed it never left.
            if self.disks[role as usize].is_dead() {
                self.crash(role);
            }
        }
        while let Some(message) = self.pair.alice.poll_message() {
            self.take(Role::Alice, message);
        }
        while let Some(message) = self.pair.bob.poll_message() {
            self.take(Role::Bob, message);
        }
        self.pair.drain_events();
        self.check();
    }

    /// A message that leaves: a tag in it is the only one its pad ever makes, and its pad's use was
    /// durable before.
    fn take(&mut self, from: Role, message: Vec<u8>) {
        let seen = inspect(&message).expect("a station says what can be read");
        assert_eq!(seen.from, from);
        if let Some((purpose, index)) = seen.pad {
            assert!(self.made.insert((from, purpose, index)), "{from} used a pad twice");
            assert!(self.watermarks(from).next(Way::Out, purpose) > index, "not durable");
        }
        self.sent.push((from.other(), message.clone()));
        self.lines[from.other() as usize].push_back(message);
    }

    fn check(&mut self) {
        for role in ROLES {
            let (old, new) = (self.burnt_in[role as usize], self.watermarks(role));
            for purpose in [Purpose::Block, Purpose::Recovery] {
                assert!(new.next(Way::In, purpose) >= old.next(Way::In, purpose), "pads came back");
            }
            self.burnt_in[role as usize] = new;
        }
        self.last.resize(self.fed, [None; 2]);
        for block in 0..self.fed {
            let id = self.pair.id(block as u64);
            let states = self.pair.states(block as u64);
            for (was, is) in self.last[block].iter().zip(states) {
                let for_good = matches!(was, Some(BlockState::Usable | BlockState::Burnt));
                assert!(!for_good || *was == is, "block {block} went from {was:?} to {is:?}");
            }
            self.last[block] = states;
            // A key that one may use is there on the other side, and is the same.
            let fits = match states {
                [Some(BlockState::Usable), theirs] => theirs == Some(BlockState::Usable),
                [mine, Some(BlockState::Usable)] => mine == Some(BlockState::Pending),
                _ => true,
            };
            assert!(fits, "block {block}: {states:?}");
            if states.contains(&Some(BlockState::Usable)) {
                let [a, b] = [&self.disks[0], &self.disks[1]].map(|d| d.held(id).expect("held"));
                assert!(bool::from(a.ct_eq(&b)), "the keys of block {block} differ");
            }
        }
    }
}

/// Two disks, and which pads made a tag so far.
pub struct Snapshot<'a> {
    disks: [Content; 2],
    made: HashSet<(Role, Purpose, u64)>,
    fed: usize,
    blocks: &'a [Slots],
    pads: Pads,
    seed: u64,
}

impl<'a> Snapshot<'a> {
    /// Both machines start anew on copies of the disks.
    pub fn start(&self) -> World<'a> {
        let disks = [0, 1].map(|i| Disk::of(&self.disks[i]).expect("it came from a disk"));
        let mut world = World::on(disks, self.blocks, self.pads, self.seed);
        world.made.clone_from(&self.made);
        world.fed = self.fed;
        ROLES.iter().for_each(|&role| world.crash(role));
        world
    }
}
