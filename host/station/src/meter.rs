//! Where a station's thread spends its time: in which stage of the work on blocks, on the line, or
//! waiting.
//!
//! Two clocks are read at each change: the wall's, and the thread's own, which stands still while
//! others have the core. A session says which stage it goes into
//! ([`watch_stages`](helio_distill::alice::Session::watch_stages)); what surrounds it — the line,
//! the wait for what comes next — is told by whoever serves it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use helio_distill::{Kind, Role, Stage, inspect};

/// What a thread does at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// A stage of the work.
    Stage(Stage),
    /// Bytes to or from the other station.
    Line,
    /// Nothing: the next message or data have not come.
    Waiting,
    /// What has no name here: looking after itself.
    Other,
}

/// Places of [`Doing`]: the stages, then the other three.
const PLACES: usize = Stage::ALL.len() + 3;
const LINE: usize = Stage::ALL.len();

fn place(doing: Doing) -> usize {
    match doing {
        Doing::Stage(stage) => stage as usize,
        Doing::Line => LINE,
        Doing::Waiting => LINE + 1,
        Doing::Other => LINE + 2,
    }
}

/// Time on both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Spent {
    /// On the wall's.
    pub wall: Duration,
    /// On the thread's own.
    pub cpu: Duration,
}

/// What was waiting before a stage whenever it took something.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Depths {
    taken: u64,
    sum: u64,
    /// Most that ever waited.
    pub most: u64,
}

impl Depths {
    fn note(&mut self, depth: u64) {
        self.taken += 1;
        self.sum += depth;
        self.most = self.most.max(depth);
    }

    /// Mean, with what was taken itself.
    pub fn mean(&self) -> f64 {
        self.sum as f64 / self.taken.max(1) as f64
    }
}

/// A thread's account.
pub(crate) struct Meter {
    doing: usize,
    since: (Instant, Duration),
    spent: [Spent; PLACES],
    /// How long each stage was waited for.
    waited: [Duration; Stage::ALL.len()],
    depths: [Depths; Stage::ALL.len()],
}

/// The account as it stands.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    spent: [Spent; PLACES],
    waited: [Duration; Stage::ALL.len()],
    depths: [Depths; Stage::ALL.len()],
}

impl Account {
    /// Time in a stage, on the line, waiting.
    pub fn spent(&self, doing: Doing) -> Spent {
        self.spent[place(doing)]
    }

    /// Time without anything to do until this stage could begin.
    pub fn waited(&self, stage: Stage) -> Duration {
        self.waited[stage as usize]
    }

    /// What waited before this stage.
    pub fn depths(&self, stage: Stage) -> Depths {
        self.depths[stage as usize]
    }

    /// All of the thread's own time.
    pub fn cpu(&self) -> Duration {
        self.spent.iter().map(|spent| spent.cpu).sum()
    }

    /// Charges time of another thread that works for the same station.
    pub fn add(&mut self, doing: Doing, cpu: Duration) {
        self.spent[place(doing)].cpu += cpu;
    }
}

impl Meter {
    fn new() -> Meter {
        Meter {
            doing: place(Doing::Other),
            since: (Instant::now(), thread_time()),
            spent: Default::default(),
            waited: Default::default(),
            depths: Default::default(),
        }
    }

    fn go(&mut self, to: usize) -> Duration {
        let now = (Instant::now(), thread_time());
        let (since, spent) = (self.since, &mut self.spent[self.doing]);
        let passed = now.0.saturating_duration_since(since.0);
        spent.wall += passed;
        spent.cpu += now.1.saturating_sub(since.1);
        (self.doing, self.since) = (to, now);
        passed
    }
}

/// A meter that the thread and its session share. It measures the thread that calls it; one at a
/// time.
#[derive(Clone)]
pub(crate) struct SharedMeter(Arc<Mutex<Meter>>);

impl SharedMeter {
    /// Begins with nothing spent; to be made on the thread it measures.
    pub fn new() -> SharedMeter {
        SharedMeter(Arc::new(Mutex::new(Meter::new())))
    }

    /// From now on the thread does this.
    pub fn now(&self, doing: Doing) {
        self.lock().go(place(doing));
    }

    /// Does something that is counted there, and goes back to [`Doing::Other`].
    pub fn during<T>(&self, doing: Doing, work: impl FnOnce() -> T) -> T {
        self.now(doing);
        let result = work();
        self.now(Doing::Other);
        result
    }

    /// The wait is over: `stage` can begin, and `depth` things waited before it.
    pub fn came(&self, stage: Stage, depth: u64) {
        let mut meter = self.lock();
        let waiting = meter.doing == place(Doing::Waiting);
        let passed = meter.go(place(Doing::Other));
        if waiting {
            meter.waited[stage as usize] += passed;
        }
        meter.depths[stage as usize].note(depth);
    }

    /// A whole call of a session that begins with `stage`; between such calls the thread waits.
    pub fn stage<T>(&self, stage: Stage, call: impl FnOnce() -> T) -> T {
        self.came(stage, 1);
        self.now(Doing::Stage(stage));
        let result = call();
        self.now(Doing::Waiting);
        result
    }

    /// The account as it stands.
    pub fn account(&self) -> Account {
        let mut meter = self.lock();
        let doing = meter.doing;
        meter.go(doing);
        let Meter { spent, waited, depths, .. } = *meter;
        Account { spent, waited, depths }
    }

    /// For [`helio_distill::alice::Session::watch_stages`].
    pub fn watch(&self) -> impl FnMut(Stage) + Send + 'static {
        let meter = self.clone();
        move |stage| meter.now(Doing::Stage(stage))
    }

    fn lock(&self) -> MutexGuard<'_, Meter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stage that this message lets `role` begin; [`Stage::Release`] for what belongs to no block.
pub(crate) fn begins(role: Role, message: &[u8]) -> Stage {
    let Some(kind) = inspect(message).map(|message| message.kind) else { return Stage::Release };
    match (role, kind) {
        (_, Kind::Detections | Kind::Sift) => Stage::Sift,
        (_, Kind::TestResult) => Stage::Estimate,
        (_, Kind::Declaration | Kind::Reconcile) => Stage::Reconcile,
        (_, Kind::VerifyKey) => Stage::Verify,
        (_, Kind::Verdict | Kind::Amplify) => Stage::Amplify,
        _ => Stage::Release,
    }
}

/// How long the calling thread has had a core.
#[cfg(unix)]
pub(crate) fn thread_time() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.max(0) as u64, time.tv_nsec.clamp(0, 999_999_999) as u32)
}

/// The thread's own clock is not read here: the wall's stands in for it.
#[cfg(not(unix))]
pub(crate) fn thread_time() -> Duration {
    use std::sync::OnceLock;
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    BEGUN.get_or_init(Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever is done, no time is lost and none is counted twice.
    #[test]
    fn the_account_holds_all_of_the_time() {
        let meter = SharedMeter::new();
        let begun = Instant::now();
        meter.now(Doing::Waiting);
        std::thread::sleep(Duration::from_millis(20));
        meter.came(Stage::Sift, 3);
        meter.watch()(Stage::Reconcile);
        let mut sum = 0u64;
        while begun.elapsed() < Duration::from_millis(40) {
            sum = sum.wrapping_mul(3).wrapping_add(1);
        }
        std::hint::black_box(sum);
        meter.came(Stage::Sift, 1);
        let account = meter.account();
        let total: Duration = account.spent.iter().map(|spent| spent.wall).sum();
        assert!(total >= begun.elapsed() - Duration::from_millis(5), "{total:?}");
        assert!(account.waited(Stage::Sift) >= Duration::from_millis(20));
        assert_eq!(account.waited(Stage::Sift), account.spent(Doing::Waiting).wall);
        let reconcile = account.spent(Doing::Stage(Stage::Reconcile));
        assert!(reconcile.wall > Duration::ZERO && reconcile.cpu <= account.cpu());
        assert_eq!(account.depths(Stage::Sift).most, 3);
        assert_eq!(account.depths(Stage::Sift).mean(), 2.0);
    }
}
