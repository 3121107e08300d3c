//! Whole devices for callers with one thread: the bench in software, an emulated board.

use crate::alice::{AliceData, PulseWords};
use crate::bob::BobData;
use crate::cable::{DataLane, Transmit};
use crate::control::Control;
use crate::identity::{Identity, Profile};
use crate::planes::{Counters, EVENTS, Event, Events};
use crate::receiver::{ActiveReceiver, PassiveReceiver, Receiver};
use helio_bench::{
    Board, EdgeSource, InterlockState, Modulator, NoBoard, Polarization, PulseSource, RandomSource,
    SlotClock, SlotPlayer,
};
use helio_units::{Picoseconds, Ticks};
use helio_wire::RebootMode;

/// The parts of a sender.
pub struct AliceParts<S, M, P, R> {
    /// The laser and its enable line.
    pub source: S,
    /// The polarization modulator.
    pub modulator: M,
    /// What clocks slot words out.
    pub player: P,
    /// Where settings come from.
    pub random: R,
}

/// The parts of a sender at work.
pub struct AlicePartsMut<'a, S, M, P, R> {
    /// The laser and its enable line.
    pub source: &'a mut S,
    /// The polarization modulator.
    pub modulator: &'a mut M,
    /// What clocks slot words out.
    pub player: &'a mut P,
    /// Where settings come from.
    pub random: &'a mut R,
}

/// A sender.
pub struct Alice<S, M, P, R, B = NoBoard> {
    control: Control<B>,
    data: AliceData<P, R>,
    source: S,
    modulator: M,
    /// As the source was told last, in picoseconds.
    delays: [i32; 4],
    inbox: EventBox,
}

impl<S: PulseSource, M: Modulator, P: SlotPlayer, R: RandomSource> Alice<S, M, P, R> {
    /// Just booted: dark.
    pub fn new(identity: Identity, parts: AliceParts<S, M, P, R>) -> Alice<S, M, P, R> {
        Alice::on_board(identity, parts, NoBoard)
    }
}

impl<S: PulseSource, M: Modulator, P: SlotPlayer, R: RandomSource, B: Board> Alice<S, M, P, R, B> {
    /// Just booted, on a board that can be set and sensed: dark.
    pub fn on_board(identity: Identity, parts: AliceParts<S, M, P, R>, board: B) -> Self {
        let AliceParts { mut source, modulator, player, random } = parts;
        source.set_enabled(false);
        let (nonce, tick) = (identity.boot_nonce, identity.tick_length);
        let profile = Profile::alice(identity, &source, &modulator, &random);
        Alice {
            control: Control::with_board(profile, board),
            data: AliceData::new(nonce, tick, player, random).with_words(PulseWords::of(&source)),
            source,
            modulator,
            delays: [0; 4],
            inbox: EventBox::default(),
        }
    }

    /// The control plane's turn; at least once a millisecond. Drives the enable line.
    pub fn poll(&mut self, now: Ticks, rx: &[u8], tx: &mut impl Transmit) {
        let orders = self.control.poll(now, self.inbox.take().as_slice(), rx, tx);
        self.source.set_enabled(orders.enable);
        for state in Polarization::ALL {
            let ordered = orders.delays[state as usize];
            let told = core::mem::replace(&mut self.delays[state as usize], ordered);
            if told != ordered {
                self.source.set_delay(state, Picoseconds(ordered.into()));
            }
        }
        while let Some(supply) = self.control.supply() {
            self.data.supply(supply);
        }
        self.data.order(&orders);
        if orders.halt {
            // Not at the next run: dark now.
            self.run(now, tx);
        }
    }

    /// The data plane's turn; before the player runs dry.
    pub fn run(&mut self, now: Ticks, tx: &mut impl Transmit) {
        if self.inbox.has_room() {
            let events = self.data.run(now, &mut DataLane(tx));
            self.inbox.add(events);
        }
    }

    /// A trigger has come: the next burst begins.
    pub fn trigger(&mut self) {
        self.data.trigger();
    }

    /// Something the board has seen.
    pub fn signal(&mut self, event: Event) {
        self.inbox.signal(event);
    }

    /// The parts, for a bench that steps them between turns.
    pub fn parts_mut(&mut self) -> AlicePartsMut<'_, S, M, P, R> {
        let (player, random) = self.data.parts_mut();
        AlicePartsMut { source: &mut self.source, modulator: &mut self.modulator, player, random }
    }

    /// A reset that the host has ordered, see [`Control::reboot_ordered`].
    pub fn reboot_ordered(&self) -> Option<RebootMode> {
        self.control.reboot_ordered()
    }

    /// The board.
    pub fn board_mut(&mut self) -> &mut B {
        self.control.board_mut()
    }

    /// Where the interlock stands.
    pub fn interlock(&self) -> InterlockState {
        self.control.interlock()
    }

    /// Whether a run is on: ordered, and not known to have ended.
    pub fn is_running(&self) -> bool {
        self.control.is_running()
    }

    /// Whether the host has not fed enough to play so many slots: a bench that lets time pass waits
    /// for that.
    pub fn is_hungry(&self, slots: usize) -> bool {
        self.data.is_hungry(slots)
    }

    /// What the data plane has counted.
    pub fn counters(&self) -> Counters {
        self.data.counters()
    }
}

/// The parts of a receiver that chooses its basis itself.
pub struct BobParts<M, P, E, C, R> {
    /// The modulator in front of the detectors.
    pub modulator: M,
    /// What clocks settings out.
    pub player: P,
    /// The detectors, and the sync photodiode on the last channel.
    pub edges: E,
    /// When slots begin.
    pub clock: C,
    /// Where settings come from.
    pub random: R,
}

/// The parts of a receiver at work.
pub struct BobPartsMut<'a, M, P, E, C, R> {
    /// The modulator in front of the detectors.
    pub modulator: &'a mut M,
    /// What clocks settings out.
    pub player: &'a mut P,
    /// The detectors, and the sync photodiode on the last channel.
    pub edges: &'a mut E,
    /// When slots begin.
    pub clock: &'a mut C,
    /// Where settings come from.
    pub random: &'a mut R,
}

/// A receiver; `V` is an [`ActiveReceiver`] or a [`PassiveReceiver`].
pub struct Bob<E, V, B = NoBoard> {
    control: Control<B>,
    data: BobData<E, V>,
    inbox: EventBox,
}

impl<M, P, E, C, R> Bob<E, ActiveReceiver<M, P, C, R>>
where
    M: Modulator,
    P: SlotPlayer,
    E: EdgeSource,
    C: SlotClock,
    R: RandomSource,
{
    /// A receiver that chooses its basis itself, just booted.
    pub fn new(identity: Identity, parts: BobParts<M, P, E, C, R>) -> Self {
        Bob::on_board(identity, parts, NoBoard)
    }
}

impl<M, P, E, C, R, B> Bob<E, ActiveReceiver<M, P, C, R>, B>
where
    M: Modulator,
    P: SlotPlayer,
    E: EdgeSource,
    C: SlotClock,
    R: RandomSource,
    B: Board,
{
    /// The same on a board that can be set and sensed.
    pub fn on_board(identity: Identity, parts: BobParts<M, P, E, C, R>, board: B) -> Self {
        let BobParts { modulator, player, edges, clock, random } = parts;
        let (nonce, tick) = (identity.boot_nonce, identity.tick_length);
        let receiver = ActiveReceiver::new(nonce, tick, modulator, player, clock, random);
        Bob::with_receiver(identity, edges, receiver, board)
    }

    /// The parts, for a bench that steps them between turns.
    pub fn parts_mut(&mut self) -> BobPartsMut<'_, M, P, E, C, R> {
        let (edges, receiver) = self.data.parts_mut();
        let (modulator, player, clock, random) = receiver.parts_mut();
        BobPartsMut { modulator, player, edges, clock, random }
    }
}

impl<E: EdgeSource> Bob<E, PassiveReceiver> {
    /// A receiver whose basis a beam splitter chooses, just booted.
    pub fn passive(identity: Identity, edges: E) -> Self {
        Bob::with_receiver(identity, edges, PassiveReceiver, NoBoard)
    }
}

impl<E: EdgeSource, B: Board> Bob<E, PassiveReceiver, B> {
    /// The same on a board that can be set and sensed.
    pub fn passive_on_board(identity: Identity, edges: E, board: B) -> Self {
        Bob::with_receiver(identity, edges, PassiveReceiver, board)
    }

    /// The edge source, for a bench that steps it between turns.
    pub fn edges_mut(&mut self) -> &mut E {
        self.data.parts_mut().0
    }
}

impl<E: EdgeSource, V: Receiver, B: Board> Bob<E, V, B> {
    fn with_receiver(identity: Identity, edges: E, receiver: V, board: B) -> Self {
        debug_assert_eq!(identity.tick_length, edges.tick_length());
        let data = BobData::new(identity.boot_nonce, edges, receiver);
        let profile = Profile::receiver(identity, data.detectors(), data.receiver());
        Bob { control: Control::with_board(profile, board), data, inbox: EventBox::default() }
    }

    /// The control plane's turn; at least once a millisecond.
    pub fn poll(&mut self, now: Ticks, rx: &[u8], tx: &mut impl Transmit) {
        let orders = self.control.poll(now, self.inbox.take().as_slice(), rx, tx);
        while let Some(supply) = self.control.supply() {
            self.data.supply(supply);
        }
        self.data.order(&orders);
        if orders.halt {
            self.run(now, tx);
        }
    }

    /// The data plane's turn; at least once a millisecond.
    pub fn run(&mut self, now: Ticks, tx: &mut impl Transmit) {
        if self.inbox.has_room() {
            let events = self.data.run(now, &mut DataLane(tx));
            self.inbox.add(events);
        }
    }

    /// Something the board has seen.
    pub fn signal(&mut self, event: Event) {
        self.inbox.signal(event);
    }

    /// A reset that the host has ordered, see [`Control::reboot_ordered`].
    pub fn reboot_ordered(&self) -> Option<RebootMode> {
        self.control.reboot_ordered()
    }

    /// The board.
    pub fn board_mut(&mut self) -> &mut B {
        self.control.board_mut()
    }

    /// Where the interlock stands.
    pub fn interlock(&self) -> InterlockState {
        self.control.interlock()
    }

    /// Whether a run is on: ordered, and not known to have ended.
    pub fn is_running(&self) -> bool {
        self.control.is_running()
    }

    /// Whether the host has not fed enough to play so many slots: a bench that lets time pass waits
    /// for that.
    pub fn is_hungry(&self, slots: usize) -> bool {
        self.data.receiver().is_hungry(slots)
    }

    /// Whether a run is on whose slot clock the host steers.
    pub fn is_steered(&self) -> bool {
        self.data.is_steered()
    }

    /// What the data plane has counted.
    pub fn counters(&self) -> Counters {
        self.data.counters()
    }
}

/// Events that wait for the next poll. Where nobody polls, the data plane is not run any more and
/// its player goes dark.
#[derive(Default)]
struct EventBox {
    events: heapless::Vec<Event, { 4 * EVENTS }>,
    counters: Option<Counters>,
}

impl EventBox {
    fn has_room(&self) -> bool {
        self.events.capacity() - self.events.len() > 2 * EVENTS
    }

    fn add(&mut self, events: Events) {
        for event in events {
            match event {
                Event::Counters(counters) => self.counters = Some(counters),
                event => self.signal(event),
            }
        }
    }

    /// A board's signal that finds no room has been there several times.
    fn signal(&mut self, event: Event) {
        if !self.events.contains(&event) {
            let _ = self.events.push(event);
        }
    }

    fn take(&mut self) -> heapless::Vec<Event, { 4 * EVENTS }> {
        let EventBox { mut events, counters } = core::mem::take(self);
        if let Some(counters) = counters {
            let _ = events.push(Event::Counters(counters));
        }
        events
    }
}
