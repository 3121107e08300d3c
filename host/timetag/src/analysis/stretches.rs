//! Counting in stretches that do not depend on each other, on one thread or on several.

use std::thread::{Scope, ScopedJoinHandle};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, unbounded};
use helio_units::Ticks;

use super::Uncounted;
use super::clicks::{Filled, Intake, Stretch};

/// Stretches for other threads are this long: 256 KiB, so that one stays in a core's cache, and
/// handing it over costs little beside counting it.
const SHARED_CLICKS: usize = 1 << 15;
/// More clicks within reach of each other are refused: 32 MiB, and hours of counting.
const MOST_WAITING: usize = 1 << 22;

/// What is counted.
pub(super) trait Counter: Clone + Send {
    /// Counts what begins at the first `starts` clicks of the stretch.
    fn count(&mut self, clicks: &[u64], starts: usize);
    /// Nothing counted yet, of the same kind.
    fn empty(&self) -> Self;
    /// Adds what another one counted.
    fn add(&mut self, other: &Self);
}

/// A counter and the clicks that it waits with.
#[derive(Clone, Debug)]
pub(super) struct Counting<C> {
    pub(super) intake: Intake,
    counter: C,
    stretch: Stretch,
    helpers: Option<Helpers>,
    pub(super) most_waiting: usize,
}

/// The way to other threads and back.
#[derive(Clone, Debug)]
struct Helpers {
    full: Sender<Stretch>,
    used: Receiver<Stretch>,
}

impl<C: Counter> Counting<C> {
    pub(super) fn new(intake: Intake, counter: C) -> Counting<C> {
        let (stretch, most_waiting) = (Stretch::default(), MOST_WAITING);
        Counting { intake, counter, stretch, helpers: None, most_waiting }
    }

    /// Counts tags in order of time.
    ///
    /// # Errors
    /// As [`Intake::fill`]; what precedes the fault is counted. More clicks within reach of the last
    /// one than can be held.
    pub(super) fn push(
        &mut self,
        tags: impl IntoIterator<Item = (Ticks, u8)>,
    ) -> Result<(), Uncounted> {
        let mut tags = tags.into_iter();
        loop {
            let filled = self.intake.fill(&mut tags);
            let jump = match filled {
                Ok(Filled::Jump(tick, number)) => Some((tick, number)),
                _ => None,
            };
            if self.helpers.is_none()
                || self.intake.waiting().len() >= SHARED_CLICKS
                || jump.is_some()
            {
                self.intake.hand_out(&mut self.stretch, jump);
                self.work();
                if self.intake.waiting().len() > self.most_waiting {
                    return Err(Uncounted::TooDense);
                }
            }
            if jump.is_none() {
                filled?;
                return Ok(());
            }
        }
    }

    /// Counts the stretch here or gives it to a thread that has time.
    fn work(&mut self) {
        if let Some(helpers) = &self.helpers {
            match helpers.full.try_send(std::mem::take(&mut self.stretch)) {
                Ok(()) => {
                    self.stretch = helpers.used.try_recv().unwrap_or_default();
                    return;
                }
                // They have enough to do: this thread counts too.
                Err(TrySendError::Full(stretch) | TrySendError::Disconnected(stretch)) => {
                    self.stretch = stretch;
                }
            }
        }
        self.counter.count(&self.stretch.clicks, self.stretch.starts);
    }

    /// What is counted when nothing more comes.
    pub(super) fn total(&self) -> C {
        let mut total = self.counter.clone();
        let waiting = self.intake.waiting();
        total.count(waiting, waiting.len());
        total
    }

    fn hire<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        threads: usize,
    ) -> Vec<ScopedJoinHandle<'scope, C>>
    where
        C: 'scope,
    {
        let (full, work) = bounded::<Stretch>(2 * threads);
        let (done, used) = unbounded();
        let hired = (0..threads).map(|_| {
            let (mut counter, work, done) = (self.counter.empty(), work.clone(), done.clone());
            scope.spawn(move || {
                for stretch in work {
                    counter.count(&stretch.clicks, stretch.starts);
                    // Nobody takes it back at the end.
                    _ = done.send(stretch);
                }
                counter
            })
        });
        let hired = hired.collect();
        self.helpers = (threads > 0).then_some(Helpers { full, used });
        hired
    }
}

/// Lets `feed` push to `owner` while `threads` more threads count with it.
pub(super) fn on_threads<T, C: Counter, R>(
    owner: &mut T,
    counting: fn(&mut T) -> &mut Counting<C>,
    threads: usize,
    feed: impl FnOnce(&mut T) -> R,
) -> R {
    /// Lets the threads go, also when `feed` panics.
    struct Hired<'a, T, C>(&'a mut T, fn(&mut T) -> &mut Counting<C>);
    impl<T, C> Drop for Hired<'_, T, C> {
        fn drop(&mut self) {
            self.1(self.0).helpers = None;
        }
    }
    std::thread::scope(|scope| {
        let threads = counting(owner).hire(scope, threads);
        let hired = Hired(owner, counting);
        let result = feed(hired.0);
        drop(hired);
        let counter = &mut counting(owner).counter;
        for thread in threads {
            match thread.join() {
                Ok(counted) => counter.add(&counted),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        result
    })
}
