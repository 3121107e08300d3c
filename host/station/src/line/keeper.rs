//! The thread that has a line, or looks for one.
//!
//! It meets the other station, exchanges [`Opening`]s, and then carries frames: those that come go to
//! the station as [`Note`]s, those of the station leave by a second thread, with a ping over each
//! silence. A line without a sign of life is given up; then it begins anew.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use helio_distill::parameters::SessionId;

use super::frame::shown;
use super::opening::{Opening, OpeningFault, Plan};
use super::{BadFrame, Bye, Ends, Frame, LineFault, Meeting, MessageIn, MessageOut};
use crate::status::unix_now_s;

/// Over such a silence of this station a ping leaves.
const PING_EVERY: Duration = Duration::from_secs(1);
/// How long the other station may take for its first words.
const OPENING: Duration = Duration::from_secs(5);
/// A station's first word comes at once; so long after it did not, a later caller has its turn.
const SHY: Duration = Duration::from_millis(500);
/// How often the threads look around.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// After a refusal: no hurry, the cause does not go away by itself.
const REFUSED: Duration = Duration::from_secs(1);
/// A call that comes to nothing is not followed by the next one sooner: what takes calls and ends them
/// at once, a tunnel whose far end is down, would be called without a pause.
const NEXT_CALL: Duration = Duration::from_millis(250);
/// Notes that wait for the station; behind them the network waits. A message is 64 MiB at most.
const NOTES: usize = 4;
/// After the station has ended a line: so long what it said last may take to leave, and what still
/// comes is passed on.
const LAST: Duration = Duration::from_secs(2);
/// Frames that wait for the network. A station says a few and waits for their answers.
const FRAMES: usize = 256;

/// How patient a line is.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// A line without a sign of life for so long is given up.
    pub lost_after: Duration,
    /// By how much the two wall clocks may differ.
    pub clock_tolerance: Duration,
}

/// What the station hears of its line.
#[derive(Debug)]
pub enum Note {
    /// The other station is there and both have the same plan.
    Opened(Box<Opened>),
    /// Talk, light or bye.
    Frame(Frame),
    /// The line that was opened is over.
    Closed(String),
    /// Somebody was there with whom this station cannot work.
    Refused(OpeningFault),
    /// The other station said why it does not work with this one.
    Turned(String),
    /// No line can be had.
    Failed(LineFault),
}

/// A line that stands.
#[derive(Debug)]
pub struct Opened {
    /// What both do next.
    pub plan: Plan,
    /// What the other station said of itself.
    pub other: Opening,
    /// Where it is, for people.
    pub peer: String,
    /// Frames to it; dropped, it ends the line after what was sent.
    pub out: Sender<Frame>,
}

/// What the station and the thread share.
#[derive(Debug)]
pub struct Shared {
    state: Mutex<State>,
    stop: AtomicBool,
    /// Bytes from and to the other station, over all lines.
    pub bytes: [AtomicU64; 2],
}

#[derive(Debug)]
struct State {
    run: Option<SessionId>,
    /// No line before [`Shared::release`].
    held: bool,
    not_before: Instant,
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which run this station's device is in: the next opening says so.
    pub fn set_run(&self, run: Option<SessionId>) {
        self.lock().run = run;
    }

    /// The station is ready for lines: from now on they are looked for.
    pub fn release(&self) {
        self.lock().held = false;
    }

    /// No further line for so long.
    pub fn hold_off(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut state = self.lock();
        state.not_before = state.not_before.max(until);
    }
}

/// The running thread.
pub struct Keeper {
    /// What both sides share.
    pub shared: Arc<Shared>,
    /// What is heard of the line.
    pub notes: Receiver<Note>,
    thread: JoinHandle<()>,
}

impl Keeper {
    /// Starts the thread, which looks for no line before [`Shared::release`]; `opening` gives what this station says first, with a fresh nonce each time.
    pub fn start(
        meeting: Box<dyn Meeting>,
        patience: Patience,
        opening: impl FnMut() -> Option<Opening> + Send + 'static,
    ) -> Keeper {
        let shared = Arc::new(Shared {
            state: Mutex::new(State { run: None, held: true, not_before: Instant::now() }),
            stop: AtomicBool::new(false),
            bytes: Default::default(),
        });
        let (to_station, notes) = bounded(NOTES);
        let mut work = Work { meeting, patience, opening, shared: shared.clone(), to_station };
        let thread = crate::bench::run::spawn("line", move || while work.one_line() {});
        Keeper { shared, notes, thread }
    }

    /// Ends the thread; what was sent before goes out, if the network takes it within 2 s.
    pub fn stop(self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        drop(self.notes);
        if self.thread.join().is_err() {
            log::error!("the line's thread failed; please report it");
        }
    }
}

/// What came of first words.
enum First {
    /// Both have the same plan.
    Opened(Plan, Opening),
    /// A later call takes the place of one that says nothing.
    Newer(Ends),
    /// Nothing, and the station is told why.
    Nothing(Note),
}

struct Work<F> {
    meeting: Box<dyn Meeting>,
    patience: Patience,
    opening: F,
    shared: Arc<Shared>,
    to_station: Sender<Note>,
}

impl<F: FnMut() -> Option<Opening>> Work<F> {
    /// Looks for a line and serves it to its end; whether to go on.
    fn one_line(&mut self) -> bool {
        if self.stopping() {
            return false;
        }
        let wait = self.wait();
        if !wait.is_zero() {
            std::thread::sleep(wait.min(LOOK_EVERY));
            return true;
        }
        match self.meeting.meet(5 * LOOK_EVERY) {
            Ok(Some(ends)) => self.serve(ends),
            Ok(None) => true,
            Err(fault) => {
                self.shared.hold_off(REFUSED);
                self.tell(Note::Failed(fault))
            }
        }
    }

    /// How long no line is looked for, at least.
    fn wait(&self) -> Duration {
        let state = self.shared.lock();
        match state.held {
            true => LOOK_EVERY,
            false => state.not_before.saturating_duration_since(Instant::now()),
        }
    }

    fn stopping(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    fn tell(&self, note: Note) -> bool {
        self.to_station.send(note).is_ok()
    }

    fn serve(&mut self, mut ends: Ends) -> bool {
        let begun = Instant::now();
        let pause = || std::thread::sleep(NEXT_CALL.saturating_sub(begun.elapsed()));
        let (plan, other) = loop {
            match self.open(&mut ends) {
                Ok(First::Opened(plan, other)) => break (plan, other),
                Ok(First::Newer(newer)) => ends = newer,
                Ok(First::Nothing(note)) => {
                    // Whoever calls waits; who is called does not let strangers keep him from it.
                    if self.meeting.calls() {
                        self.shared.hold_off(REFUSED);
                    }
                    return self.tell(note);
                }
                // The other end went away: no word of it but for those who ask.
                Err(fault) => {
                    log::debug!("{}: {fault}", ends.peer);
                    pause();
                    return true;
                }
            }
        };
        let Ends { mut out, mut inward, peer } = ends;
        let (frames, waiting) = bounded(FRAMES);
        let over = Arc::new(AtomicBool::new(false));
        let writer = {
            let (over, shared) = (over.clone(), self.shared.clone());
            crate::bench::run::spawn("line-out", move || {
                let end = write(out.as_mut(), &waiting, &shared);
                over.store(true, Ordering::Relaxed);
                end
            })
        };
        let opened = Opened { plan, other, peer, out: frames };
        let mut why = if self.tell(Note::Opened(Box::new(opened))) {
            self.read(inward.as_mut(), &over)
        } else {
            String::new()
        };
        // Closing the way in closes both: the station's last words leave before.
        let ended = Instant::now();
        while self.stopping() && !writer.is_finished() && ended.elapsed() < LAST {
            std::thread::sleep(LOOK_EVERY / 10);
        }
        drop(inward);
        // The station drops its end when it hears that the line is over.
        let open = self.tell(Note::Closed(why.clone()));
        if let Ok(Err(fault)) = writer.join()
            && why.is_empty()
        {
            why = fault.to_string();
            log::debug!("line: {why}");
        }
        open
    }

    /// First words both ways.
    fn open(&mut self, ends: &mut Ends) -> Result<First, LineFault> {
        let Ends { out, inward, .. } = ends;
        let Some(mut mine) = (self.opening)() else {
            let why = "this station's source of random bits failed; repair it".to_owned();
            return Err(LineFault::Endpoint(why));
        };
        mine.run = self.shared.lock().run;
        mine.unix_s = unix_now_s();
        out.send(&Frame::Opening(mine.to_bytes()).to_bytes())?;
        let begun = Instant::now();
        let heard = loop {
            if self.stopping() {
                return Err(LineFault::Closed);
            }
            if begun.elapsed() > OPENING {
                return Ok(First::Nothing(Note::Failed(LineFault::Mute)));
            }
            // A caller that says nothing does not keep out the one that comes after it.
            if begun.elapsed() > SHY
                && !self.meeting.calls()
                && let Ok(Some(newer)) = self.meeting.meet(Duration::ZERO)
            {
                return Ok(First::Newer(newer));
            }
            match inward.receive(LOOK_EVERY)?.map(Frame::from_bytes) {
                None | Some(Ok(Frame::Ping)) => {}
                Some(Ok(Frame::Opening(bytes))) => break Opening::from_bytes(&bytes),
                Some(Ok(Frame::Bye(Bye::Refused { why }))) => {
                    return Ok(First::Nothing(Note::Turned(shown(&why))));
                }
                Some(Ok(_)) => {
                    break Err(BadFrame("another message before its opening".into()).into());
                }
                Some(Err(bad)) => break Err(bad.into()),
            }
        };
        let result = heard.and_then(|other| {
            let plan = mine.compare(&other, self.patience.clock_tolerance)?;
            Ok((plan, other))
        });
        Ok(match result {
            Ok((plan, other)) => First::Opened(plan, other),
            Err(fault) => {
                let bye = Bye::Refused { why: fault.to_string() };
                let _ = out.send(&Frame::Bye(bye).to_bytes());
                First::Nothing(Note::Refused(fault))
            }
        })
    }

    /// Frames to the station until the line ends; gives why it ended.
    fn read(&mut self, inward: &mut dyn MessageIn, over: &AtomicBool) -> String {
        let (mut heard, mut heard_at) = (inward.heard(), Instant::now());
        let mut ended_at: Option<Instant> = None;
        loop {
            // Whoever goes on talking does not keep a line that the station has ended.
            if (over.load(Ordering::Relaxed) || self.stopping())
                && ended_at.get_or_insert_with(Instant::now).elapsed() > LAST
            {
                return "this station ended it".into();
            }
            let received = inward.receive(LOOK_EVERY);
            let now = inward.heard();
            if now > heard {
                self.shared.bytes[0].fetch_add(now - heard, Ordering::Relaxed);
                (heard, heard_at) = (now, Instant::now());
            }
            match received {
                Ok(Some(bytes)) => match Frame::from_bytes(bytes) {
                    Ok(Frame::Ping) => {}
                    Ok(frame) => {
                        if !self.tell(Note::Frame(frame)) {
                            return String::new();
                        }
                        // The station may have had its hands full: that is not the line's silence.
                        heard_at = Instant::now();
                    }
                    Err(bad) => return bad.to_string(),
                },
                Ok(None) => {
                    if ended_at.is_some() {
                        return "this station ended it".into();
                    }
                    let silent = heard_at.elapsed();
                    if silent > self.patience.lost_after {
                        return format!("no sign of life for {} s", silent.as_secs());
                    }
                }
                Err(fault) => return fault.to_string(),
            }
        }
    }
}

/// The station's frames leave until it drops its end.
fn write(
    out: &mut dyn MessageOut,
    frames: &Receiver<Frame>,
    shared: &Shared,
) -> Result<(), LineFault> {
    loop {
        let bytes = match frames.recv_timeout(PING_EVERY) {
            Ok(frame) => frame.to_bytes(),
            Err(RecvTimeoutError::Timeout) => Frame::Ping.to_bytes(),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        out.send(&bytes)?;
        shared.bytes[1].fetch_add(bytes.len() as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Light;
    use super::super::joint::{JointMeeting, line};
    use super::super::tcp::{Caller, Listener};
    use super::*;
    use crate::store::PairingId;
    use helio_distill::Role;

    const LONG: Duration = Duration::from_secs(10);
    const PATIENCE: Patience =
        Patience { lost_after: Duration::from_secs(30), clock_tolerance: Duration::from_secs(60) };

    fn keeper(role: Role, secret: u8) -> (Sender<Ends>, Keeper) {
        let (ends, meeting) = JointMeeting::new();
        let mut count = 0;
        let opening = move || {
            count += 1;
            Some(Opening::new(role, PairingId([secret; 16]), "SIMULATED", [count; 8]))
        };
        let keeper = Keeper::start(Box::new(meeting), PATIENCE, opening);
        keeper.shared.release();
        (ends, keeper)
    }

    /// What a Bob says first who is served by hand.
    fn bobs_opening() -> Vec<u8> {
        let mut opening = Opening::new(Role::Bob, PairingId([1; 16]), "SIMULATED", [9; 8]);
        opening.unix_s = unix_now_s();
        Frame::Opening(opening.to_bytes()).to_bytes()
    }

    fn opened(keeper: &Keeper) -> Opened {
        match keeper.notes.recv_timeout(LONG).unwrap() {
            Note::Opened(opened) => *opened,
            note => panic!("{note:?}"),
        }
    }

    #[test]
    fn two_keepers_meet_talk_and_meet_again() {
        let ((to_alice, alice), (to_bob, bob)) = (keeper(Role::Alice, 1), keeper(Role::Bob, 1));
        for round in 0..3 {
            let (a, b) = line();
            to_alice.send(a).unwrap();
            to_bob.send(b).unwrap();
            let (a, b) = (opened(&alice), opened(&bob));
            assert_eq!(a.plan, b.plan);
            assert_eq!(matches!(a.plan, Plan::Resume(_)), round > 0);
            let (Plan::Begin(run) | Plan::Resume(run)) = a.plan;
            alice.shared.set_run(Some(run));
            bob.shared.set_run(Some(run));
            a.out.send(Frame::Talk(vec![1, 2])).unwrap();
            let heard = bob.notes.recv_timeout(LONG).unwrap();
            assert!(matches!(heard, Note::Frame(Frame::Talk(m)) if m == [1, 2]));
            // Alice ends the line; Bob hears of it, and both look for the next.
            drop(a);
            assert!(matches!(bob.notes.recv_timeout(LONG).unwrap(), Note::Closed(_)));
            drop(b);
            assert!(matches!(alice.notes.recv_timeout(LONG).unwrap(), Note::Closed(_)));
        }
        alice.stop();
        bob.stop();
    }

    #[test]
    fn nobody_is_met_before_the_station_is_ready() {
        let (ends, meeting) = JointMeeting::new();
        let opening = || Some(Opening::new(Role::Alice, PairingId([1; 16]), "SIMULATED", [1; 8]));
        let alice = Keeper::start(Box::new(meeting), PATIENCE, opening);
        let (a, mut far) = line();
        ends.send(a).unwrap();
        assert_eq!(far.inward.receive(Duration::from_millis(500)), Ok(None));
        alice.shared.release();
        assert!(matches!(far.inward.receive(LONG), Ok(Some(_))));
        alice.stop();
    }

    #[test]
    fn a_line_that_the_station_ended_is_over_however_much_still_comes() {
        let (to_alice, alice) = keeper(Role::Alice, 1);
        let (a, far) = line();
        to_alice.send(a).unwrap();
        let Ends { mut out, inward, .. } = far;
        out.send(&bobs_opening()).unwrap();
        drop(opened(&alice).out);
        let flood = std::thread::spawn(move || {
            let light = Frame::Light(Light::Ready).to_bytes();
            while out.send(&light).is_ok() {
                std::thread::sleep(Duration::from_millis(1));
            }
            drop(inward);
        });
        let begun = Instant::now();
        while !matches!(alice.notes.recv_timeout(LONG).unwrap(), Note::Closed(_)) {
            assert!(begun.elapsed() < LONG, "the line stays");
        }
        alice.stop();
        flood.join().unwrap();
    }

    #[test]
    fn the_last_words_leave_before_the_line_is_closed() {
        let (to_alice, alice) = keeper(Role::Alice, 1);
        let mut listener = Listener::bind("127.0.0.1:0", LONG).unwrap();
        let address = listener.endpoint().replace("listens on ", "");
        to_alice.send(Caller::new(&address, LONG).meet(LONG).unwrap().unwrap()).unwrap();
        let Ends { mut out, mut inward, .. } = listener.meet(LONG).unwrap().unwrap();
        out.send(&bobs_opening()).unwrap();
        let line = opened(&alice);
        // More than the network holds while nobody takes anything.
        for _ in 0..250 {
            line.out.send(Frame::Talk(vec![1; 100_000])).unwrap();
        }
        line.out.send(Frame::Bye(Bye::ShuttingDown)).unwrap();
        drop(line);
        let stop = std::thread::spawn(move || alice.stop());
        std::thread::sleep(Duration::from_millis(200));
        let mut last = None;
        while let Ok(Some(bytes)) = inward.receive(LONG) {
            last = Some(Frame::from_bytes(bytes).unwrap());
        }
        assert!(last == Some(Frame::Bye(Bye::ShuttingDown)), "the bye is lost");
        stop.join().unwrap();
    }

    #[test]
    fn another_secret_is_told_on_both_sides() {
        let ((to_alice, alice), (to_bob, bob)) = (keeper(Role::Alice, 1), keeper(Role::Bob, 2));
        let (a, b) = line();
        to_alice.send(a).unwrap();
        to_bob.send(b).unwrap();
        for keeper in [&alice, &bob] {
            match keeper.notes.recv_timeout(LONG).unwrap() {
                Note::Refused(OpeningFault::Secret { .. }) => {}
                note => panic!("{note:?}"),
            }
        }
        alice.stop();
        bob.stop();
    }

    /// Somebody who says something all the time keeps neither the line nor the program.
    #[test]
    fn a_line_that_is_never_silent_ends_when_the_station_ends_it() {
        let (to_alice, alice) = keeper(Role::Alice, 1);
        for ends_by_station in [true, false] {
            let (a, mut other) = line();
            to_alice.send(a).unwrap();
            let mut words = Opening::new(Role::Bob, PairingId([1; 16]), "SIMULATED", [9; 8]);
            words.unix_s = unix_now_s();
            other.out.send(&Frame::Opening(words.to_bytes()).to_bytes()).unwrap();
            let chatter = std::thread::spawn(move || {
                while other.out.send(&Frame::Ping.to_bytes()).is_ok() {
                    std::thread::sleep(Duration::from_millis(5));
                }
            });
            let opened = opened(&alice);
            if ends_by_station {
                drop(opened);
                let note = alice.notes.recv_timeout(LONG);
                assert!(matches!(note, Ok(Note::Closed(_))), "{note:?}");
                chatter.join().unwrap();
                continue;
            }
            drop(opened);
            let (done, ended) = bounded(1);
            std::thread::spawn(move || {
                alice.stop();
                let _ = done.send(());
            });
            assert!(ended.recv_timeout(LONG).is_ok(), "the line's thread does not end");
            chatter.join().unwrap();
            return;
        }
    }

    #[test]
    fn what_ends_each_call_is_not_called_without_a_pause() {
        struct Tunnel(Arc<AtomicU64>);
        impl Meeting for Tunnel {
            fn meet(&mut self, _: Duration) -> Result<Option<Ends>, crate::line::LineFault> {
                self.0.fetch_add(1, Ordering::Relaxed);
                Ok(Some(line().0))
            }
            fn endpoint(&self) -> String {
                String::new()
            }
        }
        let calls = Arc::new(AtomicU64::new(0));
        let opening = || Some(Opening::new(Role::Alice, PairingId([1; 16]), "SIMULATED", [1; 8]));
        let keeper = Keeper::start(Box::new(Tunnel(calls.clone())), PATIENCE, opening);
        keeper.shared.release();
        std::thread::sleep(Duration::from_millis(600));
        keeper.stop();
        let calls = calls.load(Ordering::Relaxed);
        assert!((1..=4).contains(&calls), "{calls} calls in 0.6 s");
    }

    /// Who comes and says nothing does not keep the other station out.
    #[test]
    fn a_silent_stranger_gives_way_to_the_next_caller() {
        let ((to_alice, alice), (to_bob, bob)) = (keeper(Role::Alice, 1), keeper(Role::Bob, 1));
        let (end, silent) = line();
        to_bob.send(end).unwrap();
        let (a, b) = line();
        to_alice.send(a).unwrap();
        to_bob.send(b).unwrap();
        assert_eq!(opened(&alice).plan, opened(&bob).plan);
        drop(silent);
        alice.stop();
        bob.stop();
    }

    #[test]
    fn a_stranger_changes_nothing() {
        let (to_alice, alice) = keeper(Role::Alice, 1);
        let (a, mut stranger) = line();
        to_alice.send(a).unwrap();
        stranger.out.send(b"GET / HTTP/1.1").unwrap();
        assert!(matches!(
            alice.notes.recv_timeout(LONG).unwrap(),
            Note::Refused(OpeningFault::NotAStation(_))
        ));
        alice.stop();
    }
}
